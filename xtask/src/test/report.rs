//! The sum of all steps, as it is printed at the end.

use std::collections::BTreeMap;
use std::fmt;

use super::counts::Counts;

#[derive(Debug, Default)]
pub(super) struct Report {
    passed: u64,
    failed: u64,
    skipped: u64,
    failures: Vec<String>,
    skips: Vec<String>,
}

impl Report {
    pub(super) fn add(&mut self, step: &str, counts: Counts) {
        self.passed += counts.passed;
        self.failed += counts.failed;
        self.skipped += counts.skipped;
        if counts.failed > 0 && counts.failed_names.is_empty() {
            self.failures.push(step.to_owned());
        }
        self.failures.extend(counts.failed_names.into_iter().map(|name| format!("{step}: {name}")));
        self.skips.extend(counts.skipped_names.into_iter().map(|name| format!("{name}: ignored")));
    }

    /// Moves the tests that noted a skip from passed, where their runner counted them, to skipped.
    pub(super) fn take_skips(&mut self, noted: BTreeMap<String, String>) {
        let number = noted.len() as u64;
        self.passed = self.passed.saturating_sub(number);
        self.skipped += number;
        self.skips.extend(noted.into_iter().map(|(name, reason)| format!("{name}: {reason}")));
    }

    pub(super) fn turn_skips_into_failures(&mut self) {
        self.failed += std::mem::take(&mut self.skipped);
        self.failures.extend(self.skips.drain(..).map(|skip| format!("skipped, which CI forbids: {skip}")));
    }

    pub(super) fn is_success(&self) -> bool {
        self.failed == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, names) in [("failed", &self.failures), ("skipped", &self.skips)] {
            if !names.is_empty() {
                writeln!(out, "\n{title}:")?;
            }
            for name in names {
                writeln!(out, "  {name}")?;
            }
        }
        writeln!(out, "\n{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report_with_a_skip() -> Report {
        let mut report = Report::default();
        report.add("fmt", Counts::one(true));
        report.add("tests", Counts { passed: 5, ..Counts::default() });
        report.take_skips([("cdnow".to_owned(), "no data".to_owned())].into());
        report
    }

    #[test]
    fn noted_skip_is_not_counted_as_passed() {
        let report = report_with_a_skip();
        assert!(report.is_success());
        assert_eq!(report.to_string(), "\nskipped:\n  cdnow: no data\n\n5 passed, 0 failed, 1 skipped\n");
    }

    #[test]
    fn skip_where_data_is_promised_fails() {
        let mut report = report_with_a_skip();
        report.turn_skips_into_failures();
        assert!(!report.is_success());
        let expected =
            "\nfailed:\n  skipped, which CI forbids: cdnow: no data\n\n5 passed, 1 failed, 0 skipped\n";
        assert_eq!(report.to_string(), expected);
    }

    #[test]
    fn failures_are_listed_by_name_or_step() {
        let mut report = Report::default();
        report.add("clippy", Counts::one(false));
        report.add("tests", Counts { failed: 1, failed_names: vec!["a::b".into()], ..Counts::default() });
        assert_eq!(
            report.to_string(),
            "\nfailed:\n  clippy\n  tests: a::b\n\n0 passed, 2 failed, 0 skipped\n"
        );
    }
}
