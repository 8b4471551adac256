//! Bad input to every operation of the API: an answer that is a problem, never a failure of ours.
//!
//! The document is walked, so an operation is covered from the day it is written.

use axum::http::{Method, StatusCode};
use remit_kernel::index::CaseStatus;
use serde_json::{Map, Value, json};

use crate::{
    http::{Answer, Http, bearer},
    world::World,
};

/// An operation of the document.
struct Operation<'a> {
    method: Method,
    path: String,
    schema: Option<&'a Value>,
    queries: Vec<String>,
    open: bool,
}

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Returns the operations of a document, with `/api/v1` before their paths.
fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            let described = &item[method.as_str().to_lowercase()];
            if described.is_null() {
                continue;
            }
            let parameters = described["parameters"].as_array().cloned().unwrap_or_default();
            let queries = parameters.iter().filter(|parameter| parameter["in"] == "query");
            operations.push(Operation {
                path: format!("/api/v1{path}"),
                schema: described.pointer("/requestBody/content/application~1json/schema"),
                queries: queries.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect(),
                open: described["security"] == json!([]) || described["security"] == json!([{}]),
                method,
            });
        }
    }
    operations
}

/// Returns a body of the shape that a schema describes; its texts and identifiers mean nothing.
fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(target) = schema["$ref"].as_str() {
        return sample(document, document.pointer(target.trim_start_matches('#')).unwrap());
    }
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    if let Some(options) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
        let told = options.iter().find(|option| option["type"] != "null").unwrap();
        return sample(document, told);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let fields = parts.iter().filter_map(|part| sample(document, part).as_object().cloned()).flatten();
        return Value::Object(fields.collect());
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("object");
    match (kind, schema["format"].as_str()) {
        ("string", Some("date-time")) => json!("2026-03-05T09:00:00Z"),
        ("string", Some("date")) => json!("2026-03-05"),
        ("string", _) => json!("x"),
        ("integer" | "number", _) => json!(1),
        ("boolean", _) => json!(true),
        ("array", _) => json!([sample(document, &schema["items"])]),
        (_, _) => {
            let known = schema["properties"].as_object().cloned().unwrap_or_default();
            Value::Object(known.iter().map(|(name, field)| (name.clone(), sample(document, field))).collect())
        }
    }
}

/// Returns the fields without which a body of this schema is not complete.
fn required(document: &Value, schema: &Value) -> Vec<String> {
    if let Some(target) = schema["$ref"].as_str() {
        return required(document, document.pointer(target.trim_start_matches('#')).unwrap());
    }
    let names = schema["required"].as_array().into_iter().flatten();
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

struct Attack {
    http: Http,
    world: World,
    failures: Vec<String>,
}

impl Attack {
    /// Sends one request as somebody who is signed in. `must_fail`: whatever the operation is, this cannot be right.
    async fn send(&mut self, operation: &Operation<'_>, path: &str, body: impl Into<Vec<u8>>, must_fail: bool) {
        let body = body.into();
        let token = self.world.token(self.world.delivery).await;
        let authorization = bearer(&token);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let answer = self.http.send(operation.method.clone(), path, &headers, body.clone()).await;
        let sent: String = String::from_utf8_lossy(&body).chars().take(120).collect();
        let at = format!("{} {} {sent}", operation.method, path.chars().take(160).collect::<String>());
        self.judge(&at, &answer, must_fail);
    }

    fn judge(&mut self, at: &str, answer: &Answer, must_fail: bool) {
        let problem = answer.header("content-type") == "application/problem+json";
        let wrong = answer.status.is_server_error()
            || answer.status.is_client_error() != problem
            || (must_fail && !answer.status.is_client_error());
        if wrong {
            self.failures.push(format!(
                "{at}\n  {} {}",
                answer.status,
                answer.body.chars().take(300).collect::<String>()
            ));
        }
    }
}

/// Things that exist, by the placeholders that stand for them.
struct Real([(&'static str, String); 5]);

impl Real {
    async fn of(world: &World) -> Self {
        let case = world.case_at(CaseStatus::Ready, "bad-input").await;
        Self([
            ("{engagement}", world.engagement.to_string()),
            ("{case}", case.to_string()),
            ("{item}", world.item(case).await.to_string()),
            ("{person}", world.reader1.to_string()),
            ("{organisation}", world.client_org.to_string()),
        ])
    }

    /// Fills a path; a placeholder of another name is filled with nonsense.
    fn fill(&self, path: &str) -> String {
        self.0.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value)).replace(['{', '}'], "x")
    }
}

/// Values that fit no field of any kind, and values that fit only texts.
fn odd_values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(1.5),
        json!(99_999_999_999_999_999_u64),
        json!(""),
        json!("a\u{0}b"),
        json!("\u{1b}[31mred\u{7}"),
        json!("\u{202e}<script>alert(1)</script>"),
        json!("x".repeat(300_000)),
        json!([]),
        json!([[[[]]]]),
        json!({ "surprise": {} }),
    ]
}

