//! Blindness, one side channel at a time: what a panel reader can open, ask or overhear is the same to the byte before and
//! after another reader of the panel drafts and seals (I2). The numbers are those of the list of side channels.
//!
//! Webhooks (6), the context of an AI (9) and chat (13) come with their features.

use axum::http::{Method, StatusCode};
use remit_kernel::{
    command::{AnswerIn, Command, JudgementIn},
    id::{AssignmentId, CaseId, ItemId, PersonId},
};
use remit_server::app::{judgement::Written, live::Heard};
use serde_json::Value;

use crate::{
    desk::Browser,
    http::{Answer, Http},
    routes::PAGES,
    world::World,
};

/// Words that the first reader alone has written.
const SECRET: &str = "quokkas";

/// A case in which both readers hold a seat; the second watches.
struct Watch {
    world: World,
    browser: Browser,
    case: CaseId,
    item: ItemId,
    /// The first reader's seat.
    first: AssignmentId,
    /// The second reader's seat.
    second: AssignmentId,
}

impl Watch {
    async fn begin() -> Self {
        let world = World::live().await;
        let case = world.take_in("T-1").await;
        let (first, second) = (world.seat(world.reader1, case).await, world.seat(world.reader2, case).await);
        let (browser, item) = (Browser::of(&world, world.reader2).await, world.item(case).await);
        Self { world, browser, case, item, first, second }
    }

    /// Returns a path under the API's engagement.
    fn api(&self, rest: &str) -> String {
        format!("/api/v1/engagements/{}/{rest}", self.world.engagement)
    }

    /// Returns a path under the engagement's pages.
    fn page(&self, rest: &str) -> String {
        format!("/e/{}/{rest}", self.world.engagement)
    }

    /// Returns the route with what exists in place of its placeholders.
    fn fill(&self, route: &str) -> String {
        [
            ("{engagement}", self.world.engagement.to_string()),
            ("{case}", self.case.to_string()),
            ("{item}", self.item.to_string()),
            ("{version}", "1".to_owned()),
            ("{assignment}", self.second.to_string()),
            ("{person}", self.world.reader1.to_string()),
        ]
        .iter()
        .fold(route.to_owned(), |route, (name, value)| route.replace(name, value))
    }

    async fn see(&self, paths: &[String]) -> Vec<Answer> {
        let mut seen = Vec::new();
        for path in paths {
            seen.push(self.browser.get(path).await);
        }
        seen
    }

    /// The first reader writes a draft and seals; her answer is this, her words are her own.
    async fn seal(&self, answer: &str) {
        let (world, engagement, case) = (&self.world, self.world.engagement, self.case);
        let draft = Written { rationale: format!("draft about {SECRET}"), ..Written::default() };
        world.app.keep_draft(&world.caller(world.reader1), engagement, self.first, &draft).await.unwrap();
        let judgement = JudgementIn {
            answers: [("effect".to_owned(), AnswerIn::Choice(answer.to_owned()))].into(),
            rationale: Some(format!("because of {SECRET}")),
            ..world.judgement(case, answer).await
        };
        world.act(world.reader1, Command::SubmitReading { engagement, case, judgement }).await.unwrap();
    }

    /// Asserts that these paths answer alike before and after, that at least `open` of them answer at all, and that none
    /// tells who read or what.
    async fn unmoved(&self, paths: &[String], open: usize) {
        let before = self.see(paths).await;
        let answered = before.iter().filter(|answer| answer.status == StatusCode::OK).count();
        assert!(answered >= open, "only {answered} of {paths:?} answer");
        self.seal("rose").await;
        for ((path, before), after) in paths.iter().zip(before).zip(self.see(paths).await) {
            assert_eq!(after, before, "{path}");
            self.tells_nothing(path, &after);
        }
    }

    fn tells_nothing(&self, path: &str, answer: &Answer) {
        for leak in [SECRET, &self.first.to_string()] {
            assert!(!answer.body.contains(leak), "{path} tells {leak}: {}", answer.body);
        }
    }
}

fn paths<const N: usize>(of: impl Fn(&str) -> String, rest: [&str; N]) -> Vec<String> {
    rest.iter().map(|rest| of(rest)).collect()
}

