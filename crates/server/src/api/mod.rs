//! The REST API: JSON in, JSON out. Handlers parse, call `act` or `view`, and answer.
//!
//! To add a handler:
//!
//! 1. Write it in the file of its noun: `State(app), caller: Caller, Path(..), Query(..), Json(..)`, in this order, with
//!    `Path`, `Query` and `Json` from `extract`; it answers `Result<Json<XOut>, Problem>`, an act `Json<ReceiptOut>`.
//! 2. Say what it is with `#[utoipa::path(post, path = "/engagements/{engagement}/cases", tag = "cases", request_body = CaseIn,
//!    responses((status = 200, body = ReceiptOut)))]`. Identifiers in the path, problems and the idempotency key are added
//!    for every operation in `openapi`. The first line of its doc comment is its summary.
//! 3. Name it in the noun's `router()`: `OpenApiRouter::new().routes(routes!(list, take_in))`; handlers that share a path
//!    share a `routes!`. What is not annotated does not compile, so nothing can be missing from the document.
//!
//! Types that come in derive `Deserialize` with `deny_unknown_fields` and `ToSchema`; types that go out `Serialize` and `ToSchema`.

mod adjudicate;
mod alarm;
mod calibration;
mod case;
mod engagement;
pub(crate) mod extract;
mod file;
mod gold;
mod import;
mod model;
mod mywork;
mod openapi;
mod people;
mod precedent;
mod problem;
mod protection;
mod quality;
mod reading;
mod receipt;
mod review;
mod session;
mod signoff;

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use remit_kernel::hash::Digest;
use utoipa_axum::router::OpenApiRouter;

use crate::edge::{BODY_BYTES_MAX, Edge};

pub(crate) use adjudicate::DisputesIn;
pub(crate) use case::{CasesIn, instant};
pub(crate) use mywork::MyWorkIn;
pub use problem::Problem;
pub(crate) use problem::{sentence, speak};
pub(crate) use protection::ProtectionIn;
pub(crate) use quality::{DriftIn, PlansIn, QualityIn, QuestionIn, SideBySideIn};
pub(crate) use receipt::ReceiptOut;

/// Digest of a request's body, taken before it is parsed.
#[derive(Debug, Clone, Copy)]
pub struct BodyDigest(pub Digest);

/// Returns the routes below `/api/v1`, the document of them included.
pub fn router() -> Router<Edge> {
    let (router, document) = OpenApiRouter::with_openapi(openapi::frame())
        .merge(session::router())
        .merge(engagement::router())
        .merge(people::router())
        .merge(case::router())
        .merge(import::router())
        .merge(protection::router())
        .merge(quality::router())
        .merge(alarm::router())
        .merge(gold::router())
        .merge(calibration::router())
        .merge(precedent::router())
        .merge(model::router())
        .merge(mywork::router())
        .merge(file::router())
        .merge(review::router())
        .merge(signoff::router())
        .merge(reading::router())
        .merge(adjudicate::router())
        .split_for_parts();
    let bare = Arc::new(openapi::without_query(&document));
    router
        .merge(openapi::route(document))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(bare, refuse_query))
        .layer(middleware::from_fn(digest_body))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

async fn wrong_method(request: Request) -> Problem {
    let detail = format!("there is no `{}` at this address", request.method());
    Problem::plain(
        "wrong-method",
        StatusCode::METHOD_NOT_ALLOWED,
        &detail,
        "`/api/v1/openapi.json` lists what there is.",
        "",
    )
}

/// Refuses what stands after the question mark where an operation takes nothing; `Query` does so where it takes something.
async fn refuse_query(State(bare): State<Arc<BTreeSet<(String, Method)>>>, request: Request, next: Next) -> Response {
    let name =
        form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).next().map(|(name, _)| name);
    if let (Some(name), Some(path)) = (name, request.extensions().get::<MatchedPath>()) {
        let path = path.as_str().strip_prefix(openapi::BASE).unwrap_or(path.as_str());
        let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
        if bare.contains(&(path.to_owned(), method)) {
            return extract::no_parameter(&name, &[]).into_response();
        }
    }
    next.run(request).await
}

/// Takes the digest of bodies that come with an `Idempotency-Key`, so that a reused key is told from a retry.
async fn digest_body(request: Request, next: Next) -> Response {
    if !request.headers().contains_key("idempotency-key") {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return extract::too_large().into_response();
    };
    parts.extensions.insert(BodyDigest(Digest::of(&bytes)));
    next.run(Request::from_parts(parts, bytes.into())).await
}
