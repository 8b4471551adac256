//! Embeds the third-party scripts that `npm ci` put under `assets/node_modules`, or builds a server without scripts.
//!
//! Writes `scripts.rs` with `SCRIPTS_PRESENT: bool` and `SCRIPTS: &[(name, content hash, bytes)]`. The hash stands in the
//! script's address, so that browsers may keep it forever.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
};

/// The scripts by the name they are served under, each with its place below `assets/node_modules`.
const SCRIPTS: [(&str, &str); 2] =
    [("htmx.js", "htmx.org/dist/htmx.min.js"), ("htmx-sse.js", "htmx-ext-sse/dist/sse.min.js")];

fn main() -> io::Result<()> {
    let assets = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?).join("assets");
    let scripts = SCRIPTS.map(|(name, place)| (name, assets.join("node_modules").join(place)));
    let present = scripts.iter().all(|(_, file)| file.is_file());

    println!("cargo::rerun-if-changed=build.rs");
    if present {
        for (_, file) in &scripts {
            println!("cargo::rerun-if-changed={}", file.display());
        }
    } else {
        // A watched file that does not exist would rebuild the server each time; its folder is touched when it arrives.
        println!("cargo::rerun-if-changed={}", assets.display());
    }

    let entries = if present { entries(&scripts)? } else { String::new() };
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?).join("scripts.rs");
    fs::write(
        out,
        format!(
            "/// Whether the third-party scripts are part of this build.\n\
             pub(crate) const SCRIPTS_PRESENT: bool = {present};\n\n\
             /// The embedded scripts: served name, content hash, bytes. Empty without [`SCRIPTS_PRESENT`].\n\
             pub(crate) static SCRIPTS: &[(&str, &str, &[u8])] = &[{entries}];\n"
        ),
    )
}

/// Returns one tuple of Rust source for each script.
fn entries(scripts: &[(&str, PathBuf)]) -> io::Result<String> {
    scripts
        .iter()
        .map(|(name, file)| {
            let (hash, path) = (content_hash(file)?, file.to_string_lossy());
            Ok(format!("({name:?}, \"{hash:016x}\", include_bytes!({path:?})), "))
        })
        .collect()
}

/// Returns a hash of the file's bytes that is the same for the same toolchain; it guards a cache, not trust.
fn content_hash(file: &Path) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    fs::read(file)?.hash(&mut hasher);
    Ok(hasher.finish())
}
