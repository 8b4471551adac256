//! What a command needs to know: the states of streams, people, packs and opened texts, loaded before `decide`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    alarm::Alarm,
    calibration::Calibration,
    case::Case,
    directory::{Organisation, Person},
    engagement::{Engagement, LineUse, Member, Sow},
    gold::Gold,
    hash::Digest,
    id::{
        AlarmId, CalibrationId, CaseId, EngagementId, GoldId, LineId, LotId, OrgId, PanelId, PersonId, PrecedentId,
        ReviewId, SamplerId, SowId, TextId,
    },
    lot::{Lot, Sampler, Seed},
    model::Model,
    pack::Pack,
    panel::Panel,
    precedent::Precedent,
    refusal::{Reason, code},
    review::Review,
    stream::{State, StreamId},
    time::Instant,
};

/// One fact that a command wants loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Want {
    /// A stream of the command's own scope.
    Stream(StreamId),
    /// A person of the directory.
    Person(PersonId),
    /// An organisation of the directory.
    Organisation(OrgId),
    /// A pack by its digest.
    Pack(Digest),
    /// The secret seed of a lot that is still open.
    Seed(LotId),
    /// The body of a text of the command's scope.
    Text(TextId),
    /// The name of a person, for sentences.
    Name(PersonId),
    /// Open seats that this person might take, best first, with their cases and panels.
    Candidates(PersonId),
    /// Clearly better readers than this person, with their memberships; needs the model.
    Rivals(PersonId),
    /// Cases on which this person holds a duty, with their panels.
    DutiesOf(PersonId),
    /// Open cases that this person owns.
    OwnedBy(PersonId),
    /// The case that carries this reference key, if any.
    Reference(Digest),
    /// Members who may sign.
    Signers,
    /// Gold cases that may be shown to this person, least shown first, and the references of her cases.
    GoldPool(PersonId),
    /// Open calibration rounds in which this person takes part.
    RoundsOf(PersonId),
}

/// Loaded facts. A stream that was wanted and is absent does not exist.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What was asked for so far; each want is loaded once.
    pub loaded: BTreeSet<Want>,
    /// Versions of the loaded streams; absent: 0.
    pub versions: BTreeMap<StreamId, u64>,
    /// The engagement.
    pub engagement: Option<Engagement>,
    /// Statements of work.
    pub sows: BTreeMap<SowId, Sow>,
    /// Counters of SOW lines.
    pub lines: BTreeMap<LineId, LineUse>,
    /// Cases.
    pub cases: BTreeMap<CaseId, Case>,
    /// Panels.
    pub panels: BTreeMap<PanelId, Panel>,
    /// Reviews.
    pub reviews: BTreeMap<ReviewId, Review>,
    /// Lots.
    pub lots: BTreeMap<LotId, Lot>,
    /// Samplers.
    pub samplers: BTreeMap<SamplerId, Sampler>,
    /// Secret seeds of open lots.
    pub seeds: BTreeMap<LotId, Seed>,
    /// What is measured of the readers.
    pub model: Option<Model>,
    /// Members.
    pub members: BTreeMap<PersonId, Member>,
    /// People.
    pub people: BTreeMap<PersonId, Person>,
    /// Organisations.
    pub organisations: BTreeMap<OrgId, Organisation>,
    /// Packs by digest.
    pub packs: BTreeMap<Digest, Arc<Pack>>,
    /// Opened texts.
    pub texts: BTreeMap<TextId, String>,
    /// Names of people.
    pub names: BTreeMap<PersonId, String>,
    /// Answer to [`Want::Candidates`], best first.
    pub candidates: Vec<CaseId>,
    /// Answer to [`Want::Rivals`], best first.
    pub rivals: Vec<(Person, Member)>,
    /// Answer to [`Want::DutiesOf`].
    pub duties: Vec<CaseId>,
    /// Answer to [`Want::OwnedBy`].
    pub owned: Vec<CaseId>,
    /// Answer to [`Want::Signers`].
    pub signers: Vec<PersonId>,
    /// Gold cases.
    pub golds: BTreeMap<GoldId, Gold>,
    /// Answer to [`Want::GoldPool`], least shown first.
    pub gold_pool: Vec<GoldId>,
    /// Answer to [`Want::GoldPool`]: references of cases on which the person holds or held a duty, and when each came in.
    pub own_cases: Vec<(String, Instant)>,
    /// Precedents.
    pub precedents: BTreeMap<PrecedentId, Precedent>,
    /// Alarms.
    pub alarms: BTreeMap<AlarmId, Alarm>,
    /// Calibration rounds.
    pub calibrations: BTreeMap<CalibrationId, Calibration>,
    /// Answer to [`Want::RoundsOf`].
    pub rounds: Vec<CalibrationId>,
    /// Answers to [`Want::Reference`].
    pub references: BTreeMap<Digest, CaseId>,
}

