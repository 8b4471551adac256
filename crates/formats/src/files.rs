//! The files of a pack as bytes by path, whether they come from a folder or from the binary itself.

use std::{borrow::Cow, collections::BTreeMap, fs, io, path::Path};

/// Most files in a pack folder.
const FILES_MAX: usize = 2_000;
/// Most bytes in all files of a pack folder together.
const SIZE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Path and bytes of each file of one pack.
type Embedded = &'static [(&'static str, &'static [u8])];
/// The packs that the binary carries, by name.
const SHIPPED: &[(&str, Embedded)] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// Files by path. Paths are relative to the pack, with `/` between folders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files(BTreeMap<String, Cow<'static, [u8]>>);

impl Files {
    /// Reads a folder with everything below it; names that begin with a dot are left out.
    ///
    /// # Errors
    /// What the file system says, or that the folder holds a link, more than 2,000 files or more than 64 MiB.
    pub fn of_dir(dir: &Path) -> io::Result<Self> {
        let mut files = Self::default();
        let mut size_bytes = 0;
        files.add_dir(dir, "", &mut size_bytes)?;
        Ok(files)
    }

    fn add_dir(&mut self, dir: &Path, prefix: &str, size_bytes: &mut u64) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let name = entry
                .file_name()
                .into_string()
                .map_err(|name| io::Error::other(format!("the file name {} is not Unicode", name.display())))?;
            if name.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.add_dir(&entry.path(), &format!("{path}/"), size_bytes)?;
            } else if kind.is_file() {
                *size_bytes += entry.metadata()?.len();
                if self.0.len() == FILES_MAX || *size_bytes > SIZE_BYTES_MAX {
                    return Err(io::Error::other("a pack holds at most 2,000 files of 64 MiB together"));
                }
                self.0.insert(path, fs::read(entry.path())?.into());
            } else {
                return Err(io::Error::other(format!("`{path}` is a link: put the file itself into the pack")));
            }
        }
        Ok(())
    }

    /// Returns these files with one more, or another in its place.
    #[must_use]
    pub fn with(mut self, path: &str, bytes: Vec<u8>) -> Self {
        self.0.insert(path.to_owned(), bytes.into());
        self
    }

    /// Returns the bytes of a file.
    pub fn find(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(AsRef::as_ref)
    }

    /// Returns the files below a folder, their paths relative to it.
    #[must_use]
    pub fn below(&self, folder: &str) -> Self {
        let below = self.0.iter().filter_map(|(path, bytes)| {
            let rest = path.strip_prefix(folder)?.strip_prefix('/')?;
            Some((rest.to_owned(), bytes.clone()))
        });
        Self(below.collect())
    }

    /// Returns every path with its bytes, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, bytes)| (path.as_str(), bytes.as_ref()))
    }
}

impl<P: Into<String>, B: Into<Cow<'static, [u8]>>> FromIterator<(P, B)> for Files {
    fn from_iter<I: IntoIterator<Item = (P, B)>>(files: I) -> Self {
        Self(files.into_iter().map(|(path, bytes)| (path.into(), bytes.into())).collect())
    }
}

/// Returns the packs that the binary carries: name and files.
pub fn shipped() -> impl Iterator<Item = (&'static str, Files)> {
    SHIPPED.iter().map(|(name, files)| (*name, files.iter().copied().collect()))
}

/// Returns the files of one pack that the binary carries.
pub fn find_shipped(name: &str) -> Option<Files> {
    shipped().find(|(shipped, _)| *shipped == name).map(|(_, files)| files)
}
