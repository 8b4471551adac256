//! Gold: a case whose answer is agreed, laid before readers among their live work, to measure how well it is read.
//!
//! Each showing is a case of its own. It looks and feels like any other, and nobody is paid, promised or told by it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    case::Item,
    ctx::Ctx,
    engagement::Tally,
    form::{Answer, Form, Judgement, Question, QuestionKey, QuestionKind},
    id::{CalibrationId, CaseId, GoldId, ItemId, PersonId, ReadingId},
    index::{GoldRow, Row, ShowingRow, words},
    pack::{GoldPlan, PackRef},
    text::TextRef,
    time::Instant,
};

/// What happens to a gold case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum GoldEvent {
    /// A decided case was proposed with its answers. `known_to` are those who must never be shown it.
    Proposed {
        gold: GoldId,
        matter: Box<Matter>,
        answers: BTreeMap<QuestionKey, Answer>,
        known_to: BTreeSet<PersonId>,
        by: PersonId,
        natural: PersonId,
        note: Option<TextRef>,
    },
    /// Another person agreed that the answer is right: it may be shown from now on.
    Approved { by: PersonId, natural: PersonId },
    /// Another person did not agree.
    Declined { by: PersonId, reason: TextRef },
    /// It was laid before a reader in place of the case that she would have had.
    Shown {
        case: CaseId,
        person: PersonId,
        natural: PersonId,
        stands_for: CaseId,
        withheld_until: Instant,
        closes_at: Instant,
    },
    /// The reader sealed. `missed` are the questions on which she and the gold answer are unlike.
    Answered {
        case: CaseId,
        reading: ReadingId,
        answers: BTreeMap<QuestionKey, Answer>,
        missed: BTreeSet<QuestionKey>,
        closes_at: Instant,
    },
    /// The window is over: the reader is told, and figures count it.
    Closed { case: CaseId },
    /// The reader holds that the gold answer is wrong.
    Rebutted { case: CaseId, by: PersonId, note: TextRef },
    /// Another person looked into it.
    RebuttalDecided { case: CaseId, upheld: bool, by: PersonId, natural: PersonId, note: TextRef },
    /// The gold answer was put right: every answer so far is measured against the new one.
    Corrected {
        version: u32,
        answers: BTreeMap<QuestionKey, Answer>,
        missed: BTreeMap<CaseId, BTreeSet<QuestionKey>>,
        /// What was missed in calibration rounds, in the order of those readings.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calibrated: Vec<BTreeSet<QuestionKey>>,
    },
    /// These people are going to see it in another way, and are never shown it.
    MadeKnown { naturals: BTreeSet<PersonId> },
    /// Somebody read it in a calibration round that is closed.
    Calibrated {
        calibration: CalibrationId,
        person: PersonId,
        natural: PersonId,
        answers: BTreeMap<QuestionKey, Answer>,
        missed: BTreeSet<QuestionKey>,
    },
    /// It is shown no more.
    Retired { cause: Retirement, by: Option<PersonId>, reason: Option<TextRef> },
}

words! {
    /// Where a gold case stands.
    GoldStatus {
        /// Waits for another person to approve it.
        Proposed "proposed",
        /// Shown among live work.
        Active "active",
        /// Not approved.
        Declined "declined",
        /// Shown no more; its figures stay.
        Retired "retired",
    }
}

words! {
    /// Why a gold case is shown no more.
    Retirement {
        /// It was shown as often as the plan allows: word gets around.
        Shown "shown",
        /// Nearly everybody passes it: it measures nothing any more.
        TooEasy "too_easy",
        /// A manager took it out.
        Manager "manager",
    }
}

words! {
    /// Where a rebuttal stands.
    RebuttalState {
        /// Waits for another person.
        Open "open",
        /// The gold answer was wrong, and is corrected.
        Upheld "upheld",
        /// The gold answer stands.
        Rejected "rejected",
    }
}

/// What a showing is made of: the file of the case it came from, as it was when it was proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in Case")]
pub struct Matter {
    pub pack: PackRef,
    pub case_type: String,
    pub reference: TextRef,
    pub title: TextRef,
    pub fields: BTreeMap<String, TextRef>,
    pub jurisdiction: String,
    pub language: String,
    pub parties: BTreeSet<String>,
    pub items: Vec<Item>,
    /// How many questions are measured.
    pub questions: u32,
}

