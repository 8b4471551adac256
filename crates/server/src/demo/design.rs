//! The third engagement of the demo: design notes, judged by a grade, a list of concerns and a measure, and read until the
//! estimated chance of a wrong answer is small enough.

use std::collections::BTreeMap;

use remit_formats::{
    pack::LoadedPack,
    table::{Encoding, Table},
};
use remit_kernel::{
    case::{Media, Visibility},
    command::{Command, ItemIn},
    id::{CaseId, PersonId},
    pack::{Plan, Stopping},
};
use serde::Deserialize;

use super::{
    evidence::lines,
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
struct Note {
    reference: String,
    title: String,
    element: String,
    stage: String,
    body: String,
    first: Finding,
    second: Finding,
    third: Option<Finding>,
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
            plan: Some(Plan {
                stopping: Stopping::Sequential { readings_min: 2, readings_max: 4, error_max: 50_000 },
                ..pack.pack.plan.clone()
            }),
        })
        .await?;
    let third = stage.expert(scene.engagement, "Lerato Maseko", ("design-engineer", "DE-344", 500)).await?;
    history(stage, &scene, &pack).await?;
    let notes: Vec<Note> = lines(made(pack.demo.find("cases.jsonl"))?)?;
    for (place, note) in notes.iter().enumerate() {
        stage.wait(20_000);
        let case = take_in(stage, &scene, note).await?;
        work(stage, &scene, note, case, (place, third)).await?;
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
