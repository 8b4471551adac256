//! Precedents: guidance beside like cases once another person approved it, never beside its own, and gone when withdrawn.

use axum::http::StatusCode;
use remit_kernel::{
    command::Command,
    id::{AssignmentId, CaseId},
    stream::Scope,
};

use crate::{desk::Browser, world::World};

const TEXT: &str = "Where the groups differ at the start, compare the changes.";

/// A decided case, from whose page its adjudicator or manager may propose guidance.
async fn decided(world: &World) -> CaseId {
    let case = world.take_in("R-100").await;
    world.read(world.reader1, case, "same").await.unwrap();
    world.read(world.reader2, case, "same").await.unwrap();
    case
}

struct Desk {
    browser: Browser,
    page: String,
    api: String,
}

impl Desk {
    async fn of(world: &World, reference: &str) -> Self {
        let case = world.take_in(reference).await;
        let seat: AssignmentId = world.seat(world.reader1, case).await;
        Self {
            browser: Browser::of(world, world.reader1).await,
            page: format!("/e/{}/read/{seat}", world.engagement),
            api: format!("/api/v1/engagements/{}/assignments/{seat}", world.engagement),
        }
    }

    async fn guided(&self) -> bool {
        let page = self.browser.get(&self.page).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        page.body.contains(TEXT)
    }
}

#[tokio::test]
async fn guidance_is_shown_beside_like_cases_from_approval_to_withdrawal() {
    let world = World::live().await;
    let engagement = world.engagement;
    let keeper = world.another_manager("Mona Manager").await;
    let case = decided(&world).await;
    let desk = Desk::of(&world, "R-101").await;
    let proposer = Browser::of(&world, keeper).await;
    let shown = proposer.get(&format!("/e/{engagement}/cases/{case}")).await;
    assert!(shown.body.contains("Propose as a precedent"), "{shown:?}");
    let form = format!("/e/{engagement}/cases/{case}/precedent");
    let naming = proposer.send(&form, &[("question", "effect"), ("text", "As in R-100.")]).await;
    assert_eq!(naming.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(naming.body.contains("names the case"), "{naming:?}");
    let proposed = proposer.send(&form, &[("question", "effect"), ("text", TEXT)]).await;
    assert_eq!(proposed.status, StatusCode::SEE_OTHER, "{proposed:?}");
    assert!(!desk.guided().await, "nobody else has agreed");
    let knowledge = format!("/e/{engagement}/knowledge");
    let reader = Browser::of(&world, world.reader1).await;
    assert!(!reader.get(&knowledge).await.body.contains(TEXT));
    let (word, precedent) = (format!("{knowledge}/precedents"), case.precedent());
    let own = proposer.send(&format!("{word}/{precedent}/approve"), &[]).await;
    assert_eq!(own.status, StatusCode::CONFLICT, "{own:?}");
    let manager = Browser::of(&world, world.delivery).await;
    assert!(manager.get(&knowledge).await.body.contains("waits for approval"));
    assert_eq!(manager.send(&format!("{word}/{precedent}/approve"), &[]).await.status, StatusCode::SEE_OTHER);
    assert!(desk.guided().await);
    let page = desk.browser.get(&desk.page).await;
    assert!(page.body.contains("same outcome"), "it says why: {page:?}");
    let matter = desk.browser.get(&desk.api).await.json()["matter"].clone();
    assert_eq!(matter["precedents"][0]["question"], "effect", "{matter}");
    assert!(reader.get(&knowledge).await.body.contains(TEXT));
    let gone = manager.send(&format!("{word}/{precedent}/withdraw"), &[("reason", "It misleads.")]).await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER);
    assert!(!desk.guided().await && !reader.get(&knowledge).await.body.contains(TEXT));
    let scope = Scope::Engagement(engagement);
    let verified = world.app.verify(&world.caller(world.operator), scope, |_| {}).await.unwrap();
    assert!(verified.ok);
}

