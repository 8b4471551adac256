//! Today: what waits for the person who opens Remit, and the one thing to do next.

use askama::Template;
use axum::{Router, extract::State, http::HeaderMap, response::Html, routing::get};

use super::{Frame, Oops, Place, fragment, html, word};
use crate::{
    App, Caller,
    app::today::{Task, TaskKind, Today, Wait, WaitKind},
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new().route("/", get(today))
}

#[derive(Template)]
#[template(path = "today/show.html", blocks = ["today"])]
struct TodayPage {
    frame: Frame,
    today: Today,
}

async fn today(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Result<Html<String>, Oops> {
    let today = app.today(&caller).await?;
    let frame = Frame::new(&app, &caller, None, Place::Today, "Today").await?;
    let page = TodayPage { frame, today };
    if fragment(&headers) { html(&page.as_today()) } else { html(&page) }
}

impl Task {
    /// Returns the act as a sentence without its end, such as `Sign 3 cases`.
    pub(crate) fn words(&self) -> String {
        let cases = || word::count(self.cases, "case", "cases");
        let named = || if self.reference.is_empty() { cases() } else { self.reference.clone() };
        match self.kind {
            TaskKind::Read => format!("Read {}", named()),
            TaskKind::Decide => format!("Decide {}", named()),
            TaskKind::Sign => format!("Sign {}", named()),
            TaskKind::Adjudicate if self.case.is_some() => format!("Take {} to decide", named()),
            TaskKind::Adjudicate => format!("Take one of {} to decide", word::count(self.cases, "dispute", "disputes")),
            TaskKind::NextCase => "Take the next case".to_owned(),
            TaskKind::Calibrate => "Read gold cases to be calibrated".to_owned(),
            TaskKind::ReadRound => format!("Read in the calibration round “{}”", self.title),
            TaskKind::DecideObjection => {
                format!("Decide {} to gold answers", word::count(self.cases, "objection", "objections"))
            }
            TaskKind::ApproveGold => format!("Approve {}", word::count(self.cases, "gold case", "gold cases")),
            TaskKind::ApprovePrecedent => format!("Approve {}", word::count(self.cases, "precedent", "precedents")),
            TaskKind::CloseAlarm => format!("Look into {} of drift", word::count(self.cases, "alarm", "alarms")),
            TaskKind::Review => format!("Review {}", named()),
            TaskKind::Feedback => format!("Hear what a review found in {}", named()),
            TaskKind::Mend => format!("Mend {}", named()),
            TaskKind::Deliver => format!("Deliver {}", named()),
            TaskKind::Accept => format!("Accept or return {}", named()),
            TaskKind::SettleScope => format!("Settle the scope of {}", named()),
            TaskKind::Risk => format!("See to {}", named()),
            TaskKind::NewOwner => format!("Find another owner for {}", named()),
            TaskKind::ProposeSow => "Finish the draft of the statement of work".to_owned(),
            TaskKind::SignSow => "Sign the statement of work".to_owned(),
            TaskKind::GoLive => "Let work begin".to_owned(),
        }
    }

    /// Returns what stands beside the act.
    pub(crate) fn beside(&self) -> String {
        match self.kind {
            TaskKind::NextCase if self.more => {
                format!("More than {} fit you now", word::count(self.cases, "open case", "open cases"))
            }
            TaskKind::NextCase if self.cases == 1 => "1 open case fits you now".to_owned(),
            TaskKind::NextCase => format!("{} open cases fit you now", self.cases),
            TaskKind::Risk => format!("{}: you are accountable for it", self.title),
            TaskKind::NewOwner => format!("{}: the owner has an interest in it", self.title),
            TaskKind::GoLive => "A statement of work is in force".to_owned(),
            TaskKind::Calibrate => format!("{}: each case you take until then is gold", self.title),
            TaskKind::ReadRound => format!("{} left to read, blind", word::count(self.cases, "case", "cases")),
            TaskKind::DecideObjection => "A reader holds that the agreed answer is wrong".to_owned(),
            TaskKind::ApproveGold => "You had no part in the answer".to_owned(),
            TaskKind::ApprovePrecedent => "Guidance for like cases; you had no part in it".to_owned(),
            TaskKind::CloseAlarm => "A chart of misses reached its limit".to_owned(),
            TaskKind::Read
            | TaskKind::Decide
            | TaskKind::Sign
            | TaskKind::Adjudicate
            | TaskKind::Review
            | TaskKind::Feedback
            | TaskKind::Mend
            | TaskKind::Deliver
            | TaskKind::Accept
            | TaskKind::SettleScope
            | TaskKind::ProposeSow
            | TaskKind::SignSow => {
                if self.more {
                    format!("{} More than were counted.", self.title)
                } else {
                    self.title.clone()
                }
            }
        }
    }

    /// Returns where the act is done.
    pub(crate) fn href(&self) -> String {
        let at = format!("/e/{}", self.engagement);
        let list = |status: &str| match self.case {
            Some(case) => format!("{at}/cases/{case}"),
            None => format!("{at}/cases?status={status}"),
        };
        match self.kind {
            TaskKind::Read => {
                self.assignment.map_or_else(|| format!("{at}/read"), |assignment| format!("{at}/read/{assignment}"))
            }
            TaskKind::NextCase | TaskKind::Calibrate => format!("{at}/read"),
            TaskKind::ReadRound => format!("{at}/calibration/{}", self.reference),
            TaskKind::DecideObjection => format!("{at}/gold#objections"),
            TaskKind::ApproveGold => format!("{at}/gold#pool"),
            TaskKind::ApprovePrecedent => format!("{at}/knowledge#precedents"),
            TaskKind::CloseAlarm if self.reference.is_empty() => format!("{at}/quality/drift#alarms"),
            TaskKind::CloseAlarm => format!("{at}/quality/alarms/{}", self.reference),
            TaskKind::Decide | TaskKind::Adjudicate => {
                self.case.map_or_else(|| format!("{at}/adjudicate"), |case| format!("{at}/adjudicate/{case}"))
            }
            TaskKind::Sign => self.case.map_or_else(|| format!("{at}/sign"), |case| format!("{at}/sign/{case}")),
            TaskKind::Review => format!("{at}/reviews"),
            TaskKind::Feedback => format!("{at}/reviews/mine"),
            TaskKind::Mend => list("revision"),
            TaskKind::Deliver => list(self.status.map_or("", |status| status.word())),
            TaskKind::Accept => list("delivered"),
            TaskKind::SettleScope => list("scope_query"),
            TaskKind::Risk | TaskKind::NewOwner => list(""),
            TaskKind::ProposeSow | TaskKind::SignSow | TaskKind::GoLive => format!("{at}/engagement"),
        }
    }

    /// Returns whether the act is a post of its own: taking the next case.
    pub(crate) fn posts(&self) -> bool {
        self.kind == TaskKind::NextCase
    }
}

impl Wait {
    /// Returns what somebody else does next.
    pub(crate) fn words(&self) -> String {
        let cases = word::count(self.cases, "case", "cases");
        let deliveries = word::count(self.cases, "delivery waits", "deliveries wait");
        match self.kind {
            WaitKind::Work => format!("{} works on {cases}", self.organisation),
            WaitKind::Acceptance => format!("{deliveries} for {} to accept or return", self.organisation),
            WaitKind::SowSignature => format!("The statement of work waits for the signature of {}", self.organisation),
        }
    }

    pub(crate) fn href(&self) -> String {
        let at = format!("/e/{}", self.engagement);
        match self.kind {
            WaitKind::Work => format!("{at}/cases"),
            WaitKind::Acceptance => format!("{at}/cases?status=delivered"),
            WaitKind::SowSignature => format!("{at}/engagement"),
        }
    }
}
