//! The care calendar (关怀日历): whom to contact when, at birthdays, holidays and return visits, and after long silence.

mod birthday;
mod calendar;
mod record;

pub use self::birthday::{Birthday, LeapDay};
pub use self::calendar::{
    CareCalendar, CareDue, CareOccasion, CareRules, EndNotice, Holiday, ReturnVisit, SilentCustomer,
    VisitAfter,
};
pub use self::record::{CareContact, CareEnd, CareRecord, CareRecordState, CareRecordView, CareStart};
