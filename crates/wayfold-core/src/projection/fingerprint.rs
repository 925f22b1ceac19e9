//! What saved states mean: by which code, under which rules and of which projections they were folded.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::event::EventKind;
use crate::key::spread;
use crate::rules::Rules;

/// Counts up whenever the same events would give another record of a customer, be taken in another order or be
/// left out. Projections count for themselves.
const FOLD_VERSION: u32 = 1;

/// What the states of a fold mean: two folds with equal ones give equal states for equal events.
///
/// It holds the version of the fold, the kinds of events that this program knows, the rules in full, and
/// `NAME@VERSION` of every projection, in order. Its text is canonical. Steps that lift events of older versions
/// act before the fold and are no part of it.
///
/// ```
/// use wayfold_core::{ProjectionSet, Rules};
///
/// let mut rules = Rules::default();
/// let before = ProjectionSet::new(rules.clone())?.fingerprint();
/// rules.lifecycle.churned_after_days = 120;
/// let after = ProjectionSet::new(rules)?.fingerprint();
/// assert_eq!(
///     after.difference(&before).unwrap(),
///     "rule lifecycle.churned_after_days is 180 there and 120 here"
/// );
/// # Ok::<(), wayfold_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    fold: u32,
    kinds: String,
    #[serde(serialize_with = "write_json", deserialize_with = "read_json")]
    rules: String,
    projections: Vec<String>,
}

impl Fingerprint {
    pub(super) fn new(rules: &Rules, projections: Vec<String>) -> Self {
        let rules = serde_json::to_string(rules).expect("rules hold nothing that JSON cannot");
        Self { fold: FOLD_VERSION, kinds: kinds(), rules, projections }
    }

    /// The projections as `NAME@VERSION`.
    pub(crate) fn projections(&self) -> &[String] {
        &self.projections
    }

    /// Says what another fingerprint has otherwise (*there*) than this one (*here*); `None` if they are equal.
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self == other {
            return None;
        }
        if self.fold != other.fold {
            return Some(format!("the fold has version {} there and {} here", other.fold, self.fold));
        }
        if self.kinds != other.kinds {
            return Some("the kinds of events differ, as between two versions of this library".to_owned());
        }
        if self.projections != other.projections {
            let (there, here) = (other.projections.join(", "), self.projections.join(", "));
            return Some(format!("the projections are {there} there and {here} here"));
        }
        let value = |rules: &str| serde_json::from_str::<Value>(rules).unwrap_or_default();
        let named = rule_difference("", &value(&self.rules), &value(&other.rules));
        Some(named.unwrap_or_else(|| "the rules are written otherwise".to_owned()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// A number for all that the fold goes by of every kind, so that a version with other kinds has another one.
fn kinds() -> String {
    let mut table = String::new();
    for kind in EventKind::ALL {
        let (stage, moves) = (kind.stage().map_or("-", |stage| stage.as_str()), kind.moves_stage());
        let (version, rank, outcome) = (kind.schema_version(), kind.rank(), kind.is_outcome());
        table +=
            &format!("{}@{version} {rank} {stage} {moves} {outcome} {}\n", kind.name(), kind.names_order());
    }
    format!("{:016x}", spread(&[table.as_bytes()]))
}

/// The first member that differs, by its path.
fn rule_difference(path: &str, here: &Value, there: &Value) -> Option<String> {
    if here == there {
        return None;
    }
    let (Value::Object(ours), Value::Object(theirs)) = (here, there) else {
        return Some(format!("rule {path} is {there} there and {here} here"));
    };
    ours.keys().chain(theirs.keys()).find_map(|name| {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let of = |rules: &serde_json::Map<String, Value>| rules.get(name).cloned().unwrap_or_default();
        rule_difference(&path, &of(ours), &of(theirs))
    })
}

fn write_json<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let raw: &RawValue = serde_json::from_str(text).map_err(serde::ser::Error::custom)?;
    raw.serialize(serializer)
}

fn read_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Box::<RawValue>::deserialize(deserializer)?.get().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(change: impl Fn(&mut Fingerprint), expected: &str) {
        let here = Fingerprint::new(&Rules::default(), vec!["journey@1".to_owned()]);
        let mut there = here.clone();
        change(&mut there);
        assert_eq!(here.difference(&there).unwrap(), expected);
    }

    #[test]
    fn the_difference_names_what_differs() {
        check(|there| there.fold = 9, "the fold has version 9 there and 1 here");
        check(
            |there| there.kinds.clear(),
            "the kinds of events differ, as between two versions of this library",
        );
        check(
            |there| there.projections.push("own@2".to_owned()),
            "the projections are journey@1, own@2 there and journey@1 here",
        );
        check(
            |there| there.rules = there.rules.replace("default-1", "x"),
            r#"rule version is "x" there and "default-1" here"#,
        );
        check(|there| there.rules.insert(0, ' '), "the rules are written otherwise");
    }

    #[test]
    fn a_fingerprint_is_read_as_it_was_written() {
        let fingerprint = Fingerprint::new(&Rules::default(), vec!["own \"1\"@1".to_owned()]);
        assert_eq!(serde_json::from_str::<Fingerprint>(&fingerprint.to_string()).unwrap(), fingerprint);
    }
}
