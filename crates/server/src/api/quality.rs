//! Quality, as programs see it: agreement by question and pair, and the disputes behind each figure.

use axum::extract::State;
use remit_kernel::{
    alarm::Yardstick,
    id::{CaseId, EngagementId},
    index::Origin,
    refusal::{Reason, code},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    extract::{Json, Limit, Path, Query},
};
use crate::{
    App, Caller, Error,
    app::planner::{Plans, ShowPlans},
    app::quality::{
        Against, Behind, By, DISPUTES_MAX, Disputes, Drift, Experts, ListWanted, Quality, ShowDisputes, ShowDrift,
        ShowExperts, ShowQuality, ShowSlices, Slices, Wanted, Which,
    },
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(side_by_side))
        .routes(routes!(experts))
        .routes(routes!(slices))
        .routes(routes!(wanted))
        .routes(routes!(drift))
        .routes(routes!(plans))
}

/// Which readings the figures rest on.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
pub(crate) struct QualityIn {
    /// `witnessed`, `imported` or `all`, which is the default.
    origin: Option<String>,
}

/// Returns how far panel readers agree, question by question and pair by pair.
#[utoipa::path(get, path = "/engagements/{engagement}/quality", tag = "quality", params(("engagement" = String, Path), QualityIn),
    responses((status = 200, body = Quality)))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<QualityIn>,
) -> Result<Json<Quality>, Problem> {
    Ok(Json(app.view(&caller, given.query(engagement)?).await?))
}

impl QualityIn {
    pub(crate) fn query(&self, engagement: EngagementId) -> Result<ShowQuality, Error> {
        Ok(ShowQuality { engagement, origin: origin(self.origin.as_deref())? })
    }
}

/// Which question, and which readings.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
pub(crate) struct QuestionIn {
    /// Key of the question; without it the first of the form whose answers can be compared.
    question: Option<String>,
    /// `witnessed`, `imported` or `all`, which is the default.
    origin: Option<String>,
    /// For slices: `site`, which is the default, `month` or `case_type`.
    by: Option<String>,
}

impl QuestionIn {
    fn question(&self) -> Option<String> {
        self.question.clone().filter(|question| !question.is_empty())
    }

    /// Returns what `ask` asks of the question and the origin.
    pub(crate) fn ask<Q>(&self, ask: impl FnOnce(Option<String>, Option<Origin>) -> Q) -> Result<Q, Error> {
        Ok(ask(self.question(), origin(self.origin.as_deref())?))
    }

    pub(crate) fn slices(&self, engagement: EngagementId) -> Result<ShowSlices, Error> {
        let by = match self.by.as_deref() {
            None | Some("") => By::Site,
            Some(word) => cut(word)?,
        };
        self.ask(|question, origin| ShowSlices { engagement, question, by, origin })
    }
}

/// Which question, by which yardstick, and which readings.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
pub(crate) struct DriftIn {
    /// Key of the question; without it the first of the form whose answers can be compared.
    question: Option<String>,
    /// What counts as a miss: `answers`, which is the default, `gold` or `defects`.
    yardstick: Option<String>,
    /// `witnessed`, `imported` or `all`, which is the default.
    origin: Option<String>,
}

impl DriftIn {
    pub(crate) fn query(&self, engagement: EngagementId) -> Result<ShowDrift, Error> {
        let yardstick = match self.yardstick.as_deref() {
            None | Some("") => Yardstick::Answers,
            Some(word) => Yardstick::from_word(word)
                .ok_or_else(|| unknown("yardstick", word, "Known: answers, gold, defects."))?,
        };
        let question = self.question.clone().filter(|question| !question.is_empty());
        Ok(ShowDrift { engagement, question, origin: origin(self.origin.as_deref())?, yardstick })
    }
}

/// Which plans.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
pub(crate) struct PlansIn {
    /// Key of the question; without it the first of the form that has a closed list of answers.
    pub(crate) question: Option<String>,
    /// What one reading costs, in minor units, at most 100,000,000; without it plans are compared by readings alone.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 100_000_000)]
    pub(crate) price_minor: Option<String>,
    /// Gold cases among a hundred, at most 50; without it none.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 50)]
    pub(crate) gold: Option<String>,
    /// Reviewed cases among a hundred; without it none.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 100)]
    pub(crate) review: Option<String>,
    /// Where the chance begins, at most 4,294,967,295; without it 1.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 4_294_967_295_i64)]
    pub(crate) seed: Option<String>,
}

