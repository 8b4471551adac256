//! A practice pack as the kernel knows it: form, quality plan, roles. Read from files by `remit-formats`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{form::Form, hash::Digest, index::words};

/// A pack, complete and checked. Its digest is its identity: a case keeps the version it started with (I13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pack {
    /// Short name, such as `evidence-analysis`.
    pub name: String,
    /// Version as the author wrote it, such as `1.0.0`.
    pub version: String,
    /// Title for people.
    pub title: String,
    /// What kind of work this is for, in a sentence or two.
    pub summary: String,
    /// Case types that this pack can work.
    pub case_types: Vec<CaseType>,
    /// The judgement form.
    pub form: Form,
    /// How cases are read and signed unless the SOW line says otherwise.
    pub plan: Plan,
    /// What each role must hold.
    pub requirements: BTreeMap<Duty, Requirement>,
    /// The playbook: markdown with its stages and steps.
    pub playbook: Playbook,
    /// Key figures named by the pack.
    pub kpis: Vec<Kpi>,
    /// Units that a rate card may price, such as `case`.
    pub rate_units: Vec<String>,
    /// Attribution and licence notes shown beside data of the pack; may be empty.
    pub attribution: String,
}

/// One kind of case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseType {
    /// Key, such as `trial-outcome`.
    pub key: String,
    /// Title for people.
    pub title: String,
    /// Named facts a case carries, shown above the documents in this order (such as outcome, intervention).
    pub fields: Vec<CaseField>,
}

/// One named fact of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseField {
    /// Key.
    pub key: String,
    /// Label for people.
    pub title: String,
    /// Whether intake requires it.
    pub required: bool,
}

/// The quality plan of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// When enough readings have been made.
    pub stopping: Stopping,
    /// Whether a professional signs before delivery.
    pub signoff: bool,
    /// Whether the signer's credential must be valid in the case's jurisdiction.
    pub signoff_in_jurisdiction: bool,
    /// Which finished work is looked at again; none: nothing is drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewPlan>,
    /// Case types of which one reading alone may decide. A line that names some is signed by both sides; without it a
    /// case is read twice at least.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub single_allowed: BTreeSet<String>,
    /// How gold is mixed in; none: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gold: Option<GoldPlan>,
}

/// How gold cases are mixed into live work. The people who read are told that it is done, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoldPlan {
    /// Of 10,000 requests for the next case, so many are answered with a gold case.
    pub rate_bp: u16,
    /// Days after sealing until the reader is told.
    pub window_days: u16,
    /// A gold case is retired after so many showings.
    pub showings_max: u32,
    /// It is retired when more than so many of 10,000 readers pass it ...
    pub retire_above_bp: u16,
    /// ... and at least so many have answered.
    pub retire_after: u32,
}

impl GoldPlan {
    /// What a plan that names only its rate has for the rest.
    pub const USUAL: Self =
        Self { rate_bp: 500, window_days: 7, showings_max: 30, retire_above_bp: 9_800, retire_after: 20 };

    /// Returns what is wrong with the numbers and how to mend it; nothing: they can be planned with.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        if !(1..=5_000).contains(&self.rate_bp) {
            return Some(("the rate of gold lies outside 0.01 % to 50 %", "Plan a share such as 5 %."));
        }
        if !(1..=90).contains(&self.window_days) {
            return Some((
                "readers would be told of gold after less than 1 or more than 90 days",
                "Plan 7 days or so.",
            ));
        }
        if !(1..=500).contains(&self.showings_max) || self.retire_after == 0 {
            return Some((
                "a gold case is shown 1 to 500 times",
                "Plan 30 showings or so, and retirement after 20 answers.",
            ));
        }
        let easy = (5_000..=10_000).contains(&self.retire_above_bp);
        (!easy).then_some(("gold is retired above a pass rate of 50 % to 100 %", "Plan retirement above 98 %."))
    }
}

/// A hundred percent, in basis points.
pub const WHOLE: u32 = 10_000;

/// Which finished work is looked at again. Shares are in basis points: 500 are 5 %.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewPlan {
    /// Share of all decided cases that is drawn, whatever they are like.
    #[serde(default)]
    pub random: u32,
    /// Share of the cases with this mark that is drawn besides.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub risks: BTreeMap<Risk, u32>,
    /// Whether each week's lot is judged by a sample; none: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<Acceptance>,
    /// Share of the cases that the client's own reviewers read, without seeing the answer.
    #[serde(default)]
    pub in_house: u32,
    /// Days in which an author may answer a failed review.
    #[serde(default = "rebuttal_days")]
    pub rebuttal_days: u32,
    /// Share of the cases drawn by chance alone that two reviewers look at, neither knowing of the other. What they find
    /// on the same content measures how much one look misses.
    #[serde(default, skip_serializing_if = "is_none")]
    pub second: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(share: &u32) -> bool {
    *share == 0
}

fn rebuttal_days() -> u32 {
    7
}

/// How a lot is judged: the sample for its size at inspection level II, and the quality limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// Acceptable quality limit, in basis points of failed cases: 100 are 1 %.
    pub aql: u32,
    /// Whether both sides consent to smaller samples after a good run.
    #[serde(default)]
    pub reduced: bool,
}

