//! The guise of a showing of gold: a reference and times that lie among those of real cases as a real case's would.
//!
//! What its reader knows of other cases is the measure: if their references follow the order in which cases came in, so
//! does the showing's; if a promise is a span after the receipt, so is its; if it is a time of the clock, it stays one.

use crate::{gold::below, hash::Digest, time::Instant};

/// How far the number of a showing's reference lies from the ones beside it, at most.
const REFERENCE_SPREAD: u64 = 40;
/// Of the free numbers below a known one so many come into question, the nearest: cases come in one after the other.
const NEAREST: usize = 3;
/// A showing came in no longer before its twin: one that waited for days would have been on offer all the while.
const WAITED_MICROS: i64 = 24 * 3_600 * SECOND;
/// A showing came in up to so long before the case after it, or after the one before it.
const BEFORE_MICROS: i64 = 3_600 * SECOND;
/// A showing said to have come in earlier than its twin is still promised for so long from now, at least.
const PROMISE_MICROS: i64 = 4 * 3_600 * SECOND;
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

/// A case as its reader knows it: what it is called and when it came in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) reference: &'a str,
    pub(super) received_at: Instant,
}

/// What a showing says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guise {
    /// `None`: the style of the case it stands for has no number, and the gold case's own reference serves.
    pub(super) reference: Option<String>,
    pub(super) received_at: Instant,
    pub(super) due_at: Instant,
}

/// Returns the guise of a showing that stands for `like`, promised at `due_at`, before a reader who knows `known`.
///
/// The showing comes in between two cases she knows, the last before `like` between which a number is free; where every
/// number down to the earliest whose promise could still be kept is hers, it is the newest of all. `unlike` is the
/// gold case's own reference, which is not used.
pub(super) fn guise(
    like: Known<'_>,
    due_at: Instant,
    known: &[Known<'_>],
    unlike: &str,
    now: Instant,
    chance: &[u8; 32],
) -> Guise {
    let (received, due) = (like.received_at.micros(), due_at.micros());
    let span = due - received;
    let style = Style::of(like.reference);
    let alike = |known: &&Known<'_>| style.is_none_or(|style| style.number_of(known.reference).is_some());
    let receipts: Vec<_> = known.iter().filter(alike).map(|known| known.received_at.micros()).collect();
    let step = step(received, &receipts);
    let earliest = (now.micros() + PROMISE_MICROS - span).max(received - WAITED_MICROS).min(received - step);
    let place = style.and_then(|style| style.place(received, known, unlike, (earliest, now.micros()), chance));
    let (reference, (after, before)) = match (style, place) {
        (Some(style), Some((number, room))) => (Some(style.written(number)), room),
        _ => (None, (received - BEFORE_MICROS, received)),
    };
    let received_at = between(after, before, step, received, chance);
    let due_at = if due % MINUTE == 0 && received % MINUTE != 0 {
        // Promised for a time of the clock, as are the cases beside it.
        due
    } else if span % SECOND == 0 {
        received_at + span
    } else {
        let jitter = i64::try_from(below(&draw(chance, "promise"), 0, SECOND.unsigned_abs())).unwrap_or_default();
        received_at + span - span.rem_euclid(SECOND) + jitter
    };
    Guise { reference, received_at: Instant::from_micros(received_at), due_at: Instant::from_micros(due_at) }
}

/// Returns the coarsest unit in which receipts of like cases differ: whole minutes or seconds where all those known do,
/// else microseconds. A case alone tells by its own instant.
fn step(received: i64, known: &[i64]) -> i64 {
    let others = || known.iter().filter(|other| **other != received);
    let origin = if others().next().is_some() { received } else { 0 };
    let all = |unit: &i64| (received - origin) % unit == 0 && others().all(|other| (other - origin) % unit == 0);
    [MINUTE, SECOND].into_iter().find(all).unwrap_or(1)
}

/// Returns an instant in steps from `origin` between two, not far from the later; they themselves where nothing lies
/// between.
fn between(after: i64, before: i64, step: i64, origin: i64, chance: &[u8; 32]) -> i64 {
    let after = after.max(before - BEFORE_MICROS);
    let first = (after - origin).div_euclid(step) + 1;
    let last = (before - origin - 1).div_euclid(step);
    let count = u64::try_from(last - first + 1).unwrap_or_default();
    if count == 0 {
        return after;
    }
    origin + (first + i64::try_from(below(&draw(chance, "receipt"), 0, count)).unwrap_or_default()) * step
}

fn draw(chance: &[u8; 32], purpose: &str) -> [u8; 32] {
    *Digest::of_parts(&[chance, purpose.as_bytes()]).bytes()
}

/// How references are written: the last number of one, with what stands around it.
#[derive(Debug, Clone, Copy)]
struct Style<'a> {
    before: &'a str,
    after: &'a str,
    width: usize,
    number: u64,
}