impl PlansIn {
    pub(crate) fn query(&self, engagement: EngagementId) -> Result<ShowPlans, Error> {
        let number = |field: &'static str, given: &Option<String>, most: u32| match given.as_deref() {
            None | Some("") => Ok(None),
            Some(word) => match word.trim().parse::<u32>() {
                Ok(number) if number <= most => Ok(Some(number)),
                Ok(_) | Err(_) => Err(Reason::field(
                    code::FIELD_INVALID,
                    field,
                    format!("`{word}` is no whole number from 0 to {most}"),
                )
                .hint("Give one, or leave it out.")),
            },
        };
        Ok(ShowPlans {
            engagement,
            question: self.question.clone().filter(|question| !question.is_empty()),
            price_minor: number("price_minor", &self.price_minor, 100_000_000)?,
            gold_percent: number("gold", &self.gold, 50)?.unwrap_or_default(),
            review_percent: number("review", &self.review, 100)?.unwrap_or_default(),
            seed: u64::from(number("seed", &self.seed, u32::MAX)?.unwrap_or(1)),
        })
    }
}

/// Returns whether experts or sites have begun to miss more, with the latest alarm of each.
#[utoipa::path(get, path = "/engagements/{engagement}/quality/drift", tag = "quality",
    params(("engagement" = String, Path), DriftIn), responses((status = 200, body = Drift)))]
async fn drift(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<DriftIn>,
) -> Result<Json<Drift>, Problem> {
    Ok(Json(app.view(&caller, given.query(engagement)?).await?))
}

/// Returns what plans of reading would come to, simulated on the engagement's own measured experts.
#[utoipa::path(get, path = "/engagements/{engagement}/quality/plans", tag = "quality",
    params(("engagement" = String, Path), PlansIn), responses((status = 200, body = Plans)))]
async fn plans(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<PlansIn>,
) -> Result<Json<Plans>, Problem> {
    Ok(Json(app.view(&caller, given.query(engagement)?).await?))
}

/// Returns how reliable each expert is on a question, and what cannot be said.
#[utoipa::path(get, path = "/engagements/{engagement}/quality/experts", tag = "quality",
    params(("engagement" = String, Path), QuestionIn), responses((status = 200, body = Experts)))]
async fn experts(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<QuestionIn>,
) -> Result<Json<Experts>, Problem> {
    let asked = given.ask(|question, origin| ShowExperts { engagement, question, origin })?;
    Ok(Json(app.view(&caller, asked).await?))
}

/// Returns a question's figures by site, month or type of case.
#[utoipa::path(get, path = "/engagements/{engagement}/quality/slices", tag = "quality",
    params(("engagement" = String, Path), QuestionIn), responses((status = 200, body = Slices)))]
async fn slices(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<QuestionIn>,
) -> Result<Json<Slices>, Problem> {
    Ok(Json(app.view(&caller, given.slices(engagement)?).await?))
}

/// Returns the cases whose right answer is wanted most, so that it shows who is right.
#[utoipa::path(get, path = "/engagements/{engagement}/quality/wanted", tag = "quality",
    params(("engagement" = String, Path), QuestionIn), responses((status = 200, body = Wanted)))]
async fn wanted(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<QuestionIn>,
) -> Result<Json<Wanted>, Problem> {
    let asked = given.ask(|question, origin| ListWanted { engagement, question, origin })?;
    Ok(Json(app.view(&caller, asked).await?))
}

/// Which disputed cases.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
pub(crate) struct SideBySideIn {
    /// Key of the question on which they differ.
    question: Option<String>,
    /// `other`: instead, cases with the same answers on other evidence.
    evidence: Option<String>,
    /// Key of a reader, as the figures have it; with `b`.
    a: Option<String>,
    /// Key of another reader; with `a`.
    b: Option<String>,
    /// Instead of disputes, the cases behind a figure: those with an answer, of reader `a` where it is given, that is not
    /// the `reference` answer, that was overturned (`adjudicated`), or that differs from a `colleague`'s.
    against: Option<String>,
    /// With `against`: an option of several that may be picked, to keep to answers that fell short about it.
    option: Option<String>,
    /// With `against`: `site`, `month` or `case_type`, to keep to one `slice`.
    by: Option<String>,
    /// With `by`: the slice, as the figures have it.
    slice: Option<String>,
    /// `witnessed`, `imported` or `all`, which is the default.
    origin: Option<String>,
    /// Where the page begins, as `next` of the page before.
    after: Option<String>,
    /// At most so many, 1 to 25.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 25)]
    limit: Option<Limit<DISPUTES_MAX>>,
}

