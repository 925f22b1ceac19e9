//! The fields of views: what a view holds by name, and how a field is named.

mod name;
mod tree;
mod writer;

pub(crate) use self::name::{element_name, member_name};
pub(crate) use self::tree::Tree;
