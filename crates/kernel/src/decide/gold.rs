//! Decisions on gold: what may become gold, when it is shown and to whom, and what a reader may say against it.

use std::collections::BTreeMap;

use super::{
    Deciding, Done,
    directory::NOTE_CHARS_MAX,
    guise::{Guise, Known, guise},
    intake::ended,
    wrong_state,
};
use crate::{
    case::{Admission, Case, CaseEvent, DecidedBy, Item, Laid, Visibility},
    command::Command,
    engagement::{MemberEvent, Tally},
    form::{Answer, Judgement, QuestionKey},
    gold::{
        DRAW, Gold, GoldEvent, GoldStatus, Matter, RebuttalState, Retirement, Showing, WHOLE_BP, below, drawn,
        measured, measured_answers, missed,
    },
    hash::Digest,
    id::{CaseId, EngagementId, GoldId, PersonId},
    index::{Origin, Part},
    pack::{Duty, GoldPlan, Pack},
    panel::{Panel, PanelEvent, Reading, Release, Routing, RoutingRule},
    precedent::Precedent,
    refusal::{Reason, Refusal, code},
    role::{Role, Side},
    routing::{self, Examined, Need},
    stream::{Event, StreamId},
    time::Instant,
};

/// The case in whose place a showing was given is not offered to the same reader for at least this long ...
const WITHHELD_SECONDS_MIN: i64 = 2 * 3_600;
/// ... and up to so much longer ...
const WITHHELD_SECONDS_MORE: u64 = 24 * 3_600;
/// ... but no later than this before it is due.
const WITHHELD_BEFORE_DUE_SECONDS: i64 = 4 * 3_600;
/// Seconds of a day.
const DAY_SECONDS: i64 = 86_400;

