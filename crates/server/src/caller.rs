//! Who calls: person and session, settled once at the edge.

use remit_kernel::{
    hash::Digest,
    id::{Id, PersonId, SessionId, Suffix},
};

/// Whoever calls [`act`](crate::App::act) or [`view`](crate::App::view).
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub who: Who,
    /// Name of the request, in records and logs.
    pub request_id: String,
    /// What makes a write count once, however often it is sent.
    pub once: Option<Once>,
    /// The page or route asked for; empty where there is none.
    pub path: String,
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A person.
    Person {
        /// The account.
        person: PersonId,
        /// Through which session; none for a command line that holds the data folder.
        session: Option<SessionId>,
        /// Whether the person proved it again within the signing session.
        reauthenticated: bool,
    },
    /// A job of the server itself.
    Service,
}

/// What makes a write count once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// What was asked for, such as `POST /api/v1/...`.
    pub route: String,
    /// The key that came with the request.
    pub key: String,
    /// Digest of the request's body.
    pub fingerprint: Digest,
}

impl Caller {
    /// Returns a caller that acts for a person without a session: the command line, which holds the data folder.
    pub fn local(person: PersonId, request_id: impl Into<String>) -> Self {
        let who = Who::Person { person, session: None, reauthenticated: true };
        Self { who, request_id: request_id.into(), once: None, path: String::new() }
    }

    /// Returns whoever founds an installation: a person who is not in the directory yet.
    pub fn founder() -> Self {
        Self::local(PersonId::of(Suffix::new(0, [1; 10])), "founding")
    }

    /// Returns the caller of a job.
    pub fn service(request_id: impl Into<String>) -> Self {
        Self { who: Who::Service, request_id: request_id.into(), once: None, path: String::new() }
    }

    /// Returns the person.
    pub fn person(&self) -> Option<PersonId> {
        match self.who {
            Who::Person { person, .. } => Some(person),
            Who::Service => None,
        }
    }
}
