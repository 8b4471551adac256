//! A small world for tests: two organisations, the personas, an engagement that is live, a clock that stands still.

use std::collections::{BTreeMap, BTreeSet};

use remit_kernel::{
    case::{Media, Visibility},
    command::{AnswerIn, CaseIn, Command, ItemIn, JudgementIn, LineIn, PersonIn},
    engagement::LineKind,
    form::{Choice, Evidence, EvidenceRule, Form, Need, Question, QuestionKind},
    id::{CaseId, EngagementId, ItemId, LineId, OrgId, PersonId, SowId},
    pack::{CaseField, CaseType, Duty, Pack, PackRef, Plan, Playbook, Requirement, ReviewPlan, Stopping, WHOLE},
    role::{Role, Side},
    time::Instant,
};
use remit_server::{
    App, Caller, Result,
    app::Receipt,
    clock::{Chance, Clock},
};
use remit_store::testing;

/// 2026-03-02 09:00 UTC, a Monday.
pub(crate) const START: Instant = Instant::from_micros(1_772_442_000_000_000);

pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) engagement: EngagementId,
    pub(crate) operator: PersonId,
    pub(crate) client: PersonId,
    pub(crate) delivery: PersonId,
    pub(crate) reader1: PersonId,
    pub(crate) reader2: PersonId,
    pub(crate) adjudicator: PersonId,
    pub(crate) reviewer: PersonId,
    pub(crate) signer: PersonId,
    pub(crate) auditor: PersonId,
    pub(crate) stranger: PersonId,
    pub(crate) client_org: OrgId,
    pub(crate) provider_org: OrgId,
    pub(crate) pack: PackRef,
    _folder: tempfile::TempDir,
}

impl World {
    /// Returns a world in which cases can be taken in.
    pub(crate) async fn live() -> Self {
        Self::by(pack()).await
    }

