//! The house around the work: signing in, Today, engagement, people, the live stream.

use axum::{
    body::Body,
    http::{Method, StatusCode},
};

use remit_kernel::{
    command::Command,
    id::{EngagementId, Id, PersonId, Suffix},
    pack::Duty,
    role::Role,
};
use remit_server::{
    Config, Error,
    app::{
        engagement::ShowEngagement,
        knowledge::ShowKnowledge,
        live::Heard,
        people::{ShowBench, ShowPerson, WhyNot},
        today::{Task, TaskKind, WaitKind},
    },
    config::{Demo, Persona},
};
use remit_store::SessionKind;

use crate::{
    http::{Answer, Http, config},
    world::{START, World},
};

const PASSWORD: &str = "the tide waits for no one";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Signs in with the form and returns the answer.
async fn sign_in(http: &Http, name: &str, password: &str) -> Answer {
    let body = format!("name={name}&password={}&next=%2Fe%2Fx", password.replace(' ', "+"));
    http.send(Method::POST, "/sign-in", &[FORM], body).await
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

async fn open(http: &Http, path: &str, cookie: &str) -> Answer {
    http.send(Method::GET, path, &[("cookie", cookie)], Body::empty()).await
}

async fn post(http: &Http, path: &str, cookie: &str, body: &str) -> Answer {
    http.send(Method::POST, path, &[("cookie", cookie), FORM], body.to_owned()).await
}

/// Returns the cookie of a browser in which this person is signed in.
async fn browser(world: &World, person: PersonId) -> String {
    format!("remit={}", world.app.open_session(person, SessionKind::Browser, "test").await.unwrap().secret)
}

#[tokio::test]
async fn a_name_and_password_open_a_session_in_a_guarded_cookie() {
    let world = World::live().await;
    world.app.add_login(world.client, "clara", PASSWORD).await.unwrap();
    let http = Http::of(&world);
    let entered = sign_in(&http, "clara", PASSWORD).await;
    assert_eq!((entered.status, entered.header("location")), (StatusCode::SEE_OTHER, "/e/x"));
    let set = entered.header("set-cookie");
    assert!(set.starts_with("remit=") && set.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{set}");
    let today = open(&http, "/", &cookie(&entered)).await;
    assert!(today.status == StatusCode::OK && today.body.contains("Clara Client"), "{today:?}");
    let ended = post(&http, "/sign-out", &cookie(&entered), "").await;
    assert!(ended.header("set-cookie").contains("Max-Age=0"), "{ended:?}");
    assert_eq!(open(&http, "/", &cookie(&entered)).await.header("location"), "/sign-in?next=/");
}

#[tokio::test]
async fn under_tls_the_cookie_is_bound_to_host_and_tls() {
    let world = World::live().await;
    world.app.add_login(world.client, "clara", PASSWORD).await.unwrap();
    let http = Http::with(&world, Config { secure: true, ..config() });
    let entered = sign_in(&http, "clara", PASSWORD).await;
    let set = entered.header("set-cookie");
    assert!(set.starts_with("__Host-remit=") && set.contains("; Secure") && !set.contains("Domain"), "{set}");
    assert!(entered.header("strict-transport-security").starts_with("max-age="), "{entered:?}");
}

#[tokio::test]
async fn which_of_name_and_password_was_wrong_is_not_told_and_guessing_is_slowed_down() {
    let world = World::live().await;
    world.app.add_login(world.client, "clara", PASSWORD).await.unwrap();
    let http = Http::of(&world);
    let known = sign_in(&http, "clara", "not this one at all").await;
    let unknown = sign_in(&http, "cl4ra", "not this one at all").await;
    assert_eq!(known.status, StatusCode::UNAUTHORIZED);
    assert_eq!(known.body.replace("clara", "cl4ra"), unknown.body, "an unknown name reads the same");
    assert!(known.body.contains("value=\"clara\"") && known.body.contains("role=\"alert\""), "what was typed is kept");
    for second in 1..10 {
        world.app.clock().step_to(START.plus_seconds(second));
        sign_in(&http, "clara", "not this one at all").await;
    }
    let slowed = sign_in(&http, "clara", PASSWORD).await;
    assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS, "{slowed:?}");
    world.app.clock().step_to(START.plus_seconds(909));
    assert_eq!(sign_in(&http, "clara", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_and_after_twelve_hours() {
    let world = World::live().await;
    let http = Http::of(&world);
    let browser = browser(&world, world.client).await;
    let signed_in = async |seconds: i64| {
        world.app.clock().step_to(START.plus_seconds(seconds));
        open(&http, "/", &browser).await.status == StatusCode::OK
    };
    assert!(signed_in(1_800).await, "half an hour is not too long");
    for step in 2..24 {
        assert!(signed_in(1_800 * step).await, "used every half hour: {step}");
    }
    assert!(signed_in(43_199).await, "the last second of twelve hours");
    assert!(!signed_in(43_200).await, "twelve hours are over");
    let idle = self::browser(&world, world.client).await;
    world.app.clock().step_to(START.plus_seconds(43_200 + 1_801));
    assert_eq!(open(&http, "/", &idle).await.status, StatusCode::SEE_OTHER, "idle for more than half an hour");
}

#[tokio::test]
async fn the_signing_session_lasts_fifteen_minutes_to_the_second() {
    let world = World::live().await;
    world.app.add_login(world.signer, "sam", PASSWORD).await.unwrap();
    let http = Http::of(&world);
    let browser = browser(&world, world.signer).await;
    let wrong = post(&http, "/reauth", &browser, "password=nope&next=%2Fe%2Fx").await;
    assert!(wrong.status == StatusCode::UNAUTHORIZED && wrong.body.contains("The password is wrong"), "{wrong:?}");
    let right =
        post(&http, "/reauth", &browser, &format!("password={}&next=%2Fe%2Fx", PASSWORD.replace(' ', "+"))).await;
    assert_eq!((right.status, right.header("location")), (StatusCode::SEE_OTHER, "/e/x"));
    let secret = browser.strip_prefix("remit=").unwrap();
    let proven = async |seconds: i64| {
        world.app.clock().step_to(START.plus_seconds(seconds));
        let (who, _) = world.app.who(secret).await.unwrap().unwrap();
        matches!(who, remit_server::caller::Who::Person { reauthenticated: true, .. })
    };
    assert!(proven(0).await && proven(899).await && !proven(900).await);
}

#[tokio::test]
async fn another_site_cannot_post_here() {
    let world = World::live().await;
    let http = Http::of(&world);
    let browser = browser(&world, world.client).await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let headers = [("cookie", browser.as_str()), FORM, ("host", "remit.example"), (name, value)];
        let answer = http.send(Method::POST, "/sign-out", &headers, "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {answer:?}");
    }
    assert_eq!(open(&http, "/", &browser).await.status, StatusCode::OK, "still signed in");
}

fn demo(world: &World) -> Config {
    let persona = |host: &str, person| Persona {
        host: host.into(),
        person,
        name: host.to_uppercase(),
        title: format!("the {host}"),
        token: format!("token-{host}"),
    };
    let personas = vec![
        persona("client", world.client),
        persona("delivery", world.delivery),
        persona("reader1", world.reader1),
        persona("reader2", world.reader2),
        persona("adjudicator", world.adjudicator),
        persona("signer", world.signer),
    ];
    Config { demo: Some(Demo { personas, password: "demo" }), ..config() }
}

#[tokio::test]
async fn a_link_of_the_demo_opens_on_its_own_host_alone() {
    let world = World::live().await;
    let http = Http::with(&world, demo(&world));
    let enter = async |host: &str, token: &str| {
        http.send(Method::GET, &format!("/demo/enter?token={token}&next=%2Fe%2Fx"), &[("host", host)], "").await
    };
    let entered = enter("client.localhost:4747", "token-client").await;
    assert_eq!((entered.status, entered.header("location")), (StatusCode::SEE_OTHER, "/e/x"));
    let today = open(&http, "/", &cookie(&entered)).await;
    assert!(today.body.contains("you are <b>CLIENT</b>, the client"), "{today:?}");
    for (host, token) in [
        ("reader1.localhost", "token-client"),
        ("localhost", "token-client"),
        ("client.localhost", "token-clienu"),
        ("client.localhost.evil.example", "token-client"),
    ] {
        assert_eq!(enter(host, token).await.status, StatusCode::NOT_FOUND, "{host} {token}");
    }
    let plain = Http::of(&world);
    let refused = plain.send(Method::GET, "/demo/enter?token=token-client", &[("host", "client.localhost")], "").await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "there is no such link outside the demo");
}

#[tokio::test]
async fn nobody_signed_in_is_sent_to_sign_in_and_back() {
    let world = World::live().await;
    let http = Http::of(&world);
    let path = format!("/e/{}/knowledge", world.engagement);
    let sent = http.send(Method::GET, &path, &[], "").await;
    assert_eq!(sent.header("location"), format!("/sign-in?next={path}"));
    let fragment = http.send(Method::GET, &path, &[("hx-request", "true")], "").await;
    assert_eq!(fragment.header("hx-redirect"), format!("/sign-in?next={path}"));
}

/// Returns the kinds of task that wait for a person, in order.
async fn waits(world: &World, person: PersonId) -> Vec<TaskKind> {
    world.app.today(&world.caller(person)).await.unwrap().mine.iter().map(|task| task.kind).collect()
}

#[tokio::test]
async fn today_follows_a_case_from_person_to_person() {
    let world = World::live().await;
    let engagement = world.engagement;
    let case = world.take_in("T-1").await;
    assert_eq!(waits(&world, world.reader1).await, [TaskKind::NextCase]);
    assert_eq!(waits(&world, world.client).await, []);
    let theirs = world.app.today(&world.caller(world.client)).await.unwrap().theirs;
    assert!(
        matches!(theirs.as_slice(), [wait] if wait.kind == WaitKind::Work && wait.cases == 1 && wait.organisation == "Durban Analytics")
    );

    world.act(world.reader1, Command::ClaimSeat { engagement, case }).await.unwrap();
    let today = world.app.today(&world.caller(world.reader1)).await.unwrap();
    assert!(
        matches!(&today.mine[..], [Task { kind: TaskKind::Read, reference, assignment: Some(_), .. }] if reference == "T-1"),
        "{today:?}"
    );

    let judgement = world.judgement(case, "fell").await;
    world.act(world.reader1, Command::SubmitReading { engagement, case, judgement }).await.unwrap();
    world.read(world.reader2, case, "rose").await.unwrap();
    assert_eq!(waits(&world, world.adjudicator).await, [TaskKind::Adjudicate]);
    assert_eq!(waits(&world, world.reader1).await, []);
    world.act(world.adjudicator, Command::TakeAdjudication { engagement, case }).await.unwrap();
    assert_eq!(waits(&world, world.adjudicator).await, [TaskKind::Decide]);
    let judgement = world.judgement(case, "fell").await;
    world.act(world.adjudicator, Command::Adjudicate { engagement, case, judgement }).await.unwrap();
    assert_eq!(waits(&world, world.signer).await, [TaskKind::Sign]);

    let auditor = world.app.today(&world.caller(world.auditor)).await.unwrap();
    assert!(auditor.mine.is_empty() && auditor.closed[0].accepted == 0 && auditor.verification.is_some());
    let operator = world.app.today(&world.caller(world.operator)).await.unwrap();
    assert_eq!(operator.installation.map(|found| (found.jobs_stopped, found.drafts)), Some((0, 0)));
    let stranger = world.app.today(&world.caller(world.stranger)).await.unwrap();
    assert!(stranger.mine.is_empty() && stranger.engagements.is_empty() && stranger.installation.is_none());
}

#[tokio::test]
async fn today_of_a_reader_does_not_move_when_another_reads_the_same_case() {
    let world = World::live().await;
    let engagement = world.engagement;
    let case = world.take_in("T-1").await;
    world.act(world.reader1, Command::ClaimSeat { engagement, case }).await.unwrap();
    let http = Http::of(&world);
    let browser = browser(&world, world.reader1).await;
    let pages = async || {
        let mut seen = Vec::new();
        for path in ["/".to_owned(), format!("/e/{engagement}/engagement"), format!("/e/{engagement}/knowledge")] {
            seen.push(open(&http, &path, &browser).await.body);
        }
        seen
    };
    let before = pages().await;
    world.act(world.reader2, Command::ClaimSeat { engagement, case }).await.unwrap();
    assert_eq!(pages().await, before, "another reader took a seat");
    let judgement = world.judgement(case, "rose").await;
    world.act(world.reader2, Command::SubmitReading { engagement, case, judgement }).await.unwrap();
    assert_eq!(pages().await, before, "another reader sealed");
}

#[tokio::test]
async fn the_live_stream_is_silent_to_a_reader_until_the_case_is_decided() {
    let world = World::live().await;
    let engagement = world.engagement;
    let mut topics = world.app.topics();
    let mut heard = async |person: PersonId| {
        let mut all = Vec::new();
        while let Ok(topic) = topics.try_recv() {
            all.push(world.app.hears(&world.caller(person), topic.unwrap()).await.unwrap());
        }
        all
    };
    let case = world.take_in("T-1").await;
    assert_eq!(heard(world.reader1).await, [Heard::Today], "a case that may be taken came in");
    world.act(world.reader1, Command::ClaimSeat { engagement, case }).await.unwrap();
    world.act(world.reader2, Command::ClaimSeat { engagement, case }).await.unwrap();
    let judgement = world.judgement(case, "rose").await;
    world.act(world.reader2, Command::SubmitReading { engagement, case, judgement }).await.unwrap();
    assert_eq!(heard(world.reader1).await, [Heard::Nothing; 3]);
    let judgement = world.judgement(case, "rose").await;
    world.act(world.reader1, Command::SubmitReading { engagement, case, judgement }).await.unwrap();
    assert_eq!(heard(world.reader1).await, [Heard::Case(case)], "the readers agree: all is revealed");
    let open = Command::OpenMaterial { engagement, case, material: remit_kernel::case::Material::Deliverable };
    world.act(world.signer, open.clone()).await.unwrap();
    assert_eq!(heard(world.stranger).await, [Heard::Nothing]);
    world.act(world.signer, open).await.unwrap();
    assert_eq!(heard(world.client).await, [], "opened again: nothing happened");
    let item = remit_kernel::case::Material::Item(world.item(case).await, 1);
    world.act(world.signer, Command::OpenMaterial { engagement, case, material: item }).await.unwrap();
    assert_eq!(heard(world.client).await, [Heard::Case(case)]);
}

#[tokio::test]
async fn the_live_stream_carries_topics_and_nothing_else_and_ends_with_the_session() {
    let world = World::live().await;
    let http = Http::of(&world);
    let opened = world.app.open_session(world.client, SessionKind::Browser, "test").await.unwrap();
    let cookie = format!("remit={}", opened.secret);
    let path = format!("/e/{}/live", world.engagement);
    let mut stream = http.stream(&path, &cookie).await;
    assert!(
        stream.header("content-security-policy").starts_with("default-src 'none'")
            && stream.header("cache-control").contains("no-")
    );
    let case = world.take_in("T-1").await;
    assert_eq!(stream.next().await.unwrap(), format!("event: case\ndata: {case}\n\n"));
    assert_eq!(stream.next().await.unwrap(), "event: today\ndata: today\n\n");
    world.app.store().revoke_sessions(world.client).await.unwrap();
    world.take_in("T-2").await;
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn to_a_stranger_every_place_of_an_engagement_is_as_if_it_did_not_exist() {
    let world = World::live().await;
    let http = Http::of(&world);
    let unknown = EngagementId::of(Suffix::new(7, [3; 10]));
    for who in [world.stranger, world.operator] {
        let browser = browser(&world, who).await;
        for place in ["engagement", "engagement/sows/new", "people", "people/why", "knowledge", "live", "cases"] {
            let hidden = open(&http, &format!("/e/{}/{place}", world.engagement), &browser).await;
            let absent = open(&http, &format!("/e/{unknown}/{place}"), &browser).await;
            assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{place}: {hidden:?}");
            assert_eq!(hidden.body, absent.body, "{place}");
        }
        for place in ["engagement/live", "engagement/members"] {
            let hidden = post(&http, &format!("/e/{}/{place}", world.engagement), &browser, "capacity=1").await;
            let absent = post(&http, &format!("/e/{unknown}/{place}"), &browser, "capacity=1").await;
            assert_eq!((hidden.status, &hidden.body), (StatusCode::NOT_FOUND, &absent.body), "{place}");
        }
    }
    let browser = browser(&world, world.client).await;
    assert_eq!(open(&http, "/admin", &browser).await.status, StatusCode::NOT_FOUND);
    assert_eq!(open(&http, "/engagements/new", &browser).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn why_not_gives_the_very_reasons_of_the_refusal() {
    let world = World::live().await;
    let engagement = world.engagement;
    let case = world.take_in("T-1").await;
    world
        .act(world.operator, Command::SetConflict { person: world.reader2, party: "acme".into(), declared: true })
        .await
        .unwrap();
    world.act(world.delivery, Command::AddParty { engagement, case, party: "acme".into() }).await.unwrap();
    world.act(world.reader1, Command::ClaimSeat { engagement, case }).await.unwrap();
    let found =
        world.app.view(&world.caller(world.delivery), WhyNot { engagement, case, duty: Duty::Read }).await.unwrap();
    for person in [world.reader1, world.reader2, world.adjudicator, world.signer] {
        let refused = world.act(world.delivery, Command::AssignSeat { engagement, case, person }).await.unwrap_err();
        let Error::Refused(refusal) = refused else { panic!("{refused}") };
        let told = &found.people.iter().find(|known| known.person == person).unwrap().reasons;
        let codes: Vec<_> = told.iter().map(|why| (why.code.clone(), why.sentence.clone())).collect();
        let wanted: Vec<_> =
            refusal.reasons.iter().map(|reason| (reason.code.to_string(), reason.sentence.clone())).collect();
        assert_eq!(codes, wanted, "{person}");
    }
    assert_eq!(found.routed.len(), 1);
    assert!(found.routed[0].reader == "Rita Reader" && found.routed[0].passed_over.is_empty());
}

#[tokio::test]
async fn a_form_sent_as_it_came_leaves_every_role_as_it_was() {
    let world = World::live().await;
    let (engagement, person) = (world.engagement, world.reader1);
    let roles: Vec<Role> =
        Role::ALL.iter().copied().filter(|role| !role.of_directory() && !matches!(role, Role::ClientManager)).collect();
    let all = Command::ChangeMember { engagement, person, roles: roles.iter().copied().collect(), capacity: 10 };
    world.act(world.delivery, all).await.unwrap();
    let browser = crate::desk::Browser::of(&world, world.delivery).await;
    let page = browser.get(&format!("/e/{engagement}/engagement")).await.body;
    let at = format!("/e/{engagement}/engagement/members/{person}");
    let form = page.split_once(&format!("action=\"{at}\"")).unwrap().1.split_once("</form>").unwrap().0;
    let ticks = form.split("name=\"").skip(1).filter_map(|field| field.split_once('"')).filter_map(|(name, rest)| {
        rest.split('>').next().is_some_and(|rest| rest.trim() == "checked").then_some((name, "on"))
    });
    let fields: Vec<_> = ticks.chain([("capacity", "21")]).collect();
    assert_eq!(fields.len(), roles.len() + 1, "{form}");
    browser.send(&at, &fields).await;
    let home = world.app.view(&world.caller(world.delivery), ShowEngagement { engagement }).await.unwrap();
    let member = home.members.iter().find(|member| member.person == person).unwrap();
    assert_eq!((&member.roles, member.capacity), (&roles, Some(21)));
}

#[tokio::test]
async fn a_manager_who_reads_a_case_is_not_told_who_else_does() {
    let world = World::live().await;
    let engagement = world.engagement;
    let roles = [Role::DeliveryManager, Role::Expert].into();
    world
        .act(world.client, Command::ChangeMember { engagement, person: world.delivery, roles, capacity: 10 })
        .await
        .unwrap();
    let credential = Command::RecordCredential {
        person: world.delivery,
        kind: "reader".into(),
        jurisdiction: String::new(),
        number: "N-2".into(),
        valid_from: "2025-01-01".parse().unwrap(),
        valid_to: "2026-12-31".parse().unwrap(),
    };
    world.act(world.operator, credential).await.unwrap();
    let case = world.take_in("T-1").await;
    world.act(world.delivery, Command::ClaimSeat { engagement, case }).await.unwrap();
    let asked = world.app.view(&world.caller(world.delivery), WhyNot { engagement, case, duty: Duty::Read }).await;
    assert!(asked.unwrap_err().to_string().contains("you read this case yourself"));
}

#[tokio::test]
async fn the_bench_is_for_those_who_arrange_the_work() {
    let world = World::live().await;
    let engagement = world.engagement;
    let bench = world.app.view(&world.caller(world.delivery), ShowBench { engagement }).await.unwrap();
    let reader = bench.people.iter().find(|line| line.member.person == world.reader1).unwrap();
    assert_eq!(
        (reader.member.capacity, reader.member.load, reader.credentials[0].kind.as_str()),
        (Some(50), Some(0), "reader")
    );
    assert!(world.app.view(&world.caller(world.reader1), ShowBench { engagement }).await.is_err());
    let home = world.app.view(&world.caller(world.reader1), ShowEngagement { engagement }).await.unwrap();
    assert!(
        home.cases.is_none() && home.members.iter().all(|member| member.load.is_none()),
        "figures that move with others' work"
    );
    let own = ShowPerson { engagement: Some(engagement), person: world.reader1 };
    assert_eq!(world.app.view(&world.caller(world.reader1), own).await.unwrap().credentials[0].number, "N-1");
    let other = ShowPerson { engagement: Some(engagement), person: world.reader2 };
    assert!(world.app.view(&world.caller(world.reader1), other).await.is_err());
    let knowledge = world.app.view(&world.caller(world.reader1), ShowKnowledge { engagement }).await.unwrap();
    assert_eq!(knowledge.packs[0].clauses, ["SOW v1 § 2.1", "SOW v1 § 2.2", "SOW v1 § 2.3", "SOW v1 § 9.1"]);
}

#[tokio::test]
async fn a_statement_of_work_is_drafted_mended_and_signed_by_form() {
    let world = World::live().await;
    let http = Http::of(&world);
    let (delivery, client) = (browser(&world, world.delivery).await, browser(&world, world.client).await);
    let home = format!("/e/{}/engagement", world.engagement);
    let line = |price: &str| {
        format!(
            "starts_on=2026-01-01&ends_on=2026-12-31&clause.0=2.1&service.0=Reading+%3Cb%3Efast%3C%2Fb%3E&kind.0=standard&includes.0=trial&price.0={price}&currency.0=gbp&revisions_max.0=1&pack.0={}",
            world.pack.digest
        )
    };
    let refused = post(&http, &format!("{home}/sows/new"), &delivery, &line("much")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("“much” is not a price")
            && refused.body.contains("Reading &#60;b&#62;fast")
            && refused.body.contains("aria-invalid"),
        "{}",
        refused.body
    );
    let longer = post(&http, &format!("{home}/sows/new"), &delivery, &format!("{}&do=add", line("50"))).await;
    assert!(longer.body.contains("Line 2"), "a line more, nothing lost");
    let drafted = post(&http, &format!("{home}/sows/new"), &delivery, &line("50.00")).await;
    assert_eq!(drafted.status, StatusCode::SEE_OTHER, "{}", drafted.body);
    let view =
        world.app.view(&world.caller(world.delivery), ShowEngagement { engagement: world.engagement }).await.unwrap();
    let draft = &view.sows[0];
    assert_eq!((draft.number, draft.lines[0].price_minor, draft.lines[0].stopping.readings), (2, 5_000, 2));
    for (path, browser) in [("propose", &delivery), ("sign", &delivery), ("sign", &client)] {
        let done = post(&http, &format!("{home}/sows/{}/{path}", draft.sow), browser, "").await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{path}: {}", done.body);
    }
    let again = post(&http, &format!("{home}/sows/{}/sign", draft.sow), &client, "").await;
    assert!(again.status == StatusCode::CONFLICT && again.body.contains("role=\"alert\""), "{}", again.body);
    assert!(open(&http, &home, &client).await.body.contains("Signed for the client by Clara Client."));
}

#[tokio::test]
async fn the_operator_sets_up_people_and_engagements_and_sees_no_case() {
    let world = World::live().await;
    let http = Http::of(&world);
    let operator = browser(&world, world.operator).await;
    let person = format!("org={}&name=Nia+New&place=za&languages=en%2C+fr&signs_in=on", world.provider_org);
    let added = post(&http, "/admin/people", &operator, &person).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    let page = added.header("location").to_owned();
    let short = post(&http, &format!("{page}/login"), &operator, "name=nia&password=short").await;
    assert!(
        short.status == StatusCode::UNPROCESSABLE_ENTITY && short.body.contains("fewer than 12 characters"),
        "{}",
        short.body
    );
    assert_eq!(
        post(&http, &format!("{page}/login"), &operator, "name=nia&password=a+long+sentence").await.status,
        StatusCode::SEE_OTHER
    );
    let nia = sign_in(&http, "nia", "a long sentence").await;
    assert_eq!(open(&http, "/", &cookie(&nia)).await.status, StatusCode::OK);
    assert_eq!(post(&http, &format!("{page}/sessions"), &operator, "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(open(&http, "/", &cookie(&nia)).await.status, StatusCode::SEE_OTHER, "her sessions were ended");
    world.take_in("SECRET-REFERENCE").await;
    for path in ["/admin", "/", &page] {
        let shown = open(&http, path, &operator).await;
        assert!(shown.status == StatusCode::OK && !shown.body.contains("SECRET-REFERENCE"), "{path}");
    }
    let draft = format!(
        "name=Second&client={}&provider={}&client_manager={}&delivery_manager={}",
        world.client_org, world.provider_org, world.client, world.delivery
    );
    assert_eq!(post(&http, "/engagements/new", &operator, &draft).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.app.today(&world.caller(world.operator)).await.unwrap().installation.unwrap().drafts, 1);
}
