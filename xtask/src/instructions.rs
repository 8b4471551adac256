//! Instructions per act, counted by callgrind and held against a committed figure. Unlike a time, the count is the same on
//! a busy machine: it fails when the work has become dearer, and only then.

use std::{env, fs, path::Path, process::Command};

use anyhow::{Context, Result, bail, ensure};

use crate::step::{Missing, Steps, answer, cargo, run as finish};

/// The committed figure: instructions per act, of the development build that the tests use too.
const BASELINE: &str = "crates/bench/instructions.txt";
/// Rounds of the two runs. Their difference is work alone: what starting and setting up cost stands in both.
const ROUNDS: [u64; 2] = [5, 45];
/// Acts of a round.
const ACTS: u64 = 5;
/// A count above the baseline by more than this fails, in percent; below it by more, the baseline wants renewing.
const TOLERANCE_PERCENT: u64 = 20;

/// Counts, and fails if an act costs over a fifth more than the committed figure; with `renew`, writes that figure.
pub(crate) fn run(renew: bool) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("valgrind", require_valgrind)?;
    steps.run("the benchmark, as the tests build it", || finish(cargo().args(["build", "-p", "remit-bench"])))?;
    let counts = steps
        .run("counting instructions", || ROUNDS.iter().map(|rounds| count(*rounds)).collect::<Result<Vec<_>>>())?;
    let now = per_act(&counts)?;
    if renew {
        return fs::write(BASELINE, format!("{now}\n")).with_context(|| format!("writing {BASELINE}"));
    }
    let text = fs::read_to_string(BASELINE).with_context(|| format!("reading {BASELINE}"))?;
    let before = text.trim().parse().with_context(|| format!("reading {BASELINE}"))?;
    println!("{}", judge(now, before)?);
    Ok(())
}

/// Returns the instructions of one act.
fn per_act(counts: &[u64]) -> Result<u64> {
    let [fewer, more] = *counts else { bail!("two counts make a difference, here are {}", counts.len()) };
    ensure!(more > fewer, "more rounds took fewer instructions: {more} against {fewer}");
    Ok((more - fewer) / ((ROUNDS[1] - ROUNDS[0]) * ACTS))
}

/// Returns what there is to say of a count.
///
/// # Errors
/// If an act became dearer than is tolerated.
fn judge(now: u64, before: u64) -> Result<String> {
    let told = format!("{now} instructions per act, {before} committed");
    let renew = "`cargo xtask instructions --renew` writes the new figure, for a commit that says why";
    if now * 100 > before * (100 + TOLERANCE_PERCENT) {
        bail!("{told}: over {TOLERANCE_PERCENT} % more. If it must be: {renew}");
    }
    if now * 100 < before * (100 - TOLERANCE_PERCENT) {
        return Ok(format!("{told}: over {TOLERANCE_PERCENT} % fewer. {renew}"));
    }
    Ok(told)
}

/// Runs so many rounds under callgrind and returns how many instructions it counted.
fn count(rounds: u64) -> Result<u64> {
    // This very program lies beside the benchmark, wherever the target folder is.
    let folder = env::current_exe().context("finding the target folder")?;
    let folder = folder.parent().context("finding the target folder")?;
    let data = folder.join("instructions-data");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(folder.join("remit-bench"));
    command.args(["--rounds", &rounds.to_string(), "--remit", "unused", "--data"]).arg(&data);
    let output = command.output().context("starting valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "valgrind ended with {}: {said}", output.status);
    collected(&said).with_context(|| format!("valgrind did not say what it counted: {said}"))
}

/// Returns the count in what callgrind says at its end: `==42== Collected : 1234`.
fn collected(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

/// Installs valgrind where that may be done without asking.
fn require_valgrind() -> Result<()> {
    if answer(Command::new("valgrind").arg("--version")).is_some() {
        return Ok(());
    }
    let install = ["install", "--yes", "--no-install-recommends", "valgrind"];
    let root = answer(Command::new("id").arg("-u")).as_deref() == Some("0");
    if !root || !Path::new("/usr/bin/apt-get").exists() {
        return Err(Missing("valgrind is needed: `sudo apt-get install valgrind`".to_owned()).into());
    }
    finish(Command::new("apt-get").arg("update"))?;
    finish(Command::new("apt-get").args(install))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn a_fifth_more_fails_and_a_fifth_fewer_asks_for_a_new_figure() {
        assert!(judge(1_200, 1_000).unwrap().ends_with("1000 committed"));
        assert!(judge(1_201, 1_000).unwrap_err().to_string().contains("20 % more"));
        assert!(judge(799, 1_000).unwrap().contains("20 % fewer"));
    }

    #[test]
    fn what_both_runs_share_counts_for_nothing() {
        assert_eq!(per_act(&[1_000_000, 1_000_000 + 40 * 5 * 7]).unwrap(), 7);
        assert!(per_act(&[2, 1]).is_err());
        assert!(per_act(&[1]).is_err());
    }

    #[test]
    fn the_count_is_found_in_what_callgrind_says() {
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 123456\n==7== I refs: 9"), Some(123_456));
        assert_eq!(collected("==7== Killed"), None);
    }
}
