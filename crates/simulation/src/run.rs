//! A run: a few lives of one installation on one disk, from one seed.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, Result};
use remit_faultfs::{Chance, Disk, Survival};
use remit_kernel::{command::Command, hash::Digest, time::Instant};
use remit_server::{
    App,
    clock::{Chance as Draws, Clock},
};
use remit_store::{Options, Store, testing::open_stepped};
use tokio::runtime::{Builder, Runtime};

use crate::{
    client::client,
    judge::{Sealed, judge},
    play::{Answered, Journal, Mishap, Play, lock},
    world::{Size, World},
};

/// When the story begins: 2026-03-02 09:00 UTC, a Monday.
const START: Instant = Instant::from_micros(1_772_442_000_000_000);
/// Clients at a time.
const CLIENTS: usize = 6;
/// Cases that the contract allows: fewer than are asked for, so that the cap is felt.
const VOLUME: u32 = 40;

/// How lives end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// By whatever the seed chooses: power cuts, kills, failed syncs, full disks, or not at all.
    Any,
    /// Each by a power cut that leaves this of what was not synced.
    Power(Survival),
}

/// What is played.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Decides everything.
    pub seed: u64,
    /// How often the installation is started.
    pub lives: usize,
    /// Acts of each client in each life.
    pub acts: usize,
    /// How lives end.
    pub crash: Crash,
    /// Whether the store has its threads, as in use. Then the order of things is not the seed's alone.
    pub threads: bool,
    /// Whether work is reviewed, lots are judged and gold is mixed in.
    pub reviewed: bool,
    /// Brings the database to `synchronous=NORMAL`, a bug that a run must find.
    pub lax: bool,
}

impl Plan {
    /// Returns what a seed stands for.
    pub fn of_seed(seed: u64) -> Self {
        // Every third world is played under reviews and gold, and longer, since more has to happen in it.
        let reviewed = seed.is_multiple_of(3);
        Self {
            seed,
            lives: 3,
            acts: if reviewed { 30 } else { 10 },
            crash: Crash::Any,
            threads: false,
            reviewed,
            lax: false,
        }
    }
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What must not happen, and did.
    pub failure: Option<String>,
    /// Digest of everything that happened in its order.
    pub trace: Digest,
    /// Requests sent, those sent again not counted.
    pub sent: usize,
    /// Of these, acknowledged.
    pub acknowledged: usize,
    /// Reviews that were finished, as acknowledged.
    pub reviewed: usize,
    /// How often gold was shown.
    pub shown: usize,
    /// Power cuts and other ends of a life that were not its own choice.
    pub crashes: usize,
    /// Bytes that were written, not synced, and forgotten.
    pub forgotten_bytes: u64,
}

/// Plays a plan in a folder, which holds nothing but a lock file afterwards.
///
/// # Errors
/// If the world cannot be made, which is no finding but a fault of the simulation.
pub fn run(dir: &Path, plan: Plan) -> Result<Outcome> {
    let disk = Disk::mount(dir, plan.seed);
    let mut chance = Chance::of(plan.seed);
    let now = Arc::new(Mutex::new(START));
    let world = {
        let runtime = runtime(plan)?;
        let world = runtime.block_on(async {
            let app = open(dir, plan, 0, START)?;
            let size = Size { clients: 2, readers: 5, volume_max: Some(VOLUME) };
            let world =
                if plan.reviewed { World::make_reviewed(&app, size).await } else { World::make(&app, size).await }?;
            *lock(&now) = app.clock().now();
            Ok::<_, anyhow::Error>(world)
        });
        world.context("the world could not be made")?
    };
    let mut journal = Journal::default();
    let (mut sealed, mut crashes, mut forgotten_bytes) = (Sealed::new(), 0, 0);
    disk.force_normal(plan.lax);
    for life in 1..=plan.lives {
        if journal.failure.is_some() {
            break;
        }
        let mishaps = choose(plan, &disk, &mut chance);
        let runtime = runtime(plan)?;
        let begun = *lock(&now);
        let opened = runtime.block_on(async { open(dir, plan, life, begun) });
        let Ok(app) = opened else {
            // The power went while the database was being opened: that is a life, too.
            journal.trace("stillborn");
            drop(runtime);
            crashes += 1;
            forgotten_bytes = disk.power_on();
            continue;
        };
        let play = Arc::new(Play {
            app,
            world: world.clone(),
            disk: disk.clone(),
            chance: Mutex::new(Chance::of(plan.seed ^ (life as u64) << 32)),
            journal: Mutex::new(journal),
            mishaps: Mutex::new(mishaps),
            answered: Mutex::new(Answered::default()),
        });
        runtime.block_on(live(&play, plan.acts));
        *lock(&now) = play.app.clock().now();
        let crashed = disk.is_off() || lock(&play.answered).broken;
        crashes += usize::from(crashed);
        // Nothing of this life reaches the disk any more, not even in parting.
        if disk.is_off() {
            lock(&play.journal).trace(&format!("power off after {} operations", disk.operations()));
        } else {
            disk.kill();
        }
        drop(runtime);
        journal = Arc::into_inner(play).context("a client outlived its life")?.journal.into_inner().unwrap_or_default();
        forgotten_bytes = if disk.is_off() { disk.power_on() } else { forgotten_bytes };
        disk.set_capacity(None);
        disk.fail_syncs(0);
        disk.shorten_writes(0);
        journal = reopen_and_judge(dir, plan, life, &world, &disk, journal, &mut sealed, &now)?;
    }
    Disk::unmount(dir);
    let done = || journal.sent.iter().filter(|sent| sent.answer.is_some());
    let acknowledged = done().count();
    let reviewed = done().filter(|sent| matches!(sent.command, Command::FinishReview { .. })).count();
    Ok(Outcome {
        failure: journal.failure,
        trace: journal.trace,
        sent: journal.sent.len(),
        acknowledged,
        reviewed,
        shown: journal.shown,
        crashes,
        forgotten_bytes,
    })
}

