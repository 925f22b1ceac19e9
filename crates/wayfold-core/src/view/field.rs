//! One field of a view, by the name that filters and explanations use.

use super::CustomerView;
use crate::error::{Error, ErrorKind, Result};
use crate::field::{Path, Tree};

impl CustomerView {
    /// The value of a field as a text: a text as it is, money such as `9.5 EUR`, anything else as JSON; `None` if there is
    /// none. Fields are named as in a [`Filter`](crate::Filter); of several values, behind `[*]`, all stand in one text
    /// with commas between them.
    ///
    /// # Errors
    /// `InvalidSelection` if a view has no such field, or one that holds more than a value, with what there is.
    pub fn field(&self, name: &str) -> Result<Option<String>> {
        let refused = |message: &str| {
            Error::new(ErrorKind::InvalidSelection, format_args!("field {name:?}: {message}"))
        };
        // The projection is called `journey`, and what it says of a customer are its journeys.
        let of_journeys = name.strip_prefix("journey").filter(|rest| rest.starts_with(['.', '[']));
        let path = of_journeys.map_or_else(|| format!(".{name}"), |rest| format!(".journeys{rest}"));
        let path = Path::parse(&path).map_err(|message| refused(&message))?;
        let tree = Tree::of(self, None).expect("a view is made of texts and numbers");
        let mut texts = Vec::new();
        for value in path.values(&tree).map_err(|message| refused(&message))? {
            let one = || refused(&format!("it is {}; name what stands in it", value.what()));
            texts.push(value.to_text().ok_or_else(one)?);
        }
        Ok((!texts.is_empty()).then(|| texts.join(", ")))
    }
}
