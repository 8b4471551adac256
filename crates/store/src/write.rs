//! A write: everything one act changes, as plain data.

use remit_kernel::{hash::Digest, id::ActId, time::Instant};

use crate::{
    AnswerKept, DraftKey, EntryRow, EventRow, IndexChange, JobRow, SeedRow, SnapshotRow, TextRow,
    dialect::{Columns, Connection},
    error::{Result, Taken, Unreadable},
    value::{Statement, Value},
};

/// Everything one act changes in one scope. Applied whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// `dir` or an engagement's identifier.
    pub scope: String,
    /// When it happened.
    pub at: Instant,
    /// The act.
    pub act: ActId,
    /// Versions on which the decision rests.
    pub expects: Vec<Expect>,
    /// What happened, in order.
    pub events: Vec<EventRow>,
    /// The states after it.
    pub snapshots: Vec<SnapshotRow>,
    /// New texts.
    pub texts: Vec<TextRow>,
    /// Secret seeds of new lots.
    pub seeds: Vec<SeedRow>,
    /// How the index rows change.
    pub index: Vec<IndexChange>,
    /// Work that follows.
    pub jobs: Vec<JobRow>,
    /// The record of the act.
    pub entry: Option<EntryRow>,
    /// The answer to give again if the request comes again.
    pub answer: Option<AnswerKept>,
    /// Drafts that the act used up.
    pub drafts_dropped: Vec<DraftKey>,
    /// A stream that many acts move one after the other. Writes that name the same one are applied in the order in which
    /// they were handed over, and those that wait together share a commit; on a data folder all writes do.
    pub counter: Option<String>,
}

/// A version of a stream on which a decision rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// The stream.
    pub stream: String,
    /// Its version; 0 for a stream that does not exist.
    pub version: u64,
    /// Digest of its last event; all zeros for a stream that does not exist. Of two writes that give a stream the same
    /// version, one may have come to nothing: a version alone does not say on which of them a decision rests.
    pub head: Digest,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commit {
    /// All of it is on the disk.
    Done,
    /// A stream moved since the decision; nothing was written. Load and decide again.
    Stale,
    /// The same request was answered before, with this; nothing was written.
    Replayed(String),
    /// The key was used before for another request; nothing was written.
    KeyReused,
    /// Something that must be unique exists already; nothing was written.
    Conflict(Taken),
}

/// A write made ready: what must hold, then statements.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) answer: Option<(Statement, AnswerKept)>,
    pub(crate) expects: Vec<Expected>,
    /// Where it leaves the streams that it moves.
    pub(crate) moves: Vec<Moved>,
    pub(crate) statements: Vec<Statement>,
    /// Whether it only keeps that somebody looked: such a plan is applied even while the disk is full, from the reserve.
    pub(crate) looks: bool,
    /// With which others it may share a commit; none: it is applied by itself.
    pub(crate) company: Option<Company>,
}

/// With which others a plan may share a commit, on a database server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Company {
    /// With any of its scope.
    Scope(String),
    /// With those of its scope that move this counter, in the order in which they were handed over.
    Counter(String, String),
}

/// A version that a write makes.
#[derive(Debug)]
pub(crate) struct Moved {
    pub(crate) stream: String,
    pub(crate) version: u64,
    pub(crate) head: Digest,
}

/// A version that must be found.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) find: Statement,
    pub(crate) stream: String,
    pub(crate) version: u64,
    pub(crate) head: Digest,
    /// Whether the write moves the stream, so that nobody else may rest on this version while it is under way.
    pub(crate) moved: bool,
}

impl Expected {
    /// Reads what [`Expected::find`] finds: a version, and the digest of the event that made it.
    pub(crate) fn read(columns: &mut Columns<'_>) -> std::result::Result<(u64, Digest), Unreadable> {
        Ok((columns.take()?, columns.take()?))
    }

    /// Returns whether this is what was found; nothing: there is no such stream.
    pub(crate) fn holds(&self, found: Option<(u64, Digest)>) -> bool {
        found.unwrap_or_default() == (self.version, self.head)
    }
}

