//! Looking at finished work: the board of lots and reviews, one review laid before its reviewer, and what authors hear.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use remit_access::{Action, Class, Label};
use remit_kernel::{
    case::Case,
    engagement::{Sow, SowLine},
    facts::Want,
    id::{CaseId, EngagementId, LineId, LotId, PersonId, ReviewId, SowId},
    index::{CaseStatus, DefectKind, LotRow, LotStatus, ReviewKind, ReviewRow, ReviewStatus, Severity},
    lot::{Mode, Sampler, sampler_of},
    refusal::Reason,
    review::{Defect, Review},
    role::{Role, Side},
    stream::{Scope, StreamId},
    text::TextRef,
    time::Instant,
    why_not_review, why_not_rule,
};
use remit_store::DraftKey;
use serde::{Deserialize, Serialize};

use super::{
    App,
    case::{
        timeline::draw_words,
        view::{CaseView, JudgementView},
    },
    desk::Matter,
    judgement::Written,
    look::{ERASED, Look, Query},
    second::ReviewerErrors,
};
use crate::{caller::Caller, error::Result};

/// Most lots on the board.
const LOTS_MAX: u32 = 52;
/// Most reviews in a list.
const REVIEWS_MAX: u32 = 200;

/// Asks for the board: lots, samplers, reviews that wait, and what was found.
#[derive(Debug, Clone, Copy)]
pub struct ShowReviews {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// The board of reviews as one person may know it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ReviewBoard {
    /// Reviews that wait for a reviewer, or for a decision on an author's answer; those of the caller's side.
    pub waiting: Vec<ReviewLine>,
    /// Whether more wait than are listed.
    pub more: bool,
    /// Whether the caller may take reviews.
    pub may_review: bool,
    /// Lots and figures, for who may see them.
    pub figures: Option<ReviewFigures>,
}

/// Lots and figures.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = ReviewBoardFigures)]
pub struct ReviewFigures {
    /// How each service and case type is sampled.
    pub samplers: Vec<SamplerLine>,
    /// The newest lots.
    pub lots: Vec<LotLine>,
    /// Defects that stand, the most frequent kind first.
    pub defects: Vec<DefectLine>,
    /// Cases with a finished quality review, whatever they were drawn for, and of these failed: without an interval.
    pub quality: Counted,
    /// Cases that the client's readers read as well, and of these unlike the answer.
    pub in_house: Counted,
    /// How often reviewers err, and the share that failed corrected by it; none: nothing is drawn for a second reviewer.
    pub errors: Option<ReviewerErrors>,
    /// Whether the caller may let sampling begin again.
    pub may_resume: bool,
}

/// A share with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Counted {
    /// Finished.
    pub n: u64,
    /// Of these, found.
    pub found: u64,
    /// The 95 % Wilson interval of the share; none without cases, and of cases that chance alone did not choose.
    pub interval: Option<(f64, f64)>,
}

/// How a service and case type is sampled.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SamplerLine {
    /// The SOW line.
    #[schema(value_type = String)]
    pub line: LineId,
    /// Clause and service in words.
    pub service: String,
    /// The case type.
    pub case_type: String,
    /// How strictly lots are judged.
    #[schema(value_type = String)]
    pub mode: Mode,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Why, and what changes it.
    pub why: String,
    /// Lots so far.
    pub lots: u32,
}

/// A lot.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LotLine {
    /// The lot.
    #[schema(value_type = String)]
    pub lot: LotId,
    /// Counts the lots of its sampler, from 1.
    pub number: u32,
    /// Clause and service in words.
    pub service: String,
    /// The case type.
    pub case_type: String,
    /// When its first case was decided.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// When its week ends.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// Where it stands.
    #[schema(value_type = String)]
    pub status: LotStatus,
    /// Cases in it.
    pub size: u32,
    /// Drawn for quality review.
    pub drawn: u32,
    /// Of these, reviewed.
    pub reviewed: u32,
    /// Of these, failed.
    pub found: u32,
}

