//! Signing in: passwords, sessions, the signing session. Neither an act nor content, so it stands beside `act`.

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _, password_hash::phc};
use remit_kernel::{
    hash::Digest,
    id::{PersonId, SessionId},
    refusal::{Reason, code},
    time::Instant,
};
use remit_store::{Login, SessionKind, SessionRow};

use super::App;
use crate::{
    caller::Who,
    error::{Error, Result},
};

/// A session that nobody used for this long has ended.
const IDLE_SECONDS_MAX: i64 = 30 * 60;
/// A session ends after this long, used or not.
const SESSION_SECONDS_MAX: i64 = 12 * 3_600;
/// A token ends after this long.
const TOKEN_SECONDS_MAX: i64 = 90 * 24 * 3_600;
/// How long a signing session lasts after the person proved who she is again.
pub const SIGNING_SECONDS: i64 = 15 * 60;
/// Longest name of what attempts to sign in are counted by, in characters.
const KEY_CHARS_MAX: usize = 300;
/// Attempts to sign in, for each account and each address, within [`ATTEMPT_SECONDS`].
const ATTEMPTS_MAX: u64 = 10;
/// See [`ATTEMPTS_MAX`].
const ATTEMPT_SECONDS: i64 = 15 * 60;
/// Shortest password.
pub const PASSWORD_CHARS_MIN: usize = 12;

/// A session just opened: the secret is shown once and kept by the browser or program alone.
#[derive(Debug)]
pub struct Opened {
    /// The secret.
    pub secret: String,
    /// The session.
    pub session: SessionRow,
}

impl App {
    /// Gives a person a name and password to sign in with.
    ///
    /// # Errors
    /// A field reason for a name in use, a short password, or a person who cannot sign in.
    pub async fn add_login(&self, person: PersonId, name: &str, password: &str) -> Result<()> {
        let name = self.check_login(name, password).await?;
        let known = self.store.find_person(person).await?.filter(|known| known.row.signs_in && known.row.active);
        if known.is_none() {
            return Err(Reason::field(code::FIELD_INVALID, "person", "this person cannot sign in")
                .hint("Readers taken from a file have no account; add the person under People.")
                .into());
        }
        let password_hash = self.hash(password).await?;
        let login = Login { person, name, password_hash, changed_at: self.clock.now() };
        Ok(self.store.add_login(login).await?)
    }

    /// Returns a name to sign in with as it is kept, if it and the password will do. Whoever makes a person and a login together
    /// asks this first: a person without a login could not be made again.
    ///
    /// # Errors
    /// A field reason for a name that is empty, too long, made of anything but visible characters, or in use, and for a short
    /// password.
    pub async fn check_login(&self, name: &str, password: &str) -> Result<String> {
        check_password(password)?;
        let name = name.trim().to_lowercase();
        let chars = name.chars().count();
        if !(1..=LOGIN_CHARS_MAX).contains(&chars) || name.chars().any(|one| one.is_whitespace() || one.is_control()) {
            let fault = "the name to sign in with is empty, has blanks, or is too long";
            return Err(Reason::field(code::FIELD_INVALID, "name", fault)
                .hint("Use a short word, such as `a.osei`.")
                .into());
        }
        if self.store.find_login(&name).await?.is_some() {
            return Err(Reason::field(code::DUPLICATE, "name", format!("`{name}` is in use"))
                .hint("Choose another name to sign in with.")
                .into());
        }
        Ok(name)
    }

    /// Signs a person in by name and password, in a browser.
    ///
    /// # Errors
    /// [`Error::SignedOut`] for any mismatch: which of the two was wrong is not told. [`Error::TooMany`] after too many attempts.
    pub async fn sign_in(&self, name: &str, password: &str, address: &str) -> Result<Opened> {
        let person = self.prove(name, password, address).await?;
        self.open_proved(person, SessionKind::Browser, "browser").await
    }

    /// Signs a program in by the name and password of a person: the secret is a token.
    ///
    /// # Errors
    /// As [`App::sign_in`].
    pub async fn sign_in_program(&self, name: &str, password: &str, address: &str, label: &str) -> Result<Opened> {
        let person = self.prove(name, password, address).await?;
        self.open_proved(person, SessionKind::Token, label).await
    }

    /// Opens a session whose signing session is open too: the password was given this very moment.
    async fn open_proved(&self, person: PersonId, kind: SessionKind, label: &str) -> Result<Opened> {
        let opened = self.open_session(person, kind, label).await?;
        self.store.reauthenticate_session(opened.session.id, self.clock.now()).await?;
        Ok(opened)
    }

