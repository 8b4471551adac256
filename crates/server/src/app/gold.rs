//! Looking at gold: for those who keep it, the pool and how each reader does; for a reader, her own results once she may
//! know them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use remit_access::{Action, Label};
use remit_kernel::{
    facts::Want,
    form::{Answer, Question, QuestionKind},
    gold::{Gold, GoldStatus, RebuttalState, Retirement, Showing, measured},
    id::{CaseId, EngagementId, GoldId, PersonId},
    index::ShowingRow,
    pack::{GoldPlan, Pack},
    refusal::Reason,
    role::{Role, Side},
    stream::{Scope, StreamId},
};
use remit_stats::interval;
use serde::Serialize;

use super::{
    engagement::sows,
    look::{ERASED, Look, Query},
};
use crate::error::Result;

/// Confidence of every interval.
const CONFIDENCE: f64 = 0.95;
/// Gold cases that are counted for one of them, at most.
const POOL_MAX: u32 = 1_000;
/// Readers whose supply of gold is counted, at most.
const READERS_MAX: usize = 500;
/// Below so many answers a reader is shown the interval and no point.
pub const POINT_MIN: u32 = 10;

/// Asks for the gold cases of an engagement: for those who keep them, never for those who may be shown them.
#[derive(Debug, Clone, Copy)]
pub struct ShowGold {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// Gold cases, readers and objections.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct GoldPool {
    /// The rates at which gold is mixed in, line by line.
    pub rates: Vec<RateOut>,
    /// The gold cases, those in rotation first.
    pub golds: Vec<GoldLine>,
    /// How each reader does, those with most answers first.
    pub readers: Vec<ReaderLine>,
    /// Objections that wait for a decision, oldest first.
    pub rebuttals: Vec<RebuttalLine>,
    /// All showings, newest first.
    pub showings: Vec<ShowingLine>,
    /// All answers together.
    pub all: Share,
    /// Of the seats taken by all readers, those on gold cases.
    pub reached: Share,
    /// Whether the caller approves, retires and decides.
    pub may_manage: bool,
}

/// A rate, and where it is agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RateOut {
    /// The clause, such as `SOW v3 § 2.1`.
    pub clause: String,
    /// The service.
    pub service: String,
    /// The plan.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub plan: GoldPlan,
}

/// A share with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Share {
    /// How many.
    pub hits: u32,
    /// Of how many.
    pub n: u32,
    /// The share; none below so many that a point would mislead.
    pub value: Option<f64>,
    /// Lower and upper end of the 95 % interval (Wilson).
    pub interval: Option<(f64, f64)>,
}

/// A gold case.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct GoldLine {
    /// Its identifier.
    #[schema(value_type = String)]
    pub gold: GoldId,
    /// The case it was made of.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// That case's reference.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// Where it stands.
    #[schema(value_type = String)]
    pub status: GoldStatus,
    /// Why it is shown no more.
    #[schema(value_type = Option<String>)]
    pub retired: Option<Retirement>,
    /// Version of the answer, from 1.
    pub version: u32,
    /// The answers, question by question.
    pub answers: Vec<GoldAnswer>,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub proposed_at: Timestamp,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// What was said for it.
    pub note: Option<String>,
    /// How often it was shown.
    pub shown: u32,
    /// How many people know it and are never shown it.
    pub known_to: usize,
    /// Readers who missed nothing, of those who answered.
    pub passed: Share,
    /// Whether the caller may approve it: she neither proposed it nor had a part in the case.
    pub may_approve: bool,
    /// Whether the case has been decided otherwise since.
    pub changed_since: bool,
}

/// One answer of a gold case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct GoldAnswer {
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// The answer in words.
    pub answer: String,
    /// The options, where it is a choice, a grade or several may be picked: key and title.
    pub options: Vec<(String, String)>,
    /// The answer as one word of files and forms; none for passages.
    pub option: Option<String>,
    /// What kind of answer it is, as pack files say it.
    pub kind: &'static str,
    /// How another answer is to be written, where it is not picked from the options.
    #[serde(skip)]
    pub hint: Option<String>,
}

