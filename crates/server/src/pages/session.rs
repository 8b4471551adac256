//! Pages of signing in, proving it again for a signature, and signing out; in the demo also the links of the personas.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use remit_kernel::{id::PersonId, refusal::Reason};
use remit_store::SessionKind;
use serde::Deserialize;

use super::{Frame, Oops, Place, Told, html, told};
use crate::{
    Caller, Config, Error,
    app::session::Opened,
    caller::Who,
    config::Persona,
    edge::{Address, Edge, Session, secret},
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/sign-in", get(sign_in_page).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/reauth", get(reauth_page).post(reauth))
        .route("/demo/enter", get(enter))
}

/// What a demo page says of the persona who lives on this host.
struct Hint {
    host: String,
    password: &'static str,
}

#[derive(Template)]
#[template(path = "session/sign_in.html")]
struct SignInPage {
    next: String,
    name: String,
    errors: Vec<Told>,
    hint: Option<Hint>,
}

#[derive(Template)]
#[template(path = "session/reauth.html")]
struct ReauthPage {
    frame: Frame,
    next: String,
    errors: Vec<Told>,
    hint: Option<Hint>,
    minutes: i64,
}

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
struct NextIn {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct SignInForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

async fn sign_in_page(
    State(edge): State<Edge>,
    headers: HeaderMap,
    Query(given): Query<NextIn>,
) -> Result<Response, Oops> {
    if signed_in(&edge, &headers).await?.is_some() {
        return Ok(Redirect::to(&inside(&given.next)).into_response());
    }
    let hint = hint(&edge.config, &headers);
    let name = hint.as_ref().map(|hint| hint.host.clone()).unwrap_or_default();
    Ok(html(&SignInPage { next: inside(&given.next), name, errors: Vec::new(), hint })?.into_response())
}

async fn sign_in(
    State(edge): State<Edge>,
    Address(address): Address,
    headers: HeaderMap,
    Form(given): Form<SignInForm>,
) -> Result<Response, Oops> {
    let next = inside(&given.next);
    let error = match edge.app.sign_in(&given.name, &given.password, &address).await {
        Ok(opened) => {
            // A session that was open in this browser ends: nobody's tab goes on as somebody else.
            end(&edge, &headers).await?;
            return Ok(entered(&edge.config, &opened, &next));
        }
        Err(error @ (Error::SignedOut | Error::TooMany { .. })) => error,
        Err(other) => return Err(other.into()),
    };
    let (status, errors) = not_let_in(error, "The name or the password is wrong.");
    let page = SignInPage { next, name: given.name, errors, hint: hint(&edge.config, &headers) };
    Ok((status, html(&page)?).into_response())
}

async fn sign_out(State(edge): State<Edge>, headers: HeaderMap) -> Result<Response, Oops> {
    end(&edge, &headers).await?;
    // On a shared desk nobody goes back to a page that the browser still holds.
    let gone = (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
    let cookie = cookie(&edge.config, "", Some(0));
    Ok(([(header::SET_COOKIE, cookie)], [gone], Redirect::to("/sign-in")).into_response())
}

async fn reauth_page(
    State(edge): State<Edge>,
    caller: Caller,
    headers: HeaderMap,
    Query(given): Query<NextIn>,
) -> Result<Response, Oops> {
    Ok(reauth_again(&edge, &caller, &headers, &given.next, Vec::new()).await?.into_response())
}

async fn reauth_again(
    edge: &Edge,
    caller: &Caller,
    headers: &HeaderMap,
    next: &str,
    errors: Vec<Told>,
) -> Result<impl IntoResponse + use<>, Oops> {
    let frame = Frame::new(&edge.app, caller, None, Place::None, "Confirm it is you").await?;
    let minutes = crate::app::session::SIGNING_SECONDS / 60;
    html(&ReauthPage { frame, next: inside(next), errors, hint: hint(&edge.config, headers), minutes })
}

async fn reauth(
    State(edge): State<Edge>,
    caller: Caller,
    Session(session): Session,
    headers: HeaderMap,
    Form(given): Form<SignInForm>,
) -> Result<Response, Oops> {
    let person = caller.person().ok_or(Error::SignedOut)?;
    match edge.app.reauthenticate(person, session, &given.password).await {
        Ok(()) => Ok(Redirect::to(&inside(&given.next)).into_response()),
        Err(error @ (Error::SignedOut | Error::TooMany { .. })) => {
            let (status, errors) = not_let_in(error, "The password is wrong.");
            Ok((status, reauth_again(&edge, &caller, &headers, &given.next, errors).await?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

/// A link of the demo, for the persona of this host alone.
#[derive(Deserialize)]
struct EnterIn {
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
}

async fn enter(State(edge): State<Edge>, headers: HeaderMap, Query(given): Query<EnterIn>) -> Result<Response, Oops> {
    let found = persona_of(&edge.config, &headers).filter(|persona| persona.token == given.token);
    let persona = found.ok_or_else(|| Error::from(Reason::hidden("/demo/enter")))?;
    let next = inside(&given.next);
    if signed_in(&edge, &headers).await? == Some(persona.person) {
        return Ok(Redirect::to(&next).into_response());
    }
    let opened = edge.app.open_session(persona.person, SessionKind::Browser, "demo").await?;
    Ok(entered(&edge.config, &opened, &next))
}

/// Returns who is signed in with this request, if anybody.
async fn signed_in(edge: &Edge, headers: &HeaderMap) -> Result<Option<PersonId>, Error> {
    let Some(secret) = secret(headers, edge.config.cookie()) else { return Ok(None) };
    Ok(match edge.app.who(&secret).await? {
        Some((Who::Person { person, .. }, _)) => Some(person),
        Some((Who::Service, _)) | None => None,
    })
}

/// Ends the session of this request, if there is one.
async fn end(edge: &Edge, headers: &HeaderMap) -> Result<(), Error> {
    let Some(secret) = secret(headers, edge.config.cookie()) else { return Ok(()) };
    if let Some((_, session)) = edge.app.who(&secret).await? {
        edge.app.store().revoke_session(session.person, session.id).await?;
    }
    Ok(())
}

/// Returns the status and the words for somebody who was not let in. Which part was wrong is not told.
fn not_let_in(error: Error, wrong: &str) -> (StatusCode, Vec<Told>) {
    if matches!(error, Error::SignedOut) {
        let hint = "Check both, then try again.".to_owned();
        return (
            StatusCode::UNAUTHORIZED,
            vec![Told { sentence: wrong.to_owned(), hint, clause: None, subject: String::new() }],
        );
    }
    (StatusCode::TOO_MANY_REQUESTS, told(error))
}

fn entered(config: &Config, opened: &Opened, next: &str) -> Response {
    ([(header::SET_COOKIE, cookie(config, &opened.secret, None))], Redirect::to(next)).into_response()
}

/// Returns the cookie of a session; it lives as long as the browser unless an age is given.
fn cookie(config: &Config, secret: &str, age_seconds: Option<u32>) -> HeaderValue {
    let secure = if config.secure { "; Secure" } else { "" };
    let age = age_seconds.map(|age| format!("; Max-Age={age}")).unwrap_or_default();
    let text = format!("{}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", config.cookie());
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Returns the target if it lies within Remit, otherwise Today: a link cannot lead away.
fn inside(next: &str) -> String {
    let path = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if path { next.to_owned() } else { "/".to_owned() }
}

fn persona_of<'a>(config: &'a Config, headers: &HeaderMap) -> Option<&'a Persona> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let host = host.split_once(':').map_or(host, |(name, _)| name).strip_suffix(".localhost")?;
    config.demo.as_ref()?.personas.iter().find(|persona| persona.host == host)
}

fn hint(config: &Config, headers: &HeaderMap) -> Option<Hint> {
    let password = config.demo.as_ref()?.password;
    persona_of(config, headers).map(|persona| Hint { host: persona.host.clone(), password })
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn nobody_is_led_away_after_signing_in() {
        assert_eq!(inside("/e/eng_1/cases?status=ready"), "/e/eng_1/cases?status=ready");
        for away in
            ["", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example"]
        {
            assert_eq!(inside(away), "/", "{away}");
        }
    }
}
