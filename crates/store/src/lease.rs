//! Leases: which node does what only one may do at a time. A lease that is not renewed falls to whoever asks next.

use remit_kernel::time::Instant;

use crate::{Store, dialect::first, error::Result, value::Statement};

statements! {
    /// The row is taken where it is free, run out, or already the holder's.
    TAKE = "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
        SET holder = excluded.holder, until = excluded.until \
        WHERE leases.until <= $4 OR leases.holder = excluded.holder";
    GIVE_BACK = "DELETE FROM leases WHERE name = $1 AND holder = $2";
    HOLDER = "SELECT holder FROM leases WHERE name = $1 AND until > $2";
}

impl Store {
    /// Takes or renews the lease of this name until an instant. Returns whether the holder has it now.
    ///
    /// `now` and `until` come from the holder's clock: what is done under a lease must do no harm when two hold it.
    pub async fn take_lease(&self, name: &str, holder: &str, now: Instant, until: Instant) -> Result<bool> {
        let take = Statement { sql: TAKE, values: values![name, holder, until, now] };
        Ok(self.change(vec![take]).await? == 1)
    }

    /// Gives a lease back, so that another need not wait until it runs out.
    pub async fn give_back_lease(&self, name: &str, holder: &str) -> Result<()> {
        self.change(vec![Statement { sql: GIVE_BACK, values: values![name, holder] }]).await?;
        Ok(())
    }

    /// Returns who holds a lease.
    pub async fn lease_holder(&self, name: &str, now: Instant) -> Result<Option<String>> {
        self.row(HOLDER, values![name, now], first).await
    }
}