#[tokio::test]
async fn guidance_of_another_kind_or_from_behind_a_wall_is_not_shown() {
    let world = World::live().await;
    let (engagement, case) = (world.engagement, decided(&world).await);
    let keeper = world.another_manager("Mona Manager").await;
    let (question, text) = ("effect".to_owned(), TEXT.to_owned());
    let propose = Command::ProposePrecedent { engagement, case, question, text, replaces: None };
    world.act(keeper, propose).await.unwrap();
    let precedent = case.precedent();
    world.act(world.delivery, Command::ApprovePrecedent { engagement, precedent }).await.unwrap();
    let desk = Desk::of(&world, "R-101").await;
    assert!(desk.guided().await);
    world.act(world.client, Command::AddParty { engagement, case, party: "acme".into() }).await.unwrap();
    let person = world.reader1;
    world.act(world.operator, Command::SetConflict { person, party: "acme".into(), declared: true }).await.unwrap();
    assert!(!desk.guided().await);
}

#[tokio::test]
async fn better_guidance_on_the_same_question_steps_into_the_place_of_older() {
    let world = World::live().await;
    let engagement = world.engagement;
    let keeper = world.another_manager("Mona Manager").await;
    let older = decided(&world).await;
    let newer = world.take_in("R-102").await;
    world.read(world.reader1, newer, "same").await.unwrap();
    world.read(world.reader2, newer, "same").await.unwrap();
    let (proposer, manager) = (Browser::of(&world, keeper).await, Browser::of(&world, world.delivery).await);
    let at = |case: CaseId| format!("/e/{engagement}/cases/{case}");
    let knowledge = format!("/e/{engagement}/knowledge");
    let approve = |case: CaseId| format!("{knowledge}/precedents/{}/approve", case.precedent());

    let page = proposer.get(&at(newer)).await;
    assert!(!page.body.contains("Instead of"), "nothing is in force that it could replace: {page:?}");
    let first = [("question", "effect"), ("text", TEXT)];
    assert_eq!(proposer.send(&format!("{}/precedent", at(older)), &first).await.status, StatusCode::SEE_OTHER);
    assert_eq!(manager.send(&approve(older), &[]).await.status, StatusCode::SEE_OTHER);
    let page = proposer.get(&at(newer)).await;
    assert!(page.body.contains("Instead of") && page.body.contains(&older.precedent().to_string()), "{page:?}");

    let replaced = older.precedent().to_string();
    let better = "Where the groups differ at the start, compare the adjusted changes.";
    let second = [("question", "effect"), ("text", better), ("replaces", replaced.as_str())];
    let proposed = proposer.send(&format!("{}/precedent", at(newer)), &second).await;
    assert_eq!(proposed.status, StatusCode::SEE_OTHER, "{proposed:?}");
    let reader = Browser::of(&world, world.reader1).await;
    let known = reader.get(&knowledge).await;
    assert!(known.body.contains(TEXT) && !known.body.contains(better), "it steps in when it is approved");
    let waiting = manager.get(&knowledge).await;
    assert!(waiting.body.contains("would replace") && waiting.body.contains("since"), "{waiting:?}");
    assert!(manager.get("/").await.body.contains("Approve 1 precedent"), "Today tells whoever may");
    assert!(!proposer.get("/").await.body.contains("Approve 1 precedent"), "and nobody who may not");
    assert_eq!(manager.send(&approve(newer), &[]).await.status, StatusCode::SEE_OTHER);
    let known = reader.get(&knowledge).await;
    assert!(!known.body.contains(TEXT) && known.body.contains(better), "{known:?}");
    let stands = manager.get(&knowledge).await;
    assert!(stands.body.contains("superseded") && stands.body.contains("replaced"), "{stands:?}");
    assert!(!manager.get("/").await.body.contains("Approve 1 precedent"), "it waits for nobody any more");
}
