//! Reviews and lots, as programs see them: the board, one review, what authors hear, and how a lot was drawn.

use axum::extract::State;
use remit_kernel::{
    command::{Command, DefectIn, ReviewIn},
    hash::Digest,
    id::{CaseId, EngagementId, LineId, LotId, ReviewId},
    index::{DefectKind, Severity},
};
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem, ReceiptOut,
    extract::{Json, Path},
};
use crate::{
    App, Caller, Error,
    app::{
        certificate::{Certificate, CertificateLine, GetCertificate, GetImportCertificate, ListCertificates},
        judgement::Written,
        lot::{LotView, ShowLot},
        review::{FeedbackLine, MyFeedback, OpenReview, ReviewBoard, ReviewDesk, ReviewDraft, ShowReviews},
        second::{SecondView, ShowSecond},
    },
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(board))
        .routes(routes!(feedback))
        .routes(routes!(second))
        .routes(routes!(show))
        .routes(routes!(take_review))
        .routes(routes!(finish_review))
        .routes(routes!(keep_draft))
        .routes(routes!(release_review))
        .routes(routes!(rebut_review))
        .routes(routes!(rule_review))
        .routes(routes!(lot))
        .routes(routes!(resume_sampling))
        .routes(routes!(certificates))
        .routes(routes!(certificate))
        .routes(routes!(import_certificate))
}

type Place = Path<(EngagementId, CaseId, ReviewId)>;
type Done = Result<Json<ReceiptOut>, Problem>;

/// What a reviewer says of finished work.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FinishIn {
    /// What is wrong; empty: it passes.
    defects: Vec<DefectGiven>,
    /// A word to the authors that counts nowhere.
    coaching: Option<String>,
    /// The answer held instead; needed where a critical or major defect questions an answer that the client does not
    /// have yet, and in-house: the client's own reading.
    finding: Option<Written>,
}

/// A defect as a reviewer names it.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DefectGiven {
    /// Key of the question; none: the work as a whole.
    question: Option<String>,
    /// `fact`, `standard`, `reasoning`, `evidence`, `format` or `missed_scope`.
    #[schema(value_type = String)]
    kind: DefectKind,
    /// `critical`, `major` or `minor`; a minor defect fails nothing.
    #[schema(value_type = String)]
    severity: Severity,
    /// What the reviewer saw.
    note: String,
}

/// Why a review is given back, or how an author answers.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteIn {
    /// The words.
    note: String,
}

/// A decision on an author's answer.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulingIn {
    /// Whether the finding stands.
    upheld: bool,
    /// The reasons.
    note: String,
}

/// Where sampling begins again.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeIn {
    /// The SOW line.
    #[schema(value_type = String)]
    line: LineId,
    /// The case type.
    case_type: String,
    /// What was done about it.
    note: String,
}

async fn done(app: &App, caller: Caller, command: Command) -> Done {
    Ok(Json(app.act(caller, command).await?.into()))
}

/// Shows the board of reviews: what waits, lots, how each service is sampled, and what was found.
#[utoipa::path(get, path = "/engagements/{engagement}/reviews", tag = "reviews", params(("engagement" = String, Path)),
    responses((status = 200, body = ReviewBoard)))]
async fn board(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<ReviewBoard>, Problem> {
    Ok(Json(app.view(&caller, ShowReviews { engagement }).await?))
}

/// Shows what reviews found in the caller's own work.
#[utoipa::path(get, path = "/engagements/{engagement}/reviews/mine", tag = "reviews", params(("engagement" = String, Path)),
    responses((status = 200, body = Vec<FeedbackLine>)))]
async fn feedback(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<Vec<FeedbackLine>>, Problem> {
    Ok(Json(app.view(&caller, MyFeedback { engagement }).await?))
}

/// Shows the cases that two reviewers finished, neither knowing of the other, and what that says of reviewers.
#[utoipa::path(get, path = "/engagements/{engagement}/reviews/second", tag = "reviews", params(("engagement" = String, Path)),
    responses((status = 200, body = SecondView)))]
async fn second(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<SecondView>, Problem> {
    Ok(Json(app.view(&caller, ShowSecond { engagement }).await?))
}

/// Lays one review before its reviewer, or shows what it found.
#[utoipa::path(get, path = "/engagements/{engagement}/cases/{case}/reviews/{review}", tag = "reviews",
    params(("engagement" = String, Path), ("case" = String, Path), ("review" = String, Path)), responses((status = 200, body = ReviewDesk)))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case, review)): Place,
) -> Result<Json<ReviewDesk>, Problem> {
    Ok(Json(app.view(&caller, OpenReview { engagement, case, review }).await?))
}

