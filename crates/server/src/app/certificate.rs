//! The quality certificate: what was read, by how many, how far they agreed, what a sample found and with what risk.
//!
//! [`Figures`] are a pure function of folded states, so that anybody with the exported events computes them again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use remit_access::Action;
use remit_kernel::{
    case::{Case, DecidedBy, DeliveryState},
    engagement::Sow,
    facts::Want,
    form::{Answer, Question, QuestionKind},
    gold::Gold,
    hash::Digest,
    id::{CaseId, EngagementId, LotId, PersonId, SowId},
    index::{DefectKind, LotStatus, Origin, ReviewKind, ReviewStatus, Severity},
    lot::{Lot, Mode, Place, Seed},
    pack::WHOLE,
    panel::{Panel, Provenance, Reading},
    refusal::{Reason, code},
    review::Review,
    stream::{Scope, StreamId},
};
use remit_stats::{
    agreement::{Counts, Undefined},
    interval,
    sampling::Plan,
};
use remit_store::CaseFilter;
use serde::{Deserialize, Serialize};

use super::{
    look::{Look, Query},
    quality::{Level, agree::of_all, classes::scale},
    review::service,
    second::{CONFIDENCE_OF_TWO, Observed, Pair, ReviewerErrors},
};
use crate::error::Result;

/// Name of the document's shape; a later shape has another number.
pub const FORMAT: &str = "remit-quality-certificate/2";
/// The shape before: agreement took every answer as a name.
const FORMAT_NAMES: &str = "remit-quality-certificate/1";
/// Shapes that this program can read and compute again.
pub const FORMATS: [&str; 2] = [FORMAT_NAMES, FORMAT];
/// What stands on every figure that rests on files.
const IMPORTED: &str = "Imported: times, authors and blindness as claimed by the file, not witnessed by Remit";
/// Confidence of every interval.
const CONFIDENCE: f64 = 0.95;
/// Resamples behind an interval of agreement as names, and the seed they are drawn from.
const RESAMPLES: u32 = 1_000;
const SEED: u64 = 2_026;
/// A sample of more than this share of its lot is judged as part of a finite lot.
const FINITE_SHARE: f64 = 0.05;
/// Cases loaded at a time.
const PART: usize = 200;

/// A certificate that a client can file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Certificate {
    /// Shape of this document.
    pub format: String,
    /// The engagement.
    #[schema(value_type = String)]
    pub engagement: EngagementId,
    /// Its name.
    pub engagement_name: String,
    /// What it is about.
    pub subject: Subject,
    /// What must be known of imported readings.
    pub note: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// The questions of the figures by their keys, as the packs word them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub questions: BTreeMap<String, String>,
    /// The figures.
    pub figures: Figures,
    /// What the figures do not say, in sentences.
    pub limits: Vec<String>,
    /// The lot before, to compare with.
    pub before: Option<Before>,
    /// How the sample was drawn.
    pub draw: Option<Drawn>,
}

/// What a certificate is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Subject {
    /// The lot; none: an imported file.
    #[schema(value_type = Option<String>)]
    pub lot: Option<LotId>,
    /// Number of the lot.
    pub number: Option<u32>,
    /// Digest of the imported file; none: a lot.
    #[schema(value_type = Option<String>)]
    pub file: Option<Digest>,
    /// Clause and service.
    pub service: String,
    /// The case type; empty: several.
    pub case_type: String,
    /// First decision, or first recorded reading.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// When the lot was complete, or the last reading recorded.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// Where the lot stands.
    #[schema(value_type = Option<String>)]
    pub status: Option<LotStatus>,
}

/// The figures of a certificate. Computed again from exported events they are the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Figures {
    /// Cases.
    pub cases: u64,
    /// Of these, released to the client.
    pub delivered: u64,
    /// Of these, accepted.
    pub accepted: u64,
    /// Readings that count.
    pub readings: u64,
    /// Of these, made blind and sealed in Remit.
    pub witnessed: u64,
    /// Of these, claimed by a file; never called blind.
    pub imported: u64,
    /// People who read.
    pub readers: u64,
    /// Cases by their number of readings.
    pub readings_per_case: BTreeMap<u64, u64>,
    /// Cases whose readers agreed.
    pub agreed: u64,
    /// Cases that an adjudicator decided.
    pub adjudicated: u64,
    /// Cases that one reading alone decided.
    pub single: u64,
    /// Cases whose readers differ and that nobody has decided.
    pub undecided: u64,
    /// Cases whose answer was changed after the readers had agreed.
    pub changed_after_agreement: u64,
    /// Agreement by question.
    pub agreement: Vec<QuestionAgreement>,
    /// What reviews found.
    pub review: ReviewFigures,
    /// The sampling plan with its risks; none: the lot is not judged by a sample.
    pub plan: Option<PlanFigures>,
    /// The client's own readings.
    pub in_house: InHouse,
    /// Defects that stand, by kind and weight.
    pub defects: Vec<DefectCount>,
    /// How the lot's readers did on gold in its weeks; none: nobody was told of any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gold: Option<GoldFigures>,
    /// How often reviewers err, by the cases that two of them finished in this lot and those before it of the same line and
    /// case type; none: nothing was drawn for a second reviewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewers: Option<ReviewerErrors>,
}

