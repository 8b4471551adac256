//! Looking at people: the bench of an engagement, one person's record, and why somebody may or may not take a duty.

use std::collections::BTreeSet;

use jiff::Timestamp;
use remit_access::{Action, Class, Label};
use remit_kernel::{
    directory::{Credential, Person},
    facts::{Facts, Want},
    id::{CaseId, CredentialId, EngagementId, OrgId, PersonId, TextId},
    index::DutyStatus,
    pack::Duty,
    panel::{PanelEvent, RoutingRule},
    refusal::{Reason, code},
    role::{Role, Side},
    stream::{Event, Scope, StreamId},
    time::{Date, Instant},
    why_not,
};
use serde::Serialize;

use super::{
    engagement::{MemberOut, members},
    look::{ERASED, Look, Query},
    mywork::WhyMine,
};
use crate::error::Result;

/// A credential ends soon when no more than this many days are left.
pub(crate) const SOON_DAYS: i64 = 60;

/// Asks for the bench of an engagement.
#[derive(Debug, Clone, Copy)]
pub struct ShowBench {
    /// Which engagement.
    pub engagement: EngagementId,
}

/// The people of an engagement and what they can do.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Bench {
    /// Members, former ones last.
    pub people: Vec<BenchLine>,
    /// Whether the caller keeps credentials and people.
    pub may_manage: bool,
}

/// A member with what makes her eligible.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct BenchLine {
    /// The membership.
    pub member: MemberOut,
    /// Name of the employer.
    #[schema(pattern = r"\S")]
    pub organisation: String,
    /// Whether the person is with us.
    pub here: bool,
    /// Country of work; empty: unknown.
    pub place: String,
    /// Working languages.
    pub languages: Vec<String>,
    /// Clearances held.
    pub clearances: Vec<String>,
    /// Parties in whose matters the person has an interest: how many.
    pub conflicts: usize,
    /// Credentials, those that hold first.
    pub credentials: Vec<CredentialOut>,
}

/// A credential.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CredentialOut {
    /// Which.
    #[schema(value_type = String)]
    pub credential: CredentialId,
    /// Kind, such as `cardiologist`.
    pub kind: String,
    /// Where it holds; empty: everywhere.
    pub jurisdiction: String,
    /// Number in the issuer's register; empty on the bench.
    pub number: String,
    /// First day.
    #[schema(value_type = String, format = Date)]
    pub valid_from: Date,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    pub valid_to: Date,
    /// Whether it holds now.
    pub standing: Standing,
}

/// Whether a credential holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It holds.
    Valid,
    /// It holds for 60 days or less.
    EndsSoon,
    /// It has not begun.
    NotYet,
    /// Its last day is over.
    Expired,
    /// It was revoked.
    Revoked,
}

impl Query for ShowBench {
    type Out = Bench;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Bench> {
        look.admit(Action::ViewEngagement, &Label::engagement(self.engagement))?;
        look.admit(Action::ViewPeople, &Label::directory()).map_err(|_| forbidden_people())?;
        let may_manage = look.may(Action::ManageDirectory, &Label::directory());
        let mut known = members(look, true).await?;
        known.sort_by_key(|member| (!member.active, member.side, member.name.clone()));
        let wants: Vec<_> = known.iter().map(|member| Want::Person(member.person)).collect();
        let facts = look.load(&wants).await?;
        let organisations = look.app.store().list_organisations().await?;
        let now = look.standing.now();
        let people = known
            .into_iter()
            .filter_map(|member| {
                let person = facts.people.get(&member.person)?;
                let organisation =
                    organisations.iter().find(|known| known.row.org == person.org).and_then(|known| known.name.clone());
                Some(BenchLine {
                    organisation: organisation.unwrap_or_else(|| ERASED.to_owned()),
                    here: person.active,
                    place: person.place.clone(),
                    languages: person.languages.iter().cloned().collect(),
                    clearances: person.clearances.iter().cloned().collect(),
                    conflicts: person.conflicts.len(),
                    credentials: credentials(person, now),
                    member,
                })
            })
            .collect();
        look.saw(Action::ViewPeople, "people", None, None);
        Ok(Bench { people, may_manage })
    }
}

