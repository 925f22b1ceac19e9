//! What all questions have in common: the log, the tenant, the instant and the rules.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use wayfold::blocking::Wayfold;
use wayfold::insight::{Rule, Standings, Tz};
use wayfold::{
    Builder, Currency, CustomerKey, CustomerList, Population, ProjectionSet, Rules, Tenant, Timestamp,
};

use crate::failure::{not_found, usage};
use crate::file::read_toml;
use crate::store::StoreArguments;

/// About whom, as of when, under which rules.
#[derive(Debug, Args)]
pub(crate) struct AskArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The instant of the answer: RFC 3339, a date, which means its first instant in UTC, or `now` [default: the newest
    /// event's]
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    #[command(flatten)]
    scope: ScopeArguments,
}

/// About whom, under which rules.
#[derive(Debug, Args)]
pub(crate) struct ScopeArguments {
    /// The tenant whose customers are asked about [default: the one without a name]
    #[arg(long)]
    tenant: Option<String>,
    /// The thresholds of stages and classes as TOML, with a version [default: the library's]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// A list of customers as JSON (docs/guide/segments.md), for rules that name it
    #[arg(long = "list", value_name = "FILE")]
    lists: Vec<PathBuf>,
}

/// An engine over the log, and what it is asked about.
pub(crate) struct Asked {
    pub(crate) wayfold: Wayfold,
    pub(crate) tenant: Tenant,
    pub(crate) as_of: Timestamp,
    /// The lists of files.
    pub(crate) lists: Vec<CustomerList>,
}

impl ScopeArguments {
    pub(crate) fn tenant(&self) -> Result<Tenant> {
        self.tenant.as_ref().map_or(Ok(Tenant::default()), |name| Tenant::new(name).map_err(usage))
    }

    /// An engine that folds when it is asked, under the rules.
    pub(crate) fn builder(&self) -> Result<Builder> {
        let rules = self.rules.as_deref().map_or(Ok(Rules::default()), read_rules)?;
        let mut builder = Builder::new(rules)?.on_demand();
        self.lists()?.into_iter().for_each(|list| builder.put_list(list));
        Ok(builder)
    }

    fn lists(&self) -> Result<Vec<CustomerList>> {
        self.lists.iter().map(|path| read_list(path)).collect()
    }
}

impl AskArguments {
    /// Opens the log.
    pub(crate) fn open(&self) -> Result<Asked> {
        self.open_for(&[])
    }

    /// Opens the log for rules that ask about events and about all customers.
    pub(crate) fn open_for(&self, rules: &[&Rule]) -> Result<Asked> {
        let mut builder = self.builder()?;
        let mut measures: Vec<_> = rules.iter().flat_map(|rule| rule.measures()).collect();
        measures.sort();
        measures.dedup();
        for measure in measures {
            let _ = builder.register(measure.clone())?;
        }
        let asked = self.open_built(builder)?;
        for list in asked.lists(rules, asked.wayfold.rules(), asked.as_of)? {
            asked.wayfold.put_list(list);
        }
        Ok(asked)
    }

    /// The tenant that is asked about.
    pub(crate) fn tenant(&self) -> Result<Tenant> {
        self.scope.tenant()
    }

    /// The store in a word, without a password.
    pub(crate) fn source(&self) -> Result<String> {
        self.store.source()
    }

    /// An engine under the rules, to which projections may be added.
    pub(crate) fn builder(&self) -> Result<Builder> {
        self.scope.builder()
    }

    /// Opens the log by an engine of one's own.
    pub(crate) fn open_built(&self, builder: Builder) -> Result<Asked> {
        let tenant = self.tenant()?;
        let asked_for = self.as_of.as_deref().filter(|text| *text != "now").map(parse_time).transpose()?;
        let wayfold = builder.open_blocking(self.store.open_to_read()?)?;
        let newest = wayfold
            .newest()?
            .ok_or_else(|| not_found("the log holds no event; import some with `wayfold import`"))?;
        let as_of = match self.as_of.as_deref() {
            Some("now") => wayfold.now(),
            _ => asked_for.unwrap_or(newest),
        };
        Ok(Asked { wayfold, tenant, as_of, lists: self.scope.lists()? })
    }
}

impl Asked {
    /// The lists that rules may ask for: those of files, and whom their rankings select under thresholds, from an instant on.
    pub(crate) fn lists(
        &self,
        rules: &[&Rule],
        thresholds: Rules,
        from: Timestamp,
    ) -> Result<Vec<CustomerList>> {
        let mut lists = self.lists.clone();
        let projections = ProjectionSet::new(thresholds).map_err(wayfold::Error::from)?;
        for ranking in rules.iter().flat_map(|rule| rule.rankings()) {
            let standings = Standings::new(ranking, &projections, from, self.as_of)?;
            let total = self.wayfold.measure_of(&self.tenant, &standings, self.as_of)?;
            lists.push(standings.list(&total)?);
        }
        Ok(lists)
    }

    pub(crate) fn key(&self, customer: &str) -> Result<CustomerKey> {
        CustomerKey::in_tenant(self.tenant.as_str(), customer).map_err(usage)
    }

    pub(crate) fn population(&self) -> Result<Population> {
        Ok(self.wayfold.population_of(&self.tenant, self.as_of)?)
    }
}

/// The currency that is asked about, else the one with the most purchases; `None` if nobody has bought.
pub(crate) fn currency_of(asked: Option<&str>, population: &Population) -> Result<Option<Currency>> {
    match asked {
        Some(code) => Currency::new(code).map(Some).map_err(usage),
        None => {
            let totals = population.summary().totals;
            Ok(totals.iter().max_by_key(|total| total.purchases).map(|total| total.currency))
        }
    }
}

/// Reads an instant of an argument.
pub(crate) fn parse_time(text: &str) -> Result<Timestamp> {
    Timestamp::parse(text).map_err(usage)
}

/// Reads a time zone of an argument.
pub(crate) fn parse_zone(text: &str) -> Result<Tz> {
    text.parse()
        .map_err(|_| usage(format_args!("{text:?} is no time zone; write one such as UTC or Europe/London")))
}

fn read_list(path: &Path) -> Result<CustomerList> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read the list {name}"))?;
    serde_json::from_str(&text)
        .map_err(|error| usage(format_args!("{name} holds no list of customers: {error}")))
}

/// Reads rules, which have to bear a version of their own where they are not the library's.
pub(crate) fn read_rules(path: &Path) -> Result<Rules> {
    let name = path.display();
    let rules: Rules = read_toml(path, "rules")?;
    let default = Rules::default();
    if rules.version == default.version && rules != default {
        return Err(usage(format_args!(
            "{name} changes thresholds and keeps the version {:?}; give it a version of its own, such as version = \"shop-1\"",
            rules.version
        )));
    }
    Ok(rules)
}
