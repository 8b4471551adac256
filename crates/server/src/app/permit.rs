//! Who may do it: the action of each command, the label of what it touches, and the principal who asks.

use std::collections::BTreeSet;

use remit_access::{Action, Class, Gate, Kind, Label, Principal, Visibility};
use remit_kernel::{
    case::Case,
    command::Command,
    directory::Person,
    engagement::Member,
    facts::Facts,
    id::{EngagementId, Id, PersonId, Suffix},
    index::{CaseStatus, DutyStatus},
    pack::Duty,
    panel::Panel,
    refusal::{Reason, code},
    role::Side,
    stream::Scope,
    time::Instant,
};

use crate::caller::{Caller, Who};

/// Returns the principal behind a caller, from the facts of the directory and of the membership.
pub(crate) fn principal(caller: &Caller, person: Option<&Person>, member: Option<&Member>) -> Principal {
    let member = member.filter(|member| member.active);
    match (caller.who, person) {
        (Who::Person { .. }, Some(person)) => Principal {
            person: person.person,
            kind: Kind::Person,
            active: person.active,
            roles: person.roles.iter().chain(member.iter().flat_map(|member| &member.roles)).copied().collect(),
            side: member.map(|member| member.side),
            place: person.place.clone(),
            conflicts: person.conflicts.clone(),
        },
        (who, _) => Principal {
            person: caller.person().unwrap_or_else(nobody),
            kind: if who == Who::Service { Kind::Service } else { Kind::Person },
            active: who == Who::Service,
            roles: BTreeSet::new(),
            side: None,
            place: String::new(),
            conflicts: BTreeSet::new(),
        },
    }
}

/// Makes a principal the operator of an installation in which there is nobody yet.
pub(crate) fn found(principal: &mut Principal) {
    principal.active = principal.kind == Kind::Person;
    principal.roles.insert(remit_kernel::role::Role::Operator);
}

/// The identifier that stands for the server itself.
fn nobody() -> PersonId {
    PersonId::of(Suffix::new(0, [0; 10]))
}

/// Returns whether a person holds or held a duty on a case, owns it, or may find it in a queue of her role.
pub(crate) fn assigned(
    case: &Case,
    panel: Option<&Panel>,
    person: PersonId,
    roles: &BTreeSet<remit_kernel::role::Role>,
) -> bool {
    use remit_kernel::role::Role;
    let held =
        |record: &remit_kernel::panel::DutyRecord| record.person == person && record.status != DutyStatus::Released;
    let in_queue = match case.status {
        CaseStatus::Adjudicating => roles.contains(&Role::Adjudicator),
        CaseStatus::AwaitingSignOff => roles.contains(&Role::Signer),
        CaseStatus::ScopeQuery
        | CaseStatus::Declined
        | CaseStatus::Ready
        | CaseStatus::Reading
        | CaseStatus::Resolved
        | CaseStatus::InReview
        | CaseStatus::SignedOff
        | CaseStatus::Delivered
        | CaseStatus::Revision
        | CaseStatus::Accepted
        | CaseStatus::Cancelled => false,
    };
    let queued = in_queue && case.showing.is_none();
    let signed = case.signoff.as_ref().is_some_and(|signoff| {
        signoff.opened.contains_key(&person)
            || matches!(signoff.state, remit_kernel::case::SignoffState::Signed { by, .. } if by == person)
    });
    // A showing of gold bears an owner's name and is nobody's but its reader's.
    let owns = case.owner == person && case.showing.is_none();
    owns || queued || signed || panel.is_some_and(|panel| panel.duties.iter().any(held))
}

/// Returns whether a case is before the reviewers of the principal's side.
///
/// Those of the client read it without sight of the answer: until one has finished, only the documents are open to her.
fn reviews(case: &Case, class: Class, principal: &Principal) -> bool {
    let drawn = !case.reviews.is_empty() && principal.roles.contains(&remit_kernel::role::Role::Reviewer);
    drawn
        && match principal.side {
            Some(Side::Provider) => true,
            Some(Side::Client) => class == Class::Item || case.reviewers.contains(&principal.person),
            None => false,
        }
}

/// Returns the label of a case and of what lies in it.
pub(crate) fn case_label(
    engagement: EngagementId,
    class: Class,
    case: &Case,
    panel: Option<&Panel>,
    principal: &Principal,
) -> Label {
    Label {
        class,
        // Gold is the provider's own measure: to the client a showing is not there.
        visibility: if case.showing.is_some() { Visibility::Provider } else { Visibility::Both },
        parties: case.parties.clone(),
        places: case.places(),
        // Who owns a case owns its deliverable, and no reading: that is its author's alone.
        own: matches!(class, Class::Case | Class::Deliverable)
            && case.owner == principal.person
            && case.showing.is_none(),
        assigned: assigned(case, panel, principal.person, &principal.roles) || reviews(case, class, principal),
        revealed: panel.is_some_and(Panel::revealed),
        released: case.delivery.is_some(),
        ..Label::engagement(engagement)
    }
}