fn forbidden_people() -> Reason {
    Reason::forbidden(code::NOT_PERMITTED, "people", "your roles here do not show you the bench")
        .hint("The delivery manager sees it; she can give you the role under Engagement.")
}

fn credentials(person: &Person, now: Instant) -> Vec<CredentialOut> {
    let mut all: Vec<_> = person
        .credentials
        .iter()
        .map(|(id, record)| CredentialOut {
            credential: *id,
            kind: record.kind.clone(),
            jurisdiction: record.jurisdiction.clone(),
            number: String::new(),
            valid_from: record.valid_from,
            valid_to: record.valid_to,
            standing: standing(record, now),
        })
        .collect();
    all.sort_by(|one, other| {
        (one.standing, &one.kind, one.credential).cmp(&(other.standing, &other.kind, other.credential))
    });
    all
}

/// Returns whether a credential holds at an instant, by the rule of the kernel.
fn standing(record: &Credential, now: Instant) -> Standing {
    let soon = now.plus_seconds(SOON_DAYS * 86_400).date();
    if record.holds(now) {
        if record.valid_to <= soon { Standing::EndsSoon } else { Standing::Valid }
    } else if record.revoked_at.is_some_and(|revoked| revoked <= now) {
        Standing::Revoked
    } else if now.date() < record.valid_from {
        Standing::NotYet
    } else {
        Standing::Expired
    }
}

/// Asks for one person's record.
#[derive(Debug, Clone, Copy)]
pub struct ShowPerson {
    /// Seen from this engagement; none: from the directory.
    pub engagement: Option<EngagementId>,
    /// Who.
    pub person: PersonId,
}

/// A person's record.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PersonOut {
    /// Who.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// Name.
    pub name: String,
    /// The employer's name.
    #[schema(pattern = "^[^\\0]*$")]
    pub organisation: String,
    /// Whether the person is with us.
    pub here: bool,
    /// Whether this account can sign in.
    pub signs_in: bool,
    /// Country of work; empty: unknown.
    pub place: String,
    /// Working languages.
    pub languages: Vec<String>,
    /// Roles in the directory.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    /// Clearances held.
    pub clearances: Vec<String>,
    /// Parties in whose matters the person has an interest.
    pub conflicts: Vec<String>,
    /// Credentials, those that hold first.
    pub credentials: Vec<CredentialOut>,
    /// Whether the caller keeps this record.
    pub may_manage: bool,
}

impl Query for ShowPerson {
    type Out = PersonOut;

