//! Decisions on cases as they come in: the scope gate, the file, the owner, the end before the end.

use std::collections::BTreeSet;

use super::{
    Deciding, Done, check_code, check_jurisdiction, check_language, check_text, directory::NOTE_CHARS_MAX,
    review::reviewing, wrong_state,
};
use crate::{
    case::{Admission, Case, CaseEvent, Item, Media, Stop, Visibility},
    command::{CaseIn, ItemIn, reference_key},
    engagement::{LineEvent, LineKind, MemberEvent, Sow, SowLine},
    facts::Want,
    hash::Digest,
    id::{CaseId, EngagementId, ItemId, LineId, PersonId},
    index::{CaseStatus, Origin},
    pack::{Duty, Pack, Stopping},
    panel::{Panel, PanelEvent, Release},
    refusal::{Reason, Refusal, code},
    routing::{self, Need},
    stream::{Event, StreamId},
    text::TextRef,
};

/// Longest content of an item, in code points.
const ITEM_CHARS_MAX: usize = 2_000_000;
/// Most items of a case, versions counted.
const ITEMS_MAX: usize = 200;
/// Most named facts of a case.
const FIELDS_MAX: usize = 100;
/// Most parties of a case.
const PARTIES_MAX: usize = 100;

impl Deciding<'_> {
    /// Takes a case in through the scope gate.
    pub(super) fn take_in(&mut self, engagement: EngagementId, given: &CaseIn) -> Done {
        self.live(engagement)?;
        let mut case = self.receive(engagement, given, None)?;
        self.gate(engagement, &mut case)
    }

    /// Takes a case of the past in, on a history line; the engagement need not be live for that.
    pub(super) fn take_in_history(&mut self, engagement: EngagementId, given: &CaseIn, line: LineId) -> Done {
        self.facts.engagement(engagement)?;
        let mut case = self.receive(engagement, given, Some(line))?;
        self.admit_history(&mut case, line)
    }

    pub(super) fn admit_case(&mut self, engagement: EngagementId, id: CaseId) -> Done {
        self.live(engagement)?;
        let mut case = self.case_in(id, &[CaseStatus::ScopeQuery])?;
        self.gate(engagement, &mut case)
    }

    pub(super) fn decline(&mut self, id: CaseId, reason: &str) -> Done {
        let mut case = self.case_in(id, &[CaseStatus::ScopeQuery])?;
        let by = self.actor()?;
        let reason = self.keep_checked("reason", reason, NOTE_CHARS_MAX)?;
        self.push_case(&mut case, CaseEvent::Declined { reason, by });
        Ok(())
    }

    /// Lets both sides see an item. What the client alone could see joins the file on which people judge, so it joins
    /// before they do.
    pub(super) fn widen_item(&mut self, id: CaseId, item: ItemId) -> Done {
        let mut case = self.facts.case(id)?.clone();
        let Some(known) = case.items.iter().find(|known| known.item == item) else {
            return Err(Reason::hidden(item).into());
        };
        match known.visibility {
            Visibility::Both => return Ok(()),
            Visibility::Client => before_reading(&case)?,
            Visibility::Provider => {}
        }
        self.push_case(&mut case, CaseEvent::ItemWidened { item });
        Ok(())
    }

    pub(super) fn transfer(&mut self, id: CaseId, to: PersonId, reason: &str) -> Done {
        let known = self.facts.case(id)?;
        if ended(known.status) || known.owner == to {
            return Err(wrong_state(known).into());
        }
        let by = self.actor()?;
        self.check_owner("to", to, &known.parties)?;
        self.change_owner(id, to, reason, by)
    }

    pub(super) fn case_in(&self, id: CaseId, wanted: &[CaseStatus]) -> Result<Case, Reason> {
        let case = self.facts.case(id)?;
        if wanted.contains(&case.status) { Ok(case.clone()) } else { Err(wrong_state(case)) }
    }

    /// Puts a case with its file on the record, not yet admitted.
    fn receive(&mut self, engagement: EngagementId, given: &CaseIn, history: Option<LineId>) -> Result<Case, Refusal> {
        self.check_case(given, history)?;
        let key = reference_key(engagement, &given.reference);
        if let Some(known) = self.facts.references.get(&key) {
            return Err(Reason::rule(
                code::DUPLICATE,
                known,
                format!("a case with the reference `{}` is here already", given.reference.trim()),
            )
            .hint("Open that case, or give this one a reference of its own.")
            .into());
        }
        debug_assert!(self.facts.loaded.contains(&Want::Reference(key)));
        let id: CaseId = self.new_id();
        let reference = self.keep(given.reference.trim());
        let title = self.keep(given.title.trim());
        let fields = given
            .fields
            .iter()
            .filter(|(_, body)| !body.trim().is_empty())
            .map(|(key, body)| (key.clone(), self.texts.keep(body.trim())))
            .collect();
        let received = CaseEvent::Received {
            case: id,
            reference,
            title,
            fields,
            reference_key: key,
            case_type: given.case_type.clone(),
            jurisdiction: given.jurisdiction.clone(),
            language: given.language.clone(),
            parties: given.parties.clone(),
            urgent: given.urgent,
            due_at: given.due_at,
            owner: given.owner,
            origin: if history.is_some() { Origin::Imported } else { Origin::Witnessed },
            showing: None,
        };
        let Some(mut case) = Case::apply(None, &received, self.ctx.now) else { return Err(Reason::hidden(id).into()) };
        self.events.push((StreamId::Case(id), Event::Case(received)));
        for item in &given.items {
            let item = self.item(None, 1, item)?;
            self.push_case(&mut case, CaseEvent::ItemAdded { item });
        }
        Ok(case)
    }

    fn check_case(&self, given: &CaseIn, line: Option<LineId>) -> Done {
        let history = line.is_some();
        let mut reasons = Vec::new();
        reasons.extend(check_code("case_type", &given.case_type).err());
        reasons.extend(check_text("reference", &given.reference, 200).err());
        reasons.extend(check_text("title", &given.title, 500).err());
        if !(history && given.jurisdiction.is_empty()) {
            reasons.extend(check_jurisdiction("jurisdiction", &given.jurisdiction).err());
        }
        if !(history && given.language.is_empty()) {
            reasons.extend(check_language("language", &given.language).err());
        }
        reasons.extend(given.parties.iter().filter_map(|party| check_code("parties", party).err()));
        if given.parties.len() > PARTIES_MAX {
            reasons.push(
                Reason::field(code::FIELD_INVALID, "parties", format!("more than {PARTIES_MAX} parties"))
                    .hint("Name those with an interest in the outcome."),
            );
        }
        if given.items.len() > ITEMS_MAX {
            reasons.push(
                Reason::field(code::FIELD_INVALID, "items", format!("more than {ITEMS_MAX} items"))
                    .hint("Join small documents, or split the case."),
            );
        }
        for (place, item) in given.items.iter().enumerate() {
            check_item(&format!("items[{}]", place + 1), item, &mut reasons);
        }
        reasons.extend(self.check_owner("owner", given.owner, &given.parties).err());
        self.check_fields(given, line, &mut reasons);
        Refusal::unless_empty(reasons)
    }

    /// Checks the named facts against the case type, as the pack of the first line that includes it has it. A type that
    /// no line includes has no form to be checked against: the scope gate stops the case.
    fn check_fields(&self, given: &CaseIn, line: Option<LineId>, reasons: &mut Vec<Reason>) {
        if given.fields.len() > FIELDS_MAX {
            reasons.push(
                Reason::field(code::FIELD_INVALID, "fields", format!("more than {FIELDS_MAX} fields"))
                    .hint("Put the rest into a document."),
            );
        }
        for (key, body) in &given.fields {
            reasons.extend(check_code(&format!("fields.{}", key.chars().take(64).collect::<String>()), key).err());
            if body.chars().count() > NOTE_CHARS_MAX {
                reasons.push(
                    Reason::field(
                        code::TEXT_TOO_LONG,
                        format!("fields.{key}"),
                        format!("`{key}` has more than {NOTE_CHARS_MAX} characters"),
                    )
                    .hint("Put long text into a document."),
                );
            }
            reasons.extend(super::check_characters(&format!("fields.{key}"), body).err());
        }
        let agreed = self
            .facts
            .engagement
            .as_ref()
            .and_then(|known| known.agreed(&self.facts.sows, self.ctx.now))
            .map(|sow| sow.sow);
        let lines = self.facts.sows.values().flat_map(|sow| sow.lines.iter().map(move |line| (sow.sow, line)));
        let lines = lines.filter(|(sow, known)| match line {
            None => {
                agreed == Some(*sow) && known.kind == LineKind::Standard && known.includes.contains(&given.case_type)
            }
            Some(wanted) => known.line == wanted,
        });
        let packs = lines.filter_map(|(_, line)| self.facts.packs.get(&line.pack.digest));
        let Some(case_type) = packs.into_iter().find_map(|pack| pack.case_type(&given.case_type)) else { return };
        for field in &case_type.fields {
            if field.required && given.fields.get(&field.key).is_none_or(|body| body.trim().is_empty()) {
                reasons.push(
                    Reason::field(
                        code::TEXT_EMPTY,
                        format!("fields.{}", field.key),
                        format!("`{}` is empty", field.title),
                    )
                    .hint("Fill it in."),
                );
            }
        }
        for key in given.fields.keys().filter(|key| !case_type.fields.iter().any(|field| field.key == **key)) {
            let known: Vec<_> = case_type.fields.iter().map(|field| field.key.as_str()).collect();
            reasons.push(
                Reason::field(
                    code::FIELD_INVALID,
                    format!("fields.{key}"),
                    format!("`{key}` is not a field of this case type"),
                )
                .hint(format!("Known fields: {}.", known.join(", "))),
            );
        }
    }

    /// The scope gate (I1): admits the case under a line that covers it, or stops it with the clauses that do not.
    fn gate(&mut self, engagement: EngagementId, case: &mut Case) -> Done {
        let agreed = self.facts.engagement(engagement)?.agreed(&self.facts.sows, self.ctx.now);
        let mut clauses = Vec::new();
        let Some(sow) = agreed.filter(|sow| sow.holds(self.ctx.now)) else {
            let clause = agreed
                .map_or_else(String::new, |sow| format!("SOW v{}: {} to {}", sow.number, sow.starts_on, sow.ends_on));
            clauses.push(Stop { code: code::SOW_NOT_IN_FORCE.to_owned(), clause });
            self.push_case(case, CaseEvent::Stopped { clauses });
            return Ok(());
        };
        for line in sow.lines.iter().filter(|line| line.kind == LineKind::Standard) {
            match self.covers(line, case) {
                Ok(()) => return self.admit(case, sow, line),
                Err(stopped) => clauses.push(Stop { code: stopped.to_owned(), clause: clause_of(sow, line) }),
            }
        }
        if clauses.is_empty() {
            clauses.push(Stop { code: code::OUT_OF_SCOPE.to_owned(), clause: format!("SOW v{}", sow.number) });
        }
        self.push_case(case, CaseEvent::Stopped { clauses });
        Ok(())
    }

    fn covers(&self, line: &SowLine, case: &Case) -> Result<(), &'static str> {
        let included = line.includes.contains(&case.case_type) && !line.excludes.contains(&case.case_type);
        if !included || !(line.jurisdictions.is_empty() || line.jurisdictions.contains(&case.jurisdiction)) {
            return Err(code::OUT_OF_SCOPE);
        }
        let taken = self.facts.lines.get(&line.line).map_or(0, |used| used.taken);
        if line.volume_max.is_some_and(|volume_max| taken >= volume_max) {
            return Err(code::VOLUME_USED_UP);
        }
        Ok(())
    }

    fn admit(&mut self, case: &mut Case, sow: &Sow, line: &SowLine) -> Done {
        let pack = self.line_pack(line)?;
        let admission = admission(sow, line, &pack, case, false);
        let (stopping, need) = (admission.plan.stopping_of(&case.case_type), admission.need.digest());
        self.push_case(case, CaseEvent::Admitted { admission });
        self.push_line(line.line, LineEvent::VolumeTaken { case: case.case });
        self.plan_panel(case, stopping, need, Origin::Witnessed);
        Ok(())
    }

    fn admit_history(&mut self, case: &mut Case, wanted: LineId) -> Done {
        let found = self.facts.sows.values().find_map(|sow| Some((sow, sow.line(wanted)?)));
        let Some((sow, line)) = found.filter(|(_, line)| line.kind == LineKind::History) else {
            return Err(Reason::field(
                code::HISTORY_LINE_ONLY,
                "line",
                format!("`{wanted}` is not a history line in force"),
            )
            .hint("Past cases come in on a SOW line of kind `history`; add one to the statement of work.")
            .into());
        };
        let pack = self.line_pack(line)?;
        let admission = admission(sow, line, &pack, case, true);
        let (plan, need) = (admission.plan.clone(), admission.need.digest());
        self.push_case(case, CaseEvent::Admitted { admission });
        self.plan_panel(case, plan.stopping, need, Origin::Imported);
        Ok(())
    }

    fn line_pack(&self, line: &SowLine) -> Result<std::sync::Arc<Pack>, Reason> {
        self.facts.packs.get(&line.pack.digest).cloned().ok_or_else(|| {
            Reason::rule(
                code::PACK_UNKNOWN,
                &line.pack.name,
                format!("pack `{}` {} is not in this installation", line.pack.name, line.pack.version),
            )
            .hint("Restore the pack, or agree a new version of the statement of work.")
        })
    }

    fn plan_panel(&mut self, case: &Case, stopping: Stopping, need: Digest, origin: Origin) {
        let planned =
            PanelEvent::Planned { case: case.case, stopping, need, due_at: case.due_at, origin, laid_at: None };
        self.events.push((StreamId::panel_of(case.case), Event::Panel(planned)));
    }

    fn item(&mut self, replaces: Option<ItemId>, version: u32, given: &ItemIn) -> Result<Item, Refusal> {
        let mut reasons = Vec::new();
        check_item("item", given, &mut reasons);
        Refusal::unless_empty(reasons)?;
        let item = replaces.unwrap_or_else(|| self.new_id());
        let (name, body) = (self.keep(given.name.trim()), self.keep(&given.body));
        Ok(Item {
            item,
            version,
            name,
            media: given.media,
            body,
            material: given.material,
            visibility: given.visibility,
        })
    }

    pub(super) fn add_item(&mut self, id: CaseId, replaces: Option<ItemId>, given: &ItemIn) -> Done {
        let mut case = self.facts.case(id)?.clone();
        before_reading(&case)?;
        if case.items.len() >= ITEMS_MAX {
            return Err(Reason::field(code::FIELD_INVALID, "item", format!("the case has {ITEMS_MAX} items"))
                .hint("Join small documents.")
                .into());
        }
        let version = match replaces {
            None => 1,
            Some(item) => {
                let last = case.current_items().find(|known| known.item == item).ok_or_else(|| Reason::hidden(item))?;
                if given.visibility != Visibility::Both && given.visibility != last.visibility {
                    return Err(Reason::field(
                        code::FIELD_INVALID,
                        "item.visibility",
                        "the new version would hide what the other side could see",
                    )
                    .hint("Give it the visibility of the version before, or show it to both sides.")
                    .invariant("I21")
                    .into());
                }
                last.version + 1
            }
        };
        let item = self.item(replaces, version, given)?;
        self.push_case(&mut case, CaseEvent::ItemAdded { item });
        Ok(())
    }

    /// Adds a party and looks at conflicts again: whoever has an interest loses the duty in the same act (I28).
    pub(super) fn add_party(&mut self, id: CaseId, party: &str) -> Done {
        check_code("party", party)?;
        let mut case = self.facts.case(id)?.clone();
        if ended(case.status) {
            return Err(wrong_state(&case).into());
        }
        if case.parties.contains(party) {
            return Ok(());
        }
        if case.parties.len() >= PARTIES_MAX {
            return Err(Reason::field(code::FIELD_INVALID, "party", format!("the case has {PARTIES_MAX} parties"))
                .hint("Name those with an interest in the outcome.")
                .into());
        }
        self.push_case(&mut case, CaseEvent::PartyAdded { party: party.to_owned() });
        let Ok(panel) = self.facts.panel(id) else { return Ok(()) };
        let parties = BTreeSet::from([party.to_owned()]);
        let holders: BTreeSet<_> = panel.held_duties().map(|record| record.person).collect();
        for holder in holders.union(&reviewing(self.facts, id)) {
            let person = self.facts.person(*holder)?;
            if routing::conflict(&self.facts.name(*holder), person, &parties).is_some() {
                self.end_duties(id, *holder, Release::Barred, None)?;
            }
        }
        Ok(())
    }

    pub(super) fn cancel(&mut self, id: CaseId, reason: &str) -> Done {
        let mut case = self.facts.case(id)?.clone();
        if ended(case.status) || case.imported() {
            return Err(wrong_state(&case).into());
        }
        let by = self.actor()?;
        let reason = self.keep_checked("reason", reason, NOTE_CHARS_MAX)?;
        if let Ok(panel) = self.facts.panel(id) {
            let (mut panel, open) = (panel.clone(), !panel.ended());
            let holders: Vec<_> = panel.held_duties().map(|record| record.person).collect();
            for person in holders {
                self.end_duties_on(&mut panel, person, Release::CaseEnded, None);
            }
            if open {
                self.push_panel(&mut panel, PanelEvent::Voided {});
            }
        }
        self.cancel_reviews(&case)?;
        // Once delivered, the work was done: its volume is used, whatever becomes of the case.
        if let Some(admission) = case.admission.as_ref().filter(|_| case.delivery.is_none()) {
            self.push_line(admission.line, LineEvent::VolumeReturned { case: id });
        }
        self.push_case(&mut case, CaseEvent::Cancelled { by, reason });
        Ok(())
    }

    /// Ends every duty that a person holds on a case; the seat opens again in the same act (I22).
    pub(super) fn end_duties(&mut self, case: CaseId, person: PersonId, cause: Release, note: Option<&str>) -> Done {
        let note = note.map(|note| self.keep_checked("reason", note, NOTE_CHARS_MAX)).transpose()?;
        self.end_panel_duties(case, person, cause, note)?;
        self.end_reviews(case, person, cause, note);
        Ok(())
    }

    pub(super) fn end_panel_duties(
        &mut self,
        case: CaseId,
        person: PersonId,
        cause: Release,
        note: Option<TextRef>,
    ) -> Done {
        let mut panel: Panel = self.facts.panel(case)?.clone();
        self.end_duties_on(&mut panel, person, cause, note);
        Ok(())
    }

    pub(super) fn end_duties_on(&mut self, panel: &mut Panel, person: PersonId, cause: Release, note: Option<TextRef>) {
        let Some((assignment, duty)) = panel.assignment_of(person) else { return };
        let case = panel.case;
        match (duty, panel.held_seat(person)) {
            (Duty::Read, Some(seat)) => {
                self.push_panel(panel, PanelEvent::SeatReleased { seat, assignment, reader: person, cause, note });
            }
            (Duty::Adjudicate, _) => {
                self.push_panel(panel, PanelEvent::AdjudicatorReleased { assignment, person, cause, note });
            }
            (Duty::Read, None) | (Duty::Sign | Duty::Review, _) => return,
        }
        self.push_member(person, MemberEvent::DutyEnded { case, duty });
        // A showing is for one reader: without her it is over.
        if panel.laid_at.is_some() {
            self.push_panel(panel, PanelEvent::Voided {});
            self.events.push((StreamId::Case(case), Event::Case(CaseEvent::ShowingEnded {})));
        }
    }
}

