//! Calibration rounds and the gate before the first live case: blind until closed, laid side by side after, and no live
//! case for whoever is not calibrated.

use axum::http::StatusCode;
use remit_kernel::{
    command::Command,
    id::{CalibrationId, CaseId, PersonId},
    pack::{Calibrated, Duty, Pack},
};
use remit_server::{
    app::{people::WhyNot, today::TaskKind},
    jobs::run_due,
};

use crate::{
    desk::Browser,
    gold::Golden,
    world::{START, World, pack},
};

/// A round of one gold case and one other, read by two who know neither.
struct Round {
    golden: Golden,
    other: PersonId,
    calibration: CalibrationId,
    cases: [CaseId; 2],
}

impl Round {
    async fn begin() -> Self {
        let golden = Golden::begin().await;
        let other = golden.world.another_reader("Olga Other").await;
        let (world, engagement) = (&golden.world, golden.world.engagement);
        let case = world.take_in("R-100").await;
        world.read(world.reader1, case, "same").await.unwrap();
        world.read(world.reader2, case, "same").await.unwrap();
        let cases = [golden.gold.case(), case];
        let command = Command::OpenCalibration {
            engagement,
            title: "Spring".into(),
            cases: cases.to_vec(),
            members: vec![golden.reader, other],
            ends_at: START.plus_seconds(7 * 86_400),
        };
        let receipt = world.act(world.delivery, command).await.unwrap();
        let stream = receipt.events.iter().find_map(|event| event.stream.strip_prefix("calibration/"));
        let calibration = stream.unwrap().parse().unwrap();
        Self { golden, other, calibration, cases }
    }

    async fn read(&self, person: PersonId, case: CaseId, answer: &str) {
        let (engagement, calibration) = (self.golden.world.engagement, self.calibration);
        let judgement = self.golden.world.judgement(case, answer).await;
        let command = Command::ReadCalibration { engagement, calibration, case, judgement };
        self.golden.world.act(person, command).await.unwrap();
    }

    fn page(&self, rest: &str) -> String {
        format!("/e/{}/calibration/{}{rest}", self.golden.world.engagement, self.calibration)
    }

    fn api(&self, rest: &str) -> String {
        format!("/api/v1/engagements/{}/calibrations/{}{rest}", self.golden.world.engagement, self.calibration)
    }
}