    fn scope(&self) -> Scope {
        self.engagement.map_or(Scope::Directory, Scope::Engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<PersonOut> {
        let own = look.standing.id() == self.person;
        let label = Label { own, ..Label::directory() };
        look.admit(Action::ViewPerson, &label).map_err(|_| Reason::hidden(self.person))?;
        let may_manage = look.may(Action::ManageDirectory, &label);
        if let Some(engagement) = self.engagement {
            look.admit(Action::ViewEngagement, &Label::engagement(engagement))
                .map_err(|_| Reason::hidden(self.person))?;
            let member = look.app.store().find_member(&look.scope(), self.person).await?;
            member.ok_or_else(|| Reason::hidden(self.person))?;
        }
        let facts = look.load(&[Want::Person(self.person), Want::Name(self.person)]).await?;
        let person = facts.people.get(&self.person).ok_or_else(|| Reason::hidden(self.person))?;
        let numbers: Vec<TextId> = person.credentials.values().map(|record| record.number.id).collect();
        let texts = look.app.store().texts(&Scope::Directory.to_string(), &numbers).await?;
        let mut held = credentials(person, look.standing.now());
        for credential in &mut held {
            let number = person.credentials.get(&credential.credential).and_then(|record| texts.get(&record.number.id));
            credential.number = number.cloned().unwrap_or_else(|| ERASED.to_owned());
        }
        let organisation = organisation(look, person.org).await?;
        let row = look.app.store().find_person(self.person).await?;
        look.saw(Action::ViewPerson, self.person, None, None);
        Ok(PersonOut {
            person: self.person,
            name: facts.names.get(&self.person).cloned().unwrap_or_else(|| ERASED.to_owned()),
            organisation,
            here: person.active,
            signs_in: row.is_some_and(|row| row.row.signs_in),
            place: person.place.clone(),
            languages: person.languages.iter().cloned().collect(),
            roles: person.roles.iter().copied().collect(),
            clearances: person.clearances.iter().cloned().collect(),
            conflicts: person.conflicts.iter().cloned().collect(),
            credentials: held,
            may_manage,
        })
    }
}

async fn organisation(look: &Look<'_>, org: OrgId) -> Result<String> {
    let known = look.app.store().list_organisations().await?;
    Ok(known
        .into_iter()
        .find(|known| known.row.org == org)
        .and_then(|known| known.name)
        .unwrap_or_else(|| ERASED.to_owned()))
}

/// Asks who may take a duty on a case, and why the others may not.
#[derive(Debug, Clone, Copy)]
pub struct WhyNot {
    /// In which engagement.
    pub engagement: EngagementId,
    /// On which case.
    pub case: CaseId,
    /// Which duty.
    pub duty: Duty,
}

/// Who may take a duty, and how the seats that are taken were filled.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Eligibility {
    /// The case.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The client's reference.
    pub reference: String,
    /// `read`, `adjudicate` or `sign`.
    #[schema(value_type = String)]
    pub duty: Duty,
    /// Members, those who may first.
    pub people: Vec<Eligible>,
    /// How seats were filled, oldest first.
    pub routed: Vec<Routed>,
}

/// Whether one member may take the duty.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Eligible {
    /// Who.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// Name.
    pub name: String,
    /// `client` or `provider`.
    #[schema(value_type = String)]
    pub side: Side,
    /// Why not; empty: she may.
    pub reasons: Vec<Why>,
}

/// One reason, as a refusal would give it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Why {
    /// Stable code.
    pub code: String,
    /// What is in the way.
    pub sentence: String,
    /// What to do next.
    pub hint: String,
}

/// How a seat was filled.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Routed {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who took it.
    pub reader: String,
    /// Who gave it.
    pub by: String,
    /// `next_case`, `chosen`, `assigned` or `imported`.
    #[schema(value_type = String)]
    pub rule: RoutingRule,
    /// Cases examined and passed over before this one.
    pub passed_over: Vec<PassedOver>,
}

/// A case that was passed over.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PassedOver {
    /// The client's reference.
    pub reference: String,
    /// Codes of the reasons.
    pub why_not: Vec<String>,
}

impl Query for WhyNot {
    type Out = Eligibility;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Eligibility> {
        look.admit(Action::ViewPeople, &Label::directory()).map_err(|_| Reason::hidden(self.case))?;
        let (case, panel) = look.case(self.case, None).await?;
        let reads = |record: &remit_kernel::panel::DutyRecord| {
            record.person == look.standing.id() && record.duty == Duty::Read && record.status != DutyStatus::Released
        };
        // Who else reads, and who has sealed, stays closed to a reader of this case until all is revealed.
        if panel.as_ref().is_some_and(|panel| !panel.revealed() && panel.duties.iter().any(reads)) {
            return Err(Reason::forbidden(
                code::NOT_PERMITTED,
                self.case,
                "you read this case yourself, and its readers stay unknown to each other until it is decided",
            )
            .hint("Ask another manager, or come back once the case is decided.")
            .into());
        }
        let label = look.label(Class::Case, &case, panel.as_ref())?;
        look.admit(Action::AssignSeat, &label)?;
        let members = members(look, false).await?;
        let mut wants = vec![Want::Stream(StreamId::Case(self.case)), Want::Stream(StreamId::panel_of(self.case))];
        wants.extend(case.admission.as_ref().map(|admission| Want::Stream(StreamId::Sow(admission.sow))));
        for member in members.iter().filter(|member| member.active) {
            wants.extend([
                Want::Person(member.person),
                Want::Name(member.person),
                Want::Stream(StreamId::Member(member.person)),
            ]);
        }
        let facts = look.load(&wants).await?;
        let now = look.standing.now();
        let mut people: Vec<_> = members
            .into_iter()
            .filter(|member| member.active)
            .map(|member| Eligible {
                reasons: whys(&facts, self, member.person, now),
                person: member.person,
                name: member.name,
                side: member.side,
            })
            .collect();
        people.sort_by_key(|known| (!known.reasons.is_empty(), known.reasons.len(), known.name.clone()));
        let routed = look.routed(self.case).await?;
        look.saw(Action::ViewPeople, self.case, Some(self.case), None);
        Ok(Eligibility {
            case: self.case,
            reference: look.text(case.reference).await?,
            duty: self.duty,
            people,
            routed,
        })
    }
}

