//! What is stored, read and tallied while the events are replayed beside it.

use std::{
    future::Future,
    hash::{BuildHasher as _, Hash, RandomState},
};

use remit_kernel::{index::Row, text::commitment};
use remit_store::{Store, StoreError, StoredEntry, StoredText, Table};
use tokio::task::JoinHandle;

use super::{Difference, Step, Stopped};

/// Rows read at a time.
pub(super) const PAGE: u32 = 2_000;

/// How many things there were, and the sum of their keyed hashes: equal for equal things in whatever order, and for
/// others with a chance of one in 2^64, whatever somebody made of them: nobody knows the key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    things: u64,
    sum: u64,
}

impl Tally {
    pub(super) fn add(&mut self, key: &RandomState, thing: &impl Hash) {
        self.things += 1;
        self.sum = self.sum.wrapping_add(key.hash_one(thing));
    }
}

/// Pages of a table, each read while the one before is looked at.
pub(super) struct Pages<T, R> {
    next: Option<JoinHandle<remit_store::Result<Vec<T>>>>,
    read: R,
}

impl<T: Send + 'static, F, R> Pages<T, R>
where
    F: Future<Output = remit_store::Result<Vec<T>>> + Send + 'static,
    R: Fn(Option<&T>) -> F,
{
    /// Begins to read; `read` returns the page after a row, the first page after none.
    pub(super) fn new(read: R) -> Self {
        Self { next: Some(tokio::spawn(read(None))), read }
    }

    /// Returns the next page; none after the last.
    pub(super) async fn page(&mut self) -> Option<remit_store::Result<Vec<T>>> {
        let page = match self.next.take()?.await {
            Ok(page) => page,
            Err(broken) => std::panic::resume_unwind(broken.into_panic()),
        };
        if let Ok(page) = &page
            && page.len() == PAGE as usize
        {
            self.next = Some(tokio::spawn((self.read)(page.last())));
        }
        Some(page)
    }
}

/// A scope of the store.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) store: Store,
    pub(super) scope: String,
}

/// What the tables of a scope hold, as far as they could be read.
#[derive(Default)]
pub(super) struct Stored {
    /// The index tables in the order of [`Table::ALL`]: rows, and their tally.
    pub(super) tables: Vec<(Table, u64, Tally)>,
    /// Texts, how many of these are erased, and their tally.
    pub(super) texts: Option<(u64, u64, Tally)>,
    /// Entries of the record.
    pub(super) entries: u64,
    /// Why not everything could be read.
    pub(super) stopped: Option<Stopped>,
}

impl Place {
    #[expect(clippy::needless_pass_by_value, reason = "callers hand over identifiers and words as they have them")]
    pub(super) fn different(&self, table: &str, key: impl ToString, what: impl Into<String>) -> Stopped {
        let (scope, table) = (self.scope.clone(), table.to_owned());
        // The engagement's own row has no key but its scope.
        let key = Some(key.to_string()).filter(|key| !key.is_empty()).unwrap_or_else(|| scope.clone());
        Stopped::Different(Difference { scope, table, key, what: what.into() })
    }

    /// Returns a page, or the difference that a row nobody wrote is.
    pub(super) fn page<T>(&self, table: &str, page: remit_store::Result<Vec<T>>) -> Step<Vec<T>> {
        page.map_err(|error| match error {
            StoreError::Unreadable(row) => self.different(table, &row.row, format!("`{}` cannot be read", row.column)),
            error => error.into(),
        })
    }

    /// Hands every row of an index table to `look`.
    pub(super) async fn rows(&self, table: Table, mut look: impl FnMut(Row) -> Step + Send) -> Step {
        let place = self.clone();
        let mut pages = Pages::new(move |last: Option<&Row>| {
            let (place, after) = (place.clone(), last.cloned());
            async move { place.store.index_page(&place.scope, table, after.as_ref(), PAGE).await }
        });
        while let Some(page) = pages.page().await {
            self.page(table.name(), page)?.into_iter().try_for_each(&mut look)?;
        }
        Ok(())
    }

    /// Hands every text to `look`, then holds its body against its commitment; returns how many are erased.
    pub(super) async fn texts(&self, mut look: impl FnMut(&StoredText) -> Step + Send) -> Step<u64> {
        let place = self.clone();
        let mut pages = Pages::new(move |last: Option<&StoredText>| {
            let (place, after) = (place.clone(), last.map(|text| text.id));
            async move { place.store.texts_page(&place.scope, after, PAGE).await }
        });
        let mut erased = 0;
        while let Some(page) = pages.page().await {
            for text in self.page("texts", page)? {
                look(&text)?;
                match (&text.salt, &text.body) {
                    (Some(salt), Some(body)) if commitment(salt, body) == text.commitment => {}
                    (Some(_), Some(_)) => {
                        return Err(self.different("texts", text.id, "its body does not fit its commitment"));
                    }
                    (None, None) => erased += 1,
                    (Some(_), None) | (None, Some(_)) => {
                        return Err(self.different("texts", text.id, "it is half erased"));
                    }
                }
            }
        }
        Ok(erased)
    }

    /// Holds every entry of the record against its digest; returns how many there are.
    pub(super) async fn entries(&self) -> Step<u64> {
        let place = self.clone();
        let mut pages = Pages::new(move |last: Option<&StoredEntry>| {
            let (place, after) = (place.clone(), last.map(|stored| stored.entry.id));
            async move { place.store.entries_page(&place.scope, after, PAGE).await }
        });
        let mut count = 0;
        while let Some(page) = pages.page().await {
            for stored in self.page("entries", page)? {
                count += 1;
                if !stored.is_whole() {
                    return Err(self.different("entries", stored.entry.id, "its content does not fit its digest"));
                }
            }
        }
        Ok(count)
    }

    /// Reads and tallies everything beside the events.
    pub(super) async fn tally(self, key: RandomState) -> Stored {
        let mut stored = Stored::default();
        stored.stopped = self.tally_into(&mut stored, &key).await.err();
        stored
    }

    async fn tally_into(&self, stored: &mut Stored, key: &RandomState) -> Step {
        for table in Table::ALL {
            let (mut count, mut tally) = (0, Tally::default());
            let read = self.rows(*table, |row| {
                count += 1;
                tally.add(key, &row);
                Ok(())
            });
            read.await?;
            stored.tables.push((*table, count, tally));
        }
        let (mut count, mut tally) = (0, Tally::default());
        let read = self.texts(|text| {
            count += 1;
            tally.add(key, &(text.id, text.commitment));
            Ok(())
        });
        let erased = read.await?;
        stored.texts = Some((count, erased, tally));
        stored.entries = self.entries().await?;
        Ok(())
    }
}