    /// Returns whose name and password these are.
    async fn prove(&self, name: &str, password: &str, address: &str) -> Result<PersonId> {
        let now = self.clock.now();
        // Not every database can hold this letter, and no name has it.
        let name = &name.replace('\0', "\u{fffd}");
        // What is longer names nobody, and not every database can look it up.
        let short = |key: String| key.chars().take(KEY_CHARS_MAX).collect::<String>();
        let keys = [short(format!("name:{}", name.trim().to_lowercase())), short(format!("address:{address}"))];
        for key in &keys {
            self.attempt_allowed(key, now).await?;
        }
        let login = self.store.find_login(name.trim()).await?;
        let known = login.as_ref().map_or(NOBODY, |login| login.password_hash.as_str()).to_owned();
        // The hash is computed for an unknown name too, so that time does not tell which names exist.
        let fits = self.verify_password(known, password.to_owned()).await?;
        let Some(login) = login.filter(|_| fits) else {
            self.store.note_login_attempt(&keys, now).await?;
            return Err(Error::SignedOut);
        };
        if !self.store.find_person(login.person).await?.is_some_and(|person| person.row.active) {
            return Err(Error::SignedOut);
        }
        self.store.forgive_login_attempts(&keys[0]).await?;
        Ok(login.person)
    }

    async fn attempt_allowed(&self, key: &str, now: Instant) -> Result<()> {
        if self.store.count_login_attempts(key, now.plus_seconds(-ATTEMPT_SECONDS)).await? < ATTEMPTS_MAX {
            return Ok(());
        }
        Err(Error::TooMany { wait_seconds: ATTEMPT_SECONDS.unsigned_abs() })
    }

    /// Opens a session for a person who has proved who she is.
    pub async fn open_session(&self, person: PersonId, kind: SessionKind, label: &str) -> Result<Opened> {
        let (now, secret) = (self.clock.now(), hex(&self.chance.draw()?));
        let ctx = self.ctx(&crate::caller::Caller::service("session"))?;
        let life = match kind {
            SessionKind::Browser => SESSION_SECONDS_MAX,
            SessionKind::Token => TOKEN_SECONDS_MAX,
        };
        let session = SessionRow {
            token_hash: Digest::of(secret.as_bytes()),
            id: ctx.id::<SessionId>(0),
            person,
            kind,
            label: label.to_owned(),
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus_seconds(life),
            reauth_at: None,
        };
        self.store.add_session(session.clone()).await?;
        Ok(Opened { secret, session })
    }

    /// Returns whoever holds this secret; nobody if the session has ended.
    pub async fn who(&self, secret: &str) -> Result<Option<(Who, SessionRow)>> {
        let Some(session) = self.store.find_session(Digest::of(secret.as_bytes())).await? else { return Ok(None) };
        let now = self.clock.now();
        let idle = now.seconds_since(session.last_seen_at);
        let idle_out = session.kind == SessionKind::Browser && idle > IDLE_SECONDS_MAX;
        if session.expires_at <= now || idle_out {
            return Ok(None);
        }
        if idle > 60 {
            self.store.touch_session(session.id, now).await?;
        }
        let who =
            Who::Person { person: session.person, session: Some(session.id), reauthenticated: signing(&session, now) };
        Ok(Some((who, session)))
    }

    /// Opens the signing session: the person gives the password again.
    ///
    /// # Errors
    /// [`Error::SignedOut`] if the password is wrong.
    pub async fn reauthenticate(&self, person: PersonId, session: SessionId, password: &str) -> Result<()> {
        let now = self.clock.now();
        let keys = [format!("person:{person}")];
        self.attempt_allowed(&keys[0], now).await?;
        let known = self.store.find_login_of(person).await?.ok_or(Error::SignedOut)?;
        if !self.verify_password(known.password_hash, password.to_owned()).await? {
            self.store.note_login_attempt(&keys, now).await?;
            return Err(Error::SignedOut);
        }
        Ok(self.store.reauthenticate_session(session, now).await?)
    }

    async fn hash(&self, password: &str) -> Result<String> {
        let (password, salt) = (password.to_owned(), self.chance.draw()?);
        blocking(move || {
            let salt: [u8; 16] = salt[..16].try_into().map_err(|_| std::io::Error::other("salt"))?;
            let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash: phc::PasswordHash| hash.to_string())
                .map_err(|error| std::io::Error::other(error.to_string()))
        })
        .await
    }

    async fn verify_password(&self, hash: String, password: String) -> Result<bool> {
        blocking(move || {
            let parsed = phc::PasswordHash::new(&hash).map_err(|error| std::io::Error::other(error.to_string()))?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
        })
        .await
    }
}

/// Returns whether the signing session of this session is open.
pub fn signing(session: &SessionRow, now: Instant) -> bool {
    session.reauth_at.is_some_and(|at| now.seconds_since(at) < SIGNING_SECONDS)
}

/// The hash of a password nobody has: what an unknown name is compared with.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Most characters of a name to sign in with.
const LOGIN_CHARS_MAX: usize = 80;

fn check_password(password: &str) -> std::result::Result<(), Reason> {
    if password.chars().count() >= PASSWORD_CHARS_MIN {
        return Ok(());
    }
    Err(Reason::field(
        code::FIELD_INVALID,
        "password",
        format!("the password has fewer than {PASSWORD_CHARS_MIN} characters"),
    )
    .hint("Use a sentence that nobody else would think of."))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(|broken| std::io::Error::other(broken.to_string()))??)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
