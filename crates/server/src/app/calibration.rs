//! Calibration rounds as one person may know them: her own reading until the round is closed, then everybody's.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use remit_access::{Action, Class, Label};
use remit_kernel::{
    calibration::{Calibration, CalibrationStatus, Closing, FindingKind},
    case::{Case, Media},
    facts::Want,
    form::{Answer, Question, QuestionKind},
    gold::Gold,
    id::{CalibrationId, CaseId, EngagementId, ItemId, PersonId},
    index::CaseStatus,
    panel::Panel,
    refusal::Reason,
    role::Role,
    stream::{Scope, StreamId},
};
use remit_stats::agreement::{Counts, Scale};
use remit_store::{CaseFilter, DraftKey};
use serde::Serialize;

use super::{
    App,
    desk::{Matter, check_quote},
    gold::{Share, said},
    judgement::{Paper, Passage, Written, find},
    look::{ERASED, Look, Query},
    quality::{Agreement, Level, of_all},
};
use crate::{caller::Caller, error::Result};

/// Cases offered for a new round.
const OFFERED_MAX: u32 = 200;

/// Asks for the rounds that the caller may know of.
#[derive(Debug, Clone, Copy)]
pub struct ListCalibrations {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// Rounds, and what a new one can be made of.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CalibrationList {
    /// Newest first.
    pub rounds: Vec<CalibrationLine>,
    /// Whether the caller opens and closes rounds.
    pub may_manage: bool,
    /// Decided cases that a new round can be made of: identifier, reference, title; for those who open rounds.
    #[schema(value_type = Vec<Vec<String>>)]
    pub offered: Vec<(CaseId, String, String)>,
    /// People who can be invited; for those who open rounds.
    #[schema(value_type = Vec<Vec<String>>)]
    pub people: Vec<(PersonId, String)>,
}

/// A round in a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CalibrationLine {
    /// Which.
    #[schema(value_type = String)]
    pub calibration: CalibrationId,
    /// What it is called.
    pub title: String,
    /// `open` or `closed`.
    #[schema(value_type = String)]
    pub status: CalibrationStatus,
    /// How many cases.
    pub cases: u32,
    /// How many people were invited.
    pub invited: u32,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// When it ends at the latest.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// How many findings it ended in.
    pub findings: u32,
    /// How many of its cases the caller has read; none: she takes no part.
    pub read: Option<u32>,
}

/// Asks for one round.
#[derive(Debug, Clone, Copy)]
pub struct ShowCalibration {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Which.
    pub calibration: CalibrationId,
}

/// A round as one person may know it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CalibrationOut {
    /// Which.
    #[schema(value_type = String)]
    pub calibration: CalibrationId,
    /// What it is called.
    pub title: String,
    /// `open` or `closed`.
    #[schema(value_type = String)]
    pub status: CalibrationStatus,
    /// Why it is closed.
    #[schema(value_type = Option<String>)]
    pub closed: Option<Closing>,
    /// When it was closed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
    /// When it ends at the latest.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// Its cases, with whether the caller has read them.
    pub cases: Vec<RoundCase>,
    /// Whether the caller reads in it now.
    pub takes_part: bool,
    /// Whether the caller closes it and notes findings.
    pub may_manage: bool,
    /// Who has read how many of the cases; for those who opened it and do not read in it, or once it is closed.
    pub progress: Vec<Progress>,
    /// The readings side by side, once it is closed.
    pub session: Option<Session>,
    /// What the discussion ended in.
    pub findings: Vec<FindingOut>,
}

/// A case of a round.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RoundCase {
    /// Which.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// Its reference.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// Whether the caller has read it.
    pub read: bool,
}

/// How far somebody has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Progress {
    /// Who.
    pub name: String,
    /// Cases read.
    pub read: usize,
    /// Whether she takes part still.
    pub present: bool,
}

/// The readings of a closed round.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Session {
    /// Question by question, in the order of the form.
    pub questions: Vec<SessionQuestion>,
    /// How each reader did against the gold cases among them; empty: none was gold.
    pub against_gold: Vec<AgainstGold>,
}

