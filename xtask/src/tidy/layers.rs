//! What each crate must not contain: the direction of imports, and the words that belong to one crate alone.

use super::{Finding, Source};

/// The crates from the ground up; each may import only from layers below its own. `xtask` stands apart and imports none.
const LAYERS: [&[&str]; 8] = [
    &["stats", "faultfs", "xtask"],
    &["kernel"],
    &["access", "formats", "store"],
    &["server"],
    &["cli"],
    &["simulation"],
    &["bench"],
    &["faults", "fuzz"],
];

/// Crates that only test: what fails on purpose is no part of the product.
const TESTING: [&str; 3] = ["bench", "faults", "simulation"];

/// Libraries that one crate hides from all others.
const OWNERS: [(&str, &str); 4] =
    [("axum", "server"), ("cedar-policy", "access"), ("libsqlite3-sys", "faultfs"), ("rusqlite", "store")];

/// Names that say nothing about what a crate owns.
const EMPTY_NAMES: [&str; 6] = ["common", "core", "helpers", "misc", "util", "utils"];

/// What a pure crate never says.
const IMPURE: [&str; 7] =
    ["async fn", "std::fs", "std::net", "SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now"];

/// What tells that a line knows of the web.
const WEB: [&str; 4] = ["askama", "axum", "text/html", "</"];

/// How statements of SQL begin.
const STATEMENTS: [&str; 6] = ["ALTER", "CREATE", "DELETE", "INSERT", "SELECT", "UPDATE"];

pub(super) fn imports_point_down(sources: &[Source]) -> Vec<Finding> {
    dependencies(sources)
        .filter_map(|dependency| {
            let imported = dependency.library.strip_prefix("remit-")?;
            let what = match (layer(dependency.owner), layer(imported)) {
                _ if imported == "faultfs" && !TESTING.contains(&dependency.owner) => {
                    format!("`{}` is part of the product, and `faultfs` fails on purpose", dependency.owner)
                }
                (Some(own), Some(other)) if other < own => return None,
                (Some(_), Some(_)) => format!("`{}` may not import `{imported}`", dependency.owner),
                (None, _) => format!("`{}` has no place among the layers", dependency.owner),
                (_, None) => format!("`{imported}` has no place among the layers"),
            };
            Some(dependency.source.finding(dependency.line, what))
        })
        .collect()
}

pub(super) fn libraries_have_one_owner(sources: &[Source]) -> Vec<Finding> {
    dependencies(sources)
        .filter_map(|dependency| {
            let (library, owner) = OWNERS.into_iter().find(|(library, _)| *library == dependency.library)?;
            let what = format!("`{library}` belongs to `{owner}` alone");
            (dependency.owner != owner).then(|| dependency.source.finding(dependency.line, what))
        })
        .collect()
}

pub(super) fn crates_have_real_names(sources: &[Source]) -> Vec<Finding> {
    sources
        .iter()
        .filter_map(|source| {
            let name = crate_of(source.path.strip_suffix("/Cargo.toml")?);
            EMPTY_NAMES.contains(&name).then(|| source.finding(0, format!("`{name}` does not say what the crate owns")))
        })
        .collect()
}

pub(super) fn kernel_and_stats_are_pure(sources: &[Source]) -> Vec<Finding> {
    let pure =
        |source: &&Source| ["crates/kernel/src/", "crates/stats/src/"].iter().any(|dir| source.path.starts_with(dir));
    words(sources.iter().filter(pure), &IMPURE, "belongs to the shell")
}

pub(super) fn app_knows_no_web(sources: &[Source]) -> Vec<Finding> {
    let app = |source: &&Source| source.path.starts_with("crates/server/src/app");
    words(sources.iter().filter(app), &WEB, "belongs to api or pages")
}

pub(super) fn only_store_contains_sql(sources: &[Source]) -> Vec<Finding> {
    let outside = |source: &&Source| source.kind() == "rs" && !source.path.starts_with("crates/store/");
    let mut findings = Vec::new();
    for source in sources.iter().filter(outside) {
        for (quote, _) in source.text.match_indices('"') {
            let statement =
                source.text[quote + 1..].trim_start_matches(|sign: char| sign.is_whitespace() || sign == '\\');
            let keyword = STATEMENTS
                .into_iter()
                .find(|word| statement.strip_prefix(word).is_some_and(|rest| rest.starts_with(char::is_whitespace)));
            findings
                .extend(keyword.map(|word| source.finding(source.line_at(quote), format!("{word} outside the store"))));
        }
    }
    findings
}

/// Returns a finding for each line of code that contains one of the words.
fn words<'a>(sources: impl Iterator<Item = &'a Source>, words: &[&str], why: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        for (number, line) in source.code() {
            let found = words.iter().filter(|word| line.contains(**word));
            findings.extend(found.map(|word| source.finding(number, format!("`{word}` {why}"))));
        }
    }
    findings
}

/// One line of a crate's manifest that names a library.
struct Dependency<'a> {
    source: &'a Source,
    line: usize,
    /// The crate's folder, such as `kernel`.
    owner: &'a str,
    library: &'a str,
}

