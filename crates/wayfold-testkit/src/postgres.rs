//! Throw-away PostgreSQL servers, each of a test's own.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::scratch::Scratch;
use crate::skip::skip;

/// The server refuses to run as root; this is somebody else.
const NOBODY: u32 = 65_534;
const PATIENCE: Duration = Duration::from_secs(60);
/// In what the shell counts the size of a file.
const LIMIT_BYTES: u64 = 512;

/// Runs the server until standard input ends, which it does with the process that holds the other end, however that
/// one ends; then stops it at once and removes its folder. At each line it stops at once, and runs again, with as much
/// room as there is. The server ignores the signal of a file that is too large, so that it finds its disk full.
const UNTIL_INPUT_ENDS: &str = r#"
    folder=$1; room=$2; shift 2
    while
        ( [ -z "$room" ] || ulimit -S -f "$room"; exec "$@" ) </dev/null >>"$folder/log" 2>&1 & server=$!
        read -r line; again=$?; room=
        kill -QUIT $server; wait $server
        [ $again -eq 0 ]
    do :; done
    rm -rf "$folder"
"#;

/// A PostgreSQL server in a temporary folder, reached by a socket there. It ends when this is dropped, and also when the
/// process is killed. It does not sync, as a test does not outlive the machine.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    keeper: Child,
}

/// A standby, by the name under which it follows.
#[derive(Debug)]
pub struct Standby {
    /// Its name.
    pub name: &'static str,
    /// The server.
    pub server: PostgresServer,
}

impl Standby {
    /// How much it has, once the server before is gone and nothing more comes.
    fn received(&self) -> u64 {
        let ask = |sql: &str| self.server.run_sql(&self.server.connection(), sql);
        let number = |text: String| text.trim().parse::<u64>().expect("it is a number");
        while number(ask("SELECT count(*) FROM pg_stat_wal_receiver")) != 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
        number(ask("SELECT (pg_last_wal_receive_lsn() - '0/0')::bigint"))
    }

    /// Kills the first server, and lets the standby that has most take over; the other one follows it. The one that has
    /// taken over comes first in what is returned.
    ///
    /// # Panics
    /// If a standby does not do what it is told.
    pub fn fail_over(first: PostgresServer, mut standbys: [Self; 2]) -> [Self; 2] {
        drop(first);
        standbys.sort_by_key(|standby| std::cmp::Reverse(standby.received()));
        let [next, other] = &standbys;
        next.server.run_sql(&next.server.connection(), "SELECT pg_promote()");
        let follows = format!("{} application_name={}", next.server.connection(), other.name);
        let tell = |sql: &str| other.server.run_sql(&other.server.connection(), sql);
        tell(&format!("ALTER SYSTEM SET primary_conninfo = '{follows}'"));
        tell("SELECT pg_reload_conf()");
        standbys
    }
}

/// What a server that encrypts shows of itself, each a text in PEM.
#[derive(Debug, Clone, Copy)]
pub struct ServerCertificate<'a> {
    /// The certificate.
    pub certificate: &'a str,
    /// Its private key.
    pub key: &'a str,
}

impl PostgresServer {
    /// What to do where no server is installed.
    pub const MISSING: &str = "no PostgreSQL server is installed; install one (Debian and Ubuntu: apt-get install \
        postgresql; Fedora: dnf install postgresql-server), or put initdb and postgres on the PATH";

    /// Says whether a server can be started here. Where none can, a test has to [`skip`](crate::skip()) itself.
    ///
    /// # Panics
    /// If none can and the environment variable `CI` is `true`.
    pub fn is_installed() -> bool {
        let is_installed = programs().is_some();
        assert!(is_installed || std::env::var("CI").as_deref() != Ok("true"), "{}", Self::MISSING);
        is_installed
    }

    /// Starts a server for a test, which is noted as skipped where none is installed.
    ///
    /// # Panics
    /// As [`PostgresServer::is_installed`] and [`PostgresServer::start`].
    pub fn for_test(under: impl AsRef<Path>, test: &str) -> Option<Self> {
        if Self::is_installed() {
            return Some(Self::start(under));
        }
        skip(test, Self::MISSING);
        None
    }

    /// Starts a server. `under` keeps what is made once: for tests, what `CARGO_TARGET_TMPDIR` names.
    ///
    /// # Panics
    /// If the server does not start.
    pub fn start(under: impl AsRef<Path>) -> Self {
        Self::start_with(under, &[])
    }

