//! From start to stop: listen, serve, run jobs; on the first signal stop accepting, finish, leave.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use remit_store::StoreError;
use tokio::net::TcpListener;

use crate::{App, Config, config::Shutdown, edge, error::Error, life::Life, telemetry};

/// How often the store is asked whether it takes writes.
const PROBE_PAUSE: Duration = Duration::from_secs(1);
/// A store that does not answer a probe within this time takes no writes.
const PROBE_MAX: Duration = Duration::from_secs(5);
/// Every so many probes, what waits and which clocks are at risk is counted.
const MEASURE_PROBES: u32 = 15;

/// Why a server ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It cannot listen.
    #[error("{address} cannot be listened on")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The clock is behind the record, or the record cannot be read.
    #[error(transparent)]
    Start(#[from] Error),
    /// The listener failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The disk failed to make writes last: the process must end at once, and must not try again.
    #[error("the store is broken")]
    Broken(#[source] StoreError),
}

/// Serves until `stop` resolves. `listening` hears the address, which matters where port 0 was asked for.
///
/// When `stop` resolves, `/readyz` says so, and, after the time that a balancer needs to hear of it, nothing more is
/// accepted, streams of events end with a hint when to come again, and running requests are finished.
///
/// # Errors
/// [`Failed`]; after [`Failed::Broken`] the process must end.
pub async fn serve(
    app: App,
    config: Config,
    listening: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failed> {
    app.go_on_from_record().await?;
    let failed = |source| Failed::Listen { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
    let config = Config { listen: listener.local_addr().map_err(failed)?, ..config };
    let (life, Shutdown { notice, finish_max }) = (config.life.clone(), config.shutdown);
    life.serve();
    listening(config.listen);

    let jobs = tokio::spawn(crate::jobs::run(app.clone()));
    let (router, load) = edge::build(app.clone(), config);
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    let (stopping, ended) = (life.clone(), life.clone());
    let server = axum::serve(listener, router).with_graceful_shutdown(life.clone().ended());
    let announced = async move {
        stop.await;
        tracing::info!("stopping: finishing what was begun");
        stopping.announce();
        tokio::time::sleep(notice).await;
        stopping.end();
    };
    let deadline = async {
        ended.ended().await;
        tokio::time::sleep(finish_max).await;
    };
    let served = tokio::select! {
        served = async { tokio::join!(announced, IntoFuture::into_future(server)).1 } => served.map_err(Failed::Io),
        () = deadline => {
            tracing::warn!("some requests did not finish in time; what they had written is kept");
            Ok(())
        }
        broken = watch(&app, &life, &load) => Err(Failed::Broken(broken)),
    };
    jobs.abort();
    // What the task held of the application is let go before the store is closed.
    let _ = jobs.await;
    served
}

/// Asks the store again and again whether it takes writes. Returns once it never will again.
async fn watch(app: &App, life: &Life, load: &crate::load::Load) -> StoreError {
    let mut probes = 0_u32;
    loop {
        let answer = tokio::time::timeout(PROBE_MAX, app.store().probe()).await;
        let answer = answer.unwrap_or_else(|_| Err(StoreError::late()));
        if let Err(error) = &answer {
            tracing::error!(%error, "the store takes no writes: {error}");
        }
        life.probed(&answer);
        if let Err(broken @ StoreError::Broken) = answer {
            return broken;
        }
        telemetry::measure_queues(app, load);
        metrics::gauge!("remit_ready").set(if life.readiness().ready { 1.0 } else { 0.0 });
        if probes.is_multiple_of(MEASURE_PROBES)
            && let Err(error) = telemetry::measure(app).await
        {
            tracing::warn!(%error, "what waits could not be counted: {error}");
        }
        probes = probes.wrapping_add(1);
        tokio::time::sleep(PROBE_PAUSE).await;
    }
}