/// How a reader does on gold.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ReaderLine {
    /// Who.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// Her name.
    pub name: String,
    /// How many gold cases she was shown.
    pub shown: u32,
    /// Of the seats that she took since the first gold case was proposed, those on gold cases: what the agreed rate came to.
    pub reached: Share,
    /// Gold cases in rotation that she neither knows nor was shown: those that can still measure her.
    pub left: u32,
    /// Questions answered like the gold answer.
    pub right: Share,
}

/// An objection to a gold answer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RebuttalLine {
    /// The showing.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The gold case.
    #[schema(value_type = String)]
    pub gold: GoldId,
    /// The reference of the case it was made of.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// Who objects.
    pub by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why.
    pub note: String,
    /// Her answers beside the gold ones.
    pub answers: Vec<Compared>,
    /// The gold answers.
    pub gold_answers: Vec<GoldAnswer>,
    /// Whether the caller may decide it.
    pub may_decide: bool,
}

/// A reader's answer beside the gold one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Compared {
    /// The question.
    pub title: String,
    /// The reader's answer in words.
    pub given: String,
    /// The gold answer in words.
    pub wanted: String,
    /// Whether they are unlike.
    pub missed: bool,
}

/// One showing.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ShowingLine {
    /// The case that it is.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The gold case.
    #[schema(value_type = String)]
    pub gold: GoldId,
    /// The reference of the case it was made of.
    pub reference: String,
    /// Who was shown it.
    pub name: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub shown_at: Timestamp,
    /// When she sealed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Timestamp>,
    /// Whether she passed.
    pub passed: Option<bool>,
    /// Whether she has been told.
    pub told: bool,
    /// When she is told.
    #[schema(value_type = String, format = DateTime)]
    pub closes_at: Timestamp,
    /// Where her objection stands.
    #[schema(value_type = Option<String>)]
    pub rebuttal: Option<RebuttalState>,
}

impl Share {
    /// Returns a share with its interval; under so many no point is said.
    pub(crate) fn of(hits: u32, n: u32, point_min: u32) -> Self {
        let interval = interval::wilson(u64::from(hits), u64::from(n), CONFIDENCE).ok();
        Self {
            hits,
            n,
            value: (n > 0 && n >= point_min).then(|| f64::from(hits) / f64::from(n)),
            interval: interval.map(|ends| (ends.lower, ends.upper)),
        }
    }

    /// Returns the share of answers that are right, `(answers, right)` of each case. The answers of one case are alike: the
    /// interval counts them as so many cases' worth.
    pub(crate) fn of_cases(cases: impl Iterator<Item = (u32, u32)>, point_min: u32) -> Self {
        let cases: Vec<(u64, u64)> = cases.map(|(n, hits)| (hits.into(), n.into())).collect();
        let sum = |of: fn(&(u64, u64)) -> u64| u32::try_from(cases.iter().map(of).sum::<u64>()).unwrap_or(u32::MAX);
        let interval = interval::clustered(&cases, CONFIDENCE).ok();
        let share = Self::of(sum(|case| case.0), sum(|case| case.1), point_min);
        Self { interval: interval.map(|ends| (ends.lower, ends.upper)), ..share }
    }
}

/// Gold cases with their packs, and the texts and names that tell of them.
struct Opened {
    golds: Vec<Gold>,
    packs: BTreeMap<remit_kernel::hash::Digest, std::sync::Arc<Pack>>,
    texts: std::collections::HashMap<remit_kernel::id::TextId, String>,
    names: std::collections::HashMap<PersonId, String>,
}

impl Opened {
    fn text(&self, text: remit_kernel::text::TextRef) -> String {
        self.texts.get(&text.id).cloned().unwrap_or_else(|| ERASED.to_owned())
    }

    fn name(&self, person: PersonId) -> String {
        self.names.get(&person).cloned().unwrap_or_else(|| ERASED.to_owned())
    }

    fn pack(&self, gold: &Gold) -> Option<&Pack> {
        self.packs.get(&gold.matter.pack.digest).map(std::convert::AsRef::as_ref)
    }

