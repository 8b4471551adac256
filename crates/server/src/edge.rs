//! The edge: the router, who calls, and the headers of every answer.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, FromRef, FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use remit_kernel::{
    id::{ActId, PersonId, SessionId},
    time::Instant,
};
use remit_store::patience;
use tower_http::{csrf::CsrfLayer, limit::RequestBodyLimitLayer};
use tracing::Instrument as _;

use crate::{
    App, Caller, Config, Error,
    api::{self, extract::whole_path},
    caller::{Once, Who},
    life::Life,
    limit::Buckets,
    load::{Kind, Load},
    operate, pages,
    telemetry::Timer,
};

/// Largest body of a request, in bytes: a case with a few long documents fits.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long an act waits for a database server, from asking who acts to the commit: whoever asks is told within five
/// seconds that it cannot be done. A page that needs many answers takes what each of them may.
const STORE_MAX: Duration = Duration::from_secs(4);

/// What handlers share.
#[derive(Clone)]
pub struct Edge {
    /// The application.
    pub app: App,
    /// How the server is run.
    pub config: Arc<Config>,
    limits: Arc<Limits>,
    load: Arc<Load>,
}

/// The buckets of what is limited.
struct Limits {
    api: Buckets,
    pages: Buckets,
}

impl Limits {
    fn new(config: &Config) -> Self {
        Self { api: Buckets::new(config.limits.api_per_minute), pages: Buckets::new(config.limits.pages_per_minute) }
    }

    /// Forms are not limited: what a person wrote must always arrive.
    fn take(&self, person: PersonId, program: bool, method: &Method, now: Instant) -> Result<(), Error> {
        match (program, method) {
            (true, _) => self.api.take(person, now),
            (false, &Method::GET) => self.pages.take(person, now),
            (false, _) => Ok(()),
        }
    }
}

impl FromRef<Edge> for App {
    fn from_ref(edge: &Edge) -> Self {
        edge.app.clone()
    }
}

impl FromRef<Edge> for Arc<Config> {
    fn from_ref(edge: &Edge) -> Self {
        Arc::clone(&edge.config)
    }
}

impl FromRef<Edge> for Life {
    fn from_ref(edge: &Edge) -> Self {
        edge.config.life.clone()
    }
}

/// Returns the whole server as one router.
pub fn router(app: App, config: Config) -> Router {
    build(app, config).0
}

