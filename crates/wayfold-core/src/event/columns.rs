//! How the fields of a body are written to and read from typed columns.

use super::line::OrderLine;
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

/// Gives the fields of one event back, by name and type.
pub(crate) trait FieldSource {
    fn text(&self, name: &str) -> Option<&str>;
    fn integer(&self, name: &str) -> Option<i64>;
    fn boolean(&self, name: &str) -> Option<bool>;
    fn time(&self, name: &str) -> Option<Timestamp>;
    fn amount(&self, name: &str) -> Option<Amount>;
    fn money(&self, name: &str) -> Option<Money>;
    fn id(&self, name: &str) -> Option<EventId>;
    fn lines(&self) -> Vec<OrderLine>;
}

/// The source that a body reads from.
pub(crate) type FieldReader<'a> = dyn FieldSource + 'a;

/// The type of a field, as columns name it, and the field's name.
pub(crate) type Field = (&'static str, &'static str);

/// A body that knows its columns.
pub(crate) trait EventFields: Sized {
    /// The type and name of each field.
    const FIELDS: &'static [Field];

    fn write(&self, writer: &mut FieldWriter<'_>);
    fn read(reader: &FieldReader<'_>) -> Self;
    /// Says whether all that reading relies on is there.
    fn is_sound(reader: &FieldReader<'_>) -> bool;
}

/// A field type that knows its column. Reading a required field that no builder left out gives its value.
pub(crate) trait FieldValue: Sized {
    /// The type, as columns name it.
    const TYPE: &'static str;

    fn write(&self, name: &'static str, writer: &mut FieldWriter<'_>);
    fn get(name: &'static str, reader: &FieldReader<'_>) -> Option<Self>;

    fn read(name: &'static str, reader: &FieldReader<'_>) -> Self {
        Self::get(name, reader).expect("a batch holds every field that its builder wrote")
    }

    fn is_absent(&self) -> bool {
        false
    }

    /// Says whether reading gives a value: it has one, and its text is a word of its list.
    fn is_sound(name: &'static str, reader: &FieldReader<'_>) -> bool {
        Self::get(name, reader).is_some()
    }

    /// Says whether an absent value may stand there, or a well-formed one.
    fn is_absent_or_sound(_name: &'static str, _reader: &FieldReader<'_>) -> bool {
        true
    }
}

impl<T: FieldValue> FieldValue for Option<T> {
    const TYPE: &'static str = T::TYPE;

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

    fn is_sound(name: &'static str, reader: &FieldReader<'_>) -> bool {
        T::is_absent_or_sound(name, reader)
    }
}

macro_rules! field_value {
    ($($ty:ty: $put:ident, |$value:ident| $write:expr, |$stored:ident| $read:expr;)*) => {$(
        impl FieldValue for $ty {
            const TYPE: &'static str = stringify!($put);

            fn write(&self, name: &'static str, writer: &mut FieldWriter<'_>) {
                let $value = self;
                writer.$put(name, $write);
            }

            fn get(name: &'static str, reader: &FieldReader<'_>) -> Option<Self> {
                reader.$put(name).map(|$stored| $read)
            }
        }
    )*};
}

field_value! {
    String: text, |value| value, |stored| stored.to_owned();
    CustomKind: text, |value| value.as_str(), |stored| Self::trusted(stored);
    i64: integer, |value| *value, |stored| stored;
    bool: boolean, |value| *value, |stored| stored;
    Timestamp: time, |value| *value, |stored| stored;
    Amount: amount, |value| *value, |stored| stored;
    Money: money, |value| *value, |stored| stored;
    EventId: id, |value| *value, |stored| stored;
}

macro_rules! word_value {
    ($($ty:ty),*) => {$(
        impl FieldValue for $ty {
            const TYPE: &'static str = "text";

            fn write(&self, name: &'static str, writer: &mut FieldWriter<'_>) {
                writer.text(name, self.as_str());
            }

            fn get(name: &'static str, reader: &FieldReader<'_>) -> Option<Self> {
                let text = reader.text(name)?;
                Some(Self::parse(text).expect("a batch holds the words that its builder wrote"))
            }

            fn is_sound(name: &'static str, reader: &FieldReader<'_>) -> bool {
                reader.text(name).is_some_and(|text| Self::parse(text).is_ok())
            }

            fn is_absent_or_sound(name: &'static str, reader: &FieldReader<'_>) -> bool {
                reader.text(name).is_none_or(|text| Self::parse(text).is_ok())
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
    const TYPE: &'static str = "lines";

    fn write(&self, _name: &'static str, writer: &mut FieldWriter<'_>) {
        writer.lines(self);
    }

    fn get(_name: &'static str, reader: &FieldReader<'_>) -> Option<Self> {
        Some(reader.lines())
    }

    fn is_sound(_name: &'static str, _reader: &FieldReader<'_>) -> bool {
        true
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
