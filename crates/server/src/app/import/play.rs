//! Recording what was planned: cases side by side, the rows of one case one after the other.

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use remit_access::{Action, Class};
use remit_formats::import_map::MappedQuote;
use remit_kernel::{
    case::{Case, Media, Visibility},
    command::{AnswerIn, CaseIn, Command, ItemIn, JudgementIn, reference_key},
    form::{Answer, EVIDENCE_MAX, Evidence, Form, QuestionKind},
    id::{CaseId, EngagementId, ItemId, LineId, PersonId},
    index::{PanelStatus, Part},
    panel::Panel,
    quote,
    refusal::{Reason, code},
    stream::{Scope, StreamId},
};

use super::{
    Imported, Panels, Progress,
    plan::{GivenCase, Plan, PlannedCase, PlannedReading, Report},
    refused,
};
use crate::{
    app::{App, Look, Query, Receipt},
    caller::Caller,
    error::{Error, Result},
};

/// Cases in hand at a time: enough that many acts share one commit, few enough that pages are still served.
const IN_HAND: usize = 32;
/// Cases looked up in one statement.
const BATCH: usize = 500;

/// Where the readings go.
pub(super) struct Stage<'a> {
    pub(super) engagement: EngagementId,
    pub(super) line: LineId,
    pub(super) readers: BTreeMap<String, PersonId>,
    pub(super) form: &'a Form,
}

/// Records a plan and returns what became of every row.
pub(super) async fn play(
    app: &App,
    caller: &Caller,
    stage: Stage<'_>,
    plan: Plan,
    progress: &(impl Fn(Progress) + Send + Sync),
) -> Result<Imported> {
    let total = plan.acts();
    let references: Vec<_> = plan.cases.iter().map(|case| case.reference.as_str()).collect();
    let mut known = known(app, &stage, &references).await?;
    let cases: Vec<_> = plan.cases.into_iter().map(|planned| (known.remove(&planned.reference), planned)).collect();
    let done = AtomicUsize::new(0);
    let (stage, done) = (&stage, &done);
    let played: Vec<Played> = stream::iter(cases)
        .map(|(known, planned)| async move {
            let acts = planned.acts();
            let played = Playing { app, caller, stage, played: Played::default() }.case(known, planned).await;
            progress(Progress { done: done.fetch_add(acts, Ordering::Relaxed) + acts, total });
            played
        })
        .buffer_unordered(IN_HAND)
        .try_collect()
        .await?;
    let Report { ignored, duplicates, rejected, unplaced } = plan.report;
    let engagement = stage.engagement;
    let (cases, readings, extra, suggestions, panels) = (0, 0, 0, 0, Panels::default());
    let figures = format!("/e/{engagement}/quality");
    let mut imported = Imported {
        engagement,
        figures,
        cases,
        readings,
        panels,
        extra,
        suggestions,
        ignored,
        duplicates,
        rejected,
        unplaced,
    };
    for case in played {
        case.count_in(&mut imported);
    }
    imported.rejected.sort_unstable();
    imported.unplaced.sort_unstable();
    Ok(imported)
}

/// A case that is here already.
struct Known {
    case: Case,
    panel: Option<Panel>,
}

/// Returns those of the cases that are here already, by reference.
async fn known(app: &App, stage: &Stage<'_>, references: &[&str]) -> Result<HashMap<String, Known>> {
    let scope = Scope::Engagement(stage.engagement).to_string();
    let mut known = HashMap::new();
    for batch in references.chunks(BATCH) {
        let keys: HashMap<_, _> =
            batch.iter().map(|reference| (reference_key(stage.engagement, reference), *reference)).collect();
        let wanted: Vec<_> = keys.keys().copied().collect();
        let rows = app.store.cases_by_references(&scope, &wanted).await?;
        let streams: Vec<_> =
            rows.iter().flat_map(|row| [StreamId::Case(row.case), StreamId::panel_of(row.case)]).collect();
        let mut facts = app.states(stage.engagement, &streams).await?;
        for row in rows {
            let Some(case) = facts.cases.remove(&row.case) else { continue };
            let panel = facts.panels.remove(&row.case.panel());
            known
                .extend(keys.get(&row.reference_key).map(|reference| ((*reference).to_owned(), Known { case, panel })));
        }
    }
    Ok(known)
}

