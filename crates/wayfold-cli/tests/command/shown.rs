//! What people see, on the CDNOW sample; each output is a file beside this one.

use insta::assert_snapshot;

use super::support::Place;

#[test]
fn the_help_names_every_command() {
    assert_snapshot!(Place::new("help").done(&["-h"]));
}

#[test]
fn all_customers() {
    let place = Place::cdnow("all_customers");
    assert_snapshot!("population", place.done(&["population"]));
    assert_snapshot!(
        "population_early",
        place.done(&["population", "--as-of", "1997-02-01", "--ties", "ntile"])
    );
    let rule = "lifecycle.stage is loyal and count of order_placed within 30 days >= 2";
    let by_money = ["--sort", "value.currencies[USD].net", "--descending", "--limit", "3"];
    assert_snapshot!("customers", place.done(&[&["customers", rule][..], &by_money].concat()));
    let columns =
        ["--columns", "lifecycle.stage,value.gaps.longest_us,lifecycle.returned_at", "--limit", "2"];
    assert_snapshot!("customers_columns", place.done(&[&["customers"][..], &columns].concat()));
    assert_snapshot!("segments", place.done(&["segments"]));
    assert_snapshot!("segments_rules", place.done(&["segments", "lifecycle.stage is loyal", rule]));
}

#[test]
fn one_customer() {
    let place = Place::cdnow("one_customer");
    assert_snapshot!("customer", place.done(&["customer", "0499", "--explain"]));
    assert_snapshot!("customer_why", place.done(&["customer", "0499", "--why", "lifecycle.stage"]));
    assert_snapshot!("customer_early", place.done(&["customer", "0499", "--as-of", "1997-03-01"]));
}

#[test]
fn what_moved() {
    let place = Place::cdnow("what_moved");
    place.write("churn-120.toml", "version = \"churn-120\"\nlifecycle.churned_after_days = 120\n");
    let by_class = ["compare", "--from", "1998-01-01", "--by", "class", "--limit", "3"];
    assert_snapshot!("compare_instants", place.done(&by_class));
    assert_snapshot!("compare_rules", place.done(&["compare", "--with", "churn-120.toml", "--limit", "3"]));
}

#[test]
fn measures_and_models() {
    let place = Place::cdnow("measures");
    let steps = ["order_placed", "order_placed", "order_placed", "--within", "60 days"];
    assert_snapshot!("funnel", place.done(&[&["funnel"][..], &steps].concat()));
    let two = ["funnel", "order_placed", "order_placed"];
    assert_snapshot!("funnel_like", place.done(&[&two[..], &["--like", "mixpanel"]].concat()));
    assert_snapshot!("funnel_by", place.done(&[&two[..], &["--by", "stage"]].concat()));
    assert_snapshot!("paths", place.done(&["paths", "--gap", "none", "--repeats", "--limit", "3"]));
    let norms = ["order_placed -> order_placed within 60 days", "stage decision within 1 day"];
    assert_snapshot!("norms", place.done(&["norms", norms[0], norms[1], "--limit", "3"]));
    assert_snapshot!("map", place.done(&["map", "--limit", "6"]));
    assert_snapshot!("mermaid", place.done(&["map", "--mermaid"]));
    assert_snapshot!("retention", place.done(&["retention", "--limit", "4"]));
    assert_snapshot!(
        "models",
        place.done(&["models", "--split", "1997-10-01", "--as-of", "1998-06-30T23:59:59.999999Z"])
    );
}

#[test]
fn the_log_itself() {
    let place = Place::cdnow("the_log");
    assert_snapshot!("log", place.done(&["log", "--limit", "3"]));
    assert_snapshot!("log_customer", place.done(&["log", "--customer", "0499", "--newest", "--limit", "2"]));
    assert_snapshot!("check", place.done(&["check"]));
}
