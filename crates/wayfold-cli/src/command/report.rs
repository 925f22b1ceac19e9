use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use wayfold::Span;
use wayfold::insight::{IntendedPath, Rule, SwotRules};
use wayfold_report::Report;

use crate::actions::Actions;
use crate::ask::{AskArguments, currency_of, parse_time, parse_zone};
use crate::command::campaigns::read_costs;
use crate::command::care::read_calendar;
use crate::command::goals::GoalFile;
use crate::command::map::By;
use crate::command::next::read_playbooks;
use crate::command::norms::read_norms;
use crate::failure::{exists, usage};
use crate::file::read_toml;
use crate::kinds::event_tests;
use crate::output::Output;
use crate::progress;
use crate::reporting::{Folded, Plan};
use crate::words::{count, many};

/// Writes the report: one HTML file with all that the log says about customers, which needs nothing from elsewhere.
#[derive(Debug, Args)]
pub(crate) struct ReportCommand {
    /// The file; nothing is overwritten unless --force is given
    #[arg(value_name = "FILE", default_value = "report.html")]
    file: PathBuf,
    /// Overwrites the file
    #[arg(long)]
    force: bool,
    /// The title
    #[arg(long, default_value = "Customers")]
    title: String,
    /// The customers that have a page each [default: the most valuable]
    #[arg(long, value_name = "CUSTOMER", value_delimiter = ',')]
    customers: Vec<String>,
    /// The steps of the funnel [default: the five stages of a journey]
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    funnel: Vec<String>,
    /// How long a customer may take for the funnel
    #[arg(long, value_name = "SPAN", default_value = "90 days")]
    within: String,
    /// Which events belong together in the process map
    #[arg(long, value_enum, default_value = "customer")]
    cases: By,
    /// The path that cases are meant to take, such as 'product_viewed+ -> cart_changed? -> order_placed'
    #[arg(long, value_name = "STEPS")]
    path: Option<IntendedPath>,
    /// A file of TOML with norms beside that of promised deliveries: norms = ["stage decision within 30 days"]
    #[arg(long, value_name = "FILE")]
    norms: Option<PathBuf>,
    /// Rules whose members are counted; may be given several times
    #[arg(long, value_name = "RULE")]
    segment: Vec<Rule>,
    /// What makes a line of the SWOT page, as TOML [default: the library's thresholds]
    #[arg(long, value_name = "FILE")]
    swot: Option<PathBuf>,
    /// What campaigns cost, as TOML, as `wayfold campaigns` reads it
    #[arg(long, value_name = "FILE")]
    costs: Option<PathBuf>,
    /// Goals as TOML, as `wayfold goals` reads them; `nps` and `csat` are figures that the report knows
    #[arg(long, value_name = "FILE")]
    goals: Option<PathBuf>,
    /// Occasions of the care calendar as TOML, as `wayfold care` reads them
    #[arg(long, value_name = "FILE")]
    care: Option<PathBuf>,
    /// Playbooks as TOML, as `wayfold next` reads them [default: the library's]
    #[arg(long, value_name = "FILE")]
    playbooks: Option<PathBuf>,
    /// From when on movements between stages are told [default: 180 days before]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// The time zone of dates and months, such as Europe/London
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// The currency of what is valued [default: the one with the most purchases]
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// Writes each chart as SVG into this new folder as well, the figures as JSON and maps as Mermaid
    #[arg(long, value_name = "FOLDER")]
    charts: Option<PathBuf>,
    #[command(flatten)]
    ask: AskArguments,
}

impl ReportCommand {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let plan = self.plan()?;
        let taken = [Some(&self.file).filter(|_| !self.force && !output.is_json()), self.charts.as_ref()];
        if let Some(path) = taken.into_iter().flatten().find(|path| path.exists()) {
            return Err(exists(path));
        }
        let (report, missing) = self.ask_all(&plan)?;
        if let Some(folder) = &self.charts {
            write_charts(&report, folder)?;
        }
        if output.is_json() {
            return output.object(&report.json());
        }
        let bytes = write_page(&report, &self.file)?;
        let sections = many(report.sections().len() as u64, "section");
        output.line(format!("{}: {sections}, {} bytes.", self.file.display(), count(bytes)))?;
        missing.iter().try_for_each(|what| output.line(format!("Left out: {what}.")))
    }

    fn plan(&self) -> Result<Plan> {
        Ok(Plan {
            title: self.title.clone(),
            source: self.ask.source()?,
            zone: parse_zone(&self.zone)?,
            cases: self.cases.into(),
            steps: event_tests(&self.funnel)?,
            window: Span::parse(&self.within).map_err(usage)?,
            from: self.from.as_deref().map(parse_time).transpose()?,
            path: self.path.clone(),
            norms: self.norms.as_deref().map(read_norms).transpose()?.unwrap_or_default(),
            rules: self.segment.clone(),
            swot: self.swot.as_deref().map(read_swot).transpose()?.unwrap_or_default(),
            actions: self.actions()?,
            customers: self.customers.clone(),
        })
    }

    fn actions(&self) -> Result<Actions> {
        Ok(Actions {
            costs: self.costs.as_deref().map(read_costs).transpose()?.unwrap_or_default(),
            goals: self.goals.as_deref().map(GoalFile::read).transpose()?,
            care: self.care.as_deref().map(read_calendar).transpose()?,
            playbooks: self.playbooks.as_deref().map(read_playbooks).transpose()?.unwrap_or_default(),
        })
    }

    fn ask_all(&self, plan: &Plan) -> Result<(Report, Vec<String>)> {
        let spinner = progress::spinner("asking");
        let currency = currency_of(self.currency.as_deref(), &self.ask.open()?.population()?)?;
        let mut builder = self.ask.builder()?;
        let folded = Folded::register(&mut builder, currency, plan)?;
        let made = plan.report(&self.ask.open_built(builder)?, &folded)?;
        spinner.finish_and_clear();
        Ok(made)
    }
}

/// Reads what makes a line of the SWOT page.
fn read_swot(path: &Path) -> Result<SwotRules> {
    read_toml(path, "rules of a SWOT page")
}

/// Writes the page; says how many bytes it has.
pub(super) fn write_page(report: &Report, file: &Path) -> Result<u64> {
    let html = report.html();
    std::fs::write(file, &html).with_context(|| format!("failed to write {}", file.display()))?;
    Ok(html.len() as u64)
}

fn write_charts(report: &Report, folder: &Path) -> Result<()> {
    let failed = || format!("failed to write into {}", folder.display());
    std::fs::create_dir(folder).with_context(failed)?;
    let write = |name: String, text: &str| std::fs::write(folder.join(name), text).with_context(failed);
    for chart in report.charts() {
        write(format!("{}.svg", chart.name), &chart.svg)?;
    }
    for (name, map) in report.maps() {
        write(format!("{name}.mmd"), &map)?;
    }
    write("figures.json".to_owned(), &serde_json::to_string_pretty(&report.json())?)
}
