//! The panel: the planned set of independent readings of a case, and how it ends.
//!
//! A panel always ends: a seat that is given back, or whose reader is lost, opens again in the same act (I22).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    case::Cause,
    decimal::Decimal,
    form::{Answer, Form, Judgement, Question, QuestionKey},
    hash::Digest,
    id::{AssignmentId, CaseId, CredentialId, PersonId, ReadingId},
    index::{
        AnswerRow, DisputeRow, DutyRow, DutyStatus, Known, KnownAnswerRow, Origin, PanelRow, PanelStatus, Part,
        ReadingRow, Row, SeatRow, words,
    },
    model::{MILLION, Model},
    pack::{Duty, Stopping},
    routing::Examined,
    text::TextRef,
    time::Instant,
};

/// Fewest readings of which some may be outvoted.
const OUTVOTING_MIN: usize = 3;

/// What happens to a panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum PanelEvent {
    /// It was planned with the case's admission.
    Planned {
        case: CaseId,
        stopping: Stopping,
        need: Digest,
        due_at: Instant,
        origin: Origin,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        laid_at: Option<Instant>,
    },
    /// A reader took a seat.
    SeatTaken {
        seat: u8,
        assignment: AssignmentId,
        reader: PersonId,
        natural: PersonId,
        by: PersonId,
        routing: Routing,
    },
    /// The seat is open again.
    SeatReleased { seat: u8, assignment: AssignmentId, reader: PersonId, cause: Release, note: Option<TextRef> },
    /// A reading was sealed; it never changes (I5).
    ReadingSealed { reading: Reading },
    /// A model's suggestion was stored beside the panel.
    SuggestionRecorded { reading: Reading },
    /// A reference answer from a file was stored beside the panel.
    ReferenceRecorded { answers: BTreeMap<QuestionKey, Answer>, source: Source },
    /// All readings so far are in, and the chance of a wrong answer was weighed: enough, or another one is wanted.
    Weighed { weighed: Weighed },
    /// All readings are in and alike on what decides.
    Agreed { outcome: Judgement, other_evidence: bool },
    /// All readings are in and differ on these questions.
    Disputed { questions: Vec<QuestionKey> },
    /// All readings are in and differ on these questions; by the plan's limit the answer stands all the same.
    Outvoted { outcome: Judgement, questions: Vec<QuestionKey> },
    /// Closed with one reading, as planned or as the file has it.
    LeftSingle { outcome: Judgement },
    /// An adjudicator took the dispute. `order` is the random order in which the readings are shown.
    AdjudicatorTook { assignment: AssignmentId, person: PersonId, natural: PersonId, order: Vec<ReadingId> },
    /// The adjudicator gave it back, or was lost.
    AdjudicatorReleased { assignment: AssignmentId, person: PersonId, cause: Release, note: Option<TextRef> },
    /// The adjudicator decided.
    Adjudicated { reading: ReadingId, by: PersonId, natural: PersonId, judgement: Judgement },
    /// A closed panel is open to adjudication: the signer or the client holds another answer.
    Challenged { cause: Cause, by: PersonId, natural: PersonId, finding: Option<Judgement>, note: TextRef },
    /// Closed without outcome, because the case ended.
    Voided {},
}

words! {
    /// What weighing the readings of a sequential panel came to.
    Verdict {
        /// Another reading is wanted.
        Another "another",
        /// The chance of a wrong answer is within the limit.
        Enough "enough",
        /// It is not, and the plan allows no further reading.
        Cap "cap",
        /// A manager closed the panel with the readings it had: nobody was left to read.
        Closed "closed",
        /// Nothing calibrates a chance: the fewest readings of the plan are compared as they stand.
        Uncalibrated "uncalibrated",
    }
}

/// Readings weighed by the sequential rule, whatever came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weighed {
    /// How many readings were in.
    pub readings: u8,
    /// Estimated chance of a wrong answer, the greatest over the questions that decide, in millionths; none: nothing
    /// calibrates it.
    pub error: Option<u32>,
    /// The limit of the plan, in millionths.
    pub error_max: u32,
    /// Version of the model that was asked.
    pub model: Option<u32>,
    /// What it came to.
    pub verdict: Verdict,
}

