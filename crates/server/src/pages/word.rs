//! Values in the reader's words: instants, statuses, roles, money. One place, so that every page says the same.

use std::{borrow::Borrow, fmt};

use jiff::{Timestamp, tz::TimeZone};
use remit_kernel::{
    engagement::SowStatus,
    index::{CaseStatus, EngagementStatus},
    pack::{Duty, spoken},
    role::{Role, Side},
    time::Instant,
};

/// An instant as people say it, exact on hover: `<time datetime title>in 3 days</time>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    at: Timestamp,
    now: Timestamp,
}

impl askama::filters::HtmlSafe for When {}

/// An instant that a template may hold.
pub(crate) trait Moment {
    /// Returns it as a timestamp.
    fn moment(&self) -> Timestamp;
}

impl Moment for Timestamp {
    fn moment(&self) -> Timestamp {
        *self
    }
}

impl<T: Moment> Moment for &T {
    fn moment(&self) -> Timestamp {
        (*self).moment()
    }
}

impl Moment for Instant {
    fn moment(&self) -> Timestamp {
        self.timestamp()
    }
}

/// Returns an instant as seen from now.
pub(crate) fn when(at: &impl Moment, now: &impl Moment) -> When {
    When { at: at.moment(), now: now.moment() }
}

impl When {
    /// Returns the relative words, such as `in 3 days` or `20 minutes ago`; a plain date beyond a month.
    pub(crate) fn words(self) -> String {
        let seconds = self.at.as_second().saturating_sub(self.now.as_second());
        let count = |amount: i64, unit: &str| {
            let amount = amount.abs();
            let plural = if amount == 1 { "" } else { "s" };
            if seconds >= 0 { format!("in {amount} {unit}{plural}") } else { format!("{amount} {unit}{plural} ago") }
        };
        match seconds.abs() {
            0..45 if seconds > 0 => "now".to_owned(),
            0..45 => "just now".to_owned(),
            45..5_400 => count((seconds + 30 * seconds.signum()) / 60, "minute"),
            5_400..129_600 => count((seconds + 1_800 * seconds.signum()) / 3_600, "hour"),
            129_600..2_678_400 => count((seconds + 43_200 * seconds.signum()) / 86_400, "day"),
            _ => date(&self.at),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time datetime=\"{}\" title=\"{}\">{}</time>", self.at, exact(&self.at), self.words())
    }
}

/// Returns an instant to the second, such as `2 March 2026, 09:00:00 UTC`.
pub(crate) fn exact(at: &impl Moment) -> String {
    at.moment().to_zoned(TimeZone::UTC).strftime("%-d %B %Y, %H:%M:%S UTC").to_string()
}

/// Returns the date of an instant as `3 March 2026`, in UTC.
pub(crate) fn date(at: &impl Moment) -> String {
    at.moment().to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string()
}

/// Returns a case's status in words.
pub(crate) fn status(status: impl Borrow<CaseStatus>) -> &'static str {
    match status.borrow() {
        CaseStatus::ScopeQuery => "Stopped at the scope gate",
        CaseStatus::Declined => "Declined",
        CaseStatus::Ready => "Ready to read",
        CaseStatus::Reading => "Being read",
        CaseStatus::Adjudicating => "In adjudication",
        CaseStatus::Resolved => "Decided",
        CaseStatus::InReview => "In review",
        CaseStatus::AwaitingSignOff => "Awaiting sign-off",
        CaseStatus::SignedOff => "Signed off",
        CaseStatus::Delivered => "Delivered",
        CaseStatus::Revision => "In revision",
        CaseStatus::Accepted => "Accepted",
        CaseStatus::Cancelled => "Cancelled",
    }
}

/// Returns an engagement's status in words.
pub(crate) fn engagement_status(status: impl Borrow<EngagementStatus>) -> &'static str {
    match status.borrow() {
        EngagementStatus::Draft => "Being set up",
        EngagementStatus::Live => "Live",
    }
}

