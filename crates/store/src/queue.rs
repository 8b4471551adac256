//! Queues of writes on a database server: all that wait together share a commit, as they do at the one writer of a data folder.
//!
//! Those that move one counter are applied one after the other: each rests on the counter as the one before leaves it, and in
//! commits of their own each would wait for the disk of all before. All others of a scope take one of a few lanes: the more
//! wait, the fewer statements and commits they cost.

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
    write::{Applied, Company, Plan},
    writer::Request,
};

/// Most writes of one commit. What is held grows with it, and so does what another node's write waits for.
const GROUP_MAX: usize = 64;
/// Bytes of one commit beyond which no more writes join it: documents on a slow line would otherwise keep the others too long.
const GROUP_BYTES: usize = 1 << 20;

/// Commits of one scope that are under way at a time, those of counters not counted.
const LANES: usize = 4;

/// A queue: that of a counter, or one of the lanes of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Queue {
    Counter(String, String),
    Lane(String, usize),
}

/// The queues in which something waits or is under way.
#[derive(Clone, Default)]
pub(crate) struct Queues(Arc<Mutex<HashMap<Queue, Vec<Request>>>>);

impl Queues {
    /// Puts a write at the end of its queue: that of its counter, or the shortest lane of its scope.
    pub(crate) fn send(&self, pool: &Pool<Sessions>, company: Company, request: Request) {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = match company {
            Company::Counter(scope, stream) => Queue::Counter(scope, stream),
            Company::Scope(scope) => {
                let lane = |lane| Queue::Lane(scope.clone(), lane);
                let length = |at: &usize| queues.get(&lane(*at)).map_or(0, |waiting| 1 + waiting.len());
                lane((0..LANES).min_by_key(length).unwrap_or_default())
            }
        };
        if let Some(waiting) = queues.get_mut(&queue) {
            waiting.push(request);
            return;
        }
        queues.insert(queue.clone(), vec![request]);
        tokio::spawn(self.clone().run(pool.clone(), queue));
    }

    /// Returns how many writes wait.
    pub(crate) fn waiting(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().map(Vec::len).sum()
    }

    /// Applies what waits until nothing does.
    async fn run(self, pool: Pool<Sessions>, queue: Queue) {
        while let Some(group) = self.next(&queue) {
            if answer(&pool, group).await.is_break() {
                // Those behind rest on what may not be there, and would wait for the same database one after the other.
                let lost = Arc::new(unreachable("it did not answer the write ahead"));
                for request in self.waiting_in(&queue) {
                    let _ = request.reply.send(Err(StoreError::of_group(&lost)));
                }
            }
        }
    }

    /// Takes all that wait.
    fn waiting_in(&self, queue: &Queue) -> Vec<Request> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues.get_mut(queue).map(std::mem::take).unwrap_or_default()
    }

    /// Takes those that fill one commit of those that wait; with none, the queue goes.
    fn next(&self, queue: &Queue) -> Option<Vec<Request>> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = queues.get_mut(queue)?;
        if waiting.is_empty() {
            queues.remove(queue);
            return None;
        }
        let mut bytes = 0;
        let fits = |request: &&Request| {
            let room = bytes < GROUP_BYTES;
            bytes += request.plan.bytes();
            room
        };
        let count = waiting.iter().take(GROUP_MAX).take_while(fits).count();
        let rest = waiting.split_off(count);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Statement;

    /// Returns how many writes each commit has, if so many wait that bind so many bytes each.
    fn commits(writes: usize, bytes: usize) -> Vec<usize> {
        let queues = Queues::default();
        let queue = Queue::Lane("scope".to_owned(), 0);
        let statement = || Statement { sql: "", values: values!["x".repeat(bytes)] };
        let waiting = (0..writes).map(|_| Request::new(Plan::of(vec![statement()])).0).collect();
        queues.0.lock().unwrap_or_else(PoisonError::into_inner).insert(queue.clone(), waiting);
        let commits = std::iter::from_fn(|| queues.next(&queue)).map(|group| group.len()).collect();
        assert!(queues.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty(), "an empty queue goes");
        commits
    }

    #[test]
    fn a_commit_is_full_by_its_writes_or_by_its_bytes() {
        assert_eq!(commits(70, 1), [64, 6]);
        assert_eq!(commits(3, 700_000), [2, 1]);
        assert_eq!(commits(2, 5_000_000), [1, 1]);
        assert_eq!(commits(0, 1), [0; 0]);
    }
}
