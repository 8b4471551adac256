//! Packs by digest: a case finds the very version it started with.

use remit_kernel::hash::Digest;

use crate::{
    Store,
    dialect::Columns,
    error::{Result, Unreadable},
    value::Statement,
};

statements! {
    INSERT = "INSERT INTO packs (digest, name, version, body) VALUES ($1, $2, $3, $4) ON CONFLICT (digest) DO NOTHING";
    FIND = "SELECT digest, name, version, body FROM packs WHERE digest = $1";
    LIST = "SELECT digest, name, version, body FROM packs ORDER BY name, version, digest";
}

/// A pack as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPack {
    /// Digest of the canonical JSON.
    pub digest: Digest,
    /// Short name.
    pub name: String,
    /// Version as its author wrote it.
    pub version: String,
    /// Canonical JSON of the pack.
    pub body: String,
}

impl Store {
    /// Keeps a pack; the same pack again changes nothing.
    pub async fn put_pack(&self, pack: StoredPack) -> Result<()> {
        let values = values![pack.digest, pack.name, pack.version, pack.body];
        self.change(vec![Statement { sql: INSERT, values }]).await?;
        Ok(())
    }

    /// Returns the pack with this digest.
    pub async fn find_pack(&self, digest: Digest) -> Result<Option<StoredPack>> {
        self.row(FIND, values![digest], StoredPack::read).await
    }

    /// Returns all packs, by name and version.
    pub async fn list_packs(&self) -> Result<Vec<StoredPack>> {
        self.rows(LIST, values![], StoredPack::read).await
    }
}

impl StoredPack {
    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self { digest: columns.take()?, name: columns.take()?, version: columns.take()?, body: columns.take()? })
    }
}
