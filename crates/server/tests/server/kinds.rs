//! Grades, picks and numbers on the way through every page: desk, adjudication, case, figures, export, deliverable.

use axum::http::StatusCode;
use remit_kernel::{
    form::{Choice, EvidenceRule, Question, QuestionKind},
    id::{AssignmentId, CaseId, PersonId},
    pack::Pack,
};
use remit_server::app::quality::ShowQuality;
use serde_json::json;

use crate::{
    desk::Browser,
    world::{World, pack},
};

/// The small pack with a grade, picks and a number beside its choice.
fn wide() -> Pack {
    let options = |titles: &[&str]| -> Vec<Choice> {
        let option = |(place, title): (usize, &&str)| Choice {
            key: title.to_lowercase(),
            title: (*title).to_owned(),
            shortcut: (place + 1).to_string(),
        };
        titles.iter().enumerate().map(option).collect()
    };
    let question = |key: &str, title: &str, kind| Question {
        key: key.into(),
        title: title.into(),
        help: String::new(),
        kind,
        required: true,
        decides: true,
        evidence: EvidenceRule::None,
    };
    let severity = QuestionKind::Grade { steps: options(&["Mild", "Fair", "Grave"]), tolerance: 1 };
    let causes = options(&["Heat", "Dust", "Noise"]);
    let causes = QuestionKind::Multi { options: causes, picks_min: 1, picks_max: 2, common_min: 100 };
    let dose = QuestionKind::Number {
        unit: "mg".into(),
        min: "0".parse().unwrap(),
        max: "500".parse().unwrap(),
        places: 1,
        tolerance: "0.5".parse().unwrap(),
        tolerance_share: 0,
    };
    let mut pack = pack();
    pack.form.questions.push(question("severity", "Severity", severity));
    pack.form.questions.push(question("causes", "Causes", causes));
    pack.form.questions.push(question("dose", "Dose", dose));
    pack
}

struct Desk {
    browser: Browser,
    address: String,
    cited: String,
}

impl Desk {
    async fn take(world: &World, person: PersonId, case: CaseId) -> Self {
        let seat: AssignmentId = world.seat(person, case).await;
        let cited = format!("{}:1:0:26", world.item(case).await);
        let browser = Browser::of(world, person).await;
        Self { browser, address: format!("/e/{}/read/{seat}", world.engagement), cited }
    }

    async fn send(&self, verb: &str, severity: &str, causes: &[&str], dose: &str) -> crate::http::Answer {
        let mut fields = vec![
            ("do", verb),
            ("a.effect", "fell"),
            ("e.effect", &self.cited),
            ("a.severity", severity),
            ("a.dose", dose),
            ("rationale", "because"),
        ];
        fields.extend(causes.iter().map(|cause| ("m.causes", *cause)));
        self.browser.send(&self.address, &fields).await
    }
}