/// Takes an open review.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/reviews/{review}/take", tag = "reviews",
    params(("engagement" = String, Path), ("case" = String, Path), ("review" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn take_review(State(app): State<App>, caller: Caller, Path((engagement, case, review)): Place) -> Done {
    done(&app, caller, Command::TakeReview { engagement, case, review }).await
}

/// Finishes a review: passed, or with what was found. What was found never changes afterwards.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/reviews/{review}/finish", tag = "reviews", request_body = FinishIn,
    params(("engagement" = String, Path), ("case" = String, Path), ("review" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn finish_review(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case, review)): Place,
    Json(given): Json<FinishIn>,
) -> Done {
    let finding = match given.finding {
        None => None,
        Some(mut written) => {
            let desk = app.view(&caller, OpenReview { engagement, case, review }).await?;
            let (form, papers) = (&desk.matter.form, &desk.matter.papers);
            Some(written.complete(form, papers).map_err(|(refusal, _)| Error::from(refusal))?)
        }
    };
    let defect = |defect: DefectGiven| DefectIn {
        question: defect.question,
        kind: defect.kind,
        severity: defect.severity,
        note: defect.note,
    };
    let defects = given.defects.into_iter().map(defect).collect();
    let given = ReviewIn { defects, coaching: given.coaching, finding };
    done(&app, caller, Command::FinishReview { engagement, case, review, given }).await
}

/// When a draft was kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ReviewKeptOut {
    /// When.
    #[schema(value_type = String)]
    kept_at: jiff::Timestamp,
}

/// Keeps what the reviewer has typed in place of what was kept before.
#[utoipa::path(put, path = "/engagements/{engagement}/cases/{case}/reviews/{review}/draft", tag = "reviews", request_body = ReviewDraft,
    params(("engagement" = String, Path), ("case" = String, Path), ("review" = String, Path)), responses((status = 200, body = ReviewKeptOut)))]
async fn keep_draft(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case, review)): Place,
    Json(draft): Json<ReviewDraft>,
) -> Result<Json<ReviewKeptOut>, Problem> {
    let at = OpenReview { engagement, case, review };
    Ok(Json(ReviewKeptOut { kept_at: app.keep_review_draft(&caller, at, &draft).await? }))
}

/// Gives a review back; it is open to the next reviewer.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/reviews/{review}/release", tag = "reviews", request_body = NoteIn,
    params(("engagement" = String, Path), ("case" = String, Path), ("review" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn release_review(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case, review)): Place,
    Json(given): Json<NoteIn>,
) -> Done {
    app.view(&caller, OpenReview { engagement, case, review }).await?;
    done(&app, caller, Command::ReleaseSeat { engagement, case, reason: given.note }).await
}

/// Answers a finding about the caller's own work, within the days agreed.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/reviews/{review}/rebut", tag = "reviews", request_body = NoteIn,
    params(("engagement" = String, Path), ("case" = String, Path), ("review" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn rebut_review(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case, review)): Place,
    Json(given): Json<NoteIn>,
) -> Done {
    done(&app, caller, Command::RebutReview { engagement, case, review, note: given.note }).await
}

/// Decides on an author's answer; never whoever made the finding.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/reviews/{review}/rule", tag = "reviews", request_body = RulingIn,
    params(("engagement" = String, Path), ("case" = String, Path), ("review" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn rule_review(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case, review)): Place,
    Json(given): Json<RulingIn>,
) -> Done {
    let RulingIn { upheld, note } = given;
    done(&app, caller, Command::RuleReview { engagement, case, review, upheld, note }).await
}

/// Shows a lot with its cases and, once its seed is open, how each was drawn.
#[utoipa::path(get, path = "/engagements/{engagement}/lots/{lot}", tag = "reviews",
    params(("engagement" = String, Path), ("lot" = String, Path)), responses((status = 200, body = LotView)))]
async fn lot(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, lot)): Path<(EngagementId, LotId)>,
) -> Result<Json<LotView>, Problem> {
    Ok(Json(app.view(&caller, ShowLot { engagement, lot }).await?))
}

/// Lets sampling begin again after it was discontinued.
#[utoipa::path(post, path = "/engagements/{engagement}/sampling/resume", tag = "reviews", request_body = ResumeIn,
    params(("engagement" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn resume_sampling(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Json(given): Json<ResumeIn>,
) -> Done {
    let ResumeIn { line, case_type, note } = given;
    done(&app, caller, Command::ResumeSampling { engagement, line, case_type, note }).await
}

/// Lists the certificates that can be had: one for each complete lot, and one for each imported file of readings.
#[utoipa::path(get, path = "/engagements/{engagement}/certificates", tag = "reviews", params(("engagement" = String, Path)),
    responses((status = 200, body = Vec<CertificateLine>)))]
async fn certificates(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<Vec<CertificateLine>>, Problem> {
    Ok(Json(app.view(&caller, ListCertificates { engagement }).await?))
}

/// Makes the quality certificate of a complete lot.
#[utoipa::path(get, path = "/engagements/{engagement}/lots/{lot}/certificate", tag = "reviews",
    params(("engagement" = String, Path), ("lot" = String, Path)), responses((status = 200, body = Certificate)))]
async fn certificate(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, lot)): Path<(EngagementId, LotId)>,
) -> Result<Json<Certificate>, Problem> {
    Ok(Json(app.view(&caller, GetCertificate { engagement, lot }).await?))
}

/// Makes the quality certificate of what one imported file of readings brought.
#[utoipa::path(get, path = "/engagements/{engagement}/imports/{file}/certificate", tag = "reviews",
    params(("engagement" = String, Path), ("file" = String, Path, description = "Digest of the file that was imported.")), responses((status = 200, body = Certificate)))]
async fn import_certificate(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, file)): Path<(EngagementId, Digest)>,
) -> Result<Json<Certificate>, Problem> {
    Ok(Json(app.view(&caller, GetImportCertificate { engagement, file }).await?))
}
