//! Who may do and see what: the Cedar schema, its policies and the facts for a decision.
//!
//! The policies are two files for an auditor to read, `policies/remit.cedar` and `policies/remit.cedarschema`.
//! Whether an act fits the state of a case is no question of access: `remit-kernel` decides that.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the word used in policies and in the record.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

mod action;
mod authorizer;
mod gate;
mod label;
mod principal;

pub use action::Action;
pub use authorizer::{AccessError, Authorizer, Decision, sentence};
pub use gate::{Authorized, Denied, Gate};
pub use label::{Class, Label, Visibility};
pub use principal::{Kind, Principal};
