//! The stage: two organisations, their people, one live engagement, and the commands that tests speak in.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use remit_kernel::{
    case::{Case, Material, Media, ReturnCode, Visibility},
    command::{AnswerIn, CaseIn, Command, DefectIn, ItemIn, JudgementIn, LineIn, PersonIn, ReviewIn},
    ctx::Actor,
    engagement::{LineKind, Member, Sow},
    form::{Choice, Evidence, EvidenceRule, Form, Need, Question, QuestionKind},
    gold::Gold,
    hash::Digest,
    id::{
        CalibrationId, CaseId, CredentialId, EngagementId, GoldId, ItemId, LineId, LotId, OrgId, PersonId, ReviewId,
        SowId,
    },
    index::{CaseStatus, DefectKind, Part, Severity},
    lot::{Lot, Sampler, sampler_of},
    pack::{
        CaseField, CaseType, Duty, GoldPlan, Pack, PackRef, Plan, Playbook, Requirement, ReviewPlan, Stopping, WHOLE,
    },
    panel::{Panel, Source},
    refusal::Refusal,
    review::Review,
    role::{Role, Side},
    stream::{Event, Scope, State, StreamId},
    time::{Date, Instant},
};

use crate::world::{Act, World, told};

/// The text of the one document in each case.
pub(crate) const REPORT: &str = "Pain fell from 6.1 to 3.9 points after eight weeks.";
/// Cases that the standard line admits.
pub(crate) const VOLUME_MAX: u32 = 5;

/// Name that tests call the person by, side, roles, place, whether there is a credential to read, and where to sign.
type Cast = (&'static str, Side, &'static [Role], &'static str, bool, &'static str);

/// Everybody with a part in the engagement; `twin` is another account of `reader`.
const PEOPLE: &[Cast] = &[
    ("client", Side::Client, &[Role::ClientManager], "GB", false, ""),
    ("manager", Side::Provider, &[Role::DeliveryManager], "ZA", false, ""),
    ("reader", Side::Provider, &[Role::Expert], "ZA", true, ""),
    ("second", Side::Provider, &[Role::Expert], "ZA", true, ""),
    ("third", Side::Provider, &[Role::Expert, Role::Adjudicator], "ZA", true, ""),
    ("judge", Side::Provider, &[Role::Adjudicator], "ZA", true, ""),
    ("umpire", Side::Provider, &[Role::Adjudicator], "ZA", true, ""),
    ("signer", Side::Provider, &[Role::Signer, Role::Adjudicator], "GB", true, "US"),
    ("deputy", Side::Provider, &[Role::Signer, Role::Expert], "GB", true, "US-OH"),
    ("abroad", Side::Provider, &[Role::Signer], "GB", true, "GB"),
    ("auditor", Side::Client, &[Role::Auditor], "GB", false, ""),
    ("checker", Side::Provider, &[Role::Reviewer], "ZA", false, ""),
    ("controller", Side::Provider, &[Role::Reviewer], "GB", false, ""),
    ("insider", Side::Client, &[Role::Reviewer], "GB", false, ""),
    ("twin", Side::Provider, &[Role::Expert, Role::Adjudicator, Role::Signer], "ZA", true, "US"),
];

/// A world with a live engagement.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) people: BTreeMap<&'static str, PersonId>,
    pub(crate) pack: PackRef,
    pub(crate) client: OrgId,
    pub(crate) provider: OrgId,
    pub(crate) engagement: EngagementId,
    pub(crate) sow: SowId,
    pub(crate) line: LineId,
    pub(crate) history: LineId,
    references: u32,
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

impl Stage {
    /// Returns the stage on 2 March 2026 at nine, everybody qualified, one version of the statement of work in force.
    pub(crate) fn set() -> Self {
        Self::under(plan(2, true), Some(VOLUME_MAX))
    }

    /// As [`Self::set`], under another quality plan.
    pub(crate) fn set_under(plan: Plan) -> Self {
        Self::under(plan, Some(VOLUME_MAX))
    }

