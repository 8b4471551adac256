//! Decisions on seats and readings: who reads, what is sealed, how a panel ends.

use std::collections::BTreeMap;

use super::{Deciding, Done};
use crate::{
    case::{Case, CaseEvent, Cause, DecidedBy},
    command::JudgementIn,
    engagement::MemberEvent,
    facts::Facts,
    form::{Answer, Judgement},
    id::{CaseId, EngagementId, PersonId},
    index::{CaseStatus, PanelStatus, Part},
    pack::{Duty, Pack},
    panel::{
        Bench, Comparison, Panel, PanelEvent, Provenance, Reading, Release, Routing, RoutingRule, Source, compare,
    },
    refusal::{Reason, Refusal, code},
    routing::{self, Examined},
    time::Instant,
};

/// Most readings that files may give one case.
const READINGS_MAX: usize = 100;

impl Deciding<'_> {
    /// Takes the first candidate that fits. Those passed over are kept with their reasons (I29).
    pub(super) fn claim_next(&mut self, engagement: EngagementId) -> Done {
        self.live(engagement)?;
        let person = self.actor()?;
        let full =
            self.facts.members.get(&person).and_then(|member| routing::capacity(&self.facts.name(person), member));
        Refusal::unless_empty(full.into_iter().collect())?;
        let mut passed_over = Vec::new();
        let mut uncalibrated = None;
        for case in self.facts.candidates.iter().take(routing::CANDIDATES_MAX) {
            let reasons = why_not(self.facts, *case, person, Duty::Read, self.ctx.now);
            // Who lacks nothing but calibration reads gold, and nothing else.
            let practice = !reasons.is_empty() && reasons.iter().all(|reason| reason.code == code::NOT_CALIBRATED);
            if reasons.is_empty() || practice {
                match self.drawn(*case, person, practice) {
                    Some(gold) => return self.show(gold, (*case, practice), person, passed_over),
                    None if practice => uncalibrated = reasons.first().cloned(),
                    None => return self.take_seat(*case, person, RoutingRule::NextCase, passed_over),
                }
            }
            passed_over.push(Examined {
                case: *case,
                why_not: reasons.iter().map(|reason| reason.code.to_string()).collect(),
            });
        }
        let nothing = Reason::rule(code::NOTHING_ELIGIBLE, engagement, "no open case fits you right now")
            .hint("New cases appear under Today by themselves. Under People you can see what would make you eligible.");
        Err(Refusal { reasons: uncalibrated.into_iter().chain([nothing]).collect() })
    }

    pub(super) fn claim_seat(&mut self, engagement: EngagementId, case: CaseId) -> Done {
        self.live(engagement)?;
        let person = self.actor()?;
        self.take_seat(case, person, RoutingRule::Chosen, Vec::new())
    }

    pub(super) fn assign_seat(&mut self, engagement: EngagementId, case: CaseId, person: PersonId) -> Done {
        self.live(engagement)?;
        self.take_seat(case, person, RoutingRule::Assigned, Vec::new())
    }

    fn take_seat(&mut self, id: CaseId, person: PersonId, rule: RoutingRule, passed_over: Vec<Examined>) -> Done {
        Refusal::unless_empty(why_not(self.facts, id, person, Duty::Read, self.ctx.now))?;
        let (mut case, mut panel) = (self.facts.case(id)?.clone(), self.facts.panel(id)?.clone());
        let Some(seat) = panel.open_seat() else { return Err(no_open_seat(id).into()) };
        let natural = self.member(person)?.natural;
        let (assignment, by) = (self.new_id(), self.actor()?);
        let routing = Routing { rule, passed_over };
        self.push_panel(&mut panel, PanelEvent::SeatTaken { seat, assignment, reader: person, natural, by, routing });
        self.push_member(person, MemberEvent::DutyTaken { case: id, duty: Duty::Read });
        if case.status == CaseStatus::Ready {
            self.push_case(&mut case, CaseEvent::ReadingBegan {});
        }
        Ok(())
    }

    pub(super) fn release_seat(&mut self, case: CaseId, reason: &str) -> Done {
        let person = self.actor()?;
        self.give_back(case, person, Release::GivenBack, reason)
    }

    pub(super) fn give_back(&mut self, case: CaseId, person: PersonId, cause: Release, reason: &str) -> Done {
        if self.facts.panel(case)?.assignment_of(person).is_none() {
            return Err(Reason::rule(
                code::SEAT_NOT_YOURS,
                case,
                format!("{} holds no duty on this case", self.facts.name(person)),
            )
            .hint("Reload the case to see who does.")
            .into());
        }
        self.end_duties(case, person, cause, Some(reason))
    }

    /// Seals the actor's reading. Eligibility is judged again: what held at the claim may not hold now (I9).
    pub(super) fn submit(&mut self, engagement: EngagementId, id: CaseId, given: &JudgementIn) -> Done {
        self.live(engagement)?;
        let reader = self.actor()?;
        let (case, mut panel) = (self.facts.case(id)?.clone(), self.facts.panel(id)?.clone());
        self.in_force(&case)?;
        let Some((assignment, Duty::Read)) = panel.assignment_of(reader) else {
            return Err(match panel.reading_of(reader) {
                Some(_) => Reason::rule(code::ALREADY_READ, id, "your reading is sealed and cannot be edited")
                    .hint("If you see it otherwise now, tell the owner of the case.")
                    .invariant("I5"),
                None => Reason::rule(code::SEAT_NOT_YOURS, id, "you hold no seat on this case")
                    .hint("Take a case under Today first."),
            }
            .into());
        };
        Refusal::unless_empty(barred(self.facts, &case, reader, Duty::Read, self.ctx.now))?;
        let pack = self.pack_of(&case)?;
        let judgement = self.judgement(given)?;
        pack.form.check(&judgement, &case.citable(), false)?;
        let person = self.facts.person(reader)?;
        let requirement = pack.requirement(Duty::Read);
        let credential = routing::credential("", person, &requirement, &case.jurisdiction, self.ctx.now).ok().flatten();
        let reading = Reading {
            reading: self.new_id(),
            reader,
            natural: person.natural,
            part: Part::Panel,
            judgement,
            provenance: Provenance::Witnessed { assignment, credential, ai_exposed: false },
            sealed_at: None,
        };
        self.measure(&case, &reading, &pack)?;
        self.push_panel(&mut panel, PanelEvent::ReadingSealed { reading });
        self.push_member(reader, MemberEvent::DutyEnded { case: id, duty: Duty::Read });
        let sealed: Vec<_> = panel.panel_readings().map(|reading| &reading.judgement).collect();
        if panel.stopping.further(&sealed) == 0 {
            self.close(case, &mut panel, &pack);
        }
        Ok(())
    }

    /// Compares all readings and closes the panel, or asks for an adjudicator.
    fn close(&mut self, mut case: Case, panel: &mut Panel, pack: &Pack) {
        let sealed: Vec<_> = panel.panel_readings().map(|reading| &reading.judgement).collect();
        match compare(&pack.form, &sealed) {
            Comparison::Agreed { outcome, other_evidence } => {
                self.push_panel(panel, PanelEvent::Agreed { outcome: outcome.clone(), other_evidence });
                self.resolve(case, panel, pack, outcome, DecidedBy::Agreement);
            }
            Comparison::Single(outcome) => {
                self.push_panel(panel, PanelEvent::LeftSingle { outcome: outcome.clone() });
                self.resolve(case, panel, pack, outcome, DecidedBy::Single);
            }
            Comparison::Disputed(questions) => {
                self.push_panel(panel, PanelEvent::Disputed { questions });
                self.push_case(&mut case, CaseEvent::AdjudicationAsked { cause: Cause::Disagreement });
            }
            // A panel is closed by its last reading, so there is one.
            Comparison::Nothing => {}
        }
    }

    /// Records what a file claims. It skips eligibility and capacity, and nothing else.
    pub(super) fn record(
        &mut self,
        id: CaseId,
        reader: PersonId,
        part: Part,
        given: &JudgementIn,
        claimed_at: Option<Instant>,
        source: Source,
    ) -> Done {
        let (case, mut panel) = self.history(id)?;
        let natural = self.facts.person(reader)?.natural;
        if panel.reading_of(reader).is_some() {
            return Err(Reason::rule(
                code::DUPLICATE,
                id,
                format!("a reading of {} is recorded for this case", self.facts.name(reader)),
            )
            .hint("Nothing was changed; a reading is never written over.")
            .invariant("I36")
            .into());
        }
        if panel.readings.len() >= READINGS_MAX {
            return Err(Reason::rule(code::TOO_MANY, id, format!("this case has {READINGS_MAX} readings"))
                .hint("Keep those that matter.")
                .into());
        }
        if part != Part::Ai {
            let decides = panel.held_duties().any(|record| record.natural == natural)
                || panel.adjudications.iter().any(|decision| decision.natural == natural);
            if decides {
                return Err(Reason::rule(
                    code::SELF_REVIEW,
                    id,
                    format!("{} decides this case here", self.facts.name(reader)),
                )
                .hint("Who has read a case does not decide it: import this reading before the dispute is taken.")
                .invariant("I4")
                .into());
            }
        }
        if part == Part::Panel {
            may_join(&panel, natural)?;
        }
        let pack = self.pack_of(&case)?;
        let judgement = self.judgement(given)?;
        pack.form.check(&judgement, &case.citable(), true)?;
        let provenance = Provenance::Imported { claimed_at, source };
        let reading = Reading { reading: self.new_id(), reader, natural, part, judgement, provenance, sealed_at: None };
        match part {
            Part::Ai => self.push_panel(&mut panel, PanelEvent::SuggestionRecorded { reading }),
            Part::Extra => self.push_panel(&mut panel, PanelEvent::ReadingSealed { reading }),
            Part::Panel => {
                self.push_panel(&mut panel, PanelEvent::ReadingSealed { reading });
                self.close(case, &mut panel, &pack);
            }
        }
        Ok(())
    }

    pub(super) fn record_reference(&mut self, id: CaseId, answers: &BTreeMap<String, Answer>, source: Source) -> Done {
        let (case, mut panel) = self.history(id)?;
        let pack = self.pack_of(&case)?;
        let judgement = Judgement { answers: answers.clone(), ..Judgement::default() };
        pack.form.check(&judgement, &case.citable(), true)?;
        if panel.reference != *answers {
            self.push_panel(&mut panel, PanelEvent::ReferenceRecorded { answers: answers.clone(), source });
        }
        Ok(())
    }

    fn history(&self, id: CaseId) -> Result<(Case, Panel), Reason> {
        let case = self.facts.case(id)?;
        if case.imported() && case.admission.as_ref().is_some_and(|admission| admission.history) {
            return Ok((case.clone(), self.facts.panel(id)?.clone()));
        }
        Err(Reason::rule(
            code::IMPORTED_ONLY,
            id,
            "this case is worked in Remit; readings from a file cannot join its panel",
        )
        .hint("Import them under a reference of their own on a history line.")
        .invariant("I33"))
    }

    /// Takes from a person the duties that may no longer be done; the seats open again (I22).
    pub(super) fn replan(&mut self, person: PersonId) -> Done {
        self.leave_rounds(person, true)?;
        for id in self.facts.duties.clone() {
            let (case, panel) = (self.facts.case(id)?, self.facts.panel(id)?);
            let Some((_, duty)) = panel.assignment_of(person) else { continue };
            if !barred(self.facts, case, person, duty, self.ctx.now).is_empty() {
                self.end_duties(id, person, Release::Barred, None)?;
            }
        }
        Ok(())
    }
}

