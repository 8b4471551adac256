//! Patience: how long one act waits for a database server, all its waits together.
//!
//! Each statement has a limit of its own; an act makes many, and a server that answers each of them late would keep its
//! caller waiting for the sum. What the act does by itself, or waits for from its caller, is not counted.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

tokio::task_local! {
    /// Microseconds that are left to what runs in this task.
    static LEFT: Arc<AtomicU64>;
}

/// Why a wait was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// This wait took too long.
    Unanswered,
    /// The waits before it left too little.
    Impatient,
}

/// Runs work whose waits for a database server take this long together at the most. Work outside of any such bound is as
/// patient as each wait.
pub async fn bounded<T>(longest: Duration, work: impl Future<Output = T>) -> T {
    LEFT.scope(Arc::new(AtomicU64::new(micros(longest))), work).await
}

/// Returns whether nothing is left: what is begun now, nobody waits for.
pub fn is_over() -> bool {
    LEFT.try_with(|left| left.load(Ordering::Relaxed) == 0).unwrap_or(false)
}

/// Returns work that goes on with the patience of whoever calls this, in a task of its own.
pub fn shared<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let left = LEFT.try_with(Arc::clone).ok();
    async move {
        match left {
            Some(left) => LEFT.scope(left, work).await,
            None => work.await,
        }
    }
}

/// Waits for work, `longest` at the most and no longer than patience lasts; takes off what it took.
///
/// # Errors
/// [`Late`]; where nothing was left, the work was not begun.
pub async fn wait<T>(longest: Duration, work: impl Future<Output = T>) -> Result<T, Late> {
    let Ok(left) = LEFT.try_with(Arc::clone) else {
        return tokio::time::timeout(longest, work).await.map_err(|_| Late::Unanswered);
    };
    let patience = Duration::from_micros(left.load(Ordering::Relaxed));
    if patience.is_zero() {
        return Err(Late::Impatient);
    }
    let begun = Instant::now();
    let outcome = tokio::time::timeout(longest.min(patience), work).await;
    let took = micros(begun.elapsed());
    // Waits side by side each take off what they took.
    let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(took)));
    outcome.map_err(|_| if patience < longest { Late::Impatient } else { Late::Unanswered })
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn waits_of_one_act_are_counted_together_in_its_other_tasks_too() {
        bounded(SHORT * 2, async {
            assert_eq!(wait(LONG, ready(1)).await, Ok(1));
            assert_eq!(wait(SHORT, pending::<()>()).await, Err(Late::Unanswered));
            let elsewhere = tokio::spawn(shared(wait(LONG, pending::<()>()))).await;
            assert!(matches!(elsewhere, Ok(Err(Late::Impatient))), "{elsewhere:?}");
            assert!(is_over());
            assert_eq!(
                wait(LONG, async { panic!("work that nobody waits for was begun") }).await,
                Err::<(), _>(Late::Impatient)
            );
        })
        .await;
    }

    #[tokio::test]
    async fn what_an_act_does_by_itself_is_not_counted() {
        bounded(SHORT, async {
            let own = tokio::time::timeout(SHORT * 2, pending::<()>()).await;
            assert!(own.is_err());
            assert_eq!(wait(LONG, ready(1)).await, Ok(1));
        })
        .await;
    }

    #[tokio::test]
    async fn without_a_bound_each_wait_has_its_own_limit() {
        assert!(!is_over());
        for _ in 0..2 {
            assert_eq!(wait(SHORT, pending::<()>()).await, Err(Late::Unanswered));
        }
    }
}