impl Weighed {
    /// Returns what came of it, in a sentence without a full stop.
    pub fn sentence(&self) -> String {
        let (readings, limit) = (self.readings, chance_in_words(self.error_max));
        let count = if readings == 1 { "1 reading".to_owned() } else { format!("{readings} readings") };
        let chance = self
            .error
            .map(|error| format!("estimated chance of a wrong answer {}, limit {limit}", estimate_in_words(error)));
        match (self.verdict, chance) {
            (Verdict::Another, Some(chance)) => format!("Another reading was asked for after {count}: {chance}"),
            (Verdict::Enough, Some(chance)) => format!("Stopped after {count}: {chance}"),
            (Verdict::Cap, Some(chance)) => format!("Stopped after {count}, the most that the plan allows: {chance}"),
            (Verdict::Closed, Some(chance)) => format!("Closed after {count}, since nobody was left to read: {chance}"),
            (Verdict::Closed, None) => {
                format!("Closed after {count}, since nobody was left to read; no chance of a wrong answer is estimated")
            }
            (Verdict::Another | Verdict::Enough | Verdict::Cap | Verdict::Uncalibrated, _) => {
                format!("Stopped after {count}: nothing calibrates an estimate of the chance of a wrong answer yet")
            }
        }
    }
}

/// Returns a chance in millionths as people read it, such as `0.6 %`.
pub fn chance_in_words(millionths: u32) -> String {
    let percent = Decimal::of_units(i128::from(millionths), 4).unwrap_or(Decimal::ZERO);
    format!("{percent} %")
}

/// Returns an estimate as far as it can carry: tenths of a percent, rounded up. What is known of readers from some hundred
/// answers says nothing of smaller chances.
fn estimate_in_words(millionths: u32) -> String {
    const TENTH: u32 = 1_000;
    if millionths < TENTH {
        return format!("under {}", chance_in_words(TENTH));
    }
    chance_in_words(millionths.div_ceil(TENTH).saturating_mul(TENTH))
}

words! {
    /// Why a duty ended before it was done.
    Release {
        /// The person gave it back.
        GivenBack "given_back",
        /// A manager took it away.
        Revoked "revoked",
        /// The person may no longer do it: credential, clearance, conflict, membership.
        Barred "barred",
        /// The case ended.
        CaseEnded "case_ended",
    }
}

/// How a seat was filled: the rule and what was examined (I29).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    /// `next_case`, `chosen` or `assigned`.
    pub rule: RoutingRule,
    /// Cases examined and passed over before this one, with the reasons.
    pub passed_over: Vec<Examined>,
}

words! {
    /// How a seat was filled.
    RoutingRule {
        /// The reader asked for the next case: earliest promise first among eligible seats. A further reading of a
        /// sequential panel waits some hours for a clearly better reader who is free.
        NextCase "next_case",
        /// The reader chose this case.
        Chosen "chosen",
        /// A manager assigned it.
        Assigned "assigned",
        /// The file names the reader.
        Imported "imported",
    }
}

/// A place in a file, as evidence of where a fact came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Source {
    /// Digest of the file's bytes.
    pub file: Digest,
    /// Row, from 1, the header not counted.
    pub row: u64,
}

/// A sealed reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Its identifier.
    pub reading: ReadingId,
    /// Who read.
    pub reader: PersonId,
    /// The natural person.
    pub natural: PersonId,
    /// What part it plays.
    pub part: Part,
    /// The judgement.
    pub judgement: Judgement,
    /// Where it comes from.
    pub provenance: Provenance,
    /// When Remit recorded it.
    pub sealed_at: Option<Instant>,
}

/// Where a reading comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum Provenance {
    /// Sealed in Remit from a seat; `credential` is the one that made the reader eligible.
    Witnessed { assignment: AssignmentId, credential: Option<CredentialId>, ai_exposed: bool },
    /// Claimed by a file.
    Imported { claimed_at: Option<Instant>, source: Source },
}

impl Provenance {
    /// Returns whether Remit saw it happen.
    pub fn origin(&self) -> Origin {
        match self {
            Self::Witnessed { .. } => Origin::Witnessed,
            Self::Imported { .. } => Origin::Imported,
        }
    }
}

