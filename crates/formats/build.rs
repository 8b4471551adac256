//! Lists every file under `packs/`, so that the binary carries the shipped packs and needs no folder.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let packs = manifest.join("../../packs").canonicalize()?;
    println!("cargo::rerun-if-changed={}", packs.display());
    let mut list = String::from("&[\n");
    for pack in sorted(&packs)? {
        let name = pack.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let _ = writeln!(list, "({name:?}, &[");
        write_folder(&pack, &pack, &mut list)?;
        list.push_str("]),\n");
    }
    list.push(']');
    fs::write(out.join("shipped.rs"), list)
}

fn write_folder(pack: &Path, folder: &Path, list: &mut String) -> io::Result<()> {
    for path in sorted(folder)? {
        if path.is_dir() {
            write_folder(pack, &path, list)?;
        } else {
            let within = path.strip_prefix(pack).unwrap_or(&path);
            let within = within.to_string_lossy().replace('\\', "/");
            let _ = writeln!(list, "({within:?}, include_bytes!({:?})),", path.display().to_string());
        }
    }
    Ok(())
}

/// Returns the entries of a folder by name, hidden ones left out.
fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| !path.file_name().unwrap_or_default().to_string_lossy().starts_with('.'));
    paths.sort();
    Ok(paths)
}
