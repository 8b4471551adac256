//! The pages: forms in, HTML out. Handlers parse, call `act` or `view`, and answer with a page or its fragment.

#![allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "templates call methods of their page, and hand them references"
)]

mod adjudicate;
mod admin;
pub mod asset;
mod calibration;
mod case;
mod certificate;
mod desk;
pub(crate) mod document;
mod engagement;
mod form;
mod gold;
pub(crate) mod judgement;
mod knowledge;
mod layout;
mod live;
pub(crate) mod markdown;
mod model;
mod mywork;
mod people;
mod protection;
mod quality;
pub(crate) mod review;
mod session;
mod signoff;
mod today;
pub(crate) mod word;

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    middleware,
    response::{Html, IntoResponse, Response},
};
use remit_kernel::refusal::{Class, Reason};
use remit_store::StoreError;

use crate::{Error, api::Problem, edge::Edge};

pub(crate) use layout::{Frame, Place};

/// Returns the routes of all pages.
pub fn router() -> Router<Edge> {
    Router::new()
        .merge(asset::router())
        .merge(case::router())
        .merge(signoff::router())
        .merge(desk::router())
        .merge(adjudicate::router())
        .merge(protection::router())
        .merge(quality::router())
        .merge(gold::router())
        .merge(calibration::router())
        .merge(review::router())
        .merge(certificate::router())
        .merge(mywork::router())
        .merge(session::router())
        .merge(today::router())
        .merge(engagement::router())
        .merge(people::router())
        .merge(knowledge::router())
        .merge(model::router())
        .merge(admin::router())
        .merge(live::router())
        .layer(middleware::map_response(in_words))
}

/// Turns what was refused before a handler saw it, which is a bare line of text, into a page.
async fn in_words(answer: Response) -> Response {
    let status = answer.status();
    let bare = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() && bare) {
        return answer;
    }
    let (title, sentence, hint) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ("This is too large", "What you sent is longer than this form takes.", "Go back and shorten it.")
        }
        StatusCode::NOT_FOUND => ("Nothing here", "There is nothing here under this address.", "Check the address."),
        _ => {
            ("This could not be read", "The form did not arrive as this page sends it.", "Go back and reload the page.")
        }
    };
    let told = Told { sentence: sentence.into(), hint: hint.into(), clause: None, subject: String::new() };
    match askama::Template::render(&OopsPage { title, reasons: vec![told] }) {
        Ok(body) => (status, Html(body)).into_response(),
        Err(_) => answer,
    }
}

/// A page that says what happened and what to do.
pub struct Oops(Error);

impl From<Error> for Oops {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<askama::Error> for Oops {
    fn from(error: askama::Error) -> Self {
        Self(Error::Io(std::io::Error::other(error)))
    }
}

#[derive(askama::Template)]
#[template(path = "oops.html")]
struct OopsPage {
    title: &'static str,
    reasons: Vec<Told>,
}

/// A reason as a person reads it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) sentence: String,
    pub(crate) hint: String,
    pub(crate) clause: Option<String>,
    /// The field or thing it is about.
    pub(crate) subject: String,
}

impl Told {
    /// Returns a reason in the reader's words.
    pub(crate) fn of(reason: Reason) -> Self {
        let sentence = quoted(&crate::api::sentence(&reason.sentence));
        Self { sentence, hint: quoted(&reason.hint), clause: reason.clause, subject: reason.subject }
    }
}

/// Returns words with the names in them as people quote them: reasons name things in backticks, for programs too.
pub(crate) fn quoted(words: &str) -> String {
    let mut marks = ['“', '”'].into_iter().cycle();
    words.chars().map(|letter| if letter == '`' { marks.next().unwrap_or(letter) } else { letter }).collect()
}

impl IntoResponse for Oops {
    fn into_response(self) -> Response {
        let (status, title) = match &self.0 {
            Error::Refused(refusal) => match refusal.class() {
                Class::Field => (StatusCode::UNPROCESSABLE_ENTITY, "Some fields need correction"),
                Class::Rule => (StatusCode::CONFLICT, "This cannot be done now"),
                Class::Forbidden => (StatusCode::FORBIDDEN, "This is not yours to do"),
                Class::Hidden => (StatusCode::NOT_FOUND, "Nothing here"),
            },
            Error::SignedOut => (StatusCode::UNAUTHORIZED, "Sign in first"),
            Error::Busy | Error::KeyReused => (StatusCode::PRECONDITION_FAILED, "Somebody was faster"),
            Error::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Error::Store(StoreError::Unreachable { .. } | StoreError::Unknown { .. }) => {
                (StatusCode::SERVICE_UNAVAILABLE, "The database is away for a moment")
            }
            Error::Overloaded | Error::Store(StoreError::Crowded) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Too much to do right now")
            }
            Error::Late => (StatusCode::SERVICE_UNAVAILABLE, "This took too long"),
            Error::Newer => (StatusCode::SERVICE_UNAVAILABLE, "Remit is being upgraded"),
            Error::Store(StoreError::Full) => (StatusCode::INSUFFICIENT_STORAGE, "The disk is full"),
            Error::Store(StoreError::Closed | StoreError::Broken) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Going down, back soon")
            }
            Error::Clock(_) | Error::Store(_) | Error::Access(_) | Error::Record(_) | Error::Json(_) | Error::Io(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "Something failed on our side")
            }
        };
        let reasons = told(self.0);
        match askama::Template::render(&OopsPage { title, reasons }) {
            Ok(body) => (status, Html(body)).into_response(),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, title).into_response(),
        }
    }
}

/// Returns what to tell a person of an error.
pub(crate) fn told(error: Error) -> Vec<Told> {
    match error {
        Error::Refused(refusal) => refusal.reasons.into_iter().map(Told::of).collect(),
        other => {
            let problem = Problem::new(other, "page");
            vec![Told {
                sentence: problem.detail().to_owned(),
                hint: problem.hint().to_owned(),
                clause: None,
                subject: String::new(),
            }]
        }
    }
}

/// Renders a template.
pub(crate) fn html<T: askama::Template>(page: &T) -> Result<Html<String>, Oops> {
    Ok(Html(page.render()?))
}

/// Returns whether htmx asks for a fragment only.
pub(crate) fn fragment(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request") && !headers.contains_key("hx-boosted")
}

/// Encodes a text for use in a query.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    })
}
