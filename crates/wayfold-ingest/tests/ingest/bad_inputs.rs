//! Bad inputs: what the messages say, and that nothing is lost or half done.

use std::io::Cursor;

use wayfold_core::{Limits, Timestamp};
use wayfold_ingest::{CsvImport, ErrorKind, ImportOptions, JsonlImport, Mapping, OnBadRow, Rejects};

use super::common::{Imported, Shared, drain, gzip, import};

/// A mapping that reads every type; rows without an `Age` and so on leave them out.
const PEOPLE: &str = r#"
version = 1
source = "shop"
customer = "Customer"
time = { column = "At", format = "%Y-%m-%d %H:%M", zone = "Europe/London" }
money = { currency = "GBP" }
channel = "Channel"

[[event]]
rule = "refund"
kind = "refunded"
when = { column = "Kind", equals = "refund" }
id = { key = ["Id"] }
fields = { amount = { column = "Amount", currency = { column = "Currency" } } }
attributes.age = { column = "Age", type = "integer" }
attributes.member = { column = "Age", type = "boolean" }

[[event]]
rule = "survey"
kind = "survey_answered"
when = { column = "Kind", equals = "survey" }
id = { key = ["Id"] }
fields = { instrument = "Channel", score = "Amount" }
channel = { constant = "web" }

[[event]]
rule = "order"
kind = "order_placed"
when = { column = "Kind", equals = "order" }
id = { key = ["Id"] }
tags = { order = "Age" }
fields = { amount = { product = ["Age", "Amount"] } }

[[event]]
rule = "retraction"
kind = "event_retracted"
when = { column = "Kind", equals = "retraction" }
id = { key = ["Id"] }
sequence = "Age"
fields = { event = "Amount" }

[[event]]
rule = "visit"
kind = "product_viewed"
when = [{ column = "Kind", equals = "visit" }, { column = "Amount", gt = 0 }]
time = { column = "Age", format = "unix_s" }

[[event]]
rule = "call"
kind = "contact_made"
when = { column = "Kind", equals = "call" }
time = { column = "Age", format = "rfc3339" }
"#;
const HEADER: &str = "Id,Kind,Customer,At,Amount,Currency,Channel,Age\n";
const GOOD: [&str; 2] =
    ["1,refund,c1,2024-01-01 10:00,5.00,GBP,web,\n", "9,refund,c9,2024-01-09 10:00,5.00,GBP,web,\n"];

/// Checks one bad row between two good ones: the message; that the import stops before it or passes over it; and
/// that the good rows are imported whatever the size of a batch.
#[track_caller]
fn check_row(bad: &str, message: &str) {
    check_row_bytes(bad.as_bytes(), message);
}

#[track_caller]
fn check_row_bytes(bad: &[u8], message: &str) {
    let file = [HEADER.as_bytes(), GOOD[0].as_bytes(), bad, b"\n", GOOD[1].as_bytes()].concat();
    let options = || {
        let limits = {
            let mut limits = Limits::default();
            limits.event_bytes_max = 3_000;
            limits
        };
        ImportOptions::default().with_now(Timestamp::parse("2024-12-31").unwrap()).with_limits(limits)
    };

    let stopped = import(PEOPLE, file.clone(), options());
    assert_message(&stopped, message);
    assert_eq!(stopped.result.unwrap_err().kind(), ErrorKind::BadRow);
    assert_eq!(stopped.batches.len(), 0, "what was built before the bad row was not handed out half done");

    let one_by_one = import(PEOPLE, file.clone(), options().with_batch_events(1));
    assert_eq!(customers(&one_by_one), ["c1"], "the row before the bad one was a whole batch");

    let rejects = Shared::default();
    let rejecting = options().with_on_bad_row(OnBadRow::Reject(Rejects::jsonl(rejects.clone())));
    let passed = import(PEOPLE, file, rejecting);
    assert!(passed.result.is_ok(), "{:?}", passed.result);
    assert_eq!(customers(&passed), ["c1", "c9"]);
    assert_eq!((passed.progress.rows, passed.progress.rejected_rows), (3, 1));
    let reason = message.split_once(": ").unwrap().1;
    let entry: serde_json::Value = serde_json::from_str(&rejects.text()).unwrap();
    assert_eq!((&entry["reason"], &entry["row"]), (&reason.into(), &2.into()));
}

fn customers(imported: &Imported) -> Vec<String> {
    imported.events().iter().map(|event| event.customer.to_string()).collect()
}

#[track_caller]
fn assert_message(imported: &Imported, message: &str) {
    let error = imported.result.as_ref().expect_err("the input is bad");
    assert_eq!(error.to_string(), message);
}

