//! Calls of Segment and RudderStack.

use wayfold_core::bodies::{
    AccountJoined, LeadCaptured, MessageOpened, MessageUnsubscribed, NeedIdentified, OrderCancelled,
    OrderChanged, ProductViewed, ProfileChanged, ReviewWritten, TouchpointReached,
};
use wayfold_core::{Channel, EventId, JourneyEvent, Stage};

use super::commerce::{Made, ProductNames, customer, lines, money, order_placed, refund};
use super::{ForeignSpec, Line};
use crate::error::Problem;
use crate::members::{Members, fault, missing};
use crate::row::Fault;

/// Names the events of an import, beside their source.
const RULE: &str = "segment";

pub(super) fn read(spec: &ForeignSpec, text: &str) -> Result<Line, Fault> {
    let mut call = Members::parse(text)?;
    let kind = call.need("type")?;
    if kind == "alias" {
        return Ok(Line::Skipped("alias: identities are not linked yet"));
    }
    let customer = customer(call.text("userId")?, call.text("anonymousId")?)?;
    let id = EventId::from_natural_key(&spec.source, RULE, &[&call.need("messageId")?]);
    // Both are taken, so that the original one, whose clock may be wrong, is no attribute.
    let (at, original) = (call.time("timestamp")?, call.time("originalTimestamp")?);
    let at = at.or(original).ok_or_else(|| missing("timestamp"))?;
    let received_at = call.time("receivedAt")?;
    let channel = match call.text("channel")?.as_deref() {
        Some("browser" | "web") => Some(Channel::Web),
        Some("mobile") => Some(Channel::App),
        _ => None,
    };
    let mut content =
        call.object(if matches!(&*kind, "identify" | "group") { "traits" } else { "properties" })?;
    let (made, channel) = match &*kind {
        "track" => (track(&call.need("event")?, &mut content, spec)?, channel),
        "identify" => (Made::new(ProfileChanged {}), channel),
        "page" | "screen" => {
            let seen = call.text("name")?.or(content.first(&["path", "url"])?);
            let reached = TouchpointReached { content: seen, dwell_ms: None, load_ms: None, error: None };
            (Made::new(reached), Some(if kind == "page" { Channel::Web } else { Channel::App }))
        }
        "group" => (Made::new(AccountJoined { account: call.need("groupId")?, role: None }), channel),
        other => return Err(fault(Problem::Word, "type", other, &"it is no call of the specification")),
    };
    let mut event = JourneyEvent::new(id, customer, at, made.body);
    (event.stage, event.tags, event.channel) = (made.stage, made.tags, channel);
    event.received_at = received_at.map(|received| received.instant());
    event.source = Some(spec.source.clone());
    content.into_attributes("", &mut event.attributes)?;
    call.object("context")?.object("campaign")?.into_attributes("campaign.", &mut event.attributes)?;
    Ok(Line::Event(Box::new(event)))
}

/// The body of a named event; what has no kind of ours is a custom one at the stage to which it belongs.
fn track(name: &str, content: &mut Members<'_>, spec: &ForeignSpec) -> Result<Made, Fault> {
    let names = ProductNames { ids: &["product_id", "sku"], rounding: spec.rounding };
    let order = |content: &mut Members<'_>| content.need("order_id");
    match name {
        "Products Searched" => Ok(Made::new(NeedIdentified { category: content.text("query")? })),
        "Promotion Clicked" => {
            let campaign = content.first(&["promotion_id", "name"])?;
            Ok(Made::new(LeadCaptured { source: content.text("creative")?, campaign, medium: None }))
        }
        "Product Viewed" => {
            let product = content.first(names.ids)?;
            Made::new(ProductViewed {}).with_tag("product", product.as_deref())
        }
        "Email Opened" => {
            let campaign = content.first(&["campaign_name", "campaign_id"])?;
            Ok(Made::new(MessageOpened { campaign }).at(Stage::Information))
        }
        "Unsubscribed" => {
            let campaign = content.first(&["campaign_name", "campaign_id"])?;
            Ok(Made::new(MessageUnsubscribed { campaign }).at(Stage::AfterSales))
        }
        "Order Completed" => {
            let (order, amount) = (order(content)?, revenue(content, spec)?);
            let amount = amount.ok_or_else(|| missing("revenue"))?;
            order_placed(&order, amount, lines(content.objects("products")?, &names)?)
        }
        "Order Updated" => {
            let (order, amount) = (order(content)?, revenue(content, spec)?);
            let lines = lines(content.objects("products")?, &names)?;
            Made::new(OrderChanged { lines, amount, promised_at: None }).with_tag("order", Some(&order))
        }
        "Order Refunded" => {
            let (order, stated) = (order(content)?, content.text("currency")?);
            let total = content.amount("total", spec.rounding)?;
            refund(&order, money(total, stated.as_deref(), spec)?)
        }
        "Order Cancelled" => {
            let order = order(content)?;
            Made::new(OrderCancelled { reason: content.text("reason")? }).with_tag("order", Some(&order))
        }
        "Product Reviewed" => {
            let product = content.first(names.ids)?;
            let rating = content.amount("rating", spec.rounding)?;
            Made::new(ReviewWritten { rating }).with_tag("product", product.as_deref())
        }
        _ => {
            let product = content.first(names.ids)?;
            Made::custom(name, stage(name))?.with_tag("product", product.as_deref())
        }
    }
}

/// The stage of an event that has no kind of ours.
fn stage(name: &str) -> Option<Stage> {
    match name {
        "Signed Up" | "Trial Started" => Some(Stage::Need),
        "Product List Viewed" | "Product List Filtered" | "Product Added to Wishlist" => {
            Some(Stage::Information)
        }
        "Product Added"
        | "Product Removed"
        | "Cart Viewed"
        | "Checkout Started"
        | "Checkout Step Viewed"
        | "Checkout Step Completed"
        | "Payment Info Entered" => Some(Stage::Decision),
        _ if name.starts_with("Coupon ") => Some(Stage::Decision),
        _ => None,
    }
}

/// What an order is worth without shipping and tax: `revenue`, or what is left of `total`, which includes them.
fn revenue(content: &mut Members<'_>, spec: &ForeignSpec) -> Result<Option<wayfold_core::Money>, Fault> {
    let stated = content.text("currency")?;
    let mut amount = |name: &str| content.amount(name, spec.rounding);
    let (revenue, total) = (amount("revenue")?, amount("total")?);
    let (shipping, tax) = (amount("shipping")?, amount("tax")?);
    let less = |total: wayfold_core::Amount| {
        let parts = [shipping, tax].into_iter().flatten().map(wayfold_core::Amount::as_ten_thousandths);
        let rest = parts.fold(i128::from(total.as_ten_thousandths()), |rest, part| rest - i128::from(part));
        let wrong = || Fault::new(Problem::Money, "total less shipping and tax is beyond 64 bits");
        i64::try_from(rest).map(wayfold_core::Amount::from_ten_thousandths).map_err(|_| wrong())
    };
    let worth = match revenue {
        Some(revenue) => Some(revenue),
        None => total.map(less).transpose()?,
    };
    money(worth, stated.as_deref(), spec)
}
