//! A store in a PostgreSQL database, which many nodes share: a pool of connections, and hints from node to node.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool::{
    Runtime,
    managed::{Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult, TimeoutType},
};
use tokio::{
    sync::{broadcast, mpsc, oneshot},
    task::JoinHandle,
};

use crate::{
    dialect::{ANSWER_MAX, Address, Listener, Session, unknown, unreachable},
    error::{Result, StoreError},
    migrate::{self, Known},
    patience,
    queue::Queues,
    upgrade,
    value::Statement,
    write::{Applied, Plan},
    writer::Request,
};

/// How long an act or a page waits for a connection before it is told to come again.
const WAIT_MAX: Duration = Duration::from_millis(750);
/// How long making a connection may take.
const CREATE_MAX: Duration = Duration::from_secs(3);
/// Hints that may wait to be told; beyond them the oldest listeners learn by themselves.
const HINTS_MAX: usize = 1_024;
/// How long hints are gathered before they are told together: telling takes a lock that commits wait for.
const HINTS_PAUSE: Duration = Duration::from_millis(20);
/// Most characters of one message between nodes; the database takes 8,000 bytes.
const MESSAGE_MAX: usize = 7_000;
/// How long to wait before connecting again after a connection for hints was lost.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Writes after which the database is first told to count its tables, and by how many times more each time after that.
///
/// A plan is kept from the first time on. Made while the tables were empty, when all ways are as short, it may go through all
/// rows of a scope: 3 ms for each act of the first 20,000. The database counts by itself, but after a minute at best.
const COUNT_FIRST: u64 = 128;
const COUNT_LATER: u64 = 4;
/// What a session changed is known to others a second later if it goes on, ten seconds later if it rests.
const COUNT_PAUSES: [Duration; 2] = [Duration::from_millis(1_500), Duration::from_secs(10)];

const TELL: &str = "SELECT pg_notify($1, $2)";

/// A database and the ways to it.
pub(crate) struct Cluster {
    address: Address,
    node: String,
    pool: Pool<Sessions>,
    queues: Queues,
    hints: mpsc::Sender<String>,
    heard: broadcast::Sender<Option<String>>,
    tasks: Vec<JoinHandle<()>>,
}

/// Makes the connections of the pool.
///
/// When one is lost, whatever it led to may have gone, stand still or no longer lead: those made before then are given up
/// too, instead of each keeping somebody waiting until it is found out.
pub(crate) struct Sessions {
    address: Address,
    /// Counts the losses.
    era: AtomicU64,
    /// Counts the writes, and says at how many the tables are counted.
    writes: AtomicU64,
    count_at: AtomicU64,
}

impl Sessions {
    fn new(address: Address) -> Self {
        let count_at = AtomicU64::new(COUNT_FIRST);
        Self { address, era: AtomicU64::default(), writes: AtomicU64::default(), count_at }
    }

    /// Lets the database count its tables, in the background, each time that there are several times as many writes.
    fn wrote(&self, writes: usize) {
        let writes = u64::try_from(writes).unwrap_or(u64::MAX);
        let writes = self.writes.fetch_add(writes, Ordering::Relaxed) + writes;
        let count_at = self.count_at.load(Ordering::Relaxed);
        let next = writes.saturating_mul(COUNT_LATER);
        if writes < count_at
            || self.count_at.compare_exchange(count_at, next, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        let address = self.address.clone();
        tokio::spawn(async move {
            for pause in COUNT_PAUSES {
                tokio::time::sleep(pause).await;
                let counted = async { Session::owner(&address).await?.count_outgrown().await };
                if let Err(error) = counted.await {
                    tracing::debug!(%error, "the tables could not be counted: {error}");
                }
            }
        });
    }
}

/// A connection of the pool, and the era in which it was made.
pub(crate) struct Pooled {
    session: Session,
    era: u64,
}

impl Deref for Pooled {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl Manager for Sessions {
    type Type = Pooled;
    type Error = StoreError;