/// A seat of a panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub enum Seat {
    Open,
    Taken { assignment: AssignmentId, reader: PersonId, natural: PersonId, at: Instant },
    Sealed { reading: ReadingId },
}

/// The adjudicator's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub enum Bench {
    /// No adjudicator is needed.
    Closed,
    /// One is needed.
    Open,
    /// One has it.
    Taken { assignment: AssignmentId, person: PersonId, natural: PersonId, at: Instant, order: Vec<ReadingId> },
}

/// A binding decision of an adjudicator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Adjudication {
    pub reading: ReadingId,
    pub by: PersonId,
    pub natural: PersonId,
    pub judgement: Judgement,
    pub at: Instant,
    pub order: Vec<ReadingId>,
}

/// Somebody held another answer than the panel's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Challenge {
    pub cause: Cause,
    pub by: PersonId,
    pub natural: PersonId,
    pub finding: Option<Judgement>,
    pub note: TextRef,
    pub at: Instant,
}

/// A duty of a person on this panel, current or past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct DutyRecord {
    pub duty: Duty,
    pub assignment: AssignmentId,
    pub person: PersonId,
    pub natural: PersonId,
    pub status: DutyStatus,
    pub taken_at: Instant,
}

/// A panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Panel {
    pub case: CaseId,
    pub stopping: Stopping,
    pub need: Digest,
    pub due_at: Instant,
    pub origin: Origin,
    /// When a showing of a gold case is said to have been planned; none: it is no showing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub laid_at: Option<Instant>,
    pub status: PanelStatus,
    pub seats: Vec<Seat>,
    pub readings: Vec<Reading>,
    pub bench: Bench,
    pub disputed: Vec<QuestionKey>,
    pub other_evidence: bool,
    /// Whether the readers had agreed before any challenge.
    pub agreed: bool,
    pub adjudications: Vec<Adjudication>,
    pub challenges: Vec<Challenge>,
    pub reference: BTreeMap<QuestionKey, Answer>,
    pub duties: Vec<DutyRecord>,
    /// How often the readings were weighed, and when.
    pub weighed: Vec<(Weighed, Instant)>,
}

/// What comparing all readings gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// Alike on every deciding question.
    Agreed {
        /// The shared answers with everybody's evidence.
        outcome: Judgement,
        /// Whether the evidence under a shared answer differs altogether.
        other_evidence: bool,
    },
    /// Unlike on these deciding questions.
    Disputed(Vec<QuestionKey>),
    /// There is one reading.
    Single(Judgement),
    /// There is none.
    Nothing,
}

impl Stopping {
    /// Returns how many readings the rule asks for before anything is known.
    pub fn first(self) -> u8 {
        match self {
            Self::Fixed { readings } | Self::Sequential { readings_min: readings, .. } => readings,
        }
    }

    /// Returns most readings that the rule may ask for.
    pub fn last(self) -> u8 {
        match self {
            Self::Fixed { readings } | Self::Sequential { readings_max: readings, .. } => readings,
        }
    }

    /// Weighs readings that are all in: what the sequential rule makes of them; none under a fixed number.
    ///
    /// The chance of a wrong answer is the greatest over the deciding questions that have classes. Of a question on which
    /// the readers agree it is that of the shared answer, else that of the best one.
    pub fn weigh(self, form: &Form, model: Option<&Model>, readings: &[&Reading]) -> Option<Weighed> {
        let Self::Sequential { readings_max, error_max, .. } = self else { return None };
        let count = u8::try_from(readings.len()).unwrap_or(u8::MAX);
        let asked: Vec<_> = form.deciding().filter(|question| question.kind.has_classes()).collect();
        let calibrated =
            model.filter(|model| !asked.is_empty() && asked.iter().all(|question| model.calibrates(question)));
        let error = calibrated.map(|model| {
            let errors = asked.iter().map(|question| {
                let answers = answers_of(question, readings);
                let standing = agreed(question, readings);
                model.estimate(question, &answers, standing.as_ref()).map_or(MILLION, |estimate| estimate.error)
            });
            errors.max().unwrap_or(MILLION)
        });
        let verdict = match error {
            None => Verdict::Uncalibrated,
            Some(error) if error <= error_max => Verdict::Enough,
            Some(_) if count >= readings_max => Verdict::Cap,
            Some(_) => Verdict::Another,
        };
        Some(Weighed { readings: count, error, error_max, model: calibrated.map(|model| model.version), verdict })
    }
}

