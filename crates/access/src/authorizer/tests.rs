//! What the policies promise: the matrix of roles, an invariant for each forbid, and what holds for all facts.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop")]

use std::{fmt::Write as _, sync::LazyLock};

use proptest::{collection::btree_set, prelude::*, sample::select};
use remit_kernel::id::{EngagementId, Id, PersonId, Suffix};

use super::*;
use crate::Gate;

static AUTHORIZER: LazyLock<Authorizer> = LazyLock::new(|| Authorizer::new().expect("the policies load"));

const NOW: Instant = Instant::from_micros(1_790_000_000_000_000);

fn engagement() -> EngagementId {
    EngagementId::of(Suffix::new(1, [1; 10]))
}

fn principal(kind: Kind, side: Option<Side>, roles: &[Role]) -> Principal {
    Principal {
        person: PersonId::of(Suffix::new(2, [2; 10])),
        kind,
        active: true,
        roles: roles.iter().copied().collect(),
        side,
        place: "ZA".to_owned(),
        conflicts: BTreeSet::new(),
    }
}

fn provider(role: Role) -> Principal {
    principal(Kind::Person, Some(Side::Provider), &[role])
}

fn client(role: Role) -> Principal {
    principal(Kind::Person, Some(Side::Client), &[role])
}

/// A label of this class to which nothing stands in the way, but that is not the principal's own.
fn open(class: Class) -> Label {
    Label { class, assigned: true, revealed: true, released: true, ..Label::engagement(engagement()) }
}

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(ToString::to_string).collect()
}

fn without(id: &str) -> Authorizer {
    let mut policies = parse(POLICIES).unwrap();
    policies.remove_static(PolicyId::new(id)).unwrap();
    Authorizer::with(policies).unwrap()
}

fn ids(prefix: &str) -> BTreeSet<String> {
    AUTHORIZER.policies.policies().map(|policy| policy.id().to_string()).filter(|id| id.starts_with(prefix)).collect()
}

/// Each line: the forbid, what it promises, and a request that it alone stands against.
macro_rules! invariants {
    ($($id:literal $name:ident: $principal:expr, $action:expr, $label:expr;)*) => {
        $(#[test]
        fn $name() {
            let (principal, label): (Principal, Label) = ($principal, $label);
            let decision = AUTHORIZER.decide(&principal, $action, &label, NOW);
            assert_eq!(decision, Decision { allowed: false, policies: vec![$id.to_owned()] });
            assert!(without($id).decide(&principal, $action, &label, NOW).allowed, "removing {} goes unnoticed", $id);
        })*

        #[test]
        fn every_forbid_has_an_invariant() {
            assert_eq!(ids("f-"), set(&[$($id),*]));
        }
    };
}

invariants! {
    "f-inactive" who_has_left_sees_nothing:
        Principal { active: false, ..provider(Role::DeliveryManager) }, Action::ViewCase, open(Class::Case);
    "f-wall" nobody_touches_a_party_she_conflicts_with:
        Principal { conflicts: set(&["acme", "zeta"]), ..provider(Role::Expert) },
        Action::ReadCaseAsReader,
        Label { parties: set(&["acme", "bolt"]), ..open(Class::Case) };
    "f-place" a_case_file_stays_in_the_countries_agreed:
        provider(Role::Expert), Action::ViewItem, Label { places: set(&["GB", "US"]), ..open(Class::Item) };
    "f-place" an_unknown_place_is_no_place:
        Principal { place: String::new(), ..provider(Role::Signer) },
        Action::SignOff,
        Label { places: set(&["", "ZA"]), ..open(Class::Case) };
    "f-blind" a_reading_is_closed_to_others_until_the_panel_closes:
        provider(Role::Expert), Action::ViewReading, Label { revealed: false, ..open(Class::Reading) };
    "f-blind" readings_are_compared_when_all_are_in:
        provider(Role::Adjudicator),
        Action::ViewReadingsAnonymised,
        Label { revealed: false, ..open(Class::AnonymousReading) };
    "f-side" what_one_side_keeps_is_closed_to_the_other:
        client(Role::ClientManager), Action::ViewCase, Label { visibility: Visibility::Provider, ..open(Class::Case) };
    "f-side" what_one_side_keeps_is_closed_to_who_has_no_side:
        principal(Kind::Person, None, &[Role::Auditor]),
        Action::ViewItem,
        Label { visibility: Visibility::Client, ..open(Class::Item) };
    "f-unreleased" the_client_sees_a_deliverable_once_it_is_delivered:
        client(Role::ClientManager), Action::ViewDeliverable, Label { released: false, ..open(Class::Deliverable) };
    "f-ai" a_model_decides_nothing_even_with_a_role:
        principal(Kind::Ai, Some(Side::Provider), &[Role::Expert]), Action::ReadCaseAsReader, open(Class::Case);
    "f-ai" a_service_decides_nothing_even_with_a_role:
        principal(Kind::Service, Some(Side::Provider), &[Role::Signer]), Action::SignOff, open(Class::Case);
}

