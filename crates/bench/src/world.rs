//! The world that is measured: two organisations, an engagement on the evidence pack, as many readers as are wanted.
//!
//! Everything comes about through [`App::act`], with the system's clock and chance, as it would in use.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context as _, Result, anyhow};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use remit_formats::{files, pack};
use remit_kernel::{
    case::{Media, Visibility},
    command::{AnswerIn, CaseIn, Command, ItemIn, JudgementIn, LineIn, PersonIn},
    engagement::LineKind,
    form::Evidence,
    id::{CaseId, EngagementId, ItemId, OrgId, PersonId},
    pack::PackRef,
    role::{Role, Side},
    stream::StreamId,
};
use remit_server::{
    App, Caller,
    app::Receipt,
    clock::{Chance, Clock},
};
use remit_store::{Options, Store, testing};
use tokio::task::JoinSet;

/// The database of a data folder.
pub(crate) const DATABASE: &str = "SQLite";
/// The database of a server.
pub(crate) const SERVER: &str = "PostgreSQL";
/// Clients that act at the same time.
pub(crate) const CLIENTS: usize = 32;
/// Most duties at a time: as many as the kernel lets a membership have.
const CAPACITY: u32 = 10_000;
/// Name of the person who runs the installation.
pub(crate) const OPERATOR: &str = "Operator";
/// The pack whose form has one choice, cited evidence and a rationale.
const PACK: &str = "evidence-analysis";
/// What the documents say, and which passage readings cite.
const REPORT: &str = "The mean fell by 4 points under the intervention. The median of the others did not move.";
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

/// Opens the application on a data folder. Whatever is measured in process goes through here: the place for another
/// database.
pub(crate) fn open(dir: &Path) -> Result<App> {
    let store = Store::open(dir, Options::default())?;
    Ok(App::new(store, Clock::System, Chance::System)?)
}

/// Opens the application on a fresh schema of a database server.
pub(crate) async fn open_on_server(server: &str) -> Result<App> {
    let store = Store::connect(&testing::fresh_schema(server).await?, Options::default()).await?;
    Ok(App::new(store, Clock::System, Chance::System)?)
}

impl World {
    /// Makes a world in an empty data folder.
    pub(crate) async fn make(dir: &Path, readers: usize) -> Result<Self> {
        Self::found(open(dir)?, readers).await
    }

    /// Makes a world within an application that holds nothing yet.
    pub(crate) async fn found(app: App, readers: usize) -> Result<Self> {
        let loaded = pack::read_files(&files::find_shipped(PACK).context("the pack is not part of this build")?);
        let pack = app.keep_pack(&loaded.map_err(|problems| anyhow!("{problems}"))?.pack).await?;

        let org = |name: &str, country: &str| Command::AddOrganisation { name: name.into(), country: country.into() };
        let client_org =
            app.act(Caller::founder(), org("Harbour Health", "GB")).await?.organisation().context("client")?;
        let provider_org =
            app.act(Caller::founder(), org("Durban Analytics", "ZA")).await?.organisation().context("provider")?;
        let operator =
            add_person(&app, Caller::founder(), provider_org, OPERATOR, &[Role::Operator, Role::PeopleManager]).await?;
        let add = async |org, name: String| add_person(&app, by(operator), org, &name, &[]).await;
        let client = add(client_org, "Client".into()).await?;
        let (delivery, deputy) =
            (add(provider_org, "Delivery".into()).await?, add(provider_org, "Deputy".into()).await?);
        let signer = add(provider_org, "Signer".into()).await?;
        qualify(&app, operator, signer, "methodologist").await?;

        let managers = vec![(client, Side::Client), (delivery, Side::Provider), (deputy, Side::Provider)];
        let draft =
            Command::DraftEngagement { name: "Measured".into(), client: client_org, provider: provider_org, managers };
        let engagement = app.act(by(operator), draft).await?.engagement().context("engagement")?;
        let mut world = Self { app: app.clone(), engagement, delivery, deputy, readers: Vec::new(), operator, client };
        world.join(signer, Role::Signer).await?;
        world.employ(operator, provider_org, readers).await?;
        world.put_in_force(pack).await?;
        Ok(world)
    }

    /// Adds readers who may read here, many at a time.
    async fn employ(&mut self, operator: PersonId, org: OrgId, readers: usize) -> Result<()> {
        let world = &*self;
        let employ = |number: usize| async move {
            let reader = add_person(&world.app, by(operator), org, &format!("Reader {number}"), &[]).await?;
            qualify(&world.app, operator, reader, "clinical-trials-reader").await?;
            world.join(reader, Role::Expert).await?;
            Ok::<_, anyhow::Error>(reader)
        };
        self.readers = stream::iter((1..=readers).map(employ)).buffered(CLIENTS).try_collect().await?;
        Ok(())
    }

    async fn join(&self, person: PersonId, role: Role) -> Result<()> {
        let (engagement, roles) = (self.engagement, BTreeSet::from([role]));
        self.act(
            self.delivery,
            Command::AddMember { engagement, person, side: Side::Provider, roles, capacity: CAPACITY },
        )
        .await?;
        Ok(())
    }

    async fn put_in_force(&self, pack: PackRef) -> Result<()> {
        let (engagement, today) = (self.engagement, self.app.clock().now());
        let line = LineIn {
            clause: "2.1".into(),
            service: "Trial reading".into(),
            kind: LineKind::Standard,
            includes: BTreeSet::from(["trial-outcome".to_owned()]),
            excludes: BTreeSet::new(),
            jurisdictions: BTreeSet::new(),
            places: BTreeSet::new(),
            volume_max: None,
            price_minor: 4_500,
            currency: "GBP".into(),
            revisions_max: 1,
            pack,
            plan: None,
        };
        let (starts_on, ends_on) = (today.plus_seconds(-86_400).date(), today.plus_seconds(300 * 86_400).date());
        let draft = Command::DraftSow { engagement, starts_on, ends_on, lines: vec![line] };
        let sow = self.act(self.delivery, draft).await?.sow().context("statement of work")?;
        self.act(self.delivery, Command::ProposeSow { engagement, sow }).await?;
        self.act(self.delivery, Command::SignSow { engagement, sow }).await?;
        self.act(self.client, Command::SignSow { engagement, sow }).await?;
        self.act(self.delivery, Command::GoLive { engagement }).await?;
        Ok(())
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

async fn add_person(app: &App, by: Caller, org: OrgId, name: &str, roles: &[Role]) -> Result<PersonId> {
    let person = PersonIn {
        org,
        name: name.into(),
        same_as: None,
        signs_in: true,
        place: "ZA".into(),
        languages: BTreeSet::from(["en".to_owned()]),
        roles: roles.iter().copied().collect(),
    };
    app.act(by, Command::AddPerson { person }).await?.person().context("no person was made")
}

async fn qualify(app: &App, operator: PersonId, person: PersonId, kind: &str) -> Result<()> {
    let today = app.clock().now();
    let credential = Command::RecordCredential {
        person,
        kind: kind.into(),
        jurisdiction: String::new(),
        number: "N-1".into(),
        valid_from: today.plus_seconds(-86_400).date(),
        valid_to: today.plus_seconds(300 * 86_400).date(),
    };
    act(app, operator, credential).await.map(drop)
}