/// A gold case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Gold {
    pub gold: GoldId,
    pub matter: Matter,
    pub answers: BTreeMap<QuestionKey, Answer>,
    /// Version of the answer, from 1.
    pub version: u32,
    pub status: GoldStatus,
    pub note: Option<TextRef>,
    pub proposed_by: PersonId,
    pub proposer: PersonId,
    pub proposed_at: Instant,
    pub approved_by: Option<PersonId>,
    pub approver: Option<PersonId>,
    /// Natural persons who must never be shown it.
    pub known_to: BTreeSet<PersonId>,
    /// As often as it was shown; the plan bounds it.
    pub showings: Vec<Showing>,
    /// Readings in calibration rounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibrated: Vec<Calibrated>,
    pub retired: Option<Retirement>,
}

/// A reading of a gold case in a calibration round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Calibrated {
    pub calibration: CalibrationId,
    pub person: PersonId,
    pub natural: PersonId,
    pub answers: BTreeMap<QuestionKey, Answer>,
    pub missed: BTreeSet<QuestionKey>,
}

/// One showing of a gold case to one reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Showing {
    pub case: CaseId,
    pub person: PersonId,
    pub natural: PersonId,
    pub shown_at: Instant,
    pub stands_for: CaseId,
    pub withheld_until: Instant,
    pub closes_at: Instant,
    pub answered: Option<Answered>,
    /// Whether the window is over, so that the reader knows.
    pub told: bool,
    pub rebuttal: Option<Rebuttal>,
}

/// What a reader said of a gold case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Answered {
    pub reading: ReadingId,
    pub at: Instant,
    /// Her answers to the measured questions, passages as places in the gold case's own items.
    pub answers: BTreeMap<QuestionKey, Answer>,
    pub missed: BTreeSet<QuestionKey>,
}

/// A reader's answer to being told that she missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Rebuttal {
    pub state: RebuttalState,
    pub note: TextRef,
    pub at: Instant,
    pub decided_by: Option<PersonId>,
    pub decided_note: Option<TextRef>,
}

/// What the draw of a gold case is called among the uses of chance in one decision.
pub(crate) const DRAW: &str = "gold";
/// Rates and shares are given in parts of this.
pub(crate) const WHOLE_BP: u64 = 10_000;

/// Returns whether chance answers a request for the next case with gold, as often as the plan says.
pub fn drawn(ctx: &Ctx, plan: GoldPlan) -> bool {
    below(&ctx.chance(DRAW, 0), 0, WHOLE_BP) < u64::from(plan.rate_bp)
}

/// Returns a number below `bound` from the `place`-th eight bytes of chance; 0 if the bound is.
pub(crate) fn below(chance: &[u8; 32], place: usize, bound: u64) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&chance[place * 8..place * 8 + 8]);
    u64::from_be_bytes(bytes).checked_rem(bound).unwrap_or_default()
}

/// Returns the questions that gold measures: those that decide and can be compared.
pub fn measured(form: &Form) -> impl Iterator<Item = &Question> {
    form.deciding().filter(|question| match question.kind {
        QuestionKind::Choice { .. }
        | QuestionKind::Grade { .. }
        | QuestionKind::Multi { .. }
        | QuestionKind::Number { .. }
        | QuestionKind::Span { .. } => true,
        QuestionKind::Text { .. } => false,
    })
}

/// Returns the measured questions on which an answer is unlike the gold answer.
pub fn missed(
    form: &Form,
    gold: &BTreeMap<QuestionKey, Answer>,
    given: &BTreeMap<QuestionKey, Answer>,
) -> BTreeSet<QuestionKey> {
    measured(form)
        .filter(|question| !question.same(gold.get(&question.key), given.get(&question.key)))
        .map(|question| question.key.clone())
        .collect()
}

/// Returns the measured answers of a judgement; nothing else of it is kept as gold.
pub fn measured_answers(form: &Form, judgement: &Judgement) -> BTreeMap<QuestionKey, Answer> {
    let answer = |question: &Question| Some((question.key.clone(), judgement.answers.get(&question.key)?.clone()));
    measured(form).filter_map(answer).collect()
}

