use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use wayfold::insight::{
    CareCalendar, CareRules, CaseBy, ConsentRule, Goal, GoalDirection, GoalMetric, LeapDay, Playbooks,
    ReturnVisit, SilentCustomer, SwotRules, Tz, VisitAfter,
};
use wayfold::sqlite::{SqliteConfig, SqliteStore};
use wayfold::{
    Amount, Builder, Currency, CustomerKey, EventBatch, EventBody, EventId, Explanation, JourneyEvent,
    LifecycleStage, MessageOpened, MessageSent, Population, PopulationSummary, Rules, Span, Tenant,
    Timestamp,
};
use wayfold_testkit::shop::{Shop, ShopConfig};

use crate::actions::{Actions, cost};
use crate::ask::{Asked, currency_of, parse_time};
use crate::command::customer::history;
use crate::command::goals::GoalFile;
use crate::command::report::write_page;
use crate::failure::exists;
use crate::output::Output;
use crate::progress;
use crate::reporting::{Folded, Plan};
use crate::table::Table;
use crate::words::{count, many, percent};

/// How many events are appended at a time.
const EVENTS_PER_APPEND: usize = 10_000;
/// How long a customer of the shop may take through the five stages.
const WINDOW_DAYS: u32 = 90;
/// Events of the shop for each customer.
const EVENTS_PER_CUSTOMER: u64 = 20;

/// Makes a shop, keeps its events in a new file, replays them, and writes the report: a tour in a few seconds.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The new folder for the log and the report
    #[arg(value_name = "FOLDER", default_value = "wayfold-demo")]
    folder: PathBuf,
    /// How many customers the shop may have; some of them never come
    #[arg(long, value_name = "NUMBER", default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    customers: u32,
    /// Another seed makes another shop
    #[arg(long, value_name = "NUMBER", default_value_t = 42)]
    seed: u64,
}

/// What the tour tells of the shop.
struct Tour<'a> {
    shop: &'a Shop,
    asked: &'a Asked,
    population: Population,
    /// Events that the log took; those that came again are not taken twice.
    taken: u64,
    store_s: f64,
    replay_s: f64,
    log: &'a Path,
    page: &'a Path,
    /// Whether the report leaves something out.
    is_partial: bool,
}

impl Demo {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        if self.folder.exists() {
            return Err(exists(&self.folder));
        }
        let folder = self.folder.display();
        std::fs::create_dir_all(&self.folder).with_context(|| format!("failed to make {folder}"))?;
        let (log, page) = (self.folder.join("shop.db"), self.folder.join("report.html"));
        let shop = self.shop();
        let start = Instant::now();
        let (taken, currency) = store(&shop, &log)?;
        let store_s = start.elapsed().as_secs_f64();

        let mut builder = builder()?;
        let mut plan = plan(&log)?;
        let folded = Folded::register(&mut builder, currency, &plan)?;
        let start = Instant::now();
        let wayfold = builder.open_blocking(open(&log)?)?;
        wayfold.catch_up()?;
        let replay_s = start.elapsed().as_secs_f64();
        let asked = Asked { wayfold, tenant: Tenant::default(), as_of: shop.end(), lists: Vec::new() };
        plan.actions.goals = currency.map(|currency| goals(&asked, currency)).transpose()?;
        let spinner = progress::spinner("asking");
        let (report, missing) = plan.report(&asked, &folded)?;
        write_page(&report, &page)?;
        spinner.finish_and_clear();
        let population = asked.population()?;
        let tour = Tour {
            shop: &shop,
            asked: &asked,
            population,
            taken,
            store_s,
            replay_s,
            log: &log,
            page: &page,
            is_partial: !missing.is_empty(),
        };
        if output.is_json() { output.object(&tour.figures()) } else { tour.tell(output, currency) }
    }

    fn shop(&self) -> Shop {
        let config = ShopConfig::of(u64::from(self.customers) * EVENTS_PER_CUSTOMER);
        Shop::new(config.with_customers(self.customers).with_seed(self.seed))
    }
}

fn builder() -> Result<Builder> {
    Ok(Builder::new(Rules::default())?.on_demand())
}

fn open(log: &Path) -> Result<SqliteStore> {
    SqliteStore::open(log, SqliteConfig::default())
        .with_context(|| format!("failed to make {}", log.display()))
}

