//! Nodes that share a database tell each other what changed, so that a page open at one hears of an act at another.
//!
//! These are hints: a lost one costs a reload, never a fact.

use remit_kernel::{id::CaseId, stream::Scope};
use tokio::sync::broadcast::{Receiver, Sender, error::RecvError};

use super::{App, Topic};

impl App {
    /// Tells whoever listens, here and at other nodes, that something changed.
    pub(crate) fn tell(&self, topic: Topic) {
        // Nobody may be listening.
        let _ = self.topics.send(Some(topic));
        if self.store.is_shared() {
            self.store.tell_nodes(topic.line(self.store.node()));
        }
    }
}

/// Passes on what other nodes tell, for as long as the store lives.
pub(super) async fn relay(mut heard: Receiver<Option<String>>, node: String, topics: Sender<Option<Topic>>) {
    loop {
        let topic = match heard.recv().await {
            Ok(Some(line)) => match Topic::read(&line) {
                Some((teller, topic)) if teller != node => Some(topic),
                // Our own word, or that of a later version of Remit.
                Some(_) | None => continue,
            },
            // What was told in between is unknown: let every page ask again.
            Ok(None) | Err(RecvError::Lagged(_)) => None,
            Err(RecvError::Closed) => return,
        };
        // Nobody may be listening.
        let _ = topics.send(topic);
    }
}

impl Topic {
    /// Returns the topic as one line: who tells, where, whether a case came in, and which case.
    fn line(self, node: &str) -> String {
        let case = self.case.map_or_else(|| "-".to_owned(), |case| case.to_string());
        format!("{node} {} {} {case}", self.scope, if self.opened { "opened" } else { "moved" })
    }

    /// Reads such a line: who told, and what.
    fn read(line: &str) -> Option<(&str, Self)> {
        let mut words = line.split(' ');
        let (node, scope, opened, case) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let scope = scope.parse::<Scope>().ok()?;
        let opened = match opened {
            "opened" => true,
            "moved" => false,
            _ => return None,
        };
        let case = match case {
            "-" => None,
            case => Some(case.parse::<CaseId>().ok()?),
        };
        words.next().is_none().then_some((node, Self { scope, case, opened }))
    }
}

#[cfg(test)]
mod tests {
    use remit_kernel::id::{Id as _, Suffix};

    use super::*;

    #[test]
    fn a_topic_is_read_as_it_was_told_and_nothing_else_is() {
        for case in [None, Some(CaseId::of(Suffix::new(7, [3; 10])))] {
            for opened in [false, true] {
                let topic = Topic { scope: Scope::Directory, case, opened };
                assert_eq!(Topic::read(&topic.line("n1")), Some(("n1", topic)));
            }
        }
        for line in [
            "",
            "n1",
            "n1 dir moved",
            "n1 dir stirred -",
            "n1 nowhere moved -",
            "n1 dir moved case_?",
            "n1 dir moved - -",
        ] {
            assert_eq!(Topic::read(line), None, "{line}");
        }
    }
}
