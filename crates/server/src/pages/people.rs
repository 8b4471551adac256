//! People: the bench, one person's record, and why somebody may or may not take a duty.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use remit_kernel::{
    command::Command,
    id::{CaseId, CredentialId, EngagementId, PersonId},
    index::CaseStatus,
    pack::Duty,
    panel::RoutingRule,
};
use remit_store::CaseFilter;
use serde::Deserialize;

use super::{Frame, Oops, Place, form::Faults, html};
use crate::{
    App, Caller, Error,
    app::{
        admin::{ShowSignIns, SignIns},
        case::{CaseLine, ListCases},
        people::{Bench, CredentialOut, Eligibility, PersonOut, ShowBench, ShowPerson, Standing, WhyNot},
    },
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/people", get(bench))
        .route("/e/{engagement}/people/why", get(why))
        .route("/e/{engagement}/people/{person}", get(person))
        .route("/people/{person}/credentials", post(record_credential))
        .route("/people/{person}/credentials/{credential}/revoke", post(revoke_credential))
        .route("/people/{person}/clearances", post(set_clearance))
        .route("/people/{person}/conflicts", post(set_conflict))
        .route("/people/{person}/place", post(set_place))
        .route("/people/{person}/left", post(mark_left))
}

#[derive(Template)]
#[template(path = "people/bench.html")]
struct BenchPage {
    frame: Frame,
    engagement: EngagementId,
    bench: Bench,
}

#[derive(Template)]
#[template(path = "people/why.html")]
struct WhyPage {
    frame: Frame,
    engagement: EngagementId,
    cases: Vec<CaseLine>,
    chosen: Option<CaseId>,
    duty: Duty,
    found: Option<Eligibility>,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "people/person.html")]
struct PersonPage {
    frame: Frame,
    /// Seen from this engagement, as a text for the forms; empty: from the directory.
    engagement: String,
    person: PersonOut,
    sign_ins: Option<SignIns>,
    faults: Faults,
}

async fn bench(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Html<String>, Oops> {
    let bench = app.view(&caller, ShowBench { engagement }).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::People, "People").await?;
    html(&BenchPage { frame, engagement, bench })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WhyIn {
    case: String,
    duty: String,
}

async fn why(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<WhyIn>,
) -> Result<Response, Oops> {
    let statuses = vec![
        CaseStatus::Ready,
        CaseStatus::Reading,
        CaseStatus::Adjudicating,
        CaseStatus::InReview,
        CaseStatus::AwaitingSignOff,
    ];
    let filter = CaseFilter { statuses, ..CaseFilter::default() };
    let list = app.view(&caller, ListCases { engagement, filter, after: None, limit: 200 }).await?;
    let duty = match given.duty.as_str() {
        "adjudicate" => Duty::Adjudicate,
        "sign" => Duty::Sign,
        "review" => Duty::Review,
        _ => Duty::Read,
    };
    let chosen = given.case.parse().ok();
    let (mut status, mut faults, mut found) = (StatusCode::OK, Faults::default(), None);
    if let Some(case) = chosen {
        match app.view(&caller, WhyNot { engagement, case, duty }).await {
            Ok(answer) => found = Some(answer),
            Err(error) => (status, faults) = Faults::of(error)?,
        }
    } else {
        // Whoever may not see the bench may not ask either.
        app.view(&caller, ShowBench { engagement }).await?;
    }
    let frame = Frame::new(&app, &caller, Some(engagement), Place::People, "Who may, and why not").await?;
    let page = WhyPage { frame, engagement, cases: list.cases, chosen, duty, found, faults };
    Ok((status, html(&page)?).into_response())
}

async fn person(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, person)): Path<(EngagementId, PersonId)>,
) -> Result<Response, Oops> {
    person_page(&app, &caller, Some(engagement), person, Faults::default(), StatusCode::OK).await
}

/// Answers with a person's record, with reasons if a form of it was refused.
pub(super) async fn person_page(
    app: &App,
    caller: &Caller,
    engagement: Option<EngagementId>,
    person: PersonId,
    faults: Faults,
    status: StatusCode,
) -> Result<Response, Oops> {
    let found = app.view(caller, ShowPerson { engagement, person }).await?;
    let sign_ins = match engagement {
        None => Some(app.view(caller, ShowSignIns { person }).await?),
        Some(_) => None,
    };
    let place = if engagement.is_some() { Place::People } else { Place::Admin };
    let frame = Frame::new(app, caller, engagement, place, found.name.clone()).await?;
    let engagement = engagement.map(|engagement| engagement.to_string()).unwrap_or_default();
    Ok((status, html(&PersonPage { frame, engagement, person: found, sign_ins, faults })?).into_response())
}

