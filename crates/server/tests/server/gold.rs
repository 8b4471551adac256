//! Gold mixed into live work: what its reader, her colleagues and the client can see of it, before and after she is told.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use remit_kernel::{
    alarm::Yardstick,
    command::{CaseIn, Command},
    id::{AssignmentId, CaseId, GoldId, PersonId},
    index::CaseStatus,
    pack::{GoldPlan, Plan, ReviewPlan},
    stream::{Event, Scope, State, StreamId, apply},
    time::Instant,
};
use remit_server::{
    Error,
    app::{
        Topic,
        case::ListCases,
        certificate::{GetCertificate, GoldFigures, Levels, Whole, figures},
        export::{ExportCases, ExportEvents},
        gold::{ShowGold, ShowOwnGold},
        live::Heard,
        model::ShowModel,
        quality::{ShowDrift, ShowQuality},
        today::TaskKind,
    },
    jobs::run_due,
};
use remit_store::CaseFilter;
use serde_json::Value;

use crate::{
    desk::Browser,
    http::{Answer, Http},
    world::{START, World, pack},
};

/// A world in which every second request is answered with gold, one gold case in rotation, made of `G-1`.
pub(crate) struct Golden {
    pub(crate) world: World,
    pub(crate) gold: GoldId,
    /// A reader who had no part in it.
    pub(crate) reader: PersonId,
}

impl Golden {
    pub(crate) async fn begin() -> Self {
        Self::under(None).await
    }

    /// As [`Self::begin`], where decided cases are judged in lots.
    async fn under(review: Option<ReviewPlan>) -> Self {
        let world = World::live().await;
        world.put_in_force(draft(&world, review).await).await;
        let engagement = world.engagement;
        let source = take_in(&world, "G-100").await;
        world.read(world.reader1, source, "fell").await.unwrap();
        world.read(world.reader2, source, "fell").await.unwrap();
        let keeper = world.another_manager("Mona Manager").await;
        world.act(keeper, Command::ProposeGold { engagement, case: source, note: None }).await.unwrap();
        world.act(world.delivery, Command::ApproveGold { engagement, gold: source.gold() }).await.unwrap();
        let reader = world.another_reader("Rosa Reader").await;
        Self { world, gold: source.gold(), reader }
    }

    /// Asks for the next case until gold is drawn; what was drawn before is given back. Returns the showing.
    pub(crate) async fn shown(&self, person: PersonId) -> (AssignmentId, CaseId) {
        let (world, engagement) = (&self.world, self.world.engagement);
        for number in 0..60 {
            take_in(world, &format!("L-{}", 200 + number)).await;
            let receipt = world.act(person, Command::ClaimNext { engagement }).await.unwrap();
            let case = receipt.case().unwrap();
            if self.is_showing(case).await {
                return (receipt.assignment.unwrap(), case);
            }
            world.act(person, Command::ReleaseSeat { engagement, case, reason: "another".into() }).await.unwrap();
        }
        panic!("gold was never drawn");
    }

    pub(crate) async fn is_showing(&self, case: CaseId) -> bool {
        let scope = self.world.engagement.to_string();
        self.world.app.store().find_case(&scope, case).await.unwrap().unwrap().showing
    }

    async fn seal(&self, person: PersonId, case: CaseId, answer: &str) {
        let judgement = self.world.judgement(case, answer).await;
        let command = Command::SubmitReading { engagement: self.world.engagement, case, judgement };
        self.world.act(person, command).await.unwrap();
    }

    async fn days(&self, days: i64) {
        self.world.app.clock().step_to(self.world.app.clock().now().plus_seconds(days * 86_400));
        while run_due(&self.world.app).await.unwrap() > 0 {}
    }
}

async fn draft(world: &World, review: Option<ReviewPlan>) -> remit_kernel::id::SowId {
    let Command::DraftSow { engagement, starts_on, ends_on, names_people, mut lines } = world.draft_sow(Some(100))
    else {
        panic!("it drafts");
    };
    let gold = Some(GoldPlan { rate_bp: 5_000, ..GoldPlan::USUAL });
    lines[0].plan = Some(Plan { gold, review, ..pack().plan });
    let draft = Command::DraftSow { engagement, starts_on, ends_on, names_people, lines };
    world.act(world.delivery, draft).await.unwrap().sow().unwrap()
}

