//! Taking the past in: the two published sets, and small files for every outcome that a row can have.

use std::path::{Path, PathBuf};

use remit_formats::{
    files,
    pack::{self, LoadedPack},
    table::{Encoding, Table},
};
use remit_kernel::{
    command::{Command, PersonIn},
    id::{EngagementId, PersonId},
    index::{CaseStatus, Origin},
    role::Role,
};
use remit_server::{
    App, Caller,
    app::import::{CasesIn, History, Imported, Panels, Target},
    clock::{Chance, Clock},
};
use remit_store::{CaseFilter, testing};

use crate::world::{START, World, pack};

/// An installation with one house and its operator, and a folder for files.
pub(crate) struct House {
    pub(crate) app: App,
    pub(crate) operator: PersonId,
    folder: tempfile::TempDir,
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::open(&folder.path().join("data")).await.unwrap();
        let app = App::new(store, Clock::stepped(START), Chance::seeded(7)).unwrap();
        let org = Command::AddOrganisation { name: "Durban Analytics".into(), country: "ZA".into() };
        let org = app.act(Caller::founder(), org).await.unwrap().organisation().unwrap();
        let person = PersonIn {
            org,
            name: "Olga Operator".into(),
            same_as: None,
            signs_in: true,
            place: "ZA".into(),
            languages: ["en".to_owned()].into(),
            roles: [Role::Operator].into(),
        };
        let operator = app.act(Caller::founder(), Command::AddPerson { person }).await.unwrap().person().unwrap();
        Self { app, operator, folder }
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller::local(self.operator, "test")
    }

    fn file(&self, name: &str, body: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, body).unwrap();
        path
    }

    async fn import(&self, history: History) -> Imported {
        self.app.import_history(&self.caller(), history, |_| {}).await.unwrap()
    }
}

/// Imports ECGs from tables of their own: cases, decisions with the day in `read_on`, and gold.
pub(crate) async fn ecgs(house: &House, [cases, decisions, gold]: [&str; 3], target: Target) -> Imported {
    let LoadedPack { pack, .. } = shipped("diagnostic-reading");
    let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/diagnostic-reading/import/medical-ecg.toml");
    let dated = "reader = \"rater\"\nclaimed_at = \"read_on\"\n";
    let map = std::fs::read_to_string(map).unwrap().replacen("reader = \"rater\"\n", dated, 1);
    let map = remit_formats::import_map::read(&house.file("dated.toml", map), &pack).unwrap();
    let table = |name: &str, body: &str| open(&house.file(name, body));
    let (cases, readings) = (table("cases.csv", cases), table("decisions.csv", decisions));
    let history = History { map, pack, cases, documents: None, readings, gold: Some(table("gold.csv", gold)), target };
    let imported = house.import(history).await;
    assert!(imported.rejected.is_empty(), "{:?}", imported.rejected.first());
    imported
}

fn shipped(name: &str) -> LoadedPack {
    pack::read_files(&files::find_shipped(name).unwrap()).unwrap()
}

fn open(path: &Path) -> Table {
    Table::open(path, Encoding::Detect).unwrap()
}

/// The folder of a published set; nothing, and a word on it, where it is not at hand.
fn reference(set: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(set);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: ../shared not present");
    None
}

fn ecg(folder: &Path, target: Target) -> History {
    let LoadedPack { pack, maps, .. } = shipped("diagnostic-reading");
    History {
        map: maps["medical-ecg"].clone(),
        pack,
        cases: open(&folder.join("cases.csv")),
        documents: None,
        readings: open(&folder.join("decisions.csv")),
        gold: Some(open(&folder.join("gold.csv"))),
        target,
    }
}

fn evidence(folder: &Path, target: Target) -> History {
    let LoadedPack { pack, maps, .. } = shipped("evidence-analysis");
    History {
        map: maps["research-rct-evidence"].clone(),
        pack,
        cases: open(&folder.join("cases.jsonl")),
        documents: Some(open(&folder.join("articles.jsonl.gz"))),
        readings: open(&folder.join("decisions.jsonl.gz")),
        gold: Some(open(&folder.join("gold.csv"))),
        target,
    }
}

/// The ECG readings that ship with the pack.
pub(crate) fn shipped_ecg() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/diagnostic-reading/demo/history")
}

