//! PostgreSQL: connecting, the wall between engagements, pipelines, binding, telling violations apart.
//!
//! A pipeline sends many statements before it waits for the first answer, so an act costs two round trips: one to lock
//! and compare what it rests on, one to write and commit.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures_util::{StreamExt as _, TryStreamExt as _, future};
use remit_kernel::hash::Digest;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_postgres::{
    AsyncMessage, Client, SimpleQueryMessage,
    error::{Severity, SqlState},
    types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};

use super::{
    Address, Columns, Row,
    gather::{Does, Gathered, gathered},
};
use crate::{
    AnswerKept,
    error::{Result, StoreError, Taken, Unreadable},
    patience::{self, Late},
    value::{Cell, Statement, Value},
    write::{Applied, Commit, Expected, Plan},
};

/// How long a statement of an act or a page may take, its way there and back included: with the waits before it, nobody
/// waits five seconds for a database that does not answer.
pub(crate) const ANSWER_MAX: Duration = Duration::from_millis(3_500);
/// How long a statement of a session that copies or verifies everything may take.
const LONG_ANSWER_MAX: Duration = Duration::from_mins(5);

/// The role that does the daily work: behind the wall, and without the right to change what is append-only.
const WORKER: &str = "remit_app";

/// What the database holds itself to on our behalf, so that what we gave up on does not stay locked.
///
/// Every statement has an index in its own order. A planner that has no statistics yet, after an import or in the first
/// minute, takes tables for empty and would read and sort them whole: 26 ms for the next case, and up to 102.
const SETTINGS: &str = "SET statement_timeout = '6s'; SET lock_timeout = '3s'; \
    SET idle_in_transaction_session_timeout = '6s'; SET client_connection_check_interval = '2s'; SET jit = off; \
    SET enable_seqscan = off; SET enable_sort = off";

/// The same for sessions that copy or verify everything.
const LONG_SETTINGS: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";

/// Tables of which half changed since the database last counted them.
const OUTGROWN: &str = "SELECT quote_ident(relname) FROM pg_stat_user_tables \
    WHERE schemaname = current_schema() AND n_mod_since_analyze * 2 > n_live_tup";

/// Names the scope whose rows may be seen and written from here on. `*` stands for all of them.
const WALL: &str = "SELECT set_config('remit.scope', $1, false)";

/// The version of a stream that a write moves, held against everybody else until the write is committed.
const MOVED: &str = "SELECT version, head FROM snapshots WHERE scope_id = $1 AND stream = $2 FOR NO KEY UPDATE";

/// The version of a stream on which a write rests: others may rest on it too, nobody may move it.
const RESTED_ON: &str = "SELECT version, head FROM snapshots WHERE scope_id = $1 AND stream = $2 FOR SHARE";

/// A connection with its prepared statements.
pub(crate) struct Session {
    client: Client,
    driver: JoinHandle<()>,
    prepared: HashMap<&'static str, Prepared>,
    /// The scope named last; empty before the first.
    wall: String,
    /// Something was left half-said: the connection must not be used again.
    broken: bool,
    /// Whoever used it had no time left, which says nothing about what it leads to.
    impatient: bool,
    /// The last plan had come to its commit.
    committing: bool,
    /// The database gave a warning since this was last put down.
    warned: Arc<AtomicBool>,
    answer_max: Duration,
}

/// A prepared statement, the same for many rows if it adds some, and the place of the value that names its scope.
struct Prepared {
    statement: tokio_postgres::Statement,
    of_many: Option<tokio_postgres::Statement>,
    does: Does,
    scope_at: Option<usize>,
}

