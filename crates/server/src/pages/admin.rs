//! Admin: organisations, people, sign-in, jobs and health of the installation; never what is in a case.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use remit_kernel::{
    command::{Command, PersonIn},
    id::{OrgId, PersonId, SessionId},
    role::{Role, Side},
};
use serde::Deserialize;

use super::{Frame, Oops, Place, form::Faults, html, people};
use crate::{
    App, Caller, Error,
    app::admin::{Admin, ShowAdmin},
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/admin", get(show))
        .route("/admin/organisations", post(add_organisation))
        .route("/admin/people", post(add_person))
        .route("/admin/people/{person}", get(person))
        .route("/admin/people/{person}/login", post(give_login))
        .route("/admin/people/{person}/sessions", post(end_sessions))
        .route("/engagements/new", get(new_engagement).post(draft_engagement))
}

#[derive(Template)]
#[template(path = "admin/show.html")]
struct AdminPage {
    frame: Frame,
    admin: Admin,
    faults: Faults,
    organisation: OrganisationForm,
    person: PersonForm,
}

#[derive(Template)]
#[template(path = "admin/engagement.html")]
struct NewEngagementPage {
    frame: Frame,
    admin: Admin,
    faults: Faults,
    form: EngagementForm,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OrganisationForm {
    name: String,
    country: String,
    /// Where to go on: Admin, or the engagement that is being set up.
    next: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PersonForm {
    org: String,
    name: String,
    place: String,
    languages: String,
    same_as: String,
    signs_in: String,
    operator: String,
    people_manager: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EngagementForm {
    name: String,
    client: String,
    provider: String,
    client_manager: String,
    delivery_manager: String,
}

async fn show(State(app): State<App>, caller: Caller) -> Result<Html<String>, Oops> {
    let (organisation, person) =
        (OrganisationForm::default(), PersonForm { signs_in: "on".to_owned(), ..PersonForm::default() });
    again(&app, &caller, Faults::default(), organisation, person).await
}

async fn again(
    app: &App,
    caller: &Caller,
    faults: Faults,
    organisation: OrganisationForm,
    person: PersonForm,
) -> Result<Html<String>, Oops> {
    let admin = app.view(caller, ShowAdmin).await?;
    let frame = Frame::new(app, caller, None, Place::Admin, "Admin").await?;
    html(&AdminPage { frame, admin, faults, organisation, person })
}

async fn add_organisation(
    State(app): State<App>,
    caller: Caller,
    Form(given): Form<OrganisationForm>,
) -> Result<Response, Oops> {
    let command =
        Command::AddOrganisation { name: given.name.trim().to_owned(), country: given.country.trim().to_uppercase() };
    match app.act(caller.clone(), command).await {
        Ok(_) => {
            Ok(Redirect::to(if given.next == "/engagements/new" { "/engagements/new" } else { "/admin#organisations" })
                .into_response())
        }
        Err(error) => {
            let (status, faults) = Faults::of(error)?;
            let person = PersonForm { signs_in: "on".to_owned(), ..PersonForm::default() };
            Ok((status, again(&app, &caller, faults, given, person).await?).into_response())
        }
    }
}

async fn add_person(State(app): State<App>, caller: Caller, Form(given): Form<PersonForm>) -> Result<Response, Oops> {
    match person_command(&given) {
        Ok(command) => match app.act(caller.clone(), command).await {
            Ok(receipt) => {
                let made = receipt
                    .person()
                    .map_or_else(|| "/admin#people".to_owned(), |person| format!("/admin/people/{person}"));
                Ok(Redirect::to(&made).into_response())
            }
            Err(error) => refused_person(&app, &caller, given, error).await,
        },
        Err(error) => refused_person(&app, &caller, given, error).await,
    }
}

async fn refused_person(app: &App, caller: &Caller, given: PersonForm, error: Error) -> Result<Response, Oops> {
    let (status, faults) = Faults::of(error)?;
    Ok((status, again(app, caller, faults, OrganisationForm::default(), given).await?).into_response())
}

fn person_command(given: &PersonForm) -> Result<Command, Error> {
    let org: OrgId = given
        .org
        .parse()
        .map_err(|_| Faults::field("org", "no organisation is chosen", "Choose the employer, or add it first."))?;
    let same_as = match given.same_as.trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| {
            Faults::field("same_as", "this is not a person here", "Choose the other account, or leave it empty.")
        })?),
    };
    let held = [(&given.operator, Role::Operator), (&given.people_manager, Role::PeopleManager)];
    Ok(Command::AddPerson {
        person: PersonIn {
            org,
            name: given.name.trim().to_owned(),
            same_as,
            signs_in: !given.signs_in.is_empty(),
            place: given.place.trim().to_uppercase(),
            languages: words(&given.languages),
            roles: held.into_iter().filter(|(ticked, _)| !ticked.is_empty()).map(|(_, role)| role).collect(),
        },
    })
}