impl Facts {
    /// Puts a loaded state in its place.
    pub fn put(&mut self, stream: StreamId, version: u64, state: State) {
        self.versions.insert(stream, version);
        match (stream, state) {
            (StreamId::Engagement(_), State::Engagement(state)) => self.engagement = Some(state),
            (StreamId::Sow(id), State::Sow(state)) => drop(self.sows.insert(id, state)),
            (StreamId::Line(id), State::Line(state)) => drop(self.lines.insert(id, state)),
            (StreamId::Case(id), State::Case(state)) => drop(self.cases.insert(id, state)),
            (StreamId::Panel(id), State::Panel(state)) => drop(self.panels.insert(id, state)),
            (StreamId::Gold(id), State::Gold(state)) => drop(self.golds.insert(id, state)),
            (StreamId::Precedent(id), State::Precedent(state)) => drop(self.precedents.insert(id, state)),
            (StreamId::Alarm(id), State::Alarm(state)) => drop(self.alarms.insert(id, state)),
            (StreamId::Calibration(id), State::Calibration(state)) => drop(self.calibrations.insert(id, state)),
            (StreamId::Review(id), State::Review(state)) => drop(self.reviews.insert(id, state)),
            (StreamId::Lot(id), State::Lot(state)) => drop(self.lots.insert(id, state)),
            (StreamId::Sampler(id), State::Sampler(state)) => drop(self.samplers.insert(id, state)),
            (StreamId::Model(_), State::Model(state)) => self.model = Some(state),
            (StreamId::Member(id), State::Member(state)) => drop(self.members.insert(id, state)),
            (StreamId::Organisation(id), State::Organisation(state)) => drop(self.organisations.insert(id, state)),
            (StreamId::Person(id), State::Person(state)) => drop(self.people.insert(id, state)),
            // A snapshot under another stream's name was refused when it was read.
            (
                _,
                State::Engagement(_)
                | State::Sow(_)
                | State::Line(_)
                | State::Case(_)
                | State::Panel(_)
                | State::Gold(_)
                | State::Calibration(_)
                | State::Precedent(_)
                | State::Alarm(_)
                | State::Review(_)
                | State::Lot(_)
                | State::Sampler(_)
                | State::Model(_)
                | State::Member(_)
                | State::Organisation(_)
                | State::Person(_),
            ) => {}
        }
    }

    /// Returns a loaded state again, for folding the decided events onto it.
    pub fn state(&self, stream: StreamId) -> Option<State> {
        match stream {
            StreamId::Engagement(id) => {
                self.engagement.clone().filter(|engagement| engagement.engagement == id).map(State::Engagement)
            }
            StreamId::Sow(id) => self.sows.get(&id).cloned().map(State::Sow),
            StreamId::Line(id) => self.lines.get(&id).cloned().map(State::Line),
            StreamId::Case(id) => self.cases.get(&id).cloned().map(State::Case),
            StreamId::Panel(id) => self.panels.get(&id).cloned().map(State::Panel),
            StreamId::Gold(id) => self.golds.get(&id).cloned().map(State::Gold),
            StreamId::Precedent(id) => self.precedents.get(&id).cloned().map(State::Precedent),
            StreamId::Alarm(id) => self.alarms.get(&id).cloned().map(State::Alarm),
            StreamId::Calibration(id) => self.calibrations.get(&id).cloned().map(State::Calibration),
            StreamId::Review(id) => self.reviews.get(&id).cloned().map(State::Review),
            StreamId::Lot(id) => self.lots.get(&id).cloned().map(State::Lot),
            StreamId::Sampler(id) => self.samplers.get(&id).cloned().map(State::Sampler),
            StreamId::Model(_) => self.model.clone().map(State::Model),
            StreamId::Member(id) => self.members.get(&id).cloned().map(State::Member),
            StreamId::Organisation(id) => self.organisations.get(&id).cloned().map(State::Organisation),
            StreamId::Person(id) => self.people.get(&id).cloned().map(State::Person),
        }
    }

    /// Returns the engagement, which every command of its scope needs.
    pub(crate) fn engagement(&self, id: EngagementId) -> Result<&Engagement, Reason> {
        self.engagement.as_ref().filter(|engagement| engagement.engagement == id).ok_or_else(|| Reason::hidden(id))
    }

    pub(crate) fn case(&self, id: CaseId) -> Result<&Case, Reason> {
        self.cases.get(&id).ok_or_else(|| Reason::hidden(id))
    }

    pub(crate) fn panel(&self, id: CaseId) -> Result<&Panel, Reason> {
        self.panels.get(&id.panel()).ok_or_else(|| match self.cases.get(&id) {
            None => Reason::hidden(id),
            Some(_) => Reason::rule(code::WRONG_STATE, id, "this case has not been admitted, so nobody reads it")
                .hint("Settle its scope first."),
        })
    }

    pub(crate) fn gold(&self, id: GoldId) -> Result<&Gold, Reason> {
        self.golds.get(&id).ok_or_else(|| Reason::hidden(id))
    }

    pub(crate) fn person(&self, id: PersonId) -> Result<&Person, Reason> {
        self.people.get(&id).ok_or_else(|| Reason::hidden(id))
    }

    pub(crate) fn sow(&self, id: SowId) -> Result<&Sow, Reason> {
        self.sows.get(&id).ok_or_else(|| Reason::hidden(id))
    }

    /// Returns how sentences speak of a person.
    pub(crate) fn name(&self, id: PersonId) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }
}
