//! `remit verify`: replays every event and names the first difference.

use std::{io::IsTerminal as _, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};
use remit_kernel::{id::EngagementId, stream::Scope};
use remit_server::app::verify::Verified;

use crate::{
    instance::Instance,
    remote::{Remote, Server},
};

/// How often a server is asked whether it has finished.
const PAUSE: Duration = Duration::from_millis(500);

/// Replays every event and compares everything kept with what the events give.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    instance: Instance,
    #[command(flatten)]
    remote: Remote,
    /// With a server: the engagement in which you may verify. The whole record is verified in any case.
    #[arg(long, value_name = "ENGAGEMENT")]
    engagement: Option<EngagementId>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Returns failure if something differs.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    if let Some(server) = args.remote.server()? {
        let engagement =
            args.engagement.context("say in which engagement you may verify: `--engagement ENGAGEMENT`")?;
        return through(&server, engagement, args.json);
    }
    let app = args.instance.open().await?;
    let caller = args.instance.caller(&app).await?;
    let terminal = std::io::stderr().is_terminal();
    let told = |events: u64| {
        if terminal {
            mark!("\r{events} events replayed");
        }
    };
    let found = app.verify(&caller, Scope::Directory, told).await?;
    if terminal {
        tell!();
    }
    if args.json {
        say!("{}", serde_json::to_string(&found)?);
    } else {
        say!("{}", words(&found));
    }
    Ok(if found.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Has a server verify, and waits for what it finds.
fn through(server: &Server, engagement: EngagementId, json: bool) -> Result<ExitCode> {
    server.post(&format!("/engagements/{engagement}/verifications"), &serde_json::json!({}))?;
    let verified = loop {
        let record = server.get(&format!("/engagements/{engagement}/record?limit=1"))?;
        if record["verifying"].is_null() {
            break record["verified"].clone();
        }
        #[expect(clippy::disallowed_methods, reason = "a command line that waits for a server has nothing else to do")]
        std::thread::sleep(PAUSE);
    };
    let ok = verified["ok"] == true;
    if json {
        say!("{verified}");
    } else if ok {
        say!("{} events replayed\nall equal", verified["events"]);
    } else {
        let place = verified["first_difference"].as_str().unwrap_or("outside of this engagement");
        say!("the first difference: {place}");
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn words(found: &Verified) -> String {
    let counts = found.counts;
    let compared = format!(
        "{} events replayed in {} scopes; {} states, {} index rows, {} texts ({} erased) and {} entries compared",
        counts.events, counts.scopes, counts.snapshots, counts.rows, counts.texts, counts.erased, counts.entries
    );
    match &found.first_difference {
        None => format!("{compared}\nall equal"),
        Some(difference) => format!("{compared}\nthe first difference: {difference}"),
    }
}
