use anyhow::Result;
use clap::Args;
use wayfold::{CustomerKey, EventFilter, EventView, Position, ReadQuery, Tag, Tenant};

use crate::failure::usage;
use crate::kinds::kind;
use crate::output::Output;
use crate::store::StoreArguments;
use crate::table::Table;
use crate::words::{NONE, instant, or_none};

/// How many events are read at a time.
const EVENTS_PER_READ: usize = 4_096;

/// Lists events in the order in which the log took them.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Only those of a customer
    #[arg(long, value_name = "CUSTOMER")]
    customer: Option<String>,
    /// Only those of a tenant; of a customer, the tenant it belongs to
    #[arg(long)]
    tenant: Option<String>,
    /// Only those of a kind; one's own are `custom:NAME`
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only those that touch an object, such as `order:o1`
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Only those behind a position of the log; with --newest, those before it
    #[arg(long, value_name = "POSITION")]
    after: Option<String>,
    /// Begins with the newest
    #[arg(long)]
    newest: bool,
    /// How many are listed
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    store: StoreArguments,
}

impl Log {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let (query, start) = self.query()?;
        let store = self.store.open_to_read()?;
        let mut table = Table::new(&["position", "happened", "customer", "kind", "amount", "tags"], 6);
        let (mut next, mut listed) = (Some(start), 0);
        while let Some(from) = next.filter(|_| listed < self.limit) {
            let limit = EVENTS_PER_READ.min(self.limit - listed);
            let page = pollster::block_on(store.read(query.clone(), from, limit))?;
            for event in page.batch.iter() {
                if output.is_json() {
                    output.object_line(&event.to_event())?;
                } else {
                    table.row(row(&event));
                }
            }
            listed += page.batch.len();
            next = page.next;
        }
        if output.is_json() {
            return Ok(());
        }
        if listed == 0 {
            return output.line("No event of the log is meant.");
        }
        output.table(table)?;
        next.map_or(Ok(()), |next| {
            output.line(format!("There may be more: --after {next}, or a higher --limit."))
        })
    }

    /// What to read, and from where.
    fn query(&self) -> Result<(ReadQuery, Position)> {
        let tenant = self.tenant.as_deref().map(Tenant::new).transpose().map_err(usage)?;
        let mut filter = match &self.customer {
            None => EventFilter { tenant, ..EventFilter::all() },
            Some(name) => {
                let tenant = tenant.unwrap_or_default();
                EventFilter::customer(CustomerKey::in_tenant(tenant.as_str(), name).map_err(usage)?)
            }
        };
        if let Some(name) = &self.kind {
            filter = filter.with_kind(kind(name)?);
        }
        if let Some(tag) = &self.tag {
            filter = filter.with_tag(Tag::parse(tag).map_err(usage)?);
        }
        let query = ReadQuery::from(filter);
        let (query, start) =
            if self.newest { (query.backward(), Position::END) } else { (query, Position::START) };
        let after = self.after.clone().map(Position::try_from).transpose().map_err(usage)?;
        Ok((query, after.unwrap_or(start)))
    }
}

fn row(event: &EventView<'_>) -> Vec<String> {
    let tags: Vec<&str> = event.tags().collect();
    let name =
        event.custom_name().map_or_else(|| event.kind_name().into_owned(), |own| format!("custom:{own}"));
    vec![
        or_none(event.position()),
        instant(event.occurred_at()),
        event.customer().to_string(),
        name,
        or_none(event.money_amount()),
        if tags.is_empty() { NONE.to_owned() } else { tags.join(" ") },
    ]
}
