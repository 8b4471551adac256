//! Import and export, as programs do them: files of the past come in, an engagement goes out line by line.

use axum::extract::State;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use remit_formats::{
    files, import_map,
    pack::{self, LoadedPack},
    table::{Encoding, Table},
};
use remit_kernel::{
    id::EngagementId,
    refusal::{Reason, code},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    extract::{Json, Path, Query},
};
use crate::{
    App, Caller, Error,
    app::{
        case,
        export::{ExportCases, ExportEvents},
        import::{History, Imported, Target},
    },
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(import_into))
        .routes(routes!(import_new))
        .routes(routes!(export_cases))
        .routes(routes!(export_events))
}

/// Files of the past and what to make of them.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportIn {
    /// Name of a pack that comes with Remit.
    pack: String,
    /// Name of a map of that pack; without it and `map_file`, the pack's only map.
    map: Option<String>,
    /// A map of one's own.
    map_file: Option<FileIn>,
    /// `detect`, which is the default, or `cp1252`.
    encoding: Option<String>,
    /// One row for each case.
    cases: FileIn,
    /// One row for each document.
    documents: Option<FileIn>,
    /// One row or more for each reading.
    readings: FileIn,
    /// One row for each reference answer.
    gold: Option<FileIn>,
    /// Name of the new engagement; only where none is named in the path.
    name: Option<String>,
}

/// A file.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileIn {
    /// Its name, for the report.
    name: String,
    /// Its bytes, plain or gzipped, in Base64.
    base64: String,
}

/// Plays past readings through an engagement, and tells what became of every row.
#[utoipa::path(post, path = "/engagements/{engagement}/imports", tag = "import", params(("engagement" = String, Path)),
    request_body = ImportIn, responses((status = 200, body = Imported)))]
async fn import_into(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Json(given): Json<ImportIn>,
) -> Result<Json<Imported>, Problem> {
    let history = given.history(Target::Engagement(engagement))?;
    Ok(Json(app.import_history(&caller, history, |_| {}).await?))
}

/// Plays past readings through a new engagement of the caller's own organisation.
#[utoipa::path(post, path = "/imports", tag = "import", request_body = ImportIn, responses((status = 200, body = Imported)))]
async fn import_new(
    State(app): State<App>,
    caller: Caller,
    Json(mut given): Json<ImportIn>,
) -> Result<Json<Imported>, Problem> {
    let name = given.name.take().ok_or_else(|| {
        Error::from(Reason::field(code::TEXT_EMPTY, "name", "the new engagement has no name").hint("Give it a name."))
    })?;
    let history = given.history(Target::New(name))?;
    Ok(Json(app.import_history(&caller, history, |_| {}).await?))
}

impl ImportIn {
    fn history(self, target: Target) -> Result<History, Error> {
        let encoding = match self.encoding.as_deref() {
            None => Encoding::Detect,
            Some(word) => {
                word.parse().map_err(|problem: String| Reason::field(code::FIELD_INVALID, "encoding", problem))?
            }
        };
        let LoadedPack { pack, mut maps, .. } = shipped(&self.pack)?;
        let map = match (self.map_file, self.map) {
            (Some(file), _) => {
                let bytes = file.bytes("map_file")?;
                import_map::of_bytes(&file.name, bytes, &pack)
                    .map_err(|wrong| Reason::field(code::FIELD_INVALID, "map_file", wrong.to_string()))?
            }
            (None, name) => {
                let only = maps.keys().next().filter(|_| maps.len() == 1).cloned();
                name.or(only).and_then(|name| maps.remove(&name)).ok_or_else(|| {
                    let known: Vec<_> = maps.keys().map(String::as_str).collect();
                    Reason::field(code::FIELD_INVALID, "map", "it is not said what the columns mean")
                        .hint(format!("Maps of this pack: {}.", known.join(", ")))
                })?
            }
        };
        let open = |field: &str, file: &FileIn| {
            Table::of_bytes(&file.name, file.bytes(field)?, encoding)
                .map_err(|wrong| Error::from(Reason::field(code::FIELD_INVALID, field, wrong.problem).hint(wrong.hint)))
        };
        Ok(History {
            map,
            cases: open("cases", &self.cases)?,
            documents: self.documents.as_ref().map(|file| open("documents", file)).transpose()?,
            readings: open("readings", &self.readings)?,
            gold: self.gold.as_ref().map(|file| open("gold", file)).transpose()?,
            pack,
            target,
        })
    }
}