/// What applying a plan did.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) commit: Commit,
    /// Rows changed, where one plan was applied by itself.
    pub(crate) rows: u64,
}

impl Write {
    /// Returns a write that changes nothing yet.
    pub fn new(scope: impl Into<String>, at: Instant, act: ActId) -> Self {
        Self {
            scope: scope.into(),
            at,
            act,
            expects: Vec::new(),
            events: Vec::new(),
            snapshots: Vec::new(),
            texts: Vec::new(),
            seeds: Vec::new(),
            index: Vec::new(),
            jobs: Vec::new(),
            entry: None,
            answer: None,
            drafts_dropped: Vec::new(),
            counter: None,
        }
    }

    /// Makes the statements here, on the caller's thread, so that the writer has nothing to do but run them.
    pub(crate) fn into_plan(self) -> Plan {
        let Self {
            scope,
            at,
            act,
            expects,
            events,
            snapshots,
            texts,
            seeds,
            index,
            jobs,
            entry,
            answer,
            drafts_dropped,
            counter,
        } = self;
        let expects = expects.into_iter().map(|expect| Expected {
            find: expect.find(&scope),
            version: expect.version,
            head: expect.head,
            moved: snapshots.iter().any(|snapshot| snapshot.stream == expect.stream),
            stream: expect.stream,
        });
        let expects = expects.collect();
        let moves = snapshots.iter().map(|snapshot| Moved {
            stream: snapshot.stream.clone(),
            version: snapshot.version,
            head: snapshot.head,
        });
        let moves = moves.collect();
        let mut statements = Vec::new();
        statements.extend(events.into_iter().map(|event| event.insert(&scope, at, act)));
        statements.extend(snapshots.into_iter().map(|snapshot| snapshot.upsert(&scope)));
        statements.extend(texts.into_iter().map(|text| text.insert(&scope)));
        statements.extend(seeds.iter().map(|seed| seed.insert(&scope)));
        statements.extend(IndexChange::statements(&index, &scope));
        statements.extend(jobs.into_iter().map(|job| job.insert(&scope)));
        statements.extend(drafts_dropped.iter().map(|draft| draft.delete(&scope)));
        statements.extend(entry.map(EntryRow::insert));
        statements.extend(answer.as_ref().map(|answer| answer.insert(at)));
        let company = Some(match counter {
            Some(stream) => Company::Counter(scope, stream),
            None => Company::Scope(scope),
        });
        Plan { answer: answer.map(|answer| (answer.find(), answer)), expects, moves, statements, looks: false, company }
    }
}

impl Plan {
    /// Returns a plan without conditions.
    pub(crate) fn of(statements: Vec<Statement>) -> Self {
        Self { answer: None, expects: Vec::new(), moves: Vec::new(), statements, looks: false, company: None }
    }

    /// Returns roughly how many bytes its statements bind.
    pub(crate) fn bytes(&self) -> usize {
        self.statements.iter().flat_map(|statement| &statement.values).map(Value::bytes).sum()
    }

    /// Returns how many checks come first, and how many statements follow.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.expects.len() + usize::from(self.answer.is_some()), self.statements.len())
    }

    /// Applies the plan within the transaction of the connection.
    pub(crate) fn apply(&self, connection: &Connection) -> Result<Applied> {
        let nothing = |commit| Ok(Applied { commit, rows: 0 });
        if let Some((find, asked)) = &self.answer
            && let Some((fingerprint, body)) = connection.rows(find, AnswerKept::read_kept)?.into_iter().next()
        {
            return nothing(asked.compare(fingerprint, body));
        }
        for expect in &self.expects {
            let found = connection.rows(&expect.find, Expected::read)?.into_iter().next();
            if !expect.holds(found) {
                return nothing(Commit::Stale);
            }
        }
        Ok(Applied { commit: Commit::Done, rows: self.run(connection)? })
    }

    /// Runs the statements, whatever holds; returns how many rows they changed.
    pub(crate) fn run(&self, connection: &Connection) -> Result<u64> {
        self.statements.iter().try_fold(0, |rows, statement| Ok(rows + connection.execute(statement)?))
    }
}