/// Returns the whole server as one router, and what it measures its load by.
pub(crate) fn build(app: App, config: Config) -> (Router, Arc<Load>) {
    if let Some(demo) = &config.demo {
        app.show_demo(demo.clone(), config.listen.port());
    }
    let limits = Arc::new(Limits::new(&config));
    let load = Arc::new(Load::new(config.load));
    let edge = Edge { app, config: Arc::new(config), limits, load: Arc::clone(&load) };
    let router = Router::new()
        .route("/healthz", get(operate::alive))
        .route("/readyz", get(operate::ready))
        .merge(pages::router())
        .nest("/api/v1", api::router())
        .fallback(nothing)
        .layer(CsrfLayer::new())
        .layer(RequestBodyLimitLayer::new(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(edge.clone(), admit))
        .layer(middleware::from_fn(api::speak))
        .layer(middleware::from_fn_with_state(edge.clone(), headers))
        .layer(middleware::from_fn_with_state(edge.clone(), observe))
        .with_state(edge);
    (router, load)
}

/// What names a request in the record, in the log and in the `X-Request-Id` of a failure. Never taken from outside.
#[derive(Clone)]
struct RequestId(String);

/// Returns the template of a request's route, which says nothing of whose page it is.
fn route(request: &Request) -> String {
    request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned()
}

/// Gives a request its name, and tells operators how it went.
async fn observe(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let timer = Timer::start();
    let (route, method) = (route(&request), method_word(request.method()));
    let named = edge.app.ctx(&Caller::service("edge")).map(|ctx| ctx.id::<ActId>(0).to_string());
    let id = match named {
        Ok(id) => id,
        Err(error) => return refuse(request.uri().path(), error),
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("http.request", request_id = id, method, route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    metrics::counter!("remit_requests_total", "route" => route.clone(), "method" => method, "status" => status.as_u16().to_string())
        .increment(1);
    metrics::histogram!("remit_request_seconds", "route" => route, "method" => method).record(timer.elapsed());
    span.in_scope(|| {
        tracing::info!(status = status.as_u16(), duration_ms = timer.millis(), "answered {}", status.as_u16());
    });
    // Whoever tells us of a failure can name it. Other answers stay the same to the byte, so that nothing can be told by them.
    if status.is_server_error()
        && let Ok(id) = HeaderValue::from_str(&id)
    {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

/// Returns a method as a label: one of few words, whatever was sent.
fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Lets a request in if there is a place for it, and ends one that takes too long: an act that was begun is finished all the
/// same, and the same request with its key finds its answer.
async fn admit(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let kind = Kind::of(&route(&request));
    let path = request.uri().path().to_owned();
    let _place = match edge.load.take(kind).await {
        Ok(place) => place,
        Err(error) => return refuse(&path, error),
    };
    let Some(time_max) = edge.load.time_max(kind) else { return next.run(request).await };
    let acts = !request.method().is_safe();
    let answer = tokio::time::timeout(time_max, next.run(request));
    let answer = if acts { patience::bounded(STORE_MAX, answer).await } else { answer.await };
    answer.unwrap_or_else(|_| {
        metrics::counter!("remit_requests_shed_total", "why" => "time").increment(1);
        refuse(&path, Error::Late)
    })
}

async fn nothing(request: Request) -> Response {
    let refused = Error::from(remit_kernel::refusal::Reason::hidden(request.uri().path()));
    refuse(request.uri().path(), refused)
}

/// Answers an error in the form of the place it happened in: a problem for programs, a page for people.
fn refuse(path: &str, error: Error) -> Response {
    if path.starts_with("/api/") {
        api::Problem::new(error, path).into_response()
    } else {
        pages::Oops::from(error).into_response()
    }
}

/// Sets the headers that every answer carries.
async fn headers(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", CSP),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ] {
        if !headers.contains_key(name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if edge.config.secure {
        headers
            .insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains"));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// No inline script, no inline style, nothing from elsewhere.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A caller who could not be settled.
pub struct Unsettled(Response);

impl IntoResponse for Unsettled {
    fn into_response(self) -> Response {
        self.0
    }
}

impl FromRequestParts<Edge> for Caller {
    type Rejection = Unsettled;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Unsettled> {
        let path = whole_path(parts).to_owned();
        let found = match secret(&parts.headers, edge.config.cookie()) {
            Some(secret) => edge.app.who(&secret).await,
            None => Ok(None),
        };
        let program = path.starts_with("/api/");
        let who = match found {
            Ok(Some((who, _))) => who,
            Ok(None) if program => return Err(Unsettled(refuse(&path, Error::SignedOut))),
            Ok(None) => return Err(Unsettled(to_sign_in(parts))),
            Err(error) => return Err(Unsettled(refuse(&path, error))),
        };
        if let Who::Person { person, .. } = who {
            let taken = edge.limits.take(person, program, &parts.method, edge.app.clock().now());
            taken.map_err(|error| Unsettled(refuse(&path, error)))?;
        }
        let request_id = parts.extensions.get::<RequestId>().map(|RequestId(id)| id.clone()).unwrap_or_default();
        let once = once(parts).map_err(|error| Unsettled(refuse(&path, error)))?;
        Ok(Self { who, request_id, once, path })
    }
}

/// A browser without a session goes to the sign-in page, and comes back where it wanted to be.
fn to_sign_in(parts: &Parts) -> Response {
    let wanted = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let wanted = if parts.method == Method::GET { wanted } else { "/" };
    let target = format!("/sign-in?next={}", pages::encode(wanted));
    if parts.headers.contains_key("hx-request") {
        return [("hx-redirect", target)].into_response();
    }
    Redirect::to(&target).into_response()
}

/// Returns the secret of the session: a bearer token, or the cookie.
pub(crate) fn secret(headers: &HeaderMap, cookie: &str) -> Option<String> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    bearer.map(str::to_owned).or_else(|| {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split("; "))
            .find_map(|pair| pair.strip_prefix(cookie)?.strip_prefix('=').map(str::to_owned))
    })
}

/// Returns what makes a write count once, if the program sent a key. Its fingerprint joins the body in `api`.
fn once(parts: &Parts) -> Result<Option<Once>, Error> {
    let Some(key) = parts.headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().unwrap_or_default().trim();
    if key.is_empty() || key.len() > 200 {
        return Err(remit_kernel::refusal::Reason::field(
            remit_kernel::refusal::code::FIELD_INVALID,
            "Idempotency-Key",
            "the key is empty, longer than 200 characters, or not plain text",
        )
        .hint("Send a fresh random key, such as a UUID, with each new write.")
        .into());
    }
    let route = format!("{} {}", parts.method, whole_path(parts));
    let fingerprint = parts.extensions.get::<api::BodyDigest>().map_or_else(Default::default, |digest| digest.0);
    Ok(Some(Once { route, key: key.to_owned(), fingerprint }))
}

/// The session of a request, for pages that end or renew it.
pub struct Session(pub SessionId);

impl FromRequestParts<Edge> for Session {
    type Rejection = Unsettled;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Unsettled> {
        let caller = Caller::from_request_parts(parts, edge).await?;
        match caller.who {
            Who::Person { session: Some(session), .. } => Ok(Self(session)),
            Who::Person { session: None, .. } | Who::Service => Err(Unsettled(to_sign_in(parts))),
        }
    }
}

/// Where a request comes from, to slow down guessing. Behind a TLS proxy, the proxy says.
pub(crate) struct Address(pub(crate) String);

impl FromRequestParts<Edge> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Self::Rejection> {
        // Only the last entry was written by our own proxy; those before it are whatever the client sent.
        let forwarded = parts.headers.get("x-forwarded-for").filter(|_| edge.config.secure);
        let forwarded =
            forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next().map(|last| last.trim().to_owned()));
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_string());
        Ok(Self(forwarded.or(peer).unwrap_or_default()))
    }
}