    /// As [`Self::set`], under this plan and for so many cases.
    pub(crate) fn under(plan: Plan, volume_max: Option<u32>) -> Self {
        let mut stage = Self::unsigned_for(plan, volume_max);
        for (who, command) in [
            ("manager", Command::ProposeSow { engagement: stage.engagement, sow: stage.sow }),
            ("manager", Command::SignSow { engagement: stage.engagement, sow: stage.sow }),
            ("client", Command::SignSow { engagement: stage.engagement, sow: stage.sow }),
            ("manager", Command::GoLive { engagement: stage.engagement }),
        ] {
            stage.does(who, &command);
        }
        stage.put_history_in_force();
        stage
    }

    /// Returns the stage with a line in force under this quality plan.
    pub(crate) fn live(plan: Plan) -> Self {
        let mut stage = Self::unsigned(plan);
        let (engagement, sow) = (stage.engagement, stage.sow);
        stage.does("manager", &Command::ProposeSow { engagement, sow });
        stage.does("manager", &Command::SignSow { engagement, sow });
        stage.does("client", &Command::SignSow { engagement, sow });
        stage.does("manager", &Command::GoLive { engagement });
        stage
    }

    /// Returns the stage before anybody signed, with a draft of the statement of work under this quality plan.
    pub(crate) fn unsigned(plan: Plan) -> Self {
        Self::unsigned_for(plan, Some(VOLUME_MAX))
    }

    fn unsigned_for(plan: Plan, volume_max: Option<u32>) -> Self {
        let mut world = World::new(instant("2026-03-02T09:00:00Z"));
        let pack = pack();
        let reference = pack.reference();
        world.packs.insert(reference.digest, Arc::new(pack));
        let nobody = PersonId::of_chance(0);
        let mut stage = Self {
            world,
            people: BTreeMap::new(),
            pack: reference,
            client: OrgId::of_chance(0),
            provider: OrgId::of_chance(0),
            engagement: EngagementId::of_chance(0),
            sow: SowId::of_chance(0),
            line: LineId::of_chance(0),
            history: LineId::of_chance(0),
            references: 0,
        };
        stage.people.insert("nobody", nobody);
        stage.client = stage.new_org("Harbour Insurance");
        stage.provider = stage.new_org("Durban Analytics");
        stage.add_people();
        stage.draft_engagement();
        let line = LineIn { volume_max, ..stage.line_in(LineKind::Standard, plan) };
        stage.sow = stage.draft_sow(vec![line]);
        stage.line = stage.sow(stage.sow).lines[0].line;
        stage
    }

    fn add_people(&mut self) {
        for name in ["registrar", "outsider"] {
            self.add_person(name, self.provider, "ZA", None);
        }
        for (name, side, _, place, reads, signs) in PEOPLE {
            let org = match side {
                Side::Client => self.client,
                Side::Provider => self.provider,
            };
            let same_as = (*name == "twin").then(|| self.who("reader"));
            self.add_person(name, org, place, same_as);
            if *reads {
                self.credential(name, "analyst", "", "2027-12-31");
                let person = self.who(name);
                self.does("registrar", &Command::SetClearance { person, clearance: "trials".into(), granted: true });
            }
            if !signs.is_empty() {
                self.credential(name, "physician", signs, "2027-06-30");
            }
        }
    }

    fn draft_engagement(&mut self) {
        let managers = vec![(self.who("client"), Side::Client), (self.who("manager"), Side::Provider)];
        let (client, provider) = (self.client, self.provider);
        let command = Command::DraftEngagement { name: "Trial outcomes".into(), client, provider, managers };
        match self.does("manager", &command).decision.scope {
            Scope::Engagement(engagement) => self.engagement = engagement,
            Scope::Directory => panic!("an engagement has a scope of its own"),
        }
        for (name, side, roles, ..) in PEOPLE.iter().skip(2) {
            let (person, roles) = (self.who(name), roles.iter().copied().collect());
            let engagement = self.engagement;
            self.does("manager", &Command::AddMember { engagement, person, side: *side, roles, capacity: 3 });
        }
    }

    fn put_history_in_force(&mut self) {
        let sow = self.draft_sow(vec![self.line_in(LineKind::History, plan(2, true))]);
        self.history = self.sow(sow).lines[0].line;
        self.does("manager", &Command::ProposeSow { engagement: self.engagement, sow });
        self.does("manager", &Command::SignSow { engagement: self.engagement, sow });
    }

