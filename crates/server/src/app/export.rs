//! Export: the cases, readings, judgements and events of an engagement as JSON Lines, texts opened for whoever may see them.

use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry};

use remit_access::{Action, Class, Label};
use remit_kernel::{
    alarm::Yardstick,
    case::{Case, DecidedBy},
    engagement::MemberEvent,
    facts::Want,
    form::{Answer, Judgement},
    id::{CaseId, EngagementId, ReviewId, TextId},
    index::Origin,
    panel::{Panel, Provenance, Reading},
    refusal::Reason,
    stream::{Event, Scope, StreamId},
};
use remit_store::{CaseFilter, CaseKey, EventKey};
use serde_json::{Value, json};

use super::{Look, Query, look::ERASED};
use crate::error::Result;

/// Cases or events of one page.
const PAGE: u32 = 200;
/// What stands on everything that was taken from files.
pub const IMPORTED: &str = "Imported: times, authors and blindness as claimed by the file, not witnessed by Remit";

/// Asks for a page of cases with all that belongs to them.
#[derive(Debug, Clone)]
pub struct ExportCases {
    /// In which engagement.
    pub engagement: EngagementId,
    /// After this place.
    pub after: Option<CaseKey>,
}

/// Lines of three files, and where the next page begins.
#[derive(Debug, Default)]
pub struct CasesExported {
    /// One line for each case.
    pub cases: Vec<Value>,
    /// One line for each reading, extra ones and suggestions too.
    pub readings: Vec<Value>,
    /// One line for each judgement that decided a case: by agreement, adjudication, or one reading alone.
    pub judgements: Vec<Value>,
    /// Where the next page begins; none: this is the last.
    pub next: Option<CaseKey>,
}

/// Asks for a page of events.
#[derive(Debug, Clone)]
pub struct ExportEvents {
    /// In which engagement.
    pub engagement: EngagementId,
    /// After this event.
    pub after: Option<EventKey>,
}

/// Lines of events, and where the next page begins.
#[derive(Debug)]
pub struct EventsExported {
    /// One line for each event; texts stand by identifier and commitment.
    pub events: Vec<Value>,
    /// Where the next page begins; none: this is the last.
    pub next: Option<EventKey>,
}

/// Admits the export.
fn admit(look: &mut Look<'_>, engagement: EngagementId) -> Result<()> {
    let label = Label::engagement(engagement);
    look.admit(Action::ViewEngagement, &label).map_err(|_| Reason::hidden(engagement))?;
    look.admit(Action::ExportEngagement, &label)?;
    Ok(())
}

impl Query for ExportCases {
    type Out = CasesExported;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<CasesExported> {
        admit(look, self.engagement)?;
        let rows = look.app.store().list_cases(&look.scope(), &CaseFilter::default(), self.after, PAGE).await?;
        let next = rows.last().filter(|_| rows.len() == PAGE as usize).map(CaseKey::of);
        let streams: Vec<_> =
            rows.iter().flat_map(|row| [StreamId::Case(row.case), StreamId::panel_of(row.case)]).collect();
        let mut facts = look.load(&streams.into_iter().map(Want::Stream).collect::<Vec<_>>()).await?;
        let mut exported = CasesExported { next, ..CasesExported::default() };
        let mut people = BTreeSet::new();
        let mut open = Vec::new();
        for row in rows {
            let Some(case) = facts.cases.remove(&row.case) else { continue };
            let panel = facts.panels.remove(&row.case.panel());
            if let Some(opened) = Opened::of(look, case, panel)? {
                people.extend(opened.panel.iter().flat_map(|panel| &panel.readings).map(|reading| reading.reader));
                people.insert(opened.case.owner);
                open.push(opened);
            }
        }
        let texts: Vec<TextId> = open.iter().flat_map(Opened::texts).collect();
        let texts = look.texts(&texts).await?;
        let names = look.called(&people.into_iter().collect::<Vec<_>>()).await?;
        for opened in &open {
            let words = Words { texts: &texts, names: &names };
            exported.cases.push(opened.case_line(&words));
            exported.readings.extend(opened.readings().map(|reading| opened.reading_line(reading, &words)));
            exported.judgements.extend(opened.judgement_line(&words));
            look.saw(Action::ExportEngagement, opened.case.case, Some(opened.case.case), None);
        }
        Ok(exported)
    }
}

