//! The stage of the demo: organisations, people, credentials, engagements in force, and a hand on the clock.

use std::collections::{BTreeMap, BTreeSet};

use remit_kernel::{
    case::{Case, Material},
    command::{AnswerIn, CaseIn, Command, ItemIn, JudgementIn, LineIn, PersonIn},
    ctx::{Actor, Ctx},
    engagement::LineKind,
    facts::Want,
    form::Evidence,
    gold,
    id::{CaseId, EngagementId, OrgId, PersonId},
    index::CaseStatus,
    pack::{GoldPlan, Pack, Plan},
    quote,
    role::{Role, Side},
    stream::{Scope, StreamId},
    time::Instant,
};

use super::{PASSWORD, PERSONAS, People, shipped};
use crate::{
    App, Caller,
    app::Receipt,
    error::{Error, Result},
    jobs::run_due,
};

/// The stage.
pub(crate) struct Stage {
    pub(crate) app: App,
    pub(crate) people: People,
    /// When the play ends.
    pub(crate) end: Instant,
    client_org: OrgId,
    provider_org: OrgId,
}

/// An engagement of the demo, and the case type that comes in.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) engagement: EngagementId,
    pub(crate) case_type: String,
}

/// What is particular to one engagement.
pub(crate) struct Terms<'a> {
    pub(crate) name: &'a str,
    pub(crate) pack: &'a str,
    pub(crate) service: &'a str,
    pub(crate) case_type: &'a str,
    pub(crate) price_minor: i64,
    pub(crate) currency: &'a str,
    pub(crate) volume_max: u32,
    /// Another quality plan than the pack's own.
    pub(crate) plan: Option<Plan>,
}

impl Stage {
    /// Sets the stage: everybody is there, nothing has begun.
    pub(crate) async fn set(app: App, end: Instant) -> Result<Self> {
        let organisation =
            |name: &str, country: &str| Command::AddOrganisation { name: name.into(), country: country.into() };
        let client_org = made(app.act(Caller::founder(), organisation("Harbour Health", "GB")).await?.organisation())?;
        let provider_org =
            made(app.act(Caller::founder(), organisation("Durban Analytics", "ZA")).await?.organisation())?;
        let mut ids = BTreeMap::new();
        let directory = BTreeSet::from([Role::Operator, Role::PeopleManager]);
        let operator = add_person(&app, Caller::founder(), provider_org, "Olwethu Zulu", "ZA", directory).await?;
        ids.insert("operator", operator);
        for (host, name, _) in PERSONAS.iter().filter(|(host, ..)| *host != "operator") {
            let (org, place) = match *host {
                "client" | "auditor" => (client_org, "GB"),
                "signer" => (provider_org, "US"),
                _ => (provider_org, "ZA"),
            };
            let roles = if *host == "delivery" { BTreeSet::from([Role::PeopleManager]) } else { BTreeSet::new() };
            ids.insert(host, add_person(&app, local(operator), org, name, place, roles).await?);
        }
        for (host, ..) in PERSONAS {
            app.add_login(ids[host], host, PASSWORD).await?;
        }
        let people = People {
            client: ids["client"],
            delivery: ids["delivery"],
            reader1: ids["reader1"],
            reader2: ids["reader2"],
            adjudicator: ids["adjudicator"],
            reviewer: ids["reviewer"],
            signer: ids["signer"],
            auditor: ids["auditor"],
            operator,
        };
        let stage = Self { app, people, end, client_org, provider_org };
        stage.qualify().await?;
        Ok(stage)
    }

    /// Records what everybody holds. Two more experts show why somebody is not eligible.
    async fn qualify(&self) -> Result<()> {
        let people = self.people;
        for (number, person) in [people.reader1, people.reader2, people.adjudicator].into_iter().enumerate() {
            self.credential(person, "clinical-trials-reader", "", &format!("CTR-{}", 2_041 + number), 400).await?;
            self.credential(person, "cardiologist", "ZA", &format!("MP-{}", 55_120 + number), 300).await?;
            self.clear(person).await?;
        }
        self.credential(people.signer, "methodologist", "", "MTH-118", 500).await?;
        self.credential(people.signer, "physician", "US-OH", "OH-35-08812", 45).await?;
        self.clear(people.signer).await
    }

    /// Records what the same people hold as engineers.
    pub(crate) async fn qualify_engineers(&self) -> Result<()> {
        let people = self.people;
        for (number, person) in [people.reader1, people.reader2, people.adjudicator].into_iter().enumerate() {
            self.credential(person, "design-engineer", "", &format!("DE-{}", 310 + number), 420).await?;
        }
        self.credential(people.signer, "chartered-engineer", "", "CENG-5521", 610).await
    }