    pub(crate) fn draft_sow(&mut self, lines: Vec<LineIn>) -> SowId {
        let engagement = self.engagement;
        let (starts_on, ends_on) = (date("2026-01-01"), date("2026-12-31"));
        match self
            .does("manager", &Command::DraftSow { engagement, starts_on, ends_on, names_people: false, lines })
            .decision
            .events[0]
            .0
        {
            StreamId::Sow(sow) => sow,
            other => panic!("a statement of work was drafted, not {other}"),
        }
    }

    pub(crate) fn line_in(&self, kind: LineKind, plan: Plan) -> LineIn {
        LineIn {
            clause: "2.1".into(),
            service: "Reading of trial reports".into(),
            kind,
            includes: ["trial".to_owned()].into(),
            excludes: BTreeSet::new(),
            jurisdictions: ["US-OH", "GB"].map(str::to_owned).into(),
            places: ["ZA", "GB"].map(str::to_owned).into(),
            volume_max: Some(VOLUME_MAX),
            price_minor: 4_500,
            currency: "GBP".into(),
            revisions_max: 1,
            pack: self.pack.clone(),
            plan: Some(plan),
        }
    }

    fn new_org(&mut self, name: &str) -> OrgId {
        let command = Command::AddOrganisation { name: name.into(), country: "GB".into() };
        match self.world.act(Actor::Service, &command).unwrap().decision.events[0].0 {
            StreamId::Organisation(org) => org,
            other => panic!("an organisation was added, not {other}"),
        }
    }

    pub(crate) fn add_person(&mut self, name: &'static str, org: OrgId, place: &str, same_as: Option<PersonId>) {
        let person = PersonIn {
            org,
            name: format!("Person known as {name}"),
            same_as,
            signs_in: true,
            place: place.into(),
            languages: ["en".to_owned()].into(),
            roles: BTreeSet::new(),
        };
        match self.world.act(Actor::Service, &Command::AddPerson { person }).unwrap().decision.events[0].0 {
            StreamId::Person(person) => drop(self.people.insert(name, person)),
            other => panic!("a person was added, not {other}"),
        }
    }

    /// Records a credential valid from the start of 2020 to this day.
    pub(crate) fn credential(&mut self, name: &str, kind: &str, jurisdiction: &str, valid_to: &str) -> CredentialId {
        let command = Command::RecordCredential {
            person: self.who(name),
            kind: kind.into(),
            jurisdiction: jurisdiction.into(),
            number: "R-1".into(),
            valid_from: date("2020-01-01"),
            valid_to: date(valid_to),
        };
        match &self.does("registrar", &command).decision.events[0].1 {
            Event::Person(remit_kernel::directory::PersonEvent::CredentialRecorded { credential, .. }) => *credential,
            other => panic!("a credential was recorded, not {other:?}"),
        }
    }

    pub(crate) fn who(&self, name: &str) -> PersonId {
        *self.people.get(name).unwrap_or_else(|| panic!("nobody is called {name}"))
    }