#[tokio::test]
async fn no_body_path_or_query_makes_the_server_fail() {
    let world = World::live().await;
    let http = Http::of(&world);
    let document = http.send(Method::GET, "/api/v1/openapi.json", &[], "").await.json();
    let real = Real::of(&world).await;
    let mut attack = Attack { http, world, failures: Vec::new() };
    for operation in &operations(&document) {
        let path = real.fill(&operation.path);
        attack_paths(&mut attack, operation).await;
        for query in &operation.queries {
            for value in
                ["", "%00", "%ff%fe", "-1", "99999999999999999999", "many", &"x".repeat(5_000), "a&b=c", "%F0%9F%98%80"]
            {
                attack.send(operation, &format!("{path}?{query}={value}"), "{}", false).await;
            }
            attack.send(operation, &format!("{path}?{query}=1&{query}=2"), "{}", false).await;
            attack.send(operation, &format!("{path}?{query}_surprise=1"), "{}", true).await;
        }
        let Some(schema) = operation.schema else { continue };
        for broken in [
            "",
            "{",
            "{\"a\":}",
            "nul",
            "[1,2]",
            "7",
            "\"text\"",
            "{} x",
            "{\"a\":\"\\ud800\"}",
            "{\"n\":1e999}",
            "\u{feff}{}",
            &"[".repeat(10_000),
        ] {
            attack.send(operation, &path, broken, true).await;
        }
        attack.send(operation, &path, [b'{', b'"', 0xff, b'"', b':', b'1', b'}'], true).await;
        let whole = sample(&document, schema);
        let fields = whole.as_object().cloned().unwrap_or_default();
        for name in required(&document, schema) {
            let mut lacking = fields.clone();
            lacking.remove(&name);
            attack.send(operation, &path, Value::Object(lacking).to_string(), true).await;
        }
        let extra: Map<_, _> = fields.clone().into_iter().chain([("surprise".to_owned(), json!(1))]).collect();
        attack.send(operation, &path, Value::Object(extra).to_string(), true).await;
        for name in fields.keys() {
            for odd in odd_values() {
                let mut bent = fields.clone();
                bent.insert(name.clone(), odd);
                attack.send(operation, &path, Value::Object(bent).to_string(), false).await;
            }
        }
        attack.send(operation, &path, whole.to_string(), false).await;
    }
    assert!(attack.failures.is_empty(), "{} answers are wrong:\n{}", attack.failures.len(), attack.failures.join("\n"));
}

/// Identifiers that are none, that are unknown, or that name something else.
async fn attack_paths(attack: &mut Attack, operation: &Operation<'_>) {
    if !operation.path.contains('{') {
        return;
    }
    let unknown =
        ["eng", "case", "item", "person", "org", "sow", "cred"].map(|prefix| format!("{prefix}_{}", "0".repeat(26)));
    let others = ["", "%00", "%ff", "..", "%2e%2e%2f", "x", "'%20OR%201=1--", "%F0%9F%98%80"].map(str::to_owned);
    for value in unknown.into_iter().chain(others).chain(["9".repeat(3_000)]) {
        let parts = operation.path.split(['{', '}']).enumerate();
        let path: String = parts.map(|(place, part)| if place % 2 == 1 { value.as_str() } else { part }).collect();
        attack.send(operation, &path, "{}", true).await;
    }
}

#[tokio::test]
async fn a_parameter_that_an_operation_does_not_declare_is_refused_by_its_name() {
    let world = World::live().await;
    let http = Http::of(&world);
    let token = world.token(world.delivery).await;
    let document = http.send(Method::GET, "/api/v1/openapi.json", &[], "").await.json();
    let real = Real::of(&world).await;
    for operation in operations(&document) {
        let path = format!("{}?no_such_thing=1", real.fill(&operation.path));
        let headers = [("authorization", bearer(&token)), ("content-type", "application/json".to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = http.send(operation.method.clone(), &path, &headers, "{}").await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "field-invalid"),
            "{} {path} {}",
            operation.method,
            answer.body
        );
        assert!(answer.body.contains("`no_such_thing` is no parameter of this address"), "{path} {}", answer.body);
    }
}

#[tokio::test]
async fn a_method_that_is_not_there_is_told_with_those_that_are() {
    let world = World::live().await;
    let http = Http::of(&world);
    let token = world.token(world.delivery).await;
    let document = http.send(Method::GET, "/api/v1/openapi.json", &[], "").await.json();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = format!("/api/v1{}", path.replace(['{', '}'], "x"));
        for method in METHODS.into_iter().filter(|method| item.get(method.as_str().to_lowercase()).is_none()) {
            let answer = http.send(method.clone(), &path, &[("authorization", &bearer(&token))], "{}").await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::METHOD_NOT_ALLOWED, "wrong-method"),
                "{method} {path}"
            );
            assert!(!answer.header("allow").is_empty(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn without_a_token_every_operation_asks_who_it_is() {
    let world = World::live().await;
    let http = Http::of(&world);
    let document = http.send(Method::GET, "/api/v1/openapi.json", &[], "").await.json();
    let real = Real::of(&world).await;
    for operation in operations(&document).iter().filter(|operation| !operation.open) {
        let path = real.fill(&operation.path);
        for headers in [
            vec![],
            vec![("authorization", "Bearer nobody")],
            vec![("authorization", "Basic eDp5")],
            vec![("cookie", "remit=nobody")],
        ] {
            let answer = http.send(operation.method.clone(), &path, &headers, "{").await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (StatusCode::UNAUTHORIZED, "signed-out"),
                "{} {path}",
                operation.method
            );
        }
    }
}

#[tokio::test]
async fn a_form_that_is_too_large_or_unreadable_is_answered_by_a_page() {
    let world = World::live().await;
    let browser = crate::desk::Browser::of(&world, world.client).await;
    let (form, long) = (format!("/e/{}/engagement/sows/new", world.engagement), "x".repeat(3 * 1024 * 1024));
    let large = browser.send(&form, &[("clause", long.as_str())]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(large.body.contains("<h1>This is too large</h1>") && large.body.contains("Back to Today"), "{large:?}");
    let other = browser.json(&form, &json!({})).await;
    assert_eq!(other.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(other.body.contains("<h1>This could not be read</h1>"), "{other:?}");
}