impl Matter {
    /// Returns answers with the passages of a showing's items as places in the matter's own items.
    ///
    /// Showings number their items in the order of the matter's; what stands in none of them is left out.
    pub(crate) fn placed(
        &self,
        answers: BTreeMap<QuestionKey, Answer>,
        shown: &[Item],
    ) -> BTreeMap<QuestionKey, Answer> {
        let own = |item: ItemId| {
            let place = shown.iter().position(|known| known.item == item)?;
            self.items.get(place).map(|item| (item.item, item.version))
        };
        let place = |answer: Answer| match answer {
            Answer::Span(spans) => Answer::Span(
                spans
                    .into_iter()
                    .filter_map(|span| {
                        let (item, version) = own(span.item)?;
                        Some(crate::form::Evidence { item, version, ..span })
                    })
                    .collect(),
            ),
            Answer::Choice(_) | Answer::Grade(_) | Answer::Multi(_) | Answer::Number(_) | Answer::Text(_) => answer,
        };
        answers.into_iter().map(|(question, answer)| (question, place(answer))).collect()
    }
}

impl Showing {
    /// Returns whether the reader passed; none: she has not answered.
    pub fn passed(&self) -> Option<bool> {
        self.answered.as_ref().map(|answered| answered.missed.is_empty())
    }
}

impl Gold {
    /// Returns whether somebody may decide what the reader of a showing objects to: she neither made the objection nor
    /// proposed or approved the answer it questions.
    pub fn may_decide(&self, case: CaseId, natural: PersonId) -> bool {
        let reader = self.showing(case).map(|showing| showing.natural);
        ![reader, Some(self.proposer), self.approver].contains(&Some(natural))
    }

    pub(crate) fn apply(state: Option<Self>, event: &GoldEvent, at: Instant) -> Option<Self> {
        let event = event.clone();
        if let GoldEvent::Proposed { gold, matter, answers, known_to, by, natural, note } = event {
            // What was declined may be proposed again: the stream goes on.
            let again = state.as_ref().is_none_or(|state| state.status == GoldStatus::Declined);
            return again.then(|| Self {
                gold,
                matter: *matter,
                answers,
                version: 1,
                status: GoldStatus::Proposed,
                note,
                proposed_by: by,
                proposer: natural,
                proposed_at: at,
                approved_by: None,
                approver: None,
                known_to,
                showings: Vec::new(),
                calibrated: Vec::new(),
                retired: None,
            });
        }
        let mut gold = state?;
        gold.take(event, at);
        Some(gold)
    }

    fn take(&mut self, event: GoldEvent, at: Instant) {
        match event {
            GoldEvent::Proposed { .. } => {}
            GoldEvent::Approved { by, natural } => {
                self.status = GoldStatus::Active;
                (self.approved_by, self.approver) = (Some(by), Some(natural));
                self.known_to.insert(natural);
            }
            GoldEvent::Declined { .. } => self.status = GoldStatus::Declined,
            GoldEvent::Shown { case, person, natural, stands_for, withheld_until, closes_at } => {
                self.showings.push(Showing {
                    case,
                    person,
                    natural,
                    shown_at: at,
                    stands_for,
                    withheld_until,
                    closes_at,
                    answered: None,
                    told: false,
                    rebuttal: None,
                });
                self.known_to.insert(natural);
            }
            GoldEvent::Answered { case, reading, answers, missed, closes_at } => {
                if let Some(showing) = self.showing_mut(case) {
                    showing.closes_at = closes_at;
                    showing.answered = Some(Answered { reading, at, answers, missed });
                }
            }
            GoldEvent::Closed { case } => {
                if let Some(showing) = self.showing_mut(case) {
                    showing.told = true;
                }
            }
            GoldEvent::Rebutted { case, note, by: _ } => {
                if let Some(showing) = self.showing_mut(case) {
                    let state = RebuttalState::Open;
                    showing.rebuttal = Some(Rebuttal { state, note, at, decided_by: None, decided_note: None });
                }
            }
            GoldEvent::RebuttalDecided { case, upheld, by, note, natural: _ } => {
                if let Some(rebuttal) = self.showing_mut(case).and_then(|showing| showing.rebuttal.as_mut()) {
                    rebuttal.state = if upheld { RebuttalState::Upheld } else { RebuttalState::Rejected };
                    (rebuttal.decided_by, rebuttal.decided_note) = (Some(by), Some(note));
                }
            }
            GoldEvent::Corrected { version, answers, mut missed, calibrated } => {
                for (reading, missed) in self.calibrated.iter_mut().zip(calibrated) {
                    reading.missed = missed;
                }
                (self.version, self.answers) = (version, answers);
                for showing in &mut self.showings {
                    if let (Some(answered), Some(missed)) = (&mut showing.answered, missed.remove(&showing.case)) {
                        answered.missed = missed;
                    }
                }
            }
            GoldEvent::MadeKnown { naturals } => self.known_to.extend(naturals),
            GoldEvent::Calibrated { calibration, person, natural, answers, missed } => {
                self.calibrated.push(Calibrated { calibration, person, natural, answers, missed });
            }
            GoldEvent::Retired { cause, .. } => (self.status, self.retired) = (GoldStatus::Retired, Some(cause)),
        }
    }