/// One thing to say in a pipeline.
#[derive(Clone, Copy)]
enum Say<'a> {
    /// A word of transactions.
    Word(&'static str),
    /// A statement whose changes count.
    Run(&'a Statement),
    /// Statements of one text, said as one: the first, and all of them.
    RunMany(&'a Statement, &'a Gathered<'a>),
    /// A statement whose rows count.
    Ask(&'a Statement),
}

impl<'a> Say<'a> {
    /// Says statements of one text; nothing if there is none.
    fn together(group: &'a Gathered<'a>) -> Option<Self> {
        match *group.rows {
            [] => None,
            [one] => Some(Self::Run(one)),
            [first, ..] => Some(Self::RunMany(first, group)),
        }
    }

    /// Returns the statement, or the first of several.
    fn statement(self) -> Option<&'a Statement> {
        match self {
            Self::Word(_) => None,
            Self::Run(statement) | Self::RunMany(statement, _) | Self::Ask(statement) => Some(statement),
        }
    }
}

/// What came back for one thing said.
#[derive(Default)]
struct Heard {
    rows: Vec<tokio_postgres::Row>,
    changed: u64,
}

type Answer<'a> = Pin<Box<dyn Future<Output = std::result::Result<Heard, tokio_postgres::Error>> + Send + 'a>>;

impl Session {
    /// Connects as whoever the address names: for migrations and grants.
    pub(crate) async fn owner(address: &Address) -> Result<Self> {
        let (client, mut messages) = address.connect().await?;
        let warned = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&warned);
        let driver = tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                match message {
                    Ok(AsyncMessage::Notice(notice)) if notice.parsed_severity() == Some(Severity::Warning) => {
                        tracing::warn!(code = notice.code().code(), "the database warns: {}", notice.message());
                        heard.store(true, Ordering::SeqCst);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(%error, "a connection to the database ended: {error}");
                        return;
                    }
                }
            }
        });
        Ok(Self {
            client,
            driver,
            prepared: HashMap::new(),
            wall: String::new(),
            broken: false,
            impatient: false,
            committing: false,
            warned,
            answer_max: ANSWER_MAX,
        })
    }

    /// Connects as the role that works behind the wall.
    pub(crate) async fn worker(address: &Address) -> Result<Self> {
        let session = Self::owner(address).await?;
        session.client.batch_execute(SETTINGS).await?;
        session.client.batch_execute(&format!("SET ROLE {WORKER}")).await?;
        Ok(session)
    }

    /// Connects as the worker and stands still at this moment: what is written from now on is not seen.
    pub(crate) async fn frozen(address: &Address) -> Result<Self> {
        let mut session = Self::worker(address).await?;
        session.answer_max = LONG_ANSWER_MAX;
        session.client.batch_execute(LONG_SETTINGS).await?;
        session.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        // The moment is that of the first look.
        session.client.batch_execute("SELECT 1").await?;
        Ok(session)
    }

    /// Returns whether the connection can be used again.
    pub(crate) fn is_whole(&self) -> bool {
        !self.broken && !self.client.is_closed()
    }

    /// Returns whether a connection that cannot be used again makes others doubtful, too.
    pub(crate) fn was_lost(&self) -> bool {
        !self.is_whole() && (!self.impatient || self.client.is_closed())
    }

    /// Makes the role that works behind the wall, and lets it and whoever the address names meet in this schema.
    ///
    /// Another node may be doing the same at this moment, which is as good.
    pub(crate) async fn make_worker(&self) -> Result<()> {
        let made = format!("CREATE ROLE {WORKER} NOLOGIN");
        for sql in [made, format!("GRANT {WORKER} TO CURRENT_USER")] {
            match self.client.batch_execute(&sql).await {
                Err(error) if is_there(&error) => {}
                Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                    let member = format!("SELECT pg_has_role(CURRENT_USER, '{WORKER}', 'MEMBER')");
                    if !self
                        .client
                        .query(&member, &[])
                        .await
                        .is_ok_and(|rows| rows.first().is_some_and(|row| row.get(0)))
                    {
                        let why = format!(
                            "this user may not make the role `{WORKER}`: let an administrator run `CREATE ROLE {WORKER} \
                             NOLOGIN; GRANT {WORKER} TO <this user>;` once"
                        );
                        return Err(StoreError::Address { why });
                    }
                }
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Lets the worker into the schema; returns the schema's name.
    pub(crate) async fn open_schema(&self) -> Result<String> {
        let row = self.client.query_one("SELECT current_schema()", &[]).await?;
        let schema: Option<String> = row.get(0);
        let schema = schema.ok_or_else(|| StoreError::Address { why: "its search path names no schema".to_owned() })?;
        let quoted = schema.replace('"', "\"\"");
        self.client.batch_execute(&format!("GRANT USAGE ON SCHEMA \"{quoted}\" TO {WORKER}")).await?;
        Ok(schema)
    }

    /// Returns a word that was never given before.
    pub(crate) async fn fresh_word(&self) -> Result<String> {
        Ok(self.client.query_one("SELECT CAST(gen_random_uuid() AS TEXT)", &[]).await?.get(0))
    }

    /// Returns the rows that some text gives, every cell as text.
    pub(crate) async fn texts(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        let messages = self.client.simple_query(sql).await?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(rows.map(|row| (0..row.len()).map(|at| row.get(at).unwrap_or("NULL").to_owned()).collect()).collect())
    }

    /// Lets the database count the tables that have outgrown what it knows of them, and so plan anew what is asked of them.
    pub(crate) async fn count_outgrown(&self) -> Result<()> {
        let tables = self.texts(OUTGROWN).await?.concat();
        if !tables.is_empty() {
            self.run(&format!("ANALYZE {}", tables.join(", "))).await?;
        }
        Ok(())
    }

    /// Makes a table that may be there, or be made by another node at this moment.
    pub(crate) async fn make_table(&self, sql: &str) -> Result<()> {
        match self.client.batch_execute(sql).await {
            Err(error) if is_there(&error) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Runs one statement; returns how many rows it changed.
    pub(crate) async fn execute(&mut self, statement: &Statement) -> Result<u64> {
        let answer_max = self.answer_max;
        let heard = patience::wait(answer_max, self.pipeline(&[Say::Run(statement)])).await;
        let heard = heard.unwrap_or_else(|late| Err(self.late(late)));
        let heard = heard.inspect_err(|error| self.doubt(error))?;
        Ok(heard.iter().map(|heard| heard.changed).sum())
    }

    /// Runs statements in one transaction, as they stand, and waits once.
    pub(crate) async fn say_plainly(&mut self, statements: &[Statement]) -> Result<()> {
        let words = |word| [Say::Word(word)].into_iter();
        let said: Vec<Say<'_>> = words("BEGIN").chain(statements.iter().map(Say::Run)).chain(words("COMMIT")).collect();
        let heard = self.pipeline(&said).await;
        self.broken |= heard.is_err();
        heard.map(drop)
    }

    /// Runs text that binds nothing.
    pub(crate) async fn run(&self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Returns the rows of a statement.
    pub(crate) async fn rows<T>(
        &mut self,
        statement: &Statement,
        read: fn(&mut Columns<'_>) -> std::result::Result<T, Unreadable>,
    ) -> Result<Vec<T>> {
        let answer_max = self.answer_max;
        // The database cannot hold this letter, so nothing is found by it.
        if statement.values.iter().any(|value| matches!(value, Value::Text(text) if text.contains('\0'))) {
            return Ok(Vec::new());
        }
        let heard = patience::wait(answer_max, self.pipeline(&[Say::Ask(statement)])).await;
        let heard = heard.unwrap_or_else(|late| Err(self.late(late)));
        let heard = heard.inspect_err(|error| self.doubt(error))?;
        let rows = heard.iter().flat_map(|heard| &heard.rows);
        rows.map(|row| Ok(read(&mut Columns::of(Row::Postgres(row)))?)).collect()
    }

    /// Applies plans of one scope, one after the other, in one transaction; a plan of one statement without conditions is one
    /// by itself. Returns what became of each. A plan whose conditions do not hold is left out; an error is that of all, and
    /// nothing was written.
    ///
    /// [`StoreError::Unknown`] if the connection was lost after the commit was asked for: it may have been done.
    pub(crate) async fn apply(&mut self, plans: &[&Plan]) -> Result<Vec<Applied>> {
        let answer_max = self.answer_max;
        // Until this ends well, the connection is in the middle of something.
        (self.broken, self.committing) = (true, false);
        let applied = patience::wait(answer_max, self.apply_now(plans)).await;
        let applied = applied.unwrap_or_else(|late| {
            let error = self.late(late);
            // What was not told to commit is undone when the connection ends.
            Err(if self.committing { unknown(error) } else { error })
        });
        let sound = match &applied {
            Ok(_) => true,
            Err(StoreError::Taken(_) | StoreError::Contended | StoreError::Unreadable(_)) => {
                match patience::wait(answer_max, self.undo()).await {
                    Ok(undone) => undone.is_ok(),
                    Err(late) => {
                        self.late(late);
                        false
                    }
                }
            }
            Err(_) => false,
        };
        self.broken = !sound;
        applied
    }

    async fn apply_now(&mut self, plans: &[&Plan]) -> Result<Vec<Applied>> {
        let held = held(plans);
        let mut opening = vec![Say::Word("BEGIN")];
        opening.extend(plans.iter().filter_map(|plan| plan.answer.as_ref()).map(|(find, _)| Say::Ask(find)));
        opening.extend(held.values().map(Say::Ask));
        let mut ends: Vec<Option<Commit>> = plans.iter().map(|_| None).collect();
        let begun = opening.len() > 1;
        // What is missing is prepared before anything is locked.
        let statements = plans.iter().flat_map(|plan| &plan.statements);
        self.prepare(&statements.map(|statement| statement.sql).collect::<Vec<_>>()).await?;
        if begun {
            let looked = self.pipeline(&opening).await?;
            ends = compare(plans, held.keys().copied(), looked)?;
        }
        let run: Vec<&Plan> = plans.iter().zip(&ends).filter(|(_, end)| end.is_none()).map(|(plan, _)| *plan).collect();
        if run.is_empty() {
            self.undo().await?;
            let nothing = |end: Option<Commit>| Applied { commit: end.unwrap_or(Commit::Done), rows: 0 };
            return Ok(ends.into_iter().map(nothing).collect());
        }
        let together = self.together(&run);
        let mut closing: Vec<Say<'_>> = together.iter().filter_map(Say::together).collect();
        if !begun && closing.len() > 1 {
            closing.insert(0, Say::Word("BEGIN"));
        }
        if begun || closing.len() > 1 {
            closing.push(Say::Word("COMMIT"));
        }
        self.warned.store(false, Ordering::SeqCst);
        self.committing = true;
        let heard = self.pipeline(&closing).await.map_err(unknown)?;
        if self.warned.load(Ordering::SeqCst) {
            // Done here, and perhaps nowhere else: a wait for the synchronous standby that somebody cancelled ends like
            // this, and the next leader may never have heard of it.
            return Err(unknown(unreachable("the database warned while it committed")));
        }
        // Rows of several plans are written together, and nobody asks how many of whose.
        let rows = if plans.len() == 1 { heard.iter().map(|heard| heard.changed).sum() } else { 0 };
        let applied = |end: Option<Commit>| match end {
            Some(commit) => Applied { commit, rows: 0 },
            None => Applied { commit: Commit::Done, rows },
        };
        Ok(ends.into_iter().map(applied).collect())
    }

    /// Returns the statements of plans, rows of one table together. Each must have been prepared.
    fn together<'p>(&self, plans: &[&'p Plan]) -> Vec<Gathered<'p>> {
        let statements = plans.iter().flat_map(|plan| &plan.statements);
        gathered(statements, |statement| {
            let prepared = &self.prepared[statement.sql];
            (&prepared.does, prepared.scope(&statement.values))
        })
    }

    /// Ends a transaction without a trace. What was set inside it is undone with it.
    async fn undo(&mut self) -> Result<()> {
        self.wall.clear();
        Ok(self.client.batch_execute("ROLLBACK").await?)
    }

    /// Checks that a statement can be prepared.
    pub(crate) async fn check(&mut self, sql: &'static str) -> Result<()> {
        self.prepare(&[sql]).await
    }

    /// Prepares what this connection has not seen yet.
    async fn prepare(&mut self, statements: &[&'static str]) -> Result<()> {
        for sql in statements.iter().copied() {
            if !self.prepared.contains_key(sql) {
                let statement = self.client.prepare(&each_by_key(sql).unwrap_or_else(|| sets_first(sql))).await?;
                let (does, scope_at) = (Does::of(sql), scope_at(sql));
                let of_many = match &does {
                    Does::Insert(insert) => {
                        let kinds = statement.params().iter().map(Type::name);
                        Some(self.client.prepare(&insert.of_many(kinds)).await?)
                    }
                    Does::Change(_) | Does::Other => None,
                };
                self.prepared.insert(sql, Prepared { statement, of_many, does, scope_at });
            }
        }
        Ok(())
    }

    /// Says everything before it waits for the first answer; returns what was heard on each, or the first failure.
    ///
    /// Before a statement of another scope than the one before it, the wall is moved.
    async fn pipeline(&mut self, said: &[Say<'_>]) -> Result<Vec<Heard>> {
        let mut statements = vec![WALL];
        statements.extend(said.iter().filter_map(|say| Some(say.statement()?.sql)));
        self.prepare(&statements).await?;
        let client = &self.client;
        let wall_named = &self.prepared[WALL].statement;
        let mut wall = self.wall.clone();
        let mut answers: Vec<(bool, Answer<'_>)> = Vec::with_capacity(said.len() + 1);
        for say in said {
            if let Some(statement) = say.statement()
                && let scope = self.prepared[statement.sql].scope(&statement.values)
                && wall != scope
            {
                scope.clone_into(&mut wall);
                answers.push((false, Box::pin(async move { run(client, wall_named, [scope]).await })));
            }
            let answer: Answer<'_> = match *say {
                Say::Word(word) => Box::pin(async move { client.batch_execute(word).await.map(|()| Heard::default()) }),
                Say::Run(statement) => {
                    let prepared = &self.prepared[statement.sql].statement;
                    Box::pin(async move { run(client, prepared, &statement.values).await })
                }
                Say::RunMany(first, group) => {
                    let of_many = self.prepared[first.sql].of_many.as_ref().ok_or_else(|| of_one(first))?;
                    Box::pin(async move { run(client, of_many, group.columns()).await })
                }
                Say::Ask(statement) => {
                    let prepared = &self.prepared[statement.sql].statement;
                    Box::pin(async move { ask(client, prepared, &statement.values).await })
                }
            };
            answers.push((true, answer));
        }
        let (counts, answers): (Vec<bool>, Vec<Answer<'_>>) = answers.into_iter().unzip();
        let heard = in_order(answers).await;
        self.wall = wall;
        let mut out = Vec::with_capacity(said.len());
        for (counts, heard) in counts.into_iter().zip(heard) {
            let heard = heard?;
            if counts {
                out.push(heard);
            }
        }
        Ok(out)
    }

    /// Gives the connection up because an answer did not come in time.
    fn late(&mut self, late: Late) -> StoreError {
        self.broken = true;
        self.impatient = late == Late::Impatient;
        unreachable("no answer in time")
    }

    /// Gives the connection up if an error says that what it leads to may be gone, late or no longer lead.
    fn doubt(&mut self, error: &StoreError) {
        self.broken |= matches!(error, StoreError::Unreachable { .. });
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Prepared {
    /// Returns the scope that the statement keeps to, or `*` for one that goes through all of them.
    fn scope<'v>(&self, values: &'v [Value]) -> &'v str {
        match self.scope_at.and_then(|at| values.get(at - 1)) {
            Some(Value::Text(scope)) => scope,
            Some(Value::Null | Value::Bool(_) | Value::Int(_) | Value::Bytes(_)) | None => "*",
        }
    }
}

/// Says that many rows were to be written by a statement that is for one: only what adds rows is gathered.
fn of_one(statement: &Statement) -> StoreError {
    StoreError::failed(&format!("many rows were gathered for `{}`", statement.sql))
}

async fn run<P: tokio_postgres::types::BorrowToSql>(
    client: &Client,
    statement: &tokio_postgres::Statement,
    values: impl IntoIterator<Item = P, IntoIter: ExactSizeIterator>,
) -> std::result::Result<Heard, tokio_postgres::Error> {
    Ok(Heard { rows: Vec::new(), changed: client.execute_raw(statement, values).await? })
}

async fn ask(
    client: &Client,
    statement: &tokio_postgres::Statement,
    values: &[Value],
) -> std::result::Result<Heard, tokio_postgres::Error> {
    Ok(Heard { rows: client.query_raw(statement, values).await?.try_collect().await?, changed: 0 })
}

/// Polls all once, in their order, so that all are under way; then waits for one after the other.
async fn in_order<'a, T>(mut futures: Vec<Pin<Box<dyn Future<Output = T> + Send + 'a>>>) -> Vec<T> {
    let mut done: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    let mut begun = false;
    future::poll_fn(|cx| {
        let mut waiting = false;
        for (future, done) in futures.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            match future.as_mut().poll(cx) {
                Poll::Ready(value) => *done = Some(value),
                Poll::Pending => waiting = true,
            }
            // Answers come in the order of the questions: those behind one that waits need not be looked at.
            if waiting && begun {
                break;
            }
        }
        begun = true;
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Returns the looks at the versions on which plans rest, each stream once, that also hold them until the transaction ends.
/// In the order of the streams, so that two transactions do not wait for each other.
fn held<'p>(plans: &[&'p Plan]) -> BTreeMap<&'p str, Statement> {
    let mut held: BTreeMap<&str, Statement> = BTreeMap::new();
    for expect in plans.iter().flat_map(|plan| &plan.expects) {
        let sql = if expect.moved { MOVED } else { RESTED_ON };
        let looked =
            held.entry(&expect.stream).or_insert_with(|| Statement { sql, values: expect.find.values.clone() });
        if expect.moved {
            looked.sql = MOVED;
        }
    }
    held
}

/// Returns what ends each plan before it changes anything, if something does; of plans in one transaction each rests on what
/// those before it leave. What was heard begins with the opening word, then come kept answers, then the streams.
fn compare<'p>(
    plans: &[&'p Plan],
    streams: impl Iterator<Item = &'p str>,
    heard: Vec<Heard>,
) -> Result<Vec<Option<Commit>>> {
    let mut looked = heard.into_iter().skip(1);
    let mut kept = Vec::with_capacity(plans.len());
    for plan in plans {
        let row = if plan.answer.is_some() { looked.next().unwrap_or_default().rows.into_iter().next() } else { None };
        kept.push(row.map(|row| AnswerKept::read_kept(&mut Columns::of(Row::Postgres(&row)))).transpose()?);
    }
    let mut found: HashMap<&str, (u64, Digest)> = HashMap::new();
    for (stream, heard) in streams.zip(looked) {
        if let Some(row) = heard.rows.first() {
            found.insert(stream, Expected::read(&mut Columns::of(Row::Postgres(row)))?);
        }
    }
    let mut answered: Vec<&AnswerKept> = Vec::new();
    let mut ends = Vec::with_capacity(plans.len());
    for (plan, kept) in plans.iter().zip(kept) {
        let asked = plan.answer.as_ref().map(|(_, asked)| asked);
        let before = asked.and_then(|asked| answered.iter().find(|before| before.is_for_same(asked)));
        let kept = kept.or_else(|| before.map(|before| (before.fingerprint, before.body.clone())));
        let end = if let Some((asked, (fingerprint, body))) = asked.zip(kept) {
            Some(asked.compare(fingerprint, body))
        } else {
            let holds = plan.expects.iter().all(|expect| expect.holds(found.get(expect.stream.as_str()).copied()));
            (!holds).then_some(Commit::Stale)
        };
        if end.is_none() {
            answered.extend(asked);
            found.extend(plan.moves.iter().map(|moved| (moved.stream.as_str(), (moved.version, moved.head))));
        }
        ends.push(end);
    }
    Ok(ends)
}

/// Returns the number of the placeholder that names the scope, if one does.
fn scope_at(sql: &str) -> Option<usize> {
    if let Some((_, after)) = sql.split_once("scope_id = $") {
        return after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    }
    let (_, columns) = sql.strip_prefix("INSERT INTO ")?.split_once('(')?;
    columns.trim_start().starts_with("scope_id").then_some(1)
}

/// Hears what other nodes say. Hints only: what is said while nobody is connected is lost.
pub(crate) struct Listener {
    _client: Client,
    driver: JoinHandle<()>,
    said: mpsc::UnboundedReceiver<String>,
}

impl Listener {
    /// Connects and listens on a channel.
    pub(crate) async fn connect(address: &Address, channel: &str) -> Result<Self> {
        let (client, mut messages) = address.connect().await?;
        let (tell, said) = mpsc::unbounded_channel();
        let driver = tokio::spawn(async move {
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notification(notification) = message
                    && tell.send(notification.payload().to_owned()).is_err()
                {
                    return;
                }
            }
        });
        client.batch_execute(&format!("LISTEN \"{channel}\"")).await?;
        Ok(Self { _client: client, driver, said })
    }

    /// Returns what is said next; nothing once the connection is lost.
    pub(crate) async fn next(&mut self) -> Option<String> {
        self.said.recv().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Returns a look at the rows of some keys as one look at the index for each key; nothing for any other statement.
///
/// A table is empty for a planner until it has been counted, for a minute after the first rows at least. A set then seems dearer
/// to seek key by key than to find by going through all rows of the scope, and the plan is kept: 3 ms for each act of the
/// first 20,000. Within `LATERAL`, behind `OFFSET`, there is nothing to choose.
fn each_by_key(sql: &str) -> Option<String> {
    let (head, rest) = sql.split_once(" IN (SELECT key FROM json_each($2))")?;
    let (columns, from) = head.strip_prefix("SELECT ")?.split_once(" FROM ")?;
    let (table, column) = from.split_once(" WHERE scope_id = $1 AND ")?;
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    // What is looked for besides had better be looked for where the rows are.
    (is_name(table) && is_name(column) && !rest.contains('$')).then(|| {
        format!(
            "SELECT {columns} FROM json_each($2) AS wanted CROSS JOIN LATERAL \
             (SELECT * FROM {table} WHERE scope_id = $1 AND {column} = wanted.key OFFSET 0) AS {table} WHERE TRUE{rest}"
        )
    })
}

/// Returns a statement whose sets of keys are made once, before rows are looked at, so that each key is sought in the index.
///
/// As a list to join, the planner takes a set for a hundred keys, and rather goes through all rows of the scope: a millisecond
/// for the three streams of an act among 1,600 cases.
fn sets_first(sql: &str) -> String {
    let mut parts = sql.split("IN (SELECT key FROM json_each(");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // What stands between is a placeholder.
        let (placeholder, after) = part.split_once("))").unwrap_or((part, ""));
        out.push_str("= ANY (ARRAY(SELECT key FROM json_each(");
        out.push_str(placeholder);
        out.push_str(")))");
        out.push_str(after);
    }
    out
}

/// Returns a statement of a migration in the words of this database. Texts compare by their bytes, as in SQLite,
/// whatever the database was made with.
pub(crate) fn table_text(sql: &str) -> String {
    sql.replace(" TEXT", " TEXT COLLATE \"C\"").replace(" BLOB", " BYTEA")
}

/// Returns a cell of a row.
pub(super) fn cell(row: &tokio_postgres::Row, at: usize) -> Option<Cell<'_>> {
    let kind = row.columns().get(at)?.type_();
    let cell = match *kind {
        Type::BOOL => row.try_get::<_, Option<bool>>(at).ok()?.map(|flag| Cell::Int(i64::from(flag))),
        Type::INT4 => row.try_get::<_, Option<i32>>(at).ok()?.map(|number| Cell::Int(i64::from(number))),
        Type::INT8 => row.try_get::<_, Option<i64>>(at).ok()?.map(Cell::Int),
        Type::BYTEA => row.try_get::<_, Option<&[u8]>>(at).ok()?.map(Cell::Bytes),
        _ => row.try_get::<_, Option<&str>>(at).ok()?.map(Cell::Text),
    };
    Some(cell.unwrap_or(Cell::Null))
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, kind) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Bool(flag), _) => flag.to_sql(kind, out),
            (Self::Int(number), &Type::BOOL) => (*number != 0).to_sql(kind, out),
            (Self::Int(number), &Type::INT4) => i32::try_from(*number)?.to_sql(kind, out),
            (Self::Int(number), _) => number.to_sql(kind, out),
            (Self::Text(text), _) => text.to_sql(kind, out),
            (Self::Bytes(bytes), _) => bytes.to_sql(kind, out),
        }
    }

    /// What a value cannot be is refused when it is written: the statement's own types are not known before.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(failure) = error.as_db_error() else {
            return Self::Unreachable { source: Arc::new(error) };
        };
        let code = failure.code();
        if *code == SqlState::UNIQUE_VIOLATION {
            return match failure.constraint() {
                Some("events_pkey") => Self::Taken(Taken::Event),
                Some("cases_reference") => Self::Taken(Taken::Reference),
                Some("logins_name") => Self::Taken(Taken::LoginName),
                // The same request is being done by another connection: it will be found done.
                Some("kept_answers_pkey") => Self::Contended,
                Some(_) | None => Self::Database(Arc::new(error)),
            };
        }
        let passing =
            [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE];
        // The server is going down, coming up, switching over or full: another try finds it again.
        let away = ["57", "08", "53"].iter().any(|class| code.code().starts_with(class));
        let read_only = [SqlState::READ_ONLY_SQL_TRANSACTION, SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT];
        match () {
            () if passing.contains(code) => Self::Contended,
            () if away || read_only.contains(code) => Self::Unreachable { source: Arc::new(error) },
            () => Self::Database(Arc::new(error)),
        }
    }
}