/// Takes in a case whose title tells nothing of its reference.
async fn take_in(world: &World, reference: &str) -> CaseId {
    let case = CaseIn { title: "Did it lower the mean?".into(), ..world.case_in(reference) };
    world.act(world.client, Command::TakeIn { engagement: world.engagement, case }).await.unwrap().case().unwrap()
}

/// Returns a body with whatever names one case, instant or digest replaced, so that two cases can be laid side by side.
fn faceless(body: &str) -> String {
    // How long ago something was is said of its instant, which is another for each case.
    let body: String = body
        .split_inclusive("</time>")
        .map(|part| match part.strip_suffix("</time>").and_then(|rest| rest.rfind('>')) {
            Some(end) => format!("{}</time>", &part[..=end]),
            None => part.to_owned(),
        })
        .collect();
    let mut out = String::new();
    let mut word = String::new();
    for letter in body.chars().chain(['\n']) {
        if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | ':' | '.') {
            word.push(letter);
            continue;
        }
        out.push_str(mask(&word));
        word.clear();
        out.push(letter);
    }
    out
}

fn mask(word: &str) -> &str {
    let id = word.split_once('_').is_some_and(|(_, suffix)| suffix.len() == 26);
    let passage = word.matches(':').count() == 3 && word.starts_with("item_");
    let reference = (word.starts_with("L-") || word.starts_with("G-")) && word.len() == 5;
    let instant = word.starts_with("2026-") && word.contains('T');
    let clock = word.len() == 8 && word.matches(':').count() == 2;
    let digest = word.len() >= 12 && word.chars().all(|letter| letter.is_ascii_hexdigit());
    if id || passage {
        "ID"
    } else if reference {
        "REFERENCE"
    } else if instant || clock {
        "TIME"
    } else if digest {
        "DIGEST"
    } else {
        word
    }
}

/// Everything that a reader can open, send and get back about one case, from taking it to having sealed it.
async fn everything(
    golden: &Golden,
    browser: &Browser,
    assignment: AssignmentId,
    case: CaseId,
) -> Vec<(String, Answer)> {
    let engagement = golden.world.engagement;
    let api = format!("/api/v1/engagements/{engagement}");
    let item = golden.world.item(case).await;
    let paths = [
        format!("{api}/seats"),
        format!("{api}/assignments/{assignment}"),
        format!("{api}/assignments/{assignment}/draft"),
        format!("{api}/cases/{case}"),
        format!("{api}/cases/{case}/timeline"),
        format!("{api}/cases/{case}/items/{item}/1"),
        format!("{api}/cases/{case}/witnesses"),
        format!("{api}/cases?status=reading"),
        format!("/e/{engagement}/cases/{case}"),
        format!("/e/{engagement}/cases"),
        format!("/e/{engagement}/cases.xlsx"),
        format!("/e/{engagement}/cases?text=lower"),
        format!("/e/{engagement}/read/{assignment}"),
        format!("/e/{engagement}/read"),
        format!("/e/{engagement}/gold/mine"),
        format!("/e/{engagement}/my-work"),
        format!("/e/{engagement}/my-work/record"),
        format!("{api}/my-work"),
        format!("/e/{engagement}/reviews/mine"),
        format!("/e/{engagement}/gold"),
        format!("/e/{engagement}/sign/{case}"),
        format!("/e/{engagement}/adjudicate/{case}"),
        format!("/e/{engagement}/people/why?case={case}&duty=read"),
        format!("{api}/gold/mine"),
        format!("{api}/gold"),
        format!("{api}/export/events"),
        "/".to_owned(),
        "/api/v1/today".to_owned(),
    ];
    let mut seen = Vec::new();
    for path in paths {
        let mut answer = browser.get(&path).await;
        answer.headers.remove("x-request-id");
        answer.headers.remove("etag");
        if path.contains(".xlsx") {
            // A workbook is packed: two alike in every word differ in length.
            answer.body = String::new();
            answer.headers.remove("content-length");
        } else {
            answer.body = faceless(&answer.body);
        }
        seen.push((faceless(&path), answer));
    }
    seen
}