/// Returns the status of a statement of work in words.
pub(crate) fn sow_status(status: impl Borrow<SowStatus>) -> &'static str {
    match status.borrow() {
        SowStatus::Draft => "Draft",
        SowStatus::Proposed => "Laid before both sides",
        SowStatus::InForce => "In force",
        SowStatus::Superseded => "Superseded",
    }
}

/// Returns a role in words.
pub(crate) fn role(role: impl Borrow<Role>) -> &'static str {
    match role.borrow() {
        Role::ClientManager => "Client manager",
        Role::DeliveryManager => "Delivery manager",
        Role::Expert => "Expert",
        Role::Adjudicator => "Adjudicator",
        Role::Reviewer => "Reviewer",
        Role::Signer => "Signer",
        Role::Auditor => "Auditor",
        Role::Operator => "Operator",
        Role::PeopleManager => "People manager",
    }
}

/// Returns roles in words, with commas.
pub(crate) fn roles<'a>(roles: impl IntoIterator<Item = &'a Role>) -> String {
    roles.into_iter().map(role).collect::<Vec<_>>().join(", ")
}

/// Returns a side in words.
pub(crate) fn side(side: impl Borrow<Side>) -> &'static str {
    match side.borrow() {
        Side::Client => "Client",
        Side::Provider => "Provider",
    }
}

/// Returns what a person with this duty does.
pub(crate) fn duty(duty: impl Borrow<Duty>) -> &'static str {
    match duty.borrow() {
        Duty::Read => "Read",
        Duty::Adjudicate => "Adjudicate",
        Duty::Sign => "Sign",
        Duty::Review => "Review",
    }
}

/// Returns the key of a credential or a clearance as it stands alone, such as `Chartered engineer`.
pub(crate) fn key(key: impl AsRef<str>) -> String {
    let spoken = spoken(key.as_ref());
    let mut letters = spoken.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Returns such keys as one says them in a sentence.
pub(crate) fn keys(keys: &[String], between: &str) -> String {
    keys.iter().map(|key| spoken(key)).collect::<Vec<_>>().join(between)
}

/// Returns an amount such as `45.00 GBP`. Currencies without minor units are written whole.
pub(crate) fn money(minor: impl Borrow<i64>, currency: &str) -> String {
    let minor = *minor.borrow();
    match currency {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" | "UGX" | "XAF" | "XOF" | "XPF" | "PYG" | "RWF" => {
            format!("{minor} {currency}")
        }
        _ => format!(
            "{}{}.{:02} {currency}",
            if minor < 0 { "-" } else { "" },
            minor.unsigned_abs() / 100,
            minor.unsigned_abs() % 100
        ),
    }
}

/// Returns a number with the noun it counts, such as `1 case` or `12 cases`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// Returns enough of a digest to tell versions apart.
pub(crate) fn short(digest: &remit_kernel::hash::Digest) -> String {
    digest.to_string().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(seconds: i64) -> String {
        let now = Instant::from_micros(1_772_442_000_000_000);
        when(&now.plus_seconds(seconds), &now).words()
    }

    #[test]
    fn instants_are_said_as_people_say_them() {
        assert_eq!([said(0), said(-44), said(-45), said(90)], ["just now", "just now", "1 minute ago", "in 2 minutes"]);
        assert_eq!([said(-5_399), said(5_400), said(-86_400)], ["90 minutes ago", "in 2 hours", "24 hours ago"]);
        assert_eq!([said(129_600), said(-3 * 86_400), said(40 * 86_400)], ["in 2 days", "3 days ago", "11 April 2026"]);
    }

    #[test]
    fn an_instant_is_exact_on_hover() {
        let now = Instant::from_micros(1_772_442_000_000_000);
        let html = when(&now, &now).to_string();
        assert_eq!(
            html,
            "<time datetime=\"2026-03-02T09:00:00Z\" title=\"2 March 2026, 09:00:00 UTC\">just now</time>"
        );
    }

    #[test]
    fn money_is_written_in_units() {
        assert_eq!([money(4_500, "GBP"), money(-5, "USD"), money(900, "JPY")], ["45.00 GBP", "-0.05 USD", "900 JPY"]);
    }
}
