//! How the fields of a body are written to and read from typed columns.

use super::body::EventKind;
use super::line::OrderLine;
use crate::batch::EventView;
use crate::key::{CustomKind, EventId};
use crate::money::{Amount, Money};
use crate::stage::Stage;
use crate::time::Timestamp;

/// Takes the fields of one event, by name and type.
pub(crate) trait FieldSink {
    fn text(&mut self, name: &'static str, value: &str);
    fn integer(&mut self, name: &'static str, value: i64);
    fn boolean(&mut self, name: &'static str, value: bool);
    fn time(&mut self, name: &'static str, value: Timestamp);
    fn amount(&mut self, name: &'static str, value: Amount);
    fn money(&mut self, name: &'static str, value: Money);
    fn id(&mut self, name: &'static str, value: EventId);
    fn lines(&mut self, value: &[OrderLine]);
}

/// The sink that a body writes to.
pub(crate) type FieldWriter<'a> = dyn FieldSink + 'a;

/// The fields of one stored event.
pub(crate) struct FieldReader<'a>(pub(crate) EventView<'a>);

impl FieldReader<'_> {
    pub(crate) fn kind(&self) -> EventKind {
        self.0.kind()
    }
}

/// A body that knows its columns.
pub(crate) trait EventFields: Sized {
    fn write(&self, writer: &mut FieldWriter<'_>);
    fn read(reader: &FieldReader<'_>) -> Self;
}

/// A field type that knows its column. Reading a required field that no builder left out gives its value.
pub(crate) trait FieldValue: Sized {
    fn write(&self, name: &'static str, writer: &mut FieldWriter<'_>);
    fn get(name: &'static str, reader: &FieldReader<'_>) -> Option<Self>;

    fn read(name: &'static str, reader: &FieldReader<'_>) -> Self {
        Self::get(name, reader).expect("a batch holds every field that its builder wrote")
    }

    fn is_absent(&self) -> bool {
        false
    }
}

impl<T: FieldValue> FieldValue for Option<T> {
    fn write(&self, name: &'static str, writer: &mut FieldWriter<'_>) {
        if let Some(value) = self {
            value.write(name, writer);
        }
    }

    fn get(name: &'static str, reader: &FieldReader<'_>) -> Option<Self> {
        Some(T::get(name, reader))
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

macro_rules! field_value {
    ($($ty:ty: $put:ident, $take:ident, |$value:ident| $write:expr, |$stored:ident| $read:expr;)*) => {$(
        impl FieldValue for $ty {
            fn write(&self, name: &'static str, writer: &mut FieldWriter<'_>) {
                let $value = self;
                writer.$put(name, $write);
            }

            fn get(name: &'static str, reader: &FieldReader<'_>) -> Option<Self> {
                reader.0.$take(name).map(|$stored| $read)
            }
        }
    )*};
}

field_value! {
    String: text, text, |value| value, |stored| stored.to_owned();
    CustomKind: text, text, |value| value.as_str(), |stored| Self::trusted(stored);
    i64: integer, integer, |value| *value, |stored| stored;
    bool: boolean, boolean, |value| *value, |stored| stored;
    Timestamp: time, time, |value| *value, |stored| stored;
    Amount: amount, amount, |value| *value, |stored| stored;
    Money: money, money, |value| *value, |stored| stored;
    EventId: id, event_id, |value| *value, |stored| stored;
}

macro_rules! word_value {
    ($($ty:ty),*) => {$(
        impl FieldValue for $ty {
            fn write(&self, name: &'static str, writer: &mut FieldWriter<'_>) {
                writer.text(name, self.as_str());
            }

            fn get(name: &'static str, reader: &FieldReader<'_>) -> Option<Self> {
                let text = reader.0.text(name)?;
                Some(Self::parse(text).expect("a batch holds the words that its builder wrote"))
            }
        }
    )*};
}

use super::words::{
    Direction, Instrument, LearntHow, NeedNature, Priority, ProcurementStep, Sentiment, TermsSubject, Verdict,
};
word_value!(
    Direction,
    Instrument,
    LearntHow,
    NeedNature,
    Priority,
    ProcurementStep,
    Sentiment,
    Stage,
    TermsSubject,
    Verdict
);

impl FieldValue for Vec<OrderLine> {
    fn write(&self, _name: &'static str, writer: &mut FieldWriter<'_>) {
        writer.lines(self);
    }

    fn get(_name: &'static str, reader: &FieldReader<'_>) -> Option<Self> {
        Some(reader.0.lines().map(|line| line.to_line()).collect())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// Counts the bytes that an event takes: its texts, and eight for any other value.
#[derive(Default)]
pub(crate) struct SizeCounter(pub(crate) usize);

impl FieldSink for SizeCounter {
    fn text(&mut self, _name: &'static str, value: &str) {
        self.0 += value.len();
    }

    fn integer(&mut self, _name: &'static str, _value: i64) {
        self.0 += 8;
    }

    fn boolean(&mut self, _name: &'static str, _value: bool) {
        self.0 += 8;
    }

    fn time(&mut self, _name: &'static str, _value: Timestamp) {
        self.0 += 8;
    }

    fn amount(&mut self, _name: &'static str, _value: Amount) {
        self.0 += 8;
    }

    fn money(&mut self, _name: &'static str, _value: Money) {
        self.0 += 8;
    }

    fn id(&mut self, _name: &'static str, _value: EventId) {
        self.0 += 16;
    }

    fn lines(&mut self, value: &[OrderLine]) {
        self.0 += value.iter().map(|line| line.product.len() + 32).sum::<usize>();
    }
}