/// A connection that is lost while a commit is under way leaves open whether it was done.
pub(crate) fn unknown(error: StoreError) -> StoreError {
    match error {
        StoreError::Unreachable { source } => StoreError::Unknown { source },
        other => other,
    }
}

pub(crate) fn unreachable(what: &str) -> StoreError {
    StoreError::Unreachable { source: Arc::new(std::io::Error::other(what.to_owned())) }
}

/// Returns whether an error says that what was to be made is there already.
fn is_there(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| [SqlState::DUPLICATE_OBJECT, SqlState::UNIQUE_VIOLATION].contains(code))
        // Two nodes granted at the same instant.
        || error.as_db_error().is_some_and(|failure| failure.message().contains("tuple concurrently updated"))
}

#[cfg(test)]
mod tests {
    use super::{each_by_key, sets_first};

    #[test]
    fn rows_of_keys_are_sought_key_by_key() {
        let sql = "SELECT x, y FROM things WHERE scope_id = $1 AND x IN (SELECT key FROM json_each($2)) ORDER BY x";
        let sought = "SELECT x, y FROM json_each($2) AS wanted CROSS JOIN LATERAL \
            (SELECT * FROM things WHERE scope_id = $1 AND x = wanted.key OFFSET 0) AS things WHERE TRUE ORDER BY x";
        assert_eq!(each_by_key(sql).as_deref(), Some(sought));
        for other in [
            "SELECT 1",
            "SELECT x FROM things WHERE scope_id = $1 AND (x || '') IN (SELECT key FROM json_each($2))",
            "SELECT x FROM things WHERE scope_id = $1 AND x IN (SELECT key FROM json_each($2)) AND y = $3",
            "UPDATE things SET x = $1 WHERE scope_id = $1 AND x IN (SELECT key FROM json_each($2))",
        ] {
            assert_eq!(each_by_key(other), None, "{other}");
        }
    }

    #[test]
    fn each_set_of_a_statement_is_made_before_rows_are_looked_at() {
        let sql = "SELECT 1 FROM a WHERE x = $1 AND (y || '') IN (SELECT key FROM json_each($2)) \
            OR z IN (SELECT key FROM json_each($12)) ORDER BY x";
        let first = "SELECT 1 FROM a WHERE x = $1 AND (y || '') = ANY (ARRAY(SELECT key FROM json_each($2))) \
            OR z = ANY (ARRAY(SELECT key FROM json_each($12))) ORDER BY x";
        assert_eq!(sets_first(sql), first);
        assert_eq!(sets_first("SELECT 1"), "SELECT 1");
    }
}