impl Query for ExportEvents {
    type Out = EventsExported;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<EventsExported> {
        admit(look, self.engagement)?;
        let page = look.app.store().events_page(&look.scope(), self.after.as_ref(), PAGE).await?;
        let next = page.last().filter(|_| page.len() == PAGE as usize).map(remit_store::StoredEvent::key);
        let gold = Label::engagement(self.engagement);
        let mut cases: BTreeMap<CaseId, bool> = BTreeMap::new();
        let mut reviews: BTreeMap<ReviewId, Option<CaseId>> = BTreeMap::new();
        let mut events = Vec::new();
        for event in page {
            let case = match event.stream.parse() {
                Ok(StreamId::Review(review)) => {
                    if let Entry::Vacant(place) = reviews.entry(review) {
                        let facts = look.load(&[Want::Stream(StreamId::Review(review))]).await?;
                        place.insert(facts.reviews.get(&review).map(|known| known.case));
                    }
                    reviews.get(&review).copied().flatten()
                }
                Ok(StreamId::Case(case)) => Some(case),
                Ok(StreamId::Panel(panel)) => Some(panel.case()),
                // Who holds a duty on which case is open to those to whom that case is: of a showing, to whoever keeps gold.
                Ok(stream @ StreamId::Member(_)) => match Event::read(stream, &event.kind, event.v, &event.body)? {
                    Event::Member(MemberEvent::DutyTaken { case, .. } | MemberEvent::DutyEnded { case, .. }) => {
                        Some(case)
                    }
                    Event::Member(MemberEvent::GoldTallied { .. }) if !look.may(Action::ViewGold, &gold) => continue,
                    _ => None,
                },
                Ok(
                    StreamId::Engagement(_)
                    | StreamId::Sow(_)
                    | StreamId::Line(_)
                    | StreamId::Gold(_)
                    | StreamId::Calibration(_)
                    | StreamId::Precedent(_)
                    | StreamId::Alarm(_)
                    | StreamId::Lot(_)
                    | StreamId::Sampler(_)
                    | StreamId::Model(_)
                    | StreamId::Organisation(_)
                    | StreamId::Person(_),
                )
                | Err(_) => None,
            };
            if !apart(look, &gold, &event.stream).await? {
                continue;
            }
            // An event tells what its case or panel holds: it is open to those to whom that is open.
            if let Some(case) = case {
                let open = if let Some(open) = cases.get(&case) {
                    *open
                } else {
                    let open = whole(look, case).await?;
                    cases.insert(case, open);
                    open
                };
                if !open {
                    continue;
                }
            }
            let body: Value = serde_json::from_str(&event.body)?;
            events.push(json!({
                "stream": event.stream, "version": event.version, "kind": event.kind, "v": event.v,
                "recorded_at": event.recorded_at.timestamp(), "act": event.act, "digest": event.digest, "body": body,
            }));
        }
        look.saw(Action::ExportEngagement, "events", None, None);
        Ok(EventsExported { events, next })
    }
}

/// Returns whether a stream beside the cases is open to whoever looks: gold, and alarms of charts of it, to those who keep
/// it, a round once it is closed.
async fn apart(look: &mut Look<'_>, label: &Label, stream: &str) -> Result<bool> {
    match stream.parse() {
        Ok(StreamId::Gold(_)) => Ok(look.may(Action::ViewGold, label)),
        Ok(StreamId::Alarm(alarm)) => {
            let known = look.load(&[Want::Stream(StreamId::Alarm(alarm))]).await?.alarms.remove(&alarm);
            let of_gold = known.is_some_and(|alarm| alarm.signal.chart.yardstick == Yardstick::Gold);
            Ok(!of_gold || look.may(Action::ViewGold, label))
        }
        Ok(StreamId::Calibration(round)) => {
            let want = remit_kernel::facts::Want::Stream(StreamId::Calibration(round));
            let closed = look.load(&[want]).await?.calibrations.get(&round).is_some_and(|round| !round.open());
            Ok(closed && look.may(Action::ViewCalibration, label))
        }
        _ => Ok(true),
    }
}

