//! The rows of the results.

use serde::Serialize;

use super::files::WORKLOADS;
use super::goals::Target;

/// One line of `results.json`; a peer that is missing has no value.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) workload: String,
    pub(super) state: &'static str,
    pub(super) value: Option<f64>,
    pub(super) unit: String,
    pub(super) peer: Option<String>,
    pub(super) peer_value: Option<f64>,
    /// How many times better than the peer; the median of the pairs.
    pub(super) ratio: Option<f64>,
    /// Of the ratio where there is a peer, else of the value.
    pub(super) goal: Option<f64>,
    pub(super) floor: Option<f64>,
    pub(super) met: Option<bool>,
}

impl Row {
    /// Whether more is better.
    pub(super) fn is_rate(&self) -> bool {
        is_rate(&self.unit)
    }

    /// Holds the row against what is to be reached.
    pub(super) fn judged(mut self, target: Option<Target>) -> Self {
        let (goal, floor, reached) = match target {
            Some(Target::Ratio { goal, floor }) => (goal, floor, self.ratio.map(|ratio| ratio >= goal)),
            Some(Target::Value { goal, floor }) => {
                let reaches = |value| if self.is_rate() { value >= goal } else { value <= goal };
                (goal, floor, self.value.map(reaches))
            }
            None => return self,
        };
        (self.goal, self.floor, self.met) = (Some(goal), floor, reached);
        self
    }
}

/// Rates are better when they are more, all other measures when they are less.
pub(super) fn is_rate(unit: &str) -> bool {
    unit.ends_with("/s")
}

/// Adds how S stands beside W, of which it is to reach half wherever a rate has a goal.
pub(super) fn compare_workloads(rows: &mut Vec<Row>) {
    let [first, second] = WORKLOADS.map(|workload| format!("{workload},"));
    let mut added: Vec<Row> = Vec::new();
    for row in rows.iter().filter(|row| row.workload.starts_with(&second) && row.is_rate()) {
        let same = |other: &&Row| other.id == row.id && other.state == row.state && other.goal.is_some();
        let Some(beside) = rows.iter().filter(|row| row.workload.starts_with(&first)).find(same) else {
            continue;
        };
        // Rows of one measure differ in their peers and goals alone.
        if added.iter().any(|added| added.state == row.state && added.value == row.value) {
            continue;
        }
        let ratio = row.value.zip(beside.value).map(|(value, beside)| value / beside);
        let compared = Row {
            peer: Some(format!("ours on {}", WORKLOADS[0])),
            peer_value: beside.value,
            ratio,
            goal: None,
            floor: None,
            met: None,
            ..row.clone()
        };
        added.push(compared.judged(Some(Target::Ratio { goal: 0.5, floor: None })));
    }
    rows.extend(added);
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn row(id: &str, workload: &str, value: f64, unit: &str) -> Row {
        Row {
            id: id.to_owned(),
            workload: format!("{workload}, 20 events"),
            state: "fresh",
            value: Some(value),
            unit: unit.to_owned(),
            ..Row::default()
        }
    }

    #[track_caller]
    fn check(unit: &str, value: f64, met: bool) {
        let judged = row("X", "W", value, unit).judged(Some(Target::Value { goal: 3.0, floor: None }));
        assert_eq!((judged.goal, judged.met), (Some(3.0), Some(met)));
    }

    #[test]
    fn a_rate_is_to_be_reached_and_a_cost_to_be_kept_below() {
        check("events/s", 4.0, true);
        check("events/s", 2.0, false);
        check("us", 2.0, true);
        check("us", 4.0, false);
    }

    #[test]
    fn a_ratio_is_judged_and_not_the_value() {
        let ratio = Target::Ratio { goal: 2.0, floor: Some(1.0) };
        let mut beside = row("X", "W", 1.0, "us");
        beside.ratio = Some(2.5);
        assert_eq!(beside.judged(Some(ratio)).met, Some(true));
        assert_eq!(row("X", "W", 1.0, "us").judged(Some(ratio)).met, None);
    }

    #[test]
    fn s_is_held_against_half_of_w() {
        let goal = Some(Target::Value { goal: 1.0, floor: None });
        let w = row("X", "W", 10.0, "events/s").judged(goal);
        let mut rows = vec![w, row("X", "S", 4.0, "events/s"), row("Y", "S", 4.0, "us")];
        compare_workloads(&mut rows);
        let added = &rows[3];
        assert_eq!((rows.len(), added.ratio, added.met), (4, Some(0.4), Some(false)));
        assert_eq!(added.peer.as_deref(), Some("ours on W"));
    }
}