/// How readers answered one question.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SessionQuestion {
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// At what level answers are compared.
    pub level: Level,
    /// Agreement beyond chance over all readers: Krippendorff's alpha, of grades ordinal, of choices nominal.
    #[serde(flatten)]
    pub agreement: Agreement,
    /// Case by case, those on which readers differ first.
    pub cases: Vec<SessionCase>,
    /// Two readers at a time, those who differ most first.
    pub pairs: Vec<SessionPair>,
}

/// How readers answered one question of one case.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SessionCase {
    /// Which.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// Its reference.
    pub reference: String,
    /// The gold answer, where the case is gold.
    pub wanted: Option<String>,
    /// Whether readers differ.
    pub differ: bool,
    /// The answers, in the order of the readers.
    pub answers: Vec<SessionAnswer>,
}

/// One reader's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SessionAnswer {
    /// Who.
    pub name: String,
    /// The answer in words; none: she has not read the case.
    pub answer: Option<String>,
    /// Whether it is unlike the gold answer.
    pub missed: bool,
    /// Whether she knew the case before, so that her answer measures nothing.
    pub knew: bool,
}

/// Two readers beside each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SessionPair {
    /// One.
    pub one: String,
    /// The other.
    pub other: String,
    /// Cases that both have answered.
    pub n: u64,
    /// Cases on which they differ.
    pub differ: u64,
    /// References of those.
    pub references: Vec<String>,
}

/// How a reader did against gold.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AgainstGold {
    /// Who.
    pub name: String,
    /// Answers like the gold answer.
    pub right: Share,
}

/// What was learned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FindingOut {
    /// `playbook`, `glossary` or `precedent`.
    #[schema(value_type = String)]
    pub kind: FindingKind,
    /// On which question.
    pub question: Option<String>,
    /// On which case.
    pub reference: Option<String>,
    /// What.
    pub text: String,
    /// Who noted it.
    pub by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Asks for a case of a round as laid before one who reads in it.
#[derive(Debug, Clone, Copy)]
pub struct OpenRoundDesk {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Which round.
    pub calibration: CalibrationId,
    /// Which case.
    pub case: CaseId,
}

/// The desk of a round.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RoundDesk {
    /// What the round is called.
    pub title: String,
    /// The case and what is asked about it.
    pub matter: Matter,
    /// Her draft, or what she sealed.
    pub written: Written,
    /// When the draft was last kept.
    #[schema(value_type = Option<String>)]
    pub kept_at: Option<Timestamp>,
    /// Whether her reading is sealed.
    pub sealed: bool,
    /// Whether it can still be written.
    pub open: bool,
}

/// Asks where a quote stands in the documents of a case of a round.
#[derive(Debug, Clone)]
pub struct FindRoundQuote {
    /// The desk.
    pub desk: OpenRoundDesk,
    /// The quote as pasted.
    pub quote: String,
}

/// Asks for a document of a case of a round that is no text: what it is and its content.
#[derive(Debug, Clone, Copy)]
pub struct GetRoundItem {
    /// The desk.
    pub desk: OpenRoundDesk,
    /// Which item.
    pub item: ItemId,
    /// Which version.
    pub version: u32,
}

/// What is known of a round before anything of it is told.
struct Opened {
    round: Calibration,
    cases: BTreeMap<CaseId, (Case, Option<Panel>)>,
    texts: HashMap<remit_kernel::id::TextId, String>,
}

impl Opened {
    fn reference(&self, case: CaseId) -> String {
        let text = self.cases.get(&case).and_then(|(case, _)| self.texts.get(&case.reference.id));
        text.cloned().unwrap_or_else(|| ERASED.to_owned())
    }

    fn title(&self, case: CaseId) -> String {
        let text = self.cases.get(&case).and_then(|(case, _)| self.texts.get(&case.title.id));
        text.cloned().unwrap_or_else(|| ERASED.to_owned())
    }
}

