//! A real `remit serve` as a child process: started, asked, and ended in every way.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    http::{Ask, Client},
    site::Site,
    watch::{Watch, wait, wait_a_little},
};

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Start {
    pub(crate) program: PathBuf,
    pub(crate) data: PathBuf,
    /// The database instead of the data folder, which then holds nothing.
    pub(crate) database: Option<String>,
    /// What stands before the program, such as `prlimit --nofile=65536`.
    pub(crate) wrapper: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
}

/// A running server, killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the process to its first good answer.
    pub(crate) ready: Duration,
    pub(crate) log: PathBuf,
}

impl Start {
    pub(crate) fn of(program: &Path, data: &Path) -> Self {
        Self { program: program.to_owned(), data: data.to_owned(), ..Self::default() }
    }

    /// The same server for a site, wherever its data are.
    pub(crate) fn at(program: &Path, site: &Site) -> Self {
        Self { database: site.database.clone(), ..Self::of(program, &site.data) }
    }

    /// Starts the server and kills it after a while, whatever it is at.
    pub(crate) fn start_and_kill(&self, after: Duration) -> Result<()> {
        let mut child = self.spawn()?;
        wait(after);
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Starts the server and waits for its first answer.
    pub(crate) fn start(&self) -> Result<Server> {
        let watch = Watch::start();
        let log = self.log();
        let mut child = self.spawn()?;
        let said = child.stdout.take().context("the server says nothing")?;
        let mut address = None;
        for line in BufReader::new(said).lines() {
            let line = line?;
            if let Some(port) = line.strip_prefix("Remit is at http://localhost:") {
                address = Some(format!("127.0.0.1:{}", port.trim_end_matches('/')).parse()?);
                break;
            }
        }
        let Some(address) = address else {
            let ended = child.wait()?;
            bail!("the server did not start: {ended}; see {}", log.display());
        };
        let mut server = Server { child, address, ready: Duration::ZERO, log };
        let answer = Client::new(address).send(&Ask::get("/healthz", ""))?;
        anyhow::ensure!(answer.done(), "the server is not well: {}", answer.status);
        server.ready = watch.elapsed();
        Ok(server)
    }

    fn log(&self) -> PathBuf {
        self.data.with_extension("log")
    }

    fn spawn(&self) -> Result<Child> {
        let mut words = self.wrapper.iter().map(String::as_str);
        let mut command = match words.next() {
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        let errors = File::options().create(true).append(true).open(self.log()).context("opening the log")?;
        command.args(["serve", "--port", "0"]);
        match &self.database {
            Some(url) => command.args(["--database", url]),
            None => command.arg("--data").arg(&self.data),
        };
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("starting {}", self.program.display()))
    }
}

impl Server {
    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status()?;
        anyhow::ensure!(sent.success(), "the signal could not be sent");
        Ok(())
    }

    /// Waits for the process to end by itself; none: it did not in time.
    pub(crate) fn ended(&mut self, within: Duration) -> Result<Option<ExitStatus>> {
        let watch = Watch::start();
        while watch.elapsed() < within {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            wait_a_little();
        }
        Ok(None)
    }

    /// Asks the process to finish and waits for it; returns how long that took.
    pub(crate) fn stop(mut self) -> Result<(ExitStatus, Duration)> {
        let watch = Watch::start();
        self.signal("TERM")?;
        let status = self.ended(Duration::from_secs(40))?.context("the server did not end in 40 s")?;
        Ok((status, watch.elapsed()))
    }

    /// Returns the most memory it ever held, in MiB.
    pub(crate) fn peak_mebibytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak is known")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1_024)
    }
}

impl Drop for Server {
    /// It may have ended long ago.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
