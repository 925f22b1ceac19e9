//! The pipeline (客户跟进): what leads are worth following up, where deals stand, and what became of them.

mod crm_link;
mod lead_score;
mod opportunity;
mod pace;
mod results;

pub use self::crm_link::{CrmLink, CrmLinkView, CrmProcess, LinkView};
pub use self::lead_score::{
    LeadEvidence, LeadFactor, LeadPart, LeadReason, LeadRules, LeadScore, LeadScoreState, LeadScoreView,
};
pub use self::opportunity::{
    DealState, HandOver, Objection, Opportunities, Opportunity, OpportunityTotal, PipelineStage, StageEntry,
    default_stages,
};
pub use self::pace::{FirstContactRow, StageTimeRow, UntouchedLead};
pub use self::results::{ConcessionRow, HandOverRow, LostRow, PipelineRow, SlippingDeal, WinRow};
