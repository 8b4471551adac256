//! `remit export`: an engagement as JSON Lines.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use remit_kernel::id::EngagementId;
use remit_server::app::{
    certificate::{GetCertificate, GetImportCertificate, ListCertificates},
    export::{ExportCases, ExportEvents},
};
use serde_json::Value;

use crate::{
    instance::Instance,
    remote::{Remote, Server},
};

/// Writes cases, readings, judgements, events and quality certificates of an engagement as JSON Lines.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    instance: Instance,
    #[command(flatten)]
    remote: Remote,
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
    let Args { instance, remote, engagement, out, json } = args;
    let mut lines = Files::new(&out);
    if let Some(server) = remote.server()? {
        through(&server, engagement, &mut lines)?;
    } else {
        let app = instance.open().await?;
        let caller = instance.caller(&app).await?;
        let mut ask = ExportCases { engagement, after: None };
        loop {
            let page = app.view(&caller, ask.clone()).await?;
            lines.write_cases(&page.cases, &page.readings, &page.judgements)?;
            ask.after = page.next;
            if ask.after.is_none() {
                break;
            }
        }
        let mut ask = ExportEvents { engagement, after: None };
        loop {
            let page = app.view(&caller, ask.clone()).await?;
            lines.events.write(&page.events)?;
            ask.after = page.next;
            if ask.after.is_none() {
                break;
            }
        }
        for line in app.view(&caller, ListCertificates { engagement }).await? {
            let certificate = match (line.subject.lot, line.subject.file) {
                (Some(lot), _) => app.view(&caller, GetCertificate { engagement, lot }).await?,
                (None, Some(file)) => app.view(&caller, GetImportCertificate { engagement, file }).await?,
                (None, None) => continue,
            };
            lines.certificates.write(&[serde_json::to_value(certificate)?])?;
        }
    }
    let [cases, readings, judgements, events, certificates] = lines.end()?;
    if json {
        let counts = serde_json::json!({ "engagement": engagement, "cases": cases, "readings": readings, "judgements": judgements, "events": events, "certificates": certificates });
        say!("{counts}");
    } else {
        say!(
            "{cases} cases, {readings} readings, {judgements} judgements, {events} events and {certificates} certificates in {}",
            out.display()
        );
    }
    Ok(())
}

/// Reads the pages of a server.
fn through(server: &Server, engagement: EngagementId, lines: &mut Files) -> Result<()> {
    let pages = |what: &str, write: &mut dyn FnMut(&Value) -> Result<()>| -> Result<()> {
        let mut after = String::new();
        loop {
            let page = server.get(&format!("/engagements/{engagement}/export/{what}?after={after}"))?;
            write(&page)?;
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => return Ok(()),
            }
        }
    };
    let list = |page: &Value, key: &str| page[key].as_array().cloned().unwrap_or_default();
    pages("cases", &mut |page| {
        lines.write_cases(&list(page, "cases"), &list(page, "readings"), &list(page, "judgements"))
    })?;
    pages("events", &mut |page| lines.events.write(&list(page, "events")))?;
    let certificates = server.get(&format!("/engagements/{engagement}/certificates"))?;
    for line in certificates.as_array().into_iter().flatten() {
        let subject = &line["subject"];
        let of = match (subject["lot"].as_str(), subject["file"].as_str()) {
            (Some(lot), _) => format!("lots/{lot}"),
            (None, Some(file)) => format!("imports/{file}"),
            (None, None) => continue,
        };
        let certificate = server.get(&format!("/engagements/{engagement}/{of}/certificate"))?;
        lines.certificates.write(&[certificate])?;
    }
    Ok(())
}

/// The files.
struct Files {
    cases: Lines,
    readings: Lines,
    judgements: Lines,
    events: Lines,
    certificates: Lines,
}

impl Files {
    fn new(out: &Path) -> Self {
        let [cases, readings, judgements, events, certificates] =
            ["cases", "readings", "judgements", "events", "certificates"].map(|name| Lines::new(out, name));
        Self { cases, readings, judgements, events, certificates }
    }

    fn write_cases(&mut self, cases: &[Value], readings: &[Value], judgements: &[Value]) -> Result<()> {
        self.cases.write(cases)?;
        self.readings.write(readings)?;
        self.judgements.write(judgements)
    }

    fn end(self) -> Result<[u64; 5]> {
        let Self { cases, readings, judgements, events, certificates } = self;
        Ok([cases.end()?, readings.end()?, judgements.end()?, events.end()?, certificates.end()?])
    }
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
            // Whoever may not export has been told so by now, and leaves no folder behind.
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)
                    .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
            }
            let file =
                File::create_new(&self.path).with_context(|| format!("{} cannot be written", self.path.display()))?;
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
