//! What clients do: mostly what is due next on some case, sometimes what is not theirs to do, sometimes again what they sent.

use std::sync::Arc;

use remit_kernel::{
    case::ReturnCode,
    command::Command,
    id::{CaseId, PersonId},
    index::CaseStatus,
    pack::Duty,
};
use remit_store::CaseFilter;

use crate::{
    play::{Play, lock},
    world::World,
};

/// Most cases a client looks at before it chooses one.
const CASES_MAX: u32 = 500;

/// Acts so many times, or until the life is over.
pub(crate) async fn client(play: Arc<Play>, acts: usize) {
    for _ in 0..acts {
        if play.over() {
            return;
        }
        lock(&play.journal).trace("turn");
        let earlier = lock(&play.journal).sent.len();
        match play.dice(8) {
            // Late, out of order, perhaps long answered.
            0 if earlier > 0 => play.send(play.dice(earlier)).await,
            // Twice at the same time.
            1 => {
                if let Some((person, command)) = next(&play).await {
                    let place = play.note(person, command);
                    tokio::join!(play.send(place), play.send(place));
                }
            }
            _ => {
                if let Some((person, command)) = next(&play).await {
                    play.send(play.note(person, command)).await;
                }
            }
        }
    }
}

/// Returns what somebody does next; nothing if the disk does not answer.
async fn next(play: &Play) -> Option<(PersonId, Command)> {
    let (world, engagement) = (&play.world, play.world.engagement);
    if play.dice(5) == 0 {
        let number = {
            let mut journal = lock(&play.journal);
            journal.references += 1;
            journal.references
        };
        return Some((play.one(&world.clients)?, world.take_in(&play.app, &format!("T-{number}"))));
    }
    if play.dice(8) == 0 {
        return Some((play.one(&world.readers)?, Command::ClaimNext { engagement }));
    }
    let rows =
        play.app.store().list_cases(&engagement.to_string(), &CaseFilter::default(), None, CASES_MAX).await.ok()?;
    let open: Vec<_> = rows.iter().map(|row| (row.case, row.status)).collect();
    let (case, status) = play.one(&open)?;
    if play.dice(6) == 0 { odd(play, case).await } else { due(play, case, status).await }
}

/// Returns what a case's status asks for.
async fn due(play: &Play, case: CaseId, status: CaseStatus) -> Option<(PersonId, Command)> {
    let (world, engagement) = (&play.world, play.world.engagement);
    let known = world.case(&play.app, case).await.ok()??;
    let panel = world.panel(&play.app, case).await.ok()?;
    let held = |duty| {
        let panel = panel.as_ref()?;
        let held: Vec<_> =
            panel.held_duties().filter(|record| record.duty == duty).map(|record| record.person).collect();
        play.one(&held)
    };
    let answer = play.one(&["decreased", "decreased", "increased", "no_difference"])?;
    match status {
        CaseStatus::Ready | CaseStatus::Reading => match held(Duty::Read).filter(|_| play.dice(3) > 0) {
            Some(reader) => {
                let judgement = World::judgement(&known, reader, answer);
                Some((reader, Command::SubmitReading { engagement, case, judgement }))
            }
            None => Some((play.one(&world.readers)?, Command::ClaimSeat { engagement, case })),
        },
        CaseStatus::Adjudicating => match held(Duty::Adjudicate) {
            Some(judge) => {
                let judgement = World::judgement(&known, judge, answer);
                Some((judge, Command::Adjudicate { engagement, case, judgement }))
            }
            None => Some((play.one(&world.adjudicators)?, Command::TakeAdjudication { engagement, case })),
        },
        CaseStatus::AwaitingSignOff => {
            let signer = play.one(&world.signers)?;
            let opened = known.signoff.as_ref().and_then(|signoff| signoff.opened.get(&signer));
            let unseen: Vec<_> = known
                .material()
                .into_iter()
                .filter(|material| !opened.is_some_and(|opened| opened.contains(material)))
                .collect();
            let Some(material) = play.one(&unseen) else {
                let (content, statement) = (known.resolution?.content, "I stand by this answer.".to_owned());
                return Some((signer, Command::Sign { engagement, case, content, statement }));
            };
            Some((signer, Command::OpenMaterial { engagement, case, material }))
        }
        CaseStatus::Resolved | CaseStatus::SignedOff => Some((known.owner, Command::Deliver { engagement, case })),
        CaseStatus::Delivered => Some((play.one(&world.clients)?, Command::AcceptDelivery { engagement, case })),
        CaseStatus::Revision => Some((known.owner, Command::RequestSignoff { engagement, case })),
        CaseStatus::ScopeQuery => Some((known.owner, Command::AdmitCase { engagement, case })),
        // No line of this world plans reviews, so no case is ever drawn for one.
        CaseStatus::InReview | CaseStatus::Declined | CaseStatus::Accepted | CaseStatus::Cancelled => None,
    }
}

/// Returns something that may or may not be allowed.
async fn odd(play: &Play, case: CaseId) -> Option<(PersonId, Command)> {
    let (world, engagement) = (&play.world, play.world.engagement);
    let known = world.case(&play.app, case).await.ok()??;
    let (client, manager) = (play.one(&world.clients)?, play.one(&world.delivery)?);
    let (reader, words) = (play.one(&world.readers)?, "As discussed.".to_owned());
    Some(match play.dice(8) {
        0 => (client, Command::CancelCase { engagement, case, reason: words }),
        1 => (known.owner, Command::TransferCase { engagement, case, to: manager, reason: words }),
        2 => (reader, Command::ReleaseSeat { engagement, case, reason: words }),
        3 => (manager, Command::RevokeSeat { engagement, case, person: reader, reason: words }),
        4 => {
            let code = play.one(ReturnCode::ALL)?;
            (client, Command::ReturnDelivery { engagement, case, code, note: words })
        }
        5 => (known.owner, Command::EditDeliverable { engagement, case, body: format!("In short: {words}") }),
        6 => (manager, Command::AssignSeat { engagement, case, person: reader }),
        _ => {
            // A reader who may hold no seat, and who may have read it already.
            let judgement = World::judgement(&known, reader, "increased");
            (reader, Command::SubmitReading { engagement, case, judgement })
        }
    })
}
