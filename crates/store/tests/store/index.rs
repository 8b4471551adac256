//! Index rows: only the difference is written, and lists and queues find them.

use remit_kernel::{
    id::CaseId,
    index::{
        AnswerRow, CaseStatus, DisputeRow, DutyStatus, Known, KnownAnswerRow, Origin, PanelRow, PanelStatus, Part,
        ReadingRow, Row,
    },
};
use remit_store::{CaseFilter, CaseKey, Given, Table};

use crate::given::{Fresh, SCOPE, at, case, digest, duty, id, need, panel, seat, text};

#[tokio::test]
async fn only_the_difference_between_old_and_new_rows_is_written() {
    let fresh = Fresh::new().await;
    let old = vec![Row::Seat(seat(1, 1, 5)), Row::Seat(seat(1, 2, 5)), Row::Need(need())];
    fresh.index(SCOPE, old.clone()).await;
    let new = vec![Row::Seat(seat(1, 2, 9)), Row::Seat(seat(1, 3, 9)), Row::Need(need())];
    fresh.change_index(SCOPE, old, new.clone()).await;
    let seats = fresh.store.index_page(SCOPE, Table::Seat, None, 10).await.unwrap();
    assert_eq!(seats, new[..2]);
    assert_eq!(fresh.store.index_page(SCOPE, Table::Seat, Some(&seats[0]), 10).await.unwrap(), new[1..2]);
    assert_eq!(fresh.store.index_page("dir", Table::Seat, None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_need_that_many_cases_bring_is_kept_once() {
    let fresh = Fresh::new().await;
    for number in 1..=2 {
        fresh.index(SCOPE, vec![Row::Need(need()), Row::Seat(seat(number, 1, 5))]).await;
    }
    assert_eq!(fresh.store.list_needs(SCOPE).await.unwrap(), [need()]);
    assert_eq!(fresh.store.count_open_seats(SCOPE).await.unwrap(), [(need().need, 2)]);
}

#[tokio::test]
async fn open_seats_come_by_due_time_once_for_each_case_and_never_on_ones_own() {
    let fresh = Fresh::new().await;
    fresh
        .index(
            SCOPE,
            vec![
                Row::Seat(seat(1, 1, 30)),
                Row::Seat(seat(2, 1, 10)),
                Row::Seat(seat(2, 2, 10)),
                Row::Seat(seat(3, 2, 10)),
                Row::Seat(seat(4, 1, 5)),
                Row::Duty(duty(4, 1, DutyStatus::Released)),
                Row::Duty(duty(1, 2, DutyStatus::Active)),
            ],
        )
        .await;
    let open = |after, limit| fresh.store.open_seats(SCOPE, need().need, id(1), after, limit);
    assert_eq!(open(None, 9).await.unwrap(), [seat(2, 1, 10), seat(3, 2, 10), seat(1, 1, 30)]);
    let after = CaseKey { due_at: at(10), case: id(2) };
    assert_eq!(open(Some(after), 1).await.unwrap(), [seat(3, 2, 10)]);
    assert_eq!(fresh.store.open_seats(SCOPE, digest("other"), id(1), None, 9).await.unwrap(), []);
    assert_eq!(fresh.store.count_open_seats(SCOPE).await.unwrap(), [(need().need, 5)]);
}

async fn listed(fresh: &Fresh, filter: CaseFilter) -> Vec<CaseId> {
    let cases = fresh.store.list_cases(SCOPE, &filter, None, 100).await.unwrap();
    assert_eq!(fresh.store.count_cases(SCOPE, &filter).await.unwrap(), cases.len() as u64);
    cases.iter().map(|row| row.case).collect()
}

#[tokio::test]
async fn cases_are_listed_by_due_time_under_every_filter() {
    let fresh = Fresh::new().await;
    let mut rows: Vec<_> = [(1, CaseStatus::Ready, 40), (2, CaseStatus::Reading, 30), (3, CaseStatus::Ready, 20)]
        .into_iter()
        .map(|(number, status, due)| case(number, status, due))
        .collect();
    rows[0].owner = id(77);
    rows[1].origin = Origin::Imported;
    rows[2].changed_after_agreement = true;
    fresh.index(SCOPE, rows.iter().cloned().map(Row::Case).collect()).await;
    fresh
        .index(
            SCOPE,
            vec![
                Row::Panel(panel(1, PanelStatus::Disputed, true)),
                Row::Panel(panel(2, PanelStatus::Agreed, false)),
                Row::Dispute(DisputeRow { case: id(1), question: "q1".to_owned(), origin: Origin::Witnessed }),
                Row::Duty(duty(2, 5, DutyStatus::Done)),
            ],
        )
        .await;
    fresh.texts(SCOPE, vec![text(1_001, None, "ACME-100%"), text(2_002, None, "Knee of_all")]).await;

    let all = CaseFilter::default;
    assert_eq!(listed(&fresh, all()).await, [id(3), id(2), id(1)]);
    let ready = vec![CaseStatus::Ready];
    assert_eq!(listed(&fresh, CaseFilter { statuses: ready.clone(), ..all() }).await, [id(3), id(1)]);
    let two = vec![CaseStatus::Ready, CaseStatus::Reading];
    assert_eq!(listed(&fresh, CaseFilter { statuses: two, ..all() }).await, [id(3), id(2), id(1)]);
    assert_eq!(listed(&fresh, CaseFilter { owner: Some(id(77)), ..all() }).await, [id(1)]);
    assert_eq!(listed(&fresh, CaseFilter { origin: Some(Origin::Imported), ..all() }).await, [id(2)]);
    assert_eq!(listed(&fresh, CaseFilter { changed_after_agreement: Some(true), ..all() }).await, [id(3)]);
    assert_eq!(listed(&fresh, CaseFilter { due_before: Some(at(40)), ..all() }).await, [id(3), id(2)]);
    assert_eq!(listed(&fresh, CaseFilter { disputed: Some(true), ..all() }).await, [id(1)]);
    assert_eq!(listed(&fresh, CaseFilter { disputed: Some(false), ..all() }).await, [id(2)]);
    assert_eq!(listed(&fresh, CaseFilter { question: Some("q1".to_owned()), ..all() }).await, [id(1)]);
    assert_eq!(listed(&fresh, CaseFilter { question: Some("q2".to_owned()), ..all() }).await, []);
    assert_eq!(listed(&fresh, CaseFilter { duty_of: Some(id(5)), ..all() }).await, [id(2)]);
    assert_eq!(listed(&fresh, CaseFilter { seen_by: Some(id(5)), ..all() }).await, [id(2)]);
    let queued = vec![CaseStatus::Ready];
    assert_eq!(listed(&fresh, CaseFilter { seen_by: Some(id(5)), queued, ..all() }).await, [id(3), id(2), id(1)]);
    assert_eq!(listed(&fresh, CaseFilter { seen_by: Some(id(77)), ..all() }).await, [id(1)]);
    assert_eq!(listed(&fresh, CaseFilter { text: Some("acme-100%".to_owned()), ..all() }).await, [id(1)]);
    assert_eq!(listed(&fresh, CaseFilter { text: Some("OF_A".to_owned()), ..all() }).await, [id(2)]);
    assert_eq!(listed(&fresh, CaseFilter { text: Some("1_0".to_owned()), ..all() }).await, []);

    for statuses in [vec![], ready] {
        let filter = CaseFilter { statuses, ..all() };
        let first = fresh.store.list_cases(SCOPE, &filter, None, 1).await.unwrap();
        let rest = fresh.store.list_cases(SCOPE, &filter, Some(CaseKey::of(&first[0])), 100).await.unwrap();
        assert_eq!(first, rows[2..]);
        assert_eq!(rest.last(), rows.first());
    }
    assert_eq!(
        fresh.store.count_cases_by_status(SCOPE).await.unwrap(),
        [(CaseStatus::Reading, 1), (CaseStatus::Ready, 2)]
    );
    assert_eq!(fresh.store.cases(SCOPE, &[id(1), id(3), id(8)]).await.unwrap(), [rows[0].clone(), rows[2].clone()]);
    assert_eq!(fresh.store.find_case(SCOPE, id(8)).await.unwrap(), None);
    let by_reference = fresh.store.find_case_by_reference(SCOPE, rows[1].reference_key).await.unwrap();
    assert_eq!(by_reference.as_ref(), Some(&rows[1]));
    assert_eq!(fresh.store.find_case("dir", id(1)).await.unwrap(), None);
}

#[tokio::test]
async fn duties_are_found_by_person_with_their_case_and_by_case() {
    let fresh = Fresh::new().await;
    let (active, done) = (duty(1, 5, DutyStatus::Active), duty(2, 5, DutyStatus::Done));
    let other = duty(1, 6, DutyStatus::Active);
    let first = case(1, CaseStatus::Reading, 9);
    let rows = vec![
        Row::Case(first.clone()),
        Row::Case(case(2, CaseStatus::Resolved, 9)),
        Row::Duty(active.clone()),
        Row::Duty(done.clone()),
        Row::Duty(other.clone()),
    ];
    fresh.index(SCOPE, rows).await;
    let held = fresh.store.duties_of(SCOPE, id(5), DutyStatus::Active, 10).await.unwrap();
    assert_eq!(held, [(active.clone(), first)]);
    assert_eq!(fresh.store.duties_of_cases(SCOPE, &[id(1)]).await.unwrap(), [active.clone(), other.clone()]);
    assert_eq!(fresh.store.duties_of_cases(SCOPE, &[id(1), id(2)]).await.unwrap(), [active, other, done]);
}

#[tokio::test]
async fn figures_are_made_of_revealed_answers_only() {
    let fresh = Fresh::new().await;
    let answer = |case, reading, question: &str, origin, revealed| AnswerRow {
        case: id(case),
        reading: id(reading),
        question: question.to_owned(),
        reader: id(1),
        answer: "yes".to_owned(),
        part: Part::Panel,
        origin,
        revealed,
    };
    let rows = [
        answer(1, 1, "q1", Origin::Witnessed, true),
        answer(2, 2, "q1", Origin::Imported, true),
        answer(1, 1, "q2", Origin::Witnessed, true),
        answer(3, 3, "q1", Origin::Witnessed, false),
    ];
    fresh.index(SCOPE, rows.iter().cloned().map(Row::Answer).collect()).await;
    let extra = AnswerRow { part: Part::Extra, reader: id(2), ..answer(1, 4, "q1", Origin::Witnessed, true) };
    fresh.index(SCOPE, vec![Row::Answer(extra.clone())]).await;
    let store = &fresh.store;
    let all = [rows[0].clone(), extra, rows[1].clone()];
    assert_eq!(store.revealed_answers(SCOPE, "q1", None).await.unwrap(), all);
    assert_eq!(store.revealed_answers(SCOPE, "q1", Some(Origin::Imported)).await.unwrap(), rows[1..2]);
    assert_eq!(store.revealed_answers(SCOPE, "q2", None).await.unwrap(), rows[2..3]);
    let given = |row: &AnswerRow| Given { case: row.case, reader: row.reader, answer: row.answer.clone() };
    assert_eq!(store.panel_answers(SCOPE, "q1", None).await.unwrap(), [given(&rows[0]), given(&rows[1])]);
    assert_eq!(store.panel_answers(SCOPE, "q1", Some(Origin::Imported)).await.unwrap(), [given(&rows[1])]);
    assert_eq!(store.panel_answers(SCOPE, "q3", None).await.unwrap(), []);
}

#[tokio::test]
async fn panels_and_disputes_are_counted() {
    let fresh = Fresh::new().await;
    let dispute =
        |case, question: &str| DisputeRow { case: id(case), question: question.to_owned(), origin: Origin::Witnessed };
    let rows = vec![
        Row::Panel(panel(1, PanelStatus::Adjudicated, true)),
        Row::Panel(panel(2, PanelStatus::Adjudicated, true)),
        Row::Panel(panel(3, PanelStatus::Agreed, false)),
        Row::Dispute(dispute(1, "q1")),
        Row::Dispute(dispute(2, "q1")),
        Row::Dispute(dispute(2, "q2")),
    ];
    fresh.index(SCOPE, rows).await;
    let spared = PanelRow { spared: 2, ..panel(4, PanelStatus::Agreed, false) };
    fresh.index(SCOPE, vec![Row::Panel(spared.clone()), Row::Case(case(3, CaseStatus::Resolved, 1))]).await;
    fresh.index(SCOPE, vec![Row::Case(case(4, CaseStatus::Resolved, 1))]).await;
    let stopped = |early| CaseFilter { stopped_early: Some(early), ..CaseFilter::default() };
    let found = fresh.store.list_cases(SCOPE, &stopped(true), None, 9).await.unwrap();
    assert_eq!(found.iter().map(|row| row.case).collect::<Vec<_>>(), [id(4)]);
    assert_eq!(fresh.store.count_cases(SCOPE, &stopped(false)).await.unwrap(), 1);
    fresh.change_index(SCOPE, vec![Row::Panel(spared)], Vec::new()).await;
    let counts = fresh.store.count_panels(SCOPE).await.unwrap();
    let counted: Vec<_> = counts.iter().map(|count| (count.status, count.disputed, count.panels)).collect();
    assert_eq!(counted, [(PanelStatus::Adjudicated, true, 2), (PanelStatus::Agreed, false, 1)]);
    let disputes = fresh.store.count_disputes(SCOPE).await.unwrap();
    assert_eq!(disputes, [("q1".to_owned(), Origin::Witnessed, 2), ("q2".to_owned(), Origin::Witnessed, 1)]);
    assert_eq!(fresh.store.disputes(SCOPE, &[id(2)]).await.unwrap(), [dispute(2, "q1"), dispute(2, "q2")]);
    assert_eq!(fresh.store.panels(SCOPE, &[id(3), id(9)]).await.unwrap(), [panel(3, PanelStatus::Agreed, false)]);
}

#[tokio::test]
async fn readings_are_found_by_their_reader_the_latest_first_and_known_answers_by_question() {
    let fresh = Fresh::new().await;
    let reading = |number: u64, reader: u64, at_second: i64| ReadingRow {
        case: id(number),
        reading: id(10 + number),
        reader: id(reader),
        part: Part::Panel,
        origin: Origin::Witnessed,
        read_at: at(at_second),
    };
    let known = |number: u64, question: &str, known: Known| KnownAnswerRow {
        case: id(number),
        question: question.to_owned(),
        known,
        answer: "yes".to_owned(),
    };
    let readings = [reading(1, 1, 5), reading(2, 1, 9), reading(3, 2, 7)];
    let answers = [
        known(1, "q1", Known::Adjudicated),
        known(1, "q1", Known::Reference),
        known(1, "q2", Known::Reference),
        known(2, "q1", Known::Reference),
    ];
    let answer = |number: u64, reader: u64, revealed| AnswerRow {
        case: id(number),
        reading: id(10 + number),
        question: "q1".to_owned(),
        reader: id(reader),
        answer: "no".to_owned(),
        part: Part::Panel,
        origin: Origin::Witnessed,
        revealed,
    };
    let given = [answer(1, 1, true), answer(2, 1, true), answer(3, 2, false)];
    let rows = (1..=3).map(|number| Row::Case(case(number, CaseStatus::Resolved, 1)));
    let rows = rows
        .chain(readings.iter().cloned().map(Row::Reading))
        .chain(answers.iter().cloned().map(Row::KnownAnswer))
        .chain(given.iter().cloned().map(Row::Answer));
    fresh.index(SCOPE, rows.collect()).await;
    let store = &fresh.store;
    let found: Vec<_> = store.readings_of(SCOPE, id(1), at(9), 9).await.unwrap().into_iter().map(|row| row.0).collect();
    assert_eq!(found, [readings[1].clone(), readings[0].clone()]);
    assert_eq!(store.readings_of(SCOPE, id(1), at(8), 9).await.unwrap().len(), 1);
    assert_eq!(store.reading_times(SCOPE, Some(Origin::Imported)).await.unwrap(), []);
    assert_eq!(store.reading_times(SCOPE, None).await.unwrap().len(), 3);
    assert_eq!(store.known_answers(SCOPE, "q1").await.unwrap(), [&answers[..2], &answers[3..]].concat());
    assert_eq!(store.known_answers_beside(SCOPE, id(1)).await.unwrap(), answers);
    assert_eq!(store.answers_beside(SCOPE, id(1)).await.unwrap(), given[..2]);
    assert_eq!(store.answers_beside(SCOPE, id(2)).await.unwrap(), [], "what is not revealed is in no figure");
    assert_eq!(store.revealed_readers(SCOPE).await.unwrap(), [(Part::Panel, id(1))]);
    assert_eq!(store.case_types(SCOPE).await.unwrap().len(), 3);
    assert_eq!(store.readings_of("dir", id(1), at(9), 9).await.unwrap(), []);
}
