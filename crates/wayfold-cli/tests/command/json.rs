//! What programs get: the members that the guide names.

use serde_json::Value;

use super::support::Place;

#[track_caller]
pub(crate) fn check_members(found: &Value, members: &[&str]) {
    let known: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = members.to_vec();
    expected.sort_unstable();
    assert_eq!(known, expected);
}

#[test]
fn objects_have_the_members_that_the_guide_names() {
    let place = Place::cdnow("json_objects");
    place.write("r.toml", "version = \"churn-120\"\nlifecycle.churned_after_days = 120\n");
    let view = [
        "key",
        "as_of",
        "rules",
        "events",
        "unknown_events",
        "first_seen_at",
        "last_seen_at",
        "journeys",
        "lifecycle",
        "segment",
        "value",
        "holds_until",
    ];
    let cases: [(&[&str], &[&str]); 16] = [
        (&["customer", "0499"], &view),
        (&["customer", "0499", "--explain"], &["view", "steps", "reports"]),
        (&["customer", "0499", "--why", "lifecycle.stage"], &["at", "cause", "change"]),
        (&["population"], &["summary", "rfm"]),
        (&["compare", "--from", "1998-01-01"], &["from", "to", "rules", "moves"]),
        (
            &["compare", "--with", "r.toml"],
            &[
                "as_of",
                "rules",
                "other_rules",
                "customers",
                "stages",
                "classes",
                "values",
                "outcomes",
                "members",
            ],
        ),
        (
            &["compare", "events >= 1", "events >= 2"],
            &[
                "old",
                "new",
                "from",
                "to",
                "customers",
                "at_end",
                "in_period",
                "at_other_instants",
                "old_changes",
                "new_changes",
            ],
        ),
        (&["map"], &["currency", "map", "variants"]),
        (&["map", "--path", "order_placed+"], &["currency", "map", "variants", "conformance"]),
        (&["retention"], &["semantics", "cohorts"]),
        (&["paths"], &["semantics", "sessions", "value", "tree", "ways", "other_ways"]),
        (&["norms", "promised delivery"], &["semantics", "as_of", "norms"]),
        (&["models"], &["currency", "split", "end", "fits", "evaluations"]),
        (&["check"], &["file", "head", "events", "sealed_blocks", "fresh_blocks", "checkpoints"]),
        (&["compact"], &["file", "bytes_before", "bytes_after"]),
        (&["backup", "copy.db"], &["file", "copy", "bytes"]),
    ];
    for (arguments, members) in cases {
        check_members(&place.object(arguments), members);
    }
    let (fans, keen) =
        ("count of order_placed within 90 days >= 3", "count of order_placed within 60 days >= 2");
    let compared = place.object(&["compare", fans, keen, "--since", "1998-01-01"]);
    let of = |groups: &str| {
        ["both", "only_old", "only_new"].map(|group| compared[groups][group]["customers"].clone())
    };
    assert_eq!(of("at_end"), [35, 8, 26]);
    assert_eq!(of("in_period"), [158, 3, 106]);
    let told = place.done(&["compare", fans, keen, "--since", "1998-01-01", "--limit", "2"]);
    assert!(told.contains("At some instant since 1998-01-01") && told.contains("And 107 more"), "{told}");
    let retention = place.object(&["retention"]);
    check_members(&retention["cohorts"][0], &["bucket", "starts_on", "customers", "returned", "ordered"]);
    let map = place.object(&["map", "--path", "order_placed+", "--only", "order_*"]);
    for (of, begins) in [
        ("map", "process map of cases"),
        ("variants", "variants of"),
        ("conformance", "conformance to order_placed+"),
    ] {
        let semantics = map[of]["semantics"].as_str().unwrap();
        assert!(
            semantics.starts_with(begins) && semantics.contains("steps other than order_* left out"),
            "{semantics}"
        );
        // What programs get is what people read.
        let told = place.done(&["map", "--path", "order_placed+", "--only", "order_*"]);
        assert!(told.lines().any(|line| line == semantics), "{told}");
    }
    let population = place.object(&["population"]);
    assert_eq!(population["summary"]["customers"], 2_357);
    assert_eq!(population["rfm"]["segments"][0]["name"], "Champions");
}

