//! One lot: its cases, where each stands, and how each was drawn, to be drawn again by anybody once the seed is open.

use std::collections::BTreeSet;

use jiff::Timestamp;
use remit_access::{Action, Class};
use remit_kernel::{
    case::{CaseEvent, DrawCause},
    facts::Want,
    hash::Digest,
    id::{CaseId, EngagementId, LotId},
    index::{CaseStatus, LotRow, Row},
    lot::{self, Lot, Mode, Place, RANDOM, Seed},
    pack::{Acceptance, Risk},
    refusal::Reason,
    stream::{Event, Scope, State, StreamId},
    text::TextRef,
};
use serde::Serialize;

use super::{
    certificate::reviewers,
    look::{ERASED, Look, Query},
    review::{LotLine, lot_line},
    second::ReviewerErrors,
};
use crate::error::Result;

/// Asks for one lot.
#[derive(Debug, Clone, Copy)]
pub struct ShowLot {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Which.
    pub lot: LotId,
}

/// A lot with its cases.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LotView {
    /// The lot in figures.
    pub line: LotLine,
    /// How strictly it is judged.
    #[schema(value_type = String)]
    pub mode: Mode,
    /// The quality limit, in basis points of failed cases; none: it is not judged.
    pub aql: Option<u32>,
    /// Code letter of its sample.
    pub letter: String,
    /// Cases that are judged.
    pub sample: u32,
    /// Failures that are let pass.
    pub accept: u32,
    /// Failures in the sample when it was judged.
    pub judged: Option<u32>,
    /// Cases released to the client.
    pub delivered: u32,
    /// Cases that ended before they were reviewed.
    pub left: u32,
    /// What was recorded of the seed when the lot opened.
    #[schema(value_type = String)]
    pub commitment: Digest,
    /// The seed, once the lot is complete.
    #[schema(value_type = Option<String>)]
    pub seed: Option<Digest>,
    /// Whether the open seed fits the commitment and gives every draw that was recorded; none while it is secret.
    pub recomputed: Option<bool>,
    /// How often reviewers err, and the error rate corrected by it; none before the seed is open, and where nothing was drawn
    /// for a second reviewer.
    pub errors: Option<ReviewerErrors>,
    /// Its cases, in the order of the draw once the seed is open, before that by identifier.
    pub cases: Vec<LotCase>,
    /// Whether cases are left out that the caller may not see.
    pub partly: bool,
}

/// A case of a lot.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of its own in the document")]
pub struct LotCase {
    /// The case.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The client's reference.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// Where it stands.
    #[schema(value_type = String)]
    pub status: CaseStatus,
    /// Where it stands in the lot.
    #[schema(value_type = String)]
    pub place: Place,
    /// Whether it is judged.
    pub sampled: bool,
    /// Whether it waits because the lot was rejected.
    pub held: bool,
    /// The number it drew, as a share of all numbers; none while the seed is secret.
    pub number: Option<f64>,
    /// Marks that its plan could draw it by.
    #[schema(value_type = Vec<String>)]
    pub risks: BTreeSet<Risk>,
    /// Why it was drawn.
    #[schema(value_type = Vec<String>)]
    pub causes: BTreeSet<DrawCause>,
    /// Whether the client's own readers read it.
    pub in_house: bool,
    /// When it was decided, and drawn.
    #[schema(value_type = String, format = DateTime)]
    pub drawn_at: Timestamp,
    /// Whether two reviewers looked at it; told once both have finished.
    pub twice: bool,
    /// Whether the open seed gives the same draw; none while it is secret.
    pub same: Option<bool>,
}

/// What a case's events say of its draw.
pub(crate) struct Drawing {
    pub(crate) risks: BTreeSet<Risk>,
    pub(crate) causes: BTreeSet<DrawCause>,
    pub(crate) in_house: bool,
    pub(crate) second: bool,
    pub(crate) at: remit_kernel::time::Instant,
}

