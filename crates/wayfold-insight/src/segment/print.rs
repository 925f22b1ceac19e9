//! Rules as text, in the one way in which each is written.

use std::fmt::{self, Display, Formatter};

use wayfold_core::{FieldFilter, FieldTest, Filter, Operand};

use super::parse::{LISTED, Parser, RESERVED};
use super::token::{Token, tokens};

/// A name: as it is if it is one word, else in quotes.
pub(super) struct Name<'a>(pub(super) &'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match tokens(self.0).as_deref() {
            Ok([(_, Token::Word(word)), _]) if *word == self.0 && !RESERVED.contains(word) => {
                f.write_str(word)
            }
            _ => f.write_str(&quoted(self.0)),
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

/// What a field is compared with: without quotes where that reads as the same.
struct Given<'a>(&'a Operand);

impl Display for Given<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Operand::Text(text) if Parser::read(text, Parser::operand).as_ref() == Ok(self.0) => {
                f.write_str(text)
            }
            Operand::Text(text) => f.write_str(&quoted(text)),
            other => other.fmt(f),
        }
    }
}

/// A filter as a part of others, or on its own.
pub(super) struct Printed<'a>(pub(super) &'a Filter);

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            filter if between(filter).is_some() => {
                let (field, low, high) = between(filter).expect("it was looked at");
                write!(f, "{field} between {} and {}", Given(low), Given(high))
            }
            Filter::All(parts) => {
                joined(f, parts, " and ", |part| matches!(part, Filter::All(_) | Filter::Any(_)))
            }
            Filter::Any(parts) => joined(f, parts, " or ", |part| matches!(part, Filter::Any(_))),
            Filter::Not(part) => {
                f.write_str("not ")?;
                inside(f, part, matches!(**part, Filter::All(_) | Filter::Any(_)))
            }
            Filter::Field(FieldFilter { field, test }) => match test {
                FieldTest::Is(given) if is_follow_up(field) && *given == Operand::Boolean(true) => {
                    f.write_str(field)
                }
                FieldTest::Is(Operand::Boolean(true)) if field.starts_with(LISTED) => listed(f, field),
                FieldTest::Is(given) => write!(f, "{field} is {}", Given(given)),
                FieldTest::IsNot(given) => write!(f, "{field} is not {}", Given(given)),
                FieldTest::Less(given) => write!(f, "{field} < {}", Given(given)),
                FieldTest::AtMost(given) => write!(f, "{field} <= {}", Given(given)),
                FieldTest::More(given) => write!(f, "{field} > {}", Given(given)),
                FieldTest::AtLeast(given) => write!(f, "{field} >= {}", Given(given)),
                FieldTest::OneOf(given) => {
                    let given: Vec<String> = given.iter().map(|given| Given(given).to_string()).collect();
                    write!(f, "{field} in ({})", given.join(", "))
                }
                FieldTest::Exists => write!(f, "{field} exists"),
                FieldTest::Contains(given) => write!(f, "{field} contains {}", Given(given)),
                FieldTest::OlderThan(span) => write!(f, "{field} older than {span}"),
                FieldTest::NewerThan(span) => write!(f, "{field} newer than {span}"),
            },
        }
    }
}

/// Writes that a customer is on a list; a ranking's stands for the ranking.
fn listed(f: &mut Formatter<'_>, field: &str) -> fmt::Result {
    let name = &field[LISTED.len()..];
    match Parser::read(name, Parser::ranking) {
        Ok(ranking) if ranking.as_str() == name => ranking.fmt(f),
        _ => write!(f, "{LISTED}{}", Name(name)),
    }
}

fn is_follow_up(field: &str) -> bool {
    Parser::read(field, Parser::measure).is_ok_and(|measure| !measure.is_count())
}

fn joined(f: &mut Formatter<'_>, parts: &[Filter], word: &str, needs: fn(&Filter) -> bool) -> fmt::Result {
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            f.write_str(word)?;
        }
        inside(f, part, needs(part))?;
    }
    Ok(())
}

