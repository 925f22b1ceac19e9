//! Every answer of the reference of BPI Challenge 2012, doi:10.4121/uuid:3926db30-f712-4394-aebc-75976070e91f, from the log in
//! XES through a file: by measures where a command has one, and else counted from what `wayfold export` writes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, FixedOffset, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wayfold_testkit::real_data;

use super::support::Place;

/// An event of the export.
struct Exported {
    name: String,
    lifecycle: String,
    resource: Option<String>,
    at: DateTime<FixedOffset>,
}

/// What a case requests, and its events in the order of the file.
#[derive(Default)]
struct Loan {
    amount: Option<i64>,
    registered: Option<DateTime<FixedOffset>>,
    events: Vec<(u64, Exported)>,
}

#[test]
fn every_reference_answer_of_the_loan_applications_comes_out() {
    let Some(file) = real_data("command_bpi_2012_answers", "bpi-2012/bpic2012.xes.gz") else { return };
    let text = std::fs::read_to_string(file.with_file_name("reference.json")).unwrap();
    let mut expected = serde_json::from_str::<Value>(&text).unwrap()["answers"].take();
    let place = Place::new("loan_answers");
    let imported = place.lines(&["import", file.to_str().unwrap()]);
    let mut check = |name: &str, found: Value| {
        let expected =
            expected.as_object_mut().unwrap().remove(name).expect("it is an answer, and asked once");
        assert_eq!(rounded(found), rounded(expected["value"].clone()), "{name}");
    };
    check("events", imported[0]["events"].clone());
    check("cases", imported[0]["customers"].clone());
    of_maps(&place, &mut check);
    let loans = exported(&place);
    of_waits(&place, &loans, &mut check);
    of_loans(&loans, &mut check);
    assert_eq!(expected, json!({}), "an answer is not checked");
}