/// Returns whether a case and all its readings are open to whoever looks.
async fn whole(look: &mut Look<'_>, case: CaseId) -> Result<bool> {
    let Ok((case, panel)) = look.case(case, None).await else { return Ok(false) };
    let reading = look.label(Class::Reading, &case, panel.as_ref())?;
    let unread = panel.as_ref().is_none_or(|panel| panel.readings.is_empty() && panel.duties.is_empty());
    let deliverable = look.label(Class::Deliverable, &case, panel.as_ref())?;
    // What readers of a file agreed on is told by their readings, and is never delivered.
    let undecided = case.resolution.is_none() || case.imported();
    Ok((unread || look.may(Action::ViewReading, &reading))
        && (undecided || look.may(Action::ViewDeliverable, &deliverable)))
}

/// A case with what of it is open to whoever looks.
struct Opened {
    case: Case,
    panel: Option<Panel>,
    /// Whether the readings are open.
    readings: bool,
    /// Whether the outcome and its words are open.
    outcome: bool,
    /// Whether the documents are open.
    items: bool,
}

/// Texts and names, opened.
struct Words<'a> {
    texts: &'a HashMap<TextId, String>,
    names: &'a HashMap<remit_kernel::id::PersonId, String>,
}

impl Words<'_> {
    fn text(&self, id: TextId) -> &str {
        self.texts.get(&id).map_or(ERASED, String::as_str)
    }

    fn name(&self, person: remit_kernel::id::PersonId) -> &str {
        self.names.get(&person).map_or(ERASED, String::as_str)
    }
}

impl Opened {
    fn of(look: &mut Look<'_>, case: Case, panel: Option<Panel>) -> Result<Option<Self>> {
        let label = |look: &Look<'_>, class| look.label(class, &case, panel.as_ref());
        let (of_case, of_reading) = (label(look, Class::Case)?, label(look, Class::Reading)?);
        let (of_item, of_deliverable) = (label(look, Class::Item)?, label(look, Class::Deliverable)?);
        if !look.may(Action::ViewCase, &of_case) {
            return Ok(None);
        }
        let readings = look.may(Action::ViewReading, &of_reading);
        // What readers agreed on is told by the readings already; before that the outcome is the deliverable's.
        let outcome = look.may(Action::ViewDeliverable, &of_deliverable) || case.imported() && readings;
        let items = look.may(Action::ViewItem, &of_item);
        Ok(Some(Self { case, panel, readings, outcome, items }))
    }

    fn readings(&self) -> impl Iterator<Item = &Reading> {
        self.panel.iter().filter(|_| self.readings).flat_map(|panel| &panel.readings)
    }

    /// Returns the items that both sides see.
    fn items(&self) -> impl Iterator<Item = &remit_kernel::case::Item> {
        self.case.items.iter().filter(|item| self.items && item.visibility == remit_kernel::case::Visibility::Both)
    }

    fn texts(&self) -> Vec<TextId> {
        let case = &self.case;
        let mut texts = vec![case.reference.id, case.title.id];
        texts.extend(case.fields.values().map(|text| text.id));
        texts.extend(self.items().flat_map(|item| [item.name.id, item.body.id]));
        let judged =
            self.readings().map(|reading| &reading.judgement).chain(case.resolution.iter().map(|known| &known.outcome));
        texts.extend(judged.flat_map(texts_of));
        texts.extend(case.resolution.iter().filter_map(|known| known.deliverable).map(|text| text.id));
        texts
    }

    fn origin(&self) -> Value {
        match self.case.origin {
            Origin::Imported => json!({ "origin": "imported", "imported": true, "note": IMPORTED }),
            Origin::Witnessed => json!({ "origin": "witnessed", "imported": false }),
        }
    }

