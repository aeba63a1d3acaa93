//! A service manager opens a door's socket and hands it over: what connects while the platform starts anew waits, and
//! no line is lost.

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use support::{NO_DEFAULT_DOORS, PATIENCE, binary, eventually, text, tool};

/// Puts its input where sockets are handed over, and becomes the program.
const SHELL: &str = "exec 3<&0 </dev/null; LISTEN_PID=$$; export LISTEN_PID; exec \"$@\"";

/// Does what a service manager does.
struct Manager {
    folder: TempDir,
    /// Where it is told how the platform is.
    told: UnixDatagram,
}

/// A platform that it has started.
struct Platform<'m> {
    manager: &'m Manager,
    child: Child,
}

impl Manager {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let told = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
        told.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Self { folder, told }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A platform that is handed this socket, and whose TCP door is off but for that.
    fn command(&self, name: &str, socket: impl Into<OwnedFd>) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", SHELL, "sh"]).arg(binary()).args(["up", "--tcp-listen", "off"]);
        command.arg("--data").arg(self.data());
        for door in ["udp", "http", "api", "metrics"] {
            command.arg(format!("--{door}-listen")).arg("127.0.0.1:0");
        }
        command.arg(NO_DEFAULT_DOORS);
        command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", name);
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
        command.stdin(Stdio::from(socket.into()));
        command
    }

    /// Starts it and waits until it says that all is open.
    fn start(&self, listener: &TcpListener) -> Platform<'_> {
        let log = self.folder.path().join("log");
        let log = File::options().create(true).append(true).open(log).expect("a log");
        let child = self
            .command("tcp", listener.try_clone().expect("the same socket"))
            .stdout(log.try_clone().expect("the same log"))
            .stderr(log)
            .spawn()
            .expect("the platform starts");
        let platform = Platform { manager: self, child };
        assert_eq!(self.next_word(), "READY=1\n");
        platform
    }

    fn next_word(&self) -> String {
        let mut word = [0; 1_024];
        let bytes = self.told.recv(&mut word).expect("the platform says something");
        text(&word[..bytes])
    }

    /// How many events are found.
    fn count(&self) -> u64 {
        let data = self.data().display().to_string();
        let from = "1970-01-02T00:00:00Z";
        let output = tool(&["query", "placed", "--count", "--from", from, "--data", &data]);
        text(&output.stdout).trim().parse().unwrap_or_default()
    }
}

impl Platform<'_> {
    /// Asks it to stop and waits until it has ended.
    fn stop(mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it can be asked");
        assert_eq!(self.manager.next_word(), "STOPPING=1\n");
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0));
    }
}

impl Drop for Platform<'_> {
    #[expect(clippy::print_stdout, reason = "what the test runner shows of a test that failed")]
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.manager.folder.path().join("log"));
            println!("--- log of the platform ---\n{}", log.unwrap_or_default());
        }
    }
}

/// Sends lines and says that there are no more; the connection is open until the door has made them durable.
fn send(door: SocketAddr, numbers: std::ops::Range<u32>) -> TcpStream {
    let mut connection = TcpStream::connect(door).expect("the socket takes connections");
    for number in numbers {
        let line = format!("{{\"event_id\":\"event-{number}\",\"message\":\"placed\"}}\n");
        connection.write_all(line.as_bytes()).expect("written");
    }
    connection.shutdown(Shutdown::Write).expect("closed");
    connection.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    connection
}

fn wait_for_end(mut connection: TcpStream) {
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).expect("the door closes in peace");
    assert_eq!(text(&rest), "");
}

#[test]
fn what_connects_while_the_platform_starts_anew_waits_and_arrives() {
    let manager = Manager::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let door = listener.local_addr().expect("an address");
    let platform = manager.start(&listener);
    wait_for_end(send(door, 0..100));
    platform.stop();

    // Nobody accepts now.
    let waiting = [send(door, 100..200), send(door, 200..300)];
    let _platform = manager.start(&listener);
    waiting.into_iter().for_each(wait_for_end);
    wait_for_end(send(door, 300..400));
    eventually("all lines are found", || match manager.count() {
        400 => Ok(()),
        count => Err(format!("{count} of 400")),
    });
}

#[test]
fn a_socket_that_no_door_takes_refuses_the_start_by_its_name() {
    let manager = Manager::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a port");
    for (mut command, name) in [
        (manager.command("millrace.socket", listener), "`millrace.socket`"),
        (manager.command("tcp", datagrams), "`tcp`"),
    ] {
        let output = command.output().expect("it ends");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{said}");
        assert!(said.contains(name), "{said}");
        assert!(!manager.data().exists(), "nothing was touched");
    }
}
