//! Decisions on reviews: who looks, what is found, what the author answers, and how the case goes on.

use std::collections::BTreeSet;

use super::{Deciding, Done, check_text, directory::NOTE_CHARS_MAX, reading::barred, wrong_state};
use crate::{
    case::{Case, CaseEvent, Cause},
    command::{DefectIn, ReviewIn},
    engagement::MemberEvent,
    facts::Facts,
    form::Judgement,
    id::{CaseId, PersonId, ReviewId},
    index::{CaseStatus, ReviewKind, ReviewStatus},
    lot::{LotEvent, Place, ROUNDS_MAX},
    pack::{Duty, Pack},
    panel::{Comparison, Release, compare},
    refusal::{Reason, Refusal, code},
    review::{Defect, Finish, Review, ReviewEvent},
    role::{Role, Side},
    routing,
    stream::{Event, StreamId},
    text::TextRef,
    time::Instant,
};

/// Most defects that one review may name.
const DEFECTS_MAX: usize = 50;

impl Deciding<'_> {
    /// Takes an open review.
    pub(super) fn take_review(&mut self, id: CaseId, review: ReviewId) -> Done {
        let person = self.actor()?;
        let mut known = review_of(self.facts, id, review)?.clone();
        let natural = self.member(person)?.natural;
        if known.concealed(twin_of(self.facts, &known), natural) {
            return Err(Reason::hidden(review).into());
        }
        Refusal::unless_empty(why_not_review(self.facts, id, &known, person, self.ctx.now))?;
        let assignment = self.new_id();
        self.push_review(&mut known, ReviewEvent::Taken { assignment, person, natural });
        self.push_member(person, MemberEvent::DutyTaken { case: id, duty: Duty::Review });
        Ok(())
    }

    /// Finishes the actor's review. What was found is a record that never changes (I5).
    pub(super) fn finish_review(&mut self, id: CaseId, review: ReviewId, given: &ReviewIn) -> Done {
        let by = self.actor()?;
        let case = self.facts.case(id)?.clone();
        let mut known = review_of(self.facts, id, review)?.clone();
        let Some(holding) = known.holder().filter(|holding| holding.person == by).cloned() else {
            return Err(Reason::rule(code::SEAT_NOT_YOURS, review, "you have not taken this review")
                .hint("Take it from the list of reviews first; another reviewer may have it.")
                .invariant("I35")
                .into());
        };
        if !reviewable(case.status) {
            return Err(wrong_state(&case).into());
        }
        let mut reasons = barred(self.facts, &case, by, Duty::Review, self.ctx.now);
        reasons.extend(off_side(self.facts, known.kind, by));
        Refusal::unless_empty(reasons)?;
        let pack = self.pack_of(&case)?;
        let Some(resolution) = case.resolution.clone() else { return Err(wrong_state(&case).into()) };
        let defects = self.defects(&pack, given)?;
        let coaching = match given.coaching.as_deref().filter(|note| !note.trim().is_empty()) {
            None => None,
            Some(note) => Some(self.keep_checked("coaching", note, NOTE_CHARS_MAX)?),
        };
        let failed = defects.iter().any(|defect| defect.severity.fails());
        let questioned = defects.iter().any(|defect| defect.severity.fails() && defect.kind.questions_answer());
        let finding = self.finding(&case, &pack, &known, given, questioned)?;
        let differing = match (known.kind, &finding) {
            (ReviewKind::InHouse, Some(finding)) => match compare(&pack.form, &[&resolution.outcome, finding]) {
                Comparison::Disputed(questions) => questions,
                Comparison::Agreed { .. } | Comparison::Single(_) | Comparison::Nothing => Vec::new(),
            },
            (ReviewKind::InHouse | ReviewKind::Quality, _) => Vec::new(),
        };
        let passed = !failed && differing.is_empty();
        let mut authors = self.facts.panel(id)?.authors();
        authors.extend(&resolution.authors);
        let (natural, content) = (holding.natural, resolution.content);
        let finished =
            ReviewEvent::Finished { by, natural, content, passed, defects, coaching, finding, differing, authors };
        self.push_review(&mut known, finished);
        self.push_member(by, MemberEvent::DutyEnded { case: id, duty: Duty::Review });
        let twin = twin_of(self.facts, &known).cloned();
        if known.withheld(twin.as_ref()) {
            // Nothing moves, and nobody hears of it, before the other reviewer has finished.
            return Ok(());
        }
        let looks: Vec<_> = twin.into_iter().chain([known]).collect();
        self.go_on(case, &looks)
    }

    /// Lets the case go on after a review, or after both reviews of the same content, and tells its lot. Of two the stricter
    /// holds: a case that one of them fails has failed.
    fn go_on(&mut self, mut case: Case, looks: &[Review]) -> Done {
        let looks: Vec<_> = looks.iter().filter_map(|review| Some((review, review.finish.as_ref()?))).collect();
        let quality = looks.iter().all(|(review, _)| review.kind == ReviewKind::Quality);
        let passed = looks.iter().all(|(_, finish)| finish.passed);
        let (held, unreleased) = (case.status == CaseStatus::InReview, unreleased(case.status));
        let asked = matches!(case.status, CaseStatus::AwaitingSignOff | CaseStatus::SignedOff);
        if let Some(signoff) =
            case.signoff.as_ref().map(|signoff| signoff.signoff).filter(|_| quality && !passed && asked)
        {
            self.push_case(&mut case, CaseEvent::SignoffVoided { signoff });
        }
        for (review, finish) in &looks {
            let (review, kind) = (review.review, review.kind);
            let ended = CaseEvent::ReviewEnded { review, kind, natural: finish.natural, passed: finish.passed };
            self.push_case(&mut case, ended);
        }
        if !quality {
            return Ok(());
        }
        let again = looks.iter().any(|(review, _)| review.of_rework());
        if !passed && unreleased {
            self.owe_rework(&mut case, &looks);
        }
        let questions = looks.iter().find_map(|(_, finish)| Some((*finish, finish.weighty()?)));
        if let Some((finish, defect)) = questions.filter(|_| unreleased) {
            let who = (finish.by, finish.natural);
            self.challenge(&mut case, Cause::Review, who, finish.finding.clone(), defect.note)?;
        } else if held && passed && case.admission.as_ref().is_some_and(|admission| admission.plan.signoff) {
            let content = case.resolution.as_ref().map(|resolution| resolution.content).unwrap_or_default();
            self.request_signoff(&mut case, content);
        }
        // A lot is judged by what was submitted first.
        if again { Ok(()) } else { self.tell_lot(case.lot, LotEvent::Reviewed { case: case.case, passed }) }
    }

    /// Lets failed work be mended and looked at again, so many times; then the delivery manager decides (I22).
    fn owe_rework(&mut self, case: &mut Case, looks: &[(&Review, &Finish)]) {
        let round = case.rework.as_ref().map_or(0, |rework| rework.round) + 1;
        if round > ROUNDS_MAX {
            self.push_case(case, CaseEvent::ReworkEnded { round });
            return;
        }
        let failed = looks.iter().filter(|(_, finish)| !finish.passed);
        let findings = failed.map(|(review, _)| review.review).collect();
        self.push_case(case, CaseEvent::ReworkOwed { round, findings });
    }

    fn defects(&mut self, pack: &Pack, given: &ReviewIn) -> Result<Vec<Defect>, Refusal> {
        let mut reasons = Vec::new();
        if given.defects.len() > DEFECTS_MAX {
            reasons.push(
                Reason::field(code::TOO_MANY, "defects", format!("more than {DEFECTS_MAX} defects"))
                    .hint("Name those that matter most."),
            );
        }
        for (place, defect) in (1..).zip(&given.defects).take(DEFECTS_MAX) {
            reasons.extend(check_text(&format!("defects[{place}].note"), &defect.note, NOTE_CHARS_MAX).err());
            let unknown = defect.question.as_ref().filter(|key| pack.form.question(key).is_none());
            reasons.extend(unknown.map(|key| {
                let field = format!("defects[{place}].question");
                let key: String = key.chars().take(64).collect();
                Reason::field(code::QUESTION_UNKNOWN, field, format!("`{key}` is not a question of this form"))
                    .hint("Choose a question, or leave it empty for the work as a whole.")
            }));
        }
        Refusal::unless_empty(reasons)?;
        let keep = |defect: &DefectIn| Defect {
            question: defect.question.clone(),
            kind: defect.kind,
            severity: defect.severity,
            note: self.keep(defect.note.trim()),
        };
        Ok(given.defects.iter().map(keep).collect())
    }

    /// Returns the answer that the reviewer gives: needed in-house, and where a finding questions an answer that can
    /// still be decided anew.
    fn finding(
        &mut self,
        case: &Case,
        pack: &Pack,
        review: &Review,
        given: &ReviewIn,
        questioned: bool,
    ) -> Result<Option<Judgement>, Refusal> {
        let needed = match review.kind {
            ReviewKind::InHouse => true,
            ReviewKind::Quality => questioned && unreleased(case.status),
        };
        if review.kind == ReviewKind::InHouse && !given.defects.is_empty() {
            return Err(Reason::field(code::FIELD_INVALID, "defects", "an in-house reading gives answers, no defects")
                .hint("Answer the form; where you differ is found by comparing.")
                .into());
        }
        let Some(finding) = given.finding.as_ref().filter(|_| needed || questioned) else {
            if needed {
                return Err(Reason::field(code::ANSWER_MISSING, "finding", "the answer you hold is missing")
                    .hint(
                        "State your answer with its evidence; where it differs, an adjudicator who is not you decides.",
                    )
                    .into());
            }
            return Ok(None);
        };
        let mut finding = finding.clone();
        if review.kind == ReviewKind::Quality {
            // The reasons of a finding are the notes of its defects.
            let notes: Vec<_> = given.defects.iter().map(|defect| defect.note.trim()).collect();
            finding.rationale = finding.rationale.or_else(|| Some(notes.join("\n")));
        }
        let finding = self.judgement(&finding)?;
        pack.form.check(&finding, &case.citable(), false)?;
        Ok(Some(finding))
    }

    /// Records that an author holds the finding wrong.
    pub(super) fn rebut_review(&mut self, id: CaseId, review: ReviewId, note: &str) -> Done {
        let by = self.actor()?;
        let natural = self.member(by)?.natural;
        let case = self.facts.case(id)?;
        let mut known = review_of(self.facts, id, review)?.clone();
        if known.withheld(twin_of(self.facts, &known)) {
            return Err(Reason::hidden(review).into());
        }
        let finish = known.finish.as_ref().filter(|finish| finish.authors.contains(&natural));
        if finish.is_none() {
            return Err(Reason::forbidden(code::NOT_PERMITTED, review, "this review is not about your work")
                .hint("Its authors answer it.")
                .into());
        }
        if known.kind != ReviewKind::Quality || known.status != ReviewStatus::Failed {
            return Err(settled(&known).into());
        }
        let plan = case.admission.as_ref().and_then(|admission| admission.plan.review.as_ref());
        let days = plan.map_or(0, |plan| plan.rebuttal_days);
        if known.rebuttable_until(days).is_none_or(|until| until < self.ctx.now) {
            return Err(Reason::rule(
                code::TOO_LATE,
                review,
                format!("the {days} days in which an author may answer are over"),
            )
            .hint("Tell your delivery manager what you found.")
            .into());
        }
        let note = self.keep_checked("note", note, NOTE_CHARS_MAX)?;
        self.push_review(&mut known, ReviewEvent::Rebutted { by, natural, note });
        Ok(())
    }

    /// Decides on an author's answer. A finding that is struck counts nowhere any more.
    pub(super) fn rule_review(&mut self, id: CaseId, review: ReviewId, upheld: bool, note: &str) -> Done {
        let by = self.actor()?;
        let natural = self.member(by)?.natural;
        let case = self.facts.case(id)?;
        let mut known = review_of(self.facts, id, review)?.clone();
        if known.status != ReviewStatus::Rebutted {
            return Err(settled(&known).into());
        }
        Refusal::unless_empty(why_not_rule(self.facts, id, &known, by, self.ctx.now))?;
        let twin = twin_of(self.facts, &known);
        // What the other reviewer found on the same content may still stand.
        let stands = twin.is_some_and(|twin| twin.status.found());
        let note = self.keep_checked("note", note, NOTE_CHARS_MAX)?;
        self.push_review(&mut known, ReviewEvent::Ruled { by, natural, upheld, note });
        if upheld {
            return Ok(());
        }
        let mut case = case.clone();
        if case.rework.as_ref().is_some_and(|rework| rework.findings.contains(&review)) {
            self.push_case(&mut case, CaseEvent::FindingStruck { review });
        }
        if stands || known.of_rework() {
            Ok(())
        } else {
            self.tell_lot(Some(known.lot), LotEvent::Overturned { case: id })
        }
    }

    /// Takes from a person the reviews of a case; they are open again in the same act (I22).
    pub(super) fn end_reviews(&mut self, id: CaseId, person: PersonId, cause: Release, note: Option<TextRef>) {
        for mut review in held_reviews(self.facts, id, person) {
            let Some(holding) = review.holder().cloned() else { continue };
            let assignment = holding.assignment;
            self.push_review(&mut review, ReviewEvent::Released { assignment, person, cause, note });
            self.push_member(person, MemberEvent::DutyEnded { case: id, duty: Duty::Review });
        }
    }

    /// Ends the reviews of a case that is called off; a case that nobody has reviewed leaves its lot (I22).
    pub(super) fn cancel_reviews(&mut self, case: &Case) -> Done {
        for review in &case.reviews {
            let Some(mut review) = self.facts.reviews.get(review).filter(|review| review.status.waits()).cloned()
            else {
                continue;
            };
            if let Some(holding) = review.holder() {
                let duty = Duty::Review;
                self.push_member(holding.person, MemberEvent::DutyEnded { case: case.case, duty });
            }
            self.push_review(&mut review, ReviewEvent::Cancelled {});
        }
        let lot = case.lot.and_then(|lot| self.facts.lots.get(&lot));
        let leaves = lot.and_then(|lot| lot.cases.get(&case.case)).is_some_and(|place| match place {
            Place::Undrawn | Place::Pending => true,
            Place::Passed | Place::Failed => false,
        });
        if leaves { self.tell_lot(case.lot, LotEvent::Left { case: case.case }) } else { Ok(()) }
    }

    fn push_review(&mut self, review: &mut Review, event: ReviewEvent) {
        if let Some(next) = Review::apply(Some(review.clone()), &event, self.ctx.now) {
            *review = next;
        }
        self.events.push((StreamId::Review(review.review), Event::Review(event)));
    }
}