/// Returns what each reader answered to a question.
fn answers_of<'a>(question: &Question, readings: &[&'a Reading]) -> Vec<(PersonId, &'a Answer)> {
    readings
        .iter()
        .filter_map(|reading| Some((reading.natural, reading.judgement.answers.get(&question.key)?)))
        .collect()
}

/// Returns the answer on which all readers agree, within the tolerance of the question.
fn agreed(question: &Question, readings: &[&Reading]) -> Option<Answer> {
    let judgements: Vec<_> = readings.iter().map(|reading| &reading.judgement).collect();
    let key = &question.key;
    let same = pairs(&judgements).all(|(one, other)| question.same(one.answers.get(key), other.answers.get(key)));
    let answers: Vec<_> = judgements.iter().filter_map(|judgement| judgement.answers.get(key)).collect();
    question.settled(&answers).filter(|_| same)
}

/// Returns the outcome of a panel whose readers differ, if on every question in dispute one answer's chance of being
/// wrong is within the limit; with the questions on which somebody was outvoted.
///
/// It takes three readings or more: of two who differ, one would simply be believed. Evidence under a disputed question is
/// that of the readers whose answer stands.
pub fn outvote(
    form: &Form,
    model: &Model,
    error_max: u32,
    readings: &[&Reading],
) -> Option<(Judgement, Vec<QuestionKey>)> {
    if readings.len() < OUTVOTING_MIN {
        return None;
    }
    let mut stand = BTreeMap::new();
    let mut questions = Vec::new();
    for question in form.deciding() {
        let given = answers_of(question, readings);
        if given.is_empty() {
            continue;
        }
        if let Some(answer) = agreed(question, readings) {
            stand.insert(&question.key, answer);
            continue;
        }
        let best = model.estimate(question, &given, None).filter(|best| best.error <= error_max)?;
        stand.insert(&question.key, best.answer);
        questions.push(question.key.clone());
    }
    let holds = |reading: &Reading, key: &QuestionKey| {
        let (question, answer) = (form.question(key), stand.get(key));
        question.is_some_and(|question| question.same(answer, reading.judgement.answers.get(key)))
    };
    // The reasons are those of a reader whose answers all stand, where there is one.
    let first = readings.iter().find(|reading| questions.iter().all(|key| holds(reading, key)));
    let first = first.or(readings.first())?;
    let mut outcome = Judgement { confidence: None, evidence: BTreeMap::new(), ..first.judgement.clone() };
    for question in form.questions.iter().filter(|question| !question.decides) {
        outcome.answers.extend(agreed(question, readings).map(|answer| (question.key.clone(), answer)));
    }
    for reading in readings {
        for (key, spans) in &reading.judgement.evidence {
            if !questions.contains(key) || holds(reading, key) {
                outcome.evidence.entry(key.clone()).or_default().extend(spans);
            }
        }
    }
    for spans in outcome.evidence.values_mut() {
        spans.sort_unstable();
        spans.dedup();
    }
    outcome.answers.extend(stand.into_iter().map(|(key, answer)| (key.clone(), answer)));
    Some((outcome, questions))
}

/// Compares panel readings by the deciding questions of the form.
///
/// Evidence and rationale never make a dispute. The outcome of an agreement carries, for each question on which the
/// answers count as the same, the one that stands for all ([`crate::form::Question::settled`]), else that of the first
/// reading; and the evidence of all, without repeats.
pub fn compare(form: &Form, readings: &[&Judgement]) -> Comparison {
    let Some((first, others)) = readings.split_first() else { return Comparison::Nothing };
    if others.is_empty() {
        return Comparison::Single((*first).clone());
    }
    // Every pair is looked at: passages may overlap a third without overlapping each other, and the order in which the
    // readings were sealed must not matter.
    let mut outcome = Judgement { confidence: None, ..(*first).clone() };
    let mut differing = Vec::new();
    for question in &form.questions {
        let key = &question.key;
        let same = pairs(readings).all(|(one, other)| question.same(one.answers.get(key), other.answers.get(key)));
        let answers: Vec<_> = readings.iter().filter_map(|judgement| judgement.answers.get(key)).collect();
        match question.settled(&answers).filter(|_| same) {
            Some(settled) => drop(outcome.answers.insert(key.clone(), settled)),
            None if question.decides && !(same && answers.is_empty()) => differing.push(key.clone()),
            None => {}
        }
    }
    if !differing.is_empty() {
        return Comparison::Disputed(differing);
    }
    for (question, spans) in others.iter().flat_map(|other| &other.evidence) {
        outcome.evidence.entry(question.clone()).or_default().extend(spans);
    }
    for spans in outcome.evidence.values_mut() {
        spans.sort_unstable();
        spans.dedup();
    }
    Comparison::Agreed { outcome, other_evidence: evidence_differs(form, readings) }
}

