//! Pages of selections: chained by cursors, merged over shards, checked against a naive evaluation.

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::bodies::OrderCancelled;
use wayfold_core::{
    Currency, Cursor, CustomerView, ErrorKind, Filter, Fold, JourneyEvent, LifecycleStage, Money, MoneySum,
    Order, OrderPlaced, Page, Registered, Selection, Tag, Tenant, Timestamp,
};

use super::select::of;
use super::support::{about, batch, day, event, placed, projections};

const AS_OF: u32 = 400;

fn folds(events: &[JourneyEvent], shards: usize) -> Vec<Fold> {
    let fold = |index| {
        let mut fold = Fold::new(&projections()).with_shard(index, shards);
        assert!(fold.apply(&[batch(events)]).refolds.is_empty());
        fold
    };
    (0..shards).map(fold).collect()
}

fn page(folds: &[Fold], selection: &Selection) -> Page {
    let pages = folds.iter().map(|fold| fold.select(&Tenant::default(), day(AS_OF), selection).unwrap());
    pages.reduce(Page::merge).unwrap()
}

/// All customers by pages of a size, and how large each page was.
fn chained(folds: &[Fold], mut selection: Selection) -> Vec<CustomerView> {
    let (mut customers, limit) = (Vec::new(), selection.limit);
    loop {
        let page = page(folds, &selection);
        let next = page.next();
        assert!(page.customers().len() == limit || (next.is_none() && page.customers().len() < limit));
        let matching = page.matching();
        customers.extend(page.into_customers());
        let Some(next) = next else {
            assert_eq!(customers.len() as u64, matching);
            return customers;
        };
        let text = serde_json::to_string(&next).unwrap();
        selection.after = Some(serde_json::from_str::<Cursor>(&text).unwrap());
    }
}

fn usd(text: &str) -> OrderPlaced {
    OrderPlaced { lines: vec![], amount: Money::parse(text, Currency::USD).unwrap(), promised_at: None }
}

/// What one customer did: the day, the amount in EUR or USD or none at all, and whether the order was cancelled.
type Deeds = Vec<(u32, i64, u8, bool)>;

fn history(customers: &[(String, Deeds)]) -> Vec<JourneyEvent> {
    let mut events = Vec::new();
    for (number, (name, deeds)) in customers.iter().enumerate() {
        let name = format!("{name}{number}");
        for (place, (at, amount, what, cancelled)) in deeds.iter().enumerate() {
            let id = (number * 100 + place * 2) as u128;
            let (order, amount) = (format!("o{id}"), amount.to_string());
            let body = match what {
                0 => event(id, day(*at), Registered {}),
                1 => event(id, day(*at), usd(&amount)).with_tag(Tag::order(&order).unwrap()),
                _ => placed(&order, id, day(*at), &amount),
            };
            events.push(of(&name, body));
            if *cancelled && *what > 0 {
                events.push(of(&name, about(&order, id + 1, day(*at + 1), OrderCancelled { reason: None })));
            }
        }
    }
    events
}

fn customers() -> impl Strategy<Value = Vec<(String, Deeds)>> {
    let name = prop_oneof![Just("c".to_owned()), "[a-b]{1,3}", Just("\u{202e}\"]\0".to_owned())];
    vec((name, vec((0..350_u32, 0..4_i64, 0..4_u8, any::<bool>()), 1..5)), 0..25)
}

/// A filter that can be asked and also evaluated by hand.
#[derive(Debug, Clone)]
enum Naive {
    Stage(LifecycleStage),
    NetAtLeast(i64),
    SeenBefore(u32),
    Purchases(u32),
    Buys(Currency),
    HasPurchase,
    Not(Box<Naive>),
    Both(Box<Naive>, Box<Naive>),
    Either(Box<Naive>, Box<Naive>),
}