#[test]
fn lists_are_lines_of_objects() {
    let place = Place::cdnow("json_lines");
    let loyal = place.lines(&["customers", "lifecycle.stage is loyal", "--limit", "1000"]);
    assert_eq!(loyal.len(), 139);
    assert!(loyal.iter().all(|view| view["lifecycle"]["stage"] == "loyal"));

    let columns = place.lines(&["customers", "--columns", "lifecycle.stage,segment.class", "--limit", "2"]);
    check_members(&columns[0], &["key.customer", "lifecycle.stage", "segment.class"]);

    let segments = place.lines(&["segments"]);
    check_members(&segments[0], &["name", "customers", "purchases", "net"]);
    assert_eq!(segments.len(), 10);

    place.write(
        "vip.json",
        r#"{"name": "vip", "editions": [
            {"at": "1998-01-01T00:00:00Z", "version": "1", "origin": "chosen", "customers": ["0001", "0499", "nobody"]}]}"#,
    );
    let vip = place.lines(&["customers", "in list vip", "--list", "vip.json"]);
    assert_eq!(vip.len(), 2);
    let top = place.lines(&["segments", "value.currencies[USD].net in top 10% each month"]);
    assert_eq!(top[0]["customers"], 236);

    let funnel = place.lines(&["funnel", "order_placed", "order_placed"]);
    check_members(&funnel[0], &["semantics", "segment", "steps"]);
    let step = &funnel[0]["steps"][1];
    let members = [
        "name",
        "customers",
        "dropped",
        "of_before",
        "of_entered",
        "from_before",
        "from_entry",
        "next",
        "who",
    ];
    check_members(step, &members);
    check_members(&step["from_before"], &["mean", "median", "p90", "min", "max", "total"]);

    let events = place.lines(&["log", "--customer", "0499"]);
    assert!(events.iter().all(|event| event["customer"] == "0499" && event["position"].is_string()));
    let all = place.lines(&["log", "--limit", "100000"]);
    assert_eq!(all.len(), 6_919);
}

#[test]
fn who_follows_a_path_is_who_takes_no_other_way() {
    let place = Place::cdnow("json_path");
    let answer = place.object(&["map", "--path", "order_placed -> order_placed?"]);
    let variants = answer["variants"]["variants"].as_array().unwrap();
    let short = variants.iter().filter(|row| row["steps"].as_array().unwrap().len() <= 2);
    let fitting: u64 = short.map(|row| row["cases"].as_u64().unwrap()).sum();
    assert_eq!(answer["conformance"]["fitting"], fitting);
    let told = place.done(&["map", "--path", "order_placed -> order_placed?", "--limit", "1"]);
    assert!(told.contains("of 2,357 cases follow order_placed -> order_placed?; mean fitness 0."), "{told}");
    assert!(told.contains("not expected"), "{told}");
}

/// A wait for the next purchase is broken if it is longer than the norm: counted here from the log.
#[test]
fn who_breaks_a_norm_is_who_waited_longer() {
    let place = Place::cdnow("json_norms");
    let norm = "order_placed -> order_placed within 60 days";
    let found = place.object(&["norms", norm, "--limit", "1"]);
    let mut days: std::collections::BTreeMap<String, Vec<chrono::NaiveDate>> = Default::default();
    for event in place.lines(&["log", "--limit", "100000"]) {
        let day = event["occurred_at"].as_str().unwrap()[..10].parse().unwrap();
        days.entry(event["customer"].as_str().unwrap().to_owned()).or_default().push(day);
    }
    let end: chrono::NaiveDate = found["as_of"].as_str().unwrap()[..10].parse().unwrap();
    let (mut kept, mut broken, mut pending) = (0, 0, 0);
    for days in days.values_mut() {
        days.sort();
        for pair in days.windows(2) {
            if (pair[1] - pair[0]).num_days() > 60 { broken += 1 } else { kept += 1 }
        }
        if (end - days[days.len() - 1]).num_days() > 60 { broken += 1 } else { pending += 1 }
    }
    let row = &found["norms"][0];
    assert_eq!(
        (&row["kept"], &row["broken"], &row["pending"]),
        (&kept.into(), &broken.into(), &pending.into())
    );
    assert_eq!(row["norm"], norm);
}