#[test]
fn bad_rows_are_refused_by_row_column_and_reason() {
    let long = format!("2,refund,{},2024-01-02 10:00,5.00,GBP,web,", "c".repeat(17_000));
    let large = format!("2,refund,{},2024-01-02 10:00,5.00,GBP,web,", "c".repeat(3_000));
    for (row, message) in [
        (
            "2,refund,c2,2024-01-02 10:00",
            "file.csv, row 2 (line 3): the row has 4 cells and the header 8; look for a delimiter or a quote too many or too few",
        ),
        (
            "2,refund,c2,2024-01-02 10:00,1,234.50,GBP,web,",
            "file.csv, row 2 (line 3): the row has 9 cells and the header 8; look for a delimiter or a quote too many or too few",
        ),
        (
            "2,refund,,2024-01-02 10:00,5.00,GBP,web,",
            "file.csv, row 2 (line 3), column Customer: the customer is empty; fill it in, or leave such rows out with a condition",
        ),
        (
            ",refund,c2,2024-01-02 10:00,5.00,GBP,web,",
            "file.csv, row 2 (line 3), column Id: the key of the id is empty; fill it in, or leave such rows out with a condition",
        ),
        (
            "2,refund,c2,,5.00,GBP,web,",
            "file.csv, row 2 (line 3), column At: the time is empty; fill it in, or leave such rows out with a condition",
        ),
        (
            "2,refund,c2,02/01/2024,5.00,GBP,web,",
            "file.csv, row 2 (line 3), column At: \"02/01/2024\" is no time of the form \"%Y-%m-%d %H:%M\"; mend the cell or the format",
        ),
        (
            "2,refund,c2,2023-02-30 10:00,5.00,GBP,web,",
            "file.csv, row 2 (line 3), column At: \"2023-02-30 10:00\" is no time of the form \"%Y-%m-%d %H:%M\"; mend the cell or the format",
        ),
        (
            "2,refund,c2,0000-12-01 10:00,5.00,GBP,web,",
            "file.csv, row 2 (line 3), column At: \"0000-12-01 10:00\" lies outside of the years 1 to 9999; mend the cell or the format",
        ),
        (
            "2,refund,c2,2024-03-31 01:30,5.00,GBP,web,",
            "file.csv, row 2 (line 3), column At: \"2024-03-31 01:30\" does not exist in Europe/London, as clocks go forward; say missing = \"earlier\" or \"later\"",
        ),
        (
            "2,refund,c2,2024-10-27 01:30,5.00,GBP,web,",
            "file.csv, row 2 (line 3), column At: \"2024-10-27 01:30\" happens twice in Europe/London, as clocks go back; say ambiguous = \"earlier\" or \"later\"",
        ),
        (
            "2,refund,c2,2025-01-02 10:00,5.00,GBP,web,",
            "file.csv, row 2 (line 3), column At: \"2025-01-02 10:00\" is 2025-01-02T10:00:00Z, more than 24 hours beyond the clock (2024-12-31T00:00:00Z); mend the cell or raise future_max",
        ),
        (
            "2,refund,c2,2024-01-02 10:00,\"5,00\",GBP,web,",
            "file.csv, row 2 (line 3), column Amount: \"5,00\" is no amount; write it as 12.50, or look at decimal_mark and thousands_mark in [money]",
        ),
        (
            "2,refund,c2,2024-01-02 10:00,,GBP,web,",
            "file.csv, row 2 (line 3), column Amount: the amount is empty; fill it in, or leave such rows out with a condition",
        ),
        (
            "2,refund,c2,2024-01-02 10:00,5.00001,GBP,web,",
            "file.csv, row 2 (line 3), column Amount: \"5.00001\" has more than four decimals; write fewer, or say rounding = \"half_even\", \"half_up\" or \"down\"",
        ),
        (
            "2,refund,c2,2024-01-02 10:00,999999999999999999,GBP,web,",
            "file.csv, row 2 (line 3), column Amount: \"999999999999999999\" is beyond the range of about 922 trillion",
        ),
        (
            "2,refund,c2,2024-01-02 10:00,-5.00,GBP,web,",
            "file.csv, row 2 (line 3): rule \"refund\": its amount is -5 GBP; amounts are not negative, money given back is a refund",
        ),
        (
            "2,refund,c2,2024-01-02 10:00,5.00,DEM,web,",
            "file.csv, row 2 (line 3), column Currency: currency \"DEM\" is not in ISO 4217; write a code such as EUR",
        ),
        (
            "2,refund,c2,2024-01-02 10:00,5.00,,web,",
            "file.csv, row 2 (line 3), column Currency: the currency is empty; fill it in, or leave such rows out with a condition",
        ),
        (
            "2,refund,c2,2024-01-02 10:00,5.00,GBP,telepathy,",
            "file.csv, row 2 (line 3), column Channel: \"telepathy\" is no channel; it is one of: web, app, search, social_media, email, sms, chat, phone, store, partner, trade_fair, seminar, television, newspaper, online_ads, public_relations, qr_code, word_of_mouth, other",
        ),
        (
            "2,refund,c2,2024-01-02 10:00,5.00,GBP,web,forty",
            "file.csv, row 2 (line 3), column Age: \"forty\" is no whole number within 64 bits; write digits alone",
        ),
        (
            "2,refund,c2,2024-01-02 10:00,5.00,GBP,web,40",
            "file.csv, row 2 (line 3), column Age: \"40\" is neither true, yes, 1 nor false, no, 0; translate it with \"map\"",
        ),
        (
            "2,survey,c2,2024-01-02 10:00,5,,vibes,",
            "file.csv, row 2 (line 3), column Channel: \"vibes\" is no survey instrument; it is one of: nps, csat, ces, other",
        ),
        (
            "2,survey,c2,2024-01-02 10:00,11,,nps,",
            "file.csv, row 2 (line 3): rule \"survey\": score 11 is not on the scale of nps, 0 to 10",
        ),
        (
            "2,survey,c2,2024-01-02 10:00,5.5,,nps,",
            "file.csv, row 2 (line 3), column Amount: \"5.5\" is no whole number within 64 bits; write digits alone",
        ),
        (
            "2,order,c2,2024-01-02 10:00,5.00,,web,",
            "file.csv, row 2 (line 3), column Age: the factor of a product is empty; fill it in, or leave such rows out with a condition",
        ),
        (
            "2,order,c2,2024-01-02 10:00,0.333,,web,0.05",
            "file.csv, row 2 (line 3), column Age: the product \"0.05 x 0.333\" has more than four decimals; write fewer, or say rounding = \"half_even\", \"half_up\" or \"down\"",
        ),
        (
            "2,order,c2,2024-01-02 10:00,900000000000,,web,900000000000",
            "file.csv, row 2 (line 3), column Age: the product \"900000000000 x 900000000000\" is beyond the range of about 922 trillion",
        ),
        (
            "2,retraction,c2,2024-01-02 10:00,event 7,,web,0",
            "file.csv, row 2 (line 3), column Amount: \"event 7\" is no event id; write a UUID",
        ),
        (
            "2,retraction,c2,2024-01-02 10:00,00000000-0000-0000-0000-000000000007,,web,-1",
            "file.csv, row 2 (line 3), column Age: \"-1\" is no sequence number; it must lie between 0 and 4294967295",
        ),
        (
            "2,visit,c2,,many,,web,1704189600",
            "file.csv, row 2 (line 3), column Amount: \"many\" is no number to compare; mend it, or test not_empty or another column first",
        ),
        (
            "2,visit,c2,,1,,web,yesterday",
            "file.csv, row 2 (line 3), column Age: \"yesterday\" is no number of seconds since 1970 with at most microseconds",
        ),
        (
            "2,visit,c2,,1,,web,99999999999999",
            "file.csv, row 2 (line 3), column Age: \"99999999999999\" lies outside of the years 1 to 9999; mend the cell or the format",
        ),
        (
            "2,call,c2,,,,web,2024-01-02 10:00",
            "file.csv, row 2 (line 3), column Age: \"2024-01-02 10:00\" is no time of RFC 3339, such as 2024-01-31T10:00:00+08:00",
        ),
        (
            long.as_str(),
            "file.csv, row 2 (line 3), column Customer: customer id has 17000 bytes; at most 16384 are taken",
        ),
        (
            large.as_str(),
            "file.csv, row 2 (line 3): rule \"refund\": 3076 bytes in one event; at most 3000 are taken",
        ),
    ] {
        check_row(row, message);
    }
    check_row_bytes(
        b"2,refund,J\xf6rg,2024-01-02 10:00,5.00,GBP,web,",
        "file.csv, row 2 (line 3), column Customer: \"J�rg\" is not UTF-8; save the file as UTF-8",
    );
}

