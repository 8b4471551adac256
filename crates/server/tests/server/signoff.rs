//! Signing on pages: nothing is signed unseen, a change is shown, a stale page signs nothing.

use axum::http::StatusCode;
use remit_kernel::{case::Material, command::Command, id::CaseId};
use remit_store::SessionKind;
use tokio::task::JoinSet;

use crate::{
    case::submit,
    http::Http,
    world::{START, World},
};

/// Returns a case that waits for a signature.
async fn decided(world: &World, reference: &str) -> CaseId {
    let case = world.take_in(reference).await;
    world.read(world.reader1, case, "fell").await.unwrap();
    world.read(world.reader2, case, "fell").await.unwrap();
    case
}

fn content(page: &str) -> String {
    page.split("name=\"content\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// Returns the materials that the page offers to open.
fn unopened(page: &str) -> Vec<String> {
    page.split("name=\"material\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_unopened_item_is_named_and_once_all_are_open_the_signature_holds() {
    let world = World::live().await;
    let http = Http::of(&world);
    let token = world.token(world.signer).await;
    let case = decided(&world, "G-1").await;
    let queue = http.get(&format!("/e/{}/sign", world.engagement), &token).await;
    assert!(
        queue.body.contains("G-1") && queue.body.contains("0 of 2") && queue.body.contains("not measured yet"),
        "{}",
        queue.body
    );
    let at = format!("/e/{}/sign/{case}", world.engagement);
    let page = http.get(&at, &token).await;
    assert!(page.body.contains("Methodologist") && page.body.contains("Two readers agreed"), "{}", page.body);
    assert!(!page.body.contains("<h3>Deliverable</h3>"), "the deliverable is opened by an act");
    let sign = [("content", content(&page.body)), ("statement", "I have looked.".to_owned())];
    let sign: Vec<_> = sign.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = submit(&http, &format!("{at}/sign"), &token, &sign).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(
        refused.body.contains("You have not opened “Report”") && refused.body.contains("I have looked."),
        "{}",
        refused.body
    );
    for material in unopened(&page.body) {
        world.app.clock().step_to(world.app.clock().now().plus_seconds(60));
        let opened = submit(&http, &format!("{at}/open"), &token, &[("material", &material)]).await;
        assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.body);
        let shown = http.get(opened.header("location").trim_end_matches("#shown"), &token).await;
        assert!(
            shown.body.contains("class=\"document\"") || shown.body.contains("<h3>Deliverable</h3>"),
            "{}",
            shown.body
        );
    }
    let signed = submit(&http, &format!("{at}/sign"), &token, &sign).await;
    assert_eq!(
        (signed.status, signed.header("location")),
        (StatusCode::SEE_OTHER, &*format!("/e/{}/sign", world.engagement)),
        "{}",
        signed.body
    );
    // A second press of the same button signs nothing again.
    let twice = submit(&http, &format!("{at}/sign"), &token, &sign).await;
    assert_eq!(twice.status, StatusCode::CONFLICT, "{}", twice.body);
    decided(&world, "G-2").await;
    let queue = http.get(&format!("/e/{}/sign", world.engagement), &token).await;
    assert!(queue.body.contains("<strong>1 minute</strong>"), "{}", queue.body);
}

#[tokio::test]
async fn one_changed_character_voids_what_was_opened_and_is_marked() {
    let world = World::live().await;
    let (http, engagement) = (Http::of(&world), world.engagement);
    let token = world.token(world.signer).await;
    let case = decided(&world, "V-1").await;
    let at = format!("/e/{engagement}/sign/{case}");
    let page = http.get(&at, &token).await;
    for material in unopened(&page.body) {
        submit(&http, &format!("{at}/open"), &token, &[("material", &material)]).await;
    }
    let stale = content(&page.body);
    let owner = world.token(world.delivery).await;
    let case_page = format!("/e/{engagement}/cases/{case}");
    let edit = http.get(&case_page, &owner).await;
    let body = edit
        .body
        .split("name=\"body\"")
        .nth(1)
        .unwrap()
        .split_once('>')
        .unwrap()
        .1
        .split("</textarea>")
        .next()
        .unwrap();
    let body = body
        .replace("&#39;", "'")
        .replace("&#34;", "\"")
        .replace("&#38;", "&")
        .replace("&#60;", "<")
        .replace("&#62;", ">");
    let changed = body.replacen('e', "E", 1);
    let saved = submit(&http, &format!("{case_page}/deliverable"), &owner, &[("body", &changed)]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let refused =
        submit(&http, &format!("{at}/sign"), &token, &[("content", &stale), ("statement", "I have looked.")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body.contains("The content changed after you opened it"), "{}", refused.body);
    assert_eq!(unopened(&refused.body).len(), 2, "what was opened counts no longer");
    assert!(refused.body.contains("<del>") && refused.body.contains("<ins>"), "{}", refused.body);
    assert_ne!(content(&refused.body), stale);
}

#[tokio::test]
async fn a_signature_takes_the_password_once_the_signing_session_is_over() {
    let world = World::live().await;
    let http = Http::of(&world);
    world.app.add_login(world.signer, "sam", "correct horse battery").await.unwrap();
    let token = world.app.open_session(world.signer, SessionKind::Token, "test").await.unwrap().secret;
    let case = decided(&world, "W-1").await;
    let at = format!("/e/{}/sign/{case}", world.engagement);
    let page = http.get(&at, &token).await;
    assert!(page.body.contains("type=\"password\""), "{}", page.body);
    for material in unopened(&page.body) {
        submit(&http, &format!("{at}/open"), &token, &[("material", &material)]).await;
    }
    let content = content(&page.body);
    let with = |password: &'static str| {
        [("content", content.clone()), ("statement", "I have looked.".to_owned()), ("password", password.to_owned())]
    };
    for (password, status) in
        [("wrong horse battery", StatusCode::UNPROCESSABLE_ENTITY), ("correct horse battery", StatusCode::SEE_OTHER)]
    {
        let fields = with(password);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = submit(&http, &format!("{at}/sign"), &token, &fields).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(!answer.body.contains("horse"), "a password is never shown again");
    }
}

#[tokio::test]
async fn a_finding_goes_to_an_adjudicator_and_what_was_typed_is_kept_until_it_does() {
    let world = World::live().await;
    let (http, engagement) = (Http::of(&world), world.engagement);
    let token = world.token(world.signer).await;
    let case = decided(&world, "Q-1").await;
    let at = format!("/e/{engagement}/sign/{case}");
    let mut fields =
        vec![("code", "fact"), ("note", "It says rose."), ("a.effect", "rose"), ("q.effect", "nowhere to be found")];
    let refused = submit(&http, &format!("{at}/return"), &token, &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("It says rose.") && refused.body.contains("nowhere to be found"), "{}", refused.body);
    fields[3].1 = "The median rose.";
    let returned = submit(&http, &format!("{at}/return"), &token, &fields).await;
    assert_eq!(returned.status, StatusCode::SEE_OTHER, "{}", returned.body);
    world.act(world.adjudicator, Command::TakeAdjudication { engagement, case }).await.unwrap();
    // While it is decided anew, the adjudicator's case page names nobody and tells no answer.
    let adjudicator = world.token(world.adjudicator).await;
    let page = http.get(&format!("/e/{engagement}/cases/{case}"), &adjudicator).await;
    for hidden in ["Rita", "Ravi", "Sam Signer", "It says rose", "Two readers"] {
        assert!(!page.body.contains(hidden), "{hidden}: {}", page.body);
    }
    let judgement = world.judgement(case, "rose").await;
    world.act(world.adjudicator, Command::Adjudicate { engagement, case, judgement }).await.unwrap();
    let page = http.get(&format!("/e/{engagement}/cases/{case}"), &world.token(world.delivery).await).await;
    assert!(page.body.contains("Two readers agreed, changed at sign-off"), "{}", page.body);
    let signing = http.get(&at, &token).await;
    assert!(signing.body.contains("What changed since") && signing.body.contains("fell"), "{}", signing.body);
    assert!(world.app.clock().now() >= START);
}

#[tokio::test]
async fn the_client_returns_and_sees_what_counts() {
    let world = World::live().await;
    let (http, engagement) = (Http::of(&world), world.engagement);
    let case = decided(&world, "D-1").await;
    let signer = world.token(world.signer).await;
    let at = format!("/e/{engagement}/sign/{case}");
    let page = http.get(&at, &signer).await;
    for material in unopened(&page.body) {
        submit(&http, &format!("{at}/open"), &signer, &[("material", &material)]).await;
    }
    let digest = content(&page.body);
    submit(&http, &format!("{at}/sign"), &signer, &[("content", &digest), ("statement", "I have looked.")]).await;
    let case_page = format!("/e/{engagement}/cases/{case}");
    let delivered = submit(&http, &format!("{case_page}/deliver"), &world.token(world.delivery).await, &[]).await;
    assert_eq!(delivered.status, StatusCode::SEE_OTHER, "{}", delivered.body);
    let client = world.token(world.client).await;
    let shown = http.get(&case_page, &client).await;
    assert!(
        shown.body.contains("counts, revision 1 of 1 included") && shown.body.contains("does not count against"),
        "{}",
        shown.body
    );
    assert!(shown.body.contains("id=\"deliverable\""), "released now");
    let nothing = submit(&http, &format!("{case_page}/return"), &client, &[("code", ""), ("note", "kept words")]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nothing.body.contains("kept words"), "{}", nothing.body);
    let returned =
        submit(&http, &format!("{case_page}/return"), &client, &[("code", "tone"), ("note", "Too terse.")]).await;
    assert_eq!(returned.status, StatusCode::SEE_OTHER, "{}", returned.body);
    let shown = http.get(&case_page, &client).await;
    assert!(
        shown.body.contains("In revision") && shown.body.contains("Returned: wrong tone; revision 1, does not count"),
        "{}",
        shown.body
    );
}

#[tokio::test]
async fn programs_go_the_whole_way_from_intake_to_return() {
    use serde_json::json;
    let world = World::live().await;
    let (http, engagement) = (Http::of(&world), world.engagement);
    let at = format!("/api/v1/engagements/{engagement}");
    let (client, signer, delivery) =
        (world.token(world.client).await, world.token(world.signer).await, world.token(world.delivery).await);
    let intake = http.get(&format!("{at}/intake"), &client).await.json();
    assert!(intake.to_string().contains("SOW v1 § 2.1"), "{intake}");
    let body = json!({
        "reference": "API-1", "title": "Did it fall?", "case_type": "trial", "fields": { "outcome": "the mean" },
        "jurisdiction": "GB", "language": "en", "due_at": "2026-03-09T17:00:00Z",
        "items": [{ "name": "Report", "media": "text", "body": "The mean fell by 4 points. The median rose." }],
    });
    let taken = http.post(&format!("{at}/cases"), &client, &body).await.json();
    let case: CaseId = taken["case"].as_str().unwrap().parse().unwrap();
    let case_at = format!("{at}/cases/{case}");
    let party = http.post(&format!("{case_at}/parties"), &client, &json!({ "party": "acme" })).await;
    assert_eq!(party.status, StatusCode::OK, "{}", party.body);
    let unread = http.get(&case_at, &world.token(world.reader1).await).await;
    assert_eq!(unread.problem(), "not-found");
    world.read(world.reader1, case, "fell").await.unwrap();
    let blind = world.token(world.reader2).await;
    world.act(world.reader2, Command::ClaimSeat { engagement, case }).await.unwrap();
    let view = http.get(&case_at, &blind).await.json();
    assert_eq!((&view["readings"], &view["outcome"]), (&json!([]), &json!(null)));
    let timeline = http.get(&format!("{case_at}/timeline"), &blind).await;
    assert!(!timeline.body.contains("sealed") && !timeline.body.contains("Rita"), "{}", timeline.body);
    assert_eq!(http.get(&format!("{case_at}/witnesses"), &blind).await.problem(), "not-found");
    let judgement = world.judgement(case, "fell").await;
    world.act(world.reader2, Command::SubmitReading { engagement, case, judgement }).await.unwrap();

    let queue = http.get(&format!("{at}/signoffs"), &signer).await.json();
    assert_eq!(queue["waiting"][0]["items"], 2);
    let desk = http.get(&format!("{case_at}/signoff"), &signer).await.json();
    assert_eq!(desk["view"]["deliverable"], json!(null));
    for material in desk["materials"].as_array().unwrap() {
        let given = match material["item"].as_str() {
            Some(item) => json!({ "item": item, "version": material["version"] }),
            None => json!({}),
        };
        let opened = http.post(&format!("{case_at}/signoff/open"), &signer, &given).await;
        assert_eq!(opened.status, StatusCode::OK, "{}", opened.body);
    }
    let sign = json!({ "content": desk["content"], "statement": "I have looked." });
    assert_eq!(http.post(&format!("{case_at}/signoff/sign"), &signer, &sign).await.status, StatusCode::OK);
    for step in ["delivery", "delivery/return", "signoff"] {
        let (token, body) = match step {
            "delivery/return" => (&client, json!({ "code": "format", "note": "Shorter." })),
            _ => (&delivery, json!({})),
        };
        let answer = http.post(&format!("{case_at}/{step}"), token, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{step}: {}", answer.body);
    }
    let view = http.get(&case_at, &delivery).await.json();
    assert_eq!(
        (view["status"].as_str(), &view["revision"], &view["revisions_counted"]),
        (Some("awaiting_sign_off"), &json!(1), &json!(0))
    );
    let early = http.get(&format!("{case_at}?as_of=2026-03-01"), &delivery).await;
    assert_eq!(early.problem(), "field-invalid");
    let wrong = http.get(&format!("{case_at}?as_of=yesterday"), &delivery).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_signatures_given_at_once_exactly_one_holds() {
    let world = World::live().await;
    let (engagement, case) = (world.engagement, decided(&world, "P-1").await);
    let second = world.another_signer("Silke Signer").await;
    for signer in [world.signer, second] {
        for material in [Material::Item(world.item(case).await, 1), Material::Deliverable] {
            world.act(signer, Command::OpenMaterial { engagement, case, material }).await.unwrap();
        }
    }
    let state = world.state(case).await;
    let content = state["resolution"]["content"].as_str().unwrap().parse().unwrap();
    let mut signatures = JoinSet::new();
    // Both signers, and each of them twice.
    for signer in [world.signer, second, world.signer, second] {
        let (app, caller) = (world.app.clone(), world.caller(signer));
        let sign = Command::Sign { engagement, case, content, statement: "I have looked.".into() };
        signatures.spawn(async move { app.act(caller, sign).await.is_ok() });
    }
    let held = signatures.join_all().await.into_iter().filter(|held| *held).count();
    assert_eq!(held, 1);
    let signed = world.state(case).await;
    assert_eq!(signed["signers"].as_array().unwrap().len(), 1, "{signed}");
    let mut deliveries = JoinSet::new();
    for _ in 0..4 {
        let (app, caller) = (world.app.clone(), world.caller(world.delivery));
        deliveries.spawn(async move { app.act(caller, Command::Deliver { engagement, case }).await.is_ok() });
    }
    assert_eq!(deliveries.join_all().await.into_iter().filter(|done| *done).count(), 1, "and it is delivered once");
}