#[tokio::test]
async fn channel_1_case_and_item_by_api_and_page() {
    let watch = Watch::begin().await;
    let (case, item) = (watch.case, watch.item);
    let all = paths(
        |rest| watch.api(&rest.replace("CASE", &case.to_string()).replace("ITEM", &item.to_string())),
        ["cases/CASE", "cases/CASE/items/ITEM/1", "cases/CASE/dispute", "cases/CASE/signoff", "cases/CASE/witnesses"],
    );
    let pages = [watch.page(&format!("cases/{case}")), watch.page(&format!("cases/{case}/items/{item}/1"))];
    watch.unmoved(&[all, pages.to_vec()].concat(), 4).await;
}

#[tokio::test]
async fn channel_2_lists_badges_and_counts() {
    let watch = Watch::begin().await;
    let filters =
        ["", "?disputed=true", "?disputed=false", "?changed=true", "?question=effect", "?status=adjudicating"];
    let lists =
        filters.iter().flat_map(|filter| [watch.api(&format!("cases{filter}")), watch.page(&format!("cases{filter}"))]);
    let counts =
        [watch.api("seats"), watch.page("read"), watch.page("engagement"), "/".to_owned(), "/api/v1/today".to_owned()];
    watch.unmoved(&lists.chain(counts).collect::<Vec<_>>(), 17).await;
}

#[tokio::test]
async fn channel_3_search() {
    let watch = Watch::begin().await;
    let words = ["T-1", "mean", SECRET, "rose", "Rita"];
    let all: Vec<_> = words
        .iter()
        .flat_map(|word| [watch.api(&format!("cases?q={word}")), watch.page(&format!("cases?q={word}"))])
        .collect();
    let before = watch.see(&all).await;
    watch.seal("rose").await;
    for ((path, before), after) in all.iter().zip(before).zip(watch.see(&all).await) {
        assert_eq!((before.status, &after), (StatusCode::OK, &before), "{path}");
        let found = after.body.contains(&watch.case.to_string());
        assert_eq!(found, path.ends_with("T-1") || path.ends_with("mean"), "{path}: reference and title, no reading");
    }
}

#[tokio::test]
async fn channel_4_the_timeline() {
    let watch = Watch::begin().await;
    let case = watch.case;
    let all = [watch.api(&format!("cases/{case}/timeline")), watch.page(&format!("cases/{case}"))];
    watch.unmoved(&all, 2).await;
}

#[tokio::test]
async fn channel_5_notices_and_live_topics() {
    let watch = Watch::begin().await;
    let mut topics = watch.world.app.topics();
    watch.seal("rose").await;
    let mut heard = 0;
    while let Ok(topic) = topics.try_recv() {
        let told = watch.world.app.hears(&watch.world.caller(watch.world.reader2), topic.unwrap()).await.unwrap();
        assert_eq!(told, Heard::Nothing);
        heard += 1;
    }
    assert!(heard > 0, "something happened, and she heard nothing of it");
}

#[tokio::test]
async fn channel_7_exports_reports_and_figures() {
    let watch = Watch::begin().await;
    let api = ["export/cases", "export/events", "quality", "quality/disputes?question=effect"];
    let pages = ["cases.xlsx", "quality", "quality.xlsx", "quality/disputes?question=effect", "protection.xlsx"];
    let all = [paths(|rest| watch.api(rest), api), paths(|rest| watch.page(rest), pages)].concat();
    watch.unmoved(&all, 1).await;
}

#[tokio::test]
async fn channel_8_marks_on_shared_documents() {
    let watch = Watch::begin().await;
    let all = [watch.page(&format!("read/{}", watch.second)), watch.page(&format!("cases/{}", watch.case))];
    watch.unmoved(&all, 2).await;
    for (path, answer) in all.iter().zip(watch.see(&all).await) {
        assert!(!answer.body.contains("<mark"), "{path} marks what another cited");
    }
}

#[tokio::test]
async fn channel_10_status_and_routing() {
    let watch = Watch::begin().await;
    let other = watch.world.take_in("T-2").await;
    let (case, person) = (watch.case, watch.world.reader2);
    let all = [
        watch.api("cases?status=reading"),
        watch.page("cases?status=reading"),
        watch.api(&format!("cases/{case}")),
        watch.api(&format!("cases/{case}/eligibility?duty=adjudicate")),
        watch.api("seats"),
        watch.api(&format!("people/{person}")),
        format!("/people/{person}"),
    ];
    watch.unmoved(&all, 4).await;
    let next = watch.browser.json(&watch.api("seats/next"), &serde_json::json!({})).await;
    assert!(next.body.contains(&other.to_string()), "her next case is what it would have been: {}", next.body);
    watch.tells_nothing("seats/next", &next);
}