impl Query for ListCalibrations {
    type Out = CalibrationList;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<CalibrationList> {
        let label = Label::engagement(self.engagement);
        look.admit(Action::ViewEngagement, &label).map_err(|_| Reason::hidden(self.engagement))?;
        let sees_all = look.may(Action::ViewCalibration, &label);
        look.admit(Action::ViewCalibration, &Label { own: true, ..label.clone() })?;
        let may_manage = look.may(Action::ManageCalibration, &label);
        let (scope, me) = (look.scope(), look.standing.id());
        let rows = look.app.store().list_calibrations(&scope).await?;
        let invitees = look.app.store().list_invitees(&scope).await?;
        let own: HashMap<_, _> = invitees
            .iter()
            .filter(|row| row.person == me && row.present)
            .map(|row| (row.calibration, row.read))
            .collect();
        let texts = look.texts(&rows.iter().map(|row| row.title).collect::<Vec<_>>()).await?;
        let shown = rows.into_iter().rev().filter(|row| sees_all || own.contains_key(&row.calibration));
        let rounds = shown.map(|row| CalibrationLine {
            calibration: row.calibration,
            title: texts.get(&row.title).cloned().unwrap_or_else(|| ERASED.to_owned()),
            status: row.status,
            cases: row.cases,
            invited: row.invited,
            opened_at: row.opened_at.timestamp(),
            ends_at: row.ends_at.timestamp(),
            findings: row.findings,
            read: own.get(&row.calibration).copied(),
        });
        let rounds = rounds.collect();
        let (offered, people) =
            if may_manage { (look.offered().await?, look.readers().await?) } else { (Vec::new(), Vec::new()) };
        look.saw(Action::ViewCalibration, "calibrations", None, None);
        Ok(CalibrationList { rounds, may_manage, offered, people })
    }
}

impl Query for ShowCalibration {
    type Out = CalibrationOut;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<CalibrationOut> {
        let opened = look.round(self.engagement, self.calibration).await?;
        let round = &opened.round;
        let me = look.standing.id();
        let takes_part = round.invitee(me).is_some();
        let may_manage = look.may(Action::ManageCalibration, &Label::engagement(self.engagement));
        let names = look.round_names(round).await?;
        let name = |person: PersonId| names.get(&person).cloned().unwrap_or_else(|| ERASED.to_owned());
        // Who reads in an open round hears nothing of the others, whatever else she may be here (I2).
        let sees_others = !round.open() || !takes_part;
        let progress = round.invited.iter().filter(|_| sees_others).map(|invitee| Progress {
            name: name(invitee.person),
            read: round.read_by(invitee.person),
            present: !round.left.contains_key(&invitee.person),
        });
        let session = if round.open() { None } else { Some(look.session(&opened, &names).await?) };
        let said: Vec<_> = round.findings.iter().map(|(finding, _)| finding.text.id).collect();
        let said = look.texts(&said).await?;
        let noted: BTreeSet<_> = round.findings.iter().map(|(finding, _)| finding.by).collect();
        let noted = look.called(&noted.into_iter().collect::<Vec<_>>()).await?;
        let pack = look.app.pack(round.pack.digest).await?;
        let titled = |key: &String| {
            pack.as_ref()
                .and_then(|pack| pack.form.question(key))
                .map_or_else(|| key.clone(), |known| known.title.clone())
        };
        let findings = round.findings.iter().map(|(finding, at)| FindingOut {
            kind: finding.kind,
            question: finding.question.as_ref().map(titled),
            reference: finding.case.map(|case| opened.reference(case)),
            text: said.get(&finding.text.id).cloned().unwrap_or_else(|| ERASED.to_owned()),
            by: noted.get(&finding.by).cloned().unwrap_or_else(|| ERASED.to_owned()),
            at: at.timestamp(),
        });
        let cases = round.cases.iter().map(|case| RoundCase {
            case: *case,
            reference: opened.reference(*case),
            title: opened.title(*case),
            read: round.reading(me, *case).is_some(),
        });
        let out = CalibrationOut {
            calibration: self.calibration,
            title: look.text(round.title).await?,
            status: round.status(),
            closed: round.closed.map(|(cause, _)| cause),
            closed_at: round.closed.map(|(_, at)| at.timestamp()),
            ends_at: round.ends_at.timestamp(),
            cases: cases.collect(),
            takes_part,
            may_manage,
            progress: progress.collect(),
            session,
            findings: findings.collect(),
        };
        look.saw(Action::ViewCalibration, self.calibration, None, None);
        Ok(out)
    }
}