/// Returns each pair of readings once.
fn pairs<'a>(readings: &'a [&Judgement]) -> impl Iterator<Item = (&'a Judgement, &'a Judgement)> {
    readings.iter().enumerate().flat_map(|(place, one)| readings[place + 1..].iter().map(move |other| (*one, *other)))
}

/// Returns whether, under some deciding question that all cite for, no two readings share a character.
fn evidence_differs(form: &Form, readings: &[&Judgement]) -> bool {
    form.deciding().any(|question| {
        let cited =
            |judgement: &Judgement| judgement.evidence.get(&question.key).map_or(&[][..], Vec::as_slice).to_vec();
        readings.iter().all(|judgement| !cited(judgement).is_empty())
            && pairs(readings).all(|(one, other)| {
                let theirs = cited(other);
                !cited(one).iter().any(|a| theirs.iter().any(|b| a.overlaps(b)))
            })
    })
}

impl Panel {
    pub(crate) fn apply(state: Option<Self>, event: &PanelEvent, at: Instant) -> Option<Self> {
        let event = event.clone();
        if let PanelEvent::Planned { case, stopping, need, due_at, origin, laid_at } = event {
            let seats = match origin {
                Origin::Witnessed => vec![Seat::Open; usize::from(stopping.first())],
                // What a file read is what was planned: seats come with the readings.
                Origin::Imported => Vec::new(),
            };
            return state.is_none().then_some(Self {
                case,
                stopping,
                need,
                due_at,
                origin,
                laid_at,
                seats,
                status: PanelStatus::Planned,
                readings: Vec::new(),
                bench: Bench::Closed,
                disputed: Vec::new(),
                other_evidence: false,
                agreed: false,
                adjudications: Vec::new(),
                challenges: Vec::new(),
                reference: BTreeMap::new(),
                duties: Vec::new(),
                weighed: Vec::new(),
            });
        }
        let mut panel = state?;
        panel.take(event, at);
        Some(panel)
    }