/// Returns the action of a command.
pub(crate) fn action(command: &Command, actor: Option<PersonId>, facts: &Facts) -> Action {
    match command {
        Command::AddOrganisation { .. }
        | Command::AddPerson { .. }
        | Command::RecordCredential { .. }
        | Command::RevokeCredential { .. }
        | Command::SetClearance { .. }
        | Command::SetConflict { .. }
        | Command::SetPlace { .. }
        | Command::MarkLeft { .. } => Action::ManageDirectory,
        Command::DraftEngagement { .. } => Action::DraftEngagement,
        Command::DraftSow { .. } | Command::ReviseSow { .. } | Command::ProposeSow { .. } => Action::ManageSow,
        Command::SignSow { .. } => Action::SignSow,
        Command::GoLive { .. } => Action::GoLive,
        Command::AddMember { .. } | Command::ChangeMember { .. } | Command::RemoveMember { .. } => {
            Action::ManageMembers
        }
        Command::TakeIn { .. } | Command::AddItem { .. } | Command::WidenItem { .. } | Command::AddParty { .. } => {
            Action::TakeInCase
        }
        Command::TakeInHistory { .. } | Command::RecordReference { .. } | Command::RecordReading { .. } => {
            Action::ImportHistory
        }
        Command::AdmitCase { .. } | Command::DeclineCase { .. } => Action::SettleScope,
        Command::CancelCase { .. } => Action::CancelCase,
        Command::TransferCase { .. } => Action::TransferCase,
        Command::AssignSeat { .. } | Command::RevokeSeat { .. } | Command::CloseReading { .. } => Action::AssignSeat,
        Command::ReleaseSeat { case, .. } => {
            let held = actor.and_then(|actor| facts.panels.get(&case.panel())?.assignment_of(actor));
            let reviews = |actor: PersonId| {
                let of_case = facts.reviews.values().filter(|review| review.case == *case);
                of_case.filter_map(remit_kernel::review::Review::holder).any(|holding| holding.person == actor)
            };
            match held {
                Some((_, Duty::Adjudicate)) => Action::Adjudicate,
                None if actor.is_some_and(reviews) => Action::Review,
                Some((_, Duty::Read | Duty::Sign | Duty::Review)) | None => Action::ReadCaseAsReader,
            }
        }
        Command::ClaimNext { .. }
        | Command::ClaimSeat { .. }
        | Command::SubmitReading { .. }
        | Command::ReadCalibration { .. }
        | Command::LeaveCalibration { .. }
        | Command::RebutGold { .. } => Action::ReadCaseAsReader,
        Command::Replan { .. } => Action::Replan,
        Command::FitModel { .. } => Action::Measure,
        Command::TakeAdjudication { .. } | Command::Adjudicate { .. } => Action::Adjudicate,
        Command::TakeReview { .. } | Command::FinishReview { .. } | Command::RuleReview { .. } => Action::Review,
        Command::RebutReview { .. } => Action::RebutReview,
        Command::CloseLot { .. } | Command::ScreenLot { .. } => Action::DrawLot,
        Command::ResumeSampling { .. } => Action::ResumeSampling,
        Command::EditDeliverable { .. } | Command::RequestSignoff { .. } => Action::EditDeliverable,
        Command::OpenMaterial { .. }
        | Command::Sign { .. }
        | Command::ReturnSignoff { .. }
        | Command::RefuseSignoff { .. } => Action::SignOff,
        Command::Deliver { .. } => Action::Deliver,
        Command::AcceptDelivery { .. } | Command::ReturnDelivery { .. } => Action::AcceptDelivery,
        Command::ProposeGold { .. } => Action::ProposeGold,
        Command::ProposePrecedent { .. } => Action::ProposePrecedent,
        Command::ApprovePrecedent { .. } | Command::DeclinePrecedent { .. } | Command::WithdrawPrecedent { .. } => {
            Action::ManagePrecedent
        }
        Command::ApproveGold { .. }
        | Command::DeclineGold { .. }
        | Command::RetireGold { .. }
        | Command::DecideRebuttal { .. } => Action::ManageGold,
        Command::RaiseAlarm { .. } => Action::RaiseAlarm,
        Command::CloseAlarm { .. } => Action::CloseAlarm,
        Command::CloseShowing { .. } => Action::CloseGold,
        Command::CloseCalibration { .. } if actor.is_none() => Action::CloseGold,
        Command::OpenCalibration { .. } | Command::CloseCalibration { .. } | Command::NoteFinding { .. } => {
            Action::ManageCalibration
        }
    }
}

/// Returns the label of what a command touches.
pub(crate) fn label(command: &Command, scope: Option<Scope>, facts: &Facts, principal: &Principal) -> Label {
    let Some(Scope::Engagement(engagement)) = scope else { return Label::directory() };
    let known = command.case().and_then(|id| facts.cases.get(&id));
    match (known, command) {
        // The server itself has no side, and sees into none.
        (_, Command::CloseShowing { .. }) => Label::engagement(engagement),
        (Some(case), _) => case_label(engagement, Class::Case, case, facts.panels.get(&case.case.panel()), principal),
        (None, Command::TakeIn { case, .. } | Command::TakeInHistory { case, .. }) => {
            Label { parties: case.parties.clone(), ..Label::engagement(engagement) }
        }
        (None, _) => Label::engagement(engagement),
    }
}

/// Returns the reason for somebody who may not do this: hidden if the thing itself may not be seen.
pub(crate) fn denied(gate: &mut Gate<'_>, label: &Label, subject: &str, now: Instant) -> Reason {
    debug_assert!(now.micros() != i64::MIN);
    let look = match label.class {
        Class::Directory => Action::ViewPeople,
        Class::Engagement => Action::ViewEngagement,
        Class::Case | Class::Item | Class::Reading | Class::AnonymousReading | Class::Deliverable => Action::ViewCase,
    };
    let label = match label.class {
        Class::Directory | Class::Engagement | Class::Case => label.clone(),
        Class::Item | Class::Reading | Class::AnonymousReading | Class::Deliverable => {
            Label { class: Class::Case, ..label.clone() }
        }
    };
    if gate.admit(look, &label).is_ok() {
        Reason::forbidden(code::NOT_PERMITTED, subject, "your roles here do not let you do this")
            .hint("Ask a manager of the engagement, who can do it or give you the role under People.")
    } else {
        Reason::hidden(subject)
    }
}
