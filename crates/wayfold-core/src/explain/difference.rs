//! The fields in which two views differ, by their paths.
//!
//! Only what differs is looked into, so that a long view with one change costs one comparison.

use std::collections::BTreeMap;

use super::Change;
use crate::field::{Tree, element_name, member_name};

/// Notes every leaf that differs between two values; a missing one and `null` are alike.
pub(super) fn note(path: &str, before: Option<&Tree>, after: Option<&Tree>, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Tree::List(before)), Some(Tree::List(after))) => note_lists(path, before, after, changes),
        _ => {
            let (old, new) = (members(before), members(after));
            let leaf = |value: Option<&Tree>, members: &Members<'_>| {
                value.filter(|_| members.is_empty()).and_then(Tree::to_text)
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
fn note_lists(path: &str, before: &[Tree], after: &[Tree], changes: &mut Vec<Change>) {
    let same_start = before.iter().zip(after).take_while(|(old, new)| old == new).count();
    let (before, after) = (&before[same_start..], &after[same_start..]);
    let same_end = before.iter().rev().zip(after.iter().rev()).take_while(|(old, new)| old == new).count();
    let old = elements(&before[..before.len() - same_end], same_start);
    let new = elements(&after[..after.len() - same_end], same_start);
    note_members(&old, &new, |name| format!("{path}{name}"), changes);
}

type Members<'a> = BTreeMap<String, &'a Tree>;

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

/// The members of a record, map or list, by what a path adds for them; none for a leaf.
fn members(value: Option<&Tree>) -> Members<'_> {
    match value {
        Some(money) if money.money_texts().is_some() => BTreeMap::new(),
        Some(Tree::Record(members)) => {
            members.iter().map(|(name, member)| (member_name(name), member)).collect()
        }
        Some(Tree::Map(members)) => {
            members.iter().map(|(name, member)| (member_name(name), member)).collect()
        }
        Some(Tree::List(list)) => elements(list, 0),
        _ => BTreeMap::new(),
    }
}

fn elements(list: &[Tree], first: usize) -> Members<'_> {
    let named = |(place, element)| (element_name(first + place, element), element);
    list.iter().enumerate().map(named).collect()
}