/// How readers did on gold: cases of the lot's type whose answer was agreed, laid before its readers among their live work,
/// answered between the lot's first decision and its end, and told to them since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GoldFigures {
    /// Gold cases answered.
    pub answered: u64,
    /// Of these, without a miss.
    pub passed: u64,
    /// 95 % interval of the share passed (Clopper-Pearson).
    pub interval: Option<(f64, f64)>,
}

impl GoldFigures {
    /// Returns the figures of so many passed of so many answered; nothing without answers.
    pub fn of(passed: u64, answered: u64) -> Option<Self> {
        let ends = interval::clopper_pearson(passed, answered, CONFIDENCE).ok();
        (answered > 0).then(|| Self { answered, passed, interval: ends.map(|ends| (ends.lower, ends.upper)) })
    }
}

/// Agreement on one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuestionAgreement {
    /// Key of the question.
    pub question: String,
    /// The level at which answers are compared; none: as names, in a certificate of the first shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The answers that the form declares, in its order: a grade's steps follow it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Krippendorff's alpha at this level; none: undefined.
    pub alpha: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// Cases answered by two readers or more.
    pub n: u64,
    /// Why alpha is undefined.
    pub undefined: Option<String>,
}

/// What reviews found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReviewFigures {
    /// Cases drawn for quality review, for whatever reason.
    pub drawn: u64,
    /// Of these, reviewed.
    pub reviewed: u64,
    /// Of these, failed, with a finding that stands.
    pub failed: u64,
    /// Findings that were struck after the author's answer.
    pub struck: u64,
    /// Cases drawn by chance alone, all reviewed: those that the error rate rests on.
    pub random: u64,
    /// Of these, failed.
    pub random_failed: u64,
    /// Share of them that failed; none without any.
    pub error_rate: Option<f64>,
    /// The error rate of the whole lot lies between these, 95 %; never below the share known to have failed, nor above what the
    /// cases known to have passed leave.
    pub interval: Option<(f64, f64)>,
    /// `clopper_pearson`, or `hypergeometric` where the sample is more than 5 % of the lot; empty without a sample.
    pub method: String,
}

/// A sampling plan with its risks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlanFigures {
    /// How strictly the lot was judged.
    #[schema(value_type = String)]
    pub mode: Mode,
    /// Acceptable quality limit as a share.
    pub aql: f64,
    /// Code letter of the sample size.
    pub letter: String,
    /// Cases in the sample.
    pub sample: u64,
    /// Failures that are let pass.
    pub accept: u64,
    /// Failures found in the sample when the lot was judged; none: not judged yet.
    pub found: Option<u64>,
    /// Whether the lot was accepted.
    pub accepted: Option<bool>,
    /// Probability that a lot exactly at the limit is accepted.
    pub accepts_at_aql: Option<f64>,
    /// Share of failed cases at which a lot is still accepted once in ten times.
    pub ltpd: Option<f64>,
}

/// The client's own readings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InHouse {
    /// Finished.
    pub n: u64,
    /// Of these, unlike the answer.
    pub differ: u64,
    /// 95 % interval of the share; none without readings.
    pub interval: Option<(f64, f64)>,
}

/// How often a kind of defect stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DefectCount {
    /// What is wrong.
    #[schema(value_type = String)]
    pub kind: DefectKind,
    /// How much it weighs.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// How often.
    pub defects: u64,
}

/// The lot before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Before {
    /// Which.
    #[schema(value_type = String)]
    pub lot: LotId,
    /// Its number.
    pub number: u32,
    /// Its figures.
    pub figures: Figures,
}

/// How the sample was drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Drawn {
    /// What was recorded of the seed when the lot opened.
    #[schema(value_type = String)]
    pub commitment: Digest,
    /// The seed.
    #[schema(value_type = String)]
    pub seed: Digest,
    /// Whether the seed fits the commitment.
    pub fits: bool,
}

impl Drawn {
    /// Returns how the sample of a lot was drawn, once its seed is open.
    pub fn of(lot: &Lot) -> Option<Self> {
        let seed = lot.seed?;
        let fits = Seed(*seed.bytes()).commitment() == lot.commitment;
        Some(Self { commitment: lot.commitment, seed, fits })
    }
}

/// A case with all that figures rest on.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The case.
    pub case: Case,
    /// Its panel.
    pub panel: Panel,
    /// Its reviews.
    pub reviews: Vec<Review>,
}

