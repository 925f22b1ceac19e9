//! A small shop with everything in it that a report shows.

use wayfold_core::{
    Amount, BehaviourClass, Currency, CustomerKey, EventBatch, EventKind, Fold, JourneyEvent, LifecycleStage,
    Member, Population, ProjectionSet, Rules, Shard, Span, Tenant, Timestamp, explain, for_each_history,
};
use wayfold_insight::{
    Activity, ActivityLifecycle, Attribution, AttributionModel, BgNbd, BucketUnit, BuyingHistory, Calendar,
    CampaignBy, CampaignCost, Campaigns, CareCalendar, CareRecord, CareRules, CaseBy, Cases, CohortBy,
    Confidence, ContactHistory, CustomerOutcome, DiscountRate, Effect, EventTest, Funnel, GapChurnView, Goal,
    GoalDirection, GoalMetric, Holdout, HoldoutCase, IntendedPath, JourneyMap, KMeans, LeapDay, Leavers,
    Market, Measure, NextAction, Norms, Observation, Opportunities, OwnFigure, Paths, Playbooks, PriceBy,
    Prices, ProcessMap, Regression, Retention, SatisfactionMethod, SilentCustomer, StageDurations, SwotRules,
    TemporalDeviations, TemporalProfile, TimeUnit, Transitions, Tz, ValuePlan, Variants, default_stages,
    lifetime_value, own_figure,
};
use wayfold_report::{Report, Section};
use wayfold_testkit::shop::{Shop, ShopConfig};

/// A report with every section, of a shop whose names are made from those of the seed.
pub(crate) fn report(named: fn(&str) -> String) -> Report {
    let shop = Shop::new(ShopConfig::of(1_500));
    let events: Vec<JourneyEvent> = shop
        .distinct()
        .map(|mut event| {
            event.customer = CustomerKey::new(named(event.customer.customer.as_str())).unwrap();
            event
        })
        .collect();
    let end = shop.end();
    let before = end - Span::from_days(182);
    let projections = ProjectionSet::new(Rules::default()).unwrap();
    let population = |at: Timestamp| population(&projections, &events, at);
    let (now, then) = (population(end), population(before));
    let batches = [EventBatch::from_events(&events).unwrap()];

    let report = Report::new(named("The shop"), end)
        .with_zone(Tz::Europe__Berlin)
        .with_source(named("a seed"))
        .with_population(&now)
        .with(Section::lifecycle_over_time(&[then.summary(), now.summary()]))
        .with(stages(&then, &now))
        .with(churn(&then, &now, named))
        .with(Section::satisfaction(vec![
            (named("speed"), nps(&[10, 9, 9, 2])),
            (named("service"), nps(&[1, 7, 9])),
        ]))
        .with(expected(&now, end))
        .with(judged());
    let report = measured(report, &batches, end, named);
    let best = now.top(Currency::EUR, 1)[0].key.clone();
    report.with(
        Section::customer(explain(&projections, &best, &batches, end).unwrap().unwrap())
            .with_note(named("who brings most")),
    )
}

fn population(projections: &ProjectionSet, events: &[JourneyEvent], at: Timestamp) -> Population {
    let until: Vec<_> = events.iter().filter(|event| event.occurred_at.instant() <= at).collect();
    let mut fold = Fold::new(projections);
    let _ = fold.apply(&[EventBatch::from_events(until).unwrap()]);
    fold.population(&Tenant::default(), at).unwrap()
}

fn stages(then: &Population, now: &Population) -> Section {
    let of = |population: &Population| -> Vec<(CustomerKey, LifecycleStage)> {
        population.members().iter().map(|member| (member.key.clone(), member.lifecycle)).collect()
    };
    Section::transitions(&Transitions::between(of(then), of(now)).unwrap(), then.as_of(), now.as_of())
}

fn churn(then: &Population, now: &Population, named: fn(&str) -> String) -> Section {
    let has_left = |member: &Member| (member.key.clone(), member.lifecycle == LifecycleStage::Churned);
    let buys = |key: &CustomerKey| then.members().iter().find(|member| member.key == *key).cloned();
    let after = now.members().iter().filter(|member| buys(&member.key).is_some()).map(has_left);
    let leavers = Leavers::between(then.members().iter().map(has_left), after).unwrap();
    let class = |key: &CustomerKey| buys(key).and_then(|member| member.class).map(BehaviourClass::as_str);
    let shared = leavers.shared(|key| class(key).map(named), Confidence::P95);
    Section::churn(&leavers, shared)
}

