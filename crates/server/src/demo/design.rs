//! The third engagement of the demo: design notes, judged by a grade, a list of concerns and a measure.

use std::collections::BTreeMap;

use remit_kernel::{
    case::{Media, Visibility},
    command::{Command, ItemIn},
    id::CaseId,
};
use serde::Deserialize;

use super::{
    evidence::lines,
    shipped,
    stage::{NewCase, Scene, Stage, Terms, View, made},
};
use crate::error::Result;

/// A design note of the script.
#[derive(Debug, Clone, Deserialize)]
struct Note {
    reference: String,
    title: String,
    element: String,
    stage: String,
    body: String,
    first: Finding,
    second: Finding,
    adjudicated: Option<Finding>,
}

/// How somebody sees it.
#[derive(Debug, Clone, Deserialize)]
struct Finding {
    readiness: String,
    concerns: String,
    width: String,
    quote: Option<String>,
    measure: String,
    rationale: String,
    confidence: Option<u8>,
}

/// Plays the engagement: the first notes are done, the last ones wait for somebody.
pub(super) async fn play(stage: &Stage) -> Result<()> {
    let pack = shipped("design-review")?;
    stage.app.clock().step_to(stage.end.plus_seconds(-9 * 86_400));
    stage.qualify_engineers().await?;
    let scene = stage
        .open(&Terms {
            name: "Access routes 2026",
            pack: "design-review",
            service: "Review of design notes",
            case_type: "access-route",
            price_minor: 9_500,
            currency: "GBP",
            volume_max: 200,
        })
        .await?;
    let notes: Vec<Note> = lines(made(pack.demo.find("cases.jsonl"))?)?;
    for (place, note) in notes.iter().enumerate() {
        stage.wait(20_000);
        let case = take_in(stage, &scene, note).await?;
        work(stage, &scene, note, case, place).await?;
    }
    Ok(())
}

async fn work(stage: &Stage, scene: &Scene, note: &Note, case: CaseId, place: usize) -> Result<()> {
    let people = stage.people;
    match place {
        // One reading is in, the other is not begun.
        6 => return stage.read(scene, people.reader1, case, &note.first.view(), 840).await,
        // Nobody has begun.
        7 => return Ok(()),
        _ => {}
    }
    stage.read(scene, people.reader1, case, &note.first.view(), 840).await?;
    stage.wait(2_600);
    stage.read(scene, people.reader2, case, &note.second.view(), 910).await?;
    match (place, &note.adjudicated) {
        (_, Some(decision)) => {
            stage.wait(3_000);
            stage.adjudicate(scene, case, &decision.view()).await?;
            stage.finish(scene, case).await
        }
        // To accept.
        (2, None) => {
            stage.sign(scene, case).await?;
            stage.act(people.delivery, Command::Deliver { engagement: scene.engagement, case }).await.map(drop)
        }
        // To sign, and to adjudicate.
        (4 | 5, None) => Ok(()),
        (_, None) => stage.finish(scene, case).await,
    }
}

async fn take_in(stage: &Stage, scene: &Scene, note: &Note) -> Result<CaseId> {
    let fields = [("element", &note.element), ("stage", &note.stage)];
    let item = ItemIn {
        name: "Design note".into(),
        media: Media::Text,
        body: note.body.clone(),
        material: true,
        visibility: Visibility::Both,
    };
    let given = NewCase {
        reference: note.reference.clone(),
        title: note.title.clone(),
        fields: fields.map(|(key, value)| (key.to_owned(), value.clone())).into(),
        jurisdiction: "GB".into(),
        due_days: 10,
        items: vec![item],
        ..NewCase::default()
    };
    stage.take_in(scene, given).await
}

impl Finding {
    fn view(&self) -> View {
        let answers = [("readiness", &self.readiness), ("concerns", &self.concerns), ("width", &self.width)];
        let quotes = self.quote.iter().map(|quote| ("readiness".to_owned(), quote.clone()));
        View {
            answers: answers.map(|(key, value)| (key.to_owned(), value.clone())).into(),
            quotes: quotes.chain([("width".to_owned(), self.measure.clone())]).collect::<BTreeMap<_, _>>(),
            rationale: Some(self.rationale.clone()),
            confidence: self.confidence,
        }
    }
}
