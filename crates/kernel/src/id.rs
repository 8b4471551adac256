//! Identifiers: one type for each noun, so that the compiler catches a swap.
//!
//! Written `case_01k9x4m2q7...`: a prefix and a 26-character suffix that sorts by creation time.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Characters of Crockford's base 32, in order, lower case.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Which bytes are characters of the alphabet.
const KNOWN: [bool; 256] = {
    let mut known = [false; 256];
    let mut at = 0;
    while at < ALPHABET.len() {
        known[ALPHABET[at] as usize] = true;
        at += 1;
    }
    known
};
/// Longest identifier, prefix included.
const ID_CHARS_MAX: usize = 36;
/// Characters of the suffix: 130 bits, of which 48 are milliseconds and 80 chance.
const SUFFIX_CHARS: usize = 26;

/// A text that is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an identifier of a {noun} (wanted: `{prefix}_` and 26 characters)")]
pub struct BadId {
    /// The text as given, cut at 64 characters.
    pub text: String,
    /// What it should have named.
    pub noun: &'static str,
    /// The prefix it should have carried.
    pub prefix: &'static str,
}

/// The 26 characters after the prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Suffix([u8; SUFFIX_CHARS]);

impl Suffix {
    /// Returns the suffix for an instant in milliseconds and 80 bits of chance.
    pub fn new(millis: u64, chance: [u8; 10]) -> Self {
        let mut bits = u128::from(millis & 0xffff_ffff_ffff) << 80;
        for (place, byte) in chance.iter().enumerate() {
            bits |= u128::from(*byte) << (72 - 8 * place);
        }
        let mut out = [b'0'; SUFFIX_CHARS];
        for slot in out.iter_mut().rev() {
            *slot = ALPHABET[usize::from((bits & 31) as u8)];
            bits >>= 5;
        }
        Self(out)
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; SUFFIX_CHARS] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(|byte| KNOWN[usize::from(*byte)]).then_some(Self(bytes))
    }

    /// Returns the instant for which it was made, in milliseconds.
    pub fn millis(&self) -> u64 {
        let place = |byte: u8| ALPHABET.iter().position(|known| *known == byte).unwrap_or_default();
        // 26 characters hold 130 bits; the 48 of the instant begin after the first two, and end within the tenth character.
        self.0[..10].iter().fold(0, |millis, byte| millis << 5 | place(*byte) as u64)
    }

    /// Returns the characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// What every identifier type offers.
pub trait Id: Copy + Ord + fmt::Display {
    /// The noun in words, for messages.
    const NOUN: &'static str;
    /// The prefix before the underscore.
    const PREFIX: &'static str;
    /// Wraps a suffix.
    fn of(suffix: Suffix) -> Self;
    /// Returns the suffix.
    fn suffix(&self) -> Suffix;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal $noun:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Suffix);

        impl Id for $name {
            const NOUN: &'static str = $noun;
            const PREFIX: &'static str = $prefix;
            fn of(suffix: Suffix) -> Self { Self(suffix) }
            fn suffix(&self) -> Suffix { self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str("_")?;
                f.write_str(self.0.as_str())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                text.strip_prefix($prefix).and_then(|rest| rest.strip_prefix('_')).and_then(Suffix::parse).map(Self)
                    .ok_or_else(|| BadId { text: text.chars().take(64).collect(), noun: $noun, prefix: $prefix })
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut out = [b'_'; ID_CHARS_MAX];
                let whole = $prefix.len() + 1 + SUFFIX_CHARS;
                out[..$prefix.len()].copy_from_slice($prefix.as_bytes());
                out[$prefix.len() + 1..whole].copy_from_slice(&self.0.0);
                serializer.serialize_str(std::str::from_utf8(&out[..whole]).unwrap_or_default())
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                parsed(deserializer)
            }
        }
    )* };
}

