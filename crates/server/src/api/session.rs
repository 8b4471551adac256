//! Signing in, as programs do it: a name and password become a token; the password again opens the signing session.

use axum::{extract::State, http::StatusCode};
use jiff::Timestamp;
use remit_kernel::{
    id::{PersonId, SessionId},
    refusal::{Reason, code},
};
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    extract::{Json, Path},
};
use crate::{
    App, Caller, Error,
    app::{
        me::{Me, ShowMe},
        session::SIGNING_SECONDS,
    },
    caller::Who,
    edge::{Address, Edge},
};

/// Longest label of a token, in characters.
const LABEL_CHARS_MAX: usize = 80;

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(open, close))
        .routes(routes!(reauthenticate))
        .routes(routes!(me))
        .routes(routes!(give_login))
}

/// A person who signs a program in.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInIn {
    /// Name to sign in with.
    name: String,
    /// The password.
    password: String,
    /// What the token is for, such as `nightly intake`; at most 80 characters.
    label: String,
}

/// A token. It is shown this once.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct TokenOut {
    /// The secret: send it as `Authorization: Bearer ...`.
    token: String,
    /// Whom it speaks for.
    #[schema(value_type = String)]
    person: PersonId,
    /// What it is for.
    label: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// A name and password to sign in with.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginIn {
    /// A short word without blanks, such as `a.osei`.
    name: String,
    /// At least 12 characters.
    password: String,
}

/// The password once more.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReauthenticateIn {
    /// The password.
    password: String,
}

/// The signing session.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct SigningOut {
    /// Until when signatures are taken.
    #[schema(value_type = String, format = DateTime)]
    signing_until: Timestamp,
}

/// Makes a token from name and password; it lasts 90 days.
#[utoipa::path(post, path = "/session", tag = "session", security(()), request_body = SignInIn,
    responses((status = 201, description = "The token.", body = TokenOut)))]
async fn open(
    State(app): State<App>,
    Address(address): Address,
    Json(given): Json<SignInIn>,
) -> Result<(StatusCode, Json<TokenOut>), Problem> {
    let label = given.label.trim();
    if label.is_empty() || label.chars().count() > LABEL_CHARS_MAX || label.contains(char::is_control) {
        let reason = Reason::field(
            code::FIELD_INVALID,
            "label",
            format!("the label is empty, longer than {LABEL_CHARS_MAX} characters, or not plain text"),
        );
        return Err(Error::from(reason.hint("Say what the token is for.")).into());
    }
    let opened = app.sign_in_program(&given.name, &given.password, &address, label).await?;
    let session = opened.session;
    let token = TokenOut {
        token: opened.secret,
        person: session.person,
        label: session.label,
        expires_at: session.expires_at.timestamp(),
    };
    Ok((StatusCode::CREATED, Json(token)))
}

/// Ends the token, or the session of the browser, that this request came with.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204, description = "It has ended.")))]
async fn close(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    let (person, session) = signed_in(&caller)?;
    app.store().revoke_session(person, session).await.map_err(Error::from)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Opens the signing session of 15 minutes: the password again, because a signature binds.
#[utoipa::path(post, path = "/session/reauth", tag = "session", request_body = ReauthenticateIn,
    responses((status = 200, description = "The signing session is open.", body = SigningOut)))]
async fn reauthenticate(
    State(app): State<App>,
    caller: Caller,
    Json(given): Json<ReauthenticateIn>,
) -> Result<Json<SigningOut>, Problem> {
    let (person, session) = signed_in(&caller)?;
    app.reauthenticate(person, session, &given.password).await?;
    Ok(Json(SigningOut { signing_until: app.clock().now().plus_seconds(SIGNING_SECONDS).timestamp() }))
}

/// Gives a person a name and password to sign in with, for whoever runs the installation.
#[utoipa::path(post, path = "/people/{person}/login", tag = "session", params(("person" = String, Path)), request_body = LoginIn,
    responses((status = 204, description = "She can sign in.")))]
async fn give_login(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
    Json(given): Json<LoginIn>,
) -> Result<StatusCode, Problem> {
    app.give_login(&caller, person, &given.name, &given.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says who the caller is: name, roles, engagements and the session in use.
#[utoipa::path(get, path = "/me", tag = "session", responses((status = 200, description = "The caller.", body = Me)))]
async fn me(State(app): State<App>, caller: Caller) -> Result<Json<Me>, Problem> {
    let (_, session) = signed_in(&caller)?;
    Ok(Json(app.view(&caller, ShowMe { session: Some(session) }).await?))
}

fn signed_in(caller: &Caller) -> Result<(PersonId, SessionId), Error> {
    match caller.who {
        Who::Person { person, session: Some(session), .. } => Ok((person, session)),
        Who::Person { session: None, .. } | Who::Service => Err(Error::SignedOut),
    }
}
