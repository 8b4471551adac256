//! Decisions on seats and readings: who reads, what is sealed, how a panel ends.

use std::collections::BTreeMap;

use super::{Deciding, Done, review::held_reviews};
use crate::{
    case::{Case, CaseEvent, Cause, DecidedBy},
    command::JudgementIn,
    engagement::MemberEvent,
    facts::Facts,
    form::{Answer, Judgement, QuestionKey},
    id::{CaseId, EngagementId, PersonId},
    index::{CaseStatus, PanelStatus, Part, ReviewStatus},
    model::{GoldTaken, Measured, ModelEvent},
    pack::{Duty, Pack},
    panel::{
        Bench, Comparison, Panel, PanelEvent, Provenance, Reading, Release, Routing, RoutingRule, Source, Verdict,
        Weighed, compare, outvote,
    },
    refusal::{Reason, Refusal, code},
    routing::{self, Examined},
    stream::{Event, StreamId},
    time::Instant,
};

/// How long a further reading waits for a clearly better reader.
const HELD_SECONDS: i64 = 4 * 3_600;
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
        let mut left_to_others = None;
        for case in self.facts.candidates.iter().take(routing::CANDIDATES_MAX) {
            let reasons = why_not(self.facts, *case, person, Duty::Read, self.ctx.now);
            let mut why_not: Vec<_> = reasons.iter().map(|reason| reason.code.to_string()).collect();
            // Who lacks nothing but calibration reads gold, and nothing else.
            let practice = !reasons.is_empty() && reasons.iter().all(|reason| reason.code == code::NOT_CALIBRATED);
            // Every reader meets cases in the order of their promises: nothing tells her which reading it is (I2).
            let better = reasons.is_empty() && self.better_reader_free(*case);
            if better {
                why_not.push(code::BETTER_READER.to_owned());
                left_to_others = left_to_others.or(Some(*case));
            } else if reasons.is_empty() || practice {
                match self.drawn(*case, person, practice) {
                    Some(gold) => return self.show(gold, (*case, practice), person, passed_over),
                    None if practice => uncalibrated = reasons.first().cloned(),
                    None => return self.take_seat(*case, person, RoutingRule::NextCase, passed_over),
                }
            }
            passed_over.push(Examined { case: *case, why_not });
        }
        // Rather the second best reader than none.
        if let Some(case) = left_to_others {
            passed_over.retain(|examined| examined.case != case);
            return self.take_seat(case, person, RoutingRule::NextCase, passed_over);
        }
        let nothing = Reason::rule(code::NOTHING_ELIGIBLE, engagement, "no open case fits you right now")
            .hint("New cases appear under Today by themselves. Under People you can see what would make you eligible.");
        Err(Refusal { reasons: uncalibrated.into_iter().chain([nothing]).collect() })
    }

    /// Returns whether a further reading of a panel waits for a clearly better reader, who could take it now.
    fn better_reader_free(&self, id: CaseId) -> bool {
        let (Ok(case), Ok(panel)) = (self.facts.case(id), self.facts.panel(id)) else { return false };
        let waits = panel.asks_another().is_some_and(|since| self.ctx.now < since.plus_seconds(HELD_SECONDS));
        let Some(admission) = case.admission.as_ref().filter(|_| waits) else { return false };
        let used = |natural| {
            panel.duties.iter().any(|record| record.natural == natural)
                || panel.readings.iter().any(|reading| reading.natural == natural)
        };
        self.facts.rivals.iter().any(|(rival, member)| {
            !used(rival.natural)
                && routing::capacity("", member).is_none()
                && routing::conflict("", rival, &case.parties).is_none()
                && routing::eligibility("", rival, Some(member), &admission.need, Duty::Read, self.ctx.now).is_empty()
        })
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

    pub(super) fn take_seat(
        &mut self,
        id: CaseId,
        person: PersonId,
        rule: RoutingRule,
        passed_over: Vec<Examined>,
    ) -> Done {
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
        let holds = self.facts.panel(case)?.assignment_of(person).is_some();
        if !holds && held_reviews(self.facts, case, person).is_empty() {
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
        if panel.waits_for_readers() {
            return Ok(());
        }
        let sealed: Vec<_> = panel.panel_readings().collect();
        if let Some(weighed) = panel.stopping.weigh(&pack.form, self.facts.model.as_ref(), &sealed) {
            self.push_panel(&mut panel, PanelEvent::Weighed { weighed });
        }
        // The rule may have opened another seat.
        if !panel.waits_for_readers() {
            self.close(case, &mut panel, &pack)?;
        }
        Ok(())
    }

    /// Closes a sequential panel with the readings it has: where nobody is left to read, a case must not wait (I22).
    pub(super) fn close_reading(&mut self, engagement: EngagementId, id: CaseId) -> Done {
        self.live(engagement)?;
        let (case, mut panel) = (self.case_in(id, &[CaseStatus::Reading])?, self.facts.panel(id)?.clone());
        let pack = self.pack_of(&case)?;
        let sealed: Vec<_> = panel.panel_readings().collect();
        let wanted = usize::from(panel.stopping.first());
        let weighed = panel.stopping.weigh(&pack.form, self.facts.model.as_ref(), &sealed);
        let Some(weighed) = weighed.filter(|_| sealed.len() >= wanted) else {
            return Err(Reason::rule(
                code::WRONG_STATE,
                id,
                format!("this case is to be read {wanted} times at least"),
            )
            .hint("Add a reader under People, or cancel the case.")
            .invariant("I22")
            .into());
        };
        if panel.held_duties().next().is_some() {
            return Err(Reason::rule(code::HOLDS_SEAT, id, "somebody is reading this case")
                .hint("Wait for the reading, or take the seat away first.")
                .into());
        }
        let verdict = if weighed.verdict == Verdict::Enough { Verdict::Enough } else { Verdict::Closed };
        self.push_panel(&mut panel, PanelEvent::Weighed { weighed: Weighed { verdict, ..weighed } });
        self.close(case, &mut panel, &pack)?;
        Ok(())
    }

    /// Records what was measured, if anything changed.
    pub(super) fn fit_model(
        &mut self,
        engagement: EngagementId,
        questions: &BTreeMap<String, Measured>,
        (panels, gold): (u32, GoldTaken),
    ) -> Done {
        self.facts.engagement(engagement)?;
        if !questions.values().all(Measured::whole) {
            return Err(Reason::field(code::FIELD_INVALID, "questions", "the figures do not fit their classes")
                .hint("Measure anew; figures come from closed panels alone.")
                .into());
        }
        if self.facts.model.as_ref().is_none_or(|model| model.questions != *questions || model.gold != gold) {
            let fitted = ModelEvent::Fitted { questions: questions.clone(), panels, gold };
            self.events.push((StreamId::Model(engagement), Event::Model(fitted)));
        }
        Ok(())
    }

    /// Compares all readings and closes the panel, or asks for an adjudicator.
    fn close(&mut self, mut case: Case, panel: &mut Panel, pack: &Pack) -> Done {
        let sealed: Vec<_> = panel.panel_readings().map(|reading| &reading.judgement).collect();
        match compare(&pack.form, &sealed) {
            Comparison::Agreed { outcome, other_evidence } => {
                self.push_panel(panel, PanelEvent::Agreed { outcome: outcome.clone(), other_evidence });
                self.resolve(case, panel, pack, outcome, DecidedBy::Agreement)?;
            }
            Comparison::Single(outcome) => {
                self.push_panel(panel, PanelEvent::LeftSingle { outcome: outcome.clone() });
                self.resolve(case, panel, pack, outcome, DecidedBy::Single)?;
            }
            Comparison::Disputed(questions) => {
                if let Some((outcome, questions)) = self.outvoted(panel, pack) {
                    self.push_panel(panel, PanelEvent::Outvoted { outcome: outcome.clone(), questions });
                    return self.resolve(case, panel, pack, outcome, DecidedBy::Panel);
                }
                self.push_panel(panel, PanelEvent::Disputed { questions });
                self.push_case(&mut case, CaseEvent::AdjudicationAsked { cause: Cause::Disagreement });
            }
            // A panel is closed by its last reading, so there is one.
            Comparison::Nothing => {}
        }
        Ok(())
    }

    /// Returns what stands where readers of a sequential panel differ and were enough all the same.
    fn outvoted(&self, panel: &Panel, pack: &Pack) -> Option<(Judgement, Vec<QuestionKey>)> {
        let (weighed, _) = panel.weighed.last().filter(|(weighed, _)| weighed.verdict == Verdict::Enough)?;
        let sealed: Vec<_> = panel.panel_readings().collect();
        outvote(&pack.form, self.facts.model.as_ref()?, weighed.error_max, &sealed)
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
                self.close(case, &mut panel, &pack)?;
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
            let held = panel.assignment_of(person).map(|(_, duty)| duty);
            if held.is_some_and(|duty| !barred(self.facts, case, person, duty, self.ctx.now).is_empty()) {
                self.end_panel_duties(id, person, Release::Barred, None)?;
            }
            let reviews = !held_reviews(self.facts, id, person).is_empty();
            if reviews && !barred(self.facts, case, person, Duty::Review, self.ctx.now).is_empty() {
                self.end_reviews(id, person, Release::Barred, None);
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
        Duty::Review => case
            .reviews
            .iter()
            .any(|review| facts.reviews.get(review).is_some_and(|review| review.status == ReviewStatus::Open)),
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
            Duty::Review => Reason::rule(code::REVIEW_TAKEN, id, "this case does not wait for a reviewer")
                .hint("Another reviewer may have taken it; reload the list."),
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
            let involved = case.signers.contains(&person.natural)
                || case.reviewers.contains(&person.natural)
                || panel.barred_from_adjudication().contains(&person.natural);
            involved.then(|| {
                Reason::rule(
                    code::SELF_REVIEW,
                    case.case,
                    format!("{name} has read, decided, reviewed, signed or questioned this case, and would judge the own work"),
                )
                .hint("An adjudicator who had no part in it has to decide.")
                .invariant("I3")
            })
        }
        Duty::Sign => {
            let worded =
                case.resolution.as_ref().is_some_and(|resolution| resolution.authors.contains(&person.natural));
            let reviewed = case.reviewers.contains(&person.natural);
            (worded || reviewed || panel.authors().contains(&person.natural)).then(|| {
                Reason::rule(code::SELF_REVIEW, case.case, format!("{name} made part of what would be signed"))
                    .hint("A signer who had no part in it has to sign.")
                    .invariant("I3")
            })
        }
        Duty::Review => {
            let owns =
                case.owner == id || facts.people.get(&case.owner).is_some_and(|owner| owner.natural == person.natural);
            let worded =
                case.resolution.as_ref().is_some_and(|resolution| resolution.authors.contains(&person.natural));
            let opened = case.signoff.as_ref().is_some_and(|signoff| signoff.opened.contains_key(&id));
            let involved = owns
                || worded
                || opened
                || case.signers.contains(&person.natural)
                || panel.barred_from_adjudication().contains(&person.natural)
                || panel.duties.iter().any(|record| record.natural == person.natural);
            involved.then(|| {
                Reason::rule(
                    code::SELF_REVIEW,
                    case.case,
                    format!("{name} owns, read, decided, worded or signed this case, and would judge the own work"),
                )
                .hint("A reviewer who had no part in it has to look.")
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
