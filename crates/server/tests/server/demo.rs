//! The demo's script fits the product.

use remit_kernel::{
    alarm::Yardstick,
    calibration::CalibrationStatus,
    gold::RebuttalState,
    id::{EngagementId, PersonId},
    index::{CaseStatus, Origin},
};
use remit_server::{
    App, Caller,
    app::{
        case::{ListCases, view::GetCase},
        certificate::{GetImportCertificate, ListCertificates},
        model::ShowModel,
        quality::{Level, ShowDrift, ShowQuality},
        today::TaskKind,
    },
    clock::{Chance, Clock},
    demo,
};
use remit_store::{CaseFilter, testing};

use crate::world::START;

#[tokio::test]
async fn the_demo_plays_to_its_end_and_leaves_work_for_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let store = testing::open(folder.path()).await.unwrap();
    demo::seed(store.clone(), START, |_| ()).await.unwrap();
    let engagements = store.list_engagements().await.unwrap();
    assert_eq!(engagements.len(), 4);
    for engagement in &engagements {
        let counts = store.count_cases_by_status(&engagement.scope).await.unwrap();
        let lots = store.list_lots(&engagement.scope, START.plus_seconds(1), 10).await.unwrap();
        let reviewed = !lots.is_empty();
        if reviewed {
            let mut stand: Vec<_> = lots.iter().map(|lot| lot.status.word()).collect();
            stand.sort_unstable();
            assert_eq!(stand, ["accepted", "open", "rejected"]);
        }
        let wanted: &[&str] = if reviewed {
            &["in_review", "accepted", "revision"]
        } else {
            &["ready", "adjudicating", "awaiting_sign_off", "delivered", "accepted"]
        };
        for wanted in wanted.iter().copied() {
            assert!(counts.iter().any(|(status, count)| status.word() == wanted && *count > 0), "{wanted}: {counts:?}");
        }
    }
    // Gold, from approval to a corrected answer: what each persona finds of it.
    let design = &engagements[3].scope;
    let golds = store.list_golds(design).await.unwrap();
    let stand: Vec<_> = golds.iter().map(|gold| (gold.status.word(), gold.version)).collect();
    assert_eq!(stand.iter().filter(|(word, _)| *word == "proposed").count(), 1, "one waits for approval: {stand:?}");
    assert!(stand.contains(&("active", 2)), "one was put right: {stand:?}");
    let showings = store.list_showings(design).await.unwrap();
    assert_eq!(showings.iter().filter(|showing| showing.told).count(), 5);
    assert_eq!(showings.iter().filter(|showing| showing.answered_at.is_none()).count(), 1, "one is being read");
    for state in [RebuttalState::Upheld, RebuttalState::Open] {
        assert!(showings.iter().any(|showing| showing.rebuttal == Some(state)), "{state:?}");
    }
    let rounds: Vec<_> = store.list_calibrations(design).await.unwrap();
    assert!(rounds.iter().all(|round| round.status == CalibrationStatus::Open) && rounds.len() == 1);
    // The history of sixty notes is measured whole, disputes too, so that a limit can be judged.
    let app = App::new(store.clone(), Clock::stepped(START), Chance::seeded(1)).unwrap();
    let delivery = store.find_login("delivery").await.unwrap().unwrap().person;
    let engagement = engagements[3].scope.parse().unwrap();
    let model = app.view(&Caller::local(delivery, "test"), ShowModel { engagement }).await.unwrap();
    assert_eq!((model.version, model.panels), (1, 60));
    assert!(model.questions.iter().all(|question| question.known == 60 && question.calibrated));
    assert!(model.questions.iter().all(|question| question.accuracy.is_some_and(|share| share < 990_000)), "{model:?}");
    assert!(model.questions.iter().any(|question| question.temperature > 1_000), "what is known tempers some");
    says_what_its_estimate_leaves_out(&app, delivery, engagement).await;
    // The certificate of that history says of each question what the quality page says.
    let ask = ShowQuality { engagement, origin: Some(Origin::Imported) };
    let quality = app.view(&Caller::local(delivery, "test"), ask).await.unwrap();
    let lines = app.view(&Caller::local(delivery, "test"), ListCertificates { engagement }).await.unwrap();
    let file = lines.iter().find_map(|line| line.subject.file).unwrap();
    let ask = GetImportCertificate { engagement, file };
    let certificate = app.view(&Caller::local(delivery, "test"), ask).await.unwrap();
    let certified: Vec<_> = certificate
        .figures
        .agreement
        .iter()
        .map(|one| (&one.question, one.level, one.alpha, one.interval, one.n))
        .collect();
    let mut shown: Vec<_> = quality
        .questions
        .iter()
        .map(|one| (&one.question, Some(one.level), one.agreement.value, one.agreement.interval, one.agreement.n))
        .collect();
    shown.sort_by_key(|one| one.0);
    assert_eq!(certified, shown);
    assert!(certified.iter().any(|one| one.1 == Some(Level::Ordinal)), "one of them has an order");
    let drift = app
        .view(
            &Caller::local(delivery, "test"),
            ShowDrift { engagement, question: None, origin: None, yardstick: Yardstick::Answers },
        )
        .await;
    assert!(drift.unwrap().charts.iter().any(|chart| chart.alarm_at.is_some() && !chart.cases.is_empty()));
    // What Today says is to be delivered stands in the list that it leads to, signed or not.
    let today = app.today(&Caller::local(delivery, "test")).await.unwrap();
    let deliver: Vec<_> = today.mine.iter().filter(|task| task.kind == TaskKind::Deliver).collect();
    for status in [CaseStatus::Resolved, CaseStatus::SignedOff] {
        assert!(deliver.iter().any(|task| task.status == Some(status)), "{status:?}: {deliver:?}");
    }
    // Whoever signs in finds work of her own.
    let waits = async |host: &str| {
        let person = store.find_login(host).await.unwrap().unwrap().person;
        let today = app.today(&Caller::local(person, "test")).await.unwrap();
        today.mine.into_iter().map(|task| task.kind).collect::<Vec<_>>()
    };
    let delivery = waits("delivery").await;
    for kind in [TaskKind::DecideObjection, TaskKind::ApproveGold, TaskKind::ApprovePrecedent, TaskKind::Mend] {
        assert!(delivery.contains(&kind), "{kind:?} is not among {delivery:?}");
    }
    for (host, kind) in [
        ("client", TaskKind::Accept),
        ("reader1", TaskKind::ReadRound),
        ("reader2", TaskKind::ReadRound),
        ("adjudicator", TaskKind::Adjudicate),
        ("reviewer", TaskKind::Review),
        ("signer", TaskKind::Sign),
    ] {
        let found = waits(host).await;
        assert!(found.contains(&kind), "{host} finds no {kind:?} among {found:?}");
    }
}

/// A panel that the limit stopped says it on the page and in what is signed.
async fn says_what_its_estimate_leaves_out(app: &App, delivery: PersonId, engagement: EngagementId) {
    let filter = CaseFilter { statuses: vec![CaseStatus::AwaitingSignOff], ..CaseFilter::default() };
    let ask = ListCases { engagement, filter, after: None, limit: 5 };
    let waiting = app.view(&Caller::local(delivery, "test"), ask).await.unwrap().cases[0].case;
    let ask = GetCase { engagement, case: waiting, as_of: None };
    let view = app.view(&Caller::local(delivery, "test"), ask).await.unwrap();
    let notes = view.outcome.unwrap().notes.join("; ");
    assert!(notes.contains("The estimate leaves out “Which clear width does the note fix?”"), "{notes}");
    let deliverable = view.deliverable.unwrap();
    assert!(deliverable.contains("Compared, not estimated: Which clear width does the note fix?"), "{deliverable}");
}
