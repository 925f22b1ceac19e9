//! Rules of the lifecycle that look further than purchases and a fixed period, on hand-worked histories.

use wayfold_core::bodies::{MembershipLeft, SurveyAnswered, TierChanged};
use wayfold_core::{
    ChurnStep, ChurnedBy, CustomerView, ErrorKind, EventId, Filter, Fold, Instrument, JourneyEvent,
    LifecycleStage, LoyalNps, LoyalReason, OwnGap, ProjectionSet, Rules, Span, Timestamp, explain,
};

use super::support::{ada, batch, day, event, placed};

fn rules(change: impl Fn(&mut Rules)) -> Rules {
    let mut rules = Rules::default();
    "loyal-1".clone_into(&mut rules.version);
    change(&mut rules);
    rules
}

fn by_tier_or_answer() -> Rules {
    rules(|rules| {
        rules.lifecycle.loyal_by.tiers.insert("gold".to_owned());
        rules.lifecycle.loyal_by.nps = Some(LoyalNps::default());
    })
}

fn by_own_gap(gaps: u32, days_min: u32) -> Rules {
    rules(|rules| rules.lifecycle.churned_by = ChurnedBy::OwnGap(OwnGap { gaps, days_min, purchases_min: 3 }))
}

fn fold(rules: &Rules, events: &[JourneyEvent]) -> Fold {
    let mut fold = Fold::new(&ProjectionSet::new(rules.clone()).unwrap());
    let _ = fold.apply(&[batch(events)]);
    fold
}

fn view(rules: &Rules, events: &[JourneyEvent], as_of: Timestamp) -> CustomerView {
    fold(rules, events).view(&ada(), as_of).unwrap().unwrap()
}

fn bought(days: &[u32]) -> Vec<JourneyEvent> {
    let one = |number: &u32| placed(&format!("o{number}"), u128::from(*number) + 1, day(*number), "9");
    days.iter().map(one).collect()
}

fn tier(id: u128, number: u32, tier: &str) -> JourneyEvent {
    event(id, day(number), TierChanged { tier: tier.to_owned() })
}

fn answer(id: u128, number: u32, score: i64) -> JourneyEvent {
    event(id, day(number), SurveyAnswered { instrument: Instrument::Nps, dimension: None, score })
}

/// The stage, what makes loyal, and until when the view holds.
#[track_caller]
fn check(
    rules: &Rules,
    events: &[JourneyEvent],
    as_of: Timestamp,
    stage: LifecycleStage,
    by: &[LoyalReason],
    holds_until: Timestamp,
) {
    let view = view(rules, events, as_of);
    let loyalty = view.loyalty.unwrap();
    assert_eq!((view.lifecycle.stage, &loyalty.by[..], view.holds_until), (stage, by, Some(holds_until)));
}

#[test]
fn tier_makes_loyal_until_it_or_the_membership_is_left() {
    let rules = by_tier_or_answer();
    let mut events = bought(&[0]);
    events.push(tier(900, 95, "gold"));
    check(&rules, &events, day(95), LifecycleStage::Loyal, &[LoyalReason::Tier], day(180));
    // The silence of the one purchase wins over any tier.
    assert_eq!(view(&rules, &events, day(180).next()).lifecycle.stage, LifecycleStage::Churned);

    events.push(tier(901, 96, "silver"));
    assert_eq!(view(&rules, &events, day(96)).lifecycle.stage, LifecycleStage::FirstTime);
    events[2] = event(901, day(96), MembershipLeft { programme: None, reason: None });
    let left = view(&rules, &events, day(96));
    assert_eq!((left.lifecycle.stage, left.loyalty.unwrap().tier), (LifecycleStage::FirstTime, None));

    // Who bought nothing is a prospect, whatever its tier.
    let prospect = view(&rules, &[tier(900, 1, "gold")], day(2));
    assert_eq!(prospect.lifecycle.stage, LifecycleStage::Prospect);
    assert_eq!(prospect.loyalty.unwrap().by, []);
}

