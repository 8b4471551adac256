//! Refusals: broken rules as data. People and programs get the same reasons, in the reader's words.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// A refused command: at least one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why, all at once; never empty.
    pub reasons: Vec<Reason>,
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable code, such as `credential-expired`; see [`code`].
    pub code: Cow<'static, str>,
    /// What kind of answer this calls for.
    pub class: Class,
    /// The thing or field it is about.
    pub subject: String,
    /// What happened, as a clause in lower case.
    pub sentence: String,
    /// What to do next, as a full sentence; may be empty.
    pub hint: String,
    /// Clause of the statement of work, where one speaks.
    pub clause: Option<String>,
    /// Invariant behind the rule, shown under "Details" only.
    pub invariant: Option<Cow<'static, str>>,
}

/// The class of a reason decides the status of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Fields need correction (422).
    Field,
    /// A rule refuses (409).
    Rule,
    /// Seen, but not yours to do (403).
    Forbidden,
    /// Unknown, or not yours to know (404).
    Hidden,
}

impl Reason {
    /// Returns a reason about one field of the input.
    pub fn field(code: &'static str, field: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self::new(code, Class::Field, field, sentence)
    }

    /// Returns a reason from a rule of the domain.
    pub fn rule(code: &'static str, subject: impl fmt::Display, sentence: impl Into<String>) -> Self {
        Self::new(code, Class::Rule, subject.to_string(), sentence)
    }

    /// Returns a reason for somebody who may see the thing but not do this to it.
    pub fn forbidden(code: &'static str, subject: impl fmt::Display, sentence: impl Into<String>) -> Self {
        Self::new(code, Class::Forbidden, subject.to_string(), sentence)
    }

    /// Returns a reason that is the same for what is unknown and what is hidden.
    pub fn hidden(subject: impl fmt::Display) -> Self {
        Self::new(code::NOT_FOUND, Class::Hidden, subject.to_string(), "there is nothing here under this address")
            .hint("Check the address, or ask your delivery manager for access.")
    }

    fn new(code: &'static str, class: Class, subject: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(code),
            class,
            subject: subject.into(),
            sentence: sentence.into(),
            hint: String::new(),
            clause: None,
            invariant: None,
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Adds the clause of the statement of work.
    #[must_use]
    pub fn clause(mut self, clause: impl Into<String>) -> Self {
        self.clause = Some(clause.into());
        self
    }

    /// Adds the invariant behind the rule.
    #[must_use]
    pub fn invariant(mut self, invariant: &'static str) -> Self {
        self.invariant = Some(Cow::Borrowed(invariant));
        self
    }
}

impl Refusal {
    /// Returns a refusal with these reasons, or nothing to refuse if there are none.
    pub fn unless_empty(reasons: Vec<Reason>) -> Result<(), Self> {
        if reasons.is_empty() { Ok(()) } else { Err(Self { reasons }) }
    }

    /// Returns the class that decides the answer: hidden before forbidden before rule before field.
    pub fn class(&self) -> Class {
        self.reasons.iter().map(|reason| reason.class).max().unwrap_or(Class::Rule)
    }

    /// Returns whether one of the reasons has this code.
    pub fn has(&self, code: &str) -> bool {
        self.reasons.iter().any(|reason| reason.code == code)
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reasons: vec![reason] }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, reason) in self.reasons.iter().enumerate() {
            if place > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{}: {}", reason.subject, reason.sentence)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// Every code a refusal can carry. A code is a promise: it is never renamed.
#[allow(missing_docs, reason = "each code is its own words")]
pub mod code {
    macro_rules! codes { ($($name:ident $text:literal;)*) => {
        $(pub const $name: &str = $text;)*
        /// All codes, for documentation and tests.
        pub const ALL: &[&str] = &[$($text),*];
    } }
    codes! {
        NOT_FOUND "not-found";
        NOT_PERMITTED "not-permitted";
        QUESTION_UNKNOWN "question-unknown";
        OPTION_UNKNOWN "option-unknown";
        ANSWER_MISSING "answer-missing";
        ANSWER_KIND "answer-kind";
        RATIONALE_MISSING "rationale-missing";
        CONFIDENCE_MISSING "confidence-missing";
        CONFIDENCE_RANGE "confidence-range";
        TEXT_TOO_LONG "text-too-long";
        TEXT_EMPTY "text-empty";
        TEXT_CHARACTERS "text-characters";
        EVIDENCE_MISSING "evidence-missing";
        EVIDENCE_TOO_MANY "evidence-too-many";
        EVIDENCE_ITEM "evidence-item";
        QUOTE_NOT_FOUND "quote-not-found";
        QUOTE_AMBIGUOUS "quote-ambiguous";
        SPAN_OUTSIDE "span-outside";
        SPAN_COUNT "span-count";
        SINGLE_READING "single-reading";
        BETTER_READER "better-reader-free";
        PICKS_COUNT "picks-count";
        NUMBER_RANGE "number-range";
        FIELD_INVALID "field-invalid";
        OUT_OF_SCOPE "out-of-scope";
        VOLUME_USED_UP "volume-used-up";
        SOW_NOT_IN_FORCE "sow-not-in-force";
        PLACE_NOT_COVERED "place-not-covered";
        DUPLICATE "duplicate";
        WRONG_STATE "wrong-state";
        ENGAGEMENT_NOT_LIVE "engagement-not-live";
        NO_SIGNER "no-signer";
        SOW_IMMUTABLE "sow-immutable";
        SAME_PERSON "same-person";
        SELF_REVIEW "self-review";
        NOT_A_MEMBER "not-a-member";
        ROLE_MISSING "role-missing";
        PERSON_INACTIVE "person-inactive";
        CREDENTIAL_MISSING "credential-missing";
        CREDENTIAL_EXPIRED "credential-expired";
        CREDENTIAL_REVOKED "credential-revoked";
        CLEARANCE_MISSING "clearance-missing";
        CONFLICT "conflict";
        CAPACITY_FULL "capacity-full";
        LANGUAGE_MISSING "language-missing";
        ALREADY_READ "already-read";
        HOLDS_SEAT "holds-seat";
        NO_OPEN_SEAT "no-open-seat";
        NOTHING_ELIGIBLE "nothing-eligible";
        SEAT_NOT_YOURS "seat-not-yours";
        PANEL_CLOSED "panel-closed";
        ADJUDICATOR_TAKEN "adjudicator-taken";
        ITEM_UNOPENED "item-unopened";
        REAUTH_NEEDED "reauth-needed";
        CONTENT_CHANGED "content-changed";
        SIGNOFF_MISSING "signoff-missing";
        READING_OPEN "reading-open";
        REVISIONS_USED_UP "revisions-used-up";
        AI_CANNOT_DECIDE "ai-cannot-decide";
        IMPORTED_ONLY "imported-only";
        HISTORY_LINE_ONLY "history-line-only";
        SUCCESSOR_NEEDED "successor-needed";
        TOO_MANY "too-many";
        PACK_UNKNOWN "pack-unknown";
        NOT_GOLD "not-gold";
        NOT_CALIBRATED "not-calibrated";
        NOT_PRECEDENT "not-precedent";
        SEED_LOST "seed-lost";
        REVIEW_OPEN "review-open";
        REVIEW_TAKEN "review-taken";
        TOO_LATE "too-late";
    }
}
