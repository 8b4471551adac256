//! Errors as RFC 9457 problems.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use remit_kernel::{
    hash::Digest,
    refusal::{Class, Reason, Refusal},
};
use remit_store::StoreError;
use serde::Serialize;
use tracing::error;

use crate::Error;

/// When it is worth asking again after the database was away.
const AWAY_SECONDS: u64 = 2;

/// An error as a program reads it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Stable address of the kind of problem, such as `/problems/credential-expired`.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: String,
    /// Status of the answer.
    status: u16,
    /// What happened, to which thing.
    detail: String,
    /// What to do next; may be empty.
    hint: String,
    /// Where it happened.
    instance: String,
    /// Every reason of a refusal.
    errors: Vec<Fault>,
    /// What names a failure of ours in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    /// When to come again; sent as `Retry-After`.
    #[serde(skip)]
    wait_seconds: Option<u64>,
}

/// One reason of a problem.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Fault {
    /// Stable code.
    code: String,
    /// The field or thing.
    subject: String,
    /// What is wrong with it.
    detail: String,
    /// What to do next.
    hint: String,
    /// Clause of the statement of work, where one speaks.
    clause: Option<String>,
}

impl Problem {
    /// Returns the problem of an error at a path.
    pub fn new(error: Error, path: &str) -> Self {
        match error {
            Error::Refused(refusal) => Self::refused(&refusal, path),
            Error::SignedOut => Self::plain(
                "signed-out",
                StatusCode::UNAUTHORIZED,
                "nobody is signed in, or the name or password is wrong",
                "Send a token as `Authorization: Bearer ...`; `remit user token` makes one.",
                path,
            ),
            Error::Busy => Self::plain(
                "busy",
                StatusCode::PRECONDITION_FAILED,
                "others change the same thing right now",
                "Try again.",
                path,
            ),
            Error::KeyReused => Self::plain(
                "key-reused",
                StatusCode::UNPROCESSABLE_ENTITY,
                "this `Idempotency-Key` came before with another body",
                "Send a fresh key with each new write.",
                path,
            ),
            Error::TooMany { wait_seconds } => {
                let hint = format!("Wait {wait_seconds} seconds, then try again.");
                let problem = Self::plain(
                    "too-many-requests",
                    StatusCode::TOO_MANY_REQUESTS,
                    "too many requests came at once",
                    &hint,
                    path,
                );
                Self { wait_seconds: Some(wait_seconds), ..problem }
            }
            Error::Store(StoreError::Unreachable { source }) => {
                error!(error = %source, "the database cannot be reached: {source}");
                let hint =
                    "Nothing was changed. Try again in a few seconds; send the same `Idempotency-Key` with a write.";
                Self::away("the database cannot be reached at the moment", hint, path)
            }
            Error::Store(StoreError::Unknown { source }) => {
                error!(error = %source, "the connection was lost in the middle of a commit: {source}");
                let hint = "Send the same request with the same `Idempotency-Key`: it is done once. Without a key, look first.";
                Self::away("the connection to the database was lost; this may or may not have been done", hint, path)
            }
            Error::Overloaded | Error::Store(StoreError::Crowded) => Self {
                wait_seconds: Some(1),
                ..Self::plain(
                    "overloaded",
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the server has too much to do right now; nothing was done",
                    "Wait a second, then try again with the same `Idempotency-Key`.",
                    path,
                )
            },
            Error::Late => Self {
                wait_seconds: Some(5),
                ..Self::plain(
                    "timed-out",
                    StatusCode::SERVICE_UNAVAILABLE,
                    "this took too long; it may have been done",
                    "Send the same request with the same `Idempotency-Key` again: it is done once.",
                    path,
                )
            },
            Error::Newer => Self::newer(path),
            Error::Store(StoreError::Full) => Self::plain(
                "disk-full",
                StatusCode::INSUFFICIENT_STORAGE,
                "the server's disk is full; nothing was changed, and reading still works",
                "Tell the operator; once there is space, the same request will do.",
                path,
            ),
            Error::Store(StoreError::Closed | StoreError::Broken) => Self {
                wait_seconds: Some(5),
                ..Self::plain(
                    "stopping",
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the server is going down; nothing was changed",
                    "Wait a few seconds, then try again with the same `Idempotency-Key`.",
                    path,
                )
            },
            other @ (Error::Store(_)
            | Error::Access(_)
            | Error::Record(_)
            | Error::Json(_)
            | Error::Io(_)
            | Error::Clock(_)) => Self::internal(&other, path),
        }
    }

