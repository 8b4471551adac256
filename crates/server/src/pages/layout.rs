//! What frames every page: where am I, who am I, where can I go.

use remit_kernel::{
    id::{CaseId, EngagementId, PersonId},
    index::CaseStatus,
    role::Role,
    stream::Scope,
    time::Instant,
};

use super::{
    asset, encode,
    word::{Moment, When, when},
};
use crate::{App, Caller, config::Persona, error::Result};

/// The places of an engagement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Today,
    Engagement,
    Cases,
    Read,
    Adjudicate,
    Sign,
    Reviews,
    Feedback,
    MyWork,
    Quality,
    People,
    Knowledge,
    Protection,
    Admin,
    None,
}

/// The frame of a page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) place: Place,
    pub(crate) engagement: Option<EngagementId>,
    pub(crate) engagement_name: String,
    pub(crate) person_name: String,
    pub(crate) roles: Vec<Role>,
    pub(crate) now: Instant,
    pub(crate) demo: Option<DemoBar>,
}

/// What the demo says on every page: who lives on this host, and who acts next in the case that is open.
#[derive(Debug, Clone)]
pub(crate) struct DemoBar {
    pub(crate) me: PersonaLink,
    pub(crate) next: Vec<PersonaLink>,
    pub(crate) all: Vec<PersonaLink>,
}

/// The way to a persona's own host, signed in.
#[derive(Debug, Clone)]
pub(crate) struct PersonaLink {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) href: String,
    pub(crate) here: bool,
}

impl Frame {
    /// Returns the frame for a caller in an engagement, or outside of one.
    pub(crate) async fn new(
        app: &App,
        caller: &Caller,
        engagement: Option<EngagementId>,
        place: Place,
        title: impl Into<String>,
    ) -> Result<Self> {
        let scope = engagement.map_or(Scope::Directory, Scope::Engagement);
        let standing = app.standing(caller, scope).await?;
        let person = app.store().find_person(standing.id()).await?;
        let named = match engagement {
            Some(engagement) => app.store().find_engagement(&engagement.to_string()).await?,
            None => None,
        };
        Ok(Self {
            title: title.into(),
            place,
            engagement,
            engagement_name: named.and_then(|named| named.name).unwrap_or_default(),
            person_name: person.and_then(|person| person.name).unwrap_or_default(),
            roles: standing.principal.roles.iter().copied().collect(),
            now: standing.now,
            demo: demo_bar(app, caller, engagement).await?,
        })
    }

    /// Returns an instant as people say it.
    pub(crate) fn when(&self, at: &impl Moment) -> When {
        when(at, &self.now)
    }

