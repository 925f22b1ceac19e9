use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use wayfold::insight::{
    Confidence, Effect, EffectDifference, EffectGroup, FeatureBalance, HoldOutGroup, Interval, MatchProfile,
    Matching, Rule, Treatment, TreatmentOutcomes,
};
use wayfold::{Amount, Currency, CustomerKey, Population, Selection, Span, Timestamp};

use crate::ask::{AskArguments, Asked, currency_of, parse_time};
use crate::failure::{not_found, usage};
use crate::output::Output;
use crate::table::Table;
use crate::words::{NONE, count, instant, many};

/// Says what a campaign, offer or strategy did: who bought more than they would have without it.
///
/// Compares with a hold-out, whom a lot left out; without one, each customer with another who was alike at the beginning.
#[derive(Debug, Args)]
pub(crate) struct EffectCommand {
    /// What was done: campaign:NAME, offer:KIND, retention_offer:NAME or playbook:NAME
    #[arg(value_name = "TREATMENT")]
    treatment: String,
    /// From when on it was done; who was a customer before can take part
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Until when it was done
    #[arg(long, value_name = "TIME")]
    until: String,
    /// How long it is watched what customers buy: from the beginning beside a hold-out, else from the end
    #[arg(long, value_name = "SPAN", default_value = "30 days")]
    watch: String,
    /// The group that was left out: its name, and how many of a thousand it holds
    #[arg(long, value_name = "NAME:PER_MILLE", value_parser = hold_out)]
    hold_out: Option<HoldOutGroup>,
    /// Whom it was meant for, by a rule as of the beginning [default: everybody]
    #[arg(long, value_name = "RULE")]
    among: Option<Rule>,
    /// How many standard deviations customers who are alike may be apart
    #[arg(long, value_name = "NUMBER", default_value_t = 0.5, conflicts_with = "hold_out")]
    caliper: f64,
    /// What it cost, for the return
    #[arg(long, value_name = "AMOUNT")]
    cost: Option<String>,
    /// The currency [default: the one with the most purchases]
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    #[command(flatten)]
    ask: AskArguments,
}

/// The answer; its JSON is documented in docs/guide/command.md.
#[derive(Debug, Serialize)]
struct Answer {
    currency: Currency,
    enrolled: [Timestamp; 2],
    observed: [Timestamp; 2],
    effect: Effect,
    additional_net: (f64, Option<Interval>),
    return_percent: Option<(f64, Option<Interval>)>,
    matched: Option<Matched>,
}

/// How customers who are alike were found.
#[derive(Debug, Serialize)]
struct Matched {
    pairs: u64,
    unmatched: u64,
    balance: Vec<FeatureBalance>,
}

fn hold_out(text: &str) -> std::result::Result<HoldOutGroup, String> {
    let wrong = || format!("{text:?} is no NAME:PER_MILLE, such as 'spring mailing:100'");
    let (name, share) = text.rsplit_once(':').ok_or_else(wrong)?;
    HoldOutGroup::new(name, share.parse().map_err(|_| wrong())?).map_err(|error| error.to_string())
}

fn treatment(text: &str) -> Result<Treatment> {
    let (what, name) = text.split_once(':').unwrap_or((text, ""));
    let of = match what {
        "campaign" => Treatment::Campaign,
        "offer" => Treatment::Offer,
        "retention_offer" => Treatment::RetentionOffer,
        "playbook" => Treatment::Playbook,
        _ => {
            return Err(usage(format_args!(
                "{text:?} is nothing that is done; write campaign:NAME, offer:KIND, retention_offer:NAME or playbook:NAME"
            )));
        }
    };
    Ok(of(name.to_owned()))
}

impl EffectCommand {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let treatment = treatment(&self.treatment)?;
        let cost = self.cost.as_deref().map(Amount::parse).transpose().map_err(usage)?;
        let (from, until) = (parse_time(&self.from)?, parse_time(&self.until)?);
        let begin = if self.hold_out.is_some() { from } else { until };
        let observed = begin..begin + Span::parse(&self.watch).map_err(usage)?;
        let asked = self.ask.open_for(&self.among.iter().collect::<Vec<_>>())?;
        if observed.end > asked.as_of {
            return Err(usage(format_args!(
                "customers are watched until {}, and the question is as of {}; name a shorter --watch, or a later --as-of",
                observed.end, asked.as_of
            )));
        }
        let before = asked.wayfold.population_of(&asked.tenant, from.previous())?;
        let Some(currency) = currency_of(self.currency.as_deref(), &asked.population()?)? else {
            return Err(not_found("nobody has bought by then; name a --currency, or a later --as-of"));
        };
        let measure = TreatmentOutcomes::new(treatment, from..until, observed.clone(), currency)?;
        let profiles = profiles(&before, currency, self.members(&asked, from)?.as_ref());
        let mut outcomes = asked.wayfold.measure_of(&asked.tenant, &measure, asked.as_of)?.outcomes();
        outcomes.retain(|of| profiles.contains_key(&of.customer));
        let (effect, matched) = match &self.hold_out {
            Some(group) => (Effect::against_hold_out(&outcomes, group, Confidence::P95)?, None),
            None => {
                let matching = Matching::new(FEATURES).with_caliper(self.caliper);
                let found = matching.effect(&outcomes, |key| profiles.get(key).cloned(), Confidence::P95)?;
                let (pairs, unmatched) = (found.pairs.len() as u64, found.unmatched.len() as u64);
                (found.effect, Some(Matched { pairs, unmatched, balance: found.balance }))
            }
        };
        let answer = Answer {
            currency,
            enrolled: [from, until],
            observed: [observed.start, observed.end],
            additional_net: effect.additional_net(),
            return_percent: cost.and_then(|cost| effect.return_percent(cost)),
            effect,
            matched,
        };
        if output.is_json() { output.object(&answer) } else { tell(output, &answer) }
    }

    /// Whom a rule selects at the last instant before the beginning.
    fn members(&self, asked: &Asked, from: Timestamp) -> Result<Option<BTreeMap<CustomerKey, ()>>> {
        let Some(rule) = &self.among else { return Ok(None) };
        let selection = Selection::new(rule.filter().clone()).with_limit(usize::MAX);
        let page = asked.wayfold.customers_of(&asked.tenant, &selection, from.previous())?;
        Ok(Some(page.customers().map(|view| (view.key.clone(), ())).collect()))
    }
}

