//! What a mapping can say, key by key.

use wayfold_core::bodies::{Instrument, ProcurementStep};
use wayfold_core::{AttributeValue, Channel, EventBody, EventId, EventKind, JourneyEvent, Stage};
use wayfold_ingest::{CsvImport, EventSource, ImportOptions, Mapping};

use super::common::{events, example, gzip};

const HEAD: &str = "version = 1\nsource = \"s\"\ncustomer = \"Customer\"\ntime = { column = \"At\", format = \"%Y-%m-%d %H:%M\", zone = \"UTC\" }\n";
const EVENT: &str = "[[event]]\nrule = \"r\"\nkind = \"profile_changed\"\n";
const FILE: &str = "Customer,At,A,B\nc1,2024-01-01 10:00,";

/// Imports one row with the cells A and B by `EVENT` and what the test adds to it.
#[track_caller]
fn one(cells: &str, more: &str) -> JourneyEvent {
    let mapping = format!("{HEAD}{EVENT}{more}");
    events(&mapping, format!("{FILE}{cells}\n")).remove(0)
}

/// Imports one row of a kind.
#[track_caller]
fn of_kind(kind: &str, cells: &str, more: &str) -> JourneyEvent {
    let mapping =
        format!("{HEAD}money = {{ currency = \"EUR\" }}\n[[event]]\nrule = \"r\"\nkind = \"{kind}\"\n{more}");
    events(&mapping, format!("{FILE}{cells}\n")).remove(0)
}

#[test]
fn example_mappings_can_be_read() {
    let folder = std::fs::read_dir(example("mappings")).unwrap();
    let mut count = 0;
    for file in folder {
        let path = file.unwrap().path();
        Mapping::load(&path).unwrap_or_else(|error| panic!("{error}"));
        count += 1;
    }
    assert!(count >= 3, "{count} mappings");
}

