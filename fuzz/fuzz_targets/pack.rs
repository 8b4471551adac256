//! Packs: the manifest, the form or the playbook replaced. What is accepted is the same pack when it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remit_formats::{files, pack::read_files};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let path = ["pack.toml", "form.json", "playbook.md", "import/new.toml"][usize::from(which % 4)];
    let files = files::find_shipped("evidence-analysis").expect("the pack comes with Remit");
    let files = files.with(path, bytes.to_vec());
    match read_files(&files) {
        Ok(loaded) => {
            let again = read_files(&files).expect("what was sound is sound");
            assert_eq!(loaded.pack.reference().digest, again.pack.reference().digest);
        }
        Err(problems) => assert!(!problems.0.is_empty() && !problems.to_string().is_empty()),
    }
});
