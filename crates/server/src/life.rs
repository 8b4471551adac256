//! Where the server is between start and stop, and whether its store answers: what `/readyz` tells a balancer.

use std::sync::Arc;

use remit_store::StoreError;
use serde::Serialize;
use tokio::sync::watch;

/// Where the server stands. Clones share it.
#[derive(Debug, Clone)]
pub struct Life(Arc<watch::Sender<Standing>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    stage: Stage,
    writes: Writes,
}

/// A stage of the server's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The store is being opened and brought up to date.
    Starting,
    /// It serves.
    Serving,
    /// It still serves, and tells balancers to send nothing more.
    Leaving,
    /// It finishes what it has, and takes no more.
    Stopping,
}

/// How the store answered the last probe of its writer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Writes {
    Answered,
    Full,
    Failed(String),
}

/// What `/readyz` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether a balancer should send requests here.
    pub ready: bool,
    /// Why not, or what is amiss although it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Life {
    /// Returns the life of a server that starts.
    pub fn starting() -> Self {
        Self(Arc::new(watch::Sender::new(Standing { stage: Stage::Starting, writes: Writes::Answered })))
    }

    /// Says that the server serves now.
    pub fn serve(&self) {
        self.0.send_modify(|standing| standing.stage = Stage::Serving);
    }

    /// Says that the server will stop: a balancer sends nothing more here.
    pub fn announce(&self) {
        self.0.send_modify(|standing| standing.stage = Stage::Leaving);
    }

    /// Says that the server stops: whoever waits for [`Life::ended`] goes on.
    pub fn end(&self) {
        self.0.send_modify(|standing| standing.stage = Stage::Stopping);
    }

    /// Keeps how the store answered a probe.
    pub(crate) fn probed(&self, answer: &remit_store::Result<()>) {
        let writes = match answer {
            Ok(()) => Writes::Answered,
            Err(StoreError::Full) => Writes::Full,
            Err(error) => Writes::Failed(error.to_string()),
        };
        self.0.send_if_modified(|standing| {
            let moved = standing.writes != writes;
            standing.writes = writes;
            moved
        });
    }

    /// Returns the stage.
    pub fn stage(&self) -> Stage {
        self.0.borrow().stage
    }

    /// Resolves once the server stops.
    pub async fn ended(self) {
        // The sender lives as long as this does.
        let _ = self.0.subscribe().wait_for(|standing| standing.stage == Stage::Stopping).await;
    }

    /// Returns whether a balancer should send requests here. A full disk still lets everybody read, so the server stays
    /// ready and says so.
    pub fn readiness(&self) -> Readiness {
        let Standing { stage, writes } = self.0.borrow().clone();
        let (ready, reason) = match (stage, writes) {
            (Stage::Starting, _) => (false, Some("starting: the store is being opened".to_owned())),
            (Stage::Leaving | Stage::Stopping, _) => {
                (false, Some("stopping: what was begun is being finished".to_owned()))
            }
            (Stage::Serving, Writes::Failed(why)) => (false, Some(format!("the store takes no writes: {why}"))),
            (Stage::Serving, Writes::Full) => {
                (true, Some("the disk is full: reading works, writing does not".to_owned()))
            }
            (Stage::Serving, Writes::Answered) => (true, None),
        };
        Readiness { ready, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_only_between_start_and_stop_and_while_its_store_answers() {
        let life = Life::starting();
        assert!(!life.readiness().ready);
        life.serve();
        assert_eq!(life.readiness(), Readiness { ready: true, reason: None });
        life.probed(&Err(StoreError::Closed));
        assert!(!life.readiness().ready);
        life.probed(&Err(StoreError::Full));
        assert!(life.readiness().ready && life.readiness().reason.is_some());
        life.probed(&Ok(()));
        life.end();
        assert!(!life.readiness().ready);
    }

    #[tokio::test]
    async fn whoever_waits_for_the_end_hears_of_it_even_afterwards() {
        let life = Life::starting();
        let waiting = tokio::spawn(life.clone().ended());
        life.end();
        assert!(waiting.await.is_ok());
        life.ended().await;
    }
}