    /// A failure of ours: told in the log, and to the caller only by its trace.
    fn internal(error: &Error, path: &str) -> Self {
        // The same failure has the same trace, which says nothing to whoever does not have the log.
        let told = error.to_string();
        let trace: String = Digest::of(told.as_bytes()).to_string().chars().rev().take(8).collect();
        error!(trace, "a request failed: {told}");
        let hint = "Try again; if it stays, tell the operator the trace.";
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self { trace: Some(trace), ..Self::plain("internal", status, "something failed on our side", hint, path) }
    }

    /// The database is away for a moment.
    fn away(detail: &str, hint: &str, path: &str) -> Self {
        let problem = Self::plain("database-unreachable", StatusCode::SERVICE_UNAVAILABLE, detail, hint, path);
        Self { wait_seconds: Some(AWAY_SECONDS), ..problem }
    }

    /// Nodes of two releases share the database for a while.
    fn newer(path: &str) -> Self {
        error!("what a newer Remit wrote was asked of this node: finish the upgrade");
        let detail = "Remit is being upgraded, and a newer node wrote this; nothing was changed";
        let hint = "Try again in a few seconds with the same `Idempotency-Key`: another node can do it.";
        let problem = Self::plain("newer-node", StatusCode::SERVICE_UNAVAILABLE, detail, hint, path);
        Self { wait_seconds: Some(AWAY_SECONDS), ..problem }
    }

    fn refused(refusal: &Refusal, path: &str) -> Self {
        let status = match refusal.class() {
            Class::Field => StatusCode::UNPROCESSABLE_ENTITY,
            Class::Rule => StatusCode::CONFLICT,
            Class::Forbidden => StatusCode::FORBIDDEN,
            Class::Hidden => StatusCode::NOT_FOUND,
        };
        let first = refusal.reasons.iter().find(|reason| reason.class == refusal.class());
        let code = first.map_or("refused", |reason| reason.code.as_ref());
        let detail = first.map(|reason| reason.sentence.as_str()).unwrap_or_default();
        let hint = first.map(|reason| reason.hint.as_str()).unwrap_or_default();
        Self {
            errors: refusal.reasons.iter().map(Fault::of).collect(),
            ..Self::plain(code, status, detail, hint, path)
        }
    }

    /// Returns what happened.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns what to do next.
    pub(crate) fn hint(&self) -> &str {
        &self.hint
    }

    pub(crate) fn plain(code: &str, status: StatusCode, detail: &str, hint: &str, path: &str) -> Self {
        let mut title = code.replace('-', " ");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self {
            kind: format!("/problems/{code}"),
            title,
            status: status.as_u16(),
            detail: sentence(detail),
            hint: hint.to_owned(),
            instance: path.to_owned(),
            errors: Vec::new(),
            trace: None,
            wait_seconds: None,
        }
    }
}

impl Fault {
    fn of(reason: &Reason) -> Self {
        Self {
            code: reason.code.to_string(),
            subject: reason.subject.clone(),
            detail: sentence(&reason.sentence),
            hint: reason.hint.clone(),
            clause: reason.clause.clone(),
        }
    }
}

/// Returns a clause as a full sentence.
pub(crate) fn sentence(clause: &str) -> String {
    let mut characters = clause.chars();
    let Some(first) = characters.next() else { return String::new() };
    let end = if clause.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), characters.as_str())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.onto(HeaderMap::new())
    }
}

impl Problem {
    /// Returns the answer, with headers that were set before and with itself beside it for [`speak`].
    fn onto(self, mut headers: HeaderMap) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.wait_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let body = Body::from(serde_json::to_vec(&self).unwrap_or_default());
        (status, headers, axum::Extension(self), body).into_response()
    }
}

/// Lets every error below `/api/` be a problem that says where it happened, whichever layer it came from.
pub(crate) async fn speak(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    if !path.starts_with("/api/") || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => Problem { instance: path, ..problem },
        None => bare(status, &path),
    };
    problem.onto(std::mem::take(response.headers_mut()))
}

/// The problem of a layer that knows nothing of problems.
fn bare(status: StatusCode, path: &str) -> Problem {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Problem { instance: path.to_owned(), ..super::extract::too_large() },
        StatusCode::FORBIDDEN => Problem::plain(
            "cross-site",
            status,
            "a page of another site sent this",
            "Programs send no `Origin` and no `Sec-Fetch-Site`.",
            path,
        ),
        other => Problem::plain("refused", other, other.canonical_reason().unwrap_or("it was refused"), "", path),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::new(error, "")
    }
}
