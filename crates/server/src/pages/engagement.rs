//! The engagement's home: parties, statements of work, members, cases in figures, and the acts on them.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use remit_kernel::{
    command::{Command, LineIn},
    decimal::Decimal,
    engagement::{LineKind, SowStatus},
    id::{EngagementId, PersonId, SowId},
    index::EngagementStatus,
    pack::{Acceptance, GoldPlan, PackRef, Plan, READINGS_MIN, ReviewPlan, Risk},
    refusal::{Reason, Refusal, code},
    role::{Role, Side},
};
use serde::Deserialize;

use super::{Frame, Oops, Place, admin::words, form::Faults, html};
use crate::{
    App, Caller, Error,
    app::{
        engagement::{EngagementOut, LineOut, MembersToBe, PackChoice, Packs, PersonChoice, ShowEngagement, ShowSow},
        knowledge::{NameKeys, Titles},
        stopping::StoppingOut,
    },
    edge::Edge,
};

/// Returns the roles that hold in an engagement.
pub(crate) fn roles() -> impl Iterator<Item = &'static Role> {
    Role::ALL.iter().filter(|role| !role.of_directory())
}

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/engagement", get(show))
        .route("/e/{engagement}/engagement/live", post(go_live))
        .route("/e/{engagement}/engagement/sows/new", get(new_sow).post(draft_sow))
        .route("/e/{engagement}/engagement/sows/{sow}", get(edit_sow).post(revise_sow))
        .route("/e/{engagement}/engagement/sows/{sow}/propose", post(propose_sow))
        .route("/e/{engagement}/engagement/sows/{sow}/sign", post(sign_sow))
        .route("/e/{engagement}/engagement/members", post(add_member))
        .route("/e/{engagement}/engagement/members/{person}", post(change_member))
        .route("/e/{engagement}/engagement/members/{person}/remove", post(remove_member))
}

#[derive(Template)]
#[template(path = "engagement/show.html")]
struct EngagementPage {
    frame: Frame,
    home: EngagementOut,
    people: Vec<PersonChoice>,
    titles: Titles,
    faults: Faults,
}

impl EngagementPage {
    /// Returns case types by their titles, apart by commas.
    fn case_types(&self, keys: &[String]) -> String {
        keys.iter().map(|key| self.titles.case_type(key)).collect::<Vec<_>>().join(", ")
    }
}

#[derive(Template)]
#[template(path = "engagement/sow.html")]
struct SowPage {
    frame: Frame,
    engagement: EngagementId,
    /// Where the form goes: a new version, or this draft.
    action: String,
    number: Option<u32>,
    form: SowForm,
    packs: Vec<PackChoice>,
    faults: Faults,
}

async fn show(State(app): State<App>, caller: Caller, Path(engagement): Path<EngagementId>) -> Result<Response, Oops> {
    page(&app, &caller, engagement, Faults::default(), StatusCode::OK).await
}

async fn page(
    app: &App,
    caller: &Caller,
    engagement: EngagementId,
    faults: Faults,
    status: StatusCode,
) -> Result<Response, Oops> {
    let home = app.view(caller, ShowEngagement { engagement }).await?;
    let people = if home.may.manage_members { app.view(caller, MembersToBe { engagement }).await? } else { Vec::new() };
    // Whoever may not look into the packs reads the keys.
    let titles = app.view(caller, NameKeys { engagement }).await.unwrap_or_default();
    let frame = Frame::new(app, caller, Some(engagement), Place::Engagement, "Engagement").await?;
    Ok((status, html(&EngagementPage { frame, home, people, titles, faults })?).into_response())
}

/// Does the act, then goes back home; a refusal shows there.
async fn act(
    app: &App,
    caller: Caller,
    engagement: EngagementId,
    command: Result<Command, Error>,
) -> Result<Response, Oops> {
    let acted = match command {
        Ok(command) => app.act(caller.clone(), command).await,
        Err(error) => Err(error),
    };
    match acted {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/engagement")).into_response()),
        Err(error) => {
            let (status, faults) = Faults::of(error)?;
            page(app, &caller, engagement, faults, status).await
        }
    }
}

async fn go_live(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Response, Oops> {
    act(&app, caller, engagement, Ok(Command::GoLive { engagement })).await
}

async fn propose_sow(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, sow)): Path<(EngagementId, SowId)>,
) -> Result<Response, Oops> {
    act(&app, caller, engagement, Ok(Command::ProposeSow { engagement, sow })).await
}

