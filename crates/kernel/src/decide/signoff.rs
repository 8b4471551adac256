//! Decisions on the deliverable's words and on the professional's signature over exact content.

use super::{Deciding, Done, directory::NOTE_CHARS_MAX, reading::barred, wrong_state};
use crate::{
    case::{Case, CaseEvent, Cause, Look, Material, Media, ReturnCode, Signoff, SignoffState},
    command::JudgementIn,
    ctx::Actor,
    form::Judgement,
    hash::Digest,
    id::{CaseId, EngagementId, PersonId},
    index::CaseStatus,
    pack::Duty,
    panel::PanelEvent,
    refusal::{Reason, Refusal, code},
    routing,
    text::TextRef,
};

/// Longest deliverable, in code points.
const DELIVERABLE_CHARS_MAX: usize = 100_000;

impl Deciding<'_> {
    /// Asks again for the signature, after the owner mended what came back.
    pub(super) fn ask_for_signoff(&mut self, engagement: EngagementId, id: CaseId) -> Done {
        self.live(engagement)?;
        let mut case = self.case_in(id, &[CaseStatus::Revision])?;
        if !case.admission.as_ref().is_some_and(|admission| admission.plan.signoff) {
            return Err(Reason::rule(code::WRONG_STATE, id, "the plan of this case asks for no signature")
                .hint("Deliver it when its words are right.")
                .into());
        }
        if let Some(owed) = rework_owed(&case) {
            return Err(owed.into());
        }
        let content = content_of(&case)?;
        self.request_signoff(&mut case, content);
        Ok(())
    }

    pub(super) fn refuse_signoff(&mut self, engagement: EngagementId, id: CaseId, note: &str) -> Done {
        self.live(engagement)?;
        let (mut case, by, signoff) = self.signing(id)?;
        let note = self.keep_checked("note", note, NOTE_CHARS_MAX)?;
        self.push_case(&mut case, CaseEvent::SignoffRefused { signoff: signoff.signoff, by, note });
        Ok(())
    }

    /// Changes the words of the deliverable. A request or signature over the old words no longer holds (I6).
    pub(super) fn edit_deliverable(&mut self, engagement: EngagementId, id: CaseId, body: &str) -> Done {
        self.live(engagement)?;
        let mut case = self.case_in(
            id,
            &[CaseStatus::Resolved, CaseStatus::AwaitingSignOff, CaseStatus::SignedOff, CaseStatus::Revision],
        )?;
        if case.imported() {
            return Err(wrong_state(&case).into());
        }
        let by = self.actor()?;
        let natural = self.member(by)?.natural;
        let unchanged = case
            .resolution
            .as_ref()
            .and_then(|resolution| resolution.deliverable)
            .and_then(|text| self.facts.texts.get(&text.id))
            .is_some_and(|before| before == body);
        if unchanged {
            return Ok(());
        }
        let deliverable = self.keep_checked("body", body, DELIVERABLE_CHARS_MAX)?;
        let Some(outcome) = case.resolution.as_ref().map(|resolution| resolution.outcome.clone()) else {
            return Err(wrong_state(&case).into());
        };
        let signing = matches!(case.status, CaseStatus::AwaitingSignOff | CaseStatus::SignedOff);
        if let Some(signoff) = case.signoff.as_ref().filter(|_| signing).map(|signoff| signoff.signoff) {
            self.push_case(&mut case, CaseEvent::SignoffVoided { signoff });
        }
        let content = case.content(&outcome, Some(&deliverable));
        self.push_case(&mut case, CaseEvent::DeliverableEdited { deliverable, by, natural, content });
        if signing {
            self.request_signoff(&mut case, content);
        } else if case.status == CaseStatus::Revision {
            self.draw_rework(&mut case);
        }
        Ok(())
    }

    /// Returns case, signer and open request, if this person may sign here.
    fn signing(&self, id: CaseId) -> Result<(Case, PersonId, Signoff), Refusal> {
        let case = self.case_in(id, &[CaseStatus::AwaitingSignOff])?;
        let by = self.actor()?;
        self.in_force(&case)?;
        Refusal::unless_empty(barred(self.facts, &case, by, Duty::Sign, self.ctx.now))?;
        let open = case.signoff.clone().filter(|signoff| signoff.state == SignoffState::Requested);
        let signoff = open.ok_or_else(|| wrong_state(&case))?;
        Ok((case, by, signoff))
    }

    pub(super) fn open_material(&mut self, engagement: EngagementId, id: CaseId, material: Material) -> Done {
        self.live(engagement)?;
        let (mut case, by, signoff) = self.signing(id)?;
        if !case.material().contains(&material) {
            return Err(Reason::hidden(id).into());
        }
        if signoff.opened.get(&by).is_some_and(|opened| opened.contains(&material)) {
            return Ok(());
        }
        let link = matches!(material, Material::Item(item, version)
            if case.item(item, version).is_some_and(|item| item.media == Media::Link));
        let how = if link { Look::LinkFollowed } else { Look::Opened };
        self.push_case(&mut case, CaseEvent::ItemOpened { signoff: signoff.signoff, by, material, how });
        Ok(())
    }

    /// Signs one content. All that stands against it is told at once (I6).
    pub(super) fn sign(&mut self, engagement: EngagementId, id: CaseId, content: Digest, statement: &str) -> Done {
        self.live(engagement)?;
        let (mut case, by, signoff) = self.signing(id)?;
        let mut reasons = Vec::new();
        if !matches!(self.ctx.actor, Actor::Person { reauthenticated: true, .. }) {
            reasons.push(
                Reason::rule(code::REAUTH_NEEDED, id, "signing needs your password again")
                    .hint("Confirm who you are; the signing session then lasts 15 minutes."),
            );
        }
        if content != signoff.content || content != content_of(&case)? {
            reasons.push(
                Reason::rule(code::CONTENT_CHANGED, id, "the content changed after you opened it")
                    .hint("Reload: the change is marked. Open what changed, then sign.")
                    .invariant("I6"),
            );
        }
        let opened = signoff.opened.get(&by).cloned().unwrap_or_default();
        for material in case.material().into_iter().filter(|material| !opened.contains(material)) {
            let subject = match material {
                Material::Item(item, _) => item.to_string(),
                Material::Deliverable => "deliverable".to_owned(),
            };
            let what = match material {
                Material::Item(item, version) => case
                    .item(item, version)
                    .and_then(|item| self.facts.texts.get(&item.name.id))
                    .map_or_else(|| "an item".to_owned(), |name| format!("`{name}`")),
                Material::Deliverable => "the deliverable".to_owned(),
            };
            reasons.push(
                Reason::rule(code::ITEM_UNOPENED, subject, format!("you have not opened {what}"))
                    .hint("Open it, then sign: nothing is signed unseen.")
                    .invariant("I6"),
            );
        }
        Refusal::unless_empty(reasons)?;
        let person = self.facts.person(by)?;
        let natural = person.natural;
        let credential = case.admission.as_ref().and_then(|admission| {
            routing::credential("", person, &admission.need.signer, &case.jurisdiction, self.ctx.now).ok().flatten()
        });
        let statement = self.keep_checked("statement", statement, NOTE_CHARS_MAX)?;
        self.push_case(
            &mut case,
            CaseEvent::Signed { signoff: signoff.signoff, by, natural, content, credential, statement },
        );
        Ok(())
    }

    /// Sends the content back. A finding against the answer itself goes to an independent adjudicator.
    pub(super) fn return_signoff(
        &mut self,
        engagement: EngagementId,
        id: CaseId,
        code: ReturnCode,
        note: &str,
        finding: Option<&JudgementIn>,
    ) -> Done {
        self.live(engagement)?;
        let (mut case, by, signoff) = self.signing(id)?;
        let natural = self.facts.person(by)?.natural;
        if code.questions_answer() && finding.is_none() {
            return Err(Reason::field(code::ANSWER_MISSING, "finding", "the answer you hold instead is missing")
                .hint("State your answer with its evidence; an adjudicator who is not you decides.")
                .into());
        }
        let finding = match finding.filter(|_| code.questions_answer()) {
            None => None,
            Some(given) => {
                let pack = self.pack_of(&case)?;
                let finding = self.judgement(&JudgementIn { rationale: Some(note.to_owned()), ..given.clone() })?;
                pack.form.check(&finding, &case.citable(), false)?;
                Some(finding)
            }
        };
        let note = self.keep_checked("note", note, NOTE_CHARS_MAX)?;
        self.push_case(&mut case, CaseEvent::SignoffReturned { signoff: signoff.signoff, by, code, note });
        if code.questions_answer() {
            self.challenge(&mut case, Cause::Signoff, (by, natural), finding, note)?;
        }
        Ok(())
    }

    /// Opens a closed panel to an adjudicator, because somebody holds another answer.
    pub(super) fn challenge(
        &mut self,
        case: &mut Case,
        cause: Cause,
        who: (PersonId, PersonId),
        finding: Option<Judgement>,
        note: TextRef,
    ) -> Done {
        let mut panel = self.facts.panel(case.case)?.clone();
        let (by, natural) = who;
        self.push_panel(&mut panel, PanelEvent::Challenged { cause, by, natural, finding, note });
        self.push_case(case, CaseEvent::AdjudicationAsked { cause });
        Ok(())
    }
}

/// Returns why a case that failed a review goes no further yet.
pub(super) fn rework_owed(case: &Case) -> Option<Reason> {
    case.rework.as_ref().map(|_| {
        Reason::rule(code::REVIEW_OPEN, case.case, "a review found it wanting, and what it found is not mended and looked at again")
            .hint("Edit the deliverable: what you mend is reviewed again at once. An author who holds the finding wrong answers it.")
            .invariant("I7")
    })
}

fn content_of(case: &Case) -> Result<Digest, Reason> {
    case.resolution.as_ref().map(|resolution| resolution.content).ok_or_else(|| wrong_state(case))
}
