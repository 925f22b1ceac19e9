//! An order of the nodes in which little weight points backwards.

use super::Graph;

/// The nodes so that edges which point backwards weigh little: after Eades, Lin and Smyth, "A fast and effective
/// heuristic for the feedback arc set problem" (1993), by weight. A graph without cycles has none that do.
pub(super) fn sequence(graph: &Graph) -> Vec<usize> {
    let mut left: Vec<usize> = (0..graph.nodes.len()).collect();
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    while !left.is_empty() {
        let weight = |node: usize, of: fn(&super::GraphEdge) -> (usize, usize)| -> u64 {
            let edges = graph.edges.iter().filter(|edge| edge.from != edge.to);
            let edges = edges.filter(|edge| of(edge).0 == node && left.contains(&of(edge).1));
            edges.map(|edge| edge.weight.max(1)).fold(0, u64::saturating_add)
        };
        let out = |node: usize| weight(node, |edge| (edge.from, edge.to));
        let into = |node: usize| weight(node, |edge| (edge.to, edge.from));
        let sink = left.iter().rposition(|node| out(*node) == 0);
        let source = || left.iter().position(|node| into(*node) == 0);
        let surplus = |node: usize| i128::from(out(node)) - i128::from(into(node));
        if let Some(place) = sink {
            tail.push(left.remove(place));
        } else if let Some(place) = source() {
            head.push(left.remove(place));
        } else {
            // The first of those with the greatest surplus.
            let best = (0..left.len()).rev().max_by_key(|place| surplus(left[*place]));
            head.push(left.remove(best.unwrap_or_default()));
        }
    }
    head.extend(tail.into_iter().rev());
    head
}
