//! Taking the past in: what files claim, played through `act` row by row. Each row is taken or named in the report.
//!
//! `plan` reads the files before anything is changed; `play` records what was planned, many cases at a time.

mod live;
mod plan;
mod play;

use std::collections::{BTreeMap, BTreeSet};

use remit_access::{Action, Label};
use remit_formats::{import_map::ImportMap, table::Table};
use remit_kernel::{
    command::{Command, LineIn, PersonIn},
    engagement::{LineKind, SowLine},
    id::{EngagementId, LineId, OrgId, PersonId},
    pack::{Pack, PackRef},
    refusal::{Reason, code},
    role::Side,
    stream::{Scope, StreamId},
};
use serde::{Deserialize, Serialize};

use super::{App, Look, Query, load::Loaded};
use crate::{
    caller::Caller,
    error::{Error, Result},
};

pub use live::{CasesIn, CasesTaken};

/// How long a statement of work for history runs; nothing in it depends on the term.
const HISTORY_YEARS: i16 = 10;
/// Clause of a line for history that the import itself writes.
const HISTORY_CLAUSE: &str = "H";

/// Files of the past, open, and what to make of them.
pub struct History {
    /// The pack whose form the readings answer.
    pub pack: Pack,
    /// What the columns mean.
    pub map: ImportMap,
    /// One row for each case.
    pub cases: Table,
    /// One row for each document, if the cases have any.
    pub documents: Option<Table>,
    /// One row or more for each reading.
    pub readings: Table,
    /// One row for each reference answer, if there are any.
    pub gold: Option<Table>,
    /// Where it goes.
    pub target: Target,
}

/// Where the past is taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An engagement that is here.
    Engagement(EngagementId),
    /// A new one of this name, within the caller's own organisation.
    New(String),
}

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Acts done.
    pub done: usize,
    /// Acts planned.
    pub total: usize,
}

/// What became of every row. A row is in one of the counts or in one of the lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Imported {
    /// Where it went.
    #[schema(value_type = String)]
    pub engagement: EngagementId,
    /// Page of the figures: they stand there at once.
    #[serde(default)]
    pub figures: String,
    /// Cases newly taken in.
    pub cases: usize,
    /// Panel readings newly recorded.
    pub readings: usize,
    /// How the panels stand now, over the cases of the files with at least one panel reading.
    pub panels: Panels,
    /// Extra readings newly recorded.
    pub extra: usize,
    /// Suggestions newly recorded.
    pub suggestions: usize,
    /// Rows of readers whom the map skips.
    pub ignored: usize,
    /// Rows that say nothing new.
    pub duplicates: usize,
    /// Rows that were not taken.
    pub rejected: Vec<Reported>,
    /// Passages and documents that were not found; the reading or case itself was taken.
    pub unplaced: Vec<Reported>,
}

/// How panels stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Panels {
    /// The readers give the same answers.
    pub agreed: usize,
    /// Two readers differ on a question that decides.
    pub disputed: usize,
    /// One reading alone.
    pub single: usize,
}