    pub(crate) fn holds(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Returns whether reviews and their lots are any business of whoever looks; authors hear of theirs under Feedback.
    pub(crate) fn sees_reviews(&self) -> bool {
        self.manages() || self.holds(Role::Reviewer)
    }

    /// Returns whether the viewer manages or audits the engagement: every case of it is open to her.
    pub(crate) fn manages(&self) -> bool {
        self.holds(Role::ClientManager) || self.holds(Role::DeliveryManager) || self.holds(Role::Auditor)
    }

    /// Returns the links of the engagement that this person has a use for.
    pub(crate) fn links(&self) -> Vec<Link> {
        let Some(engagement) = self.engagement else { return Vec::new() };
        let all = [
            (Place::Engagement, "engagement", "Engagement", true),
            (Place::Cases, "cases", "Cases", true),
            (Place::Read, "read", "Read", self.holds(Role::Expert)),
            (Place::Adjudicate, "adjudicate", "Adjudicate", self.holds(Role::Adjudicator)),
            (Place::Sign, "sign", "Sign", self.holds(Role::Signer)),
            (Place::Reviews, "reviews", "Reviews", self.sees_reviews()),
            (Place::Feedback, "reviews/mine", "Feedback", self.holds(Role::Expert) || self.holds(Role::Adjudicator)),
            (Place::MyWork, "my-work", "My work", self.holds(Role::Expert)),
            (Place::Quality, "quality", "Quality", self.manages() || self.holds(Role::Adjudicator)),
            (Place::People, "people", "People", self.holds(Role::DeliveryManager) || self.holds(Role::PeopleManager)),
            (Place::Knowledge, "knowledge", "Knowledge", true),
            (Place::Protection, "protection", "Protection", self.manages()),
        ];
        let shown = all.into_iter().filter(|(.., shown)| *shown);
        shown
            .map(|(place, path, title, _)| Link {
                path: format!("/e/{engagement}/{path}"),
                title,
                here: place == self.place,
            })
            .collect()
    }

    pub(crate) fn operates(&self) -> bool {
        self.holds(Role::Operator)
    }

    pub(crate) fn icon(&self) -> String {
        asset::address("icon.svg")
    }

    pub(crate) fn css(&self) -> String {
        asset::address("app.css")
    }

    pub(crate) fn scripts(&self) -> Vec<String> {
        let third_party: &[&str] = if asset::SCRIPTS_PRESENT { &["htmx.js", "htmx-sse.js"] } else { &[] };
        third_party.iter().copied().chain(["once.js"]).map(asset::address).collect()
    }
}

/// Returns the bar of the demo. Whose turn it is follows from the case's status alone: it tells no reader of another.
async fn demo_bar(app: &App, caller: &Caller, engagement: Option<EngagementId>) -> Result<Option<DemoBar>> {
    let (Some((demo, port)), Some(person)) = (app.demo(), caller.person()) else { return Ok(None) };
    let Some(me) = demo.personas.iter().find(|persona| persona.person == person) else { return Ok(None) };
    let link = |persona: &Persona, path: &str| PersonaLink {
        name: persona.name.clone(),
        title: persona.title.clone(),
        href: format!(
            "http://{}.localhost:{port}/demo/enter?token={}&next={}",
            persona.host,
            persona.token,
            encode(path)
        ),
        here: persona.person == person,
    };
    let next = match (engagement, case_in(&caller.path)) {
        (Some(engagement), Some(case)) => {
            let row = app.store().find_case(&engagement.to_string(), case).await?;
            let (role, path) = row.map_or((None, String::new()), |row| match row.status {
                // A reader finds the case among the next ones: before she takes a seat it has no address for her.
                CaseStatus::Ready | CaseStatus::Reading => (Some(Role::Expert), "/".to_owned()),
                status => (turn(status), format!("/e/{engagement}/cases/{case}")),
            });
            let members = app.store().list_members(&engagement.to_string()).await?;
            let acts = |who: PersonId| {
                let member = members.iter().find(|member| member.row.person == who && member.row.active);
                role.is_some_and(|role| member.is_some_and(|member| member.row.roles.contains(&role)))
            };
            demo.personas
                .iter()
                .filter(|persona| acts(persona.person) && persona.person != person)
                .map(|persona| link(persona, &path))
                .collect()
        }
        (Some(_) | None, _) => Vec::new(),
    };
    let all = demo.personas.iter().map(|persona| link(persona, "/")).collect();
    Ok(Some(DemoBar { me: link(me, "/"), next, all }))
}

/// Returns the role whose turn it is.
const fn turn(status: CaseStatus) -> Option<Role> {
    match status {
        CaseStatus::Ready | CaseStatus::Reading => Some(Role::Expert),
        CaseStatus::Adjudicating => Some(Role::Adjudicator),
        CaseStatus::InReview => Some(Role::Reviewer),
        CaseStatus::AwaitingSignOff => Some(Role::Signer),
        CaseStatus::ScopeQuery | CaseStatus::Resolved | CaseStatus::SignedOff | CaseStatus::Revision => {
            Some(Role::DeliveryManager)
        }
        CaseStatus::Delivered => Some(Role::ClientManager),
        CaseStatus::Accepted | CaseStatus::Declined | CaseStatus::Cancelled => None,
    }
}

/// Returns the case that a page's address names.
fn case_in(path: &str) -> Option<CaseId> {
    path.split('/').find_map(|part| part.parse().ok())
}

/// A link of the frame.
pub(crate) struct Link {
    pub(crate) path: String,
    pub(crate) title: &'static str,
    pub(crate) here: bool,
}