#[tokio::test]
async fn a_showing_and_a_case_look_alike_to_their_reader_in_every_place() {
    let golden = Golden::begin().await;
    let (world, reader) = (&golden.world, golden.reader);
    let other = golden.world.another_reader("Rula Reader").await;
    for number in 0..4 {
        take_in(world, &format!("L-{}", 110 + number)).await;
    }
    world.app.clock().step_to(START.plus_seconds(7_200));
    // Two readers in the same place: one is drawn gold, the other is not.
    let live = loop_until(&golden, other, false).await;
    let gold = loop_until(&golden, reader, true).await;
    let happened = |receipt: &remit_server::app::Receipt| {
        receipt.events.iter().map(|event| (mask_stream(&event.stream), event.kind.clone())).collect::<Vec<_>>()
    };
    assert_eq!(happened(&gold), happened(&live), "the receipt tells nothing");
    let (mine, hers) = (Browser::of(world, reader).await, Browser::of(world, other).await);
    let sides = async |assignment_of_gold, case_of_gold, assignment_of_live, case_of_live| {
        let one = everything(&golden, &mine, assignment_of_gold, case_of_gold).await;
        let two = everything(&golden, &hers, assignment_of_live, case_of_live).await;
        for ((path, one), (other, two)) in one.into_iter().zip(two) {
            assert_eq!(path, other);
            let names = |body: &str| body.replace("Rosa", "R").replace("Rula", "R");
            assert_eq!(one.status, two.status, "{path}");
            assert_eq!(names(&one.body), names(&two.body), "{path}");
            assert_eq!(one.headers, two.headers, "{path}");
        }
    };
    let (gold_seat, gold_case) = (gold.assignment.unwrap(), gold.case().unwrap());
    let (live_seat, live_case) = (live.assignment.unwrap(), live.case().unwrap());
    sides(gold_seat, gold_case, live_seat, live_case).await;
    golden.seal(reader, gold_case, "rose").await;
    golden.seal(other, live_case, "rose").await;
    sides(gold_seat, gold_case, live_seat, live_case).await;
}

/// Every instant that one case tells its reader of, by where it stands, and that of each identifier.
async fn instants(golden: &Golden, browser: &Browser, assignment: AssignmentId, case: CaseId) -> BTreeMap<String, i64> {
    let api = format!("/api/v1/engagements/{}", golden.world.engagement);
    let mut found = BTreeMap::new();
    for path in [format!("cases/{case}"), format!("assignments/{assignment}"), format!("cases/{case}/timeline")] {
        let answer = browser.get(&format!("{api}/{path}")).await.json();
        let place = path.rsplit('/').next().unwrap().split('_').next().unwrap().to_owned();
        leaves(&answer, &place, &mut found);
    }
    found
}

fn leaves(value: &Value, place: &str, found: &mut BTreeMap<String, i64>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| leaves(value, &format!("{place}.{key}"), found)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| leaves(value, &format!("{place}.{index}"), found));
        }
        Value::String(text) => {
            let id = ["case_", "item_", "asg_", "panel_"].iter().find_map(|prefix| text.strip_prefix(prefix));
            if let Some(id) = id {
                found.insert(format!("{place} (made)"), made(id));
            } else if let Ok(at) = text.parse::<Instant>() {
                found.insert(place.to_owned(), at.micros());
            }
        }
        _ => {}
    }
}

/// Returns the instant in an identifier, in milliseconds since the epoch, as microseconds.
fn made(suffix: &str) -> i64 {
    let digit = |letter: char| "0123456789abcdefghjkmnpqrstvwxyz".find(letter).unwrap();
    i64::try_from(suffix[..10].chars().fold(0, |millis, letter| millis * 32 + digit(letter))).unwrap() * 1_000
}

/// Whether two instants are the same, in one millisecond, a fixed span apart, or neither.
fn relation(one: i64, other: i64) -> String {
    let apart = other - one;
    match apart {
        0 => "the same".to_owned(),
        -999..=999 => "of one act".to_owned(),
        _ if apart % 86_400_000_000 == 0 => format!("{} days", apart / 86_400_000_000),
        _ if apart % 1_000_000 == 0 => "whole seconds".to_owned(),
        _ => "apart".to_owned(),
    }
}

