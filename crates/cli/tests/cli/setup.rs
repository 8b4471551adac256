//! Setting an installation up: whole, or not at all.

use crate::process::remit;

#[test]
fn an_installation_that_was_refused_can_be_set_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let init = |login: &str, password: &str| {
        let args = ["init", "--organisation", "House", "--country", "GB", "--name", "Olga", "--login", login, "--data"];
        let output = remit(&[&args[..], &[data.to_str().unwrap()]].concat(), &format!("{password}\n"));
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (done, told) = init("olga", "short");
    assert!(!done && told.contains("fewer than 12 characters"), "{told}");
    for login in ["", "olga the great"] {
        let (done, told) = init(login, "correct horse battery");
        assert!(!done && told.contains("has blanks"), "{told}");
    }
    let (done, told) = init("olga", "correct horse battery");
    assert!(done, "nothing was left behind by the refusals: {told}");
    let (done, told) = init("olga", "correct horse battery");
    assert!(!done && told.contains("is set up already"), "{told}");
}
