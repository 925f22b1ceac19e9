use std::ops::{Range, RangeInclusive};

use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use wayfold_core::{CustomerKey, EventId, OrderId, Timestamp};

use super::{Birthday, CareRecord, CareRecordView, CareStart, LeapDay};
use crate::error::{Error, ErrorKind, Result};
use crate::local_time::first_instant;

/// When customers are contacted, as data. Days are those of the calendar in the zone, also where clocks are changed.
///
/// Each occasion has the name that `care_contacted` states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CareRules {
    /// The time zone, by its name in the IANA database.
    pub zone: String,
    /// The name of birthdays as an occasion; none are kept without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birthday: Option<String>,
    /// When somebody born on 29 February is greeted in other years. Default: on 1 March.
    #[serde(default)]
    pub leap_day: LeapDay,
    /// The holidays, each day once; everybody is greeted.
    #[serde(default)]
    pub holidays: Vec<Holiday>,
    /// When it is asked afterwards how it went.
    #[serde(default)]
    pub return_visits: Vec<ReturnVisit>,
    /// When silent customers are asked what is missing.
    #[serde(default)]
    pub silent: Vec<SilentCustomer>,
    /// When it is told that something ends.
    #[serde(default)]
    pub ends: Vec<EndNotice>,
    /// So many days before it is due, a contact counts for an occasion already.
    #[serde(default)]
    pub early_days: u16,
    /// So many days after it was due, a contact still counts for it.
    pub late_days: u16,
}

/// A day on which everybody is greeted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// The name of the occasion.
    pub name: String,
    /// The day.
    pub date: NaiveDate,
}

/// A return visit (回访).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnVisit {
    /// The name of the occasion.
    pub name: String,
    /// After what.
    pub after: VisitAfter,
    /// How many days after the day on which that was.
    pub days: u16,
}

/// After what customers are visited again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisitAfter {
    /// After each purchase was placed.
    Purchase,
    /// After each purchase was first delivered.
    Delivery,
}

/// A customer who has not bought for long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SilentCustomer {
    /// The name of the occasion.
    pub name: String,
    /// How many days after the day of the last purchase.
    pub days: u16,
}

/// A word before something ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndNotice {
    /// The name of what ends, and of the occasion.
    pub name: String,
    /// How many days before the day on which it ends.
    pub days_before: u16,
    /// The attribute of events that says when it ends, as [`CareRecord::with_end_attribute`] reads it. Without one, it is
    /// told by [`CareRecordView::with_end`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
}

/// Lists whom to contact when, by rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CareCalendar {
    rules: CareRules,
    zone: Tz,
}

/// Why somebody is contacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CareOccasion {
    /// It is the customer's birthday.
    Birthday,
    /// It is a holiday.
    Holiday,
    /// To ask how it went.
    ReturnVisit,
    /// The customer has not bought for long.
    Silent,
    /// Something ends.
    End,
}

/// Somebody to contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CareDue {
    /// When it is due: the first instant of the day.
    pub at: Timestamp,
    /// The day.
    pub on: NaiveDate,
    /// Whom.
    pub customer: CustomerKey,
    /// Why.
    pub occasion: CareOccasion,
    /// The name of the occasion.
    pub name: String,
    /// The order from which on days were counted.
    pub order: Option<OrderId>,
    /// When the customer was first contacted for it; `None` while it is open.
    pub done_at: Option<Timestamp>,
    /// By which event that is known.
    pub done_by: Option<EventId>,
}

impl CareCalendar {
    /// Takes the rules.
    ///
    /// # Errors
    /// `InvalidParameter` if the zone is unknown, a name is empty, one stands for occasions of two sorts or twice in one of
    /// them, or a holiday comes twice on a day. A holiday has its name every year.
    pub fn new(rules: CareRules) -> Result<Self> {
        let refuse = |message: std::fmt::Arguments<'_>| Err(Error::new(ErrorKind::InvalidParameter, message));
        let Ok(zone) = rules.zone.parse::<Tz>() else {
            return refuse(format_args!("time zone {:?} is unknown", rules.zone));
        };
        let mut holidays: Vec<&str> = rules.holidays.iter().map(|of| of.name.as_str()).collect();
        holidays.sort_unstable();
        holidays.dedup();
        let mut names: Vec<&str> = rules.birthday.as_deref().into_iter().chain(holidays).collect();
        names.extend(rules.return_visits.iter().map(|of| of.name.as_str()));
        names.extend(rules.silent.iter().map(|of| of.name.as_str()));
        names.extend(rules.ends.iter().map(|of| of.name.as_str()));
        for (place, name) in names.iter().enumerate() {
            if name.is_empty() || names[..place].contains(name) {
                return refuse(format_args!(
                    "occasion {name:?} is empty or comes twice; contacts could not be told apart"
                ));
            }
        }
        for (place, holiday) in rules.holidays.iter().enumerate() {
            if rules.holidays[..place].contains(holiday) {
                return refuse(format_args!("holiday {:?} comes twice on {}", holiday.name, holiday.date));
            }
        }
        Ok(Self { rules, zone })
    }

    /// The projection that reads what the rules ask for: the attribute `birthday`, and those that say when something ends, of
    /// which a date is a day in the zone.
    pub fn record(&self) -> CareRecord {
        let ends = self.rules.ends.iter().filter_map(|of| Some((&of.name, of.attribute.as_ref()?)));
        ends.fold(CareRecord::default().with_zone(self.zone), |record, (name, attribute)| {
            record.with_end_attribute(name, attribute)
        })
    }