#[tokio::test]
async fn no_time_or_reference_of_a_showing_stands_to_another_as_none_of_a_real_case_does() {
    let golden = Golden::begin().await;
    let (world, engagement) = (&golden.world, golden.world.engagement);
    let clock = world.app.clock();
    for number in 0..16i64 {
        let at = START.plus_seconds(number * 9_000 + number * number * 37).micros() + number * 137_911 + 11;
        clock.step_to(Instant::from_micros(at));
        let due_at = clock.now().plus_seconds(5 * 86_400);
        let case = CaseIn {
            title: "Did it lower the mean?".into(),
            due_at,
            ..world.case_in(&format!("L-{}", 101 + 2 * number))
        };
        world.act(world.client, Command::TakeIn { engagement, case }).await.unwrap();
    }
    clock.step_to(Instant::from_micros(clock.now().plus_seconds(5_000).micros() + 77_177));
    for name in ["Rosa Reader", "Rula Reader", "Rita Reader", "Ruth Reader"] {
        let reader = world.another_reader(name).await;
        let browser = Browser::of(world, reader).await;
        let (mut real, mut shown) = (Vec::new(), None);
        for gold in [false, true, false, false] {
            let receipt = loop_until(&golden, reader, gold).await;
            let (assignment, case) = (receipt.assignment.unwrap(), receipt.case().unwrap());
            let told = browser.get(&format!("/api/v1/engagements/{engagement}/cases/{case}")).await.json();
            let reference = told["reference"].as_str().unwrap().to_owned();
            let instants = instants(&golden, &browser, assignment, case).await;
            assert!(instants.len() >= 8, "{instants:?}");
            clock.step_to(Instant::from_micros(clock.now().plus_seconds(61).micros() + 310_007));
            if gold { shown = Some((reference, instants)) } else { real.push((reference, instants)) }
        }
        let shown = shown.unwrap();
        let places: Vec<_> = real[0].1.keys().collect();
        assert_eq!(shown.1.keys().collect::<Vec<_>>(), places, "{name}");
        for (index, one) in places.iter().enumerate() {
            for other in &places[index + 1..] {
                let of = |case: &(String, BTreeMap<String, i64>)| relation(case.1[*one], case.1[*other]);
                let usual: BTreeSet<_> = real.iter().map(of).collect();
                assert!(usual.contains(&of(&shown)), "{one} and {other}: {} where {usual:?}", of(&shown));
            }
        }
        for case in &real {
            for place in &places {
                let both = relation(case.1[*place], shown.1[*place]);
                assert_eq!(both, "apart", "{place} of {} and of the showing {}", case.0, shown.0);
            }
        }
        let mut order: Vec<_> =
            real.iter().chain([&shown]).map(|(reference, at)| (at["case.received_at"], reference)).collect();
        order.sort();
        assert!(
            order.windows(2).all(|pair| pair[0].1 < pair[1].1),
            "references follow the order of receipt: {order:?}"
        );
    }
}

fn mask_stream(stream: &str) -> String {
    stream.split('/').next().unwrap_or_default().to_owned()
}

/// Lets a fresh choice be made until it falls as wanted, with as many cases open as before.
async fn loop_until(golden: &Golden, person: PersonId, wanted: bool) -> remit_server::app::Receipt {
    let (world, engagement) = (&golden.world, golden.world.engagement);
    // The draw is the server's own: what falls otherwise is looked at and not done.
    for _ in 0..200 {
        let caller = world.caller(person);
        let (write, receipt) = world.app.prepare(&caller, &Command::ClaimNext { engagement }).await.unwrap();
        let shows = write.events.iter().any(|event| event.kind == "shown");
        if shows == wanted {
            world.app.store().commit(write).await.unwrap();
            return receipt;
        }
    }
    panic!("never drawn");
}

#[tokio::test]
async fn a_case_taken_just_now_has_the_past_of_one_that_came_in_earlier() {
    let golden = Golden::begin().await;
    golden.world.app.clock().step_to(START.plus_seconds(7_200));
    let (_, case) = golden.shown(golden.reader).await;
    let browser = Browser::of(&golden.world, golden.reader).await;
    let path = format!("/api/v1/engagements/{}/cases/{case}", golden.world.engagement);
    let now = browser.get(&path).await.json();
    let received = now["received_at"].as_str().unwrap().to_owned();
    assert!(*received < *"2026-03-02T11:00:00Z", "it came in before it was asked for: {received}");
    let then = browser.get(&format!("{path}?as_of={received}")).await;
    assert_eq!((then.status, &then.json()["status"]), (StatusCode::OK, &Value::from("ready")), "{then:?}");
    let early = browser.get(&format!("{path}?as_of=2026-03-01T00:00:00Z")).await;
    assert_eq!(early.problem(), "field-invalid");
    let timeline = browser.get(&format!("{path}/timeline")).await.json();
    let lines: Vec<_> = timeline.as_array().unwrap().iter().map(|line| line["at"].as_str().unwrap()).collect();
    assert_eq!(lines[0], received, "{timeline}");
    assert!(lines.iter().filter(|at| **at == received).count() >= 4, "what laid it is of that instant: {lines:?}");
}