/// How often a kind of defect was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DefectLine {
    /// What is wrong.
    #[schema(value_type = String)]
    pub kind: DefectKind,
    /// All of the kind.
    pub all: u64,
    /// Of these, critical.
    pub critical: u64,
    /// Of these, major.
    pub major: u64,
    /// Of these, minor.
    pub minor: u64,
}

/// A review in a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ReviewLine {
    /// The review.
    #[schema(value_type = String)]
    pub review: ReviewId,
    /// Its case.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The client's reference.
    pub reference: String,
    /// What the case is about.
    pub title: String,
    /// What the review is for.
    #[schema(value_type = String)]
    pub kind: ReviewKind,
    /// Whether two look at the same, blind to each other; told to those who review nothing here.
    pub of_two: bool,
    /// Where it stands.
    #[schema(value_type = String)]
    pub status: ReviewStatus,
    /// Why the case was drawn, in words.
    pub causes: Vec<&'static str>,
    /// When it was drawn.
    #[schema(value_type = String, format = DateTime)]
    pub drawn_at: Timestamp,
    /// When it is due.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Timestamp,
    /// Whether the caller has it.
    pub mine: bool,
    /// Who has it.
    pub reviewer: Option<String>,
    /// Whether the caller may take it, or decide on its author's answer.
    pub open: bool,
    /// Why not.
    pub barred: Option<String>,
}

impl Query for ShowReviews {
    type Out = ReviewBoard;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<ReviewBoard> {
        let label = look.engagement_label()?;
        look.admit(Action::ViewEngagement, &label).map_err(|_| Reason::hidden(self.engagement))?;
        let figures = look.may(Action::ViewQuality, &label);
        let may_review = look.standing.holds(Role::Reviewer);
        if !figures && !may_review {
            return Err(Reason::hidden("reviews").into());
        }
        // A reviewer sees what is for her side; managers and auditors see both.
        let kind = match look.standing.principal.side {
            Some(Side::Client) if !figures => Some(ReviewKind::InHouse),
            Some(Side::Provider) if may_review => Some(ReviewKind::Quality),
            Some(Side::Client | Side::Provider) | None => None,
        };
        let mut rows = Vec::new();
        for status in [ReviewStatus::Open, ReviewStatus::Taken, ReviewStatus::Rebutted] {
            rows.extend(look.app.store().list_reviews(&look.scope(), status, kind, REVIEWS_MAX + 1).await?);
        }
        rows.sort_unstable_by_key(|row| (row.drawn_at, row.review));
        let more = rows.len() > REVIEWS_MAX as usize;
        rows.truncate(REVIEWS_MAX as usize);
        let waiting = look.review_lines(&rows).await?;
        let figures = if figures { Some(look.review_figures(&label).await?) } else { None };
        look.saw(Action::ViewQueue, "reviews", None, None);
        Ok(ReviewBoard { waiting, more, may_review, figures })
    }
}

/// Asks for the reviews that found a kind of defect.
#[derive(Debug, Clone, Copy)]
pub struct ListDefects {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Which kind.
    pub kind: DefectKind,
}

impl Query for ListDefects {
    type Out = Vec<ReviewLine>;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Vec<ReviewLine>> {
        let label = look.engagement_label()?;
        look.admit(Action::ViewEngagement, &label).map_err(|_| Reason::hidden(self.engagement))?;
        look.admit(Action::ViewQuality, &label)?;
        let scope = look.scope();
        let found = look.app.store().defects_of_kind(&scope, self.kind, REVIEWS_MAX).await?;
        let cases: BTreeSet<_> = found.iter().map(|defect| defect.case).collect();
        let reviews: BTreeSet<_> = found.iter().map(|defect| defect.review).collect();
        let mut rows = look.app.store().reviews_of_cases(&scope, &cases.into_iter().collect::<Vec<_>>()).await?;
        rows.retain(|row| reviews.contains(&row.review));
        let lines = look.review_lines(&rows).await?;
        look.saw(Action::ViewQuality, format!("defects/{}", self.kind.word()), None, None);
        Ok(lines)
    }
}