fn nps(answers: &[i64]) -> wayfold_insight::SatisfactionScore {
    let answers = answers.iter().copied().collect();
    SatisfactionMethod::Nps.measure(&answers, Confidence::P95).unwrap().unwrap()
}

fn model() -> BgNbd {
    BgNbd::new(TimeUnit::Week, 0.243, 4.414, 0.793, 2.426).unwrap()
}

fn expected(now: &Population, end: Timestamp) -> Section {
    let plan = ValuePlan::months(6, DiscountRate::yearly(0.1).unwrap());
    let values = now.members().iter().map(|member| {
        let history =
            BuyingHistory::new(1, Span::from_days(10), end.since(member.first_seen_at) + Span::from_days(10));
        (member.key.clone(), lifetime_value(&model(), &history.unwrap(), 20.0, &plan))
    });
    Section::prediction(values.collect(), Currency::EUR)
}

fn judged() -> Section {
    let case = |repeats, recency, bought| HoldoutCase {
        history: BuyingHistory::new(repeats, Span::from_days(recency), Span::from_days(270)).unwrap(),
        bought,
    };
    let holdout =
        Holdout::new([case(0, 0, 0), case(0, 0, 1), case(2, 260, 2)], Span::from_days(182)).unwrap();
    Section::calibration(holdout.evaluate(&model()).unwrap())
}

fn measured(report: Report, batches: &[EventBatch], end: Timestamp, named: fn(&str) -> String) -> Report {
    let months = Calendar::new(Tz::Europe__Berlin, BucketUnit::Month);
    let is = |kind: EventKind| EventTest::new(&named(kind.name()), move |event| event.kind() == kind);
    let ordered = || is(EventKind::OrderPlaced);
    let activity = ActivityLifecycle::new(months, ordered());
    let retention = Retention::new(months, ordered(), ordered()).with_cohort(CohortBy::First);
    let retention = retention.valued_in(Currency::EUR);
    let cases = Cases::new().valued_in(Currency::EUR);
    let steps = vec![is(EventKind::LeadCaptured), is(EventKind::ProductViewed), ordered()];
    let by_channel = move |history: &wayfold_core::History<'_>| {
        history.events().first()?.channel().map(|of| named(of.as_str()))
    };
    let funnel = Funnel::new(steps, Span::from_days(60)).unwrap().by_segment(by_channel);
    let touch = EventTest::new("touch", |event| event.channel().is_some());
    let attribution =
        Attribution::new(touch, ordered(), Span::from_days(30)).unwrap().named_by(Activity::Channel);

    let measure = (
        (activity, retention),
        ((ProcessMap::new(cases.clone()), Variants::new(cases)), (funnel, attribution)),
    );
    let mut total = Default::default();
    for_each_history(batches, Shard::ALL, end, |history| measure.add(history, 1, &mut total));
    let ((activity, retention), ((map, variants), (funnel, attribution))) = &measure;
    let ((active, retained), ((edges, ways), (reached, owed))) = &total;
    let cohorts = retention.report(retained, retained.buckets().unwrap());
    let models = [AttributionModel::Linear, AttributionModel::Last];
    let mut map = map.report(edges);
    for row in &mut map.activities {
        row.name = named(&row.name);
    }
    for row in &mut map.edges {
        (row.from, row.to) = (named(&row.from), named(&row.to));
    }
    let report = journeys(report, batches, end, named);
    let report = actions(report, batches, end, named);
    report
        .with(Section::activity(activity.report(active, active.buckets().unwrap()), BucketUnit::Month))
        .with(Section::funnel(funnel.report(reached)).titled(named("The way to the order")))
        .with(Section::process_map(map.clone(), Some(Currency::EUR)))
        .with(Section::process_map(map, None).titled(named("Once more")))
        .with(Section::variants(variants.report(ways), Some(Currency::EUR)))
        .with(Section::attribution(
            models.iter().map(|model| attribution.report(owed, model)).collect(),
            None,
        ))
        .with(Section::retention(cohorts.clone(), BucketUnit::Month))
        .with(Section::cohort_value(cohorts, BucketUnit::Month, Currency::EUR))
}