/// A message is opened in the campaign of the last one that its customer was sent, which the shop's own events leave open.
#[derive(Default)]
struct Messages {
    sent: HashMap<CustomerKey, Option<String>>,
    /// What was said of each that was opened: an event that comes twice says the same.
    opened: HashMap<EventId, Option<String>>,
}

impl Messages {
    fn name(&mut self, mut event: JourneyEvent) -> JourneyEvent {
        match &mut event.body {
            EventBody::MessageSent(MessageSent { campaign }) => {
                self.sent.insert(event.customer.clone(), campaign.clone());
            }
            EventBody::MessageOpened(MessageOpened { campaign }) => {
                let last = || self.sent.get(&event.customer).cloned().flatten();
                campaign.clone_from(self.opened.entry(event.id).or_insert_with(last));
            }
            _ => {}
        }
        event
    }
}

/// Stores the shop's events as they arrive; says how many were taken, and in which currency most was bought.
fn store(shop: &Shop, log: &Path) -> Result<(u64, Option<Currency>)> {
    let wayfold = builder()?.open_blocking(open(log)?)?;
    let bar = progress::steps(shop.events().len() as u64).with_message("events stored");
    let (mut messages, mut taken) = (Messages::default(), 0);
    let mut events = shop.events().map(|event| messages.name(event));
    loop {
        let batch: Vec<JourneyEvent> = events.by_ref().take(EVENTS_PER_APPEND).collect();
        if batch.is_empty() {
            break;
        }
        taken += wayfold.append_batch(EventBatch::from_events(&batch)?)?.new as u64;
        bar.inc(batch.len() as u64);
    }
    bar.finish_and_clear();
    let currency = currency_of(None, &wayfold.population(shop.end())?)?;
    Ok((taken, currency))
}

/// How a purchase is meant to go.
const PATH: &str = "need_identified | lead_captured -> quote_issued? -> order_placed -> payment_received -> order_confirmed? -> shipped -> delivered";

fn plan(log: &Path) -> Result<Plan> {
    Ok(Plan {
        title: "The shop of the demo".to_owned(),
        source: format!("sqlite:{}", log.display()),
        zone: Tz::UTC,
        cases: CaseBy::Journey,
        steps: Vec::new(),
        window: Span::from_days(WINDOW_DAYS),
        from: None,
        path: Some(PATH.parse()?),
        norms: vec![
            "stage decision within 7 days".parse()?,
            "order_placed -> delivered within 10 days".parse()?,
        ],
        rules: vec![
            "lifecycle.stage is loyal".parse()?,
            "count of order_placed within 90 days >= 2".parse()?,
        ],
        swot: SwotRules::default(),
        actions: actions()?,
        customers: Vec::new(),
    })
}

/// What the shop does for its customers. Its log knows nothing of consent, so nobody has withdrawn it.
fn actions() -> Result<Actions> {
    let visit = |name: &str, after, days| ReturnVisit { name: name.to_owned(), after, days };
    let silent = |name: &str, days| SilentCustomer { name: name.to_owned(), days };
    let rules = CareRules {
        zone: "UTC".to_owned(),
        birthday: Some("birthday".to_owned()),
        leap_day: LeapDay::default(),
        holidays: Vec::new(),
        return_visits: vec![visit("how is it", VisitAfter::Delivery, 14)],
        silent: vec![silent("what is missing", 90)],
        ends: Vec::new(),
        early_days: 3,
        late_days: 14,
    };
    Ok(Actions {
        costs: vec![cost("autumn", 4_000), cost("spring", 5_000)],
        goals: None,
        care: Some(CareCalendar::new(rules)?),
        playbooks: Playbooks { consent: ConsentRule::NotWithdrawn, ..Playbooks::default() },
    })
}

/// A tenth more than in the year before, and no more churned customers than at its end.
fn goals(asked: &Asked, currency: Currency) -> Result<GoalFile> {
    let (before, from, until) =
        (parse_time("2024-01-01")?, parse_time("2025-01-01")?, parse_time("2026-01-01")?);
    let summary = |at: Timestamp| -> Result<PopulationSummary> {
        Ok(asked.wayfold.population_of(&asked.tenant, at.previous())?.summary())
    };
    let goal = |name: &str, metric, target, direction| Goal {
        name: name.to_owned(),
        metric,
        segment: None,
        from,
        until,
        target,
        direction,
        baseline: None,
    };
    let revenue = GoalMetric::NetRevenue(currency);
    let of_year = goal("a tenth more than in 2024", revenue, Amount::ZERO, GoalDirection::AtLeast);
    let (then, now) = (summary(before)?, summary(from)?);
    let sold = of_year.actual(&then, &now).unwrap_or(Amount::ZERO);
    let target = Amount::from_ten_thousandths(sold.as_ten_thousandths() / 10 * 11);
    let churned = GoalMetric::Stage(LifecycleStage::Churned);
    let kept = goal("no more churned than before", churned, Amount::ZERO, GoalDirection::AtMost);
    let many = kept.actual(&then, &now).unwrap_or(Amount::ZERO);
    Ok(GoalFile {
        goal: vec![Goal { target, ..of_year }, Goal { target: many, ..kept }],
        segment: Vec::new(),
    })
}