/// Starts again after a life and judges what is there.
#[expect(clippy::too_many_arguments, reason = "everything that outlives a life")]
fn reopen_and_judge(
    dir: &Path,
    plan: Plan,
    life: usize,
    world: &World,
    disk: &Disk,
    journal: Journal,
    sealed: &mut Sealed,
    now: &Mutex<Instant>,
) -> Result<Journal> {
    let runtime = runtime(plan)?;
    let begun = *lock(now);
    let opened = runtime.block_on(async { open(dir, plan, life + 1_000, begun) });
    let app = match opened {
        Ok(app) => app,
        Err(error) => {
            let mut journal = journal;
            journal.fail(format!("after life {life} the installation does not open: {error:#}"));
            return Ok(journal);
        }
    };
    let play = Play {
        app,
        world: world.clone(),
        disk: disk.clone(),
        chance: Mutex::new(Chance::of(plan.seed)),
        journal: Mutex::new(journal),
        mishaps: Mutex::default(),
        answered: Mutex::default(),
    };
    let judged = runtime.block_on(judge(&play, sealed));
    let Play { app, journal, .. } = play;
    drop(app);
    drop(runtime);
    let mut journal = journal.into_inner().unwrap_or_default();
    if let Err(broken) = judged {
        journal.fail(format!("after life {life}: {broken:#}"));
    }
    Ok(journal)
}

/// Lets all clients act at the same time, to the end of the life.
async fn live(play: &Arc<Play>, acts: usize) {
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(client(Arc::clone(play), acts))).collect();
    for client in clients {
        if let Err(panicked) = client.await {
            lock(&play.journal).fail(format!("a client met a panic: {panicked}"));
        }
    }
    if !play.over() {
        recover(play).await;
        // The week of a lot ends now and then, and the window of a gold case.
        if plan_reviewed(play) && play.dice(2) == 0 {
            let clock = play.app.clock();
            clock.step_to(clock.now().plus_seconds(7 * 86_400));
        }
        // Due work runs too; whether it succeeds is its own affair.
        let _ = remit_server::jobs::run_due(&play.app).await;
    }
}

fn plan_reviewed(play: &Play) -> bool {
    !play.world.reviewers.is_empty()
}

/// Once there is room again, the very next write must succeed.
async fn recover(play: &Play) {
    if lock(&play.answered).full {
        play.disk.set_capacity(None);
        let place =
            play.note(play.world.operator, Command::AddOrganisation { name: "After".into(), country: "GB".into() });
        play.send(place).await;
        let mut journal = lock(&play.journal);
        if journal.sent.get(place).is_some_and(|sent| sent.answer.is_none()) && !play.disk.is_off() {
            journal.fail("there is room again, and still nothing can be written".to_owned());
        }
    }
}

/// Chooses what goes wrong in a life, and arms the disk.
fn choose(plan: Plan, disk: &Disk, chance: &mut Chance) -> Vec<(u64, Mishap)> {
    let acts = CLIENTS * plan.acts;
    let mut at = |from: usize| (from + chance.below(acts.saturating_sub(from))) as u64;
    let mut mishaps = Vec::new();
    let (first, second) = (at(0), at(0));
    match plan.crash {
        Crash::Power(survival) => {
            disk.set_survival(survival);
            disk.power_off_after(1 + at(0) * 20);
            return mishaps;
        }
        Crash::Any => {}
    }
    disk.set_survival(Survival::Any);
    match chance.below(7) {
        0..=2 => disk.power_off_after(1 + chance.below(20 * acts) as u64),
        3 => {
            // A kill: whatever was written stays.
            disk.set_survival(Survival::Everything);
            disk.power_off_after(1 + chance.below(20 * acts) as u64);
        }
        4 => mishaps.push((first, Mishap::SyncFails)),
        5 => {
            mishaps.push((first.min(second), Mishap::Fills(chance.below(40_000) as u64)));
            mishaps.push((first.max(second), Mishap::Room));
        }
        _ => mishaps.push((first, Mishap::ShortWrite)),
    }
    for _ in 0..chance.below(3) {
        const JUMPS: [i64; 8] = [1, 60, 3_600, -3_600, 86_400, -86_400, -600, 2];
        let jump = JUMPS.get(chance.below(JUMPS.len())).copied().unwrap_or_default();
        mishaps.push((chance.below(acts) as u64, Mishap::Clock(jump)));
    }
    mishaps
}

fn runtime(plan: Plan) -> Result<Runtime> {
    let mut builder = if plan.threads { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    Ok(builder.build()?)
}

/// Opens the application, with chance of its own for each life.
fn open(dir: &Path, plan: Plan, life: usize, now: Instant) -> Result<App> {
    let store = if plan.threads {
        Store::open(dir, Options::default())?
    } else {
        let drawn = AtomicU64::new(0);
        let seed = plan.seed ^ (life as u64) << 40;
        open_stepped(dir, move || {
            let ordinal = drawn.fetch_add(1, Ordering::SeqCst);
            u32::try_from(Chance::of(seed.wrapping_add(ordinal.wrapping_mul(0x1000_0001))).below(4)).unwrap_or(0)
        })?
    };
    Ok(App::new(store, Clock::stepped(now), Draws::seeded(plan.seed.wrapping_mul(1_000_003) + life as u64))?)
}