#[tokio::test]
async fn nobody_else_meets_a_showing_in_a_list_a_count_a_queue_or_a_file() {
    let golden = Golden::begin().await;
    let (world, engagement) = (&golden.world, golden.world.engagement);
    let (_, case) = golden.shown(golden.reader).await;
    golden.seal(golden.reader, case, "rose").await;
    let scope = engagement.to_string();
    let known = format!("{case}");
    for person in [world.client, world.delivery, world.reader1, world.adjudicator, world.signer, world.auditor] {
        let browser = Browser::of(world, person).await;
        for path in [
            "/",
            &format!("/e/{engagement}/cases"),
            &format!("/api/v1/engagements/{engagement}/cases"),
            "/api/v1/today",
        ] {
            let answer = browser.get(path).await;
            assert!(!answer.body.contains(&known), "{path} tells {person} of the showing");
        }
    }
    for person in [world.client, world.reader1, world.adjudicator, world.signer, world.auditor, world.stranger] {
        let browser = Browser::of(world, person).await;
        for path in [format!("/e/{engagement}/cases/{case}"), format!("/api/v1/engagements/{engagement}/cases/{case}")]
        {
            assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND, "{path} for {person}");
        }
        let topic = Topic { scope: scope.parse().unwrap(), case: Some(case), opened: false };
        assert_eq!(world.app.hears(&world.caller(person), topic).await.unwrap(), Heard::Nothing);
    }
    let store = world.app.store();
    let all = store.count_cases(&scope, &CaseFilter::default()).await.unwrap();
    let listed = store.list_cases(&scope, &CaseFilter::default(), None, 200).await.unwrap();
    let by_status: u64 = store.count_cases_by_status(&scope).await.unwrap().iter().map(|(_, cases)| cases).sum();
    assert_eq!((all, by_status), (listed.len() as u64, listed.len() as u64));
    assert!(listed.iter().all(|row| !row.showing));
    let quality = world.app.view(&world.caller(world.client), ShowQuality { engagement, origin: None }).await.unwrap();
    assert_eq!(quality.panels, 1, "the one case that was really read");
    let cases = world.app.view(&world.caller(world.client), ExportCases { engagement, after: None }).await.unwrap();
    assert!(!format!("{cases:?}").contains(&known), "the client takes no showing along");
    let events = world.app.view(&world.caller(world.client), ExportEvents { engagement, after: None }).await.unwrap();
    let streams: Vec<_> = events.events.iter().map(|event| event["stream"].as_str().unwrap().to_owned()).collect();
    let kept = format!("case/{case}");
    assert!(!streams.iter().any(|stream| *stream == kept || stream.starts_with("gold/")), "{streams:?}");
    no_event_names_what_is_not_listed(world, case).await;
    let audit = world.app.view(&world.caller(world.auditor), ShowGold { engagement }).await.unwrap();
    assert_eq!((audit.golds.len(), audit.showings.len(), audit.may_manage), (1, 1, false));
    for person in [world.client, world.reader1, golden.reader, world.signer] {
        let answer = world.app.view(&world.caller(person), ShowGold { engagement }).await;
        assert!(matches!(answer, Err(Error::Refused(_))), "the pool is not for {person}");
    }
}

/// What an export says of duties is of cases that its reader may see: the others would be the showings and what is open.
async fn no_event_names_what_is_not_listed(world: &World, showing: CaseId) {
    let engagement = world.engagement;
    let open = take_in(world, "L-900").await;
    world.act(world.reader2, Command::ClaimSeat { engagement, case: open }).await.unwrap();
    for person in [world.client, world.auditor, world.delivery] {
        let caller = world.caller(person);
        let exported = world.app.view(&caller, ExportEvents { engagement, after: None }).await.unwrap();
        let of_members =
            exported.events.iter().filter(|event| event["stream"].as_str().unwrap().starts_with("member/"));
        let members: Vec<_> = of_members.collect();
        let named = |case: CaseId| members.iter().any(|event| event["body"]["case"] == format!("{case}"));
        assert!(!named(showing), "{person} is told who holds a showing");
        assert!(!named(open), "{person} is told who reads while the panel is open");
        let told = members.iter().any(|event| event["kind"] == "duty_taken");
        assert_eq!(told, person == world.delivery, "duties on what was decided are told to whoever sees it whole");
    }
}

