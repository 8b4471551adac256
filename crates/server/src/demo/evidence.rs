//! The first engagement of the demo: trial evidence, five weeks of it.

use std::collections::BTreeMap;

use remit_kernel::{
    calibration::FindingKind,
    case::{Media, ReturnCode, Visibility},
    command::{Command, ItemIn},
    id::{CaseId, PersonId},
    pack::{GoldPlan, Plan},
    role::Role,
};
use serde::Deserialize;

use super::{
    shipped,
    stage::{NewCase, Scene, Stage, Terms, View, made},
};
use crate::error::Result;

/// A question of the script.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Question {
    pub(super) reference: String,
    title: String,
    outcome: String,
    intervention: String,
    comparator: String,
    pub(super) report: String,
    answer: String,
    quote: Option<String>,
    second_quote: Option<String>,
    rationale: String,
    pub(super) disagreement: Option<Other>,
    /// What both readers hold, before the signer sees that it is wrong.
    #[serde(default)]
    mistake: Option<Other>,
}

/// Another view than the right one.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Other {
    answer: String,
    quote: Option<String>,
    rationale: String,
}

/// Plays the engagement. The last dozen cases are left where each persona finds something to do.
pub(super) async fn play(stage: &Stage) -> Result<()> {
    let pack = shipped("evidence-analysis")?;
    let scene = stage
        .open(&Terms {
            name: "Trial evidence 2026",
            pack: "evidence-analysis",
            service: "Evidence analysis of trial reports",
            case_type: "trial-outcome",
            price_minor: 6_800,
            currency: "GBP",
            volume_max: 400,
            plan: Some(Plan { gold: Some(GoldPlan { rate_bp: 500, ..GoldPlan::USUAL }), ..pack.pack.plan.clone() }),
        })
        .await?;
    let questions: Vec<Question> = lines(made(pack.demo.find("cases.jsonl"))?)?;
    let reports = pack.demo.clone();
    let report = |path: &str| reports.find(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let open = questions.len().saturating_sub(13);
    let (past, present) = questions.split_at(open);
    let (mut plain, mut disputed) = (Vec::new(), Vec::new());
    for (place, question) in past.iter().enumerate() {
        stage.wait(86_400 + 7_000);
        let case = take_in(stage, &scene, question, made(report(&question.report))?, (false, 4)).await?;
        finish(stage, &scene, question, case, place).await?;
        if question.disagreement.is_none() && ![5, 8].contains(&place) {
            plain.push((case, question));
        }
        if question.disagreement.is_some() {
            disputed.push(case);
        }
    }
    stage.lapsed_expert(scene.engagement).await?;
    measured(stage, &scene, &plain).await?;
    stage.app.clock().step_to(stage.end.plus_seconds(-30 * 3_600));
    for (place, question) in present.iter().enumerate() {
        stage.wait(2_400);
        let promise = if place % 5 == 1 { (true, 1) } else { (false, 4) };
        let case = take_in(stage, &scene, question, made(report(&question.report))?, promise).await?;
        leave(stage, &scene, question, case, place).await?;
    }
    if let Some(case) = disputed.last() {
        guidance(stage, &scene, *case).await?;
    }
    out_of_scope(stage, &scene).await
}

/// The adjudicator proposes what she decided as a precedent: it waits for the delivery manager.
async fn guidance(stage: &Stage, scene: &Scene, case: CaseId) -> Result<()> {
    let text =
        "Read the direction for the outcome as asked, intervention against comparator: a figure for each tablet is another outcome.".to_owned();
    let (engagement, question) = (scene.engagement, "effect".to_owned());
    let propose = Command::ProposePrecedent { engagement, case, question, text, replaces: None };
    stage.act(stage.people.adjudicator, propose).await.map(drop)
}

/// Works a case of the past to its end. A few go the long way round.
async fn finish(stage: &Stage, scene: &Scene, question: &Question, case: CaseId, place: usize) -> Result<()> {
    let (engagement, people) = (scene.engagement, stage.people);
    both_read(stage, scene, question, case).await?;
    stage.wait(3_000);
    if question.disagreement.is_some() {
        stage.adjudicate(scene, case, &question.view()).await?;
        stage.wait(2_000);
    }
    match place {
        // The signer sees it otherwise, and an adjudicator who is not she decides.
        5 if question.disagreement.is_none() => {
            stage.open_all(scene, case).await?;
            let finding = Some(stage.judgement(scene, case, &question.view()).await?);
            let note =
                "More people in one group is no effect yet: the report tests the difference, and it is not significant.".to_owned();
            stage
                .act(
                    people.signer,
                    Command::ReturnSignoff { engagement, case, code: ReturnCode::Reasoning, note, finding },
                )
                .await?;
            stage.wait(5_000);
            stage.adjudicate(scene, case, &question.view()).await?;
            stage.wait(2_000);
            stage.finish(scene, case).await
        }
        // The client asks for another tone; the owner mends it, and it is signed anew.
        8 => {
            stage.sign(scene, case).await?;
            stage.act(people.delivery, Command::Deliver { engagement, case }).await?;
            stage.wait(9_000);
            let note = "Please say the direction of the effect in the first line.".to_owned();
            stage
                .act(people.client, Command::ReturnDelivery { engagement, case, code: ReturnCode::Format, note })
                .await?;
            stage.wait(4_000);
            let body =
                format!("{}: {}\n\n{}\n", question.outcome, question.answer.replace('_', " "), question.rationale);
            stage.act(people.delivery, Command::EditDeliverable { engagement, case, body }).await?;
            stage.act(people.delivery, Command::RequestSignoff { engagement, case }).await?;
            stage.wait(6_000);
            stage.finish(scene, case).await
        }
        _ => stage.finish(scene, case).await,
    }
}

/// Leaves a case where one of the personas finds it.
async fn leave(stage: &Stage, scene: &Scene, question: &Question, case: CaseId, place: usize) -> Result<()> {
    let people = stage.people;
    let alike = Question { disagreement: None, ..question.clone() };
    match place {
        // To sign, one of them half opened.
        0 | 1 => both_read(stage, scene, &alike, case).await,
        2 => {
            both_read(stage, scene, &alike, case).await?;
            stage.glance(scene, case).await
        }
        // To deliver.
        3 => {
            both_read(stage, scene, &alike, case).await?;
            stage.sign(scene, case).await
        }
        // To accept.
        4 | 5 => {
            both_read(stage, scene, &alike, case).await?;
            stage.sign(scene, case).await?;
            stage.act(people.delivery, Command::Deliver { engagement: scene.engagement, case }).await.map(drop)
        }
        // To adjudicate.
        6 | 7 => {
            let other = question.disagreement.clone().unwrap_or_else(|| question.opposite());
            both_read(stage, scene, &Question { disagreement: Some(other), ..question.clone() }, case).await
        }
        // The first reader has sealed; the second has not begun.
        8 => stage.read(scene, people.reader1, case, &question.view(), 700).await,
        // Both have it open.
        9 => {
            stage.claim(scene, people.reader1, case).await?;
            stage.claim(scene, people.reader2, case).await
        }
        // Nobody has begun.
        _ => Ok(()),
    }
}

pub(super) async fn both_read(stage: &Stage, scene: &Scene, question: &Question, case: CaseId) -> Result<()> {
    let readers: (PersonId, PersonId) = (stage.people.reader1, stage.people.reader2);
    stage.wait(1_200);
    stage.read(scene, readers.0, case, &question.first(), 640).await?;
    stage.wait(1_900);
    stage.read(scene, readers.1, case, &question.second(), 580).await
}

pub(super) async fn take_in(
    stage: &Stage,
    scene: &Scene,
    question: &Question,
    body: String,
    (urgent, due_days): (bool, i64),
) -> Result<CaseId> {
    let fields = [
        ("outcome", &question.outcome),
        ("intervention", &question.intervention),
        ("comparator", &question.comparator),
    ];
    let name = body.lines().next().unwrap_or("Report").to_owned();
    stage
        .take_in(
            scene,
            NewCase {
                reference: question.reference.clone(),
                title: question.title.clone(),
                fields: fields.map(|(key, value)| (key.to_owned(), value.clone())).into(),
                jurisdiction: "GB".into(),
                urgent,
                due_days,
                items: vec![ItemIn { name, media: Media::Text, body, material: true, visibility: Visibility::Both }],
                ..NewCase::default()
            },
        )
        .await
}

/// Two experts who come new read decided cases together before they begin; some of these become gold, one a precedent.
async fn measured(stage: &Stage, scene: &Scene, plain: &[(CaseId, &Question)]) -> Result<()> {
    let (engagement, delivery) = (scene.engagement, stage.people.delivery);
    let keeper = stage.join(engagement, "Lindiwe Sithole", Role::DeliveryManager).await?;
    let zanele = stage.join(engagement, "Zanele Mthembu", Role::Expert).await?;
    let kabelo = stage.join(engagement, "Kabelo Nkosi", Role::Expert).await?;
    let members = vec![zanele, kabelo];
    let last = &plain[plain.len().saturating_sub(7)..];
    let (gold, others) = last.split_at(last.len().min(3));
    for (place, (case, _)) in gold.iter().enumerate() {
        let note = Some("Plain, and typical of what comes in.".to_owned());
        stage.act(keeper, Command::ProposeGold { engagement, case: *case, note }).await?;
        stage.wait(600);
        // The third waits for approval.
        if place < 2 {
            stage.act(delivery, Command::ApproveGold { engagement, gold: case.gold() }).await?;
        }
    }
    let read: Vec<_> = gold.iter().take(2).chain(others.iter().take(2)).collect();
    let round = Command::OpenCalibration {
        engagement,
        title: "Before the first live case".into(),
        cases: read.iter().map(|(case, _)| *case).collect(),
        members,
        ends_at: stage.app.clock().now().plus_seconds(3 * 86_400),
    };
    let calibration = made(stage.act(delivery, round).await?.calibration())?;
    for (place, (case, question)) in read.iter().enumerate() {
        for person in [zanele, kabelo] {
            stage.wait(900);
            // On the second they differ.
            let other = View { answers: answer("cannot_tell"), quotes: BTreeMap::new(), ..question.view() };
            let view = if place == 1 && person == kabelo { other } else { question.view() };
            let judgement = stage.judgement(scene, *case, &view).await?;
            stage.act(person, Command::ReadCalibration { engagement, calibration, case: *case, judgement }).await?;
        }
    }
    stage.wait(3_600);
    let text = "Read the comparison between the groups before the change within each; only the first decides.";
    let note = Command::NoteFinding {
        engagement,
        calibration,
        kind: FindingKind::Precedent,
        question: Some("effect".into()),
        case: others.first().map(|(case, _)| *case),
        text: text.into(),
    };
    stage.act(delivery, note).await?;
    let Some((case, _)) = others.first() else { return Ok(()) };
    let (case, question, text) = (*case, "effect".to_owned(), text.to_owned());
    stage.act(keeper, Command::ProposePrecedent { engagement, case, question, text, replaces: None }).await?;
    stage.wait(900);
    let precedent = case.precedent();
    stage.act(delivery, Command::ApprovePrecedent { engagement, precedent }).await.map(drop)
}

/// A Friday request that no line covers.
async fn out_of_scope(stage: &Stage, scene: &Scene) -> Result<()> {
    let item = ItemIn {
        name: "Note from the steering group".into(),
        media: Media::Text,
        body: "Could you also look at the forty protocols we sent on Friday? No outcome data yet, only plans.\n".into(),
        material: true,
        visibility: Visibility::Both,
    };
    let new = NewCase {
        reference: "PR-040".into(),
        title: "Forty trial protocols, as a small favour".into(),
        case_type: Some("protocol-review".into()),
        jurisdiction: "GB".into(),
        due_days: 3,
        items: vec![item],
        ..NewCase::default()
    };
    stage.take_in(scene, new).await.map(drop)
}

impl Question {
    pub(super) fn view(&self) -> View {
        View {
            answers: answer(&self.answer),
            quotes: cited(self.quote.as_ref()),
            rationale: Some(self.rationale.clone()),
            confidence: None,
        }
    }

    /// How the first reader sees it: as it is, or as both do by mistake.
    fn first(&self) -> View {
        self.mistake.as_ref().map_or_else(|| self.view(), Other::view)
    }

    /// How the second reader sees it: otherwise, or alike on other evidence, or alike.
    fn second(&self) -> View {
        match (&self.disagreement, &self.second_quote) {
            (Some(other), _) => other.view(),
            (None, Some(quote)) => View { quotes: cited(Some(quote)), ..self.first() },
            (None, None) => self.first(),
        }
    }

    fn opposite(&self) -> Other {
        let answer = if self.answer == "no_difference" { "decreased" } else { "no_difference" };
        Other {
            answer: answer.into(),
            quote: self.quote.clone(),
            rationale: "I read the interval as touching zero at this time point.".into(),
        }
    }
}

impl Other {
    fn view(&self) -> View {
        View {
            answers: answer(&self.answer),
            quotes: cited(self.quote.as_ref()),
            rationale: Some(self.rationale.clone()),
            confidence: None,
        }
    }
}

fn cited(quote: Option<&String>) -> BTreeMap<String, String> {
    quote.map(|quote| ("effect".to_owned(), quote.clone())).into_iter().collect()
}

fn answer(key: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("effect".to_owned(), key.to_owned())])
}

/// Reads one JSON object a line.
pub(super) fn lines<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<Vec<T>> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| Ok(serde_json::from_str(line)?)).collect()
}
