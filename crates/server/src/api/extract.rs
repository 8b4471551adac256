//! What a request carries, parsed at the border: whatever does not fit becomes a problem that names the place.
//!
//! These stand for axum's extractors of the same names; handlers of the API import them from here.

use axum::{
    extract::{FromRequest, FromRequestParts, OriginalUri, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use remit_kernel::refusal::{Reason, code};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::IntoParams;

use super::Problem;
use crate::{
    Error,
    edge::{BODY_BYTES_MAX, Edge},
};

/// JSON, in and out. Unreadable: 400 with line and column; a wrong field: 422 with its path; too large: 413; other media: 415.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<T>(pub(crate) T);

/// The identifiers in a path. What is no identifier names nothing: 404, as for one that is unknown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path<T>(pub(crate) T);

/// What stands after the question mark. A value that does not fit, or a name that is none: 422 with its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<T>(pub(crate) T);

/// The length of a page of a list: from 1 to `MAX`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
pub(crate) struct Limit<const MAX: u32>(pub(crate) u32);

impl<const MAX: u32> TryFrom<u32> for Limit<MAX> {
    type Error = String;

    fn try_from(asked: u32) -> Result<Self, String> {
        if (1..=MAX).contains(&asked) { Ok(Self(asked)) } else { Err(format!("it is not within 1 and {MAX}")) }
    }
}

impl<T: DeserializeOwned> FromRequest<Edge> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, edge: &Edge) -> Result<Self, Problem> {
        if !says_json(request.headers()) {
            let hint = "Send JSON with `Content-Type: application/json`.";
            return Err(Problem::plain(
                "not-json",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body is not said to be JSON",
                hint,
                "",
            ));
        }
        let bytes = axum::body::Bytes::from_request(request, edge).await.map_err(|rejected| cut_off(&rejected))?;
        read(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Edge> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, edge).await {
            Ok(axum::extract::Path(found)) => Ok(Self(found)),
            Err(_) => Err(Error::from(Reason::hidden(whole_path(parts))).into()),
        }
    }
}

/// Refuses a name that the address does not declare.
fn known<T: IntoParams>(query: &str) -> Result<(), Problem> {
    let known = T::into_params(|| None);
    for (name, _) in form_urlencoded::parse(query.as_bytes()) {
        if !known.iter().any(|parameter| parameter.name == name) {
            let names: Vec<_> = known.iter().map(|parameter| parameter.name.as_str()).collect();
            return Err(no_parameter(&name, &names));
        }
    }
    Ok(())
}

/// Returns the refusal of a name after the question mark where an address takes only these.
pub(super) fn no_parameter(name: &str, known: &[&str]) -> Problem {
    let reason = Reason::field(code::FIELD_INVALID, name, format!("`{name}` is no parameter of this address"));
    let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    let takes = if known.is_empty() { "nothing after the question mark".to_owned() } else { known.join(", ") };
    Error::from(reason.hint(format!("It takes {takes}."))).into()
}

impl<T: DeserializeOwned + IntoParams + Send> FromRequestParts<Edge> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        if !query.is_empty() {
            known::<T>(query)?;
        }
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(pairs)
            .map(Self)
            .map_err(|wrong| wrong_field(&wrong.path().to_string(), &wrong.inner().to_string()))
    }
}

/// Returns the path as the caller wrote it: a nested router sees only its own part.
pub(crate) fn whole_path(parts: &Parts) -> &str {
    parts.extensions.get::<OriginalUri>().map_or_else(|| parts.uri.path(), |whole| whole.0.path())
}

fn says_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let given = serde_path_to_error::deserialize(&mut json).map_err(|wrong| {
        let path = wrong.path().to_string();
        let inner = wrong.into_inner();
        if inner.is_data() { wrong_field(&path, &inner.to_string()) } else { unreadable(&inner) }
    })?;
    json.end().map_err(|wrong| unreadable(&wrong))?;
    // A list in the order of the fields would pass for the object: that is a trait of the reader, not of the contract.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(wrong_field(".", "it is a list, not an object"));
    }
    Ok(given)
}

/// The place is told as line and column, as editors count them.
fn unreadable(wrong: &serde_json::Error) -> Problem {
    let detail = format!("the body is not JSON: {wrong}");
    Problem::plain("unreadable", StatusCode::BAD_REQUEST, &detail, "Mend the JSON at this place.", "")
}

/// A value in the wrong place or of the wrong kind, by the path of its field, such as `judgement.answers.effect`.
fn wrong_field(path: &str, message: &str) -> Problem {
    let message = message.split(" at line ").next().unwrap_or(message);
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    let field = match (path, missing) {
        ("." | "?", Some(name)) => name.to_owned(),
        ("." | "?", None) => "body".to_owned(),
        (path, Some(name)) => format!("{path}.{name}"),
        (path, None) => path.to_owned(),
    };
    let reason = match missing {
        Some(_) => Reason::field(code::FIELD_INVALID, &field, format!("`{field}` is missing")),
        None => Reason::field(code::FIELD_INVALID, &field, format!("`{field}` does not fit: {message}")),
    };
    Error::from(reason.hint("`/api/v1/openapi.json` says what each field holds.")).into()
}

fn cut_off(rejected: &BytesRejection) -> Problem {
    if rejected.status() == StatusCode::PAYLOAD_TOO_LARGE {
        too_large()
    } else {
        Problem::plain("unreadable", StatusCode::BAD_REQUEST, "the body ended too early", "Send it again.", "")
    }
}

/// A body above the limit of the server.
pub(super) fn too_large() -> Problem {
    let detail = format!("the body is larger than {} MiB", BODY_BYTES_MAX / (1024 * 1024));
    Problem::plain("too-large", StatusCode::PAYLOAD_TOO_LARGE, &detail, "Send large documents one by one.", "")
}
