//! Routes: which points each edge passes, and where its label stands.

use super::chains::{Chains, LOOP};
use super::place::Places;
use super::{Graph, Layout, Size};

/// The way of an edge, from its first node's border to its second's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Route {
    /// A loop has four points, which it bulges through at the right of its node.
    pub(crate) points: Vec<(f64, f64)>,
    /// The middle of the label.
    pub(crate) label: (f64, f64),
    /// Whether it points up, or at its own node.
    pub(crate) is_back: bool,
}

/// Ends of edges at one side of a node stand apart by so much, if there is room.
const PORT: f64 = 18.0;

pub(super) fn route(graph: &Graph, chains: &Chains, places: &Places) -> Layout {
    let middle = |vertex: usize| (places.x[vertex], places.rank_y[chains.vertices[vertex].rank]);
    let nodes: Vec<(f64, f64)> = (0..graph.nodes.len()).map(middle).collect();
    let ports = Ports { graph, chains, places };
    let mut loops_before = vec![0; nodes.len()];
    let routes = graph.edges.iter().enumerate().map(|(number, edge)| {
        let vertices = &chains.of_edges[number];
        let [top, .., bottom] = vertices[..] else {
            let before = loops_before[edge.from];
            loops_before[edge.from] += 1;
            let all = chains.of_edges.iter().filter(|of| of[..] == [edge.from]).count();
            return loop_at(nodes[edge.from], graph.nodes[edge.from], edge.label, (before, all));
        };
        let bends = vertices[1..vertices.len() - 1].iter().map(|bend| middle(*bend));
        let mut points = vec![ports.end(top, vertices[1], Side::Bottom)];
        points.extend(bends);
        points.push(ports.end(bottom, vertices[vertices.len() - 2], Side::Top));
        let is_back = top != edge.from;
        if is_back {
            points.reverse();
        }
        Route { points, label: middle(chains.labels[number]), is_back }
    });
    let routes = routes.collect();
    let right = chains.vertices.iter().zip(&places.x).map(|(vertex, x)| x + vertex.right).fold(0.0, f64::max);
    let bottom = chains.vertices.iter().map(|vertex| places.rank_y[vertex.rank] + vertex.height / 2.0);
    Layout { width: right, height: bottom.fold(0.0, f64::max), nodes, routes }
}

fn loop_at((x, y): (f64, f64), size: Size, label: Size, (before, all): (usize, usize)) -> Route {
    let (right, reach) = (x + size.width / 2.0, LOOP * (before + 1) as f64 / all as f64);
    let half = size.height * 0.28 * (before + 1) as f64 / all as f64;
    let points =
        vec![(right, y - half), (right + reach, y - half), (right + reach, y + half), (right, y + half)];
    let down = (before as f64 - (all as f64 - 1.0) / 2.0) * label.height;
    Route { points, label: (right + LOOP + 2.0 + label.width / 2.0, y + down), is_back: true }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Top,
    Bottom,
}

struct Ports<'a> {
    graph: &'a Graph,
    chains: &'a Chains,
    places: &'a Places,
}

impl Ports<'_> {
    /// Where an edge ends at a node: edges side by side in the order of where they come from.
    fn end(&self, node: usize, neighbour: usize, side: Side) -> (f64, f64) {
        let of_side = match side {
            Side::Top => &self.chains.above[node],
            Side::Bottom => &self.chains.below[node],
        };
        let mut neighbours = of_side.clone();
        neighbours.sort_by(|a, b| self.places.x[*a].total_cmp(&self.places.x[*b]).then(a.cmp(b)));
        let place = neighbours.iter().position(|other| *other == neighbour).unwrap_or_default() as f64;
        let size = self.graph.nodes[node];
        let step = PORT.min((size.width - 16.0).max(0.0) / neighbours.len().max(1) as f64);
        let x = self.places.x[node] + (place - (neighbours.len() as f64 - 1.0) / 2.0) * step;
        let y = self.places.rank_y[self.chains.vertices[node].rank];
        match side {
            Side::Top => (x, y - size.height / 2.0),
            Side::Bottom => (x, y + size.height / 2.0),
        }
    }
}