/// What taking a case in came to.
enum Taken {
    /// It is new: its identifier and what can be quoted.
    New(CaseId, Items),
    /// It was taken in meanwhile by somebody else.
    Here(Box<Known>),
    /// Why it cannot be taken in.
    Refused(String),
}

/// What became of one case.
#[derive(Default)]
struct Played {
    taken_in: bool,
    readings: usize,
    extra: usize,
    suggestions: usize,
    panel: Option<PanelStatus>,
    report: Report,
}

impl Played {
    fn count_in(self, imported: &mut Imported) {
        imported.cases += usize::from(self.taken_in);
        imported.readings += self.readings;
        imported.extra += self.extra;
        imported.suggestions += self.suggestions;
        imported.duplicates += self.report.duplicates;
        imported.rejected.extend(self.report.rejected);
        imported.unplaced.extend(self.report.unplaced);
        match self.panel {
            Some(PanelStatus::Agreed) => imported.panels.agreed += 1,
            // An adjudicator decides a dispute and does not undo it.
            Some(PanelStatus::Disputed | PanelStatus::Outvoted | PanelStatus::Adjudicated) => {
                imported.panels.disputed += 1;
            }
            Some(PanelStatus::Single) => imported.panels.single += 1,
            Some(PanelStatus::Planned | PanelStatus::Reading | PanelStatus::Void) | None => {}
        }
    }
}

/// One case being recorded.
struct Playing<'a> {
    app: &'a App,
    caller: &'a Caller,
    stage: &'a Stage<'a>,
    played: Played,
}

/// The file of a case: what can be quoted.
#[derive(Default)]
struct Items(Vec<(ItemId, u32, String, String)>);

