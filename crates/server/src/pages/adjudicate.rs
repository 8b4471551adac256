//! Deciding between readings: the queue, and one dispute side by side without names until it is decided.

use askama::Template;
use axum::{
    Router,
    extract::{Form, Path, Query, State},
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use remit_kernel::{
    case::Media,
    command::Command,
    form::{Evidence, QuestionKind},
    id::{CaseId, EngagementId},
    index::Origin,
    refusal::Reason,
};
use serde::Deserialize;

use super::{
    Frame, Oops, Place, Told,
    desk::status_of,
    html,
    judgement::{Cited, Sheaf, Sheet, anchored, own_marks, sheaves},
    word::count,
};
use crate::{
    App, Caller, Error,
    api::DisputesIn,
    app::{
        adjudicate::{Dispute, DisputeList, OpenDispute, Stand},
        judgement::{Resolved, Written},
    },
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/adjudicate", get(list))
        .route("/e/{engagement}/adjudicate/{case}", get(show).post(write))
        .route("/e/{engagement}/adjudicate/{case}/take", post(take))
        .route("/e/{engagement}/adjudicate/{case}/release", post(release))
}

#[derive(Template)]
#[template(path = "adjudicate/list.html")]
struct ListPage {
    frame: Frame,
    engagement: EngagementId,
    list: DisputeList,
    imported: bool,
    now: Timestamp,
}

#[derive(Template)]
#[template(path = "adjudicate/show.html")]
struct DisputePage {
    frame: Frame,
    engagement: EngagementId,
    dispute: Dispute,
    rows: Vec<Compared>,
    sheet: Sheet,
    sheaves: Vec<Sheaf>,
    told: Vec<Told>,
    ready: Option<String>,
    now: Timestamp,
    script: String,
}

/// One question across those who differ.
#[derive(Debug)]
struct Compared {
    key: String,
    title: String,
    differs: bool,
    /// Whether the answers are not alike but within what counts as the same.
    near: bool,
    cells: Vec<Cell>,
}

/// What one of them said to one question.
#[derive(Debug)]
struct Cell {
    /// Place among the voices.
    voice: usize,
    /// Whose it is, in words.
    called: String,
    letter: String,
    answer: String,
    cited: Vec<Cited>,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<DisputesIn>,
) -> Result<Html<String>, Oops> {
    let list = app.view(&caller, given.query(engagement)?).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Adjudicate, "Adjudicate").await?;
    html(&ListPage {
        frame,
        engagement,
        list,
        imported: given.origin() == Origin::Imported,
        now: app.clock().now().timestamp(),
    })
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
) -> Result<Html<String>, Oops> {
    let dispute = app.view(&caller, OpenDispute { engagement, case }).await?;
    html(&page(&app, &caller, engagement, dispute, &Resolved::default(), Vec::new()).await?)
}

async fn page(
    app: &App,
    caller: &Caller,
    engagement: EngagementId,
    dispute: Dispute,
    resolved: &Resolved,
    mut reasons: Vec<Reason>,
) -> Result<DisputePage, Oops> {
    let matter = &dispute.matter;
    let title = format!("{} · {}", matter.reference, matter.title);
    let frame = Frame::new(app, caller, Some(engagement), Place::Adjudicate, title).await?;
    let mut sheet = Sheet::new(&matter.form, &dispute.written, &matter.papers, resolved, &mut reasons);
    sheet.sealed = matches!(dispute.stand, Stand::Decided { .. });
    let mut marks = own_marks(&matter.form, &dispute.written);
    for (place, voice) in dispute.voices.iter().enumerate() {
        let cites = |(key, spans): (&String, &Vec<Evidence>)| {
            (format!("{place}-{key}"), format!("{} cites this", voice.called), spans.clone())
        };
        marks.extend(voice.written.evidence.iter().map(cites));
    }
    let sheaves = sheaves(engagement, matter.case, &matter.papers, &marks);
    let rows = compared(&dispute);
    let told = reasons.into_iter().map(Told::of).collect();
    let script = super::asset::address("desk.js");
    Ok(DisputePage {
        frame,
        engagement,
        rows,
        sheet,
        sheaves,
        told,
        ready: None,
        now: app.clock().now().timestamp(),
        script,
        dispute,
    })
}