const ORDERS: &str = r#"
version = 1
source = "shop"
customer = "Customer"
time = { column = "At", format = "%Y-%m-%d", zone = "UTC" }
money = { currency = "GBP" }

[[event]]
rule = "order"
kind = "order_placed"
group = { by = ["Order"], adjacent = true, max_open = 3 }
tags = { order = "Order" }
attributes = { country = "Country" }
lines = { product = "Product", quantity = "Quantity", paid = "Price" }
fields = { amount = "@lines" }
"#;
const ORDERS_HEADER: &str = "Order,Customer,At,Country,Product,Quantity,Price\n";

#[test]
fn contradictory_groups_are_refused() {
    for (rows, message) in [
        (
            "o1,c1,2024-01-01,UK,tea,1,1\no1,c2,2024-01-01,UK,cup,1,1\n",
            "file.csv, row 2 (line 3), column Customer: \"c2\" differs from \"c1\" in the first row of its group; mend it, or say across = \"first\"",
        ),
        (
            "o1,c1,2024-01-01,UK,tea,1,1\no1,c1,2024-01-01,FR,cup,1,1\n",
            "file.csv, row 2 (line 3), column Country: \"FR\" differs from \"UK\" in the first row of its group; mend it, or say across = \"first\"",
        ),
        (
            ",c1,2024-01-01,UK,tea,1,1\n",
            "file.csv, row 1 (line 2), column Order: the key of the group is empty; fill it in, or leave such rows out with a condition",
        ),
        (
            "o1,c1,2024-01-01,UK,,1,1\n",
            "file.csv, row 1 (line 2), column Product: the product is empty; fill it in, or leave such rows out with a condition",
        ),
        (
            "o1,c1,2024-01-01,UK,tea,,1\n",
            "file.csv, row 1 (line 2), column Quantity: the quantity is empty; fill it in, or leave such rows out with a condition",
        ),
        (
            "o1,c1,2024-01-01,UK,tea,1.5,1\n",
            "file.csv, row 1 (line 2), column Quantity: \"1.5\" is no whole number within 64 bits; write digits alone",
        ),
        (
            "o1,c1,2024-01-01,UK,tea,1,\n",
            "file.csv, row 1 (line 2), column Price: the price is empty; fill it in, or leave such rows out with a condition",
        ),
        (
            "o1,c1,2024-01-01,UK,tea,-1,1\no2,c1,2024-01-01,UK,tea,1,1\n",
            "file.csv, row 1 (line 2): rule \"order\": its amount is -1 GBP; amounts are not negative, money given back is a refund",
        ),
        (
            "o1,c1,2024-01-01,UK,tea,900000000000,900000000000\n",
            "file.csv, row 1 (line 2): quantity times price is beyond about 922 trillion",
        ),
        (
            "o1,c1,2024-01-01,UK,a,1,1\no2,c1,2024-01-01,UK,b,1,1\no1,c1,2024-01-01,UK,c,1,1\n",
            "file.csv, row 3 (line 4): the group \"o1\" had ended before this row; sort the file by Order, raise \"window\", or say adjacent = false",
        ),
        (
            "o1,c,2024-01-01,,a,1,1\no1,c,2024-01-01,,b,1,1\no1,c,2024-01-01,,b,1,1\no1,c,2024-01-01,,b,1,1\n",
            "file.csv, row 4 (line 5): 4 rows wait for their groups to end, and at most 3 may; lower \"window\", raise \"max_open\", or look whether Order is the right key",
        ),
    ] {
        let stopped = import(ORDERS, format!("{ORDERS_HEADER}{rows}"), ImportOptions::default());
        assert_message(&stopped, message);
        assert!(stopped.batches.is_empty());
    }
    let currencies = ORDERS.replace("\"GBP\"", "{ column = \"Country\" }").replace("attributes = {", "#");
    let rows = "o1,c1,2024-01-01,EUR,tea,1,1\no1,c1,2024-01-01,CHF,cup,1,1\n";
    assert_message(
        &import(&currencies, format!("{ORDERS_HEADER}{rows}"), ImportOptions::default()),
        "file.csv, row 2 (line 3), column Country: \"CHF\" differs from \"EUR\" in the first row of its group; an order has one currency: mend the row, or put the currency's column into \"by\"",
    );
    let advised = currencies.replace("[\"Order\"]", "[\"Order\", \"Country\"]");
    let imported = import(&advised, format!("{ORDERS_HEADER}{rows}"), ImportOptions::default());
    assert_eq!(imported.events().len(), 2, "{:?}", imported.result);
    let open = ORDERS.replace("adjacent = true, ", "");
    let rows =
        "o1,c,2024-01-01,,a,1,1\no2,c,2024-01-01,,b,1,1\no1,c,2024-01-01,,b,1,1\no2,c,2024-01-01,,b,1,1\n";
    assert_message(
        &import(&open, format!("{ORDERS_HEADER}{rows}"), ImportOptions::default()),
        "file.csv, row 4 (line 5): 4 rows wait for their groups to end, and at most 3 may; sort the file by Order and say adjacent = true, or raise \"max_open\"",
    );
}

