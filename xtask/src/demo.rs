//! The demo: Remit on loopback with four engagements and some weeks of history, from one command.

use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    npm,
    step::{Steps, cargo, run as finish},
};

/// The demo's port, unless another is asked for.
pub(crate) const PORT: u16 = 4747;

/// The folder that keeps the demo's data between runs; git ignores it.
const DATA: &str = "demo-data";

/// Builds what is missing and becomes the server, so that every signal reaches it.
pub(crate) fn run(fresh: bool, port: u16) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("third-party scripts", || npm::install(npm::ASSETS))?;
    let remit = steps.run("remit, built quickly with its hot parts optimised", build)?;
    if fresh {
        steps.run("fresh data", || remove(Path::new(DATA)))?;
    }
    println!("==> remit serve --demo, its data in `{DATA}` (Ctrl-C ends it)");
    let error = Command::new(&remit).args(["serve", "--demo", "--data", DATA, "--port", &port.to_string()]).exec();
    Err(error).with_context(|| format!("starting {}", remit.display()))
}

/// Builds the binary of the development profile and returns where it is.
pub(crate) fn build() -> Result<PathBuf> {
    finish(cargo().args(["build", "-p", "remit-cli", "--bin", "remit"]))?;
    // cargo puts it beside this very program, wherever the target folder is.
    Ok(std::env::current_exe().context("finding the target folder")?.with_file_name("remit"))
}

/// Removes a folder that may be absent.
fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn fresh_data_means_no_folder_whether_there_was_one_or_not() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join(DATA);
        fs::create_dir(&data).unwrap();
        fs::write(data.join("remit.sqlite"), "old").unwrap();
        remove(&data).unwrap();
        assert!(!data.exists());
        remove(&data).unwrap();
    }
}