    fn take(&mut self, event: PanelEvent, at: Instant) {
        match event {
            PanelEvent::Planned { .. } => {}
            PanelEvent::SeatTaken { seat, assignment, reader, natural, .. } => {
                if let Some(place) = self.seat_mut(seat) {
                    *place = Seat::Taken { assignment, reader, natural, at };
                }
                self.begin_duty(Duty::Read, assignment, reader, natural, at);
            }
            PanelEvent::SeatReleased { seat, reader, .. } => {
                if let Some(place) = self.seat_mut(seat) {
                    *place = Seat::Open;
                }
                self.end_duty(Duty::Read, reader, DutyStatus::Released);
            }
            PanelEvent::ReadingSealed { reading } => self.seal(reading, at),
            PanelEvent::SuggestionRecorded { reading } => {
                self.readings.push(Reading { sealed_at: Some(at), ..reading });
            }
            PanelEvent::ReferenceRecorded { answers, .. } => self.reference = answers,
            PanelEvent::Agreed { other_evidence, .. } => {
                (self.status, self.agreed, self.other_evidence) = (PanelStatus::Agreed, true, other_evidence);
                self.disputed.clear();
                self.bench = Bench::Closed;
            }
            PanelEvent::Disputed { questions } => {
                (self.status, self.agreed, self.other_evidence) = (PanelStatus::Disputed, false, false);
                self.disputed = questions;
                self.bench = Bench::Open;
            }
            PanelEvent::Weighed { weighed } => {
                self.weighed.push((weighed, at));
                match weighed.verdict {
                    Verdict::Another => self.seats.push(Seat::Open),
                    Verdict::Enough | Verdict::Cap | Verdict::Closed | Verdict::Uncalibrated => {
                        self.seats.retain(|seat| matches!(seat, Seat::Sealed { .. }));
                    }
                }
            }
            PanelEvent::Outvoted { questions, .. } => {
                self.status = PanelStatus::Outvoted;
                self.disputed = questions;
                self.bench = Bench::Closed;
            }
            PanelEvent::LeftSingle { .. } => self.status = PanelStatus::Single,
            PanelEvent::AdjudicatorTook { assignment, person, natural, order } => {
                self.bench = Bench::Taken { assignment, person, natural, at, order };
                self.begin_duty(Duty::Adjudicate, assignment, person, natural, at);
            }
            PanelEvent::AdjudicatorReleased { person, cause, .. } => {
                self.bench = if cause == Release::CaseEnded { Bench::Closed } else { Bench::Open };
                self.end_duty(Duty::Adjudicate, person, DutyStatus::Released);
            }
            PanelEvent::Adjudicated { reading, by, natural, judgement } => {
                let order = match std::mem::replace(&mut self.bench, Bench::Closed) {
                    Bench::Taken { order, .. } => order,
                    Bench::Closed | Bench::Open => Vec::new(),
                };
                self.adjudications.push(Adjudication { reading, by, natural, judgement, at, order });
                self.status = PanelStatus::Adjudicated;
                self.end_duty(Duty::Adjudicate, by, DutyStatus::Done);
            }
            PanelEvent::Challenged { cause, by, natural, finding, note } => {
                self.challenges.push(Challenge { cause, by, natural, finding, note, at });
                self.bench = Bench::Open;
            }
            PanelEvent::Voided {} => (self.status, self.bench) = (PanelStatus::Void, Bench::Closed),
        }
    }

    fn seal(&mut self, reading: Reading, at: Instant) {
        let sealed = Seat::Sealed { reading: reading.reading };
        if reading.part == Part::Panel {
            match self.held_seat(reading.reader) {
                Some(seat) => {
                    if let Some(place) = self.seat_mut(seat) {
                        *place = sealed;
                    }
                }
                None => self.seats.push(sealed),
            }
            if self.status == PanelStatus::Planned {
                self.status = PanelStatus::Reading;
            }
        }
        self.end_duty(Duty::Read, reading.reader, DutyStatus::Done);
        self.readings.push(Reading { sealed_at: Some(at), ..reading });
    }

    fn seat_mut(&mut self, seat: u8) -> Option<&mut Seat> {
        self.seats.get_mut(usize::from(seat).checked_sub(1)?)
    }

    fn begin_duty(
        &mut self,
        duty: Duty,
        assignment: AssignmentId,
        person: PersonId,
        natural: PersonId,
        taken_at: Instant,
    ) {
        self.duties.push(DutyRecord { duty, assignment, person, natural, status: DutyStatus::Active, taken_at });
    }

    fn end_duty(&mut self, duty: Duty, person: PersonId, status: DutyStatus) {
        let held = |record: &&mut DutyRecord| {
            record.duty == duty && record.person == person && record.status == DutyStatus::Active
        };
        if let Some(record) = self.duties.iter_mut().find(held) {
            record.status = status;
        }
    }

    /// Returns whether a seat is not sealed yet.
    pub fn waits_for_readers(&self) -> bool {
        self.seats.iter().any(|seat| !matches!(seat, Seat::Sealed { .. }))
    }

    /// Returns since when the panel asks for a further reading that nobody has taken; none: it does not.
    pub fn asks_another(&self) -> Option<Instant> {
        let (weighed, at) = self.weighed.last()?;
        (weighed.verdict == Verdict::Another && self.open_seat().is_some()).then_some(*at)
    }

    /// Returns how many readings the plan would have allowed beyond those after which its limit stopped the panel; 0 where it
    /// did not, or nothing calibrated the estimate.
    pub fn spared(&self) -> u32 {
        match self.weighed.last() {
            Some((Weighed { verdict: Verdict::Enough, readings, .. }, _)) => {
                u32::from(self.stopping.last().saturating_sub(*readings))
            }
            Some(_) | None => 0,
        }
    }