/// Asks for the certificate of a complete lot.
#[derive(Debug, Clone, Copy)]
pub struct GetCertificate {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Of which lot.
    pub lot: LotId,
}

/// Asks for the certificate of what one imported file brought.
#[derive(Debug, Clone, Copy)]
pub struct GetImportCertificate {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Digest of the file with the readings.
    pub file: Digest,
}

/// Asks which certificates there are.
#[derive(Debug, Clone, Copy)]
pub struct ListCertificates {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// A certificate that can be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CertificateLine {
    /// What it is about.
    pub subject: Subject,
    /// How many cases.
    pub cases: u64,
}

impl Query for GetCertificate {
    type Out = Certificate;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Certificate> {
        look.admit_figures(&self.lot)?;
        let lot = look.lot(self.lot).await?;
        if lot.status == LotStatus::Open {
            return Err(Reason::rule(code::WRONG_STATE, self.lot, "this lot is not complete yet")
                .hint("It is once its week is over; the certificate follows at once.")
                .into());
        }
        let cases: Vec<_> = lot.cases.keys().copied().collect();
        let whole = look.whole(&cases).await?;
        let golds = look.golds_shown().await?;
        let levels = Levels::asked(super::quality::questions(look).await?.iter());
        let pairs = look.pairs_for(&lot).await?;
        let figures = figures_of(Some(lot.clone()), whole, golds.clone(), pairs, levels.clone()).await?;
        let before = look.lot_before(&lot).await?;
        let before = match before {
            None => None,
            Some(before) => {
                let whole = look.whole(&before.cases.keys().copied().collect::<Vec<_>>()).await?;
                let (id, number) = (before.lot, before.number);
                let pairs = look.pairs_for(&before).await?;
                Some(Before { lot: id, number, figures: figures_of(Some(before), whole, golds, pairs, levels).await? })
            }
        };
        let subject = look.lot_subject(&lot).await?;
        let draw = Drawn::of(&lot);
        look.certificate(subject, figures, before, draw).await
    }
}

impl Query for GetImportCertificate {
    type Out = Certificate;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Certificate> {
        look.admit_figures(&self.file)?;
        let mut files = look.imports().await?;
        let whole = files.remove(&self.file).ok_or_else(|| Reason::hidden(self.file))?;
        let subject = import_subject(self.file, &whole);
        let levels = Levels::asked(super::quality::questions(look).await?.iter());
        let figures = figures_of(None, whole, Vec::new(), Vec::new(), levels).await?;
        look.certificate(subject, figures, None, None).await
    }
}

impl Query for ListCertificates {
    type Out = Vec<CertificateLine>;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Vec<CertificateLine>> {
        look.admit_figures(&self.engagement)?;
        let now = look.standing.now().plus_seconds(1);
        let mut lines = Vec::new();
        for row in look.app.store().list_lots(&look.scope(), now, 200).await? {
            if row.status == LotStatus::Open {
                continue;
            }
            let lot = look.lot(row.lot).await?;
            lines.push(CertificateLine { subject: look.lot_subject(&lot).await?, cases: row.size.into() });
        }
        for (file, whole) in look.imports().await? {
            lines.push(CertificateLine { subject: import_subject(file, &whole), cases: whole.len() as u64 });
        }
        look.saw(Action::ViewQuality, "certificates", None, None);
        Ok(lines)
    }
}

/// Computes figures away from those who wait for other answers: resampling takes a while.
async fn figures_of(
    lot: Option<Lot>,
    whole: Vec<Whole>,
    golds: Vec<Gold>,
    pairs: Vec<Pair>,
    levels: Levels,
) -> Result<Figures> {
    let figures = tokio::task::spawn_blocking(move || figures(lot.as_ref(), &whole, &golds, &pairs, &levels));
    Ok(figures.await.map_err(std::io::Error::other)?)
}

