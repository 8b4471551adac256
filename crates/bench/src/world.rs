//! The world that is measured: the simulation's, with as many readers as are wanted, the system's clock and chance.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use remit_kernel::{
    case::{Media, Visibility},
    command::{AnswerIn, CaseIn, Command, ItemIn, JudgementIn},
    form::Evidence,
    id::{CaseId, EngagementId, ItemId, PersonId},
    stream::StreamId,
};
use remit_server::{App, Caller, app::Receipt};
use remit_simulation::world::{self, REPORT, Size};
use tokio::task::JoinSet;

use crate::place::Place;

/// Clients that act at the same time.
pub(crate) const CLIENTS: usize = 32;
/// Name of the person who runs the installation.
pub(crate) const OPERATOR: &str = "Operator";
/// How much of a document readings cite.
const CITED: u32 = 49;

/// Who is there, and where the data is.
pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) engagement: EngagementId,
    /// Accountable for every case.
    pub(crate) delivery: PersonId,
    /// A second manager, to whom a case can be handed.
    pub(crate) deputy: PersonId,
    pub(crate) readers: Vec<PersonId>,
    /// Runs the installation.
    pub(crate) operator: PersonId,
    client: PersonId,
}

impl World {
    /// Makes a world in an empty place.
    pub(crate) async fn make(place: &Place, readers: usize) -> Result<Self> {
        Self::found(place.open().await?, readers).await
    }

    /// Makes a world within an application that holds nothing yet.
    pub(crate) async fn found(app: App, readers: usize) -> Result<Self> {
        let made = world::World::make(&app, Size { clients: 1, readers, volume_max: None }).await?;
        let (client, delivery) = (made.clients.first(), made.delivery.first());
        Ok(Self {
            engagement: made.engagement,
            delivery: *delivery.context("nobody delivers")?,
            deputy: *made.delivery.get(1).context("nobody stands in")?,
            readers: made.readers,
            operator: made.operator,
            client: *client.context("nobody takes cases in")?,
            app,
        })
    }

    pub(crate) async fn act(&self, person: PersonId, command: Command) -> Result<Receipt> {
        act(&self.app, person, command).await
    }

    /// Returns the command that takes in a case with some documents.
    pub(crate) fn take_in(&self, number: usize, documents: usize) -> (PersonId, Command) {
        let item = |document: usize| ItemIn {
            name: format!("Report {document}"),
            media: Media::Text,
            body: REPORT.into(),
            material: true,
            visibility: Visibility::Both,
        };
        let fields =
            ["outcome", "intervention", "comparator"].map(|field| (field.to_owned(), format!("{field} {number}")));
        let promised_seconds = i64::try_from(number).unwrap_or(i64::MAX / 2).saturating_add(5 * 86_400);
        let case = CaseIn {
            reference: format!("M-{number}"),
            title: format!("Did the mean fall in trial {number}?"),
            case_type: "trial-outcome".into(),
            fields: BTreeMap::from(fields),
            jurisdiction: "GB".into(),
            language: "en".into(),
            parties: BTreeSet::new(),
            urgent: false,
            due_at: self.app.clock().now().plus_seconds(promised_seconds),
            owner: self.delivery,
            items: (1..=documents).map(item).collect(),
        };
        (self.client, Command::TakeIn { engagement: self.engagement, case })
    }

    /// Returns the command that seals a reading of a case which came in with one document.
    pub(crate) async fn submit(&self, case: CaseId) -> Result<Command> {
        let span = Evidence { item: self.item(case).await?, version: 1, start: 0, end: CITED };
        let judgement = JudgementIn {
            answers: BTreeMap::from([("effect".to_owned(), AnswerIn::Choice("decreased".to_owned()))]),
            evidence: BTreeMap::from([("effect".to_owned(), vec![span])]),
            rationale: Some("The report says so in its first sentence, by its own test.".into()),
            confidence: None,
        };
        Ok(Command::SubmitReading { engagement: self.engagement, case, judgement })
    }

    /// Returns the first item of a case.
    async fn item(&self, case: CaseId) -> Result<ItemId> {
        let state = self.state(StreamId::Case(case)).await?;
        Ok(state["items"][0]["item"].as_str().context("the case has no item")?.parse()?)
    }

    /// Returns the state of a stream as stored.
    pub(crate) async fn state(&self, stream: StreamId) -> Result<serde_json::Value> {
        let snapshots = self.app.store().snapshots(&self.engagement.to_string(), &[stream.to_string()]).await?;
        let snapshot = snapshots.into_iter().flatten().next().context("nothing is in the stream")?;
        Ok(serde_json::from_str(&snapshot.body)?)
    }
}

/// Acts for a person.
pub(crate) async fn act(app: &App, person: PersonId, command: Command) -> Result<Receipt> {
    let word = command.word();
    app.act(by(person), command).await.with_context(|| format!("`{word}` was not done"))
}

/// Does what each client wants, one thing after the other, all clients at the same time; returns what each act did.
pub(crate) async fn together(app: &App, wanted: Vec<Vec<(PersonId, Command)>>) -> Result<Vec<Receipt>> {
    let mut clients = JoinSet::new();
    for commands in wanted {
        let app = app.clone();
        clients.spawn(async move {
            let mut receipts = Vec::new();
            for (person, command) in commands {
                receipts.push(act(&app, person, command).await?);
            }
            Ok::<_, anyhow::Error>(receipts)
        });
    }
    Ok(clients.join_all().await.into_iter().collect::<Result<Vec<_>>>()?.concat())
}

/// Returns the caller that acts for a person.
pub(crate) fn by(person: PersonId) -> Caller {
    Caller::local(person, "bench")
}
