//! Work after the answer. A job is written with the act that causes it, may run twice without harm, and waits longer
//! after each failure, up to a stated end.

use std::time::Duration;

use remit_kernel::{command::Command, time::Instant};
use remit_store::Job;
use tracing::{info, warn};

use crate::{
    App, Caller,
    app::{
        CLOSE_CALIBRATION, CLOSE_LOT, CLOSE_SHOWING, CloseCalibration, CloseShowing, OfLot, REPLAN, Replan, SCREEN_LOT,
    },
    error::{Error, Result},
};

/// Jobs claimed at a time.
const BATCH: u32 = 16;
/// How long a claimed job is ours.
const LEASE_SECONDS: i64 = 60;
/// After this many attempts a job is stopped and shown under Admin.
const ATTEMPTS_MAX: u32 = 10;
/// How often the table is looked at when nothing was heard.
const PAUSE: Duration = Duration::from_secs(1);

/// The lease of the node that tidies up.
const TIDYING: &str = "tidying";
/// The lease of the node that measures readers.
const MEASURING: &str = "measuring";
/// The lease of the node that watches the charts of drift.
const WATCHING: &str = "watching";
/// How often the charts are computed.
const WATCH_SECONDS: i64 = 3_600;
/// How often it looks whether panels closed.
const MEASURE_SECONDS: i64 = 3_600;
/// How often what has had its time is removed.
const TIDY_SECONDS: i64 = 3_600;
/// How long an answer is kept for a request that comes again.
const ANSWERS_KEPT_SECONDS: i64 = 7 * 86_400;
/// How long failed attempts to sign in are remembered.
const ATTEMPTS_KEPT_SECONDS: i64 = 86_400;

/// Runs jobs as they fall due, for as long as the server lives.
pub(crate) async fn run(app: App) {
    let mut heard = app.topics();
    let mut tidy_at = app.clock().now();
    let mut measure_at = app.clock().now();
    let mut watch_at = app.clock().now();
    loop {
        let now = app.clock().now();
        if now >= tidy_at {
            tidy_at = now.plus_seconds(TIDY_SECONDS);
            if let Err(error) = tidy(&app).await {
                warn!(%error, "what has had its time could not be removed: {error}");
            }
        }
        if now >= measure_at {
            measure_at = now.plus_seconds(MEASURE_SECONDS);
            if let Err(error) = measure(&app).await {
                warn!(%error, "readers could not be measured: {error}");
            }
        }
        if now >= watch_at {
            watch_at = now.plus_seconds(WATCH_SECONDS);
            if let Err(error) = watch(&app).await {
                warn!(%error, "charts could not be watched: {error}");
            }
        }
        match run_due(&app).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => warn!(%error, "jobs could not be claimed: {error}"),
        }
        // A change may bring a job; otherwise the next look is a second away.
        drop(tokio::time::timeout(PAUSE, heard.recv()).await);
    }
}

/// Runs what is due now and returns how many jobs that were. Tests call it instead of waiting.
///
/// # Errors
/// If the jobs cannot be claimed or settled; a job that fails is tried again later.
pub async fn run_due(app: &App) -> Result<usize> {
    let now = app.clock().now();
    let lease = app.ctx(&Caller::service("jobs"))?.id::<remit_kernel::id::JobId>(0).to_string();
    let jobs = app.store().claim_jobs(&lease, now, now.plus_seconds(LEASE_SECONDS), BATCH).await?;
    for job in &jobs {
        settle(app, job, now, work(app, job).await).await?;
    }
    Ok(jobs.len())
}

/// Removes what has had its time: kept answers, ended sessions, old attempts to sign in. Of several nodes one does it; the
/// lease lasts until the next time is due. Returns how many rows went, or nothing if another node holds the lease.
///
/// # Errors
/// If the store fails.
pub async fn tidy(app: &App) -> Result<Option<u64>> {
    let (store, now) = (app.store(), app.clock().now());
    if !store.take_lease(TIDYING, store.node(), now, now.plus_seconds(TIDY_SECONDS)).await? {
        return Ok(None);
    }
    let gone = store.drop_answers(now.plus_seconds(-ANSWERS_KEPT_SECONDS)).await?
        + store.drop_expired(now, now.plus_seconds(-ATTEMPTS_KEPT_SECONDS)).await?;
    if gone > 0 {
        info!("removed {gone} rows that have had their time");
    }
    Ok(Some(gone))
}

