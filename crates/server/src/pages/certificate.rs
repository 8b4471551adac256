//! Pages of quality certificates: which there are, and each as a page or as a document to file.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    http::header,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use jiff::Timestamp;
use remit_kernel::{
    hash::Digest,
    id::{EngagementId, LotId},
    index::LotStatus,
    lot::week_end,
    time::Instant,
};

use super::{Frame, Oops, Place, html};
use crate::{
    App, Caller, Error,
    app::{
        certificate::{
            Certificate, CertificateLine, Figures, GetCertificate, GetImportCertificate, ListCertificates,
            QuestionAgreement, Subject,
        },
        knowledge::{NameKeys, Titles},
        quality::Level,
    },
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/certificates", get(list))
        .route("/e/{engagement}/lots/{lot}/certificate", get(of_lot))
        .route("/e/{engagement}/lots/{lot}/certificate.json", get(lot_document))
        .route("/e/{engagement}/imports/{file}/certificate", get(of_import))
        .route("/e/{engagement}/imports/{file}/certificate.json", get(import_document))
}

#[derive(Template)]
#[template(path = "certificate/list.html")]
struct ListPage {
    frame: Frame,
    engagement: EngagementId,
    titles: Titles,
    lines: Vec<CertificateLine>,
}

#[derive(Template)]
#[template(path = "certificate/show.html")]
struct CertificatePage {
    frame: Frame,
    engagement: EngagementId,
    titles: Titles,
    certificate: Certificate,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Html<String>, Oops> {
    let lines = app.view(&caller, ListCertificates { engagement }).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Reviews, "Quality certificates").await?;
    let titles = app.view(&caller, NameKeys { engagement }).await?;
    html(&ListPage { frame, engagement, titles, lines })
}

async fn of_lot(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, lot)): Path<(EngagementId, LotId)>,
) -> Result<Html<String>, Oops> {
    let certificate = app.view(&caller, GetCertificate { engagement, lot }).await?;
    page(&app, &caller, engagement, certificate).await
}

async fn of_import(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, file)): Path<(EngagementId, Digest)>,
) -> Result<Html<String>, Oops> {
    let certificate = app.view(&caller, GetImportCertificate { engagement, file }).await?;
    page(&app, &caller, engagement, certificate).await
}

async fn page(
    app: &App,
    caller: &Caller,
    engagement: EngagementId,
    certificate: Certificate,
) -> Result<Html<String>, Oops> {
    let titles = app.view(caller, NameKeys { engagement }).await?;
    let title = format!("Quality certificate: {}", name(&certificate.subject, &titles));
    let frame = Frame::new(app, caller, Some(engagement), Place::Reviews, title).await?;
    html(&CertificatePage { frame, engagement, titles, certificate })
}

async fn lot_document(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, lot)): Path<(EngagementId, LotId)>,
) -> Result<Response, Oops> {
    let certificate = app.view(&caller, GetCertificate { engagement, lot }).await?;
    document(&certificate, &lot.to_string())
}

async fn import_document(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, file)): Path<(EngagementId, Digest)>,
) -> Result<Response, Oops> {
    let certificate = app.view(&caller, GetImportCertificate { engagement, file }).await?;
    document(&certificate, &format!("import-{}", short(&file)))
}

fn document(certificate: &Certificate, name: &str) -> Result<Response, Oops> {
    let body = serde_json::to_string_pretty(certificate).map_err(Error::from)?;
    let named = format!("attachment; filename=\"certificate-{name}.json\"");
    let kind = "application/json".to_owned();
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, named)], body).into_response())
}

/// Returns what a certificate is about, in a few words.
pub(crate) fn name(subject: &Subject, titles: &Titles) -> String {
    match (subject.number, &subject.file) {
        (Some(number), _) => format!("lot {number}, {}", titles.case_type(&subject.case_type)),
        (None, Some(file)) => format!("imported file {}", short(file)),
        (None, None) => subject.service.clone(),
    }
}

/// Returns the first digits of a digest, enough to tell files apart.
fn short(file: &Digest) -> String {
    file.to_string()[..12].to_owned()
}

/// Returns the last moment of what a certificate covers: a lot covers its week, though it is closed a little later.
fn last(subject: &Subject) -> Timestamp {
    if subject.lot.is_none() {
        return subject.until;
    }
    let ends = week_end(Instant::from_micros(subject.from.as_microsecond()));
    ends.plus_seconds(-1).timestamp().min(subject.until)
}

impl ListPage {
    fn last(&self, subject: &Subject) -> Timestamp {
        last(subject)
    }