/// Asks for one review.
#[derive(Debug, Clone, Copy)]
pub struct OpenReview {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Of which case.
    pub case: CaseId,
    /// Which.
    pub review: ReviewId,
}

/// A review as laid before one person.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ReviewDesk {
    /// The review.
    pub line: ReviewLine,
    /// Its lot.
    #[schema(value_type = String)]
    pub lot: LotId,
    /// The case and what is asked about it.
    pub matter: Matter,
    /// The finished work; none while it is read without sight of the answer.
    pub view: Option<CaseView>,
    /// What was found.
    pub finish: Option<FinishView>,
    /// The author's answer.
    pub rebuttal: Option<RebuttalView>,
    /// Whether the caller may finish it now.
    pub may_finish: bool,
    /// Until when the caller may answer it as an author.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub rebut_until: Option<Timestamp>,
    /// Whether an answer can still be decided anew, so that a finding against it needs another answer.
    pub unreleased: bool,
    /// What the caller has typed so far; for whoever may finish it.
    pub draft: Option<ReviewDraft>,
    /// When that was last kept.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub kept_at: Option<Timestamp>,
}

/// A review as it is typed: nobody's business but its reviewer's, and gone once it is finished or given back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReviewDraft {
    /// Defects that were begun.
    pub defects: Vec<DefectTyped>,
    /// A word to the authors.
    pub coaching: String,
    /// The answer held instead; in-house: the reading.
    pub written: Written,
}

/// A defect as it is typed: words, not checked yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "as in the defect it becomes")]
pub struct DefectTyped {
    pub question: String,
    pub kind: String,
    pub severity: String,
    pub note: String,
}

/// What a review found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FinishView {
    /// Who reviewed, for those who may know.
    pub by: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Whether nothing was found that counts.
    pub passed: bool,
    /// What was found.
    pub defects: Vec<DefectView>,
    /// A word to the authors.
    pub coaching: Option<String>,
    /// The answer held instead; in-house: the client's own reading.
    pub finding: Option<JudgementView>,
    /// Titles of the questions on which an in-house reading differs.
    pub differing: Vec<String>,
}

/// A defect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DefectView {
    /// Title of the question; none: the work as a whole.
    pub question: Option<String>,
    /// What is wrong.
    #[schema(value_type = String)]
    pub kind: DefectKind,
    /// How much it weighs.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// What the reviewer saw.
    pub note: String,
}

/// An author's answer and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RebuttalView {
    /// Who answered, for those who may know.
    pub by: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The answer.
    pub note: String,
    /// Whether the finding stands; none: not decided yet.
    pub upheld: Option<bool>,
    /// Who decided.
    pub ruled_by: Option<String>,
    /// The reasons of the decision.
    pub ruling: Option<String>,
}