    fn answers(&self, gold: &Gold) -> Vec<GoldAnswer> {
        let Some(pack) = self.pack(gold) else { return Vec::new() };
        let told = |question: &Question| {
            let answer = gold.answers.get(&question.key);
            GoldAnswer {
                question: question.key.clone(),
                title: question.title.clone(),
                answer: said(question, answer),
                options: match &question.kind {
                    QuestionKind::Choice { options }
                    | QuestionKind::Grade { steps: options, .. }
                    | QuestionKind::Multi { options, .. } => {
                        options.iter().map(|option| (option.key.clone(), option.title.clone())).collect()
                    }
                    QuestionKind::Number { .. } | QuestionKind::Span { .. } | QuestionKind::Text { .. } => Vec::new(),
                },
                option: answer.and_then(Answer::word),
                kind: question.kind.word(),
                hint: match &question.kind {
                    QuestionKind::Number { unit, .. } if !unit.is_empty() => Some(format!("In {unit}.")),
                    QuestionKind::Choice { .. }
                    | QuestionKind::Grade { .. }
                    | QuestionKind::Multi { .. }
                    | QuestionKind::Number { .. }
                    | QuestionKind::Span { .. }
                    | QuestionKind::Text { .. } => None,
                },
            }
        };
        measured(&pack.form).map(told).collect()
    }

    fn compared(&self, gold: &Gold, showing: &Showing) -> Vec<Compared> {
        let (Some(pack), Some(answered)) = (self.pack(gold), &showing.answered) else { return Vec::new() };
        let compared = |question: &Question| Compared {
            title: question.title.clone(),
            given: said(question, answered.answers.get(&question.key)),
            wanted: said(question, gold.answers.get(&question.key)),
            missed: answered.missed.contains(&question.key),
        };
        measured(&pack.form).map(compared).collect()
    }
}

/// Returns an answer in words.
pub(crate) fn said(question: &Question, answer: Option<&Answer>) -> String {
    match answer {
        Some(Answer::Span(spans)) if spans.len() == 1 => "one passage".to_owned(),
        Some(Answer::Span(spans)) => format!("{} passages", spans.len()),
        Some(answer) => question.words(answer).unwrap_or_else(|| "words".to_owned()),
        None => "no answer".to_owned(),
    }
}

impl Query for ShowGold {
    type Out = GoldPool;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<GoldPool> {
        let label = Label::engagement(self.engagement);
        look.admit(Action::ViewEngagement, &label).map_err(|_| Reason::hidden(self.engagement))?;
        look.admit(Action::ViewGold, &label)?;
        let may_manage = look.may(Action::ManageGold, &label);
        let rows = look.app.store().list_golds(&look.scope()).await?;
        let opened = look.golds(&rows.iter().map(|row| row.gold).collect::<Vec<_>>()).await?;
        let me = look.natural().await?;
        let cases: Vec<_> = opened.golds.iter().map(|gold| Want::Stream(StreamId::Case(gold.gold.case()))).collect();
        let cases = look.load(&cases).await?.cases;
        let mut golds: Vec<GoldLine> = Vec::new();
        for gold in &opened.golds {
            let (answered, passed) = gold.passes();
            // What is behind a wall is absent here as everywhere.
            let walled = !gold.matter.parties.is_disjoint(&look.standing.principal.conflicts);
            if walled {
                continue;
            }
            let outcome = cases.get(&gold.gold.case()).and_then(|case| case.resolution.as_ref());
            let changed_since = outcome.zip(opened.pack(gold)).is_some_and(|(resolution, pack)| {
                let now = remit_kernel::gold::measured_answers(&pack.form, &resolution.outcome);
                !remit_kernel::gold::missed(&pack.form, &gold.answers, &now).is_empty()
            });
            golds.push(GoldLine {
                gold: gold.gold,
                case: gold.gold.case(),
                reference: opened.text(gold.matter.reference),
                title: opened.text(gold.matter.title),
                status: gold.status,
                retired: gold.retired,
                version: gold.version,
                answers: opened.answers(gold),
                proposed_by: opened.name(gold.proposed_by),
                proposed_at: gold.proposed_at.timestamp(),
                approved_by: gold.approved_by.map(|person| opened.name(person)),
                note: gold.note.map(|note| opened.text(note)),
                shown: u32::try_from(gold.showings.len()).unwrap_or(u32::MAX),
                known_to: gold.known_to.len(),
                passed: Share::of(passed, answered, 1),
                may_approve: may_manage && gold.status == GoldStatus::Proposed && !gold.known_to.contains(&me),
                changed_since,
            });
        }
        golds.sort_by_key(|line| (order(line.status), line.proposed_at));
        let shown: Vec<(&Gold, &Showing)> = opened
            .golds
            .iter()
            .filter(|gold| golds.iter().any(|line| line.gold == gold.gold))
            .flat_map(|gold| gold.showings.iter().map(move |showing| (gold, showing)))
            .collect();
        let readers = look.measured(&opened, &shown).await?;
        let pool = GoldPool {
            rates: look.rates().await?,
            reached: readers
                .iter()
                .fold((0, 0), |(hits, n), line| (hits + line.reached.hits, n + line.reached.n))
                .into(),
            readers,
            rebuttals: rebuttals(&opened, &shown, may_manage, me),
            showings: showings(&opened, &shown),
            all: total(&shown),
            golds,
            may_manage,
        };
        look.saw(Action::ViewGold, "gold", None, None);
        Ok(pool)
    }
}