/// In what customers who are alike are near each other, within a stage of the lifecycle. What a few have much of goes in as a
/// logarithm.
const FEATURES: [&str; 3] = ["ln(1 + purchases)", "ln(1 + net)", "days since the last purchase"];

/// What was known of customers at the beginning.
fn profiles(
    before: &Population,
    currency: Currency,
    members: Option<&BTreeMap<CustomerKey, ()>>,
) -> BTreeMap<CustomerKey, MatchProfile> {
    let here = before.members().iter().filter(|of| members.is_none_or(|keys| keys.contains_key(&of.key)));
    here.map(|member| {
        let value = member.value(currency);
        let net = value.map_or(0.0, |value| value.net.as_ten_thousandths() as f64 / 1e4);
        let last = value.and_then(|value| value.last_purchase_at).unwrap_or(member.first_seen_at);
        let silent = before.as_of().since(last).whole_days() as f64;
        let features = vec![f64::from(member.purchases).ln_1p(), net.max(0.0).ln_1p(), silent];
        (member.key.clone(), MatchProfile { class: member.lifecycle.to_string(), features })
    })
    .collect()
}

fn tell(output: &mut Output, answer: &Answer) -> Result<()> {
    let Answer { currency, enrolled: [from, until], observed: [begin, end], effect, .. } = answer;
    output.heading(&format!(
        "Done from {} to {}, watched from {} to {}",
        instant(*from),
        instant(*until),
        instant(*begin),
        instant(*end)
    ))?;
    let row = |name: &str, group: &EffectGroup| {
        let counts = [group.customers, group.reached, group.buyers].map(count);
        let (share, ends) = group.conversion;
        let share = format!("{share:.1} % ({:.1} to {:.1})", ends.low, ends.high);
        let mean = format!("{:.2}", group.mean_net);
        std::iter::once(name.to_owned()).chain(counts).chain([share, group.net.to_string(), mean]).collect()
    };
    let net = format!("net {currency}");
    let header = ["", "customers", "reached", "buyers", "bought", &net, "a customer"];
    let others = if answer.matched.is_some() { "alike" } else { "held out" };
    let rows = [row("treated", &effect.treated), row(others, &effect.others)];
    output.table(Table::new(&header, 1).with_rows(rows))?;
    output.line(format!("Bought: {}.", difference(&effect.conversion, "points")))?;
    output.line(format!("A customer: {}.", difference(&effect.money, currency.as_str())))?;
    let (additional, ends) = answer.additional_net;
    output.line(format!("In all: {additional:+.0} {currency}{}.", between(ends, 0)))?;
    if let Some((percent, ends)) = answer.return_percent {
        output.line(format!("Return: {percent:+.0} % of the cost{}.", between(ends, 0)))?;
    }
    let Some(matched) = &answer.matched else { return Ok(()) };
    output.line("")?;
    let figure = |of: Option<f64>| of.map_or_else(|| NONE.to_owned(), |of| format!("{of:+.3}"));
    let rows =
        matched.balance.iter().map(|row| vec![row.feature.clone(), figure(row.before), figure(row.after)]);
    output.table(Table::new(&["feature", "apart before", "apart in pairs"], 1).with_rows(rows))?;
    output.line(format!(
        "{} of customers of the same stage; {} whom nobody was like. Apart in standard deviations, up to 0.1 is well matched.",
        many(matched.pairs, "pair"),
        many(matched.unmatched, "customer"),
    ))?;
    output.line("Nobody was left out by lot: they may differ in what is not known of them.")
}

fn difference(of: &EffectDifference, unit: &str) -> String {
    let chance = of.p_value.map_or_else(String::new, |p| format!(", p = {p:.4}"));
    let rough = if of.is_rough { ", roughly: there are few" } else { "" };
    let tells = if of.tells() { "" } else { "; it may be chance" };
    format!("{:+.2} {unit}{}{chance}{rough}{tells}", of.value, between(of.interval, 2))
}

fn between(ends: Option<Interval>, decimals: usize) -> String {
    ends.map_or_else(String::new, |ends| format!(" ({:+.decimals$} to {:+.decimals$})", ends.low, ends.high))
}
