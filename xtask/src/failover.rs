//! Failover: installs Patroni and etcd, builds what does harm, and takes the leader away from a pair of database servers.

use std::{
    env, fs,
    process::{self, Command},
};

use anyhow::{Context, Result};

use crate::{
    postgres::{find_or_install, install_packages},
    step::{Missing, Steps, answer, cargo, run as finish},
};

/// Rounds of each kind, for a look; `docs/guarantees.md` asks for twenty.
pub(crate) const ROUNDS: usize = 2;

/// Debian's packages, and a program of each that shows whether it is there.
const NEEDED: [(&str, &str); 2] = [("patroni", "patroni"), ("etcd-server", "etcd")];

/// Prints one row for each kind of harm.
pub(crate) fn run(rounds: usize, only: Option<&str>) -> Result<()> {
    let mut steps = Steps::default();
    let bin = steps.run("PostgreSQL, Patroni and etcd", || {
        let bin = find_or_install()?;
        install()?;
        Ok(bin)
    })?;
    steps.run("remit and what does it harm", || {
        finish(cargo().args(["build", "-p", "remit-cli", "-p", "remit-faults", "--bins"]))
    })?;
    let own = env::current_exe().context("finding the target folder")?;
    // The database's user must be able to enter it, which the target folder does not promise.
    let work = env::temp_dir().join(format!("remit-failover-{}", process::id()));
    let mut failover = Command::new(own.with_file_name("remit-faults"));
    failover.arg("failover").args(["--rounds", &rounds.to_string()]);
    failover.args(only.iter().flat_map(|kind| ["--only", kind]));
    failover.arg("--remit").arg(own.with_file_name("remit"));
    failover.arg("--bin").arg(bin).arg("--work").arg(&work);
    finish(&mut failover).with_context(|| format!("what happened is in {}", work.display()))?;
    fs::remove_dir_all(&work).with_context(|| format!("removing {}", work.display()))
}

/// Installs what is missing where root runs this.
fn install() -> Result<()> {
    let missing =
        missing(|program| answer(Command::new("sh").args(["-c", &format!("command -v {program}")])).is_some());
    if missing.is_empty() || install_packages(&missing)? {
        return Ok(());
    }
    Err(Missing(format!("{} missing: `sudo apt-get install {}`", list(&missing), missing.join(" "))).into())
}

/// Returns the packages whose programs are not there.
fn missing(there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    NEEDED.iter().filter(|(_, program)| !there(program)).map(|(package, _)| *package).collect()
}

fn list(packages: &[&str]) -> String {
    let verb = if packages.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", packages.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_whose_program_is_absent_are_asked_for() {
        assert_eq!(missing(|_| true), [""; 0]);
        assert_eq!(missing(|program| program == "etcd"), ["patroni"]);
        assert_eq!(list(&missing(|_| false)), "patroni and etcd-server are");
    }
}