/// The time of the event may be that of another row than the first, whose cell then is not to blame.
#[test]
fn groups_of_the_future_are_refused_by_the_column_of_their_time() {
    let latest = ORDERS.replace("zone = \"UTC\"", "zone = \"UTC\", across = \"max\"");
    for (mapping, rows, message) in [
        (
            ORDERS,
            "o1,c1,2030-01-01,UK,tea,1,1\no1,c1,2030-01-02,UK,cup,1,1\n",
            "file.csv, row 1 (line 2), column At: \"2030-01-01\" is 2030-01-01T00:00:00Z, more than 24 hours beyond the clock (2024-12-31T00:00:00Z); mend the cell or raise future_max",
        ),
        (
            latest.as_str(),
            "o1,c1,2024-01-01,UK,tea,1,1\no1,c1,2030-01-02,UK,cup,1,1\n",
            "file.csv, row 1 (line 2), column At: it occurred at 2030-01-02T00:00:00Z, more than 24 hours beyond the clock (2024-12-31T00:00:00Z); mend the cell or raise future_max",
        ),
    ] {
        let options = ImportOptions::default().with_now(Timestamp::parse("2024-12-31").unwrap());
        assert_message(&import(mapping, format!("{ORDERS_HEADER}{rows}"), options), message);
    }
}

