//! A `pipelines.yml` of several pipelines in one process: what `check` and `up` say of it, and a platform that runs it.

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use support::cluster::free_port;
use support::{Platform, eventually, text, tool, tool_with_input};

fn write(folder: &tempfile::TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("a file");
    path.display().to_string()
}

/// A list of three pipelines: two with a TCP port each, of which this is the second's, and one with an HTTP port.
fn three(folder: &tempfile::TempDir, second: SocketAddr) -> String {
    write(
        folder,
        "web.conf",
        "input { tcp { port => 5000 host => '127.0.0.1' codec => json_lines } }\n\
         filter {\n\
           fingerprint { source => 'part' target => '[@metadata][fingerprint]' method => 'SHA256' }\n\
           schema { } mutate { add_tag => 'web' }\n\
         }\n\
         output { elasticsearch { document_id => '%{[@metadata][fingerprint]}' } }\n",
    );
    let port = second.port();
    write(
        folder,
        "audit.conf",
        &format!(
            "input {{ tcp {{ port => {port} host => '127.0.0.1' codec => line }} }}\n\
             filter {{ schema {{ }} mutate {{ add_tag => 'audit' }} }}\n\
             output {{ elasticsearch {{ }} }}\n"
        ),
    );
    write(
        folder,
        "hooks.conf",
        "input { http { port => 8080 host => '127.0.0.1' codec => json } }\n\
         filter { if [path] { drop { } } schema { } mutate { add_tag => 'hook' } }\n",
    );
    let list = "- pipeline.id: web\n  path.config: web.conf\n\
                - pipeline.id: audit\n  path.config: audit.conf\n\
                - pipeline.id: hooks\n  path.config: hooks.conf\n  pipeline.ecs_compatibility: disabled\n";
    write(folder, "pipelines.yml", list)
}

fn send_tcp(door: SocketAddr, lines: &[u8]) {
    let mut connection = TcpStream::connect(door).expect("a connection");
    connection.write_all(lines).expect("written");
    connection.shutdown(Shutdown::Write).expect("closed");
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).expect("the door closes");
}

#[test]
fn events_go_through_the_pipeline_of_the_door_that_took_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let second = free_port();
    let list = three(&folder, second);
    let platform = Platform::start(&["--pipeline", &list, "--search", "embedded:"]);
    platform
        .send_tcp(b"{\"part\":\"a\",\"message\":\"one\"}\n{\"part\":\"a\",\"message\":\"two\"}\n");
    send_tcp(second, b"the same line\nthe same line\n");
    platform.send(b"{\"message\":\"kept\"}\n{\"path\":\"/x\",\"message\":\"dropped\"}\n", &[]);
    let counts = || {
        ["tags:web", "tags:audit", "tags:hook", "message:two", "message:same"]
            .map(|query| platform.count(query))
    };
    eventually("the documents", || match counts() {
        [1, 2, 1, 1, 2] => Ok(()),
        other => Err(format!("{other:?} found; {}", platform.logged())),
    });
    assert_eq!(platform.count("message:dropped"), 0);
    let both = platform.count("tags:web AND tags:audit") + platform.count("tags:hook AND tags:web");
    assert_eq!(both, 0, "each event went through one pipeline");

    let listed = platform.ask(&["tap", "--at", "enricher"]);
    for row in ["enricher[1] ", "enricher#audit[2] ", "enricher#hooks[3] ", "enricher#web[1] "] {
        assert!(listed.lines().any(|line| line.starts_with(row)), "{row} in {listed}");
    }
    let output = platform.tool(&["tap", "--at", "enricher#audit[3]"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("the pipeline `audit` has 2"), "{said}");
}

