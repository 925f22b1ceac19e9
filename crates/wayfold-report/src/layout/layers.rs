//! Layers: every edge that points forward in the sequence points down.

use std::cmp::Ordering;

use super::Graph;

/// The layer of each node, from 0 at the top.
pub(super) fn layers(graph: &Graph, sequence: &[usize]) -> Vec<usize> {
    let mut place = vec![0; sequence.len()];
    sequence.iter().enumerate().for_each(|(number, node)| place[*node] = number);
    // Edges as they are drawn, from the upper node to the lower one, with what they weigh.
    let edges = graph.edges.iter().filter(|edge| edge.from != edge.to);
    let turned = |from: usize, to: usize| if place[from] < place[to] { (from, to) } else { (to, from) };
    let down: Vec<((usize, usize), u32)> =
        edges.map(|edge| (turned(edge.from, edge.to), edge.weight.max(1).ilog2() + 1)).collect();

    let mut layers = vec![0; sequence.len()];
    for node in sequence {
        let above = down.iter().filter(|((_, to), _)| to == node).map(|((from, _), _)| layers[*from] + 1);
        layers[*node] = above.max().unwrap_or_default();
    }
    for _ in 0..ROUNDS_MAX {
        if !shorten(&down, sequence, &mut layers) {
            break;
        }
    }
    // What was moved down may have left the top free.
    let top = layers.iter().copied().min().unwrap_or_default();
    layers.iter_mut().for_each(|layer| *layer -= top);
    layers
}

/// Each round makes edges shorter, so that few are needed.
const ROUNDS_MAX: usize = 32;

/// Moves nodes within their room to where their edges are shorter, and says whether one was moved.
fn shorten(down: &[((usize, usize), u32)], sequence: &[usize], layers: &mut [usize]) -> bool {
    let deepest = layers.iter().copied().max().unwrap_or_default();
    let mut moved = false;
    for node in sequence.iter().chain(sequence.iter().rev()) {
        let (mut room, mut pull) = (0..=deepest, 0_i64);
        for ((from, to), weight) in down {
            if to == node {
                room = (layers[*from] + 1).max(*room.start())..=*room.end();
                pull -= i64::from(*weight);
            } else if from == node {
                room = *room.start()..=(layers[*to] - 1).min(*room.end());
                pull += i64::from(*weight);
            }
        }
        let better = match pull.cmp(&0) {
            Ordering::Greater => *room.end(),
            Ordering::Less => *room.start(),
            Ordering::Equal => layers[*node],
        };
        moved |= better != layers[*node];
        layers[*node] = better;
    }
    moved
}
