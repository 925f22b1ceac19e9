//! SWOT: strengths, weaknesses, opportunities and threats, each line with its figure and where that comes from.

mod market;

use serde::{Deserialize, Serialize};

pub use self::market::{Market, MarketTotal};
use crate::error::{Error, ErrorKind, Result};
use crate::interval::{self, Confidence, Interval};
use crate::needs::NeedShift;

/// When a figure makes a line of a [`Swot`]: data with a version, so that a line can be told from the rule behind it.
///
/// The defaults are conventions of the trades and no laws of nature: set your own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SwotRules {
    /// Names the rules in results.
    pub version: String,
    /// Figures of fewer customers, cases or answers say nothing.
    pub evidence_min: u64,
    /// How sure a difference has to be to be told.
    pub confidence: Confidence,
    /// What own figures are judged against, by their names.
    pub thresholds: Vec<SwotThreshold>,
    /// From which percentage of the deals lost to competitors on one of them is a threat.
    pub lost_to_one_percent: f64,
    /// From which percentage of the people asked on a theme of research is an opportunity.
    pub research_theme_percent: f64,
}

/// What makes a figure a strength or a weakness; the greater of the two says whether more is better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwotThreshold {
    /// The figure's name.
    pub figure: String,
    /// From here on it is a strength.
    pub strong: f64,
    /// From here on, to the other side, it is a weakness.
    pub weak: f64,
}

/// Names of own figures that the default rules judge.
pub mod own_figure {
    /// The net promoter score, in points.
    pub const NPS: &str = "Net promoter score";
    /// Answers of 4 and 5 of 5, in percent.
    pub const CSAT: &str = "Satisfied customers";
    /// Promised deliveries that were on time, in percent.
    pub const ON_TIME: &str = "Promises kept";
    /// Buyers who bought more than once, in percent.
    pub const BOUGHT_AGAIN: &str = "Buyers who bought again";
    /// Buyers who have churned, in percent.
    pub const CHURNED: &str = "Buyers who have churned";
    /// Deals won of those won and lost, in percent.
    pub const WON: &str = "Deals won";
    /// Refunds in percent of revenue.
    pub const REFUNDED: &str = "Revenue refunded";
    /// What the tenth of the buyers who bring most bring, in percent of revenue.
    pub const TOP_TENTH: &str = "Revenue from the best tenth of buyers";
}

impl Default for SwotRules {
    fn default() -> Self {
        let threshold = |(figure, strong, weak): (&str, f64, f64)| SwotThreshold {
            figure: figure.to_owned(),
            strong,
            weak,
        };
        let thresholds = [
            (own_figure::NPS, 50.0, 0.0),
            (own_figure::CSAT, 80.0, 60.0),
            (own_figure::ON_TIME, 95.0, 85.0),
            (own_figure::BOUGHT_AGAIN, 40.0, 20.0),
            (own_figure::CHURNED, 20.0, 50.0),
            (own_figure::WON, 40.0, 20.0),
            (own_figure::REFUNDED, 2.0, 10.0),
            (own_figure::TOP_TENTH, 30.0, 60.0),
        ];
        Self {
            version: "default".to_owned(),
            evidence_min: 20,
            confidence: Confidence::P95,
            thresholds: thresholds.map(threshold).into(),
            lost_to_one_percent: 25.0,
            research_theme_percent: 10.0,
        }
    }
}

/// One of the business's own figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OwnFigure {
    /// What it is called, as the thresholds name it.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit, such as `%` or `points`.
    pub unit: String,
    /// Where that of all customers may lie, if it is estimated.
    pub interval: Option<Interval>,
    /// Of how many customers, cases or answers it is made.
    pub evidence: u64,
    /// Where it comes from: the measure, and the kinds of events behind it.
    pub source: String,
}

impl OwnFigure {
    /// A part of a whole in percent, with Wilson's interval; `None` where there is no whole.
    pub fn share(
        name: impl Into<String>,
        part: u64,
        whole: u64,
        confidence: Confidence,
        source: impl Into<String>,
    ) -> Option<Self> {
        let (value, interval) = (whole > 0).then(|| interval::share(part, whole, confidence))?;
        let (name, unit, interval) = (name.into(), "%".to_owned(), Some(interval));
        Some(Self { name, value, unit, interval, evidence: whole, source: source.into() })
    }
}

