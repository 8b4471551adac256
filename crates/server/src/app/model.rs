//! What is measured of the readers, and measuring it anew: the ground on which sequential panels stop.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use remit_access::{Action, Label};
use remit_kernel::{
    command::Command,
    facts::Want,
    form::Question,
    gold::Gold,
    hash::Digest,
    id::{CaseId, EngagementId},
    index::{CaseStatus, Origin, PanelStatus},
    model::{GoldTaken, KNOWN_MIN, PANELS_MAX, key, measure},
    pack::{Pack, Stopping},
    panel::Panel,
    stream::{Scope, StreamId},
};
use remit_store::{CaseFilter, CaseKey};
use serde::Serialize;

use super::{
    App, Loaded, Receipt,
    engagement::sows,
    look::{Look, Query},
};
use crate::{caller::Caller, error::Result};

/// Where a case stands once its panel is closed.
const DECIDED: [CaseStatus; 6] = [
    CaseStatus::Resolved,
    CaseStatus::AwaitingSignOff,
    CaseStatus::SignedOff,
    CaseStatus::Delivered,
    CaseStatus::Revision,
    CaseStatus::Accepted,
];
/// Cases and panels read at a time.
const BATCH: u32 = 500;

/// Asks what is measured of the readers.
#[derive(Debug, Clone, Copy)]
pub struct ShowModel {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// What is measured of the readers, as far as it decides when a panel stops.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ModelOut {
    /// Counts the fits; 0: nothing has been measured yet.
    pub version: u32,
    /// When it was fitted.
    #[schema(value_type = Option<String>)]
    pub fitted_at: Option<Timestamp>,
    /// From how many closed panels.
    pub panels: u32,
    /// And from how many answers to gold cases of which their readers have been told.
    pub gold: u32,
    /// Known answers that a question needs before its chances count as calibrated.
    pub known_min: u32,
    /// Question by question, in the order of the forms.
    pub questions: Vec<MeasuredOut>,
    /// Whether the caller may measure anew.
    pub may_measure: bool,
}

/// What is measured of one question, or of one option where several may be picked.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MeasuredOut {
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// The option, where several may be picked.
    pub option: Option<String>,
    /// Cases with an answer.
    pub cases: u32,
    /// How many readers gave them.
    pub readers: usize,
    /// Answers known from an adjudicator, a reference or gold.
    pub known: u32,
    /// How often readers are right on the whole, in millionths; none: not measured yet.
    pub accuracy: Option<u32>,
    /// By how much chances are flattened, in thousandths; 1000: not at all.
    pub temperature: u32,
    /// Whether the known answers are enough to calibrate.
    pub calibrated: bool,
}

impl Query for ShowModel {
    type Out = ModelOut;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<ModelOut> {
        let label = look.engagement_label()?;
        look.admit(Action::ViewQuality, &label)?;
        let may_measure = look.may(Action::Measure, &label);
        let held = sows(look).await?;
        let digests: Vec<Digest> = held.iter().rev().flat_map(|sow| &sow.lines).map(|line| line.pack.digest).collect();
        let mut questions: Vec<Question> = Vec::new();
        for digest in digests {
            let Some(pack) = look.app.pack(digest).await? else { continue };
            for question in pack.form.deciding().filter(|question| question.kind.has_classes()) {
                if !questions.iter().any(|known| known.key == question.key) {
                    questions.push(question.clone());
                }
            }
        }
        let model = look.load(&[Want::Stream(StreamId::Model(self.engagement))]).await?.model;
        let mut shown = Vec::new();
        for question in &questions {
            let several = matches!(question.kind, remit_kernel::form::QuestionKind::Multi { .. });
            let options = question.kind.options().iter().map(Some).filter(|_| several);
            for option in options.chain((!several).then_some(None)) {
                let name = key(&question.key, option.map(|option| option.key.as_str()));
                let measured = model.as_ref().and_then(|model| model.questions.get(&name));
                shown.push(MeasuredOut {
                    question: question.key.clone(),
                    title: question.title.clone(),
                    option: option.map(|option| option.title.clone()),
                    cases: measured.map_or(0, |measured| measured.cases),
                    readers: measured.map_or(0, |measured| measured.readers.len()),
                    known: measured.map_or(0, |measured| measured.known),
                    accuracy: measured.map(|measured| measured.accuracy),
                    temperature: measured.map_or(1_000, |measured| measured.temperature),
                    calibrated: model.as_ref().is_some_and(|model| model.calibrates(question)),
                });
            }
        }
        look.saw(Action::ViewQuality, "model", None, None);
        Ok(ModelOut {
            version: model.as_ref().map_or(0, |model| model.version),
            fitted_at: model.as_ref().map(|model| model.fitted_at.timestamp()),
            panels: model.as_ref().map_or(0, |model| model.panels),
            gold: model.as_ref().map_or(0, |model| model.gold.answers),
            known_min: KNOWN_MIN,
            questions: shown,
            may_measure,
        })
    }
}

