//! How the server is run.

use std::{net::SocketAddr, time::Duration};

use crate::{life::Life, limit::Limits, load::LoadLimits};

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
    /// How much it takes at a time.
    pub load: LoadLimits,
    /// How it ends.
    pub shutdown: Shutdown,
    /// Where it is between start and stop.
    pub life: Life,
}

/// How the server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shutdown {
    /// How long `/readyz` says so before nothing more is accepted: as long as a balancer needs to hear of it.
    pub notice: Duration,
    /// How long running requests may take from then on.
    pub finish_max: Duration,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { notice: Duration::ZERO, finish_max: Duration::from_secs(20) }
    }
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
    /// Returns how a server is run on this machine alone: without limits for people, on a free port.
    pub fn local() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 0).into(),
            secure: false,
            demo: None,
            limits: Limits::NONE,
            load: LoadLimits::NONE,
            shutdown: Shutdown::default(),
            life: Life::starting(),
        }
    }

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
