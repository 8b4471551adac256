//! Pages of signing: the queue, and one case to open, sign, send back or decline.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use remit_kernel::{
    case::{Material, Media},
    command::Command,
    hash::Digest,
    id::{CaseId, EngagementId},
    refusal::{Class, Reason, Refusal, code},
};
use serde::Deserialize;

use super::{
    Frame, Oops, Place, Told,
    case::{Quoting, decided, document, reasons, return_code},
    document::Document,
    html,
    judgement::Sheet,
    told, word,
};
use crate::{
    App, Caller, Error,
    app::{
        case::view::{JudgementView, OutcomeView},
        judgement::{Resolved, Written},
        signoff::{GetPapers, ListSignoffs, MaterialView, OpenSignoff, SignoffDesk, SignoffLine, SignoffQueue},
    },
    caller::Who,
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/sign", get(queue))
        .route("/e/{engagement}/sign/{case}", get(page))
        .route("/e/{engagement}/sign/{case}/open", post(open))
        .route("/e/{engagement}/sign/{case}/sign", post(sign))
        .route("/e/{engagement}/sign/{case}/return", post(send_back))
        .route("/e/{engagement}/sign/{case}/refuse", post(refuse))
}

/// Proposed words of a signature; the signer may change them.
const STATEMENT: &str = "I have opened each item and take professional responsibility for this content.";

#[derive(Template)]
#[template(path = "sign/queue.html")]
struct QueuePage {
    frame: Frame,
    engagement: EngagementId,
    queue: SignoffQueue,
}

impl QueuePage {
    /// Returns how long the queue takes at the signer's own pace, in words.
    fn minutes(&self) -> String {
        let mine = self.queue.waiting.iter().filter(|line| line.barred.is_none()).count();
        let mine = i64::try_from(mine).unwrap_or(i64::MAX);
        match self.queue.pace_seconds {
            None => "not measured yet".to_owned(),
            Some(seconds) if seconds.saturating_mul(mine) < 60 => "under a minute".to_owned(),
            Some(seconds) => word::count(
                u64::try_from(seconds.saturating_mul(mine).saturating_add(59) / 60).unwrap_or_default(),
                "minute",
                "minutes",
            ),
        }
    }

    fn when(&self, line: &SignoffLine) -> word::When {
        self.frame.when(&line.case.due_at)
    }
}

#[derive(Template)]
#[template(path = "sign/show.html")]
struct SignPage {
    frame: Frame,
    engagement: EngagementId,
    desk: SignoffDesk,
    document: Option<Document>,
    finding: Sheet,
    reauthenticated: bool,
    errors: Vec<Told>,
    typed: BTreeMap<String, String>,
    refused: &'static str,
}

impl SignPage {
    fn address(&self) -> String {
        format!("/e/{}/sign/{}", self.engagement, self.desk.view.case)
    }

    fn case_address(&self) -> String {
        format!("/e/{}/cases/{}", self.engagement, self.desk.view.case)
    }

    fn key(&self, material: &MaterialView) -> String {
        key(material)
    }

    fn laid_open(&self, material: &MaterialView) -> bool {
        match material.item {
            None => self.desk.deliverable_shown,
            Some(item) => self.desk.shown.as_ref().is_some_and(|shown| shown.item.item == item),
        }
    }

    fn unopened(&self) -> usize {
        self.desk.materials.iter().filter(|material| !material.opened).count()
    }

    fn decided(&self, outcome: &OutcomeView) -> String {
        decided(&self.desk.view, outcome)
    }

    fn answers(&self, judgement: &JudgementView) -> String {
        Quoting { base: format!("{}?", self.case_address()) }.answers(judgement)
    }

    fn reasons(&self) -> Vec<(&'static str, String)> {
        // Whether a revision counts is between client and provider; a signer's return stays within the provider.
        let words = reasons(&self.desk.view).into_iter();
        words.map(|(code, words)| (code, words.split(':').next().unwrap_or_default().to_owned())).collect()
    }

    fn typed(&self, name: &str) -> &str {
        self.typed.get(name).map_or("", String::as_str)
    }

    fn statement(&self) -> &str {
        self.typed.get("statement").map_or(STATEMENT, String::as_str)
    }

    fn is(&self, form: &str) -> bool {
        self.refused == form
    }

