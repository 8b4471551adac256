//! What happened to a case, in order, as far as one person may know it.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use remit_access::Action;
use remit_kernel::{
    case::{CaseEvent, Cause, DrawCause, Item, Look as Seen, Material, ReturnCode},
    id::{CaseId, EngagementId, ItemId, PersonId},
    index::{Part, ReviewKind},
    panel::{PanelEvent, Release},
    stream::{Event, Scope, StreamId},
    text::TextRef,
    time::Instant,
};
use serde::Serialize;

use super::{sight::Sight, view::Scene};
use crate::{
    app::{
        load::laid,
        look::{ERASED, Look, Query},
        stopping,
    },
    error::Result,
};

/// Asks for the timeline of a case.
#[derive(Debug, Clone, Copy)]
pub struct GetTimeline {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Of which case.
    pub case: CaseId,
    /// Up to then; none: up to now.
    pub as_of: Option<Instant>,
}

/// Something that happened to a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TimelineLine {
    /// When Remit recorded it.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What, as a sentence without its end.
    pub what: String,
    /// Who, where the caller may know it.
    pub who: Option<String>,
    /// What was said.
    pub note: Option<String>,
}

/// A line before its names and texts are known.
struct Line {
    at: Instant,
    what: What,
    who: Option<PersonId>,
    /// Whether the person is a reader, whom the client knows by number only.
    reader: bool,
    note: Option<TextRef>,
}

