//! View: who looks, what the policies let her see, and the entry that says she saw it.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    sync::OnceLock,
};

use remit_access::{Action, Authorized, Class, Gate, Label, Principal};
use remit_kernel::{
    case::Case,
    engagement::{Engagement, Sow},
    facts::{Facts, Want},
    hash::Digest,
    id::{CaseId, EngagementId, EntryId, PersonId, SowId, TextId},
    panel::Panel,
    refusal::Reason,
    role::{Role, Side},
    stream::{Scope, State, StreamId},
    text::TextRef,
    time::Instant,
};
use remit_store::EntryRow;

use tracing::Instrument as _;

use super::{App, load::Loaded, permit};
use crate::{
    caller::Caller,
    error::{Error, Result},
    telemetry::{self, Timer},
};

/// Something that can be asked. What it answers has passed the policies, and the asking is on record.
pub trait Query: Send + Sized {
    /// The answer.
    type Out: Send;

    /// Returns whose rows are asked for.
    fn scope(&self) -> Scope;

    /// Answers through `look`, which alone opens content.
    fn answer(self, look: &mut Look<'_>) -> impl Future<Output = Result<Self::Out>> + Send;
}

/// Where a caller stands in a scope at this instant.
#[derive(Debug, Clone)]
pub struct Standing {
    pub(crate) scope: Scope,
    pub(crate) principal: Principal,
    pub(crate) now: Instant,
    pub(crate) request_id: String,
    pub(crate) person: Option<PersonId>,
    /// Whether she may be told who read: the client knows readers by number, unless the statement of work names people.
    pub(crate) knows_readers: bool,
}

/// One look of one caller.
pub struct Look<'a> {
    /// The application.
    pub(crate) app: &'a App,
    /// Who looks.
    pub(crate) standing: &'a Standing,
    gate: Gate<'a>,
    seen: Vec<Seen>,
    /// How many events the engagement's panels hold, once it was asked for in this look.
    pub(crate) panel_events: OnceLock<u64>,
}

/// Something that was shown.
struct Seen {
    action: Action,
    object: String,
    case: Option<CaseId>,
    hash: Option<Digest>,
}

impl App {
    /// Answers a query for a caller. The entries of what was shown are on the disk before the answer leaves.
    ///
    /// # Errors
    /// [`Error::Refused`] with `not-found` for what is unknown or hidden: the two look alike.
    pub async fn view<Q: Query>(&self, caller: &Caller, query: Q) -> Result<Q::Out> {
        let (word, timer) = (telemetry::query_word::<Q>(), Timer::start());
        let span = tracing::debug_span!("app.view", query = word, scope = %query.scope());
        let told = span.clone();
        // On the heap: an answer in the making holds states, and pages that ask several times would grow with each.
        let answer = Box::pin(self.answer_to(caller, query)).instrument(span).await;
        let outcome = match &answer {
            Ok(_) => "done",
            Err(Error::Refused(_)) => "refused",
            Err(_) => "failed",
        };
        metrics::counter!("remit_views_total", "query" => word, "outcome" => outcome).increment(1);
        metrics::histogram!("remit_view_seconds", "query" => word).record(timer.elapsed());
        told.in_scope(|| tracing::debug!(duration_ms = timer.millis(), outcome, "{word}: {outcome}"));
        answer
    }

    async fn answer_to<Q: Query>(&self, caller: &Caller, query: Q) -> Result<Q::Out> {
        let standing = self.standing(caller, query.scope()).await?;
        let mut look = Look {
            app: self,
            standing: &standing,
            gate: Gate::new(&self.authorizer, &standing.principal, standing.now),
            seen: Vec::new(),
            panel_events: OnceLock::new(),
        };
        // What a view loads is large: it lives on the heap, whoever awaits it.
        let answer = Box::pin(query.answer(&mut look)).await;
        look.record().await?;
        answer
    }

