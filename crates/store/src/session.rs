//! Signing in: logins, sessions, and the attempts that are counted to slow down guessing.

use remit_kernel::{
    hash::Digest,
    id::{PersonId, SessionId},
    time::Instant,
};

use crate::{
    Store,
    dialect::Columns,
    error::{Result, Unreadable},
    value::{Cell, Column, Statement, Value},
};

macro_rules! session_columns {
    () => {
        "token_hash, id, person_id, kind, label, created_at, last_seen_at, expires_at, reauth_at"
    };
}

statements! {
    INSERT_LOGIN = "INSERT INTO logins (person_id, name, password_hash, changed_at) VALUES ($1, $2, $3, $4)";
    FIND_LOGIN = "SELECT person_id, name, password_hash, changed_at FROM logins WHERE name = $1";
    FIND_LOGIN_OF = "SELECT person_id, name, password_hash, changed_at FROM logins WHERE person_id = $1";
    LIST_LOGINS = "SELECT person_id, name, password_hash, changed_at FROM logins ORDER BY name";
    SET_PASSWORD = "UPDATE logins SET password_hash = $1, changed_at = $2 WHERE person_id = $3";
    INSERT = concat!("INSERT INTO sessions (", session_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    FIND = concat!("SELECT ", session_columns!(), " FROM sessions WHERE token_hash = $1");
    OF_PERSON = concat!("SELECT ", session_columns!(), " FROM sessions WHERE person_id = $1 ORDER BY created_at, id");
    TOUCH = "UPDATE sessions SET last_seen_at = $1 WHERE id = $2";
    REAUTH = "UPDATE sessions SET reauth_at = $1, last_seen_at = $1 WHERE id = $2";
    REVOKE = "DELETE FROM sessions WHERE person_id = $1 AND id = $2";
    REVOKE_ALL = "DELETE FROM sessions WHERE person_id = $1";
    DROP_EXPIRED = "DELETE FROM sessions WHERE expires_at <= $1";
    ATTEMPT = "INSERT INTO login_attempts (attempt_key, at) VALUES ($1, $2) ON CONFLICT (attempt_key, at) DO NOTHING";
    ATTEMPTS = "SELECT COUNT(*) FROM login_attempts WHERE attempt_key = $1 AND at > $2";
    FORGIVE = "DELETE FROM login_attempts WHERE attempt_key = $1";
    DROP_ATTEMPTS = "DELETE FROM login_attempts WHERE at < $1";
}

/// A name and password by which a person signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Who.
    pub person: PersonId,
    /// Name, kept in lower case; unique.
    pub name: String,
    /// Hash in PHC form.
    pub password_hash: String,
    /// When the password was set.
    pub changed_at: Instant,
}

/// What holds a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// A browser, by cookie.
    Browser,
    /// A program, by bearer token.
    Token,
}

/// One signed-in browser or token. The token itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Digest of the secret that the browser or program shows.
    pub token_hash: Digest,
    /// Name of the session, safe to show.
    pub id: SessionId,
    /// Who.
    pub person: PersonId,
    /// What holds it.
    pub kind: SessionKind,
    /// A word to recognise it by.
    pub label: String,
    /// When it began.
    pub created_at: Instant,
    /// When it was last used, as far as that was noted.
    pub last_seen_at: Instant,
    /// When it ends at the latest.
    pub expires_at: Instant,
    /// When the person last proved who she is again.
    pub reauth_at: Option<Instant>,
}

impl Store {
    /// Adds a login. [`StoreError::Taken`](crate::StoreError::Taken) if the name is in use.
    pub async fn add_login(&self, login: Login) -> Result<()> {
        let values = values![login.person, login.name.to_lowercase(), login.password_hash, login.changed_at];
        self.change(vec![Statement { sql: INSERT_LOGIN, values }]).await?;
        Ok(())
    }

    /// Returns the login with this name, in whatever case it is typed.
    pub async fn find_login(&self, name: &str) -> Result<Option<Login>> {
        self.row(FIND_LOGIN, values![name.to_lowercase()], Login::read).await
    }

    /// Returns the login of a person.
    pub async fn find_login_of(&self, person: PersonId) -> Result<Option<Login>> {
        self.row(FIND_LOGIN_OF, values![person], Login::read).await
    }

    /// Returns all logins, by name.
    pub async fn list_logins(&self) -> Result<Vec<Login>> {
        self.rows(LIST_LOGINS, values![], Login::read).await
    }

