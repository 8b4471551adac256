//! `decide`: the one door that all commands pass. Pure: same context, command and facts, same answer.

mod alarm;
mod calibration;
mod directory;
mod engagement;
mod gold;
mod guise;
mod intake;
mod lot;
mod precedent;
mod reading;
mod release;
mod resolve;
mod review;
mod signoff;

use reading::out_of_term;
pub use reading::why_not;
pub use review::{why_not_review, why_not_rule};

use std::sync::Arc;

use crate::{
    calibration::CalibrationEvent,
    case::{Case, CaseEvent},
    command::{AnswerIn, Command, JudgementIn},
    ctx::{Actor, Ctx, Texts},
    engagement::{Engagement, EngagementEvent, LineEvent, Member, MemberEvent},
    facts::Facts,
    form::Judgement,
    gold::GoldEvent,
    id::{CalibrationId, EngagementId, GoldId, Id, LineId, LotId, PersonId, PrecedentId},
    index::EngagementStatus,
    lot::Seed,
    pack::Pack,
    panel::{Panel, PanelEvent, Release},
    precedent::PrecedentEvent,
    refusal::{Reason, Refusal, code},
    stream::{Event, Scope, StreamId},
    text::{NewText, TextRef},
};

/// What a command leads to: events in order, the texts they refer to, and whose rows they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whose rows.
    pub scope: Scope,
    /// What happened.
    pub events: Vec<(StreamId, Event)>,
    /// Bodies of the texts that the events name.
    pub texts: Vec<NewText>,
    /// Secret seeds of the lots that it opened.
    pub seeds: Vec<(LotId, Seed)>,
}

/// Decides a command on the facts that [`Command::wants`] asked for.
///
/// # Errors
/// A [`Refusal`] with every reason that could be found at once.
pub fn decide(ctx: &Ctx, command: &Command, facts: &Facts) -> Result<Decision, Refusal> {
    let mut deciding = Deciding::new(ctx, facts);
    // Only a new engagement has no scope yet: it brings its own.
    let founded = ctx.id(0);
    let scope = command.scope().unwrap_or(Scope::Engagement(founded));
    deciding.dispatch(command, founded)?;
    Ok(Decision { scope, events: deciding.events, texts: deciding.texts.new, seeds: deciding.seeds })
}

/// A decision in the making.
struct Deciding<'a> {
    ctx: &'a Ctx,
    facts: &'a Facts,
    texts: Texts<'a>,
    events: Vec<(StreamId, Event)>,
    seeds: Vec<(LotId, Seed)>,
    ids: u32,
}

type Done = Result<(), Refusal>;

impl<'a> Deciding<'a> {
    fn new(ctx: &'a Ctx, facts: &'a Facts) -> Self {
        // Identifier 0 is that of a new engagement.
        Self { ctx, facts, texts: Texts::new(ctx), events: Vec::new(), seeds: Vec::new(), ids: 1 }
    }

