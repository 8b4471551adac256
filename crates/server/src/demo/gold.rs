//! Gold in the demo: notes whose answer is agreed, laid before the two readers, what they were told, and what they object to.

use remit_formats::pack::LoadedPack;
use remit_kernel::{
    command::Command,
    form::Answer,
    id::{CaseId, PersonId},
    index::CaseStatus,
    role::Role,
};

use super::{
    design::{Finding, GOLD, Note, take_in},
    evidence::lines,
    stage::{Scene, Stage, made},
};
use crate::error::Result;

/// The gold cases of the design notes: each with the note it is made of.
pub(super) struct Pool {
    golds: Vec<(CaseId, Note)>,
    /// Approves, so that the delivery manager who has a login may decide what readers object to.
    approver: PersonId,
}

/// What a reader does with a showing.
#[derive(Clone, Copy)]
enum Way {
    Agrees,
    Differs,
}

impl Pool {
    /// Lets two other engineers agree on four notes, and proposes these. The last one waits for whoever may approve it.
    pub(super) async fn agree(stage: &Stage, scene: &Scene, pack: &LoadedPack, third: PersonId) -> Result<Self> {
        let (engagement, people) = (scene.engagement, stage.people);
        let keeper = stage.join(engagement, "Mpho Radebe", Role::DeliveryManager).await?;
        let approver = stage.join(engagement, "Palesa Mokgosi", Role::DeliveryManager).await?;
        let fourth = stage.expert(engagement, "Anele Zwane", ("design-engineer", "DE-361", 440)).await?;
        let notes: Vec<Note> = lines(made(pack.demo.find("agreed.jsonl"))?)?;
        let mut golds = Vec::new();
        for note in notes {
            stage.wait(9_000);
            let case = take_in(stage, scene, &note).await?;
            stage.read(scene, third, case, &note.first.view(), 700).await?;
            stage.wait(1_800);
            stage.read(scene, fourth, case, &note.second.view(), 820).await?;
            if stage.waits(scene, case).await? {
                stage.act(people.delivery, Command::CloseReading { engagement, case }).await?;
            }
            if stage.case(scene, case).await?.status == CaseStatus::Adjudicating {
                stage.adjudicate(scene, case, &note.first.view()).await?;
            }
            stage.finish(scene, case).await?;
            golds.push((case, note));
        }
        for (case, _) in &golds {
            let note = Some("Measures that a careful reader finds, and one that a hasty reader does not.".to_owned());
            stage.act(keeper, Command::ProposeGold { engagement, case: *case, note }).await?;
        }
        Ok(Self { golds, approver })
    }

    /// Lets readers meet gold among the notes of last week.
    pub(super) async fn mix_in(&self, stage: &Stage, scene: &Scene, place: usize) -> Result<()> {
        let people = stage.people;
        let readers: &[(PersonId, Way)] = match place {
            0 => &[(people.reader1, Way::Agrees), (people.reader2, Way::Differs)],
            1 => &[(people.reader1, Way::Differs), (people.reader2, Way::Agrees)],
            2 => &[(people.reader2, Way::Differs)],
            _ => return Ok(()),
        };
        // One more is approved each time, and nobody is shown a case twice: it is known which one comes.
        let (gold, note) = &self.golds[place];
        let approve = Command::ApproveGold { engagement: scene.engagement, gold: gold.gold() };
        stage.act(self.approver, approve).await?;
        for (person, way) in readers {
            let case = stage.shown(scene, *person, GOLD).await?;
            stage.wait(760);
            let finding: &Finding = match way {
                Way::Agrees => &note.first,
                Way::Differs => made(note.third.as_ref())?,
            };
            let judgement = stage.judgement(scene, case, &finding.view()).await?;
            let engagement = scene.engagement;
            stage.act(*person, Command::SubmitReading { engagement, case, judgement }).await?;
            stage.wait(900);
        }
        Ok(())
    }

    /// Lets the windows end. The second reader objects twice: one gold answer is put right, the other objection waits.
    pub(super) async fn object(&self, stage: &Stage, scene: &Scene) -> Result<()> {
        let (engagement, people) = (scene.engagement, stage.people);
        stage.move_on(3 * 86_400).await?;
        let right = "The bollards stand inside the kerb, so the least width is beside them: 1340 mm.";
        let case = self.shown_to(stage, scene, 0, people.reader2).await?;
        stage.act(people.reader2, Command::RebutGold { engagement, case, note: right.to_owned() }).await?;
        stage.wait(5 * 3_600);
        let width = Answer::Number(made("1340".parse().ok())?);
        let decided = Command::DecideRebuttal {
            engagement,
            case,
            corrected: Some([("width".to_owned(), width)].into()),
            note: "You are right: the note gives the place of the bollards, and the form asks for the least width."
                .into(),
        };
        stage.act(people.delivery, decided).await?;
        stage.wait(3_600);
        let open = "A broom finish across the steps holds water; the note does not say which way it runs.";
        let case = self.shown_to(stage, scene, 2, people.reader2).await?;
        stage.act(people.reader2, Command::RebutGold { engagement, case, note: open.to_owned() }).await.map(drop)
    }

    /// Returns the showing of a gold case to a reader.
    async fn shown_to(&self, stage: &Stage, scene: &Scene, place: usize, person: PersonId) -> Result<CaseId> {
        let showings = stage.app.store().list_showings(&scene.engagement.to_string()).await?;
        let gold = self.golds[place].0.gold();
        let found = showings.into_iter().find(|showing| showing.gold == gold && showing.person == person);
        Ok(made(found)?.case)
    }
}