/// Checks that a reading of this natural person may count in an imported panel.
fn may_join(panel: &Panel, natural: PersonId) -> Result<(), Reason> {
    let id = panel.case;
    let in_hand = matches!(panel.bench, Bench::Taken { .. });
    if in_hand || panel.status == PanelStatus::Adjudicated {
        return Err(Reason::rule(code::PANEL_CLOSED, id, "an adjudicator here has taken or decided this case")
            .hint("Import the reading as an extra one: what is being decided does not change under the adjudicator."));
    }
    if panel.panel_readings().any(|reading| reading.natural == natural) {
        return Err(Reason::rule(code::ALREADY_READ, id, "another account of the same person has read this case")
            .hint("Import it as an extra reading: two readings of a panel come from two people.")
            .invariant("I3"));
    }
    Ok(())
}

/// Returns why this person may not begin this duty on this case; nothing: eligible.
///
/// The one answer behind claiming, assigning and every *why not* on screen. `facts` hold the case, its panel and its
/// statement of work, and the person with name and membership; what is not loaded speaks against.
pub fn why_not(facts: &Facts, id: CaseId, person: PersonId, duty: Duty, now: Instant) -> Vec<Reason> {
    let (case, panel) = match (facts.case(id), facts.panel(id)) {
        (Ok(case), Ok(panel)) => (case, panel),
        (Err(reason), _) | (_, Err(reason)) => return vec![reason],
    };
    let mut reasons = barred(facts, case, person, duty, now);
    let name = facts.name(person);
    if let Some(member) = facts.members.get(&person).filter(|_| duty != Duty::Sign) {
        reasons.extend(routing::capacity(&name, member));
    }
    let open = match duty {
        Duty::Read => matches!(case.status, CaseStatus::Ready | CaseStatus::Reading) && panel.open_seat().is_some(),
        Duty::Adjudicate => case.status == CaseStatus::Adjudicating && panel.bench == Bench::Open,
        Duty::Sign => case.status == CaseStatus::AwaitingSignOff,
    };
    let held = panel
        .held_duties()
        .any(|record| facts.people.get(&person).is_some_and(|known| known.natural == record.natural));
    if held && duty == Duty::Read {
        reasons.push(
            Reason::rule(code::HOLDS_SEAT, id, format!("{name} holds a seat on this case"))
                .hint("The other seats are for other people.")
                .invariant("I3"),
        );
    }
    if !open {
        reasons.push(match duty {
            Duty::Read => no_open_seat(id),
            Duty::Adjudicate => Reason::rule(code::ADJUDICATOR_TAKEN, id, "this case does not wait for an adjudicator")
                .hint("Another adjudicator may have taken it; reload the list.")
                .invariant("I35"),
            Duty::Sign => {
                Reason::rule(code::WRONG_STATE, id, "this case does not wait for a signature").hint("Reload the list.")
            }
        });
    }
    reasons.extend(out_of_term(facts, case, now));
    reasons
}

