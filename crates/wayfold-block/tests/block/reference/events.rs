//! The columns of a page as events in their JSON form.

use serde_json::{Map, Value, json};

use super::{Page, Values};

/// The events of a page in the order of its rows.
pub(crate) fn events(page: &Page) -> Vec<Value> {
    let (mut lines, mut tags) = (0, 0);
    (0..page.rows).map(|row| page.event(row, &mut lines, &mut tags)).collect()
}

impl Page {
    fn place(&self, name: &str, row: usize) -> Option<(&Values, usize)> {
        let column = self.columns.get(name)?;
        Some((&column.values, column.place(row)?))
    }

    fn integer(&self, name: &str, row: usize) -> Option<i64> {
        match self.place(name, row)? {
            (Values::Integers(values), place) => Some(values[place]),
            _ => panic!("column {name:?} holds whole numbers"),
        }
    }

    fn wide(&self, name: &str, row: usize) -> Option<u128> {
        match self.place(name, row)? {
            (Values::Wide(values), place) => Some(values[place]),
            _ => panic!("column {name:?} holds wide numbers"),
        }
    }

    fn text(&self, name: &str, row: usize) -> Option<&str> {
        match self.place(name, row)? {
            (Values::Texts(values), place) => Some(&values[place]),
            _ => panic!("column {name:?} holds texts"),
        }
    }

    fn event(&self, row: usize, lines: &mut usize, tags: &mut usize) -> Value {
        let kind = self.integer("kind", row).unwrap() as usize;
        let customer = self.integer("customer", row).unwrap() as usize;
        let offset = self.integer("offset_minutes", row).unwrap_or(0);
        let mut event = json!({
            "id": uuid(self.wide("id", row).unwrap()),
            "customer": self.text("customers.customer", customer).unwrap(),
            "occurred_at": instant(self.integer("occurred_at", row).unwrap(), offset),
            "schema_version": self.integer("kinds.version", kind).unwrap(),
        });
        let members = event.as_object_mut().unwrap();
        let tenant = self.text("customers.tenant", customer).filter(|tenant| !tenant.is_empty());
        let sequence = self.integer("sequence", row).filter(|sequence| *sequence != 0);
        for (name, value) in [
            ("tenant", tenant.map(Value::from)),
            ("sequence", sequence.map(Value::from)),
            ("stage", self.text("stage", row).map(Value::from)),
            ("journey", self.text("journey", row).map(Value::from)),
            ("channel", self.text("channel", row).map(Value::from)),
            ("source", self.text("source", row).map(Value::from)),
            ("received_at", self.integer("received_at", row).map(|at| instant(at, 0).into())),
            ("recorded_at", self.integer("recorded_at", row).map(|at| instant(at, 0).into())),
            ("position", self.wide("position", row).map(|position| format!("{position:032x}").into())),
            ("correlation", self.wide("correlation", row).map(|id| uuid(id).into())),
            ("causation", self.wide("causation", row).map(|id| uuid(id).into())),
            ("actor", self.actor(row)),
            ("tags", self.tags(row, tags)),
            ("attributes", self.attributes(row)),
        ] {
            members.extend(value.map(|value| (name.to_owned(), value)));
        }
        let (kind, fields) = self.body(self.text("kinds.name", kind).unwrap(), row, lines);
        members.extend([("kind".to_owned(), kind.into()), ("fields".to_owned(), fields)]);
        event
    }