    fn address(&self, subject: &Subject) -> String {
        address(self.engagement, subject)
    }

    fn name(&self, subject: &Subject) -> String {
        name(subject, &self.titles)
    }
}

/// Returns where the certificate of a subject is.
fn address(engagement: EngagementId, subject: &Subject) -> String {
    match (subject.lot, subject.file) {
        (Some(lot), _) => format!("/e/{engagement}/lots/{lot}/certificate"),
        (None, Some(file)) => format!("/e/{engagement}/imports/{file}/certificate"),
        (None, None) => format!("/e/{engagement}/certificates"),
    }
}

impl CertificatePage {
    fn last(&self) -> Timestamp {
        last(&self.certificate.subject)
    }

    fn address(&self) -> String {
        address(self.engagement, &self.certificate.subject)
    }

    fn name(&self) -> String {
        name(&self.certificate.subject, &self.titles)
    }

    /// Returns the verdict in words.
    fn verdict(&self) -> &'static str {
        match self.certificate.subject.status {
            Some(status) => super::review::lot_status(status),
            None => "Taken from a file",
        }
    }

    /// Returns how many readings the cases had, in words.
    fn per_case(&self) -> String {
        let counts = self.certificate.figures.readings_per_case.iter();
        let words = counts.map(|(readings, cases)| format!("{cases} with {readings}"));
        words.collect::<Vec<_>>().join(", ")
    }

    /// Returns the question as its pack words it, or its key where no pack in use has it any more.
    fn title<'q>(&'q self, question: &'q QuestionAgreement) -> &'q str {
        self.certificate.questions.get(&question.question).unwrap_or(&question.question)
    }

    fn agreement(&self, question: &QuestionAgreement) -> String {
        agreement(question)
    }

    /// Returns which coefficient it is: at the level of the question, or of names, as older certificates have it.
    fn coefficient(&self, question: &QuestionAgreement) -> &'static str {
        match question.level {
            None | Some(Level::Nominal) => "Krippendorff’s alpha, nominal",
            Some(Level::Ordinal) => "Krippendorff’s alpha, ordinal: steps farther apart weigh more",
            Some(Level::Interval) => "Krippendorff’s alpha, interval: numbers by their difference",
            Some(Level::Sets) => "Krippendorff’s alpha, Jaccard: picks by what they share",
        }
    }

    /// Returns what a figure was in the lot before; empty if there is none.
    fn before(&self, question: &QuestionAgreement) -> String {
        let before = self.certificate.before.as_ref();
        let same =
            before.and_then(|before| before.figures.agreement.iter().find(|known| known.question == question.question));
        same.map(|known| format!("; lot before: {}", agreement(known))).unwrap_or_default()
    }

    /// Returns the error rate with its bound.
    fn errors(&self, figures: &Figures) -> String {
        let review = &figures.review;
        match (review.error_rate, review.interval) {
            (Some(rate), Some(_)) if review.random == figures.cases => format!(
                "{:.1} % ({} of {}); the whole lot was reviewed",
                100.0 * rate,
                review.random_failed,
                review.random
            ),
            (Some(rate), Some((lower, upper))) => format!(
                "{:.1} % ({} of {}); the lot as a whole lies between {:.1} and {:.1} %",
                100.0 * rate,
                review.random_failed,
                review.random,
                100.0 * lower,
                100.0 * upper
            ),
            (_, _) => "not claimed: no case was drawn by chance and reviewed".to_owned(),
        }
    }

    fn method(&self) -> &'static str {
        match self.certificate.figures.review.method.as_str() {
            "hypergeometric" => {
                "95 % interval for a finite lot (hypergeometric), since more than 5 % of it was reviewed"
            }
            "clopper_pearson" => "95 % Clopper-Pearson interval",
            _ => "",
        }
    }

    fn percent(&self, share: &f64) -> String {
        format!("{:.1} %", 100.0 * share)
    }

    fn rejected(&self) -> bool {
        self.certificate.subject.status == Some(LotStatus::Rejected)
    }
}

fn agreement(question: &QuestionAgreement) -> String {
    match (question.alpha, question.interval, &question.undefined) {
        (Some(alpha), Some((lower, upper)), _) => format!("{alpha:.3} ({lower:.3} to {upper:.3}), n = {}", question.n),
        (Some(alpha), None, _) => format!("{alpha:.3} (no interval), n = {}", question.n),
        (None, _, why) => format!("undefined: {}, n = {}", why.as_deref().unwrap_or("no readings"), question.n),
    }
}
