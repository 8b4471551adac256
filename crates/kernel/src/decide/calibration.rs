//! Decisions on calibration rounds: who reads which cases, when a round is over, what it ended in.

use std::collections::BTreeSet;

use super::{Deciding, Done, directory::NOTE_CHARS_MAX, gold::knows};
use crate::{
    calibration::{Calibration, CalibrationEvent, Closing, Departure, Finding, FindingKind, Invitee},
    case::Case,
    command::JudgementIn,
    form::QuestionKey,
    gold::{GoldEvent, measured_answers, missed},
    id::{CalibrationId, CaseId, EngagementId, PersonId},
    index::DutyStatus,
    pack::Duty,
    refusal::{Reason, Refusal, code},
    routing,
    time::Instant,
};

/// Most cases of a round.
pub(crate) const CASES_MAX: usize = 50;
/// Most people of a round.
const INVITED_MAX: usize = 50;
/// Most findings of a round.
const FINDINGS_MAX: usize = 100;

impl Deciding<'_> {
    /// Opens a round over decided cases of one pack, for people who may read every one of them.
    pub(super) fn open_calibration(
        &mut self,
        engagement: EngagementId,
        title: &str,
        cases: &[CaseId],
        people: &[PersonId],
        ends_at: Instant,
    ) -> Done {
        self.facts.engagement(engagement)?;
        let by = self.actor()?;
        let (cases, people) = (distinct(cases), distinct(people));
        let mut reasons = Vec::new();
        if cases.is_empty() || cases.len() > CASES_MAX {
            reasons.push(
                Reason::field(code::FIELD_INVALID, "cases", format!("{} cases are picked", cases.len()))
                    .hint(format!("Pick 1 to {CASES_MAX} decided cases.")),
            );
        }
        if people.len() < 2 || people.len() > INVITED_MAX {
            reasons.push(
                Reason::field(code::FIELD_INVALID, "members", format!("{} people are invited", people.len()))
                    .hint(format!("Invite 2 to {INVITED_MAX} people: alone, nobody differs.")),
            );
        }
        if ends_at <= self.ctx.now {
            reasons.push(
                Reason::field(code::FIELD_INVALID, "ends_at", "its last day is over already")
                    .hint("Choose a day that leaves time to read."),
            );
        }
        Refusal::unless_empty(reasons)?;
        let title = self.keep_checked("title", title, 200)?;
        let mut pack = None;
        for id in &cases {
            let case = self.facts.case(*id)?;
            let of_case = self.pack_of(case)?;
            if !self.decided(*id)? || case.showing.is_some() {
                return Err(Reason::rule(code::WRONG_STATE, id, "this case has not been decided yet")
                    .hint("Pick cases that are decided: what is still read blind stays with its readers.")
                    .into());
            }
            if pack.get_or_insert_with(|| of_case.reference()) != &of_case.reference() {
                return Err(Reason::rule(code::WRONG_STATE, id, "the cases are read by different forms")
                    .hint("Pick cases of one pack and version, so that the answers can be laid side by side.")
                    .into());
            }
        }
        let Some(pack) = pack else { return Err(Reason::hidden(engagement).into()) };
        let mut invited = Vec::new();
        let mut barred = Vec::new();
        for person in people {
            let natural = self.member(person)?.natural;
            let mut known = BTreeSet::new();
            for id in &cases {
                let case = self.facts.case(*id)?;
                barred.extend(self.barred_from_round(case, person));
                let of_gold = self.facts.golds.get(&id.gold()).is_some_and(|gold| gold.known_to.contains(&natural));
                if of_gold || knows(case, self.facts.panel(*id)?).any(|who| who == natural) {
                    known.insert(*id);
                }
            }
            invited.push(Invitee { person, natural, knows: known });
        }
        Refusal::unless_empty(barred)?;
        let calibration: CalibrationId = self.new_id();
        let naturals: BTreeSet<PersonId> = invited.iter().map(|invitee| invitee.natural).collect();
        let opened = CalibrationEvent::Opened { calibration, title, pack, cases: cases.clone(), invited, by, ends_at };
        self.push_calibration(calibration, opened);
        for id in cases {
            if self.facts.golds.contains_key(&id.gold()) {
                self.push_gold(id.gold(), GoldEvent::MadeKnown { naturals: naturals.clone() });
            }
        }
        Ok(())
    }

    /// Returns whether the readings of a case are open: then it may be read again for practice.
    fn decided(&self, id: CaseId) -> Result<bool, Reason> {
        let panel = self.facts.panel(id)?;
        Ok(panel.revealed() || !panel.reference.is_empty())
    }

    /// Returns why a person may not read a case of a round: what holds for live cases, but capacity.
    fn barred_from_round(&self, case: &Case, person: PersonId) -> Vec<Reason> {
        let Some(known) = self.facts.people.get(&person) else { return vec![Reason::hidden(person)] };
        let Some(admission) = &case.admission else { return vec![Reason::hidden(case.case)] };
        let name = self.facts.name(person);
        let member = self.facts.members.get(&person);
        let mut reasons = routing::eligibility(&name, known, member, &admission.need, Duty::Read, self.ctx.now);
        // A round is how one becomes calibrated, and history may name no language.
        reasons.retain(|reason| reason.code != code::NOT_CALIBRATED);
        reasons.extend(routing::conflict(&name, known, &case.parties));
        let holds = self.facts.panels.get(&case.case.panel()).is_some_and(|panel| {
            panel.duties.iter().any(|duty| duty.person == person && duty.status == DutyStatus::Active)
        });
        if holds {
            reasons.push(
                Reason::rule(code::HOLDS_SEAT, case.case, format!("{name} holds a duty on this case"))
                    .hint("Pick another case, or invite her once she is done."),
            );
        }
        reasons
    }

    fn round(&self, id: CalibrationId) -> Result<Calibration, Reason> {
        self.facts.calibrations.get(&id).cloned().ok_or_else(|| Reason::hidden(id))
    }

    fn open_round(&self, id: CalibrationId) -> Result<Calibration, Reason> {
        let round = self.round(id)?;
        if round.open() {
            return Ok(round);
        }
        Err(Reason::rule(code::WRONG_STATE, id, "this round is closed").hint("See what it came to on its page."))
    }

    /// Seals a reading of a round, by the same form and rules as a live one.
    pub(super) fn read_calibration(&mut self, id: CalibrationId, case: CaseId, given: &JudgementIn) -> Done {
        let (mut round, person) = (self.open_round(id)?, self.actor()?);
        if round.invitee(person).is_none() || !round.cases.contains(&case) {
            return Err(Reason::hidden(id).into());
        }
        if round.reading(person, case).is_some() {
            return Err(Reason::rule(code::ALREADY_READ, case, "your reading is sealed and cannot be edited")
                .hint("Once the round is closed you see it beside the others.")
                .invariant("I5")
                .into());
        }
        let known = self.facts.case(case)?;
        Refusal::unless_empty(self.barred_from_round(known, person))?;
        let pack = self.pack_of(known)?;
        let citable = known.citable();
        let judgement = self.judgement(given)?;
        pack.form.check(&judgement, &citable, false)?;
        self.push_round(&mut round, CalibrationEvent::Read { case, person, judgement });
        self.close_if_over(&mut round)
    }

    /// Takes the actor out of a round.
    pub(super) fn leave_calibration(&mut self, id: CalibrationId) -> Done {
        let (mut round, person) = (self.open_round(id)?, self.actor()?);
        if round.invitee(person).is_none() {
            return Err(Reason::hidden(id).into());
        }
        self.leave_round(&mut round, person, Departure::SteppedBack)
    }

    /// Takes somebody who is lost out of every round that is open; a round that waited for her alone is over (I22).
    pub(super) fn leave_rounds(&mut self, person: PersonId, only_barred: bool) -> Done {
        for id in self.facts.rounds.clone() {
            let mut round = self.round(id)?;
            let barred = round
                .cases
                .iter()
                .filter_map(|case| self.facts.cases.get(case))
                .any(|case| !self.barred_from_round(case, person).is_empty());
            if round.open() && round.invitee(person).is_some() && (barred || !only_barred) {
                self.leave_round(&mut round, person, Departure::Lost)?;
            }
        }
        Ok(())
    }

    fn leave_round(&mut self, round: &mut Calibration, person: PersonId, cause: Departure) -> Done {
        self.push_round(round, CalibrationEvent::Left { person, cause });
        self.close_if_over(round)
    }

    fn close_if_over(&mut self, round: &mut Calibration) -> Done {
        match round.over() {
            Some(cause) => self.close_round(round, cause, None),
            None => Ok(()),
        }
    }

    /// Closes a round: a manager at any time, the server on its last day. Asked again, or too early, the server does nothing.
    pub(super) fn close_calibration(&mut self, id: CalibrationId) -> Done {
        let mut round = self.round(id)?;
        match self.ctx.person() {
            Some(_) if !round.open() => self.open_round(id).map(drop).map_err(Into::into),
            Some(by) => self.close_round(&mut round, Closing::Manager, Some(by)),
            None if round.open() && round.ends_at <= self.ctx.now => self.close_round(&mut round, Closing::Time, None),
            None => Ok(()),
        }
    }

    /// Closes a round and measures its readers against the gold answers of its cases, where there are any.
    fn close_round(&mut self, round: &mut Calibration, cause: Closing, by: Option<PersonId>) -> Done {
        self.push_round(round, CalibrationEvent::Closed { cause, by });
        let pack = self.facts.packs.get(&round.pack.digest).cloned();
        let pack = pack.ok_or_else(|| Reason::hidden(&round.pack.name))?;
        let mut measured = Vec::new();
        for id in &round.cases {
            let Some(gold) = self.facts.golds.get(&id.gold()).filter(|gold| gold.approver.is_some()) else { continue };
            let mut known = gold.clone();
            for invitee in round.invited.iter().filter(|invitee| !invitee.knows.contains(id)) {
                let Some(judgement) = round.reading(invitee.person, *id) else { continue };
                let answers = measured_answers(&pack.form, judgement);
                let missed = missed(&pack.form, &gold.answers, &answers);
                let (person, natural) = (invitee.person, invitee.natural);
                let event = GoldEvent::Calibrated { calibration: round.calibration, person, natural, answers, missed };
                if let Some(next) = crate::gold::Gold::apply(Some(known.clone()), &event, self.ctx.now) {
                    known = next;
                }
                self.push_gold(id.gold(), event);
            }
            measured.push((gold.clone(), known));
        }
        self.tally(&measured);
        Ok(())
    }

    /// Notes what the discussion ended in.
    pub(super) fn note_finding(
        &mut self,
        id: CalibrationId,
        kind: FindingKind,
        (question, case): (Option<&QuestionKey>, Option<CaseId>),
        text: &str,
    ) -> Done {
        let (mut round, by) = (self.round(id)?, self.actor()?);
        if round.open() {
            return Err(Reason::rule(code::WRONG_STATE, id, "this round is still being read")
                .hint("Findings are noted when all readings are open.")
                .invariant("I2")
                .into());
        }
        if round.findings.len() >= FINDINGS_MAX {
            return Err(Reason::rule(code::TOO_MANY, id, format!("this round has {FINDINGS_MAX} findings"))
                .hint("Open another round.")
                .into());
        }
        let pack = self.facts.packs.get(&round.pack.digest);
        let unknown = question.filter(|key| pack.is_none_or(|pack| pack.form.question(key).is_none()));
        if unknown.is_some() || case.is_some_and(|case| !round.cases.contains(&case)) {
            return Err(Reason::field(
                code::FIELD_INVALID,
                "question",
                "that question or case is not part of this round",
            )
            .hint("Choose from the list.")
            .into());
        }
        let text = self.keep_checked("text", text, NOTE_CHARS_MAX)?;
        let finding = Finding { kind, question: question.cloned(), case, text, by };
        self.push_round(&mut round, CalibrationEvent::FindingNoted { finding });
        Ok(())
    }

    /// Records an event of a round and folds it onto the working copy, so that what follows sees it.
    fn push_round(&mut self, round: &mut Calibration, event: CalibrationEvent) {
        if let Some(next) = Calibration::apply(Some(round.clone()), &event, self.ctx.now) {
            *round = next;
        }
        self.push_calibration(round.calibration, event);
    }
}

/// Returns each once, in the order given.
fn distinct<T: Copy + Ord>(given: &[T]) -> Vec<T> {
    let mut seen = BTreeSet::new();
    given.iter().copied().filter(|one| seen.insert(*one)).collect()
}
