//! A path from a view to values in it, read from the name of a field.

use super::Tree;
use super::name::{element_key, key_spelled};

/// The steps to one value, or, through every element of lists, to several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// `.name`: a member of a record or map.
    Member(String),
    /// `[key]`: the element of a list that goes by it, as it is spelled in the brackets.
    Element(String),
    /// `[*]`: every element of a list.
    Each,
}

impl Path {
    /// Reads what stands in a field behind the name of its projection.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub(crate) fn parse(mut text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        while !text.is_empty() {
            let (step, rest) = match text.strip_prefix('.') {
                Some(rest) => member(rest)?,
                None => element(text)?,
            };
            steps.push(step);
            text = rest;
        }
        Ok(Self(steps))
    }

    /// Whether it can lead to several values.
    pub(crate) fn is_plural(&self) -> bool {
        self.0.contains(&Step::Each)
    }

    /// The same path with every element in the place of named ones.
    pub(crate) fn through_each(&self) -> Self {
        let each = |step: &Step| match step {
            Step::Element(_) => Step::Each,
            other => other.clone(),
        };
        Self(self.0.iter().map(each).collect())
    }

    /// The member of a record that it begins with.
    pub(crate) fn first_member(&self) -> Option<&str> {
        match self.0.first() {
            Some(Step::Member(name)) => Some(name),
            _ => None,
        }
    }

    /// The values that it leads to; null and absent members of maps and elements of lists give none.
    ///
    /// # Errors
    /// Where it asks a value for what it cannot have, and what the value has instead.
    pub(crate) fn values<'a>(&self, view: &'a Tree) -> Result<Vec<&'a Tree>, String> {
        let mut values = vec![view];
        for step in &self.0 {
            let mut next = Vec::new();
            for value in values {
                step.take(value, &mut next)?;
            }
            values = next;
        }
        values.retain(|value| **value != Tree::Null);
        Ok(values)
    }
}

impl Step {
    fn take<'a>(&self, value: &'a Tree, next: &mut Vec<&'a Tree>) -> Result<(), String> {
        match (self, value) {
            (_, Tree::Null) => {}
            (Self::Each, Tree::List(list)) => next.extend(list),
            (Self::Element(key), Tree::List(list)) => {
                let elements = list.iter().enumerate().rev();
                next.extend(
                    elements
                        .map(|(place, element)| (element_key(place, element), element))
                        .find_map(|(known, element)| (known == key.as_str()).then_some(element)),
                );
            }
            (Self::Member(name), Tree::Map(_)) if value.money_texts().is_none() => {
                next.extend(value.member(name));
            }
            (Self::Member(name), Tree::Record(members)) if value.money_texts().is_none() => {
                let Some(member) = value.member(name) else {
                    let mut known: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
                    known.sort_unstable();
                    return Err(format!("there is no {name:?}; there is: {}", known.join(", ")));
                };
                next.push(member);
            }
            (Self::Member(name), Tree::List(_)) => {
                let message = "stands behind a list; name an element of it, or write [*] for any";
                return Err(format!("{name:?} {message}"));
            }
            (Self::Member(name), _) => return Err(format!("{name:?} is asked of {}", value.what())),
            (_, _) => return Err(format!("an element is asked of {}", value.what())),
        }
        Ok(())
    }
}

fn member(text: &str) -> Result<(Step, &str), String> {
    if text.starts_with('"') {
        let (name, end) = quoted(text)?;
        return Ok((Step::Member(name), &text[end..]));
    }
    let (name, rest) = text.split_at(text.find(['.', '[']).unwrap_or(text.len()));
    if name.is_empty() {
        return Err("a name is empty; an empty one stands in quotes".to_owned());
    }
    Ok((Step::Member(name.to_owned()), rest))
}

fn element(text: &str) -> Result<(Step, &str), String> {
    let Some(inner) = text.strip_prefix('[') else {
        return Err(format!("{text:?} follows; write . before a name and [ before an element"));
    };
    let end = if inner.starts_with('"') { quoted(inner)?.1 } else { inner.find(']').unwrap_or(inner.len()) };
    let (key, rest) = inner.split_at(end);
    let Some(rest) = rest.strip_prefix(']') else { return Err("a ] is missing".to_owned()) };
    match key {
        "" => Err("a key is empty; an empty one stands in quotes".to_owned()),
        "*" => Ok((Step::Each, rest)),
        // One key has one spelling, in which elements are looked up.
        key if key.starts_with('"') => Ok((Step::Element(key_spelled(&quoted(key)?.0).into_owned()), rest)),
        key => Ok((Step::Element(key.to_owned()), rest)),
    }
}

/// Reads the JSON text at the start, and where it ends.
fn quoted(text: &str) -> Result<(String, usize), String> {
    let mut texts = serde_json::Deserializer::from_str(text).into_iter::<String>();
    match texts.next() {
        Some(Ok(name)) => Ok((name, texts.byte_offset())),
        _ => Err("a text in quotes is no JSON text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{element_name, member_name};
    use super::*;

    #[test]
    fn what_is_named_is_found_whatever_the_name() {
        let long = "x".repeat(10_000);
        let names = [
            "j1",
            "a]b",
            "a.b[c",
            "\"",
            "\"q\"",
            "*",
            "\0",
            "\u{202e}abc",
            " ",
            "]",
            "[",
            "0",
            "",
            "\\",
            &long,
        ];
        let key = |name: &str| Tree::Record(vec![("key", Tree::Text(name.to_owned()))]);
        let list = Tree::List(names.iter().map(|name| key(name)).collect());
        let map = Tree::Map(names.iter().map(|name| ((*name).to_owned(), key(name))).collect());
        for (place, name) in names.iter().enumerate() {
            let element = Path::parse(&element_name(place, &key(name))).unwrap();
            assert_eq!(element.values(&list).unwrap(), [&key(name)], "{name:?}");
            let member = Path::parse(&(member_name(name) + ".key")).unwrap();
            assert_eq!(member.values(&map).unwrap(), [&Tree::Text((*name).to_owned())], "{name:?}");
        }
        let quoted = Path::parse("[\"j1\"].key").unwrap();
        assert_eq!(
            quoted.values(&list).unwrap(),
            [&Tree::Text("j1".to_owned())],
            "quotes are always allowed"
        );
    }

    #[test]
    fn elements_without_a_name_go_by_their_place() {
        let list = Tree::List(vec![Tree::Integer(7), Tree::Integer(8)]);
        let values = |text| Path::parse(text).unwrap().values(&list).unwrap();
        assert_eq!(values("[1]"), [&Tree::Integer(8)]);
        assert_eq!(values("[*]"), [&Tree::Integer(7), &Tree::Integer(8)]);
        assert_eq!(values("[2]"), Vec::<&Tree>::new());
    }

    #[test]
    fn other_text_is_no_path() {
        for bad in ["x", ".", "..a", ".a.", "[", "[]", "[a", "[\"a]", "[\"a\"b]", "[a]b", ".\"a"] {
            assert!(Path::parse(bad).is_err(), "{bad:?}");
        }
    }
}
