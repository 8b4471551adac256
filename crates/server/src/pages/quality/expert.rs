//! Pages of experts' reliability, and of the cases whose right answer is wanted.

use std::cmp::Reverse;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::Html,
    routing::get,
};
use remit_kernel::{id::EngagementId, index::Part};

use super::{
    super::{Frame, Oops, Place, encode, html},
    Asked, IMPORTED, ROWS_MAX,
    chart::{Matrix, Scale},
    rows, seen,
};
use crate::{
    App, Caller,
    api::QuestionIn,
    app::quality::{
        Against, ExpertFigures, Experts, HeldAgainst, Level, ListWanted, NumberYardstick, OptionFigures, ShowExperts,
        Wanted,
    },
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/quality/experts", get(show))
        .route("/e/{engagement}/quality/wanted", get(wanted))
}

#[derive(Template)]
#[template(path = "quality/experts.html")]
struct ExpertsPage {
    frame: Frame,
    engagement: EngagementId,
    asked: Asked,
    experts: Experts,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<QuestionIn>,
) -> Result<Html<String>, Oops> {
    let query = given.ask(|question, origin| ShowExperts { engagement, question, origin })?;
    let asked = Asked { engagement, below: "/experts", origin: query.origin };
    let (frame, experts) = seen(&app, &caller, engagement, "Experts", query).await?;
    html(&ExpertsPage { frame, engagement, asked, experts: by_answers(experts) })
}

/// Puts those with most answers first where there are more than stand by themselves.
fn by_answers(mut experts: Experts) -> Experts {
    if experts.experts.len() > ROWS_MAX {
        experts.experts.sort_by_key(|expert| (expert.part, Reverse(expert.readings)));
    }
    experts
}

/// A table of experts.
#[derive(Template)]
#[template(path = "quality/expert_table.html")]
struct ExpertTable<'p> {
    page: &'p ExpertsPage,
    experts: &'p [ExpertFigures],
}

impl ExpertsPage {
    /// Returns the table of experts from this one on; the first [`ROWS_MAX`] stand by themselves.
    fn table(&self, from: usize) -> ExpertTable<'_> {
        ExpertTable { page: self, experts: rows(&self.experts.experts, from) }
    }

    /// Returns whether answers to the question may differ by a tolerance.
    fn tolerates(&self) -> bool {
        matches!(self.experts.level, Level::Ordinal | Level::Interval)
    }

    /// Returns the address of the cases behind a figure.
    fn behind(&self, expert: &ExpertFigures, against: Against) -> String {
        format!(
            "/e/{}/quality/disputes?question={}&a={}&against={}{}",
            self.engagement,
            encode(&self.experts.question),
            encode(&expert.reader.key),
            against.word(),
            self.asked.filter("&")
        )
    }

    /// Returns the address of the cases on which an expert was wrong about an option.
    fn behind_option(&self, expert: &ExpertFigures, option: &OptionFigures) -> String {
        format!("{}&option={}", self.behind(expert, Against::Reference), encode(&option.option))
    }

    /// Returns what numbers were held against, and what that leaves open.
    fn against_words(&self, against: &HeldAgainst) -> String {
        let cases = against.cases;
        match against.yardstick {
            NumberYardstick::Reference => {
                format!("How experts measure is held against the reference answers of {cases} cases.")
            }
            NumberYardstick::EachOther => format!(
                "How experts measure is held against each other, on {cases} cases with three or more readings. What all of \
                 them share, reading too high together, cannot be seen that way."
            ),
        }
    }

    /// Returns a number in the unit of the question, with its sign where it is a difference.
    fn in_unit(&self, number: &f64, difference: bool) -> String {
        // No minus before what rounds to nothing; and one as wide as a plus: a hyphen would break the line.
        let number = (number * 100.0).round() / 100.0 + 0.0;
        let shown = if difference { format!("{number:+.2}") } else { format!("{number:.2}") }.replace('-', "−");
        if self.experts.unit.is_empty() { shown } else { format!("{shown} {}", self.experts.unit) }
    }

    fn wanted(&self) -> String {
        let (question, filter) = (encode(&self.experts.question), self.asked.filter("&"));
        format!("/e/{}/quality/wanted?question={question}{filter}", self.engagement)
    }

    /// Returns the shares of right answers on one scale.
    fn scale(&self) -> Scale {
        let rates = self.experts.experts.iter().map(|expert| (expert.reader.name.clone(), expert.right));
        Scale::shares(format!("{}: share of reference answers found, by expert", self.experts.title), rates)
    }
}

impl ExpertFigures {
    /// Returns what part the expert's answers play, in words; nothing for panel readers.
    fn part_words(&self) -> &'static str {
        match self.part {
            Part::Panel => "",
            Part::Extra => "beside the panel",
            Part::Ai => "a program",
        }
    }
}

#[derive(Template)]
#[template(path = "quality/wanted.html")]
struct WantedPage {
    frame: Frame,
    engagement: EngagementId,
    wanted: Wanted,
}

async fn wanted(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<QuestionIn>,
) -> Result<Html<String>, Oops> {
    let query = given.ask(|question, origin| ListWanted { engagement, question, origin })?;
    let (frame, wanted) = seen(&app, &caller, engagement, "Answers wanted", query).await?;
    html(&WantedPage { frame, engagement, wanted })
}