/// Returns whether nothing more happens to a case in this state.
pub(super) fn ended(status: CaseStatus) -> bool {
    match status {
        CaseStatus::Declined | CaseStatus::Accepted | CaseStatus::Cancelled => true,
        CaseStatus::ScopeQuery
        | CaseStatus::Ready
        | CaseStatus::Reading
        | CaseStatus::Adjudicating
        | CaseStatus::Resolved
        | CaseStatus::InReview
        | CaseStatus::AwaitingSignOff
        | CaseStatus::SignedOff
        | CaseStatus::Delivered
        | CaseStatus::Revision => false,
    }
}

/// Checks that no reader has begun: the file on which people judge does not change under them.
fn before_reading(case: &Case) -> Result<(), Reason> {
    if matches!(case.status, CaseStatus::ScopeQuery | CaseStatus::Ready) {
        return Ok(());
    }
    let sentence = "reading has begun; the file on which people judge does not change under them";
    Err(Reason::rule(code::WRONG_STATE, case.case, sentence)
        .hint("Cancel the case and take it in anew with the complete file."))
}

fn clause_of(sow: &Sow, line: &SowLine) -> String {
    format!("SOW v{} § {}", sow.number, line.clause)
}

fn admission(sow: &Sow, line: &SowLine, pack: &Pack, case: &Case, history: bool) -> Admission {
    let mut signer = pack.requirement(Duty::Sign);
    signer.in_jurisdiction |= line.plan.signoff_in_jurisdiction;
    let need = Need {
        line: line.line,
        jurisdiction: case.jurisdiction.clone(),
        reader: pack.requirement(Duty::Read),
        adjudicator: pack.requirement(Duty::Adjudicate),
        signer,
        reviewer: pack.requirement(Duty::Review),
        places: line.places.clone(),
        language: case.language.clone(),
        calibrated_on: pack.requirements.values().any(|asked| asked.calibration.is_some()).then_some(line.pack.digest),
    };
    Admission {
        line: line.line,
        sow: sow.sow,
        sow_number: sow.number,
        clause: clause_of(sow, line),
        pack: line.pack.clone(),
        plan: line.plan.clone(),
        need,
        revisions_max: line.revisions_max,
        history,
    }
}

fn check_item(field: &str, item: &ItemIn, reasons: &mut Vec<Reason>) {
    reasons.extend(check_text(&format!("{field}.name"), &item.name, 300).err());
    reasons.extend(check_text(&format!("{field}.body"), &item.body, ITEM_CHARS_MAX).err());
    let shape = match item.media {
        Media::Text => true,
        Media::Svg => item.body.trim_start().starts_with("<svg"),
        Media::Link => {
            item.body.len() <= 2_000 && ["https://", "http://"].iter().any(|scheme| item.body.starts_with(scheme))
        }
    };
    if !shape {
        reasons.push(
            Reason::field(code::FIELD_INVALID, format!("{field}.body"), format!("this is not a {}", item.media.word()))
                .hint("A drawing begins with `<svg`; a link is an address that begins with https://."),
        );
    }
}
