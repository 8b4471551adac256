//! PostgreSQL: where a database is, which of several servers takes writes, and how a connection is kept from strangers.

use std::{error::Error as _, path::Path, pin::Pin, str::FromStr as _, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt as _, stream, stream::FuturesUnordered};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, Error, NoTls, Socket,
    config::{Host, SslMode, TargetSessionAttrs},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::postgres::{ANSWER_MAX, unreachable};
use crate::error::{Result, StoreError};

/// How long connecting may take, the choice among several servers included.
const CONNECT_MAX: Duration = Duration::from_secs(3);

/// The words of an address that say how the server proves who it is. The driver knows none of them but `require`.
const MODE: &str = "sslmode";
const ROOTS: &str = "sslrootcert";

/// What a server says by itself, in its order. Whoever holds this drives the connection.
pub(super) type Messages = Pin<Box<dyn Stream<Item = std::result::Result<AsyncMessage, Error>> + Send>>;

/// Where a database is, and who we are there.
#[derive(Clone)]
pub(crate) struct Address {
    /// One for each server named.
    servers: Vec<Config>,
    tls: Option<MakeRustlsConnect>,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database`, or `key=value` pairs; several hosts are parted by commas.
    ///
    /// [`StoreError::Address`] if it cannot be read or asks for what this build lacks.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let (url, mode) = take(url, MODE);
        let (url, roots) = take(&url, ROOTS);
        let mut config = Config::from_str(&url).map_err(|error| refused(error.to_string()))?;
        let tls = match mode.as_deref() {
            None if roots.is_some() => return Err(refused(format!("`{ROOTS}` needs `{MODE}=verify-full`"))),
            None | Some("disable") => None,
            Some("require" | "verify-full") => Some(tls(roots.as_deref())?),
            Some(other) => {
                let why = format!("`{MODE}={other}` is not one of `disable`, `require` and `verify-full`");
                return Err(refused(why));
            }
        };
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        if config.get_application_name().is_none() {
            config.application_name("remit");
        }
        let servers = each_server(&config)?;
        if tls.is_some() && config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_))) {
            return Err(refused(format!("there is no TLS over a Unix socket: leave out `{MODE}`")));
        }
        Ok(Self { servers, tls })
    }

    /// Lets a server answer that takes no writes: to look at a standby.
    pub(crate) fn of_any_server(mut self) -> Self {
        for server in &mut self.servers {
            server.target_session_attrs(TargetSessionAttrs::Any);
        }
        self
    }

    /// Returns the address without its password.
    pub(crate) fn shown(&self) -> String {
        let hosts: Vec<String> = self.servers.iter().map(server_name).collect();
        let database = self.servers.first().and_then(Config::get_dbname).unwrap_or_default();
        format!("postgres://{}/{database}", hosts.join(","))
    }

    /// Connects to whichever server takes writes, asking all at once: one that stands still keeps nobody waiting.
    pub(super) async fn connect(&self) -> Result<(Client, Messages)> {
        let asking = async {
            let mut asked: FuturesUnordered<_> = self.servers.iter().map(|server| self.connect_to(server)).collect();
            let mut failed: Option<Error> = None;
            while let Some(outcome) = asked.next().await {
                match (outcome, failed) {
                    (Ok(connected), _) => return Ok(connected),
                    // What a server says tells more than that another one is away.
                    (Err(_), Some(told)) if told.as_db_error().is_some() => failed = Some(told),
                    (Err(error), _) => failed = Some(error),
                }
            }
            Err(failed.map_or_else(|| unreachable("the address names no server"), told))
        };
        tokio::time::timeout(CONNECT_MAX, asking)
            .await
            .unwrap_or_else(|_| Err(unreachable("no server that takes writes answered in time")))
    }

    async fn connect_to(&self, server: &Config) -> std::result::Result<(Client, Messages), Error> {
        match &self.tls {
            Some(tls) => server.connect(tls.clone()).await.map(|(client, connection)| (client, messages(connection))),
            None => server.connect(NoTls).await.map(|(client, connection)| (client, messages(connection))),
        }
    }
}

/// Returns one set of settings for each server named, each of which must take writes.
fn each_server(named: &Config) -> Result<Vec<Config>> {
    let (hosts, addresses, ports) = (named.get_hosts(), named.get_hostaddrs(), named.get_ports());
    let count = hosts.len().max(addresses.len());
    if count == 0 {
        return Err(refused("it names no host".to_owned()));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(refused(format!("it names {count} hosts and {} ports", ports.len())));
    }
    let servers = (0..count).map(|at| {
        let mut server = Config::new();
        match hosts.get(at) {
            Some(Host::Tcp(name)) => drop(server.host(name)),
            Some(Host::Unix(path)) => drop(server.host_path(path)),
            None => {}
        }
        addresses.get(at).map(|address| server.hostaddr(*address));
        ports.get(at).or(ports.first()).map(|port| server.port(*port));
        named.get_user().map(|user| server.user(user));
        named.get_password().map(|password| server.password(password));
        named.get_dbname().map(|name| server.dbname(name));
        named.get_options().map(|options| server.options(options));
        named.get_application_name().map(|name| server.application_name(name));
        server
            .ssl_mode(named.get_ssl_mode())
            .ssl_negotiation(named.get_ssl_negotiation())
            .channel_binding(named.get_channel_binding())
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(CONNECT_MAX)
            .tcp_user_timeout(ANSWER_MAX)
            .keepalives_idle(Duration::from_secs(5))
            .keepalives_interval(Duration::from_secs(2))
            .keepalives_retries(3);
        server
    });
    Ok(servers.collect())
}

/// Returns the one server of some settings, as people write it.
fn server_name(server: &Config) -> String {
    let port = server.get_ports().first().copied().unwrap_or(5432);
    match (server.get_hosts().first(), server.get_hostaddrs().first()) {
        (Some(Host::Tcp(name)), _) => format!("{name}:{port}"),
        (Some(Host::Unix(path)), _) => format!("{}:{port}", path.display()),
        (None, Some(address)) => format!("{address}:{port}"),
        (None, None) => format!(":{port}"),
    }
}

/// Returns the way to servers whose certificate is signed by one of the roots, in a file or of this machine, and names
/// the host that was asked for.
fn tls(roots: Option<&str>) -> Result<MakeRustlsConnect> {
    let mut store = RootCertStore::empty();
    if let Some(file) = roots {
        let unusable = |why: String| refused(format!("`{ROOTS}={file}`: {why}"));
        for root in CertificateDer::pem_file_iter(Path::new(file)).map_err(|error| unusable(error.to_string()))? {
            let root = root.map_err(|error| unusable(error.to_string()))?;
            store.add(root).map_err(|error| unusable(error.to_string()))?;
        }
        if store.is_empty() {
            return Err(unusable("there is no certificate in it".to_owned()));
        }
    } else {
        // A machine may keep a root that nobody can read; the others serve.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if store.is_empty() {
            return Err(refused(format!("this machine trusts no authority: name one with `{ROOTS}=FILE`")));
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Takes one setting out of an address; returns what is left, and its value.
fn take(url: &str, name: &str) -> (String, Option<String>) {
    if let Some((place, query)) = url.split_once('?').filter(|_| url.contains("://")) {
        let (taken, left): (Vec<_>, Vec<_>) =
            query.split('&').partition(|pair| pair.split_once('=').is_some_and(|(key, _)| key == name));
        let url = if left.is_empty() { place.to_owned() } else { format!("{place}?{}", left.join("&")) };
        return (url, taken.last().and_then(|pair| pair.split_once('=')).map(|(_, value)| plain(value)));
    }
    if url.contains("://") {
        return (url.to_owned(), None);
    }
    let (taken, left): (Vec<_>, Vec<_>) =
        url.split_whitespace().partition(|pair| pair.split_once('=').is_some_and(|(key, _)| key == name));
    if taken.is_empty() {
        // Quoted values may hold blanks: what has nothing to take stays as it is.
        return (url.to_owned(), None);
    }
    let value =
        taken.last().and_then(|pair| pair.split_once('=')).map(|(_, value)| value.trim_matches('\'').to_owned());
    (left.join(" "), value)
}

/// Returns a value of a URL without its escapes.
fn plain(value: &str) -> String {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after.get(..2).and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        if let Some(escaped) = escaped.filter(|_| byte == b'%') {
            out.push(escaped);
            rest = after.get(2..).unwrap_or_default();
        } else {
            out.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn messages<S>(mut connection: Connection<Socket, S>) -> Messages
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Box::pin(stream::poll_fn(move |cx| connection.poll_message(cx)))
}

/// Returns why no server could be used, in full: a certificate that is not trusted hides behind a failed handshake.
fn told(error: Error) -> StoreError {
    if error.as_db_error().is_some() {
        return StoreError::from(error);
    }
    let mut causes = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(deeper) = cause {
        causes.push(deeper.to_string());
        cause = deeper.source();
    }
    unreachable(&causes.join(": "))
}

fn refused(why: String) -> StoreError {
    StoreError::Address { why }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails says where")]

    use super::*;

    #[test]
    fn several_hosts_are_kept_each_with_its_port_and_must_take_writes() {
        let address = Address::parse("postgres://remit:secret@one:5001,two:5002/books").unwrap();
        assert_eq!(address.shown(), "postgres://one:5001,two:5002/books");
        let attributes: Vec<_> = address.servers.iter().map(Config::get_target_session_attrs).collect();
        assert_eq!(attributes, [TargetSessionAttrs::ReadWrite; 2]);
        assert!(address.servers.iter().all(|server| server.get_password() == Some(b"secret".as_slice())));
        let one = Address::parse("host=db.example user=remit").unwrap();
        assert_eq!(one.shown(), "postgres://db.example:5432/");
    }

    #[test]
    fn a_setting_is_taken_out_of_both_ways_to_write_an_address() {
        let (url, value) = take("postgres://h/d?sslrootcert=%2Fa%20b&options=-c%20x", ROOTS);
        assert_eq!((url.as_str(), value.as_deref()), ("postgres://h/d?options=-c%20x", Some("/a b")));
        let (pairs, value) = take("host=h sslmode='require' user=u", MODE);
        assert_eq!((pairs.as_str(), value.as_deref()), ("host=h user=u", Some("require")));
        let quoted = "host=h password='a  b'";
        assert_eq!(take(quoted, MODE), (quoted.to_owned(), None));
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_the_reason() {
        for (url, reason) in [
            ("postgres://h/d?sslmode=prefer", "is not one of"),
            ("postgres://h/d?sslrootcert=/x", "needs `sslmode=verify-full`"),
            ("postgres://h/d?sslmode=verify-full&sslrootcert=/no/such/file", "/no/such/file"),
            ("host=/run/postgresql sslmode=require sslrootcert=Cargo.toml", "no certificate"),
            ("postgres://a:1,b:2,c/d?port=1,2", "ports"),
            ("postgres:///", "no host"),
        ] {
            let refused = Address::parse(url).err().unwrap().to_string();
            assert!(refused.contains(reason), "{url}: {refused}");
        }
    }
}