    async fn clear(&self, person: PersonId) -> Result<()> {
        let command = Command::SetClearance { person, clearance: "health-data".into(), granted: true };
        self.act(self.people.operator, command).await.map(drop)
    }

    async fn credential(
        &self,
        person: PersonId,
        kind: &str,
        jurisdiction: &str,
        number: &str,
        days_left: i64,
    ) -> Result<()> {
        let command = Command::RecordCredential {
            person,
            kind: kind.into(),
            jurisdiction: jurisdiction.into(),
            number: number.into(),
            valid_from: self.end.plus_seconds(-800 * 86_400).date(),
            valid_to: self.end.plus_seconds(days_left * 86_400).date(),
        };
        self.act(self.people.operator, command).await.map(drop)
    }

    /// Brings an engagement into force and lets it go live.
    pub(crate) async fn open(&self, terms: &Terms<'_>) -> Result<Scene> {
        let people = self.people;
        let managers = vec![(people.client, Side::Client), (people.delivery, Side::Provider)];
        let draft = Command::DraftEngagement {
            name: terms.name.into(),
            client: self.client_org,
            provider: self.provider_org,
            managers,
        };
        let engagement = made(self.act(people.operator, draft).await?.engagement())?;
        self.staff(engagement).await?;
        let pack = shipped(terms.pack)?.pack;
        let lines = vec![line("2.1", LineKind::Standard, terms, &pack), line("9.1", LineKind::History, terms, &pack)];
        let sow = Command::DraftSow {
            engagement,
            starts_on: self.end.plus_seconds(-60 * 86_400).date(),
            ends_on: self.end.plus_seconds(305 * 86_400).date(),
            names_people: false,
            lines,
        };
        let sow = made(self.act(people.delivery, sow).await?.sow())?;
        self.act(people.delivery, Command::ProposeSow { engagement, sow }).await?;
        self.wait(3_600);
        self.act(people.delivery, Command::SignSow { engagement, sow }).await?;
        self.wait(5 * 3_600);
        self.act(people.client, Command::SignSow { engagement, sow }).await?;
        self.act(people.delivery, Command::GoLive { engagement }).await?;
        Ok(Scene { engagement, case_type: terms.case_type.into() })
    }

    async fn staff(&self, engagement: EngagementId) -> Result<()> {
        let people = self.people;
        for (person, side, role, capacity) in [
            (people.reader1, Side::Provider, Role::Expert, 12),
            (people.reader2, Side::Provider, Role::Expert, 12),
            (people.adjudicator, Side::Provider, Role::Adjudicator, 8),
            (people.reviewer, Side::Provider, Role::Reviewer, 20),
            (people.signer, Side::Provider, Role::Signer, 20),
            (people.auditor, Side::Client, Role::Auditor, 0),
        ] {
            let roles = BTreeSet::from([role]);
            self.act(people.delivery, Command::AddMember { engagement, person, side, roles, capacity }).await?;
        }
        Ok(())
    }

    /// Adds an expert whose credential ended last week, so that *why not* has something to tell.
    pub(crate) async fn lapsed_expert(&self, engagement: EngagementId) -> Result<()> {
        self.expert(engagement, "Sipho Mokoena", ("clinical-trials-reader", "CTR-1877", -7)).await.map(drop)
    }

    /// Adds an expert who is no persona, with a credential: its kind, its number, and the days that it still holds.
    pub(crate) async fn expert(
        &self,
        engagement: EngagementId,
        name: &str,
        (kind, number, days_left): (&str, &str, i64),
    ) -> Result<PersonId> {
        let operator = local(self.people.operator);
        let person = add_person(&self.app, operator, self.provider_org, name, "ZA", BTreeSet::new()).await?;
        self.credential(person, kind, "", number, days_left).await?;
        let roles = BTreeSet::from([Role::Expert]);
        self.act(
            self.people.delivery,
            Command::AddMember { engagement, person, side: Side::Provider, roles, capacity: 6 },
        )
        .await?;
        Ok(person)
    }

    /// Adds a member who is no persona; an expert with what an expert needs.
    pub(crate) async fn join(&self, engagement: EngagementId, name: &str, role: Role) -> Result<PersonId> {
        let by = local(self.people.operator);
        let person = add_person(&self.app, by, self.provider_org, name, "ZA", BTreeSet::new()).await?;
        let expert = role == Role::Expert;
        if expert {
            self.credential(person, "clinical-trials-reader", "", "CTR-2077", 380).await?;
            self.clear(person).await?;
        }
        let (roles, capacity) = (BTreeSet::from([role]), if expert || role == Role::Reviewer { 6 } else { 0 });
        let member = Command::AddMember { engagement, person, side: Side::Provider, roles, capacity };
        self.act(self.people.delivery, member).await?;
        Ok(person)
    }

