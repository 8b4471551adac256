//! A pair of PostgreSQL servers that Patroni leads with a synchronous standby, and the etcd by which it decides who leads.
//!
//! Everything listens on loopback only, works in one folder, and ends when the pair is dropped.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    http::{Ask, Client},
    proxy::{Mode, Proxy},
    watch::{Watch, wait},
};

/// The lease of the leader, and how often and how long Patroni looks: `LOOP + 2 * RETRY <= TTL`.
const TTL: u32 = 20;
const LOOP: u32 = 4;
const RETRY: u32 = 5;
/// Or a leader that looks in vain would outlive its lease.
const _: () = assert!(LOOP + 2 * RETRY <= TTL);
/// How long the pair may take to be whole again.
const WHOLE: Duration = Duration::from_mins(2);

/// One server and the Patroni beside it.
struct Node {
    name: &'static str,
    folder: PathBuf,
    patroni: Option<Child>,
    rest: SocketAddr,
    port: u16,
    /// Stands between its Patroni and etcd.
    etcd: Proxy,
}

/// The pair.
pub(crate) struct Pair {
    nodes: [Node; 2],
    etcd: Child,
    folder: PathBuf,
}

/// What Patroni says of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    name: String,
    role: String,
    state: String,
}

impl Pair {
    /// Starts everything in an empty folder and waits until one leads and the other follows synchronously.
    pub(crate) fn start(folder: &Path, bin: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let (client, peer) = (free_port()?, free_port()?);
        let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        let etcd = Command::new("etcd")
            .args(["--name", "one", "--data-dir"])
            .arg(folder.join("etcd"))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("one={peer}")])
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("etcd.log"))?)
            .spawn()
            .context("starting etcd")?;
        let server: SocketAddr = client.trim_start_matches("http://").parse()?;
        let node = |name| -> Result<Node> {
            let folder = folder.join(name);
            fs::create_dir_all(&folder)?;
            let rest = SocketAddr::from(([127, 0, 0, 1], free_port()?));
            Ok(Node { name, folder, patroni: None, rest, port: free_port()?, etcd: Proxy::before(server)? })
        };
        let mut pair = Self { nodes: [node("one")?, node("two")?], etcd, folder: folder.to_owned() };
        for node in &pair.nodes {
            fs::write(node.settings(), settings(node, bin))?;
            own(&node.folder)?;
        }
        for node in &mut pair.nodes {
            node.start()?;
        }
        pair.whole().context("a new pair")?;
        Ok(pair)
    }

    /// Returns the address that names both servers; whoever leads takes the writes.
    pub(crate) fn url(&self) -> String {
        let hosts: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("postgres://remit@{}/postgres", hosts.join(","))
    }

    /// Returns the address of each server by itself.
    pub(crate) fn urls(&self) -> [String; 2] {
        self.nodes.each_ref().map(|node| format!("postgres://remit@127.0.0.1:{}/postgres", node.port))
    }

    /// Returns which node leads, as any Patroni that answers says.
    pub(crate) fn leader(&self) -> Option<usize> {
        self.nodes.iter().position(Node::leads)
    }

    /// Waits until one leads and the other follows synchronously; returns which one leads.
    pub(crate) fn whole(&self) -> Result<usize> {
        let watch = Watch::start();
        while watch.elapsed() < WHOLE {
            let members = self.nodes.iter().find_map(Node::members).unwrap_or_default();
            let follows = members.iter().any(|member| member.role == "sync_standby" && member.state != "starting");
            if let (true, Some(leader)) = (follows, self.leader()) {
                return Ok(leader);
            }
            wait(Duration::from_millis(200));
        }
        bail!("the pair is not whole after {WHOLE:?}; see {}", self.folder.display())
    }

    /// Kills a node as a power cut would: its Patroni, its server and every process of it.
    pub(crate) fn kill(&mut self, node: usize) -> Result<()> {
        signal("KILL", &self.nodes[node].processes()?)?;
        if let Some(mut patroni) = self.nodes[node].patroni.take() {
            patroni.wait()?;
        }
        Ok(())
    }

    /// Starts a killed node again.
    pub(crate) fn revive(&mut self, node: usize) -> Result<()> {
        self.nodes[node].start()
    }

    /// Stops every process of a node where it is; returns them.
    pub(crate) fn freeze(&self, node: usize) -> Result<Vec<u32>> {
        let processes = self.nodes[node].processes()?;
        signal("STOP", &processes)?;
        Ok(processes)
    }

    /// Lets frozen processes go on; some may have ended.
    pub(crate) fn thaw(processes: &[u32]) {
        for process in processes {
            // One that is gone needs nothing.
            let _ = signal("CONT", &[*process]);
        }
    }

    /// Holds back everything between a node and etcd, or lets it pass again.
    pub(crate) fn cut(&self, node: usize, cut: bool) {
        self.nodes[node].etcd.set(if cut { Mode::Stall } else { Mode::Pass });
    }
}

