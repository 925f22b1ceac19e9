//! Groups: rows that make one event together.

use wayfold_core::{EventBody, JourneyEvent};
use wayfold_ingest::{ErrorKind, ImportOptions, OnBadRow, Rejects};

use super::common::{Shared, events, import};

/// Orders whose rows may lie as the test says.
fn mapping(group: &str) -> String {
    format!(
        r#"
version = 1
source = "shop"
customer = "Customer"
time = {{ column = "At", format = "%Y-%m-%d %H:%M", zone = "UTC" }}
money = {{ currency = "GBP" }}

[[event]]
rule = "order"
kind = "order_placed"
when = {{ column = "Order", not_starts_with = "C" }}
group = {{ by = ["Order"], {group} }}
tags = {{ order = "Order", product = {{ column = "Product", across = "all" }} }}
lines = {{ product = "Product", quantity = "Quantity", paid = "Price" }}
fields = {{ amount = "@lines" }}

[[event]]
rule = "refund"
kind = "refunded"
when = {{ column = "Order", starts_with = "C" }}
group = {{ by = ["Order"], {group} }}
fields.amount = {{ product = ["Quantity", "Price"], across = "sum", negate = true }}
"#
    )
}

const HEADER: &str = "Order,Customer,At,Product,Quantity,Price\n";
const ROWS: [&str; 6] = [
    "o1,c1,2024-01-01 10:01,tea,2,1.255\n",
    "o1,c1,2024-01-01 10:00,cup,1,3\n",
    "C2,c1,2024-01-02 10:00,tea,-1,1.255\n",
    "C2,c1,2024-01-02 10:00,cup,-2,0.5\n",
    "o3,c2,2024-01-03 10:00,tea,0,9\n",
    "o3,c2,2024-01-03 10:05,tea,1,0\n",
];

fn file(order: &[usize]) -> String {
    order.iter().fold(HEADER.to_owned(), |file, row| file + ROWS[*row])
}

fn amounts(events: &[JourneyEvent]) -> Vec<String> {
    let amount = |event: &JourneyEvent| match &event.body {
        EventBody::OrderPlaced(body) => format!("+{}", body.amount.amount),
        EventBody::Refunded(body) => format!("-{}", body.amount.amount),
        other => panic!("{other:?}"),
    };
    events.iter().map(amount).collect()
}

#[test]
fn rows_of_an_order_are_its_lines_and_the_earliest_time_counts() {
    let events = events(&mapping("adjacent = true"), file(&[0, 1, 2, 3, 4, 5]));
    assert_eq!(amounts(&events), ["+5.51", "-2.255", "+0"]);
    assert_eq!(events[0].occurred_at.to_string(), "2024-01-01T10:00:00Z");
    let EventBody::OrderPlaced(order) = &events[0].body else { panic!("no order") };
    let lines: Vec<_> = order.lines.iter().map(|line| (line.product.as_str(), line.quantity)).collect();
    assert_eq!(lines, [("tea", 2), ("cup", 1)]);
    assert_eq!(order.lines[0].paid.unwrap().to_string(), "1.255");
    let tags: Vec<_> = events[0].tags.iter().map(|tag| tag.as_str()).collect();
    assert_eq!(tags, ["order:o1", "product:cup", "product:tea"]);
}

#[test]
fn rows_may_lie_anywhere_or_within_a_window() {
    let sorted = events(&mapping("adjacent = true"), file(&[0, 1, 2, 3, 4, 5]));
    let mixed = file(&[0, 2, 1, 4, 3, 5]);
    for group in ["adjacent = false", "adjacent = true, window = 2"] {
        assert_eq!(events(&mapping(group), mixed.clone()), sorted, "{group}");
    }
    let stopped = import(&mapping("adjacent = true"), mixed, ImportOptions::default());
    assert_eq!(stopped.result.unwrap_err().kind(), ErrorKind::NotAdjacent);
}

#[test]
fn window_that_is_too_small_is_an_error_and_never_two_halves() {
    let file = file(&[0, 2, 3, 1]);
    let error = import(&mapping("adjacent = true, window = 1"), file.clone(), ImportOptions::default());
    assert_eq!(error.result.unwrap_err().row(), Some(4));
    assert_eq!(events(&mapping("adjacent = true, window = 2"), file).len(), 2);
}

