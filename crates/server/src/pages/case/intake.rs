//! Taking a case in: the form, its documents in whatever usual encoding, and further documents for a case that is here.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Multipart, Path, State, multipart::MultipartError},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use remit_kernel::{
    case::{Media, Visibility},
    command::{CaseIn, Command, ItemIn},
    id::{CaseId, EngagementId},
    refusal::{Class, Reason, Refusal, code},
    time::Instant,
};

use super::{
    super::{Frame, Oops, Place, Told, html, told},
    show::again,
};
use crate::{
    App, Caller, Error,
    app::case::intake::{GetIntake, Intake},
    edge::{BODY_BYTES_MAX, Edge},
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/cases/new", get(blank).post(take_in))
        .route("/e/{engagement}/cases/{case}/items", post(add_items))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// Empty places for pasted documents on the form.
const PASTED_SLOTS: usize = 2;
/// The hour of the day, in UTC, at which something due on a date is due.
const DUE_HOUR: i8 = 17;

#[derive(Template)]
#[template(path = "case/new.html")]
struct NewPage {
    frame: Frame,
    engagement: EngagementId,
    intake: Intake,
    given: Given,
    errors: Vec<Told>,
}

impl NewPage {
    fn is(&self, name: &str, value: &(impl ToString + ?Sized)) -> bool {
        self.given.field(name) == value.to_string()
    }

    /// Returns what was said about a field.
    fn wrong(&self, field: &str) -> Vec<&Told> {
        self.errors.iter().filter(|told| told.subject == field).collect()
    }

    /// Returns the facts of all case types once, each with the types that carry it.
    fn facts(&self) -> Vec<(String, String, bool, String)> {
        let mut facts: BTreeMap<&str, (usize, &str, bool, Vec<&str>)> = BTreeMap::new();
        for (place, (case_type, field)) in self
            .intake
            .case_types
            .iter()
            .flat_map(|kind| kind.fields.iter().map(move |field| (kind, field)))
            .enumerate()
        {
            let known = facts.entry(&field.key).or_insert((place, &field.title, field.required, Vec::new()));
            known.3.push(&case_type.title);
        }
        let mut facts: Vec<_> = facts.into_iter().collect();
        facts.sort_by_key(|(_, (place, ..))| *place);
        let all = self.intake.case_types.len();
        let kinds = |kinds: Vec<&str>| if kinds.len() == all { String::new() } else { kinds.join(", ") };
        facts
            .into_iter()
            .map(|(key, (_, title, required, types))| (key.to_owned(), title.to_owned(), required, kinds(types)))
            .collect()
    }

    fn slots(&self) -> Vec<(usize, Document)> {
        let kept = self.given.documents.iter().cloned();
        let blank = std::iter::repeat_with(Document::default)
            .take(PASTED_SLOTS.saturating_sub(self.given.documents.len()).max(1));
        kept.chain(blank).enumerate().map(|(place, document)| (place + 1, document)).collect()
    }
}

/// What a form sent: its fields, and its documents in the order given.
#[derive(Debug, Clone, Default)]
struct Given {
    fields: BTreeMap<String, String>,
    documents: Vec<Document>,
}

/// A document as typed or uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Document {
    name: String,
    body: String,
}

impl Given {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Reads a form. Files become documents; what cannot be read is told, and everything else is kept.
    async fn read(mut form: Multipart) -> (Self, Vec<Reason>) {
        let (mut given, mut reasons, mut files) = (Self::default(), Vec::new(), Vec::new());
        loop {
            match form.next_field().await {
                Ok(None) => break,
                Ok(Some(field)) => {
                    let name = field.name().unwrap_or_default().to_owned();
                    let file = field.file_name().map(str::to_owned);
                    match (file, field.bytes().await) {
                        (Some(file), Ok(bytes)) if !bytes.is_empty() => files.push((file, bytes)),
                        (Some(_), Ok(_)) => {}
                        (None, Ok(bytes)) => {
                            let value = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
                            given.fields.insert(name, value);
                        }
                        (_, Err(error)) => {
                            reasons.push(unread(&error));
                            break;
                        }
                    }
                }
                Err(error) => {
                    reasons.push(unread(&error));
                    break;
                }
            }
        }
        let mut place = 1;
        while let Some(body) = given.fields.get(&format!("text.{place}")) {
            if !body.trim().is_empty() {
                let name = given.fields.get(&format!("name.{place}")).cloned().unwrap_or_default();
                given.documents.push(Document { name, body: body.clone() });
            }
            place += 1;
        }
        for (name, bytes) in files {
            match decode(&name, &bytes, given.field("encoding")) {
                Ok(body) => given.documents.push(Document { name, body }),
                Err(reason) => reasons.push(reason),
            }
        }
        (given, reasons)
    }

