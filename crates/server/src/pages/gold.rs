//! Pages of gold: the pool and its readers for those who keep it, own results and objections for those who read.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use remit_kernel::{
    command::Command,
    form::Answer,
    gold::{GoldStatus, RebuttalState, Retirement},
    id::{CaseId, EngagementId, GoldId},
    refusal::Reason,
};

use super::{Frame, Oops, Place, form::Faults, html};
use crate::{
    App, Caller, Error,
    app::gold::{GoldPool, OwnGold, POINT_MIN, RateOut, Share, ShowGold, ShowOwnGold},
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/gold", get(pool))
        .route("/e/{engagement}/gold/mine", get(mine))
        .route("/e/{engagement}/gold/mine/{case}", post(rebut))
        .route("/e/{engagement}/gold/objections/{case}", post(decide))
        .route("/e/{engagement}/gold/{gold}/{act}", post(act))
}

#[derive(Template)]
#[template(path = "gold/show.html")]
struct GoldPage {
    frame: Frame,
    engagement: EngagementId,
    pool: GoldPool,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "gold/mine.html")]
struct MinePage {
    frame: Frame,
    engagement: EngagementId,
    own: OwnGold,
    faults: Faults,
    /// The case whose objection was refused, and what was typed.
    typed: Option<(CaseId, String)>,
}

type Fields = BTreeMap<String, String>;

async fn pool(State(app): State<App>, caller: Caller, Path(engagement): Path<EngagementId>) -> Result<Response, Oops> {
    show(&app, &caller, engagement, Faults::default()).await
}

async fn show(app: &App, caller: &Caller, engagement: EngagementId, faults: Faults) -> Result<Response, Oops> {
    let pool = app.view(caller, ShowGold { engagement }).await?;
    let frame = Frame::new(app, caller, Some(engagement), Place::Quality, "Gold cases").await?;
    Ok(html(&GoldPage { frame, engagement, pool, faults })?.into_response())
}

async fn act(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, gold, word)): Path<(EngagementId, GoldId, String)>,
    Form(fields): Form<Fields>,
) -> Result<Response, Oops> {
    let reason = fields.get("reason").cloned().unwrap_or_default();
    let command = match word.as_str() {
        "approve" => Command::ApproveGold { engagement, gold },
        "decline" => Command::DeclineGold { engagement, gold, reason },
        "retire" => Command::RetireGold { engagement, gold, reason },
        other => return Err(Error::from(Reason::hidden(other)).into()),
    };
    settle(&app, caller, engagement, command).await
}

async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Form(fields): Form<Fields>,
) -> Result<Response, Oops> {
    let answers = fields.iter().filter_map(|(name, value)| {
        let (kind, question) = name.strip_prefix("answer.").filter(|_| !value.is_empty())?.split_once('.')?;
        Some((question.to_owned(), answer_of(kind, value)?))
    });
    let upheld = fields.get("do").is_some_and(|word| word == "uphold");
    let corrected = upheld.then(|| answers.collect());
    let note = fields.get("note").cloned().unwrap_or_default();
    settle(&app, caller, engagement, Command::DecideRebuttal { engagement, case, corrected, note }).await
}

/// Returns an answer as the form gives it: the kind's word and the answer's. What cannot be read is left out, and a
/// required answer that is missing is refused.
fn answer_of(kind: &str, word: &str) -> Option<Answer> {
    match kind {
        "choice" => Some(Answer::Choice(word.to_owned())),
        "grade" => Some(Answer::Grade(word.to_owned())),
        "multi" => Some(Answer::Multi(word.split_whitespace().map(str::to_owned).collect())),
        "number" => word.trim().parse().ok().map(Answer::Number),
        _ => None,
    }
}

/// Does it and shows the pool again, with the reasons if it was refused.
async fn settle(app: &App, caller: Caller, engagement: EngagementId, command: Command) -> Result<Response, Oops> {
    match app.act(caller.clone(), command).await {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/gold")).into_response()),
        Err(error) => {
            let (status, faults) = Faults::of(error)?;
            Ok((status, show(app, &caller, engagement, faults).await?).into_response())
        }
    }
}

async fn mine(State(app): State<App>, caller: Caller, Path(engagement): Path<EngagementId>) -> Result<Response, Oops> {
    own(&app, &caller, engagement, Faults::default(), None).await
}

async fn own(
    app: &App,
    caller: &Caller,
    engagement: EngagementId,
    faults: Faults,
    typed: Option<(CaseId, String)>,
) -> Result<Response, Oops> {
    let own = app.view(caller, ShowOwnGold { engagement }).await?;
    let frame = Frame::new(app, caller, Some(engagement), Place::Read, "My gold cases").await?;
    Ok(html(&MinePage { frame, engagement, own, faults, typed })?.into_response())
}

async fn rebut(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Form(fields): Form<Fields>,
) -> Result<Response, Oops> {
    let note = fields.get("note").map(|note| note.replace("\r\n", "\n")).unwrap_or_default();
    match app.act(caller.clone(), Command::RebutGold { engagement, case, note: note.clone() }).await {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/gold/mine")).into_response()),
        Err(error) => {
            let (status, faults): (StatusCode, Faults) = Faults::of(error)?;
            Ok((status, own(&app, &caller, engagement, faults, Some((case, note))).await?).into_response())
        }
    }
}

impl MinePage {
    fn typed(&self, case: &CaseId) -> &str {
        self.typed.as_ref().filter(|(known, _)| known == case).map_or("", |(_, note)| note)
    }
}

/// Returns a share as a sentence, such as `18 of 20 (70 % to 97 %)`; a point only where one is said.
pub(crate) fn share(share: &Share) -> String {
    let Share { hits, n, .. } = *share;
    match (share.value, share.interval) {
        _ if n == 0 => "none yet".to_owned(),
        (Some(value), Some((lower, upper))) => {
            format!("{:.0} % ({:.0} to {:.0} %), {hits} of {n}", 100.0 * value, 100.0 * lower, 100.0 * upper)
        }
        (_, Some((lower, upper))) => format!("{hits} of {n}: {:.0} to {:.0} %", 100.0 * lower, 100.0 * upper),
        (_, None) => format!("{hits} of {n}"),
    }
}

/// Returns the ends of an interval in percent.
pub(crate) fn ends(lower: &f64, upper: &f64) -> String {
    format!("{:.0} to {:.0} %", 100.0 * lower, 100.0 * upper)
}

/// Returns a rate in the reader's words, such as `about one in 20`.
pub(crate) fn rate(rate: &RateOut) -> String {
    let bp = u32::from(rate.plan.rate_bp.max(1));
    let one_in = (10_000 + bp / 2) / bp;
    format!("about one in {one_in} ({} %)", super::engagement::percent(rate.plan.rate_bp.into()))
}

pub(crate) fn status(status: &GoldStatus) -> &'static str {
    match status {
        GoldStatus::Proposed => "Waits for approval",
        GoldStatus::Active => "In rotation",
        GoldStatus::Declined => "Declined",
        GoldStatus::Retired => "Retired",
    }
}

pub(crate) fn retirement(cause: &Retirement) -> &'static str {
    match cause {
        Retirement::Shown => "shown as often as planned",
        Retirement::TooEasy => "nearly everybody passes it",
        Retirement::Manager => "taken out by a manager",
    }
}

pub(crate) fn objection(state: &RebuttalState) -> &'static str {
    match state {
        RebuttalState::Open => "objection waits for a decision",
        RebuttalState::Upheld => "objection upheld: the gold answer was corrected",
        RebuttalState::Rejected => "objection rejected: the gold answer stands",
    }
}