impl FileIn {
    fn bytes(&self, field: &str) -> Result<Vec<u8>, Error> {
        BASE64_STANDARD.decode(&self.base64).map_err(|wrong| {
            Reason::field(code::FIELD_INVALID, format!("{field}.base64"), format!("this is not Base64: {wrong}"))
                .hint("Use the standard alphabet with padding.")
                .into()
        })
    }
}

/// Returns a pack that comes with Remit.
fn shipped(name: &str) -> Result<LoadedPack, Error> {
    let unknown = || {
        let known: Vec<_> = files::shipped().map(|(name, _)| name).collect();
        Reason::field(
            code::PACK_UNKNOWN,
            "pack",
            format!("`{}` does not come with Remit", name.chars().take(60).collect::<String>()),
        )
        .hint(format!("Known: {}.", known.join(", ")))
    };
    let files = files::find_shipped(name).ok_or_else(unknown)?;
    pack::read_files(&files).map_err(|wrong| std::io::Error::other(wrong).into())
}

/// Where a page of the export begins.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(crate) struct ExportIn {
    /// As `next` of the page before.
    after: Option<String>,
}

/// A page of cases with all that belongs to them: each list holds the lines of one file.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct CasesOut {
    /// Cases.
    cases: Vec<Value>,
    /// Readings, extra ones and suggestions too.
    readings: Vec<Value>,
    /// Judgements that decided a case.
    judgements: Vec<Value>,
    /// Where the next page begins; none: this is the last.
    next: Option<String>,
}

/// Returns cases, readings and judgements, with the texts that the caller may see.
#[utoipa::path(get, path = "/engagements/{engagement}/export/cases", tag = "export", params(("engagement" = String, Path), ExportIn),
    responses((status = 200, body = CasesOut)))]
async fn export_cases(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<ExportIn>,
) -> Result<Json<CasesOut>, Problem> {
    let after = given.place(case::place)?;
    let page = app.view(&caller, ExportCases { engagement, after }).await?;
    let next = page.next.map(case::cursor);
    Ok(Json(CasesOut { cases: page.cases, readings: page.readings, judgements: page.judgements, next }))
}

/// A page of events.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct EventsOut {
    /// Events; texts stand by identifier and commitment.
    events: Vec<Value>,
    /// Where the next page begins; none: this is the last.
    next: Option<String>,
}

/// Returns the events of an engagement, stream by stream.
#[utoipa::path(get, path = "/engagements/{engagement}/export/events", tag = "export", params(("engagement" = String, Path), ExportIn),
    responses((status = 200, body = EventsOut)))]
async fn export_events(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<ExportIn>,
) -> Result<Json<EventsOut>, Problem> {
    let read = |cursor: &str| {
        let (version, stream) = cursor.split_once('.')?;
        Some(remit_store::EventKey { stream: stream.to_owned(), version: version.parse().ok()? })
    };
    let after = given.place(read)?;
    let page = app.view(&caller, ExportEvents { engagement, after }).await?;
    let next = page.next.map(|key| format!("{}.{}", key.version, key.stream));
    Ok(Json(EventsOut { events: page.events, next }))
}

impl ExportIn {
    fn place<T>(&self, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
        match self.after.as_deref().filter(|cursor| !cursor.is_empty()) {
            None => Ok(None),
            Some(cursor) => Ok(Some(read(cursor).ok_or_else(|| {
                Reason::field(code::FIELD_INVALID, "after", "this is not a cursor")
                    .hint("Use `next` of the page before.")
            })?)),
        }
    }
}
