//! The REST API: JSON in, JSON out. Handlers parse, call `act` or `view`, and answer.

mod case;
mod problem;

use axum::{Router, extract::Request, middleware, middleware::Next, response::Response};
use remit_kernel::hash::Digest;

use crate::edge::{BODY_BYTES_MAX, Edge};

pub(crate) use case::CasesIn;
pub use problem::Problem;
pub(crate) use problem::sentence;

/// Digest of a request's body, taken before it is parsed.
#[derive(Debug, Clone, Copy)]
pub struct BodyDigest(pub Digest);

/// Returns the routes below `/api/v1`.
pub fn router() -> Router<Edge> {
    Router::new().merge(case::router()).layer(middleware::from_fn(digest_body))
}

/// Takes the digest of bodies that come with an `Idempotency-Key`, so that a reused key is told from a retry.
async fn digest_body(request: Request, next: Next) -> Response {
    if !request.headers().contains_key("idempotency-key") {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, BODY_BYTES_MAX).await.unwrap_or_default();
    parts.extensions.insert(BodyDigest(Digest::of(&bytes)));
    next.run(Request::from_parts(parts, bytes.into())).await
}
