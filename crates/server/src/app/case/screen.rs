//! All that a case page shows, asked at once: one look, one group of entries.

use remit_kernel::{
    case::Media,
    id::{CaseId, EngagementId, EntryId, Id as _, ItemId, Suffix},
    precedent::PrecedentStatus,
    stream::Scope,
    time::Instant,
};
use remit_store::EntryKey;

use super::{
    file::{GetItem, ItemContent},
    intake::OwnerOption,
    timeline::{GetTimeline, TimelineLine},
    view::{CaseView, GetCase},
    witness::{ListWitnesses, WitnessList},
};
use crate::app::precedent::{ListPrecedents, PrecedentLine};
use crate::{
    app::look::{Look, Query},
    error::{Error, Result},
};

/// Entries of the record on one page.
const WITNESSES: u32 = 25;

/// Asks for the page of a case.
#[derive(Debug, Clone, Copy)]
pub struct GetScreen {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Which case.
    pub case: CaseId,
    /// As it was then.
    pub as_of: Option<Instant>,
    /// The item laid open; none: the first text or drawing.
    pub item: Option<(ItemId, u32)>,
    /// Entries of the record further back from here.
    pub before: Option<EntryKey>,
}

/// The page of a case.
#[derive(Debug)]
pub struct Screen {
    /// The case.
    pub view: CaseView,
    /// The item laid open.
    pub open: Option<ItemContent>,
    /// What happened.
    pub timeline: Vec<TimelineLine>,
    /// Who saw it, for those who may know.
    pub witnesses: Option<WitnessList>,
    /// Who could own it, for those who may transfer it.
    pub owners: Vec<OwnerOption>,
    /// Guidance in force that it could replace, for those who may propose it as a precedent.
    pub precedents: Vec<PrecedentLine>,
}

impl Query for GetScreen {
    type Out = Screen;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Screen> {
        let Self { engagement, case, as_of, item, before } = self;
        // Each part has a place of its own: together they would not fit a stack frame well.
        let view = Box::pin(GetCase { engagement, case, as_of }.answer(look)).await?;
        let first = view.current_items().find(|item| item.media != Media::Link).map(|item| (item.item, item.version));
        let open = match item.or(first) {
            None => None,
            Some((item, version)) => {
                Some(Box::pin(GetItem { engagement, case, item, version: Some(version), as_of }.answer(look)).await?)
            }
        };
        let timeline = Box::pin(GetTimeline { engagement, case, as_of }.answer(look)).await?;
        // As it was then: those who had seen it by then.
        let before = before.or(as_of.map(until));
        let witnesses = match (ListWitnesses { engagement, case, before, limit: WITNESSES }).answer(look).await {
            Ok(list) => Some(list),
            // Whoever may not look into the record has a page without it.
            Err(Error::Refused(_)) => None,
            Err(other) => return Err(other),
        };
        let owners = if view.may("transfer_case") { look.owners().await? } else { Vec::new() };
        let precedents = if view.may("propose_precedent") {
            let mut known = Box::pin(ListPrecedents { engagement }.answer(look)).await?;
            let replaceable = |known: &PrecedentLine| {
                known.status == PrecedentStatus::InForce
                    && known.kind == view.case_type
                    && known.precedent.case() != case
            };
            known.retain(replaceable);
            known
        } else {
            Vec::new()
        };
        Ok(Screen { view, open, timeline, witnesses, owners, precedents })
    }
}

/// Returns the place in the record right after everything of this instant.
fn until(at: Instant) -> EntryKey {
    EntryKey { at: Instant::from_micros(at.micros().saturating_add(1)), id: EntryId::of(Suffix::new(0, [0; 10])) }
}