    /// Returns the number of the first open seat, from 1.
    pub fn open_seat(&self) -> Option<u8> {
        self.number_of(|seat| *seat == Seat::Open)
    }

    /// Returns the number of the seat that this person holds unsealed.
    pub fn held_seat(&self, person: PersonId) -> Option<u8> {
        self.number_of(|seat| matches!(seat, Seat::Taken { reader, .. } if *reader == person))
    }

    fn number_of(&self, wanted: impl Fn(&Seat) -> bool) -> Option<u8> {
        self.seats.iter().position(wanted).and_then(|place| u8::try_from(place + 1).ok())
    }

    /// Returns the assignment of the seat or bench that this person holds.
    pub fn assignment_of(&self, person: PersonId) -> Option<(AssignmentId, Duty)> {
        let seat = self.seats.iter().find_map(|seat| match seat {
            Seat::Taken { assignment, reader, .. } if *reader == person => Some((*assignment, Duty::Read)),
            Seat::Open | Seat::Taken { .. } | Seat::Sealed { .. } => None,
        });
        seat.or(match &self.bench {
            Bench::Taken { assignment, person: holder, .. } if *holder == person => {
                Some((*assignment, Duty::Adjudicate))
            }
            Bench::Closed | Bench::Open | Bench::Taken { .. } => None,
        })
    }

    /// Returns the readings that count in the outcome, in the order they were sealed.
    pub fn panel_readings(&self) -> impl Iterator<Item = &Reading> {
        self.readings.iter().filter(|reading| reading.part == Part::Panel)
    }

    /// Returns this person's own reading.
    pub fn reading_of(&self, person: PersonId) -> Option<&Reading> {
        self.readings.iter().find(|reading| reading.reader == person)
    }

    /// Returns whether all planned readings are in, so that an adjudicator may see them.
    pub fn complete(&self) -> bool {
        match self.status {
            PanelStatus::Planned | PanelStatus::Reading | PanelStatus::Void => false,
            PanelStatus::Disputed
            | PanelStatus::Agreed
            | PanelStatus::Outvoted
            | PanelStatus::Adjudicated
            | PanelStatus::Single => true,
        }
    }

    /// Returns whether the readings may be shown to those who did not make them: an outcome stands (I2).
    ///
    /// A dispute under adjudication keeps them hidden; so does a challenge until it is decided.
    pub fn revealed(&self) -> bool {
        match self.status {
            PanelStatus::Planned | PanelStatus::Reading | PanelStatus::Void => false,
            // An imported dispute is history: both readings are open from the start.
            PanelStatus::Disputed => self.origin == Origin::Imported,
            PanelStatus::Agreed | PanelStatus::Outvoted | PanelStatus::Adjudicated | PanelStatus::Single => {
                self.bench == Bench::Closed
            }
        }
    }

    /// Returns whether the panel has reached an end and nobody owes it anything.
    pub fn ended(&self) -> bool {
        match self.status {
            PanelStatus::Agreed
            | PanelStatus::Outvoted
            | PanelStatus::Adjudicated
            | PanelStatus::Single
            | PanelStatus::Void => self.bench == Bench::Closed,
            PanelStatus::Planned | PanelStatus::Reading | PanelStatus::Disputed => false,
        }
    }

    /// Returns the duties held now.
    pub fn held_duties(&self) -> impl Iterator<Item = &DutyRecord> {
        self.duties.iter().filter(|record| record.status == DutyStatus::Active)
    }

    /// Returns the natural persons who may not adjudicate: readers, past holders of a seat, challengers, and whoever
    /// decided before, since that decision is what is questioned now (I3, I4).
    pub fn barred_from_adjudication(&self) -> BTreeSet<PersonId> {
        let readers = self.readings.iter().filter(|reading| reading.part != Part::Ai).map(|reading| reading.natural);
        let holders = self.duties.iter().filter(|record| record.duty == Duty::Read).map(|record| record.natural);
        let challengers = self.challenges.iter().map(|challenge| challenge.natural);
        let deciders = self.adjudications.iter().map(|adjudication| adjudication.natural);
        readers.chain(holders).chain(challengers).chain(deciders).collect()
    }