/// Reads a value from its text without keeping the text.
pub(crate) fn parsed<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    struct Text<T>(PhantomData<T>);

    impl<T: FromStr<Err: fmt::Display>> de::Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(PhantomData))
}

ids! {
    /// The relationship under which work is done; also the scope of every row made under it.
    EngagementId "eng" "engagement";
    /// One version of a statement of work.
    SowId "sow" "statement of work";
    /// One line of a statement of work.
    LineId "line" "SOW line";
    /// One matter owned from start to finish. Its panel carries the same suffix.
    CaseId "case" "case";
    /// A case with agreed answers, shown again to measure readers; suffix of the case.
    GoldId "gold" "gold case";
    /// A decided case published as guidance; suffix of the case.
    PrecedentId "prec" "precedent";
    /// A calibration round.
    CalibrationId "cal" "calibration round";
    /// A chart of misses at its limit.
    AlarmId "alarm" "alarm";
    /// The planned set of independent readings of a case; suffix of the case.
    PanelId "panel" "panel";
    /// One judgement made within a panel.
    ReadingId "read" "reading";
    /// A person's duty for a reading or an adjudication.
    AssignmentId "asg" "assignment";
    /// Document, image or link in the case file.
    ItemId "item" "item";
    /// A text kept apart from events.
    TextId "text" "text";
    /// One request that a professional takes responsibility for exact content.
    SignoffId "sign" "sign-off";
    /// One look at finished work by somebody who had no part in it.
    ReviewId "rev" "review";
    /// Cases that were decided in the same week and are judged together.
    LotId "lot" "lot";
    /// The sampling of one service and case type from lot to lot.
    SamplerId "smp" "sampler";
    /// One release of a deliverable to the client.
    DeliveryId "dlv" "delivery";
    /// A client or provider.
    OrgId "org" "organisation";
    /// A person of the directory.
    PersonId "person" "person";
    /// A credential of a person.
    CredentialId "cred" "credential";
    /// One command that changed something.
    ActId "act" "act";
    /// One row of the record of acts and views.
    EntryId "ent" "entry";
    /// One piece of work after the answer.
    JobId "job" "job";
    /// One signed-in browser or token.
    SessionId "sess" "session";
}

impl CaseId {
    /// Returns the panel of this case.
    pub fn panel(&self) -> PanelId {
        PanelId::of(self.suffix())
    }

    /// Returns the precedent that this case may become.
    pub fn precedent(&self) -> PrecedentId {
        PrecedentId::of(self.suffix())
    }

    /// Returns the gold case that this case may become.
    pub fn gold(&self) -> GoldId {
        GoldId::of(self.suffix())
    }
}

impl PrecedentId {
    /// Returns the case from which this precedent comes.
    pub fn case(&self) -> CaseId {
        CaseId::of(self.suffix())
    }
}

impl GoldId {
    /// Returns the case from which this gold case comes.
    pub fn case(&self) -> CaseId {
        CaseId::of(self.suffix())
    }
}

impl PanelId {
    /// Returns the case of this panel.
    pub fn case(&self) -> CaseId {
        CaseId::of(self.suffix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_sorts_by_time_and_reads_back() {
        for millis in [0, 1, 1_000, 1_795_807_853_719, 0xffff_ffff_ffff] {
            assert_eq!(Suffix::new(millis, [255; 10]).millis(), millis);
        }
        let early = CaseId::of(Suffix::new(1_000, [255; 10]));
        let late = CaseId::of(Suffix::new(1_001, [0; 10]));
        assert!(early < late);
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(early.panel().case(), early);
    }

    #[test]
    fn another_prefix_or_character_is_refused() {
        let case = CaseId::of(Suffix::new(7, [3; 10])).to_string();
        assert!(case.parse::<PersonId>().is_err());
        assert!(case.to_uppercase().parse::<CaseId>().is_err());
        assert!(format!("{case}0").parse::<CaseId>().is_err());
    }
}
