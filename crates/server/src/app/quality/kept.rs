//! Figures kept as long as nothing they are made of has changed.
//!
//! What is made of panels holds while no event is added to any panel of the engagement, on whatever node it is added: so each
//! thing is kept with the number of those events, and made anew once the number is another. Whatever else a thing is made of
//! (the form, the origin asked for, what readers are called) is part of its name.

use std::{
    any::Any,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use remit_kernel::{hash::Digest, index::Origin};
use serde::Serialize;

use crate::{app::Look, error::Result};

/// How much is kept in all, by what [`Weigh::weight`] says of it: about 40 MB.
const WEIGHT_MAX: usize = 1_000_000;
/// The first part of the names of panels' streams.
const PANEL: &str = "panel";

/// Figures kept for the next look, those asked for last at the end.
#[derive(Default)]
pub(in crate::app) struct Kept(Mutex<Vec<Held>>);

struct Held {
    scope: String,
    name: String,
    version: u64,
    weight: usize,
    value: Arc<dyn Any + Send + Sync>,
}

/// How much room a thing takes, in answers or what is about as large.
pub(super) trait Weigh: Send + Sync + 'static {
    /// Returns it; figures ready to be shown take as much as this.
    fn weight(&self) -> usize {
        1_000
    }
}

impl<T: Send + Sync + 'static> Weigh for Vec<T> {
    fn weight(&self) -> usize {
        self.len()
    }
}

impl Kept {
    fn held(&self) -> MutexGuard<'_, Vec<Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find<T: Weigh>(&self, scope: &str, name: &str, version: u64) -> Option<Arc<T>> {
        let mut all = self.held();
        let place = all.iter().position(|held| held.scope == scope && held.name == name)?;
        let held = all.remove(place);
        // One of another version is of no use any more: another look makes it anew.
        if held.version != version {
            return None;
        }
        let value = Arc::clone(&held.value).downcast().ok();
        all.push(held);
        value
    }

    fn keep<T: Weigh>(&self, scope: &str, name: String, version: u64, value: &Arc<T>) {
        let mut all = self.held();
        all.retain(|held| held.scope != scope || held.name != name);
        let (scope, weight) = (scope.to_owned(), value.weight());
        all.push(Held { scope, name, version, weight, value: Arc::clone(value) as _ });
        let mut weight: usize = all.iter().map(|held| held.weight).sum();
        // The newest is kept however large it is: the page that shows it asks for it again.
        while weight > WEIGHT_MAX && all.len() > 1 {
            weight -= all.remove(0).weight;
        }
    }
}

impl Look<'_> {
    /// Returns a thing made of the engagement's panels: the one kept under this name if no panel has moved since, or
    /// else what `make` makes.
    pub(super) async fn once<T: Weigh>(&self, name: String, make: impl Future<Output = Result<T>>) -> Result<Arc<T>> {
        let scope = self.scope();
        // Asked before anything is loaded: what is made may be newer than its version says, and is then made once too often.
        let version = if let Some(known) = self.panel_events.get() {
            *known
        } else {
            let counted = self.app.store().count_events(&scope, PANEL).await?;
            *self.panel_events.get_or_init(|| counted)
        };
        if let Some(known) = self.app.figures.find(&scope, &name, version) {
            return Ok(known);
        }
        let made = Arc::new(make.await?);
        self.app.figures.keep(&scope, name, version, &made);
        Ok(made)
    }
}

/// Returns the name of what is made of these: a word, all that it rests on beside the panels, and the origin.
pub(super) fn name(word: &str, of: &impl Serialize, origin: Option<Origin>) -> String {
    format!(
        "{word} {} {}",
        Digest::of(remit_kernel::hash::canonical(of).as_bytes()),
        origin.map_or("all", Origin::word)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::*;

    #[test]
    fn what_is_kept_is_found_until_its_version_or_name_is_another() {
        let kept = Kept::default();
        kept.keep("eng_1", "sheet".into(), 7, &Arc::new(vec![1, 2]));
        assert_eq!(*kept.find::<Vec<i32>>("eng_1", "sheet", 7).unwrap(), [1, 2]);
        assert!(kept.find::<Vec<i32>>("eng_2", "sheet", 7).is_none());
        assert!(kept.find::<Vec<i32>>("eng_1", "other", 7).is_none());
        assert!(kept.find::<Vec<i32>>("eng_1", "sheet", 8).is_none());
        assert!(kept.held().is_empty(), "what has been overtaken is let go");
    }

    #[test]
    fn what_was_not_asked_for_longest_makes_room() {
        let kept = Kept::default();
        let half = Arc::new(vec![0_u8; WEIGHT_MAX / 2]);
        kept.keep("e", "one".into(), 1, &half);
        kept.keep("e", "two".into(), 1, &half);
        assert!(kept.find::<Vec<u8>>("e", "one", 1).is_some());
        kept.keep("e", "three".into(), 1, &half);
        assert!(kept.find::<Vec<u8>>("e", "two", 1).is_none());
        assert!(kept.find::<Vec<u8>>("e", "one", 1).is_some() && kept.find::<Vec<u8>>("e", "three", 1).is_some());
        kept.keep("e", "large".into(), 1, &Arc::new(vec![0_u8; WEIGHT_MAX + 1]));
        assert!(kept.find::<Vec<u8>>("e", "large", 1).is_some() && kept.held().len() == 1);
    }
}
