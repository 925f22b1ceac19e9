//! The second 39 weeks of the CDNOW sample, told by models that know the first 39.

use wayfold_insight::{
    BgNbd, BuyingHistory, Criterion, ErrorKind, Evaluation, Holdout, HoldoutCase, MbgNbd, ParetoNbd, TimeUnit,
};

use super::support::{calibration_end, cdnow, close, end, history, weeks};

fn holdout() -> Holdout {
    Holdout::split(&cdnow(calibration_end()), calibration_end(), &cdnow(end()), end()).unwrap()
}

struct Expected {
    sum: f64,
    mean_absolute_error: f64,
    root_mean_square_error: f64,
    correlation: f64,
    by_repeats: [f64; 8],
}

/// Figures of the Python package `lifetimes` 0.11.3, to four digits: its times are cut to hundredths of a week.
#[track_caller]
fn check(found: &Evaluation, expected: &Expected) {
    assert_eq!((found.customers, found.bought), (2_357, 1_882));
    close(found.expected, expected.sum, 5e-4);
    close(found.mean_absolute_error, expected.mean_absolute_error, 1e-4);
    close(found.root_mean_square_error, expected.root_mean_square_error, 1e-4);
    close(found.correlation.unwrap(), expected.correlation, 1e-4);
    assert_eq!(found.calibration.iter().map(|row| row.customers).sum::<u64>(), found.customers);
    for ((row, expected), repeats) in found.calibration.iter().zip(expected.by_repeats).zip(0..) {
        assert_eq!(row.repeats, repeats);
        close(row.expected, expected, 5e-4);
    }
}

#[test]
fn bg_nbd_tells_the_holdout_as_another_implementation_does() {
    let holdout = holdout();
    let model = BgNbd::fit(&holdout.histories(), TimeUnit::Week).unwrap().model;
    let expected = Expected {
        sum: 1653.4086376440573,
        mean_absolute_error: 0.7854542294677487,
        root_mean_square_error: 1.6079820117719381,
        correlation: 0.6256474509268966,
        by_repeats: [0.2251, 0.5231, 1.0441, 1.5203, 2.1639, 2.6538, 3.504, 6.1572],
    };
    check(&holdout.evaluate(&model).unwrap(), &expected);
}

#[test]
fn pareto_nbd_tells_the_holdout_as_another_implementation_does() {
    let holdout = holdout();
    let model = ParetoNbd::fit(&holdout.histories(), TimeUnit::Week).unwrap().model;
    let expected = Expected {
        sum: 1665.5130663404566,
        mean_absolute_error: 0.7545233826906043,
        root_mean_square_error: 1.6028479970989118,
        correlation: 0.6302225072122326,
        by_repeats: [0.1384, 0.5995, 1.1958, 1.7138, 2.3983, 2.9072, 3.8186, 6.4031],
    };
    check(&holdout.evaluate(&model).unwrap(), &expected);
}

/// The areas stand in the literature's order: the models are a little better than the rule that needs none, and BG/NBD's
/// P(alive) is worse than chance, because it is 1 for who bought once. It can be ranked by nothing but a score of one's
/// own: no [`ChurnModel`](wayfold_insight::ChurnModel) gives it.
#[test]
fn recency_alone_is_beside_every_model_and_beats_bg_nbds_p_alive() {
    let holdout = holdout();
    let cells = holdout.histories();
    let bg = BgNbd::fit(&cells, TimeUnit::Week).unwrap().model;
    let mbg = MbgNbd::fit(&cells, TimeUnit::Week).unwrap().model;
    let pareto = ParetoNbd::fit(&cells, TimeUnit::Week).unwrap().model;
    let chosen = holdout.choose(&[&bg, &mbg, &pareto], Criterion::Auc).unwrap();
    let areas: Vec<_> = chosen
        .iter()
        .map(|of| (of.model.as_str(), (of.ranking.auc * 1e3).round(), (of.recency_only.auc * 1e3).round()))
        .collect();
    assert_eq!(areas[..2], [("pareto_nbd", 779.0, 771.0), ("mbg_nbd", 773.0, 771.0)]);

    let bought_once_is_there =
        |history: &BuyingHistory| bg.probability_alive_after_repeat(history).unwrap_or(1.0);
    let wrong = holdout.rank(bought_once_is_there).unwrap();
    assert_eq!((wrong.auc * 1e3).round(), 316.0);

    let churn = holdout.evaluate_churn(&pareto).unwrap();
    assert_eq!((churn.model.as_str(), churn.recency_only.auc), ("pareto_nbd", chosen[0].recency_only.auc));
    assert!(churn.ranking.auc > 0.7, "{churn:?}");
    assert!(chosen[0].ranking.lift[0] > 2.0, "{:?}", chosen[0]);
    assert_eq!(chosen[0].ranking.lift[9], 1.0);
}

#[test]
fn the_better_model_depends_on_what_is_asked() {
    let holdout = holdout();
    let cells = holdout.histories();
    let bg = BgNbd::fit(&cells, TimeUnit::Week).unwrap().model;
    let pareto = ParetoNbd::fit(&cells, TimeUnit::Week).unwrap().model;
    for by in [Criterion::MeanAbsoluteError, Criterion::RootMeanSquareError, Criterion::Auc] {
        let chosen = holdout.choose(&[&bg, &pareto], by).unwrap();
        assert_eq!(chosen[0].model, "pareto_nbd", "{by:?}");
        assert!(chosen[0].mean_absolute_error < chosen[0].mean_absolute_error_at_rate_so_far);
    }
}

#[test]
fn outcomes_that_judge_nothing_are_refused() {
    let somebody = history(1, weeks(2), weeks(3));
    for bought in [[0, 0], [1, 2]] {
        let cases = bought.map(|bought| HoldoutCase { history: somebody, bought });
        assert_eq!(Holdout::new(cases, weeks(4)).unwrap_err().kind(), ErrorKind::TooLittleData);
    }
    let cases = [0, 1].map(|bought| HoldoutCase { history: somebody, bought });
    let holdout = Holdout::new(cases, weeks(4)).unwrap();
    assert_eq!(holdout.rank(|_| f64::NAN).unwrap_err().kind(), ErrorKind::InvalidParameter);

    let (before, after) = (cdnow(calibration_end()), cdnow(end()));
    let error = Holdout::split(&before, calibration_end(), &after[1..], end()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    let error = Holdout::split(&after, calibration_end(), &after, end()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidHistory, "the views know what came later");
}
