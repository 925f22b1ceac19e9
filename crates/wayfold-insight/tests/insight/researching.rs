//! Research answers beside plain loops, and a worked case.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{EventBody, JourneyEvent, OrderCancelled, ResearchAnswered, Tag};
use wayfold_insight::{BucketUnit, Calendar, Confidence, Research, ResearchBy, ResearchRow, Tz};

use super::made::{check_laws, event, hour, placed, total};

fn measure() -> Research {
    Research::new(Calendar::new(Tz::UTC, BucketUnit::Day))
        .by_segment(|history| Some(history.customer().1.to_owned()).filter(|name| name != "c0"))
}

fn answer(study: &str, method: Option<&str>, theme: Option<&str>) -> EventBody {
    let text = |text: &str| text.to_owned();
    ResearchAnswered { study: Some(text(study)), method: method.map(text), theme: theme.map(text) }.into()
}

/// Of three who answered in spring, ada twice about the price, once before and once after she bought; bob about the price and
/// the colour; cleo about nothing in particular. Dan, who answered in autumn, cancelled what he had bought.
#[test]
fn a_person_counts_once_in_a_row() {
    let order = |event: JourneyEvent, order: &str| event.with_tag(Tag::order(order).unwrap());
    let events = [
        event(0, "ada", hour(0), answer("spring", Some("call"), Some("price"))),
        order(event(1, "ada", hour(5), placed(9, &[], None)), "o1"),
        event(2, "ada", hour(30), answer("spring", Some("mail"), Some("price"))),
        event(3, "bob", hour(2), answer("spring", Some("mail"), Some("price"))),
        event(4, "bob", hour(3), answer("spring", Some("mail"), Some("colour"))),
        event(5, "cleo", hour(4), answer("spring", None, None)),
        order(event(6, "dan", hour(1), placed(9, &[], None)), "o2"),
        event(7, "dan", hour(6), answer("autumn", Some("mail"), Some("price"))),
        order(event(8, "dan", hour(7), OrderCancelled { reason: None }), "o2"),
    ];
    let (measure, found) = (measure(), total(&measure(), &events));
    let rows = |by: &[ResearchBy]| measure.report(&found, by, Confidence::P95);

    let all = rows(&[]);
    assert_eq!((all.len(), all[0].answers, all[0].people, all[0].share), (1, 6, 4, None));
    let studies: Vec<_> = rows(&[ResearchBy::Study])
        .into_iter()
        .map(|row| (row.study.unwrap(), row.answers, row.people))
        .collect();
    assert_eq!(studies, [("autumn".to_owned(), 1, 1), ("spring".to_owned(), 5, 3)]);

    let themes = rows(&[ResearchBy::Theme, ResearchBy::Study]);
    let told: Vec<_> = themes
        .iter()
        .map(|row| (row.study.as_deref().unwrap(), row.theme.as_deref(), row.answers, row.people))
        .collect();
    let expected = [
        ("autumn", Some("price"), 1, 1),
        ("spring", None, 1, 1),
        ("spring", Some("colour"), 1, 1),
        ("spring", Some("price"), 3, 2),
    ];
    assert_eq!(told, expected);
    // Wilson's interval for 2 of 3, by his formula with z = 1.959964.
    let (share, interval) = themes[3].share.unwrap();
    assert_eq!(format!("{share:.4} {:.4} {:.4}", interval.low, interval.high), "66.6667 20.7660 93.8508");

    let buyers: Vec<_> =
        rows(&[ResearchBy::Buyer]).into_iter().map(|row| (row.is_buyer, row.answers, row.people)).collect();
    assert_eq!(buyers, [(Some(false), 5, 4), (Some(true), 1, 1)]);
    let days: Vec<_> = rows(&[ResearchBy::Period])
        .into_iter()
        .map(|row| (row.period.unwrap().to_string(), row.people))
        .collect();
    assert_eq!(days, [("2024-03-04".to_owned(), 4), ("2024-03-05".to_owned(), 1)]);
    let methods: Vec<_> =
        rows(&[ResearchBy::Method]).into_iter().map(|row| (row.method, row.people)).collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(methods, [(None, 1), (text("call"), 1), (text("mail"), 3)]);
    assert_eq!(rows(&[ResearchBy::Segment]).len(), 4);
}

