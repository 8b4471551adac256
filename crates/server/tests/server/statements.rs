//! How many statements an act costs: a number that is small, written down here, and changed only on purpose.

use std::fmt::Write as _;

use insta::assert_snapshot;
use remit_kernel::{
    command::Command,
    id::{CaseId, PersonId},
};
use remit_store::testing::{statements_asked, statements_of};

use crate::world::World;

/// Acts, and adds a line: the statements that were read with, the versions that were checked, the statements that wrote.
async fn count(world: &World, person: PersonId, command: Command, lines: &mut String) -> Option<CaseId> {
    let (store, word) = (world.app.store(), command.word().to_owned());
    // What was asked before warms what is kept in memory, such as the pack.
    world.app.prepare(&world.caller(person), &command).await.unwrap();
    let before = statements_asked(store);
    let (write, _) = world.app.prepare(&world.caller(person), &command).await.unwrap();
    let asked = statements_asked(store) - before;
    let (checked, written) = statements_of(write);
    writeln!(lines, "{word}: {asked} read, {checked} check, {written} write").unwrap();
    world.act(person, command).await.unwrap().case()
}

#[tokio::test]
async fn an_act_costs_a_small_number_of_statements() {
    let world = World::live().await;
    let engagement = world.engagement;
    let mut lines = String::new();
    let take_in = Command::TakeIn { engagement, case: world.case_in("R-1") };
    let case = count(&world, world.client, take_in, &mut lines).await.unwrap();
    count(&world, world.reader1, Command::ClaimNext { engagement }, &mut lines).await;
    count(&world, world.reader2, Command::ClaimSeat { engagement, case }, &mut lines).await;
    for (reader, answer) in [(world.reader1, "fell"), (world.reader2, "rose")] {
        let judgement = world.judgement(case, answer).await;
        count(&world, reader, Command::SubmitReading { engagement, case, judgement }, &mut lines).await;
    }
    count(&world, world.adjudicator, Command::TakeAdjudication { engagement, case }, &mut lines).await;
    assert_snapshot!(lines, @r"
    take_in: 6 read, 7 check, 19 write
    claim_next: 8 read, 5 check, 11 write
    claim_seat: 4 read, 5 check, 8 write
    submit_reading: 4 read, 5 check, 12 write
    submit_reading: 4 read, 5 check, 16 write
    take_adjudication: 4 read, 5 check, 7 write
    ");
}
