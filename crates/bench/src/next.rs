//! The next case for a reader among ever more open cases, taken in and claimed through `App::act`.

use anyhow::Result;
use remit_kernel::{
    command::Command,
    id::{CaseId, PersonId},
};

use crate::{
    measure::{Times, Watch, milliseconds, rate},
    place::Place,
    table::{Goal, Row},
    world::{CLIENTS, World, together},
};

/// Claims that are timed at each size.
const CLAIMS: usize = 300;
/// People who may read: routing looks at the one who asks, so their number must not show.
pub(crate) const PEOPLE: usize = 1_000;
/// Cases on which one reader holds a seat while their other seat is open: the head of the queue is not for her.
const OWN: usize = 2_000;
/// Commands made ready at a time.
const BATCH: usize = 8_000;
/// The time in which the next case should come.
const CLAIM_MILLISECONDS: f64 = 10.0;

pub(crate) async fn rows(place: &Place, cases: usize, people: usize) -> Result<Vec<Row>> {
    let (world, database) = (World::make(place, people).await?, place.database());
    let [first, second, third, ..] = world.readers[..] else { anyhow::bail!("three readers were asked for") };
    let fewer = cases / 10;
    // A hurried run has fewer cases than claims.
    let claims = CLAIMS.min(fewer / 2);
    take_in(&world, 0, fewer).await?;
    let before = claim(&world, first, claims).await?;
    let watch = Watch::start();
    take_in(&world, fewer, cases).await?;
    let loaded = rate(cases - fewer, watch.elapsed());
    let after = claim(&world, second, claims).await?;
    claim(&world, third, OWN.min(fewer)).await?;
    let behind = claim(&world, third, claims).await?;
    let (p50, p99) = (after.percentile(50), after.percentile(99));
    let ratio =
        |times: &Times, reference: &Times| times.percentile(50).as_secs_f64() / reference.percentile(50).as_secs_f64();
    Ok(vec![
        Row {
            database,
            what: format!("next case among {cases} open and {people} people, p99"),
            measured: format!("{} (p50 {})", milliseconds(p99), milliseconds(p50)),
            reference: format!("limit {CLAIM_MILLISECONDS} ms"),
            ratio: p99.as_secs_f64() * 1_000.0 / CLAIM_MILLISECONDS,
            goal: Goal::AtMost(1.0),
        },
        Row {
            database,
            what: format!("next case among {cases} open, p50"),
            measured: milliseconds(p50),
            reference: format!("among {fewer}: {}", milliseconds(before.percentile(50))),
            ratio: ratio(&after, &before),
            goal: Goal::AtMost(1.3),
        },
        Row {
            database,
            what: format!("next case for whoever reads {} of the earliest, p50", OWN.min(fewer)),
            measured: milliseconds(behind.percentile(50)),
            reference: format!("for whoever reads none: {}", milliseconds(p50)),
            ratio: ratio(&behind, &after),
            goal: Goal::None,
        },
        Row {
            database,
            what: format!("take a case in, {CLIENTS} clients on one SOW line"),
            measured: format!("{loaded:.0}/s"),
            reference: "one each second".to_owned(),
            ratio: loaded,
            goal: Goal::None,
        },
    ])
}

/// Takes in the cases of these numbers, as many clients as there are at the same time.
pub(crate) async fn take_in(world: &World, from: usize, to: usize) -> Result<()> {
    // A million commands at once would be a gigabyte of what is not yet the product's.
    for begin in (from..to).step_by(BATCH) {
        let mut wanted = vec![Vec::new(); CLIENTS];
        for number in begin..to.min(begin + BATCH) {
            wanted[number % CLIENTS].push(world.take_in(number, 1));
        }
        together(&world.app, wanted).await?;
    }
    Ok(())
}

/// Takes the next case again and again; returns how long each took.
async fn claim(world: &World, reader: PersonId, times: usize) -> Result<Times> {
    Ok(claim_cases(world, reader, times).await?.0)
}

/// Takes the next case again and again; returns how long each took, and the cases.
pub(crate) async fn claim_cases(world: &World, reader: PersonId, times: usize) -> Result<(Times, Vec<CaseId>)> {
    let (mut taken, mut cases) = (Times::default(), Vec::new());
    for _ in 0..times {
        let watch = Watch::start();
        let receipt = world.act(reader, Command::ClaimNext { engagement: world.engagement }).await?;
        taken.push(watch.elapsed());
        cases.extend(receipt.case());
    }
    Ok((taken, cases))
}