impl Deciding<'_> {
    /// Refuses what cannot be done to a showing: nobody but its reader works on it, and for others it is not there.
    pub(super) fn not_a_showing(&self, command: &Command) -> Result<(), Reason> {
        let Some(case) = command.case().and_then(|id| self.facts.cases.get(&id)).filter(|case| case.showing.is_some())
        else {
            return Ok(());
        };
        let own = matches!(
            command,
            Command::SubmitReading { .. }
                | Command::ReleaseSeat { .. }
                | Command::RevokeSeat { .. }
                | Command::CloseShowing { .. }
                | Command::RebutGold { .. }
                | Command::DecideRebuttal { .. }
        );
        // Its reader meets the rules that she would meet on any other case.
        let actor = self.ctx.person();
        let reads = self
            .facts
            .panels
            .get(&case.case.panel())
            .is_some_and(|panel| panel.duties.iter().any(|duty| Some(duty.person) == actor));
        if own || reads {
            return Ok(());
        }
        let manages = actor.and_then(|actor| self.facts.members.get(&actor)).is_some_and(may_know_pool);
        Err(if manages {
            Reason::rule(code::WRONG_STATE, case.case, "this case is a showing of a gold case: it ends by itself")
                .hint("See it under Gold; to take it from its reader, take her seat away.")
        } else {
            Reason::hidden(case.case)
        })
    }

    /// Proposes a decided case as gold. What it holds is fixed here: a later change of the case does not change it.
    pub(super) fn propose_gold(&mut self, engagement: EngagementId, id: CaseId, note: Option<&str>) -> Done {
        self.facts.engagement(engagement)?;
        let (case, panel) = (self.facts.case(id)?.clone(), self.facts.panel(id)?.clone());
        let by = self.actor()?;
        let natural = self.member(by)?.natural;
        let known = self.facts.golds.get(&id.gold()).filter(|gold| gold.status != GoldStatus::Declined);
        if known.is_some() {
            return Err(Reason::rule(code::DUPLICATE, id, "this case has been proposed as gold")
                .hint("See it under Gold.")
                .into());
        }
        if self.facts.precedents.get(&id.precedent()).is_some_and(Precedent::standing) {
            return Err(not_gold(id, "it is a precedent, and its answer is shown to readers").into());
        }
        let pack = self.pack_of(&case)?;
        let answers = agreed_answers(&pack, &case, &panel)?;
        let items: Vec<Item> =
            case.current_items().filter(|item| item.visibility != Visibility::Client).cloned().collect();
        if items.is_empty() {
            return Err(not_gold(id, "it has no documents that a reader could be shown").into());
        }
        let note = note.filter(|note| !note.trim().is_empty());
        let note = note.map(|note| self.keep_checked("note", note, NOTE_CHARS_MAX)).transpose()?;
        let matter = Box::new(Matter {
            pack: pack.reference(),
            case_type: case.case_type.clone(),
            reference: case.reference,
            title: case.title,
            fields: case.fields.clone(),
            jurisdiction: case.jurisdiction.clone(),
            language: case.language.clone(),
            parties: case.parties.clone(),
            items,
            questions: u32::try_from(measured(&pack.form).count()).unwrap_or(u32::MAX),
        });
        let known_to = knows(&case, &panel).chain([natural]).collect();
        self.push_gold(
            id.gold(),
            GoldEvent::Proposed { gold: id.gold(), matter, answers, known_to, by, natural, note },
        );
        Ok(())
    }

    /// Approves a proposal: by somebody who neither proposed it nor read, decided or signed the case (I3).
    pub(super) fn approve_gold(&mut self, id: GoldId) -> Done {
        let (gold, by) = (self.gold_in(id, GoldStatus::Proposed)?, self.actor()?);
        let natural = self.member(by)?.natural;
        if gold.known_to.contains(&natural) {
            return Err(Reason::rule(
                code::SELF_REVIEW,
                id,
                "you proposed this, or read, decided or signed the case, and would approve your own answer",
            )
            .hint("A delivery manager who had no part in it has to approve it.")
            .invariant("I3")
            .into());
        }
        self.push_gold(id, GoldEvent::Approved { by, natural });
        Ok(())
    }

    pub(super) fn decline_gold(&mut self, id: GoldId, reason: &str) -> Done {
        self.gold_in(id, GoldStatus::Proposed)?;
        let by = self.actor()?;
        let reason = self.keep_checked("reason", reason, NOTE_CHARS_MAX)?;
        self.push_gold(id, GoldEvent::Declined { by, reason });
        Ok(())
    }

    pub(super) fn retire_gold(&mut self, id: GoldId, reason: &str) -> Done {
        self.gold_in(id, GoldStatus::Active)?;
        let by = Some(self.actor()?);
        let reason = Some(self.keep_checked("reason", reason, NOTE_CHARS_MAX)?);
        self.push_gold(id, GoldEvent::Retired { cause: Retirement::Manager, by, reason });
        Ok(())
    }

    fn gold_in(&self, id: GoldId, wanted: GoldStatus) -> Result<Gold, Reason> {
        let gold = self.facts.gold(id)?;
        if gold.status == wanted {
            return Ok(gold.clone());
        }
        let status = gold.status.word();
        Err(Reason::rule(code::WRONG_STATE, id, format!("this gold case is {status}, where that cannot be done"))
            .hint("Reload the list of gold cases."))
    }

    /// Returns the gold case to show instead of the case that would have come, if the draw asks for one.
    ///
    /// Who fits is settled before the draw is looked at, so that both answers take the same way.
    ///
    /// In `practice`, for somebody who is not calibrated yet, gold is all that there is.
    pub(super) fn drawn(&self, instead_of: CaseId, person: PersonId, practice: bool) -> Option<GoldId> {
        let case = self.facts.case(instead_of).ok()?;
        let admission = case.admission.as_ref()?;
        let plan = admission.plan.gold?;
        let fits: Vec<GoldId> = self
            .facts
            .gold_pool
            .iter()
            .copied()
            .filter(|gold| self.fits(*gold, case, admission, plan, person))
            .collect();
        let drawn = practice || drawn(self.ctx, plan);
        let place = below(&self.ctx.chance(DRAW, 0), 1, fits.len() as u64);
        fits.get(usize::try_from(place).unwrap_or_default()).copied().filter(|_| drawn)
    }

    /// Returns whether this person may be shown this gold case instead of that case.
    fn fits(&self, id: GoldId, case: &Case, admission: &Admission, plan: GoldPlan, person: PersonId) -> bool {
        let (Ok(gold), Ok(known)) = (self.facts.gold(id), self.facts.person(person)) else { return false };
        let Some(member) = self.facts.members.get(&person) else { return false };
        let alike = gold.matter.pack == admission.pack && gold.matter.case_type == case.case_type;
        let need = need_of(&gold.matter, &admission.need);
        gold.status == GoldStatus::Active
            && alike
            && gold.showings.len() < usize::try_from(plan.showings_max).unwrap_or(usize::MAX)
            && !gold.known_to.contains(&known.natural)
            && member.side == Side::Provider
            && !may_know_pool(member)
            && routing::conflict("", known, &gold.matter.parties).is_none()
            && routing::eligibility("", known, Some(member), &need, Duty::Read, self.ctx.now)
                .iter()
                .all(|reason| reason.code == code::NOT_CALIBRATED)
    }

    /// Lays a gold case before a reader, as a case of its own that stands for the one she would have had: it carries that
    /// one's urgency, owner, span of promise and kind of reference, and came in about when it did.
    pub(super) fn show(
        &mut self,
        id: GoldId,
        (instead_of, practice): (CaseId, bool),
        person: PersonId,
        passed: Vec<Examined>,
    ) -> Done {
        let (gold, like) = (self.facts.gold(id)?.clone(), self.facts.case(instead_of)?.clone());
        let Some(admission) = like.admission.clone() else { return Err(wrong_state(&like).into()) };
        let plan = admission.plan.gold.unwrap_or(GoldPlan::USUAL);
        let natural = self.member(person)?.natural;
        let chance = self.ctx.chance("showing", 0);
        let guise = self.guise(&gold.matter, &like, &chance);
        // A case that came in at the instant at which it is asked for leaves no room: it would tell its showing.
        if guise.received_at >= self.ctx.now && !practice {
            return self.take_seat(instead_of, person, RoutingRule::NextCase, passed);
        }
        let due_at = guise.due_at;
        let (mut case, mut panel) = self.lay(&gold, &like, admission, guise, practice)?;
        let id_of_case = case.case;
        let routing = Routing { rule: RoutingRule::NextCase, passed_over: passed };
        let (assignment, by) = (self.new_id(), self.actor()?);
        self.push_panel(
            &mut panel,
            PanelEvent::SeatTaken { seat: 1, assignment, reader: person, natural, by, routing },
        );
        self.push_member(person, MemberEvent::DutyTaken { case: id_of_case, duty: Duty::Read });
        self.push_case(&mut case, CaseEvent::ReadingBegan {});
        self.push_gold(
            id,
            GoldEvent::Shown {
                case: id_of_case,
                person,
                natural,
                stands_for: instead_of,
                withheld_until: if practice {
                    self.ctx.now
                } else {
                    withheld_until(self.ctx.now, like.due_at, &chance)
                },
                closes_at: due_at.max(self.ctx.now).plus_seconds(i64::from(plan.window_days) * DAY_SECONDS),
            },
        );
        if gold.showings.len() + 1 >= usize::try_from(plan.showings_max).unwrap_or(usize::MAX) {
            self.push_gold(id, GoldEvent::Retired { cause: Retirement::Shown, by: None, reason: None });
        }
        Ok(())
    }

    /// Puts the showing on the record as a case with its panel.
    fn lay(
        &mut self,
        gold: &Gold,
        like: &Case,
        admission: Admission,
        guise: Guise,
        practice: bool,
    ) -> Result<(Case, Panel), Refusal> {
        let matter = &gold.matter;
        let Guise { reference, received_at, due_at } = guise;
        let case: CaseId = self.dated_id(received_at);
        let own = || self.facts.texts.get(&matter.reference.id).cloned().unwrap_or_default();
        let reference = self.keep(&reference.unwrap_or_else(own));
        let need = need_of(matter, &admission.need);
        let received = CaseEvent::Received {
            case,
            reference,
            // A key of its own: a real case with the same reference is no duplicate.
            reference_key: Digest::of_parts(&[b"showing", case.to_string().as_bytes()]),
            title: matter.title,
            case_type: matter.case_type.clone(),
            fields: matter.fields.clone(),
            jurisdiction: need.jurisdiction.clone(),
            language: need.language.clone(),
            parties: matter.parties.clone(),
            urgent: like.urgent,
            due_at,
            owner: like.owner,
            origin: Origin::Witnessed,
            showing: Some(Laid { gold: gold.gold, received_at, practice }),
        };
        let Some(mut shown) = Case::apply(None, &received, self.ctx.now) else {
            return Err(Reason::hidden(case).into());
        };
        self.events.push((StreamId::Case(case), Event::Case(received)));
        for item in &matter.items {
            let item = Item { item: self.dated_id(received_at), version: 1, ..item.clone() };
            self.push_case(&mut shown, CaseEvent::ItemAdded { item });
        }
        let (stopping, digest) = (admission.plan.stopping_of(&matter.case_type), need.digest());
        self.push_case(&mut shown, CaseEvent::Admitted { admission: Admission { need, ..admission } });
        let planned = PanelEvent::Planned {
            case,
            stopping,
            need: digest,
            due_at,
            origin: Origin::Witnessed,
            laid_at: Some(received_at),
        };
        let Some(panel) = Panel::apply(None, &planned, self.ctx.now) else { return Err(Reason::hidden(case).into()) };
        self.events.push((StreamId::panel_of(case), Event::Panel(planned)));
        Ok((shown, panel))
    }

    fn dated_id<T: crate::id::Id>(&mut self, at: Instant) -> T {
        self.ids += 1;
        self.ctx.id_at(self.ids, at)
    }

    /// Returns what the showing says of itself, among the cases that its reader had or may take.
    fn guise(&self, matter: &Matter, like: &Case, chance: &[u8; 32]) -> Guise {
        let text = |id| self.facts.texts.get(&id).map_or("", String::as_str);
        let known = |case: &Case| Known { reference: text(case.reference.id), received_at: case.received_at };
        let candidates = self.facts.candidates.iter().filter_map(|case| self.facts.cases.get(case)).map(known);
        let own =
            self.facts.own_cases.iter().map(|(reference, received_at)| Known { reference, received_at: *received_at });
        let others: Vec<_> = candidates.chain(own).collect();
        guise(known(like), like.due_at, &others, text(matter.reference.id), self.ctx.now, chance)
    }

    /// Measures a reading of a showing against the gold answer. Nothing of this is told before the window is over.
    pub(super) fn measure(&mut self, case: &Case, reading: &Reading, pack: &Pack) -> Done {
        let Some(laid) = case.showing else { return Ok(()) };
        let gold = self.facts.gold(laid.gold)?;
        let plan = case.admission.as_ref().and_then(|admission| admission.plan.gold).unwrap_or(GoldPlan::USUAL);
        let answers = gold.matter.placed(measured_answers(&pack.form, &reading.judgement), &case.items);
        let missed = missed(&pack.form, &gold.answers, &answers);
        let (answered, passed) = gold.passes();
        let (answered, passed) = (answered + 1, passed + u32::from(missed.is_empty()));
        let easy = answered >= plan.retire_after
            && u64::from(passed) * WHOLE_BP > u64::from(answered) * u64::from(plan.retire_above_bp);
        let active = gold.status == GoldStatus::Active;
        // Whoever practises knows what she reads, and is told at once.
        let days = if laid.practice { 0 } else { i64::from(plan.window_days) };
        let closes_at = self.ctx.now.plus_seconds(days * DAY_SECONDS);
        let answered = GoldEvent::Answered { case: case.case, reading: reading.reading, answers, missed, closes_at };
        self.push_gold(laid.gold, answered);
        if easy && active {
            let retired = GoldEvent::Retired { cause: Retirement::TooEasy, by: None, reason: None };
            self.push_gold(laid.gold, retired);
        }
        Ok(())
    }

    /// Ends a showing whose window is over. Asked too early, or again, it does nothing.
    pub(super) fn close_showing(&mut self, id: CaseId) -> Done {
        let mut case = self.facts.case(id)?.clone();
        let Some(laid) = case.showing else { return Err(Reason::hidden(id).into()) };
        let gold = self.facts.gold(laid.gold)?.clone();
        let due = gold.showing(id).is_some_and(|showing| showing.closes_at <= self.ctx.now);
        if !due || ended(case.status) {
            return Ok(());
        }
        let mut panel = self.facts.panel(id)?.clone();
        let holders: Vec<_> = panel.held_duties().map(|record| record.person).collect();
        if holders.is_empty() {
            if !panel.ended() {
                self.push_panel(&mut panel, PanelEvent::Voided {});
            }
            self.push_case(&mut case, CaseEvent::ShowingEnded {});
        }
        for person in holders {
            self.end_duties_on(&mut panel, person, Release::CaseEnded, None);
        }
        self.push_gold(laid.gold, GoldEvent::Closed { case: id });
        let mut told = gold.clone();
        for known in told.showings.iter_mut().filter(|known| known.case == id) {
            known.told = true;
        }
        self.tally(&[(gold, told)]);
        Ok(())
    }

    /// Brings the tallies of readers up to date with what gold cases counted before and count now. All are of one pack.
    pub(super) fn tally(&mut self, changes: &[(Gold, Gold)]) {
        let Some(pack) = changes.first().map(|(gold, _)| gold.matter.pack.digest) else { return };
        let mut tallies: BTreeMap<PersonId, Tally> = BTreeMap::new();
        for (before, now) in changes {
            let counted = before.counted();
            for (person, now) in now.counted() {
                let Some(known) = self.tallied(person, pack) else { continue };
                let before = counted.get(&person).copied().unwrap_or_default();
                let tally = tallies.entry(person).or_insert(known);
                tally.answers = (tally.answers + now.answers).saturating_sub(before.answers);
                tally.right = (tally.right + now.right).saturating_sub(before.right);
            }
        }
        for (person, tally) in tallies {
            if self.tallied(person, pack) != Some(tally) {
                let Tally { answers, right } = tally;
                self.push_member(person, MemberEvent::GoldTallied { pack, answers, right });
            }
        }
    }

    /// Returns the tally of a member as it stands with what this act has decided so far.
    fn tallied(&self, person: PersonId, pack: Digest) -> Option<Tally> {
        let member = self.facts.members.get(&person)?;
        let decided = self.events.iter().rev().find_map(|(stream, event)| match (stream, event) {
            (StreamId::Member(who), Event::Member(MemberEvent::GoldTallied { pack: of, answers, right }))
                if *who == person && *of == pack =>
            {
                Some(Tally { answers: *answers, right: *right })
            }
            _ => None,
        });
        decided.or_else(|| member.gold.get(&pack).copied()).or_else(|| Some(Tally::default()))
    }

    /// Records that a reader holds the gold answer to be wrong: once, and only of what she has been told.
    pub(super) fn rebut_gold(&mut self, id: CaseId, note: &str) -> Done {
        let by = self.actor()?;
        let (gold, showing) = self.showing(id)?;
        if showing.person != by || !showing.told {
            return Err(Reason::hidden(id).into());
        }
        if showing.passed() != Some(false) || showing.rebuttal.is_some() {
            return Err(Reason::rule(code::WRONG_STATE, id, "there is nothing here to object to, or you have done so")
                .hint("You can object once to each gold answer that is unlike yours.")
                .into());
        }
        let note = self.keep_checked("note", note, NOTE_CHARS_MAX)?;
        self.push_gold(gold, GoldEvent::Rebutted { case: id, by, note });
        Ok(())
    }

    fn showing(&self, id: CaseId) -> Result<(GoldId, Showing), Reason> {
        let laid = self.facts.case(id)?.showing.ok_or_else(|| Reason::hidden(id))?;
        let showing = self.facts.gold(laid.gold)?.showing(id).cloned().ok_or_else(|| Reason::hidden(id))?;
        Ok((laid.gold, showing))
    }

    /// Decides a rebuttal: neither the reader nor whoever proposed or approved the answer (I3). An upheld one corrects the
    /// answer, and every reading so far is measured against the new one.
    pub(super) fn decide_rebuttal(
        &mut self,
        id: CaseId,
        corrected: Option<&BTreeMap<QuestionKey, Answer>>,
        note: &str,
    ) -> Done {
        let by = self.actor()?;
        let natural = self.member(by)?.natural;
        let (id_of_gold, showing) = self.showing(id)?;
        let gold = self.facts.gold(id_of_gold)?.clone();
        if showing.rebuttal.as_ref().is_none_or(|rebuttal| rebuttal.state != RebuttalState::Open) {
            return Err(Reason::rule(code::WRONG_STATE, id, "no objection waits for a decision here")
                .hint("Reload the list of gold cases.")
                .into());
        }
        if !gold.may_decide(id, natural) {
            return Err(Reason::rule(
                code::SELF_REVIEW,
                id,
                "you made this objection, or proposed or approved the answer it questions",
            )
            .hint("A delivery manager who had no part in it has to decide.")
            .invariant("I3")
            .into());
        }
        let note = self.keep_checked("note", note, NOTE_CHARS_MAX)?;
        let upheld = corrected.is_some();
        self.push_gold(id_of_gold, GoldEvent::RebuttalDecided { case: id, upheld, by, natural, note });
        match corrected {
            None => Ok(()),
            Some(corrected) => self.correct(&gold, corrected),
        }
    }

    fn correct(&mut self, gold: &Gold, corrected: &BTreeMap<QuestionKey, Answer>) -> Done {
        let pack = self.facts.packs.get(&gold.matter.pack.digest).cloned();
        let pack = pack.ok_or_else(|| Reason::hidden(&gold.matter.pack.name))?;
        let citable = gold.matter.items.iter().map(|item| ((item.item, item.version), item.body.chars)).collect();
        let judgement = Judgement { answers: corrected.clone(), ..Judgement::default() };
        pack.form.check(&judgement, &citable, true)?;
        let mut answers = gold.answers.clone();
        answers.extend(measured_answers(&pack.form, &judgement));
        if missed(&pack.form, &gold.answers, &answers).is_empty() {
            return Err(Reason::field(code::FIELD_INVALID, "corrected", "the corrected answer is the one that stands")
                .hint("Give the right answer to the question that is wrong, or reject the objection.")
                .into());
        }
        let mut anew = gold.clone();
        for showing in &mut anew.showings {
            if let Some(answered) = &mut showing.answered {
                answered.missed = missed(&pack.form, &answers, &answered.answers);
            }
        }
        for reading in &mut anew.calibrated {
            reading.missed = missed(&pack.form, &answers, &reading.answers);
        }
        let of = |showing: &Showing| Some((showing.case, showing.answered.as_ref()?.missed.clone()));
        let missed = anew.showings.iter().filter_map(of).collect();
        let calibrated = anew.calibrated.iter().map(|reading| reading.missed.clone()).collect();
        let version = gold.version + 1;
        self.push_gold(gold.gold, GoldEvent::Corrected { version, answers, missed, calibrated });
        self.tally(&[(gold.clone(), anew)]);
        Ok(())
    }
}