/// Returns why a person may not: the very reasons with which the command would be refused.
fn whys(facts: &Facts, asked: WhyNot, person: PersonId, now: Instant) -> Vec<Why> {
    why_not(facts, asked.case, person, asked.duty, now).into_iter().map(Why::of).collect()
}

impl Why {
    pub(crate) fn of(reason: Reason) -> Self {
        Self { code: reason.code.into_owned(), sentence: reason.sentence, hint: reason.hint }
    }
}

impl Look<'_> {
    /// Returns why a person got her seat on a case, as stored when it was taken; of several seats, the last.
    pub(super) async fn why_mine(&self, case: CaseId, reader: PersonId) -> Result<Option<WhyMine>> {
        let stream = StreamId::panel_of(case);
        let mut why = None;
        for stored in self.app.store().events(&self.scope(), &stream.to_string(), None).await? {
            if let Event::Panel(PanelEvent::SeatTaken { reader: taker, routing, .. }) =
                Event::read(stream, &stored.kind, stored.v, &stored.body)?
                && taker == reader
            {
                // What was passed over is counted and not named: it may be closed to her.
                why = Some(WhyMine { rule: routing.rule, passed_over: routing.passed_over.len() });
            }
        }
        Ok(why)
    }

    /// Returns how the seats of a case were filled, as stored when it happened.
    async fn routed(&self, case: CaseId) -> Result<Vec<Routed>> {
        let stream = StreamId::panel_of(case);
        let mut taken = Vec::new();
        for stored in self.app.store().events(&self.scope(), &stream.to_string(), None).await? {
            if let Event::Panel(PanelEvent::SeatTaken { reader, by, routing, .. }) =
                Event::read(stream, &stored.kind, stored.v, &stored.body)?
            {
                taken.push((stored.recorded_at, reader, by, routing));
            }
        }
        let people: BTreeSet<_> = taken.iter().flat_map(|(_, reader, by, _)| [*reader, *by]).collect();
        let names = self.names(&people.into_iter().collect::<Vec<_>>()).await?;
        let passed: BTreeSet<_> =
            taken.iter().flat_map(|(.., routing)| &routing.passed_over).map(|examined| examined.case).collect();
        let rows = self.app.store().cases(&self.scope(), &passed.into_iter().collect::<Vec<_>>()).await?;
        let texts = self.texts(&rows.iter().map(|row| row.reference).collect::<Vec<_>>()).await?;
        let reference = |case: CaseId| {
            let row = rows.iter().find(|row| row.case == case);
            row.and_then(|row| texts.get(&row.reference)).cloned().unwrap_or_else(|| ERASED.to_owned())
        };
        let name = |person: &PersonId| names.get(person).cloned().unwrap_or_else(|| ERASED.to_owned());
        Ok(taken
            .iter()
            .map(|(at, reader, by, routing)| Routed {
                at: at.timestamp(),
                reader: name(reader),
                by: name(by),
                rule: routing.rule,
                passed_over: routing
                    .passed_over
                    .iter()
                    .map(|examined| PassedOver {
                        reference: reference(examined.case),
                        why_not: examined.why_not.clone(),
                    })
                    .collect(),
            })
            .collect())
    }
}