/// Returns disputed cases with their readings side by side.
#[utoipa::path(get, path = "/engagements/{engagement}/quality/disputes", tag = "quality",
    params(("engagement" = String, Path), SideBySideIn), responses((status = 200, body = Disputes)))]
async fn side_by_side(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<SideBySideIn>,
) -> Result<Json<Disputes>, Problem> {
    Ok(Json(app.view(&caller, given.query(engagement)?).await?))
}

impl SideBySideIn {
    pub(crate) fn query(&self, engagement: EngagementId) -> Result<ShowDisputes, Error> {
        let which = match (&self.question, self.evidence.as_deref()) {
            (Some(question), None) if self.against.is_some() => Which::Behind(self.behind(question)?),
            (Some(question), None) => {
                Which::Question { question: question.clone(), pair: self.a.clone().zip(self.b.clone()) }
            }
            (None, Some("other")) => Which::OtherEvidence,
            (Some(_) | None, _) => {
                return Err(Reason::field(code::FIELD_INVALID, "question", "it is not said which cases are meant")
                    .hint("Give either `question`, or `evidence=other`.")
                    .into());
            }
        };
        let after = match self.after.as_deref().filter(|cursor| !cursor.is_empty()) {
            None => None,
            Some(cursor) => Some(cursor.parse::<CaseId>().map_err(|_| {
                Reason::field(code::FIELD_INVALID, "after", "this is not a cursor")
                    .hint("Use `next` of the page before.")
            })?),
        };
        let limit = self.limit.map_or(DISPUTES_MAX, |limit| limit.0);
        Ok(ShowDisputes { engagement, which, origin: origin(self.origin.as_deref())?, after, limit })
    }

    fn behind(&self, question: &str) -> Result<Behind, Error> {
        let word = self.against.as_deref().unwrap_or_default();
        let against = Against::from_word(word)
            .ok_or_else(|| unknown("against", word, "Known: reference, adjudicated, colleague."))?;
        let slice = match (self.by.as_deref(), &self.slice) {
            (Some(by), Some(slice)) => Some((cut(by)?, slice.clone())),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err(unknown("slice", "", "Give `by` and `slice`, or neither.").into());
            }
        };
        let (question, reader, option) = (question.to_owned(), self.a.clone(), self.option.clone());
        Ok(Behind { question, reader, against, option, slice })
    }

    /// Returns the filter as part of an address, each value followed by `&`; the page is left out.
    pub(crate) fn address(&self) -> String {
        let given = [
            ("question", &self.question),
            ("evidence", &self.evidence),
            ("a", &self.a),
            ("b", &self.b),
            ("against", &self.against),
            ("option", &self.option),
            ("by", &self.by),
            ("slice", &self.slice),
            ("origin", &self.origin),
        ];
        let given = given
            .into_iter()
            .filter_map(|(key, value)| Some(format!("{key}={}&", crate::pages::encode(value.as_deref()?))));
        given.collect()
    }
}

/// Returns the origin of a word; `all`, or none, is every origin.
fn origin(word: Option<&str>) -> Result<Option<Origin>, Error> {
    match word {
        None | Some("" | "all") => Ok(None),
        Some(word) => Ok(Some(
            Origin::from_word(word).ok_or_else(|| unknown("origin", word, "Known: witnessed, imported, all."))?,
        )),
    }
}

/// Returns what a word says figures are cut by.
fn cut(word: &str) -> Result<By, Error> {
    Ok(By::from_word(word).ok_or_else(|| unknown("by", word, "Known: site, month, case_type."))?)
}

/// Returns why a word is not one of the known ones of a field.
fn unknown(field: &'static str, word: &str, hint: &'static str) -> Reason {
    let word: String = word.chars().take(40).collect();
    Reason::field(code::FIELD_INVALID, field, format!("`{word}` is not known here")).hint(hint)
}