/// Asks whether the caller may measure, before anything is read.
struct MayMeasure(EngagementId);

impl Query for MayMeasure {
    type Out = ();

    fn scope(&self) -> Scope {
        Scope::Engagement(self.0)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<()> {
        look.admit(Action::Measure, &Label::engagement(self.0)).map(drop)
    }
}

impl App {
    /// Measures the readers of an engagement anew from its closed panels, and returns what was recorded.
    ///
    /// # Errors
    /// If the caller may not, or the store fails.
    pub async fn measure(&self, caller: &Caller, engagement: EngagementId) -> Result<Receipt> {
        if caller.person().is_some() {
            self.view(caller, MayMeasure(engagement)).await?;
        }
        let (panels, mut packs) = self.closed_panels(engagement).await?;
        // Counted before it is read: what ends in between is taken in, and measured once more.
        let gold = self.gold_taken(engagement).await?;
        let golds = self.golds_told(engagement, &mut packs).await?;
        let now = self.clock.now();
        let count = u32::try_from(panels.len()).unwrap_or(u32::MAX);
        let fitting = move || {
            let form = |digest| packs.get(digest).map(|pack| &pack.form);
            let closed: Vec<_> = panels.iter().filter_map(|(digest, panel)| Some((panel, form(digest)?))).collect();
            let golds: Vec<_> = golds.iter().filter_map(|gold| Some((gold, form(&gold.matter.pack.digest)?))).collect();
            measure(&closed, &golds, now)
        };
        // A fit takes a while where panels are many: it must not hold up others.
        let questions = tokio::task::spawn_blocking(fitting).await.map_err(std::io::Error::other)?;
        self.act(caller.clone(), Command::FitModel { engagement, questions, panels: count, gold }).await
    }

    /// Returns what of gold there is to take in now.
    async fn gold_taken(&self, engagement: EngagementId) -> Result<GoldTaken> {
        let scope = engagement.to_string();
        let told = self.store.list_showings(&scope).await?.into_iter().filter(|row| row.told);
        let answers = u32::try_from(told.filter(|row| row.answered_at.is_some()).count()).unwrap_or(u32::MAX);
        let golds = self.store.list_golds(&scope).await?;
        Ok(GoldTaken { answers, corrections: golds.iter().map(|row| row.version.saturating_sub(1)).sum() })
    }

    /// Returns the gold cases with a showing of which its reader has been told, their packs put beside the others.
    async fn golds_told(
        &self,
        engagement: EngagementId,
        packs: &mut HashMap<Digest, std::sync::Arc<Pack>>,
    ) -> Result<Vec<Gold>> {
        let rows = self.store.list_showings(&engagement.to_string()).await?;
        let told: BTreeSet<_> = rows.iter().filter(|row| row.told).map(|row| StreamId::Gold(row.gold)).collect();
        let mut loaded = Loaded::default();
        self.load_streams(Scope::Engagement(engagement), &told.into_iter().collect::<Vec<_>>(), &mut loaded).await?;
        let golds: Vec<Gold> = loaded.facts.golds.into_values().collect();
        for gold in &golds {
            let digest = gold.matter.pack.digest;
            if !packs.contains_key(&digest)
                && let Some(pack) = self.pack(digest).await?
            {
                packs.insert(digest, pack);
            }
        }
        Ok(golds)
    }