async fn sign_sow(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, sow)): Path<(EngagementId, SowId)>,
) -> Result<Response, Oops> {
    act(&app, caller, engagement, Ok(Command::SignSow { engagement, sow })).await
}

/// The fields of a membership. Roles come as one tick each.
#[derive(Default, Deserialize)]
#[serde(default)]
struct MemberForm {
    person: String,
    side: String,
    capacity: String,
    successor: String,
    #[serde(flatten)]
    ticks: BTreeMap<String, String>,
}

impl MemberForm {
    fn roles(&self) -> BTreeSet<Role> {
        let ticked = |role: &&Role| self.ticks.get(role.word()).is_some_and(|tick| !tick.is_empty());
        roles().filter(ticked).copied().collect()
    }

    fn capacity(&self) -> Result<u32, Error> {
        let text = self.capacity.trim();
        text.parse().map_err(|_| {
            Faults::field(
                "capacity",
                &format!("`{text}` is not a number of cases"),
                "Give the number of cases held at a time.",
            )
        })
    }
}

async fn add_member(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Form(given): Form<MemberForm>,
) -> Result<Response, Oops> {
    let command = given.capacity().and_then(|capacity| {
        let person = given
            .person
            .parse()
            .map_err(|_| Faults::field("person", "nobody is chosen", "Choose a person of the directory."))?;
        let side = Side::from_word(&given.side)
            .ok_or_else(|| Faults::field("side", "no side is chosen", "Choose client or provider."))?;
        Ok(Command::AddMember { engagement, person, side, roles: given.roles(), capacity })
    });
    act(&app, caller, engagement, command).await
}

async fn change_member(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, person)): Path<(EngagementId, PersonId)>,
    Form(given): Form<MemberForm>,
) -> Result<Response, Oops> {
    let command =
        given.capacity().map(|capacity| Command::ChangeMember { engagement, person, roles: given.roles(), capacity });
    act(&app, caller, engagement, command).await
}

async fn remove_member(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, person)): Path<(EngagementId, PersonId)>,
    Form(given): Form<MemberForm>,
) -> Result<Response, Oops> {
    act(
        &app,
        caller,
        engagement,
        Ok(Command::RemoveMember { engagement, person, successor: given.successor.parse().ok() }),
    )
    .await
}

/// A statement of work as it is typed.
#[derive(Debug, Clone, Default)]
struct SowForm {
    starts_on: String,
    ends_on: String,
    names_people: bool,
    lines: Vec<LineForm>,
}

/// A line as it is typed.
#[derive(Debug, Clone, Default)]
struct LineForm {
    clause: String,
    service: String,
    kind: String,
    includes: String,
    excludes: String,
    jurisdictions: String,
    places: String,
    volume_max: String,
    price: String,
    currency: String,
    revisions_max: String,
    pack: String,
    readings: String,
    readings_max: String,
    error_max: String,
    single_allowed: String,
    signoff: String,
    gold: String,
    gold_window: String,
    /// What else the line says of gold, kept as it is: showings, pass rate and answers that retire a case.
    gold_rules: String,
    review_random: String,
    review_risks: String,
    review_second: String,
    review_aql: String,
    review_in_house: String,
}