    /// Returns what tests call a person.
    pub(crate) fn name_of(&self, person: PersonId) -> &'static str {
        self.people.iter().find(|(_, id)| **id == person).map_or("somebody", |(name, _)| *name)
    }

    pub(crate) fn as_person(&self, name: &str) -> Actor {
        Actor::Person { person: self.who(name), reauthenticated: true }
    }

    /// Lets a person act, who has just proved who it is.
    pub(crate) fn act(&mut self, name: &str, command: &Command) -> Result<Act, Refusal> {
        self.world.act(self.as_person(name), command)
    }

    /// As [`Self::act`], where nothing stands against it.
    #[track_caller]
    pub(crate) fn does(&mut self, name: &str, command: &Command) -> Act {
        let outcome = self.act(name, command);
        outcome.unwrap_or_else(|refusal| panic!("{name} may not {}: {refusal}", command.word()))
    }

    /// Returns what came of a person's command, in words.
    pub(crate) fn tries(&mut self, name: &str, command: &Command) -> String {
        told(&self.act(name, command))
    }

    /// Checks what comes of a person's command.
    #[track_caller]
    pub(crate) fn check(&mut self, name: &str, command: &Command, expect: &str) {
        assert_eq!(self.tries(name, command), expect, "{name}: {}", command.word());
    }

    /// Checks what would come of it; nothing happens.
    #[track_caller]
    pub(crate) fn foresee(&self, name: &str, command: &Command, expect: &str) {
        assert_eq!(self.would(name, command), expect, "{name}: {}", command.word());
    }

    /// Returns what would come of a person's command; nothing happens.
    pub(crate) fn would(&self, name: &str, command: &Command) -> String {
        self.clone().tries(name, command)
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.world.now = self.world.now.plus_seconds(seconds);
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    pub(crate) fn case(&self, case: CaseId) -> Case {
        match self.world.state(self.scope(), StreamId::Case(case)) {
            Some(State::Case(case)) => case.clone(),
            other => panic!("{case} is not there: {other:?}"),
        }
    }

    pub(crate) fn panel(&self, case: CaseId) -> Panel {
        match self.world.state(self.scope(), StreamId::panel_of(case)) {
            Some(State::Panel(panel)) => panel.clone(),
            other => panic!("{case} has no panel: {other:?}"),
        }
    }

    pub(crate) fn gold(&self, gold: GoldId) -> Gold {
        match self.world.state(self.scope(), StreamId::Gold(gold)) {
            Some(State::Gold(gold)) => gold.clone(),
            other => panic!("{gold} is not there: {other:?}"),
        }
    }

    /// Returns a gold case in rotation, made of a case that reader and second agreed on.
    pub(crate) fn gold_case(&mut self, finding: &str) -> GoldId {
        let (engagement, case) = (self.engagement, self.take_in());
        self.reads("reader", case, finding);
        self.reads("second", case, finding);
        self.does("judge", &Command::ProposeGold { engagement, case, note: Some("Plain and typical.".into()) });
        self.does("manager", &Command::ApproveGold { engagement, gold: case.gold() });
        case.gold()
    }

    /// Lets somebody ask for the next case until gold is drawn, and returns the showing.
    #[track_caller]
    pub(crate) fn shown(&mut self, name: &str) -> CaseId {
        self.wait(60);
        let command = Command::ClaimNext { engagement: self.engagement };
        for _ in 0..200 {
            if self.would(name, &command).contains("shown") {
                return Self::newest(&self.does(name, &command));
            }
            self.world.redraw();
        }
        panic!("{name} is never shown gold: {}", self.would(name, &command));
    }

    pub(crate) fn review(&self, review: ReviewId) -> Review {
        match self.world.state(self.scope(), StreamId::Review(review)) {
            Some(State::Review(review)) => review.clone(),
            other => panic!("{review} is not there: {other:?}"),
        }
    }

    pub(crate) fn lot(&self, lot: LotId) -> Lot {
        match self.world.state(self.scope(), StreamId::Lot(lot)) {
            Some(State::Lot(lot)) => lot.clone(),
            other => panic!("{lot} is not there: {other:?}"),
        }
    }

    pub(crate) fn sampler(&self) -> Sampler {
        match self.world.state(self.scope(), StreamId::Sampler(sampler_of(self.line, "trial"))) {
            Some(State::Sampler(sampler)) => sampler.clone(),
            other => panic!("nothing is sampled: {other:?}"),
        }
    }

    /// Returns the newest review of a case.
    pub(crate) fn review_of(&self, case: CaseId) -> ReviewId {
        *self.case(case).reviews.last().expect("the case was drawn")
    }

    pub(crate) fn take_review(&self, case: CaseId) -> Command {
        Command::TakeReview { engagement: self.engagement, case, review: self.review_of(case) }
    }

    /// Finishes the newest review of a case: passed, or with one defect of this kind and weight.
    pub(crate) fn finish_review(&self, case: CaseId, defect: Option<(DefectKind, Severity)>) -> Command {
        let defects = defect.into_iter().map(|(kind, severity)| DefectIn {
            question: Some("finding".into()),
            kind,
            severity,
            note: "The interval includes zero.".into(),
        });
        let finding = defect.is_some().then(|| self.judgement(case, "none"));
        let given = ReviewIn { defects: defects.collect(), coaching: Some("Read the table too.".into()), finding };
        Command::FinishReview { engagement: self.engagement, case, review: self.review_of(case), given }
    }

    /// Lets somebody take and finish the newest review of a case.
    #[track_caller]
    pub(crate) fn reviews(&mut self, name: &str, case: CaseId, defect: Option<(DefectKind, Severity)>) {
        self.does(name, &self.take_review(case));
        self.does(name, &self.finish_review(case, defect));
    }

    /// Returns a case that two readers agreed on.
    pub(crate) fn decided(&mut self) -> CaseId {
        let case = self.take_in();
        self.reads("reader", case, "decreased");
        self.reads("second", case, "decreased");
        case
    }

    pub(crate) fn sow(&self, sow: SowId) -> Sow {
        match self.world.state(self.scope(), StreamId::Sow(sow)) {
            Some(State::Sow(sow)) => sow.clone(),
            other => panic!("{sow} is not there: {other:?}"),
        }
    }

    pub(crate) fn member(&self, name: &str) -> Member {
        match self.world.state(self.scope(), StreamId::Member(self.who(name))) {
            Some(State::Member(member)) => member.clone(),
            other => panic!("{name} is not a member: {other:?}"),
        }
    }

    /// Returns the round that an act opened.
    pub(crate) fn round(act: &Act) -> CalibrationId {
        let round = act.decision.events.iter().find_map(|(stream, _)| match stream {
            StreamId::Calibration(round) => Some(*round),
            _ => None,
        });
        round.expect("the act opened a round")
    }

    /// Returns the newest case.
    pub(crate) fn newest(act: &Act) -> CaseId {
        act.decision
            .events
            .iter()
            .find_map(|(stream, _)| match stream {
                StreamId::Case(case) => Some(*case),
                _ => None,
            })
            .expect("the act touched a case")
    }

    /// Returns a case as it comes in, with a reference of its own.
    pub(crate) fn case_in(&mut self) -> CaseIn {
        self.references += 1;
        CaseIn {
            reference: format!("T-{}", self.references),
            title: "Does the exercise lower pain?".into(),
            case_type: "trial".into(),
            fields: [("outcome".to_owned(), "Pain at eight weeks".to_owned())].into(),
            jurisdiction: "US-OH".into(),
            language: "en".into(),
            parties: ["acme".to_owned()].into(),
            urgent: false,
            due_at: self.world.now.plus_seconds(7 * 86_400 + i64::from(self.references)),
            owner: self.who("manager"),
            items: vec![item_in("Report", Visibility::Both)],
        }
    }

    pub(crate) fn take_in(&mut self) -> CaseId {
        let case = self.case_in();
        Self::newest(&self.does("manager", &Command::TakeIn { engagement: self.engagement, case }))
    }

    pub(crate) fn take_in_history(&mut self) -> CaseId {
        let case = self.case_in();
        let (engagement, line) = (self.engagement, self.history);
        Self::newest(&self.does("manager", &Command::TakeInHistory { engagement, case, line }))
    }

    pub(crate) fn report(&self, case: CaseId) -> ItemId {
        self.case(case).items[0].item
    }

    /// Returns a judgement with this finding, its evidence in the case's report.
    pub(crate) fn judgement(&self, case: CaseId, finding: &str) -> JudgementIn {
        let passage = Evidence { item: self.report(case), version: 1, start: 0, end: 23 };
        JudgementIn {
            answers: [("finding".to_owned(), AnswerIn::Choice(finding.into()))].into(),
            evidence: [("finding".to_owned(), vec![passage])].into(),
            rationale: Some("The mean fell by more than two points.".into()),
            confidence: Some(80),
        }
    }

    pub(crate) fn claim(&self, case: CaseId) -> Command {
        Command::ClaimSeat { engagement: self.engagement, case }
    }

    pub(crate) fn submit(&self, case: CaseId, finding: &str) -> Command {
        let judgement = self.judgement(case, finding);
        Command::SubmitReading { engagement: self.engagement, case, judgement }
    }

    pub(crate) fn take_dispute(&self, case: CaseId) -> Command {
        Command::TakeAdjudication { engagement: self.engagement, case }
    }

    pub(crate) fn adjudicate(&self, case: CaseId, finding: &str) -> Command {
        let judgement = self.judgement(case, finding);
        Command::Adjudicate { engagement: self.engagement, case, judgement }
    }

    pub(crate) fn open(&self, case: CaseId, material: Material) -> Command {
        Command::OpenMaterial { engagement: self.engagement, case, material }
    }

    pub(crate) fn sign(&self, case: CaseId) -> Command {
        let content = self.case(case).resolution.map_or_else(Digest::default, |resolution| resolution.content);
        Command::Sign { engagement: self.engagement, case, content, statement: "I have read it and agree.".into() }
    }

    pub(crate) fn send_back(&self, case: CaseId, code: ReturnCode) -> Command {
        let finding = code.questions_answer().then(|| self.judgement(case, "none"));
        let note = "The interval includes zero.".to_owned();
        Command::ReturnSignoff { engagement: self.engagement, case, code, note, finding }
    }

    pub(crate) fn deliver(&self, case: CaseId) -> Command {
        Command::Deliver { engagement: self.engagement, case }
    }

    pub(crate) fn return_delivery(&self, case: CaseId, code: ReturnCode) -> Command {
        let note = "Not what we agreed on.".to_owned();
        Command::ReturnDelivery { engagement: self.engagement, case, code, note }
    }

    pub(crate) fn cancel(&self, case: CaseId) -> Command {
        Command::CancelCase { engagement: self.engagement, case, reason: "Settled out of court.".into() }
    }

    pub(crate) fn record(&self, case: CaseId, reader: &str, part: Part, finding: &str, row: u64) -> Command {
        Command::RecordReading {
            engagement: self.engagement,
            case,
            reader: self.who(reader),
            part,
            judgement: self.judgement(case, finding),
            claimed_at: Some(instant("2024-05-06T07:08:09Z")),
            source: source(row),
        }
    }

    /// Lets somebody claim and seal.
    #[track_caller]
    pub(crate) fn reads(&mut self, name: &str, case: CaseId, finding: &str) {
        self.does(name, &self.claim(case));
        self.does(name, &self.submit(case, finding));
    }

    #[track_caller]
    pub(crate) fn adjudicates(&mut self, name: &str, case: CaseId, finding: &str) {
        self.does(name, &self.take_dispute(case));
        self.does(name, &self.adjudicate(case, finding));
    }

    #[track_caller]
    pub(crate) fn opens_all(&mut self, name: &str, case: CaseId) {
        for material in self.case(case).material() {
            self.does(name, &self.open(case, material));
        }
    }

    #[track_caller]
    pub(crate) fn signs(&mut self, name: &str, case: CaseId) {
        self.opens_all(name, case);
        self.does(name, &self.sign(case));
    }

    /// Returns a case brought to this status by the shortest way.
    pub(crate) fn case_at(&mut self, status: CaseStatus) -> CaseId {
        let stopped = matches!(status, CaseStatus::ScopeQuery | CaseStatus::Declined);
        let mut given = self.case_in();
        if stopped {
            given.case_type = "census".into();
            given.fields.clear();
        }
        let engagement = self.engagement;
        let case = Self::newest(&self.does("manager", &Command::TakeIn { engagement, case: given }));
        self.lead(case, status);
        assert_eq!(self.case(case).status, status);
        case
    }

    fn lead(&mut self, case: CaseId, status: CaseStatus) {
        let engagement = self.engagement;
        match status {
            CaseStatus::ScopeQuery | CaseStatus::Ready => {}
            CaseStatus::Declined => {
                let reason = "Not our trade.".to_owned();
                self.does("manager", &Command::DeclineCase { engagement, case, reason });
            }
            CaseStatus::Reading => drop(self.does("reader", &self.claim(case))),
            CaseStatus::Adjudicating => {
                self.reads("reader", case, "decreased");
                self.reads("second", case, "none");
                self.does("judge", &self.take_dispute(case));
            }
            CaseStatus::Resolved | CaseStatus::InReview | CaseStatus::AwaitingSignOff => {
                self.reads("reader", case, "decreased");
                self.reads("second", case, "decreased");
            }
            CaseStatus::SignedOff => {
                self.lead(case, CaseStatus::AwaitingSignOff);
                self.signs("signer", case);
            }
            CaseStatus::Delivered => {
                self.lead(case, CaseStatus::SignedOff);
                self.does("manager", &self.deliver(case));
            }
            CaseStatus::Revision => {
                self.lead(case, CaseStatus::Delivered);
                self.does("client", &self.return_delivery(case, ReturnCode::Format));
            }
            CaseStatus::Accepted => {
                self.lead(case, CaseStatus::Delivered);
                self.does("client", &Command::AcceptDelivery { engagement, case });
            }
            CaseStatus::Cancelled => drop(self.does("client", &self.cancel(case))),
        }
    }
}