impl Query for OpenReview {
    type Out = ReviewDesk;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<ReviewDesk> {
        let hidden = || Reason::hidden(self.review);
        let wants = [StreamId::Case(self.case), StreamId::panel_of(self.case), StreamId::Review(self.review)];
        let mut facts = look.load(&wants.map(Want::Stream)).await?;
        let review = facts.reviews.remove(&self.review).filter(|review| review.case == self.case).ok_or_else(hidden)?;
        let case = facts.cases.remove(&self.case).ok_or_else(hidden)?;
        let panel = facts.panels.remove(&self.case.panel());
        let label = look.label(Class::Case, &case, panel.as_ref())?;
        let sees = look.may(Action::ViewCase, &label);
        let twin = look.twin_of(&review).await?;
        look.open_to_caller((&review, twin.as_ref()), &label, sees).await.map_err(|_| hidden())?;
        // The client's own reader answers first, and sees the provider's answer afterwards.
        let blind = review.kind == ReviewKind::InHouse && review.status.waits();
        let matter = look.matter(&case, panel.as_ref()).await?;
        let view = if sees && !blind {
            let scene = look.scene(self.case, None).await?;
            Some(look.case_view(&scene).await?)
        } else {
            None
        };
        let row = ReviewRow {
            review: review.review,
            case: review.case,
            lot: review.lot,
            kind: review.kind,
            status: review.status,
            reviewer: review.holder().map(|holding| holding.person).or(review.finish.as_ref().map(|finish| finish.by)),
            drawn_at: review.drawn_at,
            finished_at: review.finish.as_ref().map(|finish| finish.at),
            twin: review.twin,
            rework: review.of_rework(),
        };
        let line = look.review_lines(&[row]).await?.pop().ok_or_else(hidden)?;
        let finish = if sees { look.finish_view(&review, &case, &matter).await? } else { None };
        let rebuttal = if sees { look.rebuttal_view(&review).await? } else { None };
        let rebut_until = look.rebuttable(&review, &case).await?;
        let may_finish = line.mine && review.status == ReviewStatus::Taken;
        let kept = if may_finish { look.kept(&draft_of(self.review)).await? } else { None };
        let (draft, kept_at) = kept.map_or((None, None), |(draft, at)| (Some(draft), Some(at)));
        look.saw(Action::ViewCase, format!("review/{}", self.review), Some(self.case), None);
        Ok(ReviewDesk {
            may_finish,
            draft,
            kept_at,
            lot: review.lot,
            unreleased: !matches!(
                case.status,
                CaseStatus::Delivered | CaseStatus::Accepted | CaseStatus::Revision | CaseStatus::Cancelled
            ),
            line,
            matter,
            view,
            finish,
            rebuttal,
            rebut_until,
        })
    }
}

/// Returns the name under which a review's draft is kept.
pub(crate) fn draft_of(review: ReviewId) -> String {
    review.to_string()
}

impl App {
    /// Keeps what a reviewer has typed, in place of what was kept before, and returns when.
    ///
    /// # Errors
    /// `not-found` unless she has the review now; a field reason for a draft beyond every limit of a form.
    pub async fn keep_review_draft(&self, caller: &Caller, at: OpenReview, draft: &ReviewDraft) -> Result<Timestamp> {
        let desk = self.view(caller, at).await?;
        let person = caller.person().filter(|_| desk.may_finish).ok_or_else(|| Reason::hidden(at.review))?;
        self.put_draft(at.scope(), &DraftKey { person, stream: draft_of(at.review) }, draft).await
    }
}

/// Asks for what reviews found in the caller's own work.
#[derive(Debug, Clone, Copy)]
pub struct MyFeedback {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// What a review found in somebody's work.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct FeedbackLine {
    /// The review.
    #[schema(value_type = String)]
    pub review: ReviewId,
    /// Its case.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The client's reference.
    pub reference: String,
    /// What the case is about.
    pub title: String,
    /// Where the review stands.
    #[schema(value_type = String)]
    pub status: ReviewStatus,
    /// When it was finished.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Whether two reviewers looked at the same content, neither knowing of the other: each has a line.
    pub of_two: bool,
    /// What was found and stands.
    pub defects: Vec<DefectView>,
    /// A word to the authors.
    pub coaching: Option<String>,
    /// Until when the author may answer; none: not any more, or nothing to answer.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub rebut_until: Option<Timestamp>,
}

