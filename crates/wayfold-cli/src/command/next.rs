use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde::Serialize;
use wayfold::insight::{
    ActionKind, ConsentRule, ContactHistory, ContactHistoryView, NextAction, PassedOver, Playbooks, WhyNot,
};
use wayfold::{Builder, CustomerKey, Handle, Selection, Timestamp};

use crate::ask::{AskArguments, Asked};
use crate::failure::not_found;
use crate::file::read_toml;
use crate::output::Output;
use crate::table::Table;
use crate::words::{count, instant};

/// Says what to do next for customers, by playbooks: for all in numbers, or for some with the reason.
#[derive(Debug, Args)]
pub(crate) struct NextCommand {
    /// The customers [default: all, counted by action]
    #[arg(value_name = "CUSTOMER")]
    customers: Vec<String>,
    /// Playbooks as TOML (docs/guide/care.md) [default: the library's]
    #[arg(long, value_name = "FILE")]
    playbooks: Option<PathBuf>,
    /// Whether advertising takes a consent that was given, or only none that was withdrawn [default: as the playbooks say]
    #[arg(long, value_enum)]
    consent: Option<Consent>,
    #[command(flatten)]
    ask: AskArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Consent {
    Given,
    NotWithdrawn,
}

impl From<Consent> for ConsentRule {
    fn from(consent: Consent) -> Self {
        match consent {
            Consent::Given => Self::Given,
            Consent::NotWithdrawn => Self::NotWithdrawn,
        }
    }
}

/// What to do for a customer; its JSON is documented in docs/guide/command.md.
#[derive(Debug, Serialize)]
pub(crate) struct Next {
    pub(crate) customer: CustomerKey,
    pub(crate) next: NextAction,
}

/// Reads playbooks.
pub(crate) fn read_playbooks(path: &Path) -> Result<Playbooks> {
    let playbooks: Playbooks = read_toml(path, "playbooks")?;
    playbooks.validate()?;
    Ok(playbooks)
}

/// What is folded to say what to do next.
pub(crate) fn register(builder: &mut Builder) -> Result<Handle<ContactHistory>> {
    Ok(builder.register(ContactHistory)?)
}

/// What to do next for all customers, by their keys.
pub(crate) fn for_all(
    asked: &Asked,
    contacts: Handle<ContactHistory>,
    playbooks: &Playbooks,
) -> Result<Vec<Next>> {
    let histories = asked.wayfold.own_views_of(&asked.tenant, contacts, asked.as_of)?;
    let everybody = Selection::default().with_limit(usize::MAX);
    let page = asked.wayfold.customers_of(&asked.tenant, &everybody, asked.as_of)?;
    let nothing = ContactHistoryView::default();
    let next = page.customers().map(|view| Next {
        customer: view.key.clone(),
        next: playbooks.next_action(view, histories.get(view.key.customer.as_str()).unwrap_or(&nothing)),
    });
    Ok(next.collect())
}

impl NextCommand {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let mut playbooks = self.playbooks.as_deref().map(read_playbooks).transpose()?.unwrap_or_default();
        playbooks.consent = self.consent.map_or(playbooks.consent, ConsentRule::from);
        let mut builder = self.ask.builder()?;
        let contacts = register(&mut builder)?;
        let asked = self.ask.open_built(builder)?;
        if self.customers.is_empty() {
            let all = for_all(&asked, contacts, &playbooks)?;
            if output.is_json() {
                return all.iter().try_for_each(|next| output.object_line(next));
            }
            return tell_all(output, &all, asked.as_of);
        }
        for (place, name) in self.customers.iter().enumerate() {
            let next = self.for_one(&asked, contacts, &playbooks, name)?;
            if output.is_json() {
                output.object_line(&next)?;
                continue;
            }
            if place > 0 {
                output.line("")?;
            }
            tell(output, &next)?;
        }
        Ok(())
    }

    fn for_one(
        &self,
        asked: &Asked,
        contacts: Handle<ContactHistory>,
        playbooks: &Playbooks,
        name: &str,
    ) -> Result<Next> {
        let key = asked.key(name)?;
        let view = asked.wayfold.customer_as_of(&key, asked.as_of)?;
        let view =
            view.ok_or_else(|| not_found(format_args!("nothing is known of customer {key} by then")))?;
        let history = asked.wayfold.own_view_as_of(contacts, &key, asked.as_of)?.unwrap_or_default();
        Ok(Next { next: playbooks.next_action(&view, &history), customer: key })
    }
}

/// How many customers each action is for, in the order of the playbooks' names.
fn tell_all(output: &mut Output, all: &[Next], as_of: Timestamp) -> Result<()> {
    let mut counts: BTreeMap<Option<[&str; 3]>, u64> = BTreeMap::new();
    for next in all {
        let action = next.next.action.as_ref();
        let action = action.map(|of| [of.playbook.as_str(), of.name.as_str(), kind(of.kind)]);
        *counts.entry(action).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    // It is stable, so that equal ones stay by name.
    counts.sort_by_key(|(_, customers)| std::cmp::Reverse(*customers));
    let row = |(action, customers): &(Option<[&str; 3]>, u64)| {
        let names = action.unwrap_or(["-", "nothing for now", "-"]);
        names.into_iter().map(str::to_owned).chain([count(*customers)]).collect()
    };
    let header = ["playbook", "what to do next", "by", "customers"];
    output.table(Table::new(&header, 3).with_rows(counts.iter().map(row)))?;
    output.line(format!("As of {as_of}; `wayfold next CUSTOMER` says why, and --json lists everybody."))
}

fn tell(output: &mut Output, Next { customer, next }: &Next) -> Result<()> {
    match &next.action {
        Some(action) => {
            output.heading(&format!("{customer}: {} ({})", action.name, kind(action.kind)))?;
            output.line(format!("Playbook {}: {}, as {}.", action.playbook, action.goal, action.reason))?;
        }
        None => output.heading(&format!("{customer}: nothing for now"))?,
    }
    for of in &next.passed_over {
        output.line(format!("Not {}: {}.", passed(of), why_not(&of.why)))?;
    }
    let until =
        next.holds_until.map_or_else(|| "for ever".to_owned(), |at| format!("until {}", instant(at.next())));
    output.line(format!("Without a new event this stays so {until}."))
}

fn passed(of: &PassedOver) -> String {
    of.action.as_ref().map_or_else(|| of.playbook.clone(), |action| format!("{action} of {}", of.playbook))
}

/// Why something is not suggested, in words.
fn why_not(why: &WhyNot) -> String {
    match why {
        WhyNot::Done { at, again_at: Some(again), .. } => {
            format!("done on {}, again from {}", instant(*at), instant(*again))
        }
        WhyNot::Done { at, again_at: None, .. } => format!("done on {}", instant(*at)),
        WhyNot::NoConsent { purpose } => format!("no consent to {purpose}"),
        WhyNot::ConsentWithdrawn { purpose, at, .. } => {
            format!("consent to {purpose} was withdrawn on {}", instant(*at))
        }
        WhyNot::HeldOut { group } => format!("left out by {group}, so that the effect can be measured"),
    }
}

/// What kind of thing is done, in a word or two.
fn kind(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Message => "message",
        ActionKind::Offer => "offer",
        ActionKind::RetentionOffer => "offer to stay",
        ActionKind::Care => "care contact",
        ActionKind::Owner => "owner",
        ActionKind::Strategy => "strategy",
    }
}