impl<'a> Style<'a> {
    fn of(reference: &'a str) -> Option<Self> {
        let end = reference.rfind(|letter: char| letter.is_ascii_digit())? + 1;
        let start = reference[..end]
            .rfind(|letter: char| !letter.is_ascii_digit())
            .map_or(0, |place| place + reference[place..].chars().next().map_or(1, char::len_utf8));
        let number = reference[start..end].parse().ok()?;
        Some(Self { before: &reference[..start], after: &reference[end..], width: end - start, number })
    }

    fn written(&self, number: u64) -> String {
        format!("{}{number:0width$}{}", self.before, self.after, width = self.width)
    }

    fn number_of(&self, reference: &str) -> Option<u64> {
        Style::of(reference).filter(|other| (other.before, other.after) == (self.before, self.after)).map(|o| o.number)
    }

    /// Returns a free number and the instants between which a case that bears it came in.
    fn place(
        &self,
        received: i64,
        known: &[Known<'_>],
        unlike: &str,
        (earliest, now): (i64, i64),
        chance: &[u8; 32],
    ) -> Option<(u64, (i64, i64))> {
        let numbered = |known: &Known<'_>| Some((known.received_at.micros(), self.number_of(known.reference)?));
        let mut cases: Vec<(i64, u64)> = known.iter().filter_map(numbered).chain([(received, self.number)]).collect();
        cases.sort_unstable();
        cases.dedup();
        let free = |number: &u64| {
            *number > 0
                && !cases.iter().any(|(_, taken)| taken == number)
                && self.written(*number) != unlike
                && self.written(*number).len() == self.written(self.number).len()
        };
        let pick = |numbers: Vec<u64>| {
            let place = below(&draw(chance, "reference"), 0, numbers.len() as u64);
            numbers.get(usize::try_from(place).unwrap_or_default()).copied()
        };
        let ordered = cases.windows(2).all(|pair| pair[0].1 <= pair[1].1);
        if !ordered {
            let near = self.number.saturating_sub(REFERENCE_SPREAD)..=self.number.saturating_add(REFERENCE_SPREAD);
            return Some((pick(near.filter(free).collect())?, (received - BEFORE_MICROS, received)));
        }
        let own = cases.iter().position(|case| *case == (received, self.number)).unwrap_or_default();
        for place in (0..=own).rev() {
            let (before, last) = cases[place];
            if before <= earliest {
                break;
            }
            let (after, first) = match place.checked_sub(1).map(|place| cases[place]) {
                Some((after, number)) => (after, number + 1),
                None => (before - BEFORE_MICROS, 1),
            };
            let numbers = (first.max(last.saturating_sub(REFERENCE_SPREAD))..last).rev().filter(free).take(NEAREST);
            if let Some(number) = pick(numbers.collect()) {
                return Some((number, (after.max(earliest), before)));
            }
        }
        let (newest, last) = *cases.last()?;
        let next = (last + 1..=last + REFERENCE_SPREAD).find(free)?;
        Some((next, (newest, (newest + BEFORE_MICROS).min(now.max(newest)))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::*;

    const DAY: i64 = 86_400 * SECOND;

    fn at(micros: i64) -> Instant {
        Instant::from_micros(micros)
    }

    fn known<'a>(cases: &[(&'a str, i64)]) -> Vec<Known<'a>> {
        cases.iter().map(|(reference, received)| Known { reference, received_at: at(*received) }).collect()
    }

    /// Guises for many chances before a reader who knows these cases; the last of them is the twin, due in ten days.
    fn guises(cases: &[(&str, i64)], span: i64, now: i64) -> Vec<Guise> {
        let cases = known(cases);
        let like = *cases.last().unwrap();
        let due = at(like.received_at.micros() + span);
        (0..100u8).map(|chance| guise(like, due, &cases, "DR-100", at(now), &[chance; 32])).collect()
    }

