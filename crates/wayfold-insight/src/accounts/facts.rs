use std::collections::BTreeMap;

use wayfold_core::{Currency, EventKind, EventView, History, OrderBook, ProcurementStep, Timestamp};

use crate::measure::{Measure, Tally};

/// Measures what people do for the accounts that they belong to.
///
/// An event belongs to the account that its `account:` tag names; without one, to the account that the customer joined
/// last and has not left; else to none. A customer may join an account in several roles; leaving it without naming one
/// leaves it in all. An order belongs where it was placed. All questions are asked of the total, as of
/// the instant up to which histories were measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accounts {
    pub(super) currency: Currency,
}

/// What is known of accounts, by account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountTotal(Tally<Fact>);

/// One thing that somebody did for an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fact {
    pub(super) account: String,
    pub(super) at: Timestamp,
    pub(super) customer: String,
    pub(super) journey: Option<String>,
    pub(super) what: What,
}

/// What was done; money in ten-thousandths of the currency that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Joined {
        role: Option<String>,
        left_at: Option<Timestamp>,
    },
    Need {
        about: String,
        nature: Option<String>,
    },
    Proposed,
    Quoted(i64),
    Step {
        step: ProcurementStep,
        role: Option<String>,
    },
    /// An approval was granted or rejected.
    Decided,
    /// A purchase; the amount is none in another currency.
    Ordered(Option<i64>),
    Lost,
    /// What a customer did for the account at all: from the fact's instant until this one.
    Seen {
        until: Timestamp,
    },
}

impl Accounts {
    /// Values orders and quotes in a currency; those in others count, and are worth nothing.
    pub fn new(currency: Currency) -> Self {
        Self { currency }
    }

    fn of(&self, history: &History<'_>) -> Vec<Fact> {
        let customer = history.customer().1;
        let fact = |account: &str, at, journey: Option<&str>, what| Fact {
            account: account.to_owned(),
            at,
            customer: customer.to_owned(),
            journey: journey.map(str::to_owned),
            what,
        };
        let mut facts = Vec::new();
        let mut member_of = Vec::new();
        let mut placed_for: BTreeMap<&str, &str> = BTreeMap::new();
        let mut seen: BTreeMap<&str, (Timestamp, Timestamp)> = BTreeMap::new();
        for event in history.events() {
            let at = event.occurred_at();
            let membership = event.text("account").map(|account| (account, event.text("role")));
            match (event.kind(), membership) {
                (EventKind::AccountJoined, Some((account, role))) => {
                    member_of.push(Membership { account, role, fact: facts.len() });
                    facts.push(fact(
                        account,
                        at,
                        None,
                        What::Joined { role: role.map(str::to_owned), left_at: None },
                    ));
                }
                (EventKind::AccountLeft, Some((account, role))) => {
                    leave(&mut member_of, &mut facts, account, role, at);
                    continue;
                }
                _ => {}
            }
            let tagged = event.tags().find_map(|tag| tag.strip_prefix("account:"));
            let newest = member_of.last().map(|of| of.account);
            let Some(account) = tagged.or(newest) else { continue };
            seen.entry(account).or_insert((at, at)).1 = at;
            if let (EventKind::OrderPlaced, Some(order)) = (event.kind(), event.order()) {
                placed_for.entry(order).or_insert(account);
            }
            facts.extend(self.what(event).map(|what| fact(account, at, event.journey(), what)));
        }
        let seen =
            seen.into_iter().map(|(account, (from, until))| fact(account, from, None, What::Seen { until }));
        facts.extend(seen);
        let book = OrderBook::of(history.events());
        for order in book.placed().filter(|order| order.is_purchase) {
            let Some(account) = placed_for.get(order.order) else { continue };
            let amount = Some(order.amount).filter(|amount| amount.currency == self.currency);
            let what = What::Ordered(amount.map(|money| money.amount.as_ten_thousandths()));
            facts.push(fact(account, order.placed_at, order.journey, what));
        }
        facts
    }

    fn what(&self, event: &EventView<'_>) -> Option<What> {
        let text = |field: &str| event.text(field).map(str::to_owned);
        match event.kind() {
            EventKind::NeedIdentified => Some(What::Need { about: text("category")?, nature: None }),
            EventKind::NeedDetailed => Some(What::Need { about: text("aspect")?, nature: text("nature") }),
            EventKind::SolutionProposed => Some(What::Proposed),
            EventKind::QuoteIssued | EventKind::QuoteRevised | EventKind::QuoteAccepted => {
                let quoted = event.money_amount().filter(|money| money.currency == self.currency)?;
                Some(What::Quoted(quoted.amount.as_ten_thousandths()))
            }
            EventKind::ApprovalRequested => Some(What::Step { step: ProcurementStep::Approval, role: None }),
            EventKind::ProcurementStepReached => Some(What::Step {
                step: ProcurementStep::parse(event.text("step")?).ok()?,
                role: text("role"),
            }),
            EventKind::ApprovalGranted | EventKind::ApprovalRejected => Some(What::Decided),
            EventKind::DealLost => Some(What::Lost),
            _ => None,
        }
    }
}

/// A membership that was not left, and the place of its fact.
struct Membership<'a> {
    account: &'a str,
    role: Option<&'a str>,
    fact: usize,
}

/// Ends the memberships of an account; those in a role, where one is named.
fn leave(
    member_of: &mut Vec<Membership<'_>>,
    facts: &mut [Fact],
    account: &str,
    role: Option<&str>,
    at: Timestamp,
) {
    member_of.retain(|of| {
        let ends = of.account == account && (role.is_none() || of.role == role);
        if let (true, What::Joined { left_at, .. }) = (ends, &mut facts[of.fact].what) {
            *left_at = Some(at);
        }
        !ends
    });
}

impl Measure for Accounts {
    type Total = AccountTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut AccountTotal) {
        self.of(history).into_iter().for_each(|fact| total.0.add(fact, times));
    }

    fn merge(&self, total: &mut AccountTotal, other: AccountTotal) {
        total.0.merge(other.0);
    }
}

impl AccountTotal {
    /// The facts of each account in the order of time, by account.
    pub(super) fn by_account(&self) -> BTreeMap<&str, Vec<&Fact>> {
        let mut accounts: BTreeMap<&str, Vec<&Fact>> = BTreeMap::new();
        self.0.iter().for_each(|fact| accounts.entry(&fact.account).or_default().push(fact));
        accounts
    }
}
