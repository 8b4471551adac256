//! An installation in a folder of its own, and a server over it that is a process of its own.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// An installation: its data folder and a token of its operator.
pub(crate) struct Installation {
    folder: tempfile::TempDir,
    pub(crate) token: String,
}

/// A server that runs. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    /// Where pages and API are.
    pub(crate) address: String,
    /// Where metrics and probes are.
    pub(crate) operate: String,
    token: String,
    agent: ureq::Agent,
}

/// Runs `remit` to its end.
pub(crate) fn remit(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_remit"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Runs `remit`, which must succeed, and returns what it printed.
#[track_caller]
pub(crate) fn done(args: &[&str]) -> String {
    let output = remit(args, "");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs `remit`, which must refuse, and returns what it said.
#[track_caller]
pub(crate) fn refused(args: &[&str]) -> String {
    let output = remit(args, "");
    assert!(!output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

impl Installation {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let args =
            ["init", "--organisation", "House", "--country", "GB", "--name", "Olga", "--login", "olga", "--data"];
        let init = remit(&[&args[..], &[data.to_str().unwrap()]].concat(), "correct horse battery\n");
        assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
        let token = done(&["user", "token", "--data", data.to_str().unwrap()]).trim().to_owned();
        Self { folder, token }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A path beside the data.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn serve(&self) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_remit"))
            .args(["serve", "--port", "0", "--metrics", "127.0.0.1:0", "--data"])
            .arg(self.data())
            .env("REMIT_LIMITS_API_PER_MINUTE", "0")
            .env("REMIT_LOG_LEVEL", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut line = || lines.next().expect("the server ended").unwrap();
        let operate = line().strip_prefix("Metrics are at ").unwrap().trim_end_matches("metrics").to_owned();
        let address = line().strip_prefix("Remit is at ").unwrap().to_owned();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Server { child, address, operate, token: self.token.clone(), agent }
    }
}

impl Server {
    /// Adds an organisation; returns the status, or nothing if there was no answer.
    pub(crate) fn add(&self, name: &str) -> Option<u16> {
        add(&self.agent, &self.address, &self.token, name)
    }

    /// Returns what adds organisations from another thread.
    pub(crate) fn adder(&self) -> impl Fn(&str) -> Option<u16> + Send + 'static {
        let (address, token) = (self.address.clone(), self.token.clone());
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        move |name| add(&agent, &address, &token, name)
    }

    /// Returns status and text of what stands at a path for operators.
    pub(crate) fn ask(&self, path: &str) -> (u16, String) {
        let mut answer = self.agent.get(format!("{}{path}", self.operate)).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end; returns how it ended and how long that took.
    pub(crate) fn end(mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        (self.child.wait().unwrap(), began.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn add(agent: &ureq::Agent, address: &str, token: &str, name: &str) -> Option<u16> {
    let body: Value = json!({ "name": name, "country": "GB" });
    let request = agent
        .post(format!("{address}api/v1/organisations"))
        .header("authorization", format!("Bearer {token}"))
        .header("idempotency-key", name);
    request.send_json(&body).ok().map(|answer| answer.status().as_u16())
}

/// Returns the names of all organisations in a data folder that nobody serves.
pub(crate) fn organisations(data: &Path) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = remit_store::Store::open(data, remit_store::Options::default()).unwrap();
        let mut names: Vec<_> =
            store.list_organisations().await.unwrap().into_iter().filter_map(|known| known.name).collect();
        names.sort();
        names
    })
}
