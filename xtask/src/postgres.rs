//! A throw-away PostgreSQL cluster for tests, faults and benchmarks: on a free loopback port, gone at the end.

use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{self, Command},
};

use anyhow::{Context, Result, ensure};

use crate::step::{Missing, answer, run as finish};

/// Where Debian keeps the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The environment variable that names the server to the tests.
pub(crate) const SERVER: &str = "REMIT_TEST_POSTGRES";

/// The environment variable that names the file of its certificate to the tests.
pub(crate) const SERVER_ROOT: &str = "REMIT_TEST_POSTGRES_ROOT";

/// How a cluster treats the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    /// An acknowledged write is on the disk, as in daily work.
    Durable,
    /// Nothing is waited for: for tests that do not cut the power.
    Forgetful,
}

/// A running cluster; it ends and its data go when this is dropped.
pub(crate) struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// Makes a cluster and starts it.
    pub(crate) fn start(disk: Disk) -> Result<Self> {
        let bin = find_or_install()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?.local_addr()?.port();
        let folder = env::temp_dir().join(format!("remit-postgres-{}-{port}", process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        if is_root() {
            // The server refuses to run as root.
            finish(Command::new("chown").arg("postgres").arg(&folder))?;
        }
        let cluster = Self { bin, folder, port };
        let (data, sockets) = (cluster.data(), cluster.folder.display());
        cluster.quietly(
            "initdb",
            &["-U", "remit", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D", &data],
        )?;
        let (certificate, key) = (cluster.certificate(), cluster.folder.join("key.pem").display().to_string());
        // Made by and for itself: whoever trusts it trusts this cluster, at this address, and nothing else.
        let made = as_server_user(Path::new("openssl"))
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=remit-throw-away"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &key, "-out", &certificate])
            .current_dir("/")
            .output()
            .context("starting openssl, which Debian's PostgreSQL brings along")?;
        ensure!(made.status.success(), "openssl failed:\n{}", String::from_utf8_lossy(&made.stderr));
        let mut settings = vec![
            "ssl=on".to_owned(),
            format!("ssl_cert_file={certificate}"),
            format!("ssl_key_file={key}"),
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={sockets}"),
            "max_connections=200".to_owned(),
            "shared_buffers=256MB".to_owned(),
        ];
        if disk == Disk::Forgetful {
            settings.extend(["fsync", "synchronous_commit", "full_page_writes"].map(|name| format!("{name}=off")));
        }
        let options = settings.iter().flat_map(|setting| ["-c", setting]).collect::<Vec<_>>().join(" ");
        let log = cluster.folder.join("log").display().to_string();
        cluster.quietly("pg_ctl", &["-D", &data, "-o", &options, "-l", &log, "-w", "start"])?;
        Ok(cluster)
    }

    /// Returns the address of its first database.
    pub(crate) fn url(&self) -> String {
        format!("postgres://remit@127.0.0.1:{}/postgres", self.port)
    }

    /// Returns the file of the certificate with which it proves who it is.
    pub(crate) fn certificate(&self) -> String {
        self.folder.join("certificate.pem").display().to_string()
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    /// Runs one of its programs as the user who may, and shows what it printed only if it fails.
    fn quietly(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let mut command = as_server_user(&self.bin.join(program));
        let output =
            command.args(arguments).current_dir("/").output().with_context(|| format!("starting {program}"))?;
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{program} failed:\n{said}");
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // There is nothing to lose in it, and nobody to tell.
        let _ = self.quietly("pg_ctl", &["-D", &self.data(), "-m", "immediate", "-w", "stop"]);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Starts a cluster, prints its address and keeps it until a line or the end of the input comes.
pub(crate) fn keep() -> Result<()> {
    let cluster = Cluster::start(Disk::Durable)?;
    println!("PostgreSQL is at {}; press Enter to end it and remove its data", cluster.url());
    println!("Over TLS, add `?sslmode=verify-full&sslrootcert={}`", cluster.certificate());
    std::io::stdin().read_line(&mut String::new()).context("waiting for Enter")?;
    Ok(())
}

/// Returns the folder of the newest server's programs, installing Debian's package where root runs this.
pub(crate) fn find_or_install() -> Result<PathBuf> {
    if let Some(bin) = newest(Path::new(VERSIONS)) {
        return Ok(bin);
    }
    install_packages(&["postgresql"])?;
    newest(Path::new(VERSIONS)).ok_or_else(|| {
        Missing(
            "PostgreSQL is not installed: `sudo apt-get install postgresql` (its server programs are enough)"
                .to_owned(),
        )
        .into()
    })
}

/// Installs Debian's packages where root runs this; returns whether it could.
pub(crate) fn install_packages(packages: &[&str]) -> Result<bool> {
    if !is_root() || answer(Command::new("apt-get").arg("--version")).is_none() {
        return Ok(false);
    }
    let quiet =
        |arguments: &[&str]| finish(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"));
    quiet(&["update", "-q"])?;
    quiet(&[&["install", "-q", "-y", "--no-install-recommends"], packages].concat())?;
    Ok(true)
}

/// Returns the program folder of the highest version that has a server.
fn newest(versions: &Path) -> Option<PathBuf> {
    let found = fs::read_dir(versions).ok()?.filter_map(|entry| {
        let path = entry.ok()?.path();
        let version: u32 = path.file_name()?.to_str()?.parse().ok()?;
        let bin = path.join("bin");
        bin.join("postgres").is_file().then_some((version, bin))
    });
    found.max_by_key(|(version, _)| *version).map(|(_, bin)| bin)
}

/// Returns whether this runs as root.
fn is_root() -> bool {
    answer(Command::new("id").arg("-u")).as_deref() == Some("0")
}

/// Returns a command that runs a program as the user whom Debian's package made, if we are root, or as ourselves.
fn as_server_user(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn the_highest_version_that_has_a_server_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(newest(folder.path()), None);
        for version in ["9", "15", "17", "common"] {
            fs::create_dir_all(folder.path().join(version).join("bin")).unwrap();
        }
        for version in ["9", "15"] {
            fs::write(folder.path().join(version).join("bin/postgres"), "").unwrap();
        }
        assert_eq!(newest(folder.path()), Some(folder.path().join("15/bin")));
    }
}
