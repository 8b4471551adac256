//! The reading desk: blind while a panel is open, quick by keyboard, whole without scripts, and careful with what was typed.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use remit_kernel::{
    command::Command,
    id::{AssignmentId, CaseId, PersonId},
};
use remit_server::app::{
    desk::{OpenDesk, Seats},
    judgement::Written,
};
use serde_json::json;

use crate::{
    http::{Answer, Http, bearer},
    world::World,
};

/// A reader at her browser, scripts off.
pub(crate) struct Browser {
    http: Http,
    token: String,
}

impl Browser {
    pub(crate) async fn of(world: &World, person: PersonId) -> Self {
        Self { http: Http::of(world), token: world.token(person).await }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.http.get(path, &self.token).await
    }

    pub(crate) async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let headers = [("authorization", &*bearer(&self.token)), ("content-type", "application/x-www-form-urlencoded")];
        self.http.send(Method::POST, path, &headers, pairs.join("&")).await
    }

    pub(crate) async fn json(&self, path: &str, body: &serde_json::Value) -> Answer {
        self.http.post(path, &self.token, body).await
    }

    async fn put(&self, path: &str, body: &serde_json::Value) -> Answer {
        let headers = [("authorization", &*bearer(&self.token)), ("content-type", "application/json")];
        self.http.send(Method::PUT, path, &headers, body.to_string()).await
    }
}

fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |out, byte| {
        if byte.is_ascii_alphanumeric() { out + &char::from(byte).to_string() } else { format!("{out}%{byte:02X}") }
    })
}

impl World {
    pub(crate) async fn seat(&self, person: PersonId, case: CaseId) -> AssignmentId {
        let engagement = self.engagement;
        self.act(person, Command::ClaimSeat { engagement, case }).await.unwrap().assignment.unwrap()
    }

    fn desk(&self, assignment: AssignmentId) -> String {
        format!("/e/{}/read/{assignment}", self.engagement)
    }

    fn api(&self, rest: &str) -> String {
        format!("/api/v1/engagements/{}/{rest}", self.engagement)
    }
}

fn written() -> Written {
    Written {
        answers: BTreeMap::from([("effect".into(), "fell".into())]),
        rationale: "typed by one reader".into(),
        ..Written::default()
    }
}

#[tokio::test]
async fn nothing_a_reader_can_open_changes_when_the_other_seals() {
    let world = World::live().await;
    let case = world.take_in("T-1").await;
    let (one, other) = (world.seat(world.reader1, case).await, world.seat(world.reader2, case).await);
    let browser = Browser::of(&world, world.reader2).await;
    let paths = [
        world.desk(other),
        format!("/e/{}/read", world.engagement),
        format!("/e/{}/cases", world.engagement),
        world.api(&format!("assignments/{other}")),
        world.api("seats"),
        world.api("cases"),
    ];
    let mut before = Vec::new();
    for path in &paths {
        before.push(browser.get(path).await);
    }
    world.app.keep_draft(&world.caller(world.reader1), world.engagement, one, &written()).await.unwrap();
    let judgement = world.judgement(case, "rose").await;
    world.act(world.reader1, Command::SubmitReading { engagement: world.engagement, case, judgement }).await.unwrap();
    for (path, before) in paths.iter().zip(before) {
        let after = browser.get(path).await;
        assert_eq!(before.status, StatusCode::OK, "{path}");
        assert_eq!(before.body, after.body, "{path}: side channels 1, 2, 4, 8, 10");
        assert_eq!(before.headers, after.headers, "{path}: side channel 11");
        assert!(after.header("etag").is_empty() && after.header("last-modified").is_empty(), "{path}");
        assert_eq!(after.header("cache-control"), "no-store", "{path}: side channel 14");
        for leak in [one.to_string(), world.reader1.to_string(), "Rita".into(), "<mark".into(), "rose</q>".into()] {
            assert!(!after.body.contains(&leak), "{path} tells {leak}");
        }
    }
}