impl LineForm {
    fn field(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "clause" => &mut self.clause,
            "service" => &mut self.service,
            "kind" => &mut self.kind,
            "includes" => &mut self.includes,
            "excludes" => &mut self.excludes,
            "jurisdictions" => &mut self.jurisdictions,
            "places" => &mut self.places,
            "volume_max" => &mut self.volume_max,
            "price" => &mut self.price,
            "currency" => &mut self.currency,
            "revisions_max" => &mut self.revisions_max,
            "pack" => &mut self.pack,
            "readings" => &mut self.readings,
            "readings_max" => &mut self.readings_max,
            "error_max" => &mut self.error_max,
            "single_allowed" => &mut self.single_allowed,
            "signoff" => &mut self.signoff,
            "gold" => &mut self.gold,
            "gold_window" => &mut self.gold_window,
            "gold_rules" => &mut self.gold_rules,
            "review_random" => &mut self.review_random,
            "review_risks" => &mut self.review_risks,
            "review_second" => &mut self.review_second,
            "review_aql" => &mut self.review_aql,
            "review_in_house" => &mut self.review_in_house,
            _ => return None,
        })
    }

    fn of(line: &LineOut) -> Self {
        let signoff = match (line.signoff, line.signoff_in_jurisdiction) {
            (false, _) => "no",
            (true, false) => "yes",
            (true, true) => "jurisdiction",
        };
        let review = line.review.clone().unwrap_or_default();
        let share = |share: u32| if line.review.is_some() { percent(share) } else { String::new() };
        let risks = review.risks.iter().map(|(risk, share)| format!("{} {}", risk.word(), percent(*share)));
        Self {
            clause: line.clause.clone(),
            service: line.service.clone(),
            kind: line.kind.word().to_owned(),
            includes: line.includes.join(", "),
            excludes: line.excludes.join(", "),
            jurisdictions: line.jurisdictions.join(", "),
            places: line.places.join(", "),
            volume_max: line.volume_max.map(|most| most.to_string()).unwrap_or_default(),
            price: format!("{}.{:02}", line.price_minor / 100, line.price_minor % 100),
            currency: line.currency.clone(),
            revisions_max: line.revisions_max.to_string(),
            pack: line.pack_digest.to_string(),
            readings: line.stopping.readings.to_string(),
            readings_max: line.stopping.readings_max.map(|most| most.to_string()).unwrap_or_default(),
            error_max: line.stopping.limit_percent(),
            single_allowed: line.stopping.single_allowed.join(", "),
            signoff: signoff.to_owned(),
            review_random: share(review.random),
            review_risks: risks.collect::<Vec<_>>().join(", "),
            review_second: if review.second > 0 { percent(review.second) } else { String::new() },
            review_aql: review.acceptance.map(|acceptance| percent(acceptance.aql)).unwrap_or_default(),
            review_in_house: share(review.in_house),
            gold: line.gold.map_or_else(|| "0".to_owned(), |gold| percent(gold.rate_bp.into())),
            gold_window: line.gold.map(|gold| gold.window_days.to_string()).unwrap_or_default(),
            gold_rules: line.gold.map(gold_rules).unwrap_or_default(),
        }
    }

    /// Returns the line, or what is wrong with it; `number` counts from 1, as in the kernel's reasons.
    fn read(&self, number: usize, packs: &[PackChoice]) -> Result<LineIn, Vec<Reason>> {
        let mut wrong = Vec::new();
        let mut fault = |name: &str, clause: String, hint: &str| {
            wrong.push(Reason::field(code::FIELD_INVALID, subject(&number, name), clause).hint(hint));
        };
        let pack = packs.iter().find(|pack| pack.digest.to_string() == self.pack);
        if pack.is_none() {
            fault("pack", "no pack is chosen".to_owned(), "Choose the practice pack by which its cases are worked.");
        }
        let price_minor = minor(&self.price);
        if price_minor.is_none() {
            fault("price_minor", format!("`{}` is not a price", self.price), "Write it as 45.00.");
        }
        let volume_max = match self.volume_max.trim() {
            "" => Some(None),
            text => text.parse().ok().map(Some),
        };
        if volume_max.is_none() {
            fault(
                "volume_max",
                format!("`{}` is not a number of cases", self.volume_max),
                "Leave it empty for no cap.",
            );
        }
        let revisions_max =
            if self.revisions_max.trim().is_empty() { Some(0) } else { self.revisions_max.trim().parse().ok() };
        if revisions_max.is_none() {
            fault(
                "revisions_max",
                format!("`{}` is not a number", self.revisions_max),
                "Give how many revisions each case includes.",
            );
        }
        let gold = pack.and_then(|pack| self.gold(pack));
        if gold.is_none() && pack.is_some() {
            fault(
                "plan.gold",
                format!("`{}` and `{}` are not a share and days", self.gold, self.gold_window),
                "Give a share in percent such as 5, or 0 for no gold cases, and whole days.",
            );
        }
        let review = self.review();
        if let Err(text) = &review {
            fault(
                "plan.review",
                format!("`{text}` is not a share"),
                "Give percents such as 5 or 0.65; marks as `urgent 20, adjudicated 50`.",
            );
        }
        let plan = pack.and_then(|pack| self.plan(pack, review.clone().ok().flatten(), gold));
        if plan.is_none() && pack.is_some() {
            fault(
                "plan",
                "the readings are no plan".to_owned(),
                "Write whole numbers of readings and a limit in percent, such as 2, 4 and 1; leave all empty for the pack's own plan.",
            );
        }
        match (pack, price_minor, volume_max, revisions_max, plan) {
            (Some(pack), Some(price_minor), Some(volume_max), Some(revisions_max), Some(plan)) if review.is_ok() => {
                Ok(LineIn {
                    clause: self.clause.trim().to_owned(),
                    service: self.service.trim().to_owned(),
                    kind: LineKind::from_word(&self.kind).unwrap_or(LineKind::Standard),
                    includes: words(&self.includes),
                    excludes: words(&self.excludes),
                    jurisdictions: words(&self.jurisdictions.to_uppercase()),
                    places: words(&self.places.to_uppercase()),
                    volume_max,
                    price_minor,
                    currency: self.currency.trim().to_uppercase(),
                    revisions_max,
                    pack: PackRef { name: pack.name.clone(), version: pack.version.clone(), digest: pack.digest },
                    plan: Some(plan),
                })
            }
            _ => Err(wrong),
        }
    }

    /// Returns the plan: the pack's own, with what the line says otherwise.
    fn plan(&self, pack: &PackChoice, review: Option<ReviewPlan>, gold: Option<GoldPlan>) -> Option<Plan> {
        let number = |text: &str| match text.trim() {
            "" => Some(None),
            text => text.parse::<u8>().ok().map(Some),
        };
        let limit = match self.error_max.trim().trim_end_matches('%').trim_end() {
            "" => None,
            text => {
                let percent: Decimal = text.parse().ok()?;
                Some(u32::try_from(percent.units(4)).ok().filter(|_| percent.places() <= 4)?)
            }
        };
        let (readings, most) = (number(&self.readings)?, number(&self.readings_max)?);
        let stopping = match (readings, most, limit) {
            (None, None, None) => pack.plan.stopping,
            (readings, most, limit) => StoppingOut::stopping(readings.unwrap_or(READINGS_MIN), most, limit),
        };
        let single_allowed = match words(&self.single_allowed) {
            none if none.is_empty() && stopping == pack.plan.stopping => pack.plan.single_allowed.clone(),
            named => named,
        };
        let (signoff, signoff_in_jurisdiction) = match self.signoff.as_str() {
            "no" => (false, false),
            "yes" => (true, false),
            "jurisdiction" => (true, true),
            _ => (pack.plan.signoff, pack.plan.signoff_in_jurisdiction),
        };
        let review = review.or_else(|| pack.plan.review.clone());
        let gold = gold.filter(|gold| gold.rate_bp > 0);
        Some(Plan { stopping, signoff, signoff_in_jurisdiction, review, single_allowed, gold })
    }

    /// Returns what the line says of reviews; nothing said: the pack's own plan holds. The error is what cannot be read.
    fn review(&self) -> Result<Option<ReviewPlan>, String> {
        let given =
            [&self.review_random, &self.review_risks, &self.review_second, &self.review_aql, &self.review_in_house];
        if given.iter().all(|text| text.trim().is_empty()) {
            return Ok(None);
        }
        let share = |text: &str| match text.trim() {
            "" => Ok(0),
            text => basis_points(text).ok_or_else(|| text.to_owned()),
        };
        let mark = |mark: &str| {
            let unread = || mark.to_owned();
            let (risk, share) = mark.rsplit_once(' ').ok_or_else(unread)?;
            let risk = Risk::from_word(&risk.trim().replace([' ', '-'], "_")).ok_or_else(unread)?;
            Ok::<_, String>((risk, basis_points(share).ok_or_else(unread)?))
        };
        let marks = self.review_risks.split(',').map(str::trim).filter(|mark| !mark.is_empty());
        let aql = share(&self.review_aql)?;
        Ok(Some(ReviewPlan {
            random: share(&self.review_random)?,
            risks: marks.map(mark).collect::<Result<_, _>>()?,
            acceptance: (aql > 0).then_some(Acceptance { aql, reduced: false }),
            in_house: share(&self.review_in_house)?,
            rebuttal_days: 7,
            second: share(&self.review_second)?,
        }))
    }

    /// Returns how gold is mixed in: as the pack has it, or the share and window given; a rate of 0 is none at all.
    /// Nothing: they cannot be read.
    fn gold(&self, pack: &PackChoice) -> Option<GoldPlan> {
        let rate_bp = match self.gold.trim().trim_end_matches('%').trim_end() {
            "" => return Some(pack.plan.gold.unwrap_or(GoldPlan { rate_bp: 0, ..GoldPlan::USUAL })),
            text => u16::try_from(minor(text)?).ok()?,
        };
        let usual = pack.plan.gold.unwrap_or(GoldPlan::USUAL);
        let window_days = match self.gold_window.trim() {
            "" => usual.window_days,
            text => text.parse().ok()?,
        };
        let mut rules = self.gold_rules.split(',').map(str::trim);
        let showings_max = rules.next().and_then(|text| text.parse().ok()).unwrap_or(usual.showings_max);
        let retire_above_bp = rules.next().and_then(|text| text.parse().ok()).unwrap_or(usual.retire_above_bp);
        let retire_after = rules.next().and_then(|text| text.parse().ok()).unwrap_or(usual.retire_after);
        Some(GoldPlan { rate_bp, window_days, showings_max, retire_above_bp, retire_after })
    }
}