pub(crate) fn source(row: u64) -> Source {
    Source { file: Digest::of(b"readings.csv"), row }
}

pub(crate) fn item_in(name: &str, visibility: Visibility) -> ItemIn {
    ItemIn { name: name.into(), media: Media::Text, body: REPORT.into(), material: true, visibility }
}

/// Returns a plan of so many readings, with or without a signature in the matter's jurisdiction.
pub(crate) fn plan(readings: u8, signoff: bool) -> Plan {
    // One reading alone must be allowed by name.
    let single_allowed = (readings == 1).then(|| "trial".to_owned()).into_iter().collect();
    Plan {
        stopping: Stopping::Fixed { readings },
        signoff,
        signoff_in_jurisdiction: signoff,
        review: None,
        single_allowed,
        gold: None,
    }
}

/// Returns that plan with reviews.
pub(crate) fn reviewed(signoff: bool, review: ReviewPlan) -> Plan {
    Plan { review: Some(review), ..plan(2, signoff) }
}

/// Returns a plan of reviews by which every case is drawn.
pub(crate) fn every_case() -> ReviewPlan {
    ReviewPlan { random: WHOLE, rebuttal_days: 7, ..ReviewPlan::default() }
}

/// Returns a plan that mixes in gold with every second request.
pub(crate) fn golden(readings: u8) -> Plan {
    let gold = GoldPlan { rate_bp: 5_000, showings_max: 4, retire_after: 3, ..GoldPlan::USUAL };
    Plan { gold: Some(gold), ..plan(readings, true) }
}