impl Node {
    fn settings(&self) -> PathBuf {
        self.folder.join("patroni.yml")
    }

    fn start(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.folder.join("patroni.log"))?;
        let mut command = as_server_user("patroni");
        command.arg(self.settings()).current_dir(&self.folder).stdin(Stdio::null());
        self.patroni = Some(command.stdout(log.try_clone()?).stderr(log).spawn().context("starting Patroni")?);
        Ok(())
    }

    /// Returns its Patroni, its server and all that these started.
    fn processes(&self) -> Result<Vec<u32>> {
        let patroni = self.patroni.as_ref().context("its Patroni was killed already")?.id();
        let lock = fs::read_to_string(self.folder.join("data/postmaster.pid")).context("its server does not run")?;
        let server: u32 = lock.lines().next().unwrap_or_default().trim().parse()?;
        Ok(with_descendants(&[patroni, server], &parents()?))
    }

    fn ask(&self, path: &str) -> Option<(u16, String)> {
        let answer = Client::patient(self.rest, Duration::from_secs(2)).send(&Ask::get(path, "")).ok()?;
        Some((answer.status, answer.body))
    }

    fn leads(&self) -> bool {
        self.ask("/primary").is_some_and(|(status, _)| status == 200)
    }

    fn members(&self) -> Option<Vec<Member>> {
        members(&self.ask("/cluster")?.1)
    }
}

impl Drop for Pair {
    /// Whatever does not run any more needs no end.
    fn drop(&mut self) {
        for node in &mut self.nodes {
            let processes = node.processes().unwrap_or_default();
            Self::thaw(&processes);
            let _ = signal("KILL", &processes);
            if let Some(mut patroni) = node.patroni.take() {
                let _ = patroni.kill();
                let _ = patroni.wait();
            }
        }
        let _ = self.etcd.kill();
        let _ = self.etcd.wait();
    }
}

/// Reads Patroni's list of members.
fn members(body: &str) -> Option<Vec<Member>> {
    let value: serde_json::Value = serde_json::from_str(body).ok()?;
    let text = |member: &serde_json::Value, name: &str| member[name].as_str().unwrap_or_default().to_owned();
    let members = value["members"].as_array()?.iter();
    Some(
        members
            .map(|member| Member {
                name: text(member, "name"),
                role: text(member, "role"),
                state: text(member, "state"),
            })
            .collect(),
    )
}

/// Returns Patroni's settings of a node.
fn settings(node: &Node, bin: &Path) -> String {
    let Node { name, folder, rest, port, etcd, .. } = node;
    let (folder, bin, etcd) = (folder.display(), bin.display(), etcd.address);
    format!(
        "scope: remit
name: {name}
restapi: {{ listen: '{rest}', connect_address: '{rest}' }}
etcd3: {{ hosts: ['{etcd}'], use_proxies: true }}
bootstrap:
  dcs:
    ttl: {TTL}
    loop_wait: {LOOP}
    retry_timeout: {RETRY}
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters: {{ max_connections: 100, shared_buffers: 64MB, wal_log_hints: 'on', wal_keep_size: 256MB }}
  initdb: [{{ encoding: UTF8 }}, {{ locale: C.UTF-8 }}, data-checksums]
  pg_hba: ['local all all trust', 'host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust']
postgresql:
  listen: '127.0.0.1:{port}'
  connect_address: '127.0.0.1:{port}'
  data_dir: '{folder}/data'
  bin_dir: '{bin}'
  pgpass: '{folder}/pgpass'
  authentication:
    superuser: {{ username: remit }}
    replication: {{ username: remit }}
    rewind: {{ username: remit }}
  parameters: {{ unix_socket_directories: '{folder}' }}
"
    )
}