/// Returns the subject under which the kernel speaks of a field; lines are numbered from 1.
fn subject(number: &usize, name: &str) -> String {
    format!("lines[{number}].{name}")
}

/// Returns a percentage in basis points: digits with at most two places, at most 100.
fn basis_points(text: &str) -> Option<u32> {
    let share = minor(text.trim().trim_end_matches('%'))?;
    u32::try_from(share).ok().filter(|share| *share <= remit_kernel::pack::WHOLE)
}

/// Returns basis points as a percentage: `5` or `0.65`.
pub(super) fn percent(share: u32) -> String {
    let text = format!("{}.{:02}", share / 100, share % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn gold_rules(gold: GoldPlan) -> String {
    format!("{},{},{}", gold.showings_max, gold.retire_above_bp, gold.retire_after)
}

/// Returns a price in minor units: digits with at most two places.
pub(super) fn minor(text: &str) -> Option<i64> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 2 {
        return None;
    }
    format!("{whole}{part:0<2}").parse().ok()
}

impl SowForm {
    /// Reads the fields as they come: `clause.0`, `clause.1` ... for the lines.
    fn of(fields: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in fields {
            match (name.as_str(), name.split_once('.')) {
                ("starts_on", _) => form.starts_on = value,
                ("names_people", _) => form.names_people = true,
                ("ends_on", _) => form.ends_on = value,
                (_, Some((field, place))) => {
                    let Some(place) = place.parse::<usize>().ok().filter(|place| *place < 100) else { continue };
                    if form.lines.len() <= place {
                        form.lines.resize_with(place + 1, LineForm::default);
                    }
                    if let Some(field) = form.lines.get_mut(place).and_then(|line| line.field(field)) {
                        *field = value;
                    }
                }
                (_, None) => {}
            }
        }
        form
    }

    /// Returns term and lines, or everything that is wrong with them at once.
    fn read(
        &self,
        packs: &[PackChoice],
    ) -> Result<(remit_kernel::time::Date, remit_kernel::time::Date, Vec<LineIn>), Error> {
        let mut wrong = Vec::new();
        let mut date = |field: &str, text: &str| {
            let read = text.trim().parse().ok();
            if read.is_none() {
                wrong.push(
                    Reason::field(code::FIELD_INVALID, field, format!("`{text}` is not a date"))
                        .hint("Write it as 2026-10-31."),
                );
            }
            read
        };
        let (starts_on, ends_on) = (date("starts_on", &self.starts_on), date("ends_on", &self.ends_on));
        let mut lines = Vec::new();
        for (place, line) in self.lines.iter().enumerate() {
            match line.read(place + 1, packs) {
                Ok(line) => lines.push(line),
                Err(reasons) => wrong.extend(reasons),
            }
        }
        Refusal::unless_empty(wrong)?;
        match (starts_on, ends_on) {
            (Some(starts_on), Some(ends_on)) => Ok((starts_on, ends_on, lines)),
            (None, _) | (_, None) => {
                Err(Faults::field("starts_on", "the term is not given", "Give the first and the last day."))
            }
        }
    }
}

async fn new_sow(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Html<String>, Oops> {
    let form = SowForm {
        lines: vec![LineForm { revisions_max: "1".to_owned(), ..LineForm::default() }],
        ..SowForm::default()
    };
    let action = format!("/e/{engagement}/engagement/sows/new");
    sow_page(&app, &caller, engagement, action, None, form, Faults::default()).await
}

async fn sow_page(
    app: &App,
    caller: &Caller,
    engagement: EngagementId,
    action: String,
    number: Option<u32>,
    form: SowForm,
    faults: Faults,
) -> Result<Html<String>, Oops> {
    let packs = app.view(caller, Packs { engagement }).await?;
    let frame = Frame::new(app, caller, Some(engagement), Place::Engagement, "Statement of work").await?;
    html(&SowPage { frame, engagement, action, number, form, packs, faults })
}

async fn draft_sow(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Oops> {
    let action = format!("/e/{engagement}/engagement/sows/new");
    let (form, changed) = changed(fields);
    if changed {
        return Ok(sow_page(&app, &caller, engagement, action, None, form, Faults::default()).await?.into_response());
    }
    let packs = app.view(&caller, Packs { engagement }).await?;
    let command = form.read(&packs).map(|(starts_on, ends_on, lines)| Command::DraftSow {
        engagement,
        starts_on,
        ends_on,
        names_people: form.names_people,
        lines,
    });
    taken(&app, caller, engagement, action, None, form, command).await
}

async fn edit_sow(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, sow)): Path<(EngagementId, SowId)>,
) -> Result<Html<String>, Oops> {
    let known = app.view(&caller, ShowSow { engagement, sow }).await?;
    let lines = known.lines.iter().map(LineForm::of).collect();
    let (starts_on, ends_on) = (known.starts_on.to_string(), known.ends_on.to_string());
    let form = SowForm { starts_on, ends_on, names_people: known.names_people, lines };
    let action = format!("/e/{engagement}/engagement/sows/{sow}");
    sow_page(&app, &caller, engagement, action, Some(known.number), form, Faults::default()).await
}

async fn revise_sow(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, sow)): Path<(EngagementId, SowId)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Oops> {
    let number = app.view(&caller, ShowSow { engagement, sow }).await?.number;
    let action = format!("/e/{engagement}/engagement/sows/{sow}");
    let (form, changed) = changed(fields);
    if changed {
        return Ok(sow_page(&app, &caller, engagement, action, Some(number), form, Faults::default())
            .await?
            .into_response());
    }
    let packs = app.view(&caller, Packs { engagement }).await?;
    let command = form.read(&packs).map(|(starts_on, ends_on, lines)| Command::ReviseSow {
        engagement,
        sow,
        starts_on,
        ends_on,
        names_people: form.names_people,
        lines,
    });
    taken(&app, caller, engagement, action, Some(number), form, command).await
}

