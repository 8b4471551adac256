//! The Debian package: built, looked into, unpacked, and the binary in it tried.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    npm,
    step::{Missing, Steps, answer, cargo, run as finish},
};

/// What the package must bring, each with its permissions.
const FILES: [(&str, &str); 6] = [
    ("./usr/bin/remit", "-rwxr-xr-x"),
    ("./etc/remit/remit.toml", "-rw-r-----"),
    ("./usr/lib/systemd/system/remit.service", "-rw-r--r--"),
    ("./usr/share/doc/remit/changelog.Debian.gz", "-rw-r--r--"),
    ("./usr/share/doc/remit/copyright", "-rw-r--r--"),
    ("./usr/share/man/man1/remit.1.gz", "-rw-r--r--"),
];

/// What Debian's checker says that concerns only who uploads to Debian: the authors have no address there, and close no bug.
const UPLOAD_ONLY: &str = "bogus-mail-host,bogus-mail-host-in-debian-changelog,initial-upload-closes-no-bugs";

/// Builds the package, from the binary that lies in the target folder if it is `built`, and checks it; prints where it is.
pub(crate) fn run(built: bool) -> Result<()> {
    if answer(Command::new("dpkg-deb").arg("--version")).is_none() {
        return Err(Missing("a Debian package needs `dpkg-deb`: run this on Debian or Ubuntu".to_owned()).into());
    }
    let mut steps = Steps::default();
    steps.run("third-party scripts", || npm::install(npm::ASSETS))?;
    steps.run("cargo-deb", install_cargo_deb)?;
    let package = steps.run("remit, optimised, and the package around it", || build(built))?;
    steps.run("what is in it", || check(&listing(&package)?))?;
    steps.run("unpacked and tried", || try_out(&package))?;
    steps.run("the systemd unit", verify_unit)?;
    steps.run("the rules of Debian", || lint(&package))?;
    steps.finish()?;
    println!("{}", package.display());
    Ok(())
}

/// Builds the packager from source unless it is there.
fn install_cargo_deb() -> Result<()> {
    if answer(Command::new("cargo-deb").arg("--version")).is_some() {
        return Ok(());
    }
    finish(cargo().args(["install", "--locked", "cargo-deb"]))
}

fn build(built: bool) -> Result<PathBuf> {
    let folder = target()?.join("debian");
    fs::create_dir_all(&folder)?;
    let path = folder.join("remit.deb");
    let no_build = built.then_some("--no-build");
    finish(Command::new("cargo-deb").args(["-p", "remit-cli"]).args(no_build).arg("--output").arg(&path))?;
    Ok(path)
}

/// Returns the target folder, in which this very program lies.
fn target() -> Result<PathBuf> {
    let own = env::current_exe().context("finding the target folder")?;
    own.ancestors().nth(2).map(Path::to_owned).context("finding the target folder")
}

/// Returns an empty folder beside the package.
fn fresh(name: &str) -> Result<PathBuf> {
    let folder = target()?.join("debian").join(name);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn listing(package: &Path) -> Result<String> {
    answer(Command::new("dpkg-deb").arg("-c").arg(package)).context("the package cannot be read")
}

/// Fails unless every file is listed with its permissions.
fn check(listing: &str) -> Result<()> {
    for (file, permissions) in FILES {
        let line = listing.lines().find(|line| line.ends_with(&format!(" {file}")));
        let line = line.with_context(|| format!("`{file}` is not in the package:\n{listing}"))?;
        ensure!(line.starts_with(permissions), "`{file}` should be `{permissions}`: {line}");
    }
    Ok(())
}

/// Unpacks the package and lets the binary in it read the settings beside it.
fn try_out(package: &Path) -> Result<()> {
    let root = fresh("root")?;
    finish(Command::new("dpkg-deb").arg("-x").arg(package).arg(&root))?;
    let (remit, settings) = (root.join("usr/bin/remit"), root.join("etc/remit/remit.toml"));
    finish(Command::new(&remit).arg("--version"))?;
    finish(Command::new(&remit).args(["check-config", "--config"]).arg(settings))
}

/// Asks systemd, where it is, whether the unit can be loaded. The binary it names is not installed here.
fn verify_unit() -> Result<()> {
    if answer(Command::new("systemd-analyze").arg("--version")).is_none() {
        println!("    passed over: there is no systemd here");
        return Ok(());
    }
    let unit = fresh("unit")?.join("remit.service");
    let text = fs::read_to_string("packaging/remit.service")?;
    fs::write(&unit, text.replace("/usr/bin/remit serve", "/bin/true serve"))?;
    finish(Command::new("systemd-analyze").arg("verify").arg(unit))
}

/// Holds the package to what Debian asks of one, where its checker is.
fn lint(package: &Path) -> Result<()> {
    if answer(Command::new("lintian").arg("--version")).is_none() {
        println!("    passed over: `lintian` is not installed");
        return Ok(());
    }
    finish(Command::new("lintian").args(["--fail-on", "error,warning", "--suppress-tags", UPLOAD_ONLY]).arg(package))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn a_package_without_its_unit_or_with_settings_for_everybody_is_refused() {
        let line = |(file, permissions): (&str, &str)| format!("{permissions} root/root  1 2026-11-27 07:00 {file}\n");
        let whole: String = FILES.map(line).concat();
        check(&whole).unwrap();
        let told = check(&whole.replace("remit.service", "remit.other")).unwrap_err().to_string();
        assert!(told.starts_with("`./usr/lib/systemd/system/remit.service` is not in the package"), "{told}");
        let told = check(&whole.replace("-rw-r-----", "-rw-r--r--")).unwrap_err().to_string();
        assert!(told.contains("should be `-rw-r-----`"), "{told}");
    }
}
