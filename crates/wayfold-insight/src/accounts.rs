//! Accounts (企业客户): people who buy together, what they need, who decides, and where their procurement waits.

mod facts;
mod procurement;
mod roll_up;
mod what_if;

pub use self::facts::{AccountTotal, Accounts};
pub use self::procurement::{ProcurementCase, ProcurementStepRow, ProcurementVisit};
pub use self::roll_up::{AccountMember, AccountRow, BuyingGroup, NeedRow};
pub use self::what_if::{CaseChange, WaitChange, WhatIf};
