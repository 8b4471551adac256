//! What must hold after each life, judged from what is stored and from what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use remit_kernel::{
    command::Command,
    id::CaseId,
    index::CaseStatus,
    panel::Reading,
    stream::{Scope, State, StreamId},
};
use remit_server::app::case::view::GetCase;
use remit_store::CaseFilter;

use crate::{
    play::{Play, lock},
    world::{by, rationale},
};

/// More cases than any run takes in.
const CASES_MAX: u32 = 100_000;

/// What was sealed, as it was seen first.
pub(crate) type Sealed = BTreeMap<CaseId, Vec<Reading>>;

/// Judges everything; the error says what does not hold.
pub(crate) async fn judge(play: &Play, sealed: &mut Sealed) -> Result<()> {
    acknowledged_acts_are_there(play).await?;
    let found = play.app.verify(&by(play.world.operator), Scope::Directory, |_| {}).await?;
    if let Some(difference) = found.first_difference {
        bail!("the record does not verify: {difference}");
    }
    let rows = play
        .app
        .store()
        .list_cases(&play.world.engagement.to_string(), &CaseFilter::default(), None, CASES_MAX)
        .await?;
    each_reference_is_one_case(play, rows.len())?;
    let mut counted = 0_u32;
    for row in &rows {
        let case = play.world.case(&play.app, row.case).await?.context("a case has a row and no state")?;
        // Whatever becomes of it after it was delivered: the work was done.
        let used = case.status != CaseStatus::Cancelled || case.delivery.is_some();
        counted += u32::from(case.admission.is_some() && used);
        ensure!(play.world.delivery.contains(&case.owner), "{} is owned by nobody who may own it", row.case);
        let Some(panel) = play.world.panel(&play.app, row.case).await? else { continue };
        let before = sealed.entry(row.case).or_default();
        ensure!(panel.readings.starts_with(before), "a sealed reading of {} changed or is gone", row.case);
        before.clone_from(&panel.readings);
        blind(play, &panel, row.case).await?;
    }
    let used = match play.world.state(&play.app, StreamId::Line(play.world.line)).await? {
        Some(State::Line(used)) => used.taken,
        _ => 0,
    };
    ensure!(
        used == counted,
        "the line counts {used} cases, and {counted} were admitted and not cancelled before delivery"
    );
    Ok(())
}

/// Asks for every acknowledged act again: the same request must have the same answer.
async fn acknowledged_acts_are_there(play: &Play) -> Result<()> {
    let places: Vec<_> = {
        let journal = lock(&play.journal);
        (0..journal.sent.len())
            .filter(|place| journal.sent.get(*place).is_some_and(|sent| sent.answer.is_some()))
            .collect()
    };
    for place in places {
        play.send(place).await;
        if let Some(failure) = &lock(&play.journal).failure {
            bail!("{failure}");
        }
    }
    Ok(())
}

/// Each acknowledged intake is one case; what was not acknowledged is at most one.
fn each_reference_is_one_case(play: &Play, rows: usize) -> Result<()> {
    let journal = lock(&play.journal);
    let (mut acknowledged, mut asked) = (BTreeSet::new(), 0);
    for sent in &journal.sent {
        if matches!(sent.command, Command::TakeIn { .. }) {
            asked += 1;
            if let Some(receipt) = &sent.answer {
                ensure!(acknowledged.insert(receipt.case()), "two intakes were answered with one case");
            }
        }
    }
    ensure!(
        (acknowledged.len()..=asked).contains(&rows),
        "{rows} cases are there; {} were acknowledged, {asked} asked for",
        acknowledged.len()
    );
    Ok(())
}

/// Whoever owes a reading finds nothing of another one.
async fn blind(play: &Play, panel: &remit_kernel::panel::Panel, case: CaseId) -> Result<()> {
    for reader in &play.world.readers {
        if panel.held_seat(*reader).is_none() {
            continue;
        }
        let query = GetCase { engagement: play.world.engagement, case, as_of: None };
        let seen = serde_json::to_string(&play.app.view(&by(*reader), query).await?)?;
        let others = panel.readings.iter().filter(|reading| reading.reader != *reader);
        for other in others {
            ensure!(!seen.contains(&rationale(other.reader)), "{reader} sees another reading of {case} before her own");
            ensure!(!seen.contains(&other.reading.to_string()), "{reader} sees that {case} has another reading");
        }
    }
    Ok(())
}