#[tokio::test]
async fn a_desk_and_its_draft_are_their_readers_alone() {
    let world = World::live().await;
    let case = world.take_in("T-1").await;
    let (one, other) = (world.seat(world.reader1, case).await, world.seat(world.reader2, case).await);
    world.app.keep_draft(&world.caller(world.reader1), world.engagement, one, &written()).await.unwrap();

    for stranger in [world.reader2, world.adjudicator, world.delivery, world.client, world.auditor, world.stranger] {
        let browser = Browser::of(&world, stranger).await;
        let draft = world.api(&format!("assignments/{one}/draft"));
        for path in [world.desk(one), world.api(&format!("assignments/{one}")), draft.clone()] {
            let answer = browser.get(&path).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert!(!answer.body.contains("typed by one reader"), "{path}");
        }
        assert_eq!(browser.put(&draft, &json!({"rationale": "overwritten"})).await.status, StatusCode::NOT_FOUND);
    }
    let own = Browser::of(&world, world.reader2).await.get(&world.desk(other)).await;
    assert!(!own.body.contains("typed by one reader") && !own.body.contains(" checked"), "no answer is preselected");

    let mine = Browser::of(&world, world.reader1).await;
    let kept = mine.get(&world.api(&format!("assignments/{one}/draft"))).await.json();
    assert_eq!(kept["written"]["rationale"], "typed by one reader");
    assert!(mine.get(&world.desk(one)).await.body.contains("typed by one reader"), "the draft is restored");
}

#[tokio::test]
async fn quotes_are_read_by_whoever_may_open_the_case_and_nobody_else() {
    let world = World::live().await;
    let case = world.take_in("T-1").await;
    let path = world.api(&format!("cases/{case}/quotes"));
    let quote = json!({"quote": "The mean fell"});
    let browser = Browser::of(&world, world.reader1).await;
    assert_eq!(browser.json(&path, &quote).await.status, StatusCode::NOT_FOUND);
    world.seat(world.reader1, case).await;
    let places = browser.json(&path, &quote).await.json();
    assert_eq!(
        (places["places"][0]["at"]["start"].as_u64(), places["places"][0]["at"]["end"].as_u64()),
        (Some(0), Some(13))
    );
}

#[tokio::test]
async fn a_reader_without_scripts_reads_by_pasting_and_goes_on_to_the_next_case() {
    let world = World::live().await;
    world.take_in("T-1").await;
    world.take_in("T-2").await;
    let browser = Browser::of(&world, world.reader1).await;
    let home = format!("/e/{}/read", world.engagement);
    assert!(browser.get(&home).await.body.contains("2 open cases fit you now"));
    let taken = browser.send(&format!("{home}/next"), &[]).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER);
    let desk = taken.header("location").to_owned();
    let shown = browser.get(&desk).await;
    assert!(shown.body.contains("Paste the passage"));
    let other = if shown.body.contains("Did T-1") { "Did T-2" } else { "Did T-1" };

    let fields = [("a.effect", "fell"), ("q.effect", "The mean  fell by 4 points."), ("rationale", "it says so")];
    let with = |does: &'static str| fields.iter().copied().chain([("do", does)]).collect::<Vec<_>>();
    let found = browser.send(&desk, &with("find")).await;
    assert_eq!(found.status, StatusCode::OK);
    assert!(found.body.contains("<q>The mean fell by 4 points.</q>") && found.body.contains("<mark"), "{}", found.body);
    let checked = browser.send(&desk, &with("check")).await;
    assert!(
        checked.body.contains("Will be sealed:") && checked.body.contains("cannot be edited afterwards"),
        "{}",
        checked.body
    );
    let sealed = browser.send(&desk, &with("seal")).await;
    assert_eq!(sealed.status, StatusCode::SEE_OTHER, "{}", sealed.body);
    let next = sealed.header("location").to_owned();
    assert_ne!(next, desk);
    assert!(browser.get(&next).await.body.contains(other), "the next case opens at once");

    let own = browser.get(&desk).await;
    assert!(
        own.body.contains("You sealed this reading")
            && own.body.contains("it says so")
            && !own.body.contains("<textarea"),
        "{}",
        own.body
    );
    let again = browser.send(&desk, &with("seal")).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.body.contains("sealed and cannot be edited"), "{}", again.body);
}

