//! What customers will be worth: models fitted on the first 39 weeks of CDNOW, judged by the next 39, and asked; and who renews
//! a contract.

use wayfold::blocking::Wayfold;
use wayfold::ingest::{CsvImport, ImportOptions, Mapping};
use wayfold::insight::{
    BgNbd, BuyingDays, BuyingDaysView, ChurnModel, Criterion, DiscountRate, GammaGamma, Holdout, MbgNbd,
    ParetoNbd, Renewals, ShiftedBetaGeometric, TimeUnit, ValuePlan, lifetime_value,
};
use wayfold::{Builder, Currency, CustomerKey, Handle, Rules, Timestamp};
use wayfold_examples::{shipped, store};

fn main() -> anyhow::Result<()> {
    let mut builder = Builder::new(Rules::default())?.on_demand();
    let buying = builder.register(BuyingDays::new(Currency::USD))?;
    let wayfold = builder.open_blocking(store()?)?;
    let mapping = Mapping::load(shipped("mappings/cdnow.toml"))?;
    wayfold.import(&mut CsvImport::open(
        mapping,
        shipped("data/cdnow_sample.txt"),
        ImportOptions::default(),
    )?)?;

    let split = Timestamp::parse("1997-10-01")?.previous();
    let end = Timestamp::parse("1998-07-01")?.previous();
    let customers = wayfold.own_views(buying, split)?.into_vec();
    let holdout = Holdout::split(&customers, split, &wayfold.own_views(buying, end)?.into_vec(), end)?;
    let model = judge(&holdout)?;
    whom_to_win_back(&model, &customers, split)?;
    worth_of_one(&wayfold, buying, &model, &customers, split)?;
    who_renews()
}

/// Fits three models on what was known at the split, and lets what came later choose.
fn judge(holdout: &Holdout) -> anyhow::Result<ParetoNbd> {
    let cells = holdout.histories();
    let bg = BgNbd::fit(&cells, TimeUnit::Week)?;
    let mbg = MbgNbd::fit(&cells, TimeUnit::Week)?;
    let pareto = ParetoNbd::fit(&cells, TimeUnit::Week)?;
    println!("Pareto/NBD on {} customers in {} cells:", pareto.report.customers, pareto.report.cells);
    for estimate in &pareto.report.estimates {
        println!(
            "  {} = {:.3}, standard error {:.3}",
            estimate.name, estimate.value, estimate.standard_error
        );
    }
    assert_eq!(format!("{:.3}", pareto.report.log_likelihood), "-9594.976");

    let evaluations =
        holdout.choose(&[&bg.model, &mbg.model, &pareto.model], Criterion::MeanAbsoluteError)?;
    for found in &evaluations {
        println!(
            "{}: expected {:.0} of {} purchases, off by {:.3} a customer; AUC {:.3}, by recency alone {:.3}",
            found.model,
            found.expected,
            found.bought,
            found.mean_absolute_error,
            found.ranking.auc,
            found.recency_only.auc
        );
    }
    let best = &evaluations[0];
    assert_eq!((best.model.as_str(), best.bought), ("pareto_nbd", 1_882));
    assert_eq!(format!("{:.0} {:.4}", best.expected, best.mean_absolute_error), "1666 0.7545");
    // A model that were not better than this would not be worth its trouble.
    assert!(best.ranking.auc > best.recency_only.auc);
    Ok(pareto.model)
}

/// Good customers who are probably gone: bought at least five times more, and are there with less than one in ten.
fn whom_to_win_back(
    model: &ParetoNbd,
    customers: &[(CustomerKey, BuyingDaysView)],
    split: Timestamp,
) -> anyhow::Result<()> {
    let mut gone = Vec::new();
    for (key, view) in customers {
        if let Some(history) = view.history(split)?.filter(|history| history.repeats() >= 5) {
            let alive = model.probability_alive(&history);
            if alive < 0.1 {
                gone.push((alive, key));
            }
        }
    }
    gone.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ids: Vec<&str> = gone.iter().map(|(_, key)| key.customer.as_str()).collect();
    println!("to win back: {}", ids.join(", "));
    assert_eq!((ids.len(), ids[0]), (7, "1901"));
    Ok(())
}

/// What the customer with the most purchases will bring in a year, discounted by 15 %.
fn worth_of_one(
    wayfold: &Wayfold,
    buying: Handle<BuyingDays>,
    model: &ParetoNbd,
    customers: &[(CustomerKey, BuyingDaysView)],
    split: Timestamp,
) -> anyhow::Result<()> {
    let spends = customers.iter().map(|(_, view)| view.spend()).collect::<Result<_, _>>()?;
    let spending = GammaGamma::fit(&spends, Currency::USD)?.model;

    let (best, _) = customers.iter().max_by_key(|(_, view)| view.days.len()).expect("there are customers");
    let view = wayfold.own_view_as_of(buying, best, split)?.expect("the customer is known");
    let history = view.history(split)?.expect("the customer has bought");
    let spend = spending.expected_spend(&view.spend()?)?;
    let plan = ValuePlan::months(12, DiscountRate::yearly(0.15)?);
    let value = lifetime_value(model, &history, spend, &plan);
    println!(
        "customer {best}: {} repeats, {spend:.2} dollars each, {:.1} purchases to come in 12 months, worth {:.2} dollars now",
        history.repeats(),
        value.total.purchases,
        value.total.value
    );
    let told = format!("{} {:.1} {:.2}", history.repeats(), value.total.purchases, value.total.value);
    assert_eq!(told, "29 25.0 614.85");

    // The model is a constant of a few numbers: what is read back is the same to the bit.
    let kept = serde_json::to_string(model)?;
    assert_eq!(serde_json::from_str::<ParetoNbd>(&kept)?, *model);
    println!("kept as {kept}");
    Ok(())
}

/// How many of 1,000 customers with a yearly contract renew: fitted on seven years, asked about the five behind them.
fn who_renews() -> anyhow::Result<()> {
    // The cohort "High End" of Fader and Hardie (2007), by which they introduce the model; the last five years were held back.
    let there = vec![1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394];
    let fitted = ShiftedBetaGeometric::fit(&Renewals::new(there[..8].to_vec())?)?;
    let [a, b] = fitted.model.parameters();
    println!("a = {a:.3}, b = {b:.3}, log-likelihood {:.1}", fitted.report.log_likelihood);
    // As published.
    assert_eq!(format!("{a:.3} {b:.3} {:.1}", fitted.report.log_likelihood), "0.668 3.806 -1611.2");

    for (year, there) in (0..).zip(&there).skip(8) {
        let expected = 1000.0 * fitted.model.survival(year);
        println!("after {year} years {there} were there, {expected:.0} expected");
        assert!((expected - *there as f64).abs() < 20.0);
    }
    // Who has stayed long renews more readily, and is worth more.
    let [new, old] = [0, 5].map(|renewed| fitted.model.discounted_renewals(renewed, 10, 0.1));
    let (new, old) = (new?, old?);
    println!(
        "renewals to come in ten years: {new:.2} of a new customer, {old:.2} of one who has renewed five times"
    );
    assert_eq!(format!("{new:.2} {old:.2}"), "4.14 5.18");
    Ok(())
}
