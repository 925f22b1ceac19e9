//! Rows picked from other batches: what a fold reads is copied, and the rest is brought together when somebody looks.

use std::sync::Arc;

use super::columns::{Columns, NamedColumns, OrderFacts};
use super::gather::{gather, gather_numbers};
use super::later::{Later, Recorded, Source};
use super::{BatchBuilder, EventBatch, EventView};
use crate::error::Error;
use crate::event::Limits;

/// Where each row of a batch stands: the batch, and the row there.
#[derive(Debug)]
pub(super) struct Picked {
    batches: Arc<[EventBatch]>,
    rows: Vec<(u32, u32)>,
}

impl Picked {
    fn views(&self) -> impl Iterator<Item = EventView<'_>> {
        (0..self.rows.len()).map(|row| self.view(row))
    }

    fn view(&self, row: usize) -> EventView<'_> {
        let (batch, row) = self.rows[row];
        self.batches[batch as usize].event(row as usize)
    }

    pub(super) fn id(&self, row: usize) -> u128 {
        self.view(row).id().as_u128()
    }

    /// Positions stand for all rows or for none.
    pub(super) fn recorded(&self) -> Recorded {
        let recorded = self.views().map(|event| Some((event.position()?, event.recorded_at()?.as_micros())));
        let (positions, recorded_at) =
            recorded.collect::<Option<Vec<_>>>().unwrap_or_default().into_iter().unzip();
        Recorded { positions, recorded_at }
    }

    pub(super) fn numbers(&self) -> NamedColumns {
        gather_numbers(self.views())
    }

    pub(super) fn whole(&self) -> EventBatch {
        gather(self.views())
    }

    /// The first thing that could not be read of one of the batches.
    pub(super) fn failure(&self) -> Option<&Error> {
        self.batches.iter().find_map(EventBatch::failure)
    }

    /// What a fold reads of every event.
    fn fold(&self) -> Columns {
        let mut builder = BatchBuilder::new(Limits::default());
        let (mut customer, mut journey) = (Known::default(), Known::default());
        for (new, event) in self.views().enumerate() {
            let (from, row) = (event.columns(), event.row());
            let text = |builder: &mut BatchBuilder, number| builder.text(from.texts.get(number));
            let customer = customer.of(from, from.customer[row], |local| {
                let (tenant, customer) = from.customers[local as usize];
                let key = (text(&mut builder, tenant), text(&mut builder, customer));
                builder.customer(key)
            });
            let journey = from
                .journey
                .get(row)
                .map(|number| journey.of(from, number, |number| text(&mut builder, number)));
            if let Some(facts) = from.facts.get(row as u32) {
                let order = facts.order.map(|order| text(&mut builder, order));
                builder.columns.facts.push(new as u32, OrderFacts { order, ..*facts });
            }
            let to = &mut builder.columns;
            to.customer.push(customer);
            if let Some(journey) = journey {
                to.journey.push(new as u32, journey);
            }
            to.kind.push(event.kind());
            to.occurred_at.push(from.occurred_at[row]);
            to.sequence.push(from.sequence[row]);
            to.stage.push(from.stage[row]);
            to.schema_version.push(event.schema_version());
        }
        builder.columns
    }
}

/// The number that was given last: neighbours mostly have the same.
#[derive(Default)]
struct Known<'a> {
    last: Option<(&'a Columns, u32, u32)>,
}

impl<'a> Known<'a> {
    fn of(&mut self, from: &'a Columns, number: u32, give: impl FnOnce(u32) -> u32) -> u32 {
        match self.last {
            Some((columns, known, given)) if known == number && std::ptr::eq(columns, from) => given,
            _ => {
                let given = give(number);
                self.last = Some((from, number, given));
                given
            }
        }
    }
}

impl EventBatch {
    /// A batch of rows of other batches, in the order given, each named by the number of its batch and its row there.
    ///
    /// It is what [`EventBatch::from_views`] makes, for who folds the events once: what a fold reads of every event is
    /// copied, the batches are kept alive, and the rest is copied when somebody looks at it.
    ///
    /// # Panics
    /// If there is no such batch or row.
    pub fn picked(batches: &Arc<[Self]>, rows: Vec<(u32, u32)>) -> Self {
        let picked = Picked { batches: batches.clone(), rows };
        let columns = picked.fold();
        let later = Later::new(picked.rows.len(), Source::Picked(Arc::new(picked)));
        Self { columns: Arc::new(Columns { later: Some(Box::new(later)), ..columns }) }
    }
}