impl Query for ShowLot {
    type Out = LotView;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<LotView> {
        let label = look.engagement_label()?;
        look.admit(Action::ViewEngagement, &label).map_err(|_| Reason::hidden(self.lot))?;
        look.admit(Action::ViewQuality, &label).map_err(|_| Reason::hidden(self.lot))?;
        let lot = look.lot(self.lot).await?;
        let (_, sows) = look.engagement().await?;
        let row = row_of(&lot)?;
        let sampled: BTreeSet<_> = lot.sampled().into_iter().collect();
        let seed = lot.seed.map(|seed| Seed(*seed.bytes()));
        let order = match &seed {
            Some(seed) => seed.order(lot.cases.keys().copied()),
            None => lot.cases.keys().copied().collect(),
        };
        let mut cases = Vec::new();
        let mut partly = false;
        let mut same_all = seed.as_ref().is_none_or(|seed| seed.commitment() == lot.commitment);
        for part in order.chunks(200) {
            let wants =
                part.iter().flat_map(|case| [StreamId::Case(*case), StreamId::panel_of(*case)].map(Want::Stream));
            let facts = look.load(&wants.collect::<Vec<_>>()).await?;
            let texts: Vec<_> = facts.cases.values().flat_map(|case| [case.reference.id, case.title.id]).collect();
            let texts = look.texts(&texts).await?;
            let text = |text: TextRef| texts.get(&text.id).cloned().unwrap_or_else(|| ERASED.to_owned());
            for id in part {
                let Some(case) = facts.cases.get(id) else { continue };
                let drawing = look.drawing(*id).await?.ok_or_else(|| Reason::hidden(self.lot))?;
                let plan = case.admission.as_ref().and_then(|admission| admission.plan.review.as_ref());
                let same = seed.as_ref().zip(plan).map(|(seed, plan)| {
                    lot::causes(plan, lot.mode, seed, *id, &drawing.risks) == drawing.causes
                        && lot::in_house(plan, seed, *id) == drawing.in_house
                        && lot::second(plan, seed, *id, &drawing.causes) == drawing.second
                });
                same_all &= same.unwrap_or(true);
                let place = lot.cases.get(id).copied().unwrap_or(Place::Undrawn);
                let label = look.label(Class::Case, case, facts.panels.get(&id.panel()))?;
                if !look.may(Action::ViewCase, &label) {
                    partly = true;
                    continue;
                }
                cases.push(LotCase {
                    case: *id,
                    reference: text(case.reference),
                    title: text(case.title),
                    status: case.status,
                    place,
                    twice: drawing.second && matches!(place, Place::Passed | Place::Failed),
                    sampled: sampled.contains(id),
                    held: lot.holds(*id) && case.delivery.is_none(),
                    number: seed.as_ref().map(|seed| share(seed.number(*id, RANDOM))),
                    risks: drawing.risks,
                    causes: drawing.causes,
                    in_house: drawing.in_house,
                    drawn_at: drawing.at.timestamp(),
                    same,
                });
            }
        }
        let pairs = look.pairs_for(&lot).await?;
        let whole = if pairs.is_empty() || lot.seed.is_none() { Vec::new() } else { look.whole(&order).await? };
        let errors = reviewers(&lot, &whole.iter().collect::<Vec<_>>(), &pairs).filter(|_| lot.seed.is_some());
        look.saw(Action::ViewQuality, format!("lot/{}", self.lot), None, None);
        Ok(LotView {
            line: lot_line(&row, &sows),
            mode: lot.mode,
            aql: lot.acceptance.map(|Acceptance { aql, .. }| aql),
            letter: lot.letter.clone(),
            sample: lot.sample,
            accept: lot.accept,
            judged: lot.judged,
            delivered: lot.delivered,
            left: lot.left,
            commitment: lot.commitment,
            seed: lot.seed,
            errors,
            recomputed: seed.is_some().then_some(same_all),
            cases,
            partly,
        })
    }
}

impl Look<'_> {
    /// Returns a lot of the engagement.
    pub(crate) async fn lot(&self, id: LotId) -> Result<Lot> {
        let mut facts = self.load(&[Want::Stream(StreamId::Lot(id))]).await?;
        Ok(facts.lots.remove(&id).ok_or_else(|| Reason::hidden(id))?)
    }

    /// Returns what the events of a case say of its draw.
    pub(crate) async fn drawing(&self, case: CaseId) -> Result<Option<Drawing>> {
        let stream = StreamId::Case(case);
        let mut drawing = None;
        for stored in self.app.store().events(&self.scope(), &stream.to_string(), None).await? {
            if stored.kind != "drawn" {
                continue;
            }
            let event = Event::read(stream, &stored.kind, stored.v, &stored.body)?;
            if let Event::Case(CaseEvent::Drawn { risks, causes, in_house, second, .. }) = event {
                let (in_house, second) = (in_house.is_some(), second.is_some());
                drawing = Some(Drawing { risks, causes, in_house, second, at: stored.recorded_at });
            }
        }
        Ok(drawing)
    }
}

/// Returns the index row of a lot.
pub(crate) fn row_of(lot: &Lot) -> Result<LotRow> {
    let rows = State::Lot(lot.clone()).rows();
    let row = rows.into_iter().find_map(|row| if let Row::Lot(row) = row { Some(row) } else { None });
    Ok(row.ok_or_else(|| Reason::hidden(lot.lot))?)
}

/// Returns a number as a share of all 64-bit numbers, to six places.
fn share(number: u64) -> f64 {
    let millionths = (u128::from(number) * 1_000_000) >> 64;
    f64::from(u32::try_from(millionths).unwrap_or(u32::MAX)) / 1_000_000.0
}
