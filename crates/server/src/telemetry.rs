//! What operators see: logs, metrics and how long things took. Identifiers, routes and codes; never names, texts or tokens.

use std::{
    io,
    time::{Duration, Instant},
};

use metrics::Unit;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, layer::SubscriberExt as _};

use crate::{
    App,
    error::{Error, Result},
    load::Load,
};

/// Cases due within this time count as close.
const SOON_SECONDS: i64 = 24 * 3_600;

/// Upper bounds of durations, in seconds.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];
/// Upper bounds of the writes in one commit.
const WRITES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// What a metric is.
enum Of {
    Counter,
    Gauge,
    Histogram,
}

/// Every metric, with what it says. `docs/operate.md` lists them; a test compares.
const METRICS: &[(&str, Of, Unit, &str)] = &[
    ("remit_build_info", Of::Gauge, Unit::Count, "1, with the version as a label."),
    ("remit_ready", Of::Gauge, Unit::Count, "1 while `/readyz` answers 200."),
    ("remit_requests_total", Of::Counter, Unit::Count, "Requests answered, by route, method and status."),
    ("remit_request_seconds", Of::Histogram, Unit::Seconds, "Time to the head of the answer, by route and method."),
    ("remit_requests_running", Of::Gauge, Unit::Count, "Requests that have a place."),
    ("remit_requests_waiting", Of::Gauge, Unit::Count, "Requests that wait for one."),
    (
        "remit_requests_shed_total",
        Of::Counter,
        Unit::Count,
        "Requests refused for load, by why: queue, wait, heavy, time.",
    ),
    ("remit_acts_total", Of::Counter, Unit::Count, "Acts, by command and outcome."),
    ("remit_act_seconds", Of::Histogram, Unit::Seconds, "Time of an act until it is on the disk, by command."),
    ("remit_refusals_total", Of::Counter, Unit::Count, "Reasons of refused acts, by code."),
    ("remit_views_total", Of::Counter, Unit::Count, "Views, by query and outcome."),
    ("remit_view_seconds", Of::Histogram, Unit::Seconds, "Time of a view with the record of it, by query."),
    ("remit_writer_queue_writes", Of::Gauge, Unit::Count, "Writes that wait for the writer."),
    ("remit_writer_wait_seconds", Of::Histogram, Unit::Seconds, "How long a write waited for the writer."),
    ("remit_writer_batch_writes", Of::Histogram, Unit::Count, "Writes of one commit."),
    ("remit_writer_batch_seconds", Of::Histogram, Unit::Seconds, "Time of one commit, its wait for the disk included."),
    ("remit_jobs_due", Of::Gauge, Unit::Count, "Jobs that are due and held by nobody."),
    ("remit_jobs_leased", Of::Gauge, Unit::Count, "Jobs being worked on."),
    ("remit_jobs_stopped", Of::Gauge, Unit::Count, "Jobs given up; Admin shows why."),
    ("remit_job_oldest_due_seconds", Of::Gauge, Unit::Seconds, "Age of the oldest job that is due and held by nobody."),
    ("remit_seats_open", Of::Gauge, Unit::Count, "Seats that wait for a reader."),
    ("remit_cases_overdue", Of::Gauge, Unit::Count, "Cases past their promised time and not delivered."),
    ("remit_cases_due_soon", Of::Gauge, Unit::Count, "Cases promised within 24 hours and not delivered."),
    ("remit_live_listeners", Of::Gauge, Unit::Count, "Pages that listen for changes."),
    ("remit_clock_jumps_total", Of::Counter, Unit::Count, "Jumps of the machine's clock, by direction."),
    ("remit_clock_held", Of::Gauge, Unit::Count, "1 while steady time is told because the clock was set back."),
];

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Returns what writes the log.
pub fn subscriber<W>(format: Format, level: EnvFilter, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let registry = tracing_subscriber::registry().with(level);
    match format {
        Format::Text => Box::new(registry.with(lines)),
        Format::Json => Box::new(registry.with(lines.json().flatten_event(true).with_current_span(false))),
    }
}