/// Measures the readers anew where panels closed since, in engagements with a sequential plan. Of several nodes one does
/// it. Returns how many engagements were measured, or nothing if another node holds the lease.
///
/// # Errors
/// If the store fails.
pub async fn measure(app: &App) -> Result<Option<u64>> {
    let (store, now) = (app.store(), app.clock().now());
    if !store.take_lease(MEASURING, store.node(), now, now.plus_seconds(MEASURE_SECONDS)).await? {
        return Ok(None);
    }
    let mut measured = 0;
    for named in store.list_engagements().await? {
        let Ok(engagement) = named.scope.parse() else { continue };
        if app.measure_if_due(&Caller::service("measuring"), engagement).await? {
            info!(engagement = %engagement, "measured the readers anew");
            measured += 1;
        }
    }
    Ok(Some(measured))
}

/// Computes the charts of drift and raises the alarms of those that reached their limit. Of several nodes one does it;
/// what two of them found would be raised once all the same. Returns how many alarms were raised, or nothing if another
/// node holds the lease.
///
/// # Errors
/// If the store fails.
pub async fn watch(app: &App) -> Result<Option<u64>> {
    let (store, now) = (app.store(), app.clock().now());
    if !store.take_lease(WATCHING, store.node(), now, now.plus_seconds(WATCH_SECONDS)).await? {
        return Ok(None);
    }
    let mut raised = 0;
    for named in store.list_engagements().await? {
        let Ok(engagement) = named.scope.parse() else { continue };
        let here = app.watch(&Caller::service("watching"), engagement).await?;
        if here > 0 {
            info!(engagement = %engagement, "raised {here} alarms of drift");
        }
        raised += here;
    }
    Ok(Some(raised))
}

async fn work(app: &App, job: &Job) -> Result<()> {
    match job.row.name.as_str() {
        REPLAN => {
            let Replan { engagement, person } = serde_json::from_str(&job.row.body)?;
            match app.act(Caller::service(job.row.id.to_string()), Command::Replan { engagement, person }).await {
                Ok(receipt) => {
                    info!(engagement = %engagement, "planned anew {} duties", receipt.events.len());
                    Ok(())
                }
                Err(error) => Err(error),
            }
        }
        CLOSE_SHOWING => {
            let CloseShowing { engagement, case } = serde_json::from_str(&job.row.body)?;
            let command = Command::CloseShowing { engagement, case };
            app.act(Caller::service(job.row.id.to_string()), command).await.map(drop)
        }
        CLOSE_CALIBRATION => {
            let CloseCalibration { engagement, calibration } = serde_json::from_str(&job.row.body)?;
            let command = Command::CloseCalibration { engagement, calibration };
            app.act(Caller::service(job.row.id.to_string()), command).await.map(drop)
        }
        CLOSE_LOT => {
            let OfLot { engagement, lot } = serde_json::from_str(&job.row.body)?;
            app.act(Caller::service(job.row.id.to_string()), Command::CloseLot { engagement, lot }).await.map(drop)
        }
        SCREEN_LOT => {
            let OfLot { engagement, lot } = serde_json::from_str(&job.row.body)?;
            // Each act draws a part; the last finds nothing left.
            while app
                .act(Caller::service(job.row.id.to_string()), Command::ScreenLot { engagement, lot })
                .await?
                .has("selected")
            {}
            Ok(())
        }
        unknown => Err(Error::Io(std::io::Error::other(format!("no job is called `{unknown}`")))),
    }
}

async fn settle(app: &App, job: &Job, now: Instant, outcome: Result<()>) -> Result<()> {
    match outcome {
        Ok(()) => app.store().finish_job(job).await?,
        Err(error) if job.attempts >= ATTEMPTS_MAX => {
            warn!(job = %job.row.id, %error, "gave up a job: {error}");
            app.store().stop_job(job, now, &error.to_string()).await?
        }
        Err(error) => {
            let wait = i64::from(2_u32.saturating_pow(job.attempts));
            app.store().retry_job(job, now.plus_seconds(wait), &error.to_string()).await?
        }
    };
    Ok(())
}
