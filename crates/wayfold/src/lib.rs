//! wayfold