/// What is about journeys, norms, deals and groups.
fn journeys(report: Report, batches: &[EventBatch], end: Timestamp, named: fn(&str) -> String) -> Report {
    let by_channel = move |history: &wayfold_core::History<'_>| {
        history.events().iter().find_map(|event| event.channel()).map(|of| named(of.as_str()))
    };
    let (stages, map) =
        (StageDurations::new().by_segment(by_channel), JourneyMap::new(SatisfactionMethod::Nps));
    let texts =
        ["stage decision within 3 days", "order_placed -> delivered within 2 days", "promised delivery"];
    let cases = Cases::new().by(CaseBy::Journey).valued_in(Currency::EUR);
    let norms = Norms::new(texts.map(|text| text.parse().unwrap()).into(), cases.clone());
    let paths = Paths::new(cases.clone());
    let deals = Opportunities::new(default_stages(), Currency::EUR).unwrap();
    let profile = TemporalProfile::new(cases.clone());
    let variants = Variants::new(cases.clone());
    let measure = (((&stages, &map), (&norms, &paths)), ((&deals, &variants), (&profile, Market)));
    let mut total = Default::default();
    for_each_history(batches, Shard::ALL, end, |history| measure.add(history, 1, &mut total));
    let (((stayed, met), (kept, ways)), ((opportunities, sequences), (pairs, market))) = &total;
    let deviations = TemporalDeviations::new(cases, profile.report(pairs), 3.0);
    let mut unusual = Default::default();
    for_each_history(batches, Shard::ALL, end, |history| deviations.add(history, 1, &mut unusual));
    let mut unusual = deviations.report(&unusual);
    for row in &mut unusual.deviations {
        let deviation = &mut row.deviation;
        (deviation.from, deviation.to) = (named(&deviation.from), named(&deviation.to));
    }
    let path: IntendedPath =
        "lead_captured? -> product_viewed* -> order_placed -> delivered?".parse().unwrap();
    let mut met = map.report(met, Confidence::P95).unwrap();
    for cell in &mut met.cells {
        cell.touchpoint = cell.touchpoint.as_deref().map(named);
    }
    let mut ways = paths.report(ways, 20);
    ways.ways.iter_mut().flat_map(|way| &mut way.steps).for_each(|step| *step = named(step));
    let mut lost = deals.lost(opportunities);
    lost.iter_mut().for_each(|row| row.competitor = row.competitor.as_deref().map(named));
    let own = [OwnFigure {
        name: own_figure::NPS.to_owned(),
        value: 55.0,
        unit: "points".to_owned(),
        interval: None,
        evidence: 30,
        source: named("survey_answered"),
    }];
    let rows: Vec<Vec<f64>> = (0..40).map(|row| vec![f64::from(row % 7), f64::from(row % 3)]).collect();
    let observations =
        (0..40).map(|row| Observation::new([f64::from(row % 7)], f64::from(u8::from(row % 5 > 2))));
    let fit =
        Regression::new([named("weeks since")]).fit_logistic(&observations.collect::<Vec<_>>()).unwrap();
    let gap = |number: i64| GapChurnView {
        has_left: Some(number < 20),
        leaves_after: Some(end + Span::from_micros((number - 20) * 86_400_000_000)),
        mean_gap_us: (number % 2 == 0).then_some(Span::from_days(9)),
    };
    let gaps = (0..80).map(gap).collect();
    let key = |number: u32| CustomerKey::new(named(&number.to_string())).unwrap();
    report
        .with(Section::stages(stages.report(stayed)))
        .with(Section::journey_map(met))
        .with(Section::norms(norms.report(kept, end, 5, Confidence::P95)))
        .with(Section::conformance(path.check(&variants.report(sequences))))
        .with(Section::deviations(unusual))
        .with(Section::paths(ways, Some(Currency::EUR)))
        .with(Section::pipeline(
            deals.pipeline(opportunities),
            deals.win_rates(opportunities, Confidence::P95),
            lost,
            deals.slipping(opportunities, end),
            Currency::EUR,
        ))
        .with(Section::swot(SwotRules::default().judge(&own, market, None).unwrap()))
        .with(Section::rules(vec![(named("lifecycle.stage is loyal"), 12), (named("none"), 0)], 40))
        .with(Section::clusters(KMeans::new(3, 1).fit(&rows).unwrap(), vec![named("weeks"), named("orders")]))
        .with(Section::alive((0..40).map(|row| (key(row), f64::from(row) / 40.0)).collect(), "a model"))
        .with(Section::gaps(gaps, end))
        .with(Section::drivers(fit.report, named("leaving")))
}