/// Strengths, weaknesses, opportunities and threats as of the instant of their figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Swot {
    /// The version of the rules.
    pub rules: String,
    /// Own figures that reach what makes a strength.
    pub strengths: Vec<SwotLine>,
    /// Own figures that reach what makes a weakness.
    pub weaknesses: Vec<SwotLine>,
    /// What comparisons, research and trends promise.
    pub opportunities: Vec<SwotLine>,
    /// What comparisons, lost deals and trends threaten.
    pub threats: Vec<SwotLine>,
    /// Own figures in between.
    pub neither: Vec<SwotLine>,
    /// Of what the log holds no evidence, or too little.
    pub missing: Vec<String>,
}

/// A line, with its figure and where that comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SwotLine {
    /// What it says.
    pub says: String,
    /// The figure.
    pub figure: f64,
    /// Its unit.
    pub unit: String,
    /// Where that of all customers may lie, if it is estimated.
    pub interval: Option<Interval>,
    /// Of how many customers, cases or answers it is made.
    pub evidence: u64,
    /// What it was compared with.
    pub against: String,
    /// Where it comes from.
    pub source: String,
}

impl SwotRules {
    /// Judges own figures, and what the log says of the market and of how needs have shifted.
    ///
    /// - An own figure is a strength or a weakness if it reaches the threshold; each is told in the order given.
    /// - A competitor, or a criterion, is a threat if more than half of the comparisons find the competitor better, and an
    ///   opportunity if more than half find us better, each beyond the interval of Wilson.
    /// - A competitor to whom a large share of the deals is lost is a threat.
    /// - A theme that many of the people asked in research name is an opportunity.
    /// - A need whose share has grown beyond the interval of Newcombe is an opportunity, one whose share has shrunk a threat.
    ///
    /// # Errors
    /// `InvalidParameter` if a threshold has no two sides.
    pub fn judge(&self, own: &[OwnFigure], market: &MarketTotal, shift: Option<&NeedShift>) -> Result<Swot> {
        let mut swot = Swot {
            rules: self.version.clone(),
            strengths: Vec::new(),
            weaknesses: Vec::new(),
            opportunities: Vec::new(),
            threats: Vec::new(),
            neither: Vec::new(),
            missing: Vec::new(),
        };
        for threshold in &self.thresholds {
            if threshold.strong == threshold.weak || !(threshold.strong - threshold.weak).is_finite() {
                let message = format_args!("the threshold of {:?} has no two sides", threshold.figure);
                return Err(Error::new(ErrorKind::InvalidParameter, message));
            }
            if own.iter().all(|figure| figure.name != threshold.figure) {
                swot.missing.push(format!("{}: the log holds no figure", threshold.figure));
            }
        }
        own.iter().for_each(|figure| self.judge_own(figure, &mut swot));
        self.judge_comparisons(market, &mut swot);
        self.judge_lost(market, &mut swot);
        self.judge_research(market, &mut swot);
        self.judge_needs(shift, &mut swot);
        Ok(swot)
    }

    fn judge_own(&self, figure: &OwnFigure, swot: &mut Swot) {
        if figure.evidence < self.evidence_min || !figure.value.is_finite() {
            swot.missing.push(self.too_few(&figure.name, figure.evidence));
            return;
        }
        let threshold = self.thresholds.iter().find(|threshold| threshold.figure == figure.name);
        let line = |against: String| SwotLine {
            says: figure.name.clone(),
            figure: figure.value,
            unit: figure.unit.clone(),
            interval: figure.interval,
            evidence: figure.evidence,
            against,
            source: figure.source.clone(),
        };
        let Some(SwotThreshold { strong, weak, .. }) = threshold else {
            swot.neither.push(line("no threshold".to_owned()));
            return;
        };
        let more_is_better = strong > weak;
        let reaches =
            |end: f64, upwards: bool| if upwards { figure.value >= end } else { figure.value <= end };
        let (to, unit) =
            (if more_is_better { ["at least", "at most"] } else { ["at most", "at least"] }, &figure.unit);
        if reaches(*strong, more_is_better) {
            swot.strengths.push(line(format!("{} {strong} {unit} is strong", to[0])));
        } else if reaches(*weak, !more_is_better) {
            swot.weaknesses.push(line(format!("{} {weak} {unit} is weak", to[1])));
        } else {
            swot.neither.push(line(format!("between {weak} {unit} (weak) and {strong} {unit} (strong)")));
        }
    }

