//! Who may do what, when: every act on a case, in every state of the case, by every persona, as one table.

use std::fmt::Write as _;

use remit_kernel::{
    case::{Material, ReturnCode},
    command::{Command, ItemIn, JudgementIn, ReviewIn},
    hash::Digest,
    id::{CaseId, EngagementId, Id as _, ItemId, PersonId, ReviewId},
    index::CaseStatus,
    refusal::Class,
};
use remit_server::{Caller, Error, Result, app::Receipt};

use crate::world::World;

/// What an act on a case needs to be asked in good faith.
struct Given {
    engagement: EngagementId,
    case: CaseId,
    item: ItemId,
    content: Digest,
    judgement: JudgementIn,
    reader1: PersonId,
    document: ItemIn,
    review: ReviewId,
}

type Act = (&'static str, fn(Given) -> Command);

/// Every act on a case that people have, by its word.
const ACTS: &[Act] = &[
    ("admit_case", |given| Command::AdmitCase { engagement: given.engagement, case: given.case }),
    ("decline_case", |given| Command::DeclineCase {
        engagement: given.engagement,
        case: given.case,
        reason: "no".into(),
    }),
    ("cancel_case", |given| Command::CancelCase {
        engagement: given.engagement,
        case: given.case,
        reason: "no".into(),
    }),
    ("add_item", |given| Command::AddItem {
        engagement: given.engagement,
        case: given.case,
        replaces: None,
        item: given.document,
    }),
    ("widen_item", |given| Command::WidenItem { engagement: given.engagement, case: given.case, item: given.item }),
    ("add_party", |given| Command::AddParty {
        engagement: given.engagement,
        case: given.case,
        party: "harbour".into(),
    }),
    ("transfer_case", |given| Command::TransferCase {
        engagement: given.engagement,
        case: given.case,
        to: given.reader1,
        reason: "leave".into(),
    }),
    ("claim_seat", |given| Command::ClaimSeat { engagement: given.engagement, case: given.case }),
    ("assign_seat", |given| Command::AssignSeat {
        engagement: given.engagement,
        case: given.case,
        person: given.reader1,
    }),
    ("release_seat", |given| Command::ReleaseSeat {
        engagement: given.engagement,
        case: given.case,
        reason: "no".into(),
    }),
    ("revoke_seat", |given| Command::RevokeSeat {
        engagement: given.engagement,
        case: given.case,
        person: given.reader1,
        reason: "no".into(),
    }),
    ("submit_reading", |given| Command::SubmitReading {
        engagement: given.engagement,
        case: given.case,
        judgement: given.judgement,
    }),
    ("close_reading", |given| Command::CloseReading { engagement: given.engagement, case: given.case }),
    ("take_adjudication", |given| Command::TakeAdjudication { engagement: given.engagement, case: given.case }),
    ("adjudicate", |given| Command::Adjudicate {
        engagement: given.engagement,
        case: given.case,
        judgement: given.judgement,
    }),
    ("take_review", |given| Command::TakeReview {
        engagement: given.engagement,
        case: given.case,
        review: given.review,
    }),
    ("finish_review", |given| Command::FinishReview {
        engagement: given.engagement,
        case: given.case,
        review: given.review,
        given: ReviewIn::default(),
    }),
    ("rebut_review", |given| Command::RebutReview {
        engagement: given.engagement,
        case: given.case,
        review: given.review,
        note: "no".into(),
    }),
    ("rule_review", |given| Command::RuleReview {
        engagement: given.engagement,
        case: given.case,
        review: given.review,
        upheld: true,
        note: "no".into(),
    }),
    ("edit_deliverable", |given| Command::EditDeliverable {
        engagement: given.engagement,
        case: given.case,
        body: "It fell.".into(),
    }),
    ("request_signoff", |given| Command::RequestSignoff { engagement: given.engagement, case: given.case }),
    ("open_material", |given| Command::OpenMaterial {
        engagement: given.engagement,
        case: given.case,
        material: Material::Deliverable,
    }),
    ("sign", |given| Command::Sign {
        engagement: given.engagement,
        case: given.case,
        content: given.content,
        statement: "seen".into(),
    }),
    ("return_signoff", |given| Command::ReturnSignoff {
        engagement: given.engagement,
        case: given.case,
        code: ReturnCode::Tone,
        note: "too terse".into(),
        finding: None,
    }),
    ("refuse_signoff", |given| Command::RefuseSignoff {
        engagement: given.engagement,
        case: given.case,
        note: "no".into(),
    }),
    ("deliver", |given| Command::Deliver { engagement: given.engagement, case: given.case }),
    ("accept_delivery", |given| Command::AcceptDelivery { engagement: given.engagement, case: given.case }),
    ("return_delivery", |given| Command::ReturnDelivery {
        engagement: given.engagement,
        case: given.case,
        code: ReturnCode::Tone,
        note: "too terse".into(),
    }),
    ("propose_gold", |given| Command::ProposeGold { engagement: given.engagement, case: given.case, note: None }),
    ("approve_gold", |given| Command::ApproveGold { engagement: given.engagement, gold: given.case.gold() }),
    ("decline_gold", |given| Command::DeclineGold {
        engagement: given.engagement,
        gold: given.case.gold(),
        reason: "no".into(),
    }),
    ("retire_gold", |given| Command::RetireGold {
        engagement: given.engagement,
        gold: given.case.gold(),
        reason: "no".into(),
    }),
    ("propose_precedent", |given| Command::ProposePrecedent {
        engagement: given.engagement,
        case: given.case,
        question: "effect".into(),
        text: "Read the mean first.".into(),
        replaces: None,
    }),
    ("approve_precedent", |given| Command::ApprovePrecedent {
        engagement: given.engagement,
        precedent: given.case.precedent(),
    }),
    ("decline_precedent", |given| Command::DeclinePrecedent {
        engagement: given.engagement,
        precedent: given.case.precedent(),
        reason: "no".into(),
    }),
    ("withdraw_precedent", |given| Command::WithdrawPrecedent {
        engagement: given.engagement,
        precedent: given.case.precedent(),
        reason: "no".into(),
    }),
    ("rebut_gold", |given| Command::RebutGold { engagement: given.engagement, case: given.case, note: "no".into() }),
    ("decide_rebuttal", |given| Command::DecideRebuttal {
        engagement: given.engagement,
        case: given.case,
        corrected: None,
        note: "no".into(),
    }),
];

/// Acts on no case, or of the server and of imports alone.
const OTHERS: &[&str] = &[
    "add_organisation",
    "fit_model",
    "raise_alarm",
    "close_alarm",
    "add_person",
    "record_credential",
    "revoke_credential",
    "set_clearance",
    "set_conflict",
    "set_place",
    "mark_left",
    "draft_engagement",
    "draft_sow",
    "revise_sow",
    "propose_sow",
    "sign_sow",
    "go_live",
    "add_member",
    "change_member",
    "remove_member",
    "take_in",
    "take_in_history",
    "claim_next",
    "record_reading",
    "record_reference",
    "replan",
    "close_showing",
    "open_calibration",
    "read_calibration",
    "leave_calibration",
    "close_calibration",
    "note_finding",
    "close_lot",
    "screen_lot",
    "resume_sampling",
];

const PERSONAS: [&str; 10] = [
    "client",
    "delivery",
    "reader1",
    "reader2",
    "adjudicator",
    "reviewer",
    "signer",
    "auditor",
    "operator",
    "stranger",
];

fn people(world: &World) -> [PersonId; 10] {
    let World {
        client, delivery, reader1, reader2, adjudicator, reviewer, signer, auditor, operator, stranger, ..
    } = world;
    [*client, *delivery, *reader1, *reader2, *adjudicator, *reviewer, *signer, *auditor, *operator, *stranger]
}

async fn given(world: &World, case: CaseId) -> Given {
    let review = world.state(case).await["reviews"][0].as_str().and_then(|id| id.parse().ok());
    let content = world.state(case).await["resolution"]["content"].as_str().and_then(|digest| digest.parse().ok());
    Given {
        engagement: world.engagement,
        case,
        item: world.item(case).await,
        content: content.unwrap_or_default(),
        judgement: world.judgement(case, "fell").await,
        reader1: world.reader1,
        review: review.unwrap_or_else(|| ReviewId::of(case.suffix())),
        document: ItemIn { name: "Letter".into(), ..world.case_in("x").items.remove(0) },
    }
}

/// One cell: what came of it, in a word.
fn outcome(answer: &Result<Receipt>) -> &'static str {
    match answer {
        Ok(_) => "done",
        Err(Error::Refused(refusal)) => match refusal.class() {
            Class::Field => "field",
            Class::Rule => "rule",
            Class::Forbidden => "forbid",
            Class::Hidden => "-",
        },
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn every_command_is_in_the_table_or_named_beside_it() {
    let mut named: Vec<_> = ACTS.iter().map(|(word, _)| *word).chain(OTHERS.iter().copied()).collect();
    let mut words = Command::WORDS.to_vec();
    named.sort_unstable();
    words.sort_unstable();
    assert_eq!(named, words);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_do_what_to_a_case_in_which_state() {
    let states: Vec<_> = CaseStatus::ALL.iter().map(|status| tokio::spawn(all_acts_in(*status))).collect();
    let mut columns = Vec::new();
    for state in states {
        columns.push(state.await.unwrap());
    }
    let mut table = String::from(
        "done: it is done. rule: a rule refuses. field: fields need correction.\nforbid: seen, but not hers to do. -: there is nothing here for her.\n\n",
    );
    let _ = writeln!(table, "{:<18}{}in state", "", PERSONAS.map(|persona| format!("{persona:<12}")).concat());
    for (place, (word, _)) in ACTS.iter().enumerate() {
        let mut rows: Vec<(&str, Vec<&str>)> = Vec::new();
        for (status, column) in CaseStatus::ALL.iter().zip(&columns) {
            match rows.iter_mut().find(|(row, _)| *row == column[place]) {
                Some((_, states)) => states.push(status.word()),
                None => rows.push((&column[place], vec![status.word()])),
            }
        }
        table.push('\n');
        for (row, states) in rows {
            let _ = writeln!(table, "{word:<18}{row}{}", states.join(", "));
        }
    }
    insta::assert_snapshot!(table);
}

/// Tries every act by every persona on a case in one state, in a world of its own. Returns a row for each act.
async fn all_acts_in(status: CaseStatus) -> Vec<String> {
    let world = World::live().await;
    let sow = world.act(world.delivery, world.draft_sow(None)).await.unwrap().sow().unwrap();
    world.put_in_force(sow).await;
    let mut number = 0;
    let mut case = world.case_at(status, "M-0").await;
    let mut rows = Vec::new();
    for (_, act) in ACTS {
        let mut row = String::new();
        for person in people(&world) {
            let command = act(given(&world, case).await);
            let answer = world.app.act(Caller::local(person, "matrix"), command).await;
            let _ = write!(row, "{:<12}", outcome(&answer));
            if answer.is_ok_and(|receipt| !receipt.events.is_empty()) {
                number += 1;
                case = world.case_at(status, &format!("M-{number}")).await;
            }
        }
        rows.push(row);
    }
    rows
}