    #[test]
    fn a_promise_keeps_its_span_and_a_reference_follows_the_order_of_receipt() {
        let cases = [("DR-098", DAY), ("DR-103", 2 * DAY + 3), ("DR-107", 3 * DAY + 17)];
        for guise in guises(&cases, 10 * DAY, 4 * DAY) {
            let received = guise.received_at.micros();
            assert_eq!(guise.due_at.micros() - received, 10 * DAY, "{guise:?}");
            assert!(received > 2 * DAY + 3 && received < 3 * DAY + 17, "{guise:?}");
            let number: u64 = guise.reference.as_deref().unwrap()[3..].parse().unwrap();
            assert!((104..107).contains(&number), "{guise:?}");
            assert_ne!(received % SECOND, 17, "it does not share the twin's fraction of a second");
        }
    }

    #[test]
    fn where_the_reader_knows_every_number_it_comes_from_the_last_gap_or_is_the_newest() {
        let hour = 3_600 * SECOND;
        let gap = [("DR-091", 0), ("DR-093", 20 * hour), ("DR-094", 30 * hour)];
        for guise in guises(&gap, 10 * DAY, 31 * hour) {
            assert_eq!(guise.reference.as_deref(), Some("DR-092"));
            assert!((19 * hour..20 * hour).contains(&guise.received_at.micros()), "{guise:?}");
        }
        // One that has waited for longer than a day would have been on offer: then it is the newest, too.
        let long = [("DR-091", 0), ("DR-093", 20 * hour), ("DR-094", 60 * hour)];
        for guise in guises(&long, 10 * DAY, 61 * hour) {
            assert_eq!(guise.reference.as_deref(), Some("DR-095"));
            assert!((60 * hour..61 * hour).contains(&guise.received_at.micros()), "{guise:?}");
        }
        // One that is not hers alone is the gold case's own number: DR-100 is passed over.
        let full = [("DR-098", 0), ("DR-099", hour)];
        let by_now = guises(&full, 10 * DAY, 11 * DAY);
        for guise in by_now {
            assert_eq!(guise.reference.as_deref(), Some("DR-101"));
            assert!((hour + 1..2 * hour).contains(&guise.received_at.micros()), "{guise:?}");
        }
    }

    #[test]
    fn among_cases_of_one_act_it_came_in_with_them() {
        let batch = [("DR-01", 0), ("DR-04", 5 * DAY + 1), ("DR-09", 5 * DAY + 1)];
        for guise in guises(&batch, 10 * DAY, 6 * DAY) {
            assert_eq!(guise.received_at.micros(), 5 * DAY + 1, "{guise:?}");
            let number: u64 = guise.reference.as_deref().unwrap()[3..].parse().unwrap();
            assert!((5..9).contains(&number), "{guise:?}");
        }
    }

    #[test]
    fn a_promise_by_the_clock_stays_one() {
        let cases = [("DR-3", 0), ("DR-7", DAY + 4_711)];
        let span = 9 * DAY - 4_711;
        assert!(guises(&cases, span, 2 * DAY).iter().all(|guise| guise.due_at.micros() == 10 * DAY));
        // One that a client's own clock made differs by a fraction of a second from case to case.
        let spans: Vec<_> = guises(&cases, 2 * DAY - 286_759, DAY + 5_000)
            .iter()
            .map(|guise| guise.due_at.micros() - guise.received_at.micros())
            .collect();
        assert!(spans.iter().all(|span| (2 * DAY - SECOND..2 * DAY).contains(span)), "{spans:?}");
        assert!(spans.windows(2).any(|pair| pair[0] != pair[1]), "{spans:?}");
    }

    #[test]
    fn the_style_of_a_reference_is_kept_and_references_in_no_order_stay_in_none() {
        let cases = [("HI-2026-0050", 0), ("HI-2026-0029", 1), ("HI-2026-0031", DAY)];
        for guise in guises(&cases, DAY, 2 * DAY) {
            let reference = guise.reference.unwrap();
            assert!(reference.starts_with("HI-2026-00") && reference.len() == 12, "{reference}");
            assert!(cases.iter().all(|(known, _)| *known != reference), "{reference}");
        }
        assert!(guises(&[("Smith v Jones", DAY)], DAY, DAY).iter().all(|guise| guise.reference.is_none()));
        let odd = guises(&[("Füße 7 b", DAY)], DAY, DAY);
        assert!(odd.iter().all(|guise| guise.reference.as_ref().is_some_and(|found| found.ends_with(" b"))));
    }
}
