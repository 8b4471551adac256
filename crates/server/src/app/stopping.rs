//! When a panel has read enough, in the words of its plan.

use std::collections::BTreeSet;

use remit_kernel::{
    pack::{Plan, Stopping},
    panel::chance_in_words,
};
use serde::Serialize;

/// The stopping rule of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StoppingOut {
    /// Blind readings for each case; under the sequential rule the fewest.
    pub readings: u8,
    /// Most blind readings; none: their number is fixed.
    pub readings_max: Option<u8>,
    /// Greatest chance of a wrong answer at which a panel stops, in millionths; none: their number is fixed.
    pub error_max: Option<u32>,
    /// Case types of which one reading alone may decide, as both sides sign.
    pub single_allowed: Vec<String>,
}

impl StoppingOut {
    /// Returns the rule of a plan.
    pub(crate) fn of(plan: &Plan) -> Self {
        let single_allowed = plan.single_allowed.iter().cloned().collect();
        match plan.stopping {
            Stopping::Fixed { readings } => Self { readings, readings_max: None, error_max: None, single_allowed },
            Stopping::Sequential { readings_min, readings_max, error_max } => Self {
                readings: readings_min,
                readings_max: Some(readings_max),
                error_max: Some(error_max),
                single_allowed,
            },
        }
    }

    /// Returns the rule as the kernel takes it.
    pub(crate) fn stopping(readings: u8, readings_max: Option<u8>, error_max: Option<u32>) -> Stopping {
        match (readings_max, error_max) {
            (None, None) => Stopping::Fixed { readings },
            (most, limit) => Stopping::Sequential {
                readings_min: readings,
                readings_max: most.unwrap_or(readings),
                // A rule without a limit is refused by the kernel, which says what is missing.
                error_max: limit.unwrap_or_default(),
            },
        }
    }

    /// Returns the rule in words.
    pub(crate) fn sentence(&self) -> String {
        let rule = match (self.readings_max, self.error_max) {
            (Some(most), Some(limit)) => format!(
                "{} to {most} blind readings, until the estimated chance of a wrong answer is at most {}",
                self.readings,
                chance_in_words(limit)
            ),
            _ if self.readings == 1 => "1 blind reading".to_owned(),
            _ => format!("{} blind readings", self.readings),
        };
        match self.single_allowed.as_slice() {
            [] => rule,
            types if self.readings == 1 => format!("{rule} of {}; 2 at least of all others", types.join(", ")),
            types => format!("{rule}; a single one would be allowed of {}", types.join(", ")),
        }
    }

    /// Returns the limit as a form shows it, in percent.
    pub(crate) fn limit_percent(&self) -> String {
        let limit = self.error_max.and_then(|limit| remit_kernel::decimal::Decimal::of_units(i128::from(limit), 4));
        limit.map(|limit| limit.to_string()).unwrap_or_default()
    }
}

/// Returns a rule as events have it, in words.
pub(crate) fn planned(stopping: Stopping) -> String {
    let plan = Plan {
        stopping,
        signoff: false,
        signoff_in_jurisdiction: false,
        single_allowed: BTreeSet::new(),
        review: None,
        gold: None,
    };
    match stopping {
        Stopping::Fixed { readings: 1 } => "One reading is planned".to_owned(),
        Stopping::Fixed { readings } => format!("{readings} independent readings are planned"),
        Stopping::Sequential { .. } => format!("Planned: {}", StoppingOut::of(&plan).sentence()),
    }
}
