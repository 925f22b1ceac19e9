mod versions;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde::Serialize;
use wayfold::insight::Transitions;
use wayfold::{
    BehaviourClass, CustomerKey, Member, MemberDifference, Population, PopulationDifference, Timestamp,
};

use crate::ask::{AskArguments, Asked, parse_time, read_rules};
use crate::output::Output;
use crate::table::Table;
use crate::words::{NONE, count, instant, many};

/// Compares where customers stood at two instants, where they would stand under other thresholds, or who belongs to a
/// segment by two versions of its rule.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// An old and a new version of a rule (docs/guide/segments.md), or one that is compared --with other thresholds
    #[arg(value_name = "RULE", num_args = 0..=2, conflicts_with = "from")]
    texts: Vec<String>,
    /// Compares with other thresholds, as TOML, as of the same instant; a new version of a rule is under them
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present_any = ["from", "texts"],
        conflicts_with = "from"
    )]
    with: Option<PathBuf>,
    /// Compares rules at every instant since this one, too
    #[arg(long, value_name = "TIME", requires = "texts")]
    since: Option<String>,
    /// Compares with where customers stood at this instant
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// What is compared between two instants
    #[arg(long, value_enum, default_value = "stage", requires = "from")]
    by: Label,
    /// How many customers are listed; JSON has all
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    ask: AskArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Label {
    /// The stage of the lifecycle
    Stage,
    /// The class of behaviour
    Class,
}

/// Two instants compared; its JSON is documented in docs/guide/command.md.
#[derive(Debug, Serialize)]
struct Moves {
    from: Timestamp,
    to: Timestamp,
    rules: String,
    moves: Vec<Move>,
}

#[derive(Debug, Serialize)]
struct Move {
    from: Option<String>,
    to: Option<String>,
    customers: u64,
    /// Who they are, where they moved.
    who: Vec<CustomerKey>,
}

impl Compare {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let rules = self.with.as_deref().map(read_rules).transpose()?;
        let from = self.from.as_deref().map(parse_time).transpose()?;
        let asked = self.ask.open()?;
        if !self.texts.is_empty() {
            return self.tell_versions(output, &asked, rules);
        }
        if let Some(rules) = rules {
            let differences = asked.wayfold.backtest_of(&asked.tenant, &rules, &[asked.as_of])?;
            differences.iter().try_for_each(|difference| self.tell_rules(output, difference))?;
        }
        from.map_or(Ok(()), |from| self.tell_moves(output, &self.moves(&asked, from)?))
    }

    fn moves(&self, asked: &Asked, from: Timestamp) -> Result<Moves> {
        let before = asked.wayfold.population_of(&asked.tenant, from)?;
        let transitions = Transitions::between(self.labels(&before), self.labels(&asked.population()?))?;
        let moves = transitions.iter().map(|(from, to, customers)| {
            let who = if from == to { Vec::new() } else { transitions.who(from, to).to_vec() };
            Move { from: from.cloned(), to: to.cloned(), customers, who }
        });
        Ok(Moves { from, to: asked.as_of, rules: asked.wayfold.rules().version, moves: moves.collect() })
    }

    fn labels(&self, population: &Population) -> Vec<(CustomerKey, String)> {
        let label = |member: &Member| match self.by {
            Label::Stage => member.lifecycle.to_string(),
            Label::Class => member.class.map_or_else(|| "no class".to_owned(), |class| class.to_string()),
        };
        population.members().iter().map(|member| (member.key.clone(), label(member))).collect()
    }

    fn tell_moves(&self, output: &mut Output, moves: &Moves) -> Result<()> {
        if output.is_json() {
            return output.object(moves);
        }
        let (from, to) = (instant(moves.from), instant(moves.to));
        output.heading(&format!("From {from} to {to}, under rules {:?}", moves.rules))?;
        output.line("")?;
        let name = |label: &Option<String>| label.clone().unwrap_or_else(|| "(not there)".to_owned());
        let rows = moves.moves.iter().map(|row| vec![name(&row.from), name(&row.to), count(row.customers)]);
        output.table(Table::new(&["from", "to", "customers"], 2).with_rows(rows))?;
        let moved = moves.moves.iter().filter(|row| row.from.is_some());
        let who: BTreeMap<&CustomerKey, &Move> =
            moved.flat_map(|row| row.who.iter().map(move |key| (key, row))).collect();
        let rows = who
            .iter()
            .take(self.limit)
            .map(|(key, row)| vec![key.to_string(), name(&row.from), name(&row.to)]);
        self.tell_who(output, Table::new(&["customer", "from", "to"], 3).with_rows(rows), who.len())
    }

    fn tell_rules(&self, output: &mut Output, difference: &PopulationDifference) -> Result<()> {
        if output.is_json() {
            return output.object(difference);
        }
        let (here, there) = (&difference.rules, &difference.other_rules);
        output.heading(&format!("As of {}: rules {here:?} and {there:?}", instant(difference.as_of)))?;
        let (differ, all) = (difference.members.len() as u64, many(difference.customers, "customer"));
        output.line(format!(
            "{} of {all} differ; in money or purchases {}, in outcomes of journeys {}.",
            count(differ),
            count(difference.values),
            count(difference.outcomes)
        ))?;
        output.line("")?;
        let class =
            |class: Option<BehaviourClass>| class.map_or("no class".to_owned(), |class| class.to_string());
        let stages = difference
            .stages
            .iter()
            .map(|moved| (moved.here.to_string(), moved.there.to_string(), moved.customers));
        let classes =
            difference.classes.iter().map(|moved| (class(moved.here), class(moved.there), moved.customers));
        let rows = stages.chain(classes).map(|(here, there, customers)| vec![here, there, count(customers)]);
        let header = [format!("under {here}"), format!("under {there}"), "customers".to_owned()];
        output.table(Table::new(&header, 2).with_rows(rows))?;
        let rows = difference.members.iter().take(self.limit).map(|member| member_row(member, class));
        let header = ["customer", "stage", "would be", "class", "would be"];
        self.tell_who(output, Table::new(&header, 5).with_rows(rows), difference.members.len())
    }

    fn tell_who(&self, output: &mut Output, table: Table, all: usize) -> Result<()> {
        if all == 0 {
            return output.line("Nobody moved.");
        }
        output.table(table)?;
        match all.saturating_sub(self.limit) {
            0 => Ok(()),
            more => output.line(format!("And {} more; --limit lists more, --json all.", count(more as u64))),
        }
    }
}

fn member_row(member: &MemberDifference, class: impl Fn(Option<BehaviourClass>) -> String) -> Vec<String> {
    let stage =
        |of: &Option<Member>| of.as_ref().map_or_else(|| NONE.to_owned(), |of| of.lifecycle.to_string());
    let class = |of: &Option<Member>| of.as_ref().map_or_else(|| NONE.to_owned(), |of| class(of.class));
    let (here, there) = (&member.here, &member.there);
    vec![member.key.to_string(), stage(here), stage(there), class(here), class(there)]
}