impl Query for MyFeedback {
    type Out = Vec<FeedbackLine>;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Vec<FeedbackLine>> {
        let label = Label { own: true, ..Label::engagement(self.engagement) };
        look.admit(Action::ViewQueue, &label)?;
        let me = look.standing.id();
        let rows = look.app.store().reviews_of_author(&look.scope(), me, REVIEWS_MAX).await?;
        let mut rows: Vec<_> = rows.into_iter().filter(|row| row.kind == ReviewKind::Quality).collect();
        rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.finished_at, row.review)));
        let wants = rows.iter().flat_map(|row| {
            let twin = row.twin.map(StreamId::Review);
            let own = [StreamId::Review(row.review), StreamId::Case(row.case), StreamId::panel_of(row.case)];
            own.into_iter().chain(twin).map(Want::Stream)
        });
        let facts = look.load(&wants.collect::<Vec<_>>()).await?;
        let mut lines = Vec::new();
        for row in rows {
            let (Some(review), Some(case)) = (facts.reviews.get(&row.review), facts.cases.get(&row.case)) else {
                continue;
            };
            let label = look.label(Class::Case, case, facts.panels.get(&row.case.panel()))?;
            let Some(finish) = &review.finish else { continue };
            if review.withheld(review.twin.and_then(|twin| facts.reviews.get(&twin))) {
                continue;
            }
            // While the answer is decided anew, what was found in it is not told: it would tell how.
            if !look.may(Action::ViewCase, &label) || case.status == CaseStatus::Adjudicating {
                continue;
            }
            let pack = look.pack_of(case).await?;
            let title =
                |key: &String| pack.form.question(key).map_or_else(|| key.clone(), |question| question.title.clone());
            let defects = look.defect_views(review.standing(), title).await?;
            let coaching = match finish.coaching {
                Some(text) => Some(look.text(text).await?),
                None => None,
            };
            let rebut_until = look.rebuttable(review, case).await?;
            lines.push(FeedbackLine {
                review: row.review,
                case: row.case,
                reference: look.text(case.reference).await?,
                title: look.text(case.title).await?,
                status: row.status,
                at: finish.at.timestamp(),
                of_two: review.twin.is_some(),
                defects,
                coaching,
                rebut_until,
            });
        }
        look.saw(Action::ViewQueue, "feedback", None, None);
        Ok(lines)
    }
}