#[tokio::test]
async fn a_quote_in_two_places_is_asked_about_and_one_in_none_is_told_and_kept() {
    let world = World::live().await;
    let case = world.take_in("T-1").await;
    let assignment = world.seat(world.reader1, case).await;
    let (browser, desk) = (Browser::of(&world, world.reader1).await, world.desk(assignment));
    let twice = browser
        .send(&desk, &[("a.effect", "fell"), ("q.effect", "The me"), ("rationale", "why"), ("do", "seal")])
        .await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        twice.body.contains("Which place do you mean?")
            && twice.body.contains(">\nThe me</textarea>")
            && twice.body.contains("why"),
        "{}",
        twice.body
    );
    let value = twice
        .body
        .split("type=\"radio\" name=\"e.effect\" value=\"")
        .nth(2)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let none = browser
        .send(&desk, &[("a.effect", "fell"), ("q.effect", "It stood still"), ("rationale", "why"), ("do", "find")])
        .await;
    assert!(
        none.body.contains("stands in none of the documents") && none.body.contains("It stood still"),
        "{}",
        none.body
    );
    let chosen = browser
        .send(
            &desk,
            &[("a.effect", "fell"), ("q.effect", "The me"), ("e.effect", &value), ("rationale", "why"), ("do", "seal")],
        )
        .await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{}", chosen.body);
    let seen = world
        .app
        .view(&world.caller(world.reader1), OpenDesk { engagement: world.engagement, assignment })
        .await
        .unwrap();
    assert_eq!(seen.written.evidence["effect"][0].start, 27, "the second place was chosen");
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_said_beside_its_field_and_everything_typed_stays() {
    let world = World::live().await;
    let case = world.take_in("T-1").await;
    let assignment = world.seat(world.reader1, case).await;
    let (browser, desk) = (Browser::of(&world, world.reader1).await, world.desk(assignment));
    let item = world.item(case).await;
    let beyond = format!("{item}:1:0:900");
    let long = "x".repeat(20_001);
    let html = "<script>alert(1)</script>\"'&";
    for (fields, said) in [
        (vec![("rationale", "kept")], "has no answer"),
        (vec![("a.effect", "fell"), ("rationale", "kept")], "cites no evidence"),
        (vec![("a.effect", "sideways"), ("rationale", "kept")], "is not an answer"),
        (vec![("a.effect", "fell"), ("e.effect", &*beyond), ("rationale", "kept")], "lie outside the document"),
        (vec![("a.effect", "fell"), ("rationale", &*long)], "the limit is 20000"),
        (vec![("a.other", "yes"), ("rationale", "kept")], "is not part of the form"),
        (vec![("a.effect", html), ("q.effect", html), ("rationale", html)], "stands in none"),
    ] {
        for does in ["check", "seal"] {
            let sent: Vec<_> = fields.iter().copied().chain([("do", does)]).collect();
            let answer = browser.send(&desk, &sent).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{said}: {}", answer.body);
            assert!(answer.body.contains(said), "{said}: {}", answer.body);
            assert!(!answer.body.contains("<script>alert"), "{said}");
            assert!(answer.body.contains("kept") || !sent.contains(&("rationale", "kept")));
        }
    }
    let kept = browser.get(&desk).await;
    assert!(
        kept.body.contains("&#60;script&#62;") || kept.body.contains("&lt;script&gt;"),
        "what was typed last is restored as text"
    );
}

