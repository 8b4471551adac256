//! `remit export`: an engagement as JSON Lines.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use remit_kernel::id::EngagementId;
use remit_server::app::export::{ExportCases, ExportEvents};
use serde_json::Value;

use crate::instance::Instance;

/// Writes cases, readings, judgements and events of an engagement as JSON Lines.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    instance: Instance,
    /// The engagement.
    #[arg(long, value_name = "ENGAGEMENT")]
    engagement: EngagementId,
    /// Folder for the files; it is made, and must hold none of them yet.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    let Args { instance, engagement, out, json } = args;
    let app = instance.open().await?;
    let caller = instance.caller(&app).await?;
    let mut ask = ExportCases { engagement, after: None };
    // Whoever may not export leaves no empty files behind.
    let mut page = app.view(&caller, ask.clone()).await?;
    fs::create_dir_all(&out).with_context(|| format!("the folder {} cannot be made", out.display()))?;
    let [mut cases, mut readings, mut judgements, mut events] = ["cases", "readings", "judgements", "events"].map(|name| Lines::new(&out, name));
    loop {
        cases.write(&page.cases)?;
        readings.write(&page.readings)?;
        judgements.write(&page.judgements)?;
        let Some(next) = page.next else { break };
        ask.after = Some(next);
        page = app.view(&caller, ask.clone()).await?;
    }
    let mut ask = ExportEvents { engagement, after: None };
    loop {
        let page = app.view(&caller, ask.clone()).await?;
        events.write(&page.events)?;
        ask.after = page.next;
        if ask.after.is_none() {
            break;
        }
    }
    let written = [cases.end()?, readings.end()?, judgements.end()?, events.end()?];
    let [cases, readings, judgements, events] = written;
    if json {
        let counts = serde_json::json!({ "engagement": engagement, "cases": cases, "readings": readings, "judgements": judgements, "events": events });
        println!("{counts}");
    } else {
        println!("{cases} cases, {readings} readings, {judgements} judgements and {events} events in {}", out.display());
    }
    Ok(())
}

/// One file of lines, made with the first write.
struct Lines {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    count: u64,
}

impl Lines {
    fn new(dir: &Path, name: &str) -> Self {
        Self { path: dir.join(format!("{name}.jsonl")), file: None, count: 0 }
    }

    fn write(&mut self, lines: &[Value]) -> Result<()> {
        if self.file.is_none() {
            if self.path.exists() {
                bail!("{} is there already: name an empty folder", self.path.display());
            }
            let file = File::create_new(&self.path).with_context(|| format!("{} cannot be written", self.path.display()))?;
            self.file = Some(BufWriter::new(file));
        }
        if let Some(file) = &mut self.file {
            for line in lines {
                writeln!(file, "{line}").with_context(|| format!("{} cannot be written", self.path.display()))?;
            }
        }
        self.count += lines.len() as u64;
        Ok(())
    }

    fn end(self) -> Result<u64> {
        if let Some(file) = self.file {
            file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        }
        Ok(self.count)
    }
}
