//! The columns of a file: their names and types, and where in a batch their values are.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use parquet::schema::parser::parse_message_type;
use parquet::schema::types::Type;
use wayfold_core::EventView;

use crate::kinds::{self, FieldType};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Integer,
    Boolean,
    /// An instant in microseconds, UTC.
    Time,
    /// A number with four decimals.
    Decimal,
}

impl Form {
    /// What messages call it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text (binary, STRING)",
            Self::Integer => "whole numbers (int64)",
            Self::Boolean => "booleans",
            Self::Time => "instants (int64, TIMESTAMP in microseconds, UTC)",
            Self::Decimal => "decimal numbers with four decimals (DECIMAL(19,4))",
        }
    }

    /// The type and annotation in Parquet's own language. Nineteen digits hold every amount, and take nine bytes.
    const fn parquet(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("binary", "(STRING)"),
            Self::Integer => ("int64", ""),
            Self::Boolean => ("boolean", ""),
            Self::Time => ("int64", "(TIMESTAMP(MICROS,true))"),
            Self::Decimal => ("fixed_len_byte_array(9)", "(DECIMAL(19,4))"),
        }
    }
}

type TextOf = for<'a> fn(&EventView<'a>) -> Option<Cow<'a, str>>;

/// Where in a batch the values of a column are.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// A column of the raw batch.
    Raw(String),
    /// A text that the view of an event gives.
    View(TextOf),
    SchemaVersion,
}

/// A flat column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) form: Form,
    pub(super) is_required: bool,
    pub(super) origin: Origin,
}

/// Says what every event has, before and behind the fields of its kind.
fn envelope() -> [Vec<Column>; 2] {
    let column =
        |name: &str, form, is_required, origin| Column { name: name.to_owned(), form, is_required, origin };
    let raw =
        |name, form, is_required, raw: &str| column(name, form, is_required, Origin::Raw(raw.to_owned()));
    let view = |name, is_required, text: TextOf| column(name, Form::Text, is_required, Origin::View(text));
    let before = vec![
        raw("id", Form::Text, true, "id"),
        view("tenant", true, |event| Some(event.customer_texts().0.into())),
        view("customer", true, |event| Some(event.customer_texts().1.into())),
        raw("occurred_at", Form::Time, true, "occurred_at"),
        raw("offset_minutes", Form::Integer, true, "offset_minutes"),
        raw("sequence", Form::Integer, true, "sequence"),
        view("kind", true, |event| Some(event.kind_name())),
        column("schema_version", Form::Integer, true, Origin::SchemaVersion),
        view("stage", false, |event| event.stage().map(|stage| stage.as_str().into())),
        raw("named_stage", Form::Text, false, "stage"),
        raw("journey", Form::Text, false, "journey"),
        view("order_id", false, |event| event.order().map(Cow::from)),
        raw("channel", Form::Text, false, "channel"),
        raw("source", Form::Text, false, "source"),
        raw("actor_team", Form::Text, false, "actor.team"),
        raw("actor_person", Form::Text, false, "actor.person"),
        raw("correlation", Form::Text, false, "correlation"),
        raw("causation", Form::Text, false, "causation"),
        raw("received_at", Form::Time, false, "received_at"),
        raw("recorded_at", Form::Time, false, "recorded_at"),
        view("position", false, |event| event.position().map(|position| String::from(position).into())),
    ];
    let behind = vec![
        view("attributes", false, attributes_json),
        raw("unknown_fields", Form::Text, false, "fields.text.unknown_fields"),
    ];
    [before, behind]
}

fn attributes_json<'a>(event: &EventView<'a>) -> Option<Cow<'a, str>> {
    let attributes = event.attributes();
    let json = || serde_json::to_string(&attributes).expect("attributes have a JSON form");
    (!attributes.is_empty()).then(|| json().into())
}

/// Fields whose column has another name, because theirs is taken: kind, field, column.
const RENAMED: [(&str, &str, &str); 3] = [
    ("lead_captured", "source", "lead_source"),
    ("event_attended", "event", "attended_event"),
    ("event_retracted", "event", "retracted_event"),
];

/// The column of a field of a kind.
pub(super) fn column_of<'a>(kind: &str, field: &'a str) -> &'a str {
    let renamed = RENAMED.iter().find(|renamed| (renamed.0, renamed.1) == (kind, field));
    renamed.map_or(field, |(.., column)| column)
}

/// The field that a column holds.
pub(super) fn field_of(column: &str) -> &str {
    RENAMED.iter().find(|renamed| renamed.2 == column).map_or(column, |(_, field, _)| field)
}

/// The column that holds the currency of a column of amounts.
pub(super) fn currency_of(column: &str) -> String {
    if column == "amount" { "currency".to_owned() } else { format!("{column}_currency") }
}

