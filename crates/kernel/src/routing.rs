//! Who may take a duty, and why not. Only declared factors count (I29); no personal traits.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    directory::{Credential, Person},
    engagement::{Member, Tally},
    hash::{Digest, canonical},
    id::{CaseId, CredentialId, LineId},
    index::NeedRow,
    pack::{Calibrated, Duty, Requirement, spoken},
    refusal::{Reason, code},
    role::Role,
    time::Instant,
};

/// Most candidates that one request for the next case examines.
pub const CANDIDATES_MAX: usize = 50;

/// What the seats of a case call for. Cases that call for the same share one need, so that open seats are found by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// SOW line.
    pub line: LineId,
    /// Jurisdiction of the case.
    pub jurisdiction: String,
    /// What the pack requires of readers.
    pub reader: Requirement,
    /// What the pack requires of adjudicators.
    pub adjudicator: Requirement,
    /// What the pack requires of signers.
    pub signer: Requirement,
    /// What the pack requires of reviewers.
    #[serde(default, skip_serializing_if = "Requirement::is_none")]
    pub reviewer: Requirement,
    /// Countries from which the work may be done; empty: all.
    pub places: BTreeSet<String>,
    /// Working language.
    pub language: String,
    /// Digest of the pack under which one must be calibrated; none: calibration is not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated_on: Option<Digest>,
}

/// A case that was looked at for a person and passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examined {
    /// The case.
    pub case: CaseId,
    /// Codes of the reasons.
    pub why_not: Vec<String>,
}

impl Need {
    /// Returns the digest by which open seats are found.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// Returns the index row.
    pub fn row(&self) -> NeedRow {
        NeedRow { need: self.digest(), body: canonical(self) }
    }

    fn requirement(&self, duty: Duty) -> &Requirement {
        match duty {
            Duty::Read => &self.reader,
            Duty::Adjudicate => &self.adjudicator,
            Duty::Sign => &self.signer,
            Duty::Review => &self.reviewer,
        }
    }
}

/// The role that a duty belongs to.
pub fn role_of(duty: Duty) -> Role {
    match duty {
        Duty::Read => Role::Expert,
        Duty::Adjudicate => Role::Adjudicator,
        Duty::Sign => Role::Signer,
        Duty::Review => Role::Reviewer,
    }
}

/// Returns why this person may not do this duty for this need; nothing: eligible. Conflicts are judged per case.
///
/// `name` is how sentences speak of the person. Capacity is judged by [`capacity`], since a held duty is already counted.
pub fn eligibility(
    name: &str,
    person: &Person,
    member: Option<&Member>,
    need: &Need,
    duty: Duty,
    now: Instant,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !person.active {
        reasons.push(
            Reason::rule(code::PERSON_INACTIVE, person.person, format!("{name} has left"))
                .hint("Choose somebody who is with you now."),
        );
    }
    match member.filter(|member| member.active) {
        None => reasons.push(
            Reason::rule(code::NOT_A_MEMBER, person.person, format!("{name} is not a member of this engagement"))
                .hint("Add the person under People first."),
        ),
        Some(member) if !member.roles.contains(&role_of(duty)) => reasons.push(
            Reason::rule(
                code::ROLE_MISSING,
                person.person,
                format!("{name} does not have the role {}", role_of(duty).word()),
            )
            .hint("Give the person this role under People, or choose somebody who has it."),
        ),
        Some(_) => {}
    }
    let requirement = need.requirement(duty);
    if let Err(reason) = credential(name, person, requirement, &need.jurisdiction, now) {
        reasons.push(*reason);
    }
    for clearance in requirement.clearances.iter().filter(|clearance| !person.clearances.contains(*clearance)) {
        reasons.push(
            Reason::rule(
                code::CLEARANCE_MISSING,
                clearance,
                format!("{name} is not cleared for {}", spoken(clearance)),
            )
            .hint("Grant the clearance under People, or choose somebody who has it."),
        );
    }
    if let (Some(rule), Some(pack)) = (requirement.calibration, need.calibrated_on) {
        reasons.extend(calibration(name, person, member, rule, pack));
    }
    if !need.places.is_empty() && !need.places.contains(&person.place) {
        let place = if person.place.is_empty() { "an unknown place" } else { &person.place };
        reasons.push(
            Reason::rule(code::PLACE_NOT_COVERED, person.person, format!("{name} works from {place}, which the SOW line does not cover"))
                .hint("Choose somebody who works from a place named in the line, or agree a new version of the statement of work."),
        );
    }
    if !need.language.is_empty() && !person.languages.contains(&need.language) {
        reasons.push(
            Reason::rule(code::LANGUAGE_MISSING, person.person, format!("{name} does not work in `{}`", need.language))
                .hint("Choose somebody who works in the language of the case."),
        );
    }
    reasons
}

