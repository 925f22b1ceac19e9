use serde::Serialize;

/// How well an order of customers puts those who bought before those who did not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranking {
    /// The probability that of two customers, one who bought and one who did not, the former stands first; equal scores
    /// count half. One half is what chance gives.
    pub auc: f64,
    /// For the first tenth of the customers, the first two tenths and so on to all: the share of buyers among them
    /// divided by the share of buyers among all. Of customers with equal scores, on whom a border falls, a share counts.
    pub lift: [f64; 10],
}

impl Ranking {
    /// Takes scores, whether customers bought, and how many customers; both kinds are there.
    pub(super) fn of(mut scored: Vec<(f64, bool, u64)>) -> Self {
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let groups: Vec<Group> = scored.chunk_by(|a, b| a.0 == b.0).map(Group::of).collect();
        Self { auc: auc(&groups), lift: lift(&groups) }
    }
}

/// Customers of one score.
struct Group {
    bought: u64,
    not: u64,
}

impl Group {
    fn of(scored: &[(f64, bool, u64)]) -> Self {
        let count =
            |kind| scored.iter().filter(|(_, bought, _)| *bought == kind).map(|(_, _, count)| count).sum();
        Self { bought: count(true), not: count(false) }
    }
}

/// Pairs are counted as whole numbers, so that only the last division rounds.
fn auc(groups: &[Group]) -> f64 {
    let (mut half_pairs, mut buyers, mut others) = (0_u128, 0_u128, 0_u128);
    for Group { bought, not } in groups {
        let (bought, not) = (u128::from(*bought), u128::from(*not));
        half_pairs += 2 * buyers * not + bought * not;
        buyers += bought;
        others += not;
    }
    half_pairs as f64 / (2 * buyers * others) as f64
}

fn lift(groups: &[Group]) -> [f64; 10] {
    let buyers: u64 = groups.iter().map(|group| group.bought).sum();
    let all = buyers + groups.iter().map(|group| group.not).sum::<u64>();
    std::array::from_fn(|tenth| {
        let mut room = all as f64 * (tenth + 1) as f64 / 10.0;
        let mut reached = 0.0;
        for Group { bought, not } in groups {
            let share = (room / (bought + not) as f64).min(1.0);
            reached += share * *bought as f64;
            room -= share * (bought + not) as f64;
        }
        reached / buyers as f64 / ((tenth + 1) as f64 / 10.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_and_ties_count_half() {
        // Scores 3+ 2+ 2- 1-: three of four pairs stand right, the tie counts half.
        let scored = vec![(2.0, false, 1), (3.0, true, 1), (1.0, false, 1), (2.0, true, 1)];
        assert_eq!(Ranking::of(scored).auc, 0.875);
        let useless = vec![(1.0, true, 3), (1.0, false, 5)];
        let Ranking { auc, lift } = Ranking::of(useless);
        assert_eq!(auc, 0.5);
        assert!(lift.iter().all(|lift| (lift - 1.0).abs() < 1e-12), "{lift:?}");
    }

    #[test]
    fn lift_compares_the_first_with_all() {
        // Of ten customers the two who bought stand first.
        let scored = vec![(9.0, true, 2), (1.0, false, 8)];
        let Ranking { auc, lift } = Ranking::of(scored);
        assert_eq!(auc, 1.0);
        let expected = [5.0, 5.0, 10.0 / 3.0, 2.5, 2.0, 5.0 / 3.0, 10.0 / 7.0, 1.25, 10.0 / 9.0, 1.0];
        lift.iter().zip(expected).for_each(|(lift, expected)| assert!((lift - expected).abs() < 1e-12));
    }

    #[test]
    fn a_weight_is_so_many_customers() {
        let single = vec![(2.0, true, 1), (2.0, true, 1), (1.0, false, 1), (1.0, false, 1), (3.0, false, 1)];
        let weighed = vec![(1.0, false, 2), (3.0, false, 1), (2.0, true, 2)];
        assert_eq!(Ranking::of(single), Ranking::of(weighed));
    }
}
