//! Packs: the shipped ones pass, a broken one is told everything at once, with file and line.

use std::path::Path;

use remit_formats::{PackErrors, files, files::Files, pack};
use remit_kernel::{
    form::{EvidenceRule, QuestionKind},
    pack::StepMode,
    quote,
};
use serde_json::Value;

const MANIFEST: &str = r#"name = "small"
version = "1.0.0"
title = "Small"
summary = "The smallest pack."
rate_units = ["case"]

[[case_types]]
key = "thing"
title = "A thing"

[plan]
readings = 2
signoff = false
"#;
const FORM: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["good"],
  "properties": {
    "good": {
      "title": "Is it good?",
      "x-remit-kind": "choice",
      "x-remit-decides": true,
      "oneOf": [
        { "const": "yes", "title": "Yes", "x-remit-shortcut": "y" },
        { "const": "no", "title": "No" }
      ]
    },
    "where": { "title": "Where?", "x-remit-kind": "span", "type": "array", "minItems": 1, "maxItems": 3 },
    "why": { "title": "Why?", "x-remit-kind": "text", "type": "string", "maxLength": 500 },
    "how": {
      "title": "How good?",
      "x-remit-kind": "grade",
      "x-remit-tolerance": 1,
      "oneOf": [{ "const": "bad", "title": "Bad" }, { "const": "fair", "title": "Fair" }, { "const": "fine", "title": "Fine" }]
    },
    "which": {
      "title": "Which apply?",
      "x-remit-kind": "multi",
      "type": "array",
      "maxItems": 2,
      "items": { "oneOf": [{ "const": "a", "title": "A" }, { "const": "b", "title": "B" }] }
    },
    "much": {
      "title": "How much?",
      "x-remit-kind": "number",
      "type": "number",
      "minimum": 0.5,
      "maximum": 90,
      "x-remit-decimals": 2,
      "x-remit-unit": "mm",
      "x-remit-tolerance": 0.25,
      "x-remit-tolerance-percent": 1.5
    }
  }
}
"#;
const PLAYBOOK: &str = "---\ntitle: Small\n---\n\n## Reading\n\n### Look\n---\nmode: on demand\nopens when: asked\ndone when: seen\n---\nLook at it.\n";

/// Returns what is wrong with the small pack once one text in one of its files is replaced, as `file:line: message`.
fn broken(file: &str, from: &str, to: &str) -> Vec<String> {
    let files = [("pack.toml", MANIFEST), ("form.json", FORM), ("playbook.md", PLAYBOOK)];
    assert!(files.iter().any(|(name, text)| *name == file && text.contains(from)), "`{from}` stands in {file}");
    let files: Files = files
        .into_iter()
        .map(|(name, text)| {
            (name, if name == file { text.replacen(from, to, 1) } else { text.to_owned() }.into_bytes())
        })
        .collect();
    let PackErrors(problems) = pack::read_files(&files).expect_err("the pack is broken");
    for problem in &problems {
        assert!(problem.hint.ends_with('.') && problem.column > 0, "{problem}");
    }
    problems.iter().map(|problem| format!("{}:{}: {}", problem.file, problem.line, problem.message)).collect()
}

#[test]
fn every_shipped_pack_passes_from_the_binary_and_from_its_folder_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs");
    let names: Vec<_> = files::shipped().map(|(name, _)| name).collect();
    assert_eq!(names, ["design-review", "diagnostic-reading", "evidence-analysis"]);
    for (name, embedded) in files::shipped() {
        let loaded = pack::read_files(&embedded).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(Files::of_dir(&folder.join(name)).unwrap(), embedded);
        assert_eq!(pack::read(&folder.join(name)).unwrap().pack.reference(), loaded.pack.reference());
        assert_eq!(loaded.pack.name, name);
        assert_eq!(loaded.maps.len(), 1);
        assert!(loaded.demo.find("cases.jsonl").is_some());
    }
}