    fn showing_mut(&mut self, case: CaseId) -> Option<&mut Showing> {
        self.showings.iter_mut().find(|showing| showing.case == case)
    }

    /// Returns the showing that is this case.
    pub fn showing(&self, case: CaseId) -> Option<&Showing> {
        self.showings.iter().find(|showing| showing.case == case)
    }

    /// Returns everybody who has read it as gold, or is about to.
    pub(crate) fn readers(&self) -> impl Iterator<Item = PersonId> {
        let shown = self.showings.iter().map(|showing| showing.person);
        shown.chain(self.calibrated.iter().map(|reading| reading.person))
    }

    /// Returns by person how many answers count, and how many of them are right: those of which she has been told.
    pub fn counted(&self) -> BTreeMap<PersonId, Tally> {
        let shown = self.showings.iter().filter(|showing| showing.told);
        let shown = shown.filter_map(|showing| Some((showing.person, &showing.answered.as_ref()?.missed)));
        let read = self.calibrated.iter().map(|reading| (reading.person, &reading.missed));
        let mut counted: BTreeMap<PersonId, Tally> = BTreeMap::new();
        for (person, missed) in shown.chain(read) {
            let missed = u32::try_from(missed.len()).unwrap_or(u32::MAX);
            let tally = counted.entry(person).or_default();
            tally.answers += self.matter.questions;
            tally.right += self.matter.questions.saturating_sub(missed);
        }
        counted
    }

    /// Returns how many readers have answered it, and how many of them passed.
    pub fn passes(&self) -> (u32, u32) {
        let answered = self.showings.iter().filter_map(Showing::passed);
        answered.fold((0, 0), |(n, passed), hit| (n + 1, passed + u32::from(hit)))
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let (answered, passed) = self.passes();
        let gold = GoldRow {
            gold: self.gold,
            pack: self.matter.pack.digest,
            case_type: self.matter.case_type.clone(),
            status: self.status,
            version: self.version,
            questions: self.matter.questions,
            shown: u32::try_from(self.showings.len()).unwrap_or(u32::MAX),
            answered,
            passed,
            proposed_at: self.proposed_at,
        };
        let showings = self.showings.iter().map(|showing| {
            Row::Showing(ShowingRow {
                case: showing.case,
                gold: self.gold,
                person: showing.person,
                stands_for: showing.stands_for,
                shown_at: showing.shown_at,
                withheld_until: showing.withheld_until,
                closes_at: showing.closes_at,
                answered_at: showing.answered.as_ref().map(|answered| answered.at),
                questions: self.matter.questions,
                missed: showing.answered.as_ref().map_or(0, |known| u32::try_from(known.missed.len()).unwrap_or(0)),
                told: showing.told,
                rebuttal: showing.rebuttal.as_ref().map(|rebuttal| rebuttal.state),
            })
        });
        std::iter::once(Row::Gold(gold)).chain(showings).collect()
    }
}