/// Returns the questions with what each voice said to them.
fn compared(dispute: &Dispute) -> Vec<Compared> {
    let form = &dispute.matter.form;
    form.questions
        .iter()
        .map(|question| {
            let cell = |(voice, said): (usize, &crate::app::adjudicate::Voice)| {
                let mut none = Vec::new();
                let sheet = Sheet::new(form, &said.written, &dispute.matter.papers, &Resolved::default(), &mut none);
                let spans = said.written.evidence.get(&question.key).map_or(&[][..], Vec::as_slice);
                Cell {
                    voice,
                    called: said.called.clone(),
                    letter: said.letter.clone(),
                    answer: sheet.answer(&question.key),
                    cited: anchored(&format!("{voice}-{}", question.key), spans, &dispute.matter.papers),
                }
            };
            let cells: Vec<_> = dispute.voices.iter().enumerate().map(cell).collect();
            let differs = dispute.differing.contains(&question.key);
            let alike = cells.windows(2).all(|pair| pair[0].answer == pair[1].answer);
            let near = !differs && !alike && !matches!(question.kind, QuestionKind::Text { .. });
            Compared { key: question.key.clone(), title: question.title.clone(), differs, near, cells }
        })
        .collect()
}

async fn take(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
) -> Result<Response, Oops> {
    app.act(caller, Command::TakeAdjudication { engagement, case }).await?;
    Ok(Redirect::to(&format!("/e/{engagement}/adjudicate/{case}")).into_response())
}

/// Keeps, finds quotes, adopts evidence, shows what would be sealed, or decides; nothing typed is lost.
async fn write(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Oops> {
    let does = fields.iter().rev().find(|(name, _)| name == "do").map_or("keep", |(_, value)| value.as_str());
    let mut written = Written::from_fields(&fields);
    let dispute = app.view(&caller, OpenDispute { engagement, case }).await?;
    let (form, papers) = (dispute.matter.form.clone(), dispute.matter.papers.clone());
    let Stand::Taken { assignment } = dispute.stand else {
        // The kernel says what stands in the way; what is on the page is what is known.
        let judgement = written.judgement(&form).map_err(Error::from)?;
        let error = app.act(caller.clone(), Command::Adjudicate { engagement, case, judgement }).await.err();
        let Some(Error::Refused(refusal)) = error else {
            return Ok(Redirect::to(&format!("/e/{engagement}/adjudicate/{case}")).into_response());
        };
        let status = status_of(&refusal.reasons);
        let page = page(&app, &caller, engagement, dispute, &Resolved::default(), refusal.reasons).await?;
        return Ok((status, html(&page)?).into_response());
    };
    if let Some((voice, key)) = does.strip_prefix("adopt.").and_then(|rest| rest.split_once('.')) {
        let voice = voice.parse::<usize>().ok().and_then(|place| dispute.voices.get(place));
        let spans = voice.and_then(|voice| voice.written.evidence.get(key)).cloned().unwrap_or_default();
        let own = written.evidence.entry(key.to_owned()).or_default();
        own.extend(spans.into_iter().filter(|span| !own.contains(span)).collect::<Vec<_>>());
    }
    let (resolved, reasons) = match does {
        "seal" => match written.complete(&form, &papers) {
            Ok(judgement) => {
                app.keep_draft(&caller, engagement, assignment, &written).await?;
                match app.act(caller.clone(), Command::Adjudicate { engagement, case, judgement }).await {
                    Ok(_) => return Ok(Redirect::to(&format!("/e/{engagement}/adjudicate/{case}")).into_response()),
                    Err(Error::Refused(refusal)) => (Resolved::default(), refusal.reasons),
                    Err(other) => return Err(other.into()),
                }
            }
            Err((refusal, resolved)) => (resolved, refusal.reasons),
        },
        "check" => {
            let resolved = written.resolve(&papers);
            let reasons = resolved.reasons.iter().cloned().chain(written.unfinished(&form, &papers)).collect();
            (resolved, reasons)
        }
        _ => {
            let resolved = written.resolve(&papers);
            let reasons = resolved.reasons.clone();
            (resolved, reasons)
        }
    };
    let kept_at = app.keep_draft(&caller, engagement, assignment, &written).await?;
    let status = status_of(&reasons);
    let ready = does == "check" && reasons.is_empty();
    let dispute = Dispute { written, kept_at: Some(kept_at), ..dispute };
    let mut page = page(&app, &caller, engagement, dispute, &resolved, reasons).await?;
    page.ready = ready.then(|| page.sheet.line());
    Ok((status, html(&page)?).into_response())
}

/// Why a dispute is given back.
#[derive(Debug, Deserialize)]
struct GivenBack {
    reason: String,
}

async fn release(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Form(given): Form<GivenBack>,
) -> Result<Response, Oops> {
    let dispute = app.view(&caller, OpenDispute { engagement, case }).await?;
    match app.act(caller.clone(), Command::ReleaseSeat { engagement, case, reason: given.reason }).await {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/adjudicate")).into_response()),
        Err(Error::Refused(refusal)) => {
            let status = status_of(&refusal.reasons);
            let page = page(&app, &caller, engagement, dispute, &Resolved::default(), refusal.reasons).await?;
            Ok((status, html(&page)?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

/// Returns how many questions are in dispute, in words.
pub(crate) fn questions(questions: &[String]) -> String {
    count(questions.len() as u64, "question", "questions")
}
