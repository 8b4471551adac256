//! The settings of `remit serve`: a file below the environment below flags. Each knows where it came from.
//!
//! A setting is asked for once, by its key; asking notes what it is and whence, for `remit check-config`. What nobody asked
//! for in the file or under the name of a section in the environment is a mistake, and named.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use remit_server::{config::Shutdown, limit::Limits, load::LoadLimits, telemetry::Format};

/// The prefix of the environment's names: `web.behind_tls` is `REMIT_WEB_BEHIND_TLS`.
const PREFIX: &str = "REMIT_";
/// How `remit serve` is run.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) web: Web,
    pub(crate) store: Store,
    pub(crate) limits: Limits,
    pub(crate) load: LoadLimits,
    pub(crate) log: Log,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: Shutdown,
}

/// Where people and programs come in.
#[derive(Debug)]
pub(crate) struct Web {
    pub(crate) listen: SocketAddr,
    pub(crate) behind_tls: bool,
}

/// Where the data is.
#[derive(Debug)]
pub(crate) struct Store {
    /// The data folder.
    pub(crate) data: PathBuf,
    /// Address of a database server, instead of the data folder.
    pub(crate) database: Option<String>,
    /// Space kept back in the data folder for the records of looks.
    pub(crate) reserve_bytes: u64,
}

/// What is logged, and how.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) format: Format,
    pub(crate) level: String,
}

/// Where metrics are told.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) listen: Option<SocketAddr>,
}

/// A setting with its origin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) key: &'static str,
    /// Secrets are masked.
    pub(crate) value: String,
    pub(crate) from: Origin,
}

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A value that cannot be used; whoever asked for it knows the remedy.
struct Unusable;
type Read<T> = std::result::Result<T, Unusable>;

/// What was given on the command line: values by key, with the flag's name.
pub(crate) type Flags = BTreeMap<&'static str, (&'static str, String)>;

/// The three layers, and what was asked of them.
pub(crate) struct Layers {
    file: BTreeMap<String, String>,
    path: Option<PathBuf>,
    environment: BTreeMap<String, String>,
    flags: Flags,
    shown: Vec<Shown>,
}

impl Layers {
    /// Reads the file, if one is named, and takes the environment as it is given.
    pub(crate) fn read(
        path: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: Flags,
    ) -> Result<Self> {
        let mut file = BTreeMap::new();
        if let Some(path) = path {
            let text = fs::read_to_string(path)
                .with_context(|| format!("the configuration file {} cannot be read", path.display()))?;
            let table: toml::Table =
                text.parse().with_context(|| format!("the configuration file {} is not TOML", path.display()))?;
            flatten("", &table, &mut file);
        }
        // The older name of the log's level.
        let environment = environment.into_iter().map(|(name, value)| match name.as_str() {
            "REMIT_LOG" => ("REMIT_LOG_LEVEL".to_owned(), value),
            _ => (name, value),
        });
        let environment = environment.filter(|(name, _)| name.starts_with(PREFIX)).collect();
        Ok(Self { file, path: path.map(Path::to_owned), environment, flags, shown: Vec::new() })
    }

    /// Reads every setting, and refuses what is none.
    pub(crate) fn settings(mut self) -> Result<(Settings, Vec<Shown>)> {
        let loopback = LoadLimits::default();
        let whole = "Give a whole number.";
        let seconds = "Give a number of seconds.";
        let settings = Settings {
            web: Web {
                listen: self.take(
                    "web.listen",
                    "127.0.0.1:4747",
                    "Give an address and port, such as 127.0.0.1:4747.",
                    parse,
                )?,
                behind_tls: self.take("web.behind_tls", "false", "Say `true` or `false`.", parse)?,
            },
            store: Store {
                data: self.take("store.data", "./remit-data", "Give a folder.", parse)?,
                database: self.take(
                    "store.database",
                    "",
                    "Give `postgres://user:password@host/database`, or nothing for the data folder.",
                    database,
                )?,
                reserve_bytes: self.take("store.reserve_mib", "32", "Give a whole number of MiB; 0 for none.", mib)?,
            },
            limits: Limits {
                api_per_minute: self.take(
                    "limits.api_per_minute",
                    "600",
                    "Give a whole number; 0 for no limit.",
                    limit,
                )?,
                pages_per_minute: self.take(
                    "limits.pages_per_minute",
                    "120",
                    "Give a whole number; 0 for no limit.",
                    limit,
                )?,
            },
            load: LoadLimits {
                running_max: self.take(
                    "load.running_max",
                    &loopback.running_max.to_string(),
                    "Give a whole number of at least 1.",
                    parse,
                )?,
                waiting_max: self.take("load.waiting_max", &loopback.waiting_max.to_string(), whole, parse)?,
                wait_max: self.take(
                    "load.wait_max_ms",
                    &loopback.wait_max.as_millis().to_string(),
                    "Give a number of milliseconds.",
                    millis,
                )?,
                request_max: self.take(
                    "load.request_max_seconds",
                    &loopback.request_max.as_secs().to_string(),
                    seconds,
                    secs,
                )?,
            },
            log: Log {
                format: self.take("log.format", "text", "Say `text` or `json`.", format)?,
                level: self.take(
                    "log.level",
                    "warn,remit_server=info,remit_store=info",
                    "Give a level such as `info`, or `warn,remit_server=debug`.",
                    level,
                )?,
            },
            metrics: Metrics {
                listen: self.take(
                    "metrics.listen",
                    "",
                    "Give a loopback address and port, such as 127.0.0.1:9464, or nothing for no metrics.",
                    private,
                )?,
            },
            shutdown: Shutdown {
                notice: self.take("shutdown.notice_seconds", "0", seconds, secs)?,
                finish_max: self.take("shutdown.finish_max_seconds", "20", seconds, secs)?,
            },
        };
        self.refuse_unknown()?;
        Ok((settings, self.shown))
    }

