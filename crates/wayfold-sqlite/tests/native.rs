//! What is special to this store: the file, its threads, and other processes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod native {
    pub(crate) mod folder;
    pub(crate) mod support;

    mod backup;
    mod convergence;
    mod damage;
    mod file;
    mod growth;
    mod handles;
    mod lanes;
    mod process;
    mod recorder;
    mod replaced;
    mod sealing;
    mod upcasting;
    mod writer;
}