    /// Returns a world whose cases are worked by this pack; its plan, case types and requirements are those of [`pack`].
    pub(crate) async fn by(pack: Pack) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::open(folder.path()).await.unwrap();
        let app = App::new(store, Clock::stepped(START), Chance::seeded(7)).unwrap();
        let pack = app.keep_pack(&pack).await.unwrap();
        let founder = Caller::founder;
        let org = |name: &str, country: &str| Command::AddOrganisation { name: name.into(), country: country.into() };
        let client_org = app.act(founder(), org("Harbour Insurance", "GB")).await.unwrap().organisation().unwrap();
        let provider_org = app.act(founder(), org("Durban Analytics", "ZA")).await.unwrap().organisation().unwrap();
        let roles = BTreeSet::from([Role::Operator, Role::PeopleManager]);
        let operator = add_person(&app, founder(), provider_org, "Olga Operator", "ZA", roles).await;
        let by = || Caller::local(operator, "test");
        let person =
            async |org, name: &str, place: &str| add_person(&app, by(), org, name, place, BTreeSet::new()).await;
        let client = person(client_org, "Clara Client", "GB").await;
        let delivery = person(provider_org, "Dumi Delivery", "ZA").await;
        let reader1 = person(provider_org, "Rita Reader", "ZA").await;
        let reader2 = person(provider_org, "Ravi Reader", "ZA").await;
        let adjudicator = person(provider_org, "Ada Adjudicator", "ZA").await;
        let reviewer = person(provider_org, "Rex Reviewer", "ZA").await;
        let signer = person(provider_org, "Sam Signer", "GB").await;
        let auditor = person(client_org, "Aud Auditor", "GB").await;
        let stranger = person(provider_org, "Stan Stranger", "ZA").await;
        for (who, kind) in
            [(reader1, "reader"), (reader2, "reader"), (adjudicator, "reader"), (signer, "methodologist")]
        {
            let command = Command::RecordCredential {
                person: who,
                kind: kind.into(),
                jurisdiction: String::new(),
                number: "N-1".into(),
                valid_from: "2025-01-01".parse().unwrap(),
                valid_to: "2026-12-31".parse().unwrap(),
            };
            app.act(by(), command).await.unwrap();
        }
        let managers = vec![(client, Side::Client), (delivery, Side::Provider)];
        let draft = Command::DraftEngagement {
            name: "Evidence 2026".into(),
            client: client_org,
            provider: provider_org,
            managers,
        };
        let engagement = app.act(by(), draft).await.unwrap().engagement().unwrap();
        let world = Self {
            app,
            engagement,
            operator,
            client,
            delivery,
            reader1,
            reader2,
            adjudicator,
            reviewer,
            signer,
            auditor,
            stranger,
            client_org,
            provider_org,
            pack,
            _folder: folder,
        };
        for (person, side, role) in [
            (reader1, Side::Provider, Role::Expert),
            (reader2, Side::Provider, Role::Expert),
            (adjudicator, Side::Provider, Role::Adjudicator),
            (reviewer, Side::Provider, Role::Reviewer),
            (signer, Side::Provider, Role::Signer),
            (auditor, Side::Client, Role::Auditor),
        ] {
            let roles = BTreeSet::from([role]);
            world.act(delivery, Command::AddMember { engagement, person, side, roles, capacity: 50 }).await.unwrap();
        }
        let sow = world.act(delivery, world.draft_sow(Some(100))).await.unwrap().sow().unwrap();
        world.put_in_force(sow).await;
        world.act(delivery, Command::GoLive { engagement }).await.unwrap();
        world
    }

    pub(crate) fn draft_sow(&self, volume_max: Option<u32>) -> Command {
        let line = |clause: &str, kind, case_type: &str, plan| LineIn {
            clause: clause.into(),
            service: "Evidence reading".into(),
            kind,
            includes: BTreeSet::from([case_type.to_owned()]),
            excludes: BTreeSet::new(),
            jurisdictions: BTreeSet::new(),
            places: BTreeSet::from(["ZA".to_owned(), "GB".to_owned()]),
            volume_max,
            price_minor: 4_500,
            currency: "GBP".into(),
            revisions_max: 1,
            pack: self.pack.clone(),
            plan,
        };
        let unsigned = Plan { signoff: false, ..pack().plan };
        let review = ReviewPlan { random: WHOLE, rebuttal_days: 7, ..ReviewPlan::default() };
        let reviewed = Plan { review: Some(review), ..unsigned.clone() };
        Command::DraftSow {
            engagement: self.engagement,
            starts_on: "2026-01-01".parse().unwrap(),
            ends_on: "2026-12-31".parse().unwrap(),
            names_people: false,
            lines: vec![
                line("2.1", LineKind::Standard, "trial", None),
                line("2.2", LineKind::Standard, "note", Some(unsigned)),
                line("2.3", LineKind::Standard, "audit", Some(reviewed)),
                line("9.1", LineKind::History, "trial", None),
            ],
        }
    }

    pub(crate) async fn put_in_force(&self, sow: SowId) {
        let engagement = self.engagement;
        self.act(self.delivery, Command::ProposeSow { engagement, sow }).await.unwrap();
        self.act(self.delivery, Command::SignSow { engagement, sow }).await.unwrap();
        self.act(self.client, Command::SignSow { engagement, sow }).await.unwrap();
    }

    pub(crate) async fn act(&self, person: PersonId, command: Command) -> Result<Receipt> {
        self.app.act(Caller::local(person, "test"), command).await
    }

    pub(crate) fn caller(&self, person: PersonId) -> Caller {
        Caller::local(person, "test")
    }

    /// Takes a case in with one document: "The mean fell by 4 points."
    pub(crate) async fn take_in(&self, reference: &str) -> CaseId {
        self.act(self.client, Command::TakeIn { engagement: self.engagement, case: self.case_in(reference) })
            .await
            .unwrap()
            .case()
            .unwrap()
    }

    pub(crate) fn case_in(&self, reference: &str) -> CaseIn {
        CaseIn {
            reference: reference.into(),
            title: format!("Did {reference} lower the mean?"),
            case_type: "trial".into(),
            fields: BTreeMap::from([("outcome".to_owned(), "the mean".to_owned())]),
            jurisdiction: "GB".into(),
            language: String::from("en"),
            parties: BTreeSet::new(),
            urgent: false,
            due_at: START.plus_seconds(5 * 86_400),
            owner: self.delivery,
            items: vec![ItemIn {
                name: "Report".into(),
                media: Media::Text,
                body: "The mean fell by 4 points. The median rose.".into(),
                material: true,
                visibility: Visibility::Both,
            }],
        }
    }

    /// Claims a seat and seals a reading with this answer and the first sentence as evidence.
    pub(crate) async fn read(&self, person: PersonId, case: CaseId, answer: &str) -> Result<Receipt> {
        let engagement = self.engagement;
        self.act(person, Command::ClaimSeat { engagement, case }).await?;
        let judgement = self.judgement(case, answer).await;
        self.act(person, Command::SubmitReading { engagement, case, judgement }).await
    }

    /// Adds another reader.
    pub(crate) async fn another_reader(&self, name: &str) -> PersonId {
        self.another(name, Role::Expert).await
    }

    /// Adds another adjudicator.
    pub(crate) async fn another_adjudicator(&self, name: &str) -> PersonId {
        self.another(name, Role::Adjudicator).await
    }

    /// Adds another delivery manager.
    pub(crate) async fn another_manager(&self, name: &str) -> PersonId {
        self.another(name, Role::DeliveryManager).await
    }

    /// Adds another signer.
    pub(crate) async fn another_signer(&self, name: &str) -> PersonId {
        self.another(name, Role::Signer).await
    }

    /// Adds a member who needs no credential.
    pub(crate) async fn member(&self, name: &str, side: Side, role: Role) -> PersonId {
        let org = if side == Side::Client { self.client_org } else { self.provider_org };
        let person = add_person(&self.app, self.caller(self.operator), org, name, "GB", BTreeSet::new()).await;
        let (engagement, roles) = (self.engagement, BTreeSet::from([role]));
        self.act(self.delivery, Command::AddMember { engagement, person, side, roles, capacity: 50 }).await.unwrap();
        person
    }

    /// Returns the SOW line under which a case is worked.
    pub(crate) async fn line_of(&self, case: CaseId) -> LineId {
        self.state(case).await["admission"]["line"].as_str().unwrap().parse().unwrap()
    }

    async fn another(&self, name: &str, role: Role) -> PersonId {
        let person =
            add_person(&self.app, self.caller(self.operator), self.provider_org, name, "ZA", BTreeSet::new()).await;
        let credential = Command::RecordCredential {
            person,
            kind: if role == Role::Signer { "methodologist" } else { "reader" }.into(),
            jurisdiction: String::new(),
            number: "N-2".into(),
            valid_from: "2025-01-01".parse().unwrap(),
            valid_to: "2026-12-31".parse().unwrap(),
        };
        self.act(self.operator, credential).await.unwrap();
        let (engagement, roles) = (self.engagement, BTreeSet::from([role]));
        let member = Command::AddMember { engagement, person, side: Side::Provider, roles, capacity: 50 };
        self.act(self.delivery, member).await.unwrap();
        person
    }

    /// A complete judgement that cites the first sentence.
    pub(crate) async fn judgement(&self, case: CaseId, answer: &str) -> JudgementIn {
        let item = self.item(case).await;
        JudgementIn {
            answers: BTreeMap::from([("effect".to_owned(), AnswerIn::Choice(answer.to_owned()))]),
            evidence: BTreeMap::from([("effect".to_owned(), vec![Evidence { item, version: 1, start: 0, end: 26 }])]),
            rationale: Some("the report says so".into()),
            confidence: None,
        }
    }

    /// The first item of a case.
    pub(crate) async fn item(&self, case: CaseId) -> ItemId {
        let body = self.state(case).await;
        body["items"][0]["item"].as_str().unwrap().parse().unwrap()
    }
}