    /// Returns the natural persons whose work a signature would cover: they do not sign it (I3).
    pub fn authors(&self) -> BTreeSet<PersonId> {
        let readers = self.readings.iter().filter(|reading| reading.part != Part::Ai).map(|reading| reading.natural);
        readers.chain(self.adjudications.iter().map(|adjudication| adjudication.natural)).collect()
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        // A showing of gold is nobody's but its reader's: no seat of it is open, and no figure rests on it. Among her own
        // work it stands like any other, or its absence would tell.
        if self.laid_at.is_some() {
            return self.duty_rows().chain(self.reading_rows()).collect();
        }
        let revealed = self.revealed();
        let open = self.status != PanelStatus::Void && !self.ended();
        let seats = (1_u8..)
            .zip(&self.seats)
            .filter(|(_, seat)| open && **seat == Seat::Open)
            .map(|(seat, _)| Row::Seat(SeatRow { case: self.case, seat, need: self.need, due_at: self.due_at }));
        let panel = Row::Panel(PanelRow {
            case: self.case,
            status: self.status,
            origin: self.origin,
            planned: u32::try_from(self.seats.len()).unwrap_or(u32::MAX),
            sealed: u32::try_from(self.panel_readings().count()).unwrap_or(u32::MAX),
            spared: if revealed { self.spared() } else { 0 },
            disputed: revealed && !self.disputed.is_empty(),
            other_evidence: revealed && self.other_evidence,
        });
        let disputes = self.disputed.iter().filter(|_| revealed).map(|question| {
            Row::Dispute(DisputeRow { case: self.case, question: question.clone(), origin: self.origin })
        });
        std::iter::once(panel)
            .chain(seats)
            .chain(disputes)
            .chain(self.duty_rows())
            .chain(self.answer_rows(revealed))
            .chain(self.reading_rows())
            .chain(self.known_rows())
            .collect()
    }

    fn duty_rows(&self) -> impl Iterator<Item = Row> {
        (1_u32..).zip(&self.duties).map(|(ordinal, record)| {
            Row::Duty(DutyRow {
                case: self.case,
                duty: record.duty,
                ordinal,
                assignment: record.assignment,
                person: record.person,
                status: record.status,
                taken_at: record.taken_at,
                due_at: self.due_at,
            })
        })
    }

    fn reading_rows(&self) -> impl Iterator<Item = Row> {
        self.readings.iter().map(move |reading| {
            let claimed_at = match reading.provenance {
                Provenance::Imported { claimed_at, .. } => claimed_at,
                Provenance::Witnessed { .. } => None,
            };
            Row::Reading(ReadingRow {
                case: self.case,
                reading: reading.reading,
                reader: reading.reader,
                part: reading.part,
                origin: reading.provenance.origin(),
                read_at: claimed_at.or(reading.sealed_at).unwrap_or(self.due_at),
            })
        })
    }

    /// Returns the answers that count as right. They tell of readings only beside answers that are revealed.
    fn known_rows(&self) -> impl Iterator<Item = Row> {
        let decided = self.adjudications.last().map(|adjudication| &adjudication.judgement.answers);
        [(Known::Reference, Some(&self.reference)), (Known::Adjudicated, decided)]
            .into_iter()
            .filter_map(|(known, answers)| Some((known, answers?)))
            .flat_map(move |(known, answers)| {
                answers.iter().filter_map(move |(question, answer)| {
                    let answer = answer.word()?;
                    Some(Row::KnownAnswer(KnownAnswerRow {
                        case: self.case,
                        question: question.clone(),
                        known,
                        answer,
                    }))
                })
            })
    }

    fn answer_rows(&self, revealed: bool) -> impl Iterator<Item = Row> {
        self.readings.iter().flat_map(move |reading| {
            reading.judgement.answers.iter().filter_map(move |(question, answer)| {
                let answer = answer.word()?;
                Some(Row::Answer(AnswerRow {
                    case: self.case,
                    reading: reading.reading,
                    question: question.clone(),
                    reader: reading.reader,
                    answer,
                    part: reading.part,
                    origin: reading.provenance.origin(),
                    revealed,
                }))
            })
        })
    }
}
