//! Backing up beside a server, restoring what verifies and nothing else, and rehearsing it.

use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
};

use serde_json::Value;

use crate::process::{Installation, done, organisations, refused};

#[test]
fn a_backup_made_beside_a_server_is_verified_and_restored() {
    let house = Installation::new();
    let server = house.serve();
    assert_eq!(server.add("Before"), Some(200));
    let (data, backup, elsewhere) = (house.data(), house.beside("backup.db"), house.beside("elsewhere"));
    let [data, backup, elsewhere] = [&data, &backup, &elsewhere].map(|path| path.to_str().unwrap());
    let told = done(&["backup", "--data", data, "--to", backup]);
    assert!(told.contains("holds everything up to"), "{told}");
    assert_eq!(server.add("After"), Some(200));
    assert!(refused(&["backup", "--data", data, "--to", backup]).contains("there already"));
    assert!(refused(&["restore", "--from", backup, "--data", data]).contains("--force"));
    assert!(refused(&["restore", "--from", backup, "--data", data, "--force"]).contains("stop the server"));

    let restored: Value =
        serde_json::from_str(&done(&["restore", "--from", backup, "--data", elsewhere, "--json"])).unwrap();
    assert!(restored["events"].as_u64().unwrap() >= 3, "{restored}");
    assert_eq!(organisations(elsewhere.as_ref()), ["Before", "House"]);
    drop(server);

    let told = done(&["restore", "--from", backup, "--data", data, "--force"]);
    assert!(told.contains("remit.db.replaced-"), "{told}");
    assert_eq!(organisations(data.as_ref()), ["Before", "House"]);
    let left: Vec<_> =
        fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().any(|name| name.starts_with("remit.db.replaced-")), "{left:?}");
    assert!(!left.iter().any(|name| name.starts_with(".restoring")), "{left:?}");
}

#[test]
fn a_backup_that_is_not_what_its_manifest_says_is_refused_and_so_is_one_that_does_not_replay() {
    let house = Installation::new();
    let (data, backup, elsewhere) = (house.data(), house.beside("backup.db"), house.beside("elsewhere"));
    let [data, backup, elsewhere] = [&data, &backup, &elsewhere].map(|path| path.to_str().unwrap());
    done(&["backup", "--data", data, "--to", backup]);
    let restore = || refused(&["restore", "--from", backup, "--data", elsewhere]);
    let whole = fs::read(backup).unwrap();

    // One byte of one event, as a failing disk would change it.
    let at = whole.windows(5).position(|bytes| bytes == b"House").unwrap();
    let mut file = fs::File::options().read(true).write(true).open(backup).unwrap();
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(b"M").unwrap();
    drop(file);
    let told = restore();
    assert!(told.contains("not what its manifest says"), "{told}");

    // With a manifest made to fit, only the replay can tell.
    let manifest = format!("{backup}.manifest.json");
    let mut bytes = Vec::new();
    fs::File::open(backup).unwrap().read_to_end(&mut bytes).unwrap();
    let old = fs::read_to_string(&manifest).unwrap();
    let digest = |bytes: &[u8]| remit_kernel::hash::Digest::of(bytes).to_string();
    let forged = old.replace(&digest(&whole), &digest(&bytes));
    assert_ne!(old, forged, "the manifest holds the file's SHA-256");
    fs::write(&manifest, forged).unwrap();
    let told = restore();
    assert!(told.contains("differs from its own record"), "{told}");
    assert!(!fs::exists(house.beside("elsewhere").join("remit.db")).unwrap(), "nothing was put in place");

    fs::remove_file(&manifest).unwrap();
    assert!(restore().contains("belong together"));
}

#[test]
fn a_drill_restores_beside_a_running_server_and_leaves_nothing_behind() {
    let house = Installation::new();
    let server = house.serve();
    assert_eq!(server.add("One more"), Some(200));
    let data = house.data();
    let before = fs::read_dir(&data).unwrap().count();
    let told = done(&["backup", "drill", "--data", data.to_str().unwrap(), "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["verified"], true);
    assert!(told["restore_seconds"].as_f64().unwrap() > 0.0 && told["events"].as_u64().unwrap() >= 3, "{told}");
    assert_eq!(fs::read_dir(&data).unwrap().count(), before);
}