words! {
    /// A mark that makes a second look more useful.
    Risk {
        /// The case is urgent.
        Urgent "urgent",
        /// A reader's confidence was below [`LOW_CONFIDENCE`].
        LowConfidence "low_confidence",
        /// One reading alone decided.
        SingleReading "single_reading",
        /// The readers differed and an adjudicator decided.
        Adjudicated "adjudicated",
        /// A reader joined less than [`NEW_DAYS`] days ago.
        NewExpert "new_expert",
    }
}

/// A confidence below this many percent is low.
pub const LOW_CONFIDENCE: u8 = 60;
/// For so many days a reader is new.
pub const NEW_DAYS: i64 = 30;

/// Fewest blind readings of a case, unless its type is named as one that a single reading may decide.
pub const READINGS_MIN: u8 = 2;

impl Plan {
    /// Returns the stopping rule for cases of one type: at least two readings, unless the plan names the type.
    ///
    /// A plan of one reading that names no type at all was signed before types were named, and stays as it was signed.
    pub fn stopping_of(&self, case_type: &str) -> Stopping {
        let single = self.single_allowed.contains(case_type);
        match self.stopping {
            Stopping::Fixed { readings } if single || self.single_allowed.is_empty() => Stopping::Fixed { readings },
            Stopping::Fixed { readings } => Stopping::Fixed { readings: readings.max(READINGS_MIN) },
            Stopping::Sequential { readings_min, readings_max, error_max } => {
                let readings_min = if single { readings_min } else { readings_min.max(READINGS_MIN) };
                Stopping::Sequential { readings_min, readings_max: readings_max.max(readings_min), error_max }
            }
        }
    }
}

/// The stopping rule of a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Stopping {
    /// Exactly this many blind readings.
    Fixed {
        /// At least 1.
        readings: u8,
    },
    /// As many as it takes until the estimated chance of a wrong answer is within the limit.
    Sequential {
        /// Fewest blind readings, at least 1.
        readings_min: u8,
        /// Most; then the readings are compared as they stand.
        readings_max: u8,
        /// Greatest chance of a wrong answer, in millionths.
        error_max: u32,
    },
}

/// A duty in the working of a case that calls for qualified people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Reads a case blind.
    Read,
    /// Decides between readings.
    Adjudicate,
    /// Takes professional responsibility for exact content.
    Sign,
    /// Looks at finished work that was drawn.
    Review,
}

/// Returns the key of a credential or a clearance as people say it: `chartered-engineer` is a chartered engineer. What is
/// written in any other way stays as it is.
pub fn spoken(key: &str) -> String {
    let is_key =
        key.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter));
    if is_key { key.replace(['-', '_'], " ") } else { key.to_owned() }
}

/// What a duty calls for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Requirement {
    /// Kinds of credential, any one of which will do (such as `cardiologist`); empty: none is needed.
    pub credentials: Vec<String>,
    /// Whether that credential must be valid in the case's jurisdiction.
    pub in_jurisdiction: bool,
    /// Clearances that are all needed (such as `health-data`).
    pub clearances: Vec<String>,
    /// How well one must have read gold cases under the same version of the pack; none: it is not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibrated>,
}

/// How well one must have read gold cases before the first live one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibrated {
    /// Of 10,000 answers, so many must be like the gold answer.
    pub share_bp: u16,
    /// At least so many questions must have been answered.
    pub answers_min: u32,
}

impl Requirement {
    /// Returns whether nothing is called for.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// How a case type is worked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playbook {
    /// Title.
    pub title: String,
    /// The stages in order.
    pub stages: Vec<Stage>,
}

/// A stage of the playbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Key.
    pub key: String,
    /// Title.
    pub title: String,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A step of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Key.
    pub key: String,
    /// Title.
    pub title: String,
    /// `required`, `optional`, `on_demand` or `repeatable`.
    pub mode: StepMode,
    /// When it opens, in words.
    pub opens_when: String,
    /// When it is done, in words.
    pub done_when: String,
    /// Text in markdown.
    pub text: String,
}

/// How often a step is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepMode {
    /// Once, always.
    Required,
    /// Once, if it helps.
    Optional,
    /// When somebody asks for it.
    OnDemand,
    /// As often as needed.
    Repeatable,
}

/// A key figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kpi {
    /// Key.
    pub key: String,
    /// Title.
    pub title: String,
    /// Formula in words.
    pub formula: String,
    /// Target in words; may be empty.
    pub target: String,
}

/// Name, version and digest of a pack: what a SOW line and a case keep.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackRef {
    /// Short name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Digest over the canonical JSON of the pack.
    pub digest: Digest,
}

impl Pack {
    /// Returns what a SOW line and a case keep of this pack.
    pub fn reference(&self) -> PackRef {
        PackRef { name: self.name.clone(), version: self.version.clone(), digest: Digest::of_json(self) }
    }

    /// Returns the requirement of a duty; none is stated: nothing is required.
    pub fn requirement(&self, duty: Duty) -> Requirement {
        self.requirements.get(&duty).cloned().unwrap_or_default()
    }

    /// Returns the case type with this key.
    pub fn case_type(&self, key: &str) -> Option<&CaseType> {
        self.case_types.iter().find(|case_type| case_type.key == key)
    }
}