    /// Measures anew if a panel has closed or gold has ended since, in an engagement with a sequential plan. Returns whether
    /// it did.
    pub(crate) async fn measure_if_due(&self, caller: &Caller, engagement: EngagementId) -> Result<bool> {
        let scope = Scope::Engagement(engagement);
        let mut loaded = Loaded::default();
        let streams = [StreamId::Engagement(engagement), StreamId::Model(engagement)];
        self.load_streams(scope, &streams, &mut loaded).await?;
        let signed: Vec<_> = loaded
            .facts
            .engagement
            .iter()
            .flat_map(|known| known.signed().map(StreamId::Sow).collect::<Vec<_>>())
            .collect();
        self.load_streams(scope, &signed, &mut loaded).await?;
        let lines = loaded.facts.sows.values().flat_map(|sow| &sow.lines);
        let sequential = |stopping: &Stopping| matches!(stopping, Stopping::Sequential { .. });
        if !lines.into_iter().any(|line| sequential(&line.plan.stopping)) {
            return Ok(false);
        }
        let decided = self.cases_in(engagement, &DECIDED).await?.len();
        let open: u64 = self
            .store
            .count_panels(&engagement.to_string())
            .await?
            .iter()
            .filter(|count| count.status == PanelStatus::Disputed && count.origin == Origin::Imported)
            .map(|count| count.panels)
            .sum();
        let closed = decided.saturating_add(usize::try_from(open).unwrap_or(usize::MAX));
        let gold = self.gold_taken(engagement).await?;
        let same = |panels: u32| panels as usize == closed && closed < PANELS_MAX;
        if loaded.facts.model.is_some_and(|model| same(model.panels) && model.gold == gold) {
            return Ok(false);
        }
        Ok(!self.measure(caller, engagement).await?.events.is_empty())
    }

    /// Returns the cases in one of these states, the latest first.
    async fn cases_in(&self, engagement: EngagementId, statuses: &[CaseStatus]) -> Result<Vec<CaseId>> {
        let (scope, filter) =
            (engagement.to_string(), CaseFilter { statuses: statuses.to_vec(), ..CaseFilter::default() });
        let mut cases = Vec::new();
        let mut after: Option<CaseKey> = None;
        loop {
            let rows = self.store.list_cases(&scope, &filter, after, BATCH).await?;
            cases.extend(rows.iter().map(|row| row.case));
            match rows.last() {
                Some(last) if rows.len() == BATCH as usize => after = Some(CaseKey::of(last)),
                Some(_) | None => break,
            }
        }
        // An identifier begins with the instant of its making.
        cases.sort_unstable_by(|one, other| other.cmp(one));
        Ok(cases)
    }

    /// Returns closed panels with the digest of their pack, the latest first, and the packs.
    async fn closed_panels(
        &self,
        engagement: EngagementId,
    ) -> Result<(Vec<(Digest, Panel)>, HashMap<Digest, std::sync::Arc<Pack>>)> {
        // The disputes of the past are open from the start: left out, readers would seem better than they are.
        let cases = self.cases_in(engagement, &[&DECIDED[..], &[CaseStatus::Adjudicating]].concat()).await?;
        let (mut panels, mut packs) = (Vec::new(), HashMap::new());
        for batch in cases[..cases.len().min(PANELS_MAX)].chunks(BATCH as usize) {
            let streams: Vec<_> =
                batch.iter().flat_map(|case| [StreamId::Case(*case), StreamId::panel_of(*case)]).collect();
            let mut loaded = Loaded::default();
            self.load_streams(Scope::Engagement(engagement), &streams, &mut loaded).await?;
            let mut known: BTreeMap<_, _> = std::mem::take(&mut loaded.facts.panels);
            for case in batch {
                let admission = loaded.facts.cases.get(case).and_then(|case| case.admission.as_ref());
                let Some((admission, panel)) = admission.zip(known.remove(&case.panel())) else { continue };
                if panel.revealed() {
                    panels.push((admission.pack.digest, panel));
                }
            }
        }
        for (digest, _) in &panels {
            if !packs.contains_key(digest)
                && let Some(pack) = self.pack(*digest).await?
            {
                packs.insert(*digest, pack);
            }
        }
        Ok((panels, packs))
    }
}