async fn add_person(app: &App, by: Caller, org: OrgId, name: &str, place: &str, roles: BTreeSet<Role>) -> PersonId {
    let languages = BTreeSet::from(["en".to_owned()]);
    let person =
        PersonIn { org, name: name.into(), same_as: None, signs_in: true, place: place.into(), languages, roles };
    app.act(by, Command::AddPerson { person }).await.unwrap().person().unwrap()
}

/// A small pack: one deciding question with required evidence, rationale required, two readings, sign-off.
pub(crate) fn pack() -> Pack {
    let option = |key: &str, shortcut: &str| Choice { key: key.into(), title: key.into(), shortcut: shortcut.into() };
    let requirement = |credential: &str| Requirement { credentials: vec![credential.into()], ..Requirement::default() };
    Pack {
        name: "test-evidence".into(),
        version: "1.0.0".into(),
        title: "Evidence".into(),
        summary: "Did it move?".into(),
        case_types: ["trial", "note", "survey", "audit"].map(case_type).into(),
        form: Form {
            questions: vec![Question {
                key: "effect".into(),
                title: "Effect".into(),
                help: String::new(),
                kind: QuestionKind::Choice {
                    options: vec![option("rose", "r"), option("fell", "f"), option("same", "s")],
                },
                required: true,
                decides: true,
                evidence: EvidenceRule::Required { unless: Vec::new() },
            }],
            rationale: Need::Required,
            confidence: Need::Absent,
        },
        plan: Plan {
            stopping: Stopping::Fixed { readings: 2 },
            signoff: true,
            signoff_in_jurisdiction: false,
            review: None,
            single_allowed: BTreeSet::new(),
            gold: None,
        },
        requirements: BTreeMap::from([
            (Duty::Read, requirement("reader")),
            (Duty::Adjudicate, requirement("reader")),
            (Duty::Sign, requirement("methodologist")),
        ]),
        playbook: Playbook { title: "How".into(), stages: Vec::new() },
        kpis: Vec::new(),
        rate_units: vec!["case".into()],
        attribution: String::new(),
    }
}

/// A kind of case: `survey` is in no line of the statement of work, `note` needs no sign-off, `audit` neither, and each
/// is reviewed.
fn case_type(key: &str) -> CaseType {
    let outcome = CaseField { key: "outcome".into(), title: "Outcome".into(), required: true };
    CaseType { key: key.into(), title: key.into(), fields: vec![outcome] }
}