/// Returns the pack of the stage: one deciding choice with evidence, one passage that decides nothing, one remark.
pub(crate) fn pack() -> Pack {
    let option = |key: &str| Choice { key: key.into(), title: key.into(), shortcut: key[..1].into() };
    let options = ["increased", "decreased", "none"].map(option).into();
    let question = |key: &str, kind, decides, evidence| Question {
        key: key.into(),
        title: format!("The {key}"),
        help: String::new(),
        kind,
        required: decides,
        decides,
        evidence,
    };
    let evidence = EvidenceRule::Required { unless: vec!["none".into()] };
    let reads = Requirement {
        credentials: vec!["analyst".into()],
        clearances: vec!["trials".into()],
        ..Requirement::default()
    };
    let signs = Requirement { credentials: vec!["physician".into()], ..Requirement::default() };
    Pack {
        name: "trials".into(),
        version: "1.0.0".into(),
        title: "Trials".into(),
        summary: "Says what a report shows.".into(),
        case_types: vec![CaseType {
            key: "trial".into(),
            title: "Trial".into(),
            fields: vec![CaseField { key: "outcome".into(), title: "Outcome".into(), required: true }],
        }],
        form: Form {
            questions: vec![
                question("finding", QuestionKind::Choice { options }, true, evidence),
                question("passage", QuestionKind::Span { spans_min: 1, spans_max: 2 }, false, EvidenceRule::None),
                question("remark", QuestionKind::Text { chars_max: 200 }, false, EvidenceRule::Optional),
            ],
            rationale: Need::Required,
            confidence: Need::Optional,
        },
        plan: plan(2, true),
        requirements: [(Duty::Read, reads.clone()), (Duty::Adjudicate, reads), (Duty::Sign, signs)].into(),
        playbook: Playbook { title: "Reading".into(), stages: Vec::new() },
        kpis: Vec::new(),
        rate_units: vec!["case".into()],
        attribution: String::new(),
    }
}

/// An identifier that is nobody's.
pub(crate) trait OfChance: remit_kernel::id::Id {
    fn of_chance(number: u8) -> Self {
        Self::of(remit_kernel::id::Suffix::new(0, [number; 10]))
    }
}
impl<T: remit_kernel::id::Id> OfChance for T {}
