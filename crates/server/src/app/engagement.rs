//! Looking at an engagement: its parties, statements of work, members and cases in figures.

use jiff::Timestamp;
use remit_access::{Action, Label};
use remit_kernel::{
    engagement::{LineKind, Sow, SowLine, SowStatus},
    facts::Want,
    hash::Digest,
    id::{EngagementId, LineId, OrgId, PersonId, SowId},
    index::{CaseStatus, EngagementStatus},
    pack::{GoldPlan, Plan, ReviewPlan},
    role::{Role, Side},
    stream::{Scope, StreamId},
    time::Date,
};
use serde::Serialize;

use super::{
    App,
    look::{ERASED, Look, Query},
    stopping::StoppingOut,
};
use crate::{caller::Caller, error::Result};

/// Most versions of the statement of work that are shown.
const SOWS_MAX: u32 = 200;
/// Most engagements in a list.
const ENGAGEMENTS_MAX: u32 = 50;

/// Asks for an engagement.
#[derive(Debug, Clone, Copy)]
pub struct ShowEngagement {
    /// Which.
    pub engagement: EngagementId,
}

/// An engagement as its members see it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct EngagementOut {
    /// Which.
    #[schema(value_type = String)]
    pub engagement: EngagementId,
    /// Its name.
    pub name: String,
    /// `draft` or `live`.
    #[schema(value_type = String)]
    pub status: EngagementStatus,
    /// When it was set up.
    #[schema(value_type = String, format = DateTime)]
    pub drafted_at: Timestamp,
    /// Who owns the goal.
    pub client: Party,
    /// Who does the work.
    pub provider: Party,
    /// Versions of the statement of work, newest first.
    pub sows: Vec<SowOut>,
    /// Members, former ones last.
    pub members: Vec<MemberOut>,
    /// Cases by status, for those who see every case; none for the others.
    pub cases: Option<Vec<StatusCount>>,
    /// What the caller may do here.
    pub may: Permits,
}

/// An organisation.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Party {
    /// Which.
    #[schema(value_type = String)]
    pub organisation: OrgId,
    /// Its name.
    pub name: String,
}

/// One version of the statement of work.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SowOut {
    /// Which.
    #[schema(value_type = String)]
    pub sow: SowId,
    /// Version, from 1.
    pub number: u32,
    /// First day.
    #[schema(value_type = String, format = Date)]
    pub starts_on: Date,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    pub ends_on: Date,
    /// `draft`, `proposed`, `in_force` or `superseded`.
    #[schema(value_type = String)]
    pub status: SowStatus,
    /// Whether the client knows the people who read by name; otherwise by number.
    pub names_people: bool,
    /// Its lines.
    pub lines: Vec<LineOut>,
    /// Who signed.
    pub signatures: Vec<SignatureOut>,
    /// Sides that have yet to sign.
    #[schema(value_type = Vec<String>)]
    pub unsigned: Vec<Side>,
    /// Whether the caller's side has yet to sign, and she may.
    pub waits_for_me: bool,
}

/// A signature of one side.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SignatureOut {
    /// `client` or `provider`.
    #[schema(value_type = String)]
    pub side: Side,
    /// Who.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// Name.
    pub name: String,
}

/// One line of a statement of work.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LineOut {
    /// Which.
    #[schema(value_type = String)]
    pub line: LineId,
    /// Clause by which people call it.
    pub clause: String,
    /// Service in words.
    pub service: String,
    /// `standard` or `history`.
    #[schema(value_type = String)]
    pub kind: LineKind,
    /// Case types in scope.
    pub includes: Vec<String>,
    /// Case types out of scope.
    pub excludes: Vec<String>,
    /// Jurisdictions in scope; empty: all.
    pub jurisdictions: Vec<String>,
    /// Countries from which the work may be done; empty: all.
    pub places: Vec<String>,
    /// Most cases; none: no cap.
    pub volume_max: Option<u32>,
    /// Cases admitted so far.
    pub volume_taken: u32,
    /// Price of one case in minor units.
    pub price_minor: i64,
    /// Currency, ISO 4217.
    pub currency: String,
    /// Revisions included for each case.
    pub revisions_max: u32,
    /// Name of the pack.
    pub pack: String,
    /// Version of the pack.
    pub pack_version: String,
    /// Digest of the pack.
    #[schema(value_type = String)]
    pub pack_digest: Digest,
    /// Which finished work is looked at again, shares in basis points; none: nothing is drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub review: Option<ReviewPlan>,
    /// How often a case is read.
    #[serde(flatten)]
    pub stopping: StoppingOut,
    /// How gold cases are mixed in; none: not at all.
    #[schema(value_type = Option<Object>)]
    pub gold: Option<GoldPlan>,
    /// Whether a professional signs.
    pub signoff: bool,
    /// Whether the signer must be licensed in the case's jurisdiction.
    pub signoff_in_jurisdiction: bool,
}

