//! Who hears of a change. A listener hears only of what she may see, and a reader of a case that is not decided hears
//! nothing of it at all: that another reader took a seat or sealed would be news from another reading.

use remit_access::{Action, Class, Gate, Label};
use remit_kernel::{
    facts::Want,
    id::CaseId,
    pack::Duty,
    role::Role,
    stream::{Scope, StreamId},
};

use super::{App, Loaded, Topic, permit};
use crate::{
    caller::{Caller, Who},
    error::Result,
};

/// What a listener hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Nothing that is hers to know.
    Nothing,
    /// Something that may move her Today.
    Today,
    /// This case, which she may see.
    Case(CaseId),
    /// Her session has ended: the stream ends with it.
    SignedOut,
}

impl App {
    /// Returns what a caller hears of a change.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn hears(&self, caller: &Caller, topic: Topic) -> Result<Heard> {
        let Scope::Engagement(engagement) = topic.scope else { return Ok(Heard::Nothing) };
        if !self.still_in(caller).await? {
            return Ok(Heard::SignedOut);
        }
        let standing = self.standing(caller, topic.scope).await?;
        let mut gate = Gate::new(&self.authorizer, &standing.principal, standing.now);
        if gate.admit(Action::ViewEngagement, &Label::engagement(engagement)).is_err() {
            return Ok(Heard::Nothing);
        }
        let Some(id) = topic.case else {
            let manages =
                [Role::ClientManager, Role::DeliveryManager, Role::Auditor].iter().any(|role| standing.holds(*role));
            return Ok(if manages { Heard::Today } else { Heard::Nothing });
        };
        if topic.opened && standing.holds(Role::Expert) {
            return Ok(Heard::Today);
        }
        let mut loaded = Loaded::default();
        self.load(topic.scope, &[Want::Stream(StreamId::Case(id)), Want::Stream(StreamId::panel_of(id))], &mut loaded)
            .await?;
        let (case, panel) = (loaded.facts.cases.get(&id), loaded.facts.panels.get(&id.panel()));
        let Some(case) = case else { return Ok(Heard::Nothing) };
        let person = standing.id();
        let reads = panel.is_some_and(|panel| {
            !panel.revealed() && panel.duties.iter().any(|duty| duty.person == person && duty.duty == Duty::Read)
        });
        let label = permit::case_label(engagement, Class::Case, case, panel, &standing.principal);
        let sees = !reads && gate.admit(Action::ViewCase, &label).is_ok();
        Ok(if sees { Heard::Case(id) } else { Heard::Nothing })
    }

    /// Returns whether the session of a caller is still open.
    async fn still_in(&self, caller: &Caller) -> Result<bool> {
        let Who::Person { person, session: Some(session), .. } = caller.who else { return Ok(true) };
        let now = self.clock.now();
        Ok(self.store.sessions_of(person).await?.iter().any(|known| known.id == session && known.expires_at > now))
    }
}
