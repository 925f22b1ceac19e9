//! What is done for customers and what comes of it, on a small demo shop.

use std::collections::BTreeSet;

use serde_json::Value;

use super::json::check_members;
use super::support::Place;

/// A place whose store is the shop of the demo.
fn shop(name: &str) -> Place {
    let place = Place::new(name);
    place.done(&["demo", "shop", "--customers", "300"]);
    std::fs::rename(place.folder().join("shop/shop.db"), place.folder().join("log.db")).unwrap();
    place
}

fn amount(value: &Value) -> f64 {
    value.as_str().map_or(0.0, |text| text.parse().unwrap())
}

/// The messages of the log, counted once more; what is told apart adds up, and so do the costs.
#[test]
fn campaigns_are_what_the_log_sent() {
    let place = shop("campaigns");
    place.write(
        "costs.toml",
        "[[cost]]\ncampaign = \"spring\"\namount = \"1000.01\"\n\n[[cost]]\ncampaign = \"autumn\"\nchannel = \"email\"\namount = \"70\"\n",
    );
    let campaigns =
        |by: &str| place.lines(&["campaigns", "--by", by, "--costs", "costs.toml", "--within", "20 days"]);
    let rows = campaigns("campaign");
    assert_eq!(rows.iter().map(|row| &row["campaign"]).collect::<Vec<_>>(), ["autumn", "spring"]);
    let log = place.lines(&["log", "--limit", "1000000"]);
    for row in &rows {
        assert_ne!(row["opened"]["events"], 0, "messages are opened in the campaign that sent them");
        let sent = log.iter().filter(|event| event["fields"]["campaign"] == row["campaign"]);
        let sent = sent.filter(|event| event["kind"] == "message_sent").map(|event| &event["customer"]);
        let customers: BTreeSet<_> = sent.map(|customer| customer.as_str().unwrap()).collect();
        assert_eq!(row["sent"]["customers"], customers.len());
    }
    let sums = |rows: &[Value]| {
        let sum = |of: &dyn Fn(&Value) -> f64| rows.iter().map(of).sum::<f64>();
        let money = ["cost", "net"].map(|name| (10_000.0 * sum(&|row| amount(&row[name]))).round());
        (money, ["sent", "opened", "ordered"].map(|name| sum(&|row| row[name]["events"].as_f64().unwrap())))
    };
    assert_eq!(sums(&rows).0[0], 10_700_100.0);
    for by in ["channel", "month", "campaign,stage", "channel,class,campaign,week"] {
        assert_eq!(sums(&campaigns(by)), sums(&rows), "{by}");
    }
    let told = place.done(&["campaigns", "--by", "campaign,channel", "--costs", "costs.toml"]);
    for part in ["spring", "return", "wayfold effect"] {
        assert!(told.contains(part), "{part}: {told}");
    }

    for (arguments, says) in [
        (&["campaigns", "--by", "colour"][..], "tells nobody apart"),
        (&["campaigns", "--by", "week,month"], "only one of the two"),
        (&["campaigns", "--costs", "goals.toml"], "failed to read the costs"),
    ] {
        let ran = place.run(arguments);
        assert!(ran.exit != 0 && ran.err.contains(says), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn an_effect_is_told_beside_a_hold_out_or_who_is_alike() {
    let place = shop("effect");
    let asked = ["effect", "campaign:spring", "--from", "2024-06-01", "--until", "2024-09-01"];
    let known = place.object(&["population", "--as-of", "2024-05-31T23:59:59.999999Z"]);
    let members =
        ["currency", "enrolled", "observed", "effect", "additional_net", "return_percent", "matched"];

    let by_lot = place.object(&[&asked[..], &["--hold-out", "spring:400", "--cost", "10"]].concat());
    check_members(&by_lot, &members);
    let [treated, others] =
        ["treated", "others"].map(|side| by_lot["effect"][side]["customers"].as_u64().unwrap());
    assert_eq!(treated + others, known["summary"]["customers"]);
    assert!(by_lot["matched"].is_null() && by_lot["return_percent"].is_array());
    assert_eq!(by_lot["observed"][0], by_lot["enrolled"][0]);

    let alike = place.object(&asked);
    let [treated, others] =
        ["treated", "others"].map(|side| alike["effect"][side]["customers"].as_u64().unwrap());
    assert!(treated > 0 && treated == others && alike["matched"]["pairs"] == treated, "{alike}");
    assert_eq!(alike["effect"]["treated"]["reached"], treated);
    assert_eq!(
        (&alike["effect"]["others"]["reached"], &alike["observed"][0]),
        (&0.into(), &alike["enrolled"][1])
    );
    let told = place.done(&[&asked[..], &["--among", "lifecycle.stage is not prospect"]].concat());
    assert!(told.contains("apart in pairs") && told.contains("Nobody was left out by lot"), "{told}");

    let late = place.run(&[&asked[..], &["--watch", "900 days"]].concat());
    assert!(late.exit == 2 && late.err.contains("name a shorter --watch"), "{}", late.err);
    let nothing = place.run(&[&["effect", "letter"], &asked[2..]].concat());
    assert!(nothing.exit == 2 && nothing.err.contains("write campaign:NAME"), "{}", nothing.err);
    let share = place.run(&[&asked[..], &["--hold-out", "spring:1001"]].concat());
    assert_eq!(share.exit, 2, "{}", share.err);
}

#[test]
fn prices_add_up_to_all_orders() {
    let place = shop("prices");
    let found = place.object(&["prices", "--bands", "0,5,50"]);
    check_members(&found, &["currency", "discounts", "responses"]);
    let share = |rows: &Value| -> f64 {
        rows.as_array().unwrap().iter().map(|row| row["order_share"][0].as_f64().unwrap()).sum()
    };
    assert!((share(&found["discounts"]) - 100.0).abs() < 1e-9);
    check_members(&found["responses"][0], &["product", "segment", "response", "reason"]);
    let told = place.done(&["prices", "--by", "stage"]);
    assert!(told.contains("loyal") && told.contains("taken off"), "{told}");
}

/// Net revenue of a year is what it grew by, of a segment too; a figure has to be given.
#[test]
fn goals_stand_where_the_population_stands() {
    let place = shop("goals");
    let year = "from = \"2024-01-01T00:00:00Z\"\nuntil = \"2025-01-01T00:00:00Z\"\n";
    place.write(
        "goals.toml",
        &format!(
            "[[goal]]\nname = \"sell\"\nmetric = {{ net_revenue = \"EUR\" }}\ntarget = \"1\"\n{year}
[[goal]]\nname = \"sell to some\"\nsegment = \"some\"\nmetric = {{ net_revenue = \"EUR\" }}\ntarget = \"1\"\n{year}
[[goal]]\nname = \"leave\"\nsegment = \"nobody\"\nmetric = {{ stage = \"churned\" }}\ntarget = \"0\"\ndirection = \"at_most\"\n{year}
[[goal]]\nname = \"please\"\nmetric = {{ figure = \"nps\" }}\ntarget = \"60\"\n{year}
[[segment]]\nname = \"some\"\nversion = 1\nrule = \"value.purchases >= 1\"
[[segment]]\nname = \"nobody\"\nversion = 1\nrule = \"value.purchases >= 100000\"\n"
        ),
    );
    let net = |at: &str| {
        let population = place.object(&["population", "--as-of", at]);
        let totals = population["summary"]["totals"].as_array().unwrap().clone();
        let euro = totals.into_iter().find(|total| total["currency"] == "EUR").unwrap();
        amount(&euro["net"]["amount"])
    };
    let grown = net("2024-12-31T23:59:59.999999Z") - net("2023-12-31T23:59:59.999999Z");
    let goals = place.lines(&["goals", "goals.toml", "--figure", "nps=42"]);
    check_members(&goals[0], &["goal", "status"]);
    let actual: Vec<f64> = goals.iter().map(|of| amount(&of["status"]["actual"])).collect();
    assert!((actual[0] - grown).abs() < 1e-6, "{actual:?} {grown}");
    assert_eq!((actual[1], actual[2], actual[3]), (actual[0], 0.0, 42.0));
    let states: Vec<_> = goals.iter().map(|of| &of["status"]["state"]).collect();
    assert_eq!(states, ["reached", "reached", "reached", "missed"]);
    let early = place.lines(&["goals", "goals.toml", "--figure", "nps=42", "--as-of", "2023-06-01"]);
    assert!(early.iter().all(|of| of["status"]["state"] == "not_begun"));

    let told = place.done(&["goals", "goals.toml", "--figure", "nps=42"]);
    assert!(told.contains("sell to some") && told.contains("missed"), "{told}");
    let without = place.run(&["goals", "goals.toml"]);
    assert!(without.exit == 2 && without.err.contains("--figure nps=VALUE"), "{}", without.err);
}

#[test]
fn everybody_has_a_next_action_or_none_left() {
    let place = shop("next");
    let customers = place.object(&["population"])["summary"]["customers"].as_u64().unwrap();
    let all = place.lines(&["next", "--consent", "not-withdrawn"]);
    check_members(&all[0], &["customer", "next"]);
    assert_eq!(all.len() as u64, customers);
    let churned = place.lines(&["customers", "lifecycle.stage is churned", "--limit", "1000"]);
    let won_back = all.iter().filter(|of| of["next"]["action"]["playbook"] == "win_back").count();
    assert_eq!(won_back, churned.len());

    let one = churned[0]["key"]["customer"].as_str().unwrap();
    let told = place.done(&["next", one]);
    assert!(told.starts_with(&format!("{one}: what drove you away (care contact)\n")), "{told}");
    assert!(told.contains("as the stage is churned, with"), "{told}");
    assert!(place.done(&["next"]).contains("what drove you away"), "all are counted");
    assert_eq!(place.run(&["next", "nobody of that name"]).exit, 3);

    place.write(
        "own.toml",
        "version = 7\nconsent = \"given\"\n\n[[playbooks]]\nname = \"thank\"\nversion = 1\ngoal = \"to say thank you\"\n\n[[playbooks.actions]]\nname = \"letter\"\nkind = \"care\"\n",
    );
    let own = place.lines(&["next", one, "--playbooks", "own.toml"]);
    assert_eq!(
        (&own[0]["next"]["version"], &own[0]["next"]["action"]["name"]),
        (&7.into(), &"letter".into())
    );
    place.write("twice.toml", "version = 1\nconsent = \"given\"\n\n[[playbooks]]\nname = \"thank\"\nversion = 1\ngoal = \"\"\nactions = []\n");
    let refused = place.run(&["next", "--playbooks", "twice.toml"]);
    assert!(refused.exit == 2 && refused.err.contains("has no action"), "{}", refused.err);
}

/// Who bought last so many days before is due, and nobody else: counted here from the views.
#[test]
fn care_is_due_so_many_days_after_the_last_purchase() {
    let place = shop("care");
    place.write(
        "care.toml",
        "zone = \"UTC\"\nlate_days = 7\n\n[[silent]]\nname = \"long time no see\"\ndays = 60\n\n[[return_visits]]\nname = \"how is it\"\nafter = \"delivery\"\ndays = 14\n",
    );
    let due = place.lines(&["care", "care.toml", "--as-of", "2025-06-01", "--within", "10 days"]);
    let silent: Vec<_> = due.iter().filter(|of| of["occasion"] == "silent").collect();
    let last = "lifecycle.last_purchase_at";
    let views = place.lines(&["customers", "--limit", "1000", "--columns", last, "--as-of", "2025-06-01"]);
    // 60 days before 1 June to 10 June.
    let days = "2025-04-02"..="2025-04-11";
    let expected =
        views.iter().filter(|view| view[last].as_str().is_some_and(|at| days.contains(&&at[..10])));
    assert_eq!(silent.len(), expected.count());
    assert!(!silent.is_empty() && due.len() > silent.len(), "{due:?}");
    let members = ["at", "on", "customer", "occasion", "name", "order", "done_at", "done_by"];
    check_members(silent[0], &members);

    let told = place.done(&["care", "care.toml", "--as-of", "2025-06-01", "--limit", "2", "--open"]);
    assert!(told.contains("of which 2 are listed (--limit)"), "{told}");
    assert_eq!(
        place.done(&["care", "care.toml", "--as-of", "2022-06-01", "--within", "1 day"]),
        "Nobody is due.\n"
    );
    place.write("wrong.toml", "zone = \"Nowhere\"\nlate_days = 1\n");
    let wrong = place.run(&["care", "wrong.toml"]);
    assert!(wrong.exit == 2 && wrong.err.contains("time zone \"Nowhere\" is unknown"), "{}", wrong.err);
}

/// What ends is told by attributes of events; without one nobody could say when.
#[test]
fn care_is_due_before_something_ends() {
    let place = Place::new("care_ends");
    let line = r#"{"id":"00000000-0000-0000-0000-000000000001","customer":"ada","occurred_at":"2024-01-01T00:00:00Z","kind":"registered","schema_version":1,"fields":{},"attributes":{"contract_until":"2024-06-30"}}"#;
    place.write("ada.jsonl", &format!("{line}\n"));
    place.done(&["import", "ada.jsonl"]);
    let end = "zone = \"Asia/Shanghai\"\nlate_days = 7\n\n[[ends]]\nname = \"contract\"\ndays_before = 30\n";
    place.write("ends.toml", &format!("{end}attribute = \"contract_until\"\n"));
    let due = place.lines(&["care", "ends.toml", "--as-of", "2024-05-01", "--within", "60 days"]);
    assert_eq!(due.len(), 1);
    assert_eq!((&due[0]["on"], &due[0]["occasion"]), (&"2024-05-31".into(), &"end".into()));
    place.write("nowhere.toml", end);
    let wrong = place.run(&["care", "nowhere.toml"]);
    assert!(wrong.exit == 2 && wrong.err.contains("attribute = \"contract_until\""), "{}", wrong.err);
}

#[test]
fn a_report_takes_costs_goals_care_and_playbooks() {
    let place = shop("acting_report");
    place.write("costs.toml", "[[cost]]\ncampaign = \"spring\"\namount = \"10\"\n");
    place.write(
        "goals.toml",
        "[[goal]]\nname = \"please\"\nmetric = { figure = \"nps\" }\ntarget = \"60\"\nfrom = \"2024-01-01T00:00:00Z\"\nuntil = \"2025-01-01T00:00:00Z\"\n",
    );
    place.write(
        "care.toml",
        "zone = \"UTC\"\nlate_days = 7\n\n[[silent]]\nname = \"long time no see\"\ndays = 60\n",
    );
    let files = ["--costs", "costs.toml", "--goals", "goals.toml", "--care", "care.toml"];
    let figures = place.object(&[&["report", "--as-of", "2025-06-01"][..], &files].concat());
    let sections = figures["sections"].as_array().unwrap();
    let section = |id: &str| sections.iter().find(|of| of["id"] == id).unwrap_or_else(|| panic!("no {id}"));
    let campaigns = section("campaigns")["tables"][0]["rows"].as_array().unwrap();
    let spring = campaigns.iter().find(|row| row[0] == "spring").unwrap();
    assert_eq!(spring[11]["amount"], "10");
    for id in ["prices", "goals", "next", "care"] {
        assert!(section(id)["tables"][0]["rows"].is_array());
    }
}
