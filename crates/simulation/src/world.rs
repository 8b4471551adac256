//! Who is there: two organisations, an engagement on the evidence pack, and people for every duty.
//!
//! Everything comes about through [`App::act`], as in use.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, anyhow};
use remit_formats::{files, pack};
use remit_kernel::{
    case::{Case, Media, Visibility},
    command::{AnswerIn, CaseIn, Command, ItemIn, JudgementIn, LineIn, PersonIn},
    engagement::LineKind,
    form::Evidence,
    id::{CaseId, EngagementId, LineId, OrgId, PersonId, ReviewId},
    pack::{Acceptance, GoldPlan, PackRef, Plan, ReviewPlan, Risk},
    panel::Panel,
    review::Review,
    role::{Role, Side},
    stream::{State, StreamId},
};
use remit_server::{App, Caller, app::Receipt};

/// The pack whose form has one choice, cited evidence and a rationale.
const PACK: &str = "evidence-analysis";
/// What every document says, and how much of it readings cite.
pub const REPORT: &str = "The mean fell by 4 points under the intervention. The median of the others did not move.";
const CITED: u32 = 49;
/// Most duties at a time, as many as a membership may have.
const CAPACITY: u32 = 10_000;

/// How many people there are for each duty, and how many cases the contract allows.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Client managers, who take cases in and accept deliveries.
    pub clients: usize,
    /// Readers.
    pub readers: usize,
    /// The volume of the line: no more cases are admitted.
    pub volume_max: Option<u32>,
}

/// Who is there.
#[derive(Debug, Clone)]
pub struct World {
    /// The engagement that is live.
    pub engagement: EngagementId,
    /// The line of its statement of work.
    pub line: LineId,
    /// Runs the installation.
    pub operator: PersonId,
    /// Client managers.
    pub clients: Vec<PersonId>,
    /// Delivery managers, who own cases.
    pub delivery: Vec<PersonId>,
    /// Readers.
    pub readers: Vec<PersonId>,
    /// Adjudicators.
    pub adjudicators: Vec<PersonId>,
    /// Signers.
    pub signers: Vec<PersonId>,
    /// Reviewers of the provider's; none where nothing is reviewed.
    pub reviewers: Vec<PersonId>,
    /// The client's own reviewers.
    pub insiders: Vec<PersonId>,
}

impl World {
    /// Makes the world in an empty installation.
    pub async fn make(app: &App, size: Size) -> Result<Self> {
        Self::make_under(app, size, None).await
    }

    /// Makes a world whose line plans reviews of every kind, lots with switching, and gold.
    pub async fn make_reviewed(app: &App, size: Size) -> Result<Self> {
        Self::make_under(app, size, Some((review_plan(), gold_plan()))).await
    }

