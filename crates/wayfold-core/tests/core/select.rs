//! Selections: filters and orders on hand-worked customers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wayfold_core::{
    Amount, Currency, CustomerAt, CustomerKey, ErrorKind, EventView, Filter, Fold, JourneyEvent,
    LifecycleStage, Money, NeedIdentified, Order, OrderPlaced, Outcome, Page, Projection, ProjectionSet,
    Registered, Selection, Tag, Tenant, Timestamp, explain,
};

use super::support::{batch, day, event, journey, placed, projections};

pub(crate) fn of(customer: &str, mut event: JourneyEvent) -> JourneyEvent {
    event.customer = CustomerKey::new(customer).unwrap();
    event
}

fn names(page: &Page) -> Vec<String> {
    page.customers().map(|view| view.key.customer.to_string()).collect()
}

fn folded(set: &ProjectionSet, events: &[JourneyEvent]) -> Fold {
    let mut fold = Fold::new(set);
    let applied = fold.apply(&[batch(events)]);
    assert!(applied.refolds.is_empty());
    fold
}

/// Ada bought twice for 30.05 EUR, Bob once for 9.5 EUR long ago, Cy for 10 USD, and Di is a prospect with a journey.
fn shop() -> Vec<JourneyEvent> {
    let usd = Money::parse("10", Currency::USD).unwrap();
    let body = OrderPlaced { lines: vec![], amount: usd, promised_at: Some(day(204)) };
    vec![
        of("ada", journey(placed("o1", 1, day(190), "10.05"), "j1")),
        of("ada", journey(placed("o2", 2, day(195), "20"), "j2")),
        of("bob", placed("o3", 3, day(0), "9.5")),
        of("cy", event(4, day(150), body).with_tag(Tag::order("o4").unwrap())),
        of("di", journey(event(5, day(199), NeedIdentified { category: None }), "j1")),
    ]
}

fn select(selection: &Selection) -> wayfold_core::Result<Page> {
    folded(&projections(), &shop()).select(&Tenant::default(), day(200), selection)
}

#[track_caller]
fn check(filter: Filter, expected: &[&str]) {
    let asked = format!("{filter:?}");
    assert_eq!(names(&select(&Selection::new(filter)).unwrap()), expected, "{asked}");
}