/// Writes a part, in parentheses if it needs them; what reads as `between` never does.
fn inside(f: &mut Formatter<'_>, part: &Filter, needs: bool) -> fmt::Result {
    if needs && between(part).is_none() {
        return write!(f, "({})", Printed(part));
    }
    Printed(part).fmt(f)
}

/// The field and ends of a filter that is written with `between`.
fn between(filter: &Filter) -> Option<(&str, &Operand, &Operand)> {
    let Filter::All(parts) = filter else { return None };
    let [Filter::Field(low), Filter::Field(high)] = parts.as_slice() else { return None };
    match (&low.test, &high.test) {
        (FieldTest::AtLeast(from), FieldTest::AtMost(to)) if low.field == high.field => {
            Some((&low.field, from, to))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wayfold_core::Span;

    use super::*;
    use crate::Rule;

    fn operand() -> impl Strategy<Value = Operand> {
        let text = prop_oneof![
            any::<String>(),
            "[a-z_]{1,8}",
            "-?[0-9]{1,22}(\\.[0-9]{1,4})?( [A-Z]{3})?",
            prop::sample::select(vec![
                "and",
                "not",
                "true",
                "2024-02-29",
                "2024-02-29T10:00:00+08:00",
                "a[b].c",
                ""
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            text.prop_map(Operand::Text),
            any::<i64>().prop_map(Operand::Integer),
            any::<bool>().prop_map(Operand::Boolean),
        ]
    }

    fn test() -> impl Strategy<Value = FieldTest> {
        let span = || any::<i64>().prop_map(Span::from_micros);
        prop_oneof![
            operand().prop_map(FieldTest::Is),
            operand().prop_map(FieldTest::IsNot),
            operand().prop_map(FieldTest::Less),
            operand().prop_map(FieldTest::AtMost),
            operand().prop_map(FieldTest::More),
            operand().prop_map(FieldTest::AtLeast),
            prop::collection::vec(operand(), 1..4).prop_map(FieldTest::OneOf),
            Just(FieldTest::Exists),
            operand().prop_map(FieldTest::Contains),
            span().prop_map(FieldTest::OlderThan),
            span().prop_map(FieldTest::NewerThan),
        ]
    }

    fn rule() -> impl Strategy<Value = Filter> {
        let field = prop::sample::select(vec![
            "lifecycle.stage",
            "journey.journeys[\"a]b\"].outcome",
            "journey.journeys[*].stage",
            "loyalty@2.\"odd name\".points",
            "count of order_placed within 36 hours",
            "count of \"custom:odd name\" within 1 day",
        ]);
        let of =
            |(field, test): (&str, FieldTest)| Filter::Field(FieldFilter { field: field.to_owned(), test });
        let followed = Filter::field("cart_changed followed by custom:paid within 2 days").is(true);
        let listed = prop::sample::select(vec![
            "in list vip",
            "in list a \"b\" [c",
            "in list and",
            "in list value.currencies[EUR].net in top 2.5% each month in \"Europe/Berlin\"",
            "in list score of events >= 4 each day",
        ]);
        let listed = listed.prop_map(|field| Filter::field(field).is(true));
        let leaf = prop_oneof![9 => (field, test()).prop_map(of), 1 => Just(followed), 1 => listed];
        leaf.prop_recursive(4, 40, 4, |part| {
            let parts = || prop::collection::vec(part.clone(), 2..4);
            let ends = (part.clone(), operand(), operand()).prop_map(|(_, low, high)| {
                Filter::field("events").at_least(low).and(Filter::field("events").at_most(high))
            });
            prop_oneof![
                parts().prop_map(Filter::All),
                parts().prop_map(Filter::Any),
                part.clone().prop_map(|part| !part),
                ends,
            ]
        })
    }

    proptest! {
        #[test]
        fn a_rule_reads_as_it_is_written(filter in rule()) {
            let text = Printed(&filter).to_string();
            let read: Rule = text.parse().unwrap();
            prop_assert_eq!(read.filter(), &filter, "{}", text);
            prop_assert_eq!(read.to_string(), text);
        }
    }
}