/// What `wayfold map` says.
fn of_maps(place: &Place, check: &mut impl FnMut(&str, Value)) {
    let all = place.object(&["map"]);
    let counts = |map: &Value, member: &str| -> Value {
        let rows = map["activities"].as_array().unwrap().iter().filter(|row| row[member] != 0);
        rows.map(|row| (row["name"].as_str().unwrap().to_owned(), row[member].clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    check("df_all", directly_follows(&all["map"], &counts));
    let applications = place.object(&["map", "--only", "A_*,O_*"]);
    check("df_A_O", directly_follows(&applications["map"], &counts));
    check("activities", all["map"]["activities"].as_array().unwrap().len().into());
    check("first_activity", counts(&all["map"], "starts"));
    check("cases_reaching", {
        let mut cases = counts(&all["map"], "cases");
        cases.as_object_mut().unwrap().retain(|name, _| !name.starts_with("W_"));
        cases
    });

    let variants = all["variants"]["variants"].as_array().unwrap();
    check("variants", variants.len().into());
    let cases = |row: &Value| row["cases"].as_u64().unwrap();
    let holds = |row: &Value, name: &str| row["steps"].as_array().unwrap().iter().any(|step| step == name);
    let of = |name: &str| variants.iter().filter(|row| holds(row, name)).map(cases).sum::<u64>();
    let ends = ["A_APPROVED", "A_DECLINED", "A_CANCELLED"];
    let open = variants.iter().filter(|row| ends.iter().all(|end| !holds(row, end))).map(cases).sum::<u64>();
    check(
        "outcomes",
        json!({ "approved": of(ends[0]), "declined": of(ends[1]), "cancelled": of(ends[2]), "open": open }),
    );
    let (mut offers, mut lengths) = (BTreeMap::<String, u64>::new(), Vec::new());
    for row in variants {
        let steps = row["steps"].as_array().unwrap();
        let sent = steps.iter().filter(|step| *step == "O_SENT").count();
        *offers.entry(sent.to_string()).or_default() += cases(row);
        lengths.extend(std::iter::repeat_n(steps.len() as i64, cases(row) as usize));
    }
    check("offers_sent_per_case", json!(offers));
    check("events_per_case", quantiles(lengths));

    let with_lifecycle = place.object(&["map", "--activity", "kind+lifecycle:transition"]);
    check("activity_lifecycle_counts", counts(&with_lifecycle["map"], "events"));
    check("last_activity", counts(&with_lifecycle["map"], "ends"));
    let variants = with_lifecycle["variants"]["variants"].as_array().unwrap();
    check("variants_with_lifecycle", variants.len().into());

    let by_person = &place.object(&["map", "--activity", "person"])["map"];
    check("resources", by_person["activities"].as_array().unwrap().len().into());
    check("events_without_resource", (262_200 - by_person["events"].as_u64().unwrap()).into());
}

/// A map as the reference writes it.
fn directly_follows(map: &Value, counts: &impl Fn(&Value, &str) -> Value) -> Value {
    let edges = map["edges"].as_array().unwrap();
    let name = |edge: &Value, of: &str| edge[of].as_str().unwrap().to_owned();
    let mut edges: Vec<_> = edges
        .iter()
        .map(|edge| (name(edge, "from"), name(edge, "to"), edge["count"].as_u64().unwrap()))
        .collect();
    // The command puts the most frequent first, then by name; so does the reference.
    let top: Vec<_> = edges.iter().take(30).map(|(from, to, count)| json!([from, to, count])).collect();
    edges.sort();
    let lines: String = edges.iter().map(|(from, to, count)| format!("{from}\t{to}\t{count}\n")).collect();
    let digest = Sha256::digest(lines.as_bytes());
    json!({
        "edges_total": edges.iter().map(|(.., count)| count).sum::<u64>(),
        "distinct_edges": edges.len(),
        "traces_without_events": 13_087 - map["cases"].as_u64().unwrap(),
        "top30": top,
        "all_edges_sha256": digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        "start": counts(map, "starts"),
        "end": counts(map, "ends"),
    })
}

/// What `wayfold funnel` says of the time between two steps, and what linear quantiles of the export add.
fn of_waits(place: &Place, loans: &BTreeMap<String, Loan>, check: &mut impl FnMut(&str, Value)) {
    let mut found = serde_json::Map::new();
    for (name, from, to) in [
        ("submitted_to_preaccepted", "A_SUBMITTED", "A_PREACCEPTED"),
        ("submitted_to_accepted", "A_SUBMITTED", "A_ACCEPTED"),
        ("accepted_to_first_offer_sent", "A_ACCEPTED", "O_SENT"),
    ] {
        let (from_kind, to_kind) = (format!("custom:{from}"), format!("custom:{to}"));
        let report =
            place.lines(&["funnel", &from_kind, &to_kind, "--within", "4000 days", "--entry", "first"]);
        let step = &report[0]["steps"][1];
        let wait = &step["from_before"];
        let earliest = |loan: &Loan, name: &str| {
            loan.events.iter().filter(|(_, event)| event.name == name).map(|(_, event)| event.at).min()
        };
        let waits = loans
            .values()
            .filter_map(|loan| Some((earliest(loan, to)? - earliest(loan, from)?).num_milliseconds()));
        let mut quantiles = quantiles(waits.collect());
        let millis = |member: &str| wait[member].as_i64().unwrap() / 1_000;
        for (member, of) in [
            ("median", "median_nearest_rank"),
            ("p90", "p90_nearest_rank"),
            ("min", "min"),
            ("max", "max"),
            ("total", "sum"),
        ] {
            assert_eq!(quantiles[of], millis(member), "{name}: the funnel's {member} beside the export");
            quantiles[of] = millis(member).into();
        }
        quantiles["n"] = step["customers"].clone();
        found.insert(name.to_owned(), quantiles);
    }
    check("stage_durations_ms", found.into());
}

/// What is counted from the events.
fn of_loans(loans: &BTreeMap<String, Loan>, check: &mut impl FnMut(&str, Value)) {
    let all = || loans.values().flat_map(|loan| &loan.events).map(|(_, event)| event);
    let utc =
        |at: DateTime<FixedOffset>| at.with_timezone(&Utc).format("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string();
    check("first_event_utc", utc(all().map(|event| event.at).min().unwrap()).into());
    check("last_event_utc", utc(all().map(|event| event.at).max().unwrap()).into());
    let amounts: Vec<i64> = loans.values().filter_map(|loan| loan.amount).collect();
    check("amount_requested_sum", amounts.iter().sum::<i64>().to_string().into());
    check("amount_requested", quantiles(amounts));

    let pairs = |loan: &Loan, holds: fn(&Exported, &Exported) -> bool| {
        loan.events.windows(2).filter(|pair| holds(&pair[0].1, &pair[1].1)).count()
    };
    let count = |of: &dyn Fn(&Loan) -> usize| loans.values().map(of).sum::<usize>();
    let is_back = |loan: &Loan| pairs(loan, |one, next| next.at < one.at);
    check("out_of_order_events", count(&is_back).into());
    check("cases_with_out_of_order", count(&|loan| usize::from(is_back(loan) > 0)).into());
    check("equal_timestamp_pairs", count(&|loan| pairs(loan, |one, next| next.at == one.at)).into());
    let offsets = |loan: &Loan| {
        let all = loan.events.iter().map(|(_, event)| event.at.offset().local_minus_utc());
        usize::from(all.collect::<BTreeSet<_>>().len() == 2)
    };
    check("offset_changes", count(&offsets).into());
    let surplus = |loan: &Loan| {
        let of = |event: &Exported| {
            (event.name.clone(), event.lifecycle.clone(), event.at, event.resource.clone())
        };
        let distinct: BTreeSet<_> = loan.events.iter().map(|(_, event)| of(event)).collect();
        loan.events.len() - distinct.len()
    };
    check("exact_duplicate_surplus_events", count(&surplus).into());
    let is_first =
        |loan: &Loan| usize::from(loan.registered == loan.events.first().map(|(_, event)| event.at));
    check("reg_date_equals_first_event", count(&is_first).into());
    let differs = loans.values().any(|loan| {
        let mut sorted: Vec<_> = loan.events.iter().map(|(sequence, event)| (event.at, *sequence)).collect();
        sorted.sort_by_key(|(at, _)| *at);
        !sorted.is_sorted_by_key(|(_, sequence)| *sequence)
    });
    check("df_all_sorted_by_time_differs", differs.into());
}

/// All cases as they are exported.
fn exported(place: &Place) -> BTreeMap<String, Loan> {
    let mut loans: BTreeMap<String, Loan> = BTreeMap::new();
    for line in place.done(&["export"]).lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let time = |value: &Value| DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap();
        let attribute = |name: &str| event["attributes"].get(name);
        let loan = loans.entry(event["customer"].as_str().unwrap().to_owned()).or_default();
        if let Some(amount) = attribute("case:AMOUNT_REQ") {
            loan.amount = Some(amount.as_str().unwrap().parse().unwrap());
        }
        if let Some(registered) = attribute("case:REG_DATE") {
            loan.registered = Some(time(&registered["time"]));
        }
        let name = event["fields"]["name"].as_str().unwrap();
        let lifecycle = attribute("lifecycle:transition").unwrap();
        let made = Exported {
            name: name.strip_prefix("custom:").unwrap_or(name).to_owned(),
            lifecycle: lifecycle.to_string(),
            resource: event["actor"]["person"].as_str().map(str::to_owned),
            at: time(&event["occurred_at"]),
        };
        loan.events.push((event["sequence"].as_u64().unwrap_or_default(), made));
    }
    // In the order of the file, which the sequence counts.
    loans.values_mut().for_each(|loan| loan.events.sort_by_key(|(sequence, _)| *sequence));
    loans
}

/// Floats to a tenth: the reference computes linear quantiles in another order of operations.
fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => ((number.as_f64().unwrap() * 10.0).round() / 10.0).into(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, rounded(value))).collect(),
        value => value,
    }
}

/// As the reference describes figures: linear quantiles are of type 7, the others by nearest rank.
fn quantiles(mut figures: Vec<i64>) -> Value {
    figures.sort_unstable();
    let count = figures.len();
    let linear = |share: f64| {
        let place = share * (count - 1) as f64;
        let (low, high) = (figures[place.floor() as usize] as f64, figures[place.ceil() as usize] as f64);
        low + (high - low) * place.fract()
    };
    let nearest = |tenths: usize| figures[(count * tenths).div_ceil(10) - 1];
    json!({
        "n": count,
        "median_linear": linear(0.5),
        "median_nearest_rank": nearest(5),
        "p90_linear": linear(0.9),
        "p90_nearest_rank": nearest(9),
        "min": figures[0],
        "max": figures[count - 1],
        "sum": figures.iter().sum::<i64>(),
    })
}