#[tokio::test]
async fn channel_11_headers_versions_and_sizes_whatever_the_other_answers() {
    let mut told = Vec::new();
    for answer in ["rose", "fell"] {
        let watch = Watch::begin().await;
        watch.seal(answer).await;
        let case = watch.case;
        let all = [
            watch.api(&format!("cases/{case}")),
            watch.api(&format!("assignments/{}", watch.second)),
            watch.page(&format!("cases/{case}")),
            watch.page(&format!("read/{}", watch.second)),
            watch.api("cases"),
        ];
        let seen = watch.see(&all).await;
        for (path, answer) in all.iter().zip(&seen) {
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            for header in ["etag", "last-modified", "age"] {
                assert_eq!(answer.header(header), "", "{path}");
            }
        }
        told.push((all, seen));
    }
    assert_eq!(told[0], told[1], "two worlds that differ in one sealed answer look alike");
}

#[tokio::test]
async fn channel_12_the_audit_view_of_the_own_side() {
    let watch = Watch::begin().await;
    let case = watch.case;
    let all = [
        watch.api("record"),
        watch.api(&format!("record?case={case}")),
        watch.api(&format!("cases/{case}/witnesses")),
        watch.page("protection"),
        watch.page(&format!("protection?case={case}")),
        watch.page("protection.xlsx"),
        watch.page(&format!("cases/{case}")),
    ];
    watch.unmoved(&all, 1).await;
}

#[tokio::test]
async fn channel_14_nothing_stays_behind_on_a_shared_desk() {
    let watch = Watch::begin().await;
    watch.seal("rose").await;
    let path = watch.page(&format!("read/{}", watch.second));
    let desk = watch.browser.get(&path).await;
    assert_eq!((desk.status, desk.header("cache-control")), (StatusCode::OK, "no-store"));
    watch.tells_nothing(&path, &desk);
    for foreign in
        [watch.page(&format!("read/{}", watch.first)), watch.api(&format!("assignments/{}/draft", watch.first))]
    {
        assert_eq!(watch.browser.get(&foreign).await.status, StatusCode::NOT_FOUND, "{foreign}");
    }
    let out = watch.browser.send("/sign-out", &[]).await;
    assert_eq!(out.header("clear-site-data"), "\"cache\"", "{out:?}");
}

/// Every route there is: a new one is watched from the day it is written.
#[tokio::test]
async fn every_page_and_every_operation_answers_alike() {
    let watch = Watch::begin().await;
    let document: Value = Http::of(&watch.world).send(Method::GET, "/api/v1/openapi.json", &[], "").await.json();
    let operations = document["paths"].as_object().unwrap().iter().filter(|(_, item)| item.get("get").is_some());
    let operations = operations.map(|(path, _)| format!("/api/v1{path}"));
    // A stream never ends; what it says has a test of its own.
    let routes = PAGES.iter().map(|page| (*page).to_owned()).filter(|page| !page.ends_with("/live")).chain(operations);
    let all: Vec<_> = routes.map(|route| watch.fill(&route)).collect();
    watch.unmoved(&all, 20).await;
}

/// Watches nobody: the same acts are told to whoever may know them, so that the tests above would see a leak.
#[tokio::test]
async fn what_is_hidden_from_the_reader_moves_for_who_may_know() {
    let watch = Watch::begin().await;
    let auditor: PersonId = watch.world.auditor;
    let seen = Watch { browser: Browser::of(&watch.world, auditor).await, ..watch };
    let all = [seen.api(&format!("record?case={}", seen.case)), seen.api(&format!("cases/{}/timeline", seen.case))];
    let before = seen.see(&all).await;
    seen.seal("rose").await;
    for ((path, before), after) in all.iter().zip(before).zip(seen.see(&all).await) {
        assert_eq!(before.status, StatusCode::OK, "{path}");
        assert_ne!(before.body, after.body, "{path}");
    }
}