/// What is told apart adds up to what is not, and a tool's window is its own.
#[test]
fn funnels_by_segment_add_up() {
    let place = Place::cdnow("json_funnels");
    let entered = |more: &[&str]| -> (u64, u64) {
        let lines = place.lines(&[&["funnel", "order_placed", "order_placed"][..], more].concat());
        let customers =
            |step: usize| lines.iter().map(|line| line["steps"][step]["customers"].as_u64().unwrap()).sum();
        (customers(0), customers(1))
    };
    assert_eq!(entered(&["--by", "stage"]), entered(&[]));
    assert_eq!(entered(&["--like", "mixpanel"]), entered(&["--within", "7 days", "--entry", "first"]));
    assert_eq!(entered(&["--like", "posthog"]), entered(&["--within", "14 days"]));
    assert_eq!(entered(&["--like", "amplitude", "--within", "3 days"]), entered(&["--within", "3 days"]));
    assert!(entered(&["--like", "amplitude"]).1 > entered(&["--like", "posthog"]).1, "30 days beside 14");
}

/// Who came no further than a step is told of every step at once, and is as many as are counted.
#[test]
fn a_funnel_names_who_dropped_and_what_they_did_next() {
    let place = Place::cdnow("json_dropped");
    let steps = ["funnel", "order_placed", "order_placed", "order_placed", "--within", "60 days"];
    let found = place.lines(&[&steps[..], &["--who", "5000"]].concat()).remove(0);
    let all: Vec<&Value> = found["steps"].as_array().unwrap().iter().collect();
    for step in &all[..2] {
        let who = step["who"].as_array().unwrap();
        assert_eq!(who.len() as u64, step["dropped"]);
        let next = who.iter().filter(|who| who["next"] == "order_placed").count();
        assert_eq!(step["next"], serde_json::json!([["order_placed", next]]));
        let after =
            |who: &Value| who["next_at"].as_str().is_none_or(|next| next > who["at"].as_str().unwrap());
        assert!(who.iter().all(after));
    }
    assert_eq!(all[2]["who"], serde_json::json!([]), "who is at the end has not dropped");
    let told = place.done(&[&steps[..], &["--who", "2"]].concat());
    assert!(
        told.contains("came no further than")
            && told.contains(all[0]["who"][1]["customer"].as_str().unwrap()),
        "{told}"
    );
    // Purchases of one day are of one instant here; apart, the second has to be of another day: counted from the log.
    let mut days: std::collections::BTreeMap<String, std::collections::BTreeSet<chrono::NaiveDate>> =
        Default::default();
    for event in place.lines(&["log", "--limit", "100000"]) {
        let day = event["occurred_at"].as_str().unwrap()[..10].parse().unwrap();
        days.entry(event["customer"].as_str().unwrap().to_owned()).or_default().insert(day);
    }
    let again = days.values().filter(|days| {
        days.iter().zip(days.iter().skip(1)).any(|(one, next)| (*next - *one).num_days() <= 60)
    });
    let apart = place.lines(&[&steps[..], &["--ties", "apart"]].concat()).remove(0);
    assert_eq!(apart["steps"][1]["customers"], again.count());
    assert!(
        apart["semantics"].as_str().unwrap().contains("events of one instant count for one step at most")
    );
    assert!(all[1]["customers"].as_u64() > apart["steps"][1]["customers"].as_u64());
}

/// A tenant of the same purchases is fitted as they are.
#[test]
fn models_are_fitted_for_a_tenant() {
    let place = Place::cdnow("json_tenant");
    let events = place.done(&["export"]);
    let events: String = events
        .lines()
        .map(|line| {
            let mut event: Value = serde_json::from_str(line).unwrap();
            event["tenant"] = "north".into();
            for name in ["position", "recorded_at"] {
                event.as_object_mut().unwrap().remove(name);
            }
            format!("{event}\n")
        })
        .collect();
    place.write("north.jsonl", &events);
    place.done(&["import", "north.jsonl", "--store", "sqlite:north.db"]);
    let models = |more: &[&str]| place.object(&[&["models", "--split", "1997-10-01"][..], more].concat());
    let of_tenant = models(&["--store", "sqlite:north.db", "--tenant", "north"]);
    assert_eq!(of_tenant, models(&[]));
}

#[test]
fn a_page_of_the_log_goes_on_where_the_last_one_ended() {
    let place = Place::cdnow("json_pages");
    let all = place.lines(&["log", "--limit", "10"]);
    let first = place.lines(&["log", "--limit", "4"]);
    let after = first[3]["position"].as_str().unwrap();
    let rest = place.lines(&["log", "--limit", "6", "--after", after]);
    assert_eq!([first, rest].concat(), all);
}
