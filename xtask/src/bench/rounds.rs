//! Rounds in which every contender runs once, and what they say together.

use anyhow::{Result, ensure};

use super::process::{Contender, Reference, Run, Who};

/// The runs of each contender, one a round.
#[derive(Debug)]
pub(super) struct Rounds(Vec<(Who, Vec<Run>)>);

impl Rounds {
    /// Runs the rounds after one that does not count.
    ///
    /// Everybody has to give the same figures, the published ones where there are any, and who hashes states, the states
    /// of the reference.
    pub(super) fn run(contenders: &[Contender], pairs: usize, reference: &Reference) -> Result<Self> {
        let mut runs: Vec<(Who, Vec<Run>)> =
            contenders.iter().map(|contender| (contender.who.clone(), Vec::new())).collect();
        let mut figures = reference.check.clone();
        for round in 0..=pairs {
            eprintln!("round {round} of {pairs}{}", if round == 0 { ", which does not count" } else { "" });
            for (contender, (who, runs)) in contenders.iter().zip(&mut runs) {
                let run = contender.run()?;
                let figures = figures.get_or_insert_with(|| run.check.clone());
                ensure!(run.check == *figures, "{who:?} says {:?}, others {figures:?}", run.check);
                let hash = run.export_crc32;
                ensure!(
                    hash.is_none() || hash == reference.export_crc32,
                    "{who:?} has other states than one fold"
                );
                if round > 0 {
                    runs.push(run);
                }
            }
        }
        Ok(Self(runs))
    }

    /// The median of a measure; `None` if there are no such runs.
    pub(super) fn median(&self, who: &Who, measure: impl Fn(&Run) -> f64) -> Option<f64> {
        median(self.of(who)?.iter().map(measure).collect())
    }

    /// The median over the rounds of how many times the first has the measure of the second.
    pub(super) fn ratio(&self, first: &Who, second: &Who, measure: impl Fn(&Run) -> f64) -> Option<f64> {
        let pairs = self.of(first)?.iter().zip(self.of(second)?);
        median(pairs.map(|(first, second)| measure(first) / measure(second)).collect())
    }

    fn of(&self, who: &Who) -> Option<&[Run]> {
        self.0.iter().find(|(known, _)| known == who).map(|(_, runs)| runs.as_slice())
    }
}

pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        even if even % 2 == 0 => Some(f64::midpoint(values[middle - 1], values[middle])),
        _ => Some(values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_the_median_of_pairs_and_not_the_ratio_of_medians() {
        let run = |seconds| Run { seconds, peak_rss_kib: 0, check: vec![], export_crc32: None };
        let (ours, peer) = (Who::Ours { state: "fresh", threads: 2 }, Who::Peer("peer"));
        let rounds = Rounds(vec![
            (ours.clone(), [1.0, 2.0, 4.0].map(run).to_vec()),
            (peer.clone(), [6.0, 2.0, 8.0].map(run).to_vec()),
        ]);
        assert_eq!(rounds.median(&ours, |run| run.seconds), Some(2.0));
        assert_eq!(rounds.ratio(&peer, &ours, |run| run.seconds), Some(2.0));
        assert_eq!(rounds.ratio(&Who::Peer("absent"), &ours, |run| run.seconds), None);
    }

    #[test]
    fn an_even_count_has_its_median_between_the_two_in_the_middle() {
        assert_eq!(median(vec![4.0, 1.0, 2.0, 9.0]), Some(3.0));
        assert_eq!(median(vec![]), None);
    }
}