impl Look<'_> {
    fn admit_figures(&mut self, subject: &impl std::fmt::Display) -> Result<()> {
        let label = self.engagement_label()?;
        self.admit(Action::ViewEngagement, &label).map_err(|_| Reason::hidden(subject))?;
        self.admit(Action::ViewQuality, &label).map_err(|_| Reason::hidden(subject))?;
        if self.standing.principal.conflicts.is_empty() {
            return Ok(());
        }
        // A figure over cases that a wall hides would tell of them.
        let sentence = "you declared an interest in a party, and figures rest on its cases too";
        Err(Reason::forbidden(code::CONFLICT, subject, sentence).hint("Ask a manager or auditor who has none.").into())
    }

    /// Returns cases with panels and reviews.
    pub(super) async fn whole(&self, cases: &[CaseId]) -> Result<Vec<Whole>> {
        let mut whole = Vec::new();
        for part in cases.chunks(PART) {
            let wants = part.iter().flat_map(|case| [StreamId::Case(*case), StreamId::panel_of(*case)]);
            let mut facts = self.load(&wants.map(Want::Stream).collect::<Vec<_>>()).await?;
            let reviews: Vec<_> = facts.cases.values().flat_map(|case| &case.reviews).copied().collect();
            let wants: Vec<_> = reviews.into_iter().map(|id| Want::Stream(StreamId::Review(id))).collect();
            let mut reviews = self.load(&wants).await?.reviews;
            for id in part {
                let (Some(case), Some(panel)) = (facts.cases.remove(id), facts.panels.remove(&id.panel())) else {
                    continue;
                };
                let reviews = case.reviews.iter().filter_map(|review| reviews.remove(review)).collect();
                whole.push(Whole { case, panel, reviews });
            }
        }
        Ok(whole)
    }

    /// Returns the gold cases that readers have been told of, for counts alone: which they are stays with those who may see
    /// gold.
    pub(in crate::app) async fn golds_shown(&self) -> Result<Vec<Gold>> {
        let rows = self.app.store().list_showings(&self.scope()).await?;
        let told: BTreeSet<_> =
            rows.iter().filter(|row| row.told).map(|row| Want::Stream(StreamId::Gold(row.gold))).collect();
        Ok(self.load(&told.into_iter().collect::<Vec<_>>()).await?.golds.into_values().collect())
    }

    /// Returns the imported cases by the file whose reading counts first in them.
    async fn imports(&mut self) -> Result<BTreeMap<Digest, Vec<Whole>>> {
        let filter = CaseFilter { origin: Some(Origin::Imported), ..CaseFilter::default() };
        let mut after = None;
        let mut files: BTreeMap<Digest, Vec<Whole>> = BTreeMap::new();
        loop {
            let rows = self.app.store().list_cases(&self.scope(), &filter, after, 1_000).await?;
            let Some(last) = rows.last() else { return Ok(files) };
            after = Some(remit_store::CaseKey::of(last));
            for whole in self.whole(&rows.iter().map(|row| row.case).collect::<Vec<_>>()).await? {
                if let Some(file) = file_of(&whole.panel) {
                    files.entry(file).or_default().push(whole);
                }
            }
        }
    }

    async fn lot_before(&self, lot: &Lot) -> Result<Option<Lot>> {
        let rows = self.app.store().list_lots(&self.scope(), lot.opened_at, 200).await?;
        let alike = |row: &remit_kernel::index::LotRow| {
            row.line == lot.line && row.case_type == lot.case_type && row.status != LotStatus::Open
        };
        match rows.into_iter().find(alike) {
            None => Ok(None),
            Some(row) => Ok(Some(self.lot(row.lot).await?)),
        }
    }

    async fn lot_subject(&mut self, lot: &Lot) -> Result<Subject> {
        let (_, sows) = self.engagement().await?;
        Ok(lot_subject(lot, &sows))
    }

    async fn certificate(
        &mut self,
        subject: Subject,
        figures: Figures,
        before: Option<Before>,
        draw: Option<Drawn>,
    ) -> Result<Certificate> {
        let engagement = self.standing.engagement()?;
        let named = self.app.store().find_engagement(&self.scope()).await?;
        let name = named.and_then(|named| named.name).unwrap_or_default();
        let object = subject.lot.map_or_else(|| "import".to_owned(), |lot| lot.to_string());
        self.saw(Action::ViewQuality, format!("certificate/{object}"), None, None);
        let limits = limits(&figures, subject.lot.is_some());
        let told = |key: &str| figures.agreement.iter().any(|question| question.question == key);
        let questions = super::quality::questions(self).await?.into_iter().filter(|question| told(&question.key));
        let questions = questions.map(|question| (question.key, question.title)).collect();
        Ok(Certificate {
            format: FORMAT.to_owned(),
            engagement,
            engagement_name: name,
            note: note(&figures),
            subject,
            made_at: self.standing.now().timestamp(),
            questions,
            figures,
            limits,
            before,
            draw,
        })
    }
}

/// Returns the file whose reading counts first in a panel.
pub fn file_of(panel: &Panel) -> Option<Digest> {
    panel.panel_readings().find_map(|reading| match &reading.provenance {
        Provenance::Imported { source, .. } => Some(source.file),
        Provenance::Witnessed { .. } => None,
    })
}

/// Returns what must be known of imported readings, if there are any.
pub fn note(figures: &Figures) -> Option<String> {
    (figures.imported > 0).then(|| IMPORTED.to_owned())
}

