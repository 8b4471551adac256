//! How the server is run.

use std::net::SocketAddr;

use crate::limit::Limits;

/// How the server is run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether browsers reach it by TLS (ended here or by a proxy in front); decides the name and flags of the cookie.
    pub secure: bool,
    /// The demo: each persona has a host of its own and a link that signs in. Loopback only.
    pub demo: Option<Demo>,
    /// How often one person may ask.
    pub limits: Limits,
}

/// The personas of the demo.
#[derive(Debug, Clone, Default)]
pub struct Demo {
    /// In the order of the walk.
    pub personas: Vec<Persona>,
    /// The password that all of them share; it guards nothing.
    pub password: &'static str,
}

/// One persona.
#[derive(Debug, Clone)]
pub struct Persona {
    /// Name of the host below `localhost`, such as `reader1`.
    pub host: String,
    /// Who.
    pub person: remit_kernel::id::PersonId,
    /// Name.
    pub name: String,
    /// What this persona does, in a few words.
    pub title: String,
    /// Secret of the sign-in link.
    pub token: String,
}

/// A configuration that must not be run.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// Passwords and cookies would cross the network in clear.
    #[error(
        "{0} is reachable from other machines, and without TLS passwords and cookies would cross the network in clear: put a TLS proxy in front and say `--behind-tls`, or listen on 127.0.0.1"
    )]
    Clear(SocketAddr),
    /// The demo signs anybody in.
    #[error("{0} is reachable from other machines, and the demo signs anybody in: listen on 127.0.0.1")]
    OpenDemo(SocketAddr),
}

impl Config {
    /// Checks that the configuration may be run.
    ///
    /// # Errors
    /// [`BadConfig`] if secrets would be exposed.
    pub fn check(&self) -> Result<(), BadConfig> {
        if self.listen.ip().is_loopback() {
            Ok(())
        } else if self.demo.is_some() {
            Err(BadConfig::OpenDemo(self.listen))
        } else if self.secure {
            Ok(())
        } else {
            Err(BadConfig::Clear(self.listen))
        }
    }

    /// Returns the name of the session cookie. `__Host-` binds it to this host and to TLS.
    pub fn cookie(&self) -> &'static str {
        if self.secure { "__Host-remit" } else { "remit" }
    }
}
