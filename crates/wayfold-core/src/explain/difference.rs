//! The fields in which two views differ, by their paths.
//!
//! Elements of a list go by their `key`, `order`, `stage` or `currency`, else by their place. Only what differs
//! is looked into, so that a long view with one change costs one comparison.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Change;

/// Notes every leaf that differs between two values; a missing one and `null` are alike.
pub(super) fn note(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Array(before)), Some(Value::Array(after))) => note_lists(path, before, after, changes),
        _ => {
            let (old, new) = (members(before), members(after));
            let leaf = |value: Option<&Value>, members: &Members<'_>| {
                value.filter(|_| members.is_empty()).and_then(text)
            };
            let (before, after) = (leaf(before, &old), leaf(after, &new));
            if before != after {
                changes.push(Change { field: path.to_owned(), before, after });
            }
            note_members(&old, &new, |name| format!("{path}{name}"), changes);
        }
    }
}

/// Looks only at the elements between the first and the last difference.
fn note_lists(path: &str, before: &[Value], after: &[Value], changes: &mut Vec<Change>) {
    let same_start = before.iter().zip(after).take_while(|(old, new)| old == new).count();
    let (before, after) = (&before[same_start..], &after[same_start..]);
    let same_end = before.iter().rev().zip(after.iter().rev()).take_while(|(old, new)| old == new).count();
    let old = elements(&before[..before.len() - same_end], same_start);
    let new = elements(&after[..after.len() - same_end], same_start);
    note_members(&old, &new, |name| format!("{path}{name}"), changes);
}

type Members<'a> = BTreeMap<String, &'a Value>;

fn note_members(
    old: &Members<'_>,
    new: &Members<'_>,
    path: impl Fn(&str) -> String,
    changes: &mut Vec<Change>,
) {
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        note(&path(name), old.get(name).copied(), new.get(name).copied(), changes);
    }
}

/// The members of an object or list, by what a path adds for them; none for a leaf.
fn members(value: Option<&Value>) -> Members<'_> {
    match value {
        Some(Value::Object(members)) if !is_money(members) => {
            members.iter().map(|(name, member)| (format!(".{name}"), member)).collect()
        }
        Some(Value::Array(list)) => elements(list, 0),
        _ => BTreeMap::new(),
    }
}

fn elements(list: &[Value], first: usize) -> Members<'_> {
    let name = |place: usize, element: &Value| {
        let named = ["key", "order", "stage", "currency"].iter().find_map(|name| element.get(name)?.as_str());
        named.map_or_else(|| format!("[{}]", first + place), |named| format!("[{named}]"))
    };
    list.iter().enumerate().map(|(place, element)| (name(place, element), element)).collect()
}

fn is_money(members: &serde_json::Map<String, Value>) -> bool {
    members.len() == 2 && members.contains_key("amount") && members.contains_key("currency")
}

/// A text as it is, money as amount and currency, nothing for `null` and for what has no members, anything else
/// as JSON.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(list) if list.is_empty() => None,
        Value::Object(members) if members.is_empty() => None,
        Value::Object(members) if is_money(members) => {
            let part = |name| members.get(name).and_then(Value::as_str).unwrap_or_default();
            Some(format!("{} {}", part("amount"), part("currency")))
        }
        leaf => Some(leaf.to_string()),
    }
}