/// The facts of a label that a role's right may hang on, in the order of the bits of a combination.
const FACTS: [&str; 4] = ["own", "assigned", "revealed", "released"];

fn label_with(class: Class, facts: usize) -> Label {
    let [own, assigned, revealed, released] = [0, 1, 2, 3].map(|bit| facts >> bit & 1 == 1);
    Label { own, assigned, revealed, released, ..open(class) }
}

fn classes_of(action: Action) -> Vec<Class> {
    let types: BTreeSet<_> =
        AUTHORIZER.schema.resources_for_action(&AUTHORIZER.actions[&action].uid()).unwrap().collect();
    Class::ALL.iter().copied().filter(|class| types.contains(&AUTHORIZER.classes[class])).collect()
}

/// Returns the smallest sets of facts under which the action is allowed, in words.
fn cell(principal: &Principal, action: Action, class: Class, sole: &mut BTreeSet<String>) -> String {
    let mut combinations: Vec<usize> = (0..1 << FACTS.len()).collect();
    combinations.sort_by_key(|facts| facts.count_ones());
    let mut smallest: Vec<usize> = Vec::new();
    for facts in combinations {
        let decision = AUTHORIZER.decide(principal, action, &label_with(class, facts), NOW);
        let expected = smallest.iter().any(|small| facts & small == *small);
        assert!(decision.allowed || !expected, "{}: a further fact takes a right away", action.word());
        if decision.allowed && !expected {
            smallest.push(facts);
        }
        if let (true, [policy]) = (decision.allowed, decision.policies.as_slice()) {
            sole.insert(policy.clone());
        }
    }
    let words = |facts: &usize| {
        let named: Vec<_> = (0..FACTS.len()).filter(|bit| facts >> bit & 1 == 1).map(|bit| FACTS[bit]).collect();
        if named.is_empty() { "yes".to_owned() } else { named.join(" + ") }
    };
    smallest.iter().map(words).collect::<Vec<_>>().join(" or ")
}

#[test]
fn the_matrix_of_roles_and_actions_stands_as_documented() {
    let side = |role: Role| match role {
        Role::ClientManager | Role::Auditor => Some(Side::Client),
        Role::DeliveryManager | Role::Expert | Role::Adjudicator | Role::Reviewer | Role::Signer => {
            Some(Side::Provider)
        }
        Role::Operator | Role::PeopleManager => None,
    };
    let mut columns: Vec<_> =
        Role::ALL.iter().map(|role| (role.word(), principal(Kind::Person, side(*role), &[*role]))).collect();
    columns.extend([Kind::Service, Kind::Ai].map(|kind| (kind.word(), principal(kind, None, &[]))));

    let mut sole = BTreeSet::new();
    let heads: Vec<_> = columns.iter().map(|(word, _)| word.replace('_', " ")).collect();
    let mut table = format!("| | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for action in Action::ALL {
        write!(table, "| {} |", action.word()).unwrap();
        for (_, principal) in &columns {
            let cells: BTreeSet<_> =
                classes_of(*action).into_iter().map(|class| cell(principal, *action, class, &mut sole)).collect();
            assert_eq!(cells.len(), 1, "{}: the class makes a difference: {cells:?}", action.word());
            write!(table, " {} |", cells.first().unwrap()).unwrap();
        }
        table.push('\n');
    }
    let page = include_str!("../../../../docs/access.md");
    let missing: Vec<_> = table.lines().filter(|line| !page.contains(line)).collect();
    assert!(page.contains(&format!("\n\n{table}\n")), "docs/access.md shows another matrix; it lacks {missing:#?}");
    assert_eq!(sole, ids("p-"), "each permit is the only reason for something");
}