/// A mark in a place where it parts no thousands was once passed over, and the amount wrong by a factor.
#[test]
fn numbers_with_marks_in_wrong_places_are_refused() {
    let german = ["decimal_mark = \",\", thousands_mark = \".\"", "12,50 or 1.234,50"];
    let comma = ["decimal_mark = \",\"", "12,50"];
    let english = ["thousands_mark = \",\"", "12.50 or 1,234.50"];
    let swiss = ["thousands_mark = \"'\"", "12.50 or 1'234.50"];
    for ([marks, sample], amounts) in [
        (
            german,
            &[
                "35.50",
                "1.2.3,4",
                ".5",
                "1..2",
                "1.",
                "1.234.",
                ".123",
                "1234.567",
                "1.2345",
                "1.234.56",
                "1.23,4",
                "1,234.567",
                "0.125",
                "-0.125",
                "-.125",
                "1.234,5,6",
                "1,5.",
                "a.123",
                "1.a23",
                "abc",
                ",",
                "--1",
                "1 234",
            ][..],
        ),
        (comma, &["35.50", "1.234,50", "1.234", "1,2,3", "1,2.3", "abc"][..]),
        (english, &["12,50", "1,2345.6", "1.234,567", "1,,234", ",234", "1234,567", "1.2.3"][..]),
        (swiss, &["1'2", "1.234'567", "1,5", "1’234"][..]),
    ] {
        let mapping = ORDERS.replace("currency = \"GBP\"", &format!("currency = \"GBP\", {marks}"));
        for amount in amounts {
            let file = format!("{ORDERS_HEADER}o1,c1,2024-01-01,UK,tea,1,\"{amount}\"\n");
            let message = format!(
                "file.csv, row 1 (line 2), column Price: {amount:?} is no amount; write it as {sample}, or look at decimal_mark and thousands_mark in [money]"
            );
            assert_message(&import(&mapping, file, ImportOptions::default()), &message);
        }
    }
}

#[test]
fn missing_column_is_told_with_the_file_of_the_mapping() {
    let path = super::common::example("mappings/online_retail.toml");
    let mapping = Mapping::load(&path).unwrap();
    let file = Cursor::new("A,B\n");
    let error = CsvImport::from_reader(mapping, "file.csv", file, ImportOptions::default()).err().unwrap();
    let (start, end) =
        (format!("which the mapping {} names in line ", path.display()), "rename it in the mapping");
    assert!(error.to_string().contains(&start) && error.to_string().ends_with(end), "{error}");
}

#[test]
fn files_of_another_form_are_refused() {
    let good = format!("{HEADER}{}", GOOD[0]);
    let mut cut = gzip(good.repeat(50).as_bytes());
    cut.truncate(cut.len() / 2);
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16 = [b"\xff\xfe".to_vec(), utf16].concat();
    let endless = format!("{good}2,\"refund,c2,2024-01-02 10:00,5.00,GBP,web,\n{}", GOOD[1].repeat(30_000));
    for (file, message) in [
        (
            Vec::new(),
            "file.csv, line 1: the file is empty; a header with the names of the columns is expected",
        ),
        (
            good.replace("Amount", "Total").into_bytes(),
            "file.csv: column \"Amount\", which the mapping of \"shop\" names in line 14, is not in the header: \"Id\", \"Kind\", \"Customer\", \"At\", \"Total\", \"Currency\", \"Channel\", \"Age\"; rename it in the mapping",
        ),
        (
            good.replace(',', ";").into_bytes(),
            "file.csv: column \"At\", which the mapping of \"shop\" names in line 5, is not in the header: \"Id;Kind;Customer;At;Amount;Currency;Channel;Age\"; with one column only, look whether \"delimiter\" in [file] is right",
        ),
        (
            good.replace("Age", "Amount").into_bytes(),
            "file.csv: two columns are called \"Amount\", which the mapping of \"shop\" names in line 14; rename one",
        ),
        (
            good.replace("Age", "\u{e4}").chars().map(|letter| letter as u32 as u8).collect(),
            "file.csv, line 1: the header is not UTF-8; save the file as UTF-8",
        ),
        (utf16, "file.csv: the file is encoded as UTF-16; save it as UTF-8"),
        (
            b"PK\x03\x04 and more".to_vec(),
            "file.csv: the file is a ZIP archive or a spreadsheet; unpack it, or save the sheet as CSV",
        ),
        (cut, "file.csv: the compressed file ends too early or is damaged; copy or compress it again"),
        (
            endless.into_bytes(),
            "file.csv, row 2 (line 3): the row is longer than 100000 bytes; most often a quote is never closed: mend it, name another \"quote\" in [file], or raise row_bytes_max",
        ),
    ] {
        let options = || ImportOptions::default().with_row_bytes_max(100_000);
        let stopped = import(PEOPLE, file.clone(), options());
        assert_message(&stopped, message);
        assert!(stopped.batches.is_empty());
        let rejecting = options().with_on_bad_row(OnBadRow::Reject(Rejects::csv(Shared::default())));
        assert_message(&import(PEOPLE, file, rejecting), message);
    }
    let mapping = Mapping::parse(PEOPLE).unwrap();
    let missing = CsvImport::open(mapping, "no/such/file.csv", ImportOptions::default()).err().unwrap();
    assert_eq!(missing.to_string(), "no/such/file.csv: the file cannot be opened");
    assert_eq!(missing.kind(), ErrorKind::Io);
}

