//! From start to stop: listen, serve, run jobs; on the first signal stop accepting, finish, leave.

use std::{future::Future, net::SocketAddr, time::Duration};

use tokio::net::TcpListener;

use crate::{App, Config, edge};

/// How long running requests may take after the first signal.
const FINISH: Duration = Duration::from_secs(20);

/// Serves until `stop` resolves. `listening` hears the address, which matters where port 0 was asked for.
///
/// # Errors
/// If the address cannot be listened on.
pub async fn serve(
    app: App,
    config: Config,
    listening: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = TcpListener::bind(config.listen).await?;
    let config = Config { listen: listener.local_addr()?, ..config };
    listening(config.listen);
    let jobs = tokio::spawn(crate::jobs::run(app.clone()));
    let router = edge::router(app, config).into_make_service_with_connect_info::<SocketAddr>();
    let (stopped, heard) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop.await;
        // Nobody listens any more only if the server has ended by itself.
        let _ = stopped.send(());
    });
    let deadline = async {
        // Event streams never end by themselves: they are cut once the deadline has passed.
        if heard.await.is_ok() {
            tokio::time::sleep(FINISH).await;
        }
    };
    let served = tokio::select! {
        served = std::future::IntoFuture::into_future(server) => served,
        () = deadline => Ok(()),
    };
    jobs.abort();
    served
}