    /// Moves on to so many seconds before the end of the play, and lets the server's own jobs do what fell due.
    pub(crate) async fn move_on(&self, before_end: i64) -> Result<()> {
        self.app.clock().step_to(self.end.plus_seconds(-before_end));
        while run_due(&self.app).await? > 0 {}
        Ok(())
    }

    /// Lets time pass, never beyond the end of the play.
    pub(crate) fn wait(&self, seconds: i64) {
        let next = self.app.clock().now().plus_seconds(seconds);
        self.app.clock().step_to(next.min(self.end));
    }

    pub(crate) async fn act(&self, person: PersonId, command: Command) -> Result<Receipt> {
        self.app.act(local(person), command).await
    }

    /// Takes a case in.
    pub(crate) async fn take_in(&self, scene: &Scene, given: NewCase) -> Result<CaseId> {
        let case = CaseIn {
            reference: given.reference,
            title: given.title,
            case_type: given.case_type.unwrap_or_else(|| scene.case_type.clone()),
            fields: given.fields,
            jurisdiction: given.jurisdiction,
            language: "en".into(),
            parties: BTreeSet::new(),
            urgent: given.urgent,
            due_at: self.app.clock().now().plus_seconds(given.due_days * 86_400),
            owner: self.people.delivery,
            items: given.items,
        };
        made(self.act(self.people.client, Command::TakeIn { engagement: scene.engagement, case }).await?.case())
    }

    /// Claims a seat for a reader.
    pub(crate) async fn claim(&self, scene: &Scene, person: PersonId, case: CaseId) -> Result<()> {
        self.act(person, Command::ClaimSeat { engagement: scene.engagement, case }).await.map(drop)
    }

    /// Claims a seat, lets the reader take her time, and seals.
    pub(crate) async fn read(
        &self,
        scene: &Scene,
        person: PersonId,
        case: CaseId,
        view: &View,
        seconds: i64,
    ) -> Result<()> {
        self.claim(scene, person, case).await?;
        self.wait(seconds);
        let judgement = self.judgement(scene, case, view).await?;
        self.act(person, Command::SubmitReading { engagement: scene.engagement, case, judgement }).await.map(drop)
    }

    /// Asks for the next case for a reader at a moment when chance answers with gold, and returns the showing.
    pub(crate) async fn shown(&self, scene: &Scene, person: PersonId, plan: GoldPlan) -> Result<CaseId> {
        let now = self.app.clock().now();
        self.app.chance.leave_out_until(|seed| gold::drawn(&Ctx { actor: Actor::Service, now, seed }, plan));
        made(self.act(person, Command::ClaimNext { engagement: scene.engagement }).await?.case())
    }

    /// Takes a dispute and decides it.
    pub(crate) async fn adjudicate(&self, scene: &Scene, case: CaseId, view: &View) -> Result<()> {
        let (engagement, adjudicator) = (scene.engagement, self.people.adjudicator);
        self.act(adjudicator, Command::TakeAdjudication { engagement, case }).await?;
        self.wait(1_500);
        let judgement = self.judgement(scene, case, view).await?;
        self.act(adjudicator, Command::Adjudicate { engagement, case, judgement }).await.map(drop)
    }

    /// Opens everything as the signer.
    pub(crate) async fn open_all(&self, scene: &Scene, case: CaseId) -> Result<Case> {
        let known = self.case(scene, case).await?;
        for material in known.material() {
            self.wait(45);
            self.act(self.people.signer, Command::OpenMaterial { engagement: scene.engagement, case, material })
                .await?;
        }
        Ok(known)
    }

    /// Opens everything and signs.
    pub(crate) async fn sign(&self, scene: &Scene, case: CaseId) -> Result<()> {
        let known = self.open_all(scene, case).await?;
        self.wait(40);
        let content = made(known.resolution.map(|resolution| resolution.content))?;
        let statement = "I have opened every item and take responsibility for this answer.".to_owned();
        self.act(self.people.signer, Command::Sign { engagement: scene.engagement, case, content, statement })
            .await
            .map(drop)
    }