#[test]
fn an_import_that_stopped_says_so_again() {
    let mapping = Mapping::parse(PEOPLE).unwrap();
    let file = Cursor::new(format!("{HEADER}1,refund,c1\n{}", GOOD[1]));
    let mut source = CsvImport::from_reader(mapping, "file.csv", file, ImportOptions::default()).unwrap();
    let (first, again) = (drain(&mut source), drain(&mut source));
    assert_eq!(first.result.unwrap_err().to_string(), again.result.unwrap_err().to_string());
    assert!(again.batches.is_empty(), "the rows after the bad one are not handed out without it");
}

/// Each case replaces a text of a good mapping by another one.
#[test]
fn mappings_that_make_no_sense_are_refused_by_line() {
    for (from, to, message) in [
        ("version = 1", "version = 2", "mapping, line 2: version 2 of mappings is not known; version 1 is"),
        ("version = 1\n", "", "mapping, line 1: the mapping needs the key \"version\""),
        (
            "source = \"shop\"",
            "source = \"\"",
            "mapping, line 3: \"source\" is empty; it names the system that the file comes from",
        ),
        (
            "source = \"shop\"",
            "source = 5",
            "mapping, line 3: \"source\" is a whole number; it must be a text in quotes",
        ),
        (
            "source = \"shop\"",
            "source = \"shop",
            "mapping, line 3: it is no TOML: invalid basic string, expected `\"`",
        ),
        (
            "source = \"shop\"",
            "source = \"shop\"\ncurrency = \"GBP\"",
            "mapping, line 4: unknown key \"currency\" in the mapping; the keys here are: version, source, file, money, skip, event, tenant, customer, journey, time, received_at, channel, sequence, actor",
        ),
        (
            "customer = \"Customer\"\n",
            "",
            "mapping, line 7: the event rule \"order\" needs a customer, its own or the mapping's",
        ),
        (
            "customer = \"Customer\"",
            "customer = { colunm = \"Customer\" }",
            "mapping, line 4: unknown key \"colunm\" in the table of \"customer\"; the keys here are: column, constant, trim, strip_prefix, strip_suffix, map, default, across",
        ),
        (
            "customer = \"Customer\"",
            "customer = { trim = true }",
            "mapping, line 4: the table of \"customer\" needs the key \"column\" or \"constant\"",
        ),
        (
            "customer = \"Customer\"",
            "customer = \"@event_id\"",
            "mapping, line 4: \"customer\" cannot be \"@event_id\"; for a column of that name write { column = \"@event_id\" }",
        ),
        (
            "\"UTC\"",
            "\"Mars/Olympus\"",
            "mapping, line 5: \"zone\" in the table of \"time\" must be UTC, an offset such as \"+08:00\", or a name of the IANA list such as \"Europe/London\"",
        ),
        (
            ", zone = \"UTC\"",
            "",
            "mapping, line 5: the table of \"time\" reads local times by \"%Y-%m-%d\", so it needs the key \"zone\", such as \"UTC\" or \"Europe/London\"",
        ),
        (
            "\"%Y-%m-%d\"",
            "\"%H:%M\"",
            "mapping, line 5: \"format\" in the table of \"time\" must be rfc3339, unix_s, unix_ms, or a pattern with at least year, month and day, such as \"%Y-%m-%d %H:%M:%S\"",
        ),
        (
            "\"%Y-%m-%d\"",
            "\"rfc3339\"",
            "mapping, line 5: times of rfc3339 carry their own offset; leave \"zone\" out, or name another \"format\"",
        ),
        (
            "zone = \"UTC\"",
            "zone = \"UTC\", missing = \"nearest\"",
            "mapping, line 5: \"missing\" in the table of \"time\" must be \"earlier\" or \"later\"",
        ),
        (
            "\"GBP\"",
            "\"Pound\"",
            "mapping, line 6: \"currency\" in [money]: currency \"Pound\" is not in ISO 4217; write a code such as EUR; for a column write { column = \"Pound\" }",
        ),
        (
            "money = { currency = \"GBP\" }\n",
            "",
            "mapping, line 14: \"amount\" in the fields of order_placed needs a currency; name it there, or for all amounts in [money]",
        ),
        (
            "money = { currency = \"GBP\" }",
            "money = { currency = \"GBP\", rounding = \"up\" }",
            "mapping, line 6: \"rounding\" in [money] must be \"half_even\", \"half_up\" or \"down\"",
        ),
        (
            "\"order_placed\"",
            "\"order_placd\"",
            "mapping, line 10: \"order_placd\" is no kind of event; it is one of: lead_captured, need_identified, need_detailed, lead_scored, lead_qualified, lead_disqualified, lead_assigned, lead_returned, information_gathered, product_viewed, search_made, comparison_made, review_read, demo_attended, event_attended, cart_changed, solution_proposed, quote_issued, quote_revised, quote_accepted, terms_negotiated, objection_raised, objection_resolved, procurement_step_reached, approval_requested, approval_granted, approval_rejected, order_placed, order_changed, order_cancelled, deal_lost, payment_received, payment_failed, order_confirmed, shipped, delivered, delivery_accepted, delivery_failed, onboarded, returned, refunded, exchanged, ticket_opened, ticket_answered, ticket_resolved, ticket_reopened, complained, renewed, subscription_cancelled, referral_made, review_written, contact_made, message_sent, message_delivered, message_opened, message_clicked, message_unsubscribed, touchpoint_reached, feedback_given, feedback_classified, feedback_answered, feedback_result_told, feedback_used, survey_answered, research_answered, offer_issued, offer_redeemed, offer_expired, points_earned, points_redeemed, points_expired, points_reversed, tier_changed, membership_joined, membership_left, care_contacted, retention_offer_made, retention_offer_accepted, retention_offer_declined, recommendation_shown, recommendation_taken, community_joined, community_left, community_posted, community_interacted, strategy_applied, event_retracted, registered, profile_changed, preference_stated, identity_linked, identity_unlinked, account_joined, account_left, owner_assigned, consent_given, consent_withdrawn, customer_erased, custom; your own kind is \"custom:NAME\"",
        ),
        (
            "\"order_placed\"",
            "\"delivered\"",
            "mapping, line 15: unknown key \"amount\" in the fields of delivered; the keys here are: none",
        ),
        (
            "fields = { amount = \"@lines\" }",
            "fields = { total = \"@lines\" }",
            "mapping, line 15: unknown key \"total\" in the fields of order_placed; the keys here are: amount, promised_at",
        ),
        (
            "fields = { amount = \"@lines\" }\n",
            "",
            "mapping, line 8: the event rule \"order\" makes order_placed, which needs the field \"amount\"; add it to \"fields\"",
        ),
        (
            "lines = { product = \"Product\", quantity = \"Quantity\", paid = \"Price\" }\n",
            "",
            "mapping, line 8: the event rule \"order\" makes an amount of its lines, so it needs \"lines\" with product, quantity and paid",
        ),
        (
            "max_open = 3",
            "max_open = -3",
            "mapping, line 11: \"max_open\" in the table of \"group\" is -3; it must lie between 0 and 18446744073709551615",
        ),
        (
            "adjacent = true, ",
            "window = 3, ",
            "mapping, line 11: \"window\" is for groups of adjacent rows; say adjacent = true as well",
        ),
        (
            "by = [\"Order\"]",
            "by = []",
            "mapping, line 11: \"by\" in the table of \"group\" is empty; it needs at least one column",
        ),
        (
            "rule = \"order\"",
            "rule = \"order\"\nstage = \"need\"",
            "mapping, line 10: order_placed belongs to stage decision; leave \"stage\" out",
        ),
        (
            "rule = \"order\"",
            "rule = \"order\"\nwhen = { column = \"Price\" }",
            "mapping, line 10: the condition \"when\" in [[event]] tests nothing; it needs one of: equals, not_equals, starts_with, not_starts_with, is_empty, not_empty, gt, ge, lt, le",
        ),
        (
            "rule = \"order\"",
            "rule = \"order\"\nwhen = { column = \"Price\", gt = \"much\" }",
            "mapping, line 10: \"gt\" in the condition \"when\" in [[event]] is a text; it must be a decimal number",
        ),
        (
            "rule = \"order\"",
            "rule = \"order\"\nwhen = { all = [], any = [] }",
            "mapping, line 10: a condition holds one of all, any and not; put one into the other",
        ),
        (
            "tags = {",
            "tags = { \"a:b\" = \"Order\",",
            "mapping, line 12: tag type \"a:b\" holds a colon; the type ends at the first one",
        ),
        (
            "\"Country\"",
            "{ column = \"Country\", type = \"flag\" }",
            "mapping, line 13: \"type\" in \"country\" in the table of \"attributes\" must be text, integer, decimal, boolean, time or money",
        ),
        (
            "\"Country\"",
            "{ column = \"Country\", across = \"sum\" }",
            "mapping, line 13: \"across\" in the table of \"country\" in the table of \"attributes\" is not one of: same, first",
        ),
        (
            "\"GBP\"",
            "{ column = \"Currency\", across = \"first\" }",
            "mapping, line 6: \"amount\" in the fields of order_placed adds up the amounts of several rows, so they must agree on the currency; leave \"across\" of the currency out, or put its column into \"by\"",
        ),
        (
            "amount = \"@lines\"",
            "amount = { lines = true, currency = { column = \"Currency\", across = \"first\" } }",
            "mapping, line 15: \"amount\" in the fields of order_placed adds up the amounts of several rows, so they must agree on the currency; leave \"across\" of the currency out, or put its column into \"by\"",
        ),
        (
            "\"@lines\" }",
            "{ column = \"Price\", across = \"sum\",\ncurrency = { column = \"Currency\", across = \"first\" } } }",
            "mapping, line 16: \"amount\" in the fields of order_placed adds up the amounts of several rows, so they must agree on the currency; leave \"across\" of the currency out, or put its column into \"by\"",
        ),
        (
            "[[event]]",
            "[file]\ndelimiter = \", \"\n[[event]]",
            "mapping, line 9: \"delimiter\" in [file] must be one ASCII character, \"tab\", or \"whitespace\" for any number of blanks",
        ),
        (
            "[[event]]",
            "[file]\ncolumns = [\"Order\"]\n[[event]]",
            "mapping, line 9: \"columns\" names the columns of a file without a header; say header = false, or leave it out",
        ),
        (
            "[[event]]",
            "[file]\nheader = false\n[[event]]",
            "mapping, line 8: a file without a header needs \"columns\" in [file]",
        ),
    ] {
        assert!(ORDERS.contains(from), "{from}");
        let error = Mapping::parse(&ORDERS.replacen(from, to, 1)).expect_err(to);
        assert_eq!(error.to_string(), message, "{to}");
        assert_eq!(error.kind(), ErrorKind::Mapping);
    }
    let rules = ORDERS.split_once("[[event]]").unwrap();
    let twice = format!("{ORDERS}[[event]]{}", rules.1);
    assert_eq!(
        Mapping::parse(&twice).unwrap_err().to_string(),
        "mapping, line 16: two event rules are called \"order\"; ids would collide"
    );
    assert_eq!(
        Mapping::parse(rules.0).unwrap_err().to_string(),
        "mapping, line 1: the mapping makes no events; add at least one [[event]]"
    );
}

