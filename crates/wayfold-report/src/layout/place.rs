//! Places: each vertex as near to its neighbours as its rank lets it, so that long edges run straight.

use super::chains::Chains;

/// Where the middles of vertices stand across, and how far down the middle of each rank is.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) x: Vec<f64>,
    pub(super) rank_y: Vec<f64>,
}

/// The room between neighbours of a rank.
const BETWEEN: f64 = 16.0;
/// The room between ranks, at least and at most: the further edges go across, the more.
const RANK_GAP: (f64, f64) = (18.0, 44.0);
const ROUNDS: usize = 120;

pub(super) fn place(chains: &Chains) -> Places {
    let mut x = vec![0.0; chains.vertices.len()];
    for rank in &chains.ranks {
        let mut right = 0.0;
        for vertex in rank {
            x[*vertex] = right + chains.vertices[*vertex].left;
            right = x[*vertex] + chains.vertices[*vertex].right + BETWEEN;
        }
    }
    for round in 0..ROUNDS {
        let last = round + 2 >= ROUNDS;
        let count = chains.ranks.len();
        for number in 0..count {
            let number = if round % 2 == 0 { number } else { count - 1 - number };
            settle(chains, number, (round % 2 == 0 || last, round % 2 == 1 || last), &mut x);
        }
    }
    let leftmost = chains.vertices.iter().zip(&x).map(|(vertex, x)| x - vertex.left).fold(f64::MAX, f64::min);
    x.iter_mut().for_each(|x| *x -= leftmost);
    let rank_y = rank_heights(chains, &x);
    Places { x, rank_y }
}

/// A rank's vertices that stand together because they would overlap otherwise.
struct Block {
    wanted: f64,
    weight: f64,
    count: usize,
}

/// Moves the vertices of a rank to where their neighbours pull them, as far as they do not overlap: least squares under
/// a fixed order, by pooling adjacent violators.
fn settle(chains: &Chains, rank: usize, (above, below): (bool, bool), x: &mut [f64]) {
    let mut blocks: Vec<Block> = Vec::new();
    let mut offsets = Vec::new();
    let mut offset = 0.0;
    let mut before: Option<usize> = None;
    for vertex in &chains.ranks[rank] {
        if let Some(before) = before {
            offset += chains.vertices[before].right + BETWEEN + chains.vertices[*vertex].left;
        }
        before = Some(*vertex);
        offsets.push(offset);
        let (wanted, weight) = wanted(chains, *vertex, (above, below), x);
        let mut block = Block { wanted: wanted - offset, weight, count: 1 };
        while let Some(left) = blocks.pop_if(|left| left.wanted > block.wanted) {
            let weight = left.weight + block.weight;
            block.wanted = (left.wanted * left.weight + block.wanted * block.weight) / weight;
            (block.weight, block.count) = (weight, left.count + block.count);
        }
        blocks.push(block);
    }
    let wanted = blocks.iter().flat_map(|block| std::iter::repeat_n(block.wanted, block.count));
    for ((vertex, offset), wanted) in chains.ranks[rank].iter().zip(offsets).zip(wanted) {
        x[*vertex] = wanted + offset;
    }
}

/// The mean place of a vertex's neighbours, and how strongly they pull: bends pull bends straight.
fn wanted(chains: &Chains, vertex: usize, (above, below): (bool, bool), x: &[f64]) -> (f64, f64) {
    let pull = |other: usize| match (chains.vertices[vertex].is_bend, chains.vertices[other].is_bend) {
        (true, true) => 8.0,
        (false, false) => 1.0,
        _ => 2.0,
    };
    let above = chains.above[vertex].iter().filter(|_| above);
    let below = chains.below[vertex].iter().filter(|_| below);
    let (mut sum, mut weight) = (0.0, 0.0);
    for other in above.chain(below) {
        sum += x[*other] * pull(*other);
        weight += pull(*other);
    }
    if weight == 0.0 { (x[vertex], 0.1) } else { (sum / weight, weight) }
}

fn rank_heights(chains: &Chains, x: &[f64]) -> Vec<f64> {
    let mut top = 0.0;
    let mut middles = Vec::new();
    for (number, rank) in chains.ranks.iter().enumerate() {
        let height = rank.iter().map(|vertex| chains.vertices[*vertex].height).fold(0.0, f64::max);
        if number > 0 {
            let across = |vertex: &usize| {
                let moves = chains.above[*vertex].iter().map(|other| (x[*other] - x[*vertex]).abs());
                moves.fold(0.0, f64::max)
            };
            let furthest = rank.iter().map(across).fold(0.0, f64::max);
            top += (furthest * 0.16).clamp(RANK_GAP.0, RANK_GAP.1);
        }
        middles.push(top + height / 2.0);
        top += height;
    }
    middles
}
