//! Errors as RFC 9457 problems.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use remit_kernel::refusal::{Class, Reason, Refusal};
use serde::Serialize;
use tracing::error;

use crate::Error;

/// An error as a program reads it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
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
    /// Every reason, where there are several.
    errors: Vec<Fault>,
}

/// One reason of a problem.
#[derive(Debug, Serialize, utoipa::ToSchema)]
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
            Error::SignedOut => Self::plain("signed-out", StatusCode::UNAUTHORIZED, "nobody is signed in, or the name or password is wrong", "Send a token as `Authorization: Bearer ...`; `remit user token` makes one.", path),
            Error::Busy => Self::plain("busy", StatusCode::PRECONDITION_FAILED, "others change the same thing right now", "Try again.", path),
            Error::KeyReused => Self::plain("key-reused", StatusCode::UNPROCESSABLE_ENTITY, "this `Idempotency-Key` came before with another body", "Send a fresh key with each new write.", path),
            other @ (Error::Store(_) | Error::Access(_) | Error::Record(_) | Error::Json(_) | Error::Io(_)) => {
                error!(error = %other, path, "a request failed: {other}");
                Self::plain("internal", StatusCode::INTERNAL_SERVER_ERROR, "something failed on our side", "Try again; if it stays, tell the operator the time.", path)
            }
        }
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
        Self { errors: refusal.reasons.iter().map(Fault::of).collect(), ..Self::plain(code, status, detail, hint, path) }
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
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(self)).into_response()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::new(error, "")
    }
}