/// Returns whether a member may look into the pool of gold cases; such a person is never shown one.
fn may_know_pool(member: &crate::engagement::Member) -> bool {
    [Role::DeliveryManager, Role::ClientManager, Role::Auditor].iter().any(|role| member.holds(*role))
}

/// Returns what a showing calls for: as the case it stands for, in the place and language of its own matter.
fn need_of(matter: &Matter, need: &Need) -> Need {
    let or = |own: &String, other: &String| if own.is_empty() { other.clone() } else { own.clone() };
    Need {
        jurisdiction: or(&matter.jurisdiction, &need.jurisdiction),
        language: or(&matter.language, &need.language),
        ..need.clone()
    }
}

/// Returns the natural persons who have got to know a case by their part in it.
pub(super) fn knows<'a>(case: &'a Case, panel: &'a Panel) -> impl Iterator<Item = PersonId> + 'a {
    let readers = panel.readings.iter().filter(|reading| reading.part != Part::Ai).map(|reading| reading.natural);
    let worded = case.resolution.iter().flat_map(|resolution| resolution.authors.iter().copied());
    readers
        .chain(panel.duties.iter().map(|record| record.natural))
        .chain(panel.adjudications.iter().map(|decision| decision.natural))
        .chain(panel.challenges.iter().map(|challenge| challenge.natural))
        .chain(case.signers.iter().chain(&case.reviewers).copied())
        .chain(worded)
}

