//! How a path names what a value holds: `.name` a member, `[key]` an element of a list.
//!
//! A name that a reader of the path could take for something else stands as a JSON text, such as `["a]b"]`.

use std::borrow::Cow;

use super::Tree;

/// What a path adds for a member of a record or map.
pub(crate) fn member_name(name: &str) -> String {
    let plain = !name.is_empty() && !name.starts_with('"') && !name.contains(['.', '[']);
    format!(".{}", spelled(name, plain))
}

/// What a path adds for an element of a list: it goes by its `key`, `order`, `stage` or `currency`, else by its
/// place.
pub(crate) fn element_name(place: usize, element: &Tree) -> String {
    format!("[{}]", element_key(place, element))
}

/// What stands between the brackets.
pub(super) fn element_key(place: usize, element: &Tree) -> Cow<'_, str> {
    let named = ["key", "order", "stage", "currency"].iter().find_map(|name| element.member(name)?.text());
    named.map_or_else(|| Cow::Owned(place.to_string()), key_spelled)
}

pub(super) fn key_spelled(key: &str) -> Cow<'_, str> {
    spelled(key, !key.is_empty() && !key.starts_with('"') && key != "*" && !key.contains(']'))
}

fn spelled(name: &str, plain: bool) -> Cow<'_, str> {
    if plain { Cow::Borrowed(name) } else { Cow::Owned(serde_json::Value::from(name).to_string()) }
}
