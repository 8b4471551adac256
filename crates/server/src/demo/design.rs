//! The third engagement of the demo: design notes, judged by a grade, a list of concerns and a measure, and read until the
//! estimated chance of a wrong answer is small enough.

use std::collections::BTreeMap;

use remit_formats::{
    pack::LoadedPack,
    table::{Encoding, Table},
};
use remit_kernel::{
    case::{Media, Visibility},
    command::{Command, ItemIn, reference_key},
    id::{CaseId, PersonId},
    pack::{GoldPlan, Plan, Stopping},
};
use serde::Deserialize;

use super::{
    evidence::lines,
    gold::Pool,
    shipped,
    stage::{NewCase, Scene, Stage, Terms, View, made},
};
use crate::{
    Caller,
    app::import::{History, Target},
    error::{Error, Result},
};

/// A design note of the script.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Note {
    reference: String,
    title: String,
    element: String,
    stage: String,
    body: String,
    pub(super) first: Finding,
    pub(super) second: Finding,
    pub(super) third: Option<Finding>,
}

/// How somebody sees it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Finding {
    readiness: String,
    concerns: String,
    width: String,
    quote: Option<String>,
    measure: String,
    rationale: String,
    confidence: Option<u8>,
}

/// How gold is mixed in: often, so that whoever tries the demo meets it, and told of soon.
pub(super) const GOLD: GoldPlan = GoldPlan { rate_bp: 2_000, window_days: 2, ..GoldPlan::USUAL };

/// Notes of last week; those after them came in today.
const PAST: usize = 5;

/// The notes of the calibration round, how ready the third engineer finds them, and their width.
const ROUND: [(&str, &str, &str); 3] =
    [("H-003", "minor", "1505"), ("H-004", "minor", "1800"), ("H-008", "minor", "1650")];

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
            plan: Some(Plan {
                stopping: Stopping::Sequential { readings_min: 2, readings_max: 4, error_max: 120_000 },
                gold: Some(GOLD),
                ..pack.pack.plan.clone()
            }),
        })
        .await?;
    let third = stage.expert(scene.engagement, "Lerato Maseko", ("design-engineer", "DE-344", 500)).await?;
    history(stage, &scene, &pack).await?;
    let pool = Pool::agree(stage, &scene, &pack, third).await?;
    let notes: Vec<Note> = lines(made(pack.demo.find("cases.jsonl"))?)?;
    let (past, present) = notes.split_at(notes.len().min(PAST));
    for (place, note) in past.iter().enumerate() {
        stage.wait(20_000);
        let case = take_in(stage, &scene, note).await?;
        pool.mix_in(stage, &scene, place).await?;
        work(stage, &scene, note, case, (place, third)).await?;
    }
    pool.object(stage, &scene).await?;
    stage.move_on(9 * 3_600).await?;
    round(stage, &scene, third).await?;
    for (place, note) in present.iter().enumerate() {
        stage.wait(1_500);
        let case = take_in(stage, &scene, note).await?;
        work(stage, &scene, note, case, (PAST + place, third)).await?;
    }
    // What the first reader has at her desk may be gold or not: it looks like any other case.
    stage.wait(1_500);
    stage.shown(&scene, stage.people.reader1, GOLD).await.map(drop)
}

/// Opens a calibration round on three notes of the past. One reader is through, one has begun, one has not.
async fn round(stage: &Stage, scene: &Scene, third: PersonId) -> Result<()> {
    let (engagement, people) = (scene.engagement, stage.people);
    let mut cases = Vec::new();
    for (reference, ..) in ROUND {
        let key = reference_key(engagement, reference);
        let found = stage.app.store().find_case_by_reference(&engagement.to_string(), key).await?;
        cases.push(made(found)?.case);
    }
    let command = Command::OpenCalibration {
        engagement,
        title: "Minor or major? Notes that leave the surface open".into(),
        cases: cases.clone(),
        members: vec![people.reader1, people.reader2, third],
        ends_at: stage.end.plus_seconds(4 * 86_400),
    };
    let calibration = made(stage.act(people.delivery, command).await?.calibration())?;
    for (place, (_, readiness, width)) in ROUND.into_iter().enumerate() {
        for person in [third, people.reader1].into_iter().take(if place == 0 { 2 } else { 1 }) {
            stage.wait(420);
            // The first reader is stricter about what is left open.
            let readiness = if person == people.reader1 { "major" } else { readiness };
            let answers = [("readiness", readiness), ("concerns", "surface"), ("width", width)];
            let quotes = [("readiness", "The surface is to be chosen later"), ("width", "Clear width")];
            let view = View {
                answers: answers.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
                quotes: quotes.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
                rationale: Some("The surface is left open, and nothing else.".to_owned()),
                confidence: None,
            };
            let judgement = stage.judgement(scene, cases[place], &view).await?;
            stage
                .act(person, Command::ReadCalibration { engagement, calibration, case: cases[place], judgement })
                .await?;
        }
    }
    Ok(())
}

/// Imports what engineers of another office found in sixty notes, with the answers that were right, and measures from it how
/// far such readers can be relied on.
async fn history(stage: &Stage, scene: &Scene, pack: &LoadedPack) -> Result<()> {
    let table = |name: &str| {
        let bytes = made(pack.demo.find(&format!("history/{name}")))?.to_vec();
        Table::of_bytes(name, bytes, Encoding::Detect).map_err(|error| Error::Io(std::io::Error::other(error)))
    };
    let history = History {
        cases: table("notes.csv")?,
        documents: Some(table("notes.csv")?),
        readings: table("reviews.csv")?,
        gold: Some(table("gold.csv")?),
        map: made(pack.maps.get("design-office").cloned())?,
        pack: pack.pack.clone(),
        target: Target::Engagement(scene.engagement),
    };
    let caller = Caller::local(stage.people.delivery, "demo");
    stage.app.import_history(&caller, history, |_| ()).await?;
    stage.app.measure(&caller, scene.engagement).await.map(drop)
}

async fn work(
    stage: &Stage,
    scene: &Scene,
    note: &Note,
    case: CaseId,
    (place, third): (usize, PersonId),
) -> Result<()> {
    let (engagement, people) = (scene.engagement, stage.people);
    if place == 7 {
        // Nobody has begun.
        return Ok(());
    }
    stage.wait(1_200);
    stage.read(scene, people.reader1, case, &note.first.view(), 840).await?;
    if place == 6 {
        // The other reading is not begun.
        return Ok(());
    }
    stage.wait(2_600);
    stage.read(scene, people.reader2, case, &note.second.view(), 910).await?;
    if place == 5 {
        // The two differ: another reading is wanted.
        return Ok(());
    }
    if stage.waits(scene, case).await? {
        stage.wait(5_000);
        let view = note.third.as_ref().unwrap_or(&note.first).view();
        stage.read(scene, third, case, &view, 760).await?;
        if stage.waits(scene, case).await? {
            stage.act(people.delivery, Command::CloseReading { engagement, case }).await?;
        }
    }
    match place {
        // To accept.
        2 => {
            stage.sign(scene, case).await?;
            stage.act(people.delivery, Command::Deliver { engagement, case }).await.map(drop)
        }
        // To adjudicate, and to sign.
        3 | 4 => Ok(()),
        _ => stage.finish(scene, case).await,
    }
}

pub(super) async fn take_in(stage: &Stage, scene: &Scene, note: &Note) -> Result<CaseId> {
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
    pub(super) fn view(&self) -> View {
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
