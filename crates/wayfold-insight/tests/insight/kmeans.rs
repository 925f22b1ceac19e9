//! Clusters of the CDNOW sample, as scikit-learn finds them in 200 starts.

use wayfold_insight::{KMeans, TimeUnit};

use super::support::{calibration_end, cdnow, close};

/// Weeks since the last purchase, ln(1 + x) and ln(1 + mean repeat spend).
fn features() -> Vec<Vec<f64>> {
    let of = |(_, view): (_, wayfold_insight::BuyingDaysView)| {
        let history = view.history(calibration_end()).unwrap().unwrap();
        let spend = view.spend().unwrap();
        let mean = spend.total() / f64::from(spend.repeats().max(1));
        let repeats = f64::from(history.repeats());
        vec![TimeUnit::Week.count(history.silence()), repeats.ln_1p(), mean.ln_1p()]
    };
    cdnow(calibration_end()).into_iter().map(of).collect()
}

#[test]
fn clusters_of_the_sample_are_those_of_another_implementation() {
    let rows = features();
    for (clusters, inertia, sizes) in
        [(2, 1751.3241299832634, vec![1428, 929]), (4, 668.4061871515232, vec![1411, 388, 377, 181])]
    {
        let found = KMeans::new(clusters, 1).with_starts(30).fit(&rows).unwrap();
        close(found.inertia, inertia, 1e-4);
        assert_eq!(found.sizes, sizes);
        assert_eq!(
            KMeans::new(clusters, 1).with_starts(30).fit(&rows).unwrap(),
            found,
            "bits are the seed's"
        );
    }
}