/// A member of an engagement.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MemberOut {
    /// Who.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// Name.
    pub name: String,
    /// `client` or `provider`.
    #[schema(value_type = String)]
    pub side: Side,
    /// Roles.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    /// Whether the membership holds now.
    pub active: bool,
    /// Most duties at a time, for those who see the bench.
    pub capacity: Option<u32>,
    /// Duties held now, for those who see the bench: a reader could tell from it that another has sealed.
    pub load: Option<u32>,
}

/// How many cases stand in a status.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct StatusCount {
    /// The status.
    #[schema(value_type = String)]
    pub status: CaseStatus,
    /// How many.
    pub cases: u64,
}

/// What the caller may do in an engagement.
#[expect(clippy::struct_excessive_bools, reason = "each is a button of its own")]
#[derive(Debug, Clone, Copy, Default, Serialize, utoipa::ToSchema)]
pub struct Permits {
    /// Write, rewrite and propose statements of work.
    pub manage_sow: bool,
    /// Sign them.
    pub sign_sow: bool,
    /// Let work begin.
    pub go_live: bool,
    /// Add, change and remove members.
    pub manage_members: bool,
    /// See the bench.
    pub see_people: bool,
}

/// An engagement in a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct EngagementLine {
    /// Which.
    #[schema(value_type = String)]
    pub engagement: EngagementId,
    /// Its name.
    pub name: String,
    /// `draft` or `live`.
    #[schema(value_type = String)]
    pub status: EngagementStatus,
    /// The caller's side.
    #[schema(value_type = String)]
    pub side: Side,
    /// The caller's roles.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
}

impl App {
    /// Returns the engagements of the caller, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn my_engagements(&self, caller: &Caller) -> Result<Vec<EngagementLine>> {
        let Some(person) = caller.person() else { return Ok(Vec::new()) };
        let mut lines = Vec::new();
        for (scope, member) in self.store.engagements_of(person, ENGAGEMENTS_MAX).await? {
            let Ok(Scope::Engagement(engagement)) = scope.parse() else { continue };
            let standing = self.standing(caller, Scope::Engagement(engagement)).await?;
            let mut gate = remit_access::Gate::new(&self.authorizer, &standing.principal, standing.now);
            let Some(named) = self.store.find_engagement(&scope).await? else { continue };
            let line = EngagementLine {
                engagement,
                name: named.name.unwrap_or_else(|| ERASED.to_owned()),
                status: named.row.status,
                side: member.side,
                roles: member.roles,
            };
            lines.extend(
                gate.open(Action::ViewEngagement, &Label::engagement(engagement), line)
                    .map(remit_access::Authorized::into_inner),
            );
        }
        Ok(lines)
    }
}

impl Query for ShowEngagement {
    type Out = EngagementOut;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<EngagementOut> {
        let (engagement, _) = look.engagement().await?;
        let label = Label::engagement(self.engagement);
        let may = Permits {
            manage_sow: look.may(Action::ManageSow, &label),
            sign_sow: look.may(Action::SignSow, &label),
            go_live: look.may(Action::GoLive, &label),
            manage_members: look.may(Action::ManageMembers, &label),
            see_people: look.may(Action::ViewPeople, &Label::directory()),
        };
        let scope = look.scope();
        let organisations = look.app.store().list_organisations().await?;
        let party = |organisation: OrgId| {
            let named =
                organisations.iter().find(|known| known.row.org == organisation).and_then(|known| known.name.clone());
            Party { organisation, name: named.unwrap_or_else(|| ERASED.to_owned()) }
        };
        let sows = if look.may(Action::ViewSow, &label) { look.sow_views(may).await? } else { Vec::new() };
        let mut members = members(look, may.see_people).await?;
        look.call(&mut members).await?;
        members.sort_by_key(|member| (!member.active, member.side, member.name.clone()));
        let sees_all =
            [Role::ClientManager, Role::DeliveryManager, Role::Auditor].iter().any(|role| look.standing.holds(*role));
        let cases = if sees_all { Some(look.app.store().count_cases_by_status(&scope).await?) } else { None };
        let out = EngagementOut {
            engagement: self.engagement,
            name: look.text(engagement.name).await?,
            status: engagement.status,
            drafted_at: engagement.drafted_at.timestamp(),
            client: party(engagement.client),
            provider: party(engagement.provider),
            sows,
            members,
            cases: cases
                .map(|counts| counts.into_iter().map(|(status, cases)| StatusCount { status, cases }).collect()),
            may,
        };
        look.saw(Action::ViewEngagement, self.engagement, None, None);
        Ok(out)
    }
}