#[test]
fn answer_makes_a_recommender_loyal_as_long_as_it_counts() {
    let mut rules = by_tier_or_answer();
    rules.lifecycle.loyal_by.nps.as_mut().unwrap().days = 30;
    let mut events = bought(&[0, 95]);
    events.push(answer(900, 100, 9));
    let last = day(130).previous();
    check(&rules, &events, day(100), LifecycleStage::Loyal, &[LoyalReason::Nps], last);
    check(&rules, &events, last.next(), LifecycleStage::Repeat, &[], day(185));
    // The last answer counts, not the best.
    events.push(answer(901, 101, 8));
    let passive = view(&rules, &events, day(101));
    assert_eq!(passive.lifecycle.stage, LifecycleStage::Repeat);
    assert_eq!(passive.loyalty.unwrap().nps_score, Some(8));
}

#[test]
fn answer_from_before_a_return_does_not_count_any_more() {
    let rules = by_tier_or_answer();
    let mut events = bought(&[0]);
    events.push(answer(900, 10, 10));
    events.extend(bought(&[200]));
    assert_eq!(view(&rules, &events, day(200)).lifecycle.stage, LifecycleStage::WonBack);
    events.push(answer(901, 200, 10));
    assert_eq!(view(&rules, &events, day(200)).lifecycle.stage, LifecycleStage::Loyal);
}

#[test]
fn own_gap_decides_who_has_churned_from_so_many_purchases_on() {
    // Every ten days: three gaps are thirty days. Two purchases are no habit, and the fixed period counts.
    let rules = by_own_gap(3, 14);
    check(&rules, &bought(&[0, 10, 20]), day(20), LifecycleStage::Repeat, &[], day(50));
    check(&rules, &bought(&[0, 10]), day(101), LifecycleStage::Repeat, &[], day(190));
    assert_eq!(view(&rules, &bought(&[0, 10, 20]), day(50).next()).lifecycle.stage, LifecycleStage::Churned);
    // Every day: the least silence counts.
    let daily = view(&rules, &bought(&[0, 1, 2, 3]), day(3)).loyalty.unwrap();
    assert_eq!((daily.churned_after_us, daily.churns_after), (Some(Span::from_days(14)), Some(day(17))));
    // Back after 31 days, with one purchase and no habit yet: the absence is no gap of it.
    let back = view(&rules, &bought(&[0, 10, 20, 51]), day(51));
    assert_eq!((back.lifecycle.stage, back.lifecycle.returned_at), (LifecycleStage::WonBack, Some(day(51))));
    assert_eq!(back.loyalty.unwrap().churned_after_us, Some(Span::from_days(180)));
}

#[test]
fn model_decides_by_the_number_of_purchases() {
    let steps = [(1, 40), (2, 90)].map(|(purchases_min, days)| ChurnStep { purchases_min, days });
    let rules = rules(|rules| rules.lifecycle.churned_by = ChurnedBy::Model(steps.to_vec()));
    check(&rules, &bought(&[0]), day(30), LifecycleStage::FirstTime, &[], day(40));
    // A return after 41 days, although 90 are allowed from then on.
    let back = view(&rules, &bought(&[0, 41]), day(41));
    assert_eq!(
        (back.lifecycle.stage, back.loyalty.unwrap().churns_after),
        (LifecycleStage::WonBack, Some(day(81)))
    );
    let kept = view(&rules, &bought(&[0, 40, 130]), day(130));
    assert_eq!((kept.lifecycle.stage, kept.lifecycle.returned_at), (LifecycleStage::Repeat, None));
}

