//! Recommendations on UCI Online Retail, beside what is popular.
//!
//! How many neighbours an item keeps was chosen among 20, 50, 200 and all by hits in August 2011 of what was known before
//! it, on purchases before 2011-08-31 alone; so was the log-likelihood ratio, against its square root and the cosine. Both
//! were committed before anything was computed of the purchases after 2011-09-30.

use std::collections::{BTreeMap, BTreeSet};

use wayfold::blocking::Wayfold;
use wayfold::ingest::{CsvImport, ImportOptions, Mapping};
use wayfold::insight::{CoOccurrence, ItemSignal, RecommendationScore, Recommender, Taste};
use wayfold::{Builder, History, MemoryStore, Rules, Tenant, Timestamp};
use wayfold_testkit::real_data;

use super::online_retail::mappings;

fn midnight(date: &str) -> Timestamp {
    Timestamp::parse(date).unwrap().previous()
}

fn purchases(test: &str) -> Option<Wayfold> {
    let file = real_data(test, "online-retail/online_retail.csv.gz")?;
    let mapping = Mapping::load(mappings().join("online_retail_purchases.toml")).unwrap();
    let mut source = CsvImport::open(mapping, file, ImportOptions::default()).unwrap();
    let builder = Builder::new(Rules::default()).unwrap().on_demand();
    let wayfold = builder.open_blocking(MemoryStore::new()).unwrap();
    wayfold.import(&mut source).unwrap();
    Some(wayfold)
}

fn country(history: &History<'_>) -> Option<String> {
    history.events().last()?.attribute("country").map(|country| format!("{country:?}"))
}

/// The score of ten recommendations to each customer who was known at the cut and bought something new until the end, and
/// that of the ten most popular items that the customer did not own.
fn scores(wayfold: &Wayfold, cut: Timestamp, end: Timestamp) -> [RecommendationScore; 2] {
    let measure = CoOccurrence::new(ItemSignal::Orders).by_segment(country);
    let total = wayfold.measure(&measure, cut).unwrap();
    let recommender = Recommender::new(&total, Recommender::NEIGHBOURS);
    let tastes = |as_of| {
        let mut tastes = BTreeMap::new();
        let add = |history: &History<'_>| {
            tastes.insert(history.customer().1.to_owned(), measure.taste(history));
        };
        wayfold.for_each_history(&Tenant::default(), as_of, add).unwrap();
        tastes
    };
    let (known, later) = (tastes(cut), tastes(end));
    let judged: Vec<(&Taste, BTreeSet<String>)> = known
        .iter()
        .map(|(customer, taste)| (taste, &later[customer].owned - &taste.owned))
        .filter(|(_, new)| !new.is_empty())
        .collect();
    let by = |top: &dyn Fn(&Taste) -> Vec<String>| {
        let found: Vec<Vec<String>> = judged.iter().map(|(taste, _)| top(taste)).collect();
        RecommendationScore::of(found.iter().map(Vec::as_slice).zip(judged.iter().map(|(_, new)| new)))
    };
    let recommend = |taste: &Taste| -> Vec<String> {
        recommender.recommend(taste, 10).into_iter().map(|found| found.item).collect()
    };
    let popular = |taste: &Taste| {
        let nobody = Taste { items: BTreeSet::new(), segment: None, ..taste.clone() };
        recommend(&nobody)
    };
    [by(&recommend), by(&popular)]
}

#[test]
fn recommendations_hit_more_than_what_is_popular() {
    let Some(wayfold) = purchases("recommendations_hit_more_than_what_is_popular") else { return };
    let rounded = |score: RecommendationScore| {
        let four_digits = |share: f64| (share * 1e4).round() / 1e4;
        (score.customers, four_digits(score.hit_rate), four_digits(score.mean_reciprocal_rank))
    };
    // By which the parameters were chosen.
    let [ours, popular] = scores(&wayfold, midnight("2011-08-01"), midnight("2011-08-31"));
    println!("August 2011: {ours:?}, popular: {popular:?}");
    assert_eq!((rounded(ours), rounded(popular)), ((682, 0.5, 0.2376), (682, 0.2859, 0.1094)));

    let [ours, popular] = scores(&wayfold, midnight("2011-10-01"), midnight("2011-12-10"));
    println!("from October 2011 on: {ours:?}, popular: {popular:?}");
    assert_eq!((rounded(ours), rounded(popular)), ((1768, 0.4321, 0.2097), (1768, 0.2845, 0.1053)));
}
