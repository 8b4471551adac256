//! What an act did, as programs see it.

use jiff::Timestamp;
use remit_kernel::id::{ActId, CaseId, EngagementId, OrgId, PersonId, SowId};
use serde::Serialize;

use crate::app::{Happened, Receipt};

/// What an act did. Once it is here it is on the disk; sent again with the same `Idempotency-Key`, the same receipt comes back.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ReceiptOut {
    /// The act, as the record names it.
    #[schema(value_type = String)]
    act: ActId,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What was done, such as `take_in`.
    command: String,
    /// In which engagement; none for the directory.
    #[schema(value_type = Option<String>)]
    engagement: Option<EngagementId>,
    /// The case it touched or made.
    #[schema(value_type = Option<String>)]
    case: Option<CaseId>,
    /// The statement of work it touched or made.
    #[schema(value_type = Option<String>)]
    sow: Option<SowId>,
    /// The person of the directory it touched or made.
    #[schema(value_type = Option<String>)]
    person: Option<PersonId>,
    /// The organisation it touched or made.
    #[schema(value_type = Option<String>)]
    organisation: Option<OrgId>,
    /// What happened, in order; empty if nothing had to.
    events: Vec<EventOut>,
}

/// One event of an act.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct EventOut {
    /// What it happened to, such as `case/case_01...`.
    stream: String,
    /// What happened, such as `received`.
    kind: String,
}

impl From<Receipt> for ReceiptOut {
    fn from(receipt: Receipt) -> Self {
        Self {
            act: receipt.act,
            at: receipt.at.timestamp(),
            engagement: receipt.engagement(),
            case: receipt.case(),
            sow: receipt.sow(),
            person: receipt.person(),
            organisation: receipt.organisation(),
            command: receipt.command,
            events: receipt.events.into_iter().map(|Happened { stream, kind }| EventOut { stream, kind }).collect(),
        }
    }
}