    /// Sends each command to its rule.
    fn dispatch(&mut self, command: &Command, founded: EngagementId) -> Done {
        use Command as C;
        self.not_a_showing(command)?;
        match command {
            C::AddOrganisation { name, country } => self.add_organisation(name, country),
            C::AddPerson { person } => self.add_person(person),
            C::RecordCredential { person, kind, jurisdiction, number, valid_from, valid_to } => {
                self.record_credential(*person, kind, jurisdiction, number, (*valid_from, *valid_to))
            }
            C::RevokeCredential { person, credential, reason } => self.revoke_credential(*person, *credential, reason),
            C::SetClearance { person, clearance, granted } => self.set_clearance(*person, clearance, *granted),
            C::SetConflict { person, party, declared } => self.set_conflict(*person, party, *declared),
            C::SetPlace { person, place } => self.set_place(*person, place),
            C::MarkLeft { person } => self.mark_left(*person),

            C::DraftEngagement { name, client, provider, managers } => {
                self.draft_engagement(founded, name, *client, *provider, managers)
            }
            C::DraftSow { engagement, starts_on, ends_on, names_people, lines } => {
                self.draft_sow(*engagement, (*starts_on, *ends_on), *names_people, lines)
            }
            C::ReviseSow { sow, starts_on, ends_on, names_people, lines, .. } => {
                self.revise_sow(*sow, (*starts_on, *ends_on), *names_people, lines)
            }
            C::ProposeSow { sow, .. } => self.propose_sow(*sow),
            C::SignSow { engagement, sow } => self.sign_sow(*engagement, *sow),
            C::GoLive { engagement } => self.go_live(*engagement),
            C::AddMember { person, side, roles, capacity, .. } => self.add_member(*person, *side, roles, *capacity),
            C::ChangeMember { person, roles, capacity, .. } => self.change_member(*person, roles, *capacity),
            C::RemoveMember { person, successor, .. } => self.remove_member(*person, *successor),

            C::TakeIn { engagement, case } => self.take_in(*engagement, case),
            C::TakeInHistory { engagement, case, line } => self.take_in_history(*engagement, case, *line),
            C::AdmitCase { engagement, case } => self.admit_case(*engagement, *case),
            C::DeclineCase { case, reason, .. } => self.decline(*case, reason),
            C::CancelCase { case, reason, .. } => self.cancel(*case, reason),
            C::AddItem { case, replaces, item, .. } => self.add_item(*case, *replaces, item),
            C::WidenItem { case, item, .. } => self.widen_item(*case, *item),
            C::AddParty { case, party, .. } => self.add_party(*case, party),
            C::TransferCase { case, to, reason, .. } => self.transfer(*case, *to, reason),

            C::ClaimNext { engagement } => self.claim_next(*engagement),
            C::ClaimSeat { engagement, case } => self.claim_seat(*engagement, *case),
            C::AssignSeat { engagement, case, person } => self.assign_seat(*engagement, *case, *person),
            C::ReleaseSeat { case, reason, .. } => self.release_seat(*case, reason),
            C::RevokeSeat { case, person, reason, .. } => self.give_back(*case, *person, Release::Revoked, reason),
            C::SubmitReading { engagement, case, judgement } => self.submit(*engagement, *case, judgement),
            C::RecordReading { case, reader, part, judgement, claimed_at, source, .. } => {
                self.record(*case, *reader, *part, judgement, *claimed_at, *source)
            }
            C::RecordReference { case, answers, source, .. } => self.record_reference(*case, answers, *source),
            C::CloseReading { engagement, case } => self.close_reading(*engagement, *case),
            C::FitModel { engagement, questions, panels, gold } => {
                self.fit_model(*engagement, questions, (*panels, *gold))
            }
            C::Replan { person, .. } => self.replan(*person),

            C::TakeAdjudication { engagement, case } => self.take_adjudication(*engagement, *case),
            C::Adjudicate { engagement, case, judgement } => self.adjudicate(*engagement, *case, judgement),

            C::TakeReview { case, review, .. } => self.take_review(*case, *review),
            C::FinishReview { case, review, given, .. } => self.finish_review(*case, *review, given),
            C::RebutReview { case, review, note, .. } => self.rebut_review(*case, *review, note),
            C::RuleReview { case, review, upheld, note, .. } => self.rule_review(*case, *review, *upheld, note),
            C::CloseLot { lot, .. } => self.close_lot(*lot),
            C::ScreenLot { lot, .. } => self.screen_lot(*lot),
            C::ResumeSampling { line, case_type, note, .. } => self.resume_sampling(*line, case_type, note),

            C::EditDeliverable { engagement, case, body } => self.edit_deliverable(*engagement, *case, body),
            C::RequestSignoff { engagement, case } => self.ask_for_signoff(*engagement, *case),
            C::OpenMaterial { engagement, case, material } => self.open_material(*engagement, *case, *material),
            C::Sign { engagement, case, content, statement } => self.sign(*engagement, *case, *content, statement),
            C::ReturnSignoff { engagement, case, code, note, finding } => {
                self.return_signoff(*engagement, *case, *code, note, finding.as_ref())
            }
            C::RefuseSignoff { engagement, case, note } => self.refuse_signoff(*engagement, *case, note),

            C::Deliver { engagement, case } => self.deliver(*engagement, *case),
            C::AcceptDelivery { case, .. } => self.accept_delivery(*case),
            C::ReturnDelivery { case, code, note, .. } => self.return_delivery(*case, *code, note),

            C::ProposeGold { engagement, case, note } => self.propose_gold(*engagement, *case, note.as_deref()),
            C::ApproveGold { gold, .. } => self.approve_gold(*gold),
            C::DeclineGold { gold, reason, .. } => self.decline_gold(*gold, reason),
            C::RetireGold { gold, reason, .. } => self.retire_gold(*gold, reason),
            C::CloseShowing { case, .. } => self.close_showing(*case),
            C::RebutGold { case, note, .. } => self.rebut_gold(*case, note),
            C::OpenCalibration { engagement, title, cases, members, ends_at } => {
                self.open_calibration(*engagement, title, cases, members, *ends_at)
            }
            C::ReadCalibration { calibration, case, judgement, .. } => {
                self.read_calibration(*calibration, *case, judgement)
            }
            C::LeaveCalibration { calibration, .. } => self.leave_calibration(*calibration),
            C::CloseCalibration { calibration, .. } => self.close_calibration(*calibration),
            C::NoteFinding { calibration, kind, question, case, text, .. } => {
                self.note_finding(*calibration, *kind, (question.as_ref(), *case), text)
            }
            C::ProposePrecedent { case, question, text, replaces, .. } => {
                self.propose_precedent(*case, question, text, *replaces)
            }
            C::ApprovePrecedent { precedent, .. } => self.approve_precedent(*precedent),
            C::DeclinePrecedent { precedent, reason, .. } => self.decline_precedent(*precedent, reason),
            C::WithdrawPrecedent { precedent, reason, .. } => self.withdraw_precedent(*precedent, reason),
            C::RaiseAlarm { engagement, signal } => self.raise_alarm(*engagement, signal),
            C::CloseAlarm { alarm, cause, note, .. } => self.close_alarm(*alarm, *cause, note),
            C::DecideRebuttal { case, corrected, note, .. } => self.decide_rebuttal(*case, corrected.as_ref(), note),
        }
    }

