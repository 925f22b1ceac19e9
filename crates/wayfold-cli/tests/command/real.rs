//! Real logs through a file, by one command to take them and one to ask: the published figures.

use serde_json::Value;
use wayfold_testkit::real_data;

use super::support::{Place, shipped};

fn answers(file: &std::path::Path) -> Value {
    let text = std::fs::read_to_string(file.with_file_name("reference.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["answers"].clone()
}

fn edge<'a>(map: &'a Value, from: &str, to: &str) -> &'a Value {
    let edges = map["edges"].as_array().unwrap();
    edges.iter().find(|edge| edge["from"] == from && edge["to"] == to).unwrap_or(&Value::Null)
}

/// BPI Challenge 2012, doi:10.4121/uuid:3926db30-f712-4394-aebc-75976070e91f.
#[test]
fn loan_applications_from_xes_have_the_published_map() {
    let Some(file) = real_data("command_bpi_2012", "bpi-2012/bpic2012.xes.gz") else { return };
    let answers = answers(&file);
    let place = Place::new("loans");
    let imported = place.lines(&["import", file.to_str().unwrap()]);
    assert_eq!((&imported[0]["events"], &imported[0]["customers"]), (&262_200.into(), &13_087.into()));

    for (name, only) in [("df_all", &[][..]), ("df_A_O", &["--only", "A_*,O_*"])] {
        let found = place.object(&[&["map"][..], only].concat());
        let (map, expected) = (&found["map"], &answers[name]["value"]);
        assert_eq!(map["edges"].as_array().unwrap().len() as u64, expected["distinct_edges"], "{name}");
        for row in expected["top30"].as_array().unwrap() {
            let (from, to) = (row[0].as_str().unwrap(), row[1].as_str().unwrap());
            assert_eq!(edge(map, from, to)["count"], row[2], "{from} -> {to}");
        }
        for (member, of) in [("starts", "start"), ("ends", "end")] {
            let rows = map["activities"].as_array().unwrap().iter().filter(|row| row[member] != 0);
            let counts = rows.map(|row| (row["name"].as_str().unwrap().to_owned(), row[member].clone()));
            assert_eq!(Value::Object(counts.collect()), expected[of], "{name} {of}");
        }
        if name == "df_all" {
            assert_eq!((&map["events"], &map["cases"]), (&262_200.into(), &13_087.into()));
            assert_eq!(
                found["variants"]["variants"].as_array().unwrap().len() as u64,
                answers["variants"]["value"]
            );
        }
    }
}

/// UCI Online Retail, https://archive.ics.uci.edu/dataset/352/online+retail.
#[test]
fn invoices_from_csv_have_the_published_map_and_gaps() {
    let Some(file) = real_data("command_online_retail", "online-retail/online_retail.csv.gz") else { return };
    let answers = answers(&file);
    let place = Place::new("retail");
    let import = |mapping: &str, store: &str| {
        let mapping = shipped(mapping);
        place.done(&[
            "import",
            "--store",
            store,
            "--mapping",
            mapping.to_str().unwrap(),
            file.to_str().unwrap(),
        ]);
    };

    import("mappings/online_retail.toml", "sqlite:all.db");
    let found = place.object(&["map", "--store", "sqlite:all.db", "--only", "order_placed,returned"]);
    let expected = &answers["directly_follows"]["value"];
    let named = [("purchase", "order_placed"), ("return", "returned")];
    for (from, from_kind) in named {
        for (to, to_kind) in named {
            assert_eq!(edge(&found["map"], from_kind, to_kind)["count"], expected[format!("{from} -> {to}")]);
        }
        let rows = found["map"]["activities"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == from_kind).unwrap();
        assert_eq!(row["starts"], expected[format!("START -> {from}")]);
        assert_eq!(row["ends"], expected[format!("{from} -> END")]);
    }

    import("mappings/online_retail_purchases.toml", "sqlite:purchases.db");
    let found = place.object(&["map", "--store", "sqlite:purchases.db"]);
    let (gaps, expected) =
        (edge(&found["map"], "order_placed", "order_placed"), &answers["P_inter_order_seconds"]["value"]);
    assert_eq!(gaps["count"], expected["n"]);
    let seconds = expected["p90_nearest_rank"].as_u64().unwrap();
    assert_eq!(gaps["p90"], seconds * 1_000_000);
}