#[tokio::test]
async fn a_reader_who_lost_her_credential_is_refused_and_keeps_what_she_wrote() {
    let world = World::live().await;
    let case = world.take_in("T-1").await;
    let assignment = world.seat(world.reader1, case).await;
    let (browser, desk) = (Browser::of(&world, world.reader1).await, world.desk(assignment));
    world.app.clock().step_to("2027-01-02T09:00:00Z".parse().unwrap());
    let browser = Browser { token: world.token(world.reader1).await, ..browser };
    let case_id = case.to_string();
    let fields = [
        ("a.effect", "fell"),
        ("q.effect", "The mean fell by 4 points."),
        ("rationale", "my reasons"),
        ("case", &*case_id),
        ("do", "seal"),
    ];
    let refused = browser.send(&desk, &fields).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    assert!(refused.body.contains("my reasons") && refused.body.contains("class=\"errors\""), "{}", refused.body);
    assert!(browser.get(&desk).await.body.contains("my reasons"), "the draft stays");
}

#[tokio::test]
async fn a_seat_that_was_taken_away_says_so_and_shows_what_was_typed() {
    let world = World::live().await;
    let case = world.take_in("T-1").await;
    let assignment = world.seat(world.reader1, case).await;
    let (browser, desk) = (Browser::of(&world, world.reader1).await, world.desk(assignment));
    let (engagement, person) = (world.engagement, world.reader1);
    world
        .act(world.delivery, Command::RevokeSeat { engagement, case, person, reason: "needed elsewhere".into() })
        .await
        .unwrap();
    let case = case.to_string();
    let answer = browser
        .send(&desk, &[("a.effect", "fell"), ("rationale", "an hour of work"), ("case", &case), ("do", "seal")])
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    assert!(
        answer.body.contains("no longer on your desk") && answer.body.contains("an hour of work"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn giving_a_case_back_asks_why_and_drops_the_draft() {
    let world = World::live().await;
    let case = world.take_in("T-1").await;
    let assignment = world.seat(world.reader1, case).await;
    let (browser, desk) = (Browser::of(&world, world.reader1).await, world.desk(assignment));
    assert_eq!(
        browser.send(&format!("{desk}/release"), &[("reason", " ")]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let back = browser.send(&format!("{desk}/release"), &[("reason", "I know the author")]).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get(&desk).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nothing_to_read_is_a_calm_page() {
    let world = World::live().await;
    let browser = Browser::of(&world, world.reader1).await;
    let answer = browser.send(&format!("/e/{}/read/next", world.engagement), &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("No open case fits you right now"), "{}", answer.body);
    let seats = world.app.view(&world.caller(world.delivery), Seats { engagement: world.engagement }).await.unwrap();
    assert!(!seats.may_read);
}

#[tokio::test]
async fn one_seat_asked_for_by_many_at_once_goes_to_exactly_one() {
    let world = World::live().await;
    let case = world.take_in("T-1").await;
    world.seat(world.reader1, case).await;
    let engagement = world.engagement;
    let more = world.another_reader("Rosa Reader").await;
    let claims = [world.reader2, more]
        .map(|person| world.app.act(world.caller(person), Command::ClaimSeat { engagement, case }));
    let [one, other] = claims;
    let (one, other) = tokio::join!(one, other);
    assert_eq!([&one, &other].iter().filter(|claim| claim.is_ok()).count(), 1, "{one:?} {other:?}");
}

#[tokio::test]
async fn a_reading_submitted_twice_at_once_is_sealed_once() {
    let world = World::live().await;
    let case = world.take_in("T-1").await;
    world.seat(world.reader1, case).await;
    let path = world.api(&format!("cases/{case}/readings"));
    let body = json!({"answers": {"effect": "fell"}, "quotes": {"effect": "The mean fell by 4 points."}, "rationale": "it says so"});
    let browser = Browser::of(&world, world.reader1).await;
    let (one, other) = tokio::join!(browser.json(&path, &body), browser.json(&path, &body));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{one:?} {other:?}");
}