    /// Starts a server with other settings, such as `fsync=on`.
    ///
    /// # Panics
    /// As [`PostgresServer::start`].
    pub fn start_with(under: impl AsRef<Path>, settings: &[&str]) -> Self {
        let settings: Vec<_> =
            [&["listen_addresses="], settings].concat().into_iter().map(str::to_owned).collect();
        Self::start_in(&Self::folder(under.as_ref()), (5_432, None), &settings)
    }

    /// Starts a server that finds its disk full when a file would become larger than so many bytes: it takes a table and
    /// each index as one. What it writes ahead needs a mebibyte. After a [`crash`](Self::crash) there is room.
    ///
    /// # Panics
    /// As [`PostgresServer::start`].
    pub fn start_with_room(under: impl AsRef<Path>, file_bytes_max: u64) -> Self {
        let room = Some(file_bytes_max / LIMIT_BYTES);
        Self::start_in(&Self::folder(under.as_ref()), (5_432, room), &["listen_addresses=".to_owned()])
    }

    /// Starts a server that is also reached at a port of 127.0.0.1, where it encrypts.
    ///
    /// # Panics
    /// As [`PostgresServer::start`].
    pub fn start_with_tls(under: impl AsRef<Path>, shown: ServerCertificate<'_>) -> Self {
        let folder = Self::folder(under.as_ref());
        let file = |name: &str, text: &str| {
            let file = folder.join(name);
            fs::write(&file, text).expect("a test may write a file");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))
                .expect("a file can be closed to others");
            chown(&file, Some(owner(&folder)), None).expect("root may give a file away");
            file.display().to_string()
        };
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", file("server.pem", shown.certificate)),
            format!("ssl_key_file={}", file("server.key", shown.key)),
        ];
        Self::start_in(&folder, (free_port(), None), &settings)
    }

    /// Starts a standby of this server with other settings, which follows it under a name and takes reads. What the name
    /// is for, see `synchronous_standby_names`; `pg_promote` makes it a server of its own.
    ///
    /// # Panics
    /// If it does not start.
    pub fn standby(&self, name: &str, settings: &[&str]) -> Self {
        let folder = open_to_the_server(Scratch::new(std::env::temp_dir(), "wayfold-postgres").keep());
        let mut backup = command(&folder, &self.programs.join("pg_basebackup"));
        backup.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--dbname"]);
        backup.arg(format!("{} application_name={name}", self.connection()));
        output(backup.arg("--pgdata").arg(folder.join("data")));
        let settings: Vec<_> =
            [&["listen_addresses="], settings].concat().into_iter().map(str::to_owned).collect();
        Self::start_in(&folder, (5_432, None), &settings)
    }

    /// A folder with the data of a new server.
    fn folder(under: &Path) -> PathBuf {
        let template = template(&programs().expect(Self::MISSING), under);
        let folder = open_to_the_server(Scratch::new(std::env::temp_dir(), "wayfold-postgres").keep());
        copy(&template, &folder.join("data"));
        folder
    }

    fn start_in(folder: &Path, (port, room): (u16, Option<u64>), settings: &[String]) -> Self {
        let programs = programs().expect(Self::MISSING);
        let keeper = serve(&programs, folder, (port, room), settings);
        let mut server = Self { keeper, programs, folder: folder.to_owned(), port };
        server.wait_until_ready();
        server
    }

    /// Stops the server at once, as if it had crashed, and starts it again: it recovers what was committed.
    ///
    /// # Panics
    /// If it does not start again.
    pub fn crash(&mut self) {
        let before = self.process();
        let line = self.keeper.stdin.as_mut().map(|input| input.write_all(b"again\n"));
        line.expect("it is open until the end").expect("the shell reads");
        let began = Instant::now();
        while self.process().is_none_or(|process| Some(process) == before) {
            assert!(began.elapsed() < PATIENCE, "the server does not stop");
            std::thread::sleep(Duration::from_millis(2));
        }
        self.wait_until_ready();
    }

    /// The number of the process that serves, if one does.
    fn process(&self) -> Option<u32> {
        let record = fs::read_to_string(self.folder.join("data/postmaster.pid")).ok()?;
        record.lines().next()?.parse().ok()
    }

    /// How a client names the server: a database of an owner who may do everything.
    pub fn connection(&self) -> String {
        format!("host={} port={} user=postgres dbname=postgres", self.folder.display(), self.port)
    }

    /// Makes a database of the same owner; how a client names it.
    ///
    /// # Panics
    /// If it cannot be made, as where there is one of that name.
    pub fn make_database(&self, name: &str) -> String {
        let connection = self.connection();
        output(self.program("createdb").args([
            "--maintenance-db",
            &connection,
            "--template=template0",
            name,
        ]));
        connection.replace("dbname=postgres", &format!("dbname={name}"))
    }

    /// Runs SQL by the client that came with the server, and returns what it prints: a line a row, without headings.
    ///
    /// # Panics
    /// If it fails.
    pub fn run_sql(&self, connection: &str, sql: &str) -> String {
        let quiet = ["--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", "--no-psqlrc"];
        output(self.program("psql").args(quiet).args(["--dbname", connection, "--command", sql]))
    }

    /// The port of 127.0.0.1 at which a server that encrypts is reached; others are reached by their socket alone.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A program that came with the server, such as `pg_dump`.
    pub fn program(&self, name: &str) -> Command {
        Command::new(self.programs.join(name))
    }

    /// The socket of the server.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(format!(".s.PGSQL.{}", self.port))
    }

    fn wait_until_ready(&mut self) {
        let began = Instant::now();
        let record = self.folder.join("data/postmaster.pid");
        while !fs::read_to_string(&record).is_ok_and(|text| text.lines().any(|line| line.trim() == "ready")) {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(began.elapsed() < PATIENCE, "the server does not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // It was started by this process, and ends by itself.
        let _ = self.keeper.wait();
    }
}

/// The folder of `initdb` and `postgres`: where distributions put them, which is not on the path of users.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders.retain(|folder| folder.join("initdb").exists());
    // A link on the path leads to where the other programs are.
    let postgres = folders.iter().find_map(|folder| fs::canonicalize(folder.join("postgres")).ok())?;
    postgres.parent().map(Path::to_owned)
}

