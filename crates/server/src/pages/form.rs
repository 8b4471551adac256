//! Forms: what was typed is kept, and each reason stands beside its field.

use axum::http::StatusCode;
use remit_kernel::refusal::Class;

use super::{Oops, Told};
use crate::{Error, api::sentence};

/// Why a form was not taken: nothing before the first sending.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(String, Told)>);

impl Faults {
    /// Returns the status and the reasons of a refused form. What is hidden, or our own trouble, has a page of its own.
    ///
    /// # Errors
    /// [`Oops`] for anything but a refusal that a person can mend.
    pub(crate) fn of(error: Error) -> Result<(StatusCode, Self), Oops> {
        let refusal = match error {
            Error::Refused(refusal) if refusal.class() != Class::Hidden => refusal,
            other => return Err(other.into()),
        };
        let status = match refusal.class() {
            Class::Field | Class::Hidden => StatusCode::UNPROCESSABLE_ENTITY,
            Class::Rule => StatusCode::CONFLICT,
            Class::Forbidden => StatusCode::FORBIDDEN,
        };
        Ok((
            status,
            Self(refusal.reasons.into_iter().map(|reason| (reason.subject.clone(), Told::of(reason))).collect()),
        ))
    }

    /// Returns one reason about a field, as the form itself finds it.
    pub(crate) fn field(field: &str, clause: &str, hint: &str) -> Error {
        remit_kernel::refusal::Reason::field(remit_kernel::refusal::code::FIELD_INVALID, field, clause)
            .hint(hint)
            .into()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns all reasons, for the head of the page.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Told> {
        self.0.iter().map(|(_, told)| told)
    }

    /// Returns what is wrong with a field, as one sentence; empty: nothing.
    pub(crate) fn at(&self, field: impl AsRef<str>) -> String {
        let field = field.as_ref();
        let found: Vec<_> =
            self.0.iter().filter(|(subject, _)| subject == field).map(|(_, told)| sentence(&told.sentence)).collect();
        found.join(" ")
    }
}