/// The columns of one field: none for lines, two for money.
fn columns_of(kind: &str, field: &str, field_type: FieldType) -> Vec<Column> {
    let name = column_of(kind, field);
    let column = |name: &str, form, raw: String| {
        let origin = Origin::Raw(raw);
        Column { name: name.to_owned(), form, is_required: false, origin }
    };
    let one = |form, of: &str| vec![column(name, form, format!("fields.{of}.{field}"))];
    match field_type {
        FieldType::Text | FieldType::Word => one(Form::Text, "text"),
        FieldType::Integer => one(Form::Integer, "integer"),
        FieldType::Boolean => one(Form::Boolean, "boolean"),
        FieldType::Decimal => one(Form::Decimal, "amount"),
        FieldType::Id => one(Form::Text, "id"),
        // The order book's own columns stand apart from those of fields.
        FieldType::Time if field == "promised_at" => vec![column(name, Form::Time, field.to_owned())],
        FieldType::Time => one(Form::Time, "time"),
        FieldType::Money => {
            let [amount, currency] = if field == "amount" {
                ["amount".to_owned(), "amount.currency".to_owned()]
            } else {
                [format!("fields.money.{field}"), format!("fields.currency.{field}")]
            };
            vec![column(name, Form::Decimal, amount), column(&currency_of(name), Form::Text, currency)]
        }
        FieldType::Lines => Vec::new(),
    }
}

/// Fields that columns of the envelope hold: those of users' own kinds.
pub(super) const CUSTOM_FIELDS: [&str; 2] = ["name", "stage"];

/// Every flat column, in the order of the file: first what every event has, then the fields of kinds, each once.
pub(super) fn flat() -> Vec<Column> {
    let [mut columns, behind] = envelope();
    for kind in kinds::all() {
        let is_custom = kind.kind.is_custom();
        let fields = kind.fields.iter().filter(|field| !is_custom || !CUSTOM_FIELDS.contains(&field.name));
        for column in fields.flat_map(|field| columns_of(kind.name, field.name, field.field_type)) {
            if columns.iter().all(|known| known.name != column.name) {
                columns.push(column);
            }
        }
    }
    columns.extend(behind);
    columns
}

/// Says whether a flat column holds a field of kinds, as far as this version knows.
pub(super) fn is_field(name: &str) -> bool {
    envelope().iter().flatten().all(|column| column.name != name)
}

/// A column of values inside of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListColumn {
    pub(super) name: &'static str,
    pub(super) form: Form,
}

/// The columns inside of lists, in the order of the file, behind the flat ones.
pub(super) const LISTS: [ListColumn; 6] = [
    ListColumn { name: "tags", form: Form::Text },
    ListColumn { name: "lines.product", form: Form::Text },
    ListColumn { name: "lines.quantity", form: Form::Integer },
    ListColumn { name: "lines.list", form: Form::Decimal },
    ListColumn { name: "lines.paid", form: Form::Decimal },
    ListColumn { name: "lines.cost", form: Form::Decimal },
];

/// Tags are a list in every row; lines are absent where an event has none.
const LISTS_IN_PARQUET: &str = "
required group tags (LIST) { repeated group list { required binary element (STRING); } }
optional group lines (LIST) { repeated group list { required group element {
    required binary product (STRING);
    required int64 quantity;
    optional fixed_len_byte_array(9) list (DECIMAL(19,4));
    optional fixed_len_byte_array(9) paid (DECIMAL(19,4));
    optional fixed_len_byte_array(9) cost (DECIMAL(19,4));
} } }";

/// The schema of a file.
pub(super) fn schema(columns: &[Column]) -> Arc<Type> {
    let mut message = String::from("message events {");
    for Column { name, form, is_required, .. } in columns {
        let need = if *is_required { "required" } else { "optional" };
        let (parquet_type, annotation) = form.parquet();
        write!(message, "\n{need} {parquet_type} {name} {annotation};").expect("a text takes every byte");
    }
    message += LISTS_IN_PARQUET;
    message += "\n}";
    Arc::new(parse_message_type(&message).expect("the columns make a schema"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_every_kind_has_its_own_column_of_its_type() {
        let columns = flat();
        for kind in kinds::all().iter().filter(|kind| !kind.kind.is_custom()) {
            for field in &kind.fields {
                for expected in columns_of(kind.name, field.name, field.field_type) {
                    let found = columns.iter().find(|column| column.name == expected.name).unwrap();
                    assert_eq!(found.form, expected.form, "{}", expected.name);
                    assert!(is_field(&found.name), "{} is taken", found.name);
                    let (Origin::Raw(found), Origin::Raw(expected)) = (&found.origin, &expected.origin)
                    else {
                        panic!("fields are columns of the raw batch");
                    };
                    assert_eq!(found, expected);
                }
            }
        }
    }

    #[test]
    fn every_column_stands_in_the_guide() {
        let guide = include_str!("../../../../docs/guide/parquet.md");
        let flat = flat().into_iter().map(|column| (column.name, column.form));
        for (name, form) in flat {
            let sql = match form {
                Form::Text => "varchar",
                Form::Integer => "bigint",
                Form::Boolean => "boolean",
                Form::Time => "timestamptz",
                Form::Decimal => "decimal(19,4)",
            };
            let found = guide.lines().any(|line| line.starts_with(&format!("| `{name}` | {sql}")));
            assert!(found, "{name} {sql}");
        }
    }

    #[test]
    fn columns_inside_of_lists_are_those_of_the_schema() {
        let columns = flat();
        let descriptor = parquet::schema::types::SchemaDescriptor::new(schema(&columns));
        let leaves = descriptor.columns()[columns.len()..].iter();
        let names: Vec<_> = leaves.map(|leaf| leaf.path().string()).collect();
        let expected = LISTS.map(|column| match column.name.split_once('.') {
            Some((list, leaf)) => format!("{list}.list.element.{leaf}"),
            None => format!("{}.list.element", column.name),
        });
        assert_eq!(names, expected);
    }
}
