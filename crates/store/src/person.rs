//! The directory: organisations, people, credentials, each with its name.

use remit_kernel::{
    id::PersonId,
    index::{CredentialRow, OrganisationRow, PersonRow},
};

use crate::{
    Store,
    dialect::Columns,
    error::{Result, Unreadable},
    index::Indexed,
    value::{Value, keys},
};

/// The scope of the directory.
const DIRECTORY: &str = "dir";

macro_rules! organisation_columns {
    () => {
        "organisations.org_id, organisations.name_id"
    };
}

macro_rules! person_columns {
    () => {
        "people.person_id, people.natural_id, people.org_id, people.name_id, people.active, people.signs_in"
    };
}

macro_rules! credential_columns {
    () => {
        "credential_id, person_id, kind, jurisdiction, valid_from, valid_to, revoked"
    };
}

macro_rules! people_named {
    () => {
        concat!(
            "SELECT ",
            person_columns!(),
            ", texts.body FROM people \
             LEFT JOIN texts ON texts.scope_id = people.scope_id AND texts.id = people.name_id"
        )
    };
}

statements! {
    ORGANISATIONS = concat!("SELECT ", organisation_columns!(), ", texts.body FROM organisations \
        LEFT JOIN texts ON texts.scope_id = organisations.scope_id AND texts.id = organisations.name_id \
        WHERE organisations.scope_id = $1 ORDER BY organisations.org_id");
    PEOPLE = concat!(people_named!(), " WHERE people.scope_id = $1 ORDER BY people.person_id");
    PEOPLE_BY_IDS = concat!(people_named!(), " WHERE people.scope_id = $1 \
        AND people.person_id IN (SELECT key FROM json_each($2)) ORDER BY people.person_id");
    CREDENTIALS = concat!("SELECT ", credential_columns!(), " FROM credentials \
        WHERE scope_id = $1 ORDER BY person_id, credential_id");
    CREDENTIALS_OF = concat!("SELECT ", credential_columns!(), " FROM credentials \
        WHERE scope_id = $1 AND person_id = $2 ORDER BY credential_id");
}

/// An organisation with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationNamed {
    /// The row.
    pub row: OrganisationRow,
    /// The name; none once erased.
    pub name: Option<String>,
}

/// A person with her name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonNamed {
    /// The row.
    pub row: PersonRow,
    /// The name; none once erased.
    pub name: Option<String>,
}

impl Store {
    /// Returns all organisations.
    pub async fn list_organisations(&self) -> Result<Vec<OrganisationNamed>> {
        self.rows(ORGANISATIONS, values![DIRECTORY], |columns| {
            Ok(OrganisationNamed { row: OrganisationRow::read(columns)?, name: columns.take()? })
        })
        .await
    }

    /// Returns all people.
    pub async fn list_people(&self) -> Result<Vec<PersonNamed>> {
        self.rows(PEOPLE, values![DIRECTORY], PersonNamed::read).await
    }

    /// Returns the people with these identifiers that exist.
    pub async fn people(&self, people: &[PersonId]) -> Result<Vec<PersonNamed>> {
        self.rows(PEOPLE_BY_IDS, values![DIRECTORY, keys(people)], PersonNamed::read).await
    }

    /// Returns the person with this identifier.
    pub async fn find_person(&self, person: PersonId) -> Result<Option<PersonNamed>> {
        Ok(self.people(&[person]).await?.into_iter().next())
    }

    /// Returns all credentials, by person.
    pub async fn list_credentials(&self) -> Result<Vec<CredentialRow>> {
        self.rows(CREDENTIALS, values![DIRECTORY], CredentialRow::read).await
    }

    /// Returns the credentials of a person, ended and revoked ones too.
    pub async fn credentials_of(&self, person: PersonId) -> Result<Vec<CredentialRow>> {
        self.rows(CREDENTIALS_OF, values![DIRECTORY, person], CredentialRow::read).await
    }
}

impl PersonNamed {
    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self { row: PersonRow::read(columns)?, name: columns.take()? })
    }
}

impl Indexed for OrganisationRow {
    const UPSERT: &'static str = "INSERT INTO organisations (scope_id, org_id, name_id) VALUES ($1, $2, $3) \
        ON CONFLICT (scope_id, org_id) DO UPDATE SET name_id = excluded.name_id";
    const DELETE: &'static str = "DELETE FROM organisations WHERE scope_id = $1 AND org_id = $2";
    const PAGE: &'static str = concat!(
        "SELECT ",
        organisation_columns!(),
        " FROM organisations \
         WHERE scope_id = $1 AND org_id > $2 ORDER BY org_id LIMIT $3"
    );

    fn key(&self) -> Vec<Value> {
        values![self.org]
    }

    fn least() -> Vec<Value> {
        values![""]
    }

    fn values(&self) -> Vec<Value> {
        values![self.org, self.name]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self { org: columns.take()?, name: columns.take()? })
    }
}

impl Indexed for PersonRow {
    const UPSERT: &'static str = "INSERT INTO people \
        (scope_id, person_id, natural_id, org_id, name_id, active, signs_in) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (scope_id, person_id) DO UPDATE \
        SET natural_id = excluded.natural_id, org_id = excluded.org_id, name_id = excluded.name_id, \
        active = excluded.active, signs_in = excluded.signs_in";
    const DELETE: &'static str = "DELETE FROM people WHERE scope_id = $1 AND person_id = $2";
    const PAGE: &'static str = concat!(
        "SELECT ",
        person_columns!(),
        " FROM people WHERE scope_id = $1 AND person_id > $2 ORDER BY person_id LIMIT $3"
    );

    fn key(&self) -> Vec<Value> {
        values![self.person]
    }

    fn least() -> Vec<Value> {
        values![""]
    }

    fn values(&self) -> Vec<Value> {
        values![self.person, self.natural, self.org, self.name, self.active, self.signs_in]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            person: columns.take()?,
            natural: columns.take()?,
            org: columns.take()?,
            name: columns.take()?,
            active: columns.take()?,
            signs_in: columns.take()?,
        })
    }
}

impl Indexed for CredentialRow {
    const UPSERT: &'static str = "INSERT INTO credentials \
        (scope_id, credential_id, person_id, kind, jurisdiction, valid_from, valid_to, revoked) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (scope_id, credential_id) DO UPDATE \
        SET person_id = excluded.person_id, kind = excluded.kind, jurisdiction = excluded.jurisdiction, \
        valid_from = excluded.valid_from, valid_to = excluded.valid_to, revoked = excluded.revoked";
    const DELETE: &'static str = "DELETE FROM credentials WHERE scope_id = $1 AND credential_id = $2";
    const PAGE: &'static str = concat!(
        "SELECT ",
        credential_columns!(),
        " FROM credentials \
         WHERE scope_id = $1 AND credential_id > $2 ORDER BY credential_id LIMIT $3"
    );

    fn key(&self) -> Vec<Value> {
        values![self.credential]
    }

    fn least() -> Vec<Value> {
        values![""]
    }

    fn values(&self) -> Vec<Value> {
        values![
            self.credential,
            self.person,
            &self.kind,
            &self.jurisdiction,
            self.valid_from,
            self.valid_to,
            self.revoked,
        ]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            credential: columns.take()?,
            person: columns.take()?,
            kind: columns.take()?,
            jurisdiction: columns.take()?,
            valid_from: columns.take()?,
            valid_to: columns.take()?,
            revoked: columns.take()?,
        })
    }
}
