//! What frames every page: where am I, who am I, where can I go.

use remit_kernel::{id::EngagementId, role::Role, stream::Scope};

use super::asset;
use crate::{App, Caller, error::Result};

/// The places of an engagement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Today,
    Engagement,
    Cases,
    Adjudicate,
    Sign,
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
}

impl Frame {
    /// Returns the frame for a caller in an engagement, or outside of one.
    pub(crate) async fn new(app: &App, caller: &Caller, engagement: Option<EngagementId>, place: Place, title: impl Into<String>) -> Result<Self> {
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
        })
    }

    pub(crate) fn holds(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    pub(crate) fn manages(&self) -> bool {
        self.holds(Role::ClientManager) || self.holds(Role::DeliveryManager) || self.holds(Role::Auditor)
    }

    /// Returns the links of the engagement that this person has a use for.
    pub(crate) fn links(&self) -> Vec<Link> {
        let Some(engagement) = self.engagement else { return Vec::new() };
        let all = [
            (Place::Engagement, "engagement", "Engagement", true),
            (Place::Cases, "cases", "Cases", true),
            (Place::Adjudicate, "adjudicate", "Adjudicate", self.holds(Role::Adjudicator)),
            (Place::Sign, "sign", "Sign", self.holds(Role::Signer)),
            (Place::Quality, "quality", "Quality", self.manages() || self.holds(Role::Adjudicator)),
            (Place::People, "people", "People", self.manages()),
            (Place::Knowledge, "knowledge", "Knowledge", true),
            (Place::Protection, "protection", "Protection", self.manages()),
        ];
        let shown = all.into_iter().filter(|(.., shown)| *shown);
        shown.map(|(place, path, title, _)| Link { path: format!("/e/{engagement}/{path}"), title, here: place == self.place }).collect()
    }

    pub(crate) fn operates(&self) -> bool {
        self.holds(Role::Operator)
    }

    pub(crate) fn css(&self) -> String {
        asset::address("app.css")
    }

    pub(crate) fn scripts(&self) -> Vec<String> {
        if asset::SCRIPTS_PRESENT { ["htmx.js", "htmx-sse.js"].map(asset::address).into() } else { Vec::new() }
    }
}

/// A link of the frame.
pub(crate) struct Link {
    pub(crate) path: String,
    pub(crate) title: &'static str,
    pub(crate) here: bool,
}
