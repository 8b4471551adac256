//! The fuzz targets: built with coverage counters by the stable compiler, and run for some seconds each.
//!
//! `fuzz/` is laid out as `cargo fuzz` wants it; this needs neither that program nor a nightly compiler.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::step::{Steps, cargo, run as finish};

/// How long each target runs unless told otherwise.
pub(crate) const SECONDS: u32 = 5;
/// Where the targets are.
const FOLDER: &str = "fuzz";
/// What the compiler must add for `libFuzzer` to see where an input leads.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Runs every target, or those whose name contains `name`; what breaks one is kept in `fuzz/artifacts`.
pub(crate) fn run(seconds: u32, name: Option<&str>) -> Result<()> {
    let mut steps = Steps::default();
    let programs = steps.run("the targets, with coverage counters", build)?;
    for target in targets()?.iter().filter(|target| name.is_none_or(|name| target.contains(name))) {
        // What broke is kept in `steps` and counted at the end.
        let _ = steps.run(target, || fuzz(&programs.join(target), target, seconds));
    }
    steps.finish()
}

fn build() -> Result<PathBuf> {
    let own = env::current_exe().context("finding the target folder")?;
    let folder = own.ancestors().nth(2).context("finding the target folder")?.join("fuzz");
    let host = crate::step::answer(Command::new("rustc").args(["--print", "host-tuple"]))
        .context("asking rustc for its host")?;
    let mut build = cargo();
    build.args(["build", "--release", "--bins", "--manifest-path"]).arg(Path::new(FOLDER).join("Cargo.toml"));
    // Naming the host keeps the flags away from build scripts.
    build.args(["--target", &host]).env("CARGO_TARGET_DIR", &folder).env("RUSTFLAGS", FLAGS);
    finish(&mut build)?;
    Ok(folder.join(host).join("release"))
}

/// Returns the names of the targets, in the order of the alphabet.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(Path::new(FOLDER).join("fuzz_targets")).context("looking for targets")? {
        let path = entry?.path();
        names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}

fn fuzz(program: &Path, target: &str, seconds: u32) -> Result<()> {
    // New finds go to the first folder, which git ignores; the second holds what every run begins with.
    let (found, begin) = (Path::new(FOLDER).join("found").join(target), Path::new(FOLDER).join("corpus").join(target));
    let broken = Path::new(FOLDER).join("artifacts").join(target);
    for folder in [&found, &begin, &broken] {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    let mut fuzz = Command::new(program);
    fuzz.arg(&found).arg(&begin).arg(format!("-artifact_prefix={}/", broken.display()));
    fuzz.args([&format!("-max_total_time={seconds}"), "-timeout=10", "-rss_limit_mb=1024", "-seed=1", "-verbosity=0"]);
    finish(fuzz.arg("-print_final_stats=1"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn every_target_is_built_and_begins_with_something() {
        let manifest = fs::read_to_string("../fuzz/Cargo.toml").unwrap();
        for entry in fs::read_dir("../fuzz/fuzz_targets").unwrap() {
            let name = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
            assert!(manifest.contains(&format!("name = \"{name}\"")), "`{name}` is not built");
            let corpus = Path::new("../fuzz/corpus").join(&name);
            assert!(fs::read_dir(corpus).unwrap().next().is_some(), "`{name}` begins with nothing");
        }
    }
}