    async fn create(&self) -> Result<Pooled> {
        let era = self.era.load(Ordering::SeqCst);
        Ok(Pooled { session: Session::worker(&self.address).await?, era })
    }

    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<StoreError> {
        if !pooled.is_whole() {
            if pooled.was_lost() {
                // One loss begins one era, however many connections find out.
                let _ = self.era.compare_exchange(pooled.era, pooled.era + 1, Ordering::SeqCst, Ordering::SeqCst);
            }
            return Err(RecycleError::message("the connection was given up"));
        }
        if pooled.era != self.era.load(Ordering::SeqCst) {
            return Err(RecycleError::message("another connection was lost since this one was made"));
        }
        Ok(())
    }
}

impl Cluster {
    /// Connects, bringing the tables up to date where needed. Several nodes may do so at once.
    pub(crate) async fn connect(url: &str, connections_max: usize, known: Known) -> Result<Self> {
        Self::at(Address::parse(url)?, connections_max, known).await
    }

    /// Connects once more to the same database.
    pub(crate) async fn beside(&self) -> Result<Self> {
        Self::at(self.address.clone(), self.pool.status().max_size, migrate::own()).await
    }

    async fn at(address: Address, connections_max: usize, known: Known) -> Result<Self> {
        let (schema, node) = bring_up_to_date(&address, known).await?;
        let pool = Pool::builder(Sessions::new(address.clone()))
            .max_size(connections_max)
            // The last one given back is looked at first, so a loss is known before an older connection is handed out.
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(WAIT_MAX))
            .create_timeout(Some(CREATE_MAX))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::failed(&error.to_string()))?;
        let (hints, gathered) = mpsc::channel(HINTS_MAX);
        let (heard, _) = broadcast::channel(HINTS_MAX);
        // The kernel of the database cuts names at 63 bytes.
        let channel: String = format!("remit_{schema}").chars().filter(|c| *c != '"').take(60).collect();
        let tasks = vec![
            tokio::spawn(tell(pool.clone(), channel.clone(), gathered)),
            tokio::spawn(listen(address.clone(), channel, heard.clone())),
        ];
        Ok(Self { address, node, pool, queues: Queues::default(), hints, heard, tasks })
    }

    /// Returns a connection of its own that stands still at this moment.
    pub(crate) async fn frozen(&self) -> Result<Session> {
        Session::frozen(&self.address).await
    }

    /// Returns where the database is, without the password.
    pub(crate) fn shown(&self) -> String {
        self.address.shown()
    }

    /// Returns a word that no other process at this database has.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Returns a connection of the pool.
    pub(crate) async fn session(&self) -> Result<Object<Sessions>> {
        session(&self.pool).await
    }

    /// Applies a plan with the patience of whoever asks for it, in one commit with those that it may share one with, if such
    /// wait. Dropping the receiver does not undo it.
    pub(crate) fn send(&self, plan: Plan) -> oneshot::Receiver<Result<Applied>> {
        let (reply, answer) = oneshot::channel();
        let pool = self.pool.clone();
        if patience::is_over() {
            let _ = reply.send(Err(unreachable("there was no time left to begin")));
            return answer;
        }
        if let Some(company) = plan.company.clone() {
            let (request, applied) = Request::new(plan);
            self.queues.send(&pool, company, request);
            tokio::spawn(patience::shared(async move {
                let applied = match patience::wait(ANSWER_MAX, applied).await {
                    Ok(applied) => applied.unwrap_or(Err(StoreError::Closed)),
                    // It may be on its way at this moment.
                    Err(_) => Err(unknown(unreachable("the writes ahead were not answered in time"))),
                };
                let _ = reply.send(applied);
            }));
        } else {
            let queued = Watch::start();
            tokio::spawn(patience::shared(async move {
                let applied = apply(&pool, &[&plan], Some(queued)).await.and_then(one);
                // A caller that stopped listening gave up its answer, not its write.
                let _ = reply.send(applied);
            }));
        }
        answer
    }

    /// Returns how many acts and pages wait for a connection or for the writes ahead of them.
    pub(crate) fn waiting(&self) -> usize {
        self.pool.status().waiting + self.queues.waiting()
    }

    /// Tells the other nodes something, soon and perhaps not at all.
    pub(crate) fn tell(&self, hint: String) {
        // A full queue means that the database does not take them: hints are the first to go.
        let _ = self.hints.try_send(hint);
    }

