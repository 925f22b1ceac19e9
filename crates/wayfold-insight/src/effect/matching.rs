use std::collections::BTreeMap;

use serde::Serialize;
use wayfold_core::CustomerKey;

use super::nearest::Nearest;
use super::{CUSTOMERS_MIN, CustomerOutcome, Effect, EffectDifference, EffectGroup, by_normal, variance};
use crate::error::{Error, ErrorKind, Result};
use crate::interval::{self, Confidence};
use crate::numeric::chi_squared_above;

/// Finds for each treated customer another one who is alike, for where nobody was held out.
///
/// Partners agree in their class, which may be coarse, and are near each other in features: by the Euclidean distance of
/// features over their standard deviation, the root of the mean of both sides' variances. The nearest pair of all is made
/// first, then the nearest of who is left; of equally near ones the first by the bytes of the keys. Nobody is taken twice.
///
/// Customers may differ in what no feature says, so this shows less than a [`HoldOutGroup`](super::HoldOutGroup).
#[derive(Debug, Clone, PartialEq)]
pub struct Matching {
    features: Vec<String>,
    caliper: f64,
}

/// What is known of a customer as of the beginning of the enrolment.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchProfile {
    /// In what partners agree, such as lifecycle stage and tier.
    pub class: String,
    /// In what they are near each other, in the order of the names.
    pub features: Vec<f64>,
}

/// An effect on treated customers beside others like them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatchedEffect {
    /// The effect on those who have a partner: shares are compared by pairs with the interval of Bonett and Price (2012)
    /// and the test of McNemar (1947) without a correction, means by the differences of pairs.
    pub effect: Effect,
    /// Who was compared with whom: treated and other, by the keys of the treated.
    pub pairs: Vec<(CustomerKey, CustomerKey)>,
    /// Treated customers whom nobody is like; they are not compared.
    pub unmatched: Vec<CustomerKey>,
    /// How alike the sides are, by feature.
    pub balance: Vec<FeatureBalance>,
}

/// How alike treated customers and others are in a feature: the standardised difference of their means, treated less
/// others, over the standard deviation before the matching. Above 0.1 and below -0.1 is often called out of balance (Austin
/// 2009).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureBalance {
    /// The feature.
    pub feature: String,
    /// Of all; `None` if it does not vary.
    pub before: Option<f64>,
    /// Of pairs.
    pub after: Option<f64>,
}

struct Candidate<'a> {
    outcome: &'a CustomerOutcome,
    profile: MatchProfile,
}

impl Matching {
    /// Names the features.
    pub fn new<N: Into<String>>(features: impl IntoIterator<Item = N>) -> Self {
        Self { features: features.into_iter().map(Into::into).collect(), caliper: f64::INFINITY }
    }

    /// Makes no pair that is further apart than so many standard deviations. Default: any distance.
    #[must_use]
    pub fn with_caliper(self, caliper: f64) -> Self {
        Self { caliper, ..self }
    }