    /// Sets a new password for a person who has a login, and ends all her sessions.
    pub async fn set_password(&self, person: PersonId, password_hash: &str, at: Instant) -> Result<()> {
        let set = Statement { sql: SET_PASSWORD, values: values![password_hash, at, person] };
        self.change(vec![set, revoke_all(person)]).await?;
        Ok(())
    }

    /// Begins a session.
    pub async fn add_session(&self, session: SessionRow) -> Result<()> {
        let values = values![
            session.token_hash,
            session.id,
            session.person,
            session.kind,
            session.label,
            session.created_at,
            session.last_seen_at,
            session.expires_at,
            session.reauth_at,
        ];
        self.note(vec![Statement { sql: INSERT, values }]).await?;
        Ok(())
    }

    /// Returns the session of a secret. Whether it has ended is the caller's to judge: the clock is there.
    pub async fn find_session(&self, token_hash: Digest) -> Result<Option<SessionRow>> {
        self.row(FIND, values![token_hash], SessionRow::read).await
    }

    /// Returns the sessions of a person, oldest first.
    pub async fn sessions_of(&self, person: PersonId) -> Result<Vec<SessionRow>> {
        self.rows(OF_PERSON, values![person], SessionRow::read).await
    }

    /// Notes that a session was used. A write: callers do this once a minute, not at each request.
    pub async fn touch_session(&self, session: SessionId, at: Instant) -> Result<()> {
        self.note(vec![Statement { sql: TOUCH, values: values![at, session] }]).await?;
        Ok(())
    }

    /// Notes that the person proved who she is again.
    pub async fn reauthenticate_session(&self, session: SessionId, at: Instant) -> Result<()> {
        self.change(vec![Statement { sql: REAUTH, values: values![at, session] }]).await?;
        Ok(())
    }

    /// Ends one session of a person. Returns whether there was one.
    pub async fn revoke_session(&self, person: PersonId, session: SessionId) -> Result<bool> {
        Ok(self.change(vec![Statement { sql: REVOKE, values: values![person, session] }]).await? == 1)
    }

    /// Ends all sessions of a person. Returns how many there were.
    pub async fn revoke_sessions(&self, person: PersonId) -> Result<u64> {
        self.change(vec![revoke_all(person)]).await
    }

    /// Removes the sessions that ended by `now` and the attempts made before `attempts_before`.
    pub async fn drop_expired(&self, now: Instant, attempts_before: Instant) -> Result<u64> {
        self.change(vec![
            Statement { sql: DROP_EXPIRED, values: values![now] },
            Statement { sql: DROP_ATTEMPTS, values: values![attempts_before] },
        ])
        .await
    }

    /// Notes a failed attempt under each key (an account, an address).
    pub async fn note_login_attempt(&self, keys: &[String], at: Instant) -> Result<()> {
        self.note(keys.iter().map(|key| Statement { sql: ATTEMPT, values: values![key, at] }).collect()).await?;
        Ok(())
    }

    /// Returns how many attempts were noted under a key after an instant.
    pub async fn count_login_attempts(&self, key: &str, after: Instant) -> Result<u64> {
        self.count(ATTEMPTS, values![key, after]).await
    }

    /// Forgets the attempts under a key, as after a success.
    pub async fn forgive_login_attempts(&self, key: &str) -> Result<()> {
        self.note(vec![Statement { sql: FORGIVE, values: values![key] }]).await?;
        Ok(())
    }
}

fn revoke_all(person: PersonId) -> Statement {
    Statement { sql: REVOKE_ALL, values: values![person] }
}

impl Login {
    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            person: columns.take()?,
            name: columns.take()?,
            password_hash: columns.take()?,
            changed_at: columns.take()?,
        })
    }
}

impl SessionRow {
    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            token_hash: columns.take()?,
            id: columns.take()?,
            person: columns.take()?,
            kind: columns.take()?,
            label: columns.take()?,
            created_at: columns.take()?,
            last_seen_at: columns.take()?,
            expires_at: columns.take()?,
            reauth_at: columns.take()?,
        })
    }
}

impl From<SessionKind> for Value {
    fn from(kind: SessionKind) -> Self {
        Self::from(match kind {
            SessionKind::Browser => "browser",
            SessionKind::Token => "token",
        })
    }
}

impl Column for SessionKind {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match String::read(cell)?.as_str() {
            "browser" => Some(Self::Browser),
            "token" => Some(Self::Token),
            _ => None,
        }
    }
}