/// Whose, when, of which study, method and theme; an order where the theme is 4.
type Happened = (usize, i64, usize, usize, usize);

const WORDS: [&str; 3] = ["x", "y", "z"];

fn made(happened: &[Happened]) -> Vec<JourneyEvent> {
    let one = |(number, (customer, time, study, method, theme)): (usize, &Happened)| {
        let (name, at) = (format!("c{customer}"), hour(*time));
        if *theme == 4 {
            return event(number, &name, at, placed(1, &[], None))
                .with_tag(Tag::order(number.to_string()).unwrap());
        }
        let body = answer(WORDS[*study], WORDS.get(*method).copied(), WORDS.get(*theme).copied());
        event(number, &name, at, body)
    };
    happened.iter().enumerate().map(one).collect()
}

const BY: [ResearchBy; 6] = [
    ResearchBy::Study,
    ResearchBy::Method,
    ResearchBy::Period,
    ResearchBy::Buyer,
    ResearchBy::Segment,
    ResearchBy::Theme,
];

type Key = [Option<String>; 6];

fn key_of(row: &ResearchRow) -> Key {
    [
        row.study.clone(),
        row.method.clone(),
        row.period.map(|day| day.to_string()),
        row.is_buyer.map(|is_buyer| is_buyer.to_string()),
        row.segment.clone(),
        row.theme.clone(),
    ]
}

/// What an answer is about, as far as it is asked for.
fn key(happened: &[Happened], of: &Happened, asked: &[bool; 6]) -> Key {
    let (customer, time, study, method, theme) = *of;
    let word = |place: usize| WORDS.get(place).map(|word| (*word).to_owned());
    let is_buyer = happened.iter().any(|other| other.0 == customer && other.4 == 4 && other.1 <= time);
    let day = if time < 24 { "2024-03-04" } else { "2024-03-05" };
    let segment = (customer > 0).then(|| format!("c{customer}"));
    let key =
        [word(study), word(method), Some(day.to_owned()), Some(is_buyer.to_string()), segment, word(theme)];
    let mut place = 0;
    key.map(|value| {
        place += 1;
        value.filter(|_| asked[place - 1])
    })
}

proptest! {
    #[test]
    fn rows_are_those_of_plain_loops(
        happened in vec((0..4_usize, 0..48_i64, 0..2_usize, 0..4_usize, 0..5_usize), 0..30),
        asked in any::<[bool; 6]>(),
    ) {
        let (measure, events) = (measure(), made(&happened));
        let by: Vec<_> = BY.into_iter().zip(asked).filter(|(_, asked)| *asked).map(|(by, _)| by).collect();
        let report = |total: &_| measure.report(total, &by, Confidence::P90);
        check_laws(&measure, &events, report);

        let mut expected: BTreeMap<Key, (u64, BTreeSet<usize>)> = BTreeMap::new();
        let mut bases: BTreeMap<Key, BTreeSet<usize>> = BTreeMap::new();
        for of in happened.iter().filter(|of| of.4 != 4) {
            let key = key(&happened, of, &asked);
            let mut base = key.clone();
            base[5] = None;
            bases.entry(base).or_default().insert(of.0);
            let row = expected.entry(key).or_default();
            row.0 += 1;
            row.1.insert(of.0);
        }
        let found = report(&total(&measure, &events));
        let keys: Vec<Key> = found.iter().map(key_of).collect();
        prop_assert_eq!(keys, expected.keys().cloned().collect::<Vec<_>>());
        for row in found {
            let (answers, people) = &expected[&key_of(&row)];
            prop_assert_eq!((row.answers, row.people), (*answers, people.len() as u64));
            let mut base = key_of(&row);
            base[5] = None;
            let share = 100.0 * people.len() as f64 / bases[&base].len() as f64;
            prop_assert_eq!(row.share.is_some(), asked[5]);
            prop_assert!(row.share.is_none_or(|(found, _)| (found - share).abs() < 1e-9));
        }
    }
}
