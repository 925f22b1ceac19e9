//! How many tests passed, failed and were skipped, read from what a test runner prints.

/// The figures of one step, with the names that its output gives for them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
    pub(super) failed_names: Vec<String>,
    pub(super) skipped_names: Vec<String>,
}

/// How a step's output is turned into figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counting {
    /// The step is no test runner and counts as one.
    AsOne,
    Nextest,
    /// The harness of `cargo test`, which prints a result for every binary.
    Libtest,
}

impl Counting {
    /// Counts a finished step. A runner that fails without naming a failed test, or whose figures cannot be
    /// read, counts as one failure.
    pub(super) fn count(self, success: bool, output: &str) -> Counts {
        let counts = match self {
            Self::AsOne => return Counts::one(success),
            Self::Nextest => nextest(output),
            Self::Libtest => libtest(output),
        };
        let Some(mut counts) = counts else { return Counts::one(false) };
        if !success && counts.failed == 0 {
            counts.failed = 1;
        }
        counts
    }
}

impl Counts {
    pub(super) fn one(success: bool) -> Self {
        Self { passed: success.into(), failed: (!success).into(), ..Self::default() }
    }

    /// Adds one figure such as `3 passed`; whatever is neither passed nor skipped went wrong.
    fn add_figure(&mut self, figure: &str) -> Option<()> {
        let (number, what) = figure.trim().split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        match what.trim() {
            "passed" => self.passed += number,
            "skipped" | "ignored" => self.skipped += number,
            "measured" | "filtered out" => {}
            _ => self.failed += number,
        }
        Some(())
    }
}

/// Reads the last line `Summary [ 0.1s] 4 tests run: 3 passed (1 slow), 1 timed out, 2 skipped`.
fn nextest(output: &str) -> Option<Counts> {
    let mut counts = Counts::default();
    let lines = || output.lines().map(str::trim_start);
    let summary = lines().rfind(|line| line.starts_with("Summary ["))?;
    let (_, figures) = summary.split_once(" run: ")?;
    for figure in without_brackets(figures).split(',') {
        counts.add_figure(figure)?;
    }
    for (status, name) in lines().filter_map(nextest_status) {
        let names = match status {
            "SKIP" => &mut counts.skipped_names,
            "FAIL" | "TIMEOUT" | "ABORT" | "LEAK-FAIL" => &mut counts.failed_names,
            signal if signal.starts_with("SIG") => &mut counts.failed_names,
            _ => continue,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Some(counts)
}

/// Reads a line such as `FAIL [ 0.1s] (3/9) wayfold-core fold::tests::name`.
fn nextest_status(line: &str) -> Option<(&str, String)> {
    let (status, rest) = line.split_once(" [")?;
    let (_, name) = rest.split_once("] ")?;
    let is_status = status.chars().all(|letter| letter.is_ascii_uppercase() || letter == '-');
    is_status.then(|| (status, without_brackets(name).trim().to_owned()))
}

fn without_brackets(text: &str) -> String {
    let mut depth = 0_usize;
    let outside = |letter: &char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    text.chars().filter(outside).collect()
}

/// Sums the lines `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in ..`.
fn libtest(output: &str) -> Option<Counts> {
    let mut counts = Counts::default();
    let mut results = 0;
    for line in output.lines() {
        if let Some(result) = line.strip_prefix("test result: ") {
            let (_, figures) = result.split_once(". ")?;
            for figure in figures.split(';').filter(|figure| !figure.contains("finished in")) {
                counts.add_figure(figure)?;
            }
            results += 1;
        } else if let Some((name, result)) =
            line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
        {
            match result.split(',').next() {
                Some("ignored") => counts.skipped_names.push(name.to_owned()),
                Some("FAILED") => counts.failed_names.push(name.to_owned()),
                _ => {}
            }
        }
    }
    (results > 0).then_some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(counting: Counting, success: bool, output: &str, expected: [u64; 3]) -> Counts {
        let counts = counting.count(success, output);
        assert_eq!([counts.passed, counts.failed, counts.skipped], expected);
        counts
    }

    #[test]
    fn nextest_summary_is_read_with_its_names() {
        let output = "        SKIP [         ] (───) probe tests::ignored
     SIGABRT [   0.006s] (1/3) probe tests::aborts
        PASS [   0.007s] (2/3) probe tests::passes
        FAIL [   0.114s] (3/3) probe tests::fails
    test result: FAILED. 0 passed; 9 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.11s
     Summary [   0.116s] 3 tests run: 1 passed, 2 failed, 1 skipped
     SIGABRT [   0.006s] (1/3) probe tests::aborts
        FAIL [   0.114s] (3/3) probe tests::fails
error: test run failed";
        let counts = check(Counting::Nextest, false, output, [1, 2, 1]);
        assert_eq!(counts.failed_names, ["probe tests::aborts", "probe tests::fails"]);
        assert_eq!(counts.skipped_names, ["probe tests::ignored"]);
    }

    #[test]
    fn nextest_remarks_in_brackets_are_no_figures() {
        let output = "     Summary [  12.0s] 6/7 tests run: 4 passed (1 slow, 1 flaky), 1 timed out, 1 exec failed, \
                      0 skipped";
        check(Counting::Nextest, false, output, [4, 2, 0]);
        check(Counting::Nextest, true, "Summary [ 0.0s] 1 test run: 1 passed, 0 skipped", [1, 0, 0]);
    }

    #[test]
    fn libtest_results_are_summed() {
        let output = "test tests::ignored ... ignored, why\ntest tests::bad ... FAILED
test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.14s
test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.14s";
        let counts = check(Counting::Libtest, false, output, [6, 1, 1]);
        assert_eq!(counts.failed_names, ["tests::bad"]);
        assert_eq!(counts.skipped_names, ["tests::ignored"]);
    }

    #[test]
    fn runner_that_fails_before_its_tests_is_one_failure() {
        check(Counting::Nextest, false, "error: could not compile `wayfold-core`", [0, 1, 0]);
        let cut =
            "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0s";
        check(Counting::Libtest, false, cut, [5, 1, 0]);
    }

    #[test]
    fn runner_without_readable_figures_is_never_green() {
        check(Counting::Nextest, true, "all is well", [0, 1, 0]);
        check(Counting::Nextest, true, "Summary [ 0.0s] 2 tests run: many passed", [0, 1, 0]);
        check(Counting::Libtest, true, "", [0, 1, 0]);
    }

    #[test]
    fn step_that_is_no_runner_counts_as_one() {
        check(Counting::AsOne, true, "Summary [ 0.0s] 1 test run: 7 passed", [1, 0, 0]);
        check(Counting::AsOne, false, "", [0, 1, 0]);
    }
}
