//! Queues of writes on a database server: those that move one counter are applied one after the other, and all that wait
//! together share a commit.
//!
//! Each rests on the counter as the one before leaves it. In a commit of their own each would wait for the disk of all
//! before; a data folder's one writer knows no other way.

use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
};

use deadpool::managed::Pool;

use crate::{
    cluster::{Sessions, Watch, apply, one},
    dialect::unreachable,
    error::{Result, StoreError},
    write::{Applied, Plan},
    writer::Request,
};

/// Most writes of one commit. What is held grows with it, and so does what another node's write waits for.
const GROUP_MAX: usize = 64;

/// Scope and stream of a counter.
type Counter = (String, String);

/// The queues in which something waits or is under way.
#[derive(Clone, Default)]
pub(crate) struct Queues(Arc<Mutex<HashMap<Counter, Vec<Request>>>>);

impl Queues {
    /// Puts a write at the end of the queue of a counter.
    pub(crate) fn send(&self, pool: &Pool<Sessions>, counter: Counter, request: Request) {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = queues.get_mut(&counter) {
            waiting.push(request);
            return;
        }
        queues.insert(counter.clone(), vec![request]);
        tokio::spawn(self.clone().run(pool.clone(), counter));
    }

    /// Returns how many writes wait.
    pub(crate) fn waiting(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().map(Vec::len).sum()
    }

    /// Applies what waits until nothing does.
    async fn run(self, pool: Pool<Sessions>, counter: Counter) {
        while let Some(group) = self.next(&counter, GROUP_MAX) {
            if answer(&pool, group).await.is_break() {
                // Those behind rest on what may not be there, and would wait for the same database one after the other.
                let lost = Arc::new(unreachable("it did not answer the write ahead"));
                for request in self.next(&counter, usize::MAX).unwrap_or_default() {
                    let _ = request.reply.send(Err(StoreError::of_group(&lost)));
                }
            }
        }
    }

    /// Takes the first of those that wait; with none, the queue goes.
    fn next(&self, counter: &Counter, most: usize) -> Option<Vec<Request>> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = queues.get_mut(counter)?;
        if waiting.is_empty() {
            queues.remove(counter);
            return None;
        }
        let rest = waiting.split_off(most.min(waiting.len()));
        Some(std::mem::replace(waiting, rest))
    }
}

/// Applies writes in one commit and tells each what became of it. Where one of them fails, each gets a commit of its own, in
/// their order. Breaks if the database does not answer.
async fn answer(pool: &Pool<Sessions>, group: Vec<Request>) -> ControlFlow<()> {
    // Whose patience ended while it waited was told that it is open; it need not be done any more.
    let group: Vec<Request> = group.into_iter().filter(|request| !request.reply.is_closed()).collect();
    if group.is_empty() {
        return ControlFlow::Continue(());
    }
    let plans: Vec<&Plan> = group.iter().map(|request| &request.plan).collect();
    let told: Vec<Result<Applied>> = match apply(pool, &plans, group.first().map(|first| Watch(first.queued))).await {
        Ok(applied) => applied.into_iter().map(Ok).collect(),
        Err(lost) if group.len() == 1 => vec![Err(lost)],
        Err(lost) if is_away(&lost) => {
            let lost = Arc::new(lost);
            plans.iter().map(|_| Err(StoreError::of_group(&lost))).collect()
        }
        Err(_) => {
            let mut told = Vec::with_capacity(plans.len());
            for plan in &plans {
                told.push(apply(pool, &[plan], None).await.and_then(one));
            }
            told
        }
    };
    let away = told.iter().any(|told| told.as_ref().is_err_and(is_away));
    for (request, told) in group.into_iter().zip(told) {
        // A caller that stopped listening gave up its answer, not its write.
        let _ = request.reply.send(told);
    }
    if away { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Returns whether an error says that the database, or the way to it, is not there.
fn is_away(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unreachable { .. } | StoreError::Unknown { .. } | StoreError::Crowded | StoreError::Closed
    )
}
