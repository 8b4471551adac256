//! The page of one case, and its items.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use remit_kernel::{
    case::{Cause, Media, ReturnCode},
    id::{CaseId, EngagementId, ItemId},
    index::{CaseStatus, Origin},
    refusal::Class,
};
use serde::Deserialize;

use super::super::{
    Frame, Oops, Place, Told,
    document::{Document, Highlight, blocks},
    encode, html, told, word,
};
use crate::{
    App, Caller, Error,
    api::instant,
    app::case::{
        file::{FollowLink, GetItem, ItemContent},
        screen::{GetScreen, Screen},
        timeline::return_words,
        view::{AnswerView, CaseView, JudgementView, OutcomeView, QuoteView},
        witness::{self, WitnessLine},
    },
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/cases/{case}", get(page))
        .route("/e/{engagement}/cases/{case}/items/{item}/{version}", get(item))
        .route("/e/{engagement}/cases/{case}/items/{item}/{version}/follow", get(follow))
}

/// How a case is looked at.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct ShowIn {
    as_of: Option<String>,
    item: Option<ItemId>,
    version: Option<u32>,
    before: Option<String>,
}

#[derive(Template)]
#[template(path = "case/show.html")]
struct ShowPage {
    frame: Frame,
    engagement: EngagementId,
    screen: Screen,
    document: Option<Document>,
    given: ShowIn,
    errors: Vec<Told>,
    /// What was typed into a form that was refused.
    typed: BTreeMap<String, String>,
    /// The form that was refused.
    refused: String,
}

impl ShowPage {
    fn view(&self) -> &CaseView {
        &self.screen.view
    }

    fn address(&self) -> String {
        format!("/e/{}/cases/{}", self.engagement, self.view().case)
    }

    /// Returns the address of an item on this page, at the instant looked at.
    fn at_item(&self, item: &ItemId, version: &u32) -> String {
        format!("{}item={item}&version={version}", self.quoting().base)
    }

    fn further_back(&self, before: &str) -> String {
        format!("{}before={before}#witnesses", self.quoting().base)
    }

    fn at_quote(&self, quote: &QuoteView) -> String {
        self.quoting().at(quote)
    }

    fn answers(&self, judgement: &JudgementView) -> String {
        self.quoting().answers(judgement)
    }

    fn quoting(&self) -> Quoting {
        let as_of = self.given.as_of.as_deref().filter(|as_of| !as_of.is_empty());
        let as_of = as_of.map(|as_of| format!("as_of={}&", encode(as_of))).unwrap_or_default();
        Quoting { base: format!("{}?{as_of}", self.address()) }
    }

    fn when(&self, at: &jiff::Timestamp) -> word::When {
        self.frame.when(at)
    }

    fn status(&self) -> &'static str {
        if self.view().gold { "Gold case, told" } else { word::status(self.view().status) }
    }

    fn roles(&self, line: &WitnessLine) -> String {
        word::roles(&line.roles)
    }

    fn return_words(&self, code: &ReturnCode) -> &'static str {
        return_words(*code)
    }

    fn laid_open(&self, item: &ItemId, version: &u32) -> bool {
        self.screen.open.as_ref().is_some_and(|open| open.item.item == *item && open.item.version == *version)
    }

    fn decided(&self, outcome: &OutcomeView) -> String {
        decided(self.view(), outcome)
    }

    /// Returns the questions in order, each with its answer in every reading.
    fn side_by_side(&self) -> Vec<(&AnswerView, Vec<Option<&AnswerView>>)> {
        let mut rows: Vec<(&AnswerView, Vec<Option<&AnswerView>>)> = Vec::new();
        let readings = &self.view().readings;
        for answer in readings.iter().flat_map(|reading| &reading.judgement.answers) {
            if !rows.iter().any(|(known, _)| known.question == answer.question) {
                let cells = readings
                    .iter()
                    .map(|reading| reading.judgement.answers.iter().find(|other| other.question == answer.question));
                rows.push((answer, cells.collect()));
            }
        }
        rows
    }

    /// Returns the instant looked at, as the field for it takes one.
    fn picked(&self) -> String {
        let at = self.view().as_of.unwrap_or(self.frame.now.timestamp());
        at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// Returns what an entry of the record says was done.
    fn doing(&self, line: &WitnessLine) -> String {
        let item = line.object.split(['/', '@']).find_map(|part| part.parse::<ItemId>().ok());
        let name = item
            .and_then(|item| self.view().items.iter().find(|known| known.item == item))
            .map(|known| known.name.as_str());
        match (line.action.as_str(), line.object.split('/').next()) {
            ("view_item", Some("link")) => format!("Link followed: “{}”", name.unwrap_or("an item")),
            ("view_item", _) => format!("Opened “{}”", name.unwrap_or("an item")),
            ("view_case", Some("timeline")) => "Read the timeline".to_owned(),
            ("view_case", _) => "Opened the case".to_owned(),
            ("view_protection", _) => "Looked up who saw it".to_owned(),
            (other, _) => crate::api::sentence(&other.replace('_', " ")).trim_end_matches('.').to_owned(),
        }
    }

    fn typed(&self, name: &str) -> &str {
        self.typed.get(name).map_or("", String::as_str)
    }

    fn refused(&self, form: &str) -> bool {
        self.refused == form
    }

    /// Returns the coded reasons for a return, each with what it does to the allowance.
    fn reasons(&self) -> Vec<(&'static str, String)> {
        reasons(self.view())
    }

    fn allowance(&self) -> String {
        let view = self.view();
        let allowed = view.basis.as_ref().map_or(0, |basis| basis.revisions_max);
        match allowed {
            0 => "No revision is included.".to_owned(),
            allowed => format!(
                "{} of {} included used.",
                view.revisions_counted,
                word::count(allowed.into(), "revision", "revisions")
            ),
        }
    }
}