    /// Returns the acting person; a service decides nothing that calls for one (I17).
    fn actor(&self) -> Result<PersonId, Reason> {
        match self.ctx.actor {
            Actor::Person { person, .. } => Ok(person),
            Actor::Service => Err(Reason::forbidden(code::AI_CANNOT_DECIDE, "actor", "a service cannot decide this")
                .hint("A qualified person has to do it.")
                .invariant("I17")),
        }
    }

    fn new_id<T: Id>(&mut self) -> T {
        self.ids += 1;
        self.ctx.id(self.ids)
    }

    fn keep(&mut self, body: &str) -> TextRef {
        self.texts.keep(body)
    }

    /// Checks a text of the command and keeps it.
    fn keep_checked(&mut self, field: &str, body: &str, chars_max: usize) -> Result<TextRef, Reason> {
        check_text(field, body, chars_max)?;
        Ok(self.keep(body))
    }

    fn push_engagement(&mut self, id: EngagementId, event: EngagementEvent) {
        self.events.push((StreamId::Engagement(id), Event::Engagement(event)));
    }

    fn push_member(&mut self, person: PersonId, event: MemberEvent) {
        self.events.push((StreamId::Member(person), Event::Member(event)));
    }

    fn push_line(&mut self, line: LineId, event: LineEvent) {
        self.events.push((StreamId::Line(line), Event::Line(event)));
    }