/// Returns what the certificate of a lot is about. `sows` are the statements of work by which the engagement lives.
pub fn lot_subject(lot: &Lot, sows: &BTreeMap<SowId, Sow>) -> Subject {
    Subject {
        lot: Some(lot.lot),
        number: Some(lot.number),
        file: None,
        service: service(sows, lot.line),
        case_type: lot.case_type.clone(),
        from: lot.opened_at.timestamp(),
        until: lot.closed_at.unwrap_or(lot.ends_at).timestamp(),
        status: Some(lot.status),
    }
}

/// Returns what the certificate of an imported file is about.
pub fn import_subject(file: Digest, whole: &[Whole]) -> Subject {
    let times = whole.iter().flat_map(|whole| whole.panel.readings.iter().filter_map(|reading| reading.sealed_at));
    let (mut from, mut until) = (None, None);
    for at in times {
        from = Some(from.map_or(at, |from: remit_kernel::time::Instant| from.min(at)));
        until = Some(until.map_or(at, |until: remit_kernel::time::Instant| until.max(at)));
    }
    let types: BTreeSet<_> = whole.iter().map(|whole| whole.case.case_type.as_str()).collect();
    let clauses: BTreeSet<_> =
        whole.iter().filter_map(|whole| Some(whole.case.admission.as_ref()?.clause.as_str())).collect();
    let instant = |at: Option<remit_kernel::time::Instant>| {
        at.unwrap_or_else(|| remit_kernel::time::Instant::from_micros(0)).timestamp()
    };
    Subject {
        lot: None,
        number: None,
        file: Some(file),
        service: clauses.into_iter().collect::<Vec<_>>().join(", "),
        case_type: if types.len() == 1 { types.into_iter().collect() } else { String::new() },
        from: instant(from),
        until: instant(until),
        status: None,
    }
}

/// Returns what the figures do not say.
pub fn limits(figures: &Figures, lot: bool) -> Vec<String> {
    let mut limits = Vec::new();
    if figures.imported > 0 {
        limits.push(format!(
            "{} of {} readings were taken from a file: that they were made blind, when and by whom is the file's claim.",
            figures.imported, figures.readings
        ));
    }
    if figures.readings_per_case.keys().all(|readings| *readings <= 2) {
        limits.push(
            "At most two readings per case: agreement shows how alike people judge, not who is right.".to_owned(),
        );
    }
    // A showing of a gold case joins no lot.
    limits.push(match &figures.gold {
        Some(_) => "Gold measures the readers of this lot, on other cases: it says nothing of any single case here.",
        None => "No reader was told of a gold case read in these weeks: nothing here was compared with an agreed answer.",
    }.to_owned());
    match (figures.review.random, lot) {
        (0, true) => limits.push("No case was drawn by chance and reviewed: no error rate is claimed.".to_owned()),
        (0, false) => limits.push(
            "Imported work was not drawn by Remit: no error rate is claimed, and none may be derived from agreement."
                .to_owned(),
        ),
        (_, _) if figures.reviewers.as_ref().is_some_and(|errors| errors.corrected.is_some()) => limits.push(
            "The corrected rate takes two reviewers of a case to err independently of each other: what is hard to see for \
             everybody is missed by both, so that it is rather too low."
                .to_owned(),
        ),
        (_, _) => limits.push(
            "The error rate is what reviewers found; reviewers may err as well, and nothing corrects for that here."
                .to_owned(),
        ),
    }
    limits
}

/// Returns the figures of a lot, or of imported cases, in whatever order they come. Of `golds` those count that its readers
/// were shown; `pairs` is what two reviewers came to in the lots that [count for](super::second::counts_for) it.
pub fn figures(lot: Option<&Lot>, whole: &[Whole], golds: &[Gold], pairs: &[Pair], levels: &Levels) -> Figures {
    let mut whole: Vec<&Whole> = whole.iter().collect();
    whole.sort_unstable_by_key(|whole| whole.case.case);
    let whole = &whole[..];
    let readings = || whole.iter().flat_map(|whole| whole.panel.panel_readings());
    let count = |wanted: &dyn Fn(&Whole) -> bool| whole.iter().filter(|whole| wanted(whole)).count() as u64;
    let mut readings_per_case = BTreeMap::new();
    for whole in whole {
        *readings_per_case.entry(whole.panel.panel_readings().count() as u64).or_insert(0) += 1;
    }
    let by = |whole: &Whole| whole.case.resolution.as_ref().map(|resolution| resolution.decided.by);
    let quality = || {
        whole
            .iter()
            .flat_map(|whole| &whole.reviews)
            .filter(|review| review.kind == ReviewKind::Quality && review.status != ReviewStatus::Cancelled)
            .filter(|review| !review.of_rework())
    };
    Figures {
        cases: whole.len() as u64,
        delivered: count(&|whole| whole.case.delivery.is_some()),
        accepted: count(&|whole| {
            let state = whole.case.delivery.as_ref().map(|delivery| &delivery.state);
            matches!(state, Some(DeliveryState::Accepted { .. }))
        }),
        readings: readings().count() as u64,
        witnessed: readings().filter(|reading| reading.provenance.origin() == Origin::Witnessed).count() as u64,
        imported: readings().filter(|reading| reading.provenance.origin() == Origin::Imported).count() as u64,
        readers: readings().map(|reading| reading.natural).collect::<BTreeSet<_>>().len() as u64,
        readings_per_case,
        agreed: count(&|whole| by(whole) == Some(DecidedBy::Agreement)),
        adjudicated: count(&|whole| matches!(by(whole), Some(DecidedBy::Adjudicator(_)))),
        single: count(&|whole| by(whole) == Some(DecidedBy::Single)),
        undecided: count(&|whole| whole.case.resolution.is_none()),
        changed_after_agreement: count(&|whole| {
            whole.case.resolution.as_ref().is_some_and(|resolution| resolution.decided.changed_after_agreement)
        }),
        agreement: agreement(whole, levels),
        review: review_figures(lot, whole, &quality()),
        plan: lot.and_then(plan_figures),
        in_house: in_house(whole),
        defects: defects(quality().filter(|review| !withheld(whole, review))),
        gold: lot.and_then(|lot| gold(lot, &readings().map(|reading| reading.natural).collect(), golds)),
        reviewers: lot.and_then(|lot| reviewers(lot, whole, pairs)),
    }
}

