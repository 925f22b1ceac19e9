//! A process map as a picture: steps from the top down, arrows as thick as they are frequent.

use wayfold_insight::{EdgeRow, ProcessMapReport};

use crate::layout::{Graph, GraphEdge, Layout, Route, Size, lay_out};
use crate::show::Show;
use crate::svg::{Anchor, Drawing, Px, SMALL, STRONG, TEXT, width};

/// What of a process map is drawn, and how much is not.
pub(crate) struct MapPicture<'a> {
    map: &'a ProcessMapReport,
    show: &'a Show,
    /// Where most time is spent, the most first.
    slowest: Vec<(&'a str, &'a str)>,
    pub(crate) drawn_activities: usize,
    pub(crate) drawn_edges: usize,
    pub(crate) drawing: Drawing,
}

/// More steps than these make no picture; the rest is in the table.
const ACTIVITIES_MAX: usize = 36;
/// Fewer arrows are drawn, the most frequent ones, until the picture is no wider than a page.
const EDGES_MAX: [usize; 9] = [80, 70, 60, 52, 46, 40, 34, 28, 0];
const WIDTH_MAX: f64 = 940.0;
/// So many of the slowest arrows are marked.
const SLOWEST: usize = 3;
const NUMBERS: [&str; SLOWEST] = ["\u{2460}", "\u{2461}", "\u{2462}"];
const MARGIN: f64 = 8.0;
const SMALL_TEXT: f64 = TEXT * SMALL;
const THICK_MAX: f64 = 9.0;

/// An arrow of the picture; at the ends of a case one side is no step.
#[derive(Debug, Clone, Copy)]
struct Arrow<'a> {
    from: usize,
    to: usize,
    count: u64,
    /// `None` at the start and at the end.
    row: Option<&'a EdgeRow>,
}