#[track_caller]
fn refused(filter: Filter, parts: &[&str]) {
    let error = select(&Selection::new(filter.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSelection, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{part:?} in {error}");
    }
    let early = Selection::new(filter).validate(&projections()).unwrap_err();
    assert_eq!(early.to_string(), error.to_string(), "it is known before any customer is");
}

fn field(name: &str) -> wayfold_core::FilteredField {
    Filter::field(name)
}

#[test]
fn fields_are_compared_by_their_types() {
    check(Filter::default(), &["ada", "bob", "cy", "di"]);
    check(field("lifecycle.stage").is(LifecycleStage::Churned), &["bob"]);
    check(field("lifecycle.stage").one_of(["repeat", "prospect"]), &["ada", "di"]);
    check(field("lifecycle.purchases").more(1), &["ada"]);
    check(field("lifecycle.purchases").less("1.5"), &["bob", "cy", "di"]);
    check(field("value.currencies[EUR].net").at_least("9.5 EUR"), &["ada", "bob"]);
    check(field("value.currencies[EUR].net").more("9.5 EUR"), &["ada"]);
    check(
        field("value.currencies[EUR].net").at_most(Money::parse("30.0499", Currency::EUR).unwrap()),
        &["bob"],
    );
    check(field("value.currencies[EUR].net").is("30.0500 EUR"), &["ada"]);
    check(field("lifecycle.last_purchase_at").less(day(150)), &["bob"]);
    check(field("lifecycle.last_purchase_at").at_most("2024-05-30"), &["bob", "cy"]);
    check(field("lifecycle.last_purchase_at").is("2024-05-30T02:00:00+02:00"), &["cy"]);
    check(field("lifecycle.stage").contains("o"), &["di"]);
    check(field("lifecycle.stage").less("first_time"), &["bob"]);
}

#[test]
fn the_view_has_fields_of_its_own() {
    check(field("key.customer").at_least("bo"), &["bob", "cy", "di"]);
    check(field("events").is(2), &["ada"]);
    check(field("unknown_events").more(0), &[]);
    check(field("first_seen_at").more(day(150)), &["ada", "di"]);
    check(field("last_seen_at").at_least(day(195)), &["ada", "di"]);
    check(field("holds_until").at_most(day(204)), &["cy"]);
    check(!field("holds_until").exists(), &["bob"]);
}

#[test]
fn any_element_of_a_list_will_do() {
    check(field("journey.journeys[*].outcome").is(Outcome::Open), &["di"]);
    check(field("journey.journeys[j1].outcome").is(Outcome::Won), &["ada"]);
    check(field("journey.journeys[*].outcome").is_not(Outcome::Won), &["bob", "cy", "di"]);
    check(field("value.currencies[*].currency").is("USD"), &["cy"]);
    check(field("value.currencies[*].net").is("10 USD"), &["cy"]);
    check(field("journey.journeys[*].stages[need].visits").at_least(1), &["di"]);
}

#[test]
fn what_is_absent_is_no_value() {
    let absent = "value.currencies[GBP].net";
    check(field(absent).is("0 GBP"), &[]);
    check(field(absent).less("1 GBP"), &[]);
    check(field(absent).exists(), &[]);
    check(field(absent).is_not("0 GBP"), &["ada", "bob", "cy", "di"]);
    check(!field(absent).exists(), &["ada", "bob", "cy", "di"]);
    check(field("segment.class").exists(), &["bob", "cy"]);
    check(field("journey.journeys").exists(), &["ada", "bob", "cy", "di"]);
}

#[test]
fn filters_are_joined() {
    let buys = field("lifecycle.purchases").more(0);
    let euro = field("value.currencies[EUR].net").exists();
    check(buys.clone().and(euro.clone()).and(field("events").is(1)), &["bob"]);
    check(field("key.customer").is("di").or(euro.clone()), &["ada", "bob", "di"]);
    check((!buys.clone()).and(!euro), &["di"]);
    check(Filter::Any(vec![]), &[]);
    check(Filter::All(vec![]).and(buys), &["ada", "bob", "cy"]);
}

#[test]
fn a_misspelt_field_is_named_with_what_there_is() {
    refused(
        field("lifecycl.stage").is("x"),
        &["\"lifecycl.stage\"", "events", "journey, lifecycle, segment, value"],
    );
    refused(field("lifecycle.stag").is("x"), &["no \"stag\"", "purchases_since_return, returned_at, stage"]);
    refused(field("journey.journeys[j9].outcom").exists(), &["no \"outcom\"", "outcome"]);
    refused(field("journey.journeys.outcome").exists(), &["stands behind a list", "[*]"]);
    refused(field("lifecycle.stage.name").exists(), &["asked of a text"]);
    refused(field("lifecycle.stage[*]").exists(), &["an element is asked of a text"]);
    refused(field("value.currencies[EUR].net.amount").exists(), &["asked of money"]);
    refused(field("events.count").exists(), &["\"events.count\""]);
    refused(field("journey.journeys[j1").exists(), &["a ] is missing"]);
    refused(field("lifecycle.").exists(), &["empty"]);
    refused(field("").exists(), &["\"\""]);
    refused(field("loyalty@2.points").exists(), &["loyalty@2.points"]);
    let hidden = field("lifecycle.purchases").is(99).and(field("lifecycle.stag").is("x"));
    refused(hidden, &["no \"stag\""]);
}

#[test]
fn what_cannot_be_compared_is_refused_with_field_type_and_value() {
    refused(field("lifecycle.purchases").is("gold"), &["\"lifecycle.purchases\"", "a number", "\"gold\""]);
    refused(field("value.currencies[EUR].net").less(5), &["money", "with 5", "9.5 EUR"]);
    refused(field("value.currencies[EUR].net").less("5 eur"), &["money", "\"5 eur\""]);
    refused(field("first_seen_at").less("2024-1-1"), &["an instant", "\"2024-1-1\"", "RFC 3339"]);
    refused(field("lifecycle.stage").is(true), &["a text", "true"]);
    refused(field("journey.journeys").is("j1"), &["a list", "[*]"]);
    refused(field("journey.journeys[j1]").is("j1"), &["a record", "name a field"]);
    refused(field("lifecycle.purchases").contains(1), &["a number"]);
    let error = select(&Selection::new(field("value.currencies[*].net").less("5 EUR"))).unwrap_err();
    assert!(
        error.to_string().contains("customer cy") && error.to_string().contains("another currency"),
        "{error}"
    );
}

#[test]
fn customers_are_ordered_by_a_field_and_those_without_it_stand_last() {
    let ordered = |order| names(&select(&Selection::default().with_order(order)).unwrap());
    let net = "value.currencies[EUR].net";
    assert_eq!(ordered(Order::ascending(net)), ["bob", "ada", "cy", "di"]);
    assert_eq!(ordered(Order::descending(net)), ["ada", "bob", "cy", "di"]);
    assert_eq!(
        ordered(Order::descending("lifecycle.purchases")),
        ["ada", "bob", "cy", "di"],
        "ties go by key"
    );
    assert_eq!(ordered(Order::descending("key.customer")), ["di", "cy", "bob", "ada"]);
    assert_eq!(ordered(Order::ascending("first_seen_at")), ["bob", "cy", "ada", "di"]);
    for bad in ["journey.journeys[*].stage", "journey.journeys", "journey.journeys[j1]", "no.such"] {
        let error = select(&Selection::default().with_order(Order::ascending(bad))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSelection, "{bad}: {error}");
    }
}

#[test]
fn a_fold_that_cannot_answer_says_so() {
    let mut fold = folded(&projections(), &shop());
    let early = fold.select(&Tenant::default(), day(0), &Selection::default()).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::InvalidTime);
    let late = fold.apply(&[batch(&[of("bob", event(9, day(0).previous(), Registered {}))])]);
    assert_eq!(late.refolds.len(), 1);
    let stale = fold.select(&Tenant::default(), day(200), &Selection::default()).unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::NotRefolded);
    let other = Tenant::new("other").unwrap();
    assert_eq!(fold.select(&other, day(200), &Selection::default()).unwrap().matching(), 0);
}

