//! Snapshots that are damaged or made up: refused with the customer's name, or read as a state that can be used. Those of
//! the first version are changed here by their text.

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{ErrorKind, EventId, Fold, Timestamp};

use super::golden;
use super::snapshot::{AS_OF, check_equal, history, refold, restore, save, save_one, saved_fold};
use super::support::{ada, batch, day, projections};

/// A part with other lines, whose head says what they are.
fn with_lines(part: &[u8], change: impl FnOnce(&str) -> String) -> Vec<u8> {
    let text = std::str::from_utf8(part).unwrap();
    let (head, lines) = text.split_once('\n').unwrap();
    let changed = change(lines);
    let bytes = |lines: &str| format!("\"bytes\":{}", lines.len());
    format!("{}\n{changed}", head.replace(&bytes(lines), &bytes(&changed))).into_bytes()
}

#[track_caller]
fn check_damage(from: &str, to: &str, message: &str) {
    let part = golden::part("snapshot.v1.history.part");
    let damaged = with_lines(&part, |lines| {
        assert!(lines.contains(from), "{lines}");
        lines.replacen(from, to, 1)
    });
    let mut fold = Fold::new(&projections()).with_as_of(day(AS_OF));
    let error = fold.restore_part(&damaged).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert_eq!(error.to_string(), format!("snapshot: {message}"));
    assert_eq!(fold.restore_part(&part).unwrap(), 3, "a refused part changes nothing");
}

#[test]
fn states_that_no_events_give_are_refused_and_the_customer_is_named() {
    let state = |why: &str| format!("customer ada: state journey@1: journey \"j1\": {why}");
    check_damage("\"steps_back\":1", "\"steps_back\":9", &state("its visits contradict its moves"));
    check_damage(
        "{\"started_at\":\"2024-01-01T00:00:00Z\"",
        "{\"started_at\":null",
        &state("it exists without an event"),
    );
    check_damage(
        "\"stage\":\"need\"",
        "\"stage\":\"delivery\"",
        &state("it is in a stage that it never entered"),
    );
    check_damage("\"ended_us\":8", "\"ended_us\":-8", &state("visits took longer than the journey"));
    check_damage("\"visits\":2", "\"visits\":4000000000", &state("a stage has more visits than events"));
    check_damage(
        "\"journey@1\"",
        "\"journey@2\"",
        "customer ada: its states are not those of the projections",
    );
    check_damage("\"segment@1\":null,", "", "customer ada: its states are not those of the projections");
    check_damage(
        "\"lifecycle@1\":null",
        "\"lifecycle@1\":0",
        "customer ada: state lifecycle@1: invalid type: integer `0`, expected unit",
    );
}

#[test]
fn records_that_no_events_give_are_refused_and_the_customer_is_named() {
    check_damage("\"many01\"", "\"many00\"", "customer ada: key \"many00\" is out of order");
    check_damage("\"many01\"", "\"\"", "customer ada: key is empty; give it at least one character");
    check_damage(
        "\"events\":",
        "\"events\":9999999999",
        "customer ada: there are no events, or more than 2^31",
    );
    check_damage("\"events\":5", "\"events\":", "customer ada: there are more orders than events");
    check_damage(
        "{\"EUR\":\"9\"}",
        "{\"EUR\":\"-99999999999999999999\"}",
        "customer ada: there is more money than events can state",
    );
    check_damage(
        "{\"EUR\":\"9\"}",
        "{\"EUR\":\"9\",\"EUR\":\"9\"}",
        "customer ada: currency EUR is out of order",
    );
    check_damage(
        "\"2024-01-05",
        "\"1924-01-05",
        "customer ada: order \"o1\": it has the instant of no event",
    );
    check_damage(
        "\"sequence\":0",
        "\"sequence\":-1",
        "customer ada: invalid value: integer `-1`, expected u32",
    );
    check_damage(
        "\"last\":{\"occurred_at\":\"2024",
        "\"last\":{\"occurred_at\":\"2023",
        "customer ada: its last event is not the one last seen",
    );
}

#[test]
fn lines_that_no_fold_writes_are_refused() {
    check_damage("\"due\":[\"2", "\"due\":[\"1", "customer bob: an event is scheduled for the past");
    check_damage(
        "\"due\":[",
        "\"due\":[\"9999-01-01\",",
        "customer bob: its scheduled events are out of order",
    );
    check_damage(
        ",\"due\":",
        ",\"dew\":",
        "customer bob: unknown field `dew`, expected one of `tenant`, `customer`, `folded`, `retracted`, `due`",
    );
    check_damage(
        "\"retracted\":[",
        "\"retracted\":[\"ffffffff-0000-0000-0000-000000000063\",",
        "customer cy: its retracted events are out of order",
    );
    check_damage("\"ada\"", "\"eve\"", "customer eve: it stands under the spread of another key");
    check_damage(
        ",\"retracted\":[\"00000000-0000-0000-0000-000000000010\"]",
        "",
        "customer cy: nothing is known of it",
    );
    check_damage(
        "\"folded\":{",
        "\"folded\":[",
        "customer ada: invalid type: string \"last\", expected struct OrderKey",
    );
    check_damage(
        "{\"tenant\"",
        "{\"tenant",
        "spread 41554f0f949993b5: unknown field `tenant:`, expected one of `tenant`, `customer`, `folded`, `retracted`, `due`",
    );
}