/// Returns the libraries named by the manifests of our crates, in whatever kind of dependency section.
fn dependencies(sources: &[Source]) -> impl Iterator<Item = Dependency<'_>> {
    sources.iter().filter(|source| source.path.ends_with("/Cargo.toml")).flat_map(|source| {
        let owner = crate_of(source.path.trim_end_matches("/Cargo.toml"));
        let mut inside = false;
        source.lines().filter_map(move |(line, text)| {
            if let Some(section) = text.strip_prefix('[') {
                inside = section.trim_end_matches(']').ends_with("dependencies");
                return None;
            }
            let library =
                text.split(['.', '=', ' ']).next().filter(|name| !name.is_empty() && !name.starts_with('#'))?;
            inside.then_some(Dependency { source, line, owner, library })
        })
    })
}

/// Returns the last part of a crate's folder.
fn crate_of(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap_or(folder)
}

/// Returns how far above the ground a crate stands, if it has a place at all.
fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|names| names.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::*, *};

    #[test]
    fn an_import_upward_or_sideways_is_found() {
        let check = imports_point_down;
        accepts(
            check,
            "crates/server/Cargo.toml",
            "[dependencies]\nremit-store.workspace = true\nremit-kernel.workspace = true\n",
        );
        accepts(check, "crates/kernel/Cargo.toml", "[package]\nname = \"remit-kernel\"\n");
        refuses(check, "crates/kernel/Cargo.toml", "[dependencies]\nserde = \"1\"\nremit-store.workspace = true\n", 3);
        refuses(check, "crates/store/Cargo.toml", "[dev-dependencies]\nremit-access = { path = \"../access\" }\n", 2);
        refuses(check, "xtask/Cargo.toml", "[dependencies]\nremit-stats.workspace = true\n", 2);
    }

    #[test]
    fn a_product_crate_on_a_failing_disk_is_found() {
        accepts(imports_point_down, "crates/simulation/Cargo.toml", "[dependencies]\nremit-faultfs.workspace = true\n");
        for product in ["store", "server", "cli"] {
            let manifest = format!("crates/{product}/Cargo.toml");
            refuses(imports_point_down, &manifest, "[dependencies]\nremit-faultfs.workspace = true\n", 2);
        }
    }

    #[test]
    fn a_crate_without_a_place_among_the_layers_is_found() {
        refuses(imports_point_down, "crates/novel/Cargo.toml", "[dependencies]\nremit-stats.workspace = true\n", 2);
    }

    #[test]
    fn a_library_outside_its_owner_is_found() {
        let check = libraries_have_one_owner;
        accepts(check, "crates/store/Cargo.toml", "[dependencies]\nrusqlite.workspace = true\n");
        refuses(check, "crates/server/Cargo.toml", "[dependencies]\nrusqlite.workspace = true\n", 2);
    }

    #[test]
    fn a_crate_of_odds_and_ends_is_found() {
        accepts(crates_have_real_names, "crates/store/Cargo.toml", "");
        refuses(crates_have_real_names, "crates/utils/Cargo.toml", "", 0);
    }

    #[test]
    fn async_io_or_a_clock_in_the_kernel_is_found() {
        let check = kernel_and_stats_are_pure;
        accepts(check, "crates/kernel/src/time.rs", "//! Std::fs is no part; no async fn here.\nfn now() {}\n");
        accepts(check, "crates/kernel/tests/events.rs", "use std::fs;\n");
        refuses(check, "crates/kernel/src/case.rs", "//! A case.\npub async fn decide() {}\n", 2);
        refuses(check, "crates/stats/src/lib.rs", "use std::fs;\n", 1);
        refuses(check, "crates/kernel/src/time.rs", "\nlet now = SystemTime::now();\n", 2);
    }

    #[test]
    fn html_or_http_under_app_is_found() {
        let check = app_knows_no_web;
        accepts(check, "crates/server/src/app/case.rs", "// axum calls this.\nfn list() {}\n");
        accepts(check, "crates/server/src/pages/case.rs", "use axum::Router;\n");
        refuses(check, "crates/server/src/app/case.rs", "use axum::Router;\n", 1);
        refuses(check, "crates/server/src/app/mod.rs", "let row = \"<li></li>\";\n", 1);
    }

    #[test]
    fn sql_outside_the_store_is_found_however_it_is_broken_into_lines() {
        let check = only_store_contains_sql;
        let statement = "const FIND: &str = 'SELECT id FROM cases';\n".replace('\'', "\"");
        accepts(check, "crates/store/src/case.rs", &statement);
        accepts(check, "crates/server/src/app/case.rs", "let label = \"Select a reader\";\nlet word = \"UPDATED\";\n");
        refuses(check, "crates/server/src/app/case.rs", &statement, 1);
        let broken = "\nlet query = '\\\n    DELETE FROM cases';\n".replace('\'', "\"");
        refuses(check, "crates/cli/src/main.rs", &broken, 2);
    }
}