#[test]
fn a_customer_named_like_an_instant_or_a_number_is_a_name() {
    let odd = ["1e3", "2024-01-01", "2024-01-01T00:00:00Z", "\0", "zed"];
    let events = odd.iter().zip(1..).map(|(name, id)| of(name, event(id, day(1), Registered {})));
    let fold = folded(&projections(), &events.collect::<Vec<_>>());
    let ask = |filter, order| {
        let selection = Selection::new(filter).with_order(order);
        names(&fold.select(&Tenant::default(), day(2), &selection).unwrap())
    };
    let key = "key.customer";
    let bytes = ["\0", "1e3", "2024-01-01", "2024-01-01T00:00:00Z", "zed"];
    assert_eq!(ask(Filter::default(), Order::ascending(key)), bytes);
    assert_eq!(ask(field(key).less("3"), Order::default()), bytes[..4]);
    assert_eq!(ask(field(key).is("2024-01-01"), Order::default()), ["2024-01-01"]);
    assert_eq!(ask(field(key).more("1000"), Order::default()), bytes[1..]);
}

/// A projection of a user: what it counts stands in fields of many types.
struct Loyalty;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Points {
    earned: i64,
}

#[derive(Serialize)]
struct LoyaltyView {
    points: i64,
    share: f64,
    rate: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<Tier>,
    by_shop: BTreeMap<String, i64>,
    badges: Vec<&'static str>,
    joined: String,
    active: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Tier {
    Gold,
    Custom { name: String },
}

impl Projection for Loyalty {
    type State = Points;
    type View = LoyaltyView;

