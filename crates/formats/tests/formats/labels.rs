//! Labels: names become numbers and back again, whatever the file looks like; what cannot be used is named.

use std::{fmt::Write as _, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use remit_formats::labels::{Columns, Gold, GoldColumns, LABELS_MAX, Labels, NAME_BYTES_MAX, Names};

const CSV: &str = "task,worker,label\nt1,ann,yes\nt1,bob,no\nt2,ann,yes\n";

fn read(bytes: &[u8]) -> Labels {
    Labels::of_bytes("labels.csv", bytes.to_vec(), &Columns::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(bytes: &[u8]) -> String {
    Labels::of_bytes("labels.csv", bytes.to_vec(), &Columns::default()).unwrap_err().to_string()
}

/// Every row in words.
fn rows(labels: &Labels) -> Vec<[&str; 3]> {
    let name = |row: &remit_formats::labels::Label| {
        [labels.tasks.name(row.task), labels.workers.name(row.worker), labels.labels.name(row.label)]
    };
    labels.rows.iter().map(name).collect()
}

fn words(names: &Names) -> Vec<&str> {
    names.iter().collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_same_labels_come_out_of_every_usual_file() {
    let wanted = [["t1", "ann", "yes"], ["t1", "bob", "no"], ["t2", "ann", "yes"]];
    let marked = [b"\xef\xbb\xbf", CSV.as_bytes()].concat();
    let quoted = CSV.replace("ann", "\"ann\"").replace("label\n", "\"label\"\n");
    for bytes in [
        CSV.as_bytes(),
        &marked,
        CSV.replace('\n', "\r\n").as_bytes(),
        CSV.trim_end().as_bytes(),
        CSV.replace(',', ";").as_bytes(),
        CSV.replace(',', "\t").as_bytes(),
        format!("sep=|\n{}", CSV.replace(',', "|")).as_bytes(),
        CSV.replace(",yes", ", yes ").as_bytes(),
        CSV.replace("\nt2", "\n\nt2").as_bytes(),
        quoted.as_bytes(),
    ] {
        assert_eq!(rows(&read(bytes)), wanted);
        assert_eq!(rows(&read(&gzip(bytes))), wanted);
    }
    let labels = read(CSV.as_bytes());
    assert_eq!((words(&labels.tasks), words(&labels.workers)), (vec!["t1", "t2"], vec!["ann", "bob"]));
    assert!(labels.slices.is_empty() && labels.slice_of.is_empty());
}

#[test]
fn a_file_on_disk_is_read_like_one_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.csv.gz");
    std::fs::write(&path, gzip(CSV.as_bytes())).unwrap();
    let labels = Labels::read(&path, &Columns::default()).unwrap();
    assert_eq!(rows(&labels), rows(&read(CSV.as_bytes())));
    let absent = Labels::read(&folder.path().join("absent.csv"), &Columns::default()).unwrap_err();
    assert!(absent.to_string().starts_with("absent.csv: the file cannot be read: "), "{absent}");
}

#[test]
fn columns_may_have_any_name_and_place_and_rows_a_slice() {
    let text = "site,when,reader,case,finding\nLeeds,1,r1,c1,a\n,1,r2,c1,b\nLeeds,2,r2,c2,a\n";
    let columns = Columns {
        task: "case".to_owned(),
        worker: "reader".to_owned(),
        label: "finding".to_owned(),
        slice: Some("site".to_owned()),
    };
    let labels = Labels::of_bytes("x", text.into(), &columns).unwrap();
    assert_eq!(rows(&labels), [["c1", "r1", "a"], ["c1", "r2", "b"], ["c2", "r2", "a"]]);
    assert_eq!((words(&labels.slices), labels.slice_of.as_slice()), (vec!["Leeds", ""], &[0, 1, 0][..]));
}

#[test]
fn labels_are_numbered_in_their_own_order() {
    let labels = read(b"task,worker,label\na,x,10\nb,x,9\nc,x,-1.5\nd,x,10\n");
    assert_eq!(
        (words(&labels.labels), labels.labels.numbers()),
        (vec!["-1.5", "9", "10"], Some(vec![-1.5, 9.0, 10.0]))
    );
    assert_eq!(labels.rows.iter().map(|row| row.label).collect::<Vec<_>>(), [2, 1, 0, 2]);
    let labels = read(b"task,worker,label\na,x,10\nb,x,9\nc,x,none\nd,x,NaN\n");
    assert_eq!((words(&labels.labels), labels.labels.numbers()), (vec!["10", "9", "NaN", "none"], None));
}

#[test]
fn an_empty_label_says_nothing_and_is_counted() {
    let labels = read(b"task,worker,label\nt1,ann,\nt1,bob,no\n");
    assert_eq!((rows(&labels), labels.blank), (vec![["t1", "bob", "no"]], 1));
    assert_eq!(words(&labels.tasks), ["t1"]);
}

#[test]
fn known_answers_are_found_for_the_tasks_that_were_labelled() {
    let mut labels = read(CSV.as_bytes());
    let gold = |labels: &mut Labels, text: &str| labels.gold_of_bytes("g", text.into(), &GoldColumns::default());
    let found = gold(&mut labels, "label,task\nmaybe,t2\n,t1\nyes,t9\nmaybe,t2\n").unwrap();
    // The label that only gold has takes its place in the order, and the rows follow.
    assert_eq!(words(&labels.labels), ["maybe", "no", "yes"]);
    assert_eq!(rows(&labels), rows(&read(CSV.as_bytes())));
    assert_eq!(found, Gold { answers: vec![None, Some(0)], known: 1, elsewhere: 1 });

    let before = rows(&labels).len();
    let error = gold(&mut labels, "task,label\nt1,yes\nt1,perhaps\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "g, row 2, `label`: task `t1` has the answer `perhaps` here and `yes` before. Keep the one that is right."
    );
    assert_eq!((rows(&labels).len(), words(&labels.labels)), (before, vec!["maybe", "no", "yes"]));
}

#[test]
fn what_cannot_be_used_is_named_by_row_and_column() {
    for (text, wanted) in [
        (&b""[..], "labels.csv: the file is empty. "),
        (b"PK\x03\x04", "labels.csv: this is a workbook or another zip archive. "),
        (b"{\"task\": 1}\n", "labels.csv: this is JSON, and labels are read from CSV. "),
        (
            b"case,worker,label\na,b,c\n",
            "labels.csv: there is no column `task`. Name the column with `--task`; the header has `case`, `worker`, `label`.",
        ),
        (b"task,worker,label\na,b,c\n,b,c\n", "labels.csv, row 2, `task`: the field is empty. "),
        (b"task,worker,label\na,  ,c\n", "labels.csv, row 1, `worker`: the field is empty. "),
        (b"task,worker,label\na,b,c\na,b\n", "labels.csv, row 2: the row has 2 fields, the header has 3. "),
        (b"task,worker,label\na,\xe9ric,c\n", "labels.csv, row 1, `worker`: byte 0xe9 is not UTF-8. "),
    ] {
        let found = refused(text);
        assert!(found.starts_with(wanted), "{found}");
    }
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    let found = refused(format!("task,worker,label\n{long},b,c\n").as_bytes());
    assert!(found.contains("`task`: the name has 1025 bytes, the limit is 1024"), "{found}");
    // A quote that never closes, or closes late, would swallow what follows; the line where it opens is named.
    for tail in ["", "a,b,c\n", &"a,b,c\n".repeat(1_000)] {
        let found = refused(format!("task,worker,label\na,b,c\na,b,\"c\n{tail}").as_bytes());
        assert!(found.starts_with("labels.csv, row 2: the quote that opens in line 3 is never closed, "), "{found}");
    }
    let found = refused(b"task,worker,label\na,b,\"c\na,b,\"d\"\n");
    assert!(found.contains("opens in line 2 is closed in line 3 with more behind it"), "{found}");
    assert!(refused(b"task,worker,label\na,\"b\"c,d\n").contains("in line 2 a field goes on behind its closing quote"));
    assert!(refused(b"task,worker,label\na,b\0,c\n").contains("`worker`: the field holds a byte 0"));
}

#[test]
fn more_different_labels_than_any_form_has_are_another_column_by_mistake() {
    let mut text = "task,worker,label\n".to_owned();
    for label in 0..=LABELS_MAX {
        writeln!(text, "t,w,{label}").unwrap();
    }
    let found = refused(text.as_bytes());
    assert!(found.starts_with("labels.csv, row 65537, `label`: there are more than 65536 different labels"), "{found}");
}

#[test]
fn names_keep_their_numbers_among_many() {
    let mut text = "task,worker,label\n".to_owned();
    for round in 0..2 {
        for task in 0..20_000 {
            writeln!(text, "case {task},reader {},{}", task % 7, (task + round) % 3).unwrap();
        }
    }
    let labels = read(text.as_bytes());
    assert_eq!(
        (labels.tasks.len(), labels.workers.len(), labels.labels.len(), labels.rows.len()),
        (20_000, 7, 3, 40_000)
    );
    assert!(labels.tasks.iter().enumerate().all(|(number, name)| name == format!("case {number}")));
    assert_eq!(labels.tasks.find(b"case 12345"), Some(12_345));
    assert_eq!((labels.tasks.find(b"case"), labels.tasks.name(u32::MAX)), (None, ""));
    assert_eq!(labels.rows[20_001].task, 1);
}