#[test]
fn schema_and_code_name_the_same_actions_and_the_same_deciding_ones() {
    let entities = AUTHORIZER.schema.action_entities().unwrap();
    let deciding = uid("Action", "deciding").unwrap();
    for action in Action::ALL {
        let above: BTreeSet<_> = entities.ancestors(&AUTHORIZER.actions[action].uid()).unwrap().collect();
        assert_eq!(above.contains(&deciding), action.deciding(), "{}", action.word());
        assert!(!classes_of(*action).is_empty(), "{}", action.word());
    }
    let groups = ["content", "work", "deciding"].map(|word| uid("Action", word).unwrap());
    let named: BTreeSet<_> = AUTHORIZER.schema.actions().filter(|uid| !groups.contains(uid)).cloned().collect();
    assert_eq!(named, AUTHORIZER.actions.values().map(Entity::uid).collect());
}

#[test]
fn an_operator_as_such_reads_no_content() {
    let operator = principal(Kind::Person, Some(Side::Provider), &[Role::Operator, Role::PeopleManager]);
    for action in Action::ALL {
        for class in [Class::Case, Class::Item, Class::Reading, Class::AnonymousReading, Class::Deliverable] {
            let label = label_with(class, 0b1111);
            assert!(!AUTHORIZER.decide(&operator, *action, &label, NOW).allowed, "{} {class:?}", action.word());
        }
    }
}

#[test]
fn an_action_on_another_class_is_denied() {
    let manager = provider(Role::DeliveryManager);
    for class in Class::ALL {
        let allowed = AUTHORIZER.decide(&manager, Action::ViewCase, &label_with(*class, 0b1111), NOW).allowed;
        assert_eq!(allowed, *class == Class::Case, "{class:?}");
    }
}

#[test]
fn a_set_with_a_nameless_a_double_or_an_unfitting_policy_does_not_load() {
    let load = |text: &str| parse(text).and_then(Authorizer::with).unwrap_err();
    assert!(matches!(load("permit (principal, action, resource);"), AccessError::Unnamed { .. }));
    let twice = r#"@id("p") permit (principal, action, resource);"#.repeat(2);
    assert!(matches!(load(&twice), AccessError::Twice(_)));
    let misspelt = r#"@id("p") permit (principal in Role::"experts", action, resource);"#;
    assert!(matches!(load(misspelt), AccessError::Invalid { .. }));
    let failing = r#"@id("f") forbid (principal, action, resource) when { resource.colour == "red" };"#;
    assert!(matches!(load(failing), AccessError::Invalid { .. }));
}

fn any_principal() -> impl Strategy<Value = Principal> {
    (
        select(Kind::ALL),
        prop::bool::weighted(0.8),
        btree_set(select(Role::ALL), 0..4),
        prop::option::of(select(Side::ALL)),
        select(&["", "GB", "US", "ZA", "\u{202e}\"\\"][..]),
        btree_set(select(&["acme", "bolt", "zeta"][..]), 0..2),
    )
        .prop_map(|(kind, active, roles, side, place, conflicts)| Principal {
            active,
            roles,
            place: place.to_owned(),
            conflicts: conflicts.into_iter().map(str::to_owned).collect(),
            ..principal(kind, side, &[])
        })
}

fn any_label() -> impl Strategy<Value = Label> {
    (
        select(Class::ALL),
        select(&[Visibility::Both, Visibility::Both, Visibility::Client, Visibility::Provider][..]),
        btree_set(select(&["acme", "bolt", "zeta"][..]), 0..2),
        btree_set(select(&["", "GB", "US", "ZA"][..]), 0..3),
        0..1_usize << FACTS.len(),
    )
        .prop_map(|(class, visibility, parties, places, facts)| Label {
            visibility,
            parties: parties.into_iter().map(str::to_owned).collect(),
            places: places.into_iter().map(str::to_owned).collect(),
            ..label_with(class, facts)
        })
}

