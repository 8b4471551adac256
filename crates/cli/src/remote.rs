//! Going through a server that holds the data folder.

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// A server to go through, instead of opening the data folder.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Remote {
    /// Address of a running server; it acts for whoever the token speaks for.
    #[arg(long, value_name = "URL", requires = "token", conflicts_with_all = ["data", "person"])]
    server: Option<String>,
    /// Token of that server; `remit user token` prints one.
    #[arg(long, value_name = "TOKEN", env = "REMIT_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// A server and the right to use it.
pub(crate) struct Server {
    address: String,
    token: String,
    agent: ureq::Agent,
}

impl Remote {
    /// Returns the server, if the command goes through one.
    pub(crate) fn server(&self) -> Result<Option<Server>> {
        let Some(address) = &self.server else { return Ok(None) };
        let token = self.token.clone().context("say with which token: `--token TOKEN`")?;
        // A problem is told in the server's own words rather than as a status.
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Ok(Some(Server { address: address.trim_end_matches('/').to_owned(), token, agent }))
    }
}

impl Server {
    /// Returns what stands at a path below `/api/v1`.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        let request = self
            .agent
            .get(format!("{}/api/v1{path}", self.address))
            .header("authorization", format!("Bearer {}", self.token));
        self.told(request.call())
    }

    /// Posts to a path below `/api/v1`.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self
            .agent
            .post(format!("{}/api/v1{path}", self.address))
            .header("authorization", format!("Bearer {}", self.token));
        self.told(request.send_json(body))
    }

    fn told(&self, answer: std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value> {
        let mut answer = answer.with_context(|| format!("the server at {} cannot be reached", self.address))?;
        let body: Value =
            answer.body_mut().with_config().limit(u64::MAX).read_json().context("the server did not answer in JSON")?;
        if answer.status().is_success() {
            return Ok(body);
        }
        let word = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        bail!("{} {}", word("detail"), word("hint"))
    }
}

/// Returns a file as a request carries it.
pub(crate) fn file(path: &Path) -> Result<Value> {
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(json!({ "name": name, "base64": BASE64_STANDARD.encode(bytes) }))
}