/// A sentence, some of which hold a name or a title.
enum What {
    Plain(String),
    Of(&'static str, TextRef),
    To(&'static str, PersonId),
}

impl Query for GetTimeline {
    type Out = Vec<TimelineLine>;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Vec<TimelineLine>> {
        let scene = look.scene(self.case, self.as_of).await?;
        let mut lines = Vec::new();
        for stream in [StreamId::Case(self.case), StreamId::panel_of(self.case)] {
            let until = Some(scene.as_of.unwrap_or(look.standing.now()));
            let events = look.app.store().events(&look.scope(), &stream.to_string(), None).await?;
            for (at, _, stored) in laid(stream, events)?.into_iter().filter(|(at, ..)| Some(*at) <= until) {
                let event = Event::read(stream, &stored.kind, stored.v, &stored.body)?;
                // Of one act, what was done in the panel comes before what followed for the case.
                let follows = matches!(stream, StreamId::Case(_)) || stored.kind == "planned";
                lines.extend(look.line(&scene, &event, at)?.map(|line| (follows, line)));
            }
        }
        lines.sort_by_key(|(follows, line)| (line.at, *follows));
        let lines = lines.into_iter().map(|(_, line)| line).collect();
        look.saw(Action::ViewCase, format!("timeline/{}", self.case), Some(self.case), None);
        look.tell(lines).await
    }
}

impl Look<'_> {
    fn line(&mut self, scene: &Scene, event: &Event, at: Instant) -> Result<Option<Line>> {
        Ok(match event {
            Event::Case(event) => match event {
                CaseEvent::ItemAdded { item } if !self.may_see_item(&scene.now.0, scene.now.1.as_ref(), item)? => None,
                CaseEvent::ItemWidened { item } if !self.sees_any(scene, *item)? => None,
                event => {
                    case_line(event, &scene.case.items, at).filter(|_| neutral(event) || knows(scene.sight, event))
                }
            },
            Event::Panel(event) => self.panel_line(scene.sight, event, at),
            Event::Engagement(_)
            | Event::Sow(_)
            | Event::Line(_)
            | Event::Gold(_)
            | Event::Calibration(_)
            | Event::Precedent(_)
            | Event::Alarm(_)
            | Event::Review(_)
            | Event::Lot(_)
            | Event::Sampler(_)
            | Event::Model(_)
            | Event::Member(_)
            | Event::Organisation(_)
            | Event::Person(_) => None,
        })
    }

    fn sees_any(&mut self, scene: &Scene, item: ItemId) -> Result<bool> {
        for known in scene.case.items.iter().filter(|known| known.item == item) {
            if self.may_see_item(&scene.now.0, scene.now.1.as_ref(), known)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the line of a panel's event. Whoever is blind hears of her own part only.
    #[expect(clippy::too_many_lines, reason = "one arm for each event; splitting would hide that all are here")]
    fn panel_line(&self, sight: Sight, event: &PanelEvent, at: Instant) -> Option<Line> {
        let me = self.standing.id();
        let by = |what: String, who: PersonId, note: Option<TextRef>| Line {
            at,
            what: What::Plain(what),
            who: Some(who),
            reader: true,
            note,
        };
        let own_or = |line: Line, least: Sight| {
            let told = match (sight, least) {
                (Sight::Open, _) | (Sight::Arranging, Sight::Arranging) => true,
                (Sight::Blind | Sight::Arranging, _) => line.who == Some(me),
            };
            told.then_some(line)
        };
        match event {
            PanelEvent::Planned { stopping, .. } => {
                let what = What::Plain(stopping::planned(*stopping));
                Some(Line { at, what, who: None, reader: false, note: None })
            }
            PanelEvent::Weighed { weighed } => own_or(
                Line { at, what: What::Plain(weighed.sentence()), who: None, reader: false, note: None },
                Sight::Open,
            ),
            PanelEvent::Outvoted { questions, .. } => {
                let what = format!("The readers differed on {}; the plan’s limit was met", questions.join(", "));
                own_or(Line { at, what: What::Plain(what), who: None, reader: false, note: None }, Sight::Open)
            }
            PanelEvent::SeatTaken { reader, .. } => {
                own_or(by("A reader took a seat".to_owned(), *reader, None), Sight::Arranging)
            }
            PanelEvent::SeatReleased { reader, cause, note, .. } => {
                own_or(by(format!("A seat is open again: {}", release(*cause)), *reader, *note), Sight::Arranging)
            }
            PanelEvent::ReadingSealed { reading } => {
                let what = match reading.part {
                    Part::Panel => "A reading was sealed",
                    Part::Extra => "A further reading was kept beside the panel",
                    Part::Ai => "A suggestion was kept beside the panel",
                };
                own_or(by(what.to_owned(), reading.reader, None), Sight::Arranging)
            }
            PanelEvent::SuggestionRecorded { reading } => {
                own_or(by("A suggestion was kept beside the panel".to_owned(), reading.reader, None), Sight::Open)
            }
            PanelEvent::ReferenceRecorded { .. } => {
                let line = Line {
                    at,
                    what: What::Plain("The file's reference answer was kept beside the panel".to_owned()),
                    who: None,
                    reader: false,
                    note: None,
                };
                own_or(line, Sight::Open)
            }
            PanelEvent::Agreed { other_evidence, .. } => {
                let what = if *other_evidence { "The readers agreed, on other evidence" } else { "The readers agreed" };
                own_or(
                    Line { at, what: What::Plain(what.to_owned()), who: None, reader: false, note: None },
                    Sight::Open,
                )
            }
            PanelEvent::Disputed { questions } => {
                let what = format!("The readers differed on {}", questions.join(", "));
                own_or(Line { at, what: What::Plain(what), who: None, reader: false, note: None }, Sight::Open)
            }
            PanelEvent::LeftSingle { .. } => own_or(
                Line {
                    at,
                    what: What::Plain("One reading stands alone".to_owned()),
                    who: None,
                    reader: false,
                    note: None,
                },
                Sight::Open,
            ),
            PanelEvent::AdjudicatorTook { person, .. } => {
                own_or(by("An adjudicator took the case".to_owned(), *person, None), Sight::Arranging)
            }
            PanelEvent::AdjudicatorReleased { person, cause, note, .. } => own_or(
                by(format!("An adjudicator is needed again: {}", release(*cause)), *person, *note),
                Sight::Arranging,
            ),
            PanelEvent::Adjudicated { by: person, .. } => {
                own_or(by("An adjudicator decided".to_owned(), *person, None), Sight::Open)
            }
            PanelEvent::Challenged { cause, by: person, note, .. } => {
                let what = match cause {
                    Cause::Disagreement => "The answer was questioned",
                    Cause::Signoff => "The signer holds another answer",
                    Cause::Return => "The client questions the answer",
                    Cause::Review => "A review questions the answer",
                };
                let line = Line {
                    at,
                    what: What::Plain(what.to_owned()),
                    who: Some(*person),
                    reader: false,
                    note: Some(*note),
                };
                own_or(line, Sight::Open)
            }
            PanelEvent::Voided {} => Some(Line {
                at,
                what: What::Plain("The panel ended without an outcome".to_owned()),
                who: None,
                reader: false,
                note: None,
            }),
        }
    }

    /// Puts names and texts into the lines.
    async fn tell(&mut self, lines: Vec<Line>) -> Result<Vec<TimelineLine>> {
        let mut people: BTreeSet<PersonId> = lines.iter().filter_map(|line| line.who).collect();
        people.extend(
            lines.iter().filter_map(|line| if let What::To(_, person) = line.what { Some(person) } else { None }),
        );
        let names: HashMap<_, _> = self.called(&people.into_iter().collect::<Vec<_>>()).await?;
        let notes = lines.iter().filter_map(|line| line.note.map(|note| note.id));
        let titles =
            lines.iter().filter_map(|line| if let What::Of(_, text) = line.what { Some(text.id) } else { None });
        let texts: Vec<_> = notes.chain(titles).collect();
        let texts = self.texts(&texts).await?;
        let text = |text: TextRef| texts.get(&text.id).cloned().unwrap_or_else(|| ERASED.to_owned());
        let (named, me) = (self.knows_readers(), self.standing.id());
        Ok(lines
            .into_iter()
            .map(|line| TimelineLine {
                at: line.at.timestamp(),
                what: match line.what {
                    What::Plain(what) => what,
                    What::Of(what, title) => format!("{what} “{}”", text(title)),
                    What::To(what, person) => format!("{what} {}", names.get(&person).map_or(ERASED, String::as_str)),
                },
                who: line
                    .who
                    .filter(|who| named || !line.reader || *who == me)
                    .and_then(|who| names.get(&who).cloned()),
                note: line.note.map(text),
            })
            .collect())
    }
}

/// Returns whether an event is the same whoever reads and whatever they find.
fn neutral(event: &CaseEvent) -> bool {
    match event {
        CaseEvent::Received { .. }
        | CaseEvent::ItemAdded { .. }
        | CaseEvent::ItemWidened { .. }
        | CaseEvent::PartyAdded { .. }
        | CaseEvent::Stopped { .. }
        | CaseEvent::Admitted { .. }
        | CaseEvent::Declined { .. }
        | CaseEvent::OwnerChanged { .. }
        | CaseEvent::Cancelled { .. }
        | CaseEvent::ShowingEnded {} => true,
        CaseEvent::ReadingBegan {}
        | CaseEvent::AdjudicationAsked { .. }
        | CaseEvent::Resolved { .. }
        | CaseEvent::DeliverableEdited { .. }
        | CaseEvent::Drawn { .. }
        | CaseEvent::Selected { .. }
        | CaseEvent::ReviewEnded { .. }
        | CaseEvent::ReworkOwed { .. }
        | CaseEvent::ReworkDrawn { .. }
        | CaseEvent::FindingStruck { .. }
        | CaseEvent::ReworkEnded { .. }
        | CaseEvent::SignoffRequested { .. }
        | CaseEvent::ItemOpened { .. }
        | CaseEvent::Signed { .. }
        | CaseEvent::SignoffReturned { .. }
        | CaseEvent::SignoffRefused { .. }
        | CaseEvent::SignoffVoided { .. }
        | CaseEvent::Delivered { .. }
        | CaseEvent::Accepted { .. }
        | CaseEvent::Returned { .. } => false,
    }
}

/// Returns whether somebody who sees this far may know of an event that is not neutral.
fn knows(sight: Sight, event: &CaseEvent) -> bool {
    match sight {
        Sight::Open => true,
        Sight::Arranging => !matches!(event, CaseEvent::Resolved { .. }),
        Sight::Blind => false,
    }
}

fn case_line(event: &CaseEvent, items: &[Item], at: Instant) -> Option<Line> {
    let line = |what: &str, who: Option<PersonId>, note: Option<TextRef>| {
        Some(Line { at, what: What::Plain(what.to_owned()), who, reader: false, note })
    };
    let about = |what: &'static str, text: TextRef, who: Option<PersonId>| {
        Some(Line { at, what: What::Of(what, text), who, reader: false, note: None })
    };
    match event {
        CaseEvent::Received { .. } => line("The case came in", None, None),
        CaseEvent::ItemAdded { item } if item.version > 1 => about("A new version joined the file:", item.name, None),
        CaseEvent::ItemAdded { item } => about("An item joined the file:", item.name, None),
        CaseEvent::ItemWidened { item } => {
            let name = items.iter().find(|known| known.item == *item).map(|known| known.name)?;
            about("Both sides may now see", name, None)
        }
        CaseEvent::PartyAdded { party } => line(&format!("A party was added: {party}"), None, None),
        CaseEvent::Stopped { clauses } => {
            let clauses: Vec<_> = clauses.iter().map(|stop| stop.clause.as_str()).collect();
            line(&format!("The scope gate stopped it: {}", clauses.join("; ")), None, None)
        }
        CaseEvent::Admitted { admission } => line(
            &format!("Admitted under {}, pack {} {}", admission.clause, admission.pack.name, admission.pack.version),
            None,
            None,
        ),
        CaseEvent::Declined { reason, by } => line("Declined", Some(*by), Some(*reason)),
        CaseEvent::ReadingBegan {} => line("Reading began", None, None),
        CaseEvent::AdjudicationAsked { cause } => line(
            match cause {
                Cause::Disagreement => "An adjudicator is needed: the readers differ",
                Cause::Signoff => "An adjudicator is needed: the signer holds another answer",
                Cause::Return => "An adjudicator is needed: the client questions the answer",
                Cause::Review => "An adjudicator is needed: a review found the answer wrong",
            },
            None,
            None,
        ),
        CaseEvent::Resolved { decided, .. } => {
            let what = if decided.changed_after_agreement {
                "Decided; two readers had agreed, the answer was changed"
            } else {
                "Decided"
            };
            line(what, None, None)
        }
        CaseEvent::DeliverableEdited { by, .. } => line("The deliverable was edited", Some(*by), None),
        // That a case was not drawn is no news, and what the client's own readers do is the client's. What is owed is told by the
        // review that failed it.
        CaseEvent::Drawn { review: None, .. } | CaseEvent::ReworkOwed { .. } => None,
        CaseEvent::Drawn { causes, .. } => {
            let causes: Vec<_> = causes.iter().map(|cause| draw_words(*cause)).collect();
            line(&format!("Drawn for review: {}", causes.join("; ")), None, None)
        }
        CaseEvent::Selected { cause, .. } => line(&format!("Drawn for review: {}", draw_words(*cause)), None, None),
        CaseEvent::ReworkDrawn { .. } => line("What was mended is reviewed again", None, None),
        CaseEvent::FindingStruck { .. } => line("A finding was struck", None, None),
        CaseEvent::ReworkEnded { .. } => {
            line("Failed again after it was mended: no further review, the delivery manager decides", None, None)
        }
        CaseEvent::ReviewEnded { kind: ReviewKind::InHouse, .. } => {
            line("The client's own reader finished", None, None)
        }
        CaseEvent::ReviewEnded { passed: true, .. } => line("Reviewed: passed", None, None),
        CaseEvent::ReviewEnded { passed: false, .. } => line("Reviewed: failed", None, None),
        CaseEvent::SignoffRequested { .. } => line("Sign-off was requested", None, None),
        CaseEvent::ItemOpened { by, material, how, .. } => {
            let what = match how {
                Seen::Opened => "Opened for signature:",
                Seen::LinkFollowed => "Link followed for signature:",
            };
            match material {
                Material::Item(item, version) => {
                    let name = items.iter().find(|known| known.item == *item && known.version == *version)?.name;
                    about(what, name, Some(*by))
                }
                Material::Deliverable => line("Opened for signature: the deliverable", Some(*by), None),
            }
        }
        CaseEvent::Signed { by, statement, .. } => line("Signed", Some(*by), Some(*statement)),
        CaseEvent::SignoffReturned { by, code, note, .. } => {
            line(&format!("Returned by the signer: {}", return_words(*code)), Some(*by), Some(*note))
        }
        CaseEvent::SignoffRefused { by, note, .. } => line("The signer declined to sign", Some(*by), Some(*note)),
        CaseEvent::SignoffVoided { .. } => {
            line("The request for a signature, or the signature, no longer holds: the content changed", None, None)
        }
        CaseEvent::Delivered { by, .. } => line("Delivered to the client", Some(*by), None),
        CaseEvent::Accepted { by, .. } => line("Accepted", Some(*by), None),
        CaseEvent::Returned { by, code, note, revision, counted, .. } => {
            let counts = if *counted { "counts against the allowance" } else { "does not count against the allowance" };
            line(&format!("Returned: {}; revision {revision}, {counts}", return_words(*code)), Some(*by), Some(*note))
        }
        CaseEvent::OwnerChanged { to, reason, by, .. } => Some(Line {
            at,
            what: What::To("The owner is now", *to),
            who: Some(*by),
            reader: false,
            note: Some(*reason),
        }),
        CaseEvent::Cancelled { by, reason } => line("Cancelled", Some(*by), Some(*reason)),
        CaseEvent::ShowingEnded {} => line("Closed: it was a gold case", None, None),
    }
}

/// Returns why a case was drawn for review, in words.
pub(crate) const fn draw_words(cause: DrawCause) -> &'static str {
    match cause {
        DrawCause::Random => "by chance",
        DrawCause::Urgent => "by chance among urgent cases",
        DrawCause::LowConfidence => "by chance among cases read with low confidence",
        DrawCause::SingleReading => "by chance among cases with one reading",
        DrawCause::Adjudicated => "by chance among adjudicated cases",
        DrawCause::NewExpert => "by chance among cases of new experts",
        DrawCause::Rework => "it failed a review and was mended",
        DrawCause::EveryCase => "every case is reviewed while sampling is discontinued",
        DrawCause::Sample => "to complete the sample of its lot",
        DrawCause::Rejected => "its lot was rejected",
    }
}

/// Returns the reason for sending work back in words.
pub(crate) const fn return_words(code: ReturnCode) -> &'static str {
    match code {
        ReturnCode::Fact => "a fact is wrong",
        ReturnCode::Standard => "law or standard misapplied",
        ReturnCode::Reasoning => "the reasoning does not hold",
        ReturnCode::MissedScope => "part of the scope was missed",
        ReturnCode::Format => "wrong form",
        ReturnCode::Tone => "wrong tone",
        ReturnCode::Late => "too late to be of use",
        ReturnCode::NewWish => "correct as ordered, but something else is wanted now",
    }
}

const fn release(cause: Release) -> &'static str {
    match cause {
        Release::GivenBack => "it was given back",
        Release::Revoked => "a manager took it away",
        Release::Barred => "the person may no longer do it",
        Release::CaseEnded => "the case ended",
    }
}
