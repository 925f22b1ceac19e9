//! What all questions have in common: the log, the tenant, the instant and the rules.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use wayfold::blocking::Wayfold;
use wayfold::insight::{EventMeasure, Tz};
use wayfold::{Builder, Currency, CustomerKey, Population, Rules, Tenant, Timestamp};

use crate::failure::{not_found, usage};
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
}

/// An engine over the log, and what it is asked about.
pub(crate) struct Asked {
    pub(crate) wayfold: Wayfold,
    pub(crate) tenant: Tenant,
    pub(crate) as_of: Timestamp,
}

impl ScopeArguments {
    pub(crate) fn tenant(&self) -> Result<Tenant> {
        self.tenant.as_ref().map_or(Ok(Tenant::default()), |name| Tenant::new(name).map_err(usage))
    }

    /// An engine that folds when it is asked, under the rules.
    pub(crate) fn builder(&self) -> Result<Builder> {
        let rules = self.rules.as_deref().map_or(Ok(Rules::default()), read_rules)?;
        Ok(Builder::new(rules)?.on_demand())
    }
}

impl AskArguments {
    /// Opens the log.
    pub(crate) fn open(&self) -> Result<Asked> {
        self.open_with(&[])
    }

    /// Opens the log for rules that ask about events.
    pub(crate) fn open_with(&self, measures: &[EventMeasure]) -> Result<Asked> {
        let mut builder = self.builder()?;
        for measure in measures {
            let _ = builder.register(measure.clone())?;
        }
        self.open_built(builder)
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
        Ok(Asked { wayfold, tenant, as_of })
    }
}

impl Asked {
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

/// Reads rules, which have to bear a version of their own where they are not the library's.
pub(crate) fn read_rules(path: &Path) -> Result<Rules> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read the rules {name}"))?;
    let rules: Rules =
        toml::from_str(&text).map_err(|error| usage(format_args!("{name} holds no rules: {error}")))?;
    let default = Rules::default();
    if rules.version == default.version && rules != default {
        return Err(usage(format_args!(
            "{name} changes thresholds and keeps the version {:?}; give it a version of its own, such as version = \"shop-1\"",
            rules.version
        )));
    }
    Ok(rules)
}