#[test]
fn one_file_that_cannot_run_leaves_the_other_pipelines_changing() {
    let folder = tempfile::tempdir().expect("a folder");
    let second = free_port();
    let list = three(&folder, second);
    let platform = Platform::start(&["--pipeline", &list, "--search", "embedded:"]);
    write(&folder, "web.conf", "filter { dorp { } }\n");
    let changed = "filter { schema { } mutate { add_tag => 'changed' } }\n";
    write(&folder, "audit.conf", changed);
    eventually("both looks", || {
        let metrics = platform.metrics();
        let has = |result: &str| {
            metrics.contains(&format!("millrace_pipeline_reloads_total{{result=\"{result}\"}} 1"))
        };
        if has("loaded") && has("refused") { Ok(()) } else { Err(metrics) }
    });
    let part = platform.status()["parts"]["enricher pipeline web"].to_string();
    assert!(part.contains("degraded") && part.contains("dorp"), "{part}");
    platform.send_tcp(b"{\"message\":\"as before\"}\n");
    send_tcp(second, b"another way\n");
    eventually("the documents", || {
        match ["tags:web", "tags:changed"].map(|query| platform.count(query)) {
            [1, 1] => Ok(()),
            other => Err(format!("{other:?} found")),
        }
    });
}

#[test]
fn check_prints_the_settings_of_all_and_they_are_a_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    let second = SocketAddr::from(([127, 0, 0, 1], 5001));
    let list = three(&folder, second);
    let said = text(&tool(&["check", &list]).stdout);
    for part in [
        "pipelines.yml#web: 3 filters, no mistakes",
        "pipelines.yml#audit: 2 filters, no mistakes",
        "pipelines.yml` takes these settings; as a configuration file:",
        "[enricher.pipelines.audit]",
        "listeners = [\"tcp-2\"]",
        "[ingest_gateway.tcp.inputs.tcp-2]",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let output = tool(&["check", "--settings", &list]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let config = write(&folder, "millrace.toml", &text(&output.stdout));
    let output = tool(&["up", "--config", &config, "--check-config"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("the configuration is right\n"));
    // One of them alone is as a file of its own.
    let said = text(&tool(&["check", &format!("{list}#audit")]).stdout);
    assert!(said.contains("[ingest_gateway.tcp]\nlisten = \"127.0.0.1:5001\""), "{said}");
}

#[test]
fn what_nothing_comes_to_is_told_and_refused_where_it_is_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let up = |pipelines: &str| {
        let list = write(&folder, "pipelines.yml", pipelines);
        let output = tool(&["up", "--check-config", "--pipeline", &list]);
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let inner = "- pipeline.id: inner\n  config.string: 'input { pipeline { address => inside } } filter { drop { } }'\n";
    let outer =
        "- pipeline.id: outer\n  config.string: 'input { udp { port => 5140 } } filter { }'\n";
    let (code, said) = up(&format!("{inner}{outer}"));
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "enricher.pipelines.outer.listeners = [\"udp\"]",
        "no event comes to the pipeline inner: none of its inputs is a door here",
        "events of doors that none of these pipelines has go through the built-in pipeline",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let other = inner.replace("id: inner", "id: other");
    let (code, said) = up(&format!("{inner}{other}"));
    assert_eq!(code, Some(64));
    assert!(said.contains("no event would come to any pipeline") && said.contains("#ID"), "{said}");
    // As it is told there to.
    let config = write(&folder, "m.toml", "[enricher.pipelines.other]\nlisteners = [\"http\"]\n");
    let list = folder.path().join("pipelines.yml").display().to_string();
    let output = tool(&["up", "--check-config", "--pipeline", &list, "--config", &config]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("no event comes to the pipeline inner"), "{said}");
    assert!(!said.contains("no event comes to the pipeline other"), "{said}");
}

#[test]
fn commands_of_one_pipeline_ask_for_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = three(&folder, SocketAddr::from(([127, 0, 0, 1], 5001)));
    let refused = tool_with_input(&["pipe", "--pipeline", &list], b"{}\n");
    assert_eq!(refused.status.code(), Some(64));
    let said = text(&refused.stderr);
    assert!(said.contains("holds 3 pipelines") && said.contains("pipelines.yml#audit"), "{said}");
    let named = format!("{list}#audit");
    let output = tool_with_input(&["pipe", "--pipeline", &named], b"{\"n\":1}\n");
    assert!(text(&output.stdout).contains("audit"), "{}", text(&output.stderr));
}