/// Returns who started whom: process and parent.
fn parents() -> Result<Vec<(u32, u32)>> {
    let entries = fs::read_dir("/proc")?.filter_map(std::result::Result::ok);
    Ok(entries
        .filter_map(|entry| {
            let process = entry.file_name().to_str()?.parse().ok()?;
            // It may have ended since.
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((process, parent(&stat)?))
        })
        .collect())
}

/// Returns the parent that `/proc/PID/stat` names; the program's name before it may hold anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// Returns some processes and all that they started, directly or not.
fn with_descendants(roots: &[u32], parents: &[(u32, u32)]) -> Vec<u32> {
    let mut found = roots.to_vec();
    let mut at = 0;
    while let Some(one) = found.get(at).copied() {
        for (process, _) in parents.iter().filter(|(_, parent)| *parent == one) {
            if !found.contains(process) {
                found.push(*process);
            }
        }
        at += 1;
    }
    found
}

/// Sends a signal to all processes at once; some may end before it comes.
fn signal(name: &str, processes: &[u32]) -> Result<()> {
    if processes.is_empty() {
        return Ok(());
    }
    let mut command = Command::new("kill");
    command.arg(format!("-{name}")).args(processes.iter().map(u32::to_string));
    command.stderr(Stdio::null()).status().context("starting `kill`")?;
    Ok(())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Gives a folder to the user who runs the server, if we are root.
fn own(folder: &Path) -> Result<()> {
    if is_root() {
        let given = Command::new("chown").args(["-R", "postgres"]).arg(folder).status()?;
        ensure!(given.success(), "the folder could not be given to `postgres`");
    }
    Ok(())
}

/// Returns a command that runs a program, in its own process, as the user whom Debian's package made if we are root.
fn as_server_user(program: &str) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", program]);
        command.env("HOME", "/tmp");
        command
    } else {
        Command::new(program)
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails says where")]

    use super::*;

    #[test]
    fn all_that_a_process_started_is_found_and_nothing_else() {
        let parents = [(2, 1), (3, 2), (4, 3), (5, 1), (6, 5), (7, 3)];
        assert_eq!(with_descendants(&[2], &parents), [2, 3, 4, 7]);
        assert_eq!(with_descendants(&[4, 5], &parents), [4, 5, 6]);
    }

    #[test]
    fn the_parent_is_read_whatever_a_program_is_called() {
        assert_eq!(parent("41 (postgres: a) b) S 40 41 41 0 -1"), Some(40));
        assert_eq!(parent("nonsense"), None);
    }

    #[test]
    fn the_roles_of_members_are_read() {
        let body = r#"{"members":[{"name":"one","role":"leader","state":"running"},
            {"name":"two","role":"sync_standby","state":"streaming","lag":0}]}"#;
        let roles: Vec<String> = members(body).unwrap().into_iter().map(|member| member.role).collect();
        assert_eq!(roles, ["leader", "sync_standby"]);
        assert_eq!(members("not json"), None);
    }

    #[test]
    fn settings_name_the_folder_the_ports_and_the_way_to_etcd() {
        let proxy = Proxy::before(SocketAddr::from(([127, 0, 0, 1], 1))).unwrap();
        let etcd = proxy.address;
        let rest = SocketAddr::from(([127, 0, 0, 1], 7001));
        let node =
            Node { name: "one", folder: PathBuf::from("/tmp/x/one"), patroni: None, rest, port: 7002, etcd: proxy };
        let text = settings(&node, Path::new("/usr/lib/postgresql/15/bin"));
        for part in ["synchronous_mode: true", "ttl: 20", "'/tmp/x/one/data'", "127.0.0.1:7002", &etcd.to_string()] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }
}