#[tokio::test]
async fn every_kind_is_asked_kept_checked_and_sealed_without_scripts() {
    let world = World::by(wide()).await;
    let case = world.take_in("T-1").await;
    let desk = Desk::take(&world, world.reader1, case).await;
    let empty = desk.browser.get(&desk.address).await.body;
    for shown in [
        r#"name="a.severity" value="grave""#,
        r#"<input type="checkbox" name="m.causes" value="dust""#,
        "pick 1 to 2",
        r#"name="a.dose" inputmode="decimal""#,
        r#"<span class="unit">mg</span>"#,
        "0 to 500, with at most 1 decimal",
    ] {
        assert!(empty.contains(shown), "{shown}");
    }
    assert!(!empty.contains(" checked"), "nothing is preselected");

    let kept = desk.send("keep", "grave", &["heat", "noise"], "12.5").await;
    assert_eq!(kept.status, StatusCode::OK);
    for shown in [r#"value="grave" data-cap="3" checked"#, r#"value="noise" data-cap="3" checked"#, r#"value="12.5""#] {
        assert!(kept.body.contains(shown), "{shown}");
    }
    let wrong = desk.send("check", "grave", &["heat", "dust", "noise"], "12,5").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("“12,5” is not a number. Write digits with a point"), "{}", wrong.body);
    assert!(wrong.body.contains(r#"value="12,5""#), "what was typed stays");
    let wrong = desk.send("check", "grave", &["heat", "dust", "noise"], "500.1").await;
    assert!(wrong.body.contains("3 options are picked, wanted are 1 to 2"), "{}", wrong.body);
    assert!(wrong.body.contains("Give a number from 0 to 500 mg, with at most 1 decimal."), "{}", wrong.body);
    let ready = desk.send("check", "grave", &["heat", "noise"], "12.50").await;
    assert!(ready.body.contains("Severity: Grave · Causes: Heat, Noise · Dose: 12.5 mg"), "{}", ready.body);
    assert_eq!(desk.send("seal", "grave", &["heat", "noise"], "12.50").await.status, StatusCode::SEE_OTHER);
    let sealed = desk.browser.get(&desk.address).await.body;
    assert!(sealed.contains(r#"<p class="answer">Heat, Noise</p>"#) && sealed.contains("12.5 mg"), "{sealed}");
}

#[tokio::test]
async fn readings_within_the_tolerance_agree_and_the_middle_stands_everywhere() {
    let world = World::by(wide()).await;
    let engagement = world.engagement;
    let case = world.take_in("T-1").await;
    for (reader, severity, dose) in [(world.reader1, "grave", "12"), (world.reader2, "fair", "12.5")] {
        let desk = Desk::take(&world, reader, case).await;
        assert_eq!(desk.send("seal", severity, &["dust"], dose).await.status, StatusCode::SEE_OTHER);
    }
    let manager = Browser::of(&world, world.delivery).await;
    let shown = manager.get(&format!("/api/v1/engagements/{engagement}/cases/{case}")).await.json();
    let answers: Vec<_> = shown["outcome"]["judgement"]["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| (answer["question"].as_str().unwrap(), answer["answer"].as_str().unwrap()))
        .collect();
    assert_eq!(answers, [("effect", "fell"), ("severity", "Fair"), ("causes", "Dust"), ("dose", "12.2 mg")]);
    let page = manager.get(&format!("/e/{engagement}/cases/{case}")).await.body;
    assert!(page.contains("12.2 mg") && page.contains("12.5 mg") && page.contains("Grave"), "{page}");
    assert!(page.contains("“Dose” lies half-way between answers that agree within its tolerance"), "{page}");
    let deliverable = shown["deliverable"].to_string();
    assert!(deliverable.contains("Severity\\n  Fair") && deliverable.contains("Dose\\n  12.2 mg"), "{deliverable}");

    let quality = world.app.view(&world.caller(world.client), ShowQuality { engagement, origin: None }).await.unwrap();
    let pairs: Vec<_> = quality
        .questions
        .iter()
        .map(|question| (question.question.as_str(), question.pairs[0].share_agreed, question.pairs[0].differ))
        .collect();
    let agreed = |key| (key, Some(1.0), 0);
    assert_eq!(pairs, [agreed("effect"), ("severity", Some(0.0), 0), agreed("causes"), agreed("dose")]);
    assert_eq!(quality.questions[1].pairs[0].answers, ["Fair", "Grave"]);
    let page = manager.get(&format!("/e/{engagement}/quality")).await.body;
    for level in
        ["for names (nominal)", "for grades (ordinal)", "for numbers (interval)", "for sets (Jaccard’s distance)"]
    {
        assert!(page.contains(&format!("Krippendorff’s alpha {level}")), "{level}: {page}");
    }
    assert!(page.contains("Within the tolerance 100.0 %") && page.contains("Each option by itself"), "{page}");
}

#[tokio::test]
async fn a_dispute_on_picks_and_a_number_is_laid_side_by_side_and_decided_by_program() {
    let world = World::by(wide()).await;
    let engagement = world.engagement;
    let case = world.take_in("T-1").await;
    for (reader, severity, cause, dose) in
        [(world.reader1, "mild", "dust", "10"), (world.reader2, "fair", "heat", "11")]
    {
        let desk = Desk::take(&world, reader, case).await;
        desk.send("seal", severity, &[cause], dose).await;
    }
    let judge = Browser::of(&world, world.adjudicator).await;
    assert_eq!(judge.send(&format!("/e/{engagement}/adjudicate/{case}/take"), &[]).await.status, StatusCode::SEE_OTHER);
    let page = judge.get(&format!("/e/{engagement}/adjudicate/{case}")).await.body;
    let row = |title: &str| {
        let from = page.find(&format!(r#"<th scope="row">{title}<"#)).unwrap();
        page[from..from + page[from..].find("</tr>").unwrap()].to_owned()
    };
    assert!(row("Causes").contains("They differ") && row("Causes").contains("Dust"), "{}", row("Causes"));
    assert!(row("Dose").contains("They differ") && row("Dose").contains("11.0 mg"), "{}", row("Dose"));
    assert!(row("Severity").contains("Within what counts as the same"), "{}", row("Severity"));

    let cited = json!({"item": world.item(case).await.to_string(), "version": 1, "start": 0, "end": 26});
    let decision = |dose: serde_json::Value| {
        json!({
            "answers": {"effect": "fell", "severity": "fair", "causes": ["heat", "dust"], "dose": dose},
            "evidence": {"effect": [cited]},
            "rationale": "both causes are named",
        })
    };
    let address = format!("/api/v1/engagements/{engagement}/cases/{case}/dispute");
    let refused = judge.json(&address, &decision(json!("eleven"))).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    assert!(refused.body.contains("number-range"), "{}", refused.body);
    let decided = judge.json(&address, &decision(json!(10.5))).await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.body);

    let client = Browser::of(&world, world.client).await;
    let page = client.get(&format!("/e/{engagement}/quality/disputes?question=dose")).await.body;
    assert!(page.contains("10.0 mg") && page.contains("11.0 mg") && page.contains("10.5 mg"), "{page}");
    let page = client.get(&format!("/e/{engagement}/quality/disputes?question=severity")).await.body;
    assert!(!page.contains("T-1"), "a tolerated difference is no dispute");
}

#[tokio::test]
async fn an_export_and_the_knowledge_page_tell_every_kind() {
    let world = World::by(wide()).await;
    let engagement = world.engagement;
    let page = Browser::of(&world, world.client).await.get(&format!("/e/{engagement}/knowledge")).await.body;
    for shown in [
        "neighbouring steps count as the same",
        "1 to 2 of these",
        "a number from 0.0 to 500.0 mg",
        "up to 0.5 mg apart",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    let case = world.take_in("T-1").await;
    for reader in [world.reader1, world.reader2] {
        let desk = Desk::take(&world, reader, case).await;
        desk.send("seal", "grave", &["noise", "heat"], "7.5").await;
    }
    // Whoever may know the readings takes them along in the shape in which a program sends them.
    let given =
        Browser::of(&world, world.delivery).await.get(&format!("/api/v1/engagements/{engagement}/export/cases")).await;
    let answers = &given.json()["judgements"][0]["judgement"]["answers"];
    assert_eq!(*answers, json!({"causes": ["heat", "noise"], "dose": "7.5", "effect": "fell", "severity": "grave"}));
}