impl Playing<'_> {
    async fn case(mut self, known: Option<Known>, planned: PlannedCase) -> Result<Played> {
        let PlannedCase { reference, given, readings, gold } = planned;
        let (case, panel, mut items) = match (known, given) {
            (Some(known), _) => (known.case.case, known.panel, None),
            (None, Some(given)) => match self.take_in(given).await? {
                Taken::New(case, items) => (case, None, Some(items)),
                Taken::Here(known) => (known.case.case, known.panel, None),
                Taken::Refused(reason) => {
                    let reason = format!("its case was not taken: {reason}");
                    self.reject_all(&readings, gold.as_ref().map(|gold| &gold.at), &reason);
                    return Ok(self.played);
                }
            },
            (None, None) => {
                let reason = format!("the case `{reference}` is neither in the file of cases nor in this engagement");
                self.reject_all(&readings, gold.as_ref().map(|gold| &gold.at), &reason);
                return Ok(self.played);
            }
        };
        self.played.panel = panel.as_ref().map(|panel| panel.status);
        for reading in readings {
            let Some(reader) = self.stage.readers.get(&reading.reader).copied() else { continue };
            if let Some(recorded) = panel.as_ref().and_then(|panel| panel.reading_of(reader)) {
                self.compare(&recorded.judgement.answers, &reading);
                continue;
            }
            if items.is_none() && !reading.quotes.is_empty() {
                items = Some(self.app.view(self.caller, AskItems { engagement: self.stage.engagement, case }).await?);
            }
            self.record(case, reader, reading, items.as_ref().unwrap_or(&Items(Vec::new()))).await?;
        }
        if let Some(gold) = gold {
            let command = Command::RecordReference {
                engagement: self.stage.engagement,
                case,
                answers: gold.answers,
                source: gold.source,
            };
            if let Err(error) = self.app.act(self.caller.clone(), command).await {
                self.played.report.rejected.push(gold.at.report(refused(error)?));
            }
        }
        Ok(self.played)
    }

    fn reject_all(&mut self, readings: &[PlannedReading], gold: Option<&super::plan::Place>, reason: &str) {
        let rows = readings.iter().map(|reading| &reading.at).chain(gold);
        self.played.report.rejected.extend(rows.map(|at| at.report(reason)));
    }

    /// Takes a case in.
    async fn take_in(&mut self, given: GivenCase) -> Result<Taken> {
        let GivenCase { at, case, items } = given;
        let reference = case.reference.clone();
        let owner = self.caller.person().ok_or(Error::SignedOut)?;
        let command = Command::TakeInHistory {
            engagement: self.stage.engagement,
            line: self.stage.line,
            case: CaseIn {
                reference: case.reference,
                title: case.title,
                case_type: case.case_type,
                fields: case.fields,
                jurisdiction: case.jurisdiction,
                language: String::new(),
                parties: std::collections::BTreeSet::new(),
                urgent: false,
                // Nothing is promised for the past: no clock runs.
                due_at: self.app.clock.now(),
                owner,
                items: items.iter().map(|(name, body)| ItemIn { material: false, ..material(name, body) }).collect(),
            },
        };
        let taken = match self.app.act(self.caller.clone(), command).await {
            Ok(receipt) => receipt.case().ok_or_else(|| Reason::hidden("case"))?,
            Err(error) => {
                // Another import of the same file, perhaps one whose connection was lost, was faster.
                if matches!(&error, Error::Refused(refusal) if refusal.has(code::DUPLICATE))
                    && let Some(here) = known(self.app, self.stage, &[&reference]).await?.remove(&reference)
                {
                    return Ok(Taken::Here(Box::new(here)));
                }
                let reason = refused(error)?;
                self.played.report.rejected.push(at.report(&reason));
                return Ok(Taken::Refused(reason));
            }
        };
        self.played.taken_in = true;
        if items.is_empty() {
            return Ok(Taken::New(taken, Items::default()));
        }
        // The items were numbered as they were taken in, in the order given.
        let facts = self.app.states(self.stage.engagement, &[StreamId::Case(taken)]).await?;
        let kept = facts.cases.get(&taken).map(|case| case.items.clone()).unwrap_or_default();
        let items = kept.into_iter().zip(items).map(|(item, (name, body))| (item.item, item.version, name, body));
        Ok(Taken::New(taken, Items(items.collect())))
    }

    /// Says of a reading that is here already whether the file still agrees with it.
    fn compare(&mut self, recorded: &BTreeMap<String, Answer>, reading: &PlannedReading) {
        let same = reading.answers.iter().all(|(question, answer)| match recorded.get(question) {
            Some(known) => known.word().is_none_or(|known| known == *answer),
            None => false,
        });
        if same {
            self.played.report.duplicates += reading.rows;
        } else {
            let reason = format!(
                "a reading of `{}` with other answers is recorded for this case: it is never written over",
                reading.reader
            );
            self.played.report.rejected.push(reading.at.report(reason));
        }
    }

    async fn record(&mut self, case: CaseId, reader: PersonId, reading: PlannedReading, items: &Items) -> Result<()> {
        let judgement = self.judgement(&reading, items);
        let PlannedReading { at, source, rows, part, claimed_at, .. } = reading;
        let engagement = self.stage.engagement;
        let command = Command::RecordReading { engagement, case, reader, part, judgement, claimed_at, source };
        match self.app.act(self.caller.clone(), command).await {
            Ok(receipt) => {
                let count = match part {
                    Part::Panel => &mut self.played.readings,
                    Part::Extra => &mut self.played.extra,
                    Part::Ai => &mut self.played.suggestions,
                };
                *count += 1;
                self.played.panel = outcome(&receipt).or(self.played.panel);
            }
            // Another import of the same file was faster.
            Err(Error::Refused(refusal)) if refusal.has(code::DUPLICATE) => self.played.report.duplicates += rows,
            Err(error) => self.played.report.rejected.push(at.report(refused(error)?)),
        }
        Ok(())
    }

    /// Returns the judgement of a reading, each quote on its span or reported.
    fn judgement(&mut self, reading: &PlannedReading, items: &Items) -> JudgementIn {
        let mut spans: BTreeMap<String, Vec<Evidence>> = BTreeMap::new();
        for (question, quote, at) in &reading.quotes {
            let placed = items.place(quote);
            let spans = spans.entry(question.clone()).or_default();
            match placed {
                Ok(span) if spans.contains(&span) => {}
                Ok(span) if spans.len() < EVIDENCE_MAX => spans.push(span),
                Ok(_) => self
                    .played
                    .report
                    .unplaced
                    .push(at.report(format!("`{question}` cites {EVIDENCE_MAX} passages already"))),
                Err(reason) => self.played.report.unplaced.push(at.report(reason)),
            }
        }
        let kind = |key: &str| self.stage.form.question(key).map(|question| &question.kind);
        let mut judgement = JudgementIn {
            rationale: reading.rationale.clone(),
            confidence: reading.confidence,
            ..JudgementIn::default()
        };
        for (question, answer) in &reading.answers {
            // What the question does not take goes on as well: the kernel says so.
            let read = kind(question).and_then(|kind| AnswerIn::read(kind, answer));
            judgement.answers.insert(question.clone(), read.unwrap_or_else(|| AnswerIn::Choice(answer.clone())));
        }
        for (question, mut spans) in spans {
            spans.sort_unstable();
            if matches!(kind(&question), Some(QuestionKind::Span { .. })) {
                judgement.answers.insert(question, AnswerIn::Span(spans));
            } else {
                judgement.evidence.insert(question, spans);
            }
        }
        judgement
    }
}

