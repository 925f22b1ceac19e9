//! Crossings: sweeps down and up put each vertex at the mean place of its neighbours, neighbours that would cross less
//! the other way round are exchanged, and the best order stays.

use super::chains::Chains;

/// Few graphs become better after so many sweeps.
const SWEEPS: usize = 24;
/// Rounds of exchanges after a sweep.
const EXCHANGES: usize = 8;

pub(super) fn reduce_crossings(chains: &mut Chains) {
    let mut best = (crossings(chains), chains.ranks.clone());
    for sweep in 0..SWEEPS {
        if best.0 == 0 {
            break;
        }
        sort_ranks(chains, sweep % 2 == 0);
        for _ in 0..EXCHANGES {
            if !exchange(chains) {
                break;
            }
        }
        let found = crossings(chains);
        if found < best.0 {
            best = (found, chains.ranks.clone());
        }
    }
    chains.ranks = best.1;
}

/// How many pairs of links cross.
pub(super) fn crossings(chains: &Chains) -> usize {
    let places = places(chains);
    let of_rank = |rank: &Vec<usize>| {
        let links = rank.iter().flat_map(|vertex| {
            let mut below: Vec<_> = chains.below[*vertex].iter().map(|other| places[*other]).collect();
            below.sort_unstable();
            below
        });
        let links: Vec<usize> = links.collect();
        let crossed =
            |(number, place): (usize, &usize)| links[..number].iter().filter(|other| *other > place).count();
        links.iter().enumerate().map(crossed).sum::<usize>()
    };
    chains.ranks.iter().map(of_rank).sum()
}

/// The place of each vertex in its rank.
fn places(chains: &Chains) -> Vec<usize> {
    let mut places = vec![0; chains.vertices.len()];
    for rank in &chains.ranks {
        rank.iter().enumerate().for_each(|(place, vertex)| places[*vertex] = place);
    }
    places
}

/// Sorts each rank by the mean place of the neighbours in the rank before; who has none stays at its place.
fn sort_ranks(chains: &mut Chains, downwards: bool) {
    let mut places = places(chains);
    let count = chains.ranks.len();
    for number in 1..count {
        let number = if downwards { number } else { count - 1 - number };
        let neighbours = if downwards { &chains.above } else { &chains.below };
        let mut rank: Vec<(f64, usize)> = chains.ranks[number]
            .iter()
            .map(|vertex| {
                let of_vertex = &neighbours[*vertex];
                let sum: usize = of_vertex.iter().map(|other| places[*other]).sum();
                let mean = sum as f64 / of_vertex.len() as f64;
                (if of_vertex.is_empty() { places[*vertex] as f64 } else { mean }, *vertex)
            })
            .collect();
        rank.sort_by(|a, b| a.0.total_cmp(&b.0));
        chains.ranks[number] = rank.into_iter().map(|(_, vertex)| vertex).collect();
        chains.ranks[number].iter().enumerate().for_each(|(place, vertex)| places[*vertex] = place);
    }
}

/// Exchanges neighbours where that takes crossings away, and says whether it did.
fn exchange(chains: &mut Chains) -> bool {
    let mut places = places(chains);
    let mut better = false;
    for number in 0..chains.ranks.len() {
        for place in 1..chains.ranks[number].len() {
            let (left, right) = (chains.ranks[number][place - 1], chains.ranks[number][place]);
            let crossed = |left: usize, right: usize| {
                let pairs = |of: &Vec<Vec<usize>>| {
                    let rights = |a: &usize| of[right].iter().filter(|b| places[**b] < places[*a]).count();
                    of[left].iter().map(rights).sum::<usize>()
                };
                pairs(&chains.above) + pairs(&chains.below)
            };
            if crossed(right, left) < crossed(left, right) {
                chains.ranks[number].swap(place - 1, place);
                (places[left], places[right]) = (place, place - 1);
                better = true;
            }
        }
    }
    better
}