    fn push_calibration(&mut self, round: CalibrationId, event: CalibrationEvent) {
        self.events.push((StreamId::Calibration(round), Event::Calibration(event)));
    }

    fn push_precedent(&mut self, precedent: PrecedentId, event: PrecedentEvent) {
        self.events.push((StreamId::Precedent(precedent), Event::Precedent(event)));
    }

    fn push_gold(&mut self, gold: GoldId, event: GoldEvent) {
        self.events.push((StreamId::Gold(gold), Event::Gold(event)));
    }

    /// Records an event of a case and folds it onto the working copy, so that what follows sees it.
    fn push_case(&mut self, case: &mut Case, event: CaseEvent) {
        if let Some(next) = Case::apply(Some(case.clone()), &event, self.ctx.now) {
            *case = next;
        }
        self.events.push((StreamId::Case(case.case), Event::Case(event)));
    }

    /// As [`Self::push_case`], for a panel.
    fn push_panel(&mut self, panel: &mut Panel, event: PanelEvent) {
        if let Some(next) = Panel::apply(Some(panel.clone()), &event, self.ctx.now) {
            *panel = next;
        }
        self.events.push((StreamId::panel_of(panel.case), Event::Panel(event)));
    }

    /// Returns the engagement if work may be done in it.
    fn live(&self, id: EngagementId) -> Result<&'a Engagement, Reason> {
        let engagement = self.facts.engagement(id)?;
        match engagement.status {
            EngagementStatus::Live => Ok(engagement),
            EngagementStatus::Draft => Err(Reason::rule(
                code::ENGAGEMENT_NOT_LIVE,
                id,
                "this engagement has not gone live yet",
            )
            .hint("Put a statement of work in force, name a signer, then let it go live from the engagement's page.")
            .invariant("I1")),
        }
    }

    fn member(&self, person: PersonId) -> Result<&'a Member, Reason> {
        self.facts.members.get(&person).filter(|member| member.active).ok_or_else(|| {
            Reason::rule(
                code::NOT_A_MEMBER,
                person,
                format!("{} is not a member of this engagement", self.facts.name(person)),
            )
            .hint("Add the person under People first.")
        })
    }

    /// Returns the pack that a case is pinned to.
    fn pack_of(&self, case: &Case) -> Result<Arc<Pack>, Reason> {
        let admission = case.admission.as_ref().ok_or_else(|| wrong_state(case))?;
        self.facts.packs.get(&admission.pack.digest).cloned().ok_or_else(|| {
            Reason::rule(
                code::PACK_UNKNOWN,
                &admission.pack.name,
                format!("pack `{}` {} is not in this installation", admission.pack.name, admission.pack.version),
            )
            .hint("Restore the pack from a backup or its folder; a case keeps the version it started with.")
            .invariant("I13")
        })
    }

    /// Checks that the term of the case's statement of work covers today.
    fn in_force(&self, case: &Case) -> Result<(), Reason> {
        if case.admission.is_none() {
            return Err(wrong_state(case));
        }
        out_of_term(self.facts, case, self.ctx.now).map_or(Ok(()), Err)
    }

    /// Turns the words of a judgement into kept texts. Checks of content follow in [`crate::form::Form::check`].
    fn judgement(&mut self, given: &JudgementIn) -> Result<Judgement, Refusal> {
        let mut reasons = Vec::new();
        let mut judgement =
            Judgement { evidence: given.evidence.clone(), confidence: given.confidence, ..Judgement::default() };
        judgement.evidence.retain(|_, spans| !spans.is_empty());
        for (question, answer) in &given.answers {
            if let AnswerIn::Text(body) = answer {
                reasons.extend(check_characters(question, body).err());
            }
            let kept = answer.kept(|body| self.keep(body));
            judgement.answers.extend(kept.map(|answer| (question.clone(), answer)));
        }
        if let Some(rationale) = given.rationale.as_deref().filter(|body| !body.trim().is_empty()) {
            reasons.extend(check_characters("rationale", rationale).err());
            judgement.rationale = Some(self.keep(rationale));
        }
        Refusal::unless_empty(reasons)?;
        Ok(judgement)
    }
}

