//! Running `remit` as its users do, with the time it took and the most memory it held.

use std::{
    io::Read as _,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use crate::measure::Watch;

/// How often a running program is asked what it holds.
const PAUSE: Duration = Duration::from_millis(20);

/// What a program said, and what it took.
pub(crate) struct Ended {
    pub(crate) said: Vec<u8>,
    pub(crate) took: Duration,
    /// The largest resident set it had, in MiB.
    pub(crate) peak_mebibytes: f64,
}

/// Runs a program to its end, which must be a good one. What it tells on the way passes through.
pub(crate) fn run(command: &mut Command) -> Result<Ended> {
    let watch = Watch::start();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    let mut out = child.stdout.take().context("the program says nothing")?;
    let listening = thread::spawn(move || {
        let mut said = Vec::new();
        out.read_to_end(&mut said).map(|_| said)
    });
    let mut peak_mebibytes = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // Between the two lines it may have ended: then the figure before holds.
        peak_mebibytes = memory(&child, "VmHWM:").unwrap_or(peak_mebibytes);
        pause();
    };
    let took = watch.elapsed();
    let said = listening.join().map_err(|_| anyhow::anyhow!("listening to the program failed"))??;
    ensure!(status.success(), "{} ended with {status}", command.get_program().display());
    Ok(Ended { said, took, peak_mebibytes })
}

/// Returns what Linux counts under a heading of a process's memory, in MiB.
pub(crate) fn memory(process: &Child, heading: &str) -> Result<f64> {
    memory_of(&process.id().to_string(), heading)
}

/// Returns what Linux counts under a heading of this program's own memory, in MiB.
pub(crate) fn own_memory(heading: &str) -> Result<f64> {
    memory_of("self", heading)
}

fn memory_of(process: &str, heading: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(heading)).context("the process holds no memory")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes / 1_024.0)
}

#[expect(clippy::disallowed_methods, reason = "waits for another program, whose times are taken by its own end")]
fn pause() {
    thread::sleep(PAUSE);
}
