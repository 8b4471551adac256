//! Every route of the server, listed. A route that is in the source and not in this list fails the test, and so does the reverse.

use std::{collections::BTreeSet, fs, path::Path};

use axum::http::{Method, StatusCode};

use crate::{http::Http, world::World};

/// The pages, and what is neither page nor API.
pub(crate) const PAGES: &[&str] = &[
    "/",
    "/admin",
    "/admin/organisations",
    "/admin/people",
    "/admin/people/{person}",
    "/admin/people/{person}/login",
    "/admin/people/{person}/sessions",
    "/assets/{hash}/{name}",
    "/demo/enter",
    "/e/{engagement}/adjudicate",
    "/e/{engagement}/adjudicate/{case}",
    "/e/{engagement}/adjudicate/{case}/release",
    "/e/{engagement}/adjudicate/{case}/take",
    "/e/{engagement}/calibration",
    "/e/{engagement}/calibration/{calibration}",
    "/e/{engagement}/calibration/{calibration}/act/{act}",
    "/e/{engagement}/calibration/{calibration}/read/{case}",
    "/e/{engagement}/calibration/{calibration}/read/{case}/{item}/{version}",
    "/e/{engagement}/calibration/{calibration}/read/{case}/{item}/{version}/follow",
    "/e/{engagement}/cases",
    "/e/{engagement}/cases.xlsx",
    "/e/{engagement}/cases/new",
    "/e/{engagement}/cases/{case}",
    "/e/{engagement}/cases/{case}/items",
    "/e/{engagement}/cases/{case}/items/{item}/{version}",
    "/e/{engagement}/cases/{case}/items/{item}/{version}/follow",
    "/e/{engagement}/cases/{case}/{act}",
    "/e/{engagement}/engagement",
    "/e/{engagement}/engagement/live",
    "/e/{engagement}/engagement/members",
    "/e/{engagement}/engagement/members/{person}",
    "/e/{engagement}/engagement/members/{person}/remove",
    "/e/{engagement}/engagement/sows/new",
    "/e/{engagement}/engagement/sows/{sow}",
    "/e/{engagement}/engagement/sows/{sow}/propose",
    "/e/{engagement}/engagement/sows/{sow}/sign",
    "/e/{engagement}/gold",
    "/e/{engagement}/gold/mine",
    "/e/{engagement}/gold/mine/{case}",
    "/e/{engagement}/gold/objections/{case}",
    "/e/{engagement}/gold/{gold}/{act}",
    "/e/{engagement}/knowledge",
    "/e/{engagement}/knowledge/precedents/{precedent}/{act}",
    "/e/{engagement}/model",
    "/e/{engagement}/live",
    "/e/{engagement}/my-work",
    "/e/{engagement}/my-work/record",
    "/e/{engagement}/people",
    "/e/{engagement}/people/why",
    "/e/{engagement}/people/{person}",
    "/e/{engagement}/protection",
    "/e/{engagement}/protection.xlsx",
    "/e/{engagement}/protection/verify",
    "/e/{engagement}/quality",
    "/e/{engagement}/quality.xlsx",
    "/e/{engagement}/quality/alarms/{alarm}",
    "/e/{engagement}/quality/alarms/{alarm}/close",
    "/e/{engagement}/quality/disputes",
    "/e/{engagement}/quality/drift",
    "/e/{engagement}/quality/experts",
    "/e/{engagement}/quality/planner",
    "/e/{engagement}/quality/slices",
    "/e/{engagement}/quality/wanted",
    "/e/{engagement}/read",
    "/e/{engagement}/read/next",
    "/e/{engagement}/read/{assignment}",
    "/e/{engagement}/read/{assignment}/release",
    "/e/{engagement}/certificates",
    "/e/{engagement}/lots/{lot}/certificate",
    "/e/{engagement}/lots/{lot}/certificate.json",
    "/e/{engagement}/imports/{file}/certificate",
    "/e/{engagement}/imports/{file}/certificate.json",
    "/e/{engagement}/lots/{lot}",
    "/e/{engagement}/review/{case}/{review}",
    "/e/{engagement}/review/{case}/{review}/rebut",
    "/e/{engagement}/review/{case}/{review}/release",
    "/e/{engagement}/review/{case}/{review}/rule",
    "/e/{engagement}/review/{case}/{review}/take",
    "/e/{engagement}/reviews",
    "/e/{engagement}/reviews.xlsx",
    "/e/{engagement}/reviews/defects/{kind}",
    "/e/{engagement}/reviews/mine",
    "/e/{engagement}/reviews/resume",
    "/e/{engagement}/reviews/second",
    "/e/{engagement}/sign",
    "/e/{engagement}/sign/{case}",
    "/e/{engagement}/sign/{case}/open",
    "/e/{engagement}/sign/{case}/refuse",
    "/e/{engagement}/sign/{case}/return",
    "/e/{engagement}/sign/{case}/sign",
    "/engagements/new",
    "/healthz",
    "/live",
    "/people/{person}/clearances",
    "/people/{person}/conflicts",
    "/people/{person}/credentials",
    "/people/{person}/credentials/{credential}/revoke",
    "/people/{person}/left",
    "/people/{person}/place",
    "/readyz",
    "/reauth",
    "/sign-in",
    "/sign-out",
];