    /// Returns where a caller stands in a scope.
    pub(crate) async fn standing(&self, caller: &Caller, scope: Scope) -> Result<Standing> {
        let mut loaded = Loaded::default();
        if let Some(person) = caller.person() {
            self.load(scope, &[Want::Person(person), Want::Stream(StreamId::Member(person))], &mut loaded).await?;
        }
        let known = caller.person().and_then(|person| loaded.facts.people.get(&person));
        let member = caller.person().and_then(|person| loaded.facts.members.get(&person));
        let principal = permit::principal(caller, known, member);
        let now = self.clock.now();
        let knows_readers = match principal.side {
            Some(Side::Provider) => true,
            Some(Side::Client) => self.names_people(scope, now).await?,
            None => false,
        };
        Ok(Standing {
            scope,
            principal,
            knows_readers,
            now,
            request_id: caller.request_id.clone(),
            person: caller.person(),
        })
    }

    /// Returns whether the statement of work by which an engagement lives names people to the client.
    async fn names_people(&self, scope: Scope, now: Instant) -> Result<bool> {
        let Scope::Engagement(engagement) = scope else { return Ok(false) };
        let mut loaded = Loaded::default();
        self.load(scope, &[Want::Stream(StreamId::Engagement(engagement))], &mut loaded).await?;
        let Some(engagement) = loaded.facts.engagement.take() else { return Ok(false) };
        let signed: Vec<_> = engagement.signed().map(|sow| Want::Stream(StreamId::Sow(sow))).collect();
        self.load(scope, &signed, &mut loaded).await?;
        Ok(engagement.names_people(&loaded.facts.sows, now))
    }
}

impl Standing {
    /// Returns whether the caller holds a role here.
    pub fn holds(&self, role: Role) -> bool {
        self.principal.roles.contains(&role)
    }

    /// Returns the caller's identifier.
    pub fn id(&self) -> PersonId {
        self.principal.person
    }

    /// Returns the instant of the look.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Returns the engagement, for queries that have one.
    ///
    /// # Errors
    /// `not-found` in the directory's scope.
    pub fn engagement(&self) -> Result<EngagementId> {
        match self.scope {
            Scope::Engagement(engagement) => Ok(engagement),
            Scope::Directory => Err(Reason::hidden("engagement").into()),
        }
    }
}