impl Query for OpenRoundDesk {
    type Out = RoundDesk;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<RoundDesk> {
        let (opened, case, label) = look.round_case(self).await?;
        let papers = look.papers_under(&case, label).await?;
        let matter = look.matter_with(&case, papers).await?;
        let me = look.standing.id();
        let own = opened.round.reading(me, self.case).cloned();
        let (written, kept_at) = match &own {
            Some(judgement) => (look.written(&[judgement]).await?.pop().unwrap_or_default(), None),
            None => {
                look.kept(&draft_of(self)).await?.map_or_else(Default::default, |(written, at)| (written, Some(at)))
            }
        };
        look.saw(Action::ViewCase, self.case, Some(self.case), None);
        let title = look.text(opened.round.title).await?;
        Ok(RoundDesk { title, matter, written, kept_at, sealed: own.is_some(), open: opened.round.open() })
    }
}

impl Query for FindRoundQuote {
    type Out = Vec<Passage>;

    fn scope(&self) -> Scope {
        self.desk.scope()
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Vec<Passage>> {
        check_quote(&self.quote)?;
        let (_, case, label) = look.round_case(self.desk).await?;
        let papers: Vec<Paper> = look.papers_under(&case, label).await?;
        Ok(find(&papers, &self.quote))
    }
}

impl Query for GetRoundItem {
    type Out = (Media, String);

    fn scope(&self) -> Scope {
        self.desk.scope()
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<(Media, String)> {
        let (_, case, label) = look.round_case(self.desk).await?;
        let item = case.item(self.item, self.version).cloned().ok_or_else(|| Reason::hidden(self.item))?;
        let visibility = match item.visibility {
            remit_kernel::case::Visibility::Both => remit_access::Visibility::Both,
            remit_kernel::case::Visibility::Client => remit_access::Visibility::Client,
            remit_kernel::case::Visibility::Provider => remit_access::Visibility::Provider,
        };
        look.admit(Action::ViewItem, &Label { visibility, ..label }).map_err(|_| Reason::hidden(self.item))?;
        look.saw(
            Action::ViewItem,
            format!("item/{}/{}", item.item, item.version),
            Some(case.case),
            Some(item.body.commitment),
        );
        Ok((item.media, look.text(item.body).await?))
    }
}

/// Returns under which name a draft of a round is kept.
pub(crate) fn draft_of(desk: OpenRoundDesk) -> String {
    format!("{}/{}", desk.calibration, desk.case)
}

impl App {
    /// Keeps what a person has written for a case of a round, in place of what was kept before, and returns when.
    ///
    /// # Errors
    /// `not-found` unless she reads in the round and has not sealed.
    pub async fn keep_round_draft(&self, caller: &Caller, desk: OpenRoundDesk, written: &Written) -> Result<Timestamp> {
        let known = self.view(caller, desk).await?;
        let person =
            caller.person().filter(|_| known.open && !known.sealed).ok_or_else(|| Reason::hidden(desk.case))?;
        self.put_draft(desk.scope(), &DraftKey { person, stream: draft_of(desk) }, written).await
    }
}

impl Look<'_> {
    /// Returns a round that the caller may know of, with its cases.
    async fn round(&mut self, engagement: EngagementId, id: CalibrationId) -> Result<Opened> {
        let facts = self.load(&[Want::Stream(StreamId::Calibration(id))]).await?;
        let round = facts.calibrations.get(&id).cloned().ok_or_else(|| Reason::hidden(id))?;
        let own = round.invitee(self.standing.id()).is_some();
        let label = Label { own, ..Label::engagement(engagement) };
        self.admit(Action::ViewCalibration, &label).map_err(|_| Reason::hidden(id))?;
        let wants: Vec<_> = round
            .cases
            .iter()
            .flat_map(|case| [Want::Stream(StreamId::Case(*case)), Want::Stream(StreamId::panel_of(*case))])
            .collect();
        let mut facts = self.load(&wants).await?;
        // A wall stands in rounds as everywhere.
        let mut panels = std::mem::take(&mut facts.panels);
        let open =
            facts.cases.into_iter().filter(|(_, case)| case.parties.is_disjoint(&self.standing.principal.conflicts));
        let cases: BTreeMap<_, _> = open.map(|(id, case)| (id, (case, panels.remove(&id.panel())))).collect();
        let texts: Vec<_> = cases.values().flat_map(|(case, _)| [case.reference.id, case.title.id]).collect();
        let texts = self.texts(&texts).await?;
        Ok(Opened { round, cases, texts })
    }