/// Returns the words of a field that takes several, apart by commas or blanks.
pub(super) fn words(text: &str) -> BTreeSet<String> {
    text.split([',', ';', ' ', '\n']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

async fn person(State(app): State<App>, caller: Caller, Path(person): Path<PersonId>) -> Result<Response, Oops> {
    people::person_page(&app, &caller, None, person, Faults::default(), StatusCode::OK).await
}

#[derive(Deserialize)]
struct LoginForm {
    name: String,
    password: String,
}

async fn give_login(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
    Form(given): Form<LoginForm>,
) -> Result<Response, Oops> {
    match app.give_login(&caller, person, given.name.trim(), &given.password).await {
        Ok(()) => Ok(Redirect::to(&format!("/admin/people/{person}")).into_response()),
        Err(error) => {
            let (status, faults) = Faults::of(error)?;
            people::person_page(&app, &caller, None, person, faults, status).await
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SessionForm {
    /// One session; empty: all.
    session: String,
}

async fn end_sessions(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
    Form(given): Form<SessionForm>,
) -> Result<Response, Oops> {
    let session: Option<SessionId> = match given.session.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| Error::from(remit_kernel::refusal::Reason::hidden(text)))?),
    };
    app.end_sessions(&caller, person, session).await?;
    Ok(Redirect::to(&format!("/admin/people/{person}")).into_response())
}

async fn new_engagement(State(app): State<App>, caller: Caller) -> Result<Html<String>, Oops> {
    engagement_again(&app, &caller, Faults::default(), EngagementForm::default()).await
}

async fn engagement_again(
    app: &App,
    caller: &Caller,
    faults: Faults,
    form: EngagementForm,
) -> Result<Html<String>, Oops> {
    let admin = app.view(caller, ShowAdmin).await?;
    let frame = Frame::new(app, caller, None, Place::Admin, "Set up an engagement").await?;
    html(&NewEngagementPage { frame, admin, faults, form })
}

async fn draft_engagement(
    State(app): State<App>,
    caller: Caller,
    Form(given): Form<EngagementForm>,
) -> Result<Response, Oops> {
    let acted = match engagement_command(&given) {
        Ok(command) => app.act(caller.clone(), command).await,
        Err(error) => Err(error),
    };
    match acted {
        Ok(_) => Ok(Redirect::to("/admin#engagements").into_response()),
        Err(error) => {
            let (status, faults) = Faults::of(error)?;
            Ok((status, engagement_again(&app, &caller, faults, given).await?).into_response())
        }
    }
}

fn engagement_command(given: &EngagementForm) -> Result<Command, Error> {
    let org = |field: &str, text: &str| {
        text.parse::<OrgId>()
            .map_err(|_| Faults::field(field, "no organisation is chosen", "Choose one, or add it first."))
    };
    let person = |field: &str, text: &str| {
        text.parse::<PersonId>()
            .map_err(|_| Faults::field(field, "nobody is chosen", "Choose who manages for this side."))
    };
    Ok(Command::DraftEngagement {
        name: given.name.trim().to_owned(),
        client: org("client", &given.client)?,
        provider: org("provider", &given.provider)?,
        managers: vec![
            (person("client_manager", &given.client_manager)?, Side::Client),
            (person("delivery_manager", &given.delivery_manager)?, Side::Provider),
        ],
    })
}