/// What the metrics are collected in.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Begins to collect, for the whole process.
    ///
    /// # Errors
    /// If this process collects already.
    pub fn collect() -> std::result::Result<Self, BuildError> {
        let collected = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
            .set_buckets_for_metric(Matcher::Full("remit_writer_batch_writes".to_owned()), &WRITES)?
            .install_recorder()?;
        for (name, of, unit, what) in METRICS {
            match of {
                Of::Counter => metrics::describe_counter!(*name, *unit, *what),
                Of::Gauge => metrics::describe_gauge!(*name, *unit, *what),
                Of::Histogram => metrics::describe_histogram!(*name, *unit, *what),
            }
        }
        metrics::gauge!("remit_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        metrics::gauge!("remit_clock_held").set(0.0);
        metrics::gauge!("remit_live_listeners").set(0.0);
        Ok(Self(collected))
    }

    /// Returns everything collected, in the text format of Prometheus.
    pub fn text(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }

    /// Returns the names of all metrics.
    pub fn names() -> impl Iterator<Item = &'static str> {
        METRICS.iter().map(|(name, ..)| *name)
    }
}

/// Counts what waits and which clocks are at risk.
///
/// # Errors
/// If the store fails.
pub async fn measure(app: &App) -> Result<()> {
    let now = app.clock().now();
    let backlog = app.store().backlog(now).await?;
    let clocks = app.store().case_clocks(now, now.plus_seconds(SOON_SECONDS)).await?;
    let age = backlog.oldest_due_at.map_or(0, |due_at| now.seconds_since(due_at));
    for (name, value) in [
        ("remit_jobs_due", backlog.jobs_due),
        ("remit_jobs_leased", backlog.jobs_leased),
        ("remit_jobs_stopped", backlog.jobs_stopped),
        ("remit_job_oldest_due_seconds", u64::try_from(age).unwrap_or(0)),
        ("remit_seats_open", backlog.seats_open),
        ("remit_cases_overdue", clocks.overdue),
        ("remit_cases_due_soon", clocks.at_risk),
    ] {
        metrics::gauge!(name).set(float(value));
    }
    Ok(())
}

/// Sets the gauges that cost nothing to read.
pub(crate) fn measure_queues(app: &App, load: &Load) {
    load.measure();
    let waiting = u32::try_from(app.store().writes_waiting()).unwrap_or(u32::MAX);
    metrics::gauge!("remit_writer_queue_writes").set(waiting);
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}

/// How long something took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timer(Instant);

impl Timer {
    #[expect(clippy::disallowed_methods, reason = "a measure for operators; nothing is decided by it")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Returns the milliseconds passed, for log lines.
    pub(crate) fn millis(self) -> f64 {
        (self.0.elapsed().as_secs_f64() * 10_000.0).round() / 10.0
    }
}

/// Returns how something ended, in one word, and counts the reasons of a refusal.
pub(crate) fn outcome<T>(result: &Result<T>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(Error::Refused(refusal)) => {
            for reason in &refusal.reasons {
                metrics::counter!("remit_refusals_total", "code" => reason.code.to_string()).increment(1);
            }
            "refused"
        }
        Err(Error::Busy) => "busy",
        Err(
            Error::KeyReused
            | Error::SignedOut
            | Error::TooMany { .. }
            | Error::Overloaded
            | Error::Late
            | Error::Newer,
        ) => "turned_away",
        Err(
            Error::Store(_) | Error::Access(_) | Error::Record(_) | Error::Json(_) | Error::Io(_) | Error::Clock(_),
        ) => "failed",
    }
}

/// Returns the last part of a query's type: `ShowCase`.
pub(crate) fn query_word<Q>() -> &'static str {
    let name = std::any::type_name::<Q>();
    name.split('<').next().unwrap_or(name).rsplit("::").next().unwrap_or(name)
}

/// A page that listens for changes; counted until dropped.
pub(crate) struct Listening(());

impl Listening {
    pub(crate) fn begin() -> Self {
        metrics::gauge!("remit_live_listeners").increment(1.0);
        Self(())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        metrics::gauge!("remit_live_listeners").decrement(1.0);
    }
}

/// Returns what the log's levels are, from words such as `info` or `warn,remit_server=debug`.
///
/// # Errors
/// If they are not such words.
pub fn level(words: &str) -> io::Result<EnvFilter> {
    EnvFilter::try_new(words).map_err(io::Error::other)
}
