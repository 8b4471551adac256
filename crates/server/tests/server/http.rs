//! Asking the server over HTTP, in process: no port, no socket.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use remit_kernel::id::PersonId;
use remit_server::{Config, edge};
use remit_store::SessionKind;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::world::World;

/// The server of a world.
#[derive(Clone)]
pub(crate) struct Http(Router);

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A stream of events.
pub(crate) struct Stream {
    headers: HeaderMap,
    body: Body,
}

impl Stream {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the next event as it is sent; nothing: the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<String> {
        let frame = self.body.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }
}

impl Http {
    pub(crate) fn of(world: &World) -> Self {
        Self::with(world, config())
    }

    pub(crate) fn with(world: &World, config: Config) -> Self {
        Self(edge::router(world.app.clone(), config))
    }

    /// Sends a request with these headers.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let request = headers
            .iter()
            .fold(Request::builder().method(method).uri(path), |request, (name, value)| request.header(*name, *value));
        let response = self.0.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// Opens a stream of events in a browser.
    pub(crate) async fn stream(&self, path: &str, cookie: &str) -> Stream {
        let request = Request::builder().uri(path).header("cookie", cookie).body(Body::empty()).unwrap();
        let (parts, body) = self.0.clone().oneshot(request).await.unwrap().into_parts();
        assert_eq!(parts.status, StatusCode::OK);
        Stream { headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(Method::GET, path, &[("authorization", &bearer(token))], Body::empty()).await
    }

    /// Posts JSON as a program with a token.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        let headers = [("authorization", &*bearer(token)), ("content-type", "application/json")];
        self.send(Method::POST, path, &headers, body.to_string()).await
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Asserts that this is a problem, told in the one form there is, and returns its code.
    #[track_caller]
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header(header::CONTENT_TYPE.as_str()), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16(), "{self:?}");
        assert!(problem["instance"].as_str().is_some_and(|at| at.starts_with('/')), "{self:?}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.ends_with(['.', '?', '!'])), "{self:?}");
        problem["type"].as_str().and_then(|kind| kind.strip_prefix("/problems/")).unwrap().to_owned()
    }
}

impl World {
    /// Returns a token of a person, with the signing session open.
    pub(crate) async fn token(&self, person: PersonId) -> String {
        let opened = self.app.open_session(person, SessionKind::Token, "test").await.unwrap();
        self.app.store().reauthenticate_session(opened.session.id, self.app.clock().now()).await.unwrap();
        opened.secret
    }
}

pub(crate) fn config() -> Config {
    Config::local()
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}
