//! A fixed piece of work for counting instructions: cases taken in, claimed and read twice, one act after the other.
//!
//! Clock and chance are set, so that two runs do the same; `cargo xtask instructions` runs it under callgrind.

use std::path::Path;

use anyhow::{Context as _, Result};
use remit_kernel::{command::Command, time::Instant};
use remit_server::{
    App,
    clock::{Chance, Clock},
};
use remit_store::{Options, Store};

use crate::world::World;

/// 2026-03-02 09:00 UTC, a Monday.
const BEGIN: Instant = Instant::from_micros(1_772_442_000_000_000);
/// Readers of each case.
const READERS: usize = 2;

/// Does so many rounds. Each is one case and five acts: taken in, and claimed and sealed by each of two readers.
pub(crate) async fn run(dir: &Path, rounds: usize) -> Result<()> {
    let app = App::new(Store::open(dir, Options::default())?, Clock::stepped(BEGIN), Chance::seeded(7))?;
    let world = World::found(app, READERS).await?;
    let engagement = world.engagement;
    for round in 0..rounds {
        world.app.clock().step_to(BEGIN.plus_seconds(i64::try_from(round)?));
        let (client, command) = world.take_in(round, 1);
        let case = world.act(client, command).await?.case().context("no case")?;
        for reader in &world.readers {
            world.act(*reader, Command::ClaimNext { engagement }).await?;
            let reading = world.submit(case).await?;
            world.act(*reader, reading).await?;
        }
    }
    Ok(())
}