const EVENT: &str = r#"{"id":"00000000-0000-0000-0000-000000000001","customer":"c1","occurred_at":"2024-01-31T10:00:00Z","kind":"registered","schema_version":1}"#;

#[test]
fn bad_lines_are_refused_by_line_and_reason() {
    let other = |from: &str, to: &str| EVENT.replace(from, to).into_bytes();
    for (line, message) in [
        (b"Id,Customer".to_vec(), "e.jsonl, line 2: the line is no event: expected value (at character 1)"),
        (
            other("}", ""),
            "e.jsonl, line 2: the line is no event: EOF while parsing an object (at character 136)",
        ),
        (
            other("\"customer\":\"c1\",", ""),
            "e.jsonl, line 2: the line is no event: missing field `customer` (at character 121)",
        ),
        (
            other("\"customer\":\"c1\"", "\"customer\":\"\""),
            "e.jsonl, line 2: the line is no event: customer id is empty; give it at least one character (at character 58)",
        ),
        (
            other("customer", "custmer"),
            "e.jsonl, line 2: the line is no event: unknown field `custmer`, expected one of `id`, `tenant`, `customer`, `journey`, `occurred_at`, `received_at`, `sequence`, `kind`, `schema_version`, `fields`, `stage`, `tags`, `attributes`, `channel`, `source`, `actor`, `correlation`, `causation`, `recorded_at`, `position` (at character 54)",
        ),
        (
            other("\"schema_version\":1", "\"schema_version\":7"),
            "e.jsonl, line 2: the line is no event: kind \"registered\" has schema version 7, newer than 1, the last that this program knows; update the program",
        ),
        (
            other("2024-01-31T10:00:00Z", "yesterday"),
            "e.jsonl, line 2: the line is no event: \"yesterday\" is no time; write RFC 3339 such as 2024-01-31T10:00:00+08:00 (at character 86)",
        ),
        (
            other("2024-01-31T10:00:00Z", "2034-01-31T10:00:00Z"),
            "e.jsonl, line 2: it occurred at 2034-01-31T10:00:00Z, more than 24 hours beyond the clock (2024-12-31T00:00:00Z); mend the line or raise future_max",
        ),
        (
            other("\"kind\":\"registered\"", "\"kind\":\"order_placed\""),
            "e.jsonl, line 2: the line is no event: fields of \"order_placed\": missing field `amount`",
        ),
        (
            other("\"kind\":\"registered\"", "\"stage\":\"need\",\"kind\":\"delivered\""),
            "e.jsonl, line 2: delivered belongs to stage delivery, so it cannot name stage need; leave it out",
        ),
        (
            other("c1", &"c".repeat(600)),
            "e.jsonl, line 2: the line is longer than 500 bytes; shorten it, or raise row_bytes_max",
        ),
        (b"{\"id\":\"\xff\"}".to_vec(), "e.jsonl, line 2: it is not UTF-8 from byte 8 on; write UTF-8"),
    ] {
        let file = [EVENT.as_bytes(), &line, EVENT.as_bytes()].join(&b'\n');
        let read = |options: ImportOptions| {
            let options = options.with_now(Timestamp::parse("2024-12-31").unwrap()).with_row_bytes_max(500);
            drain(&mut JsonlImport::from_reader("e.jsonl", Cursor::new(file.clone()), options).unwrap())
        };
        let stopped = read(ImportOptions::default());
        assert_message(&stopped, message);
        assert!(stopped.batches.is_empty());
        let rejects = OnBadRow::Reject(Rejects::csv(Shared::default()));
        let passed = read(ImportOptions::default().with_on_bad_row(rejects));
        assert_eq!((passed.events().len(), passed.progress.rejected_rows), (2, 1));
    }
    let cut = &gzip(EVENT.as_bytes())[..30];
    let options = ImportOptions::default();
    let stopped = JsonlImport::from_reader("e.jsonl", Cursor::new(cut.to_vec()), options);
    let message =
        stopped.map(|mut source| drain(&mut source).result.unwrap_err()).unwrap_or_else(|error| error);
    assert_eq!(
        message.to_string(),
        "e.jsonl: the compressed file ends too early or is damaged; copy or compress it again"
    );
}