impl Look<'_> {
    /// Goes on if a review is open to the caller: to reviewers of its side, to managers and auditors who see the case,
    /// and, once finished, to the authors of what was looked at.
    ///
    /// Of two reviews of the same content whoever may make one does not find the other before both are finished, and no author
    /// hears of either.
    async fn open_to_caller(
        &mut self,
        (review, twin): (&Review, Option<&Review>),
        label: &Label,
        sees: bool,
    ) -> Result<()> {
        let me = self.standing.id();
        let natural = self.load(&[Want::Person(me)]).await?.people.get(&me).map(|person| person.natural);
        let reviewer = self.may(Action::Review, label)
            && self.standing.principal.side
                == Some(match review.kind {
                    ReviewKind::Quality => Side::Provider,
                    ReviewKind::InHouse => Side::Client,
                });
        let manages =
            [Role::ClientManager, Role::DeliveryManager, Role::Auditor].iter().any(|role| self.standing.holds(*role));
        let author = review.kind == ReviewKind::Quality && review.finish.is_some() && !review.withheld(twin);
        let concealed = reviewer && natural.is_none_or(|natural| review.concealed(twin, natural));
        if concealed {
            return Err(Reason::hidden(review.review).into());
        }
        if reviewer || (sees && (manages || author)) { Ok(()) } else { Err(Reason::hidden(review.review).into()) }
    }

    /// Returns the other review of the same content.
    async fn twin_of(&self, review: &Review) -> Result<Option<Review>> {
        let Some(twin) = review.twin else { return Ok(None) };
        Ok(self.load(&[Want::Stream(StreamId::Review(twin))]).await?.reviews.remove(&twin))
    }

    /// Returns reviews as lines, with what the caller may do with each.
    pub(crate) async fn review_lines(&mut self, rows: &[ReviewRow]) -> Result<Vec<ReviewLine>> {
        let me = self.standing.id();
        let mut wants: Vec<_> = rows
            .iter()
            .flat_map(|row| [StreamId::Case(row.case), StreamId::panel_of(row.case), StreamId::Review(row.review)])
            .chain(rows.iter().filter_map(|row| row.twin).map(StreamId::Review))
            .map(Want::Stream)
            .collect();
        wants.extend([Want::Person(me), Want::Name(me), Want::Stream(StreamId::Member(me))]);
        let mut facts = self.load(&wants).await?;
        let owners: BTreeSet<_> = facts.cases.values().map(|case| case.owner).collect();
        facts.people.extend(self.load(&owners.into_iter().map(Want::Person).collect::<Vec<_>>()).await?.people);
        let texts: Vec<_> = facts.cases.values().flat_map(|case| [case.reference.id, case.title.id]).collect();
        let texts = self.texts(&texts).await?;
        let text = |text: TextRef| texts.get(&text.id).cloned().unwrap_or_else(|| ERASED.to_owned());
        let people: Vec<PersonId> = rows.iter().filter_map(|row| row.reviewer).collect();
        let names = self.names(&people).await?;
        let mut lines = Vec::new();
        for row in rows {
            let (Some(review), Some(case)) = (facts.reviews.get(&row.review), facts.cases.get(&row.case)) else {
                continue;
            };
            let label = self.label(Class::Case, case, facts.panels.get(&row.case.panel()))?;
            let reviews = self.may(Action::Review, &label);
            if !reviews && !self.may(Action::ViewCase, &label) {
                continue;
            }
            let twin = review.twin.and_then(|twin| facts.reviews.get(&twin));
            let natural = facts.people.get(&me).map(|person| person.natural);
            if reviews && natural.is_none_or(|natural| review.concealed(twin, natural)) {
                continue;
            }
            let mine = review.holder().is_some_and(|holding| holding.person == me);
            let rules = row.status == ReviewStatus::Rebutted;
            let why_not = if rules { why_not_rule } else { why_not_review };
            let reasons = if reviews { why_not(&facts, row.case, review, me, self.standing.now()) } else { Vec::new() };
            let open = reviews && reasons.is_empty() && (rules || row.status == ReviewStatus::Open);
            lines.push(ReviewLine {
                review: row.review,
                case: row.case,
                reference: text(case.reference),
                title: text(case.title),
                kind: row.kind,
                of_two: row.twin.is_some() && !reviews,
                status: row.status,
                causes: review.causes.iter().map(|cause| draw_words(*cause)).collect(),
                drawn_at: row.drawn_at.timestamp(),
                due_at: review.due_at.timestamp(),
                mine,
                reviewer: row
                    .reviewer
                    .filter(|_| row.kind == ReviewKind::InHouse || self.knows_readers())
                    .and_then(|person| names.get(&person).cloned()),
                open,
                barred: reasons.into_iter().next().filter(|_| reviews && !mine).map(|reason| reason.sentence),
            });
        }
        Ok(lines)
    }

    async fn review_figures(&mut self, label: &Label) -> Result<ReviewFigures> {
        let scope = self.scope();
        let (_, sows) = self.engagement().await?;
        let rows = self.app.store().list_lots(&scope, self.standing.now().plus_seconds(1), LOTS_MAX).await?;
        let named: BTreeSet<_> = rows.iter().map(|row| (row.line, row.case_type.clone())).collect();
        let wants: Vec<_> = named
            .iter()
            .map(|(line, case_type)| Want::Stream(StreamId::Sampler(sampler_of(*line, case_type))))
            .collect();
        let facts = self.load(&wants).await?;
        let samplers = facts.samplers.values().map(|sampler| SamplerLine {
            line: sampler.line,
            service: service(&sows, sampler.line),
            case_type: sampler.case_type.clone(),
            mode: sampler.switching.mode,
            since: sampler.since.timestamp(),
            why: why(sampler),
            lots: sampler.lots,
        });
        let samplers = samplers.collect();
        let lots = rows.iter().map(|row| lot_line(row, &sows)).collect();
        let mut kinds: BTreeMap<DefectKind, DefectLine> = BTreeMap::new();
        for count in self.app.store().count_defects(&scope).await? {
            let line = kinds.entry(count.kind).or_insert(DefectLine {
                kind: count.kind,
                all: 0,
                critical: 0,
                major: 0,
                minor: 0,
            });
            line.all += count.defects;
            match count.severity {
                Severity::Critical => line.critical += count.defects,
                Severity::Major => line.major += count.defects,
                Severity::Minor => line.minor += count.defects,
            }
        }
        let mut defects: Vec<_> = kinds.into_values().collect();
        defects.sort_by_key(|line| std::cmp::Reverse(line.all));
        let counts = self.app.store().count_reviewed_cases(&scope).await?;
        let cases =
            |kind: ReviewKind| counts.iter().find(|(of, ..)| *of == kind).map_or((0, 0), |(_, n, found)| (*found, *n));
        let ((found, n), (differ, read)) = (cases(ReviewKind::Quality), cases(ReviewKind::InHouse));
        // Drawn for whatever reason: chance alone did not choose them, so no interval says what all cases are like.
        let (quality, in_house) = (Counted { interval: None, ..counted(found, n) }, counted(differ, read));
        let planned = |line: &SowLine| line.plan.review.as_ref().is_some_and(|review| review.second > 0);
        let twice = self.reviewed_twice(None).await?;
        let planned = !twice.is_empty() || sows.values().any(|sow| sow.lines.iter().any(planned));
        let errors = if planned { Some(self.board_errors(&twice).await?) } else { None };
        let may_resume = self.may(Action::ResumeSampling, label);
        Ok(ReviewFigures { samplers, lots, defects, quality, in_house, errors, may_resume })
    }

    async fn finish_view(&mut self, review: &Review, case: &Case, matter: &Matter) -> Result<Option<FinishView>> {
        let Some(finish) = &review.finish else { return Ok(None) };
        let title =
            |key: &String| matter.form.question(key).map_or_else(|| key.clone(), |question| question.title.clone());
        let defects = self.defect_views(&finish.defects, title).await?;
        let names = self.names(&[finish.by]).await?;
        let coaching = match finish.coaching {
            Some(text) => Some(self.text(text).await?),
            None => None,
        };
        let finding = match &finish.finding {
            Some(finding) => {
                let scene = self.scene(case.case, None).await?;
                if self.may_see_outcome(&scene)? { Some(self.told(&scene, finding).await?) } else { None }
            }
            None => None,
        };
        let named = self.knows_readers() || review.kind == ReviewKind::InHouse;
        Ok(Some(FinishView {
            by: names.get(&finish.by).filter(|_| named).cloned(),
            at: finish.at.timestamp(),
            passed: finish.passed,
            defects,
            coaching,
            finding,
            differing: finish.differing.iter().map(title).collect(),
        }))
    }

    async fn defect_views(&self, defects: &[Defect], title: impl Fn(&String) -> String) -> Result<Vec<DefectView>> {
        let texts = self.texts(&defects.iter().map(|defect| defect.note.id).collect::<Vec<_>>()).await?;
        let view = |defect: &Defect| DefectView {
            question: defect.question.as_ref().map(&title),
            kind: defect.kind,
            severity: defect.severity,
            note: texts.get(&defect.note.id).cloned().unwrap_or_else(|| ERASED.to_owned()),
        };
        Ok(defects.iter().map(view).collect())
    }

    async fn rebuttal_view(&self, review: &Review) -> Result<Option<RebuttalView>> {
        let Some(rebuttal) = &review.rebuttal else { return Ok(None) };
        let people: Vec<_> =
            [rebuttal.by].into_iter().chain(rebuttal.ruling.as_ref().map(|ruling| ruling.by)).collect();
        let names: HashMap<_, _> = if self.knows_readers() { self.names(&people).await? } else { HashMap::new() };
        let ruling = match &rebuttal.ruling {
            Some(ruling) => Some(self.text(ruling.note).await?),
            None => None,
        };
        Ok(Some(RebuttalView {
            by: names.get(&rebuttal.by).cloned(),
            at: rebuttal.at.timestamp(),
            note: self.text(rebuttal.note).await?,
            upheld: rebuttal.ruling.as_ref().map(|ruling| ruling.upheld),
            ruled_by: rebuttal.ruling.as_ref().and_then(|ruling| names.get(&ruling.by).cloned()),
            ruling,
        }))
    }

    /// Returns until when the caller may answer a review as an author.
    async fn rebuttable(&self, review: &Review, case: &Case) -> Result<Option<Timestamp>> {
        let me = self.standing.id();
        let Some(finish) = review.finish.as_ref().filter(|_| review.status == ReviewStatus::Failed) else {
            return Ok(None);
        };
        let natural = self.load(&[Want::Person(me)]).await?.people.get(&me).map(|person| person.natural);
        let author = natural.is_some_and(|natural| finish.authors.contains(&natural));
        let plan = case.admission.as_ref().and_then(|admission| admission.plan.review.as_ref());
        let until = plan.and_then(|plan| review.rebuttable_until(plan.rebuttal_days));
        let quality = review.kind == ReviewKind::Quality;
        Ok(until.filter(|until| author && quality && *until >= self.standing.now()).map(Instant::timestamp))
    }
}