#[test]
fn a_part_that_was_cut_is_refused_also_for_one_customer() {
    for part in [golden::part("snapshot.v1.history.part"), save_one(&saved_fold())] {
        for length in 0..part.len() {
            let (mut fold, part) = (Fold::new(&projections()).with_as_of(day(AS_OF)), &part[..length]);
            for refused in [fold.restore_part(part).err(), fold.restore_customer(part, &ada()).err()] {
                assert_eq!(
                    refused.map(|error| error.kind()),
                    Some(ErrorKind::Malformed),
                    "of {length} bytes"
                );
            }
        }
        let mut fold = Fold::new(&projections()).with_as_of(day(AS_OF));
        fold.restore_part(&part).unwrap();
        let error = fold.restore_part(&part).unwrap_err();
        assert!(error.to_string().ends_with(": the fold knows it already"), "{error}");
    }
}

/// Asks, and folds on, whatever was read; that nothing panics is the claim.
fn use_up(mut fold: Fold) {
    let asked = |fold: &Fold| {
        for key in fold.customers() {
            for as_of in [fold.as_of(), day(1), Timestamp::MIN] {
                let _ = fold.view(&key, as_of);
            }
        }
        fold.population(&ada().tenant, fold.as_of()).map(|population| population.summary())
    };
    let _ = asked(&fold);
    let batches = [batch(&history())];
    let refolds = fold.apply(&batches).refolds;
    refold(&mut fold, &refolds, &batches);
    let again = history().into_iter().map(|mut event| {
        event.id = EventId::from_u128(event.id.as_u128() + 100_000);
        event.occurred_at = fold.as_of().into();
        event
    });
    let more = [batch(&again.collect::<Vec<_>>())];
    let refolds = fold.apply(&more).refolds;
    refold(&mut fold, &refolds, &more);
    let _ = asked(&fold);
    let due = fold.advance_to(Timestamp::MAX).unwrap();
    refold(&mut fold, &due, &batches);
    assert!(asked(&fold).is_ok());
    let parts = save(std::slice::from_ref(&fold));
    check_equal(&fold, &restore(&parts, &projections(), Timestamp::MAX));
}

/// Texts that are valid in many places, and extreme in most.
const EXTREMES: [&str; 15] = [
    "0",
    "1",
    "-1",
    "2147483647",
    "4294967295",
    "18446744073709551615",
    "-9223372036854775808",
    "null",
    "true",
    "{}",
    "\"0001-01-01\"",
    "\"9999-12-31T23:59:59.999999Z\"",
    "\"-922337203685477.5807\"",
    "\"999999999999999999999999999999.9999\"",
    "\"\"",
];

/// The values in a line: whatever stands between a colon, comma or bracket and the next comma or bracket.
fn values(lines: &str) -> Vec<std::ops::Range<usize>> {
    let starts = lines.match_indices([':', ',', '[']).map(|(place, _)| place + 1);
    let range = |start: usize| {
        let text =
            lines[start..].starts_with('"').then(|| lines[start + 1..].find('"').map(|end| start + end + 2));
        let end = text.flatten().or_else(|| lines[start..].find([',', '}', ']']).map(|end| start + end));
        Some(start..end?)
    };
    starts.filter_map(range).collect()
}

pub(crate) fn try_restore(bytes: &[u8], as_of: u32) -> bool {
    let fold = || Fold::new(&projections()).with_as_of(day(as_of));
    let mut one = fold();
    if one.restore_customer(bytes, &ada()).is_ok() {
        use_up(one);
    }
    let mut all = fold();
    let is_read = all.restore_part(bytes).is_ok();
    use_up(all);
    is_read
}

#[test]
fn every_value_can_be_another_without_a_panic() {
    let part = golden::part("snapshot.v1.part");
    let lines = std::str::from_utf8(&part).unwrap().split_once('\n').unwrap().1.to_owned();
    let (mut read, mut refused) = (0, 0);
    for value in values(&lines) {
        for extreme in EXTREMES {
            let is_read = try_restore(
                &with_lines(&part, |lines| {
                    format!("{}{extreme}{}", &lines[..value.start], &lines[value.end..])
                }),
                250,
            );
            *(if is_read { &mut read } else { &mut refused }) += 1;
        }
    }
    assert!(read > 50 && refused > 1_000, "{read} were read, {refused} refused");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(!try_restore(&bytes, AS_OF));
        for part in [golden::part("snapshot.v1.history.part"), save_one(&saved_fold())] {
            let head = part.iter().position(|byte| *byte == b'\n').unwrap();
            try_restore(&[&part[..=head], &bytes[..]].concat(), AS_OF);
        }
    }

    #[test]
    fn flipped_bits_are_read_or_refused(
        is_old in any::<bool>(),
        flips in vec((any::<proptest::sample::Index>(), 0..8_u32), 1..4),
    ) {
        let mut part =
            if is_old { golden::part("snapshot.v1.history.part") } else { save_one(&saved_fold()) };
        for (place, bit) in flips {
            let length = part.len();
            part[place.index(length)] ^= 1 << bit;
        }
        try_restore(&part, AS_OF);
    }

    #[test]
    fn other_values_are_read_or_refused(
        changes in vec((any::<proptest::sample::Index>(), 0..EXTREMES.len()), 1..3),
    ) {
        let part = with_lines(&golden::part("snapshot.v1.history.part"), |lines| {
            let mut lines = lines.to_owned();
            for (place, extreme) in &changes {
                let values = values(&lines);
                lines.replace_range(values[place.index(values.len())].clone(), EXTREMES[*extreme]);
            }
            lines
        });
        try_restore(&part, AS_OF);
    }
}
