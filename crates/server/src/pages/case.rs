//! Pages of cases: the list and its export here; intake, one case, and what is done to it in the modules below.

mod act;
mod intake;
mod show;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use remit_formats::xlsx::{self, Cell};
use remit_kernel::{
    id::EngagementId,
    index::{CaseStatus, Origin},
    refusal::{Reason, code},
};

use super::{Frame, Oops, Place, encode, fragment, html, word};
use crate::{
    App, Caller, Error,
    api::{CasesIn, extract::Limit},
    app::case::{CaseLine, CaseList, PAGE_MAX, intake::ListQuestions, view::IMPORTED},
    edge::Edge,
};

pub(crate) use act::return_code;
pub(crate) use show::{Quoting, decided, document, reasons};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/cases", get(list))
        .route("/e/{engagement}/cases.xlsx", get(export))
        .merge(intake::router())
        .merge(show::router())
        .merge(act::router())
}

/// Most rows of an export; more are narrowed first.
const EXPORT_ROWS_MAX: usize = 20_000;

#[derive(Template)]
#[template(path = "case/list.html", blocks = ["rows"])]
struct ListPage {
    frame: Frame,
    engagement: EngagementId,
    list: CaseList,
    given: CasesIn,
    questions: Vec<(String, String)>,
    takes_in: bool,
}

impl ListPage {
    /// Returns the query of this list, at another place of it.
    fn query(&self, after: Option<&str>) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let flag = |value: Option<bool>| value.filter(|set| *set).map(|_| "true".to_owned()).unwrap_or_default();
        let given = &self.given;
        let pairs = [
            ("status", text(&given.status)),
            ("q", text(&given.q)),
            ("disputed", flag(given.disputed)),
            ("stopped_early", flag(given.stopped_early)),
            ("question", text(&given.question)),
            ("origin", text(&given.origin)),
            ("changed", flag(given.changed)),
            ("limit", given.limit.map(|limit| limit.0.to_string()).unwrap_or_default()),
            ("after", after.unwrap_or_default().to_owned()),
        ];
        let pairs = pairs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    fn filtered(&self) -> bool {
        !self.query(None).is_empty()
    }

    fn chosen(&self, field: &str, value: &str) -> bool {
        let given = match field {
            "status" => &self.given.status,
            "question" => &self.given.question,
            _ => &self.given.origin,
        };
        given.as_deref() == Some(value)
    }

    /// Returns the statuses to choose from, with their counts where the viewer sees all cases.
    fn statuses(&self) -> Vec<(&'static str, String)> {
        let count = |status: CaseStatus| {
            self.list.statuses.iter().find(|counted| counted.status == status).map(|counted| counted.cases)
        };
        let label = |status: CaseStatus| match count(status) {
            Some(cases) => format!("{} ({cases})", word::status(status)),
            None => word::status(status).to_owned(),
        };
        CaseStatus::ALL.iter().map(|status| (status.word(), label(*status))).collect()
    }

    fn has_imported(&self) -> bool {
        self.list.cases.iter().any(|line| line.origin == Origin::Imported)
    }

    fn counted(&self, total: &u64) -> String {
        word::count(*total, "case", "cases")
    }

    fn status(&self, line: &CaseLine) -> &'static str {
        // Nobody cancelled it: it ended when its reader was told.
        if line.gold { "Gold case, told" } else { word::status(line.status) }
    }

    fn late(&self, line: &CaseLine) -> bool {
        let over = matches!(
            line.status,
            CaseStatus::Accepted | CaseStatus::Declined | CaseStatus::Cancelled | CaseStatus::Delivered
        );
        !over && line.origin == Origin::Witnessed && line.due_at < self.frame.now.timestamp()
    }
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<CasesIn>,
) -> Result<Html<String>, Oops> {
    let list = app.view(&caller, given.clone().query(engagement)?).await?;
    let questions = app.view(&caller, ListQuestions { engagement }).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Cases, "Cases").await?;
    let takes_in =
        frame.holds(remit_kernel::role::Role::ClientManager) || frame.holds(remit_kernel::role::Role::DeliveryManager);
    let page = ListPage { frame, engagement, list, given, questions, takes_in };
    if fragment(&headers) { html(&page.as_rows()) } else { html(&page) }
}

/// The list as a workbook, under the same filters.
async fn export(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<CasesIn>,
) -> Result<Response, Oops> {
    let mut rows = Vec::new();
    let mut given = CasesIn { limit: Some(Limit(PAGE_MAX)), after: None, ..given };
    loop {
        let list = app.view(&caller, given.clone().query(engagement)?).await?;
        rows.extend(list.cases.into_iter().map(cells));
        if rows.len() > EXPORT_ROWS_MAX {
            let reason =
                Reason::rule(code::TOO_MANY, "cases", format!("more than {EXPORT_ROWS_MAX} cases fit the filter"));
            return Err(Error::from(reason.hint("Narrow the filter, or use `remit export` for everything.")).into());
        }
        given.after = list.next;
        if given.after.is_none() {
            break;
        }
    }
    let header = [
        "Reference",
        "Title",
        "Case type",
        "Status",
        "Urgent",
        "Due",
        "Owner",
        "Revision",
        "Readers differed",
        "Changed at sign-off",
        "Origin",
        "Case",
    ];
    let bytes = xlsx::write("Cases", &header, rows).map_err(|error| Error::Io(std::io::Error::other(error)))?;
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, "attachment; filename=\"cases.xlsx\"")], bytes)
        .into_response())
}

fn cells(line: CaseLine) -> Vec<Cell> {
    let origin = if line.origin == Origin::Imported { IMPORTED } else { "Witnessed by Remit" };
    vec![
        Cell::Text(line.reference),
        Cell::Text(line.title),
        Cell::Text(line.case_type),
        Cell::Text(word::status(line.status).to_owned()),
        Cell::Flag(line.urgent),
        Cell::Instant(line.due_at.into()),
        Cell::Text(line.owner_name),
        Cell::Whole(line.revision.into()),
        Cell::Flag(line.disputed),
        Cell::Flag(line.changed_after_agreement),
        Cell::Text(origin.to_owned()),
        Cell::Text(line.case.to_string()),
    ]
}