    fn judge_comparisons(&self, market: &MarketTotal, swot: &mut Swot) {
        let [of_competitors, of_criteria] = market.comparisons();
        if of_competitors.is_empty() && of_criteria.is_empty() {
            swot.missing.push(
                "Competitors: the log holds no comparison_made that names one or a criterion".to_owned(),
            );
        }
        let sides = [("", "competitor", of_competitors), ("by ", "criterion", of_criteria)];
        for (by, what, rows) in sides {
            for (name, [better, equal, worse]) in rows {
                let all = better + equal + worse;
                if all < self.evidence_min {
                    swot.missing.push(self.too_few(&format!("Comparisons, {what} {name}"), all));
                    continue;
                }
                for (count, says, lines) in [
                    (worse, "the competitor is found better", &mut swot.threats),
                    (better, "we are found better", &mut swot.opportunities),
                ] {
                    let (value, interval) = interval::share(count, all, self.confidence);
                    if interval.low > 50.0 {
                        lines.push(SwotLine {
                            says: format!("{by}{name}: {says}"),
                            figure: value,
                            unit: "% of comparisons".to_owned(),
                            interval: Some(interval),
                            evidence: all,
                            against: "half of them, beyond the interval".to_owned(),
                            source: format!("comparison_made with {what} {name:?}"),
                        });
                    }
                }
            }
        }
    }

    fn judge_lost(&self, market: &MarketTotal, swot: &mut Swot) {
        let lost = market.lost_to();
        let all: u64 = lost.values().sum();
        if all < self.evidence_min {
            swot.missing.push(self.too_few("Deals lost to competitors (deal_lost that names one)", all));
            return;
        }
        for (competitor, deals) in lost {
            let (value, interval) = interval::share(deals, all, self.confidence);
            if value >= self.lost_to_one_percent {
                swot.threats.push(SwotLine {
                    says: format!("Deals are lost to {competitor}"),
                    figure: value,
                    unit: "% of deals lost to competitors".to_owned(),
                    interval: Some(interval),
                    evidence: all,
                    against: format!("at least {} % of them", self.lost_to_one_percent),
                    source: format!("deal_lost with competitor {competitor:?}"),
                });
            }
        }
    }

    fn judge_research(&self, market: &MarketTotal, swot: &mut Swot) {
        let (asked, themes) = market.research();
        if asked < self.evidence_min {
            swot.missing.push(self.too_few("Research (research_answered)", asked));
            return;
        }
        for (theme, people) in themes {
            let (value, interval) = interval::share(people, asked, self.confidence);
            if value >= self.research_theme_percent {
                swot.opportunities.push(SwotLine {
                    says: format!("People who were asked speak of {theme}"),
                    figure: value,
                    unit: "% of who was asked".to_owned(),
                    interval: Some(interval),
                    evidence: asked,
                    against: format!("at least {} % of them", self.research_theme_percent),
                    source: format!("research_answered with theme {theme:?}"),
                });
            }
        }
    }

    fn judge_needs(&self, shift: Option<&NeedShift>, swot: &mut Swot) {
        let Some(shift) = shift else {
            swot.missing
                .push("Trends: the log holds no two needs that are told of in both periods".to_owned());
            return;
        };
        let sides = [
            shift.needs.iter().map(|need| need.before).sum::<u64>(),
            shift.needs.iter().map(|need| need.after).sum::<u64>(),
        ];
        if sides[0].min(sides[1]) < self.evidence_min {
            swot.missing.push(self.too_few("Trends of needs, in the smaller period", sides[0].min(sides[1])));
            return;
        }
        for need in &shift.needs {
            let (value, interval) = interval::difference_of_shares(
                (need.after, sides[1]),
                (need.before, sides[0]),
                self.confidence,
            );
            let (says, lines) = match (interval.low > 0.0, interval.high < 0.0) {
                (true, _) => ("grows", &mut swot.opportunities),
                (_, true) => ("shrinks", &mut swot.threats),
                _ => continue,
            };
            lines.push(SwotLine {
                says: format!("The need for {} {says}", need.need),
                figure: value,
                unit: "points of the share of needs".to_owned(),
                interval: Some(interval),
                evidence: sides[0] + sides[1],
                against: format!("{:.1} % before, beyond the interval of the difference", need.share_before),
                source: format!("need_identified and need_detailed of {:?}, two periods compared", need.need),
            });
        }
    }

    fn too_few(&self, what: &str, evidence: u64) -> String {
        match evidence {
            0 => format!("{what}: the log holds none"),
            few => format!("{what}: {few} are too few to say, {} are needed", self.evidence_min),
        }
    }
}