    fn items(&self) -> Vec<ItemIn> {
        let (material, visibility) = (self.fields.contains_key("material"), self.visibility());
        let document = |(place, document): (usize, &Document)| ItemIn {
            name: if document.name.trim().is_empty() {
                format!("Document {}", place + 1)
            } else {
                document.name.trim().to_owned()
            },
            media: if document.body.trim_start().starts_with("<svg") { Media::Svg } else { Media::Text },
            body: document.body.clone(),
            material,
            visibility,
        };
        let address = self.field("link").trim();
        let link = (!address.is_empty()).then(|| ItemIn {
            name: Some(self.field("link_name").trim())
                .filter(|name| !name.is_empty())
                .unwrap_or("Client's viewer")
                .to_owned(),
            media: Media::Link,
            body: address.to_owned(),
            material,
            visibility,
        });
        self.documents.iter().enumerate().map(document).chain(link).collect()
    }

    fn visibility(&self) -> Visibility {
        Visibility::from_word(self.field("visibility")).unwrap_or(Visibility::Both)
    }

    fn case(&self, intake: &Intake) -> Result<CaseIn, Refusal> {
        let mut reasons = Vec::new();
        let due = self.field("due_on").parse::<jiff::civil::Date>().ok().and_then(|date| {
            let due = date.at(DUE_HOUR, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
            Some(Instant::from(due.timestamp()))
        });
        if due.is_none() {
            reasons.push(
                Reason::field(code::FIELD_INVALID, "due_on", "the due date is missing")
                    .hint("Give a date such as 2026-10-31."),
            );
        }
        let owner = self.field("owner").parse().ok().or_else(|| intake.owners.first().map(|owner| owner.person));
        if owner.is_none() {
            reasons.push(Reason::field(code::FIELD_INVALID, "owner", "nobody is accountable").hint("Choose an owner."));
        }
        let (Some(due_at), Some(owner)) = (due, owner) else { return Err(Refusal { reasons }) };
        let case_type = self.field("case_type").to_owned();
        let known = intake
            .case_types
            .iter()
            .find(|known| known.key == case_type)
            .map(|known| known.fields.as_slice())
            .unwrap_or_default();
        let facts =
            known.iter().map(|field| (field.key.clone(), self.field(&format!("fields.{}", field.key)).to_owned()));
        let parties: BTreeSet<String> = self
            .field("parties")
            .split([',', ' ', '\n'])
            .map(str::trim)
            .filter(|party| !party.is_empty())
            .map(str::to_owned)
            .collect();
        Ok(CaseIn {
            reference: self.field("reference").to_owned(),
            title: self.field("title").to_owned(),
            case_type,
            fields: facts.filter(|(_, body)| !body.trim().is_empty()).collect(),
            jurisdiction: self.field("jurisdiction").trim().to_owned(),
            language: self.field("language").trim().to_owned(),
            parties,
            urgent: self.fields.contains_key("urgent"),
            due_at,
            owner,
            items: self.items(),
        })
    }
}

fn unread(error: &MultipartError) -> Reason {
    let too_large = error.status() == StatusCode::PAYLOAD_TOO_LARGE;
    let sentence = if too_large { "the documents are too large together" } else { "the form arrived incomplete" };
    Reason::field(code::FIELD_INVALID, "files", sentence)
        .hint("Take the case in with fewer documents and add the others from its page.")
}

/// Returns the text of a file: UTF-8, UTF-16 with its mark, or Windows-1252 where that was chosen.
///
/// # Errors
/// A field reason that names the file, the place of the first byte that does not fit, and the remedy.
fn decode(name: &str, bytes: &[u8], encoding: &str) -> Result<String, Reason> {
    let broken = |sentence: String, hint: &str| Reason::field(code::TEXT_CHARACTERS, "files", sentence).hint(hint);
    let marked = [(encoding_rs::UTF_16LE, &[0xff, 0xfe][..]), (encoding_rs::UTF_16BE, &[0xfe, 0xff][..])];
    if let Some((known, mark)) = marked.into_iter().find(|(_, mark)| bytes.starts_with(mark)) {
        let body = known.decode_without_bom_handling_and_without_replacement(&bytes[mark.len()..]);
        return body.map(std::borrow::Cow::into_owned).ok_or_else(|| {
            broken(
                format!("`{name}` is marked as UTF-16 but holds a broken character"),
                "Save the file as UTF-8 and upload it again.",
            )
        });
    }
    if encoding == "windows-1252" {
        return Ok(encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned());
    }
    let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(body) => Ok(body.to_owned()),
        Err(error) => {
            let place = error.valid_up_to();
            let byte = bytes.get(place).copied().unwrap_or_default();
            Err(broken(
                format!("`{name}` is not UTF-8: byte {} is 0x{byte:02X}", place + 1),
                "Choose Windows-1252 as its encoding if it comes from an older Windows program, or save it as UTF-8; then choose the file again.",
            ))
        }
    }
}