fn order(status: GoldStatus) -> u8 {
    match status {
        GoldStatus::Proposed => 0,
        GoldStatus::Active => 1,
        GoldStatus::Retired => 2,
        GoldStatus::Declined => 3,
    }
}

/// Returns how many questions were answered, and how many of them like the gold answer.
fn right(gold: &Gold, showing: &Showing) -> (u32, u32) {
    let Some(answered) = &showing.answered else { return (0, 0) };
    let missed = u32::try_from(answered.missed.len()).unwrap_or(u32::MAX);
    (gold.matter.questions, gold.matter.questions.saturating_sub(missed))
}

fn total(shown: &[(&Gold, &Showing)]) -> Share {
    Share::of_cases(shown.iter().map(|(gold, showing)| right(gold, showing)), 1)
}

impl From<(u32, u32)> for Share {
    fn from((hits, n): (u32, u32)) -> Self {
        Self::of(hits, n, 1)
    }
}

impl Look<'_> {
    /// Returns how each reader does, those with most answers first: everybody who may be shown gold, or was.
    async fn measured(&self, opened: &Opened, shown: &[(&Gold, &Showing)]) -> Result<Vec<ReaderLine>> {
        let mut people: BTreeMap<PersonId, Vec<(&Gold, &Showing)>> = BTreeMap::new();
        let (store, scope) = (self.app.store(), self.scope());
        let active: Vec<&Gold> = opened.golds.iter().filter(|gold| gold.status == GoldStatus::Active).collect();
        let members = store.list_members(&scope).await?;
        let reads = |roles: &[Role]| {
            let keeps = [Role::DeliveryManager, Role::ClientManager, Role::Auditor];
            roles.contains(&Role::Expert) && !keeps.iter().any(|role| roles.contains(role))
        };
        let readers = members.iter().map(|member| &member.row);
        let readers = readers.filter(|row| row.active && row.side == Side::Provider && reads(&row.roles));
        let current: BTreeSet<PersonId> = readers.map(|row| row.person).take(READERS_MAX).collect();
        people.extend(current.iter().filter(|_| !active.is_empty()).map(|person| (*person, Vec::new())));
        for (gold, showing) in shown {
            people.entry(showing.person).or_default().push((gold, showing));
        }
        let all: Vec<_> = people.keys().copied().collect();
        let known = self.load(&all.iter().copied().map(Want::Person).collect::<Vec<_>>()).await?.people;
        let since = opened.golds.iter().map(|gold| gold.proposed_at).min();
        let taken: BTreeMap<_, _> = match since {
            Some(since) => store.seats_taken(&scope, since).await?.into_iter().collect(),
            None => BTreeMap::new(),
        };
        let names = self.names(&all).await?;
        let packs: BTreeSet<_> = active.iter().map(|gold| gold.matter.pack.digest).collect();
        let packs: Vec<_> = packs.into_iter().collect();
        let mut lines = Vec::new();
        for (person, own) in people {
            let natural = known.get(&person).map_or(person, |known| known.natural);
            let pool = if current.contains(&person) {
                store.gold_pool(&scope, &packs, &store.accounts_of(natural).await?, POOL_MAX).await?
            } else {
                Vec::new()
            };
            let fresh = |gold: &&&Gold| pool.contains(&gold.gold) && !gold.known_to.contains(&natural);
            let live = u32::try_from(taken.get(&person).copied().unwrap_or_default()).unwrap_or(u32::MAX);
            let shown = u32::try_from(own.len()).unwrap_or(u32::MAX);
            lines.push(ReaderLine {
                person,
                name: names.get(&person).cloned().unwrap_or_else(|| ERASED.to_owned()),
                shown,
                reached: Share::of(shown, shown.saturating_add(live), 1),
                left: u32::try_from(active.iter().filter(fresh).count()).unwrap_or(u32::MAX),
                right: total(&own),
            });
        }
        lines.sort_by(|one, other| (other.right.n, &one.name).cmp(&(one.right.n, &other.name)));
        Ok(lines)
    }
}