/// Returns why this person may not go on with this duty on this case: what must hold at offer, claim and submit (I9),
/// and separation from the person's own work (I3, I4).
pub(crate) fn barred(facts: &Facts, case: &Case, id: PersonId, duty: Duty, now: Instant) -> Vec<Reason> {
    let Some(person) = facts.people.get(&id) else { return vec![Reason::hidden(id)] };
    let Some(admission) = &case.admission else { return vec![Reason::hidden(case.case)] };
    let name = facts.name(id);
    let member = facts.members.get(&id);
    let mut reasons = routing::eligibility(&name, person, member, &admission.need, duty, now);
    if case.showing.is_some_and(|laid| laid.practice) {
        reasons.retain(|reason| reason.code != code::NOT_CALIBRATED);
    }
    reasons.extend(routing::conflict(&name, person, &case.parties));
    let Some(panel) = facts.panels.get(&case.case.panel()) else { return vec![Reason::hidden(case.case)] };
    let own = match duty {
        Duty::Read => panel.readings.iter().any(|reading| reading.natural == person.natural).then(|| {
            Reason::rule(code::ALREADY_READ, case.case, format!("{name} has read this case"))
                .hint("A second reading must come from another person.")
                .invariant("I3")
        }),
        Duty::Adjudicate => {
            let involved =
                case.signers.contains(&person.natural) || panel.barred_from_adjudication().contains(&person.natural);
            involved.then(|| {
                Reason::rule(
                    code::SELF_REVIEW,
                    case.case,
                    format!("{name} has read, decided, signed or questioned this case, and would judge the own work"),
                )
                .hint("An adjudicator who had no part in it has to decide.")
                .invariant("I3")
            })
        }
        Duty::Sign => {
            let worded =
                case.resolution.as_ref().is_some_and(|resolution| resolution.authors.contains(&person.natural));
            (worded || panel.authors().contains(&person.natural)).then(|| {
                Reason::rule(code::SELF_REVIEW, case.case, format!("{name} made part of what would be signed"))
                    .hint("A signer who had no part in it has to sign.")
                    .invariant("I3")
            })
        }
    };
    reasons.extend(own);
    reasons
}

/// Returns why today lies outside the term of the case's statement of work (I1). A later version does not take a
/// running case with it (I13); imported history runs under no term.
pub(crate) fn out_of_term(facts: &Facts, case: &Case, now: Instant) -> Option<Reason> {
    let admission = case.admission.as_ref().filter(|admission| !admission.history)?;
    let sow = match facts.sow(admission.sow) {
        Ok(sow) => sow,
        Err(reason) => return Some(reason),
    };
    let today = now.date();
    (today < sow.starts_on || sow.ends_on < today).then(|| {
        let sentence = format!("the statement of work ran from {} to {}", sow.starts_on, sow.ends_on);
        Reason::rule(code::SOW_NOT_IN_FORCE, case.case, sentence)
            .hint("Call the case off and take it in anew under a statement of work that is in force.")
            .clause(&admission.clause)
            .invariant("I1")
    })
}

fn no_open_seat(id: CaseId) -> Reason {
    Reason::rule(code::NO_OPEN_SEAT, id, "no seat is open on this case")
        .hint("Another reader may have been faster; take the next case.")
        .invariant("I35")
}
