//! Decisions on delivery: release to the client, acceptance, coded return and revision.

use super::{Deciding, Done, directory::NOTE_CHARS_MAX, signoff::rework_owed, wrong_state};
use crate::{
    case::{Case, CaseEvent, Cause, Delivery, DeliveryState, ReturnCode, SignoffState},
    id::{CaseId, EngagementId},
    index::CaseStatus,
    lot::LotEvent,
    refusal::{Reason, Refusal, code},
    routing,
};

impl Deciding<'_> {
    /// Releases the deliverable. Nothing leaves with an open reading, or a missing or void signature (I7).
    pub(super) fn deliver(&mut self, engagement: EngagementId, id: CaseId) -> Done {
        self.live(engagement)?;
        let mut case = self.facts.case(id)?.clone();
        let by = self.actor()?;
        if case.imported() {
            return Err(wrong_state(&case).into());
        }
        let mut reasons = Vec::new();
        if !self.facts.panel(id)?.ended() {
            reasons.push(
                Reason::rule(code::READING_OPEN, id, "a required reading or decision is still open")
                    .hint("Wait until the panel is closed.")
                    .invariant("I7"),
            );
        }
        let rejected = case.lot.and_then(|lot| self.facts.lots.get(&lot)).is_some_and(|lot| lot.holds(id));
        if !case.holds.is_empty() || rejected {
            let sentence = if rejected {
                "its lot was rejected, and nobody has reviewed this case yet"
            } else {
                "a review of this case is not finished"
            };
            reasons.push(
                Reason::rule(code::REVIEW_OPEN, id, sentence)
                    .hint("Deliver it once a reviewer has finished; the board of reviews shows who has it.")
                    .invariant("I7"),
            );
        }
        reasons.extend(rework_owed(&case).filter(|_| case.holds.is_empty() && case.status == CaseStatus::Revision));
        // The owner answers for what leaves, and nobody does with an interest in it.
        let interest = routing::conflict(&self.facts.name(case.owner), self.facts.person(case.owner)?, &case.parties);
        reasons.extend(interest.map(|interest| {
            interest.hint("Transfer the case to an owner without that interest, then deliver it.").invariant("I7")
        }));
        let resolution = case.resolution.clone();
        let unsigned = case.admission.as_ref().is_none_or(|admission| !admission.plan.signoff);
        let signed = unsigned
            || case.signoff.as_ref().is_some_and(|signoff| {
                matches!(signoff.state, SignoffState::Signed { .. })
                    && resolution.as_ref().is_some_and(|resolution| resolution.content == signoff.content)
            });
        if resolution.is_some() && !signed {
            reasons.push(
                Reason::rule(code::SIGNOFF_MISSING, id, "no signature holds for this content")
                    .hint("Ask for sign-off first; after a change it is needed anew.")
                    .invariant("I7"),
            );
        }
        let releasable = match case.status {
            CaseStatus::SignedOff | CaseStatus::Resolved => true,
            // Where no signature stands between, the owner who has mended the words releases them again.
            CaseStatus::Revision => unsigned,
            CaseStatus::ScopeQuery
            | CaseStatus::Declined
            | CaseStatus::Ready
            | CaseStatus::Reading
            | CaseStatus::Adjudicating
            | CaseStatus::InReview
            | CaseStatus::AwaitingSignOff
            | CaseStatus::Delivered
            | CaseStatus::Accepted
            | CaseStatus::Cancelled => false,
        };
        if reasons.is_empty() && !releasable {
            reasons.push(wrong_state(&case));
        }
        Refusal::unless_empty(reasons)?;
        let Some(resolution) = resolution else { return Err(wrong_state(&case).into()) };
        let (delivery, first) = (self.new_id(), case.delivery.is_none());
        self.push_case(&mut case, CaseEvent::Delivered { delivery, content: resolution.content, by });
        if first { self.tell_lot(case.lot, LotEvent::Delivered { case: id }) } else { Ok(()) }
    }

    /// Accepts the delivery; nobody accepts the own work, whatever side the account is on (I3).
    pub(super) fn accept_delivery(&mut self, id: CaseId) -> Done {
        let (mut case, delivery) = self.delivered(id)?;
        let by = self.actor()?;
        let natural = self.member(by)?.natural;
        let worded = case.resolution.as_ref().is_some_and(|resolution| resolution.authors.contains(&natural));
        if worded || case.signers.contains(&natural) || self.facts.panel(id)?.authors().contains(&natural) {
            return Err(Reason::rule(code::SELF_REVIEW, id, "you made part of what would be accepted")
                .hint("Ask a client manager who had no part in it.")
                .invariant("I3")
                .into());
        }
        self.push_case(&mut case, CaseEvent::Accepted { delivery: delivery.delivery, by });
        Ok(())
    }

    fn delivered(&self, id: CaseId) -> Result<(Case, Delivery), Reason> {
        let case = self.case_in(id, &[CaseStatus::Delivered])?;
        let delivery = case.delivery.clone().filter(|delivery| delivery.state == DeliveryState::Released);
        let delivery = delivery.ok_or_else(|| wrong_state(&case))?;
        Ok((case, delivery))
    }

    /// Takes a delivery back. What the provider caused is not counted against the allowance.
    pub(super) fn return_delivery(&mut self, id: CaseId, code: ReturnCode, note: &str) -> Done {
        let (mut case, delivery) = self.delivered(id)?;
        let by = self.actor()?;
        let allowed = case.admission.as_ref().map_or(0, |admission| admission.revisions_max);
        if code.counted() && case.revisions_counted >= allowed {
            let clause = case.admission.as_ref().map(|admission| admission.clause.clone()).unwrap_or_default();
            return Err(Reason::rule(
                code::REVISIONS_USED_UP,
                id,
                format!("all {allowed} included revisions are used up"),
            )
            .hint("Accept the delivery, or agree a change request for a further revision.")
            .clause(clause)
            .into());
        }
        let natural = self.member(by)?.natural;
        let note = self.keep_checked("note", note, NOTE_CHARS_MAX)?;
        let revision = case.revision + 1;
        self.push_case(
            &mut case,
            CaseEvent::Returned { delivery: delivery.delivery, by, code, note, revision, counted: code.counted() },
        );
        if code.questions_answer() {
            self.challenge(&mut case, Cause::Return, (by, natural), None, note)?;
        }
        Ok(())
    }
}