    fn due(&self) -> word::When {
        self.frame.when(&self.desk.view.due_at)
    }

    fn short(&self) -> String {
        self.desk.content.to_string()[..12].to_owned()
    }
}

/// Returns what names a material in forms and addresses.
fn key(material: &MaterialView) -> String {
    material.item.map_or_else(|| "deliverable".to_owned(), |item| format!("{item}:{}", material.version))
}

fn material(key: &str) -> Option<Material> {
    if key == "deliverable" {
        return Some(Material::Deliverable);
    }
    let (item, version) = key.split_once(':')?;
    Some(Material::Item(item.parse().ok()?, version.parse().ok()?))
}

/// What is laid open.
#[derive(Debug, Default, Deserialize)]
struct ShowIn {
    show: Option<String>,
}

async fn queue(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Html<String>, Oops> {
    let queue = app.view(&caller, ListSignoffs { engagement }).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Sign, "Sign").await?;
    html(&QueuePage { frame, engagement, queue })
}

async fn page(
    State(app): State<App>,
    caller: Caller,
    Path(place): Path<(EngagementId, CaseId)>,
    Query(given): Query<ShowIn>,
) -> Result<Response, Oops> {
    let show = given.show.as_deref().and_then(material);
    render(&app, &caller, place, show, Refused::default()).await
}

/// A form that was refused.
#[derive(Default)]
struct Refused {
    form: &'static str,
    error: Option<Error>,
    typed: BTreeMap<String, String>,
    written: Written,
    resolved: Resolved,
}

