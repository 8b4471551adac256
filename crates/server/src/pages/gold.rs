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
    app::gold::{GoldAnswer, GoldPool, OwnGold, POINT_MIN, RateOut, Share, ShowGold, ShowOwnGold},
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
    /// The case of an objection whose decision was refused, and what its form held.
    typed: Option<(CaseId, Pairs)>,
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

impl GoldPage {
    /// Returns who can be measured no more, in words, and what to do about it.
    fn dry(&self) -> Option<String> {
        if !self.pool.golds.iter().any(|gold| gold.status == GoldStatus::Active) {
            return None;
        }
        let dry: Vec<_> =
            self.pool.readers.iter().filter(|reader| reader.left == 0).map(|reader| &*reader.name).collect();
        let every = "every gold case in rotation, so that";
        Some(match dry.as_slice() {
            [] => return None,
            all if all.len() == self.pool.readers.len() => {
                format!("All {} readers know {every} nobody is measured any more. Propose further cases.", all.len())
            }
            [one] => format!("{one} knows {every} she is measured no more. Propose further cases."),
            several => format!(
                "{} of {} readers know {every} they are measured no more. Propose further cases.",
                several.len(),
                self.pool.readers.len()
            ),
        })
    }
}

/// Returns how many of the seats taken were on gold cases, such as `3 of 14 seats`.
fn reached(share: impl std::borrow::Borrow<Share>) -> String {
    let share = share.borrow();
    if share.n == 0 {
        return "no seat yet".to_owned();
    }
    let seats = if share.n == 1 { "seat" } else { "seats" };
    let percent = share.value.map(|value| format!(", {:.0} %", 100.0 * value)).unwrap_or_default();
    let ends = share.interval.map(|(lower, upper)| format!(" ({})", ends(&lower, &upper))).unwrap_or_default();
    format!("{} of {} {seats}{percent}{ends}", share.hits, share.n)
}

type Fields = BTreeMap<String, String>;
/// The fields of a form in which several answers may be picked.
type Pairs = Vec<(String, String)>;

async fn pool(State(app): State<App>, caller: Caller, Path(engagement): Path<EngagementId>) -> Result<Response, Oops> {
    show(&app, &caller, engagement, Faults::default(), None).await
}

async fn show(
    app: &App,
    caller: &Caller,
    engagement: EngagementId,
    faults: Faults,
    typed: Option<(CaseId, Pairs)>,
) -> Result<Response, Oops> {
    let pool = app.view(caller, ShowGold { engagement }).await?;
    let frame = Frame::new(app, caller, Some(engagement), Place::Quality, "Gold cases").await?;
    Ok(html(&GoldPage { frame, engagement, pool, faults, typed })?.into_response())
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
    settle(&app, caller, engagement, command, None).await
}

async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Form(fields): Form<Pairs>,
) -> Result<Response, Oops> {
    let mut words: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        if let Some(place) = name.strip_prefix("answer.").and_then(|name| name.split_once('.')) {
            words.entry(place).or_default().push(value);
        }
    }
    let corrected = match field(&fields, "do") {
        "uphold" => words
            .into_iter()
            .map(|((kind, question), words)| Ok((question.to_owned(), answer_of(kind, question, &words.join(" "))?)))
            .collect::<Result<_, Error>>()
            .map(Some),
        "reject" => Ok(None),
        _ => Err(Faults::field(
            "do",
            "it is not said what becomes of the objection",
            "Correct the gold answer, or let it stand.",
        )),
    };
    let note = field(&fields, "note").replace("\r\n", "\n");
    match corrected {
        Ok(corrected) => {
            let command = Command::DecideRebuttal { engagement, case, corrected, note };
            settle(&app, caller, engagement, command, Some((case, fields))).await
        }
        Err(error) => {
            let (status, faults) = Faults::of(error)?;
            Ok((status, show(&app, &caller, engagement, faults, Some((case, fields))).await?).into_response())
        }
    }
}

/// Returns what a field holds; empty if it is not there.
fn field<'a>(fields: &'a Pairs, wanted: &str) -> &'a str {
    fields.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value)
}

/// Returns an answer as the form gives it: the kind's word and the answer's.
fn answer_of(kind: &str, question: &str, word: &str) -> Result<Answer, Error> {
    match kind {
        "choice" => Ok(Answer::Choice(word.to_owned())),
        "grade" => Ok(Answer::Grade(word.to_owned())),
        "multi" => Ok(Answer::Multi(word.split_whitespace().map(str::to_owned).collect())),
        "number" => word.trim().parse().map(Answer::Number).map_err(|_| {
            Faults::field(question, &format!("`{word}` is no number"), "Write it with a point, such as 12.5.")
        }),
        _ => Err(Faults::field(question, &format!("`{kind}` is no kind of answer"), "Send the form as it came.")),
    }
}

/// Does it and shows the pool again, with the reasons if it was refused.
async fn settle(
    app: &App,
    caller: Caller,
    engagement: EngagementId,
    command: Command,
    typed: Option<(CaseId, Pairs)>,
) -> Result<Response, Oops> {
    match app.act(caller.clone(), command).await {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/gold")).into_response()),
        Err(error) => {
            let (status, faults) = Faults::of(error)?;
            Ok((status, show(app, &caller, engagement, faults, typed).await?).into_response())
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

impl GoldPage {
    /// Returns what the form of an objection held that was refused.
    fn typed(&self, case: &CaseId) -> Option<&Pairs> {
        self.typed.as_ref().filter(|(known, _)| known == case).map(|(_, fields)| fields)
    }

    fn name(answer: &GoldAnswer) -> String {
        format!("answer.{}.{}", answer.kind, answer.question)
    }

    /// Returns whether an option is chosen: as it was typed, or as the gold answer has it.
    fn picked(&self, case: &CaseId, answer: &GoldAnswer, key: &str) -> bool {
        let name = Self::name(answer);
        match self.typed(case) {
            Some(fields) => fields.iter().any(|(field, value)| *field == name && value == key),
            None => answer.option.iter().flat_map(|words| words.split_whitespace()).any(|word| word == key),
        }
    }

    fn given(&self, case: &CaseId, answer: &GoldAnswer) -> String {
        let known = || answer.option.clone().unwrap_or_default();
        self.typed(case).map_or_else(known, |fields| field(fields, &Self::name(answer)).to_owned())
    }

    fn note(&self, case: &CaseId) -> &str {
        self.typed(case).map_or("", |fields| field(fields, "note"))
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
