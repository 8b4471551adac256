//! Taking the past in, and replaying it: double readings from a file, by `remit import readings` and `remit verify`.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    figures,
    measure::{count_as_f64, rate},
    place::Place,
    program::{self, Ended},
    table::{Goal, Row},
    world::{OPERATOR, World},
};

/// The time that an import may take, for a hundred thousand readings and in proportion for fewer.
const SECONDS_PER_READING: f64 = 60.0 / 100_000.0;
/// Events that a verification should replay in a second, everything that it compares with them included.
const EVENTS_PER_SECOND: f64 = 200_000.0;
/// Columns of the findings in the file, by the pack's own map.
const FINDINGS: [&str; 6] = ["1dAVb", "RBBB", "LBBB", "SB", "AF", "ST"];

/// Measures in an empty place; the files to import go into a folder.
pub(crate) async fn rows(remit: &Path, place: &Place, dir: &Path, readings: usize) -> Result<Vec<Row>> {
    let operator = World::make(place, 0).await?.operator;
    fs::create_dir_all(dir)?;
    let [cases, decisions, gold] = ["cases.csv", "decisions.csv", "gold.csv"].map(|name| dir.join(name));
    write(&cases, &decisions, &gold, readings / 2)?;
    let mut command = Command::new(remit);
    command.args([
        "import",
        "readings",
        "--pack",
        "diagnostic-reading",
        "--new",
        "History",
        "--as",
        OPERATOR,
        "--json",
    ]);
    command.arg("--cases").arg(&cases).arg("--readings").arg(&decisions).arg("--gold").arg(&gold);
    place.tell(&mut command);
    let Ended { said, took, peak_mebibytes } = program::run(&mut command)?;
    let imported: serde_json::Value = serde_json::from_slice(&said)?;
    ensure!(imported["readings"] == readings, "the import said {imported}");
    let limit = SECONDS_PER_READING * count_as_f64(readings);
    let import = Row {
        database: place.database(),
        what: format!("import {readings} readings of {} cases", readings / 2),
        measured: format!(
            "{:.1} s ({:.0} readings/s), peak {peak_mebibytes:.0} MiB",
            took.as_secs_f64(),
            rate(readings, took)
        ),
        reference: format!("limit on a data folder {limit:.1} s"),
        ratio: took.as_secs_f64() / limit,
        goal: if let Place::Folder(_) = place { Goal::AtMost(1.0) } else { Goal::None },
    };
    let mut rows = vec![import, replay(remit, place)?];
    let engagement = imported["engagement"].as_str().context("the import names no engagement")?.parse()?;
    rows.extend(figures::rows(place, engagement, operator).await?);
    Ok(rows)
}

/// Replays what was imported, by `remit verify` as an auditor would run it.
fn replay(remit: &Path, place: &Place) -> Result<Row> {
    let mut command = Command::new(remit);
    command.args(["verify", "--as", OPERATOR, "--json"]);
    place.tell(&mut command);
    let Ended { said, took, peak_mebibytes } = program::run(&mut command)?;
    let found: serde_json::Value = serde_json::from_slice(&said)?;
    ensure!(found["ok"] == true, "the record differs from its events: {found}");
    let events = found["counts"]["events"].as_u64().and_then(|events| usize::try_from(events).ok());
    let events = events.context("nothing was replayed")?;
    let per_second = rate(events, took);
    Ok(Row {
        database: place.database(),
        what: format!("replay {events} events by `remit verify`, its start included"),
        measured: format!("{per_second:.0}/s, peak {peak_mebibytes:.0} MiB"),
        reference: format!("limit {EVENTS_PER_SECOND}/s"),
        ratio: per_second / EVENTS_PER_SECOND,
        goal: Goal::AtLeast(1.0),
    })
}

/// Writes cases that two cardiologists read; they differ on one finding of every twentieth. A tenth has a third reader and
/// another tenth one alone, so that models of more than two have something to do; of every fiftieth the right answer is known.
fn write(cases: &Path, decisions: &Path, gold: &Path, count: usize) -> Result<()> {
    let file = |path: &Path| Ok::<_, std::io::Error>(BufWriter::new(File::create(path)?));
    let (mut cases, mut decisions, mut gold) = (file(cases)?, file(decisions)?, file(gold)?);
    writeln!(cases, "case_id,age,sex")?;
    writeln!(decisions, "case_id,rater,{}", FINDINGS.join(","))?;
    writeln!(gold, "case_id,{}", FINDINGS.join(","))?;
    for case in 0..count {
        writeln!(cases, "ecg-{case},{},{}", 20 + case % 70, if case % 2 == 0 { "F" } else { "M" })?;
        let findings = |differs: usize| {
            let found = |finding| usize::from((case + finding) % 9 == 0) ^ if finding == 3 { differs } else { 0 };
            [0, 1, 2, 3, 4, 5].map(|finding| found(finding).to_string()).join(",")
        };
        let readers = match case % 10 {
            0 => 3,
            5 => 1,
            _ => 2,
        };
        for reader in 0..readers {
            let differs = usize::from(case % 20 == 0 && reader == 1);
            writeln!(decisions, "ecg-{case},cardiologist{},{}", reader + 1, findings(differs))?;
        }
        if case % 50 == 0 {
            writeln!(gold, "ecg-{case},{}", findings(0))?;
        }
    }
    cases.flush()?;
    gold.flush()?;
    Ok(decisions.flush()?)
}
