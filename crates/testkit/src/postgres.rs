//! A PostgreSQL server of the tests' own: one per test process, started when first needed, in a temporary folder, on a
//! Unix socket. A small shell process watches over it: when the test process ends, however it ends, the watcher stops the
//! server and removes the folder.
//!
//! `HAP_TEST_POSTGRES` (an address like `postgres://user@host/database`) names a running server to use instead.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail};
use store::Store;

struct Server {
    url: String,
    /// Held open as long as this process lives; when it closes, the watcher stops the server.
    _watcher: Option<ChildStdin>,
}

static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
static DURABLE: OnceLock<Result<Server, String>> = OnceLock::new();
static SCHEMAS: AtomicU32 = AtomicU32::new(0);

/// Whether what a server acknowledges is on disk. Tests of behaviour do not wait for the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Not.
    Off,
    /// As in production.
    On,
}

/// A store in a new schema of the test server.
#[expect(clippy::panic, reason = "never skip a storage test silently")]
pub(crate) async fn store(durability: Durability) -> Store {
    let server = if durability == Durability::On { &DURABLE } else { &SERVER };
    let started = move || server.get_or_init(|| start(durability).map_err(|e| format!("{e:#}")));
    let started = tokio::task::spawn_blocking(started).await;
    let url = match started {
        Ok(Ok(server)) => &server.url,
        Ok(Err(reason)) => panic!(
            "PostgreSQL could not be started for the tests: {reason}\n\
             Install it (Debian: apt-get install postgresql), or set HAP_POSTGRES_BIN to the folder of initdb and \
             pg_ctl, or HAP_TEST_POSTGRES to the address of a server."
        ),
        Err(e) => panic!("{e}"),
    };
    let schema = format!("t{}_{}", std::process::id(), SCHEMAS.fetch_add(1, Ordering::SeqCst));
    match Store::open_postgres(url, &schema).await {
        Ok(store) => store,
        Err(e) => panic!("the PostgreSQL of the tests does not answer: {e}"),
    }
}

fn start(durability: Durability) -> anyhow::Result<Server> {
    if let Ok(url) = std::env::var("HAP_TEST_POSTGRES") {
        return Ok(Server { url, _watcher: None });
    }
    let bin = programs()?;
    // Unix sockets have short names, so the folder lies in /tmp whatever TMPDIR says.
    let parent = if Path::new("/tmp").is_dir() { PathBuf::from("/tmp") } else { std::env::temp_dir() };
    let folder = tempfile::Builder::new().prefix("hap-pg-").tempdir_in(parent)?.keep();
    // PostgreSQL refuses to run as root.
    let user = unprivileged()?;
    if let Some(user) = &user {
        run(Command::new("chown").arg(&user.name).arg(&folder))?;
    } else {
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    }
    let as_user = |program: &Path| match &user {
        None => Command::new(program),
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args([&format!("--reuid={}", user.name), &format!("--regid={}", user.group), "--clear-groups"]);
            command.arg(program);
            command
        }
    };
    let watcher = watch(&folder, &as_user(&bin.join("pg_ctl")))?;
    let data = folder.join("data");
    run(as_user(&bin.join("initdb"))
        .args(["--username=hap", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"])
        .arg("-D")
        .arg(&data)
        .current_dir(&folder))?;
    let mut settings = fs::OpenOptions::new().append(true).open(data.join("postgresql.conf"))?;
    writeln!(
        settings,
        "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_connections = 400\nmin_wal_size = 80MB",
        folder.display()
    )?;
    settings.write_all(match durability {
        Durability::Off => {
            b"shared_buffers = 32MB\nmax_wal_size = 128MB\nautovacuum = off\n\
              fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
        }
        Durability::On => b"shared_buffers = 512MB\nmax_wal_size = 1GB\n".as_slice(),
    })?;
    drop(settings);
    run(as_user(&bin.join("pg_ctl"))
        .args(["start", "-w", "-s", "-t", "60"])
        .arg("-D")
        .arg(&data)
        .arg("-l")
        .arg(folder.join("log"))
        .current_dir(&folder))?;
    let socket = folder.display().to_string().replace('/', "%2F");
    Ok(Server { url: format!("postgres://hap@{socket}/postgres"), _watcher: Some(watcher) })
}

/// The process that outlives this one just long enough to clean up.
fn watch(folder: &Path, stop: &Command) -> anyhow::Result<ChildStdin> {
    let words = std::iter::once(stop.get_program()).chain(stop.get_args());
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg("folder=$1; shift; cat >/dev/null; cd /; \"$@\" stop -s -m immediate -D \"$folder/data\"; rm -rf \"$folder\"")
        .arg("sh")
        .arg(folder)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // A group of its own, so that an interrupt from the terminal does not end it before it has cleaned up.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().context("starting the watcher of the test server")?;
    child.stdin.take().context("the watcher has no input")
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = format!("{command:?}");
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("starting {name}"))?;
    if !out.status.success() {
        bail!("{name} failed: {}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    }
    Ok(())
}

/// The folder of `initdb` and `pg_ctl`: the newest of Debian's, or the one that `pg_config` names.
fn programs() -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("HAP_POSTGRES_BIN") {
        return Ok(folder.into());
    }
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| Some((e.file_name().to_str()?.parse().ok()?, e.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").is_file())
        .collect();
    versions.sort();
    if let Some((_, bin)) = versions.pop() {
        return Ok(bin);
    }
    let asked = Command::new("pg_config").arg("--bindir").output();
    let bin = asked.ok().and_then(|o| String::from_utf8(o.stdout).ok()).map(|t| PathBuf::from(t.trim()));
    bin.filter(|b| b.join("initdb").is_file()).context("no initdb was found")
}

struct User {
    name: String,
    group: String,
}

/// The user to run as when this process is root; none when it is not.
fn unprivileged() -> anyhow::Result<Option<User>> {
    let status = fs::read_to_string("/proc/self/status").context("reading the own user")?;
    let uid = status.lines().find_map(|l| l.strip_prefix("Uid:")).and_then(|l| l.split_whitespace().nth(1));
    if uid != Some("0") {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    for name in ["postgres", "nobody"] {
        let line = users.lines().find(|l| l.starts_with(&format!("{name}:")));
        if let Some(group) = line.and_then(|l| l.split(':').nth(3)) {
            return Ok(Some(User { name: name.into(), group: group.into() }));
        }
    }
    bail!("this process is root and there is no user postgres or nobody to run the server as")
}
