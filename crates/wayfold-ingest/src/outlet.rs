//! Where events leave an import: checked, numbered where the mapping says so, and cut into batches.

use std::collections::{HashMap, VecDeque};

use wayfold_core::{
    BatchBuilder, CustomerKey, ErrorKind as CoreErrorKind, EventBatch, JourneyEvent, Limits, Timestamp,
};

use crate::error::Problem;
use crate::options::ImportOptions;
use crate::row::Fault;

/// Builds batches of the size that the options say.
#[derive(Debug)]
pub(crate) struct Outlet {
    batch_events: usize,
    limits: Limits,
    now: Option<Timestamp>,
    builder: BatchBuilder,
    full: VecDeque<EventBatch>,
    #[cfg(feature = "parquet")]
    is_recorded: bool,
}

impl Outlet {
    pub(crate) fn new(options: &ImportOptions) -> Self {
        Self {
            batch_events: options.batch_events.clamp(1, options.limits.batch_events_max.max(1)),
            limits: options.limits.clone(),
            now: options.now,
            builder: BatchBuilder::new(options.limits.clone()),
            full: VecDeque::new(),
            #[cfg(feature = "parquet")]
            is_recorded: false,
        }
    }

    /// Checks an event as [`Outlet::push`] does, without taking it.
    pub(crate) fn check(&self, event: &JourneyEvent) -> Result<(), Fault> {
        self.check_future(event)?;
        self.limits.check_event(event).map_err(|error| Fault::event(event.id, &error))
    }

    fn check_future(&self, event: &JourneyEvent) -> Result<(), Fault> {
        let at = event.occurred_at.instant();
        match self.now {
            Some(now) if self.limits.check_future(at, now).is_err() => {
                let beyond = self.beyond_the_clock();
                let reason = format!("it occurred at {at}, {beyond}; mend the line or raise future_max");
                Err(Fault::new(Problem::Future, reason))
            }
            _ => Ok(()),
        }
    }

    /// How far a time of the future lies from the clock, for messages.
    pub(crate) fn beyond_the_clock(&self) -> String {
        let most = span(self.limits.future_max.as_micros());
        match self.now {
            Some(now) => format!("more than {most} beyond the clock ({now})"),
            None => format!("more than {most} beyond the clock"),
        }
    }

    /// Takes an event into the batch; where the batch would grow too large, into the next one.
    pub(crate) fn push(&mut self, event: &JourneyEvent) -> Result<(), Fault> {
        self.push_by(event, BatchBuilder::push)
    }

    /// Takes an event with the position and recording time that it carries. A batch keeps them for all of its events
    /// or for none, so it ends where those that carry them begin or end.
    #[cfg(feature = "parquet")]
    pub(crate) fn push_recorded(&mut self, event: &JourneyEvent) -> Result<(), Fault> {
        if self.is_recorded != event.position.is_some() && !self.builder.is_empty() {
            self.cut();
        }
        self.is_recorded = event.position.is_some();
        self.push_by(event, BatchBuilder::push_recorded)
    }

    fn push_by(
        &mut self,
        event: &JourneyEvent,
        push: fn(&mut BatchBuilder, &JourneyEvent) -> wayfold_core::Result<()>,
    ) -> Result<(), Fault> {
        self.check_future(event)?;
        match push(&mut self.builder, event) {
            Ok(()) => {}
            Err(error) if error.kind() == CoreErrorKind::LimitExceeded && !self.builder.is_empty() => {
                self.cut();
                push(&mut self.builder, event).map_err(|error| Fault::event(event.id, &error))?;
            }
            Err(error) => return Err(Fault::event(event.id, &error)),
        }
        if self.builder.len() >= self.batch_events {
            self.cut();
        }
        Ok(())
    }

    fn cut(&mut self) {
        let builder = std::mem::replace(&mut self.builder, BatchBuilder::new(self.limits.clone()));
        self.full.push_back(builder.finish());
    }

    /// Gives a batch that is full.
    pub(crate) fn take_full(&mut self) -> Option<EventBatch> {
        self.full.pop_front()
    }

    /// Gives what is left at the end.
    pub(crate) fn take_rest(&mut self) -> Option<EventBatch> {
        if self.full.is_empty() && !self.builder.is_empty() {
            self.cut();
        }
        self.full.pop_front()
    }
}

/// A span of time in the largest unit from hours down of which it is a whole number.
fn span(micros: i64) -> String {
    let units = [(3_600_000_000, "hour"), (60_000_000, "minute"), (1_000_000, "second"), (1, "microsecond")];
    let fits = |(size, _): &&(i64, &str)| micros % size == 0 && micros >= *size;
    match units.iter().find(fits) {
        Some((size, unit)) if micros == *size => format!("1 {unit}"),
        Some((size, unit)) => format!("{} {unit}s", micros / size),
        None => format!("{micros} microseconds"),
    }
}

/// Numbers the events of a customer at one instant in the order in which they come.
///
/// It remembers every customer, and every instant at which a customer has an event: about 60 bytes an event
/// where no instant repeats.
#[derive(Debug, Default)]
pub(crate) struct FileOrder {
    customers: HashMap<CustomerKey, u32>,
    next: HashMap<(u32, i64), u32>,
}

impl FileOrder {
    pub(crate) fn number(&mut self, event: &JourneyEvent) -> u32 {
        let known = self.customers.len() as u32;
        let customer = match self.customers.get(&event.customer) {
            Some(number) => *number,
            None => *self.customers.entry(event.customer.clone()).or_insert(known),
        };
        let next = self.next.entry((customer, event.occurred_at.instant().as_micros())).or_default();
        *next += 1;
        *next - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_the_largest_unit() {
        for (micros, expected) in [
            (86_400_000_000, "24 hours"),
            (3_600_000_000, "1 hour"),
            (5_400_000_000, "90 minutes"),
            (1_000_000, "1 second"),
            (1_500_000, "1500000 microseconds"),
            (0, "0 microseconds"),
            (-1_000_000, "-1000000 microseconds"),
        ] {
            assert_eq!(span(micros), expected);
        }
    }
}