/// Where the documents lie that a judgement cites: an address that ends in `?` or `&`.
pub(crate) struct Quoting {
    pub(crate) base: String,
}

#[derive(Template)]
#[template(path = "part/answers.html")]
struct Answers<'a> {
    judgement: &'a JudgementView,
    quoting: &'a Quoting,
}

impl Answers<'_> {
    fn at(&self, quote: &QuoteView) -> String {
        self.quoting.at(quote)
    }
}

impl Quoting {
    /// Returns the address of a cited passage, marked in its document.
    pub(crate) fn at(&self, quote: &QuoteView) -> String {
        format!("{}item={}&version={}#{}", self.base, quote.item, quote.version, anchor(quote))
    }

    /// Returns a judgement as HTML, each passage leading to its document.
    pub(crate) fn answers(&self, judgement: &JudgementView) -> String {
        Answers { judgement, quoting: self }.render().unwrap_or_default()
    }
}

/// Returns where a passage is marked in its document.
pub(crate) fn anchor(quote: &QuoteView) -> String {
    format!("cite-{}-{}", quote.start, quote.end)
}

/// Returns how a case was decided, in words.
pub(crate) fn decided(view: &CaseView, outcome: &OutcomeView) -> String {
    let readers = match view.readings.len() {
        2 => "Two readers".to_owned(),
        3 => "Three readers".to_owned(),
        readers => format!("{readers} readers"),
    };
    let last = view.challenges.last().map(|challenge| challenge.cause);
    let how = match (outcome.decided, outcome.changed_after_agreement, last) {
        (_, true, Some(Cause::Return)) => format!("{readers} agreed, changed after the client returned it"),
        (_, true, _) => format!("{readers} agreed, changed at sign-off"),
        ("agreement", false, _) if view.other_evidence => format!("{readers} agreed, on other evidence"),
        ("agreement", false, _) => format!("{readers} agreed"),
        ("single", false, _) => "One reading, as planned".to_owned(),
        ("panel", false, _) => {
            format!("{readers} differed; the answer with the best chance stands, the others are kept below")
        }
        (_, false, _) => "Adjudicated".to_owned(),
    };
    let more: Vec<_> = outcome
        .stopped
        .iter()
        .map(|stopped| stopped.sentence.as_str())
        .chain(outcome.notes.iter().map(String::as_str))
        .collect();
    if more.is_empty() { how } else { format!("{how}. {}.", more.join(". ")) }
}

/// Returns the coded reasons for sending work back, each with what it does to the allowance.
pub(crate) fn reasons(view: &CaseView) -> Vec<(&'static str, String)> {
    let allowed = view.basis.as_ref().map_or(0, |basis| basis.revisions_max);
    let words = |code: ReturnCode| {
        let what = crate::api::sentence(return_words(code));
        let what = what.trim_end_matches('.');
        if code.counted() {
            format!("{what}: counts, revision {} of {allowed} included", view.revisions_counted + 1)
        } else {
            format!("{what}: does not count against the allowance")
        }
    };
    ReturnCode::ALL.iter().map(|code| (code.word(), words(*code))).collect()
}