#[test]
fn attributes_are_typed_and_empty_cells_are_absent() {
    let more = r#"
[event.attributes]
text = "A"
blank = "B"
"two words" = { constant = "x" }
integer = { column = "A", type = "integer" }
decimal = { column = "A", type = "decimal" }
boolean = { constant = "yes", type = "boolean" }
time = { constant = "2024-06-01 12:00", type = "time" }
date = { constant = "01.06.24", type = "time", format = "%d.%m.%y", zone = "+02:00" }
money = { column = "A", type = "money", currency = "EUR", negate = true }
"#;
    let event = one("12,", more);
    let text = |name: &str| {
        let value = event.attributes.iter().find(|(known, _)| known.as_str() == name);
        value.map(|(_, value)| serde_json::to_string(value).unwrap())
    };
    let expected = [
        ("text", r#""12""#),
        ("two words", r#""x""#),
        ("integer", "12"),
        ("decimal", r#"{"decimal":"12"}"#),
        ("boolean", "true"),
        ("time", r#"{"time":"2024-06-01T12:00:00Z"}"#),
        ("date", r#"{"time":"2024-05-31T22:00:00Z"}"#),
        ("money", r#"{"money":{"amount":"-12","currency":"EUR"}}"#),
    ];
    for (name, value) in expected {
        assert_eq!(text(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(text("blank"), None);
    assert_eq!(event.attributes.len(), expected.len());
}

#[test]
fn cells_are_cleaned_before_they_are_read() {
    let attribute = |cells: &str, table: &str| {
        let event = one(cells, &format!("attributes.a = {table}"));
        match event.attributes.into_values().next() {
            Some(AttributeValue::Text(text)) => text,
            other => format!("{other:?}"),
        }
    };
    assert_eq!(attribute("17850.0,", "{ column = \"A\", strip_suffix = \".0\" }"), "17850");
    assert_eq!(attribute(" x ,", "{ column = \"A\", trim = true }"), "x");
    assert_eq!(attribute(" x ,", "\"A\""), " x ");
    assert_eq!(
        attribute("$ 5,", "{ column = \"A\", strip_prefix = \"$\", trim = true }"),
        "$ 5".replacen('$', "", 1)
    );
    assert_eq!(attribute("m,", "{ column = \"A\", map = { m = \"male\", f = \"female\" } }"), "male");
    assert_eq!(attribute("d,", "{ column = \"A\", map = { m = \"male\" } }"), "d");
    assert_eq!(attribute(",", "{ column = \"A\", default = \"none\" }"), "none");
}

#[test]
fn money_is_read_as_the_source_writes_it() {
    let amount =
        |cells: &str, field: &str| match of_kind("refunded", cells, &format!("fields.amount = {field}")).body
        {
            EventBody::Refunded(body) => body.amount.to_string(),
            other => panic!("{other:?}"),
        };
    assert_eq!(amount("12.5,", "\"A\""), "12.50 EUR");
    let european = "{ column = \"A\", decimal_mark = \",\", thousands_mark = \".\" }";
    for (cell, expected) in [
        ("1.234,50", "1234.50 EUR"),
        ("1.234", "1234.00 EUR"),
        ("12.345.678,9", "12345678.90 EUR"),
        ("123.456", "123456.00 EUR"),
        ("+1.234", "1234.00 EUR"),
        ("1234,5", "1234.50 EUR"),
        ("0,25", "0.25 EUR"),
        (",5", "0.50 EUR"),
        ("7,", "7.00 EUR"),
        ("0", "0.00 EUR"),
    ] {
        assert_eq!(amount(&format!("\"{cell}\","), european), expected, "{cell}");
    }
    assert_eq!(
        amount("1.00005,", "{ column = \"A\", rounding = \"half_up\", currency = \"KWD\" }"),
        "1.000 KWD"
    );
    assert_eq!(amount("-3,0.335", "{ product = [\"A\", \"B\"], negate = true }"), "1.00 EUR");
    assert_eq!(amount("3,USD", "{ column = \"A\", currency = { column = \"B\" } }"), "3.00 USD");
}

#[test]
fn times_keep_their_offset_and_follow_the_zone() {
    let at = |cells: &str, time: &str| one(cells, &format!("time = {time}")).occurred_at.to_string();
    let london = "{ column = \"A\", format = \"%Y-%m-%d %H:%M\", zone = \"Europe/London\"";
    assert_eq!(at("2024-07-01 10:00,", &format!("{london} }}")), "2024-07-01T10:00:00+01:00");
    assert_eq!(
        at("2024-10-27 01:30,", &format!("{london}, ambiguous = \"earlier\" }}")),
        "2024-10-27T01:30:00+01:00"
    );
    assert_eq!(
        at("2024-10-27 01:30,", &format!("{london}, ambiguous = \"later\" }}")),
        "2024-10-27T01:30:00Z"
    );
    assert_eq!(
        at("2024-03-31 01:30,", &format!("{london}, missing = \"earlier\" }}")),
        "2024-03-31T00:30:00Z"
    );
    assert_eq!(
        at("2024-03-31 01:30,", &format!("{london}, missing = \"later\" }}")),
        "2024-03-31T02:30:00+01:00"
    );
    assert_eq!(
        at("2024-01-31T10:00:00+08:00,", "{ column = \"A\", format = \"rfc3339\" }"),
        "2024-01-31T10:00:00+08:00"
    );
    assert_eq!(at("1700000000.25,", "{ column = \"A\", format = \"unix_s\" }"), "2023-11-14T22:13:20.250Z");
    let paris = "{ column = \"A\", format = \"unix_ms\", zone = \"Europe/Paris\" }";
    assert_eq!(at("1700000000000,", paris), "2023-11-14T23:13:20+01:00");
    let offset = "{ column = \"A\", format = \"%d/%b/%Y:%H:%M:%S %z\" }";
    assert_eq!(at("10/Oct/2000:13:55:36 -0700,", offset), "2000-10-10T13:55:36-07:00");
    let either = "{ column = \"A\", format = [\"%d.%m.%Y\", \"%d.%m.%Y %H\"], zone = \"-03:30\" }";
    assert_eq!(at("01.02.2024,", either), "2024-02-01T00:00:00-03:30");
    assert_eq!(at("01.02.2024 07,", either), "2024-02-01T07:00:00-03:30");
}

/// In Sao Paulo the clocks went forward at midnight, so that the first instant of the day was one o'clock.
#[test]
fn date_without_a_midnight_begins_when_the_clocks_have_gone_forward() {
    let time = "time = { column = \"A\", format = \"%Y-%m-%d\", zone = \"America/Sao_Paulo\" }";
    assert_eq!(one("2018-11-04,", time).occurred_at.to_string(), "2018-11-04T01:00:00-02:00");
    let havana = "time = { column = \"A\", format = \"%Y-%m-%d\", zone = \"America/Havana\" }";
    assert_eq!(one("2024-11-03,", havana).occurred_at.to_string(), "2024-11-03T00:00:00-04:00");
}

#[test]
fn events_take_what_they_say_from_the_row() {
    let event = one(
        "7,mail",
        "tenant = \"B\"\njourney = \"A\"\nreceived_at = \"At\"\nsequence = \"A\"\nstage = \"need\"\n\
         channel = { column = \"B\", map = { mail = \"email\" } }\nactor = { team = \"B\", person = { constant = \"Ada\" } }\n\
         tags = { account = \"A\", order = \"B\" }\nid = { key = [\"Customer\", \"A\"] }",
    );
    assert_eq!(event.id, EventId::from_natural_key("s", "r", &["c1", "7"]));
    assert_eq!(event.customer.to_string(), "mail/c1");
    assert_eq!(event.journey.unwrap().as_str(), "7");
    assert_eq!(event.received_at.unwrap().to_string(), "2024-01-01T10:00:00Z");
    assert_eq!((event.sequence, event.stage, event.channel), (7, Some(Stage::Need), Some(Channel::Email)));
    assert_eq!((event.actor.team.as_deref(), event.actor.person.as_deref()), (Some("mail"), Some("Ada")));
    let tags: Vec<_> = event.tags.iter().map(|tag| tag.as_str()).collect();
    assert_eq!((tags, event.source.as_deref()), (vec!["account:7", "order:mail"], Some("s")));
}

#[test]
fn every_type_of_field_can_be_filled() {
    let body = |kind: &str, cells: &str, more: &str| of_kind(kind, cells, more).body;
    let survey = body("survey_answered", "9,nps", "fields = { score = \"A\", instrument = \"B\" }");
    assert!(
        matches!(survey, EventBody::SurveyAnswered(body) if body.score == 9 && body.instrument == Instrument::Nps)
    );
    let step = body("procurement_step_reached", ",", "fields.step = { constant = \"tender\" }");
    assert!(matches!(step, EventBody::ProcurementStepReached(body) if body.step == ProcurementStep::Tender));
    let contact = body("contact_made", "no,inbound", "fields = { reached = \"A\", direction = \"B\" }");
    assert!(
        matches!(contact, EventBody::ContactMade(body) if body.reached == Some(false) && body.medium.is_none())
    );
    let shipped = body("shipped", "2024-01-05 00:00,", "fields.promised_at = \"A\"");
    assert!(
        matches!(shipped, EventBody::Shipped(body) if body.promised_at.unwrap().to_string() == "2024-01-05T00:00:00Z")
    );
    let scored = body("lead_scored", "0.75,", "fields.total = \"A\"");
    assert!(matches!(scored, EventBody::LeadScored(body) if body.total.unwrap().to_string() == "0.75"));
    let id = EventId::from_natural_key("s", "order", &["o1"]);
    let natural = body("event_retracted", "o1,", "fields.event = { rule = \"order\", key = [\"A\"] }");
    assert!(matches!(natural, EventBody::EventRetracted(body) if body.event == id));
    let named = body("event_retracted", &format!("{id},"), "fields.event = \"A\"");
    assert!(matches!(named, EventBody::EventRetracted(body) if body.event == id));
}

#[test]
fn own_kinds_are_named_by_the_mapping_or_by_a_column() {
    let event = of_kind("custom:store_visited", "5,", "stage = \"information\"\nfields.amount = \"A\"");
    assert_eq!(event.kind(), EventKind::CustomInformation);
    assert!(
        matches!(event.body, EventBody::Custom(body) if body.name.as_str() == "store_visited" && body.amount.is_some())
    );
    let event = of_kind("custom", "parked,", "fields.name = \"A\"");
    assert!(
        matches!(event.body, EventBody::Custom(body) if body.name.as_str() == "parked" && body.stage.is_none())
    );
}

#[test]
fn one_row_may_give_several_events_or_none() {
    let rule = |name: &str, when: &str| {
        format!("[[event]]\nrule = \"{name}\"\nkind = \"custom:{name}\"\nwhen = {when}\n")
    };
    let rules = [
        rule("equals", "{ column = \"A\", equals = [\"1\", \"2\"] }"),
        rule("not_equals", "{ column = \"A\", not_equals = \"1\" }"),
        rule("starts", "{ column = \"B\", starts_with = \"x\" }"),
        rule("not_starts", "{ column = \"B\", not_starts_with = [\"x\", \"y\"] }"),
        rule("empty", "{ column = \"B\", is_empty = true }"),
        rule("filled", "{ column = \"B\", not_empty = true }"),
        rule("between", "{ column = \"A\", gt = 1, le = 2.5 }"),
        rule("all", "[{ column = \"A\", ge = 1 }, { column = \"A\", lt = 2 }]"),
        rule("any", "{ any = [{ column = \"A\", equals = \"3\" }, { column = \"B\", equals = \"x1\" }] }"),
        rule("not", "{ not = { column = \"B\", not_empty = true } }"),
    ];
    let mapping = format!("{HEAD}{}", rules.concat());
    let names = |cells: &str| {
        let events = events(&mapping, format!("{FILE}{cells}\n"));
        let name = |event: JourneyEvent| match event.body {
            EventBody::Custom(body) => body.name.to_string(),
            other => panic!("{other:?}"),
        };
        events.into_iter().map(name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("1,x1"), "equals starts filled all any");
    assert_eq!(names("2.5,"), "not_equals not_starts empty between not");
    assert_eq!(names("3,y"), "not_equals filled any");
    let none = format!("{HEAD}{}", rules[0]);
    assert_eq!(events(&none, format!("{FILE}9,\n")), []);
}

#[test]
fn files_may_be_of_any_form() {
    let rows = [["c1", "2024-01-01 10:00", "a", "b"], ["c2", "2024-01-02 10:00", "a,;", "\"q\""]];
    let expected =
        events(&format!("{HEAD}{EVENT}attributes = {{ a = \"A\", b = \"B\" }}"), csv_of(&rows, b',', true));
    assert_eq!(expected.len(), 2);
    let with = |form: &str| format!("{HEAD}[file]\n{form}\n{EVENT}attributes = {{ a = \"A\", b = \"B\" }}");
    assert_eq!(events(&with("delimiter = \";\""), csv_of(&rows, b';', true)), expected);
    assert_eq!(events(&with("delimiter = \"tab\""), csv_of(&rows, b'\t', true)), expected);
    let names = "header = false\ncolumns = [\"Customer\", \"At\", \"A\", \"B\"]";
    assert_eq!(events(&with(names), csv_of(&rows, b',', false)), expected);
    let plain = csv_of(&rows, b',', true);
    let marked = [b"\xef\xbb\xbf".to_vec(), plain.clone()].concat();
    assert_eq!(events(&with(""), marked.clone()), expected);
    assert_eq!(events(&with(""), gzip(&marked)), expected);
    let (head, tail) = plain.split_at(40);
    assert_eq!(events(&with(""), [gzip(head), gzip(tail)].concat()), expected, "two members");
    let windows = String::from_utf8(plain).unwrap().replace('\n', "\r\n");
    assert_eq!(events(&with(""), windows), expected);
    let unquoted = "Customer|At|A|B\nc1|2024-01-01 10:00|a|\"b";
    let event = events(&with("delimiter = \"|\"\nquote = \"\""), unquoted).remove(0);
    assert!(event.attributes.values().any(|value| *value == "\"b".into()));
}

fn csv_of(rows: &[[&str; 4]], delimiter: u8, has_header: bool) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    if has_header {
        writer.write_record(["Customer", "At", "A", "B"]).unwrap();
    }
    rows.iter().for_each(|row| writer.write_record(row).unwrap());
    writer.into_inner().unwrap()
}

#[test]
fn equal_instants_are_numbered_in_the_order_of_the_file_where_the_mapping_says_so() {
    let file = "Customer,At,A,B\nc1,2024-01-01 10:00,1,\nc2,2024-01-01 10:00,2,\nc1,2024-01-01 10:00,3,\n\
                c1,2024-01-01 10:01,4,\nc1,2024-01-01 10:00,1,\n";
    let sequences =
        |mapping: &str| events(mapping, file).iter().map(|event| event.sequence).collect::<Vec<_>>();
    assert_eq!(sequences(&format!("{HEAD}{EVENT}")), [0; 5]);
    assert_eq!(sequences(&format!("{HEAD}sequence = \"file_order\"\n{EVENT}")), [0, 0, 1, 0, 2]);
}

#[test]
fn ids_depend_on_neither_the_file_nor_the_place_of_a_row() {
    let mapping = Mapping::parse(&format!("{HEAD}{EVENT}")).unwrap();
    let ids = |name: &str, file: &'static str| {
        let options = ImportOptions::default();
        let mut source = CsvImport::from_reader(mapping.clone(), name, file.as_bytes(), options).unwrap();
        let mut ids: Vec<_> = source.next_batch().unwrap().unwrap().iter().map(|event| event.id()).collect();
        ids.sort_unstable();
        ids
    };
    let one = ids("a.csv", "Customer,At\nc1,2024-01-01 10:00\nc1,2024-01-01 10:00\nc2,2024-01-01 10:00\n");
    let other =
        ids("b.csv", "Customer,At\n\nc1,2024-01-01 10:00\nc2,2024-01-01 10:00\n\"c1\",2024-01-01 10:00");
    assert_eq!(one, other);
    assert!(one.windows(2).all(|pair| pair[0] != pair[1]), "rows that repeat are events of their own");
}

#[test]
fn imports_can_be_sent_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<CsvImport>();
    is_send::<wayfold_ingest::JsonlImport>();
    is_send::<Box<dyn EventSource + Send>>();
}