fn rebuttals(opened: &Opened, shown: &[(&Gold, &Showing)], may_manage: bool, me: PersonId) -> Vec<RebuttalLine> {
    let line = |(gold, showing): &(&Gold, &Showing)| {
        let rebuttal = showing.rebuttal.as_ref().filter(|rebuttal| rebuttal.state == RebuttalState::Open)?;
        Some(RebuttalLine {
            case: showing.case,
            gold: gold.gold,
            reference: opened.text(gold.matter.reference),
            title: opened.text(gold.matter.title),
            by: opened.name(showing.person),
            at: rebuttal.at.timestamp(),
            note: opened.text(rebuttal.note),
            answers: opened.compared(gold, showing),
            gold_answers: opened.answers(gold),
            may_decide: may_manage && gold.may_decide(showing.case, me),
        })
    };
    let mut lines: Vec<_> = shown.iter().filter_map(line).collect();
    lines.sort_by_key(|line| line.at);
    lines
}

fn showings(opened: &Opened, shown: &[(&Gold, &Showing)]) -> Vec<ShowingLine> {
    let mut lines: Vec<_> = shown
        .iter()
        .map(|(gold, showing)| ShowingLine {
            case: showing.case,
            gold: gold.gold,
            reference: opened.text(gold.matter.reference),
            name: opened.name(showing.person),
            shown_at: showing.shown_at.timestamp(),
            answered_at: showing.answered.as_ref().map(|answered| answered.at.timestamp()),
            passed: showing.passed(),
            told: showing.told,
            closes_at: showing.closes_at.timestamp(),
            rebuttal: showing.rebuttal.as_ref().map(|rebuttal| rebuttal.state),
        })
        .collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.shown_at));
    lines
}

/// Asks how the caller did on gold: only what she has been told.
#[derive(Debug, Clone, Copy)]
pub struct ShowOwnGold {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// What a reader is told of gold.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct OwnGold {
    /// The rates at which gold is mixed in, line by line; empty: there is none.
    pub rates: Vec<RateOut>,
    /// Questions answered like the gold answer, of those she has been told of.
    pub right: Share,
    /// Each gold case she has been told of, newest first.
    pub results: Vec<OwnResult>,
}

/// How a reader did on one gold case.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct OwnResult {
    /// The case as she read it.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The reference under which she read it.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// When she sealed.
    #[schema(value_type = String, format = DateTime)]
    pub answered_at: Timestamp,
    /// Her answers beside the gold ones.
    pub answers: Vec<Compared>,
    /// Whether she missed none.
    pub passed: bool,
    /// Whether the gold answer was corrected after an objection.
    pub corrected: bool,
    /// Where her objection stands.
    #[schema(value_type = Option<String>)]
    pub rebuttal: Option<RebuttalState>,
    /// Why she objected.
    pub rebuttal_note: Option<String>,
    /// What the decision said.
    pub decided_note: Option<String>,
}

