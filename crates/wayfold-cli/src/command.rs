//! The commands, one a file.

mod backup;
mod campaigns;
mod care;
mod check;
mod compact;
mod compare;
mod completions;
mod customer;
mod customers;
mod demo;
mod effect;
mod export;
mod funnel;
pub(crate) mod goals;
mod import;
mod log;
mod map;
mod models;
pub(crate) mod next;
mod norms;
mod paths;
mod population;
mod prices;
mod report;
mod retention;
mod segments;

use anyhow::Result;
use clap::Subcommand;

use crate::failure::Exit;
use crate::output::Output;

/// What the command does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a shop, replays it and writes its report: begin here
    Demo(demo::Demo),
    /// Takes a file of events into a store
    Import(import::Import),
    /// Shows one customer, and why
    Customer(customer::Customer),
    /// Lists the customers that a rule selects
    Customers(customers::Customers),
    /// Counts all customers by stage and class, and adds up their money
    Population(population::PopulationCommand),
    /// Shows the segments of all customers, named ones or by rules
    Segments(segments::Segments),
    /// Compares two instants or two sets of rules, by customer
    Compare(compare::Compare),
    /// Shows how far customers come through steps
    Funnel(funnel::FunnelCommand),
    /// Shows what follows what, and where customers wait
    Map(map::Map),
    /// Shows which ways customers take from a step on, or to one
    Paths(paths::PathsCommand),
    /// Says who breaks norms, how often and by how much
    Norms(norms::NormsCommand),
    /// Shows who comes back how much later
    Retention(retention::RetentionCommand),
    /// Shows what was sent and offered, what came of it, and at what cost
    Campaigns(campaigns::CampaignsCommand),
    /// Says what a campaign, offer or strategy did beside customers without it
    Effect(effect::EffectCommand),
    /// Shows discounts, what they leave, and how units follow prices
    Prices(prices::PricesCommand),
    /// Says how goals stand: target, actual figure, gap
    Goals(goals::GoalsCommand),
    /// Says what to do next for customers, and why
    Next(next::NextCommand),
    /// Lists whom to contact when: birthdays, holidays, return visits, silence
    Care(care::CareCommand),
    /// Fits models of what customers are worth, and judges them
    Models(models::Models),
    /// Writes the report: one HTML file
    Report(report::ReportCommand),
    /// Writes the events into a file
    Export(export::Export),
    /// Lists the events as they came
    Log(log::Log),
    /// Checks every byte of a log in a file, or blocks beside rows in PostgreSQL
    Check(check::Check),
    /// Brings the events of each customer together, in a file or in PostgreSQL
    Compact(compact::Compact),
    /// Copies a log in a file while it is in use
    Backup(backup::Backup),
    /// Prints completions for a shell
    Completions(completions::Completions),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, output: &mut Output) -> Result<Exit> {
        match self {
            Self::Import(command) => return command.run(output),
            Self::Demo(command) => command.run(output),
            Self::Customer(command) => command.run(output),
            Self::Customers(command) => command.run(output),
            Self::Population(command) => command.run(output),
            Self::Segments(command) => command.run(output),
            Self::Compare(command) => command.run(output),
            Self::Funnel(command) => command.run(output),
            Self::Map(command) => command.run(output),
            Self::Paths(command) => command.run(output),
            Self::Norms(command) => command.run(output),
            Self::Retention(command) => command.run(output),
            Self::Campaigns(command) => command.run(output),
            Self::Effect(command) => command.run(output),
            Self::Prices(command) => command.run(output),
            Self::Goals(command) => command.run(output),
            Self::Next(command) => command.run(output),
            Self::Care(command) => command.run(output),
            Self::Models(command) => command.run(output),
            Self::Report(command) => command.run(output),
            Self::Export(command) => command.run(output),
            Self::Log(command) => command.run(output),
            Self::Check(command) => command.run(output),
            Self::Compact(command) => command.run(output),
            Self::Backup(command) => command.run(output),
            Self::Completions(command) => command.run(output),
        }
        .map(|()| Exit::Done)
    }
}