fn wrong_state(case: &Case) -> Reason {
    let state = case.status.word().replace('_', " ");
    Reason::rule(code::WRONG_STATE, case.case, format!("this case is {state}, where that cannot be done"))
        .hint("Reload the case to see what can be done now.")
}

/// Checks that a text is there, fits, and holds only characters that can be shown.
fn check_text(field: &str, body: &str, chars_max: usize) -> Result<(), Reason> {
    if body.trim().is_empty() {
        return Err(Reason::field(code::TEXT_EMPTY, field, format!("`{field}` is empty")).hint("Fill it in."));
    }
    let chars = body.chars().count();
    if chars > chars_max {
        return Err(Reason::field(
            code::TEXT_TOO_LONG,
            field,
            format!("`{field}` has {chars} characters, the limit is {chars_max}"),
        )
        .hint("Shorten it."));
    }
    check_characters(field, body)
}

/// Checks that a text holds no control characters but tab and line ends.
fn check_characters(field: &str, body: &str) -> Result<(), Reason> {
    let bad = |character: &char| character.is_control() && !matches!(character, '\t' | '\n' | '\r');
    match body.chars().position(|character| bad(&character)) {
        None => Ok(()),
        Some(place) => Err(Reason::field(
            code::TEXT_CHARACTERS,
            field,
            format!("`{field}` holds a control character at position {place}"),
        )
        .hint("Remove it; the file may have been read in the wrong encoding.")),
    }
}

/// Checks a short code such as a party or a clearance: lower-case letters, digits, `-` and `_`, at most 64.
fn check_code(field: &str, text: &str) -> Result<(), Reason> {
    let fits = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || matches!(character, '-' | '_')
    };
    if !text.is_empty() && text.len() <= 64 && text.chars().all(fits) {
        return Ok(());
    }
    Err(Reason::field(
        code::FIELD_INVALID,
        field,
        format!("`{}` is not a code", text.chars().take(64).collect::<String>()),
    )
    .hint("Use lower-case letters, digits, `-` and `_`, at most 64: a code, never a name."))
}

/// Returns that a text is no such thing, or that none is given.
fn is_no(text: &str, what: &str) -> String {
    if text.is_empty() {
        return format!("no {what} is given");
    }
    format!("`{}` is not a {what}", text.chars().take(20).collect::<String>())
}

/// Checks a country, ISO 3166 alpha-2.
fn check_country(field: &str, text: &str) -> Result<(), Reason> {
    if text.len() == 2 && text.chars().all(|character| character.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(Reason::field(code::FIELD_INVALID, field, is_no(text, "country code"))
        .hint("Use two capital letters, such as `ZA`."))
}

/// Checks a jurisdiction: a country, or a part of one such as `US-OH`.
fn check_jurisdiction(field: &str, text: &str) -> Result<(), Reason> {
    let (country, part) = text.split_once('-').unwrap_or((text, "X"));
    let part_fits = (1..=3).contains(&part.len()) && part.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if check_country(field, country).is_ok() && part_fits {
        return Ok(());
    }
    Err(Reason::field(code::FIELD_INVALID, field, is_no(text, "jurisdiction"))
        .hint("Use a country such as `GB`, or a part of one such as `US-OH`."))
}

/// Checks a language tag: two or three lower-case letters.
fn check_language(field: &str, text: &str) -> Result<(), Reason> {
    if (2..=3).contains(&text.len()) && text.chars().all(|character| character.is_ascii_lowercase()) {
        return Ok(());
    }
    Err(Reason::field(code::FIELD_INVALID, field, is_no(text, "language")).hint("Use a code such as `en`."))
}