/// Imports ECG readings twice: the second run takes nothing.
pub(crate) async fn ecg_set(folder: &Path) -> (House, EngagementId) {
    let house = House::new().await;
    let first = house.import(ecg(folder, Target::New("Past ECGs".into()))).await;
    assert_eq!((first.cases, first.readings, first.extra, first.suggestions), (331, 662, 993, 331));
    assert_eq!(first.panels, Panels { agreed: 316, disputed: 15, single: 0 });
    assert_eq!((first.ignored, first.duplicates, first.rejected.len(), first.unplaced.len()), (0, 0, 0, 0));
    let again = house.import(ecg(folder, Target::Engagement(first.engagement))).await;
    assert_eq!((again.cases, again.readings, again.extra, again.suggestions), (0, 0, 0, 0));
    assert_eq!((again.panels, again.duplicates, again.rejected.len()), (first.panels, 6 * 331, 0));
    (house, first.engagement)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_ecgs_hold_fifteen_disputes() {
    let Some(folder) = reference("medical-ecg") else { return };
    ecg_set(&folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_published_trial_questions_seventy_six_are_disputed() {
    let Some(folder) = reference("research-rct-evidence") else { return };
    let house = House::new().await;
    let first = house.import(evidence(&folder, Target::New("Past questions".into()))).await;
    assert_eq!((first.cases, first.readings, first.extra, first.suggestions), (715, 1414, 0, 0));
    assert_eq!(first.panels, Panels { agreed: 581, disputed: 76, single: 58 });
    assert_eq!((first.ignored, first.rejected.as_slice()), (0, &[][..]));
    for quote in first.unplaced.iter().take(5) {
        eprintln!("{quote:?}");
    }
    assert!(first.unplaced.len() < 20, "{} quotes are not on their span", first.unplaced.len());
}

const MAP: &str = r#"
title = "Small files"
[cases]
reference = "id"
title = "{outcome}"
case_type = { value = "trial-outcome" }
document = "doc"
[cases.fields]
outcome = "outcome"
intervention = "by"
comparator = "against"
[documents]
key = "key"
items = [{ name = "Report", column = "text" }]
[readings]
case = "case"
reader = "who"
claimed_at = "when"
confidence = "sure"
[readings.answers.effect]
column = "label"
values = { up = "increased", down = "decreased" }
[readings.evidence.effect]
quote = "quote"
start = "start"
end = "end"
item = "Report"
[readers]
default = "panel"
parts = [{ reader = "trainee*", part = "extra" }, { reader = "model", part = "ai" }, { reader = "test", part = "skip" }]
[gold]
case = "case"
answers.effect = { column = "label", values = { up = "increased", down = "decreased" } }
"#;

const CASES: &str = "id,outcome,by,against,doc\n\
    C1,Pain,drug,placebo,D1\nC2,Sleep,drug,placebo,D9\nC3,,drug,placebo,\nC1,Pain,drug,placebo,D1\nC1,Other,drug,placebo,D1\n";
const DOCUMENTS: &str = "key,text\nD1,\"Pain fell by 4 points. \u{dc}ber alles: pain fell by 4 points, and more.\"\n";
const READINGS: &str = "case,who,when,sure,label,quote,start,end\n\
    C1,ann,2024-02-03,80,down,Pain fell,0,9\n\
    C1,ann,2024-02-03,80,down,and more,-1,-1\n\
    C1,ann,2024-02-03,80,down,and more,-1,-1\n\
    C1,ann,2024-02-03,80,up,,,\n\
    C1,bob,,,up,by 4 points,40,50\n\
    C1,cyd,,,down,by 4 points,,\n\
    C1,trainee1,,,down,nowhere,0,5\n\
    C1,model,,,up,,,\n\
    C1,test,,,up,,,\n\
    C2,ann,,,up,Pain fell,0,9\n\
    C9,ann,,,up,,,\n\
    C1,dan,,,,,,\n\
    C1,eve,,,sideways,,,\n\
    C1,fay,,,down,,500,510\n\
    C3,ann,,,down,,,\n\
    C1,gus,,140,down,,,\n";
const GOLD: &str = "case,label\nC1,down\nC1,down\nC1,up\nC2,\nC8,up\n";

fn small(house: &House, target: Target, readings: impl AsRef<[u8]>, encoding: Encoding) -> History {
    let LoadedPack { pack, .. } = shipped("evidence-analysis");
    let map = remit_formats::import_map::read(&house.file("map.toml", MAP), &pack).unwrap();
    History {
        pack,
        map,
        cases: open(&house.file("cases.csv", CASES)),
        documents: Some(open(&house.file("documents.csv", DOCUMENTS))),
        readings: Table::open(&house.file("readings.csv", readings), encoding).unwrap(),
        gold: Some(open(&house.file("gold.csv", GOLD))),
        target,
    }
}

#[tokio::test]
async fn every_row_is_taken_or_named() {
    let house = House::new().await;
    let first = house.import(small(&house, Target::New("Small".into()), READINGS, Encoding::Detect)).await;
    let lines = |list: &[remit_server::app::import::Reported]| {
        list.iter().map(|row| format!("{}:{} {}", row.file, row.row, row.reason)).collect::<Vec<_>>().join("\n")
    };
    assert_eq!((first.cases, first.readings, first.extra, first.suggestions), (2, 5, 1, 1));
    assert_eq!(first.panels, Panels { agreed: 0, disputed: 1, single: 1 });
    assert_eq!((first.ignored, first.duplicates), (1, 3));
    insta::assert_snapshot!(lines(&first.rejected), @r"
    cases.csv:3 `title`: `title` is empty; `fields.outcome`: `Outcome` is empty
    cases.csv:5 the case `C1` is in row 1 with other facts
    gold.csv:3 the case `C1` has another reference answer in row 1
    gold.csv:5 the case `C8` is neither in the file of cases nor in this engagement
    readings.csv:4 `ann` answers this case otherwise in row 1: one reader gives one reading
    readings.csv:11 the case `C9` is neither in the file of cases nor in this engagement
    readings.csv:12 no question that decides has an answer: there is nothing to compare
    readings.csv:13 `sideways` in column `label` is not an answer to `effect`: the map knows `down`, `up`
    readings.csv:15 its case was not taken: `title`: `title` is empty; `fields.outcome`: `Outcome` is empty
    readings.csv:16 `140` is not a confidence: write a whole number from 0 to 100
    ");
    insta::assert_snapshot!(lines(&first.unplaced), @r"
    cases.csv:2 its document `D9` is not in the file of documents; the case was taken without it
    readings.csv:6 the quote stands in the document 2 times, and no offsets tell which
    readings.csv:7 the quote does not stand in the document
    readings.csv:10 the case has no document to find the passage in
    readings.csv:14 the offsets lie outside the document, and no quote is given
    ");

    let again = house.import(small(&house, Target::Engagement(first.engagement), READINGS, Encoding::Detect)).await;
    assert_eq!((again.cases, again.readings, again.extra, again.suggestions), (0, 0, 0, 0));
    assert_eq!(again.panels, first.panels);
    assert_eq!(again.rejected, first.rejected);
}

/// Whoever lost the connection sends the file again while the first import still runs.
#[tokio::test]
async fn a_file_sent_again_while_its_first_import_runs_loses_no_row() {
    use std::fmt::Write as _;
    let house = House::new().await;
    let first = house.import(small(&house, Target::New("Small".into()), READINGS, Encoding::Detect)).await;
    let many = |house: &House| {
        let (mut cases, mut readings) =
            ("id,outcome,by,against,doc\n".to_owned(), READINGS.lines().next().unwrap().to_owned());
        for number in 0..200 {
            writeln!(cases, "N{number},Pain,drug,placebo,D1").unwrap();
            write!(readings, "\nN{number},ann,,,down,Pain fell,0,9\nN{number},bob,,,up,,,").unwrap();
        }
        let history = small(house, Target::Engagement(first.engagement), readings, Encoding::Detect);
        History { cases: open(&house.file("many.csv", cases)), gold: None, ..history }
    };
    let (one, other) = tokio::join!(house.import(many(&house)), house.import(many(&house)));
    assert_eq!((one.rejected.len(), other.rejected.len()), (0, 0), "{:?} {:?}", one.rejected, other.rejected);
    assert_eq!(one.cases + other.cases, 200);
    assert_eq!(one.readings + other.readings, 400);
    assert_eq!(one.duplicates + other.duplicates, 400, "what one recorded, the other found");
}

#[tokio::test]
async fn nothing_of_the_past_runs_a_clock_uses_volume_or_goes_to_a_client() {
    let house = House::new().await;
    let taken = house.import(small(&house, Target::New("Small".into()), READINGS, Encoding::Detect)).await;
    let scope = taken.engagement.to_string();
    let store = house.app.store();
    let filter = CaseFilter { origin: Some(Origin::Imported), ..CaseFilter::default() };
    let cases = store.list_cases(&scope, &filter, None, 10).await.unwrap();
    assert_eq!(cases.len(), 2);
    let counts = store.count_panels(&scope).await.unwrap();
    assert!(!counts.is_empty() && counts.iter().all(|count| count.origin == Origin::Imported));
    let snapshots = store.snapshots_page(&scope, None, 100).await.unwrap();
    assert!(!snapshots.iter().any(|snapshot| snapshot.stream.starts_with("line/")), "no volume is used");
    assert!(cases.iter().all(|case| matches!(case.status, CaseStatus::Adjudicating | CaseStatus::Resolved)));
    let engagement = taken.engagement;
    for case in cases {
        let case = case.case;
        for command in [Command::RequestSignoff { engagement, case }, Command::Deliver { engagement, case }] {
            let refused = house.app.act(house.caller(), command).await.unwrap_err();
            assert!(matches!(refused, remit_server::Error::Refused(_)), "{refused}");
        }
    }
}

#[tokio::test]
async fn old_encodings_are_read_and_broken_ones_are_named() {
    let latin = "case,who,when,sure,label,quote,start,end\nC1,Jos\u{e9},,,down,,,\n";
    let cp1252: Vec<u8> = latin.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(latin.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (bytes, encoding) in [(cp1252.clone(), Encoding::Cp1252), (utf16, Encoding::Detect)] {
        let house = House::new().await;
        let taken = house.import(small(&house, Target::New("Old".into()), bytes, encoding)).await;
        assert_eq!(taken.readings, 1);
        let people = house.app.store().list_people().await.unwrap();
        let reader = people.iter().find(|person| person.name.as_deref() == Some("Jos\u{e9}")).unwrap();
        assert!(!reader.row.signs_in);
    }
    let house = House::new().await;
    let taken = house.import(small(&house, Target::New("Old".into()), cp1252, Encoding::Detect)).await;
    assert_eq!(taken.readings, 0);
    assert!(
        taken.rejected.iter().any(|row| row.file == "readings.csv" && row.reason.contains("cp1252")),
        "{:?}",
        taken.rejected
    );
}

#[tokio::test]
async fn files_of_which_nothing_can_be_taken_leave_nothing_behind() {
    let house = House::new().await;
    let mut history = small(&house, Target::New("Wrong".into()), "a,b\n1,2\n", Encoding::Detect);
    history.cases = open(&house.file("cases.csv", "a,b\n1,2\n"));
    history.gold = None;
    let refused = house.app.import_history(&house.caller(), history, |_| {}).await.unwrap_err();
    assert!(refused.to_string().contains("no row of the files can be taken"), "{refused}");
    assert!(house.app.store().list_engagements().await.unwrap().is_empty());
}

#[tokio::test]
async fn live_cases_are_taken_or_named_and_of_a_file_that_breaks_off_none_is() {
    let world = World::live().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, body: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, body).unwrap();
        path
    };
    let map = file(
        "map.toml",
        "title = \"Live\"\n[cases]\nreference = \"id\"\ntitle = \"{what}\"\ncase_type = \"type\"\njurisdiction = { value = \"GB\" }\ndocument = \"doc\"\n\
         [cases.fields]\noutcome = \"what\"\n[documents]\nkey = \"doc\"\nitems = [{ name = \"Report\", column = \"text\" }]\n\
         [readings]\ncase = \"id\"\nreader = \"who\"\n[readings.answers.effect]\ncolumn = \"label\"\nvalues = { up = \"rose\" }\n\
         [readers]\ndefault = \"panel\"\n",
    );
    let map = remit_formats::import_map::read(&map, &pack()).unwrap();
    let documents = file("papers.csv", "doc,text\nP1,The mean fell.\n");
    let take = async |cases: &str| {
        let given = CasesIn {
            engagement: world.engagement,
            map: map.clone(),
            cases: open(&file("cases.csv", cases)),
            documents: Some(open(&documents)),
            language: "en".into(),
            owner: world.delivery,
            due_at: START.plus_seconds(10 * 86_400),
        };
        world.app.import_cases(&world.caller(world.delivery), given).await
    };
    let held = async || {
        let scope = world.engagement.to_string();
        world.app.store().count_cases_by_status(&scope).await.unwrap().iter().map(|(_, cases)| *cases).sum::<u64>()
    };
    let begun = "id,what,type,doc\nL-1,Pain,trial,P1\nL-2,Sleep,trial,\n";
    let refused = take(&format!("{begun}L-3,\"Cough,trial,\nL-4,Falls,trial,\n")).await.unwrap_err();
    assert!(refused.to_string().contains("cases.csv"), "{refused}");
    assert_eq!(held().await, 0, "nothing of a file that breaks off");
    let taken = take(&format!("{begun}L-3,,trial,\nL-4,Falls,survey,\nL-5,Cough,trial,P9\n")).await.unwrap();
    assert_eq!((taken.cases, taken.stopped, taken.duplicates), (3, 1, 0), "{taken:?}");
    let named: Vec<_> = taken.rejected.iter().map(|row| (row.file.as_str(), row.row)).collect();
    assert_eq!(named, [("cases.csv", 3), ("cases.csv", 5)], "{:?}", taken.rejected);
    assert!(taken.rejected[1].reason.contains("`P9` is not in the file of documents"), "{:?}", taken.rejected);
    let again = take(begun).await.unwrap();
    assert_eq!((again.cases, again.duplicates, held().await), (0, 2, 3));
}
