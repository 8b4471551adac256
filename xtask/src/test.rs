//! All tests, in the order in which they fail fastest: what they need, unit and integration, the same on PostgreSQL,
//! documentation, browser.

use std::process::Command;

use anyhow::Result;

use crate::{
    browser, e2e, npm,
    postgres::{self, Cluster, Disk},
    step::{Steps, answer, cargo, run as finish},
};

/// Installs what is missing and runs every test; a failed part does not hide what the next would say.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::default();
    steps.run("third-party scripts", || npm::install(npm::ASSETS))?;
    steps.run("libraries of the journeys", || npm::install(npm::JOURNEYS))?;
    steps.run("Chromium", browser::find_or_install)?;
    steps.run("PostgreSQL", postgres::find_or_install)?;
    steps.run("cargo-nextest", install_nextest)?;

    // What failed is kept in `steps`, printed where it happened and counted at the end.
    let _ = steps.run("unit and integration tests", || finish(cargo().args(["nextest", "run", "--workspace"])));
    let _ = steps.run("the store and all above it on PostgreSQL", || on_postgres(&["remit-store", "remit-server"]));
    let _ = steps.run("documentation tests", || finish(cargo().args(["test", "--workspace", "--doc"])));
    let _ = steps.run("browser journeys", || e2e::journeys(None, false));
    steps.finish()
}

/// Runs the tests of some crates again, on a PostgreSQL cluster of their own.
fn on_postgres(crates: &[&str]) -> Result<()> {
    let cluster = Cluster::start(Disk::Forgetful)?;
    let named = crates.iter().flat_map(|name| ["--package", name]);
    let mut tests = cargo();
    tests.args(["nextest", "run"]).args(named);
    finish(tests.env(postgres::SERVER, cluster.url()).env(postgres::SERVER_ROOT, cluster.certificate()))
}

/// Builds the test runner from source unless it is there.
fn install_nextest() -> Result<()> {
    if answer(Command::new("cargo-nextest").args(["nextest", "--version"])).is_some() {
        return Ok(());
    }
    finish(cargo().args(["install", "--locked", "cargo-nextest"]))
}
