//! The results as a bar chart: how far each row with a goal has come to it.

use std::fmt::Write;

use super::rows::Row;
use super::table::shown;

const ROW: usize = 22;
const TOP: usize = 40;
const LABEL: usize = 300;
const BARS: usize = 400;
const WIDTH: usize = 1090;
/// Where the goal stands; a bar ends at twice as much.
const GOAL: usize = BARS / 2;

/// Light and dark, by what the reader's system prefers.
const STYLE: &str = "text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.met { fill: #1a7f37 }
.unmet { fill: #bf8700 }
.goal { stroke: #1f2328; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .met { fill: #3fb950 }
  .unmet { fill: #d29922 }
  .goal { stroke: #e6edf3 }
}";

/// Draws the rows that have a goal and were measured, with a heading that says what was measured.
pub(super) fn draw(rows: &[Row], heading: &str) -> String {
    let judged: Vec<(&Row, f64)> = rows.iter().filter_map(|row| Some((row, reached(row)?))).collect();
    let height = TOP + judged.len() * ROW + ROW;
    let met = judged.iter().filter(|(row, _)| row.met == Some(true)).count();
    let goal_at = LABEL + GOAL;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title desc">
<title id="title">How far each measure has come to its goal</title>
<desc id="desc">{}. A bar a measure; the dashed line is the goal. {met} of {} goals are met. The same figures stand in the table.</desc>
<style>{STYLE}</style>
<text x="{goal_at}" y="24" text-anchor="middle">goal</text>
"#,
        escaped(heading),
        judged.len()
    );
    for (number, (row, reached)) in judged.iter().enumerate() {
        bar(&mut svg, TOP + number * ROW, row, *reached);
    }
    let end = height - ROW / 2;
    let _ = writeln!(svg, r#"<line class="goal" x1="{goal_at}" y1="30" x2="{goal_at}" y2="{end}"/>"#);
    svg + "</svg>\n"
}

/// How much of its goal a row has reached: 1 is all of it.
fn reached(row: &Row) -> Option<f64> {
    let goal = row.goal?;
    match row.peer {
        Some(_) => Some(row.ratio? / goal),
        None if row.is_rate() => Some(row.value? / goal),
        None => Some(goal / row.value?),
    }
}

fn bar(svg: &mut String, y: usize, row: &Row, reached: f64) {
    let length = (reached.clamp(0.0, 2.0) * GOAL as f64).round().max(1.0);
    let class = if row.met == Some(true) { "met" } else { "unmet" };
    let workload = row.workload.split(", ").next().unwrap_or_default();
    let label = escaped(&format!("{}, {workload} {}", row.id, row.state));
    let goal = row.goal.map(shown).unwrap_or_default();
    let figures = match &row.peer {
        Some(peer) => format!("{} of {goal} times {peer}", row.ratio.map(shown).unwrap_or_default()),
        None => format!("{} {}, goal {goal}", row.value.map(shown).unwrap_or_default(), row.unit),
    };
    let (text_y, bar_height, label_x) = (y + ROW - 7, ROW - 6, LABEL - 8);
    // Behind the line of the goal, which would cross them.
    let figures_x = LABEL as f64 + length.max(GOAL as f64) + 8.0;
    let _ = writeln!(
        svg,
        r#"<text x="{label_x}" y="{text_y}" text-anchor="end">{label}</text><rect class="{class}" x="{LABEL}" y="{y}" width="{length}" height="{bar_height}"/><text x="{figures_x}" y="{text_y}">{}</text>"#,
        escaped(&figures)
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::goals::Target;
    use crate::bench::rows::tests::row;

    #[test]
    fn a_bar_ends_at_the_share_of_the_goal_and_rows_without_one_are_left_out() {
        let half = Some(Target::Value { goal: 4.0, floor: None });
        let rows = [row("R<1>", "W", 2.0, "events/s").judged(half), row("R2", "W", 2.0, "events/s")];
        let svg = draw(&rows, "commit & load");
        assert_eq!(svg.matches("<rect").count(), 1);
        assert!(svg.contains(&format!(r#"width="{}""#, GOAL / 2)), "{svg}");
        assert!(svg.contains("R&lt;1&gt;, W fresh") && svg.contains("commit &amp; load"), "{svg}");
        assert!(svg.contains("0 of 1 goals are met"), "{svg}");
    }

    #[test]
    fn a_cost_has_come_as_far_as_the_goal_is_of_it() {
        let cost = row("V1", "W", 8.0, "us").judged(Some(Target::Value { goal: 4.0, floor: None }));
        assert_eq!(reached(&cost), Some(0.5));
        let mut beside = row("A1", "W", 8.0, "us");
        (beside.peer, beside.ratio) = (Some("bare".to_owned()), Some(0.25));
        let beside = beside.judged(Some(Target::Ratio { goal: 0.5, floor: None }));
        assert_eq!(reached(&beside), Some(0.5));
    }
}
