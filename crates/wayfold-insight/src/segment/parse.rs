//! Rules read from text, by recursive descent.

use chrono_tz::Tz;
use wayfold_core::{
    Currency, CustomerList, FILTER_DEPTH_MAX, FieldFilter, FieldTest, Filter, Operand, Span, Timestamp,
};

use super::measure::{EventMeasure, Kind, What};
use super::ranking::{RankRule, Ranked, RfmPart, ScoreTest, percent};
use super::schedule::Schedule;
use super::token::{Token, tokens};
use crate::error::{Error, ErrorKind, Result};
use crate::measure::BucketUnit;

/// Words that stand for themselves nowhere.
pub(super) const RESERVED: [&str; 5] = ["and", "or", "not", "true", "false"];

/// What the name of a field begins with that asks for a list.
pub(super) const LISTED: &str = "in list ";

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
    /// What was asked of a population.
    pub(super) rankings: Vec<RankRule>,
    /// The names of the lists that were asked for.
    pub(super) lists: Vec<String>,
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
        let (measures, rankings, lists) = (Vec::new(), Vec::new(), Vec::new());
        let mut parser = Self { text, tokens, place: 0, depth: 0, measures, rankings, lists };
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
        if self.is_ranking() {
            let ranking = self.ranking()?;
            return Ok(self.ranked(ranking));
        }
        match self.token() {
            Token::Word("in") if self.next_is("list") => {
                self.place += 2;
                self.list()
            }
            Token::Word(word) if !RESERVED.contains(&word) => {
                self.place += 1;
                self.test_of(word.to_owned())
            }
            _ => Err(self.expected("a field, `count of`, a kind of event, `not` or `(`")),
        }
    }

    /// The name of a list; that of a ranking's stands for the ranking.
    fn list(&mut self) -> Result<Filter> {
        let name = match self.token() {
            Token::Word(word) if !RESERVED.contains(&word) => word.to_owned(),
            Token::Quoted(quoted) => self.unquoted(quoted)?,
            _ => return Err(self.expected("the name of a list")),
        };
        if let Ok(ranking) = Parser::read(&name, Parser::ranking)
            && ranking.as_str() == name
        {
            self.place += 1;
            return Ok(self.ranked(ranking));
        }
        CustomerList::new(name.as_str()).map_err(|error| self.error(&error.to_string()))?;
        self.place += 1;
        let field = format!("{LISTED}{name}");
        self.lists.push(name);
        Ok(Filter::field(field).is(true))
    }

    fn ranked(&mut self, ranking: RankRule) -> Filter {
        let field = format!("{LISTED}{ranking}");
        self.rankings.push(ranking);
        Filter::field(field).is(true)
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
                FieldTest::OneOf(self.values()?)
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

    fn values(&mut self) -> Result<Vec<Operand>> {
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

    /// Whether `score of`, `rfm`, or `field in top` or `bottom` stands here.
    fn is_ranking(&self) -> bool {
        match self.token() {
            Token::Word("score") if self.next_is("of") => true,
            Token::Word("rfm") => {
                let part = self.tokens.get(self.place + 1).map(|(_, token)| *token);
                matches!(part, Some(Token::Word(part)) if RfmPart::from_name(part).is_some())
            }
            Token::Word(_) if self.next_is("in") => {
                let share = self.tokens.get(self.place + 2).map(|(_, token)| *token);
                matches!(share, Some(Token::Word("top" | "bottom")))
            }
            _ => false,
        }
    }

    pub(super) fn ranking(&mut self) -> Result<RankRule> {
        let what = if self.takes("rfm") {
            let Some(part) = self.word().and_then(RfmPart::from_name) else {
                return Err(self.expected("`recency`, `frequency` or `monetary`"));
            };
            self.place += 1;
            self.expect("in")?;
            let Some(currency) = self.word().and_then(|code| Currency::new(code).ok()) else {
                return Err(self.expected("the code of a currency"));
            };
            self.place += 1;
            Ranked::Rfm(part, currency, self.score()?)
        } else if self.takes("score") {
            self.expect("of")?;
            let field = self.field()?;
            Ranked::Score(field, self.score()?)
        } else {
            let field = self.field()?;
            self.expect("in")?;
            let ranked = if self.takes("bottom") {
                Ranked::Bottom
            } else {
                self.expect("top")?;
                Ranked::Top
            };
            ranked(field, self.share()?)
        };
        Ok(RankRule::new(what, self.schedule()?))
    }

    fn field(&mut self) -> Result<String> {
        match self.word() {
            Some(word) if !RESERVED.contains(&word) => {
                self.place += 1;
                Ok(word.to_owned())
            }
            _ => Err(self.expected("a field")),
        }
    }

    fn share(&mut self) -> Result<u32> {
        let share = match self.token() {
            Token::Number(number) => percent(number),
            _ => None,
        };
        let share = share
            .ok_or_else(|| self.expected("a share above 0% and up to 100%, with at most two decimals"))?;
        self.place += 1;
        Ok(share)
    }

    /// `is 5`, `<= 2` or `>= 4`.
    fn score(&mut self) -> Result<ScoreTest> {
        let test = match self.token() {
            Token::Word("is") => ScoreTest::Is,
            Token::Sign("<=") => ScoreTest::AtMost,
            Token::Sign(">=") => ScoreTest::AtLeast,
            _ => return Err(self.expected("`is`, `<=` or `>=`")),
        };
        self.place += 1;
        let score = match self.token() {
            Token::Number(number) => number.parse().ok().filter(|score| (1..=5).contains(score)),
            _ => None,
        };
        let score = score.ok_or_else(|| self.expected("a score of 1 to 5"))?;
        self.place += 1;
        Ok(test(score))
    }

    /// `each month in "Europe/Berlin"`.
    pub(super) fn schedule(&mut self) -> Result<Schedule> {
        self.expect("each")?;
        let every = match self.word() {
            Some("day") => BucketUnit::Day,
            Some("week") => BucketUnit::Week,
            Some("month") => BucketUnit::Month,
            _ => return Err(self.expected("`day`, `week` or `month`")),
        };
        self.place += 1;
        if !self.takes("in") {
            return Ok(Schedule::new(every, Tz::UTC));
        }
        let name = match self.token() {
            Token::Word(word) => word.to_owned(),
            Token::Quoted(quoted) => self.unquoted(quoted)?,
            _ => return Err(self.expected("a time zone")),
        };
        let zone = name.parse().map_err(|_| {
            self.error(&format!("{name:?} is no time zone; write one such as \"Europe/London\""))
        })?;
        self.place += 1;
        Ok(Schedule::new(every, zone))
    }

    fn word(&self) -> Option<&'a str> {
        match self.token() {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    fn next_is(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.place + 1), Some((_, Token::Word(next))) if *next == word)
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
