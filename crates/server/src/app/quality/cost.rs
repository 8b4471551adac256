//! What the figures cost: readings bought, and what the second one did.

use remit_kernel::index::PanelStatus;
use remit_store::PanelCount;
use serde::{Deserialize, Serialize};

use super::Rate;

/// What was bought, and what can honestly be said of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cost {
    /// Closed cases with a reading.
    pub cases: u64,
    /// Panel readings of them.
    pub readings: u64,
    /// Most panel readings of one case.
    pub readings_max: u32,
    /// Cases with two panel readings whose second changed the answer or opened it to an adjudicator, of all with two.
    /// With at most two readings a case this is all that can be said: what fewer readings would have saved is unknown.
    pub second: Rate,
    /// Closed cases with three or more panel readings, the only ones on which a saving could be measured.
    pub three_or_more: u64,
    /// What live limits left unbought.
    #[serde(default, skip_serializing_if = "StoppedEarly::none")]
    pub stopped_early: StoppedEarly,
}

/// Closed cases whose panel the limit of its plan stopped before the most readings that the plan allows.
///
/// It counts readings, and nothing more: what those that were not bought would have said, nobody knows. Whether fewer
/// readings are as right as more is told by replays and reference answers alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StoppedEarly {
    /// The cases.
    pub cases: u64,
    /// Readings that were bought for them.
    pub bought: u64,
    /// Readings that their plans would have allowed besides.
    pub not_bought: u64,
}

impl StoppedEarly {
    /// Returns whether no case was stopped early.
    pub fn none(&self) -> bool {
        self.cases == 0
    }
}

impl Cost {
    /// Takes in panels that are alike; open ones count for nothing.
    pub(super) fn count(&mut self, count: &PanelCount) {
        let closed = match count.status {
            PanelStatus::Agreed | PanelStatus::Outvoted | PanelStatus::Single | PanelStatus::Adjudicated => true,
            PanelStatus::Disputed => count.disputed,
            PanelStatus::Planned | PanelStatus::Reading | PanelStatus::Void => false,
        };
        if !closed || count.sealed == 0 {
            return;
        }
        self.cases += count.panels;
        self.readings += u64::from(count.sealed) * count.panels;
        self.readings_max = self.readings_max.max(count.sealed);
        if count.spared > 0 {
            self.stopped_early.cases += count.panels;
            self.stopped_early.bought += u64::from(count.sealed) * count.panels;
            self.stopped_early.not_bought += u64::from(count.spared) * count.panels;
        }
        match count.sealed {
            0 | 1 => {}
            2 => {
                let changed = if count.disputed { count.panels } else { 0 };
                self.second = Rate::of(self.second.hits + changed, self.second.n + count.panels);
            }
            _ => self.three_or_more += count.panels,
        }
    }

    /// Returns panel readings for each closed case.
    pub fn readings_per_case(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts of readings are far below 2^53")]
        let mean = (self.cases > 0).then(|| self.readings as f64 / self.cases as f64);
        mean
    }
}