/// Returns the literals that follow `.route(` in the sources, with the file of each.
fn routes_in(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(routes_in(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let calls = source.split(".route(").skip(1);
            found.extend(
                calls.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned)),
            );
        }
    }
    found
}

#[test]
fn every_page_is_listed() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let pages = &routes_in(&source.join("pages")) | &["/healthz", "/readyz"].map(str::to_owned).into();
    let listed: BTreeSet<String> = PAGES.iter().map(|page| (*page).to_owned()).collect();
    assert_eq!(pages, listed, "left: in the sources; right: in this list");
}

#[test]
fn the_api_has_no_route_beside_its_document() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    assert_eq!(routes_in(&source.join("api")), BTreeSet::from(["/openapi.json".to_owned()]));
    let elsewhere = &routes_in(&source) - &(&routes_in(&source.join("pages")) | &routes_in(&source.join("api")));
    let operators = ["/healthz", "/metrics", "/readyz"].map(str::to_owned);
    assert_eq!(elsewhere, operators.into(), "routes belong to pages or to the API, unless they are for operators");
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_guard_it() {
    let world = World::live().await;
    let http = Http::of(&world);
    let document = http.send(Method::GET, "/api/v1/openapi.json", &[], "").await.json();
    let operations = document["paths"].as_object().unwrap().keys().map(|path| format!("/api/v1{path}"));
    let routes = PAGES
        .iter()
        .map(|page| (*page).to_owned())
        .chain(operations)
        .chain(["/nowhere".into(), "/api/v1/openapi.json".into()]);
    for route in routes {
        // A stream of events never ends; its headers have a test of their own.
        if route.ends_with("/live") {
            continue;
        }
        let path = route.replace("{engagement}", &world.engagement.to_string()).replace(['{', '}', '*'], "x");
        // A token of its own for each route: one of them ends it.
        let authorization = format!("Bearer {}", world.token(world.delivery).await);
        for headers in [&[][..], &[("authorization", authorization.as_str())]] {
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                let answer = http.send(method.clone(), &path, headers, "").await;
                let at = format!("{method} {route}: {answer:?}");
                assert!(
                    answer.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"),
                    "{at}"
                );
                assert!(!answer.header("content-security-policy").contains("unsafe"), "{at}");
                assert_eq!(answer.header("x-content-type-options"), "nosniff", "{at}");
                assert_eq!(answer.header("referrer-policy"), "no-referrer", "{at}");
                assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{at}");
                assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{at}");
                assert_eq!(answer.header("access-control-allow-origin"), "", "{at}");
                assert!(!answer.header("cache-control").is_empty(), "{at}");
                assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{at}");
            }
        }
    }
}
