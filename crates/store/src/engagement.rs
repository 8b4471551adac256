//! Engagements and the people in them.

use std::collections::HashMap;

use remit_kernel::{
    id::PersonId,
    index::{EngagementRow, MemberRow},
};

use crate::{
    PersonNamed, Store,
    dialect::Columns,
    error::{Result, Unreadable},
    index::Indexed,
    value::{Value, roles},
};

macro_rules! engagement_columns {
    () => {
        "engagements.name_id, engagements.client_id, engagements.provider_id, engagements.status, \
         engagements.drafted_at"
    };
}

macro_rules! member_columns {
    () => {
        "members.person_id, members.side, members.roles, members.active, members.capacity, members.load"
    };
}

/// Names of an engagement stand in its own scope.
macro_rules! engagements_named {
    () => {
        concat!(
            "SELECT engagements.scope_id, ",
            engagement_columns!(),
            ", texts.body FROM engagements \
             LEFT JOIN texts ON texts.scope_id = engagements.scope_id AND texts.id = engagements.name_id"
        )
    };
}

statements! {
    FIND = concat!(engagements_named!(), " WHERE engagements.scope_id = $1");
    LIST = concat!(engagements_named!(), " ORDER BY engagements.scope_id");
    OF_PERSON = concat!("SELECT members.scope_id, ", member_columns!(), " FROM members \
        WHERE person_id = $1 AND active ORDER BY scope_id LIMIT $2");
    FIND_MEMBER = concat!("SELECT ", member_columns!(), " FROM members WHERE scope_id = $1 AND person_id = $2");
    MEMBERS = concat!("SELECT ", member_columns!(), " FROM members WHERE scope_id = $1 ORDER BY person_id");
}

/// An engagement with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngagementNamed {
    /// Its scope: the engagement's identifier.
    pub scope: String,
    /// The row.
    pub row: EngagementRow,
    /// The name; none once erased.
    pub name: Option<String>,
}

/// A member with the name and organisation of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberNamed {
    /// The row.
    pub row: MemberRow,
    /// The person's organisation; none for a person the directory does not know.
    pub org: Option<remit_kernel::id::OrgId>,
    /// The name; none once erased.
    pub name: Option<String>,
}

impl Store {
    /// Returns the engagement of a scope.
    pub async fn find_engagement(&self, scope: &str) -> Result<Option<EngagementNamed>> {
        self.row(FIND, values![scope], EngagementNamed::read).await
    }

    /// Returns all engagements, oldest first: for whoever runs the installation.
    pub async fn list_engagements(&self) -> Result<Vec<EngagementNamed>> {
        self.rows(LIST, values![], EngagementNamed::read).await
    }

    /// Returns the engagements in which a person is a member now, at most `limit`: the one look across engagements.
    pub async fn engagements_of(&self, person: PersonId, limit: u32) -> Result<Vec<(String, MemberRow)>> {
        self.rows(OF_PERSON, values![person, limit], |columns| Ok((columns.take()?, MemberRow::read(columns)?))).await
    }

    /// Returns a member, whether the membership still holds or not.
    pub async fn find_member(&self, scope: &str, person: PersonId) -> Result<Option<MemberRow>> {
        self.row(FIND_MEMBER, values![scope, person], MemberRow::read).await
    }

    /// Returns all members of an engagement, former ones too.
    pub async fn list_members(&self, scope: &str) -> Result<Vec<MemberNamed>> {
        let rows = self.rows(MEMBERS, values![scope], MemberRow::read).await?;
        // Names stand in the directory, which may lie on another shard: it is asked by itself.
        let people: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
        let mut named: HashMap<PersonId, PersonNamed> =
            self.people(&people).await?.into_iter().map(|person| (person.row.person, person)).collect();
        let member = |row: MemberRow| {
            let (org, name) =
                named.remove(&row.person).map_or((None, None), |person| (Some(person.row.org), person.name));
            MemberNamed { row, org, name }
        };
        Ok(rows.into_iter().map(member).collect())
    }
}

impl EngagementNamed {
    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self { scope: columns.take()?, row: EngagementRow::read(columns)?, name: columns.take()? })
    }
}

impl Indexed for EngagementRow {
    const UPSERT: &'static str = "INSERT INTO engagements \
        (scope_id, name_id, client_id, provider_id, status, drafted_at) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (scope_id) DO UPDATE \
        SET name_id = excluded.name_id, client_id = excluded.client_id, provider_id = excluded.provider_id, \
        status = excluded.status, drafted_at = excluded.drafted_at";
    const DELETE: &'static str = "DELETE FROM engagements WHERE scope_id = $1";
    const PAGE: &'static str =
        concat!("SELECT ", engagement_columns!(), " FROM engagements WHERE scope_id = $1 LIMIT $2");

    fn key(&self) -> Vec<Value> {
        values![]
    }

    fn least() -> Vec<Value> {
        values![]
    }

    fn values(&self) -> Vec<Value> {
        values![self.name, self.client, self.provider, self.status, self.drafted_at]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            name: columns.take()?,
            client: columns.take()?,
            provider: columns.take()?,
            status: columns.take()?,
            drafted_at: columns.take()?,
        })
    }
}

impl Indexed for MemberRow {
    const UPSERT: &'static str = "INSERT INTO members (scope_id, person_id, side, roles, active, capacity, load) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (scope_id, person_id) DO UPDATE \
        SET side = excluded.side, roles = excluded.roles, active = excluded.active, capacity = excluded.capacity, \
        load = excluded.load";
    const DELETE: &'static str = "DELETE FROM members WHERE scope_id = $1 AND person_id = $2";
    const PAGE: &'static str = concat!(
        "SELECT ",
        member_columns!(),
        " FROM members WHERE scope_id = $1 AND person_id > $2 ORDER BY person_id LIMIT $3"
    );

    fn key(&self) -> Vec<Value> {
        values![self.person]
    }

    fn least() -> Vec<Value> {
        values![""]
    }

    fn values(&self) -> Vec<Value> {
        values![self.person, self.side, roles(&self.roles), self.active, self.capacity, self.load]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            person: columns.take()?,
            side: columns.take()?,
            roles: columns.take()?,
            active: columns.take()?,
            capacity: columns.take()?,
            load: columns.take()?,
        })
    }
}
