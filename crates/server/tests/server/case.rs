//! Cases on pages: the list, intake, one case, its timeline and record, and what each of them keeps from whom.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use remit_kernel::{case::Visibility, command::Command, id::CaseId};
use remit_server::app::{case::view::GetCase, today::TaskKind};

use crate::{
    http::{Answer, Http, bearer},
    world::World,
};

/// Browsers' way: a form with fields.
pub(crate) async fn submit(http: &Http, path: &str, token: &str, fields: &[(&str, &str)]) -> Answer {
    let headers = [("authorization", &*bearer(token)), ("content-type", "application/x-www-form-urlencoded")];
    let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    http.send(Method::POST, path, &headers, body.join("&")).await
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// A form with files, as a browser sends it.
async fn upload(http: &Http, path: &str, token: &str, fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    if let Some((name, bytes)) = file {
        body.extend(
            format!("--XX\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\r\n").bytes(),
        );
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--XX--\r\n");
    let headers = [("authorization", &*bearer(token)), ("content-type", "multipart/form-data; boundary=XX")];
    http.send(Method::POST, path, &headers, body).await
}

fn page(world: &World, case: CaseId) -> String {
    format!("/e/{}/cases/{case}", world.engagement)
}

const FORM: [(&str, &str); 8] = [
    ("reference", "F-1"),
    ("title", "Did it fall?"),
    ("case_type", "trial"),
    ("fields.outcome", "the mean"),
    ("jurisdiction", "GB"),
    ("language", "en"),
    ("due_on", "2026-03-09"),
    ("material", "true"),
];

#[tokio::test]
async fn the_list_filters_by_address_and_exports_what_it_shows() {
    let world = World::live().await;
    let (http, token) = (Http::of(&world), world.token(world.client).await);
    let empty = http.get(&format!("/e/{}/cases", world.engagement), &token).await;
    assert!(empty.body.contains("Take the first case in"), "{}", empty.body);
    for reference in ["A-1", "A-2", "=cmd()"] {
        world.take_in(reference).await;
    }
    let all = http.get(&format!("/e/{}/cases?limit=2", world.engagement), &token).await;
    assert!(all.body.contains("3 cases") && all.body.contains("Ready to read (3)"), "{}", all.body);
    let next = all
        .body
        .split("href=\"")
        .find(|rest| rest.contains("rel=\"next\""))
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .replace("&#38;", "&");
    let rest = http.get(&next, &token).await;
    assert_eq!(rest.body.matches("data-status").count(), 1, "{}", rest.body);
    let found = http.get(&format!("/e/{}/cases?q=A-2&status=ready", world.engagement), &token).await;
    assert!(found.body.contains("A-2") && !found.body.contains(">A-1<"), "{}", found.body);
    let none = http.get(&format!("/e/{}/cases?disputed=true", world.engagement), &token).await;
    assert!(none.body.contains("No case fits this filter"), "{}", none.body);
    let wrong = http.get(&format!("/e/{}/cases?status=odd", world.engagement), &token).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let workbook = http.get(&format!("/e/{}/cases.xlsx?q=A-", world.engagement), &token).await;
    assert_eq!((workbook.status, &workbook.body[..2]), (StatusCode::OK, "PK"));
}

#[tokio::test]
async fn a_form_takes_a_case_in_and_what_the_gate_stops_names_the_clause() {
    let world = World::live().await;
    let (http, token) = (Http::of(&world), world.token(world.client).await);
    let new = format!("/e/{}/cases/new", world.engagement);
    assert!(http.get(&new, &token).await.body.contains("SOW v1 § 2.1"));

    let taken = upload(&http, &new, &token, &FORM, Some(("report.txt", b"The mean fell.\r\nCaf\xc3\xa9."))).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.body);
    let shown = http.get(taken.header("location"), &token).await;
    assert!(shown.body.contains("SOW v1 § 2.1") && shown.body.contains("The mean fell.&#13;\n"), "{}", shown.body);

    let again = upload(&http, &new, &token, &FORM, None).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.body.contains("is here already") && again.body.contains("value=\"Did it fall?\""), "{}", again.body);

    let garbled = upload(&http, &new, &token, &FORM, Some(("report.txt", b"caf\xe9"))).await;
    assert_eq!(garbled.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        garbled.body.contains("byte 4 is 0xE9") && garbled.body.contains("Choose Windows-1252"),
        "{}",
        garbled.body
    );

    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain("café 😀".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (reference, encoding, bytes, text) in
        [("F-3", "windows-1252", &b"caf\xe9 \x80"[..], "café €"), ("F-4", "", &utf16, "café 😀")]
    {
        let mut form = FORM.to_vec();
        form[0].1 = reference;
        form.push(("encoding", encoding));
        let taken = upload(&http, &new, &token, &form, Some(("old.txt", bytes))).await;
        let shown = http.get(taken.header("location"), &token).await;
        assert!(shown.body.contains(text), "{reference}: {}", shown.body);
    }

    let mut odd = FORM;
    odd[0].1 = "F-2";
    odd[2].1 = "opinion";
    let stopped = upload(&http, &new, &token, &odd, None).await;
    let shown = http.get(stopped.header("location"), &token).await;
    assert!(
        shown.body.contains("The scope gate stopped this case") && shown.body.contains("SOW v1 § 2.1"),
        "{}",
        shown.body
    );
    let declined =
        submit(&http, &format!("{}/decline", stopped.header("location")), &token, &[("reason", "not ours")]).await;
    assert_eq!(declined.status, StatusCode::SEE_OTHER);
    assert!(http.get(stopped.header("location"), &token).await.body.contains("Declined"));
}

#[tokio::test]
async fn what_a_stranger_asks_for_looks_like_what_is_not_there() {
    let world = World::live().await;
    let (http, case) = (Http::of(&world), world.take_in("S-1").await);
    let item = world.item(case).await;
    let token = world.token(world.stranger).await;
    let missing: CaseId = case.to_string().replace('0', "1").parse().unwrap();
    for rest in [String::new(), format!("/items/{item}/1")] {
        let hidden = http.get(&format!("{}{rest}", page(&world, case)), &token).await;
        let unknown = http.get(&format!("{}{rest}", page(&world, missing)), &token).await;
        assert_eq!((hidden.status, &hidden.body), (StatusCode::NOT_FOUND, &unknown.body));
    }
}

#[tokio::test]
async fn a_reader_sees_the_same_before_and_after_the_other_seals() {
    let world = World::live().await;
    let (http, engagement) = (Http::of(&world), world.engagement);
    let case = world.take_in("B-1").await;
    world.act(world.reader1, Command::ClaimSeat { engagement, case }).await.unwrap();
    let token = world.token(world.reader1).await;
    let paths = [
        page(&world, case),
        format!("/e/{engagement}/cases"),
        format!("/e/{engagement}/cases?status=reading"),
        format!("/e/{engagement}/cases?disputed=true"),
        format!("/e/{engagement}/cases?changed=true"),
    ];
    let mut before = Vec::new();
    for path in &paths {
        before.push(http.get(path, &token).await);
    }
    world.read(world.reader2, case, "rose").await.unwrap();
    for (path, before) in paths.iter().zip(before) {
        let after = http.get(path, &token).await;
        assert_eq!(after.header("etag"), before.header("etag"));
        assert_eq!(after.body, before.body, "{path}");
        assert!(!after.body.contains("Ravi"), "{path}");
    }
}

#[tokio::test]
async fn readings_stand_side_by_side_once_the_panel_is_closed() {
    let world = World::live().await;
    let http = Http::of(&world);
    let case = world.take_in("R-1").await;
    world.read(world.reader1, case, "fell").await.unwrap();
    world.read(world.reader2, case, "fell").await.unwrap();
    let provider = http.get(&page(&world, case), &world.token(world.delivery).await).await;
    assert!(provider.body.contains("Two readers agreed") && provider.body.contains("Ravi Reader"), "{}", provider.body);
    assert!(
        provider.body.contains("<mark title=\"Cited for “Effect”\">The mean fell by 4 points.</mark>"),
        "{}",
        provider.body
    );
    let client = http.get(&page(&world, case), &world.token(world.client).await).await;
    assert!(
        client.body.contains("Reader 1") && !client.body.contains("Ravi") && !client.body.contains("Rita"),
        "{}",
        client.body
    );
    assert!(!client.body.contains("id=\"deliverable\""), "not released: {}", client.body);
    let record = http.get(&page(&world, case), &world.token(world.auditor).await).await;
    assert!(record.body.contains("Who saw this") && record.body.contains("Rita Reader"), "{}", record.body);
}

#[tokio::test]
async fn a_case_is_shown_as_it_was() {
    let world = World::live().await;
    let http = Http::of(&world);
    let token = world.token(world.auditor).await;
    let case = world.take_in("P-1").await;
    world.app.clock().step_to(crate::world::START.plus_seconds(86_400));
    world.read(world.reader1, case, "fell").await.unwrap();
    world.read(world.reader2, case, "fell").await.unwrap();
    let token2 = world.token(world.auditor).await;
    let then = http.get(&format!("{}?as_of=2026-03-02", page(&world, case)), &token2).await;
    assert!(then.body.contains("as it was on") && then.body.contains("Ready to read"), "{}", then.body);
    assert!(!then.body.contains("Two readers agreed") && then.body.contains("test-evidence 1.0.0"), "{}", then.body);
    let early = http.get(&format!("{}?as_of=2026-03-01T00:00:00Z", page(&world, case)), &token2).await;
    assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", early.body);
    assert!(then.body.contains("Who had seen this by then") && !then.body.contains("Ravi Reader"), "{}", then.body);
    let now = http.get(&page(&world, case), &token2).await;
    assert!(now.body.contains("Two readers agreed") && now.body.contains("Ravi Reader"), "{}", now.body);
    drop(token);
}

#[tokio::test]
async fn markup_in_every_field_stays_text_and_long_documents_fit() {
    const EVIL: &str = "<script>alert(1)</script>\"'&";
    let world = World::live().await;
    let (http, engagement) = (Http::of(&world), world.engagement);
    let mut case = world.case_in(EVIL);
    case.title = EVIL.into();
    case.fields.insert("outcome".into(), EVIL.into());
    case.items[0].name = EVIL.into();
    case.items[0].body = format!("{EVIL}\r\n{}", "The mean fell by 4 points. 😀\n".repeat(11_000));
    let case = world.act(world.client, Command::TakeIn { engagement, case }).await.unwrap().case().unwrap();
    let token = world.token(world.delivery).await;
    for path in
        [page(&world, case), format!("/e/{engagement}/cases"), format!("/e/{engagement}/cases?q={}", encode(EVIL))]
    {
        let shown = http.get(&path, &token).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert!(!shown.body.contains("<script>alert") && shown.body.contains("alert(1)"), "{path}");
    }
    let refused = submit(&http, &format!("{}/party", page(&world, case)), &token, &[("party", EVIL)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!refused.body.contains("<script>alert"));
}

#[tokio::test]
async fn items_come_in_a_box_and_links_are_followed_never_seen() {
    let world = World::live().await;
    let (http, engagement) = (Http::of(&world), world.engagement);
    let token = world.token(world.client).await;
    let mut fields = FORM.to_vec();
    fields.extend([("link", "https://viewer.example/1"), ("link_name", "Viewer"), ("visibility", "client")]);
    let taken = upload(
        &http,
        &format!("/e/{engagement}/cases/new"),
        &token,
        &fields,
        Some(("trace.svg", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>")),
    )
    .await;
    let here = taken.header("location").to_owned();
    let shown = http.get(&here, &token).await;
    let image = shown.body.split("<img src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let svg = http.get(&image, &token).await;
    assert_eq!(svg.header("content-type"), "image/svg+xml; charset=utf-8");
    assert!(svg.header("content-security-policy").contains("sandbox"), "{svg:?}");
    let link = shown
        .body
        .split("href=\"")
        .find(|rest| rest.split('"').next().unwrap().ends_with("/follow"))
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let followed = http.get(link, &token).await;
    assert_eq!((followed.status, followed.header("location")), (StatusCode::SEE_OTHER, "https://viewer.example/1"));
    assert!(http.get(&here, &token).await.body.contains("Link followed: “Viewer”"));
    let other_side = world.token(world.delivery).await;
    assert_eq!(http.get(&image, &other_side).await.status, StatusCode::NOT_FOUND, "{:?}", Visibility::Client);
    assert!(!http.get(&here, &other_side).await.body.contains("trace.svg"));
}

#[tokio::test]
async fn a_case_whose_owner_has_an_interest_is_told_to_the_other_managers_and_not_delivered() {
    let world = World::live().await;
    let engagement = world.engagement;
    let mut given = world.case_in("T-1");
    given.parties = BTreeSet::from(["acme".to_owned()]);
    given.owner = world.reader1;
    let case = world.act(world.client, Command::TakeIn { engagement, case: given }).await.unwrap().case().unwrap();
    let interest = Command::SetConflict { person: world.reader1, party: "acme".into(), declared: true };
    world.act(world.operator, interest).await.unwrap();
    let show = || GetCase { engagement, case, as_of: None };
    let seen = world.app.view(&world.caller(world.delivery), show()).await.unwrap();
    assert!(seen.owner_barred && seen.owner == world.reader1);
    assert!(world.app.view(&world.caller(world.reader1), show()).await.is_err(), "the wall");
    let tasks = async || {
        let today = world.app.today(&world.caller(world.delivery)).await.unwrap();
        today.mine.into_iter().filter(|task| task.kind == TaskKind::NewOwner).map(|task| task.case).collect::<Vec<_>>()
    };
    assert_eq!(tasks().await, [Some(case)]);
    let transfer = Command::TransferCase { engagement, case, to: world.delivery, reason: "An interest.".into() };
    world.act(world.delivery, transfer).await.unwrap();
    assert_eq!(tasks().await, []);
    assert!(!world.app.view(&world.caller(world.delivery), show()).await.unwrap().owner_barred);
}