    /// Returns a listener to what nodes say, this one included; nothing stands for what may have been missed.
    pub(crate) fn heard(&self) -> broadcast::Receiver<Option<String>> {
        self.heard.subscribe()
    }
}

/// Applies plans of one scope in one commit; `queued` is when the first was handed over, if that is to be measured.
pub(crate) async fn apply(pool: &Pool<Sessions>, plans: &[&Plan], queued: Option<Watch>) -> Result<Vec<Applied>> {
    let mut session = session(pool).await?;
    if let Some(queued) = queued {
        metrics::histogram!("remit_writer_wait_seconds").record(queued.elapsed());
    }
    let begun = Watch::start();
    let applied = session.apply(plans).await;
    metrics::histogram!("remit_writer_batch_writes").record(u32::try_from(plans.len()).unwrap_or(u32::MAX));
    metrics::histogram!("remit_writer_batch_seconds").record(begun.elapsed());
    pool.manager().wrote(plans.len());
    applied
}

/// Returns what became of the one plan that was applied.
pub(crate) fn one(applied: Vec<Applied>) -> Result<Applied> {
    applied.into_iter().next().ok_or(StoreError::Closed)
}

/// Measures how long something took; nothing is decided by it.
pub(crate) struct Watch(pub(crate) Instant);

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "a measure; nothing is decided by it")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.pool.close();
    }
}

async fn session(pool: &Pool<Sessions>) -> Result<Object<Sessions>> {
    let late = |_| StoreError::Unreachable {
        source: Arc::new(std::io::Error::other("there was no time left to connect to the database")),
    };
    patience::wait(WAIT_MAX + CREATE_MAX, pool.get()).await.map_err(late)?.map_err(|error| match error {
        PoolError::Backend(error) => error,
        PoolError::Closed => StoreError::Closed,
        PoolError::Timeout(TimeoutType::Wait) => StoreError::Crowded,
        PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle)
        | PoolError::NoRuntimeSpecified
        | PoolError::PostCreateHook(_) => StoreError::Unreachable {
            source: Arc::new(std::io::Error::other("no connection to the database could be made in time")),
        },
    })
}

/// Applies the migrations that this database has not seen, as whoever the address names; returns the schema and a
/// word that no other node has.
async fn bring_up_to_date(address: &Address, known: Known) -> Result<(String, String)> {
    let mut session = Session::owner(address).await?;
    session.make_worker().await?;
    let schema = session.open_schema().await?;
    let node = session.fresh_word().await?;
    upgrade::bring_up_to_date(&mut session, known).await?;
    Ok((schema, node))
}

/// Tells gathered hints together, each once.
async fn tell(pool: Pool<Sessions>, channel: String, mut gathered: mpsc::Receiver<String>) {
    while let Some(first) = gathered.recv().await {
        tokio::time::sleep(HINTS_PAUSE).await;
        let mut lines = vec![first];
        while let Ok(more) = gathered.try_recv() {
            if !lines.contains(&more) {
                lines.push(more);
            }
        }
        let mut messages: Vec<String> = Vec::new();
        for line in lines {
            match messages.last_mut() {
                Some(message) if message.len() + line.len() < MESSAGE_MAX => {
                    message.push('\n');
                    message.push_str(&line);
                }
                _ => messages.push(line),
            }
        }
        let Ok(mut session) = session(&pool).await else { continue };
        for message in messages {
            let statement = Statement { sql: TELL, values: values![&channel, message] };
            if let Err(error) = session.execute(&statement).await {
                tracing::debug!(%error, "other nodes could not be told: {error}");
                break;
            }
        }
    }
}

/// Passes on what nodes say, connecting again whenever the connection is lost.
async fn listen(address: Address, channel: String, heard: broadcast::Sender<Option<String>>) {
    let mut lost = false;
    loop {
        if let Ok(mut listener) = Listener::connect(&address, &channel).await {
            if lost {
                // Nobody knows what was said in between.
                let _ = heard.send(None);
            }
            while let Some(message) = listener.next().await {
                for line in message.lines() {
                    // Nobody listens before the first page is open.
                    let _ = heard.send(Some(line.to_owned()));
                }
            }
        }
        lost = true;
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}