impl Items {
    /// Returns where a quoted passage stands, or why that cannot be told.
    ///
    /// The place that the file claims holds if it cuts the very quote. If not, the quote counts: one match, or of several
    /// the one nearest to the claim.
    fn place(&self, wanted: &MappedQuote) -> std::result::Result<Evidence, String> {
        let item = match &wanted.item {
            Some(name) => self.0.iter().find(|(_, _, known, _)| known == name),
            None => self.0.first().filter(|_| self.0.len() == 1),
        };
        let Some((item, version, _, body)) = item else {
            return Err("the case has no document to find the passage in".to_owned());
        };
        let span = |start, end| Evidence { item: *item, version: *version, start, end };
        let claimed = wanted.offsets.filter(|(start, end)| start < end);
        if let Some((start, end)) = claimed {
            let cut = quote::cut(body, start, end);
            let whole = u32::try_from(cut.chars().count()) == Ok(end - start);
            if whole && (wanted.quote.is_empty() || cut.trim() == wanted.quote) {
                return Ok(span(start, end));
            }
        }
        if wanted.quote.is_empty() {
            return Err("the offsets lie outside the document, and no quote is given".to_owned());
        }
        let matches = quote::find(body, &wanted.quote);
        match (matches.as_slice(), claimed) {
            ([], _) => Err("the quote does not stand in the document".to_owned()),
            ([only], _) => Ok(span(only.start, only.end)),
            (several, Some((start, _))) => {
                let nearest = several.iter().min_by_key(|found| found.start.abs_diff(start));
                nearest.map(|found| span(found.start, found.end)).ok_or_else(String::new)
            }
            (several, None) => {
                Err(format!("the quote stands in the document {} times, and no offsets tell which", several.len()))
            }
        }
    }
}

/// Returns how a reading left the panel.
fn outcome(receipt: &Receipt) -> Option<PanelStatus> {
    let ends =
        [("agreed", PanelStatus::Agreed), ("disputed", PanelStatus::Disputed), ("left_single", PanelStatus::Single)];
    ends.into_iter().find_map(|(kind, status)| receipt.has(kind).then_some(status))
}

/// Returns a text document of a file as an item that both sides see and a signer has to open.
pub(super) fn material(name: &str, body: &str) -> ItemIn {
    ItemIn {
        name: name.to_owned(),
        media: Media::Text,
        body: body.to_owned(),
        material: true,
        visibility: Visibility::Both,
    }
}

/// Asks for the documents of a case that is here already, to find passages in.
struct AskItems {
    engagement: EngagementId,
    case: CaseId,
}

impl Query for AskItems {
    type Out = Items;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Items> {
        let (case, panel) = look.case(self.case, None).await?;
        let label = look.label(Class::Item, &case, panel.as_ref())?;
        look.admit(Action::ViewItem, &label)?;
        let citable = case.citable();
        let items: Vec<_> = case.items.iter().filter(|item| citable.contains_key(&(item.item, item.version))).collect();
        let wanted: Vec<_> = items.iter().flat_map(|item| [item.name.id, item.body.id]).collect();
        let texts = look.texts(&wanted).await?;
        let mut found = Vec::new();
        for item in items {
            let (Some(name), Some(body)) = (texts.get(&item.name.id), texts.get(&item.body.id)) else { continue };
            look.saw(Action::ViewItem, item.item, Some(self.case), Some(item.body.commitment));
            found.push((item.item, item.version, name.clone(), body.clone()));
        }
        Ok(Items(found))
    }
}
