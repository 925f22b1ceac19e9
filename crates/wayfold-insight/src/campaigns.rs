//! Campaigns and offers (营销活动): sent, opened, clicked, redeemed, ordered, and what came of the money.

mod contacts;
mod cost;
mod report;

pub(crate) use self::contacts::campaign_of;
pub use self::contacts::{CampaignTotal, CampaignTouch, Campaigns};
pub use self::cost::CampaignCost;
pub use self::report::{CampaignBy, CampaignRow, CampaignStep};
