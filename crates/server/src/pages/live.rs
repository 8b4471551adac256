//! Live pages: server-sent events that carry a topic and nothing else. The page asks again for what it shows.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, State},
    response::sse::{Event, KeepAlive, Sse},
    routing::get,
};
use futures_util::{Stream, StreamExt as _, stream};
use remit_access::{Action, Label};
use remit_kernel::{id::EngagementId, stream::Scope};
use tokio_stream::wrappers::BroadcastStream;
use tracing::warn;

use super::Oops;
use crate::{
    App, Caller,
    app::{Look, Query, Topic, live::Heard},
    edge::Edge,
    error::Result,
    life::{Life, Stage},
    telemetry::Listening,
};

/// When a page listens again after the server stopped: a restart takes about as long.
const RETRY_MILLIS: u64 = 1_000;
/// Within how much more they all do.
const RETRY_SPREAD_MILLIS: u64 = 4_000;

pub(super) fn router() -> Router<Edge> {
    Router::new().route("/live", get(everywhere)).route("/e/{engagement}/live", get(engagement))
}

/// Changes in all engagements of the caller, for Today.
async fn everywhere(
    State(app): State<App>,
    State(life): State<Life>,
    caller: Caller,
) -> Sse<impl Stream<Item = std::result::Result<Event, Infallible>>> {
    answer(app, life, caller, None)
}

async fn engagement(
    State(app): State<App>,
    State(life): State<Life>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> std::result::Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>, Oops> {
    app.view(&caller, Listen { engagement }).await?;
    Ok(answer(app, life, caller, Some(engagement)))
}

/// Asks whether the caller may listen in an engagement.
struct Listen {
    engagement: EngagementId,
}

impl Query for Listen {
    type Out = ();

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<()> {
        look.admit(Action::ViewEngagement, &Label::engagement(self.engagement))
    }
}

fn answer(
    app: App,
    life: Life,
    caller: Caller,
    engagement: Option<EngagementId>,
) -> Sse<impl Stream<Item = std::result::Result<Event, Infallible>>> {
    let wanted = move |topic: &Topic| match topic.scope {
        Scope::Engagement(scope) => engagement.is_none_or(|engagement| engagement == scope),
        Scope::Directory => false,
    };
    let topics = BroadcastStream::new(app.topics()).filter_map(move |topic| {
        // Who fell behind has missed something: let the page ask again.
        let heard = match topic {
            Ok(Some(topic)) => wanted(&topic).then_some(Some(topic)),
            Ok(None) | Err(_) => Some(None),
        };
        std::future::ready(heard)
    });
    let events = topics.then(move |topic| {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            let Some(topic) = topic else { return Heard::Today };
            app.hears(&caller, topic).await.unwrap_or_else(|error| {
                warn!(%error, "a listener could not be served: {error}");
                Heard::SignedOut
            })
        }
    });
    let events = events.take_while(|heard| std::future::ready(*heard != Heard::SignedOut));
    let events = events.flat_map(|heard| {
        // An event without data is not heard by a browser.
        let today = || Event::default().event("today").data("today");
        stream::iter(match heard {
            Heard::Nothing | Heard::SignedOut => Vec::new(),
            Heard::Today => vec![today()],
            Heard::Case(case) => vec![Event::default().event("case").data(case.to_string()), today()],
        })
    });
    let listening = Listening::begin();
    let events =
        events.take_until(Box::pin(life.clone().ended())).chain(stream::iter(once_ended(life))).map(move |event| {
            let _counted = &listening;
            Ok(event)
        });
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// Returns the last word to a listener of a server that stops: when to come again. It differs from one to the next, so that
/// they do not all come at once.
fn once_ended(life: Life) -> impl Iterator<Item = Event> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    std::iter::once(()).filter(move |()| life.stage() == Stage::Stopping).map(|()| {
        let spread = NEXT.fetch_add(1, Ordering::Relaxed) * 37 % RETRY_SPREAD_MILLIS;
        Event::default().retry(Duration::from_millis(RETRY_MILLIS + spread))
    })
}