/// Returns the credential that makes this person eligible, or none where none is needed.
///
/// # Errors
/// The best reason why no credential of the person will do: expired before revoked before missing.
pub fn credential(
    name: &str,
    person: &Person,
    requirement: &Requirement,
    jurisdiction: &str,
    now: Instant,
) -> Result<Option<CredentialId>, Box<Reason>> {
    if requirement.credentials.is_empty() {
        return Ok(None);
    }
    let fits = |record: &Credential| {
        requirement.credentials.contains(&record.kind) && (!requirement.in_jurisdiction || record.covers(jurisdiction))
    };
    if let Some((id, _)) = person.credentials.iter().find(|(_, record)| fits(record) && record.holds(now)) {
        return Ok(Some(*id));
    }
    let place = if requirement.in_jurisdiction { format!(" in {jurisdiction}") } else { String::new() };
    let wanted = requirement.credentials.iter().map(|kind| spoken(kind)).collect::<Vec<_>>().join(" or ");
    let revoked = |record: &Credential| record.revoked_at.is_some();
    let ended = |record: &Credential| record.valid_to < now.date();
    let nearness = |record: &Credential| (ended(record) && !revoked(record), revoked(record), record.valid_to);
    let nearest =
        person.credentials.iter().filter(|(_, record)| fits(record)).max_by_key(|(_, record)| nearness(record));
    let reason = match nearest {
        Some((id, record)) if revoked(record) => Reason::rule(
            code::CREDENTIAL_REVOKED,
            id,
            format!("the credential of {name} as {} was revoked", spoken(&record.kind)),
        ),
        Some((id, record)) if ended(record) => Reason::rule(
            code::CREDENTIAL_EXPIRED,
            id,
            format!("the credential of {name} as {} ended on {}", spoken(&record.kind), record.valid_to),
        ),
        Some((id, record)) => Reason::rule(
            code::CREDENTIAL_MISSING,
            id,
            format!("the credential of {name} as {} begins on {}", spoken(&record.kind), record.valid_from),
        ),
        None => Reason::rule(
            code::CREDENTIAL_MISSING,
            person.person,
            format!("{name} holds no credential as {wanted}{place}"),
        ),
    };
    Err(Box::new(reason.hint("Choose another person, or record the renewed credential under People.")))
}

/// Returns why a person does not count as calibrated under a pack, with the figures and what to do.
fn calibration(name: &str, person: &Person, member: Option<&Member>, rule: Calibrated, pack: Digest) -> Option<Reason> {
    let Tally { answers, right } = member.and_then(|member| member.gold.get(&pack)).copied().unwrap_or_default();
    let enough = answers >= rule.answers_min;
    let well = u64::from(right) * 10_000 >= u64::from(answers) * u64::from(rule.share_bp);
    if enough && well {
        return None;
    }
    let wanted = u32::from(rule.share_bp) / 100;
    let sentence = if enough {
        let share = u64::from(right) * 100 / u64::from(answers.max(1));
        format!(
            "{name} answered {right} of {answers} questions of gold cases like the gold answer ({share} %), \
             and {wanted} % are asked for"
        )
    } else {
        format!(
            "{name} has answered {answers} questions of gold cases under this playbook, and {} are asked for",
            rule.answers_min
        )
    };
    let reason = Reason::rule(code::NOT_CALIBRATED, person.person, sentence);
    Some(
        reason
            .hint("Ask for the next case to be given gold cases, or take part in a calibration round.")
            .invariant("I9"),
    )
}

/// Returns why this person has no room for another duty.
pub fn capacity(name: &str, member: &Member) -> Option<Reason> {
    (member.load >= member.capacity).then(|| {
        Reason::rule(
            code::CAPACITY_FULL,
            member.person,
            format!("{name} holds {} of {} cases at a time", member.load, member.capacity),
        )
        .hint("Finish or give back a case first, or raise the capacity under People.")
    })
}

/// Returns why an interest bars this person from a case with these parties.
pub fn conflict(name: &str, person: &Person, parties: &BTreeSet<String>) -> Option<Reason> {
    let party = person.conflicts.intersection(parties).next()?;
    Some(
        Reason::rule(
            code::CONFLICT,
            person.person,
            format!("{name} has declared an interest in `{party}`, a party to this case"),
        )
        .hint("Choose somebody without that interest."),
    )
}
