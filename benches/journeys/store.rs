//! Measures of a closed store. The seconds go from opening the file to the figures in memory.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use wayfold::insight::{AttributionModel, Confidence, Measure};
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{Timestamp, measure_alone};
use wayfold_benches::peak_rss_kib;

use crate::Result;
use crate::questions::{self, Others, Question};

/// How many next steps and ways of paths are told.
const WAYS: usize = 50;

/// A store for reading alone, and how it is asked.
struct Opened {
    store: SqliteStore,
    as_of: Timestamp,
    threads: usize,
}

impl Opened {
    fn measure<M: Measure>(&self, measure: &M) -> Result<M::Total> {
        Ok(pollster::block_on(measure_alone(&self.store, measure, self.as_of, self.threads))?)
    }
}

pub(crate) fn measure(question: Question, threads: usize, as_of_us: i64, file: &Path) -> Result<Value> {
    let start = Instant::now();
    let as_of = Timestamp::from_micros(as_of_us)?;
    let store = SqliteStore::open_read_only(file, SqliteConfig::default())?;
    let opened = Opened { store, as_of, threads };
    let check = match question {
        Question::Graph => {
            let graph = questions::graph();
            questions::graph_figures(&graph.report(&opened.measure(&graph)?))
        }
        Question::Funnel => {
            let funnel = questions::funnel()?;
            questions::funnel_figures(&funnel, &opened.measure(&funnel)?)
        }
        Question::Retention => {
            let retention = questions::retention();
            questions::retention_figures(&retention, &opened.measure(&retention)?)
        }
        Question::Once => once(&opened)?,
        Question::Each => each(&opened)?,
    };
    let seconds = start.elapsed().as_secs_f64();
    Ok(json!({ "seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": check }))
}

/// Ten measures in one pass.
fn once(opened: &Opened) -> Result<Vec<i64>> {
    let (map, funnel, retention) = (questions::map(), questions::funnel()?, questions::retention());
    let others = Others::new()?;
    let Others { variants, lifecycle, paths, stages, attribution, profile, journey } = &others;
    let left = (((&map, &funnel), &retention), (variants, lifecycle));
    let right = ((paths, stages), (attribution, (profile, journey)));
    let (
        (((map_total, funnel_total), retention_total), (variants_total, lifecycle_total)),
        ((paths_total, stages_total), (attribution_total, (profile_total, journey_total))),
    ) = opened.measure(&(left, right))?;
    let mut check = questions::map_figures(&map.report(&map_total));
    check.extend(questions::funnel_figures(&funnel, &funnel_total));
    check.extend(questions::retention_figures(&retention, &retention_total));
    check.push(variants.report(&variants_total).variants.len() as i64);
    check.push(
        lifecycle_total
            .buckets()
            .map_or(0, |buckets| lifecycle.report(&lifecycle_total, buckets).buckets.len() as i64),
    );
    check.push(paths.report(&paths_total, WAYS).sessions as i64);
    check.push(stages.report(&stages_total).len() as i64);
    check.push(attribution.report(&attribution_total, &AttributionModel::Linear).conversions as i64);
    check.push(profile.report(&profile_total).pairs.iter().map(|pair| pair.count as i64).sum());
    let cells = journey.report(&journey_total, Confidence::P95)?.cells;
    check.push(cells.iter().map(|cell| cell.contacts as i64).sum());
    Ok(check)
}

/// The same, each in a pass of its own, which decodes what it looks at.
fn each(opened: &Opened) -> Result<Vec<i64>> {
    let (funnel, retention, others) = (questions::funnel()?, questions::retention(), Others::new()?);
    let Others { variants, lifecycle, paths, stages, attribution, profile, journey } = &others;
    let map = questions::map();
    let mut check = questions::map_figures(&map.report(&opened.measure(&map)?));
    check.extend(questions::funnel_figures(&funnel, &opened.measure(&funnel)?));
    check.extend(questions::retention_figures(&retention, &opened.measure(&retention)?));
    check.push(variants.report(&opened.measure(variants)?).variants.len() as i64);
    let total = opened.measure(lifecycle)?;
    check.push(total.buckets().map_or(0, |buckets| lifecycle.report(&total, buckets).buckets.len() as i64));
    check.push(paths.report(&opened.measure(paths)?, WAYS).sessions as i64);
    check.push(stages.report(&opened.measure(stages)?).len() as i64);
    check.push(
        attribution.report(&opened.measure(attribution)?, &AttributionModel::Linear).conversions as i64,
    );
    check.push(profile.report(&opened.measure(profile)?).pairs.iter().map(|pair| pair.count as i64).sum());
    let cells = journey.report(&opened.measure(journey)?, Confidence::P95)?.cells;
    check.push(cells.iter().map(|cell| cell.contacts as i64).sum());
    Ok(check)
}
