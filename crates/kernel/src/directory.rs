//! Organisations and people: scope `dir`. Credentials carry jurisdiction and dates and are never deleted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    id::{CredentialId, OrgId, PersonId},
    index::{CredentialRow, OrganisationRow, PersonRow, Row},
    role::Role,
    text::TextRef,
    time::{Date, Instant},
};

/// What happens to an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum OrganisationEvent {
    /// It joined the directory.
    Added { org: OrgId, name: TextRef, country: String },
}

/// What happens to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum PersonEvent {
    /// The person joined the directory.
    Added {
        person: PersonId,
        natural: PersonId,
        org: OrgId,
        name: TextRef,
        signs_in: bool,
        place: String,
        languages: BTreeSet<String>,
        roles: BTreeSet<Role>,
    },
    /// A verified licence, degree or certificate.
    CredentialRecorded {
        credential: CredentialId,
        kind: String,
        jurisdiction: String,
        number: TextRef,
        valid_from: Date,
        valid_to: Date,
        verified_by: PersonId,
    },
    /// A credential no longer holds.
    CredentialRevoked { credential: CredentialId, reason: TextRef },
    /// Permission to work with a class of data or for a client.
    ClearanceGranted { clearance: String },
    /// That permission ended.
    ClearanceWithdrawn { clearance: String },
    /// An interest that bars the person from matters with this party.
    ConflictDeclared { party: String },
    /// The interest ended.
    ConflictCleared { party: String },
    /// The person works from another country now.
    PlaceChanged { place: String },
    /// The person left.
    Left {},
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Its identifier.
    pub org: OrgId,
    /// Its name.
    pub name: TextRef,
    /// Country of its seat, ISO 3166 alpha-2.
    pub country: String,
}

/// A person of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Its identifier.
    pub person: PersonId,
    /// The natural person: the first account of the same human being. Separation of duties compares this (I3).
    pub natural: PersonId,
    /// Employer.
    pub org: OrgId,
    /// Name.
    pub name: TextRef,
    /// Whether the account can sign in.
    pub signs_in: bool,
    /// Country of work, ISO 3166 alpha-2; empty: unknown, which denies.
    pub place: String,
    /// Working languages, BCP 47.
    pub languages: BTreeSet<String>,
    /// Roles that hold in the directory itself.
    pub roles: BTreeSet<Role>,
    /// Credentials, current and past.
    pub credentials: BTreeMap<CredentialId, Credential>,
    /// Clearances held.
    pub clearances: BTreeSet<String>,
    /// Codes of parties in whose matters the person has an interest.
    pub conflicts: BTreeSet<String>,
    /// Whether the person is with us.
    pub active: bool,
}

/// A credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Kind, such as `cardiologist`.
    pub kind: String,
    /// Where it holds, such as `US-OH`; empty: everywhere.
    pub jurisdiction: String,
    /// Number in the issuer's register.
    pub number: TextRef,
    /// First day.
    pub valid_from: Date,
    /// Last day.
    pub valid_to: Date,
    /// When it was revoked.
    pub revoked_at: Option<Instant>,
}

impl Credential {
    /// Returns whether it holds at this instant: first and last day included, days counted in UTC.
    pub fn holds(&self, now: Instant) -> bool {
        let today = now.date();
        self.revoked_at.is_none_or(|revoked| now < revoked) && self.valid_from <= today && today <= self.valid_to
    }

    /// Returns whether it covers a jurisdiction: the same, a part of it (`US` covers `US-OH`), or everywhere.
    pub fn covers(&self, jurisdiction: &str) -> bool {
        self.jurisdiction.is_empty()
            || self.jurisdiction == jurisdiction
            || jurisdiction.strip_prefix(&self.jurisdiction).is_some_and(|rest| rest.starts_with('-'))
    }
}

impl Organisation {
    pub(crate) fn apply(state: Option<Self>, event: &OrganisationEvent, _: Instant) -> Option<Self> {
        let OrganisationEvent::Added { org, name, country } = event.clone();
        // Added once: to what is there already, this event does not belong.
        state.xor(Some(Self { org, name, country }))
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        vec![Row::Organisation(OrganisationRow { org: self.org, name: self.name.id })]
    }
}

impl Person {
    pub(crate) fn apply(state: Option<Self>, event: &PersonEvent, at: Instant) -> Option<Self> {
        let event = event.clone();
        if let PersonEvent::Added { person, natural, org, name, signs_in, place, languages, roles } = event {
            let credentials = BTreeMap::new();
            let (clearances, conflicts) = (BTreeSet::new(), BTreeSet::new());
            return state.is_none().then_some(Self {
                person,
                natural,
                org,
                name,
                signs_in,
                place,
                languages,
                roles,
                credentials,
                clearances,
                conflicts,
                active: true,
            });
        }
        let mut person = state?;
        match event {
            PersonEvent::Added { .. } => {}
            PersonEvent::CredentialRecorded {
                credential,
                kind,
                jurisdiction,
                number,
                valid_from,
                valid_to,
                verified_by: _,
            } => {
                let record = Credential { kind, jurisdiction, number, valid_from, valid_to, revoked_at: None };
                person.credentials.insert(credential, record);
            }
            PersonEvent::CredentialRevoked { credential, reason: _ } => {
                if let Some(record) = person.credentials.get_mut(&credential) {
                    record.revoked_at = Some(at);
                }
            }
            PersonEvent::ClearanceGranted { clearance } => {
                person.clearances.insert(clearance);
            }
            PersonEvent::ClearanceWithdrawn { clearance } => {
                person.clearances.remove(&clearance);
            }
            PersonEvent::ConflictDeclared { party } => {
                person.conflicts.insert(party);
            }
            PersonEvent::ConflictCleared { party } => {
                person.conflicts.remove(&party);
            }
            PersonEvent::PlaceChanged { place } => person.place = place,
            PersonEvent::Left {} => person.active = false,
        }
        Some(person)
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let account = PersonRow {
            person: self.person,
            natural: self.natural,
            org: self.org,
            name: self.name.id,
            active: self.active,
            signs_in: self.signs_in,
        };
        let credentials = self.credentials.iter().map(|(credential, record)| {
            Row::Credential(CredentialRow {
                credential: *credential,
                person: self.person,
                kind: record.kind.clone(),
                jurisdiction: record.jurisdiction.clone(),
                valid_from: record.valid_from,
                valid_to: record.valid_to,
                revoked: record.revoked_at.is_some(),
            })
        });
        std::iter::once(Row::Person(account)).chain(credentials).collect()
    }
}