    /// Returns a case of a round in which the caller reads, and the label of its documents: whoever reads it in a round has
    /// a duty in it as long as she takes part.
    async fn round_case(&mut self, desk: OpenRoundDesk) -> Result<(Opened, Case, Label)> {
        let mut opened = self.round(desk.engagement, desk.calibration).await?;
        let me = self.standing.id();
        if opened.round.invitee(me).is_none() || !opened.round.cases.contains(&desk.case) {
            return Err(Reason::hidden(desk.case).into());
        }
        let (case, panel) = opened.cases.remove(&desk.case).ok_or_else(|| Reason::hidden(desk.case))?;
        let label = Label { assigned: true, ..self.label(Class::Item, &case, panel.as_ref())? };
        self.admit(Action::ViewItem, &label).map_err(|_| Reason::hidden(desk.case))?;
        Ok((opened, case, label))
    }

    /// Returns what to call the readers of a round: the client's side knows them by number.
    async fn round_names(&mut self, round: &Calibration) -> Result<HashMap<PersonId, String>> {
        let people: Vec<_> = round.invited.iter().map(|invitee| invitee.person).collect();
        self.called(&people).await
    }

    /// Lays the readings of a closed round side by side.
    async fn session(&self, opened: &Opened, names: &HashMap<PersonId, String>) -> Result<Session> {
        let round = &opened.round;
        let wants: Vec<_> = round.cases.iter().map(|case| Want::Stream(StreamId::Gold(case.gold()))).collect();
        let golds = self.load(&wants).await?.golds;
        let Some(pack) = self.app.pack(round.pack.digest).await? else {
            return Ok(Session { questions: Vec::new(), against_gold: Vec::new() });
        };
        let gold = |case: CaseId| golds.get(&case.gold()).filter(|gold| gold.approver.is_some());
        let questions = remit_kernel::gold::measured(&pack.form);
        let questions = questions.map(|question| of_question(opened, question, names, gold)).collect();
        let mut against_gold = Vec::new();
        for invitee in &round.invited {
            let own = golds.values().flat_map(|gold| gold.calibrated.iter().map(move |reading| (gold, reading)));
            let own =
                own.filter(|(_, reading)| reading.calibration == round.calibration && reading.person == invitee.person);
            let own = own.map(|(gold, reading)| {
                let missed = u32::try_from(reading.missed.len()).unwrap_or(u32::MAX);
                (gold.matter.questions, gold.matter.questions.saturating_sub(missed))
            });
            let right = Share::of_cases(own, 1);
            if right.n > 0 {
                let name = names.get(&invitee.person).cloned().unwrap_or_else(|| ERASED.to_owned());
                against_gold.push(AgainstGold { name, right });
            }
        }
        Ok(Session { questions, against_gold })
    }

    /// Returns decided cases that a round can be made of, newest first.
    async fn offered(&mut self) -> Result<Vec<(CaseId, String, String)>> {
        let statuses = vec![
            CaseStatus::Resolved,
            CaseStatus::AwaitingSignOff,
            CaseStatus::SignedOff,
            CaseStatus::Delivered,
            CaseStatus::Accepted,
        ];
        let filter = CaseFilter { statuses, ..CaseFilter::default() };
        let rows = self.app.store().list_cases(&self.scope(), &filter, None, OFFERED_MAX).await?;
        let mut lines = self.case_lines(rows, &filter).await?;
        lines.sort_by_key(|line| std::cmp::Reverse(line.case));
        Ok(lines.into_iter().map(|line| (line.case, line.reference, line.title)).collect())
    }

