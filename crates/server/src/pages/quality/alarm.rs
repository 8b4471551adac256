//! The page of an alarm: what its chart said, the cases behind it, and the closing.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use remit_kernel::{
    alarm::{AlarmCause, Yardstick},
    command::Command,
    id::{AlarmId, EngagementId},
};
use serde::Deserialize;

use super::{
    super::{Frame, Oops, Place, encode, form::Faults, html},
    IMPORTED,
};
use crate::{
    App, Caller,
    app::quality::{AlarmOut, ChartOf, ShowAlarm},
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/quality/alarms/{alarm}", get(show))
        .route("/e/{engagement}/quality/alarms/{alarm}/close", post(close))
}

/// What was typed at the closing.
#[derive(Debug, Default, Deserialize)]
struct Closing {
    #[serde(default)]
    cause: String,
    #[serde(default)]
    note: String,
}

#[derive(Template)]
#[template(path = "quality/alarm.html")]
struct AlarmPage {
    frame: Frame,
    engagement: EngagementId,
    alarm: AlarmOut,
    faults: Faults,
    typed: Closing,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, alarm)): Path<(EngagementId, AlarmId)>,
) -> Result<Response, Oops> {
    page(&app, &caller, ShowAlarm { engagement, alarm }, Faults::default(), Closing::default()).await
}

async fn page(app: &App, caller: &Caller, asked: ShowAlarm, faults: Faults, typed: Closing) -> Result<Response, Oops> {
    let engagement = asked.engagement;
    let alarm = app.view(caller, asked).await?;
    let frame = Frame::new(app, caller, Some(engagement), Place::Quality, "Alarm").await?;
    Ok(html(&AlarmPage { frame, engagement, alarm, faults, typed })?.into_response())
}

async fn close(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, alarm)): Path<(EngagementId, AlarmId)>,
    Form(typed): Form<Closing>,
) -> Result<Response, Oops> {
    let note = typed.note.replace("\r\n", "\n");
    let closed = match AlarmCause::from_word(&typed.cause) {
        Some(cause) => app.act(caller.clone(), Command::CloseAlarm { engagement, alarm, cause, note }).await.map(drop),
        None => Err(Faults::field("cause", "it is not said what the alarm came from", "Choose what fits best.")),
    };
    match closed {
        Ok(()) => Ok(Redirect::to(&format!("/e/{engagement}/quality/alarms/{alarm}")).into_response()),
        Err(error) => {
            let (status, faults) = Faults::of(error)?;
            let page = page(&app, &caller, ShowAlarm { engagement, alarm }, faults, typed).await?;
            Ok((status, page).into_response())
        }
    }
}

impl AlarmPage {
    /// Returns the address of the charts among which the alarm's is.
    fn charts(&self) -> String {
        let line = &self.alarm.line;
        let (question, yardstick) = (encode(&line.question), line.yardstick.word());
        format!("/e/{}/quality/drift?question={question}&yardstick={yardstick}", self.engagement)
    }

    /// Returns a rate of misses in percent.
    fn percent(&self, millionths: &u32) -> String {
        format!("{:.1} %", f64::from(*millionths) / 10_000.0)
    }

    fn sum(&self, thousandths: &u32) -> String {
        format!("{:.2}", f64::from(*thousandths) / 1_000.0)
    }

    fn about(&self) -> &'static str {
        match self.alarm.line.of {
            ChartOf::Expert => "Expert",
            ChartOf::Site => "Site",
        }
    }
}

/// Returns what counts as a miss, as a heading.
pub(crate) fn yardstick(yardstick: &Yardstick) -> &'static str {
    match yardstick {
        Yardstick::Answers => "Known answers",
        Yardstick::Gold => "Gold",
        Yardstick::Defects => "Reviews",
    }
}

/// Returns what counts as a miss, as a sentence.
pub(crate) fn counts(yardstick: &Yardstick) -> &'static str {
    match yardstick {
        Yardstick::Answers => {
            "Missed is an answer that is not the reference answer or, where there is none, that an adjudicator overturned; \
             every other answer of a closed case counts as kept."
        }
        Yardstick::Gold => {
            "Missed is an answer unlike the gold answer. An answer counts once its reader has been told that the case was \
             gold; one that an upheld objection put right counts as kept."
        }
        Yardstick::Defects => {
            "Missed is a reading whose answer a review found wrong, critical or major, as long as the finding stands; every \
             other reading of a reviewed case counts as kept. Cases drawn for a mark are among them."
        }
    }
}

/// Returns what an alarm came from, in words.
pub(crate) fn cause(cause: &AlarmCause) -> &'static str {
    match cause {
        AlarmCause::Coached => "Coached",
        AlarmCause::Recalibrated => "Calibration round held",
        AlarmCause::Guidance => "Guidance changed",
        AlarmCause::Withdrawn => "Reader withdrawn from such cases",
        AlarmCause::Cases => "The cases had become harder",
        AlarmCause::Reference => "The answers measured against were wrong",
        AlarmCause::Chance => "Chance: nothing was found",
    }
}
