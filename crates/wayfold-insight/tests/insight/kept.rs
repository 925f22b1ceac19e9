//! Models and cells that are kept: written, read, merged.

use wayfold_core::{Currency, CustomerId, Timestamp};
use wayfold_insight::{
    BgNbd, BuyingCells, Cells, ErrorKind, Fitted, GammaGamma, MbgNbd, ParetoNbd, ShiftedBetaGeometric,
    TimeUnit,
};

use super::support::{calibration_cells, calibration_end, cdnow, end};

#[track_caller]
fn check<M: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
    model: &M,
    json: &str,
) {
    assert_eq!(serde_json::to_string(model).unwrap(), json);
    assert_eq!(serde_json::from_str::<M>(json).unwrap(), *model);
}

#[test]
fn models_are_read_as_they_were_written() {
    let week = TimeUnit::Week;
    check(
        &BgNbd::new(week, 0.24259451494792383, 4.4, 0.1 + 0.2, 2.4).unwrap(),
        r#"{"unit":"week","r":"0.24259451494792383","alpha":"4.4","a":"0.30000000000000004","b":"2.4"}"#,
    );
    check(
        &MbgNbd::new(TimeUnit::Day, 0.5, 6.0, 0.9, 1.6).unwrap(),
        r#"{"unit":"day","r":"0.5","alpha":"6","a":"0.9","b":"1.6"}"#,
    );
    check(
        &ParetoNbd::new(week, 0.5, 10.0, 0.6, 11.5).unwrap(),
        r#"{"unit":"week","r":"0.5","alpha":"10","s":"0.6","beta":"11.5"}"#,
    );
    check(
        &GammaGamma::new(Currency::USD, 6.25, 3.74, 15.44).unwrap(),
        r#"{"currency":"USD","p":"6.25","q":"3.74","gamma":"15.44"}"#,
    );
    check(&ShiftedBetaGeometric::new(0.7, 1.2).unwrap(), r#"{"a":"0.7","b":"1.2"}"#);
    let fitted = BgNbd::fit(&calibration_cells(), week).unwrap();
    let read: Fitted<BgNbd> = serde_json::from_str(&serde_json::to_string(&fitted).unwrap()).unwrap();
    assert_eq!(read.model, fitted.model);
}

#[test]
fn documents_with_impossible_parameters_are_refused() {
    for r in ["0", "-1", "1e-7", "2e9", "NaN", "inf", "many"] {
        let json = format!(r#"{{"unit":"week","r":"{r}","alpha":"4.4","a":"0.8","b":"2.4"}}"#);
        assert!(serde_json::from_str::<BgNbd>(&json).is_err(), "{r}");
    }
    let error = BgNbd::new(TimeUnit::Week, 1.0, f64::NAN, 1.0, 1.0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidParameter);
    assert_eq!(error.to_string(), "alpha is NaN; it must be from 1e-6 to 1e9");
}

#[test]
fn counted_customers_give_the_cells_of_any_later_instant() {
    let views = cdnow(calibration_end());
    let (mut left, mut right) = (BuyingCells::default(), BuyingCells::default());
    views[..900].iter().for_each(|(_, view)| left.add(view));
    views[900..].iter().for_each(|(_, view)| right.add(view));
    right.merge(&left);
    assert_eq!(right.at(calibration_end()).unwrap(), calibration_cells());
    let later: Cells<_> = views.iter().map(|(_, view)| view.history(end()).unwrap().unwrap()).collect();
    assert_eq!(right.at(end()).unwrap(), later);

    let earlier = Timestamp::parse("1997-06-30").unwrap();
    assert_eq!(right.at(earlier).unwrap_err().kind(), ErrorKind::InvalidHistory);
}

#[test]
fn purchases_of_a_day_are_one_transaction_and_their_spending_is_a_sum() {
    let views = cdnow(end());
    assert_eq!(views.iter().map(|(_, view)| view.days.len()).sum::<usize>(), 6_696);
    let sum: i128 =
        views.iter().flat_map(|(_, view)| &view.days).map(|day| day.spend.as_ten_thousandths()).sum();
    assert_eq!(sum, 2_440_919_400);
    let (key, first) = &views[0];
    assert_eq!(key.customer, CustomerId::new("0001").unwrap());
    assert_eq!((first.days.len(), first.days_after(calibration_end())), (4, 1));
    assert!(first.history(calibration_end()).is_err(), "the view knows a later day");
}
