//! What to offer a customer next: by what goes together in views and orders, by what is popular, and why.

use wayfold::insight::{Because, CoOccurrence, ItemSignal, RecommendationScore, Recommender};
use wayfold::{AsOf, Builder, History, Rules, Tenant, Timestamp};
use wayfold_examples::store;
use wayfold_testkit::shop::{Shop, ShopConfig};

fn main() -> anyhow::Result<()> {
    let wayfold = Builder::new(Rules::default())?.on_demand().open_blocking(store()?)?;
    let events: Vec<_> = Shop::new(ShopConfig::of(20_000)).distinct().collect();
    wayfold.append(&events)?;

    // One pass over the log counts which items go together; each signal alone, and both.
    for signal in [ItemSignal::Views, ItemSignal::Orders, ItemSignal::ViewsAndOrders] {
        let measure = CoOccurrence::new(signal);
        let recommender = Recommender::new(&wayfold.measure(&measure, AsOf::Now)?, Recommender::NEIGHBOURS);
        let mut shown = None;
        let take = |history: &History<'_>| {
            if shown.is_none() {
                let taste = measure.taste(history);
                shown = (taste.items.len() > 1).then_some(taste);
            }
        };
        wayfold.for_each_history(&Tenant::default(), AsOf::Now, take)?;
        let taste = shown.expect("somebody has a taste");
        println!("{signal:?}: {:?}", taste.items);
        for found in recommender.recommend(&taste, 3) {
            println!("  {} ({:.1}): {:?}", found.item, found.score, found.because);
            assert!(!taste.owned.contains(&found.item), "what is owned is not offered again");
        }
    }

    // Judged by what was ordered in the last year; the shop draws its orders by chance, so nothing can beat luck.
    let measure = CoOccurrence::new(ItemSignal::Orders);
    let cut = Timestamp::parse("2025-01-01")?.previous();
    let recommender = Recommender::new(&wayfold.measure(&measure, cut)?, Recommender::NEIGHBOURS);
    let mut judged = Vec::new();
    wayfold.for_each_history(&Tenant::default(), cut, |history| {
        judged.push((history.customer().1.to_owned(), measure.taste(history)));
    })?;
    let mut later = std::collections::BTreeMap::new();
    wayfold.for_each_history(&Tenant::default(), AsOf::Now, |history| {
        later.insert(history.customer().1.to_owned(), measure.taste(history).owned);
    })?;
    let mut found = Vec::new();
    for (customer, taste) in &judged {
        let new = &later[customer] - &taste.owned;
        if !new.is_empty() {
            let items: Vec<_> =
                recommender.recommend(taste, 10).into_iter().map(|found| found.item).collect();
            found.push((items, new));
        }
    }
    let score = RecommendationScore::of(found.iter().map(|(items, new)| (items.as_slice(), new)));
    println!("{score:?}");
    assert_eq!((score.customers, (score.hit_rate * 196.0).round()), (196, 6.0));

    // Who is new gets what is popular.
    let nobody = recommender.recommend(&Default::default(), 1);
    assert_eq!(nobody[0].because, Because::Popular);
    Ok(())
}