proptest! {
    #[test]
    fn no_request_fails_and_no_promise_breaks_whatever_the_facts(
        principal in any_principal(),
        label in any_label(),
        micros: i64,
    ) {
        for action in Action::ALL.iter().copied().filter(|action| classes_of(*action).contains(&label.class)) {
            let now = Instant::from_micros(micros);
            let answer = AUTHORIZER.ask(&principal, action, &label, now);
            prop_assert!(answer.is_ok(), "{}: {:?}", action.word(), answer);
            if !AUTHORIZER.decide(&principal, action, &label, now).allowed {
                continue;
            }
            prop_assert!(principal.active);
            prop_assert!(principal.conflicts.is_disjoint(&label.parties));
            prop_assert!(principal.kind == Kind::Person || !action.deciding());
            match label.class {
                Class::Reading => prop_assert!(label.own || label.revealed),
                Class::AnonymousReading => prop_assert!(label.revealed),
                Class::Deliverable if action == Action::ViewDeliverable => {
                    prop_assert!(label.released || principal.side == Some(Side::Provider));
                }
                Class::Directory | Class::Engagement | Class::Case | Class::Item | Class::Deliverable => {}
            }
            match label.visibility {
                Visibility::Both => {}
                Visibility::Client => prop_assert_eq!(principal.side, Some(Side::Client)),
                Visibility::Provider => prop_assert_eq!(principal.side, Some(Side::Provider)),
            }
            if matches!(label.class, Class::Item | Class::Reading | Class::AnonymousReading) && !label.places.is_empty() {
                prop_assert!(!principal.place.is_empty() && label.places.contains(&principal.place));
            }
        }
    }

    #[test]
    fn a_gate_hands_out_exactly_what_is_decided_row_by_row(
        principal in any_principal(),
        labels in prop::collection::vec(any_label(), 0..12),
        action in select(Action::ALL),
    ) {
        let decisions: Vec<_> = labels.iter().map(|label| AUTHORIZER.decide(&principal, action, label, NOW)).collect();
        let expected: Vec<_> = (0..labels.len()).filter(|row| decisions[*row].allowed).collect();
        let policies: BTreeSet<_> = decisions.iter().flat_map(|decision| decision.policies.clone()).collect();

        let mut gate = Gate::new(&AUTHORIZER, &principal, NOW);
        let rows: Vec<_> = labels.iter().cloned().zip(0..).chain(labels.iter().cloned().zip(0..)).collect();
        let opened: Vec<usize> = gate.filter(action, rows).into_iter().map(crate::Authorized::into_inner).collect();

        prop_assert_eq!(opened, expected.repeat(2));
        prop_assert_eq!(gate.used(), policies.into_iter().collect::<Vec<_>>());
        for (label, decision) in labels.iter().zip(decisions) {
            match gate.admit(action, label) {
                Ok(admitted) => prop_assert_eq!(admitted, &decision),
                Err(denied) => prop_assert_eq!(denied, crate::Denied { action, decision }),
            }
        }
    }
}

#[test]
fn an_answer_is_kept_only_for_the_very_same_question() {
    let authorizer = Authorizer::new().unwrap();
    let (reader, label) = (provider(Role::Expert), open(Class::Case));
    let mut asked = BTreeSet::new();
    for _ in 0..2 {
        assert!(authorizer.decide(&reader, Action::ViewCase, &label, NOW).allowed);
        let walled = Principal { conflicts: set(&["acme"]), ..reader.clone() };
        let named = Label { parties: set(&["acme"]), ..label.clone() };
        assert!(authorizer.decide(&walled, Action::ViewCase, &label, NOW).allowed);
        assert!(!authorizer.decide(&walled, Action::ViewCase, &named, NOW).allowed);
        asked.insert(authorizer.given.as_ref().unwrap().lock().unwrap().len());
    }
    assert_eq!(asked, BTreeSet::from([3]), "three questions were asked, each twice");
}

#[test]
fn no_answer_is_kept_where_a_policy_looks_at_the_time() {
    let timed = r#"@id("p-timed") permit (principal, action, resource) when { context.now > 0 };"#;
    assert!(Authorizer::with(parse(timed).unwrap()).unwrap().given.is_none());
}