    async fn make_under(app: &App, size: Size, planned: Option<(ReviewPlan, GoldPlan)>) -> Result<Self> {
        let loaded = pack::read_files(&files::find_shipped(PACK).context("the pack is not part of this build")?);
        let loaded = loaded.map_err(|problems| anyhow!("{problems}"))?.pack;
        let pack = app.keep_pack(&loaded).await?;
        let reviewers = if planned.is_some() { 3 } else { 0 };
        let plan = planned.map(|(review, gold)| Plan { review: Some(review), gold: Some(gold), ..loaded.plan.clone() });
        let org = |name: &str, country: &str| Command::AddOrganisation { name: name.into(), country: country.into() };
        let client_org = app.act(Caller::founder(), org("Harbour Health", "GB")).await?.organisation();
        let client_org = client_org.context("no client")?;
        let provider_org = app.act(Caller::founder(), org("Durban Analytics", "ZA")).await?.organisation();
        let provider_org = provider_org.context("no provider")?;
        let roles = [Role::Operator, Role::PeopleManager];
        let operator = add_person(app, Caller::founder(), provider_org, "Operator", &roles).await?;
        let several = async |org: OrgId, word: &str, count: usize| {
            let mut people = Vec::new();
            for number in 1..=count {
                people.push(add_person(app, by(operator), org, &format!("{word} {number}"), &[]).await?);
            }
            Ok::<_, anyhow::Error>(people)
        };
        let clients = several(client_org, "Client", size.clients).await?;
        let delivery = several(provider_org, "Delivery", 2).await?;
        let readers = several(provider_org, "Reader", size.readers).await?;
        let adjudicators = several(provider_org, "Adjudicator", 2).await?;
        let signers = several(provider_org, "Signer", 2).await?;
        let insiders = several(client_org, "Insider", reviewers / 2).await?;
        let reviewers = several(provider_org, "Reviewer", reviewers).await?;
        let (reads, signs) = ("clinical-trials-reader", "methodologist");
        for (people, kind) in [(&readers, reads), (&adjudicators, reads), (&signers, signs)] {
            for person in people {
                qualify(app, operator, *person, kind).await?;
            }
        }
        let managers = clients.iter().map(|person| (*person, Side::Client));
        let managers = managers.chain(delivery.iter().map(|person| (*person, Side::Provider))).collect();
        let draft =
            Command::DraftEngagement { name: "Simulated".into(), client: client_org, provider: provider_org, managers };
        let engagement = app.act(by(operator), draft).await?.engagement().context("no engagement")?;
        for (people, role) in [(&readers, Role::Expert), (&adjudicators, Role::Adjudicator), (&signers, Role::Signer)] {
            for person in people {
                let (person, side, roles) = (*person, Side::Provider, BTreeSet::from([role]));
                let member = Command::AddMember { engagement, person, side, roles, capacity: CAPACITY };
                app.act(by(delivery[0]), member).await?;
            }
        }
        for (people, side) in [(&reviewers, Side::Provider), (&insiders, Side::Client)] {
            for person in people {
                let (person, roles) = (*person, BTreeSet::from([Role::Reviewer]));
                let member = Command::AddMember { engagement, person, side, roles, capacity: CAPACITY };
                app.act(by(delivery[0]), member).await?;
            }
        }
        let line = put_in_force(app, engagement, (delivery[0], clients[0]), (pack, plan), size.volume_max).await?;
        Ok(Self { engagement, line, operator, clients, delivery, readers, adjudicators, signers, reviewers, insiders })
    }

    /// Returns the command that takes a case in, admitted by the terms, with one document.
    pub fn take_in(&self, app: &App, reference: &str) -> Command {
        let item = ItemIn {
            name: "Report".into(),
            media: Media::Text,
            body: REPORT.into(),
            material: true,
            visibility: Visibility::Both,
        };
        let fields = ["outcome", "intervention", "comparator"].map(|field| (field.to_owned(), format!("{field} X")));
        let case = CaseIn {
            reference: reference.into(),
            title: format!("Did the mean fall in {reference}?"),
            case_type: "trial-outcome".into(),
            fields: BTreeMap::from(fields),
            jurisdiction: "GB".into(),
            language: "en".into(),
            parties: BTreeSet::new(),
            urgent: false,
            due_at: app.clock().now().plus_seconds(5 * 86_400),
            owner: self.delivery[0],
            items: vec![item],
        };
        Command::TakeIn { engagement: self.engagement, case }
    }

    /// Returns a complete judgement of a case. Its rationale names who wrote it, so that a leak is seen.
    pub fn judgement(case: &Case, by: PersonId, answer: &str) -> JudgementIn {
        let item = case.items.first();
        let span = item.map(|item| Evidence { item: item.item, version: item.version, start: 0, end: CITED });
        JudgementIn {
            answers: BTreeMap::from([("effect".to_owned(), AnswerIn::Choice(answer.to_owned()))]),
            evidence: BTreeMap::from([("effect".to_owned(), span.into_iter().collect())]),
            rationale: Some(rationale(by)),
            confidence: None,
        }
    }

    /// Returns the state of a stream of the engagement.
    pub async fn state(&self, app: &App, stream: StreamId) -> Result<Option<State>> {
        let snapshots = app.store().snapshots(&self.engagement.to_string(), &[stream.to_string()]).await?;
        let Some(snapshot) = snapshots.into_iter().flatten().next() else { return Ok(None) };
        Ok(Some(State::read(stream, &snapshot.body)?))
    }

