//! Rows of the export of Google Analytics 4 to BigQuery, as JSON.

use wayfold_core::bodies::{
    DealLost, LeadCaptured, LeadDisqualified, NeedIdentified, PointsEarned, PointsRedeemed, ProductViewed,
    TouchpointReached,
};
use wayfold_core::{Channel, EventId, JourneyEvent, Stage, Timestamp};

use super::ForeignSpec;
use super::commerce::{Made, ProductNames, customer, lines, money, order_placed, refund};
use crate::error::Problem;
use crate::members::{Members, fault, missing};
use crate::row::Fault;

/// Names the events of an import, beside their source.
const RULE: &str = "ga4";
/// What tells events of one visitor, name and instant apart; older exports lack the last three.
const TOLD_APART: [&str; 4] =
    ["event_bundle_sequence_id", "batch_page_id", "batch_ordering_id", "batch_event_index"];

pub(super) fn read(spec: &ForeignSpec, text: &str) -> Result<JourneyEvent, Fault> {
    let mut row = Members::parse(text)?;
    let name = row.need("event_name")?;
    let micros = row.integer("event_timestamp")?.ok_or_else(|| missing("event_timestamp"))?;
    let at = Timestamp::from_micros(micros)
        .map_err(|error| fault(Problem::Time, "event_timestamp", &micros.to_string(), &error))?;
    let (user, visitor) = (row.text("user_id")?, row.text("user_pseudo_id")?);
    let apart = TOLD_APART.map(|part| row.text(part));
    let mut key =
        vec![visitor.clone().or_else(|| user.clone()).unwrap_or_default(), micros.to_string(), name.clone()];
    for part in apart {
        key.push(part?.unwrap_or_default());
    }
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    let id = EventId::from_natural_key(&spec.source, RULE, &key);
    let customer = customer(user, visitor)?;
    let channel = match row.text("platform")?.as_deref() {
        Some("WEB") => Some(Channel::Web),
        Some("IOS" | "ANDROID") => Some(Channel::App),
        _ => None,
    };
    let mut parameters = Parameters(parameters(row.objects("event_params")?)?);
    let made = made(&name, &mut parameters, &mut row, spec)?;
    let mut event = JourneyEvent::new(id, customer, at, made.body);
    (event.stage, event.tags, event.channel) = (made.stage, made.tags, channel);
    event.source = Some(spec.source.clone());
    parameters.0.into_attributes("", &mut event.attributes)?;
    row.object("traffic_source")?.into_attributes("traffic_source.", &mut event.attributes)?;
    Ok(event)
}

/// The parameters of an event by their keys.
struct Parameters<'a>(Members<'a>);

/// Each parameter is a key and one value of several types.
fn parameters(list: Vec<Members<'_>>) -> Result<Members<'_>, Fault> {
    let mut parameters = Members::default();
    for mut entry in list {
        let key = entry.need("key")?;
        let mut value = entry.object("value")?;
        let types = ["string_value", "int_value", "double_value", "float_value"];
        if let Some(json) = types.iter().find_map(|name| value.json(name)) {
            parameters.put(&key, json)?;
        }
    }
    Ok(parameters)
}

/// The body of a named event; what has no kind of ours is a custom one at the stage to which it belongs.
fn made(
    name: &str,
    Parameters(parameters): &mut Parameters<'_>,
    row: &mut Members<'_>,
    spec: &ForeignSpec,
) -> Result<Made, Fault> {
    let names = ProductNames { ids: &["item_id", "item_name"], rounding: spec.rounding };
    let first_product = |row: &mut Members<'_>| match row.objects("items")?.into_iter().next() {
        Some(mut item) => item.first(names.ids),
        None => Ok(None),
    };
    match name {
        "generate_lead" => {
            let (source, medium) = (parameters.text("source")?, parameters.text("medium")?);
            Ok(Made::new(LeadCaptured { source, campaign: parameters.text("campaign")?, medium }))
        }
        "disqualify_lead" => {
            Ok(Made::new(LeadDisqualified { reason: parameters.text("disqualified_lead_reason")? }))
        }
        "close_unconvert_lead" => {
            let reason = parameters.text("unconvert_lead_reason")?;
            Ok(Made::new(DealLost { reason, competitor: None }))
        }
        "search" | "view_search_results" => {
            Ok(Made::new(NeedIdentified { category: parameters.text("search_term")? }))
        }
        "page_view" | "screen_view" => {
            let seen = parameters.first(&["page_location", "firebase_screen", "firebase_screen_class"])?;
            Ok(Made::new(TouchpointReached { content: seen, dwell_ms: None, load_ms: None, error: None }))
        }
        "view_item" => Made::new(ProductViewed {}).with_tag("product", first_product(row)?.as_deref()),
        "purchase" | "refund" => {
            let mut bought = row.object("ecommerce")?;
            let order = bought.text("transaction_id")?.or(parameters.text("transaction_id")?);
            let order = order.ok_or_else(|| missing("transaction_id"))?;
            let stated = parameters.text("currency")?;
            let other = if name == "purchase" { "purchase_revenue" } else { "refund_value" };
            let amount = parameters.amount("value", spec.rounding)?.or(bought.amount(other, spec.rounding)?);
            let amount = money(amount, stated.as_deref(), spec)?;
            if name == "refund" {
                return refund(&order, amount);
            }
            let amount = amount.ok_or_else(|| missing("value"))?;
            order_placed(&order, amount, lines(row.objects("items")?, &names)?)
        }
        "earn_virtual_currency" => {
            let points = parameters.integer("value")?.ok_or_else(|| missing("value"))?;
            let reason = parameters.text("virtual_currency_name")?;
            Ok(Made::new(PointsEarned { points, reason }).at(Stage::AfterSales))
        }
        "spend_virtual_currency" => {
            let points = parameters.integer("value")?.ok_or_else(|| missing("value"))?;
            let reward = parameters.text("item_name")?;
            Ok(Made::new(PointsRedeemed { points, reward }).at(Stage::AfterSales))
        }
        _ => {
            let product = first_product(row)?;
            Made::custom(name, stage(name))?.with_tag("product", product.as_deref())
        }
    }
}

/// The stage of an event that has no kind of ours.
fn stage(name: &str) -> Option<Stage> {
    match name {
        "sign_up" | "select_promotion" => Some(Stage::Need),
        "view_item_list" | "select_item" | "add_to_wishlist" | "qualify_lead" | "working_lead" => {
            Some(Stage::Information)
        }
        "add_to_cart" | "remove_from_cart" | "view_cart" | "begin_checkout" | "add_payment_info"
        | "add_shipping_info" | "close_convert_lead" => Some(Stage::Decision),
        _ => None,
    }
}