    fn take<T>(&mut self, key: &'static str, default: &str, remedy: &str, read: fn(&str) -> Read<T>) -> Result<T> {
        let name = environment_name(key);
        let (value, from) = if let Some((flag, value)) = self.flags.get(key) {
            (value.clone(), Origin::Flag(flag))
        } else if let Some(value) = self.environment.get(&name) {
            (value.clone(), Origin::Environment(name))
        } else if let (Some(value), Some(path)) = (self.file.get(key), &self.path) {
            (value.clone(), Origin::File(path.clone()))
        } else {
            (default.to_owned(), Origin::Default)
        };
        let Ok(taken) = read(&value) else { bail!("`{key}` cannot be `{}` ({from}). {remedy}", masked(&value)) };
        self.shown.push(Shown { key, value: masked(&value), from });
        Ok(taken)
    }

    fn refuse_unknown(&self) -> Result<()> {
        let keys: BTreeSet<&str> = self.shown.iter().map(|shown| shown.key).collect();
        let names: BTreeSet<String> = keys.iter().map(|key| environment_name(key)).collect();
        let unknown = self.file.keys().find(|key| !keys.contains(key.as_str()));
        if let (Some(unknown), Some(path)) = (unknown, &self.path) {
            let known = nearest(unknown, keys.iter().copied());
            bail!(
                "`{unknown}` in {} is no setting. Did you mean `{known}`? `remit check-config` lists them all.",
                path.display()
            );
        }
        // Other programs of ours have names of their own under the prefix; only what begins like a section is a mistake.
        let sections: BTreeSet<String> = names.iter().filter_map(|name| section(name)).collect();
        let unknown =
            |name: &&String| !names.contains(*name) && section(name).is_some_and(|part| sections.contains(&part));
        if let Some(unknown) = self.environment.keys().find(unknown) {
            let known = nearest(unknown, names.iter().map(String::as_str));
            bail!(
                "`{unknown}` in the environment is no setting. Did you mean `{known}`? `remit check-config` lists them all."
            );
        }
        Ok(())
    }
}

/// Returns the name of a setting in the environment.
fn environment_name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// Returns the section of a name in the environment: `REMIT_WEB_` of `REMIT_WEB_LISTEN`.
fn section(name: &str) -> Option<String> {
    let (section, _) = name.strip_prefix(PREFIX)?.split_once('_')?;
    Some(format!("{PREFIX}{section}_"))
}

/// Writes the values of a table by their whole keys.
fn flatten(above: &str, table: &toml::Table, values: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let key = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        match value {
            toml::Value::Table(below) => flatten(&key, below, values),
            toml::Value::String(text) => drop(values.insert(key, text.clone())),
            other => drop(values.insert(key, other.to_string())),
        }
    }
}

/// Returns the word that shares most of its beginning and end with another.
fn nearest<'w>(wanted: &str, words: impl Iterator<Item = &'w str>) -> &'w str {
    let alike = |word: &str| {
        let ends = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| {
            a.zip(b).take_while(|(a, b)| a == b).count()
        };
        ends(&mut word.chars(), &mut wanted.chars()) + ends(&mut word.chars().rev(), &mut wanted.chars().rev())
    };
    words.max_by_key(|word| alike(word)).unwrap_or_default()
}

/// Returns a value without its secret: the password of an address.
fn masked(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{}", without_query_password(host))
        }
        None => format!("{scheme}://{}", without_query_password(rest)),
    }
}

/// Returns the end of an address whose password stands among its parameters without it.
fn without_query_password(rest: &str) -> String {
    let Some((place, query)) = rest.split_once('?') else { return rest.to_owned() };
    let shown = |pair: &str| if pair.starts_with("password=") { "password=***".to_owned() } else { pair.to_owned() };
    format!("{place}?{}", query.split('&').map(shown).collect::<Vec<_>>().join("&"))
}

fn parse<T: std::str::FromStr>(value: &str) -> Read<T> {
    value.parse().map_err(|_| Unusable)
}

