//! The models: how a path's conversions are shared among its channels.

use std::collections::{BTreeMap, BTreeSet};

use super::{AttributionTotal, PathTotal, WHOLE};
use crate::error::{Error, ErrorKind, Result};

/// How conversions are shared among the channels that were touched before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributionModel {
    /// The first touch has it all.
    First,
    /// The last touch has it all.
    Last,
    /// The last touch of another channel than the direct one has it all; the direct one where there is no other.
    LastNonDirect {
        /// What the direct channel is called.
        direct: String,
    },
    /// Each touch has as much.
    Linear,
    /// The first and the last touch have 40 % each, those between share the rest; of two each has half.
    Position,
    /// A touch has half as much as one that is a half-life younger.
    TimeDecay,
    /// A channel has as much as conversions would be lost without it, in a Markov chain of the first order over paths with
    /// and without conversion, after Anderl and others, "Mapping the customer journey" (2016). It is solved, not
    /// simulated.
    Markov,
    /// A channel has its Shapley value, where channels together are worth the conversions of the paths that touch no
    /// others.
    Shapley,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Credit {
    pub(super) conversions: f64,
    pub(super) ten_thousandths: f64,
}

pub(super) fn credits(total: &AttributionTotal, model: &AttributionModel) -> BTreeMap<u32, Credit> {
    match model {
        AttributionModel::TimeDecay => {
            let credit = |(conversions, value): (i128, i128)| Credit {
                conversions: conversions as f64 / WHOLE as f64,
                ten_thousandths: value as f64,
            };
            let decayed = (0..).zip(&total.decayed).filter(|(_, (conversions, _))| *conversions != 0);
            decayed.map(|(channel, parts)| (channel, credit(*parts))).collect()
        }
        AttributionModel::Markov => markov(&in_order(total)),
        model => {
            let direct = |channel: u32| matches!(model, AttributionModel::LastNonDirect { direct } if total.steps.name(channel) == direct);
            let mut credits: BTreeMap<u32, Credit> = BTreeMap::new();
            for (path, counts) in in_order(total).into_iter().filter(|(_, counts)| counts.converted > 0) {
                for (channel, share) in shares(model, path, &direct) {
                    let credit = credits.entry(channel).or_default();
                    credit.conversions += share * counts.converted as f64;
                    credit.ten_thousandths += share * counts.value as f64;
                }
            }
            credits
        }
    }
}

/// The paths in an order that does not depend on how they came, so that sums have equal bits.
fn in_order(total: &AttributionTotal) -> Vec<(&[u32], PathTotal)> {
    let paths = total.paths.iter().filter(|(_, counts)| counts.converted != 0 || counts.lost != 0);
    let sorted = total.steps.names.sorted(paths.map(|(path, counts)| ((), &path[..], *counts)));
    sorted.map(|((), path, counts)| (path, counts)).collect()
}

/// The channels of a path with what each is owed of a conversion.
fn shares(model: &AttributionModel, path: &[u32], direct: &dyn Fn(u32) -> bool) -> Vec<(u32, f64)> {
    let (Some(first), Some(last)) = (path.first(), path.last()) else { return Vec::new() };
    let equally = |channels: &[u32]| -> Vec<(u32, f64)> {
        channels.iter().map(|channel| (*channel, 1.0 / channels.len() as f64)).collect()
    };
    match model {
        AttributionModel::First => vec![(*first, 1.0)],
        AttributionModel::LastNonDirect { .. } => {
            let found = path.iter().rev().find(|channel| !direct(**channel));
            vec![(*found.unwrap_or(last), 1.0)]
        }
        AttributionModel::Linear => equally(path),
        AttributionModel::Position => match path {
            [] | [_] | [_, _] => equally(path),
            [first, between @ .., last] => {
                let middle = between.iter().map(|channel| (*channel, 0.2 / between.len() as f64));
                [(*first, 0.4), (*last, 0.4)].into_iter().chain(middle).collect()
            }
        },
        // A game in which a set of channels converts only together gives each of them as much.
        AttributionModel::Shapley => {
            equally(&path.iter().copied().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>())
        }
        AttributionModel::Last | AttributionModel::TimeDecay | AttributionModel::Markov => vec![(*last, 1.0)],
    }
}

/// Where a path stands.
const START: usize = 0;

/// How often paths go from one place to another; places are the start and the channels behind it.
struct Chain {
    channels: Vec<u32>,
    steps: Vec<Vec<f64>>,
    converts: Vec<f64>,
    all: Vec<f64>,
}