#[test]
fn the_evidence_pack_asks_one_question_that_needs_a_passage_unless_it_cannot_be_answered() {
    let pack = pack::read_files(&files::find_shipped("evidence-analysis").unwrap()).unwrap().pack;
    let question = pack.form.question("effect").unwrap();
    assert!(question.decides && question.required);
    assert_eq!(question.evidence, EvidenceRule::Required { unless: vec!["cannot_tell".to_owned()] });
    assert!(pack.plan.signoff && !pack.plan.signoff_in_jurisdiction);
    let stages: Vec<_> = pack.playbook.stages.iter().map(|stage| stage.key.as_str()).collect();
    assert_eq!(stages, ["intake", "reading", "adjudication", "sign-off", "delivery"]);
    assert_eq!(pack.playbook.stages[0].steps[1].mode, StepMode::OnDemand);
}

#[test]
fn the_diagnostic_pack_asks_six_findings_in_order_and_a_signer_in_the_jurisdiction() {
    let pack = pack::read_files(&files::find_shipped("diagnostic-reading").unwrap()).unwrap().pack;
    let keys: Vec<_> = pack.form.deciding().map(|question| question.key.as_str()).collect();
    assert_eq!(keys, ["av_block_1", "rbbb", "lbbb", "sinus_bradycardia", "atrial_fibrillation", "sinus_tachycardia"]);
    assert!(pack.plan.signoff_in_jurisdiction && pack.requirement(remit_kernel::pack::Duty::Sign).in_jurisdiction);
}

#[test]
fn every_demonstration_quote_stands_once_in_its_report_and_every_answer_is_an_option() {
    let loaded = pack::read_files(&files::find_shipped("evidence-analysis").unwrap()).unwrap();
    let lines = std::str::from_utf8(loaded.demo.find("cases.jsonl").unwrap()).unwrap();
    for case in lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let report = std::str::from_utf8(loaded.demo.find(case["report"].as_str().unwrap()).unwrap()).unwrap();
        assert!(report.contains("Fictional report"), "{case}");
        let disagreement = &case["disagreement"];
        for text in
            [&case["quote"], &case["second_quote"], &disagreement["quote"]].into_iter().filter_map(Value::as_str)
        {
            assert_eq!(quote::find(report, text).len(), 1, "{text}");
        }
        for answer in [&case["answer"], &disagreement["answer"]].into_iter().filter_map(Value::as_str) {
            let remit_kernel::form::QuestionKind::Choice { options } = &loaded.pack.form.questions[0].kind else {
                panic!()
            };
            assert!(options.iter().any(|option| option.key == answer));
            assert!(answer == "cannot_tell" || !case["quote"].is_null() || answer != case["answer"]);
        }
    }
}

#[test]
fn the_pack_in_the_guide_passes() {
    let guide =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/write-a-pack.md")).unwrap();
    let blocks = |language: &str| -> Vec<String> {
        let fence = format!("```{language}\n");
        let parts = guide.split(&fence).skip(1);
        parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
    };
    let [manifest, review, map] = blocks("toml").try_into().unwrap();
    let manifest = format!("{manifest}\n{review}");
    let [form] = blocks("json").try_into().unwrap();
    let [playbook] = blocks("markdown").try_into().unwrap();
    let files = [("pack.toml", manifest), ("form.json", form), ("playbook.md", playbook), ("import/lawyers.toml", map)];
    let files: Files = files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    let loaded = pack::read_files(&files).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(loaded.maps.contains_key("lawyers"));
}

#[test]
fn the_small_pack_passes() {
    let files = [("pack.toml", MANIFEST), ("form.json", FORM), ("playbook.md", PLAYBOOK)];
    let pack = pack::read_files(&files.into_iter().map(|(name, text)| (name, text.as_bytes())).collect()).unwrap().pack;
    let remit_kernel::form::QuestionKind::Choice { options } = &pack.form.questions[0].kind else { panic!() };
    assert_eq!((options[0].shortcut.as_str(), options[1].shortcut.as_str()), ("y", "2"));
    assert_eq!(
        pack.form.questions.iter().map(|question| question.kind.word()).collect::<Vec<_>>(),
        ["choice", "span", "text", "grade", "multi", "number"]
    );
    let QuestionKind::Multi { picks_min, picks_max, common_min, .. } = &pack.form.questions[4].kind else { panic!() };
    assert_eq!((*picks_min, *picks_max, *common_min), (1, 2, 100));
    let QuestionKind::Number { min, max, places, tolerance, tolerance_share, .. } = &pack.form.questions[5].kind else {
        panic!()
    };
    assert_eq!([min, max, tolerance].map(ToString::to_string), ["0.5", "90", "0.25"]);
    assert_eq!((*places, *tolerance_share), (2, 150));
}

