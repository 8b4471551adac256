//! Decisions on organisations, people and credentials.

use super::{Deciding, Done, check_code, check_country, check_jurisdiction, check_language};
use crate::{
    command::PersonIn,
    directory::{OrganisationEvent, Person, PersonEvent},
    id::{CredentialId, PersonId},
    refusal::{Reason, Refusal, code},
    stream::{Event, StreamId},
    time::Date,
};

/// Longest name, in code points.
const NAME_CHARS_MAX: usize = 200;
/// Longest note or reason.
pub(super) const NOTE_CHARS_MAX: usize = 4_000;

impl Deciding<'_> {
    pub(super) fn add_organisation(&mut self, name: &str, country: &str) -> Done {
        check_country("country", country)?;
        let name = self.keep_checked("name", name, NAME_CHARS_MAX)?;
        let org = self.new_id();
        let event = OrganisationEvent::Added { org, name, country: country.to_owned() };
        self.events.push((StreamId::Organisation(org), Event::Organisation(event)));
        Ok(())
    }

    pub(super) fn add_person(&mut self, given: &PersonIn) -> Done {
        let mut reasons = Vec::new();
        if !self.facts.organisations.contains_key(&given.org) {
            reasons.push(
                Reason::field(code::FIELD_INVALID, "org", format!("`{}` is not an organisation here", given.org))
                    .hint("Add the organisation first."),
            );
        }
        if !given.place.is_empty() {
            reasons.extend(check_country("place", &given.place).err());
        }
        reasons.extend(given.languages.iter().filter_map(|language| check_language("languages", language).err()));
        if given.roles.iter().any(|role| !role.of_directory()) {
            reasons.push(
                Reason::field(
                    code::FIELD_INVALID,
                    "roles",
                    "only `operator` and `people_manager` hold in the directory",
                )
                .hint("Give the other roles in an engagement, under People."),
            );
        }
        Refusal::unless_empty(reasons)?;
        let name = self.keep_checked("name", &given.name, NAME_CHARS_MAX)?;
        let person: PersonId = self.new_id();
        let natural = match given.same_as {
            Some(other) => self.known(other)?.natural,
            None => person,
        };
        self.push_person(
            person,
            PersonEvent::Added {
                person,
                natural,
                name,
                org: given.org,
                signs_in: given.signs_in,
                place: given.place.clone(),
                languages: given.languages.clone(),
                roles: given.roles.clone(),
            },
        );
        Ok(())
    }

    pub(super) fn record_credential(
        &mut self,
        person: PersonId,
        kind: &str,
        jurisdiction: &str,
        number: &str,
        valid: (Date, Date),
    ) -> Done {
        self.known(person)?;
        let verified_by = self.actor()?;
        let mut reasons = Vec::new();
        reasons.extend(check_code("kind", kind).err());
        if !jurisdiction.is_empty() {
            reasons.extend(check_jurisdiction("jurisdiction", jurisdiction).err());
        }
        let (valid_from, valid_to) = valid;
        if valid_to < valid_from {
            reasons.push(
                Reason::field(
                    code::FIELD_INVALID,
                    "valid_to",
                    format!("the credential would end on {valid_to}, before it begins on {valid_from}"),
                )
                .hint("Check the two dates."),
            );
        }
        if self.known(verified_by)?.natural == self.known(person)?.natural {
            reasons.push(
                Reason::rule(code::SELF_REVIEW, person, "nobody verifies a credential of their own")
                    .hint("Ask a colleague to record it.")
                    .invariant("I3"),
            );
        }
        Refusal::unless_empty(reasons)?;
        let number = self.keep_checked("number", number, NAME_CHARS_MAX)?;
        let credential = self.new_id();
        self.push_person(
            person,
            PersonEvent::CredentialRecorded {
                credential,
                number,
                valid_from,
                valid_to,
                verified_by,
                kind: kind.to_owned(),
                jurisdiction: jurisdiction.to_owned(),
            },
        );
        Ok(())
    }

    pub(super) fn revoke_credential(&mut self, person: PersonId, credential: CredentialId, reason: &str) -> Done {
        let known = self.known(person)?.credentials.get(&credential).ok_or_else(|| Reason::hidden(credential))?;
        if known.revoked_at.is_some() {
            return Err(Reason::rule(code::WRONG_STATE, credential, "this credential was revoked before")
                .hint("Nothing is left to do.")
                .into());
        }
        let reason = self.keep_checked("reason", reason, NOTE_CHARS_MAX)?;
        self.push_person(person, PersonEvent::CredentialRevoked { credential, reason });
        Ok(())
    }

    pub(super) fn set_clearance(&mut self, person: PersonId, clearance: &str, granted: bool) -> Done {
        check_code("clearance", clearance)?;
        let held = self.known(person)?.clearances.contains(clearance);
        let clearance = clearance.to_owned();
        let event = if granted {
            PersonEvent::ClearanceGranted { clearance }
        } else {
            PersonEvent::ClearanceWithdrawn { clearance }
        };
        self.push_unless(person, held == granted, event);
        Ok(())
    }

    pub(super) fn set_conflict(&mut self, person: PersonId, party: &str, declared: bool) -> Done {
        check_code("party", party)?;
        let held = self.known(person)?.conflicts.contains(party);
        let party = party.to_owned();
        let event =
            if declared { PersonEvent::ConflictDeclared { party } } else { PersonEvent::ConflictCleared { party } };
        self.push_unless(person, held == declared, event);
        Ok(())
    }

    pub(super) fn set_place(&mut self, person: PersonId, place: &str) -> Done {
        check_country("place", place)?;
        let same = self.known(person)?.place == place;
        self.push_unless(person, same, PersonEvent::PlaceChanged { place: place.to_owned() });
        Ok(())
    }

    pub(super) fn mark_left(&mut self, person: PersonId) -> Done {
        let gone = !self.known(person)?.active;
        self.push_unless(person, gone, PersonEvent::Left {});
        Ok(())
    }

    fn known(&self, person: PersonId) -> Result<&Person, Reason> {
        self.facts.person(person)
    }

    fn push_person(&mut self, person: PersonId, event: PersonEvent) {
        self.events.push((StreamId::Person(person), Event::Person(event)));
    }

    /// Records an event unless it would change nothing.
    fn push_unless(&mut self, person: PersonId, unchanged: bool, event: PersonEvent) {
        if !unchanged {
            self.push_person(person, event);
        }
    }
}