/// Returns the reviews of a case that a person holds.
pub(super) fn held_reviews(facts: &Facts, id: CaseId, person: PersonId) -> Vec<Review> {
    let reviews = facts.cases.get(&id).into_iter().flat_map(|case| &case.reviews);
    let held = |review: &&Review| review.holder().is_some_and(|holding| holding.person == person);
    reviews.filter_map(|review| facts.reviews.get(review)).filter(held).cloned().collect()
}

/// Returns everybody who holds a review of a case.
pub(super) fn reviewing(facts: &Facts, id: CaseId) -> BTreeSet<PersonId> {
    let reviews = facts.cases.get(&id).into_iter().flat_map(|case| &case.reviews);
    reviews.filter_map(|review| facts.reviews.get(review)?.holder()).map(|holding| holding.person).collect()
}

/// Returns the other review of the same content.
fn twin_of<'a>(facts: &'a Facts, review: &Review) -> Option<&'a Review> {
    facts.reviews.get(&review.twin?)
}

fn review_of(facts: &Facts, id: CaseId, review: ReviewId) -> Result<&Review, Reason> {
    facts.case(id)?;
    facts.reviews.get(&review).filter(|known| known.case == id).ok_or_else(|| Reason::hidden(review))
}

/// Returns why this person may not take this review; nothing: she may.
pub fn why_not_review(facts: &Facts, id: CaseId, review: &Review, person: PersonId, now: Instant) -> Vec<Reason> {
    let case = match facts.case(id) {
        Ok(case) => case,
        Err(reason) => return vec![reason],
    };
    let mut reasons = barred(facts, case, person, Duty::Review, now);
    reasons.extend(off_side(facts, review.kind, person));
    if let Some(member) = facts.members.get(&person) {
        reasons.extend(routing::capacity(&facts.name(person), member));
    }
    if review.status != ReviewStatus::Open || !reviewable(case.status) {
        reasons.push(
            Reason::rule(code::REVIEW_TAKEN, review.review, "this review does not wait for a reviewer")
                .hint("Another reviewer may have it, or the case is being decided anew; reload the list.")
                .invariant("I35"),
        );
    }
    reasons
}

