//! How the work's cost grows with the number of cases: one engagement that is measured, grown tenfold, measured again.
//!
//! Every case is taken in through `App::act`, also the millionth: there is no faster way in, so the rows are the product's.

use anyhow::{Context as _, Result};
use remit_kernel::id::PersonId;

use crate::{
    measure::{Times, Watch, milliseconds, rate},
    next::{PEOPLE, claim_cases, take_in},
    pages::{serve, visit},
    place::Place,
    program::own_memory,
    world::{CLIENTS, World, together},
};

/// Numbers of cases that are measured.
pub(crate) const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];
/// Claims that are timed at each size; each is then read and sealed.
const CLAIMS: usize = 300;
/// Times that each page is asked for.
const REQUESTS: usize = 100;

/// Returns the heads of the columns.
pub(crate) fn head() -> [String; 11] {
    let head = [
        "database",
        "open cases",
        "taken in",
        "next p50",
        "next p99",
        "submit, 32 clients",
        "cases page p95",
        "case page p95",
        "Today p95",
        "resident",
        "on disk",
    ];
    head.map(str::to_owned)
}

/// Returns one line for each size, smallest first.
pub(crate) async fn lines(place: &Place, sizes: &[usize]) -> Result<Vec<[String; 11]>> {
    let world = &World::make(place, PEOPLE).await?;
    let address = serve(world).await?;
    let (mut lines, mut here) = (Vec::new(), 0);
    for (turn, size) in sizes.iter().copied().enumerate() {
        let watch = Watch::start();
        take_in(world, here, size).await?;
        let loaded = rate(size - here, watch.elapsed());
        here = size;
        eprintln!("{size} cases are here, {loaded:.0} taken in each second");
        // Fresh readers for each size: what they hold already is another measurement.
        let readers = world.readers.get(turn * CLIENTS..(turn + 1) * CLIENTS).context("too few readers")?;
        let (engagement, first) = (world.engagement, readers[0]);
        let (claims, cases) = claim_cases(world, first, CLAIMS).await?;
        let sealed = seal(world, readers).await?;
        let case = cases.first().context("nothing was claimed")?;
        let page = |path: String, person| async move { visit(world, address, person, &path, REQUESTS).await };
        let list = page(format!("/e/{engagement}/cases"), world.delivery).await?;
        let one = page(format!("/e/{engagement}/cases/{case}"), world.delivery).await?;
        let today = page("/".to_owned(), first).await?;
        let p95 = |times: &Times| milliseconds(times.percentile(95));
        let line = [
            place.database().to_owned(),
            size.to_string(),
            format!("{loaded:.0}/s"),
            milliseconds(claims.percentile(50)),
            milliseconds(claims.percentile(99)),
            format!("{sealed:.0}/s"),
            p95(&list),
            p95(&one),
            p95(&today),
            format!("{:.0} MiB", own_memory("VmRSS:")?),
            format!("{} MiB", place.on_disk().await?),
        ];
        // The next size may take an hour: what is known is told.
        eprintln!("{}", line.join(", "));
        lines.push(line);
    }
    Ok(lines)
}

/// Lets each reader claim cases and seal them; returns how many readings were sealed in a second, claims not counted.
async fn seal(world: &World, readers: &[PersonId]) -> Result<f64> {
    let mut wanted = Vec::new();
    for reader in readers {
        let mut own = Vec::new();
        for case in claim_cases(world, *reader, CLAIMS / 10).await?.1 {
            own.push((*reader, world.submit(case).await?));
        }
        wanted.push(own);
    }
    let watch = Watch::start();
    let receipts = together(&world.app, wanted).await?;
    Ok(rate(receipts.len(), watch.elapsed()))
}
