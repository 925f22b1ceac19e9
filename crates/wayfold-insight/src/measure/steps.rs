//! Sequences of steps in figures that name the same few steps over and over.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// The names of steps, one behind the other. Sequences of one report share the texts, so that a step costs four bytes.
///
/// ```
/// use wayfold_insight::Steps;
///
/// let steps: Steps = ["order_placed", "paid", "paid"].into_iter().collect();
/// assert_eq!(steps, ["order_placed", "paid", "paid"]);
/// assert_eq!(steps.join(" > "), "order_placed > paid > paid");
/// ```
#[derive(Clone)]
pub struct Steps {
    names: Arc<[Box<str>]>,
    numbers: Box<[u32]>,
}

impl Steps {
    /// Takes the names by number, and the numbers.
    pub(super) fn new(names: &Arc<[Box<str>]>, numbers: &[u32]) -> Self {
        Self { names: Arc::clone(names), numbers: numbers.into() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The name at a place, from 0.
    pub fn get(&self, place: usize) -> Option<&str> {
        self.numbers.get(place).map(|number| &*self.names[*number as usize])
    }

    /// The names, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.numbers.iter().map(|number| &*self.names[*number as usize])
    }

    /// Each name with how often it stands there in a row.
    pub fn runs(&self) -> impl Iterator<Item = (&str, usize)> {
        let runs = self.numbers.chunk_by(|a, b| a == b);
        runs.map(|run| (&*self.names[run[0] as usize], run.len()))
    }

    /// The names as one text, with a text between them.
    pub fn join(&self, between: &str) -> String {
        self.iter().collect::<Vec<_>>().join(between)
    }
}

impl<'a> FromIterator<&'a str> for Steps {
    fn from_iter<I: IntoIterator<Item = &'a str>>(steps: I) -> Self {
        let (mut names, mut numbers): (Vec<Box<str>>, Vec<u32>) = (Vec::new(), Vec::new());
        for step in steps {
            let known = names.iter().position(|name| **name == *step);
            let number = known.unwrap_or_else(|| {
                names.push(step.into());
                names.len() - 1
            });
            numbers.push(number as u32);
        }
        Self { names: names.into(), numbers: numbers.into() }
    }
}

impl PartialEq for Steps {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Steps {}

impl<const N: usize> PartialEq<[&str; N]> for Steps {
    fn eq(&self, other: &[&str; N]) -> bool {
        self.iter().eq(other.iter().copied())
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Steps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
