//! The decision: facts from Rust values into Cedar's entities, and Cedar's answer back.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use cedar_policy::{
    CedarSchemaError, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, ParseErrors, PolicyId, PolicySet,
    PolicySetError, Request, Response, RestrictedExpression, Schema, ValidationMode, Validator,
    entities_errors::EntitiesError,
};
use remit_kernel::{
    hash::Digest,
    role::{Role, Side},
    time::Instant,
};

use crate::{Action, Class, Kind, Label, Principal, Visibility};

const SCHEMA: &str = include_str!("../policies/remit.cedarschema");
const POLICIES: &str = include_str!("../policies/remit.cedar");

/// Answers kept; when there are more, all are forgotten.
const GIVEN_MAX: usize = 4_096;

/// Facts that do not make a request of the schema.
type Unaskable = Box<dyn std::error::Error + Send + Sync>;

/// Policies that must not be used: the program does not start with them.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The schema cannot be read.
    #[error("the access schema cannot be read")]
    Schema(#[from] Box<CedarSchemaError>),
    /// The policies cannot be read.
    #[error("the access policies cannot be read")]
    Policies(#[from] Box<ParseErrors>),
    /// The groups of actions make no hierarchy.
    #[error("the groups of actions in the access schema make no hierarchy")]
    Groups(#[from] Box<EntitiesError>),
    /// An action is not in the schema.
    #[error("the access schema has no action `{}`", .action.word())]
    NoAction {
        /// The action.
        action: Action,
    },
    /// A policy has no `@id`.
    #[error("an access policy has no `@id`: {policy}")]
    Unnamed {
        /// Its text.
        policy: String,
    },
    /// Two policies have one name.
    #[error("two access policies have the same `@id`")]
    Twice(#[from] Box<PolicySetError>),
    /// The policies do not fit the schema, so that one of them could fail when it is needed.
    #[error("the access policies do not fit their schema: {findings}")]
    Invalid {
        /// What the validator found, strict.
        findings: String,
    },
}

/// An answer of the policies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// Whether it may happen.
    pub allowed: bool,
    /// Ids of the policies that determined it, sorted: permits if allowed, forbids if not; none if nothing permits it
    /// or the action does not apply to that class.
    pub policies: Vec<String>,
}

/// The policy set, checked once, and the words to ask it in.
#[derive(Debug)]
pub struct Authorizer {
    cedar: cedar_policy::Authorizer,
    schema: Schema,
    policies: PolicySet,
    hash: Digest,
    /// Each with its groups.
    actions: BTreeMap<Action, Entity>,
    classes: BTreeMap<Class, EntityTypeName>,
    roles: BTreeMap<Role, EntityUid>,
    kinds: BTreeMap<Kind, EntityUid>,
    sides: Sides,
    actor: EntityTypeName,
    /// Answers given before; none if a policy looks at the circumstances, such as the time.
    given: Option<Mutex<HashMap<Asked, Decision>>>,
}

/// All that an answer depends on, the policies aside.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asked {
    principal: Principal,
    action: Action,
    label: Label,
}

#[derive(Debug)]
struct Sides {
    client: EntityUid,
    provider: EntityUid,
    none: EntityUid,
}

impl Authorizer {
    /// Returns the authorizer of the built-in policies, parsed and validated strictly against their schema.
    ///
    /// # Errors
    /// [`AccessError`] if the policies do not load whole: a set with a hole is worse than none.
    pub fn new() -> Result<Self, AccessError> {
        Self::with(parse(POLICIES)?)
    }

    fn with(policies: PolicySet) -> Result<Self, AccessError> {
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).map_err(Box::new)?;
        let checked = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        if !checked.validation_passed_without_warnings() {
            let findings: Vec<_> = checked
                .validation_errors()
                .map(ToString::to_string)
                .chain(checked.validation_warnings().map(ToString::to_string))
                .collect();
            return Err(AccessError::Invalid { findings: findings.join("; ") });
        }
        let named = schema.action_entities().map_err(Box::new)?;
        let actions = uids("Action", Action::ALL, Action::word)?
            .into_iter()
            .map(|(action, uid)| Ok((action, named.get(&uid).cloned().ok_or(AccessError::NoAction { action })?)))
            .collect::<Result<_, AccessError>>()?;
        let timeless = policies.policies().all(|policy| !policy.to_string().contains("context"));
        Ok(Self {
            given: timeless.then(Mutex::default),
            cedar: cedar_policy::Authorizer::new(),
            schema,
            policies,
            hash: Digest::of_parts(&[SCHEMA.as_bytes(), POLICIES.as_bytes()]),
            actions,
            classes: Class::ALL
                .iter()
                .map(|class| Ok((*class, type_name(class.word())?)))
                .collect::<Result<_, AccessError>>()?,
            roles: uids("Role", Role::ALL, Role::word)?,
            kinds: uids("Kind", Kind::ALL, Kind::word)?,
            sides: Sides {
                client: uid("Side", "client")?,
                provider: uid("Side", "provider")?,
                none: uid("Side", "none")?,
            },
            actor: type_name("Actor")?,
        })
    }

    /// Returns the digest over schema and policies, which every entry of the record keeps.
    pub const fn policy_set_hash(&self) -> Digest {
        self.hash
    }

    /// Returns whether the principal may do this to what carries the label, and which policies say so.
    ///
    /// Never allows by accident: a request outside the schema, or a policy that fails, denies. The policies are fixed, so
    /// one question has one answer: it is kept, because hundreds of requests ask it each second.
    pub fn decide(&self, principal: &Principal, action: Action, label: &Label, now: Instant) -> Decision {
        let Some(given) = &self.given else { return self.decide_anew(principal, action, label, now) };
        let asked = Asked { principal: principal.clone(), action, label: label.clone() };
        if let Some(known) = given.lock().unwrap_or_else(PoisonError::into_inner).get(&asked) {
            return known.clone();
        }
        let decision = self.decide_anew(principal, action, label, now);
        let mut given = given.lock().unwrap_or_else(PoisonError::into_inner);
        if given.len() >= GIVEN_MAX {
            given.clear();
        }
        given.insert(asked, decision.clone());
        decision
    }

    fn decide_anew(&self, principal: &Principal, action: Action, label: &Label, now: Instant) -> Decision {
        let Ok(response) = self.ask(principal, action, label, now) else { return Decision::default() };
        let policies: BTreeSet<_> = response.diagnostics().reason().map(ToString::to_string).collect();
        let allowed = response.decision() == cedar_policy::Decision::Allow;
        Decision { allowed, policies: policies.into_iter().collect() }
    }

    fn ask(&self, principal: &Principal, action: Action, label: &Label, now: Instant) -> Result<Response, Unaskable> {
        let actor = self.actor_entity(principal)?;
        let resource = self.resource_entity(label)?;
        let context = Context::from_pairs([("now".to_owned(), RestrictedExpression::new_long(now.micros()))])?;
        let action = self.actions[&action].clone();
        let request = Request::new(actor.uid(), action.uid(), resource.uid(), context, Some(&self.schema))?;
        let entities = Entities::from_entities([actor, action, resource], None)?;
        let response = self.cedar.is_authorized(&request, &self.policies, &entities);
        // Cedar skips a policy that fails, and a forbid that is skipped forbids nothing: no answer is better.
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(error.clone().into());
        }
        Ok(response)
    }

    fn actor_entity(&self, principal: &Principal) -> Result<Entity, Unaskable> {
        let side = match principal.side {
            Some(Side::Client) => &self.sides.client,
            Some(Side::Provider) => &self.sides.provider,
            None => &self.sides.none,
        };
        let facts = HashMap::from([
            ("active".to_owned(), RestrictedExpression::new_bool(principal.active)),
            ("kind".to_owned(), RestrictedExpression::new_entity_uid(self.kinds[&principal.kind].clone())),
            ("side".to_owned(), RestrictedExpression::new_entity_uid(side.clone())),
            ("place".to_owned(), RestrictedExpression::new_string(principal.place.clone())),
            ("conflicts".to_owned(), texts(&principal.conflicts)),
        ]);
        let roles: HashSet<_> = principal.roles.iter().map(|role| self.roles[role].clone()).collect();
        let uid = EntityUid::from_type_name_and_id(self.actor.clone(), EntityId::new(principal.person.to_string()));
        Ok(Entity::new(uid, facts, roles)?)
    }

    fn resource_entity(&self, label: &Label) -> Result<Entity, Unaskable> {
        let Sides { client, provider, none } = &self.sides;
        let visible_to = match label.visibility {
            Visibility::Both => vec![client, provider, none],
            Visibility::Client => vec![client],
            Visibility::Provider => vec![provider],
        };
        let visible_to = visible_to.into_iter().cloned().map(RestrictedExpression::new_entity_uid);
        let facts = HashMap::from([
            ("visible_to".to_owned(), RestrictedExpression::new_set(visible_to)),
            ("parties".to_owned(), texts(&label.parties)),
            ("places".to_owned(), texts(&label.places)),
            ("own".to_owned(), RestrictedExpression::new_bool(label.own)),
            ("assigned".to_owned(), RestrictedExpression::new_bool(label.assigned)),
            ("revealed".to_owned(), RestrictedExpression::new_bool(label.revealed)),
            ("released".to_owned(), RestrictedExpression::new_bool(label.released)),
        ]);
        // A decision is about all rows with this label, so the entity is named for the engagement, not for one row.
        let name = label.engagement.map_or_else(|| "dir".to_owned(), |engagement| engagement.to_string());
        let uid = EntityUid::from_type_name_and_id(self.classes[&label.class].clone(), EntityId::new(name));
        Ok(Entity::new(uid, facts, HashSet::new())?)
    }
}

