//! Looking at what is known: the packs by which an engagement's cases are worked.

use std::collections::{BTreeMap, BTreeSet};

use remit_access::{Action, Label};
use remit_kernel::{
    decimal::Decimal,
    engagement::SowStatus,
    form::{Choice, EvidenceRule, Form, Need, QuestionKind},
    hash::Digest,
    id::EngagementId,
    pack::{Duty, Kpi, Pack, StepMode},
    stream::Scope,
};
use serde::Serialize;

use super::{
    engagement::sows,
    gold::RateOut,
    look::{Look, Query},
    stopping::StoppingOut,
};
use crate::error::Result;

/// Asks for the packs of an engagement.
#[derive(Debug, Clone, Copy)]
pub struct ShowKnowledge {
    /// Which engagement.
    pub engagement: EngagementId,
}

/// The packs of an engagement.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Knowledge {
    /// In the order of the statement of work.
    pub packs: Vec<PackOut>,
    /// How often gold cases are mixed into the work, line by line; everybody may know.
    pub gold: Vec<RateOut>,
}

/// A practice pack.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PackOut {
    /// Short name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Digest of its content: cases keep the version they started with.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// Title.
    pub title: String,
    /// What it is for.
    pub summary: String,
    /// Clauses of the statement of work that use it.
    pub clauses: Vec<String>,
    /// Titles of its case types.
    pub case_types: Vec<String>,
    /// How often a case is read, unless a line says otherwise.
    #[serde(flatten)]
    pub stopping: StoppingOut,
    /// Whether a professional signs.
    pub signoff: bool,
    /// Whether the signer must be licensed in the case's jurisdiction.
    pub signoff_in_jurisdiction: bool,
    /// What each duty calls for, in words.
    pub requirements: Vec<RequirementOut>,
    /// The questions of the form.
    pub questions: Vec<QuestionOut>,
    /// Whether the reasons are asked for: `required`, `optional` or `absent`.
    #[schema(value_type = String)]
    pub rationale: Need,
    /// Whether a confidence is asked for.
    #[schema(value_type = String)]
    pub confidence: Need,
    /// Title of the playbook.
    pub playbook: String,
    /// Its stages.
    pub stages: Vec<StageOut>,
    /// Key figures.
    pub kpis: Vec<KpiOut>,
    /// Attribution and licence notes; may be empty.
    pub attribution: String,
}

/// What a duty calls for.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RequirementOut {
    /// `read`, `adjudicate` or `sign`.
    #[schema(value_type = String)]
    pub duty: Duty,
    /// Kinds of credential, any one of which will do.
    pub credentials: Vec<String>,
    /// Whether it must be valid in the case's jurisdiction.
    pub in_jurisdiction: bool,
    /// Clearances that are all needed.
    pub clearances: Vec<String>,
}

/// A question of a form.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct QuestionOut {
    /// Key.
    pub key: String,
    /// The question.
    pub title: String,
    /// Guidance; may be empty.
    pub help: String,
    /// The answers it takes, in words.
    pub answers: Vec<String>,
    /// Whether unlike answers put the panel in dispute.
    pub decides: bool,
    /// Whether an answer is required.
    pub required: bool,
    /// Whether a passage must be cited.
    pub evidence: bool,
}

/// A stage of the playbook.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct StageOut {
    /// Title.
    pub title: String,
    /// Its steps.
    pub steps: Vec<StepOut>,
}

/// A step of a stage.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct StepOut {
    /// Title.
    pub title: String,
    /// `required`, `optional`, `on_demand` or `repeatable`.
    #[schema(value_type = String)]
    pub mode: StepMode,
    /// When it opens.
    pub opens_when: String,
    /// When it is done.
    pub done_when: String,
    /// Text in markdown.
    pub text: String,
}

/// A key figure.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct KpiOut {
    /// Title.
    pub title: String,
    /// Formula in words.
    pub formula: String,
    /// Target in words; may be empty.
    pub target: String,
}

