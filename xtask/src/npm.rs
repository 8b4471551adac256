//! Packages of Node, installed from committed lock files and only when these are newer than what is there.

use std::{fs, path::Path, process::Command, time::SystemTime};

use anyhow::Result;

use crate::step::{Missing, answer, run};

/// The folder of the scripts that the server embeds.
pub(crate) const ASSETS: &str = "crates/server/assets";

/// The folder of the browser journeys.
pub(crate) const JOURNEYS: &str = "e2e";

/// The oldest Node that runs the journeys and their libraries.
const NODE_MIN: u32 = 20;

/// Makes `folder/node_modules` equal to the folder's lock file.
pub(crate) fn install(folder: &str) -> Result<()> {
    require_node()?;
    if fresh(Path::new(folder)) {
        println!("    {folder}: nothing to install");
        return Ok(());
    }
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))
}

/// Fails with [`Missing`] unless Node and npm are there and new enough.
fn require_node() -> Result<()> {
    let node = answer(Command::new("node").arg("--version"));
    if node.as_deref().and_then(major).is_none_or(|major| major < NODE_MIN) {
        let found = node.map_or_else(|| "none was found".to_owned(), |version| format!("found {version}"));
        return Err(Missing(format!("Node {NODE_MIN} or newer is needed, {found}: install `nodejs` and `npm`")).into());
    }
    if answer(Command::new("npm").arg("--version")).is_none() {
        return Err(Missing("npm is needed beside Node: install `npm`".to_owned()).into());
    }
    Ok(())
}

/// Returns the major number of a version such as `v20.19.1`.
fn major(version: &str) -> Option<u32> {
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

/// Returns whether npm's own record of what it installed is no older than the lock file.
fn fresh(folder: &Path) -> bool {
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    installed.is_some() && installed >= modified(&folder.join("package-lock.json"))
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

    use std::{fs::File, time::Duration};

    use super::*;

    #[test]
    fn packages_are_fresh_until_the_lock_file_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        let lock = File::create(folder.path().join("package-lock.json")).unwrap();
        assert!(!fresh(folder.path()), "nothing is installed yet");

        fs::create_dir(folder.path().join("node_modules")).unwrap();
        let record = File::create(folder.path().join("node_modules/.package-lock.json")).unwrap();
        let installed_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        record.set_modified(installed_at).unwrap();
        lock.set_modified(installed_at - Duration::from_secs(1)).unwrap();
        assert!(fresh(folder.path()));

        lock.set_modified(installed_at + Duration::from_secs(1)).unwrap();
        assert!(!fresh(folder.path()));
    }

    #[test]
    fn the_major_number_of_a_node_version_is_read() {
        assert_eq!(major("v20.19.1"), Some(20));
        assert_eq!(major("nonsense"), None);
    }
}
