//! The fields of views: what a view holds by name, and how a field is named and found.
//!
//! Explanations name the fields that changed, selections look fields up: both by [`Path`]s through a [`Tree`].

mod exact;
mod name;
mod path;
mod tree;
mod writer;

pub(crate) use self::exact::Exact;
pub(crate) use self::name::{element_name, member_name};
pub(crate) use self::path::Path;
pub(crate) use self::tree::Tree;
