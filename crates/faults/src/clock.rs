//! R7: the clock jumps under a running server, forwards and back. `libfaketime` moves it; monotonic time goes on.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use remit_simulation::world::Size;

use crate::{http::Client, load::intake, server::Start, site::Site, watch::wait};

/// Where Debian's package puts the library.
const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];
/// Where the clock is put, one after the other, as seconds from the true time.
const OFFSETS: [i64; 9] = [0, 3_600, 0, 86_400, 0, -600, -3_600, -86_400, 0];

/// Returns the library that moves the clock, if this machine has it.
pub(crate) fn library() -> Option<PathBuf> {
    LIBRARIES.iter().map(PathBuf::from).find(|path| path.exists())
}

pub(crate) fn row(remit: &Path, library: &Path, dir: &Path) -> Result<String> {
    let site = Site::make(dir, Size { clients: 2, readers: 2, volume_max: None })?;
    let offset = dir.join("offset");
    let put = |seconds: i64| -> Result<()> {
        let new = offset.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n"))?;
        fs::rename(&new, &offset)?;
        Ok(())
    };
    put(0)?;
    let mut start = Start::of(remit, &site.data);
    start.env = [
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", offset.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let server = start.start()?;
    let mut client = Client::new(server.address);
    let (mut last, mut acts, mut moved) = (String::new(), 0, 0);
    for seconds in OFFSETS {
        put(seconds)?;
        wait(Duration::from_millis(50));
        for _ in 0..3 {
            let answer = client.send(&intake(&site, 0))?;
            ensure!(
                answer.done(),
                "with the clock at {seconds:+} s an intake is answered {} {}",
                answer.status,
                answer.body
            );
            let at = answer.text("at").context("a receipt tells no time")?;
            ensure!(at >= last, "with the clock at {seconds:+} s an act is recorded at {at}, before the one at {last}");
            moved += usize::from(at.get(..13) != last.get(..13));
            last = at;
            acts += 1;
        }
    }
    ensure!(moved >= 3, "the clock was not moved: {acts} acts were recorded in {moved} different hours");
    let log = fs::read_to_string(&server.log)?;
    let alarms = log.lines().filter(|line| line.contains("clock")).count();
    ensure!(alarms > 0, "the clock went back and no alarm was raised");
    server.stop()?;
    // The record is now ahead of the true time: whoever starts again by a clock that is behind is told.
    put(-86_400)?;
    let late = start.start();
    ensure!(late.is_err(), "the server starts although the clock is behind the record");
    site.audit()?;
    Ok(format!(
        "{acts} acts at {} offsets, times never go back, {alarms} alarms, no start with the clock behind",
        OFFSETS.len()
    ))
}
