//! How far somebody sees into a panel: the one place that says who is kept blind to what.

use remit_kernel::{
    index::{DutyStatus, PanelStatus},
    panel::{Bench, Panel},
    role::Role,
};

use crate::app::Standing;

/// How far somebody sees into a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// She has a part to play, or none that needs more: her own reading, and what is the same whoever else has read.
    Blind,
    /// She arranges the work: who reads, and whether it is done, never what was read.
    Arranging,
    /// The panel is closed.
    Open,
}

/// Returns how far a person sees into a panel. A case without one has nothing to hide.
pub(crate) fn sight(standing: &Standing, panel: Option<&Panel>) -> Sight {
    let Some(panel) = panel else { return Sight::Open };
    if panel.revealed() {
        return Sight::Open;
    }
    let manages = [Role::ClientManager, Role::DeliveryManager, Role::Auditor].iter().any(|role| standing.holds(*role));
    if manages && !plays_a_part(standing, panel) { Sight::Arranging } else { Sight::Blind }
}

/// Returns whether this person reads, may still read, or may decide between the readings.
fn plays_a_part(standing: &Standing, panel: &Panel) -> bool {
    let person = standing.id();
    let holds_duty = panel.duties.iter().any(|record| record.person == person && record.status == DutyStatus::Active);
    let reading_open = matches!(panel.status, PanelStatus::Planned | PanelStatus::Reading);
    let may_read = reading_open && standing.holds(Role::Expert) && panel.reading_of(person).is_none();
    let may_decide = panel.bench != Bench::Closed && standing.holds(Role::Adjudicator);
    holds_duty || may_read || may_decide
}