/// How certified agreement is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Levels {
    /// Every answer is a name, as the first shape of the certificate has it.
    Names,
    /// Each question at its own level, as the quality page has it. What the forms declare of choices and grades, in its
    /// order, by question; what they do not declare comes last.
    Own(BTreeMap<String, Vec<String>>),
}

impl Levels {
    /// Returns how the agreement of a certificate was measured.
    pub fn of(certificate: &Certificate) -> Self {
        if certificate.format == FORMAT_NAMES {
            return Self::Names;
        }
        let known = certificate.figures.agreement.iter();
        let before = certificate.before.iter().flat_map(|before| &before.figures.agreement);
        Self::Own(known.chain(before).map(|one| (one.question.clone(), one.classes.clone())).collect())
    }

    fn asked<'q>(questions: impl Iterator<Item = &'q Question>) -> Self {
        let keys = |question: &Question| match &question.kind {
            QuestionKind::Choice { options } | QuestionKind::Grade { steps: options, .. } => {
                options.iter().map(|option| option.key.clone()).collect()
            }
            QuestionKind::Multi { .. }
            | QuestionKind::Number { .. }
            | QuestionKind::Span { .. }
            | QuestionKind::Text { .. } => Vec::new(),
        };
        Self::Own(questions.map(|question| (question.key.clone(), keys(question))).collect())
    }
}

/// Returns the agreement on each question whose answers can be compared, in the order of their keys.
fn agreement(whole: &[&Whole], levels: &Levels) -> Vec<QuestionAgreement> {
    let mut questions: BTreeMap<&str, Level> = BTreeMap::new();
    for reading in whole.iter().flat_map(|whole| whole.panel.panel_readings()) {
        for (question, answer) in &reading.judgement.answers {
            if let Some(level) = Level::of_answer(answer) {
                questions.insert(question, level);
            }
        }
    }
    questions.into_iter().map(|(question, level)| on_question(whole, question, level, levels)).collect()
}

