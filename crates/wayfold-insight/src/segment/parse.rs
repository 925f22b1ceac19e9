//! Rules read from text, by recursive descent.

use wayfold_core::{FILTER_DEPTH_MAX, FieldFilter, FieldTest, Filter, Operand, Span, Timestamp};

use super::measure::{EventMeasure, Kind, What};
use super::token::{Token, tokens};
use crate::error::{Error, ErrorKind, Result};

/// Words that stand for themselves nowhere.
pub(super) const RESERVED: [&str; 5] = ["and", "or", "not", "true", "false"];

/// How long a text may be.
const BYTES_MAX: usize = 1 << 16;

/// A place in the tokens of a text.
pub(super) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(usize, Token<'a>)>,
    place: usize,
    depth: usize,
    /// What was asked of events.
    pub(super) measures: Vec<EventMeasure>,
}

impl<'a> Parser<'a> {
    /// Reads a whole text.
    pub(super) fn read<T>(text: &'a str, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if text.len() > BYTES_MAX {
            let message = format_args!("a rule of {} bytes; it may have {BYTES_MAX}", text.len());
            return Err(Error::new(ErrorKind::InvalidRule, message));
        }
        let tokens =
            tokens(text).map_err(|byte| error_at(text, byte, "no word, number, text or sign begins here"))?;
        let mut parser = Self { text, tokens, place: 0, depth: 0, measures: Vec::new() };
        let found = read(&mut parser)?;
        match parser.token() {
            Token::End => Ok(found),
            _ => Err(parser.expected("the end, `and` or `or`")),
        }
    }

    /// `a or b or c`
    pub(super) fn rule(&mut self) -> Result<Filter> {
        self.chain("or", Self::all, Filter::Any)
    }

    /// `a and b and c`
    fn all(&mut self) -> Result<Filter> {
        self.chain("and", Self::one, Filter::All)
    }

    fn chain(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Filter>,
        join: fn(Vec<Filter>) -> Filter,
    ) -> Result<Filter> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.takes(word) {
            parts.push(part(self)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { join(parts) })
    }

    /// `not a`, `(a)`, or a test.
    fn one(&mut self) -> Result<Filter> {
        if self.depth == FILTER_DEPTH_MAX {
            return Err(self.error(&format!("more than {FILTER_DEPTH_MAX} parts stand inside each other")));
        }
        self.depth += 1;
        let found = if self.takes("not") {
            !self.one()?
        } else if self.takes("(") {
            let inner = self.rule()?;
            self.expect(")")?;
            inner
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(found)
    }

    fn test(&mut self) -> Result<Filter> {
        if self.is_measure() {
            let measure = self.measure()?;
            let (field, is_count) = (measure.to_string(), measure.is_count());
            self.measures.push(measure);
            return if is_count { self.test_of(field) } else { Ok(Filter::field(field).is(true)) };
        }
        match self.token() {
            Token::Word(word) if !RESERVED.contains(&word) => {
                self.place += 1;
                self.test_of(word.to_owned())
            }
            _ => Err(self.expected("a field, `count of`, a kind of event, `not` or `(`")),
        }
    }

    fn test_of(&mut self, field: String) -> Result<Filter> {
        let test = match self.token() {
            Token::Word("is") => {
                self.place += 1;
                let test = if self.takes("not") { FieldTest::IsNot } else { FieldTest::Is };
                test(self.operand()?)
            }
            Token::Sign("<") => FieldTest::Less(self.next_operand()?),
            Token::Sign("<=") => FieldTest::AtMost(self.next_operand()?),
            Token::Sign(">") => FieldTest::More(self.next_operand()?),
            Token::Sign(">=") => FieldTest::AtLeast(self.next_operand()?),
            Token::Word("contains") => FieldTest::Contains(self.next_operand()?),
            Token::Word("in") => {
                self.place += 1;
                FieldTest::OneOf(self.list()?)
            }
            Token::Word("between") => {
                let low = self.next_operand()?;
                self.expect("and")?;
                let high = self.operand()?;
                return Ok(Filter::field(field.as_str())
                    .at_least(low)
                    .and(Filter::field(field).at_most(high)));
            }
            Token::Word("exists") => {
                self.place += 1;
                FieldTest::Exists
            }
            Token::Word("older") => FieldTest::OlderThan(self.age()?),
            Token::Word("newer") => FieldTest::NewerThan(self.age()?),
            _ => {
                let tests = "`is`, `<`, `<=`, `>`, `>=`, `in`, `between`, `contains`, `exists`, `older than` or \
                             `newer than`";
                return Err(self.expected(tests));
            }
        };
        Ok(Filter::Field(FieldFilter { field, test }))
    }

    fn list(&mut self) -> Result<Vec<Operand>> {
        self.expect("(")?;
        let mut given = vec![self.operand()?];
        while self.takes(",") {
            given.push(self.operand()?);
        }
        self.expect(")")?;
        Ok(given)
    }

    fn next_operand(&mut self) -> Result<Operand> {
        self.place += 1;
        self.operand()
    }

    /// A word, a number, an instant, money, a text in quotes, `true` or `false`.
    pub(super) fn operand(&mut self) -> Result<Operand> {
        let found = match self.token() {
            Token::Word("true") => Operand::Boolean(true),
            Token::Word("false") => Operand::Boolean(false),
            Token::Word(word) if !RESERVED.contains(&word) => word.into(),
            Token::Quoted(quoted) => self.unquoted(quoted)?.into(),
            Token::Number(number) => return self.number(number),
            _ => return Err(self.expected("what to compare with: a word, a number, or a text in quotes")),
        };
        self.place += 1;
        Ok(found)
    }

    fn number(&mut self, number: &str) -> Result<Operand> {
        let is_decimal =
            number.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
                && number.matches('.').count() <= 1
                && !number.ends_with('.');
        if !is_decimal && Timestamp::parse(number).is_err() {
            return Err(self.error(&format!("{number} is no number and no instant; put a text in quotes")));
        }
        self.place += 1;
        let currency = |word: &str| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_uppercase());
        match self.token() {
            Token::Word(word) if is_decimal && currency(word) => {
                self.place += 1;
                Ok(format!("{number} {word}").into())
            }
            _ => Ok(number.parse::<i64>().map_or_else(|_| number.into(), Operand::Integer)),
        }
    }

    fn unquoted(&self, quoted: &str) -> Result<String> {
        serde_json::from_str(quoted)
            .map_err(|error| self.error(&format!("{quoted} is no text of JSON: {error}")))
    }

    /// Whether `count of` or `kind followed by` stands here.
    fn is_measure(&self) -> bool {
        let next = self.tokens.get(self.place + 1).map(|(_, token)| *token);
        match self.token() {
            Token::Word("count") if next == Some(Token::Word("of")) => true,
            Token::Word(_) | Token::Quoted(_) => next == Some(Token::Word("followed")),
            _ => false,
        }
    }

    pub(super) fn measure(&mut self) -> Result<EventMeasure> {
        let what = if self.takes("count") {
            self.expect("of")?;
            What::Count(self.kind()?)
        } else {
            let first = self.kind()?;
            self.expect("followed")?;
            self.expect("by")?;
            What::FollowedBy(first, self.kind()?)
        };
        self.expect("within")?;
        let at = self.place;
        let within = self.span()?;
        if within <= Span::ZERO {
            self.place = at;
            return Err(self.error("a window is longer than nothing"));
        }
        Ok(EventMeasure::new(what, within))
    }

    fn kind(&mut self) -> Result<Kind> {
        let name = match self.token() {
            Token::Word(word) => word.to_owned(),
            Token::Quoted(quoted) => self.unquoted(quoted)?,
            _ => return Err(self.expected("a kind of event")),
        };
        let kind = Kind::from_name(&name).ok_or_else(|| {
            self.error(&format!("no kind of event is named {name:?}; one of your own is written custom:NAME"))
        })?;
        self.place += 1;
        Ok(kind)
    }

    /// `older than 30 days`, from the first word.
    fn age(&mut self) -> Result<Span> {
        self.place += 1;
        self.expect("than")?;
        self.span()
    }

    fn span(&mut self) -> Result<Span> {
        let Token::Number(number) = self.token() else {
            return Err(self.expected("a number of days, hours, minutes, seconds or microseconds"));
        };
        let unit = match self.tokens.get(self.place + 1) {
            Some((_, Token::Word(unit))) => unit,
            _ => "",
        };
        let span =
            Span::parse(&format!("{number} {unit}")).map_err(|error| self.error(&error.to_string()))?;
        self.place += 2;
        Ok(span)
    }

    fn token(&self) -> Token<'a> {
        self.tokens[self.place].1
    }

    /// Goes on behind a word or sign, if it stands here.
    fn takes(&mut self, text: &str) -> bool {
        let stands = matches!(self.token(), Token::Word(found) | Token::Sign(found) if found == text);
        self.place += usize::from(stands);
        stands
    }

    fn expect(&mut self, text: &str) -> Result<()> {
        if self.takes(text) { Ok(()) } else { Err(self.expected(&format!("`{text}`"))) }
    }

    fn expected(&self, what: &str) -> Error {
        let found = match self.token() {
            Token::Word(found) | Token::Number(found) | Token::Sign(found) => format!("`{found}`"),
            Token::Quoted(found) => found.to_owned(),
            Token::End => "the end".to_owned(),
        };
        self.error(&format!("expected {what}, found {found}"))
    }

    fn error(&self, message: &str) -> Error {
        error_at(self.text, self.tokens[self.place].0, message)
    }
}

fn error_at(text: &str, byte: usize, message: &str) -> Error {
    let before = &text[..byte];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Error::new(ErrorKind::InvalidRule, format_args!("line {line}, column {column}: {message}"))
}