    /// The names of what ends and is not said by an attribute: [`CareRecordView::with_end`] tells when.
    pub fn ends_told(&self) -> impl Iterator<Item = &str> {
        self.rules.ends.iter().filter(|of| of.attribute.is_none()).map(|of| of.name.as_str())
    }

    /// Whom to contact between two instants, the first included and the last not, by time, customer, occasion and name.
    ///
    /// Records tell what is known as of the instant at which they were asked for: later ones list what falls due if nothing
    /// else happens. What was done stays on the list, marked.
    pub fn due(
        &self,
        records: impl IntoIterator<Item = (CustomerKey, CareRecordView)>,
        between: Range<Timestamp>,
    ) -> Vec<CareDue> {
        let holidays = self.rules.holidays.iter();
        let holidays: Vec<_> = holidays.filter(|of| between.contains(&self.begins(of.date))).collect();
        let years = self.day(between.start).year()..=self.day(between.end).year();
        let mut all = Vec::new();
        for (customer, record) in records {
            let mut list = List {
                calendar: self,
                customer: &customer,
                record: &record,
                between: &between,
                all: &mut all,
            };
            list.birthdays(years.clone());
            holidays.iter().for_each(|of| list.add(CareOccasion::Holiday, &of.name, Some(of.date), None));
            list.return_visits();
            list.silence();
            list.ends();
        }
        all.sort_by(|a, b| {
            let (own, other) = ((a.at, &a.customer, a.occasion), (b.at, &b.customer, b.occasion));
            own.cmp(&other).then_with(|| (&a.name, &a.order).cmp(&(&b.name, &b.order)))
        });
        all
    }

    /// The day of an instant in the zone.
    fn day(&self, at: Timestamp) -> NaiveDate {
        at.to_chrono().with_timezone(&self.zone).date_naive()
    }

    /// The first instant of a day in the zone.
    fn begins(&self, day: NaiveDate) -> Timestamp {
        first_instant(self.zone, day.and_time(NaiveTime::MIN))
    }
}

/// What one customer adds to a list.
struct List<'a> {
    calendar: &'a CareCalendar,
    customer: &'a CustomerKey,
    record: &'a CareRecordView,
    between: &'a Range<Timestamp>,
    all: &'a mut Vec<CareDue>,
}

impl List<'_> {
    fn birthdays(&mut self, years: RangeInclusive<i32>) {
        let (Some(name), Some(born)) = (&self.calendar.rules.birthday, self.record.birthday) else { return };
        let day = |born: Birthday, year| born.in_year(year, self.calendar.rules.leap_day);
        let days: Vec<_> = years.map(|year| day(born, year)).collect();
        days.into_iter().for_each(|on| self.add(CareOccasion::Birthday, name, on, None));
    }

    fn return_visits(&mut self) {
        for rule in &self.calendar.rules.return_visits {
            let starts = match rule.after {
                VisitAfter::Purchase => &self.record.purchases,
                VisitAfter::Delivery => &self.record.deliveries,
            };
            starts
                .iter()
                .for_each(|start| self.add_after(CareOccasion::ReturnVisit, &rule.name, start, rule.days));
        }
    }

    fn silence(&mut self) {
        let Some(last) = self.record.purchases.last() else { return };
        for rule in &self.calendar.rules.silent {
            self.add_after(CareOccasion::Silent, &rule.name, last, rule.days);
        }
    }

    fn ends(&mut self) {
        for rule in &self.calendar.rules.ends {
            for end in self.record.ends.iter().filter(|end| end.name == rule.name) {
                let on = self.calendar.day(end.at).checked_sub_days(Days::new(rule.days_before.into()));
                self.add(CareOccasion::End, &rule.name, on, None);
            }
        }
    }

    fn add_after(&mut self, occasion: CareOccasion, name: &str, start: &CareStart, days: u16) {
        let on = self.calendar.day(start.at).checked_add_days(Days::new(days.into()));
        self.add(occasion, name, on, Some(start));
    }

    /// Adds what is due on a day if it lies between the instants, with the contact that counts for it: the first with its
    /// name within the days before and after, and no earlier than that from which days were counted.
    fn add(&mut self, occasion: CareOccasion, name: &str, on: Option<NaiveDate>, start: Option<&CareStart>) {
        let Some(on) = on else { return };
        let at = self.calendar.begins(on);
        if !self.between.contains(&at) {
            return;
        }
        let rules = &self.calendar.rules;
        let first = on.checked_sub_days(Days::new(rules.early_days.into())).unwrap_or(NaiveDate::MIN);
        let last = on.checked_add_days(Days::new(rules.late_days.into())).unwrap_or(NaiveDate::MAX);
        let counts = self.record.contacts.iter().find(|contact| {
            contact.occasion == name
                && (first..=last).contains(&self.calendar.day(contact.at))
                && start.is_none_or(|start| start.at <= contact.at)
        });
        self.all.push(CareDue {
            at,
            on,
            customer: self.customer.clone(),
            occasion,
            name: name.to_owned(),
            order: start.map(|start| start.order.clone()),
            done_at: counts.map(|contact| contact.at),
            done_by: counts.map(|contact| contact.event),
        });
    }
}