    fn name(&self) -> &str {
        "loyalty"
    }

    fn version(&self) -> u32 {
        2
    }

    fn evolve(&self, state: &mut Points, _event: &EventView<'_>) {
        state.earned += 1;
    }

    fn view(&self, state: &Points, customer: &CustomerAt<'_>) -> LoyaltyView {
        let points = state.earned;
        LoyaltyView {
            points,
            share: 0.1 * points as f64,
            rate: Amount::from_ten_thousandths(points * 95_000),
            tier: match points {
                1 => None,
                2 => Some(Tier::Gold),
                _ => Some(Tier::Custom { name: "vip".to_owned() }),
            },
            by_shop: [("a.b[\"c]".to_owned(), points), ("north".to_owned(), 7)].into(),
            badges: if points > 1 { vec!["new", "kind"] } else { vec![] },
            joined: customer.record().first_seen_at().to_string(),
            active: points > 1,
        }
    }

    fn holds_until(&self, _state: &Points, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

fn with_loyalty() -> (ProjectionSet, Vec<JourneyEvent>) {
    let mut set = projections();
    set.register(Loyalty).unwrap();
    let events = ["one", "two", "two", "ten"]
        .iter()
        .zip(1..)
        .map(|(name, id)| of(name, event(id, day(id as u32), Registered {})));
    let many = (10..19).map(|id| of("ten", event(id, day(20), Registered {})));
    (set, events.chain(many).collect())
}

#[test]
fn a_projection_of_ones_own_has_fields_like_any_other() {
    let (set, events) = with_loyalty();
    let fold = folded(&set, &events);
    let check = |filter: Filter, expected: &[&str]| {
        let page = fold.select(&Tenant::default(), day(30), &Selection::new(filter.clone())).unwrap();
        assert_eq!(names(&page), expected, "{filter:?}");
    };
    check(field("loyalty@2.points").at_least(2), &["ten", "two"]);
    check(field("loyalty@2.share").is("0.1"), &["one"]);
    check(field("loyalty@2.rate").less("10"), &["one"]);
    check(field("loyalty@2.rate").more(20), &["ten"]);
    check(field("events").less(5).and(field("loyalty@2.tier").is("gold")), &["two"]);
    check(!field("loyalty@2.tier").exists(), &["one"]);
    check(field("loyalty@2.by_shop.north").is(7), &["one", "ten", "two"]);
    check(field("loyalty@2.by_shop.\"a.b[\\\"c]\"").is(2), &["two"]);
    check(field("loyalty@2.by_shop.south").exists(), &[]);
    check(field("loyalty@2.badges").contains("kind"), &["ten", "two"]);
    check(field("loyalty@2.badges[*]").is("kind"), &["ten", "two"]);
    check(field("loyalty@2.badges[1]").is("kind"), &["ten", "two"]);
    check(field("loyalty@2.joined").less("2024-01-04T12:00:00+10:00"), &["one", "two"]);
    check(field("loyalty@2.active").is(false), &["one"]);
    let by_rate = Selection::default().with_order(Order::descending("loyalty@2.rate"));
    assert_eq!(names(&fold.select(&Tenant::default(), day(30), &by_rate).unwrap()), ["ten", "two", "one"]);
    let typo = Selection::new(field("loyalty@2.point").is(1));
    assert!(typo.validate(&set).is_ok(), "a view of one's own is known when customers have it");
    let error = fold.select(&Tenant::default(), day(30), &typo).unwrap_err().to_string();
    assert!(error.contains("no \"point\"; there is: active, badges, by_shop, joined, points"), "{error}");
    let mixed = fold.select(&Tenant::default(), day(30), &Selection::new(field("loyalty@2.tier").is("gold")));
    assert!(mixed.unwrap_err().to_string().contains("customer ten: field \"loyalty@2.tier\" holds a map"));
}

/// Answers with a plain number, under a name that the view itself has a field of.
struct Events;

impl Projection for Events {
    type State = ();
    type View = u8;

    fn name(&self) -> &str {
        "events"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, _state: &mut (), _event: &EventView<'_>) {}

    fn view(&self, _state: &(), _customer: &CustomerAt<'_>) -> u8 {
        9
    }

    fn holds_until(&self, _state: &(), _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

#[test]
fn a_name_with_two_meanings_is_refused() {
    let mut set = projections();
    set.register(Events).unwrap();
    let error = Selection::new(field("events").is(9)).validate(&set).unwrap_err();
    assert!(error.to_string().contains("name it differently"), "{error}");
}

#[test]
fn every_field_that_an_explanation_names_is_found_whatever_the_customer_calls_things() {
    let long = "x".repeat(10_000);
    let odd = ["a]b", "\"", "\"q\"", "*", "\0", "\u{202e}abc", "a.b[c", " ", "0", "\\", "2024-01-01", &long];
    let events: Vec<_> = odd
        .iter()
        .zip(1..)
        .map(|(name, id)| journey(placed(name, id, day(id as u32), "1"), name))
        .map(|event| of("]\"\0[", event))
        .collect();
    let (fold, key) = (folded(&projections(), &events), CustomerKey::new("]\"\0[").unwrap());
    let told = explain(&projections(), &key, &[batch(&events)], day(50)).unwrap().unwrap();
    let mut asked = 0;
    for change in told.steps.iter().flat_map(|step| &step.changes) {
        let (_, last) = told.why(&change.field).unwrap();
        let filter = match last.after.as_deref() {
            Some(text) => field(&change.field).is(text),
            None => !field(&change.field).exists(),
        };
        let page = fold.select(&Tenant::default(), day(50), &Selection::new(filter.clone())).unwrap();
        assert_eq!(page.matching(), 1, "{filter:?}");
        asked += 1;
    }
    assert!(asked > 100, "{asked}");
    let named =
        Filter::field("key.customer").is("]\"\0[").and(field("journey.journeys[\"a]b\"].outcome").is("won"));
    assert_eq!(fold.select(&Tenant::default(), day(50), &Selection::new(named)).unwrap().matching(), 1);
}

#[test]
fn a_view_tells_a_field_by_the_name_that_filters_use() {
    let fold = folded(&projections(), &shop());
    let page = fold.select(&Tenant::default(), day(200), &Selection::default()).unwrap();
    let ada = page.customers().next().unwrap();
    for (field, expected) in [
        ("key.customer", Some("ada")),
        ("lifecycle.stage", Some("repeat")),
        ("value.currencies[EUR].net", Some("30.05 EUR")),
        ("value.currencies[USD].net", None),
        ("value.gaps.count", Some("1")),
        ("lifecycle.returned_at", None),
        ("journey.journeys[j1].outcome", Some("won")),
        ("journey.journeys[*].key", Some("j1, j2")),
    ] {
        assert_eq!(ada.field(field).unwrap().as_deref(), expected, "{field}");
    }
    for (field, says) in [
        ("lifecycle.stag", "there is no \"stag\"; there is: first_purchase_at"),
        ("lifecycle", "it is a record; name what stands in it"),
        ("journey.journeys", "it is a list"),
        ("value.currencies.net", "stands behind a list"),
        ("", "field \"\""),
    ] {
        let error = ada.field(field).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSelection, "{field}");
        assert!(error.to_string().contains(says), "{field}: {error}");
    }
}
