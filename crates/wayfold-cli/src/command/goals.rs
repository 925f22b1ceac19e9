use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Serialize};
use wayfold::insight::{Goal, GoalMetric, GoalState, GoalStatus, Rule, Segment};
use wayfold::{
    Amount, Currency, CurrencyTotals, CustomerKey, MoneySum, PopulationSummary, Selection, Timestamp,
};

use crate::ask::{AskArguments, Asked};
use crate::failure::usage;
use crate::file::read_toml;
use crate::output::Output;
use crate::table::Table;
use crate::words::{NONE, instant, or_none};

/// Says how goals stand: target, actual figure and gap, and where an even pace would be.
#[derive(Debug, Args)]
pub(crate) struct GoalsCommand {
    /// Goals as TOML (docs/guide/offers.md): [[goal]], and [[segment]] with a rule where a goal names one
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A figure that a goal asks for and the log does not tell, such as nps=42; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = figure)]
    figure: Vec<(String, Amount)>,
    #[command(flatten)]
    ask: AskArguments,
}

fn figure(text: &str) -> std::result::Result<(String, Amount), String> {
    let wrong = || format!("{text:?} is no NAME=VALUE, such as nps=42");
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    Ok((name.to_owned(), Amount::parse(value).map_err(|error| error.to_string())?))
}

/// A file of goals.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoalFile {
    pub(crate) goal: Vec<Goal>,
    /// What goals name as their segment.
    #[serde(default)]
    pub(crate) segment: Vec<Segment>,
}

/// A goal and how it stands; its JSON is documented in docs/guide/command.md.
#[derive(Debug, Serialize)]
pub(crate) struct Standing {
    pub(crate) goal: Goal,
    pub(crate) status: GoalStatus,
}

impl GoalFile {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        read_toml(path, "goals")
    }

    pub(crate) fn rules(&self) -> Vec<&Rule> {
        self.segment.iter().map(|segment| &segment.rule).collect()
    }

    /// How all of them stand, in their order: those whose period is over as of its end.
    pub(crate) fn standings(
        &self,
        asked: &Asked,
        figures: &BTreeMap<String, Amount>,
    ) -> Result<Vec<Standing>> {
        self.goal.iter().map(|goal| self.standing(asked, figures, goal)).collect()
    }

    fn standing(&self, asked: &Asked, figures: &BTreeMap<String, Amount>, goal: &Goal) -> Result<Standing> {
        let actual = if let GoalMetric::Figure(name) = &goal.metric {
            *figures.get(name).ok_or_else(|| {
                usage(format_args!(
                    "goal {:?} asks for a figure; give it by --figure {name}=VALUE",
                    goal.name
                ))
            })?
        } else {
            let end = asked.as_of.min(goal.until.previous());
            let beginning = self.summary(asked, goal, goal.from.previous())?;
            goal.actual(&beginning, &self.summary(asked, goal, end)?).unwrap_or(Amount::ZERO)
        };
        Ok(Standing { goal: goal.clone(), status: goal.status(actual, asked.as_of)? })
    }

    /// The population that a goal is about, as of an instant.
    fn summary(&self, asked: &Asked, goal: &Goal, at: Timestamp) -> Result<PopulationSummary> {
        let population = asked.wayfold.population_of(&asked.tenant, at)?;
        let mut summary = population.summary();
        let Some(name) = &goal.segment else { return Ok(summary) };
        let rule = self.segment.iter().find(|segment| segment.name == *name).ok_or_else(|| {
            usage(format_args!("goal {:?} is about {name:?}, of which there is no [[segment]]", goal.name))
        })?;
        let selection = Selection::new(rule.rule.filter().clone()).with_limit(usize::MAX);
        let page = asked.wayfold.customers_of(&asked.tenant, &selection, at)?;
        let members: BTreeSet<&CustomerKey> = page.customers().map(|view| &view.key).collect();
        (summary.lifecycle, summary.classes) = (BTreeMap::new(), BTreeMap::new());
        let mut nets: BTreeMap<Currency, i128> = BTreeMap::new();
        for member in population.members().iter().filter(|member| members.contains(&member.key)) {
            *summary.lifecycle.entry(member.lifecycle).or_default() += 1;
            member.class.into_iter().for_each(|class| *summary.classes.entry(class).or_default() += 1);
            for value in &member.currencies {
                *nets.entry(value.currency).or_default() += value.net.as_ten_thousandths();
            }
        }
        let net = |total: &mut CurrencyTotals| {
            let net = nets.get(&total.currency).copied().unwrap_or_default();
            total.net = MoneySum::new(net, total.currency);
        };
        summary.totals.iter_mut().for_each(net);
        Ok(summary)
    }
}

impl GoalsCommand {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let file = GoalFile::read(&self.file)?;
        let asked = self.ask.open_for(&file.rules())?;
        let figures = self.figure.iter().cloned().collect();
        let standings = file.standings(&asked, &figures)?;
        if output.is_json() {
            return standings.iter().try_for_each(|of| output.object_line(of));
        }
        let row = |Standing { goal, status }: &Standing| {
            let way = status.reached_percent.map_or_else(|| NONE.to_owned(), |way| format!("{way:.1} %"));
            let names = [goal.name.clone(), or_none(goal.segment.as_ref()), state(status.state).to_owned()];
            let until = [instant(goal.until)];
            let figures = [status.target, status.actual, status.gap].map(|of| of.to_string());
            names.into_iter().chain(until).chain(figures).chain([way, or_none(status.expected)]).collect()
        };
        let header =
            ["goal", "segment", "state", "until", "target", "actual", "gap", "of the way", "even pace"];
        output.table(Table::new(&header, 4).with_rows(standings.iter().map(row)))?;
        output.line(format!("As of {}; those that are over, as of their end.", asked.as_of))
    }
}

/// How a goal stands, in words.
fn state(state: GoalState) -> &'static str {
    match state {
        GoalState::NotBegun => "not begun",
        GoalState::Reached => "reached",
        GoalState::OnPace => "on pace",
        GoalState::Behind => "behind",
        GoalState::Open => "open",
        GoalState::Missed => "missed",
    }
}