/// Asks what the keys of an engagement's packs are called: words for other pages, and no look at anything of its own.
#[derive(Debug, Clone, Copy)]
pub struct NameKeys {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// What keys are called, for whoever reads rather than counts.
#[derive(Debug, Clone, Default)]
pub struct Titles {
    case_types: BTreeMap<String, String>,
}

impl Titles {
    /// Returns the title of a case type, or its key where no pack names it.
    pub(crate) fn case_type<'a>(&'a self, key: &'a str) -> &'a str {
        self.case_types.get(key).map_or(key, String::as_str)
    }
}

impl Query for NameKeys {
    type Out = Titles;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Titles> {
        look.admit(Action::ViewKnowledge, &Label::engagement(self.engagement))?;
        let mut titles = Titles::default();
        let held = sows(look).await?;
        let used: BTreeSet<Digest> = held.iter().flat_map(|sow| &sow.lines).map(|line| line.pack.digest).collect();
        for digest in used {
            let Some(pack) = look.app.pack(digest).await? else { continue };
            titles.case_types.extend(pack.case_types.iter().map(|known| (known.key.clone(), known.title.clone())));
        }
        Ok(titles)
    }
}

impl Query for ShowKnowledge {
    type Out = Knowledge;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Knowledge> {
        look.admit(Action::ViewKnowledge, &Label::engagement(self.engagement))?;
        let mut used: Vec<(Digest, Vec<String>)> = Vec::new();
        let held = sows(look).await?;
        for sow in held.iter().filter(|sow| sow.status != SowStatus::Superseded) {
            for line in &sow.lines {
                let clause = format!("SOW v{} § {}", sow.number, line.clause);
                match used.iter_mut().find(|(digest, _)| *digest == line.pack.digest) {
                    Some((_, clauses)) => clauses.push(clause),
                    None => used.push((line.pack.digest, vec![clause])),
                }
            }
        }
        let mut packs = Vec::new();
        for (digest, clauses) in used {
            if let Some(pack) = look.app.pack(digest).await? {
                look.saw(Action::ViewKnowledge, &pack.name, None, Some(digest));
                packs.push(pack_out(&pack, digest, clauses));
            }
        }
        Ok(Knowledge { packs, gold: look.rates().await? })
    }
}

fn pack_out(pack: &Pack, digest: Digest, clauses: Vec<String>) -> PackOut {
    PackOut {
        name: pack.name.clone(),
        version: pack.version.clone(),
        digest,
        title: pack.title.clone(),
        summary: pack.summary.clone(),
        clauses,
        case_types: pack.case_types.iter().map(|known| known.title.clone()).collect(),
        stopping: StoppingOut::of(&pack.plan),
        signoff: pack.plan.signoff,
        signoff_in_jurisdiction: pack.plan.signoff_in_jurisdiction,
        requirements: pack
            .requirements
            .iter()
            .map(|(duty, requirement)| RequirementOut {
                duty: *duty,
                credentials: requirement.credentials.clone(),
                in_jurisdiction: requirement.in_jurisdiction,
                clearances: requirement.clearances.clone(),
            })
            .collect(),
        questions: questions(&pack.form),
        rationale: pack.form.rationale,
        confidence: pack.form.confidence,
        playbook: pack.playbook.title.clone(),
        stages: pack
            .playbook
            .stages
            .iter()
            .map(|stage| StageOut {
                title: stage.title.clone(),
                steps: stage
                    .steps
                    .iter()
                    .map(|step| StepOut {
                        title: step.title.clone(),
                        mode: step.mode,
                        opens_when: step.opens_when.clone(),
                        done_when: step.done_when.clone(),
                        text: step.text.clone(),
                    })
                    .collect(),
            })
            .collect(),
        kpis: pack
            .kpis
            .iter()
            .map(|Kpi { title, formula, target, .. }| KpiOut {
                title: title.clone(),
                formula: formula.clone(),
                target: target.clone(),
            })
            .collect(),
        attribution: pack.attribution.clone(),
    }
}

fn questions(form: &Form) -> Vec<QuestionOut> {
    form.questions
        .iter()
        .map(|question| QuestionOut {
            key: question.key.clone(),
            title: question.title.clone(),
            help: question.help.clone(),
            answers: answers(&question.kind),
            decides: question.decides,
            required: question.required,
            evidence: matches!(question.evidence, EvidenceRule::Required { .. }),
        })
        .collect()
}

/// Returns the answers that a question takes, in words.
fn answers(kind: &QuestionKind) -> Vec<String> {
    let titles = |options: &[Choice]| options.iter().map(|option| option.title.clone()).collect::<Vec<_>>();
    match kind {
        QuestionKind::Choice { options } => titles(options),
        QuestionKind::Grade { steps, tolerance } => {
            let mut answers = titles(steps);
            answers.extend(match tolerance {
                0 => None,
                1 => Some("(neighbouring steps count as the same)".to_owned()),
                steps => Some(format!("(answers up to {steps} steps apart count as the same)")),
            });
            answers
        }
        QuestionKind::Multi { options, picks_min, picks_max, common_min } => {
            let mut answers = titles(options);
            answers.push(format!("({picks_min} to {picks_max} of these)"));
            if *common_min < 100 {
                answers.push(format!("(the same, if {common_min} % of the options picked are shared)"));
            }
            answers
        }
        QuestionKind::Number { min, max, places, unit, tolerance, tolerance_share } => {
            let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
            let mut answers = vec![format!("a number from {} to {}{unit}", min.shown(*places), max.shown(*places))];
            if *tolerance > Decimal::ZERO {
                answers.push(format!("(up to {tolerance}{unit} apart counts as the same)"));
            }
            if let Some(share) = Decimal::of_units(i128::from(*tolerance_share), 2).filter(|_| *tolerance_share > 0) {
                answers.push(format!("(up to {share} % apart counts as the same)"));
            }
            answers
        }
        QuestionKind::Span { spans_min, spans_max } => {
            vec![format!("{spans_min} to {spans_max} passages of the documents")]
        }
        QuestionKind::Text { chars_max } => vec![format!("words of one's own, up to {chars_max} characters")],
    }
}
