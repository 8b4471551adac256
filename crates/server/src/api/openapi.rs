//! The OpenAPI document. Routes come from the handlers' own annotations; what all of them share is added here, once.

use std::collections::BTreeSet;

use axum::{
    Router,
    http::{Method, header},
    response::IntoResponse as _,
    routing::get,
};
use remit_kernel::id::{
    AlarmId, AssignmentId, CalibrationId, CaseId, CredentialId, EngagementId, GoldId, Id, ItemId, LineId, LotId, OrgId,
    PersonId, PrecedentId, ReviewId, SessionId, SowId,
};
use utoipa::{
    OpenApi,
    openapi::{
        Content, HttpMethod, ObjectBuilder, OpenApi as Document, Ref, RefOr, Required, Response, ResponseBuilder,
        Schema, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        schema::SchemaType,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::Problem;
use crate::edge::Edge;

/// Where the addresses of the document begin.
pub(super) const BASE: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Remit",
        description = "Every act and every view of Remit. Whatever a page can do, a program can do here under the same rules. \
            Instants are RFC 3339 in UTC, dates ISO 8601, money is in minor units with its currency.",
    ),
    servers((url = "/api/v1", description = "This server")),
    components(schemas(Problem)),
    security(("token" = []), ("cookie" = [])),
)]
struct Frame;

/// Returns the document without routes.
pub(super) fn frame() -> Document {
    let mut document = Frame::openapi();
    let components = document.components.get_or_insert_default();
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A token from `POST /session`."));
    components.add_security_scheme("token", SecurityScheme::Http(token.build()));
    let cookie = ApiKeyValue::with_description("remit", "The session of a browser; `__Host-remit` under TLS.");
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    document
}

/// Returns the operations that take nothing after the question mark.
pub(super) fn without_query(document: &Document) -> BTreeSet<(String, Method)> {
    let mut bare = BTreeSet::new();
    for (path, item) in &document.paths.paths {
        let methods = [
            (Method::GET, &item.get),
            (Method::PUT, &item.put),
            (Method::POST, &item.post),
            (Method::DELETE, &item.delete),
            (Method::PATCH, &item.patch),
        ];
        for (method, operation) in methods {
            let Some(operation) = operation else { continue };
            let mut parameters = operation.parameters.iter().flatten();
            let in_query = |known: &RefOr<Parameter>| !matches!(known, RefOr::T(known) if known.parameter_in != ParameterIn::Query);
            if !parameters.any(in_query) {
                bare.insert((path.clone(), method));
            }
        }
    }
    bare
}

/// Returns the route that serves the document, which is open to everybody.
pub(super) fn route(mut document: Document) -> Router<Edge> {
    complete(&mut document);
    let body = document.to_pretty_json().unwrap_or_default();
    Router::new().route(
        "/openapi.json",
        get(move || async move { ([(header::CONTENT_TYPE, "application/json")], body).into_response() }),
    )
}

/// Adds what all operations share: identifiers in the path, the idempotency key of writes, the problems.
fn complete(document: &mut Document) {
    for (path, item) in &mut document.paths.paths {
        let methods = [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Delete, &mut item.delete),
            (HttpMethod::Patch, &mut item.patch),
        ];
        for (method, operation) in methods {
            let Some(operation) = operation else { continue };
            describe_path(path, operation);
            let writes = !matches!(method, HttpMethod::Get);
            if writes && operation.security.is_none() {
                operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
            }
            describe_problems(operation);
        }
    }
    let schemas = document.components.iter_mut().flat_map(|components| components.schemas.values_mut());
    schemas.for_each(describe_fields);
}

/// Says of each field that is called after a thing what its identifier looks like.
fn describe_fields(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(object)) = schema else { return };
    for (name, field) in &mut object.properties {
        let (Some((_, prefix)), RefOr::T(Schema::Object(field))) = (identifier(name), field) else { continue };
        let optional = SchemaType::Array(vec![Type::String, Type::Null]);
        if field.pattern.is_none()
            && (field.schema_type == SchemaType::Type(Type::String) || field.schema_type == optional)
        {
            field.pattern = Some(pattern(prefix));
        }
    }
}

/// Returns the pattern of identifiers with this prefix.
fn pattern(prefix: &str) -> String {
    format!("^{prefix}_[0-9a-hjkmnp-tv-z]{{26}}$")
}

/// Describes the identifiers that a path names, whether or not the handler did.
fn describe_path(path: &str, operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    for name in path.split(['{', '}']).skip(1).step_by(2) {
        let Some((noun, prefix)) = identifier(name) else { continue };
        parameters.retain(|known| !matches!(known, RefOr::T(known) if known.name == name));
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern(prefix)));
        let described = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(format!("Identifier of the {noun}, `{prefix}_` and 26 characters.")))
            .schema(Some(schema));
        parameters.push(RefOr::T(described.build()));
    }
}

/// Returns noun and prefix of what a placeholder stands for.
fn identifier(placeholder: &str) -> Option<(&'static str, &'static str)> {
    fn of<T: Id>() -> (&'static str, &'static str) {
        (T::NOUN, T::PREFIX)
    }
    Some(match placeholder {
        "engagement" => of::<EngagementId>(),
        "sow" => of::<SowId>(),
        "line" => of::<LineId>(),
        "review" => of::<ReviewId>(),
        "lot" => of::<LotId>(),
        "case" => of::<CaseId>(),
        "gold" => of::<GoldId>(),
        "calibration" => of::<CalibrationId>(),
        "precedent" => of::<PrecedentId>(),
        "alarm" => of::<AlarmId>(),
        "item" => of::<ItemId>(),
        "organisation" => of::<OrgId>(),
        "person" => of::<PersonId>(),
        "credential" => of::<CredentialId>(),
        "assignment" => of::<AssignmentId>(),
        "session" => of::<SessionId>(),
        _ => return None,
    })
}

fn idempotency_key() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A fresh random key, such as a UUID. However often the request comes, it is done once and answered alike.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(200))))
        .build()
}

/// Adds the problems that any operation of this kind may answer with.
fn describe_problems(operation: &mut Operation) {
    let body = operation.request_body.is_some();
    let open = operation.security.as_ref().is_some_and(Vec::is_empty);
    let shared = [
        ("400", "The body is not readable as JSON.", body),
        ("401", "Nobody is signed in, or name and password do not fit.", true),
        ("403", "Seen, but not yours to do.", !open),
        ("404", "Unknown, or not yours to know.", !open),
        ("409", "A rule refuses; every reason is listed.", true),
        ("412", "Others were faster, again and again.", !open),
        ("413", "The body is too large.", body),
        ("415", "The body is not said to be JSON.", body),
        ("422", "Fields need correction, all listed at once; or the key was used for another request.", true),
        ("429", "Too many requests; `Retry-After` says when to come again.", true),
        ("500", "Our bug.", true),
        ("503", "Too much to do, or going down; `Retry-After` says when to come again.", true),
        ("507", "The server's disk is full; nothing was changed, and reading still works.", body),
    ];
    for (status, words, _) in shared.into_iter().filter(|(.., applies)| *applies) {
        operation.responses.responses.insert(status.to_owned(), RefOr::T(problem(words)));
    }
}

fn problem(words: &str) -> Response {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new().description(words).content("application/problem+json", content).build()
}
