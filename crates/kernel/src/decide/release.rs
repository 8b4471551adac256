//! Decisions on delivery: release to the client, acceptance, coded return and revision.

use super::{Deciding, Done, directory::NOTE_CHARS_MAX};
use crate::{
    case::{Case, CaseEvent, Cause, Delivery, DeliveryState, ReturnCode, SignoffState},
    command::Command,
    id::CaseId,
    index::CaseStatus,
    refusal::{Reason, Refusal, code},
};

impl Deciding<'_> {
    pub(super) fn release(&mut self, command: &Command) -> Done {
        match command {
            Command::Deliver { engagement, case } => {
                self.live(*engagement)?;
                self.deliver(*case)
            }
            Command::AcceptDelivery { case, .. } => {
                let (mut case, delivery) = self.delivered(*case)?;
                let by = self.actor()?;
                self.push_case(&mut case, CaseEvent::Accepted { delivery: delivery.delivery, by });
                Ok(())
            }
            Command::ReturnDelivery { case, code, note, .. } => self.send_back_delivery(*case, *code, note),
            other => Err(Reason::hidden(other.word()).into()),
        }
    }

    /// Releases the deliverable. Nothing leaves with an open reading, or a missing or void signature (I7).
    fn deliver(&mut self, id: CaseId) -> Done {
        let mut case = self.facts.case(id)?.clone();
        let by = self.actor()?;
        if case.imported() {
            return Err(self.wrong_state(&case).into());
        }
        let mut reasons = Vec::new();
        if !self.facts.panel(id)?.ended() {
            reasons.push(Reason::rule(code::READING_OPEN, id, "a required reading or decision is still open")
                .hint("Wait until the panel is closed.")
                .invariant("I7"));
        }
        let resolution = case.resolution.clone();
        let signed = case.admission.as_ref().is_none_or(|admission| !admission.plan.signoff)
            || case.signoff.as_ref().is_some_and(|signoff| {
                matches!(signoff.state, SignoffState::Signed { .. })
                    && resolution.as_ref().is_some_and(|resolution| resolution.content == signoff.content)
            });
        if resolution.is_some() && !signed {
            reasons.push(Reason::rule(code::SIGNOFF_MISSING, id, "no signature holds for this content")
                .hint("Ask for sign-off first; after a change it is needed anew.")
                .invariant("I7"));
        }
        if reasons.is_empty() && !matches!(case.status, CaseStatus::SignedOff | CaseStatus::Resolved) {
            reasons.push(self.wrong_state(&case));
        }
        Refusal::unless_empty(reasons)?;
        let Some(resolution) = resolution else { return Err(self.wrong_state(&case).into()) };
        let delivery = self.new_id();
        self.push_case(&mut case, CaseEvent::Delivered { delivery, content: resolution.content, by });
        Ok(())
    }

    fn delivered(&self, id: CaseId) -> Result<(Case, Delivery), Reason> {
        let case = self.case_in(id, &[CaseStatus::Delivered])?;
        let delivery = case.delivery.clone().filter(|delivery| delivery.state == DeliveryState::Released);
        let delivery = delivery.ok_or_else(|| self.wrong_state(&case))?;
        Ok((case, delivery))
    }

    /// Takes a delivery back. What the provider caused is not counted against the allowance.
    fn send_back_delivery(&mut self, id: CaseId, code: ReturnCode, note: &str) -> Done {
        let (mut case, delivery) = self.delivered(id)?;
        let by = self.actor()?;
        let allowed = case.admission.as_ref().map_or(0, |admission| admission.revisions_max);
        if code.counted() && case.revisions_counted >= allowed {
            let clause = case.admission.as_ref().map(|admission| admission.clause.clone()).unwrap_or_default();
            return Err(Reason::rule(code::REVISIONS_USED_UP, id, format!("all {allowed} included revisions are used up"))
                .hint("Accept the delivery, or agree a change request for a further revision.")
                .clause(clause)
                .into());
        }
        let natural = self.member(by)?.natural;
        let note = self.keep_checked("note", note, NOTE_CHARS_MAX)?;
        let revision = case.revision + 1;
        self.push_case(&mut case, CaseEvent::Returned { delivery: delivery.delivery, by, code, note, revision, counted: code.counted() });
        if code.questions_answer() {
            self.challenge(&mut case, Cause::Return, (by, natural), None, note)?;
        }
        Ok(())
    }
}