    fn line(&self, fields: Value) -> Value {
        let mut line = self.origin();
        if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields) {
            line.extend(fields);
        }
        line
    }

    fn case_line(&self, words: &Words<'_>) -> Value {
        let case = &self.case;
        let fields: BTreeMap<_, _> = case.fields.iter().map(|(key, text)| (key, words.text(text.id))).collect();
        let items = self.items().map(|item| {
            json!({ "item": item.item, "version": item.version, "name": words.text(item.name.id), "media": item.media, "body": words.text(item.body.id) })
        });
        let admission = case.admission.as_ref();
        self.line(json!({
            "case": case.case, "reference": words.text(case.reference.id), "title": words.text(case.title.id), "case_type": case.case_type,
            "fields": fields, "jurisdiction": case.jurisdiction, "status": case.status, "owner": case.owner, "owner_name": words.name(case.owner),
            "received_at": case.received_at.timestamp(), "due_at": (!case.imported()).then(|| case.due_at.timestamp()),
            "clause": admission.map(|admission| &admission.clause), "pack": admission.map(|admission| &admission.pack),
            "revision": case.revision, "items": items.collect::<Vec<_>>(),
        }))
    }

    fn reading_line(&self, reading: &Reading, words: &Words<'_>) -> Value {
        let (claimed_at, source) = match &reading.provenance {
            Provenance::Imported { claimed_at, source } => {
                (claimed_at.map(remit_kernel::time::Instant::timestamp), Some(source))
            }
            Provenance::Witnessed { .. } => (None, None),
        };
        self.line(json!({
            "reading": reading.reading, "case": self.case.case, "reference": words.text(self.case.reference.id), "reader": reading.reader,
            "reader_name": words.name(reading.reader), "part": reading.part, "recorded_at": reading.sealed_at.map(remit_kernel::time::Instant::timestamp),
            "claimed_at": claimed_at, "source": source, "judgement": judgement(&reading.judgement, words),
        }))
    }

    fn judgement_line(&self, words: &Words<'_>) -> Option<Value> {
        let resolution = self.case.resolution.as_ref().filter(|_| self.outcome)?;
        let (by, person) = match resolution.decided.by {
            DecidedBy::Agreement => ("agreement", None),
            DecidedBy::Adjudicator(person) => ("adjudicator", Some(person)),
            DecidedBy::Single => ("single", None),
            DecidedBy::Panel => ("panel", None),
        };
        Some(self.line(json!({
            "case": self.case.case, "reference": words.text(self.case.reference.id), "decided_by": by, "adjudicator": person,
            "changed_after_agreement": resolution.decided.changed_after_agreement, "judgement": judgement(&resolution.outcome, words),
            "deliverable": resolution.deliverable.map(|text| words.text(text.id).to_owned()), "content": resolution.content,
        })))
    }
}

fn texts_of(judgement: &Judgement) -> Vec<TextId> {
    let words = judgement.answers.values().filter_map(|answer| match answer {
        Answer::Text(text) => Some(text.id),
        Answer::Choice(_) | Answer::Grade(_) | Answer::Multi(_) | Answer::Number(_) | Answer::Span(_) => None,
    });
    words.chain(judgement.rationale.map(|rationale| rationale.id)).collect()
}

fn judgement(judgement: &Judgement, words: &Words<'_>) -> Value {
    let answers: BTreeMap<_, _> = judgement
        .answers
        .iter()
        .map(|(question, answer)| {
            let answer = match answer {
                Answer::Choice(key) | Answer::Grade(key) => json!(key),
                Answer::Multi(picks) => json!(picks),
                Answer::Number(number) => json!(number),
                Answer::Span(spans) => json!(spans),
                Answer::Text(text) => json!(words.text(text.id)),
            };
            (question, answer)
        })
        .collect();
    let rationale = judgement.rationale.map(|rationale| words.text(rationale.id).to_owned());
    json!({ "answers": answers, "evidence": judgement.evidence, "rationale": rationale, "confidence": judgement.confidence })
}
