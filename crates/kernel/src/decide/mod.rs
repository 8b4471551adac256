//! `decide`: the one door that all commands pass. Pure: same context, command and facts, same answer.

mod directory;
mod engagement;
mod intake;
mod reading;
mod release;
mod resolve;
mod signoff;

pub use reading::why_not;

use std::sync::Arc;

use crate::{
    case::{Case, CaseEvent},
    command::{AnswerIn, Command, JudgementIn},
    ctx::{Actor, Ctx, Texts},
    engagement::{Engagement, EngagementEvent, LineEvent, Member, MemberEvent, Sow},
    facts::Facts,
    form::{Answer, Judgement},
    id::{EngagementId, Id, LineId, PersonId},
    index::EngagementStatus,
    pack::Pack,
    panel::{Panel, PanelEvent},
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
}

/// Decides a command on the facts that [`Command::wants`] asked for.
///
/// # Errors
/// A [`Refusal`] with every reason that could be found at once.
pub fn decide(ctx: &Ctx, command: &Command, facts: &Facts) -> Result<Decision, Refusal> {
    let mut deciding = Deciding::new(ctx, facts);
    let scope = match command {
        Command::DraftEngagement { .. } => Scope::Engagement(ctx.id(0)),
        _ => command.scope().unwrap_or(Scope::Directory),
    };
    deciding.dispatch(command, scope)?;
    Ok(Decision { scope, events: deciding.events, texts: deciding.texts.new })
}

/// A decision in the making.
struct Deciding<'a> {
    ctx: &'a Ctx,
    facts: &'a Facts,
    texts: Texts<'a>,
    events: Vec<(StreamId, Event)>,
    ids: u32,
}

type Done = Result<(), Refusal>;

impl<'a> Deciding<'a> {
    fn new(ctx: &'a Ctx, facts: &'a Facts) -> Self {
        // Identifier 0 is that of a new engagement.
        Self { ctx, facts, texts: Texts::new(ctx), events: Vec::new(), ids: 1 }
    }

    fn dispatch(&mut self, command: &Command, scope: Scope) -> Done {
        match command {
            Command::AddOrganisation { .. } | Command::AddPerson { .. } | Command::RecordCredential { .. }
            | Command::RevokeCredential { .. } | Command::SetClearance { .. } | Command::SetConflict { .. }
            | Command::SetPlace { .. } | Command::MarkLeft { .. } => self.directory(command),
            Command::DraftEngagement { .. } | Command::DraftSow { .. } | Command::ReviseSow { .. }
            | Command::ProposeSow { .. } | Command::SignSow { .. } | Command::GoLive { .. } | Command::AddMember { .. }
            | Command::ChangeMember { .. } | Command::RemoveMember { .. } => self.engagement_command(command, scope),
            Command::TakeIn { .. } | Command::TakeInHistory { .. } | Command::AdmitCase { .. } | Command::DeclineCase { .. }
            | Command::CancelCase { .. } | Command::AddItem { .. } | Command::WidenItem { .. } | Command::AddParty { .. }
            | Command::TransferCase { .. } => self.intake(command),
            Command::ClaimNext { .. } | Command::ClaimSeat { .. } | Command::AssignSeat { .. } | Command::ReleaseSeat { .. }
            | Command::RevokeSeat { .. } | Command::SubmitReading { .. } | Command::RecordReading { .. }
            | Command::RecordReference { .. } | Command::Replan { .. } => self.reading(command),
            Command::TakeAdjudication { .. } | Command::Adjudicate { .. } => self.adjudication(command),
            Command::EditDeliverable { .. } | Command::RequestSignoff { .. } | Command::OpenMaterial { .. }
            | Command::Sign { .. } | Command::ReturnSignoff { .. } | Command::RefuseSignoff { .. } => self.signoff(command),
            Command::Deliver { .. } | Command::AcceptDelivery { .. } | Command::ReturnDelivery { .. } => self.release(command),
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
            EngagementStatus::Draft => Err(Reason::rule(code::ENGAGEMENT_NOT_LIVE, id, "this engagement has not gone live yet")
                .hint("Put a statement of work in force, name a signer, then let it go live from the engagement's page.")
                .invariant("I1")),
        }
    }

