//! A practice pack as the kernel knows it: form, quality plan, roles. Read from files by `remit-formats`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{form::Form, hash::Digest};

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

/// The stopping rule of a panel. The sequential rule joins with the quality engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Stopping {
    /// Exactly this many blind readings.
    Fixed {
        /// At least 1.
        readings: u8,
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