    /// Signs, delivers, and the client accepts.
    pub(crate) async fn finish(&self, scene: &Scene, case: CaseId) -> Result<()> {
        let engagement = scene.engagement;
        self.sign(scene, case).await?;
        self.wait(900);
        self.act(self.people.delivery, Command::Deliver { engagement, case }).await?;
        self.wait(4_000);
        self.act(self.people.client, Command::AcceptDelivery { engagement, case }).await.map(drop)
    }

    /// Returns a case as it stands.
    pub(crate) async fn case(&self, scene: &Scene, case: CaseId) -> Result<Case> {
        let mut loaded = crate::app::Loaded::default();
        let scope = Scope::Engagement(scene.engagement);
        self.app.load(scope, &[Want::Stream(StreamId::Case(case))], &mut loaded).await?;
        made(loaded.facts.cases.remove(&case))
    }

    /// Returns whether a case waits for a reader.
    pub(crate) async fn waits(&self, scene: &Scene, case: CaseId) -> Result<bool> {
        Ok(self.case(scene, case).await?.status == CaseStatus::Reading)
    }

    /// Turns a view of a case into a judgement, each quote on its span.
    pub(crate) async fn judgement(&self, scene: &Scene, case: CaseId, view: &View) -> Result<JudgementIn> {
        let known = self.case(scene, case).await?;
        let mut judgement =
            JudgementIn { rationale: view.rationale.clone(), confidence: view.confidence, ..JudgementIn::default() };
        let admission = made(known.admission.as_ref())?;
        let pack = made(self.app.pack(admission.pack.digest).await?)?;
        for (question, answer) in &view.answers {
            let asked = made(pack.form.question(question))?;
            judgement.answers.insert(question.clone(), made(AnswerIn::read(&asked.kind, answer))?);
        }
        for (question, quoted) in &view.quotes {
            let item = made(known.current_items().next())?;
            let texts = self.app.store().texts(&scene.engagement.to_string(), &[item.body.id]).await?;
            let document = made(texts.get(&item.body.id))?;
            let found = made(quote::find(document, quoted).first().copied())?;
            let span = Evidence { item: item.item, version: item.version, start: found.start, end: found.end };
            judgement.evidence.insert(question.clone(), vec![span]);
        }
        Ok(judgement)
    }

    /// Opens one item as the signer and goes no further.
    pub(crate) async fn glance(&self, scene: &Scene, case: CaseId) -> Result<()> {
        let command = Command::OpenMaterial { engagement: scene.engagement, case, material: Material::Deliverable };
        self.act(self.people.signer, command).await.map(drop)
    }
}

/// A case of the script.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewCase {
    pub(crate) reference: String,
    pub(crate) title: String,
    pub(crate) case_type: Option<String>,
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) jurisdiction: String,
    pub(crate) urgent: bool,
    pub(crate) due_days: i64,
    pub(crate) items: Vec<ItemIn>,
}

/// How somebody in the script sees a case.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    pub(crate) answers: BTreeMap<String, String>,
    /// Passages by question.
    pub(crate) quotes: BTreeMap<String, String>,
    pub(crate) rationale: Option<String>,
    pub(crate) confidence: Option<u8>,
}

fn line(clause: &str, kind: LineKind, terms: &Terms<'_>, pack: &Pack) -> LineIn {
    let work = kind == LineKind::Standard;
    LineIn {
        clause: clause.into(),
        service: if work { terms.service.into() } else { format!("{}: readings of the past", terms.service) },
        kind,
        includes: BTreeSet::from([terms.case_type.to_owned()]),
        excludes: BTreeSet::new(),
        jurisdictions: BTreeSet::new(),
        places: if work { ["GB", "US", "ZA"].map(str::to_owned).into() } else { BTreeSet::new() },
        volume_max: work.then_some(terms.volume_max),
        price_minor: if work { terms.price_minor } else { 0 },
        currency: terms.currency.into(),
        revisions_max: u32::from(work) * 2,
        pack: pack.reference(),
        plan: terms.plan.clone().filter(|_| work),
    }
}

async fn add_person(
    app: &App,
    by: Caller,
    org: OrgId,
    name: &str,
    place: &str,
    roles: BTreeSet<Role>,
) -> Result<PersonId> {
    let languages = BTreeSet::from(["en".to_owned()]);
    let person =
        PersonIn { org, name: name.into(), same_as: None, signs_in: true, place: place.into(), languages, roles };
    made(app.act(by, Command::AddPerson { person }).await?.person())
}

fn local(person: PersonId) -> Caller {
    Caller::local(person, "demo")
}

/// Returns what an act of the script must have made.
pub(crate) fn made<T>(thing: Option<T>) -> Result<T> {
    thing.ok_or_else(|| Error::Io(std::io::Error::other("the script of the demo does not fit the product")))
}