impl<'a> MapPicture<'a> {
    pub(crate) fn new(map: &'a ProcessMapReport, show: &'a Show) -> Self {
        let waits = map.bottlenecks().into_iter().filter(|row| row.total.as_micros() > 0);
        let slowest = waits.take(SLOWEST).map(|row| (row.from.as_str(), row.to.as_str())).collect();
        let mut names: Vec<&str> = {
            let mut rows: Vec<_> = map.activities.iter().collect();
            rows.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.name.cmp(&b.name)));
            rows.into_iter().take(ACTIVITIES_MAX).map(|row| row.name.as_str()).collect()
        };
        names.sort_unstable();
        let mut picture = Self {
            map,
            show,
            slowest,
            drawn_activities: names.len(),
            drawn_edges: 0,
            drawing: Drawing::default(),
        };
        let arrows = picture.arrows(&names);
        for most in EDGES_MAX {
            let chosen = picture.chosen(&arrows, names.len(), most);
            let (graph, layout) = picture.laid_out(&names, &chosen);
            let fits = layout.width <= WIDTH_MAX;
            if fits || most == 0 {
                picture.drawn_edges = chosen.iter().filter(|arrow| arrow.row.is_some()).count();
                picture.drawing = picture.draw(&names, &chosen, &graph, &layout);
                break;
            }
        }
        picture
    }

    /// All arrows between these steps, and from the start and to the end: the most frequent first.
    fn arrows(&self, names: &[&str]) -> Vec<Arrow<'a>> {
        let place = |name: &str| names.binary_search(&name).ok();
        let (start, end) = (names.len(), names.len() + 1);
        let between = self.map.edges.iter().filter_map(|row| {
            Some(Arrow { from: place(&row.from)?, to: place(&row.to)?, count: row.count, row: Some(row) })
        });
        let ends =
            self.map.activities.iter().filter_map(|row| Some((place(&row.name)?, row.starts, row.ends)));
        let ends = ends.flat_map(|(step, starts, stops)| {
            let arrow = |from, to, count| Arrow { from, to, count, row: None };
            [arrow(start, step, starts), arrow(step, end, stops)]
        });
        let mut arrows: Vec<_> = between.chain(ends.filter(|arrow| arrow.count > 0)).collect();
        arrows.sort_by_key(|arrow| (std::cmp::Reverse(arrow.count), arrow.from, arrow.to));
        arrows
    }

    /// The most frequent arrows, and for each step the most frequent one that leads to it and from it, and the slowest.
    fn chosen(&self, arrows: &[Arrow<'a>], steps: usize, most: usize) -> Vec<Arrow<'a>> {
        let (mut led_to, mut led_from) = (vec![false; steps + 2], vec![false; steps + 2]);
        let mut chosen = Vec::new();
        for (number, arrow) in arrows.iter().enumerate() {
            let is_loop = arrow.from == arrow.to;
            let first_to = !is_loop && !std::mem::replace(&mut led_to[arrow.to], true);
            let first_from = !is_loop && !std::mem::replace(&mut led_from[arrow.from], true);
            if number < most || first_to || first_from || self.slow(arrow).is_some() {
                chosen.push(*arrow);
            }
        }
        chosen
    }

    /// The number of a marked arrow.
    fn slow(&self, arrow: &Arrow<'a>) -> Option<usize> {
        let row = arrow.row?;
        self.slowest.iter().position(|names| *names == (row.from.as_str(), row.to.as_str()))
    }

    fn laid_out(&self, names: &[&str], arrows: &[Arrow<'a>]) -> (Graph, Layout) {
        let step = |name: &&str| Size {
            width: (width(name, TEXT) * STRONG + 22.0).clamp(72.0, 236.0),
            height: 42.0,
        };
        let end = Size { width: 56.0, height: 24.0 };
        let nodes = names.iter().map(step).chain([end, end]).collect();
        let edge = |arrow: &Arrow<'_>| {
            let (count, wait) = self.label(arrow);
            let strong = if self.slow(arrow).is_some() { STRONG } else { 1.0 };
            let size = width(&count, SMALL_TEXT).max(width(&wait, SMALL_TEXT) * strong) + 4.0;
            let label = Size { width: size, height: if wait.is_empty() { 16.0 } else { 29.0 } };
            GraphEdge { from: arrow.from, to: arrow.to, weight: arrow.count, label }
        };
        let graph = Graph { nodes, edges: arrows.iter().map(edge).collect() };
        let layout = lay_out(&graph);
        (graph, layout)
    }

    /// How often, and how long after: the median, or the mean where most time is spent, as that is what adds up.
    fn label(&self, arrow: &Arrow<'_>) -> (String, String) {
        let count = self.show.count(arrow.count);
        let wait = match (arrow.row, self.slow(arrow)) {
            (Some(row), Some(number)) => {
                format!("{}\u{a0}\u{f8}\u{a0}{}", NUMBERS[number], self.show.span(row.mean))
            }
            (Some(row), None) => self.show.span(row.median),
            (None, _) => String::new(),
        };
        (count, wait)
    }

    fn draw(&self, names: &[&str], arrows: &[Arrow<'a>], graph: &Graph, layout: &Layout) -> Drawing {
        let mut drawing = Drawing::new(layout.width + 2.0 * MARGIN, layout.height + 2.0 * MARGIN);
        let most = arrows.iter().map(|arrow| arrow.count).max().unwrap_or(1).max(1) as f64;
        for (arrow, route) in arrows.iter().zip(&layout.routes) {
            let thick = 1.0 + (THICK_MAX - 1.0) * arrow.count as f64 / most;
            self.draw_arrow(&mut drawing, arrow, route, thick);
        }
        for ((arrow, route), edge) in arrows.iter().zip(&layout.routes).zip(&graph.edges) {
            self.draw_label(&mut drawing, arrow, shifted(route.label), edge.label);
        }
        let busiest = self.map.activities.iter().map(|row| row.events).max().unwrap_or(1).max(1) as f64;
        for (step, middle) in layout.nodes.iter().enumerate() {
            let (middle, size) = (shifted(*middle), graph.nodes[step]);
            match names.get(step) {
                Some(name) => self.draw_step(&mut drawing, name, middle, size, busiest),
                None => {
                    let corner = (middle.0 - size.width / 2.0, middle.1 - size.height / 2.0);
                    drawing.round_rect("terminal", corner, (size.width, size.height), "");
                    let name = if step == names.len() { "Start" } else { "End" };
                    drawing.text("inverse", (middle.0, middle.1 + TEXT * 0.36), Anchor::Middle, name);
                }
            }
        }
        drawing
    }

    fn draw_step(&self, drawing: &mut Drawing, name: &str, (x, y): (f64, f64), size: Size, busiest: f64) {
        let row = self.map.activity(name);
        let events = row.map_or(0, |row| row.events);
        let count = self.show.count(events);
        let cases = row.map_or(0, |row| row.cases);
        let again = row.map_or(0, |row| row.reworked_cases);
        let tip = format!("{name}: done {count} times in {cases} cases, more than once in {again}");
        let shade = (events as f64 / busiest * 6.0).ceil() as usize;
        let corner = (x - size.width / 2.0, y - size.height / 2.0);
        drawing.round_rect(&format!("step s{shade}"), corner, (size.width, size.height), &tip);
        let room = size.width - 12.0;
        drawing.text_within(&format!("strong t{shade}"), (x, y - 3.0), Anchor::Middle, name, room);
        drawing.text(&format!("small t{shade}"), (x, y + 13.0), Anchor::Middle, &count);
    }

    fn draw_arrow(&self, drawing: &mut Drawing, arrow: &Arrow<'_>, route: &Route, thick: f64) {
        let class = match (self.slow(arrow), route.is_back && arrow.from != arrow.to) {
            (Some(_), _) => "edge slow",
            (None, true) => "edge back",
            (None, false) => "edge",
        };
        let tip = arrow.row.map_or_else(String::new, |row| {
            let show = self.show;
            let [mean, median, p90] = [row.mean, row.median, row.p90].map(|span| show.span(span));
            format!(
                "{} \u{2192} {}: {} times in {} cases; after {median} (median), {mean} (mean), {p90} (90th percentile)",
                row.from,
                row.to,
                row.count,
                row.cases
            )
        });
        let head = 5.0 + thick * 0.7;
        let mut points: Vec<(f64, f64)> = route.points.iter().copied().map(shifted).collect();
        let Some(tip_at) = points.pop() else { return };
        let is_loop = arrow.from == arrow.to;
        let (towards, base) = match (is_loop, route.is_back) {
            (true, _) => ((-1.0, 0.0), (tip_at.0 + head, tip_at.1)),
            (false, true) => ((0.0, -1.0), (tip_at.0, tip_at.1 + head)),
            (false, false) => ((0.0, 1.0), (tip_at.0, tip_at.1 - head)),
        };
        points.push(base);
        let path = if is_loop { loop_path(&points) } else { smooth_path(&points) };
        drawing.path(class, &path, Some(thick), &tip);
        let (across, half) = ((towards.1, towards.0), 3.0 + thick * 0.6);
        let corner = |side: f64| (Px(base.0 + across.0 * half * side), Px(base.1 + across.1 * half * side));
        let (left, right) = (corner(-1.0), corner(1.0));
        let path =
            format!("M{} {}L{} {}L{} {}Z", left.0, left.1, Px(tip_at.0), Px(tip_at.1), right.0, right.1);
        let class = if self.slow(arrow).is_some() { "head slow" } else { "head" };
        drawing.path(class, &path, None, "");
    }

    fn draw_label(&self, drawing: &mut Drawing, arrow: &Arrow<'_>, (x, y): (f64, f64), size: Size) {
        let (count, wait) = self.label(arrow);
        drawing.rect("paper", (x - size.width / 2.0, y - size.height / 2.0), (size.width, size.height), "");
        if wait.is_empty() {
            return drawing.text("ink small", (x, y + TEXT * 0.36), Anchor::Middle, &count);
        }
        drawing.text("ink small", (x, y - 3.0), Anchor::Middle, &count);
        let class = if self.slow(arrow).is_some() { "hot small" } else { "soft small" };
        drawing.text(class, (x, y + 11.0), Anchor::Middle, &wait);
    }
}

fn shifted((x, y): (f64, f64)) -> (f64, f64) {
    (x + MARGIN, y + MARGIN)
}

/// Through all points, never further across than they are: after Fritsch and Carlson, "Monotone piecewise cubic
/// interpolation" (1980). It leaves the first point and meets the last straight up or down.
fn smooth_path(points: &[(f64, f64)]) -> String {
    let slopes: Vec<f64> = points.windows(2).map(|pair| slope(pair[0], pair[1])).collect();
    let tangent = |number: usize| {
        let before = number.checked_sub(1).and_then(|before| slopes.get(before));
        match (before, slopes.get(number)) {
            (Some(before), Some(after)) if before * after > 0.0 => 2.0 * before * after / (before + after),
            _ => 0.0,
        }
    };
    let mut path = format!("M{} {}", Px(points[0].0), Px(points[0].1));
    for (number, pair) in points.windows(2).enumerate() {
        let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
        let third = (y2 - y1) / 3.0;
        // Ends bend later, so that arrows meet their nodes upright.
        let (first, last) = (number == 0, number + 2 == points.len());
        let (out, into) = (if first { 1.5 * third } else { third }, if last { 1.5 * third } else { third });
        let (out_x, into_x) = (x1 + tangent(number) * out, x2 - tangent(number + 1) * into);
        path += &format!(
            "C{} {} {} {} {} {}",
            Px(out_x),
            Px(y1 + out),
            Px(into_x),
            Px(y2 - into),
            Px(x2),
            Px(y2)
        );
    }
    path
}

/// How far across for each pixel down; points of one height have none.
fn slope((x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> f64 {
    if y1 == y2 { 0.0 } else { (x2 - x1) / (y2 - y1) }
}

/// Out at the right and back.
fn loop_path(points: &[(f64, f64)]) -> String {
    let [from, out, back, to] = points[..] else { return smooth_path(points) };
    let [a, b, c, d] = [from, out, back, to].map(|(x, y)| format!("{} {}", Px(x), Px(y)));
    format!("M{a}C{b} {c} {d}")
}
