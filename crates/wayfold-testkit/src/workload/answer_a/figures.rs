//! The figures by which answers of different engines are compared.

use super::{Answer, Quintiles};

/// Sums over answer A that every engine must agree on before its time counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckFigures {
    /// Customers with an event.
    pub customers: u64,
    /// Orders.
    pub orders: u64,
    /// Revenue in minor units.
    pub revenue_minor: i64,
    /// Customers by stage, in the order of [`Stage`](super::Stage).
    pub stages: [u64; 5],
    /// Open tickets.
    pub open_tickets: u64,
    /// Promoters less detractors.
    pub nps_sum: i64,
    /// Revenue of the best quintile of buyers by revenue.
    pub top_quintile_revenue_minor: i64,
}

impl CheckFigures {
    /// Sums the answers up, with the quintiles of the same customers.
    pub fn of<'a>(answers: impl Iterator<Item = &'a Answer>, quintiles: &[Option<Quintiles>]) -> Self {
        let answers: Vec<_> = answers.collect();
        let each = || answers.iter().copied();
        let mut stages = [0; 5];
        each().for_each(|answer| stages[answer.stage as usize] += 1);
        let best = each().zip(quintiles).filter(|(_, of)| of.is_some_and(|of| of.revenue == 5));
        Self {
            customers: answers.len() as u64,
            orders: each().map(|answer| u64::from(answer.orders)).sum(),
            revenue_minor: each().map(|answer| answer.revenue_minor).sum(),
            stages,
            open_tickets: each().map(|answer| u64::from(answer.open_tickets)).sum(),
            nps_sum: each().map(|answer| i64::from(answer.nps_sum)).sum(),
            top_quintile_revenue_minor: best.map(|(answer, _)| answer.revenue_minor).sum(),
        }
    }

    /// The published figures of so many events; `None` if there are none.
    pub fn published(events: u64) -> Option<Self> {
        match events {
            1_000_000 => Some(Self {
                customers: 49_917,
                orders: 105_308,
                revenue_minor: 1_631_708_693,
                stages: [17_850, 3_713, 6_521, 3_519, 18_314],
                open_tickets: 25_553,
                nps_sum: -16_840,
                top_quintile_revenue_minor: 1_083_474_310,
            }),
            10_000_000 => Some(Self {
                customers: 498_971,
                orders: 1_051_043,
                revenue_minor: 16_279_934_346,
                stages: [190_121, 36_901, 61_658, 31_863, 178_428],
                open_tickets: 248_965,
                nps_sum: -169_316,
                top_quintile_revenue_minor: 11_104_743_704,
            }),
            _ => None,
        }
    }

    /// All figures in the order in which other engines print theirs.
    pub fn as_row(&self) -> [i64; 11] {
        let [prospect, first, repeat, loyal, churned] = self.stages.map(|count| count as i64);
        [
            self.customers as i64,
            self.orders as i64,
            self.revenue_minor,
            prospect,
            first,
            repeat,
            loyal,
            churned,
            self.open_tickets as i64,
            self.nps_sum,
            self.top_quintile_revenue_minor,
        ]
    }
}