async fn blank(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Html<String>, Oops> {
    let mut given = Given::default();
    let due = app.clock().now().plus_seconds(5 * 86_400).date().to_string();
    given.fields.extend([
        ("language".to_owned(), "en".to_owned()),
        ("due_on".to_owned(), due),
        ("material".to_owned(), "true".to_owned()),
    ]);
    form(&app, &caller, engagement, given, Vec::new()).await
}

async fn form(
    app: &App,
    caller: &Caller,
    engagement: EngagementId,
    given: Given,
    errors: Vec<Told>,
) -> Result<Html<String>, Oops> {
    let intake = app.view(caller, GetIntake { engagement }).await?;
    let frame = Frame::new(app, caller, Some(engagement), Place::Cases, "Take a case in").await?;
    html(&NewPage { frame, engagement, intake, given, errors })
}

/// Takes the case in. The scope gate's answer is on the case's page: admitted, or stopped with the clause.
async fn take_in(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    sent: Multipart,
) -> Result<Response, Oops> {
    let (given, mut reasons) = Given::read(sent).await;
    let intake = app.view(&caller, GetIntake { engagement }).await?;
    let done = match given.case(&intake) {
        Ok(case) if reasons.is_empty() => app.act(caller.clone(), Command::TakeIn { engagement, case }).await,
        Ok(_) => Err(Refusal { reasons }.into()),
        Err(refusal) => {
            reasons.extend(refusal.reasons);
            Err(Refusal { reasons }.into())
        }
    };
    match done {
        Ok(receipt) => {
            let case = receipt.case().map(|case| format!("/{case}")).unwrap_or_default();
            Ok(Redirect::to(&format!("/e/{engagement}/cases{case}")).into_response())
        }
        Err(error @ Error::Refused(_)) => {
            let status = match &error {
                Error::Refused(refusal) if refusal.class() == Class::Field => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::CONFLICT,
            };
            Ok((status, form(&app, &caller, engagement, given, told(error)).await?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

/// Adds documents to the file of a case, one act for each.
async fn add_items(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    sent: Multipart,
) -> Response {
    let (given, mut reasons) = Given::read(sent).await;
    let items = given.items();
    if items.is_empty() && reasons.is_empty() {
        reasons.push(
            Reason::field(code::FIELD_INVALID, "files", "no file was chosen").hint("Choose a text or an SVG file."),
        );
    }
    let mut done = if reasons.is_empty() { Ok(()) } else { Err(Error::from(Refusal { reasons })) };
    for item in items {
        if done.is_ok() {
            let command = Command::AddItem { engagement, case, replaces: None, item };
            done = app.act(caller.clone(), command).await.map(drop);
        }
    }
    match done {
        Ok(()) => Redirect::to(&format!("/e/{engagement}/cases/{case}")).into_response(),
        Err(error) => again(&app, &caller, (engagement, case), "items", given.fields, error).await,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    #[test]
    fn usual_encodings_are_read_and_a_wrong_one_names_the_remedy() {
        assert_eq!(decode("a.txt", b"\xef\xbb\xbfcaf\xc3\xa9\r\n", "").unwrap(), "café\r\n");
        assert_eq!(decode("a.txt", b"\xff\xfec\x00a\x00f\x00\xe9\x00", "").unwrap(), "café");
        assert_eq!(decode("a.txt", b"\xfe\xff\x00c\x00a\x00f\x00\xe9", "").unwrap(), "café");
        assert_eq!(decode("a.txt", b"caf\xe9 \x92", "windows-1252").unwrap(), "café \u{2019}");
        let refused = decode("a.txt", b"caf\xe9", "").unwrap_err();
        assert_eq!(refused.sentence, "`a.txt` is not UTF-8: byte 4 is 0xE9");
        assert!(refused.hint.contains("Windows-1252"));
        assert!(decode("a.txt", b"\xff\xfe\x00\xd8", "").is_err());
    }
}