/// Returns a share with its Wilson interval.
pub(crate) fn counted(found: u64, n: u64) -> Counted {
    let interval = remit_stats::interval::wilson(found, n, 0.95).ok();
    Counted { n, found, interval: interval.map(|interval| (interval.lower, interval.upper)) }
}

/// Returns a lot as a line.
pub(crate) fn lot_line(row: &LotRow, sows: &BTreeMap<SowId, Sow>) -> LotLine {
    LotLine {
        lot: row.lot,
        number: row.number,
        service: service(sows, row.line),
        case_type: row.case_type.clone(),
        opened_at: row.opened_at.timestamp(),
        ends_at: row.ends_at.timestamp(),
        status: row.status,
        size: row.size,
        drawn: row.drawn,
        reviewed: row.reviewed,
        found: row.found,
    }
}

/// Returns clause and service of a line, as the statements of work in force have it.
pub(crate) fn service(sows: &BTreeMap<SowId, Sow>, line: LineId) -> String {
    let found = sows.values().find_map(|sow| sow.line(line));
    found.map_or_else(
        || "A line of an earlier statement of work".to_owned(),
        |line| format!("{} {}", line.clause, line.service),
    )
}

/// Returns why a service is sampled as it is, and what would change it.
fn why(sampler: &Sampler) -> String {
    let switching = &sampler.switching;
    let rejected = switching.recent.iter().filter(|accepted| !**accepted).count();
    let (judged, run) =
        (switching.recent.len(), switching.recent.iter().rev().take_while(|accepted| **accepted).count());
    match switching.mode {
        Mode::Normal if judged == 0 => "No lot has been judged yet.".to_owned(),
        Mode::Normal => {
            format!("{rejected} of the last {judged} judged lots were rejected; two of five tighten sampling.")
        }
        Mode::Tightened => format!(
            "Tightened after rejected lots. {run} of 5 accepted in a row lead back to normal; {} of 5 rejected \
             discontinue sampling.",
            switching.rejected
        ),
        Mode::Reduced => "Reduced after a good run, as both sides agreed; one rejected lot leads back to normal.".to_owned(),
        Mode::Discontinued => {
            "Discontinued: too many lots were rejected. Every case is reviewed until the client lets sampling begin again."
                .to_owned()
        }
    }
}
