//! The file of a case: its items, one at a time, each look on record.

use remit_access::{Action, Class, Label};
use remit_kernel::{
    case::{Case, Item, Media, Visibility},
    id::{CaseId, EngagementId, ItemId},
    panel::Panel,
    refusal::Reason,
    stream::Scope,
    time::Instant,
};
use serde::Serialize;

use crate::{
    app::look::{Look, Query},
    error::Result,
};

/// An item as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ItemView {
    /// The item.
    #[schema(value_type = String)]
    pub item: ItemId,
    /// Version, from 1.
    pub version: u32,
    /// Name.
    pub name: String,
    /// What it is: `text`, `svg` or `link`.
    #[schema(value_type = String)]
    pub media: Media,
    /// Length in code points.
    pub chars: u32,
    /// Whether a signer must open it.
    pub material: bool,
    /// Whose eyes it is for: `both`, `client` or `provider`.
    #[schema(value_type = String)]
    pub visibility: Visibility,
    /// Whether it is the newest version.
    pub newest: bool,
}

/// An item with its content.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ItemContent {
    /// The item.
    pub item: ItemView,
    /// Its content letter by letter; the address for a link.
    pub body: String,
}

/// Asks for the content of an item.
#[derive(Debug, Clone, Copy)]
pub struct GetItem {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Of which case.
    pub case: CaseId,
    /// Which item.
    pub item: ItemId,
    /// Which version; none: the newest.
    pub version: Option<u32>,
    /// As the file was then.
    pub as_of: Option<Instant>,
}

/// Follows a link into the client's own viewer. What is seen there Remit cannot know, so it says only this much.
#[derive(Debug, Clone, Copy)]
pub struct FollowLink {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Of which case.
    pub case: CaseId,
    /// Which item.
    pub item: ItemId,
    /// Which version.
    pub version: u32,
}

impl Query for GetItem {
    type Out = ItemContent;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<ItemContent> {
        let (now, panel) = look.case(self.case, None).await?;
        let case = look.case_then(&now, self.as_of).await?;
        let version = |item: &&Item| self.version.is_none_or(|version| item.version == version);
        let found =
            case.items.iter().filter(|item| item.item == self.item).filter(version).max_by_key(|item| item.version);
        let item = found.cloned().ok_or_else(|| Reason::hidden(self.item))?;
        look.show(&case, &now, panel.as_ref(), item, "item").await
    }
}

impl Query for FollowLink {
    type Out = String;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<String> {
        let (case, panel) = look.case(self.case, None).await?;
        let found = case.item(self.item, self.version).filter(|item| item.media == Media::Link).cloned();
        let item = found.ok_or_else(|| Reason::hidden(self.item))?;
        Ok(look.show(&case, &case, panel.as_ref(), item, "link").await?.body)
    }
}

impl Look<'_> {
    /// Returns a case as it was at an instant, for somebody who may see it as it is.
    ///
    /// # Errors
    /// A field reason if it had not come in yet.
    pub(crate) async fn case_then(&self, now: &Case, as_of: Option<Instant>) -> Result<Case> {
        let Some(instant) = as_of else { return Ok(now.clone()) };
        let stream = remit_kernel::stream::StreamId::Case(now.case);
        let then = self.app.state_at(self.standing.scope, stream, instant).await?;
        match then {
            Some(remit_kernel::stream::State::Case(case)) => Ok(case),
            Some(_) | None => Err(not_yet(now).into()),
        }
    }

    /// Returns whether the caller may see an item. Walls and places are those of today, whatever the file was.
    pub(crate) fn may_see_item(&mut self, now: &Case, panel: Option<&Panel>, item: &Item) -> Result<bool> {
        let label = self.item_label(now, panel, item)?;
        Ok(self.may(Action::ViewItem, &label))
    }

    fn item_label(&self, now: &Case, panel: Option<&Panel>, item: &Item) -> Result<Label> {
        let visibility = match item.visibility {
            Visibility::Both => remit_access::Visibility::Both,
            Visibility::Client => remit_access::Visibility::Client,
            Visibility::Provider => remit_access::Visibility::Provider,
        };
        Ok(Label { visibility, ..self.label(Class::Item, now, panel)? })
    }

    /// Opens an item and puts it on record under this word.
    async fn show(
        &mut self,
        case: &Case,
        now: &Case,
        panel: Option<&Panel>,
        item: Item,
        word: &str,
    ) -> Result<ItemContent> {
        let label = self.item_label(now, panel, &item)?;
        let Some(item) = self.open(Action::ViewItem, &label, item) else {
            return Err(Reason::hidden(case.case).into());
        };
        let item = item.into_inner();
        let object = format!("{word}/{}/{}", item.item, item.version);
        self.saw(Action::ViewItem, object, Some(case.case), Some(item.body.commitment));
        let (name, body) = (self.text(item.name).await?, self.text(item.body).await?);
        Ok(ItemContent { item: view(case, &item, name), body })
    }
}

/// Returns an item as a list shows it.
pub(crate) fn view(case: &Case, item: &Item, name: String) -> ItemView {
    ItemView {
        item: item.item,
        version: item.version,
        name,
        media: item.media,
        chars: item.body.chars,
        material: item.material,
        visibility: item.visibility,
        newest: !case.items.iter().any(|other| other.item == item.item && other.version > item.version),
    }
}

/// The case had not come in at the instant asked for.
pub(crate) fn not_yet(now: &Case) -> Reason {
    Reason::field(remit_kernel::refusal::code::FIELD_INVALID, "as_of", "the case had not come in then")
        .hint(format!("Choose an instant after {}.", now.received_at))
}
