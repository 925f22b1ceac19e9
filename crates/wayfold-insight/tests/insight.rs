//! Tests of the models and measures through their public interface.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::excessive_precision, reason = "numbers stand as their sources give them")]
#![allow(clippy::disallowed_methods, reason = "what is expected need not have equal bits everywhere")]

#[path = "insight/accounts.rs"]
mod accounts;
#[path = "insight/analytics.rs"]
mod analytics;
#[path = "insight/arriving.rs"]
mod arriving;
#[path = "insight/campaigns.rs"]
mod campaigns;
#[path = "insight/care.rs"]
mod care;
#[path = "insight/cdnow.rs"]
mod cdnow;
#[path = "insight/clock_changes.rs"]
mod clock_changes;
#[path = "insight/comparing.rs"]
mod comparing;
#[path = "insight/conforming.rs"]
mod conforming;
#[path = "insight/effect.rs"]
mod effect;
#[path = "insight/feedback.rs"]
mod feedback;
#[path = "insight/goals.rs"]
mod goals;
#[path = "insight/holdout.rs"]
mod holdout;
#[path = "insight/journey_map.rs"]
mod journey_map;
#[path = "insight/kept.rs"]
mod kept;
#[path = "insight/kmeans.rs"]
mod kmeans;
#[path = "insight/laws.rs"]
mod laws;
#[path = "insight/leaving.rs"]
mod leaving;
#[path = "insight/made.rs"]
mod made;
#[path = "insight/measures.rs"]
mod measures;
#[path = "insight/norms.rs"]
mod norms;
#[path = "insight/paths.rs"]
mod paths;
#[path = "insight/pipeline.rs"]
mod pipeline;
#[path = "insight/playbooks.rs"]
mod playbooks;
#[path = "insight/points.rs"]
mod points;
#[path = "insight/prices.rs"]
mod prices;
#[path = "insight/promises.rs"]
mod promises;
#[path = "insight/rates.rs"]
mod rates;
#[path = "insight/recommending.rs"]
mod recommending;
#[path = "insight/refused.rs"]
mod refused;
#[path = "insight/regression.rs"]
mod regression;
#[path = "insight/researching.rs"]
mod researching;
#[path = "insight/restored.rs"]
mod restored;
#[path = "insight/rules.rs"]
mod rules;
#[path = "insight/simulated.rs"]
mod simulated;
#[path = "insight/stages.rs"]
mod stages;
#[path = "insight/standings.rs"]
mod standings;
#[path = "insight/support.rs"]
mod support;
#[path = "insight/swot.rs"]
mod swot;
#[path = "insight/tiers.rs"]
mod tiers;
#[path = "insight/ties.rs"]
mod ties;
#[path = "insight/watching.rs"]
mod watching;