/// Returns the answers that a case was decided with: those of a file's reference, or what two agreed or a third decided.
fn agreed_answers(pack: &Pack, case: &Case, panel: &Panel) -> Result<BTreeMap<QuestionKey, Answer>, Reason> {
    let decided = case.resolution.as_ref().filter(|_| panel.ended()).filter(|resolution| match resolution.decided.by {
        DecidedBy::Agreement | DecidedBy::Adjudicator(_) => true,
        DecidedBy::Single | DecidedBy::Panel => false,
    });
    if !case.holds.is_empty() {
        return Err(not_gold(case.case, "a review of it is not finished, and may still change the answer"));
    }
    let referenced = Judgement { answers: panel.reference.clone(), ..Judgement::default() };
    let mut answers = decided.map(|known| measured_answers(&pack.form, &known.outcome)).unwrap_or_default();
    answers.extend(measured_answers(&pack.form, &referenced));
    if decided.is_none() && panel.reference.is_empty() {
        return Err(not_gold(case.case, "nobody has agreed on its answer or decided it"));
    }
    if measured(&pack.form).next().is_none() {
        return Err(not_gold(case.case, "no question of its form decides and can be compared"));
    }
    let open = measured(&pack.form).find(|question| question.required && !answers.contains_key(&question.key));
    match open {
        None => Ok(answers),
        Some(question) => Err(not_gold(case.case, &format!("it has no answer to `{}`", question.title))),
    }
}