impl Query for ShowOwnGold {
    type Out = OwnGold;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<OwnGold> {
        look.admit(Action::ViewQueue, &Label { own: true, ..Label::engagement(self.engagement) })?;
        let person = look.standing.id();
        let rows: Vec<ShowingRow> = look.app.store().showings_of(&look.scope(), person).await?;
        // Before she is told, nothing here may depend on what she was shown.
        let told: BTreeSet<GoldId> = rows.iter().filter(|row| row.told).map(|row| row.gold).collect();
        let opened = look.golds(&told.into_iter().collect::<Vec<_>>()).await?;
        let own = opened.golds.iter().filter_map(|gold| {
            let showing = gold.showings.iter().find(|showing| showing.person == person && showing.told)?;
            Some((gold, showing))
        });
        let own: Vec<(&Gold, &Showing)> = own.filter(|(_, showing)| showing.answered.is_some()).collect();
        let right = Share::of_cases(own.iter().map(|(gold, showing)| right(gold, showing)), POINT_MIN);
        let wanted: Vec<_> = own.iter().map(|(_, showing)| Want::Stream(StreamId::Case(showing.case))).collect();
        let cases = look.load(&wanted).await?.cases;
        let references = look.texts(&cases.values().map(|case| case.reference.id).collect::<Vec<_>>()).await?;
        let mut results = Vec::new();
        for (gold, showing) in own {
            let Some(answered) = &showing.answered else { continue };
            let reference = cases.get(&showing.case).and_then(|case| references.get(&case.reference.id));
            results.push(OwnResult {
                case: showing.case,
                reference: reference.cloned().unwrap_or_else(|| ERASED.to_owned()),
                title: opened.text(gold.matter.title),
                answered_at: answered.at.timestamp(),
                answers: opened.compared(gold, showing),
                passed: answered.missed.is_empty(),
                corrected: gold.version > 1,
                rebuttal: showing.rebuttal.as_ref().map(|rebuttal| rebuttal.state),
                rebuttal_note: showing.rebuttal.as_ref().map(|rebuttal| opened.text(rebuttal.note)),
                decided_note: showing
                    .rebuttal
                    .as_ref()
                    .and_then(|rebuttal| rebuttal.decided_note)
                    .map(|note| opened.text(note)),
            });
        }
        results.sort_by_key(|result| std::cmp::Reverse(result.answered_at));
        look.saw(Action::ViewQueue, "gold", None, None);
        Ok(OwnGold { rates: look.rates().await?, right, results })
    }
}

impl Look<'_> {
    /// Returns gold cases with packs, texts and names. Only for whoever may see them.
    async fn golds(&self, ids: &[GoldId]) -> Result<Opened> {
        let streams: Vec<_> = ids.iter().map(|gold| Want::Stream(StreamId::Gold(*gold))).collect();
        let golds: Vec<Gold> = self.load(&streams).await?.golds.into_values().collect();
        let packs: BTreeSet<_> = golds.iter().map(|gold| Want::Pack(gold.matter.pack.digest)).collect();
        let packs = self.load(&packs.into_iter().collect::<Vec<_>>()).await?.packs;
        let mut texts = Vec::new();
        let mut people = BTreeSet::new();
        for gold in &golds {
            texts.extend([gold.matter.reference.id, gold.matter.title.id]);
            texts.extend(gold.note.map(|note| note.id));
            people.insert(gold.proposed_by);
            people.extend(gold.approved_by);
            for showing in &gold.showings {
                people.insert(showing.person);
                let said = showing.rebuttal.iter().flat_map(|known| [Some(known.note), known.decided_note]);
                texts.extend(said.flatten().map(|note| note.id));
            }
        }
        let texts = self.texts(&texts).await?;
        let names = self.names(&people.into_iter().collect::<Vec<_>>()).await?;
        Ok(Opened { golds, packs, texts, names })
    }

    /// Returns the natural person who looks.
    pub(crate) async fn natural(&self) -> Result<PersonId> {
        let me = self.standing.id();
        Ok(self.load(&[Want::Person(me)]).await?.people.get(&me).map_or(me, |known| known.natural))
    }

    /// Returns the rates at which gold is mixed in now.
    pub(crate) async fn rates(&mut self) -> Result<Vec<RateOut>> {
        use remit_kernel::engagement::SowStatus;
        let rate = |sow: &remit_kernel::engagement::Sow, line: &remit_kernel::engagement::SowLine| {
            let clause = format!("SOW v{} § {}", sow.number, line.clause);
            line.plan.gold.map(|plan| RateOut { clause, service: line.service.clone(), plan })
        };
        let held = sows(self).await?;
        let agreed = held.iter().filter(|sow| sow.status == SowStatus::InForce);
        Ok(agreed.flat_map(|sow| sow.lines.iter().filter_map(move |line| rate(sow, line))).collect())
    }
}