/// A row and what there is to say of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reported {
    /// Name of the file, without its folder.
    pub file: String,
    /// The row, from 1; the header and blank lines are not counted.
    pub row: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl App {
    /// Plays files of the past through [`App::act`], as this caller, and returns what became of every row.
    ///
    /// Nothing is changed before all files have been read. What is here already is left as it is, so that an import that
    /// was cut short is finished by running it again.
    ///
    /// # Errors
    /// [`Error::Refused`] if a file is broken, if nothing in the files can be taken, or if the caller may not import.
    pub async fn import_history(
        &self,
        caller: &Caller,
        history: History,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Imported> {
        let caller = Caller { once: None, ..caller.clone() };
        let History { pack, map, cases, documents, readings, gold, target } = history;
        let (form, digest) = (pack.form.clone(), pack.reference());
        let read = move || plan::read(&form, &map, cases, documents, readings, gold);
        let plan = tokio::task::spawn_blocking(read).await.map_err(std::io::Error::other)??;
        if plan.cases.is_empty() {
            let first = plan
                .report
                .rejected
                .first()
                .map(|first| format!("{}, row {}: {}", first.file, first.row, first.reason));
            return Err(Reason::field(code::FIELD_INVALID, "files", "no row of the files can be taken")
                .hint(first.unwrap_or_else(|| "The files hold no rows.".to_owned()))
                .into());
        }
        let engagement = match target {
            Target::Engagement(engagement) => engagement,
            Target::New(name) => self.draft_own(&caller, name).await?,
        };
        self.keep_pack(&pack).await?;
        let ground = self.view(&caller, AskGround { engagement }).await?;
        let line = self.history_line(&caller, engagement, &ground, &pack, digest).await?;
        let readers = self.readers(&caller, ground.provider, plan.readers()).await?;
        play::play(self, &caller, play::Stage { engagement, line, readers, form: &pack.form }, plan, &progress).await
    }

    /// Sets up an engagement of the caller's own house, in which the caller manages both sides.
    async fn draft_own(&self, caller: &Caller, name: String) -> Result<EngagementId> {
        let person = caller.person().ok_or(Error::SignedOut)?;
        let known = self.store.find_person(person).await?.ok_or_else(|| Reason::hidden(person))?;
        let managers = vec![(person, Side::Client), (person, Side::Provider)];
        let draft = Command::DraftEngagement { name, client: known.row.org, provider: known.row.org, managers };
        let drafted = self.act(caller.clone(), draft).await?;
        Ok(drafted.engagement().ok_or_else(|| Reason::hidden("engagement"))?)
    }

    /// Returns the history line for this pack, writing and signing a statement of work for history where none has one.
    async fn history_line(
        &self,
        caller: &Caller,
        engagement: EngagementId,
        ground: &Ground,
        pack: &Pack,
        reference: PackRef,
    ) -> Result<LineId> {
        if let Some(line) = ground.lines.iter().find(|line| line.pack == reference) {
            return Ok(line.line);
        }
        // A new statement for history takes the place of the one before, so it carries on its lines.
        let kept = ground.superseded.iter().map(carried_on);
        let clause = match ground.superseded.len() {
            0 => HISTORY_CLAUSE.to_owned(),
            before => format!("{HISTORY_CLAUSE}.{}", before + 1),
        };
        let line = LineIn {
            clause,
            service: format!("Past readings: {}", pack.title),
            kind: LineKind::History,
            includes: pack.case_types.iter().map(|case_type| case_type.key.clone()).collect(),
            excludes: BTreeSet::new(),
            jurisdictions: BTreeSet::new(),
            places: BTreeSet::new(),
            volume_max: None,
            price_minor: 0,
            currency: "XXX".to_owned(),
            revisions_max: 0,
            pack: reference.clone(),
            plan: None,
        };
        let starts_on = self.clock.now().date();
        let ends_on = jiff::civil::date(starts_on.year().saturating_add(HISTORY_YEARS), 12, 31);
        let lines = kept.chain([line]).collect();
        let draft = Command::DraftSow { engagement, starts_on, ends_on, names_people: false, lines };
        let sow = self.act(caller.clone(), draft).await?.sow().ok_or_else(|| Reason::hidden("statement of work"))?;
        self.act(caller.clone(), Command::ProposeSow { engagement, sow }).await?;
        self.act(caller.clone(), Command::SignSow { engagement, sow }).await?;
        let ground = self.view(caller, AskGround { engagement }).await?;
        let line = ground.lines.iter().find(|line| line.pack == reference).map(|line| line.line);
        Ok(line.ok_or_else(|| Reason::hidden("statement of work"))?)
    }

    /// Returns the people behind readers' names, adding those whom the provider's part of the directory lacks.
    ///
    /// A reader from a file never has an account, so a person of the same name who can sign in is somebody else.
    async fn readers(
        &self,
        caller: &Caller,
        org: OrgId,
        names: BTreeSet<String>,
    ) -> Result<BTreeMap<String, PersonId>> {
        let people = self.store.list_people().await?;
        let here = people.into_iter().filter(|person| person.row.org == org && !person.row.signs_in);
        let mut readers: BTreeMap<_, _> = here.filter_map(|person| Some((person.name?, person.row.person))).collect();
        for name in names {
            if readers.contains_key(&name) {
                continue;
            }
            let person = PersonIn {
                org,
                name: name.clone(),
                same_as: None,
                signs_in: false,
                place: String::new(),
                languages: BTreeSet::new(),
                roles: BTreeSet::new(),
            };
            let added = self
                .act(caller.clone(), Command::AddPerson { person })
                .await
                .map_err(|error| may_not_add(error, &name))?;
            readers.extend(added.person().map(|person| (name, person)));
        }
        Ok(readers)
    }

    /// Returns the streams of a scope as facts, for deciding what is left to record.
    async fn states(&self, engagement: EngagementId, streams: &[StreamId]) -> Result<remit_kernel::facts::Facts> {
        let mut loaded = Loaded::default();
        self.load_streams(Scope::Engagement(engagement), streams, &mut loaded).await?;
        Ok(loaded.facts)
    }
}

/// Says who can help where the caller may import but not add people to the directory.
fn may_not_add(error: Error, name: &str) -> Error {
    match error {
        Error::Refused(refusal) if refusal.has(code::NOT_PERMITTED) || refusal.has(code::NOT_FOUND) => {
            let sentence = format!("the reader `{name}` is not in the directory, and you may not add people to it");
            Reason::forbidden(code::NOT_PERMITTED, "reader", sentence)
                .hint("Ask an operator or people manager to import, or to give you the role `people_manager`.")
                .into()
        }
        other => other,
    }
}

/// Asks on what ground the past can be taken in.
struct AskGround {
    engagement: EngagementId,
}

/// The ground on which the past is taken in.
struct Ground {
    provider: OrgId,
    /// History lines in force.
    lines: Vec<SowLine>,
    /// Those of the statement for history, which another one would supersede.
    superseded: Vec<SowLine>,
}

impl Query for AskGround {
    type Out = Ground;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Ground> {
        let (engagement, sows) = look.engagement().await?;
        look.admit(Action::ImportHistory, &Label::engagement(self.engagement))?;
        let history = |line: &&SowLine| line.kind == LineKind::History;
        let of_history = sows.values().filter(|sow| Some(sow.sow) == engagement.history);
        Ok(Ground {
            provider: engagement.provider,
            superseded: of_history.flat_map(|sow| &sow.lines).filter(history).cloned().collect(),
            lines: sows.values().flat_map(|sow| &sow.lines).filter(history).cloned().collect(),
        })
    }
}

fn carried_on(line: &SowLine) -> LineIn {
    LineIn {
        clause: line.clause.clone(),
        service: line.service.clone(),
        kind: line.kind,
        includes: line.includes.clone(),
        excludes: line.excludes.clone(),
        jurisdictions: line.jurisdictions.clone(),
        places: line.places.clone(),
        volume_max: line.volume_max,
        price_minor: line.price_minor,
        currency: line.currency.clone(),
        revisions_max: line.revisions_max,
        pack: line.pack.clone(),
        plan: Some(line.plan.clone()),
    }
}

/// Returns whether an error is about the row at hand, so that the import names it and goes on.
fn refused(error: Error) -> Result<String> {
    use remit_kernel::refusal::Class;
    match error {
        Error::Refused(refusal) if matches!(refusal.class(), Class::Field | Class::Rule) => {
            let told = refusal.reasons.iter().map(|reason| match reason.class {
                Class::Field => format!("`{}`: {}", reason.subject, reason.sentence),
                Class::Rule | Class::Forbidden | Class::Hidden => reason.sentence.clone(),
            });
            Ok(told.collect::<Vec<_>>().join("; "))
        }
        other => Err(other),
    }
}
