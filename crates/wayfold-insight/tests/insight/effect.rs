//! Effects against published figures and those of statsmodels, matching beside a plain search, and worked cases.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{
    Amount, Currency, CustomerKey, EventBody, JourneyEvent, MessageSent, OfferIssued, Refunded, Registered,
    RetentionOfferMade, Span, StrategyApplied, Tag,
};
use wayfold_insight::{
    Confidence, CustomerOutcome, Effect, EffectDifference, ErrorKind, HoldOutGroup, MatchProfile, Matching,
    Treatment, TreatmentOutcomes,
};

use super::made::{check_laws, eur, event, hour, placed, total};

fn key(name: impl AsRef<str>) -> CustomerKey {
    CustomerKey::new(name).unwrap()
}

/// What a customer did, treated or not, with money in ten-thousandths.
fn outcome(name: impl AsRef<str>, is_treated: bool, purchases: u64, net: i64) -> CustomerOutcome {
    let treated_at = is_treated.then(|| hour(1));
    CustomerOutcome { customer: key(name), treated_at, purchases, net: Amount::from_ten_thousandths(net) }
}

fn buyers(name: &str, customers: u32, buyers: u32) -> Vec<CustomerOutcome> {
    (0..customers)
        .map(|number| outcome(format!("{name}{number}"), name == "t", u64::from(number < buyers), 0))
        .collect()
}

#[track_caller]
fn check(found: &EffectDifference, value: f64, [low, high]: [f64; 2], p_value: f64) {
    let interval = found.interval.unwrap();
    for (found, expected) in [(found.value, value), (interval.low, low), (interval.high, high)] {
        assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
    }
    let p = found.p_value.unwrap();
    assert!((p - p_value).abs() < 1e-9 * p_value, "{p:e} is not {p_value:e}");
}

/// K. Hillstrom, MineThatData E-Mail Analytics And Data Mining Challenge, 2008: 64,000 customers, an e-mail for men, one for
/// women, or none; 267, 189 and 122 bought. Intervals and tests by statsmodels 0.15.0:
/// `confint_proportions_2indep(267, 21307, 122, 21306, method='newcomb', compare='diff')` and
/// `proportions_ztest([267, 122], [21307, 21306])`.
#[test]
fn an_experiment_with_e_mail_has_the_published_effect() {
    let others = buyers("o", 21_306, 122);
    let men = Effect::between(&buyers("t", 21_307, 267), &others, Confidence::P95).unwrap();
    let women = Effect::between(&buyers("t", 21_387, 189), &others, Confidence::P95).unwrap();
    check(
        &men.conversion,
        0.6805006519615695,
        [0.5014344671481532, 0.8640723396917827],
        1.5232235005955427e-13,
    );
    check(
        &women.conversion,
        0.3111057511085258,
        [0.1501657131877008, 0.4745471313672931],
        1.5710512910668448e-4,
    );
    assert_eq!((men.treated.reached, men.others.reached, men.conversion.is_rough), (21_307, 0, false));
    // Nobody spent anything here, so there is nothing to tell.
    assert_eq!((men.money.value, men.money.interval, men.money.p_value), (0.0, None, None));
    assert!(!men.money.tells());
}

/// statsmodels 0.15.0, `CompareMeans(DescrStatsW(treated), DescrStatsW(others))`: `zconfint_diff(usevar='unequal')` and
/// `ztest_ind(usevar='unequal')`.
#[test]
fn money_is_compared_by_welch() {
    let of = |name: &str, nets: &[i64]| -> Vec<_> {
        let one = |(number, net): (usize, &i64)| {
            outcome(format!("{name}{number}"), false, u64::from(*net > 0), *net)
        };
        nets.iter().enumerate().map(one).collect()
    };
    let treated = of("t", &[0, 0, 125_000, 400_000, 0, 72_500, 990_000, 0, 30_000, 180_000]);
    let others = of("o", &[0, 50_000, 0, 0, 220_000, 0, 0, 87_500]);
    let effect = Effect::between(&treated, &others, Confidence::P95).unwrap();
    check(&effect.money, 13.506250000000001, [-6.520084465392163, 33.53258446539216], 0.18621888063050518);
    assert!(effect.money.is_rough && effect.conversion.is_rough && !effect.money.tells());
    assert_eq!((effect.treated.net.to_string(), effect.treated.mean_net), ("179.75".to_owned(), 17.975));
    // Ten customers: 135.0625 more for 50.
    let (net, interval) = effect.additional_net();
    assert!((net - 135.0625).abs() < 1e-9 && (interval.unwrap().high - 335.3258446539216).abs() < 1e-9);
    let (percent, interval) = effect.return_percent(Amount::from_ten_thousandths(500_000)).unwrap();
    assert!((percent - 170.125).abs() < 1e-9 && (interval.unwrap().low + 230.40168930784).abs() < 1e-9);
    assert_eq!(effect.return_percent(Amount::ZERO), None);

    let mut shuffled = treated.clone();
    shuffled.reverse();
    assert_eq!(Effect::between(&shuffled, &others, Confidence::P95).unwrap(), effect);
    let refused = Effect::between(&treated, &[], Confidence::P95).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLittleData);
}