/// The data of a new server: made once, as making it takes much longer than copying it.
fn template(programs: &Path, under: &Path) -> PathBuf {
    fs::create_dir_all(under).expect("a test may make a folder");
    let lock = File::create(under.join("postgres-template.lock")).expect("a test may make a file");
    lock.lock().expect("a file can be locked");
    let version = output(Command::new(programs.join("postgres")).arg("--version"));
    let name: String = version.chars().filter(char::is_ascii_alphanumeric).collect();
    let template = under.join(format!("postgres-template-{name}"));
    if !template.exists() {
        let scratch = Scratch::new(std::env::temp_dir(), "wayfold-initdb");
        let folder = open_to_the_server(scratch.folder().to_owned());
        let mut initdb = command(&folder, &programs.join("initdb"));
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        output(initdb.args(["--no-sync", "--wal-segsize=1", "--pgdata"]).arg(folder.join("data")));
        // Another process sees it whole or not at all.
        let unfinished = Scratch::new(under, "postgres-template");
        copy(&folder.join("data"), unfinished.folder());
        fs::rename(unfinished.folder(), &template).expect("a folder can be renamed");
    }
    template
}

/// A port that nobody uses at the moment.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a test may listen");
    listener.local_addr().expect("it listens somewhere").port()
}

fn serve(programs: &Path, folder: &Path, (port, room): (u16, Option<u64>), settings: &[String]) -> Child {
    let mut shell = command(folder, Path::new("/bin/sh"));
    shell.arg("-c").arg(UNTIL_INPUT_ENDS).arg("sh").arg(folder);
    shell.arg(room.map_or_else(String::new, |room| room.to_string())).arg(programs.join("postgres"));
    shell.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    // Nothing but the test makes transactions, so that what it sees does not depend on the moment.
    for setting in ["fsync=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=32MB"] {
        shell.arg("-c").arg(setting);
    }
    shell.arg("-p").arg(port.to_string());
    shell.args(settings.iter().flat_map(|setting| ["-c", setting]));
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().expect("a test may start a shell")
}

/// A program as the user of the server, in its folder.
fn command(folder: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C");
    if owner(folder) == NOBODY {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Gives a folder of root's to the user of the server.
fn open_to_the_server(folder: PathBuf) -> PathBuf {
    if owner(&folder) == 0 {
        chown(&folder, Some(NOBODY), Some(NOBODY)).expect("root may give a folder away");
    }
    folder
}

/// Copies a folder with all that is in it, to the owner of the folder above.
fn copy(from: &Path, to: &Path) {
    let owner = owner(to.parent().expect("it lies in a folder"));
    let give = |path: &Path| {
        if self::owner(path) != owner {
            chown(path, Some(owner), None).expect("root may give a file away");
        }
    };
    fs::create_dir_all(to).expect("a test may make a folder");
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).expect("a folder can be closed to others");
    give(to);
    for entry in fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("the folder can be read");
        let place = to.join(entry.file_name());
        if entry.file_type().expect("an entry has a type").is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), &place).expect("a test may copy its files");
            give(&place);
        }
    }
}

fn owner(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").uid()
}

/// What a program prints.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    text(&output.stdout)
}
