//! What operators and their machines ask, apart from people and programs: is it alive, is it ready, what does it measure.

use std::future::Future;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use crate::{life::Life, pages, telemetry::Metrics};

/// Answers that the process lives; asks nothing of the store.
pub(crate) async fn alive() -> Json<serde_json::Value> {
    Json(serde_json::json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "scripts": pages::asset::SCRIPTS_PRESENT,
    }))
}

/// Answers whether a balancer should send requests here: 200, or 503 with the reason.
pub(crate) async fn ready(State(life): State<Life>) -> Response {
    let readiness = life.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

#[derive(Clone)]
struct Operate {
    life: Life,
    metrics: Metrics,
}

impl axum::extract::FromRef<Operate> for Life {
    fn from_ref(operate: &Operate) -> Self {
        operate.life.clone()
    }
}

async fn measured(State(operate): State<Operate>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], operate.metrics.text()).into_response()
}

/// Serves `/metrics`, `/healthz` and `/readyz` on a listener of their own until `stop` resolves.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    life: Life,
    metrics: Metrics,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(life, metrics)).with_graceful_shutdown(stop).await
}

/// Returns the routes for operators.
pub fn router(life: Life, metrics: Metrics) -> Router {
    Router::new()
        .route("/metrics", get(measured))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .with_state(Operate { life, metrics })
}