#[tokio::test]
async fn a_real_case_with_the_reference_of_a_showing_waits_for_others_until_its_reader_is_told_or_it_is_due() {
    let golden = Golden::begin().await;
    let (world, reader) = (&golden.world, golden.reader);
    let (_, showing) = golden.shown(reader).await;
    let path = format!("/api/v1/engagements/{}/cases/{showing}", world.engagement);
    let told = Browser::of(world, reader).await.get(&path).await.json();
    let real = take_in(world, told["reference"].as_str().unwrap()).await;
    let scope = world.engagement.to_string();
    let withheld = async |person, now| world.app.store().withheld_from(&scope, person, now, &[real]).await.unwrap();
    let now = world.app.clock().now();
    assert!(withheld(reader, now).await.contains(&real), "two cases of one name would tell her");
    assert!(withheld(world.reader1, now).await.is_empty());
    assert!(!withheld(reader, START.plus_seconds(5 * 86_400 - 3_600)).await.contains(&real), "somebody has to read it");
    golden.seal(reader, showing, "rose").await;
    golden.days(8).await;
    assert!(!withheld(reader, now).await.contains(&real), "she knows now which of the two was gold");
}

#[tokio::test]
async fn asking_for_gold_wakes_nobody_and_counts_as_any_other_claim() {
    let golden = Golden::begin().await;
    let (world, reader) = (&golden.world, golden.reader);
    for number in 0..3 {
        take_in(world, &format!("L-{}", 120 + number)).await;
    }
    let fitting = async |person| {
        let today = world.app.today(&world.caller(person)).await.unwrap();
        let next = today.mine.into_iter().find(|task| task.kind == TaskKind::NextCase).unwrap();
        (next.cases, next.due_at)
    };
    let before = fitting(reader).await;
    let other = golden.world.another_reader("Rula Reader").await;
    let mut counted = Vec::new();
    for (person, wanted) in [(reader, true), (other, false)] {
        let receipt = loop_until(&golden, person, wanted).await;
        assert!(!receipt.has("planned"), "a claim that says it planned would wake every reader");
        counted.push(fitting(person).await);
    }
    assert_eq!(counted, [(before.0 - 1, before.1); 2], "one fewer fits, as after any claim");
}

