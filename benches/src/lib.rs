//! Holds the benches; see the files beside this folder.