impl Naive {
    fn filter(&self) -> Filter {
        match self {
            Self::Stage(stage) => Filter::field("lifecycle.stage").is(*stage),
            Self::NetAtLeast(least) => {
                Filter::field("value.currencies[EUR].net").at_least(format!("{least}.5 EUR"))
            }
            Self::SeenBefore(number) => Filter::field("first_seen_at").less(day(*number)),
            Self::Purchases(number) => Filter::field("value.purchases").at_most(*number),
            Self::Buys(currency) => Filter::field("segment.rfm[*].currency").is(currency.as_str()),
            Self::HasPurchase => Filter::field("lifecycle.last_purchase_at").exists(),
            Self::Not(one) => !one.filter(),
            Self::Both(one, other) => one.filter().and(other.filter()),
            Self::Either(one, other) => one.filter().or(other.filter()),
        }
    }

    fn holds(&self, view: &CustomerView) -> bool {
        match self {
            Self::Stage(stage) => view.lifecycle.stage == *stage,
            Self::NetAtLeast(least) => {
                net(view).is_some_and(|net| net.as_ten_thousandths() >= i128::from(*least) * 10_000 + 5_000)
            }
            Self::SeenBefore(number) => view.first_seen_at < day(*number),
            Self::Purchases(number) => view.value.purchases <= *number,
            Self::Buys(currency) => view.segment.rfm.iter().any(|rfm| rfm.currency == *currency),
            Self::HasPurchase => view.lifecycle.last_purchase_at.is_some(),
            Self::Not(one) => !one.holds(view),
            Self::Both(one, other) => one.holds(view) && other.holds(view),
            Self::Either(one, other) => one.holds(view) || other.holds(view),
        }
    }
}

fn net(view: &CustomerView) -> Option<MoneySum> {
    view.value.currencies.iter().find(|value| value.currency == Currency::EUR).map(|value| value.net)
}

fn naive() -> impl Strategy<Value = Naive> {
    let leaf = prop_oneof![
        proptest::sample::select(LifecycleStage::ALL.to_vec()).prop_map(Naive::Stage),
        (0..9_i64).prop_map(Naive::NetAtLeast),
        (0..350_u32).prop_map(Naive::SeenBefore),
        (0..4_u32).prop_map(Naive::Purchases),
        proptest::sample::select(vec![Currency::EUR, Currency::USD, Currency::GBP]).prop_map(Naive::Buys),
        Just(Naive::HasPurchase),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| Naive::Not(Box::new(one))),
            (inner.clone(), inner.clone())
                .prop_map(|(one, other)| Naive::Both(Box::new(one), Box::new(other))),
            (inner.clone(), inner).prop_map(|(one, other)| Naive::Either(Box::new(one), Box::new(other))),
        ]
    })
}

#[derive(Debug, Clone, Copy)]
enum By {
    Key,
    Net,
    LastPurchase,
    Events,
    Stage,
}

impl By {
    fn field(self) -> &'static str {
        match self {
            Self::Key => "key.customer",
            Self::Net => "value.currencies[EUR].net",
            Self::LastPurchase => "lifecycle.last_purchase_at",
            Self::Events => "events",
            Self::Stage => "lifecycle.stage",
        }
    }

    fn sort(self, views: &mut [CustomerView], descending: bool) {
        match self {
            Self::Key => sort_by(views, descending, |view| Some(view.key.customer.to_string())),
            Self::Net => sort_by(views, descending, |view| net(view).map(MoneySum::as_ten_thousandths)),
            Self::LastPurchase => sort_by(views, descending, |view| view.lifecycle.last_purchase_at),
            Self::Events => sort_by(views, descending, |view| Some(view.events)),
            Self::Stage => sort_by(views, descending, |view| Some(view.lifecycle.stage.as_str())),
        }
    }
}