#[test]
fn rejecting_cannot_hide_a_group_that_was_torn() {
    let rejects = OnBadRow::Reject(Rejects::csv(Shared::default()));
    let torn = file(&[0, 2, 3, 1]);
    let stopped =
        import(&mapping("adjacent = true"), torn, ImportOptions::default().with_on_bad_row(rejects));
    assert_eq!(stopped.result.unwrap_err().kind(), ErrorKind::NotAdjacent);
}

#[test]
fn group_with_a_bad_row_is_rejected_whole() {
    for group in ["adjacent = true", "adjacent = false", "adjacent = true, window = 5"] {
        for bad in [
            "o1,c1,2024-01-01 10:02,pot,x,1\n",
            "o1,c1,2024-01-01 10:02,pot,1\n",
            "o1,c9,2024-01-01 10:02,pot,1,1\n",
        ] {
            let rejects = Shared::default();
            let file = [HEADER, ROWS[0], bad, ROWS[1], ROWS[2], ROWS[3]].concat();
            let options =
                ImportOptions::default().with_on_bad_row(OnBadRow::Reject(Rejects::csv(rejects.clone())));
            let imported = import(&mapping(group), file, options);
            assert!(imported.result.is_ok(), "{:?}", imported.result);
            assert_eq!(amounts(&imported.events()), ["-2.255"], "the other group is whole");
            assert_eq!((imported.progress.rows, imported.progress.rejected_rows), (5, 3));
            let text = rejects.text();
            let mut rows: Vec<_> = text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
            rows.sort_unstable();
            assert_eq!(rows, ["1", "2", "3"]);
            let whole = "file.csv,1,2,,,group,row 2 of its group is bad; mend that row";
            assert!(text.contains(whole), "{text}");
        }
    }
}

#[test]
fn group_whose_event_is_bad_is_rejected_whole() {
    let rejects = Shared::default();
    let file = [HEADER, ROWS[0], "o1,c1,2024-01-01 10:02,pot,-9,1\n", ROWS[2]].concat();
    let options = ImportOptions::default().with_on_bad_row(OnBadRow::Reject(Rejects::csv(rejects.clone())));
    let imported = import(&mapping("adjacent = true"), file, options);
    assert_eq!(amounts(&imported.events()), ["-1.255"]);
    let expected = "file,row,line,column,value,problem,reason\n\
        file.csv,1,2,,,invalid_event,\"rule \"\"order\"\": its amount is -6.49 GBP; amounts are not negative, money given back is a refund\"\n\
        file.csv,2,3,,,group,row 1 of its group is bad; mend that row\n";
    assert_eq!(rejects.text(), expected);
}

#[test]
fn row_that_hides_its_group_stops_even_where_rows_are_rejected() {
    let mapping = mapping("adjacent = true").replace("by = [\"Order\"]", "by = [\"Order\", \"Customer\"]");
    let file = [HEADER, ROWS[0], "o1\n", ROWS[1]].concat();
    let options = ImportOptions::default().with_on_bad_row(OnBadRow::Reject(Rejects::csv(Shared::default())));
    let stopped = import(&mapping, file, options);
    let message = "file.csv, row 2 (line 3): the row cannot be read up to the key of its group, so nobody can tell which \
                   group lacks it; mend the row first";
    assert_eq!(stopped.result.unwrap_err().to_string(), message);
}

/// A bad row of one rule once spoilt the group that had its key by another rule, or stopped the import.
#[test]
fn bad_row_that_is_in_no_group_spoils_none() {
    let mapping = mapping("adjacent = true")
        + "[[event]]\nrule = \"view\"\nkind = \"survey_answered\"\nwhen = { column = \"Product\", equals = \"survey\" }\n\
           fields = { instrument = { constant = \"nps\" }, score = \"Quantity\" }\n";
    let mapping = mapping.replace(
        "when = { column = \"Order\", not_starts_with = \"C\" }",
        "when = [{ column = \"Order\", not_starts_with = \"C\" }, { column = \"Product\", not_equals = \"survey\" }]",
    );
    let survey = "o1,c1,2024-01-01 10:02,survey,many,1\n";
    for rows in [[ROWS[0], survey, ROWS[1], ROWS[2]], [ROWS[0], ROWS[1], ROWS[2], survey]] {
        let rejects = OnBadRow::Reject(Rejects::csv(Shared::default()));
        let options = ImportOptions::default().with_on_bad_row(rejects);
        let imported = import(&mapping, HEADER.to_owned() + &rows.concat(), options);
        assert!(imported.result.is_ok(), "{:?}", imported.result);
        assert_eq!(amounts(&imported.events()), ["+5.51", "-1.255"]);
        assert_eq!(imported.progress.rejected_rows, 1);
    }
}
