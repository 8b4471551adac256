//! The second engagement of the demo: ECG double reading on synthetic tracings.

use std::collections::BTreeMap;

use remit_formats::{
    ecg::{EcgSpec, twelve_lead_svg},
    pack::LoadedPack,
    table::{Encoding, Table},
};
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
use crate::{
    Caller,
    app::import::{History, Target},
    error::{Error, Result},
};

/// A tracing of the script.
#[derive(Debug, Clone, Deserialize)]
struct Tracing {
    reference: String,
    title: String,
    age: String,
    sex: String,
    jurisdiction: String,
    urgent: bool,
    spec: EcgSpec,
    answers: BTreeMap<String, String>,
    rationale: Option<String>,
    disagreement: Option<Other>,
}

/// How the second reader sees it otherwise.
#[derive(Debug, Clone, Deserialize)]
struct Other {
    answers: BTreeMap<String, String>,
    rationale: String,
}

/// Plays the engagement. The last cases are left where each persona finds something to do.
pub(super) async fn play(stage: &Stage) -> Result<()> {
    let pack = shipped("diagnostic-reading")?;
    stage.app.clock().step_to(stage.end.plus_seconds(-14 * 86_400));
    let scene = stage
        .open(&Terms {
            name: "ECG double reading",
            pack: "diagnostic-reading",
            service: "Double reading of 12-lead ECGs",
            case_type: "ecg-12-lead",
            price_minor: 2_400,
            currency: "USD",
            volume_max: 2_000,
            plan: None,
        })
        .await?;
    let tracings: Vec<Tracing> = lines(made(pack.demo.find("cases.jsonl"))?)?;
    let (past, present) = tracings.split_at(tracings.len().saturating_sub(9));
    for tracing in past {
        stage.wait(80_000);
        // Our signer is licensed in Ohio; the one case from elsewhere that is still open shows what that means.
        let tracing = &Tracing { jurisdiction: "US-OH".into(), ..tracing.clone() };
        let case = take_in(stage, &scene, tracing).await?;
        both_read(stage, &scene, tracing, case).await?;
        if tracing.disagreement.is_some() {
            stage.wait(1_800);
            stage.adjudicate(&scene, case, &tracing.view()).await?;
        }
        stage.wait(2_400);
        stage.finish(&scene, case).await?;
    }
    stage.app.clock().step_to(stage.end.plus_seconds(-8 * 3_600));
    for (place, tracing) in present.iter().enumerate() {
        stage.wait(900);
        let signable = matches!(place, 0 | 1).then(|| "US-OH".to_owned());
        let tracing =
            &Tracing { jurisdiction: signable.unwrap_or_else(|| tracing.jurisdiction.clone()), ..tracing.clone() };
        let case = take_in(stage, &scene, tracing).await?;
        let alike = Tracing { disagreement: None, ..tracing.clone() };
        match place {
            0 => both_read(stage, &scene, &alike, case).await?,
            1 => {
                both_read(stage, &scene, &alike, case).await?;
                stage.sign(&scene, case).await?;
                stage.act(stage.people.delivery, Command::Deliver { engagement: scene.engagement, case }).await?;
            }
            2 => {
                let other = Other {
                    answers: BTreeMap::from([("av_block_1".into(), "yes".into())]),
                    rationale: "PR is a little over 200 ms.".into(),
                };
                let disagreement = tracing.disagreement.clone().or(Some(other));
                both_read(stage, &scene, &Tracing { disagreement, ..tracing.clone() }, case).await?;
            }
            _ => {}
        }
    }
    history(stage, &scene, pack).await
}

/// Imports what two cardiologists and three groups of trainees read years ago, as figures (CC BY 4.0, see the pack).
async fn history(stage: &Stage, scene: &Scene, pack: LoadedPack) -> Result<()> {
    let table = |name: &str| {
        let bytes = made(pack.demo.find(&format!("history/{name}")))?.to_vec();
        Table::of_bytes(name, bytes, Encoding::Detect).map_err(|error| Error::Io(std::io::Error::other(error)))
    };
    let history = History {
        cases: table("cases.csv")?,
        documents: None,
        readings: table("decisions.csv")?,
        gold: Some(table("gold.csv")?),
        map: made(pack.maps.get("medical-ecg").cloned())?,
        pack: pack.pack,
        target: Target::Engagement(scene.engagement),
    };
    let caller = Caller::local(stage.people.delivery, "demo");
    stage.app.import_history(&caller, history, |_| ()).await.map(drop)
}

async fn both_read(stage: &Stage, scene: &Scene, tracing: &Tracing, case: CaseId) -> Result<()> {
    stage.wait(600);
    stage.read(scene, stage.people.reader1, case, &tracing.view(), 130).await?;
    stage.wait(700);
    stage.read(scene, stage.people.reader2, case, &tracing.second(), 150).await
}

async fn take_in(stage: &Stage, scene: &Scene, tracing: &Tracing) -> Result<CaseId> {
    let item = ItemIn {
        name: "12-lead ECG (synthetic)".into(),
        media: Media::Svg,
        body: twelve_lead_svg(&tracing.spec),
        material: true,
        visibility: Visibility::Both,
    };
    stage
        .take_in(
            scene,
            NewCase {
                reference: tracing.reference.clone(),
                title: tracing.title.clone(),
                fields: BTreeMap::from([("age".into(), tracing.age.clone()), ("sex".into(), tracing.sex.clone())]),
                jurisdiction: tracing.jurisdiction.clone(),
                urgent: tracing.urgent,
                due_days: if tracing.urgent { 1 } else { 2 },
                items: vec![item],
                ..NewCase::default()
            },
        )
        .await
}

impl Tracing {
    fn view(&self) -> View {
        View { answers: self.answers.clone(), rationale: self.rationale.clone(), ..View::default() }
    }

    fn second(&self) -> View {
        let Some(other) = &self.disagreement else { return self.view() };
        let mut answers = self.answers.clone();
        answers.extend(other.answers.clone());
        View { answers, rationale: Some(other.rationale.clone()), ..View::default() }
    }
}
