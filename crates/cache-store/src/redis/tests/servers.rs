//! Servers of a test: started on a free port in a folder of their own, gone with it.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A server process.
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) folder: TempDir,
    arguments: Vec<String>,
    process: Child,
}

/// A port that nobody listens on now.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    /// Starts a server that keeps nothing.
    pub(super) fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_in(folder, free_port(), arguments)
    }

    /// Starts it with a folder that has been prepared. The first argument may be a file.
    pub(super) fn start_in(folder: TempDir, port: u16, arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        let process = launch(&folder, port, &arguments);
        Self { port, folder, arguments, process }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(super) fn start_again(&mut self) {
        self.process = launch(&self.folder, self.port, &self.arguments);
    }

    /// Has the process stand still, or go on.
    pub(super) fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Sends a command; `None` while the server does not take it.
    pub(super) async fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> Option<T> {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut connection).await.ok()
    }

    pub(super) async fn is_up(&self) -> bool {
        self.ask::<String>(&["PING"]).await.is_some()
    }
}

fn launch(folder: &TempDir, port: u16, arguments: &[String]) -> Child {
    let is_file = |text: &&String| !text.starts_with("--");
    let files = arguments.iter().take_while(is_file).count();
    let mut command = Command::new("redis-server");
    command.args(&arguments[..files]).args(["--port", &port.to_string()]);
    command.args(["--save", "", "--bind", "127.0.0.1"]).args(&arguments[files..]);
    command.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("redis-server must be installed: start the engines: scripts/engines up")
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