    /// Returns who can be invited to read.
    async fn readers(&self) -> Result<Vec<(PersonId, String)>> {
        let members = self.app.store().list_members(&self.scope()).await?;
        let reads = members.into_iter().filter(|member| member.row.active && member.row.roles.contains(&Role::Expert));
        Ok(reads.map(|member| (member.row.person, member.name.unwrap_or_else(|| ERASED.to_owned()))).collect())
    }
}

/// Returns how readers answered one question.
fn of_question<'g>(
    opened: &Opened,
    question: &Question,
    names: &HashMap<PersonId, String>,
    gold: impl Fn(CaseId) -> Option<&'g Gold>,
) -> SessionQuestion {
    let round = &opened.round;
    let name = |person: PersonId| names.get(&person).cloned().unwrap_or_else(|| ERASED.to_owned());
    let answer = |person: PersonId, case: CaseId| round.reading(person, case)?.answers.get(&question.key);
    let options: Vec<&str> = match &question.kind {
        QuestionKind::Choice { options } | QuestionKind::Grade { steps: options, .. } => {
            options.iter().map(|option| option.key.as_str()).collect()
        }
        // Several picks, numbers and passages have no classes that could be counted once each.
        QuestionKind::Multi { .. }
        | QuestionKind::Number { .. }
        | QuestionKind::Span { .. }
        | QuestionKind::Text { .. } => Vec::new(),
    };
    let scale = if matches!(question.kind, QuestionKind::Grade { .. }) { Scale::Ordinal } else { Scale::Nominal };
    let mut counts = Counts::new(options.len()).ok();
    let mut cases = Vec::new();
    for case in round.cases.iter().filter(|case| opened.cases.contains_key(case)) {
        let known = gold(*case);
        let wanted = known.and_then(|gold| gold.answers.get(&question.key));
        let mut unit = vec![0_u32; options.len()];
        for invitee in &round.invited {
            if let Some(Answer::Choice(option) | Answer::Grade(option)) = answer(invitee.person, *case)
                && let Some(class) = options.iter().position(|known| known == option)
            {
                unit[class] += 1;
            }
        }
        if let Some(counts) = &mut counts {
            // The unit is as wide as the table, so it always fits.
            let _ = counts.add(&unit);
        }
        let given: Vec<_> = round.invited.iter().filter_map(|invitee| answer(invitee.person, *case)).collect();
        let differ = given
            .iter()
            .enumerate()
            .any(|(place, one)| given[place + 1..].iter().any(|other| !question.same(Some(one), Some(other))));
        let answers = round.invited.iter().map(|invitee| {
            let read = round.reading(invitee.person, *case).is_some();
            let given = answer(invitee.person, *case);
            SessionAnswer {
                name: name(invitee.person),
                answer: read.then(|| said(question, given)),
                missed: read && wanted.is_some() && !question.same(wanted, given),
                knew: invitee.knows.contains(case),
            }
        });
        cases.push(SessionCase {
            case: *case,
            reference: opened.reference(*case),
            wanted: known.map(|_| said(question, wanted)),
            differ,
            answers: answers.collect(),
        });
    }
    cases.sort_by_key(|case| !case.differ);
    let mut pairs = Vec::new();
    for (place, one) in round.invited.iter().enumerate() {
        for other in &round.invited[place + 1..] {
            let both = round
                .cases
                .iter()
                .filter_map(|case| Some((*case, answer(one.person, *case)?, answer(other.person, *case)?)));
            let both: Vec<_> = both.collect();
            let unlike = both.iter().filter(|(_, a, b)| !question.same(Some(a), Some(b)));
            let references: Vec<_> = unlike.map(|(case, ..)| opened.reference(*case)).collect();
            pairs.push(SessionPair {
                one: name(one.person),
                other: name(other.person),
                n: both.len() as u64,
                differ: references.len() as u64,
                references,
            });
        }
    }
    pairs.retain(|pair| pair.n > 0);
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.differ));
    SessionQuestion {
        question: question.key.clone(),
        title: question.title.clone(),
        level: Level::of(question).unwrap_or_default(),
        agreement: counts
            .filter(|_| !options.is_empty())
            .map_or_else(Agreement::none, |counts| of_all(&counts, &scale)),
        cases,
        pairs,
    }
}
