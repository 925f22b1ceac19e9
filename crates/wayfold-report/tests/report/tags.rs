//! A document as its tags: enough of HTML and SVG to tell what a browser would make of it.

use std::collections::BTreeMap;

/// An opening tag.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Tag {
    pub(crate) fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }
}

/// The opening tags of a document in their order. What stands in `style` and `script` is no tag.
pub(crate) fn tags(document: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = document;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if rest.starts_with(['/', '!']) {
            continue;
        }
        let (tag, after) = tag(rest);
        rest = after;
        if matches!(tag.name.as_str(), "style" | "script") {
            rest = &rest[rest.find(&format!("</{}>", tag.name)).expect("it ends")..];
        }
        found.push(tag);
    }
    found
}

/// Reads a tag from behind its `<`.
fn tag(text: &str) -> (Tag, &str) {
    let end = text.find([' ', '>', '/', '\n']).expect("a tag ends");
    let (name, mut rest) = text.split_at(end);
    let mut attributes = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches([' ', '\n', '/']);
        if let Some(after) = rest.strip_prefix('>') {
            return (Tag { name: name.to_owned(), attributes }, after);
        }
        let end = rest.find(['=', ' ', '>']).expect("an attribute ends");
        let (attribute, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(value) => value.split_once('"').expect("a value is quoted"),
            None => ("", after),
        };
        assert!(!value.contains('<'), "{name} {attribute}={value}");
        attributes.insert(attribute.to_owned(), value.to_owned());
        rest = after;
    }
}