    fn actor(&self, row: usize) -> Option<Value> {
        let mut actor = Map::new();
        for name in ["team", "person"] {
            let value = self.text(&format!("actor.{name}"), row);
            actor.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        (!actor.is_empty()).then_some(actor.into())
    }

    fn tags(&self, row: usize, next: &mut usize) -> Option<Value> {
        let count = self.integer("tags.count", row).unwrap_or(0) as usize;
        let tags: Vec<&str> = (*next..*next + count).map(|tag| self.text("tags", tag).unwrap()).collect();
        *next += count;
        assert!(tags.is_sorted(), "the tags of an event are sorted");
        let orders: Vec<_> = tags.iter().copied().filter(|tag| tag.starts_with("order:")).collect();
        let order = (orders.len() == 1).then(|| orders[0]);
        assert_eq!(self.text("order", row), order, "the order is the one tag of its type");
        (!tags.is_empty()).then(|| tags.into())
    }

    /// The kind as documents name it, and its fields.
    fn body(&self, stored: &str, row: usize, lines: &mut usize) -> (String, Value) {
        let mut fields = self.fields(row, lines);
        if stored == "unknown" {
            let text = |name: &str| fields[name].as_str().unwrap().to_owned();
            return (text("unknown_kind"), serde_json::from_str(&text("unknown_fields")).unwrap());
        }
        let Some(stage) = stored.strip_prefix("custom:") else { return (stored.to_owned(), fields.into()) };
        let name = fields.remove("custom_name").unwrap();
        fields.insert("name".to_owned(), name);
        if stage != "neutral" {
            fields.insert("stage".to_owned(), stage.into());
        }
        ("custom".to_owned(), fields.into())
    }

    fn fields(&self, row: usize, lines: &mut usize) -> Map<String, Value> {
        let mut fields = Map::new();
        for (name, kind, value) in self.named("fields.", row) {
            assert_ne!(kind, "json", "no kind has such a field yet");
            fields.insert(name, value);
        }
        if let Some(amount) = self.integer("amount", row) {
            fields.insert("amount".to_owned(), money(amount, self.integer("amount.currency", row).unwrap()));
        }
        if let Some(at) = self.integer("promised_at", row) {
            fields.insert("promised_at".to_owned(), instant(at, 0).into());
        }
        let count = self.integer("lines.count", row).unwrap_or(0) as usize;
        let own: Vec<Value> = (*lines..*lines + count).map(|line| self.line(line)).collect();
        *lines += count;
        if !own.is_empty() {
            fields.insert("lines".to_owned(), own.into());
        }
        fields
    }

    fn line(&self, line: usize) -> Value {
        let mut value = json!({
            "product": self.text("lines.product", line).unwrap(),
            "quantity": self.integer("lines.quantity", line).unwrap(),
        });
        for name in ["list", "paid", "cost"] {
            if let Some(price) = self.integer(&format!("lines.{name}"), line) {
                value[name] = amount(price).into();
            }
        }
        value
    }

    fn attributes(&self, row: usize) -> Option<Value> {
        let mut attributes = Map::new();
        for (name, kind, value) in self.named("attributes.", row) {
            let value = match kind {
                "amount" => json!({ "decimal": value }),
                "time" | "money" | "json" => json!({ kind: value }),
                _ => value,
            };
            assert!(attributes.insert(name, value).is_none(), "an attribute has one value");
        }
        (!attributes.is_empty()).then_some(attributes.into())
    }

    /// Name, type and value of each column `BEGINNING.TYPE.NAME` in which a row has one.
    fn named<'a>(&'a self, beginning: &'a str, row: usize) -> impl Iterator<Item = (String, &'a str, Value)> {
        let own = self.columns.keys().filter_map(move |name| name.strip_prefix(beginning));
        own.filter_map(move |rest| {
            let (kind, name) = rest.split_once('.').unwrap();
            let column = format!("{beginning}{rest}");
            let value = match kind {
                "text" => self.text(&column, row)?.into(),
                "integer" => self.integer(&column, row)?.into(),
                "boolean" => [false, true][self.integer(&column, row)? as usize].into(),
                "time" => instant(self.integer(&column, row)?, 0).into(),
                "amount" => amount(self.integer(&column, row)?).into(),
                "money" => {
                    let amount = self.integer(&column, row)?;
                    money(amount, self.integer(&format!("{beginning}currency.{name}"), row).unwrap())
                }
                "currency" => return None,
                "id" => uuid(self.wide(&column, row)?).into(),
                "json" => serde_json::from_str(self.text(&column, row)?).unwrap(),
                other => panic!("fields of type {other}"),
            };
            Some((name.to_owned(), kind, value))
        })
    }
}

fn money(ten_thousandths: i64, currency: i64) -> Value {
    let letters: String =
        [16, 8, 0].into_iter().map(|shift| char::from((currency >> shift & 0xff) as u8)).collect();
    json!({ "amount": amount(ten_thousandths), "currency": letters })
}

fn amount(ten_thousandths: i64) -> String {
    let sign = if ten_thousandths < 0 { "-" } else { "" };
    let (whole, rest) = (ten_thousandths.unsigned_abs() / 10_000, ten_thousandths.unsigned_abs() % 10_000);
    let digits = format!("{rest:04}");
    match digits.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        digits => format!("{sign}{whole}.{digits}"),
    }
}

fn uuid(id: u128) -> String {
    let digits = format!("{id:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    parts.join("-")
}

/// Microseconds since 1970 as RFC 3339, in the proleptic Gregorian calendar, at an offset in minutes.
fn instant(micros: i64, offset: i64) -> String {
    let local = micros + offset * 60_000_000;
    let (mut days, of_day) = (local.div_euclid(86_400_000_000), local.rem_euclid(86_400_000_000));
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970 + days.div_euclid(146_097) * 400;
    days = days.rem_euclid(146_097);
    while days >= 365 + i64::from(is_leap(year)) {
        days -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (seconds, rest) = (of_day / 1_000_000, of_day % 1_000_000);
    let fraction = match rest {
        0 => String::new(),
        _ if rest % 1_000 == 0 => format!(".{:03}", rest / 1_000),
        _ => format!(".{rest:06}"),
    };
    let zone = match offset {
        0 => "Z".to_owned(),
        _ => {
            format!("{}{:02}:{:02}", if offset < 0 { '-' } else { '+' }, offset.abs() / 60, offset.abs() % 60)
        }
    };
    let (month, day) = (month + 1, days + 1);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}")
}
