//! The demo: four engagements and some weeks of history, played through the product's own path with a stepped clock.
//!
//! Only this module moves time, in process and before the server listens; no command or route of a server can.

mod design;
mod evidence;
mod gold;
mod reading;
mod review;
mod stage;

use remit_formats::{files::find_shipped, pack::read_files};
use remit_kernel::{id::PersonId, time::Instant};
use remit_store::Store;

use crate::{
    App,
    clock::{Chance, Clock},
    config::{Demo, Persona},
    error::{Error, Result},
};
use stage::Stage;

/// The password of every persona. The demo listens on loopback only and holds nothing real.
pub const PASSWORD: &str = "remit demo password";

/// How far back the history begins.
const HISTORY_DAYS: i64 = 50;

/// Host, name, title and home of each persona, in the order of the walk.
pub(crate) const PERSONAS: [(&str, &str, &str); 9] = [
    ("client", "Clara Whitfield", "client manager at Harbour Health"),
    ("delivery", "Dumisani Khumalo", "delivery manager at Durban Analytics"),
    ("reader1", "Thandi Naidoo", "first reader"),
    ("reader2", "Ravi Pillay", "second reader"),
    ("adjudicator", "Nomsa Dlamini", "adjudicator"),
    ("reviewer", "Lindiwe Mbeki", "reviewer of finished work"),
    ("signer", "Ellen Marsh", "signer: methodologist, and physician licensed in Ohio"),
    ("auditor", "Aidan Cole", "auditor for Harbour Health"),
    ("operator", "Olwethu Zulu", "operator of the installation"),
];

/// Plays the history into an empty store, ending at `now`. `told` hears what is being done.
///
/// # Errors
/// If an act is refused, which is a bug of the script.
pub async fn seed(store: Store, now: Instant, told: impl Fn(&str)) -> Result<()> {
    let clock = Clock::stepped(now.plus_seconds(-HISTORY_DAYS * 86_400));
    let app = App::new(store, clock.clone(), Chance::seeded(2_026))?;
    keep_shipped(&app).await?;
    told("people, credentials and statements of work");
    let stage = Stage::set(app, now).await?;
    told("reviewed evidence: two weeks, each judged by a sample");
    let reviewed = review::play(&stage).await?;
    clock.step_to(now.plus_seconds(-35 * 86_400));
    told("trial evidence: five weeks of readings");
    evidence::play(&stage).await?;
    told("ECG readings: two weeks, and the history of 331 tracings");
    reading::play(&stage).await?;
    review::leave(&stage, &reviewed).await?;
    told("design notes: grades, concerns and measures, and gold among them");
    design::play(&stage).await?;
    clock.step_to(now);
    Ok(())
}

/// Returns the personas of a seeded store with fresh sign-in links; nothing if it was not seeded by the demo.
pub async fn personas(app: &App) -> Result<Option<Demo>> {
    let mut personas = Vec::new();
    for (host, name, title) in PERSONAS {
        let Some(login) = app.store().find_login(host).await? else { return Ok(None) };
        let token = remit_kernel::hash::Digest::from_bytes(app.chance.draw()?).to_string();
        personas.push(Persona {
            host: host.to_owned(),
            person: login.person,
            name: name.to_owned(),
            title: title.to_owned(),
            token,
        });
    }
    Ok(Some(Demo { personas, password: PASSWORD }))
}

/// Keeps the packs that come with Remit, so that statements of work can name them.
pub async fn keep_shipped(app: &App) -> Result<()> {
    for name in ["evidence-analysis", "diagnostic-reading", "design-review"] {
        app.keep_pack(&shipped(name)?.pack).await?;
    }
    Ok(())
}

/// Reads a pack that comes with Remit.
pub(crate) fn shipped(name: &str) -> Result<remit_formats::pack::LoadedPack> {
    let files = find_shipped(name)
        .ok_or_else(|| Error::Io(std::io::Error::other(format!("pack `{name}` is not part of this build"))))?;
    read_files(&files).map_err(|problems| Error::Io(std::io::Error::other(problems)))
}

/// The people who make up the two benches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct People {
    pub(crate) client: PersonId,
    pub(crate) delivery: PersonId,
    pub(crate) reader1: PersonId,
    pub(crate) reader2: PersonId,
    pub(crate) adjudicator: PersonId,
    pub(crate) reviewer: PersonId,
    pub(crate) signer: PersonId,
    pub(crate) auditor: PersonId,
    pub(crate) operator: PersonId,
}
