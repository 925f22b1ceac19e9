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