#[test]
fn a_mistake_in_the_form_is_named_with_its_line() {
    let check = |from, to, wanted: &[&str]| assert_eq!(broken("form.json", from, to), wanted);
    check("\"Is it good?\",", "\"Is it good?\"", &["form.json:8: this is not JSON: expected `,` or `}`"]);
    check(
        "\"required\": [\"good\"]",
        "\"required\": [\"god\"]",
        &["form.json:4: `required` names `god`, which is not a question"],
    );
    check("\"where\"", "\"good\"", &["form.json:15: `good` is given twice"]);
    check("\"where\"", "\"Where\"", &["form.json:15: `Where` cannot be the key of a question"]);
    check(
        "\"No\" }",
        "\"No\", \"x-remit-shortcut\": \"y\" }",
        &["form.json:12: the shortcut `y` picks both `yes` and `no`"],
    );
    check(
        "\"y\" }",
        "\"2\" }",
        &[
            "form.json:11: the shortcut `2` of option `yes` cannot be used",
            "form.json:12: the shortcut `2` picks both `yes` and `no`",
        ],
    );
    check("true", "false", &["form.json:1: no question decides, so two readers could never be in dispute"]);
    check(
        "\"x-remit-tolerance\": 1,\n      \"oneOf\"",
        "\"x-remit-tolerance\": 2,\n      \"oneOf\"",
        &["form.json:20: a tolerance of 2 steps takes any two of 3 for the same"],
    );
    check("\"maxItems\": 2", "\"maxItems\": 3", &["form.json:27: `maxItems` is 3"]);
    check("{ \"const\": \"b\"", "{ \"const\": \"a\"", &["form.json:28: option `a` is listed twice"]);
    check(
        "\"minimum\": 0.5",
        "\"minimum\": 0.525",
        &["form.json:34: `minimum` has more decimals than the question takes"],
    );
    check("\"maximum\": 90", "\"maximum\": 0.25", &["form.json:30: question `much` takes no number at all"]);
    check("\"maximum\": 90,", "", &["form.json:30: `maximum` is missing"]);
    check(
        "\"x-remit-tolerance\": 0.25",
        "\"x-remit-tolerance\": \"little\"",
        &[
            "form.json:38: `x-remit-tolerance` is a text, wanted is a number of at most 12 digits before the point and 6 after it",
        ],
    );
    check("percent\": 1.5", "percent\": 101", &["form.json:39: `x-remit-tolerance-percent` is 101"]);
    check("\"span\"", "\"essay\"", &["form.json:15: question `where` is of the unknown kind `essay`"]);
    check(
        "\"x-remit-decides\"",
        "\"x-remit-decide\"",
        &[
            "form.json:1: no question decides, so two readers could never be in dispute",
            "form.json:9: `x-remit-decide` is not a key of this table",
        ],
    );
    check(
        "\"minItems\": 1",
        "\"minItems\": -1",
        &[
            "form.json:15: this is not a JSON Schema: -1 is less than the minimum of 0",
            "form.json:15: `minItems` is -1",
        ],
    );
    check(
        "\"why\": { ",
        "\"why\": { \"x-remit-evidence-unless\": [\"no\"], ",
        &[
            "form.json:16: `x-remit-evidence-unless` stands without required evidence",
            "form.json:16: `no` under `x-remit-evidence-unless` is not an option of `why`",
        ],
    );
    check(
        "\"why\": { ",
        "\"why\": { \"x-remit-decides\": true, ",
        &["form.json:16: question `why` decides, but words never put two readers in dispute"],
    );
    check("schema\",", "schema#\",", &["form.json:1: `$schema` does not name the 2020-12 dialect"]);
}

