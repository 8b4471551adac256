//! Schemathesis: asks a running server everything that its OpenAPI document allows, and much that it does not.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::step::{Missing, Steps, answer, cargo, run as finish};

/// Examples for each operation unless told otherwise.
pub(crate) const EXAMPLES: u32 = 5;
/// The release that the figures in `docs/guarantees.md` come from.
const VERSION: &str = "4.32.5";

/// Installs the pinned release beside the build, serves an installation of its own, and asks; fails on any finding.
pub(crate) fn run(examples: u32, seed: u64) -> Result<()> {
    let mut steps = Steps::default();
    let own = env::current_exe().context("finding the target folder")?;
    let tool = steps.run("Schemathesis", || install(&own.with_file_name("schemathesis-venv")))?;
    let faults = steps.run("a server without limits", || {
        finish(cargo().args(["build", "-p", "remit-faults", "--bins"]))?;
        Ok(own.with_file_name("remit-faults"))
    })?;
    let work = own.with_file_name("schemathesis-data");
    let site = answer(Command::new(&faults).arg("site").arg(&work)).context("making a data folder")?;
    for who in ["delivery", "client", "reader"] {
        // What broke is kept in `steps` and counted at the end.
        let _ = steps.run(&format!("{examples} examples for each operation, as {who}"), || {
            let server = Serving::start(&faults, &field(&site, "data")?)?;
            fs::write(work.join("schemathesis.toml"), config(&field(&site, "engagement")?))?;
            let mut ask = Command::new(&tool);
            ask.arg("--config-file").arg(work.join("schemathesis.toml"));
            ask.args(["run", &format!("{}api/v1/openapi.json", server.address)]);
            ask.args(["--header", &format!("Authorization: Bearer {}", field(&site, who)?)]);
            ask.args(["--max-examples", &examples.to_string(), "--seed", &seed.to_string()]);
            // The token must live until the end; `DELETE /session` has tests of its own.
            ask.args(["--exclude-path", "/session", "--phases", "examples,coverage,fuzzing"]);
            ask.args(["--workers", "1", "--no-color"]);
            finish(&mut ask)
        });
    }
    steps.finish()
}

/// Returns what tells the tool of the engagement that is there, so that requests reach more than "not found", and of what a
/// request may be answered that fits the schema: rules that no schema can say refuse it with 409, 412 or 422.
fn config(engagement: &str) -> String {
    let allowed = r#"["2xx", "3xx", "401", "403", "404", "409", "412", "422", "429"]"#;
    format!(
        "[checks.positive_data_acceptance]\nexpected-statuses = {allowed}\n\n[parameters]\n\"path.engagement\" = \"{engagement}\"\n"
    )
}

/// Returns the tool in an environment of its own, made if it is not there in this release.
fn install(folder: &Path) -> Result<PathBuf> {
    let tool = folder.join("bin").join("schemathesis");
    if answer(Command::new(&tool).arg("--version")).is_some_and(|version| version.contains(VERSION)) {
        return Ok(tool);
    }
    if finish(Command::new("python3").args(["-m", "venv"]).arg(folder)).is_err() {
        return Err(Missing("Python with `venv` is missing: on Debian, `apt-get install python3-venv`".into()).into());
    }
    let package = format!("schemathesis=={VERSION}");
    finish(Command::new(folder.join("bin").join("pip")).args(["install", "--quiet", &package]))?;
    Ok(tool)
}

/// Returns a text field of one flat JSON object whose texts need no escapes.
fn field(json: &str, name: &str) -> Result<String> {
    let start = json.split_once(&format!("\"{name}\":\"")).with_context(|| format!("no `{name}` in {json}"))?.1;
    Ok(start.split('"').next().unwrap_or(start).to_owned())
}

/// A server that ends when it is dropped.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(program: &Path, data: &str) -> Result<Self> {
        let mut serve = Command::new(program);
        serve.args(["serve", "--data", data]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = serve.spawn().with_context(|| format!("starting {}", program.display()))?;
        let said = child.stdout.take().context("the server says nothing")?;
        let line = BufReader::new(said).lines().next().context("the server ended at once")??;
        let address = line.strip_prefix("Remit is at ").unwrap_or_default().to_owned();
        let serving = Self { child, address };
        ensure!(!serving.address.is_empty(), "the server said: {line}");
        Ok(serving)
    }
}

impl Drop for Serving {
    /// It may have ended by itself.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn a_field_is_read_and_an_absent_one_is_named() {
        let json = r#"{"client":"abc","engagement":"eng_1"}"#;
        assert_eq!(field(json, "engagement").unwrap(), "eng_1");
        assert!(field(json, "reader").unwrap_err().to_string().starts_with("no `reader`"));
    }
}