/// Asks for one version of the statement of work, as it is rewritten.
#[derive(Debug, Clone, Copy)]
pub struct ShowSow {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Which version.
    pub sow: SowId,
}

impl Query for ShowSow {
    type Out = SowOut;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<SowOut> {
        look.admit(Action::ViewSow, &Label::engagement(self.engagement))?;
        let may =
            Permits { sign_sow: look.may(Action::SignSow, &Label::engagement(self.engagement)), ..Permits::default() };
        let found = look.sow_views(may).await?.into_iter().find(|known| known.sow == self.sow);
        look.saw(Action::ViewSow, self.sow, None, None);
        found.ok_or_else(|| remit_kernel::refusal::Reason::hidden(self.sow).into())
    }
}

/// Returns all members with their names; capacity and load for those who see the bench.
pub(crate) async fn members(look: &Look<'_>, bench: bool) -> Result<Vec<MemberOut>> {
    let rows = look.app.store().list_members(&look.scope()).await?;
    Ok(rows
        .into_iter()
        .map(|member| MemberOut {
            person: member.row.person,
            name: member.name.unwrap_or_else(|| ERASED.to_owned()),
            side: member.row.side,
            roles: member.row.roles,
            active: member.row.active,
            capacity: bench.then_some(member.row.capacity),
            load: bench.then_some(member.row.load),
        })
        .collect())
}

/// Returns every version of the statement of work, newest first.
pub(crate) async fn sows(look: &Look<'_>) -> Result<Vec<Sow>> {
    let rows = look.app.store().snapshots_page(&look.scope(), Some("sow/"), SOWS_MAX).await?;
    let streams = rows.iter().map_while(|row| match row.stream.parse() {
        Ok(stream @ StreamId::Sow(_)) => Some(Want::Stream(stream)),
        Ok(_) | Err(_) => None,
    });
    let wants: Vec<_> = streams.collect();
    let mut sows: Vec<_> = look.load(&wants).await?.sows.into_values().collect();
    sows.sort_by_key(|sow| std::cmp::Reverse((sow.number, sow.sow)));
    Ok(sows)
}

impl Look<'_> {
    async fn sow_views(&mut self, may: Permits) -> Result<Vec<SowOut>> {
        let (engagement, lived) = self.engagement().await?;
        let agreed = engagement.agreed(&lived, self.standing.now).map(|sow| sow.sow);
        // No event marks the day on which a successor begins: it was agreed before.
        let over = |sow: &Sow| engagement.baseline == Some(sow.sow) && agreed != Some(sow.sow);
        let sows = sows(self).await?;
        let lines: Vec<_> =
            sows.iter().flat_map(|sow| &sow.lines).map(|line| Want::Stream(StreamId::Line(line.line))).collect();
        let used = self.load(&lines).await?.lines;
        let signers: Vec<_> = sows.iter().flat_map(|sow| &sow.signatures).map(|(_, person, _)| *person).collect();
        let names = self.names(&signers).await?;
        let holds = |side: &Side| match side {
            Side::Client => self.standing.holds(Role::ClientManager),
            Side::Provider => self.standing.holds(Role::DeliveryManager),
        };
        Ok(sows
            .into_iter()
            .map(|sow| {
                let open = matches!(sow.status, SowStatus::Proposed);
                let unsigned: Vec<_> = Side::ALL
                    .iter()
                    .copied()
                    .filter(|side| open && !sow.signatures.iter().any(|(by, ..)| by == side))
                    .collect();
                SowOut {
                    sow: sow.sow,
                    number: sow.number,
                    starts_on: sow.starts_on,
                    ends_on: sow.ends_on,
                    status: if over(&sow) { SowStatus::Superseded } else { sow.status },
                    waits_for_me: may.sign_sow && unsigned.iter().any(holds),
                    names_people: sow.names_people,
                    unsigned,
                    signatures: sow
                        .signatures
                        .iter()
                        .map(|(side, person, _)| SignatureOut {
                            side: *side,
                            person: *person,
                            name: names.get(person).cloned().unwrap_or_else(|| ERASED.to_owned()),
                        })
                        .collect(),
                    lines: sow
                        .lines
                        .iter()
                        .map(|line| line_out(line, used.get(&line.line).map_or(0, |used| used.taken)))
                        .collect(),
                }
            })
            .collect())
    }
}