/// Returns the policies of a text, each known by its `@id`.
fn parse(text: &str) -> Result<PolicySet, AccessError> {
    let named: Vec<_> = text
        .parse::<PolicySet>()
        .map_err(Box::new)?
        .policies()
        .map(|policy| match policy.annotation("id") {
            Some(id) => Ok(policy.new_id(PolicyId::new(id))),
            None => Err(AccessError::Unnamed { policy: policy.to_string() }),
        })
        .collect::<Result<_, _>>()?;
    Ok(PolicySet::from_policies(named).map_err(Box::new)?)
}

fn type_name(word: &str) -> Result<EntityTypeName, Box<ParseErrors>> {
    word.parse().map_err(Box::new)
}

fn uid(kind: &str, word: &str) -> Result<EntityUid, Box<ParseErrors>> {
    Ok(EntityUid::from_type_name_and_id(type_name(kind)?, EntityId::new(word)))
}

/// Returns the entity of each value.
fn uids<T: Copy + Ord>(
    kind: &str,
    all: &[T],
    word: fn(T) -> &'static str,
) -> Result<BTreeMap<T, EntityUid>, Box<ParseErrors>> {
    all.iter().map(|value| Ok((*value, uid(kind, word(*value))?))).collect()
}

fn texts(values: &BTreeSet<String>) -> RestrictedExpression {
    RestrictedExpression::new_set(values.iter().cloned().map(RestrictedExpression::new_string))
}

/// Returns what a policy says in words: the comment that stands above it where it is written.
pub fn sentence(policy_id: &str) -> Option<String> {
    let named = format!("@id(\"{policy_id}\")");
    let lines: Vec<_> = POLICIES.lines().collect();
    let at = lines.iter().position(|line| line.trim() == named)?;
    let comment: Vec<_> = lines[..at].iter().rev().map_while(|line| line.strip_prefix("// ")).collect();
    Some(comment.into_iter().rev().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests;