/// Does the act, then goes back to the record; a refusal shows on it.
async fn act(
    app: &App,
    caller: Caller,
    engagement: &str,
    person: PersonId,
    command: Result<Command, Error>,
) -> Result<Response, Oops> {
    let engagement: Option<EngagementId> = engagement.parse().ok();
    let acted = match command {
        Ok(command) => app.act(caller.clone(), command).await,
        Err(error) => Err(error),
    };
    match acted {
        Ok(_) => {
            let back = engagement.map_or_else(
                || format!("/admin/people/{person}"),
                |engagement| format!("/e/{engagement}/people/{person}"),
            );
            Ok(Redirect::to(&back).into_response())
        }
        Err(error) => {
            let (status, faults) = Faults::of(error)?;
            person_page(app, &caller, engagement, person, faults, status).await
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RecordForm {
    engagement: String,
    kind: String,
    jurisdiction: String,
    number: String,
    valid_from: String,
    valid_to: String,
    reason: String,
    clearance: String,
    party: String,
    place: String,
    /// `on`: granted or declared; empty: withdrawn or cleared.
    on: String,
}

async fn record_credential(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
    Form(given): Form<RecordForm>,
) -> Result<Response, Oops> {
    let date = |field: &str, text: &str| {
        text.trim()
            .parse()
            .map_err(|_| Faults::field(field, &format!("`{text}` is not a date"), "Write it as 2026-10-31."))
    };
    let command = match (date("valid_from", &given.valid_from), date("valid_to", &given.valid_to)) {
        (Ok(valid_from), Ok(valid_to)) => Ok(Command::RecordCredential {
            person,
            kind: given.kind.trim().to_owned(),
            jurisdiction: given.jurisdiction.trim().to_uppercase(),
            number: given.number.trim().to_owned(),
            valid_from,
            valid_to,
        }),
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    act(&app, caller, &given.engagement, person, command).await
}

async fn revoke_credential(
    State(app): State<App>,
    caller: Caller,
    Path((person, credential)): Path<(PersonId, CredentialId)>,
    Form(given): Form<RecordForm>,
) -> Result<Response, Oops> {
    act(
        &app,
        caller,
        &given.engagement,
        person,
        Ok(Command::RevokeCredential { person, credential, reason: given.reason }),
    )
    .await
}

async fn set_clearance(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
    Form(given): Form<RecordForm>,
) -> Result<Response, Oops> {
    let command =
        Command::SetClearance { person, clearance: given.clearance.trim().to_owned(), granted: !given.on.is_empty() };
    act(&app, caller, &given.engagement, person, Ok(command)).await
}

async fn set_conflict(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
    Form(given): Form<RecordForm>,
) -> Result<Response, Oops> {
    let command = Command::SetConflict { person, party: given.party.trim().to_owned(), declared: !given.on.is_empty() };
    act(&app, caller, &given.engagement, person, Ok(command)).await
}

async fn set_place(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
    Form(given): Form<RecordForm>,
) -> Result<Response, Oops> {
    act(
        &app,
        caller,
        &given.engagement,
        person,
        Ok(Command::SetPlace { person, place: given.place.trim().to_uppercase() }),
    )
    .await
}

async fn mark_left(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
    Form(given): Form<RecordForm>,
) -> Result<Response, Oops> {
    act(&app, caller, &given.engagement, person, Ok(Command::MarkLeft { person })).await
}

impl CredentialOut {
    /// Returns the standing in words, with the day that matters.
    pub(crate) fn words(&self) -> String {
        match self.standing {
            Standing::Valid => format!("valid until {}", self.valid_to),
            Standing::EndsSoon => format!("ends soon, on {}", self.valid_to),
            Standing::NotYet => format!("begins on {}", self.valid_from),
            Standing::Expired => format!("expired on {}", self.valid_to),
            Standing::Revoked => "revoked".to_owned(),
        }
    }

    /// Returns the shape beside the words.
    pub(crate) fn shape(&self) -> &'static str {
        match self.standing {
            Standing::Valid => "full",
            Standing::EndsSoon => "soon",
            Standing::NotYet => "half",
            Standing::Expired | Standing::Revoked => "ended",
        }
    }
}

fn rule(rule: &RoutingRule) -> &'static str {
    match rule {
        RoutingRule::NextCase => "asked for the next case: the earliest promise first among those that fit",
        RoutingRule::Chosen => "chose this case",
        RoutingRule::Assigned => "was given this case",
        RoutingRule::Imported => "is named in the file",
    }
}