#[tokio::test]
async fn a_reader_is_told_after_the_window_objects_and_is_measured_anew() {
    let golden = Golden::begin().await;
    let (world, engagement, reader) = (&golden.world, golden.world.engagement, golden.reader);
    let (_, case) = golden.shown(reader).await;
    golden.seal(reader, case, "rose").await;
    let own = async || world.app.view(&world.caller(reader), ShowOwnGold { engagement }).await.unwrap();
    golden.days(6).await;
    assert!(own().await.results.is_empty(), "not yet");
    let browser = Browser::of(world, reader).await;
    let pages = async || {
        let work = browser.get(&format!("/e/{engagement}/my-work")).await.body;
        let cases = browser.get(&format!("/e/{engagement}/cases")).await.body;
        [work.contains("Not closed yet"), work.contains("This was a gold case"), cases.contains("Gold case, told")]
    };
    assert_eq!(pages().await, [true, false, false], "it looks like any case that is not closed");
    let rebut = || Command::RebutGold { engagement, case, note: "The median rose.".into() };
    assert!(world.act(reader, rebut()).await.is_err());
    golden.days(1).await;
    let told = own().await;
    assert_eq!((told.right.hits, told.right.n, told.right.value), (0, 1, None), "no point below ten answers");
    assert_eq!(told.results[0].answers[0].wanted, "fell");
    assert_eq!(pages().await, [false, true, true], "then each page says the same");
    let page = browser.get(&format!("/e/{engagement}/gold/mine")).await;
    assert!(page.body.contains("Object to the gold answer"), "{page:?}");
    let line = world
        .app
        .view(&world.caller(reader), ListCases { engagement, filter: CaseFilter::default(), after: None, limit: 50 })
        .await
        .unwrap();
    assert!(line.cases.iter().any(|line| line.case == case && line.gold && line.status == CaseStatus::Cancelled));
    world.act(reader, rebut()).await.unwrap();
    let http = Http::of(world);
    let decide = format!("/api/v1/engagements/{engagement}/cases/{case}/gold/decide");
    let body = serde_json::json!({ "note": "So it did.", "corrected": { "effect": { "choice": "rose" } } });
    let refused = http.post(&decide, &world.token(world.delivery).await, &body).await;
    assert_eq!(refused.problem(), "self-review", "who approved does not decide");
    let third = world.another_manager("Third Manager").await;
    let pool = world.app.view(&world.caller(third), ShowGold { engagement }).await.unwrap();
    let line = |person| pool.readers.iter().find(|line| line.person == person).unwrap();
    assert_eq!(
        (line(reader).shown, line(reader).left, line(reader).reached.hits),
        (1, 0, 1),
        "she has met all there is"
    );
    assert_eq!((line(world.reader1).left, line(world.reader1).shown), (0, 0), "who read the source is shown none");
    let fresh = world.another_reader("Fay Reader").await;
    let now = world.app.view(&world.caller(third), ShowGold { engagement }).await.unwrap();
    assert_eq!(now.readers.iter().find(|line| line.person == fresh).unwrap().left, 1);
    let page = Browser::of(world, third).await.get(&format!("/e/{engagement}/gold")).await.body;
    assert!(page.contains("none left") && page.contains("know every gold case in rotation"), "{page}");
    assert!(pool.rebuttals[0].may_decide && pool.rebuttals[0].note == "The median rose.");
    assert_eq!(http.post(&decide, &world.token(third).await, &body).await.status, StatusCode::OK);
    let told = own().await;
    assert_eq!((told.right.hits, told.right.n), (1, 1));
    assert!(told.results[0].passed && told.results[0].corrected);
    let pool = world.app.view(&world.caller(third), ShowGold { engagement }).await.unwrap();
    assert_eq!((pool.all.hits, pool.all.n, pool.golds[0].version), (1, 1, 2));
    let verified = world.app.verify(&world.caller(world.operator), Scope::Directory, |_| {}).await.unwrap();
    assert!(verified.ok, "{verified:?}");
}

#[tokio::test]
async fn whoever_opened_a_case_is_not_shown_it_as_gold() {
    let golden = Golden::begin().await;
    let (world, scope) = (&golden.world, golden.world.engagement.to_string());
    let packs = [world.pack.digest];
    let pool = async |person: PersonId| world.app.store().gold_pool(&scope, &packs, &[person], 8).await.unwrap();
    assert_eq!(pool(golden.reader).await, [golden.gold]);
    assert!(pool(world.reader1).await.is_empty(), "she read it");
    let browser = Browser::of(world, world.auditor).await;
    assert_eq!(pool(world.auditor).await, [golden.gold]);
    browser.get(&format!("/e/{scope}/cases/{}", golden.gold.case())).await;
    assert!(pool(world.auditor).await.is_empty(), "she opened it");
}