#[tokio::test]
async fn a_reader_of_a_round_sees_nothing_of_the_others_until_it_is_closed() {
    let round = Round::begin().await;
    let (world, reader) = (&round.golden.world, round.golden.reader);
    let browser = Browser::of(world, reader).await;
    let [gold, case] = round.cases;
    let paths = [
        round.page(""),
        round.page(&format!("/read/{gold}")),
        round.page(&format!("/read/{case}")),
        round.api(""),
        round.api(&format!("/cases/{gold}")),
        format!("/e/{}/calibration", world.engagement),
        format!("/api/v1/engagements/{}/calibrations", world.engagement),
        "/".to_owned(),
    ];
    let see = async || {
        let mut seen = Vec::new();
        for path in &paths {
            let mut answer = browser.get(path).await;
            answer.headers.remove("x-request-id");
            assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
            seen.push(answer);
        }
        seen
    };
    let before = see().await;
    round.read(round.other, gold, "rose").await;
    round.read(round.other, case, "fell").await;
    for ((path, before), after) in paths.iter().zip(before).zip(see().await) {
        assert_eq!(after, before, "{path} tells of another's reading");
    }
    // The manager who arranges it sees who is done, and no answer.
    let manager = Browser::of(world, world.delivery).await;
    let arranged = manager.get(&round.api("")).await.json();
    assert_eq!(arranged["progress"][1]["read"], 2);
    assert!(arranged["session"].is_null() && !arranged.to_string().contains("rose"), "{arranged}");
    for person in [world.client, world.reader1, world.signer, world.stranger] {
        let answer = Browser::of(world, person).await.get(&round.api("")).await;
        assert!(
            answer.status == StatusCode::NOT_FOUND || answer.status == StatusCode::FORBIDDEN,
            "{person}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_closed_round_lays_answers_side_by_side_and_ends_in_findings() {
    let round = Round::begin().await;
    let (world, reader) = (&round.golden.world, round.golden.reader);
    let [gold, case] = round.cases;
    for (person, one, two) in [(reader, "fell", "same"), (round.other, "rose", "same")] {
        round.read(person, gold, one).await;
        round.read(person, case, two).await;
    }
    let browser = Browser::of(world, reader).await;
    let session = browser.get(&round.api("")).await.json()["session"].clone();
    let question = &session["questions"][0];
    assert_eq!((question["n"].as_u64(), question["cases"][0]["differ"].as_bool()), (Some(2), Some(true)), "{session}");
    assert_eq!(question["cases"][0]["wanted"], "fell");
    assert_eq!((question["pairs"][0]["differ"].as_u64(), question["pairs"][0]["n"].as_u64()), (Some(1), Some(2)));
    assert_eq!(question["pairs"][0]["references"][0], "G-100");
    let against: Vec<_> =
        session["against_gold"].as_array().unwrap().iter().map(|line| line["right"]["hits"].as_u64()).collect();
    assert_eq!(against, [Some(1), Some(0)]);
    let page = browser.get(&round.page("")).await;
    assert!(page.body.contains("Who differs from whom") && !page.body.contains("Note it"), "{page:?}");
    let manager = Browser::of(world, world.delivery).await;
    let empty = manager.send(&round.page("/act/note"), &[("kind", "playbook"), ("text", "")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [
        ("kind", "playbook"),
        ("question", "effect"),
        ("case", &case.to_string()),
        ("text", "Read the mean, not the median."),
    ];
    assert_eq!(manager.send(&round.page("/act/note"), &fields).await.status, StatusCode::SEE_OTHER);
    let page = browser.get(&round.page("")).await;
    assert!(page.body.contains("Playbook note") && page.body.contains("not the median"), "{page:?}");
    let verified =
        world.app.verify(&world.caller(world.operator), remit_kernel::stream::Scope::Directory, |_| {}).await;
    assert!(verified.unwrap().ok);
}

#[tokio::test]
async fn a_round_is_opened_read_and_closed_on_its_pages() {
    let golden = Golden::begin().await;
    let other = golden.world.another_reader("Olga Other").await;
    let (world, engagement, case) = (&golden.world, golden.world.engagement, golden.gold.case());
    let manager = Browser::of(world, world.delivery).await;
    let list = format!("/e/{engagement}/calibration");
    let page = manager.get(&list).await;
    assert!(page.body.contains("Open a round") && page.body.contains("G-100"), "{page:?}");
    let alone =
        [("title", "Spring"), ("ends_on", "2026-03-20"), ("case", &*case.to_string()), ("member", &*other.to_string())];
    let refused = manager.send(&list, &alone).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("alone, nobody differs") && refused.body.contains("value=\"Spring\""), "{refused:?}");
    let reader = golden.reader.to_string();
    let both: Vec<_> = alone.iter().copied().chain([("member", &*reader)]).collect();
    assert_eq!(manager.send(&list, &both).await.status, StatusCode::SEE_OTHER);
    let browser = Browser::of(world, golden.reader).await;
    let today = world.app.today(&world.caller(golden.reader)).await.unwrap();
    let task = today.mine.iter().find(|task| task.kind == TaskKind::ReadRound).unwrap();
    assert_eq!((task.cases, &*task.title), (1, "Spring"));
    let round = format!("{list}/{}", task.reference);
    let desk = format!("{round}/read/{case}");
    let page = browser.get(&desk).await;
    assert!(
        page.body.contains("The mean fell by 4 points") && page.body.contains("calibration, read blind"),
        "{page:?}"
    );
    let unfinished = browser.send(&desk, &[("do", "seal"), ("a.effect", "fell")]).await;
    assert_eq!(unfinished.status, StatusCode::UNPROCESSABLE_ENTITY);
    let kept = browser.get(&desk).await;
    assert!(kept.body.contains("Draft kept"), "what was typed is kept: {kept:?}");
    let sealed = browser
        .send(
            &desk,
            &[
                ("do", "seal"),
                ("a.effect", "fell"),
                ("q.effect", "The mean fell by 4 points."),
                ("rationale", "It says so."),
            ],
        )
        .await;
    assert_eq!((sealed.status, sealed.header("location")), (StatusCode::SEE_OTHER, &*round), "{sealed:?}");
    let again = browser.get(&desk).await;
    assert!(again.body.contains("You sealed this reading"), "{again:?}");
    assert_eq!(manager.send(&format!("{round}/act/close"), &[]).await.status, StatusCode::SEE_OTHER);
    let closed = manager.get(&round).await;
    assert!(closed.body.contains("Closed by a manager") || closed.body.contains("closed by a manager"), "{closed:?}");
    assert!(closed.body.contains("not read"), "{closed:?}");
    let late = Browser::of(world, other).await.get(&desk).await;
    assert!(late.body.contains("This round is closed"), "{late:?}");
}

#[tokio::test]
async fn a_round_is_closed_on_its_last_day() {
    let round = Round::begin().await;
    let world = &round.golden.world;
    world.app.clock().step_to(START.plus_seconds(7 * 86_400));
    while run_due(&world.app).await.unwrap() > 0 {}
    let shown = Browser::of(world, world.delivery).await.get(&round.api("")).await.json();
    assert_eq!((&shown["status"], &shown["closed"]), (&"closed".into(), &"time".into()), "{shown}");
}

/// A world whose standard line is worked by a pack that asks readers to be calibrated.
async fn gated() -> World {
    let mut world = World::live().await;
    let mut gate: Pack = pack();
    gate.version = "1.1.0".into();
    gate.requirements.get_mut(&Duty::Read).unwrap().calibration = Some(Calibrated { share_bp: 8_000, answers_min: 10 });
    world.pack = world.app.keep_pack(&gate).await.unwrap();
    let sow = world.act(world.delivery, world.draft_sow(Some(100))).await.unwrap().sow().unwrap();
    world.put_in_force(sow).await;
    world
}

#[tokio::test]
async fn whoever_is_not_calibrated_gets_no_live_case_and_hears_why() {
    let world = gated().await;
    let (engagement, reader) = (world.engagement, world.reader1);
    let case = world.take_in("C-1").await;
    let browser = Browser::of(&world, reader).await;
    let claimed = browser
        .json(&format!("/api/v1/engagements/{engagement}/cases/{case}/seats/claim"), &serde_json::json!({}))
        .await;
    assert_eq!(claimed.problem(), "not-calibrated");
    let next = browser.json(&format!("/api/v1/engagements/{engagement}/seats/next"), &serde_json::json!({})).await;
    assert!(next.body.contains("not-calibrated") && next.body.contains("0 questions"), "{next:?}");
    let assigned = Command::AssignSeat { engagement, case, person: reader };
    assert!(world.act(world.delivery, assigned).await.is_err(), "nor is it given to her");
    let today = world.app.today(&world.caller(reader)).await.unwrap();
    let task = today.mine.iter().find(|task| task.kind == TaskKind::Calibrate).unwrap();
    assert!(task.title.contains("10 are asked for"), "{task:?}");
    assert!(!today.mine.iter().any(|task| task.kind == TaskKind::NextCase));
    let why =
        world.app.view(&world.caller(world.delivery), WhyNot { engagement, case, duty: Duty::Read }).await.unwrap();
    let line = why.people.iter().find(|line| line.person == reader).unwrap();
    assert!(
        line.reasons.iter().any(|reason| reason.code == "not-calibrated" && reason.hint.contains("calibration round"))
    );
    let seats = browser.get(&format!("/e/{engagement}/read")).await;
    assert!(seats.body.contains("10 are asked for") && seats.body.contains("Take a gold case"), "{seats:?}");
}

#[tokio::test]
async fn a_pack_without_the_requirement_is_as_it_was() {
    let world = World::live().await;
    assert_eq!(pack().reference().digest.to_string(), world.pack.digest.to_string());
    let case = world.take_in("C-1").await;
    world.read(world.reader1, case, "fell").await.unwrap();
}