    fn member(&self, person: PersonId) -> Result<&'a Member, Reason> {
        self.facts.members.get(&person).filter(|member| member.active).ok_or_else(|| {
            Reason::rule(code::NOT_A_MEMBER, person, format!("{} is not a member of this engagement", self.facts.name(person)))
                .hint("Add the person under People first.")
        })
    }

    /// Returns the pack that a case is pinned to.
    fn pack_of(&self, case: &Case) -> Result<Arc<Pack>, Reason> {
        let admission = case.admission.as_ref().ok_or_else(|| self.wrong_state(case))?;
        self.facts.packs.get(&admission.pack.digest).cloned().ok_or_else(|| {
            Reason::rule(code::PACK_UNKNOWN, &admission.pack.name, format!("pack `{}` {} is not in this installation", admission.pack.name, admission.pack.version))
                .hint("Restore the pack from a backup or its folder; a case keeps the version it started with.")
                .invariant("I13")
        })
    }

    /// Checks that the case's SOW line covers today; a later version does not take a running case with it (I13).
    fn in_force(&self, case: &Case) -> Result<&'a Sow, Reason> {
        let admission = case.admission.as_ref().ok_or_else(|| self.wrong_state(case))?;
        let sow = self.facts.sow(admission.sow)?;
        let today = self.ctx.now.date();
        if sow.starts_on <= today && today <= sow.ends_on {
            return Ok(sow);
        }
        Err(Reason::rule(code::SOW_NOT_IN_FORCE, case.case, format!("the statement of work ran from {} to {}", sow.starts_on, sow.ends_on))
            .hint("Agree a new version; until then nothing is worked on this case.")
            .clause(&admission.clause)
            .invariant("I1"))
    }

    fn wrong_state(&self, case: &Case) -> Reason {
        let state = case.status.word().replace('_', " ");
        Reason::rule(code::WRONG_STATE, case.case, format!("this case is {state}, where that cannot be done"))
            .hint("Reload the case to see what can be done now.")
    }

    /// Turns the words of a judgement into kept texts. Checks of content follow in [`crate::form::Form::check`].
    fn judgement(&mut self, given: &JudgementIn) -> Result<Judgement, Refusal> {
        let mut reasons = Vec::new();
        let mut judgement =
            Judgement { evidence: given.evidence.clone(), confidence: given.confidence, ..Judgement::default() };
        judgement.evidence.retain(|_, spans| !spans.is_empty());
        for (question, answer) in &given.answers {
            let answer = match answer {
                AnswerIn::Choice(option) => Answer::Choice(option.clone()),
                AnswerIn::Span(spans) => Answer::Span(spans.clone()),
                AnswerIn::Text(body) if body.trim().is_empty() => continue,
                AnswerIn::Text(body) => {
                    reasons.extend(check_characters(question, body).err());
                    Answer::Text(self.keep(body))
                }
            };
            judgement.answers.insert(question.clone(), answer);
        }
        if let Some(rationale) = given.rationale.as_deref().filter(|body| !body.trim().is_empty()) {
            reasons.extend(check_characters("rationale", rationale).err());
            judgement.rationale = Some(self.keep(rationale));
        }
        Refusal::unless_empty(reasons)?;
        Ok(judgement)
    }
}

/// Checks that a text is there, fits, and holds only characters that can be shown.
fn check_text(field: &str, body: &str, chars_max: usize) -> Result<(), Reason> {
    if body.trim().is_empty() {
        return Err(Reason::field(code::TEXT_EMPTY, field, format!("`{field}` is empty")).hint("Fill it in."));
    }
    let chars = body.chars().count();
    if chars > chars_max {
        return Err(Reason::field(code::TEXT_TOO_LONG, field, format!("`{field}` has {chars} characters, the limit is {chars_max}"))
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
    let fits = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || matches!(character, '-' | '_');
    if !text.is_empty() && text.len() <= 64 && text.chars().all(fits) {
        return Ok(());
    }
    Err(Reason::field(code::FIELD_INVALID, field, format!("`{}` is not a code", text.chars().take(64).collect::<String>()))
        .hint("Use lower-case letters, digits, `-` and `_`, at most 64: a code, never a name."))
}

/// Checks a country, ISO 3166 alpha-2.
fn check_country(field: &str, text: &str) -> Result<(), Reason> {
    if text.len() == 2 && text.chars().all(|character| character.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(Reason::field(code::FIELD_INVALID, field, format!("`{}` is not a country code", text.chars().take(20).collect::<String>()))
        .hint("Use two capital letters, such as `ZA`."))
}

/// Checks a jurisdiction: a country, or a part of one such as `US-OH`.
fn check_jurisdiction(field: &str, text: &str) -> Result<(), Reason> {
    let (country, part) = text.split_once('-').unwrap_or((text, "X"));
    let part_fits = (1..=3).contains(&part.len()) && part.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if check_country(field, country).is_ok() && part_fits {
        return Ok(());
    }
    Err(Reason::field(code::FIELD_INVALID, field, format!("`{}` is not a jurisdiction", text.chars().take(20).collect::<String>()))
        .hint("Use a country such as `GB`, or a part of one such as `US-OH`."))
}

/// Checks a language tag: two or three lower-case letters.
fn check_language(field: &str, text: &str) -> Result<(), Reason> {
    if (2..=3).contains(&text.len()) && text.chars().all(|character| character.is_ascii_lowercase()) {
        return Ok(());
    }
    Err(Reason::field(code::FIELD_INVALID, field, format!("`{}` is not a language", text.chars().take(20).collect::<String>()))
        .hint("Use a code such as `en`."))
}
