//! What must hold after each life, judged from what is stored and from what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use remit_kernel::{
    command::Command,
    id::{CaseId, PersonId},
    index::{CaseStatus, LotStatus, ReviewKind},
    lot::Place,
    panel::{Panel, Reading},
    review::Review,
    stream::{Scope, State, StreamId},
};
use remit_server::app::{
    case::view::GetCase,
    review::{OpenReview, ShowReviews},
};
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
    reviews_and_lots_hold(play).await?;
    gold_is_shown_once(play).await?;
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

/// Nobody reviews her own work or the same content twice, of two reviewers neither finds the other before both have finished,
/// nothing goes on unseen that has failed, and lots and reviews tell the same.
async fn reviews_and_lots_hold(play: &Play) -> Result<()> {
    let (world, app) = (&play.world, &play.app);
    let scope = world.engagement.to_string();
    for row in app.store().list_cases(&scope, &CaseFilter::default(), None, CASES_MAX).await? {
        let case = world.case(app, row.case).await?.context("a case has a row and no state")?;
        let mut reviews = Vec::new();
        for review in &case.reviews {
            reviews.push(world.review(app, *review).await?.context("a case knows a review that is not there")?);
        }
        let waits = |review: &&Review| review.kind == ReviewKind::Quality && review.status.waits();
        let open = reviews.iter().filter(waits).count();
        ensure!((case.status != CaseStatus::InReview) || open > 0, "{} is in review, and nobody reviews it", row.case);
        let ended = matches!(case.status, CaseStatus::Cancelled | CaseStatus::Declined);
        ensure!(!ended || !reviews.iter().any(|review| review.status.waits()), "{} ended, its review waits", row.case);
        let released = case.delivery.is_some() && case.status != CaseStatus::Cancelled;
        ensure!(!released || case.rework.is_none(), "{} failed a review, and went on unseen", row.case);
        let rounds = reviews.iter().filter(|review| review.of_rework()).count();
        ensure!(rounds <= 2, "{} was mended and reviewed {rounds} times", row.case);
        let panel = world.panel(app, row.case).await?;
        for review in &reviews {
            let Some(finish) = &review.finish else { continue };
            let authors = panel.iter().flat_map(Panel::authors).any(|author| author == finish.natural);
            ensure!(!authors && !case.signers.contains(&finish.natural), "{} was reviewed by its own author", row.case);
            let twin = reviews.iter().find(|twin| Some(twin.review) == review.twin);
            let same = twin.and_then(|twin| twin.finish.as_ref()).is_some_and(|twin| twin.natural == finish.natural);
            ensure!(!same, "one person looked at {} twice", row.case);
            if review.withheld(twin) {
                withheld(play, review, finish.by).await?;
            }
        }
    }
    for row in app.store().list_lots(&scope, app.clock().now().plus_seconds(400 * 86_400), 1_000).await? {
        let Some(State::Lot(lot)) = world.state(app, StreamId::Lot(row.lot)).await? else {
            bail!("{} has a row and no state", row.lot)
        };
        for (case, place) in &lot.cases {
            let case = world.case(app, *case).await?.context("a lot knows a case that is not there")?;
            let mut waits = false;
            for review in &case.reviews {
                let review = world.review(app, *review).await?.context("a case knows a review that is not there")?;
                waits |= review.kind == ReviewKind::Quality && !review.of_rework() && review.status.waits();
            }
            ensure!((*place == Place::Pending) == waits, "{} and its reviews differ over {}", row.lot, case.case);
        }
        let judged = lot.status != LotStatus::Judging || lot.failures(&lot.sampled()).is_none();
        ensure!(judged, "the sample of {} is reviewed, and it is not judged", row.lot);
    }
    Ok(())
}

/// What one of two reviewers found is there for no reviewer but herself, and for no reader.
async fn withheld(play: &Play, review: &Review, by_whom: PersonId) -> Result<()> {
    let engagement = play.world.engagement;
    let others = play.world.reviewers.iter().chain(&play.world.readers).filter(|person| **person != by_whom);
    for person in others {
        let open = OpenReview { engagement, case: review.case, review: review.review };
        ensure!(play.app.view(&by(*person), open).await.is_err(), "{person} finds {} too early", review.review);
        let board = play.app.view(&by(*person), ShowReviews { engagement }).await;
        let told = board.is_ok_and(|board| board.waiting.iter().any(|line| line.review == review.review));
        ensure!(!told, "the board tells {person} of {} too early", review.review);
    }
    Ok(())
}

/// One person is shown a gold case once, and never one that she read.
async fn gold_is_shown_once(play: &Play) -> Result<()> {
    let mut shown = BTreeSet::new();
    let showings = play.app.store().list_showings(&play.world.engagement.to_string()).await?;
    lock(&play.journal).shown = showings.len();
    for row in showings {
        ensure!(shown.insert((row.gold, row.person)), "{} was shown {} twice", row.person, row.gold);
        let source = play.world.panel(&play.app, row.gold.case()).await?.context("gold of no case")?;
        ensure!(!source.authors().contains(&row.person), "{} was shown her own answer as gold", row.person);
    }
    Ok(())
}

/// Whoever owes a reading finds nothing of another one.
async fn blind(play: &Play, panel: &Panel, case: CaseId) -> Result<()> {
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