    /// Returns a case.
    pub async fn case(&self, app: &App, case: CaseId) -> Result<Option<Case>> {
        let state = self.state(app, StreamId::Case(case)).await?;
        Ok(state.and_then(|state| if let State::Case(case) = state { Some(case) } else { None }))
    }

    /// Returns a review.
    pub async fn review(&self, app: &App, review: ReviewId) -> Result<Option<Review>> {
        let state = self.state(app, StreamId::Review(review)).await?;
        Ok(state.and_then(|state| if let State::Review(review) = state { Some(review) } else { None }))
    }

    /// Returns the panel of a case.
    pub async fn panel(&self, app: &App, case: CaseId) -> Result<Option<Panel>> {
        let state = self.state(app, StreamId::panel_of(case)).await?;
        Ok(state.and_then(|state| if let State::Panel(panel) = state { Some(panel) } else { None }))
    }
}

/// Half of the cases are drawn, half of these for two reviewers, more of the risky ones, some for the client's own readers.
fn review_plan() -> ReviewPlan {
    ReviewPlan {
        random: 5_000,
        risks: BTreeMap::from([(Risk::Adjudicated, 8_000), (Risk::NewExpert, 1_000)]),
        acceptance: Some(Acceptance { aql: 650, reduced: true }),
        in_house: 3_000,
        rebuttal_days: 7,
        second: 5_000,
    }
}

/// Gold is shown often, and told of after a day.
fn gold_plan() -> GoldPlan {
    GoldPlan { rate_bp: 5_000, window_days: 1, showings_max: 4, ..GoldPlan::USUAL }
}

/// Returns the rationale that gives away who wrote it.
pub(crate) fn rationale(by: PersonId) -> String {
    format!("as {by} sees it, the report says so in its first sentence")
}

/// Returns the caller that acts for a person.
pub fn by(person: PersonId) -> Caller {
    Caller::local(person, "simulation")
}

async fn put_in_force(
    app: &App,
    engagement: EngagementId,
    (delivery, client): (PersonId, PersonId),
    (pack, plan): (PackRef, Option<Plan>),
    volume_max: Option<u32>,
) -> Result<LineId> {
    let today = app.clock().now();
    let line = LineIn {
        clause: "2.1".into(),
        service: "Trial reading".into(),
        kind: LineKind::Standard,
        includes: BTreeSet::from(["trial-outcome".to_owned()]),
        excludes: BTreeSet::new(),
        jurisdictions: BTreeSet::new(),
        places: BTreeSet::new(),
        volume_max,
        price_minor: 4_500,
        currency: "GBP".into(),
        revisions_max: 1,
        pack,
        plan,
    };
    let (starts_on, ends_on) = (today.plus_seconds(-30 * 86_400).date(), today.plus_seconds(300 * 86_400).date());
    let act = async |person, command| app.act(by(person), command).await;
    let drafted: Receipt =
        act(delivery, Command::DraftSow { engagement, starts_on, ends_on, names_people: false, lines: vec![line] })
            .await?;
    let sow = drafted.sow().context("no statement of work")?;
    act(delivery, Command::ProposeSow { engagement, sow }).await?;
    act(delivery, Command::SignSow { engagement, sow }).await?;
    act(client, Command::SignSow { engagement, sow }).await?;
    act(delivery, Command::GoLive { engagement }).await?;
    let stream = StreamId::Sow(sow);
    let snapshot = app.store().snapshots(&engagement.to_string(), &[stream.to_string()]).await?;
    let snapshot = snapshot.into_iter().flatten().next().context("no statement of work is kept")?;
    let State::Sow(state) = State::read(stream, &snapshot.body)? else { return Err(anyhow!("this is no SOW")) };
    Ok(state.lines.first().context("no line")?.line)
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
        valid_from: today.plus_seconds(-86_400 * 10).date(),
        valid_to: today.plus_seconds(300 * 86_400).date(),
    };
    app.act(by(operator), credential).await?;
    Ok(())
}