impl Chain {
    fn new(paths: &[(&[u32], PathTotal)]) -> Self {
        let mut channels: Vec<u32> = Vec::new();
        for channel in paths.iter().flat_map(|(path, _)| *path) {
            if !channels.contains(channel) {
                channels.push(*channel);
            }
        }
        let places = channels.len() + 1;
        let mut chain = Self {
            channels,
            steps: vec![vec![0.0; places]; places],
            converts: vec![0.0; places],
            all: vec![0.0; places],
        };
        for (path, counts) in paths {
            let often = (counts.converted + counts.lost) as f64;
            let mut place = START;
            for channel in *path {
                let next = 1 + chain.channels.iter().position(|known| known == channel).unwrap_or_default();
                chain.steps[place][next] += often;
                chain.all[place] += often;
                place = next;
            }
            chain.converts[place] += counts.converted as f64;
            chain.all[place] += often;
        }
        chain
    }

    /// How likely a path converts if what goes to a place is lost.
    fn conversion_without(&self, lost: Option<usize>) -> f64 {
        let places = self.all.len();
        let share =
            |count: f64, place: usize| if self.all[place] > 0.0 { count / self.all[place] } else { 0.0 };
        let mut rows: Vec<Vec<f64>> = (0..places)
            .map(|from| {
                let to = |to: usize| if Some(to) == lost { 0.0 } else { share(self.steps[from][to], from) };
                let row = (0..places).map(|place| f64::from(u8::from(from == place)) - to(place));
                row.chain([share(self.converts[from], from)]).collect()
            })
            .collect();
        solve(&mut rows);
        rows[START].last().copied().unwrap_or_default()
    }
}

/// Solves a system of equations, each with its right side behind it, by elimination: each row's right side is then the
/// value of its unknown. Rows that say nothing give 0.
fn solve(rows: &mut [Vec<f64>]) {
    let size = rows.len();
    for place in 0..size {
        let largest = (place..size).max_by(|a, b| rows[*a][place].abs().total_cmp(&rows[*b][place].abs()));
        rows.swap(place, largest.unwrap_or(place));
        let pivot = rows[place].clone();
        if pivot[place] == 0.0 {
            continue;
        }
        rows[place].iter_mut().for_each(|value| *value /= pivot[place]);
        let pivot = rows[place].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(other, _)| *other != place) {
            let factor = row[place];
            row.iter_mut().zip(&pivot).for_each(|(value, of)| *value -= factor * of);
        }
    }
}

fn markov(paths: &[(&[u32], PathTotal)]) -> BTreeMap<u32, Credit> {
    let chain = Chain::new(paths);
    let all = chain.conversion_without(None);
    if all <= 0.0 {
        return BTreeMap::new();
    }
    let effect = |place: usize| 1.0 - chain.conversion_without(Some(place)) / all;
    let effects: Vec<f64> = (1..=chain.channels.len()).map(effect).collect();
    let sum: f64 = effects.iter().sum();
    let conversions: i64 = paths.iter().map(|(_, counts)| counts.converted).sum();
    let value: i128 = paths.iter().map(|(_, counts)| counts.value).sum();
    let credit = |effect: f64| Credit {
        conversions: effect / sum * conversions as f64,
        ten_thousandths: effect / sum * value as f64,
    };
    chain.channels.iter().zip(effects).map(|(channel, effect)| (*channel, credit(effect))).collect()
}

/// The Shapley values of players whose every coalition has a stated worth: at place *n* that of the coalition of the
/// players whose bits are set in *n*, so 2 to the power of their number, with 0 for nobody first.
///
/// After Shapley, "A value for n-person games" (1953): exact, by the dividends of Harsanyi.
///
/// ```
/// // Alone 7, 6 and 4; together 15, 7, 9; all three 19.
/// let values = wayfold_insight::shapley(&[0.0, 7.0, 6.0, 15.0, 4.0, 7.0, 9.0, 19.0])?;
/// assert_eq!(values.iter().map(|value| (value * 6.0).round()).collect::<Vec<_>>(), [46.0, 49.0, 19.0]);
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` if there is not a worth for each coalition of 1 to 20 players, or that of nobody is not 0.
pub fn shapley(worth: &[f64]) -> Result<Vec<f64>> {
    let players = worth.len().checked_ilog2().unwrap_or_default() as usize;
    if !worth.len().is_power_of_two() || !(1..=20).contains(&players) || worth[0] != 0.0 {
        let message = "Shapley values need the worth of each coalition of 1 to 20 players, and 0 for nobody";
        return Err(Error::new(ErrorKind::InvalidParameter, message));
    }
    let mut dividends = worth.to_vec();
    for player in 0..players {
        for coalition in (0..worth.len()).filter(|coalition| coalition & (1 << player) != 0) {
            dividends[coalition] -= dividends[coalition ^ (1 << player)];
        }
    }
    let of_player = |player: usize| {
        let own = (1..worth.len()).filter(|coalition| coalition & (1 << player) != 0);
        own.map(|coalition| dividends[coalition] / f64::from(coalition.count_ones())).sum()
    };
    Ok((0..players).map(of_player).collect())
}