fn not_gold(case: CaseId, why: &str) -> Reason {
    Reason::rule(code::NOT_GOLD, case, format!("this case cannot become gold: {why}"))
        .hint("Choose a case that readers agreed on, an adjudicator decided, or a file gives the answer of.")
}

/// Returns until when the case in whose place a showing was given is not offered to the same reader.
fn withheld_until(now: Instant, due_at: Instant, chance: &[u8; 32]) -> Instant {
    let more = i64::try_from(below(chance, 2, WITHHELD_SECONDS_MORE)).unwrap_or_default();
    let least = now.plus_seconds(WITHHELD_SECONDS_MIN);
    let latest = due_at.plus_seconds(-WITHHELD_BEFORE_DUE_SECONDS).max(least);
    least.plus_seconds(more).min(latest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_withheld_comes_back_before_it_is_due() {
        let (now, chance) = (Instant::from_micros(0), [255; 32]);
        let due = now.plus_seconds(10 * 3_600);
        assert_eq!(withheld_until(now, due, &chance), now.plus_seconds(6 * 3_600));
        assert_eq!(withheld_until(now, now, &chance), now.plus_seconds(WITHHELD_SECONDS_MIN));
        assert!(withheld_until(now, now.plus_seconds(90 * DAY_SECONDS), &chance) <= now.plus_seconds(26 * 3_600));
    }
}