fn millis(value: &str) -> Read<Duration> {
    parse(value).map(Duration::from_millis)
}

fn secs(value: &str) -> Read<Duration> {
    parse(value).map(Duration::from_secs)
}

fn mib(value: &str) -> Read<u64> {
    parse(value).map(|mib: u32| u64::from(mib) * 1024 * 1024)
}

fn limit(value: &str) -> Read<Option<NonZeroU32>> {
    parse(value).map(NonZeroU32::new)
}

fn database(value: &str) -> Read<Option<String>> {
    match value {
        "" => Ok(None),
        known if known.starts_with("postgres://") || known.starts_with("postgresql://") => Ok(Some(known.to_owned())),
        _ => Err(Unusable),
    }
}

/// Metrics tell how the house works: they are for this machine alone.
fn private(value: &str) -> Read<Option<SocketAddr>> {
    if value.is_empty() {
        return Ok(None);
    }
    let address: SocketAddr = parse(value)?;
    if address.ip().is_loopback() { Ok(Some(address)) } else { Err(Unusable) }
}

fn format(value: &str) -> Read<Format> {
    match value {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        _ => Err(Unusable),
    }
}

fn level(value: &str) -> Read<String> {
    remit_server::telemetry::level(value).map(|_| value.to_owned()).map_err(|_| Unusable)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails says where")]

    use super::*;

    /// Reads settings from a file of this text, these environment variables and these flags.
    fn read(text: &str, environment: &[(&str, &str)], flags: Flags) -> Result<(Settings, Vec<Shown>)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Layers::read(Some(file.path()), environment, flags)?.settings()
    }

    fn refused(text: &str, environment: &[(&str, &str)]) -> String {
        format!("{:#}", read(text, environment, Flags::new()).unwrap_err())
    }

    #[test]
    fn a_flag_goes_before_the_environment_before_the_file_before_the_default() {
        let file = "[web]\nlisten = \"127.0.0.1:1\"\nbehind_tls = true\n[load]\nwaiting_max = 7\nrunning_max = 5\n";
        let environment = [
            ("REMIT_WEB_LISTEN", "127.0.0.1:2"),
            ("REMIT_LOAD_WAITING_MAX", "8"),
            ("PATH", "elsewhere"),
            ("REMIT_SEED", "7"),
        ];
        let flags = Flags::from([("web.listen", ("--listen", "127.0.0.1:3".to_owned()))]);
        let (settings, shown) = read(file, &environment, flags).unwrap();
        assert_eq!(settings.web.listen.port(), 3);
        assert!(settings.web.behind_tls);
        assert_eq!((settings.load.running_max.get(), settings.load.waiting_max), (5, 8));
        let from = |key| shown.iter().find(|shown| shown.key == key).map(|shown| shown.from.to_string()).unwrap();
        assert_eq!(from("web.listen"), "flag --listen");
        assert_eq!(from("load.waiting_max"), "environment REMIT_LOAD_WAITING_MAX");
        assert!(from("web.behind_tls").starts_with("file "));
        assert_eq!(from("log.format"), "default");
    }

    #[test]
    fn what_is_no_setting_is_named_with_the_nearest_that_is() {
        let told = refused("[web]\nlistn = \"127.0.0.1:1\"\n", &[]);
        assert!(told.contains("`web.listn`") && told.contains("`web.listen`"), "{told}");
        let told = refused("", &[("REMIT_STORE_DATABSE", "")]);
        assert!(told.contains("`REMIT_STORE_DATABSE`") && told.contains("`REMIT_STORE_DATABASE`"), "{told}");
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named_with_its_origin_and_the_remedy() {
        let told = refused("[log]\nformat = \"xml\"\n", &[]);
        assert!(
            told.contains("`log.format` cannot be `xml` (file ") && told.contains("Say `text` or `json`."),
            "{told}"
        );
        let told = refused("", &[("REMIT_METRICS_LISTEN", "0.0.0.0:9464")]);
        assert!(told.contains("loopback"), "metrics are never public: {told}");
    }

    #[test]
    fn the_password_of_a_database_is_never_shown() {
        for secret in [
            "postgres://remit:hunter2@db/remit",
            "postgres://remit:hun@ter2@db/remit",
            "postgres://db/remit?user=remit&password=hunter2",
            "postgres://remit:x@db/remit?password=hunter2",
        ] {
            let (settings, shown) = read("", &[("REMIT_STORE_DATABASE", secret)], Flags::new()).unwrap();
            assert_eq!(settings.store.database.as_deref(), Some(secret));
            assert!(!shown.iter().any(|shown| shown.value.contains("ter2")), "{shown:?}");
        }
        let told = refused("", &[("REMIT_STORE_DATABASE", "mysql://remit:hunter2@db/remit")]);
        assert!(!told.contains("hunter2") && told.contains("`store.database`"), "{told}");
    }
}
