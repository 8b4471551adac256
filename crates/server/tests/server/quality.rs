//! Quality: figures that agree with the published ones, and what each viewer may know of the readers.

use std::collections::BTreeSet;

use axum::{body::Body, http::Request};
use http_body_util::BodyExt as _;
use remit_kernel::{
    alarm::Yardstick,
    command::Command,
    id::CaseId,
    index::{Origin, Part},
};
use remit_server::app::{
    planner::ShowPlans,
    quality::{
        Against, Behind, By, ListWanted, RUN_LENGTH, Rate, ShowDisputes, ShowDrift, ShowExperts, ShowQuality,
        ShowSlices, Which,
    },
};
use remit_store::SessionKind;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::{
    desk::Browser,
    import::{House, ecg_set, shipped_ecg},
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_kappas_of_the_cardiologists_are_the_published_ones() {
    let (house, engagement) = ecg_set(&shipped_ecg()).await;
    let quality = house.app.view(&house.caller(), ShowQuality { engagement, origin: None }).await.unwrap();
    let kappas: Vec<_> = quality
        .questions
        .iter()
        .map(|question| {
            assert_eq!((question.pairs.len(), question.agreement.n), (1, 331));
            (question.question.as_str(), format!("{:.3}", question.pairs[0].agreement.value.unwrap()))
        })
        .collect();
    let published = [
        ("av_block_1", "0.718"),
        ("rbbb", "1.000"),
        ("lbbb", "0.932"),
        ("sinus_bradycardia", "0.664"),
        ("atrial_fibrillation", "0.854"),
        ("sinus_tachycardia", "0.812"),
    ];
    assert_eq!(kappas, published.map(|(question, kappa)| (question, kappa.to_owned())));
    assert_eq!((quality.panels, quality.agreed, quality.disputed, quality.imported), (331, 316, 15, true));
    let weakest = quality.questions.iter().find(|question| question.question == "sinus_bradycardia").unwrap();
    assert!(weakest.agreement.interval.is_some());

    let readers = weakest.pairs[0].readers.clone().map(|reader| reader.key);
    let pair = Some((readers[0].clone(), readers[1].clone()));
    let which = Which::Question { question: "sinus_bradycardia".into(), pair };
    let disputes = ShowDisputes { engagement, which, origin: None, after: None, limit: 2 };
    let disputes = house.app.view(&house.caller(), disputes).await.unwrap();
    assert_eq!(disputes.total, weakest.pairs[0].differ);
    assert_eq!(disputes.cases.len(), 2);
    let case = &disputes.cases[0];
    assert!(case.sides.len() == 2 && case.sides[0].answer != case.sides[1].answer, "{case:?}");
    assert!(case.reference_answer.is_some());

    let witnessed =
        house.app.view(&house.caller(), ShowQuality { engagement, origin: Some(Origin::Witnessed) }).await.unwrap();
    assert_eq!((witnessed.panels, witnessed.questions.len(), witnessed.imported), (0, 0, false));

    let page = page(&house, &format!("/e/{engagement}/quality")).await;
    assert!(page.contains("Imported: times, authors and blindness as claimed by the file"), "{page}");
    assert!(page.contains("Agreement beyond chance 0.66"), "{page}");
    let page = self::page(&house, &format!("/e/{engagement}/quality/disputes?question=sinus_bradycardia")).await;
    assert!(page.contains("cardiologist1") && page.contains("cardiologist2"), "{page}");
}

async fn page(house: &House, path: &str) -> String {
    page_with(house, path, 200).await
}

async fn page_with(house: &House, path: &str, status: u16) -> String {
    let opened = house.app.open_session(house.operator, SessionKind::Browser, "test").await.unwrap();
    let config = crate::http::config();
    let request = Request::get(path).header("cookie", format!("remit={}", opened.secret)).body(Body::empty()).unwrap();
    let response = remit_server::edge::router(house.app.clone(), config).oneshot(request).await.unwrap();
    assert_eq!(response.status(), status, "{path}");
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn the_client_knows_readers_by_number_and_nothing_before_a_panel_closes() {
    let world = World::live().await;
    let engagement = world.engagement;
    let ask = || ShowQuality { engagement, origin: None };
    for (reference, second) in [("T-1", "fell"), ("T-2", "rose")] {
        let case = world.take_in(reference).await;
        world.read(world.reader1, case, "fell").await.unwrap();
        let before = world.app.view(&world.caller(world.client), ask()).await.unwrap();
        world.read(world.reader2, case, second).await.unwrap();
        assert_eq!(before.disputed, 0);
    }
    let provider = world.app.view(&world.caller(world.delivery), ask()).await.unwrap();
    let client = world.app.view(&world.caller(world.client), ask()).await.unwrap();
    // The second case is in adjudication: nobody hears of it yet.
    assert_eq!((client.panels, client.agreed, client.disputed), (1, 1, 0));
    assert_eq!(client.questions[0].agreement.n, 1);
    assert_eq!(client.questions[0].agreement.undefined.as_deref(), Some("everybody gave the same answer"));
    let mut names = provider.questions[0].pairs[0].readers.clone().map(|reader| reader.name);
    names.sort_unstable();
    assert_eq!(names, ["Ravi Reader", "Rita Reader"]);
    assert_eq!(client.questions[0].pairs[0].readers.clone().map(|reader| reader.name), ["Reader 1", "Reader 2"]);
    let written = serde_json::to_string(&client).unwrap();
    assert!(!written.contains("person_") && !written.contains("Rita"), "{written}");
    assert!(world.app.view(&world.caller(world.reader1), ask()).await.is_err(), "readers see no figures");
    assert!(world.app.view(&world.caller(world.stranger), ask()).await.is_err());
}

#[tokio::test]
async fn people_are_named_to_the_client_on_every_page_if_the_statement_of_work_says_so_and_not_otherwise() {
    let world = World::live().await;
    let engagement = world.engagement;
    let case = world.take_in("T-1").await;
    for reader in [world.reader1, world.reader2] {
        world.read(reader, case, "fell").await.unwrap();
    }
    let client = Browser::of(&world, world.client).await;
    let api = format!("/api/v1/engagements/{engagement}");
    let paths = [
        format!("/e/{engagement}/quality"),
        format!("/e/{engagement}/quality/experts"),
        format!("/e/{engagement}/cases/{case}"),
        format!("{api}/quality"),
        format!("{api}/cases/{case}"),
        format!("{api}/cases/{case}/timeline"),
        format!("{api}/cases/{case}/witnesses"),
        api.clone(),
        format!("{api}/record?case={case}"),
        format!("{api}/export/cases"),
        format!("/e/{engagement}/engagement"),
        format!("/e/{engagement}/protection?case={case}"),
    ];
    // Who has no part in what these tell is named in none of them either way.
    let others = ["/cases", "/cases/new", "/knowledge", "/reviews", "/certificates"]
        .map(|path| format!("/e/{engagement}{path}"));
    let others: Vec<_> = others.into_iter().chain([format!("{api}/export/events"), format!("{api}/cases")]).collect();
    let told = async || {
        let mut told = Vec::new();
        for path in &paths {
            let answer = client.get(path).await;
            assert_eq!(answer.status, 200, "{path}");
            told.push(["Rita Reader", "Ravi Reader"].map(|name| answer.body.contains(name)));
        }
        told
    };
    assert_eq!(told().await, vec![[false; 2]; paths.len()], "nobody is named unless it is said");
    for path in &others {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        for name in ["Rita Reader", "Ravi Reader", "Ada Adjudicator"] {
            assert!(!answer.body.contains(name), "{path} names {name}");
        }
    }
    one_number_everywhere(&world, case).await;
    for named in [true, false] {
        let Command::DraftSow { engagement, starts_on, ends_on, lines, .. } = world.draft_sow(Some(100)) else {
            unreachable!("it drafts a statement of work")
        };
        let draft = Command::DraftSow { engagement, starts_on, ends_on, names_people: named, lines };
        let sow = world.act(world.delivery, draft).await.unwrap().sow().unwrap();
        let before = told().await;
        world.put_in_force(sow).await;
        assert_ne!(told().await, before, "what both sides sign holds at once, and not before");
        assert_eq!(told().await, vec![[named; 2]; paths.len()], "{paths:?}");
        let shown = client.get(&format!("{api}/sows/{sow}")).await.json();
        assert_eq!(shown["names_people"], named);
    }
}

/// The number of a reader is the same wherever she is spoken of.
async fn one_number_everywhere(world: &World, case: CaseId) {
    let client = Browser::of(world, world.client).await;
    let api = format!("/api/v1/engagements/{}", world.engagement);
    let shown = client.get(&api).await.json();
    let members = shown["members"].as_array().unwrap();
    let member =
        |person| members.iter().find(|member| member["person"] == format!("{person}")).unwrap()["name"].clone();
    let numbers = [member(world.reader1), member(world.reader2)];
    assert!(numbers.iter().all(|name| name.as_str().unwrap().starts_with("Reader ")), "{numbers:?}");
    assert_ne!(numbers[0], numbers[1]);
    let record = client.get(&format!("{api}/record?case={case}")).await.json();
    let witnesses = client.get(&format!("{api}/cases/{case}/witnesses")).await.json();
    let exported = client.get(&format!("{api}/export/cases")).await.json();
    for (reader, number) in [world.reader1, world.reader2].into_iter().zip(&numbers) {
        let id = Value::from(reader.to_string());
        let entries = record["entries"].as_array().unwrap().iter();
        let own: Vec<_> = entries.filter(|entry| entry["person"] == id).collect();
        assert!(!own.is_empty() && own.iter().all(|entry| entry["name"] == *number), "{own:?}");
        assert!(witnesses["entries"].as_array().unwrap().iter().any(|line| line["who"] == *number), "{witnesses}");
        let mut readings = exported["readings"].as_array().unwrap().iter();
        assert!(readings.any(|line| line["reader"] == id && line["reader_name"] == *number), "{exported}");
    }
    let told = client.get(&format!("{api}/cases/{case}")).await.json();
    let labels: BTreeSet<_> =
        told["readings"].as_array().unwrap().iter().map(|reading| reading["label"].to_string()).collect();
    assert_eq!(labels, numbers.iter().map(ToString::to_string).collect());
}

#[tokio::test]
async fn figures_that_were_kept_are_made_anew_once_a_panel_moves_and_for_each_viewer_apart() {
    let world = World::live().await;
    let engagement = world.engagement;
    let quality = async |person| {
        let quality = ShowQuality { engagement, origin: None };
        serde_json::to_value(world.app.view(&world.caller(person), quality).await.unwrap()).unwrap()
    };
    let experts = async |person| {
        let experts = ShowExperts { engagement, question: None, origin: None };
        serde_json::to_value(world.app.view(&world.caller(person), experts).await.unwrap()).unwrap()
    };
    let mut before = (serde_json::Value::Null, serde_json::Value::Null);
    for (round, reference) in ["T-1", "T-2", "T-3"].into_iter().enumerate() {
        let case = world.take_in(reference).await;
        for reader in [world.reader1, world.reader2] {
            world.read(reader, case, "fell").await.unwrap();
        }
        let now = (quality(world.delivery).await, experts(world.delivery).await);
        assert_eq!((&now.0["agreed"], &now.1["cases"]), (&serde_json::json!(round + 1), &serde_json::json!(round + 1)));
        assert_ne!(now, before);
        assert_eq!((quality(world.delivery).await, experts(world.delivery).await), now, "asked again nothing is new");
        let client = quality(world.client).await;
        assert_eq!(client["questions"][0]["pairs"][0]["readers"][0]["name"], "Reader 1");
        assert_eq!(client["agreed"], now.0["agreed"]);
        before = now;
    }
    let afresh = remit_server::App::new(
        world.app.store().clone(),
        remit_server::clock::Clock::System,
        remit_server::clock::Chance::System,
    );
    let asked = ShowQuality { engagement, origin: None };
    let afresh = afresh.unwrap().view(&world.caller(world.delivery), asked).await.unwrap();
    assert_eq!(serde_json::to_value(afresh).unwrap(), before.0, "what was kept is what is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reader_of_the_ecgs_is_held_against_the_reference_and_every_miss_opens() {
    let (house, engagement) = ecg_set(&shipped_ecg()).await;
    let ask = |question: Option<&str>| ShowExperts { engagement, question: question.map(Into::into), origin: None };
    let experts = house.app.view(&house.caller(), ask(None)).await.unwrap();
    assert_eq!((experts.question.as_str(), experts.questions.len()), ("av_block_1", 6));
    let experts = house.app.view(&house.caller(), ask(Some("sinus_bradycardia"))).await.unwrap();
    assert_eq!((experts.cases, experts.with_reference, experts.adjudicated, experts.three_or_more), (331, 331, 0, 331));
    assert_eq!(experts.limit, None);
    // Counted from gold.csv and decisions.csv by themselves.
    let found: Vec<_> = experts
        .experts
        .iter()
        .map(|expert| (expert.reader.name.as_str(), expert.part, expert.right.hits, expert.right.n))
        .collect();
    let counted = [
        ("cardiologist1", Part::Panel, 329, 331),
        ("cardiologist2", Part::Panel, 329, 331),
        ("cardiology_residents", Part::Extra, 328, 331),
        ("emergency_residents", Part::Extra, 328, 331),
        ("medical_students", Part::Extra, 327, 331),
        ("dnn", Part::Ai, 329, 331),
    ];
    assert_eq!(found, counted);
    let second = &experts.experts[1];
    let confusion = second.confusion.as_ref().unwrap();
    assert_eq!((confusion.cells[0][0] + confusion.cells[1][1], confusion.answers.len()), (329, 2));
    let behind = |against, slice| ShowDisputes {
        engagement,
        which: Which::Behind(Behind {
            question: "sinus_bradycardia".into(),
            reader: Some(second.reader.key.clone()),
            against,
            option: None,
            slice,
        }),
        origin: None,
        after: None,
        limit: 25,
    };
    let missed = house.app.view(&house.caller(), behind(Against::Reference, None)).await.unwrap();
    assert_eq!((missed.total, missed.cases.len()), (2, 2));
    for case in &missed.cases {
        let side = case.sides.iter().find(|side| side.reader == second.reader).unwrap();
        assert_ne!(Some(&side.answer), case.reference_answer.as_ref());
    }
    let elsewhere = Some((By::CaseType, "another".to_owned()));
    let missed = house.app.view(&house.caller(), behind(Against::Reference, elsewhere)).await.unwrap();
    assert_eq!(missed.total, 0);

    let quality = house.app.view(&house.caller(), ShowQuality { engagement, origin: None }).await.unwrap();
    let bradycardia = quality.questions.iter().find(|known| known.question == "sinus_bradycardia").unwrap();
    assert_eq!((bradycardia.right.hits, bradycardia.right.n), (328, 329));
    let cost = &quality.cost;
    assert_eq!((cost.cases, cost.readings, cost.readings_max, cost.three_or_more), (331, 662, 2, 0));
    assert_eq!((cost.second.hits, cost.second.n), (15, 331));

    let slices = ShowSlices { engagement, question: Some("sinus_bradycardia".into()), by: By::CaseType, origin: None };
    let slices = house.app.view(&house.caller(), slices).await.unwrap().slices;
    assert_eq!(slices.len(), 1);
    let slice = &slices[0];
    assert_eq!((slice.slice.as_str(), slice.cases, slice.readings), ("ecg-12-lead", 331, 5 * 331));
    assert_eq!((slice.differ.n, slice.missed.n), (331, 5 * 331));
    assert_eq!(slice.missed.hits, 5 * 331 - (329 + 329 + 328 + 328 + 327));
    assert_eq!(slice.agreement.value, bradycardia.agreement.value, "the panel readers alone");

    let model = experts.model.as_ref().unwrap();
    assert_eq!((model.model.as_str(), model.cases, model.readings), ("anchored", 331, 5 * 331));
    assert_eq!(model.overturned.hits, 0, "no unanimous case is overturned: {model:?}");
    assert!(model.overturned.n > 300 && model.right.n == 331 && model.majority_right.hits >= 325, "{model:?}");
    let saving = model.saving.unwrap();
    assert!(saving.used.n == 5 * 331 && (2 * 331..4 * 331).contains(&saving.used.hits), "{saving:?}");
    assert!(saving.right.n == 331 && saving.right.hits >= 325, "{saving:?}");
    assert!(experts.experts.iter().all(|expert| expert.estimated.is_some() == (expert.part != Part::Ai)));
    assert!(bradycardia.ac1.unwrap() > bradycardia.agreement.value.unwrap(), "a rare answer lowers alpha alone");

    let page = page(&house, &format!("/e/{engagement}/quality")).await;
    assert!(page.contains("The second reading changed or opened 15 of 331 cases (2.8 to 7.3 %)"), "{page}");
    assert!(page.contains("no saving is claimed"), "{page}");
    let page = self::page(&house, &format!("/e/{engagement}/quality/experts?question=sinus_bradycardia")).await;
    assert!(page.contains("329 of 331"), "{page}");
    let page = self::page(&house, &format!("/e/{engagement}/quality/slices?by=month")).await;
    assert!(page.contains("Readers differ"), "{page}");
}

#[tokio::test]
async fn two_readers_without_a_known_answer_do_not_show_who_is_right() {
    let world = World::live().await;
    let engagement = world.engagement;
    let experts = async |person| {
        world.app.view(&world.caller(person), ShowExperts { engagement, question: None, origin: None }).await.unwrap()
    };
    assert_eq!((experts(world.delivery).await.cases, experts(world.delivery).await.limit), (0, None));
    for reference in ["T-1", "T-2"] {
        let case = world.take_in(reference).await;
        world.read(world.reader1, case, "fell").await.unwrap();
        world.read(world.reader2, case, "fell").await.unwrap();
    }
    let before = experts(world.delivery).await;
    let sentence = before.limit.unwrap().sentence;
    assert_eq!(sentence, "Two readers cannot show who is right: adjudicate or add gold for 2 cases");
    for expert in &before.experts {
        assert_eq!((expert.right, expert.sided, &expert.confusion), (Rate::default(), Rate::default(), &None));
    }
    let wanted = ListWanted { engagement, question: None, origin: None };
    let wanted = world.app.view(&world.caller(world.client), wanted).await.unwrap();
    assert_eq!((wanted.cases.len(), wanted.known), (2, 0));
    assert!(wanted.cases.iter().all(|case| !case.differ && case.title.starts_with("Did T-")));

    let case = world.take_in("T-3").await;
    world.read(world.reader1, case, "fell").await.unwrap();
    world.read(world.reader2, case, "rose").await.unwrap();
    world.act(world.adjudicator, Command::TakeAdjudication { engagement, case }).await.unwrap();
    assert_eq!(experts(world.delivery).await.adjudicated, 0, "nothing is said before the adjudicator has decided");
    let judgement = world.judgement(case, "rose").await;
    world.act(world.adjudicator, Command::Adjudicate { engagement, case, judgement }).await.unwrap();
    let after = experts(world.client).await;
    assert_eq!((after.cases, after.adjudicated), (3, 1));
    let sentence = after.limit.unwrap().sentence;
    assert_eq!(sentence, "The right answer is known of one case only: adjudicate or add gold for another 2 cases");
    let figures: BTreeSet<_> = after
        .experts
        .iter()
        .map(|expert| (expert.readings, expert.sided.hits, expert.sided.n, expert.overturned.hits, expert.overturned.n))
        .collect();
    assert_eq!(figures, [(3, 0, 1, 1, 3), (3, 1, 1, 0, 3)].into());
    assert_eq!(after.experts[0].reader.name, "Reader 1", "the client knows readers by number");
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_simulated_on_measured_experts_and_the_same_seed_gives_the_same_figures() {
    let (house, engagement) = ecg_set(&shipped_ecg()).await;
    let ask = |seed, price_minor, gold_percent| ShowPlans {
        engagement,
        question: Some("sinus_bradycardia".into()),
        price_minor,
        gold_percent,
        review_percent: 0,
        seed,
    };
    let plans = house.app.view(&house.caller(), ask(7, Some(1_000), 0)).await.unwrap();
    assert_eq!((plans.experts, plans.known, plans.limit.as_deref()), (2, 331, None));
    let named: Vec<_> = plans.plans.iter().map(|plan| (plan.plan.as_str(), plan.cost_minor)).collect();
    assert_eq!(named, [("1 reading", Some(1_000)), ("2 readings", Some(2_000))]);
    assert!(plans.plans.iter().all(|plan| plan.accuracy > 0.98), "{plans:?}");
    assert!(plans.plans[0].frontier, "nothing costs less than one reading");
    let again = house.app.view(&house.caller(), ask(7, Some(1_000), 0)).await.unwrap();
    assert_eq!(plans.plans, again.plans);
    let gold = house.app.view(&house.caller(), ask(7, None, 50)).await.unwrap();
    assert_eq!((gold.plans[0].cost_minor, format!("{:.2}", gold.plans[0].readings)), (None, "2.00".to_owned()));
    let page = page(&house, &format!("/e/{engagement}/quality/planner?price=10.00")).await;
    let wrong = page_with(&house, &format!("/e/{engagement}/quality/planner?price=12,50&gold=7"), 422).await;
    assert!(
        wrong.contains("“12,50” is not a price") && wrong.contains("value=\"12,50\"") && wrong.contains("value=\"7\""),
        "{wrong}"
    );
    assert!(wrong.contains("<nav"), "it is the page itself");
    assert!(page.contains("no other is as good for less") && page.contains("on 331 reference answers"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_expert_and_site_has_a_chart_with_a_limit_for_all_of_them() {
    let (house, engagement) = ecg_set(&shipped_ecg()).await;
    let question = Some("sinus_bradycardia".into());
    let ask = ShowDrift { engagement, question, origin: None, yardstick: Yardstick::Answers };
    let drift = house.app.view(&house.caller(), ask).await.unwrap();
    assert_eq!((drift.missed.hits, drift.missed.n, drift.charts.len()), (4, 662, 3));
    let by_month = ShowSlices { engagement, question: Some("sinus_bradycardia".into()), origin: None, by: By::Month };
    let months = house.app.view(&house.caller(), by_month).await.unwrap();
    let months: Vec<_> = months.slices.iter().map(|slice| slice.slice.as_str()).collect();
    assert_eq!(months, ["unknown"], "the file says not when, and the day of its import is no answer");
    let design = drift.design.unwrap();
    assert!(design.good < design.bad && design.alarm > 0.0 && design.catches_in < f64::from(RUN_LENGTH));
    for chart in &drift.charts {
        assert_eq!(chart.alarm_at.is_some(), !chart.cases.is_empty(), "an alarm names its cases: {chart:?}");
    }
    let page = page(&house, &format!("/e/{engagement}/quality/drift?question=sinus_bradycardia")).await;
    assert!(page.contains("one false alarm in 2000 answers"), "{page}");
}
