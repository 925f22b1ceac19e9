//! Conformance to an intended path: worked cases, and the fewest deviations beside all that a path allows.

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::Amount;
use wayfold_insight::{
    ConformanceReport, ErrorKind, IntendedPath, PathDeviation, VariantRow, VariantsReport,
};

fn path(text: &str) -> IntendedPath {
    text.parse().unwrap()
}

/// Variants whose steps are letters, with so many cases each.
fn variants(rows: &[(&str, u64)]) -> VariantsReport {
    let row = |(steps, cases): &(&str, u64)| VariantRow {
        steps: steps.split("").filter(|step| !step.is_empty()).collect(),
        cases: *cases,
        value: Amount::ZERO,
    };
    VariantsReport {
        semantics: "variants of letters".to_owned(),
        cases: rows.iter().map(|(_, cases)| cases).sum(),
        variants: rows.iter().map(row).collect(),
    }
}

fn check(text: &str, rows: &[(&str, u64)]) -> ConformanceReport {
    path(text).check(&variants(rows))
}

#[test]
fn cases_that_follow_the_path_deviate_in_nothing() {
    let report = check("a -> b+ -> c? -> d | e", &[("abd", 1), ("abbbce", 2), ("abe", 4)]);
    assert_eq!((report.cases, report.fitting, report.fitness), (7, 7, Some(1.0)));
    assert_eq!(report.deviations, []);
    assert_eq!(report.path, "a -> b+ -> c? -> d | e");
    assert!(report.semantics.starts_with("conformance to a -> b+ -> c? -> d | e: "), "{}", report.semantics);
    assert!(report.semantics.ends_with("; variants of letters"), "{}", report.semantics);
    assert_eq!(path(&report.path).names().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
}

#[test]
fn deviations_say_what_is_missing_and_what_is_not_expected_after_what() {
    let report = check("a -> b -> c", &[("acc", 2), ("xabc", 1), ("abc", 1)]);
    let found: Vec<_> =
        report.deviations.iter().map(|row| (row.deviation.clone(), row.cases, row.times)).collect();
    let unexpected = |activity: &str, after: Option<&str>| PathDeviation::Unexpected {
        activity: activity.to_owned(),
        after: after.map(str::to_owned),
    };
    assert_eq!(
        found,
        [
            (PathDeviation::Missing { step: "b".to_owned() }, 2, 2),
            (unexpected("c", Some("c")), 2, 2),
            (unexpected("x", None), 1, 1),
        ]
    );
    // Two cases with 2 of 6 deviations, one with 1 of 7, one without.
    let fitness = (2.0 * (1.0 - 2.0 / 6.0) + (1.0 - 1.0 / 7.0) + 1.0) / 4.0;
    assert!((report.fitness.unwrap() - fitness).abs() < 1e-12);
    assert_eq!(report.fitting, 1);
}

#[test]
fn no_case_has_no_fitness() {
    assert_eq!(check("a", &[]).fitness, None);
}

#[test]
fn paths_that_are_none_are_refused_by_the_character() {
    for (text, message) in [
        ("", "path, character 1: a name is missing"),
        ("a ->", "path, character 5: a name is missing"),
        ("a | -> b", "path, character 5: a name is missing"),
        ("ü b", "path, character 3: \"->\" or the end is missing"),
        ("a -> \"b", "path, character 6: the quotes are not closed"),
        ("a?+", "path, character 3: \"->\" or the end is missing"),
    ] {
        let error = text.parse::<IntendedPath>().unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::InvalidRule, message));
    }
}

#[test]
fn names_with_signs_stand_between_quotes() {
    let text = "\"A|B\" | \"x -> y\" -> c-d*";
    let path = path(text);
    assert_eq!(path.to_string(), text);
    let report = path.check(&VariantsReport {
        semantics: String::new(),
        cases: 1,
        variants: vec![VariantRow {
            steps: ["x -> y", "c-d"].into_iter().collect(),
            cases: 1,
            value: Amount::ZERO,
        }],
    });
    assert_eq!(report.fitting, 1);
}

/// A step by its letters, and the least and the most of it that are looked at.
type Spelt = (Vec<char>, usize, usize);

/// The fewest deviations, by looking at each text that the path allows: what is left out of both to be alike. A step that is
/// repeated is one step, however often it would have been missing.
fn fewest(case: &[char], steps: &[Spelt]) -> usize {
    let Some(((letters, least, most), rest)) = steps.split_first() else { return case.len() };
    // The step is not there at all.
    let mut best = fewest(case, rest) + least;
    // Or its first is at some place, and some of what follows are more of it.
    for place in 0..case.len() {
        if !letters.contains(&case[place]) {
            continue;
        }
        let behind = &case[place + 1..];
        best = best.min(place + fewest(behind, rest));
        if *most > 1 {
            let more = std::iter::once((letters.clone(), 0, *most)).chain(rest.iter().cloned());
            best = best.min(place + fewest(behind, &more.collect::<Vec<_>>()));
        }
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn there_are_as_few_deviations_as_can_be(
        steps in vec((vec(0_usize..4, 1..3), 0_usize..4), 1..5),
        case in vec(0_usize..5, 0..7),
    ) {
        let letters = ['a', 'b', 'c', 'd', 'x'];
        let text: Vec<String> = steps
            .iter()
            .map(|(names, sign)| {
                let names: Vec<String> = names.iter().map(|name| letters[*name].to_string()).collect();
                format!("{}{}", names.join("|"), ["", "?", "+", "*"][*sign])
            })
            .collect();
        let spelt: Vec<Spelt> = steps
            .iter()
            .map(|(names, sign)| {
                let (least, most) = [(1, 1), (0, 1), (1, 9), (0, 9)][*sign];
                (names.iter().map(|name| letters[*name]).collect(), least, most)
            })
            .collect();
        let case: Vec<char> = case.iter().map(|name| letters[*name]).collect();
        let word: String = case.iter().collect();
        let path = path(&text.join(" -> "));
        prop_assert_eq!(&path.to_string().parse::<IntendedPath>().unwrap(), &path);
        let report = path.check(&variants(&[(&word, 1)]));
        let deviations: u64 = report.deviations.iter().map(|row| row.times).sum();
        prop_assert_eq!(deviations as usize, fewest(&case, &spelt));
    }

    #[test]
    fn no_text_makes_reading_panic(text in "[a-c|?+*\"> üß-]{0,20}") {
        let _ = text.parse::<IntendedPath>();
    }
}