impl Tour<'_> {
    /// What programs get; it is documented in docs/guide/command.md.
    fn figures(&self) -> serde_json::Value {
        serde_json::json!({
            "log": self.log,
            "report": self.page,
            "events": self.taken,
            "came_again": self.shop.truth().duplicates,
            "came_late": self.shop.truth().late,
            "customers": self.population.len(),
            "store_seconds": self.store_s,
            "replay_seconds": self.replay_s,
        })
    }

    fn tell(&self, output: &mut Output, currency: Option<Currency>) -> Result<()> {
        let truth = self.shop.truth();
        let (customers, events) = (many(self.population.len() as u64, "customer"), many(self.taken, "event"));
        output.heading(&format!("A shop of {customers} and {events}"))?;
        output.line(format!(
            "It traded for three years. {} came late, {} came twice and were taken once, {} took an earlier one back.",
            many(truth.late, "event"),
            count(truth.duplicates),
            count(truth.retractions)
        ))?;
        let rate = self.taken as f64 / self.replay_s / 1e6;
        output.line(format!(
            "Stored in {} in {:.1} s; replayed from there into all customers' states in {:.0} ms: {rate:.1} million events/s.",
            self.log.display(),
            self.store_s,
            self.replay_s * 1e3
        ))?;
        output.line("")?;
        self.tell_figures(output, currency)?;
        if let Some(story) = self.story()? {
            let stage = story.view.lifecycle.stage;
            output.heading(&format!("Customer {} is {stage}. Why?", story.view.key))?;
            history(output, &story)?;
        }
        output.line("")?;
        self.tell_next(output)
    }

    fn tell_figures(&self, output: &mut Output, currency: Option<Currency>) -> Result<()> {
        let summary = self.population.summary();
        output.heading(&format!("Where they stand as of {}", summary.as_of))?;
        let share = |part: u64| percent(part as f64 / summary.customers.max(1) as f64);
        let rows =
            summary.lifecycle.iter().map(|(stage, part)| vec![stage.to_string(), count(*part), share(*part)]);
        output.table(Table::new(&["stage", "customers", "share"], 1).with_rows(rows))?;
        let total = summary.totals.iter().find(|total| Some(total.currency) == currency);
        total.map_or(Ok(()), |total| {
            let (buyers, net) = (many(total.buyers, "buyer"), total.net);
            output.line(format!(
                "{buyers} made {} for {net}, refunds taken off.",
                many(total.purchases, "purchase")
            ))?;
            output.line("")
        })
    }

    /// Of who was won back, the one with the shortest history.
    fn story(&self) -> Result<Option<Explanation>> {
        let won_back =
            self.population.members().iter().filter(|member| member.lifecycle == LifecycleStage::WonBack);
        let Some(member) = won_back.min_by_key(|member| member.events) else { return Ok(None) };
        Ok(self.asked.wayfold.explain_as_of(&member.key, self.asked.as_of)?)
    }

    fn tell_next(&self, output: &mut Output) -> Result<()> {
        output.heading(&format!("The report is {}: open it in a browser.", self.page.display()))?;
        if self.is_partial {
            output.line("It leaves out what the log has too little for; `wayfold report` names it.")?;
        }
        output.line("Then ask on:")?;
        output.line(format!("  export WAYFOLD_STORE=sqlite:{}", self.log.display()))?;
        for command in [
            "wayfold population",
            "wayfold customers 'lifecycle.stage is loyal' --sort value.purchases --descending",
            "wayfold map --cases journey",
            "wayfold campaigns --by campaign,channel",
            "wayfold next --consent not-withdrawn",
            "wayfold --help",
        ] {
            output.line(format!("  {command}"))?;
        }
        Ok(())
    }
}