fn sort_by<T: Ord>(views: &mut [CustomerView], descending: bool, value: impl Fn(&CustomerView) -> Option<T>) {
    views.sort_by(|a, b| {
        let by_value = match (value(a), value(b)) {
            (Some(a), Some(b)) if descending => b.cmp(&a),
            (Some(a), Some(b)) => a.cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        by_value.then_with(|| a.key.cmp(&b.key))
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn chained_pages_are_the_whole_sorted_list_once(
        customers in customers(),
        naive in naive(),
        by in proptest::sample::select(vec![By::Key, By::Net, By::LastPurchase, By::Events, By::Stage]),
        descending: bool,
        limit in 1..9_usize,
        shards in 1..5_usize,
    ) {
        let events = history(&customers);
        let [whole] = &folds(&events, 1)[..] else { panic!("one fold") };
        let mut expected: Vec<_> = whole
            .customers()
            .iter()
            .map(|key| whole.view(key, day(AS_OF)).unwrap().unwrap())
            .filter(|view| naive.holds(view))
            .collect();
        by.sort(&mut expected, descending);
        let order = if descending { Order::descending(by.field()) } else { Order::ascending(by.field()) };
        let selection = Selection::new(naive.filter()).with_order(order).with_limit(limit);
        prop_assert_eq!(chained(&folds(&events, shards), selection), expected);
    }

    #[test]
    fn any_text_is_a_cursor_or_refused(text in "[0-9a-f]{0,80}|.{0,20}", place: prop::sample::Index, digit in "[0-9a-g]") {
        prop_assert_eq!(Cursor::parse(&text).unwrap_err().kind(), ErrorKind::InvalidCursor);
        let mut text = first_cursor().to_string();
        let place = place.index(text.len());
        text.replace_range(place..=place, &digit);
        let read = Cursor::parse(&text);
        prop_assert!(read.is_ok() || read.unwrap_err().kind() == ErrorKind::InvalidCursor);
    }
}

fn three() -> Vec<JourneyEvent> {
    ["a", "b", "c"]
        .iter()
        .zip(1..)
        .map(|(name, id)| of(name, event(id, day(id as u32), Registered {})))
        .collect()
}

fn first_cursor() -> Cursor {
    page(&folds(&three(), 1), &Selection::default().with_limit(1)).next().unwrap()
}

#[test]
fn a_cursor_belongs_to_its_question() {
    let fold = &folds(&three(), 1)[0];
    let ask = |tenant: &str, selection: Selection| {
        fold.select(&Tenant::new(tenant).unwrap(), day(9), &selection.with_after(first_cursor()))
    };
    assert_eq!(ask("", Selection::default()).unwrap().customers().len(), 2, "the limit may be another");
    let foreign = [
        ask("other", Selection::default()),
        ask("", Selection::default().with_order(Order::descending("key.customer"))),
        ask("", Selection::default().with_order(Order::ascending("events"))),
        ask("", Selection::new(Filter::field("events").is(1))),
    ];
    for refused in foreign {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCursor, "{error}");
        assert!(error.to_string().contains("another question"), "{error}");
    }
}

#[test]
fn customers_who_come_and_go_in_between_do_not_shift_the_next_page() {
    let selection = Selection::default().with_limit(2);
    let next = page(&folds(&three(), 1), &selection).next().unwrap();
    let mut later = three();
    later.remove(1);
    later.push(of("aa", event(9, day(9), Registered {})));
    later.push(of("d", event(10, day(9), Registered {})));
    let page = page(&folds(&later, 2), &selection.with_after(next));
    let names: Vec<_> = page.customers().map(|view| view.key.to_string()).collect();
    assert_eq!((names, page.matching(), page.next()), (vec!["c".to_owned(), "d".to_owned()], 4, None));
}

#[test]
fn no_limit_costs_nothing_and_none_counts() {
    let folds = folds(&three(), 2);
    let all = page(&folds, &Selection::default().with_limit(usize::MAX));
    assert_eq!((all.customers().len(), all.next()), (3, None));
    let none = page(&folds, &Selection::default().with_limit(0));
    assert_eq!((none.customers().len(), none.matching(), none.next()), (0, 3, None));
}

#[test]
#[should_panic(expected = "only answers to one question can be merged")]
fn pages_of_two_questions_do_not_merge() {
    let folds = folds(&three(), 1);
    let _ = page(&folds, &Selection::default()).merge(page(&folds, &Selection::default().with_limit(1)));
}

#[test]
fn the_end_of_time_and_equal_values_keep_their_places() {
    let events = vec![
        of("a", event(1, Timestamp::MIN, Registered {})),
        of("b", event(2, Timestamp::MIN, Registered {})),
    ];
    let order = Order::descending("first_seen_at");
    let customers = chained(&folds(&events, 1), Selection::default().with_order(order).with_limit(1));
    assert_eq!(customers.iter().map(|view| view.key.to_string()).collect::<Vec<_>>(), ["a", "b"]);
}
