//! What clients do: mostly what is due next on some case, sometimes what is not theirs to do, sometimes again what they sent.

use std::sync::Arc;

use remit_kernel::{
    case::{Case, ReturnCode},
    command::{Command, DefectIn, ReviewIn},
    gold::GoldStatus,
    id::{CaseId, PersonId},
    index::{CaseStatus, DefectKind, ReviewKind, ReviewStatus, Severity},
    pack::Duty,
};
use remit_store::CaseFilter;

use crate::{
    play::{Play, lock},
    world::{World, rationale},
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
    // Where work is reviewed more has to become of each case.
    let reviewed = !world.reviewers.is_empty();
    if play.dice(if reviewed { 12 } else { 5 }) == 0 {
        let number = {
            let mut journal = lock(&play.journal);
            journal.references += 1;
            journal.references
        };
        return Some((play.one(&world.clients)?, world.take_in(&play.app, &format!("T-{number}"))));
    }
    if play.dice(if reviewed { 5 } else { 8 }) == 0 {
        return Some((play.one(&world.readers)?, Command::ClaimNext { engagement }));
    }
    let rows =
        play.app.store().list_cases(&engagement.to_string(), &CaseFilter::default(), None, CASES_MAX).await.ok()?;
    let over = |status| matches!(status, CaseStatus::Declined | CaseStatus::Accepted | CaseStatus::Cancelled);
    let open: Vec<_> =
        rows.iter().filter(|row| !reviewed || !over(row.status)).map(|row| (row.case, row.status)).collect();
    let (case, status) = play.one(&open)?;
    if reviewed
        && play.dice(3) == 0
        && let Some(act) = measured(play).await
    {
        return Some(act);
    }
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
    if !known.reviews.is_empty()
        && (status == CaseStatus::InReview || play.dice(3) == 0)
        && let Some(act) = review(play, &known).await
    {
        return Some(act);
    }
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
        CaseStatus::Revision if known.rework.is_some() => {
            let body = format!("In short, for the {}. time: {answer}", known.reviews.len());
            Some((known.owner, Command::EditDeliverable { engagement, case, body }))
        }
        CaseStatus::Revision => Some((known.owner, Command::RequestSignoff { engagement, case })),
        CaseStatus::ScopeQuery => Some((known.owner, Command::AdmitCase { engagement, case })),
        CaseStatus::InReview | CaseStatus::Declined | CaseStatus::Accepted | CaseStatus::Cancelled => None,
    }
}

/// Returns what is due on one of a case's reviews: it is taken by anybody whose role it is, finished, answered, ruled on.
async fn review(play: &Play, case: &Case) -> Option<(PersonId, Command)> {
    let (world, engagement) = (&play.world, play.world.engagement);
    let id = play.one(&case.reviews)?;
    let known = world.review(&play.app, id).await.ok()??;
    let case_id = case.case;
    let words = || "As it was ordered.".to_owned();
    match known.status {
        ReviewStatus::Open => {
            let whose = if known.kind == ReviewKind::InHouse { &world.insiders } else { &world.reviewers };
            Some((play.one(whose)?, Command::TakeReview { engagement, case: case_id, review: id }))
        }
        ReviewStatus::Taken => {
            let holder = known.holder()?.person;
            let in_house = known.kind == ReviewKind::InHouse;
            let kind = play.one(&[None, None, Some(DefectKind::Format), Some(DefectKind::Fact)])?;
            let severity = play.one(&[Severity::Major, Severity::Minor, Severity::Critical])?;
            let defects = kind.filter(|_| !in_house).map(|kind| DefectIn {
                question: None,
                kind,
                severity,
                note: rationale(holder),
            });
            let defects: Vec<_> = defects.into_iter().collect();
            let holds = in_house || !defects.is_empty();
            let finding = holds.then(|| World::judgement(case, holder, "increased"));
            let given = ReviewIn { defects, coaching: None, finding };
            Some((holder, Command::FinishReview { engagement, case: case_id, review: id, given }))
        }
        ReviewStatus::Failed => {
            let reader = play.one(&world.readers)?;
            Some((reader, Command::RebutReview { engagement, case: case_id, review: id, note: words() }))
        }
        ReviewStatus::Rebutted => {
            let (reviewer, upheld) = (play.one(&world.reviewers)?, play.dice(2) == 0);
            Some((reviewer, Command::RuleReview { engagement, case: case_id, review: id, upheld, note: words() }))
        }
        ReviewStatus::Passed | ReviewStatus::Upheld | ReviewStatus::Overturned | ReviewStatus::Cancelled => None,
    }
}

/// Returns a step of gold: proposed by who decided, approved by another, read by who was shown it, answered and decided on.
async fn measured(play: &Play) -> Option<(PersonId, Command)> {
    let (world, engagement) = (&play.world, play.world.engagement);
    let showings = play.app.store().list_showings(&engagement.to_string()).await.ok()?;
    let words = || "As it was agreed.".to_owned();
    let (proposer, approver) = (*world.delivery.first()?, *world.delivery.last()?);
    match play.dice(5) {
        0 => {
            let decided =
                [CaseStatus::AwaitingSignOff, CaseStatus::SignedOff, CaseStatus::Delivered, CaseStatus::Accepted];
            let filter = CaseFilter { statuses: decided.to_vec(), ..CaseFilter::default() };
            let rows = play.app.store().list_cases(&engagement.to_string(), &filter, None, CASES_MAX).await.ok()?;
            let cases: Vec<_> = rows.iter().map(|row| row.case).collect();
            let case = play.one(&cases)?;
            Some((proposer, Command::ProposeGold { engagement, case, note: None }))
        }
        1 => {
            let golds = play.app.store().list_golds(&engagement.to_string()).await.ok()?;
            let proposed: Vec<_> =
                golds.iter().filter(|row| row.status == GoldStatus::Proposed).map(|row| row.gold).collect();
            Some((approver, Command::ApproveGold { engagement, gold: play.one(&proposed)? }))
        }
        2 | 3 => {
            let unread: Vec<_> =
                showings.iter().filter(|row| row.answered_at.is_none()).map(|row| (row.person, row.case)).collect();
            let (reader, case) = play.one(&unread)?;
            let known = world.case(&play.app, case).await.ok()??;
            let answer = play.one(&["decreased", "increased"])?;
            let judgement = World::judgement(&known, reader, answer);
            Some((reader, Command::SubmitReading { engagement, case, judgement }))
        }
        _ => {
            let told: Vec<_> = showings.iter().filter(|row| row.told).map(|row| (row.person, row.case)).collect();
            let (reader, case) = play.one(&told)?;
            if play.dice(2) == 0 {
                return Some((reader, Command::RebutGold { engagement, case, note: words() }));
            }
            Some((approver, Command::DecideRebuttal { engagement, case, corrected: None, note: words() }))
        }
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