/// Returns every passage that a judgement cites.
pub(crate) fn quotes(judgement: &JudgementView) -> impl Iterator<Item = (&AnswerView, &QuoteView)> {
    judgement.answers.iter().flat_map(|answer| answer.evidence.iter().map(move |quote| (answer, quote)))
}

/// Returns a text item as a document, with the passages that this judgement cites marked.
pub(crate) fn document(content: &ItemContent, judgement: Option<&JudgementView>) -> Document {
    let item = &content.item;
    let cited = judgement
        .into_iter()
        .flat_map(quotes)
        .filter(|(_, quote)| quote.item == item.item && quote.version == item.version);
    let marks = cited.map(|(answer, quote)| Highlight {
        id: anchor(quote),
        start: quote.start,
        end: quote.end,
        title: format!("Cited for “{}”", answer.title),
    });
    let marks: Vec<_> = marks.collect();
    Document {
        id: format!("document-{}", item.item),
        item: item.item.to_string(),
        version: item.version,
        label: item.name.clone(),
        blocks: blocks(&content.body, &marks),
    }
}

async fn page(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Query(given): Query<ShowIn>,
) -> Result<Html<String>, Oops> {
    render(&app, &caller, (engagement, case), given, Refused::default()).await
}

/// A form that was refused: which, why, and what was typed.
#[derive(Default)]
pub(super) struct Refused {
    pub(super) form: String,
    pub(super) errors: Vec<Told>,
    pub(super) typed: BTreeMap<String, String>,
}

async fn render(
    app: &App,
    caller: &Caller,
    (engagement, case): (EngagementId, CaseId),
    given: ShowIn,
    refused: Refused,
) -> Result<Html<String>, Oops> {
    let as_of =
        given.as_of.as_deref().filter(|as_of| !as_of.is_empty()).map(instant).transpose().map_err(Error::from)?;
    let before = given.before.as_deref().and_then(witness::place);
    let item = given.item.map(|item| (item, given.version.unwrap_or(1)));
    let screen = app.view(caller, GetScreen { engagement, case, as_of, item, before }).await?;
    let outcome = screen.view.outcome.as_ref().map(|outcome| &outcome.judgement);
    let own = screen.view.readings.iter().find(|reading| reading.own).map(|reading| &reading.judgement);
    let text = screen.open.as_ref().filter(|content| content.item.media == Media::Text);
    let document = text.map(|content| document(content, outcome.or(own)));
    let frame = Frame::new(app, caller, Some(engagement), Place::Cases, screen.view.reference.clone()).await?;
    html(&ShowPage {
        frame,
        engagement,
        screen,
        document,
        given,
        errors: refused.errors,
        typed: refused.typed,
        refused: refused.form,
    })
}

/// Shows the case again with a refusal beside what was typed; somebody who may not see the case gets the refusal alone.
pub(super) async fn again(
    app: &App,
    caller: &Caller,
    place: (EngagementId, CaseId),
    form: &str,
    typed: BTreeMap<String, String>,
    error: Error,
) -> Response {
    let status = match &error {
        Error::Refused(refusal) if refusal.class() == Class::Field => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Refused(refusal) if refusal.class() == Class::Rule => StatusCode::CONFLICT,
        Error::Refused(refusal) if refusal.class() == Class::Forbidden => StatusCode::FORBIDDEN,
        Error::Busy => StatusCode::PRECONDITION_FAILED,
        _ => return Oops::from(error).into_response(),
    };
    let refused = Refused { form: form.to_owned(), errors: told(error), typed };
    match render(app, caller, place, ShowIn::default(), refused).await {
        Ok(page) => (status, page).into_response(),
        Err(oops) => oops.into_response(),
    }
}

/// The bytes of an item, in a box of their own: a drawing can neither run scripts nor fetch anything.
async fn item(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case, item, version)): Path<(EngagementId, CaseId, ItemId, u32)>,
) -> Result<Response, Oops> {
    let found = app.view(&caller, GetItem { engagement, case, item, version: Some(version), as_of: None }).await?;
    let kind = match found.item.media {
        Media::Svg => "image/svg+xml; charset=utf-8",
        Media::Text | Media::Link => "text/plain; charset=utf-8",
    };
    let boxed =
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'");
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CONTENT_SECURITY_POLICY, boxed)], found.body)
        .into_response())
}

/// Records that a link was followed, then leads there.
async fn follow(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case, item, version)): Path<(EngagementId, CaseId, ItemId, u32)>,
) -> Result<Response, Oops> {
    let address = app.view(&caller, FollowLink { engagement, case, item, version }).await?;
    Ok(Redirect::to(&address).into_response())
}