/// Returns the form with a line more or less, and whether that was what was asked for.
fn changed(fields: Vec<(String, String)>) -> (SowForm, bool) {
    let wish = fields.iter().find(|(name, _)| name == "do").map(|(_, wish)| wish.clone()).unwrap_or_default();
    let mut form = SowForm::of(fields);
    match wish.split_once('.') {
        None if wish == "add" => form
            .lines
            .push(LineForm { revisions_max: "1".to_owned(), ..form.lines.last().cloned().unwrap_or_default() }),
        Some(("drop", place)) => {
            if let Some(place) = place.parse().ok().filter(|place| *place < form.lines.len()) {
                form.lines.remove(place);
            }
        }
        None | Some(_) => return (form, false),
    }
    (form, true)
}

async fn taken(
    app: &App,
    caller: Caller,
    engagement: EngagementId,
    action: String,
    number: Option<u32>,
    form: SowForm,
    command: Result<Command, Error>,
) -> Result<Response, Oops> {
    let acted = match command {
        Ok(command) => app.act(caller.clone(), command).await,
        Err(error) => Err(error),
    };
    match acted {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/engagement#sows")).into_response()),
        Err(error) => {
            let (status, faults) = Faults::of(error)?;
            Ok((status, sow_page(app, &caller, engagement, action, number, form, faults).await?).into_response())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn a_price_is_read_to_the_minor_unit() {
        assert_eq!([minor("45"), minor("45.5"), minor(" 45.07 ")], [Some(4_500), Some(4_550), Some(4_507)]);
        assert_eq!([minor(""), minor("-1"), minor("1.234"), minor("1,50"), minor(".5")], [None; 5]);
    }
}
