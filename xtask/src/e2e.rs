//! Browser journeys and pictures: a demo server of their own on a free port, Node against it, and its end.

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{browser, demo, npm, step::Steps, step::run as finish};

/// How long the server may take to seed its history and print its address.
const START_MAX: Duration = Duration::from_mins(5);

/// How long one file of journeys may take, in milliseconds, as Node's option: the walk over every page is the longest.
const JOURNEY_MAX: &str = "--test-timeout=600000";

/// The folder of the journeys.
const JOURNEYS: &str = "e2e/journeys";

/// Runs the journeys whose file name contains `name`, or all, one after the other: they share one server.
pub(crate) fn journeys(name: Option<&str>, headed: bool) -> Result<()> {
    let files = list(Path::new(JOURNEYS), name.unwrap_or_default())?;
    with_server(|node| {
        node.args(&files);
        node.envs(headed.then_some(("REMIT_HEADED", "1")));
    })
}

/// Writes the README's pictures.
pub(crate) fn screenshots() -> Result<()> {
    let folder = env::current_dir()?.join("docs/screenshots");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    with_server(|node| {
        node.arg("e2e/screenshots.mjs").env("REMIT_SHOTS", &folder);
    })
}

/// Returns the journeys in a folder whose name contains `part`, sorted; none is an error, never a silent success.
fn list(folder: &Path, part: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".test.mjs") && name.contains(part) {
            files.push(entry.path());
        }
    }
    ensure!(!files.is_empty(), "no journey in {} has `{part}` in its name", folder.display());
    files.sort();
    Ok(files)
}

/// Prepares everything, then runs the files that `arrange` names with Node against a running server.
fn with_server(arrange: impl FnOnce(&mut Command)) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("third-party scripts", || npm::install(npm::ASSETS))?;
    steps.run("libraries of the journeys", || npm::install(npm::JOURNEYS))?;
    let chromium = steps.run("Chromium", browser::find_or_install)?;
    let remit = steps.run("remit, with its scripts", demo::build)?;
    let output = remit.with_file_name("e2e");
    fs::create_dir_all(&output).with_context(|| format!("making {}", output.display()))?;
    let server = steps.run("demo server", || Server::start(&remit, &output))?;

    let mut node = Command::new("node");
    node.args(["--test", "--test-concurrency=1", "--test-reporter=spec", JOURNEY_MAX]);
    node.env("REMIT_URL", &server.url)
        .env("REMIT_SERVER_LOG", &server.log)
        .env("REMIT_DATA", &server.data)
        .env("REMIT_BIN", &remit)
        .env("REMIT_CHROMIUM", chromium)
        .env("REMIT_SHOTS", output.join("screenshots"));
    arrange(&mut node);
    let outcome = steps.run("browser", || finish(&mut node));
    let stopped = server.stop();
    outcome.with_context(|| format!("pictures and the server's log are in {}", output.display()))?;
    stopped
}

/// A demo server with data of its own; both end with it.
struct Server {
    child: Child,
    data: PathBuf,
    /// What the server printed: its address and a sign-in link for each persona.
    log: PathBuf,
    /// `http://localhost:PORT`.
    url: String,
}

impl Server {
    /// Starts the server and returns when it has printed its address.
    fn start(remit: &Path, output: &Path) -> Result<Self> {
        let port = free_port()?;
        let data = env::temp_dir().join(format!("remit-e2e-{}", process::id()));
        let (log, errors) = (output.join("server.log"), output.join("server.err.log"));
        let mut child = Command::new(remit)
            .args(["serve", "--demo", "--port", &port.to_string(), "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&errors)?)
            .spawn()
            .with_context(|| format!("starting {}", remit.display()))?;
        let printed = child.stdout.take().context("reading the server's output")?;
        let server = Self { child, data, log, url: format!("http://localhost:{port}") };
        await_address(&copy_lines(printed, File::create(&server.log)?), port)
            .with_context(|| format!("{}\nremit serve did not start", tail(&errors)))?;
        Ok(server)
    }

    /// Asks the server to finish, and fails if it did not end well.
    fn stop(mut self) -> Result<()> {
        finish(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let status = self.child.wait()?;
        ensure!(status.success(), "remit serve ended with {status} when asked to stop");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` the child is gone already; after a failure nothing else would end it.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}

/// Returns a loopback port that is free now.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?.local_addr()?.port())
}

/// Copies lines to a file for as long as they come, and hands each on.
fn copy_lines(from: impl std::io::Read + Send + 'static, mut to: File) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if writeln!(to, "{line}").is_err() {
                break;
            }
            // Nobody listens any more once the address is known.
            let _ = sender.send(line);
        }
    });
    lines
}

/// Returns when a line with the server's own address arrives.
fn await_address(lines: &Receiver<String>, port: u16) -> Result<()> {
    let addresses = [format!("http://localhost:{port}"), format!("http://127.0.0.1:{port}")];
    loop {
        match lines.recv_timeout(START_MAX) {
            Ok(line) if addresses.iter().any(|address| line.contains(address)) => return Ok(()),
            Ok(_) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("it ended before it printed its address"),
            Err(RecvTimeoutError::Timeout) => bail!("it printed nothing for {} s", START_MAX.as_secs()),
        }
    }
}

/// Returns the last lines of a log.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn journeys_are_chosen_by_name_and_none_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["signing.test.mjs", "desk.test.mjs", "notes.md"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let paths = |names: &[&str]| names.iter().map(|name| folder.path().join(name)).collect::<Vec<_>>();
        assert_eq!(list(folder.path(), "").unwrap(), paths(&["desk.test.mjs", "signing.test.mjs"]));
        assert_eq!(list(folder.path(), "sign").unwrap(), paths(&["signing.test.mjs"]));
        assert!(list(folder.path(), "notes").is_err());
    }

    #[test]
    fn the_server_has_started_when_its_own_address_is_printed() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let printed = "seeding\nreader1  http://reader1.localhost:4000/link\nready at http://localhost:4000\n";
        let lines = copy_lines(printed.as_bytes(), log.reopen().unwrap());
        await_address(&lines, 4000).unwrap();
        assert_eq!(fs::read_to_string(log.path()).unwrap(), printed);
    }

    #[test]
    fn a_server_that_ends_early_has_not_started() {
        let lines =
            copy_lines("reader1  http://reader1.localhost:4000/link\n".as_bytes(), tempfile::tempfile().unwrap());
        let error = await_address(&lines, 4000).unwrap_err();
        assert_eq!(error.to_string(), "it ended before it printed its address");
    }
}