fn line_out(line: &SowLine, volume_taken: u32) -> LineOut {
    let list = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect();
    LineOut {
        line: line.line,
        clause: line.clause.clone(),
        service: line.service.clone(),
        kind: line.kind,
        includes: list(&line.includes),
        excludes: list(&line.excludes),
        jurisdictions: list(&line.jurisdictions),
        places: list(&line.places),
        volume_max: line.volume_max,
        volume_taken,
        price_minor: line.price_minor,
        currency: line.currency.clone(),
        revisions_max: line.revisions_max,
        pack: line.pack.name.clone(),
        pack_version: line.pack.version.clone(),
        pack_digest: line.pack.digest,
        review: line.plan.review.clone(),
        stopping: StoppingOut::of(&line.plan),
        gold: line.plan.gold,
        signoff: line.plan.signoff,
        signoff_in_jurisdiction: line.plan.signoff_in_jurisdiction,
    }
}

/// Asks for the packs that a line may name.
#[derive(Debug, Clone, Copy)]
pub struct Packs {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// A pack that a line may name.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PackChoice {
    /// Short name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Digest of its content.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// Title.
    pub title: String,
    /// Keys of its case types.
    pub case_types: Vec<String>,
    /// Its own plan.
    #[schema(value_type = Object)]
    pub plan: Plan,
}

impl Query for Packs {
    type Out = Vec<PackChoice>;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Vec<PackChoice>> {
        let label = Label::engagement(self.engagement);
        look.admit(Action::ViewKnowledge, &label)?;
        look.admit(Action::ManageSow, &label)?;
        let mut packs = Vec::new();
        for stored in look.app.store().list_packs().await? {
            let Some(pack) = look.app.pack(stored.digest).await? else { continue };
            packs.push(PackChoice {
                name: stored.name,
                version: stored.version,
                digest: stored.digest,
                title: pack.title.clone(),
                case_types: pack.case_types.iter().map(|known| known.key.clone()).collect(),
                plan: pack.plan.clone(),
            });
        }
        Ok(packs)
    }
}

/// Asks whom a manager may add as a member.
#[derive(Debug, Clone, Copy)]
pub struct MembersToBe {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// Somebody who may be added.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PersonChoice {
    /// Who.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// Name.
    pub name: String,
    /// Employer.
    pub organisation: String,
}

impl Query for MembersToBe {
    type Out = Vec<PersonChoice>;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Vec<PersonChoice>> {
        look.admit(Action::ManageMembers, &Label::engagement(self.engagement))?;
        let everybody = look.may(Action::ViewPeople, &Label::directory());
        let store = look.app.store();
        let people = store.list_people().await?;
        let members = store.list_members(&look.scope()).await?;
        let organisations = store.list_organisations().await?;
        // Whoever does not see the directory chooses among her own house.
        let own = people.iter().find(|known| known.row.person == look.standing.id()).map(|known| known.row.org);
        let free = |person: &&remit_store::PersonNamed| {
            let member = members.iter().any(|member| member.row.person == person.row.person && member.row.active);
            person.row.active && person.row.signs_in && !member && (everybody || Some(person.row.org) == own)
        };
        let mut choices: Vec<_> = people
            .iter()
            .filter(free)
            .map(|known| PersonChoice {
                person: known.row.person,
                name: known.name.clone().unwrap_or_else(|| ERASED.to_owned()),
                organisation: organisations
                    .iter()
                    .find(|org| org.row.org == known.row.org)
                    .and_then(|org| org.name.clone())
                    .unwrap_or_default(),
            })
            .collect();
        choices.sort_by_key(|known| known.name.clone());
        Ok(choices)
    }
}
