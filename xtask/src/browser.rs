//! Chromium for the journeys: the one named, the one on the path, or the one Debian's packages bring. Never a silent skip.

use std::{env, ffi::OsStr, path::PathBuf, process::Command};

use anyhow::Result;

use crate::step::{Missing, answer, run};

/// The names under which distributions ship the browser, best first.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The packages that bring the browser, and a typeface for its pictures.
const PACKAGES: [&str; 2] = ["chromium", "fonts-dejavu-core"];

/// Returns the browser's executable, installing it if this machine lets us.
///
/// Looks at `REMIT_CHROMIUM`, then along `PATH`, then asks apt as root; else fails with [`Missing`], which names the command.
pub(crate) fn find_or_install() -> Result<PathBuf> {
    if let Some(named) = env::var_os("REMIT_CHROMIUM").map(PathBuf::from) {
        let missing = || Missing(format!("REMIT_CHROMIUM names `{}`, which is no file", named.display())).into();
        return if named.is_file() { Ok(named.clone()) } else { Err(missing()) };
    }
    let path = env::var_os("PATH").unwrap_or_default();
    if let Some(found) = find_in(&path) {
        return Ok(found);
    }
    if installable() {
        println!("    no Chromium on the path: installing Debian's");
        run(Command::new("apt-get").args(["update", "-q"]))?;
        run(Command::new("apt-get")
            .args(["install", "-q", "-y", "--no-install-recommends"])
            .args(PACKAGES)
            .env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    find_in(&path).ok_or_else(|| {
        let command = format!("sudo apt-get update && sudo apt-get install -y {}", PACKAGES.join(" "));
        Missing(format!("the journeys need Chromium: run `{command}`, or set REMIT_CHROMIUM to its executable")).into()
    })
}

/// Returns the first browser in the folders of a search path.
fn find_in(path: &OsStr) -> Option<PathBuf> {
    let folders: Vec<_> = env::split_paths(path).collect();
    NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| file.is_file())
}

/// Returns whether packages can be installed without asking anybody.
fn installable() -> bool {
    answer(Command::new("id").arg("-u")).as_deref() == Some("0")
        && answer(Command::new("apt-get").arg("--version")).is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

    use std::fs;

    use super::*;

    #[test]
    fn the_best_known_name_wins_wherever_it_stands_on_the_path() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = env::join_paths([first.path(), second.path()]).unwrap();
        assert_eq!(find_in(&path), None);

        fs::write(first.path().join("google-chrome"), "").unwrap();
        fs::write(second.path().join("chromium"), "").unwrap();
        assert_eq!(find_in(&path), Some(second.path().join("chromium")));
    }
}