    /// Compares whom the treatment reached with others like them, each by its profile.
    ///
    /// Whose profile is `None` takes no part. With few features time grows a little faster than the number of customers; with
    /// many, or few who are near, up to the product of both sides.
    ///
    /// # Errors
    /// `InvalidParameter` if a profile has more or fewer features than there are names, one is not finite, or the caliper is
    /// not a number above zero; `TooLittleData` if there is no pair.
    pub fn effect(
        &self,
        outcomes: &[CustomerOutcome],
        profile: impl Fn(&CustomerKey) -> Option<MatchProfile>,
        confidence: Confidence,
    ) -> Result<MatchedEffect> {
        let refuse = |message: String| Err(Error::new(ErrorKind::InvalidParameter, message));
        if self.caliper.is_nan() || self.caliper <= 0.0 {
            return refuse(format!("a caliper of {}; it must be above zero", self.caliper));
        }
        let (mut treated, mut others) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            let Some(profile) = profile(&outcome.customer) else { continue };
            let (given, known) = (profile.features.len(), self.features.len());
            if given != known || profile.features.iter().any(|value| !value.is_finite()) {
                let (customer, values) = (&outcome.customer, &profile.features);
                return refuse(format!(
                    "customer {customer} has features {values:?}; {known} finite ones are named"
                ));
            }
            let side = if outcome.treated_at.is_some() { &mut treated } else { &mut others };
            side.push(Candidate { outcome, profile });
        }
        for side in [&mut treated, &mut others] {
            side.sort_by(|a, b| a.outcome.customer.cmp(&b.outcome.customer));
        }
        let deviations = self.deviations(&treated, &others);
        let partners = self.partners(&treated, &others, &deviations);
        let pairs: Vec<_> = treated
            .iter()
            .zip(&partners)
            .filter_map(|(of, partner)| Some((of, &others[(*partner)?])))
            .collect();
        let balance = self.balance(&treated, &others, &pairs, &deviations);
        let unmatched = treated.iter().zip(&partners).filter(|(_, partner)| partner.is_none());
        Ok(MatchedEffect {
            effect: paired(&pairs, confidence)?,
            pairs: pairs.iter().map(|(of, other)| (of.key(), other.key())).collect(),
            unmatched: unmatched.map(|(of, _)| of.key()).collect(),
            balance,
        })
    }

    /// The standard deviation of each feature; zero where it does not vary, or a side is too small to tell.
    fn deviations(&self, treated: &[Candidate<'_>], others: &[Candidate<'_>]) -> Vec<f64> {
        let deviation = |place: usize| {
            let of = |side: &[Candidate<'_>]| variance(&values(side.iter(), place)).unwrap_or(0.0);
            Some(f64::midpoint(of(treated), of(others)).sqrt()).filter(|of| of.is_finite()).unwrap_or(0.0)
        };
        (0..self.features.len()).map(deviation).collect()
    }

    /// The place of each treated customer's partner among the others.
    fn partners(
        &self,
        treated: &[Candidate<'_>],
        others: &[Candidate<'_>],
        deviations: &[f64],
    ) -> Vec<Option<usize>> {
        let mut classes: BTreeMap<&str, [Vec<usize>; 2]> = BTreeMap::new();
        for (side, candidates) in [treated, others].into_iter().enumerate() {
            for (place, candidate) in candidates.iter().enumerate() {
                classes.entry(&candidate.profile.class).or_default()[side].push(place);
            }
        }
        let mut partners = vec![None; treated.len()];
        for class in classes.values() {
            self.pair([treated, others], class, deviations, &mut partners);
        }
        partners
    }

    /// Pairs a class: whoever are the nearest to each other belong together, in whatever order they are found, as nobody can be
    /// nearer to either. From a treated customer to the nearest other one, from that to the nearest treated one and so on, pairs
    /// only get nearer, until there are two of them (Mamano et al. 2019, nearest-neighbour chains).
    fn pair(
        &self,
        sides: [&[Candidate<'_>]; 2],
        class: &[Vec<usize>; 2],
        deviations: &[f64],
        partners: &mut [Option<usize>],
    ) {
        let features = |side: usize, place: usize| sides[side][place].profile.features.as_slice();
        let tree = |side: usize| {
            Nearest::new(class[side].iter().map(|place| (*place, features(side, *place))), deviations)
        };
        let mut trees = [tree(0), tree(1)];
        // Treated customers and others by turns.
        let mut chain: Vec<usize> = Vec::new();
        for &start in &class[0] {
            while partners[start].is_none() {
                let last = *chain.last().unwrap_or(&start);
                if chain.is_empty() {
                    chain.push(start);
                }
                let side = (chain.len() - 1) % 2;
                let nearest = trees[1 - side].to(features(side, last));
                // Only the first can be left without: the others have one before them who is near enough.
                let Some((_, next)) = nearest.filter(|(distance, _)| distance.0 <= self.caliper) else {
                    break;
                };
                if chain.len() < 2 || chain[chain.len() - 2] != next {
                    chain.push(next);
                    continue;
                }
                chain.truncate(chain.len() - 2);
                let pair = if side == 0 { [last, next] } else { [next, last] };
                partners[pair[0]] = Some(pair[1]);
                (0..2).for_each(|side| trees[side].take(pair[side]));
            }
            if partners[start].is_none() {
                trees[0].take(start);
                chain.clear();
            }
        }
    }

    fn balance(
        &self,
        treated: &[Candidate<'_>],
        others: &[Candidate<'_>],
        pairs: &[(&Candidate<'_>, &Candidate<'_>)],
        deviations: &[f64],
    ) -> Vec<FeatureBalance> {
        let row = |(place, (feature, deviation)): (usize, (&String, &f64))| {
            let of = |own: Vec<f64>, other: Vec<f64>| {
                (*deviation > 0.0 && !own.is_empty()).then(|| (mean(&own) - mean(&other)) / deviation)
            };
            FeatureBalance {
                feature: feature.clone(),
                before: of(values(treated.iter(), place), values(others.iter(), place)),
                after: of(
                    values(pairs.iter().map(|pair| pair.0), place),
                    values(pairs.iter().map(|pair| pair.1), place),
                ),
            }
        };
        self.features.iter().zip(deviations).enumerate().map(row).collect()
    }
}

impl Candidate<'_> {
    fn key(&self) -> CustomerKey {
        self.outcome.customer.clone()
    }
}

fn values<'a>(side: impl Iterator<Item = &'a Candidate<'a>>, place: usize) -> Vec<f64> {
    side.map(|of| of.profile.features[place]).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The effect within pairs.
fn paired(pairs: &[(&Candidate<'_>, &Candidate<'_>)], confidence: Confidence) -> Result<Effect> {
    let side = |of: fn(&(&Candidate<'_>, &Candidate<'_>)) -> CustomerOutcome| -> Vec<CustomerOutcome> {
        pairs.iter().map(of).collect()
    };
    let treated = EffectGroup::of(&side(|pair| pair.0.outcome.clone()), confidence)?;
    let others = EffectGroup::of(&side(|pair| pair.1.outcome.clone()), confidence)?;
    let bought = |pair: &(&Candidate<'_>, &Candidate<'_>)| {
        (pair.0.outcome.purchases > 0, pair.1.outcome.purchases > 0)
    };
    let up = pairs.iter().filter(|pair| bought(pair) == (true, false)).count() as u64;
    let down = pairs.iter().filter(|pair| bought(pair) == (false, true)).count() as u64;
    let (value, interval) = interval::difference(up, down, pairs.len() as u64, confidence);
    let apart = (up + down) as f64;
    let difference = up as f64 - down as f64;
    let conversion = EffectDifference {
        value,
        interval,
        p_value: (apart > 0.0).then(|| chi_squared_above(difference * difference / apart, 1)),
        is_rough: apart < 10.0,
    };
    let net = |outcome: &CustomerOutcome| outcome.net.as_ten_thousandths() as f64 / 10_000.0;
    let differences: Vec<f64> =
        pairs.iter().map(|(of, other)| net(of.outcome) - net(other.outcome)).collect();
    let error = variance(&differences).map(|variance| variance / differences.len() as f64);
    let is_rough = pairs.len() < CUSTOMERS_MIN;
    let money = by_normal(mean(&differences), error, is_rough, confidence);
    Ok(Effect { treated, others, conversion, money })
}