/// What is done for customers, and what comes of it.
fn actions(report: Report, batches: &[EventBatch], end: Timestamp, named: fn(&str) -> String) -> Report {
    let campaigns = Campaigns::new(Span::from_days(60), Currency::EUR);
    let prices = Prices::new(Calendar::new(Tz::UTC, BucketUnit::Month), Currency::EUR);
    let measure = (&campaigns, &prices);
    let mut total = Default::default();
    for_each_history(batches, Shard::ALL, end, |history| measure.add(history, 1, &mut total));
    let costs = [CampaignCost::new("spring", Amount::parse("2000").unwrap())];
    let mut rows = campaigns.report(&total.0, &[CampaignBy::Campaign], &costs, Confidence::P95);
    rows.iter_mut().for_each(|row| row.campaign = row.campaign.as_deref().map(named));
    let discounts = prices.discounts(&total.1, PriceBy::All, &[0, 10, 20], Confidence::P95).unwrap();
    let mut responses = prices.responses(&total.1, PriceBy::All);
    responses.iter_mut().for_each(|row| row.product = named(&row.product));

    let mut projections = ProjectionSet::new(Rules::default()).unwrap();
    let record = projections.register(CareRecord::default()).unwrap();
    let contacts = projections.register(ContactHistory).unwrap();
    let mut fold = Fold::new(&projections);
    let _ = fold.apply(batches);
    let everybody = fold.population(&Tenant::default(), end).unwrap();
    let keys: Vec<CustomerKey> = everybody.members().iter().map(|member| member.key.clone()).collect();
    let mut playbooks = Playbooks::default();
    playbooks.playbooks.iter_mut().for_each(|playbook| playbook.name = named(&playbook.name));
    let next = |key: &CustomerKey| {
        let history = fold.own_view(contacts, key, end).unwrap().unwrap();
        playbooks.next_action(&fold.view(key, end).unwrap().unwrap(), &history)
    };
    let next: Vec<NextAction> = keys.iter().map(next).collect();
    let rules = CareRules {
        zone: "UTC".to_owned(),
        birthday: None,
        leap_day: LeapDay::default(),
        holidays: vec![],
        return_visits: vec![],
        silent: vec![SilentCustomer { name: named("long time no see"), days: 90 }],
        ends: vec![],
        early_days: 0,
        late_days: 7,
    };
    let records = keys.iter().map(|key| (key.clone(), fold.own_view(record, key, end).unwrap().unwrap()));
    let due = CareCalendar::new(rules).unwrap().due(records, end..end + Span::from_days(60));
    let goal = |target: &str, direction| {
        let goal = Goal {
            name: named(target),
            metric: GoalMetric::NetRevenue(Currency::EUR),
            segment: Some(named("everybody")),
            from: end - Span::from_days(365),
            until: end,
            target: Amount::parse(target).unwrap(),
            direction,
            baseline: None,
        };
        let status = goal.status(Amount::parse("500").unwrap(), end).unwrap();
        (goal, status)
    };
    let side = |buyers: usize| -> Vec<CustomerOutcome> {
        let one = |number: usize| CustomerOutcome {
            customer: keys[number].clone(),
            treated_at: None,
            purchases: u64::from(number < buyers),
            net: Amount::parse("9").unwrap(),
        };
        (0..30).map(one).collect()
    };
    let effect = Effect::between(&side(20), &side(5), Confidence::P95).unwrap();
    report
        .with(Section::campaigns(rows, Currency::EUR))
        .with(Section::effect(effect, Currency::EUR).titled(named("The effect of a letter")))
        .with(Section::prices(discounts, responses, Currency::EUR))
        .with(Section::goals(vec![
            goal("1000", GoalDirection::AtLeast),
            goal("400", GoalDirection::AtLeast),
            goal("-3", GoalDirection::AtMost),
        ]))
        .with(Section::next_actions(&next))
        .with(Section::care(due))
}