fn on_question(whole: &[&Whole], question: &str, level: Level, levels: &Levels) -> QuestionAgreement {
    let declared = match levels {
        Levels::Names => &[],
        Levels::Own(declared) => declared.get(question).map_or(&[][..], Vec::as_slice),
    };
    let units: Vec<Vec<&Answer>> = whole
        .iter()
        .map(|whole| {
            let mut readings: Vec<&Reading> = whole.panel.panel_readings().collect();
            readings.sort_unstable_by_key(|reading| reading.reading);
            readings.into_iter().filter_map(|reading| reading.judgement.answers.get(question)).collect()
        })
        .collect();
    // What the form declares stands in its order; of an answer that it does not declare, the place is that of the first.
    let mut classes: Vec<(String, Option<&Answer>)> = declared.iter().map(|class| (class.clone(), None)).collect();
    for answer in units.iter().flatten() {
        let Some(word) = answer.word() else { continue };
        match classes.iter_mut().find(|(known, _)| *known == word) {
            Some((_, known)) => *known = Some(answer),
            None => classes.push((word, Some(answer))),
        }
    }
    if *levels == Levels::Names {
        classes.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    }
    // A step that the form does not have stands nowhere in its order.
    let level = match (levels, level) {
        (Levels::Names, _) => Level::Nominal,
        (Levels::Own(_), Level::Ordinal) if classes.len() > declared.len() => Level::Nominal,
        (Levels::Own(_), level) => level,
    };
    let of = |alpha, interval, n, undefined: Option<&str>| QuestionAgreement {
        question: question.to_owned(),
        level: (*levels != Levels::Names).then_some(level),
        classes: declared.to_vec(),
        alpha,
        interval,
        n,
        undefined: undefined.map(ToOwned::to_owned),
    };
    let scale = scale(level, &classes.iter().map(|(_, answer)| *answer).collect::<Vec<_>>());
    let (Ok(mut counts), Some(scale)) = (Counts::new(classes.len()), scale) else {
        return of(None, None, 0, Some("too many answers to compare"));
    };
    for answers in &units {
        let mut unit = vec![0_u32; classes.len()];
        for word in answers.iter().filter_map(|answer| answer.word()) {
            if let Some(class) = classes.iter().position(|(known, _)| *known == word) {
                unit[class] += 1;
            }
        }
        // The unit is as wide as the table, so it always fits.
        let _ = counts.add(&unit);
    }
    if *levels != Levels::Names {
        let found = of_all(&counts, &scale);
        return of(found.value, found.interval, found.n, found.undefined.as_deref());
    }
    let n = counts.pairable();
    match counts.alpha() {
        Ok(alpha) => {
            let ends = interval::alpha(&counts, CONFIDENCE, RESAMPLES, SEED).ok();
            of(Some(alpha), ends.map(|ends| (ends.lower, ends.upper)), n, None)
        }
        Err(Undefined::OneClass) => of(None, None, n, Some("everybody gave the same answer")),
        Err(Undefined::NoPairs | Undefined::UnequalValues) => {
            of(None, None, 0, Some("no case was answered by two readers"))
        }
    }
}

/// Returns what reviews found. The error rate rests on the longest run of cases, in the order of the draw, that are all
/// reviewed: chance alone chose them.
fn review_figures<'a>(
    lot: Option<&Lot>,
    whole: &[&Whole],
    quality: &(impl Iterator<Item = &'a Review> + Clone),
) -> ReviewFigures {
    // Of two reviews of the same content the case counts once, and what either found.
    let twin = |review: &Review| review.twin.and_then(|id| quality.clone().find(|twin| twin.review == id));
    let cases = quality.clone().filter(|review| twin(review).is_none_or(|twin| review.place < twin.place));
    let drawn = cases.clone().count() as u64;
    let finished =
        cases.filter(|review| !review.status.waits() && !twin(review).is_some_and(|twin| twin.status.waits()));
    let reviewed = finished.clone().count() as u64;
    let stands = |review: &Review| review.status.found() || twin(review).is_some_and(|twin| twin.status.found());
    let failed = finished.clone().filter(|review| stands(review)).count() as u64;
    let struck = quality.clone().filter(|review| review.status == ReviewStatus::Overturned).count() as u64;
    let run = lot.map(|lot| by_chance(lot, whole)).unwrap_or_default();
    let (n, size) = (run.len() as u64, whole.len() as u64);
    let found = run.iter().filter(|(_, failed)| *failed).count() as u64;
    let (interval, method) = bound(found, n, size, CONFIDENCE);
    // What was reviewed for other reasons is no sample, but it is known: no fewer failed, and no fewer passed.
    let known = (ratio(failed, size.max(1)), ratio(size - (reviewed - failed), size.max(1)));
    let interval = interval.map(|ends| (ends.0.clamp(known.0, known.1), ends.1.clamp(known.0, known.1)));
    ReviewFigures {
        drawn,
        reviewed,
        failed,
        struck,
        random: n,
        random_failed: found,
        error_rate: (n > 0).then(|| ratio(found, n)),
        interval,
        method: method.to_owned(),
    }
}

/// Returns whether what a review found is nobody's to know yet, because the other reviewer of the case has not finished.
fn withheld(whole: &[&Whole], review: &Review) -> bool {
    let mut reviews = whole.iter().flat_map(|whole| &whole.reviews);
    review.twin.is_some_and(|id| review.withheld(reviews.find(|twin| twin.review == id)))
}

/// Returns the longest run of cases, in the order of the draw, that are all reviewed, and whether each failed.
fn by_chance(lot: &Lot, whole: &[&Whole]) -> Vec<(CaseId, bool)> {
    let Some(seed) = lot.seed.map(|seed| Seed(*seed.bytes())) else { return Vec::new() };
    let known: BTreeSet<_> = whole.iter().map(|whole| whole.case.case).collect();
    let order = seed.order(lot.cases.keys().copied()).into_iter().filter(|case| known.contains(case));
    let reviewed = |case: CaseId| match lot.cases.get(&case) {
        Some(Place::Passed) => Some((case, false)),
        Some(Place::Failed) => Some((case, true)),
        Some(Place::Undrawn | Place::Pending) | None => None,
    };
    order.map_while(reviewed).collect()
}