#[tokio::test]
async fn the_pool_is_kept_from_a_page() {
    let golden = Golden::begin().await;
    let (world, engagement) = (&golden.world, golden.world.engagement);
    let case = take_in(world, "G-101").await;
    world.read(world.reader1, case, "same").await.unwrap();
    world.read(world.reader2, case, "same").await.unwrap();
    let browser = Browser::of(world, world.delivery).await;
    let page = browser.get(&format!("/e/{engagement}/cases/{case}")).await;
    assert!(page.body.contains("Propose as a gold case"), "{page:?}");
    let proposed = browser.send(&format!("/e/{engagement}/cases/{case}/gold"), &[("note", "plain")]).await;
    assert_eq!(proposed.status, StatusCode::SEE_OTHER);
    let gold = case.gold();
    let refused = browser.send(&format!("/e/{engagement}/gold/{gold}/approve"), &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "who proposed does not approve");
    assert!(refused.body.contains("You proposed this"), "{refused:?}");
    let other = world.another_manager("Other Manager").await;
    let browser = Browser::of(world, other).await;
    let page = browser.get(&format!("/e/{engagement}/gold")).await;
    assert!(page.body.contains("Waits for approval") && page.body.contains("Mona Manager"), "{page:?}");
    assert_eq!(browser.send(&format!("/e/{engagement}/gold/{gold}/approve"), &[]).await.status, StatusCode::SEE_OTHER);
    let empty = browser.send(&format!("/e/{engagement}/gold/{gold}/retire"), &[("reason", "")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        browser.send(&format!("/e/{engagement}/gold/{gold}/retire"), &[("reason", "known")]).await.status,
        StatusCode::SEE_OTHER
    );
    let knowledge = browser.get(&format!("/e/{engagement}/knowledge")).await;
    assert!(knowledge.body.contains("about one in 2 (50 %)"), "everybody may know the rate: {knowledge:?}");
}

#[tokio::test]
async fn figures_take_gold_in_once_its_reader_has_been_told_and_anybody_computes_them_again() {
    let golden = Golden::under(Some(ReviewPlan::default())).await;
    let (world, engagement) = (&golden.world, golden.world.engagement);
    let manager = world.caller(world.delivery);
    let live = take_in(world, "T-900").await;
    world.read(golden.reader, live, "fell").await.unwrap();
    world.read(world.reader1, live, "fell").await.unwrap();
    let (_, case) = golden.shown(golden.reader).await;
    golden.seal(golden.reader, case, "rose").await;
    let drift = async || {
        let ask = ShowDrift { engagement, question: None, origin: None, yardstick: Yardstick::Gold };
        world.app.view(&manager, ask).await.unwrap()
    };
    let model = async || {
        world.app.measure(&manager, engagement).await.unwrap();
        let model = world.app.view(&manager, ShowModel { engagement }).await.unwrap();
        (model.gold, model.questions[0].known)
    };
    assert_eq!((drift().await.missed.n, model().await), (0, (0, 0)), "a chart that moved would tell that it was gold");
    golden.days(8).await;
    let charted = drift().await;
    let names: Vec<_> = charted.charts.iter().map(|chart| chart.name.as_str()).collect();
    assert_eq!((charted.missed.hits, charted.missed.n, names), (1, 1, vec!["Rosa Reader", "ZA"]));
    assert_eq!(model().await, (1, 1));
    let now = world.app.clock().now();
    let lot = world.app.store().list_lots(&engagement.to_string(), now, 10).await.unwrap().last().unwrap().lot;
    let certificate = world.app.view(&world.caller(world.client), GetCertificate { engagement, lot }).await.unwrap();
    let gold = certificate.figures.gold.clone().unwrap();
    assert_eq!((gold.passed, gold.answered, gold.interval), (0, 1, GoldFigures::of(0, 1).unwrap().interval));
    let written = serde_json::to_string(&certificate).unwrap();
    assert!(!written.contains(&golden.gold.to_string()) && !written.contains(&case.to_string()), "{written}");
    let browser = Browser::of(world, world.client).await;
    let page = browser.get(&format!("/e/{engagement}/lots/{lot}/certificate")).await;
    assert!(page.body.contains("0 of 1") && page.body.contains("Clopper-Pearson"), "{page:?}");

    // The export of a delivery manager holds gold, and gives the same figures.
    let mut states: std::collections::BTreeMap<StreamId, State> = std::collections::BTreeMap::new();
    let mut ask = ExportEvents { engagement, after: None };
    loop {
        let page = world.app.view(&manager, ask.clone()).await.unwrap();
        for line in page.events {
            let stream: StreamId = line["stream"].as_str().unwrap().parse().unwrap();
            let v = u16::try_from(line["v"].as_u64().unwrap()).unwrap();
            let event = Event::read(stream, line["kind"].as_str().unwrap(), v, &line["body"].to_string()).unwrap();
            let at = line["recorded_at"].as_str().unwrap().parse().unwrap();
            let state = apply(stream, states.remove(&stream), &event, at).unwrap();
            states.insert(stream, state);
        }
        ask.after = page.next;
        if ask.after.is_none() {
            break;
        }
    }
    let golds: Vec<_> = states
        .values()
        .filter_map(|state| if let State::Gold(gold) = state { Some(gold.clone()) } else { None })
        .collect();
    let Some(State::Lot(known)) = states.get(&StreamId::Lot(lot)) else { panic!("the lot is exported") };
    let whole = known.cases.keys().map(|id| {
        let (State::Case(case), State::Panel(panel)) =
            (&states[&StreamId::Case(*id)], &states[&StreamId::panel_of(*id)])
        else {
            panic!("a case has its own state")
        };
        Whole { case: case.clone(), panel: panel.clone(), reviews: Vec::new() }
    });
    assert_eq!(
        figures(Some(known), &whole.collect::<Vec<_>>(), &golds, &[], &Levels::of(&certificate)),
        certificate.figures
    );
}
