//! Who of those that are left is nearest: a k-d tree (Bentley 1975) from which customers are taken one after another.

use std::collections::VecDeque;

use hashbrown::HashMap;

/// A distance, which is no NaN as features are finite; in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Distance(pub(super) f64);

impl Eq for Distance {}

impl PartialOrd for Distance {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Distance {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Distance {
    /// The Euclidean distance of features over their standard deviations; one without a deviation sets nobody apart.
    pub(super) fn between(own: &[f64], other: &[f64], deviations: &[f64]) -> Self {
        Self::of(own.iter().zip(other).map(|(a, b)| a - b), deviations)
    }

    /// The distance to the nearest place of a box. As each step of the arithmetic rounds in one direction, it is no longer than
    /// that to any point in there, to the last bit.
    fn to_box(own: &[f64], [low, high]: &[Vec<f64>; 2], deviations: &[f64]) -> Self {
        let apart = own.iter().zip(low).zip(high).map(|((a, low), high)| a - a.clamp(*low, *high));
        Self::of(apart, deviations)
    }

    fn of(apart: impl Iterator<Item = f64>, deviations: &[f64]) -> Self {
        let squares = apart.zip(deviations).map(|(apart, deviation)| {
            let apart = if *deviation > 0.0 { apart / deviation } else { 0.0 };
            apart * apart
        });
        Self(squares.sum::<f64>().sqrt())
    }
}

/// Customers by their features, of whom those that are left can be asked for.
#[derive(Debug)]
pub(super) struct Nearest<'a> {
    deviations: &'a [f64],
    /// In the order in which the tree holds them.
    points: Vec<Point<'a>>,
    /// The point of each who is left.
    point_of: HashMap<usize, usize>,
    nodes: Vec<Node>,
}

/// Customers with the same features, and of whom they are left, the first in the order of keys first.
#[derive(Debug)]
struct Point<'a> {
    features: &'a [f64],
    left: VecDeque<usize>,
}

/// A box around points that follow each other.
#[derive(Debug)]
struct Node {
    bounds: [Vec<f64>; 2],
    points: std::ops::Range<usize>,
    /// How many of the points have a customer left.
    alive: usize,
    /// The nodes of the first and the second half; none of a leaf.
    halves: Option<[usize; 2]>,
}

/// So many points are looked at one by one.
const LEAF: usize = 8;

impl<'a> Nearest<'a> {
    /// Takes customers as places, ascending, with their features.
    pub(super) fn new(customers: impl Iterator<Item = (usize, &'a [f64])>, deviations: &'a [f64]) -> Self {
        let mut customers: Vec<_> = customers.collect();
        let by_bits = |a: &[f64], b: &[f64]| {
            a.iter()
                .zip(b)
                .map(|(a, b)| a.total_cmp(b))
                .find(|order| order.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        };
        // It is stable, so that places of a point stay in their order.
        customers.sort_by(|a, b| by_bits(a.1, b.1));
        let alike = customers.chunk_by(|a, b| by_bits(a.1, b.1).is_eq());
        let mut points: Vec<_> = alike
            .map(|alike| Point {
                features: alike[0].1,
                left: alike.iter().map(|(place, _)| *place).collect(),
            })
            .collect();
        let mut nodes = Vec::new();
        if !points.is_empty() {
            grow(&mut points, 0, deviations, &mut nodes);
        }
        let places = points
            .iter()
            .enumerate()
            .flat_map(|(point, of)| of.left.iter().map(move |place| (*place, point)));
        let point_of = places.collect();
        Self { deviations, points, point_of, nodes }
    }

    /// The nearest who is left, of equally near ones the first; `None` if nobody is.
    pub(super) fn to(&self, features: &[f64]) -> Option<(Distance, usize)> {
        let mut best = None;
        if !self.nodes.is_empty() {
            self.look(0, features, &mut best);
        }
        best
    }

    fn look(&self, node: usize, features: &[f64], best: &mut Option<(Distance, usize)>) {
        let node = &self.nodes[node];
        let Some(halves) = node.halves else {
            for point in &self.points[node.points.clone()] {
                let Some(place) = point.left.front() else { continue };
                let found = (Distance::between(features, point.features, self.deviations), *place);
                if best.is_none_or(|best| found < best) {
                    *best = Some(found);
                }
            }
            return;
        };
        let mut halves =
            halves.map(|half| (Distance::to_box(features, &self.nodes[half].bounds, self.deviations), half));
        halves.sort_unstable();
        for (least, half) in halves {
            // As near is near enough: an earlier one may be there.
            if self.nodes[half].alive > 0 && best.is_none_or(|best| least <= best.0) {
                self.look(half, features, best);
            }
        }
    }

    /// Takes a customer away whom [`Self::to`] gives, or would give next of those with its features.
    pub(super) fn take(&mut self, place: usize) {
        let Some(point) = self.point_of.remove(&place) else { return };
        let left = &mut self.points[point].left;
        left.pop_front_if(|first| *first == place);
        if !left.is_empty() {
            return;
        }
        let mut node = 0;
        loop {
            self.nodes[node].alive -= 1;
            let Some([first, second]) = self.nodes[node].halves else { return };
            node = if self.nodes[first].points.contains(&point) { first } else { second };
        }
    }
}

/// Adds the node of points that begin at a number, and those below it; gives its place.
fn grow(points: &mut [Point<'_>], begin: usize, deviations: &[f64], nodes: &mut Vec<Node>) -> usize {
    let ends = |which: fn(f64, f64) -> f64| -> Vec<f64> {
        let feature =
            |feature: usize| points.iter().map(|of| of.features[feature]).reduce(which).unwrap_or(0.0);
        (0..deviations.len()).map(feature).collect()
    };
    let bounds = [ends(f64::min), ends(f64::max)];
    let spread = |feature: usize| {
        let deviation = deviations[feature];
        let spread = (bounds[1][feature] - bounds[0][feature]) / deviation;
        if deviation > 0.0 { spread } else { 0.0 }
    };
    let widest = (0..deviations.len()).max_by(|a, b| spread(*a).total_cmp(&spread(*b)));
    let (here, count) = (nodes.len(), points.len());
    nodes.push(Node { bounds, points: begin..begin + count, alive: count, halves: None });
    let Some(widest) = widest.filter(|_| count > LEAF) else { return here };
    let half = count / 2;
    points.select_nth_unstable_by(half, |a, b| a.features[widest].total_cmp(&b.features[widest]));
    let (first, second) = points.split_at_mut(half);
    let first = grow(first, begin, deviations, nodes);
    let second = grow(second, begin + half, deviations, nodes);
    nodes[here].halves = Some([first, second]);
    here
}