/// Returns how often reviewers err, and the error rate of the lot corrected by it.
pub(super) fn reviewers(lot: &Lot, whole: &[&Whole], pairs: &[Pair]) -> Option<ReviewerErrors> {
    let reviews = || whole.iter().flat_map(|whole| &whole.reviews);
    if pairs.is_empty() && !reviews().any(|review| review.twin.is_some()) {
        return None;
    }
    let run = by_chance(lot, whole);
    let doubled: BTreeSet<_> =
        reviews().filter(|review| review.twin.is_some() && review.finish.is_some()).map(|review| review.case).collect();
    let twice = run.iter().filter(|(case, _)| doubled.contains(case)).count() as u64;
    let (n, failed) = (run.len() as u64, run.iter().filter(|(_, failed)| *failed).count() as u64);
    let counts = |review: &&Review| review.kind == ReviewKind::Quality && !review.of_rework();
    let quality = || reviews().filter(counts).filter(|review| !withheld(whole, review));
    let struck = quality().filter(|review| review.status == ReviewStatus::Overturned).count() as u64;
    let standing = quality().filter(|review| review.status.found()).count() as u64;
    let (interval, _) = bound(failed, n, whole.len() as u64, CONFIDENCE_OF_TWO);
    let observed = Observed { failed, once: n - twice, twice, interval, findings: standing + struck, struck };
    Some(ReviewerErrors::of(pairs, observed))
}

/// Returns the interval of the share of failures in a lot, and how it was computed.
fn bound(found: u64, n: u64, size: u64, confidence: f64) -> (Option<(f64, f64)>, &'static str) {
    if n == 0 {
        return (None, "");
    }
    if ratio(n, size) > FINITE_SHARE {
        let held = interval::finite(found, n, size, confidence).ok();
        return (held.map(|held| (ratio(held.lower, size), ratio(held.upper, size))), "hypergeometric");
    }
    let ends = interval::clopper_pearson(found, n, confidence).ok();
    (ends.map(|ends| (ends.lower, ends.upper)), "clopper_pearson")
}

fn plan_figures(lot: &Lot) -> Option<PlanFigures> {
    let acceptance = lot.acceptance.filter(|_| lot.sample > 0)?;
    let aql = f64::from(acceptance.aql) / f64::from(WHOLE);
    let plan = Plan::new(lot.sample.into(), lot.accept.into()).ok();
    Some(PlanFigures {
        mode: lot.mode,
        aql,
        letter: lot.letter.clone(),
        sample: lot.sample.into(),
        accept: lot.accept.into(),
        found: lot.judged.map(u64::from),
        accepted: lot.judged.map(|found| found <= lot.accept),
        accepts_at_aql: plan.and_then(|plan| plan.acceptance(aql).ok()),
        ltpd: plan.and_then(|plan| plan.quality_at(0.1).ok()),
    })
}

fn in_house(whole: &[&Whole]) -> InHouse {
    let finished = whole
        .iter()
        .flat_map(|whole| &whole.reviews)
        .filter(|review| review.kind == ReviewKind::InHouse && review.finish.is_some());
    let (mut n, mut differ) = (0, 0);
    for review in finished {
        n += 1;
        differ += u64::from(review.status.found());
    }
    let ends = interval::clopper_pearson(differ, n, CONFIDENCE).ok();
    InHouse { n, differ, interval: ends.map(|ends| (ends.lower, ends.upper)) }
}

/// Returns how these readers did on gold in the weeks of a lot. A showing counts once it has ended: never one that runs.
fn gold(lot: &Lot, readers: &BTreeSet<PersonId>, golds: &[Gold]) -> Option<GoldFigures> {
    let until = lot.closed_at.unwrap_or(lot.ends_at);
    let alike = golds.iter().filter(|gold| gold.matter.case_type == lot.case_type);
    let shown = alike.flat_map(|gold| &gold.showings);
    let theirs = shown.filter(|showing| showing.told && readers.contains(&showing.natural));
    let within = theirs
        .filter_map(|showing| showing.answered.as_ref())
        .filter(|given| given.at >= lot.opened_at && given.at <= until);
    let (answered, passed) =
        within.fold((0, 0), |(n, passed), given| (n + 1, passed + u64::from(given.missed.is_empty())));
    GoldFigures::of(passed, answered)
}

fn defects<'a>(quality: impl Iterator<Item = &'a Review>) -> Vec<DefectCount> {
    let mut counts: BTreeMap<(DefectKind, Severity), u64> = BTreeMap::new();
    for defect in quality.flat_map(Review::standing) {
        *counts.entry((defect.kind, defect.severity)).or_default() += 1;
    }
    counts.into_iter().map(|((kind, severity), defects)| DefectCount { kind, severity, defects }).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of cases lie far below 2^53")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