#[test]
fn ten_options_are_one_too_many() {
    let options: Vec<_> = (1..=9).map(|option| format!("{{ \"const\": \"o{option}\", \"title\": \"O\" }}")).collect();
    let options = format!("[ {}, ", options.join(", "));
    let told = broken(
        "form.json",
        "[\n        { \"const\": \"yes\", \"title\": \"Yes\", \"x-remit-shortcut\": \"y\" },",
        &options,
    );
    assert_eq!(told[0], "form.json:6: question `good` offers 10 options, the limit is 9");
}

#[test]
fn nesting_without_end_is_refused_and_not_followed() {
    let told = broken("form.json", "\"Where?\"", &format!("{}{}", "[".repeat(100), "]".repeat(100)));
    assert_eq!(told, ["form.json:1: values are nested more than 32 deep"]);
}

#[test]
fn a_mistake_in_the_manifest_is_named_with_its_line() {
    let check = |from, to, wanted: &[&str]| assert_eq!(broken("pack.toml", from, to), wanted);
    check("\"small\"", "\"Small pack\"", &["pack.toml:1: `Small pack` cannot be the name of a pack"]);
    check("1.0.0", "1.0", &["pack.toml:1: `1.0` is not a version"]);
    check("title = \"Small\"\n", "", &["pack.toml:1: `title` is missing"]);
    check("readings = 2", "readings = 0", &["pack.toml:12: `readings` is 0"]);
    check(
        "readings = 2",
        "readings = \"two\"",
        &["pack.toml:12: `readings` is a text, wanted is a whole number from 1 to 9"],
    );
    check(
        "readings = 2",
        "reading = 2",
        &["pack.toml:11: `readings` is missing", "pack.toml:12: `reading` is not a key of this table"],
    );
    check(
        "signoff = false",
        "signoff = true",
        &["pack.toml:1: cases are signed, but no credential is named for the signer"],
    );
    check(
        "title = \"A thing\"\n",
        "title = \"A thing\"\n[[case_types]]\nkey = \"thing\"\ntitle = \"B\"\n",
        &["pack.toml:10: the case type `thing` is given twice"],
    );
    check("version = ", "version ", &["pack.toml:2: this is not TOML: key with no value, expected `=`"]);
}

#[test]
fn a_mistake_in_the_playbook_is_named_with_its_line() {
    let check = |from, to, wanted: &[&str]| assert_eq!(broken("playbook.md", from, to), wanted);
    check("---\ntitle: Small\n---\n", "", &["playbook.md:1: the playbook has no title"]);
    check("on demand", "sometimes", &["playbook.md:7: the mode of step `Look` is `sometimes`"]);
    check("opens when: asked\n", "", &["playbook.md:7: step `Look` does not say `opens when`"]);
    check(
        "opens when:",
        "opens:",
        &[
            "playbook.md:7: step `Look` does not say `opens when`",
            "playbook.md:10: `opens` is not an entry of this front matter",
        ],
    );
    check("### Look\n---\n", "### Look\n", &["playbook.md:7: step `Look` has no front matter"]);
    check(
        "done when: seen\n---\n",
        "done when: seen\n",
        &[
            "playbook.md:7: the mode of step `Look` is ``",
            "playbook.md:7: step `Look` does not say `opens when`",
            "playbook.md:7: step `Look` does not say `done when`",
            "playbook.md:8: this front matter never ends",
        ],
    );
    check(
        "## Reading\n",
        "Words.\n",
        &[
            "playbook.md:1: the playbook has no stage",
            "playbook.md:5: this text belongs to no step",
            "playbook.md:7: step `Look` stands before the first stage",
        ],
    );
}

#[test]
fn all_files_are_told_of_at_once_and_a_missing_one_too() {
    let files: Files = [("pack.toml", "name = 1\n".as_bytes()), ("playbook.md", b"\xff")].into_iter().collect();
    let PackErrors(problems) = pack::read_files(&files).unwrap_err();
    let told: Vec<_> = problems.iter().map(|problem| (problem.file.as_str(), problem.message.as_str())).collect();
    assert!(told.contains(&("form.json", "this file is missing")));
    assert!(told.contains(&("playbook.md", "byte 0 is not UTF-8")));
    assert!(told.contains(&("pack.toml", "`name` is a whole number, wanted is a text")));
}