/// The members by FNV-1a and the finalizer of MurmurHash3 written once more in Python:
/// `h = 0xcbf29ce484222325`, for each byte of each part and 255 behind it `h = (h ^ b) * 0x100000001b3 % 2**64`, then
/// `h ^= h >> 33; h = h * 0xff51afd7ed558ccd % 2**64; h ^= h >> 33; h = h * 0xc4ceb9fe1a85ec53 % 2**64; h ^= h >> 33`, and
/// `h * 1000 >> 64 < per_mille` of the parts `hold-out`, name, tenant, customer.
#[test]
fn who_is_held_out_never_changes() {
    let group = HoldOutGroup::new("spring mailing", 100).unwrap();
    let held: Vec<u32> = (0..40).filter(|of| group.holds(&key(of.to_string()))).collect();
    assert_eq!(held, [8, 19, 20, 38]);
    let half = HoldOutGroup::new("win_back", 500).unwrap();
    let held: Vec<&str> =
        ["ada", "bob", "eve", "dan", "客户", "李雷"].into_iter().filter(|of| half.holds(&key(of))).collect();
    assert_eq!(held, ["ada", "bob", "客户"]);
    assert!(!half.holds(&CustomerKey::in_tenant("shop", "ada").unwrap()));

    let json = serde_json::to_string(&half).unwrap();
    assert_eq!(json, r#"{"name":"win_back","per_mille":500}"#);
    assert_eq!(serde_json::from_str::<HoldOutGroup>(&json).unwrap(), half);
    for (name, per_mille) in [("a", 1_001), ("", 1)] {
        assert_eq!(HoldOutGroup::new(name, per_mille).unwrap_err().kind(), ErrorKind::InvalidParameter);
        let json = format!(r#"{{"name":"{name}","per_mille":{per_mille}}}"#);
        assert!(serde_json::from_str::<HoldOutGroup>(&json).is_err());
    }
}

/// 3.84 is exceeded once in twenty times, 10.83 once in a thousand.
#[test]
fn groups_have_their_share_and_know_nothing_of_each_other() {
    let keys: Vec<CustomerKey> = (0..40_000).map(|number| key(format!("customer-{number}"))).collect();
    let of = |name: &str, per_mille| {
        let group = HoldOutGroup::new(name, per_mille).unwrap();
        keys.iter().map(|key| group.holds(key)).collect::<Vec<bool>>()
    };
    for per_mille in [0, 50, 200, 500, 1_000] {
        let held = of("spring", per_mille).iter().filter(|held| **held).count() as f64;
        let share = f64::from(per_mille) / 1_000.0;
        let off = held - 40_000.0 * share;
        assert!(off * off <= 10.83 * 40_000.0 * share * (1.0 - share), "{held} of 40000 for {per_mille}");
    }
    for (name, other) in [("spring", "autumn"), ("a", "b"), ("a", "aa"), ("2024-1", "2024-2")] {
        let (name, other) = (of(name, 500), of(other, 500));
        let mut table = [[0.0; 2]; 2];
        name.iter().zip(&other).for_each(|(a, b)| table[usize::from(*a)][usize::from(*b)] += 1.0_f64);
        let [[a, b], [c, d]] = table;
        let chi_squared =
            40_000.0 * (a * d - b * c) * (a * d - b * c) / ((a + b) * (c + d) * (a + c) * (b + d));
        assert!(chi_squared < 10.83, "{table:?}");
    }
    let (small, large) = (of("spring", 100), of("spring", 300));
    assert!(small.iter().zip(&large).all(|(small, large)| !small || *large));
}

/// A. Agresti, Categorical Data Analysis, table 10.1: of 1,600 who were asked twice, 794 approved both times, 150 the first
/// time alone, 86 the second alone, 570 never; McNemar's statistic is 17.36. The p-value by statsmodels 0.15.0,
/// `mcnemar([[794, 150], [86, 570]], exact=False, correction=False)`.
#[test]
fn pairs_are_compared_by_mcnemar() {
    let mut outcomes = Vec::new();
    let mut number = 0;
    for (both, count) in [((1, 1), 794), ((1, 0), 150), ((0, 1), 86), ((0, 0), 570)] {
        for _ in 0..count {
            outcomes.push(outcome(format!("t{number:04}"), true, both.0, 0));
            outcomes.push(outcome(format!("o{number:04}"), false, both.1, 0));
            number += 1;
        }
    }
    // Each pair is a class of its own.
    let profile = |key: &CustomerKey| {
        Some(MatchProfile { class: key.customer.as_str()[1..].to_owned(), features: vec![] })
    };
    let matched = Matching::new::<&str>([]).effect(&outcomes, profile, Confidence::P95).unwrap();
    assert_eq!(matched.pairs.len(), 1_600);
    // Bonett and Price: 151 / 1602 - 87 / 1602, more or less 1.96 * sqrt((151 / 1602 + 87 / 1602 - .0399501^2) / 1602).
    let conversion = &matched.effect.conversion;
    check(conversion, 4.0, [2.1177279791975105, 5.872284505196995], 3.099293441045215e-05);
}

/// statsmodels 0.15.0, `DescrStatsW(differences).zconfint_mean()` and `.ztest_mean()`.
#[test]
fn money_of_pairs_is_compared_by_their_differences() {
    let differences = [3.0, -1.0, 0.0, 7.5, 2.0, 0.0, -4.0, 10.0, 1.0, 6.0];
    let mut outcomes = Vec::new();
    for (number, difference) in differences.iter().enumerate() {
        outcomes.push(outcome(format!("t{number}"), true, 1, (difference * 10_000.0) as i64 + 50_000));
        outcomes.push(outcome(format!("o{number}"), false, 1, 50_000));
    }
    let profile = |key: &CustomerKey| {
        Some(MatchProfile { class: key.customer.as_str()[1..].to_owned(), features: vec![] })
    };
    let matched = Matching::new::<&str>([]).effect(&outcomes, profile, Confidence::P95).unwrap();
    let money = &matched.effect.money;
    check(money, 2.45, [-0.18949093578414278, 5.089490935784143], 0.0688722649440492);
    assert_eq!((matched.effect.conversion.value, matched.effect.conversion.p_value), (0.0, None));
}

#[test]
fn matching_takes_the_nearest_names_who_is_left_and_shows_the_balance() {
    let ages = BTreeMap::from([
        ("t1", 20.0),
        ("t2", 30.0),
        ("t3", 90.0),
        ("o1", 21.0),
        ("o2", 28.0),
        ("o3", 24.0),
        ("o4", 20.0),
    ]);
    let outcomes: Vec<_> = ages.keys().map(|name| outcome(name, name.starts_with('t'), 0, 0)).collect();
    let profile = |key: &CustomerKey| {
        let name = key.customer.as_str();
        // Of another class, and so nobody's partner.
        let class = if name == "o4" { "club" } else { "" };
        Some(MatchProfile { class: class.to_owned(), features: vec![ages[name]] })
    };
    let matching = Matching::new(["age"]).with_caliper(1.0);
    let matched = matching.effect(&outcomes, profile, Confidence::P95).unwrap();
    assert_eq!(matched.pairs, [(key("t1"), key("o1")), (key("t2"), key("o2"))]);
    assert_eq!(matched.unmatched, [key("t3")]);
    // Means 140 / 3 and 23.25; variances 1433.3333 and 12.9166667, so the deviation is 26.890983; of pairs 25 and 24.5.
    let balance = &matched.balance[0];
    assert!((balance.before.unwrap() - 23.4166666667 / 26.890983).abs() < 1e-6, "{balance:?}");
    assert!((balance.after.unwrap() - 0.5 / 26.890983).abs() < 1e-6, "{balance:?}");

    let nobody = matching.effect(
        &outcomes,
        |key| {
            profile(key)
                .filter(|_| key.customer.as_str() != "o4")
                .map(|of| MatchProfile { class: key.to_string(), ..of })
        },
        Confidence::P95,
    );
    assert_eq!(nobody.unwrap_err().kind(), ErrorKind::TooLittleData);
    for (matching, features) in [
        (Matching::new(["age"]), vec![]),
        (Matching::new(["age"]), vec![f64::NAN]),
        (Matching::new(["age"]).with_caliper(0.0), vec![1.0]),
    ] {
        let profile =
            |_: &CustomerKey| Some(MatchProfile { class: String::new(), features: features.clone() });
        let refused = matching.effect(&outcomes, profile, Confidence::P95).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidParameter);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Beside a search through all pairs for the nearest one, again and again.
    #[test]
    fn pairs_are_those_of_a_plain_search(
        customers in prop_oneof![
            vec((any::<bool>(), 0..2_u8, 0..6_i32, 0..6_i32), 2..24),
            vec((any::<bool>(), 0..2_u8, 0..30_i32, 0..3_i32), 2..150),
            vec((any::<bool>(), Just(0_u8), -9_999..9_999_i32, -9_999..9_999_i32), 2..150),
        ],
        caliper in prop_oneof![Just(f64::INFINITY), Just(1.0), Just(0.1)],
    ) {
        let name = |number: usize| format!("c{number:03}");
        let mut outcomes: Vec<_> = customers.iter().enumerate().map(|(number, of)| outcome(name(number), of.0, 0, 0)).collect();
        let profile = |key: &CustomerKey| {
            let of = customers[key.customer.as_str()[1..].parse::<usize>().unwrap()];
            Some(MatchProfile { class: of.1.to_string(), features: vec![f64::from(of.2), f64::from(of.3)] })
        };
        let deviation = |feature: fn(&(bool, u8, i32, i32)) -> i32| {
            let of = |is_treated: bool| {
                let values: Vec<f64> = customers.iter().filter(|of| of.0 == is_treated).map(|of| f64::from(feature(of))).collect();
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
                if values.len() > 1 { squares / (values.len() as f64 - 1.0) } else { 0.0 }
            };
            ((of(true) + of(false)) / 2.0).sqrt()
        };
        let deviations = [deviation(|of| of.2), deviation(|of| of.3)];
        let far = |a: usize, b: usize| {
            let of = |x: i32, y: i32, deviation: f64| if deviation > 0.0 { f64::from(x - y) / deviation } else { 0.0 };
            let (a, b) = (customers[a], customers[b]);
            (of(a.2, b.2, deviations[0]).powi(2) + of(a.3, b.3, deviations[1]).powi(2)).sqrt()
        };
        let mut left: BTreeSet<usize> = (0..customers.len()).collect();
        let mut expected = BTreeMap::new();
        loop {
            let mut best: Option<(f64, usize, usize)> = None;
            for a in left.iter().filter(|of| customers[**of].0) {
                for b in left.iter().filter(|of| !customers[**of].0 && customers[**of].1 == customers[*a].1) {
                    let distance = far(*a, *b);
                    if distance <= caliper && best.is_none_or(|best| distance < best.0) {
                        best = Some((distance, *a, *b));
                    }
                }
            }
            let Some((_, a, b)) = best else { break };
            left.remove(&a);
            left.remove(&b);
            expected.insert(key(name(a)), key(name(b)));
        }
        outcomes.reverse();
        let matching = Matching::new(["x", "y"]).with_caliper(caliper);
        match matching.effect(&outcomes, profile, Confidence::P95) {
            Ok(matched) => {
                prop_assert_eq!(matched.pairs.into_iter().collect::<BTreeMap<_, _>>(), expected);
                let alone: Vec<_> = left.iter().filter(|of| customers[**of].0).map(|of| key(name(*of))).collect();
                prop_assert_eq!(matched.unmatched, alone);
            }
            Err(_) => prop_assert!(expected.is_empty()),
        }
    }
}

fn outcomes_of(treatment: Treatment) -> TreatmentOutcomes {
    TreatmentOutcomes::new(treatment, hour(10)..hour(20), hour(20)..hour(40), Currency::EUR).unwrap()
}

#[test]
fn what_customers_did_counts_from_the_end_of_the_enrolment_to_the_end_of_the_time() {
    let ordered = |number, customer, time, order: &str| {
        event(number, customer, hour(time), placed(9, &[], None)).with_tag(Tag::order(order).unwrap())
    };
    let applied = |playbook: &str| StrategyApplied { playbook: playbook.to_owned(), version: None };
    let events = [
        event(0, "ada", hour(0), Registered {}),
        event(1, "ada", hour(10), applied("win_back")),
        ordered(2, "ada", 15, "early"),
        ordered(3, "ada", 20, "o1"),
        ordered(4, "ada", 39, "o2"),
        event(5, "ada", hour(50), Refunded { amount: eur(4), reason: None })
            .with_tag(Tag::order("o2").unwrap()),
        ordered(6, "ada", 40, "late"),
        event(10, "bob", hour(9), Registered {}),
        event(11, "bob", hour(20), applied("win_back")),
        event(12, "bob", hour(12), applied("welcome")),
        event(20, "eve", hour(10), Registered {}),
    ];
    let found = total(&outcomes_of(Treatment::Playbook("win_back".to_owned())), &events).outcomes();
    // Eve came when customers were treated already.
    let mut expected = [outcome("ada", true, 2, 140_000), outcome("bob", false, 0, 0)];
    expected[0].treated_at = Some(hour(10));
    assert_eq!(found, expected);

    let of = |enrolled: [i64; 2], observed: [i64; 2]| {
        let range = |[from, until]: [i64; 2]| hour(from)..hour(until);
        TreatmentOutcomes::new(
            Treatment::Offer("x".to_owned()),
            range(enrolled),
            range(observed),
            Currency::EUR,
        )
    };
    for (enrolled, observed) in [([1, 1], [2, 3]), ([1, 2], [3, 3]), ([1, 2], [0, 3])] {
        assert_eq!(of(enrolled, observed).unwrap_err().kind(), ErrorKind::InvalidParameter);
    }
    assert!(of([1, 2], [1, 3]).is_ok());
}

fn random() -> impl Strategy<Value = Vec<JourneyEvent>> {
    vec((0..4_usize, 0..7_usize, 0..50_i64, any::<bool>()), 0..40).prop_map(|all| {
        let one = |(number, (customer, kind, time, named)): (usize, (usize, usize, i64, bool))| {
            let name = || named.then(|| "x".to_owned());
            let body: EventBody = match kind {
                0 => Registered {}.into(),
                1 => MessageSent { campaign: name() }.into(),
                2 => OfferIssued { offer_kind: None, campaign: name(), value: None }.into(),
                3 => OfferIssued { offer_kind: name(), campaign: None, value: None }.into(),
                4 => RetentionOfferMade { offer: name() }.into(),
                5 => StrategyApplied { playbook: name().unwrap_or_default(), version: None }.into(),
                _ => placed(9, &[], None).into(),
            };
            let at = hour(time) + Span::from_micros(number as i64);
            let made = event(number, &format!("c{customer}"), at, body);
            if kind == 6 { made.with_tag(Tag::order(number.to_string()).unwrap()) } else { made }
        };
        all.into_iter().enumerate().map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn outcomes_are_those_of_plain_loops_and_keep_the_laws(events in random(), which in 0..4_usize) {
        let name = "x".to_owned();
        let treatment = [Treatment::Campaign(name.clone()), Treatment::Offer(name.clone()), Treatment::RetentionOffer(name.clone()), Treatment::Playbook(name)][which].clone();
        let is_treatment = |body: &EventBody| match (which, body) {
            (0, EventBody::MessageSent(of)) => of.campaign.is_some(),
            (0, EventBody::OfferIssued(of)) => of.campaign.is_some(),
            (1, EventBody::OfferIssued(of)) => of.offer_kind.is_some(),
            (2, EventBody::RetentionOfferMade(of)) => of.offer.is_some(),
            (3, EventBody::StrategyApplied(of)) => of.playbook == "x",
            _ => false,
        };
        let mut expected = Vec::new();
        for customer in 0..4 {
            let theirs: Vec<_> = events.iter().filter(|event| event.customer == key(format!("c{customer}"))).collect();
            let time = |event: &&&JourneyEvent| event.occurred_at.instant();
            if theirs.iter().all(|event| time(&event) >= hour(10)) {
                continue;
            }
            let within = |event: &&&JourneyEvent, from, until| time(event) >= hour(from) && time(event) < hour(until);
            let bought = theirs.iter().filter(|event| within(event, 20, 40) && matches!(event.body, EventBody::OrderPlaced(_))).count();
            let treated = theirs.iter().filter(|event| within(event, 10, 20) && is_treatment(&event.body)).map(|event| time(&event)).min();
            expected.push(CustomerOutcome { treated_at: treated, ..outcome(format!("c{customer}"), false, bought as u64, 90_000 * bought as i64) });
        }
        let measure = outcomes_of(treatment);
        prop_assert_eq!(total(&measure, &events).outcomes(), expected);
        check_laws(&measure, &events, |total| total.outcomes());
    }
}