/// Returns why this person may not rule on an author's answer to this review; nothing: she may.
pub fn why_not_rule(facts: &Facts, id: CaseId, review: &Review, person: PersonId, now: Instant) -> Vec<Reason> {
    let case = match facts.case(id) {
        Ok(case) => case,
        Err(reason) => return vec![reason],
    };
    let mut reasons = barred(facts, case, person, Duty::Review, now);
    reasons.extend(off_side(facts, review.kind, person));
    let Some(natural) = facts.members.get(&person).map(|member| member.natural) else { return reasons };
    let own = |sentence: &str| {
        Reason::rule(code::SELF_REVIEW, review.review, sentence).hint("Another reviewer has to decide.").invariant("I3")
    };
    if twin_of(facts, review).is_some_and(|twin| twin.done_by(natural)) {
        reasons.push(own("you looked at the same work yourself, and have said what you hold of it"));
    }
    if review.finish.as_ref().is_some_and(|finish| finish.natural == natural) {
        reasons.push(own("you made this finding, and would judge the own work"));
    }
    reasons
}

/// Returns why a person of this side may not do reviews of this kind.
fn off_side(facts: &Facts, kind: ReviewKind, person: PersonId) -> Option<Reason> {
    let (side, whose) = match kind {
        ReviewKind::Quality => (Side::Provider, "the provider"),
        ReviewKind::InHouse => (Side::Client, "the client"),
    };
    let member = facts.members.get(&person)?;
    if kind == ReviewKind::InHouse && [Role::ClientManager, Role::Auditor].iter().any(|role| member.holds(*role)) {
        let sentence = format!("{} sees every answer, so that her reading would not be blind", facts.name(person));
        return Some(
            Reason::rule(code::ROLE_MISSING, person, sentence)
                .hint("A reviewer who is neither manager nor auditor reads it."),
        );
    }
    (member.side != side).then(|| {
        Reason::rule(code::ROLE_MISSING, person, format!("this review is for a reviewer of {whose}"))
            .hint("Take one that is for your side.")
    })
}

