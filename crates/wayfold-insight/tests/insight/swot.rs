//! SWOT: worked lines, what is missing, and the market beside plain counting.

use proptest::collection::vec;
use proptest::prelude::*;
use wayfold_core::{ComparisonMade, DealLost, EventBody, JourneyEvent, ResearchAnswered, Verdict};
use wayfold_insight::{
    ErrorKind, Market, MarketTotal, NeedShift, OwnFigure, ShiftedNeed, Swot, SwotLine, SwotRules, own_figure,
};

use super::made::{check_laws, event, hour, total};

fn figure(name: &str, value: f64, evidence: u64) -> OwnFigure {
    let (name, unit, source) = (name.to_owned(), "%".to_owned(), "a test".to_owned());
    OwnFigure { name, value, unit, interval: None, evidence, source }
}

fn says(lines: &[SwotLine]) -> Vec<&str> {
    lines.iter().map(|line| line.says.as_str()).collect()
}

fn compared(number: usize, competitor: &str, verdict: Verdict) -> JourneyEvent {
    let (competitor, criterion, verdict) =
        (Some(competitor.to_owned()), Some("price".to_owned()), Some(verdict));
    event(number, "c1", hour(number as i64), ComparisonMade { competitor, criterion, verdict })
}

#[test]
fn own_figures_are_judged_by_their_thresholds() {
    let own = [
        figure(own_figure::NPS, 50.0, 20),
        figure(own_figure::CSAT, 60.0, 30),
        figure(own_figure::CHURNED, 20.0, 99),
        figure(own_figure::REFUNDED, 10.0, 99),
        figure(own_figure::ON_TIME, 90.0, 99),
        figure(own_figure::WON, 99.0, 19),
        figure("Our own", 1.0, 99),
    ];
    let swot = SwotRules::default().judge(&own, &MarketTotal::default(), None).unwrap();
    assert_eq!(says(&swot.strengths), [own_figure::NPS, own_figure::CHURNED]);
    assert_eq!(says(&swot.weaknesses), [own_figure::CSAT, own_figure::REFUNDED]);
    assert_eq!(says(&swot.neither), [own_figure::ON_TIME, "Our own"]);
    assert_eq!(swot.strengths[1].against, "at most 20 % is strong");
    assert_eq!(swot.weaknesses[0].against, "at most 60 % is weak");
    assert_eq!(swot.neither[0].against, "between 85 % (weak) and 95 % (strong)");
    assert_eq!(
        swot.missing,
        [
            "Buyers who bought again: the log holds no figure",
            "Revenue from the best tenth of buyers: the log holds no figure",
            "Deals won: 19 are too few to say, 20 are needed",
            "Competitors: the log holds no comparison_made that names one or a criterion",
            "Deals lost to competitors (deal_lost that names one): the log holds none",
            "Research (research_answered): the log holds none",
            "Trends: the log holds no two needs that are told of in both periods",
        ]
    );
    assert!(swot.opportunities.is_empty() && swot.threats.is_empty());
    let mut rules = SwotRules::default();
    rules.thresholds[0].weak = 50.0;
    let error = rules.judge(&own, &MarketTotal::default(), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidParameter);
    let read: SwotRules = serde_json::from_str(r#"{"version":"ours","evidence_min":5}"#).unwrap();
    assert_eq!((read.evidence_min, read.thresholds.len()), (5, 8));
}

#[test]
fn the_market_threatens_and_promises_beyond_chance() {
    let mut events = Vec::new();
    // Wilson for 15 of 20 is 53.1 to 88.8, for 14 of 20 it begins at 48.1.
    for number in 0..20 {
        events.push(compared(
            events.len(),
            "Acme",
            if number < 15 { Verdict::Worse } else { Verdict::Equal },
        ));
        events.push(compared(
            events.len(),
            "Bolt",
            if number < 14 { Verdict::Worse } else { Verdict::Better },
        ));
        events.push(compared(events.len(), "Cog", Verdict::Better));
    }
    for number in 0..20 {
        let competitor = Some(if number < 5 { "Acme" } else { "Dot" }.to_owned());
        events.push(event(events.len(), "c2", hour(number), DealLost { reason: None, competitor }));
        let theme = (number < 2).then(|| "repair".to_owned());
        let answer = ResearchAnswered { study: None, method: None, theme };
        events.push(event(events.len(), &format!("p{number}"), hour(0), answer.clone()));
        events.push(event(events.len(), &format!("p{number}"), hour(1), answer));
    }
    let need = |need: &str, before, after| ShiftedNeed {
        need: need.to_owned(),
        before,
        after,
        share_before: f64::from(before as u32),
        share_after: f64::from(after as u32),
        contribution: 0.0,
    };
    let needs = vec![need("speed", 10, 30), need("price", 60, 40), need("care", 30, 30)];
    let shift = NeedShift { chi_squared: 14.0, degrees: 2, p_value: 0.0009, is_rough: false, needs };
    let swot = SwotRules::default().judge(&[], &total(&Market, &events), Some(&shift)).unwrap();
    assert_eq!(
        says(&swot.threats),
        [
            "Acme: the competitor is found better",
            "Deals are lost to Acme",
            "Deals are lost to Dot",
            "The need for price shrinks"
        ]
    );
    assert_eq!(
        says(&swot.opportunities),
        ["Cog: we are found better", "People who were asked speak of repair", "The need for speed grows"]
    );
    let acme = &swot.threats[0];
    assert!(
        (acme.figure, acme.evidence) == (75.0, 20) && (acme.interval.unwrap().low - 53.1299).abs() < 1e-3
    );
    assert_eq!(acme.source, "comparison_made with competitor \"Acme\"");
    assert_eq!((swot.opportunities[1].figure, swot.opportunities[1].evidence), (10.0, 20));
    assert_eq!(swot.opportunities[2].figure, 20.0);
}

/// How many lines there are of each figure, wherever they stand.
fn times(swot: &Swot, name: &str) -> usize {
    let lines = [&swot.strengths, &swot.weaknesses, &swot.neither]
        .map(|lines| lines.iter().filter(|line| line.says == name).count());
    lines.iter().sum::<usize>()
        + swot.missing.iter().filter(|line| line.starts_with(&format!("{name}:"))).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn each_own_figure_stands_once(values in vec((-200.0..200.0_f64, 0..60_u64), 8)) {
        let rules = SwotRules::default();
        let own: Vec<_> = rules.thresholds.iter().zip(values).map(|(of, (value, evidence))| figure(&of.figure, value, evidence)).collect();
        let swot = rules.judge(&own, &MarketTotal::default(), None).unwrap();
        for threshold in &rules.thresholds {
            prop_assert_eq!(times(&swot, &threshold.figure), 1, "{}", threshold.figure);
        }
    }

    #[test]
    fn the_market_keeps_the_laws(rows in vec((0..4_usize, 0..4_usize, 0..3_usize, 0..300_i64), 0..50)) {
        let made = |(number, (customer, of, name, at)): (usize, (usize, usize, usize, i64))| {
            let text = ["a", "b"].get(name).map(|name| (*name).to_owned());
            let body: EventBody = match of {
                0 => ComparisonMade { competitor: text, criterion: None, verdict: Verdict::ALL.get(name).copied() }.into(),
                1 => ComparisonMade { competitor: None, criterion: text, verdict: Some(Verdict::Worse) }.into(),
                2 => DealLost { reason: None, competitor: text }.into(),
                _ => ResearchAnswered { study: None, method: None, theme: text }.into(),
            };
            event(number, &format!("c{customer}"), hour(at), body)
        };
        let events: Vec<_> = rows.into_iter().enumerate().map(made).collect();
        check_laws(&Market, &events, MarketTotal::clone);
        // Each comparison that says something is told, with its side: one is enough, and beyond nothing.
        let mut rules = SwotRules::default();
        (rules.evidence_min, rules.lost_to_one_percent) = (1, 0.0);
        let swot = rules.judge(&[], &total(&Market, &events), None).unwrap();
        let lost = |name: &str| events.iter().filter(|event| matches!(&event.body, EventBody::DealLost(of) if of.competitor.as_deref() == Some(name))).count();
        for name in ["a", "b"] {
            let told = swot.threats.iter().find(|line| line.says == format!("Deals are lost to {name}"));
            let (here, all) = (lost(name), lost("a") + lost("b"));
            prop_assert_eq!(told.is_some(), here > 0);
            if let Some(told) = told {
                prop_assert!((told.figure - 100.0 * here as f64 / all as f64).abs() < 1e-9 && told.evidence == all as u64);
            }
        }
    }
}
