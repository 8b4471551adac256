//! Digests and the canonical form of JSON that they are taken over (RFC 8785).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest, written as 64 lower-case hexadecimal characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Returns the digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Returns the digest of several parts, each preceded by its length, so that no two lists of parts collide.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// Returns the digest of a value's canonical JSON.
    pub fn of_json<T: Serialize>(value: &T) -> Self {
        Self::of(canonical(value).as_bytes())
    }

    /// Wraps 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the 64 characters.
    fn characters(&self) -> [u8; 64] {
        let mut out = [0; 64];
        for (place, byte) in out.chunks_exact_mut(2).zip(self.0) {
            place[0] = HEX[usize::from(byte >> 4)];
            place[1] = HEX[usize::from(byte & 15)];
        }
        out
    }
}

/// The digits of a digest, in order.
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Returns the canonical JSON (RFC 8785) of a value.
///
/// Our own types hold no maps with keys that are not texts, so this cannot fail for them; a value that cannot be
/// written gives `null`, whose digest matches nothing.
pub fn canonical<T: Serialize>(value: &T) -> String {
    crate::canonical::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.characters()).unwrap_or_default())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a digest (wanted: 64 hexadecimal characters)")]
pub struct BadDigest;

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let characters: &[u8; 64] = text.as_bytes().try_into().map_err(|_| BadDigest)?;
        let (mut bytes, mut seen) = ([0; 32], 0);
        for (byte, pair) in bytes.iter_mut().zip(characters.chunks_exact(2)) {
            let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
            // Whether all were digits is asked once, at the end: millions of digests are read in a row.
            seen |= high | low;
            *byte = high << 4 | low & 0x0f;
        }
        if seen & NO_DIGIT == 0 { Ok(Self(bytes)) } else { Err(BadDigest) }
    }
}

/// What stands in [`DIGITS`] for a character that is no digit.
const NO_DIGIT: u8 = 0x80;
/// The value of every character as a hexadecimal digit.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.characters()).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::id::parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_a_digest_reads_back() {
        assert_eq!(canonical(&serde_json::json!({"b": 1, "a": [true, null]})), r#"{"a":[true,null],"b":1}"#);
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(digest.to_string().to_uppercase().parse::<Digest>(), Err(BadDigest), "there is one way to write it");
        assert_ne!(Digest::of_parts(&[b"ab", b"c"]), Digest::of_parts(&[b"a", b"bc"]));
    }
}