fn settled(review: &Review) -> Reason {
    let state = review.status.word();
    Reason::rule(code::WRONG_STATE, review.review, format!("this review is {state}, where that cannot be done"))
        .hint("Reload it to see what can be done now.")
}

/// Returns whether finished work in this state may be looked at: it has an answer that nobody is deciding anew.
fn reviewable(status: CaseStatus) -> bool {
    match status {
        CaseStatus::InReview
        | CaseStatus::Resolved
        | CaseStatus::AwaitingSignOff
        | CaseStatus::SignedOff
        | CaseStatus::Delivered
        | CaseStatus::Revision
        | CaseStatus::Accepted => true,
        CaseStatus::ScopeQuery
        | CaseStatus::Declined
        | CaseStatus::Ready
        | CaseStatus::Reading
        | CaseStatus::Adjudicating
        | CaseStatus::Cancelled => false,
    }
}

/// Returns whether the answer can still be decided anew by the provider alone: the client does not have it.
fn unreleased(status: CaseStatus) -> bool {
    match status {
        CaseStatus::InReview | CaseStatus::Resolved | CaseStatus::AwaitingSignOff | CaseStatus::SignedOff => true,
        CaseStatus::ScopeQuery
        | CaseStatus::Declined
        | CaseStatus::Ready
        | CaseStatus::Reading
        | CaseStatus::Adjudicating
        | CaseStatus::Delivered
        | CaseStatus::Revision
        | CaseStatus::Accepted
        | CaseStatus::Cancelled => false,
    }
}