#[test]
fn why_cites_the_tier_and_the_end_of_the_customers_own_patience() {
    let mut rules = by_own_gap(3, 14);
    rules.lifecycle.loyal_by.tiers.insert("gold".to_owned());
    let mut events = bought(&[0, 10, 20]);
    events.push(tier(900, 25, "gold"));
    let projections = ProjectionSet::new(rules).unwrap();
    let told = |as_of| explain(&projections, &ada(), &[batch(&events)], as_of).unwrap().unwrap();
    let loyal = told(day(30));
    let (step, change) = loyal.why("lifecycle.stage").unwrap();
    assert_eq!(step.cause.to_string(), format!("tier_changed {}", EventId::from_u128(900)));
    assert_eq!(change.after.as_deref(), Some("loyal"));
    assert_eq!(loyal.why("loyalty.tier").unwrap().1.after.as_deref(), Some("gold"));

    let churned = told(day(60));
    let (step, change) = churned.why("lifecycle.stage").unwrap();
    assert_eq!((step.at, step.cause.to_string().as_str()), (day(50).next(), "the passing of time"));
    assert_eq!(change.after.as_deref(), Some("churned"));
    // Since its third purchase.
    assert_eq!(churned.why("loyalty.churned_after_us").unwrap().0.at, day(20));
    assert_eq!(churned.view.loyalty.unwrap().churned_after_us, Some(Span::from_days(30)));
}

#[test]
fn selections_name_the_fields_under_rules_that_have_them() {
    let mut events = bought(&[0]);
    events.push(tier(900, 1, "gold"));
    let gold = Filter::field("loyalty.tier").is("gold");
    let asked = [(&ada(), day(2))];
    assert!(fold(&by_tier_or_answer(), &events).verdicts(&gold, asked).unwrap()[0].unwrap().holds);
    let error = fold(&Rules::default(), &events).verdicts(&gold, asked).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSelection);
}

#[test]
fn default_rules_are_written_as_before_and_older_ones_are_read() {
    let json = serde_json::to_value(Rules::default().lifecycle).unwrap();
    let expected = serde_json::json!({
        "repeat_purchases_min": 2, "loyal_purchases_min": 5, "loyal_window_days": 365, "churned_after_days": 180
    });
    assert_eq!(json, expected);
    for further in [by_tier_or_answer(), by_own_gap(2, 0)] {
        let json = serde_json::to_string(&further).unwrap();
        assert_eq!(serde_json::from_str::<Rules>(&json).unwrap(), further);
        let plain = ProjectionSet::new(rules(|_| {})).unwrap().fingerprint();
        assert!(ProjectionSet::new(further).unwrap().fingerprint().difference(&plain).is_some());
    }
}

#[test]
fn rules_that_contradict_themselves_are_refused() {
    let refused = |change: fn(&mut Rules)| {
        let error = rules(change).validate().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRules);
        error.to_string()
    };
    let nobody = refused(|rules| rules.lifecycle.loyal_by.purchases = false);
    assert_eq!(nobody, "lifecycle.loyal_by names nothing, so no customer could be loyal");
    let nps = |rules: &mut Rules| rules.lifecycle.loyal_by.nps.insert(LoyalNps::default()).score_min = 11;
    assert_eq!(refused(nps), "lifecycle.loyal_by.nps.score_min is not on the scale of 0 to 10");
    let short = |rules: &mut Rules| rules.lifecycle.loyal_by.nps.insert(LoyalNps::default()).days = 0;
    assert_eq!(refused(short), "lifecycle.loyal_by.nps.days is 0, so no answer could count");
    for own in [OwnGap { gaps: 0, ..OwnGap::default() }, OwnGap { purchases_min: 1, ..OwnGap::default() }] {
        let rules = rules(|rules| rules.lifecycle.churned_by = ChurnedBy::OwnGap(own.clone()));
        assert_eq!(rules.validate().unwrap_err().kind(), ErrorKind::InvalidRules);
    }
    for steps in [vec![], vec![(0, 9)], vec![(2, 9), (2, 10)], vec![(2, 9), (1, 10)]] {
        let step = |(purchases_min, days): (u32, u32)| ChurnStep { purchases_min, days };
        let steps: Vec<ChurnStep> = steps.into_iter().map(step).collect();
        let rules = rules(|rules| rules.lifecycle.churned_by = ChurnedBy::Model(steps.clone()));
        assert_eq!(rules.validate().unwrap_err().kind(), ErrorKind::InvalidRules);
    }
}