impl Look<'_> {
    /// Goes on if the policies allow the action; otherwise there is nothing here.
    pub(crate) fn admit(&mut self, action: Action, label: &Label) -> Result<()> {
        match self.gate.admit(action, label) {
            Ok(_) => Ok(()),
            Err(_) => Err(permit::denied(&mut self.gate, label, action.word(), self.standing.now).into()),
        }
    }

    /// Returns whether the policies allow the action: for buttons and parts of a page.
    pub(crate) fn may(&mut self, action: Action, label: &Label) -> bool {
        self.gate.admit(action, label).is_ok()
    }

    /// Returns the value if it may be shown.
    pub(crate) fn open<T>(&mut self, action: Action, label: &Label, value: T) -> Option<Authorized<T>> {
        self.gate.open(action, label, value)
    }

    /// Notes that something was shown.
    pub(crate) fn saw(
        &mut self,
        action: Action,
        object: impl std::fmt::Display,
        case: Option<CaseId>,
        hash: Option<Digest>,
    ) {
        self.seen.push(Seen { action, object: object.to_string(), case, hash });
    }

    /// Returns the name of the scope, as the store knows it.
    pub(crate) fn scope(&self) -> String {
        self.standing.scope.to_string()
    }

    /// Returns the label of the engagement.
    pub(crate) fn engagement_label(&self) -> Result<Label> {
        Ok(Label::engagement(self.standing.engagement()?))
    }

    /// Loads facts.
    pub(crate) async fn load(&self, wants: &[Want]) -> Result<Facts> {
        let mut loaded = Loaded::default();
        self.app.load(self.standing.scope, wants, &mut loaded).await?;
        Ok(loaded.facts)
    }

    /// Returns a case and its panel, as they are or as they were at an instant; not found if the caller may not see it.
    pub(crate) async fn case(&mut self, id: CaseId, as_of: Option<Instant>) -> Result<(Case, Option<Panel>)> {
        let (stream, panel) = (StreamId::Case(id), StreamId::panel_of(id));
        let (case, panel) = match as_of {
            None => {
                let mut facts = self.load(&[Want::Stream(stream), Want::Stream(panel)]).await?;
                (facts.cases.remove(&id), facts.panels.remove(&id.panel()))
            }
            Some(instant) => {
                let case = self.app.state_at(self.standing.scope, stream, instant).await?;
                let panel = self.app.state_at(self.standing.scope, panel, instant).await?;
                let case = case.and_then(|state| if let State::Case(case) = state { Some(case) } else { None });
                (case, panel.and_then(|state| if let State::Panel(panel) = state { Some(panel) } else { None }))
            }
        };
        let case = case.ok_or_else(|| Reason::hidden(id))?;
        let label = self.label(Class::Case, &case, panel.as_ref())?;
        self.admit(Action::ViewCase, &label).map_err(|_| Reason::hidden(id))?;
        Ok((case, panel))
    }

    /// Returns the label of a case, or of one kind of thing in it.
    pub(crate) fn label(&self, class: Class, case: &Case, panel: Option<&Panel>) -> Result<Label> {
        Ok(permit::case_label(self.standing.engagement()?, class, case, panel, &self.standing.principal))
    }

    /// Returns texts by their identifiers; erased ones are absent. Only for texts whose label was admitted.
    pub(crate) async fn texts(&self, texts: &[TextId]) -> Result<HashMap<TextId, String>> {
        Ok(self.app.store.texts(&self.scope(), texts).await?)
    }

    /// Returns one text; an erased one reads as such.
    pub(crate) async fn text(&self, text: TextRef) -> Result<String> {
        Ok(self.texts(&[text.id]).await?.remove(&text.id).unwrap_or_else(|| ERASED.to_owned()))
    }

    /// Returns names of people of the directory.
    pub(crate) async fn names(&self, people: &[PersonId]) -> Result<HashMap<PersonId, String>> {
        let named = self.app.store.people(people).await?;
        Ok(named
            .into_iter()
            .map(|person| (person.row.person, person.name.unwrap_or_else(|| ERASED.to_owned())))
            .collect())
    }

    /// Returns the engagement and the statements of work it lives by, now and next.
    pub(crate) async fn engagement(&mut self) -> Result<(Engagement, BTreeMap<SowId, Sow>)> {
        let id = self.standing.engagement()?;
        let label = Label::engagement(id);
        self.admit(Action::ViewEngagement, &label).map_err(|_| Reason::hidden(id))?;
        let facts = self.load(&[Want::Stream(StreamId::Engagement(id))]).await?;
        let engagement = facts.engagement.ok_or_else(|| Reason::hidden(id))?;
        let wanted: Vec<_> = engagement.signed().map(|sow| Want::Stream(StreamId::Sow(sow))).collect();
        let sows = self.load(&wanted).await?.sows;
        Ok((engagement, sows))
    }

    /// Writes the entries of what was shown.
    async fn record(&mut self) -> Result<()> {
        if self.seen.is_empty() {
            return Ok(());
        }
        let used = self.gate.used();
        let ctx_seed = self.app.chance.draw()?;
        let ctx =
            remit_kernel::ctx::Ctx { actor: remit_kernel::ctx::Actor::Service, now: self.standing.now, seed: ctx_seed };
        let entries = (0..).zip(self.seen.drain(..)).map(|(ordinal, seen)| EntryRow {
            id: ctx.id::<EntryId>(ordinal),
            scope: self.standing.scope.to_string(),
            at: self.standing.now,
            actor: self.standing.person,
            roles: self.standing.principal.roles.iter().copied().collect(),
            action: seen.action.word().to_owned(),
            object: seen.object,
            case: seen.case,
            object_hash: seen.hash,
            decision: remit_store::Decision::Allow,
            policy_set_hash: self.app.authorizer.policy_set_hash(),
            policy_ids: used.clone(),
            purpose: "work".to_owned(),
            country: Some(self.standing.principal.place.clone()).filter(|place| !place.is_empty()),
            request_id: self.standing.request_id.clone(),
            commitments: Vec::new(),
        });
        Ok(self.app.store.record_many(entries.collect()).await?)
    }
}

/// What stands where a text was erased.
pub(crate) const ERASED: &str = "(erased)";