async fn render(
    app: &App,
    caller: &Caller,
    (engagement, case): (EngagementId, CaseId),
    show: Option<Material>,
    refused: Refused,
) -> Result<Response, Oops> {
    let (status, mut reasons, mut errors) = match refused.error {
        None => (StatusCode::OK, Vec::new(), Vec::new()),
        Some(Error::Refused(refusal)) => {
            let status = match refusal.class() {
                Class::Field => StatusCode::UNPROCESSABLE_ENTITY,
                Class::Rule => StatusCode::CONFLICT,
                Class::Forbidden => StatusCode::FORBIDDEN,
                Class::Hidden => return Err(Error::Refused(refusal).into()),
            };
            (status, refusal.reasons, Vec::new())
        }
        Some(error @ Error::Busy) => (StatusCode::PRECONDITION_FAILED, Vec::new(), told(error)),
        Some(other) => return Err(other.into()),
    };
    let desk = match Box::pin(app.view(caller, OpenSignoff { engagement, case, show })).await {
        Ok(desk) => desk,
        // The case moved on while the form was on the screen: its own page says where it stands.
        Err(Error::Refused(refusal)) if refusal.has(code::WRONG_STATE) && status == StatusCode::OK => {
            return Ok(Redirect::to(&format!("/e/{engagement}/cases/{case}")).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    let finding = Sheet::new(&desk.form, &refused.written, &[], &refused.resolved, &mut reasons);
    errors.extend(reasons.into_iter().map(Told::of));
    let outcome = desk.view.outcome.as_ref().map(|outcome| &outcome.judgement);
    let text = desk.shown.as_ref().filter(|content| content.item.media == Media::Text);
    let document = text.map(|content| document(content, outcome));
    let frame = Frame::new(app, caller, Some(engagement), Place::Sign, format!("Sign {}", desk.view.reference)).await?;
    let reauthenticated = matches!(caller.who, Who::Person { reauthenticated: true, .. });
    let page = SignPage {
        frame,
        engagement,
        desk,
        document,
        finding,
        reauthenticated,
        errors,
        typed: refused.typed,
        refused: refused.form,
    };
    Ok((status, html(&page)?).into_response())
}

type Fields = Vec<(String, String)>;

fn typed(fields: Fields) -> BTreeMap<String, String> {
    fields
        .into_iter()
        .filter(|(name, _)| name != "password")
        .map(|(name, value)| (name, value.replace("\r\n", "\n")))
        .collect()
}

/// Opens one item by an act of its own, and lays it open.
async fn open(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Form(fields): Form<Fields>,
) -> Result<Response, Oops> {
    let typed = typed(fields);
    let key = typed.get("material").cloned().unwrap_or_default();
    let Some(material) = material(&key) else { return Err(Error::from(Reason::hidden("item")).into()) };
    match app.act(caller.clone(), Command::OpenMaterial { engagement, case, material }).await {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/sign/{case}?show={key}#shown")).into_response()),
        Err(error) => {
            render(
                &app,
                &caller,
                (engagement, case),
                None,
                Refused { form: "open", error: Some(error), ..Refused::default() },
            )
            .await
        }
    }
}

/// Signs exactly the content that was on the page. The password opens the signing session where it is closed.
async fn sign(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Form(fields): Form<Fields>,
) -> Result<Response, Oops> {
    let password =
        fields.iter().find(|(name, _)| name == "password").map(|(_, value)| value.clone()).unwrap_or_default();
    let typed = typed(fields);
    let done = match proved(&app, &caller, &password).await {
        Err(error) => Err((caller, error)),
        Ok(caller) => {
            let content = typed.get("content").and_then(|digest| digest.parse::<Digest>().ok()).unwrap_or_default();
            let statement = typed.get("statement").cloned().unwrap_or_default();
            app.act(caller.clone(), Command::Sign { engagement, case, content, statement })
                .await
                .map_err(|error| (caller, error))
        }
    };
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/sign")).into_response()),
        Err((caller, error)) => {
            render(
                &app,
                &caller,
                (engagement, case),
                None,
                Refused { form: "sign", error: Some(error), typed, ..Refused::default() },
            )
            .await
        }
    }
}

/// Returns the caller with the signing session open, if a password was given and fits.
async fn proved(app: &App, caller: &Caller, password: &str) -> Result<Caller, Error> {
    let Who::Person { person, session: Some(session), reauthenticated: false } = caller.who else {
        return Ok(caller.clone());
    };
    if password.is_empty() {
        return Ok(caller.clone());
    }
    match app.reauthenticate(person, session, password).await {
        Ok(()) => {
            Ok(Caller { who: Who::Person { person, session: Some(session), reauthenticated: true }, ..caller.clone() })
        }
        Err(Error::SignedOut) => Err(Reason::field(code::REAUTH_NEEDED, "password", "the password is wrong")
            .hint("Give the password you signed in with.")
            .into()),
        Err(other) => Err(other),
    }
}

/// Sends the content back, with the answer held instead where the answer itself is questioned.
async fn send_back(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Form(fields): Form<Fields>,
) -> Result<Response, Oops> {
    let mut written = Written::from_fields(&fields);
    let typed = typed(fields);
    let mut resolved = Resolved::default();
    let done = match return_code(&typed) {
        Err(reason) => Err(Error::from(reason)),
        Ok(code) => {
            let finding = if code.questions_answer() {
                finding(&app, &caller, (engagement, case), &mut written, &mut resolved).await
            } else {
                Ok(None)
            };
            match finding {
                Ok(finding) => {
                    let note = typed.get("note").cloned().unwrap_or_default();
                    app.act(caller.clone(), Command::ReturnSignoff { engagement, case, code, note, finding }).await
                }
                Err(error) => Err(error),
            }
        }
    };
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/sign")).into_response()),
        Err(error) => {
            render(
                &app,
                &caller,
                (engagement, case),
                None,
                Refused { form: "return", error: Some(error), typed, written, resolved },
            )
            .await
        }
    }
}

async fn finding(
    app: &App,
    caller: &Caller,
    (engagement, case): (EngagementId, CaseId),
    written: &mut Written,
    resolved: &mut Resolved,
) -> Result<Option<remit_kernel::command::JudgementIn>, Error> {
    let (form, papers) = app.view(caller, GetPapers { engagement, case }).await?;
    match written.complete(&form, &papers) {
        Ok(judgement) => Ok(Some(judgement)),
        Err((Refusal { reasons }, found)) => {
            *resolved = found;
            Err(Refusal { reasons }.into())
        }
    }
}

async fn refuse(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Form(fields): Form<Fields>,
) -> Result<Response, Oops> {
    let typed = typed(fields);
    let note = typed.get("note").cloned().unwrap_or_default();
    match app.act(caller.clone(), Command::RefuseSignoff { engagement, case, note }).await {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/sign")).into_response()),
        Err(error) => {
            render(
                &app,
                &caller,
                (engagement, case),
                None,
                Refused { form: "refuse", error: Some(error), typed, ..Refused::default() },
            )
            .await
        }
    }
}
