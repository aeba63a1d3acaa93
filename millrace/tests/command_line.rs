//! What an operator sees: the start, clear refusals, a clean stop, and everything there again.

mod support;

use std::net::{TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use support::{NO_DEFAULT_DOORS, Platform, eventually, text, tool, tool_with_input};

/// Runs `up` where it must be refused, and gives its one line and exit code.
fn refused(arguments: &[&str]) -> (String, Option<i32>) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let data = folder.path().join("data").display().to_string();
    let mut all = vec!["up"];
    if !arguments.contains(&"--data") {
        all.extend(["--data", &data]);
    }
    all.extend(arguments);
    let output = tool(&all);
    assert!(!output.status.success(), "it started");
    assert!(
        !folder.path().join("data").exists(),
        "a start that was refused leaves a folder behind"
    );
    (text(&output.stderr), output.status.code())
}

const FREE: [&str; 10] = [
    "--tcp-listen",
    "127.0.0.1:0",
    "--udp-listen",
    "127.0.0.1:0",
    "--http-listen",
    "127.0.0.1:0",
    "--api-listen",
    "127.0.0.1:0",
    "--metrics-listen",
    "127.0.0.1:0",
];

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let taken_udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let udp_address = taken_udp.local_addr().expect("an address").to_string();
    for flag in
        ["--tcp-listen", "--http-listen", "--api-listen", "--metrics-listen", "--udp-listen"]
    {
        let address = if flag == "--udp-listen" { &udp_address } else { &address };
        let mut arguments = [&FREE[..], &[NO_DEFAULT_DOORS]].concat();
        let place = arguments.iter().position(|argument| *argument == flag).expect("a flag");
        arguments[place + 1] = address;
        let (line, code) = refused(&arguments);
        let port = address.rsplit(':').next().expect("a port");
        assert!(line.contains(port) && line.contains("in use"), "{flag}: {line}");
        assert_eq!(line.trim().lines().count(), 1, "{flag}: {line}");
        assert_eq!(code, Some(1), "{flag}");
    }
}

#[test]
fn a_data_folder_in_use_names_the_process_that_holds_it() {
    let platform = Platform::start(&[]);
    let data = platform.data().display().to_string();
    let mut arguments = vec!["--data", &data];
    arguments.extend(FREE);
    let (line, code) = refused(&arguments);
    assert!(line.contains(&format!("in use by process {}", platform.process_id())), "{line}");
    assert_eq!((line.trim().lines().count(), code), (1, Some(1)), "{line}");
}

#[test]
fn a_data_folder_that_cannot_be_made_is_one_clear_line() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let below_a_file = file.path().join("data").display().to_string();
    for folder in [below_a_file.as_str(), "/proc/millrace"] {
        let (line, code) = refused(&["--data", folder]);
        assert!(line.contains(folder) && line.contains("--data"), "{line}");
        assert_eq!((line.trim().lines().count(), code), (1, Some(1)), "{line}");
    }
}

#[test]
fn another_address_without_a_token_is_refused_with_the_way_out() {
    for flag in ["--tcp-listen", "--http-listen", "--udp-listen"] {
        let (line, code) = refused(&[flag, "0.0.0.0:0"]);
        assert!(
            line.contains("ingest_token") || line.contains("allow_unauthenticated_udp"),
            "{line}"
        );
        assert_eq!(code, Some(64), "{flag}: {line}");
    }
    for flag in ["--api-listen", "--metrics-listen"] {
        let (line, code) = refused(&[flag, "0.0.0.0:0"]);
        assert!(line.contains("allow"), "{flag}: {line}");
        assert_eq!(code, Some(64), "{flag}: {line}");
    }
}

#[test]
fn five_mistakes_in_a_configuration_are_five_lines() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("millrace.toml");
    let mistakes = "[bus]\nurl = \"embedded:\"\nurll = \"x\"\n\n[bus.log]\nfsync = \"sometimes\"\n\n\
                    [ingest_gateway.http]\nlisten = \"nowhere\"\n\n[fraud_worker.scoring]\n\
                    review_score_min = \"high\"\n\n[fish]\nfresh = true\n";
    std::fs::write(&file, mistakes).expect("a file");
    let path = file.display().to_string();
    let (lines, code) = refused(&["--config", &path, "--check-config"]);
    for line in [3, 6, 9, 12, 14] {
        assert!(lines.contains(&format!("millrace.toml:{line}:")), "line {line}: {lines}");
    }
    assert_eq!(lines.matches("millrace.toml:").count(), 5, "{lines}");
    assert_eq!(code, Some(64));
}

#[test]
fn the_example_configuration_is_right() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../millrace.example.toml");
    let output = tool(&["up", "--config", example, "--check-config"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn it_stops_within_ten_seconds_and_everything_is_there_again() {
    let mut platform = Platform::start(&[]);
    platform.send(b"{\"log_type\":\"error\",\"message\":\"kept\"}\nbroken\n", &[]);
    let found = |platform: &Platform| match platform.count("kept") {
        1 => Ok(()),
        other => Err(format!("{other} found")),
    };
    eventually("the event", || found(&platform));
    // What is found may not be committed yet.
    let before = eventually("everything committed", || {
        let stages = platform.status()["stages"].clone();
        let all = stages.as_array().into_iter().flatten();
        match all.filter_map(|stage| stage["in_flight"].as_u64()).sum() {
            0_u64 => Ok(stages),
            in_flight => Err(format!("{in_flight} in flight")),
        }
    });
    let (code, elapsed) = platform.stop();
    assert_eq!(code, Some(0), "{}", platform.logged());
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");

    let started = Instant::now();
    platform.restart();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    eventually("the event again", || found(&platform));
    assert_eq!(platform.status()["stages"], before, "the ledger is kept");
    assert!(platform.ask(&["dead", "list"]).contains("not_an_object"));
}

#[test]
fn a_tool_without_a_platform_says_how_to_start_one() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let data = folder.path().display().to_string();
    for command in [vec!["query", "x"], vec!["status"], vec!["dead", "list"]] {
        let mut arguments = command.clone();
        arguments.extend(["--data", &data]);
        let output = tool(&arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("millrace up"), "{}", text(&output.stderr));
    }
}

#[test]
fn a_query_that_cannot_be_read_shows_the_character() {
    let platform = Platform::start(&[]);
    let output = platform.tool(&["query", "type:transaction AND (amount:>1"]);
    assert_eq!(output.status.code(), Some(64));
    let lines = text(&output.stderr);
    assert!(lines.contains("\n  type:transaction AND (amount:>1\n"), "{lines}");
    assert!(lines.trim_end().ends_with('^'), "{lines}");
}

#[test]
fn refused_records_are_listed_shown_replayed_and_purged() {
    let platform = Platform::start(&[]);
    platform.send_tcp(b"{\"log_type\":\"error\"}\n{\"broken\": \n");
    let listed = eventually("the dead letter", || {
        let listed = platform.ask(&["dead", "list", "--json"]);
        if listed.is_empty() { Err("none".to_owned()) } else { Ok(listed) }
    });
    let dead: serde_json::Value = serde_json::from_str(listed.trim()).expect("one line");
    assert_eq!(dead["kind"], "invalid_json");
    assert_eq!(dead["stage"], "enricher");
    let id = dead["id"].as_str().expect("an id");
    let shown = platform.ask(&["dead", "show", id]);
    for part in ["invalid_json", "enricher", "tcp", "127.0.0.1", "{\"broken\":", "logs.raw"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    platform.ask(&["dead", "replay", id]);
    eventually("the second refusal", || {
        let shown = platform.ask(&["dead", "show", id, "--json"]);
        let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
        if shown["attempt"] == 1 && shown["state"] == "waiting" {
            Ok(())
        } else {
            Err(shown.to_string())
        }
    });
    let listed = platform.ask(&["dead", "list", "--json"]);
    assert_eq!(listed.lines().count(), 1, "a replay overwrites: {listed}");
    platform.ask(&["dead", "purge", "--all"]);
    assert_eq!(platform.ask(&["dead", "list", "--json"]), "");
}

#[test]
fn admin_signs_in_with_a_new_password_after_a_reset() {
    let platform = Platform::start(&[]);
    let answer = platform.ask(&["user", "reset-password", "admin"]);
    let password = answer.trim().rsplit(' ').next().expect("a password").to_owned();
    let login = |password: &str| {
        let url = format!("http://{}/api/auth/login", platform.addresses.api);
        let body = serde_json::json!({ "name": "admin", "password": password }).to_string();
        let output = std::process::Command::new("curl")
            .args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"])
            .args(["--header", "content-type: application/json", "--data", &body, &url])
            .output()
            .expect("curl runs");
        text(&output.stdout)
    };
    assert_eq!(login(&password), "200");
    assert_eq!(login(support::PASSWORD), "401");
}

#[test]
fn the_source_of_the_geoip_data_is_named_the_same_everywhere() {
    let version = text(&tool(&["--version"]).stdout);
    assert_eq!(enricher::GEOIP_ATTRIBUTION, query_api::ATTRIBUTION);
    assert!(version.contains(enricher::GEOIP_ATTRIBUTION), "{version}");
}

#[test]
fn a_mistake_in_the_pipeline_is_found_before_the_data_folder_is_made() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let (pipeline, data) = (folder.path().join("my.conf"), folder.path().join("data"));
    std::fs::write(&pipeline, "filter { ruby { } }").expect("a file");
    let (pipeline, data) = (pipeline.display().to_string(), data.display().to_string());
    for flag in ["--check-config", "--demo"] {
        let output = tool(&["up", "--pipeline", &pipeline, "--data", &data, flag]);
        assert_eq!(output.status.code(), Some(64), "{flag}");
        assert!(text(&output.stderr).contains("my.conf:1:"), "{}", text(&output.stderr));
    }
    assert!(!folder.path().join("data").exists());
}

#[test]
fn mistakes_in_usage_are_told_by_their_code() {
    for arguments in [&["up", "--fish"][..], &["fish"], &["status", "--data", "x", "--url", "y"]] {
        assert_eq!(tool(arguments).status.code(), Some(64), "{arguments:?}");
    }
    assert_eq!(tool(&["--help"]).status.code(), Some(0));
}

#[test]
fn check_names_every_mistake_of_a_pipeline() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("my.conf");
    let pipeline =
        "filter {\n  json { source => \"message\" sauce => 1 }\n  ruby { code => \"x\" }\n}\n";
    std::fs::write(&file, pipeline).expect("a file");
    let path = file.display().to_string();
    let output = tool(&["check", &path]);
    assert_eq!(output.status.code(), Some(64));
    let lines = text(&output.stdout) + &text(&output.stderr);
    assert!(lines.contains("my.conf:2:") && lines.contains("sauce"), "{lines}");
    assert!(lines.contains("my.conf:3:") && lines.contains("ruby"), "{lines}");
}

#[test]
fn a_pipeline_that_is_not_there_is_a_mistake_to_every_command() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let absent = folder.path().join("nothere.conf").display().to_string();
    let list = folder.path().join("nothere.yml").display().to_string();
    for arguments in [
        &["check", &absent][..],
        &["check", "--settings", &absent],
        &["check", &list],
        &["check", &absent, &absent],
        &["up", "--check-config", "--pipeline", &absent],
        &["pipe", "--pipeline", &absent],
    ] {
        let output = tool(arguments);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {said}");
        assert!(said.contains("cannot read the pipeline") && said.contains("nothere"), "{said}");
    }
}

#[test]
fn queries_say_what_is_wrong_with_them() {
    let platform = Platform::start(&[]);
    let lines = "{\"log_type\":\"error\",\"level\":\"ERROR\",\"message\":\"boom\"}\n";
    platform.send(lines.as_bytes(), &[]);
    eventually("the event", || match platform.count("level:error") {
        1 => Ok(()),
        other => Err(format!("{other} found")),
    });
    let unknown = platform.tool(&["query", "servce.name:checkout", "--count"]);
    assert_eq!((text(&unknown.stdout).trim(), unknown.status.code()), ("0", Some(0)));
    let said = text(&unknown.stderr);
    assert!(said.contains("no such field: servce.name; did you mean service.name?"), "{said}");
    let printed = platform.documents("level:error", 10);
    assert_eq!(printed[0]["message"], "boom");
    assert!(printed[0]["_id"].is_string(), "{}", printed[0]);
    assert!(printed[0]["_index"].as_str().is_some_and(|index| index.contains("-error-")));
    for (arguments, said) in [
        (&["query", "shop.order.amount:>abc"][..], "\n                    ^"),
        (&["query", "client.ip:300.1.1.1"], "\n            ^"),
        (&["query", "", "--from", "gestern"], "`gestern` is not a moment"),
        (&["query", "", "--last", "90"], "--last"),
        (&["query", "", "--from", "now", "--to", "now-1h"], "`from` lies after `to`"),
    ] {
        let output = platform.tool(arguments);
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {complaint}");
        assert!(complaint.contains(said), "{arguments:?}: {complaint}");
    }
}

#[test]
fn pages_are_of_one_moment_where_that_can_be_had() {
    let platform = Platform::start(&["--set", "search.points_in_time.per_user_max=1"]);
    let line = |number: u32| format!("{{\"log_type\":\"error\",\"message\":\"{number}\"}}\n");
    let lines: String = (0..1_200).map(line).collect();
    platform.send(lines.as_bytes(), &[]);
    eventually("the events", || match platform.count("type:error") {
        1_200 => Ok(()),
        other => Err(format!("{other} found")),
    });
    let ask = |limit: &str| {
        let all = ["query", "", "--json", "--from", "1970-01-02T00:00:00Z", "--limit", limit];
        let output = platform.tool(&all);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        (text(&output.stdout).lines().count(), said)
    };
    let without = "the pages are not of one moment";
    // Whoever reads to the end leaves none open.
    for _ in 0..2 {
        let (printed, said) = ask("2000");
        assert!(printed == 1_200 && !said.contains(without), "{printed}: {said}");
    }
    let (printed, said) = ask("501");
    assert!(printed == 501 && !said.contains(without), "{printed}: {said}");
    // That one is left open, and there is room for one only.
    let (printed, said) = ask("2000");
    assert!(printed == 1_200 && said.contains(without), "{printed}: {said}");
    assert!(said.contains("search.points_in_time.per_user_max"), "{said}");
    let (printed, said) = ask("500");
    assert!(printed == 500 && !said.contains(without), "a page needs none: {printed}: {said}");
}

#[test]
fn following_ends_with_its_limit() {
    let platform = Platform::start(&[]);
    let data = platform.data().display().to_string();
    let following = std::thread::spawn(move || {
        tool(&["query", "", "--follow", "--limit", "2", "--json", "--data", &data])
    });
    // Whatever comes before it follows is not shown, so more is sent until it has enough.
    eventually("the end", || {
        platform.send(b"{\"log_type\":\"error\",\"message\":\"x\"}\n", &[]);
        if following.is_finished() { Ok(()) } else { Err("it follows".to_owned()) }
    });
    let output = following.join().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 2);
}

#[test]
fn dead_letters_that_are_not_there_or_not_whole_are_said_so() {
    let platform = Platform::start(&[]);
    for command in ["replay", "purge"] {
        let output = platform.tool(&["dead", command, "none"]);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains("no such dead letter"), "{command}: {said}");
    }
    let long = format!("{{\"a\":{}\n", "x".repeat(100_000));
    platform.send(long.as_bytes(), &[]);
    let id = eventually("the letter", || {
        let listed = platform.ask(&["dead", "list", "--json"]);
        let letter: serde_json::Value =
            serde_json::from_str(listed.trim()).map_err(|error| error.to_string())?;
        letter["id"].as_str().map(str::to_owned).ok_or(listed)
    });
    let shown = platform.ask(&["dead", "show", &id]);
    assert!(shown.contains("the first 65536 of 100005 bytes are kept"), "{}", &shown[..800]);
    let replayed = platform.tool(&["dead", "replay", &id]);
    assert_eq!(replayed.status.code(), Some(1), "{}", text(&replayed.stdout));
    assert!(text(&replayed.stdout).contains("not whole"), "{}", text(&replayed.stdout));
}

#[test]
fn a_full_disk_is_said_everywhere() {
    let reserve = u64::MAX / 4;
    let setting = format!("bus.log.disk_reserve_bytes={reserve}");
    let platform = Platform::start(&["--set", &setting]);
    let expected = format!("disk_reserve_bytes keeps {reserve} free");
    let status = eventually("the warning", || {
        let status = platform.ask(&["status"]);
        if status.contains("not ready: disk:") { Ok(status) } else { Err(status) }
    });
    assert!(status.contains(&expected) && status.contains("since this process began"), "{status}");
    let curl = |address: std::net::SocketAddr, path: &str, more: &[&str]| {
        let url = format!("http://{address}{path}");
        let output =
            std::process::Command::new("curl").args(["--silent", &url]).args(more).output();
        text(&output.expect("curl runs").stdout)
    };
    assert!(curl(platform.addresses.metrics, "/health/ready", &[]).contains(&expected));
    let http = platform.addresses.http.expect("an HTTP door");
    let answer = curl(http, "/v1/logs", &["--data", "{}"]);
    assert!(answer.contains("503"), "{answer}");
    for told in [answer, curl(http, "/health", &[])] {
        assert!(told.contains("until whoever runs this gateway acts"), "{told}");
        assert!(!told.contains(&expected), "senders are strangers: {told}");
    }
    assert!(platform.logged().contains("nothing is accepted from the doors"));
}

#[test]
fn a_compressed_file_is_not_sent_as_lines() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), b"\x1f\x8b\x08rest").expect("written");
    let output = tool(&["send", &file.path().display().to_string()]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains("compressed (gzip)") && said.contains("zcat"), "{said}");
}

#[test]
fn check_config_looks_at_the_log_and_at_addresses() {
    for (arguments, said) in [
        (&["--set", "logging.filter=info,=,"][..], "logging.filter"),
        (&["--http-listen", "127.0.0.1:7000", "--api-listen", "127.0.0.1:7000"], "127.0.0.1:7000"),
    ] {
        let mut all = vec!["--check-config"];
        all.extend(arguments);
        let (lines, code) = refused(&all);
        assert!(lines.contains(said), "{lines}");
        assert_eq!(code, Some(64), "{lines}");
    }
    // Where a door would be that nobody asked for.
    let right = tool(&["up", "--check-config", "--http-listen", "127.0.0.1:4318"]);
    assert!(right.status.success(), "{}", text(&right.stderr));
    // Where a door would be that every platform has, but for one that opens what is named and nothing else.
    let api = ["--check-config", "--api-listen", "127.0.0.1:8080"];
    assert_eq!(refused(&api).1, Some(64));
    let right = tool(&[&["up", NO_DEFAULT_DOORS][..], &api].concat());
    assert!(right.status.success(), "{}", text(&right.stderr));
    let beats = ["--http-listen", "127.0.0.1:5044", "--beats-listen", "127.0.0.1:5044"];
    let (lines, _) = refused(&[&["--check-config"][..], &beats].concat());
    assert!(lines.contains("ingest_gateway.beats.listen"), "{lines}");
}

#[test]
fn lines_are_sent_over_tls_to_a_door_whose_authority_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = write("ca.crt", &params.self_signed(&key).expect("a certificate").pem());
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let certificate = write("door.crt", &params.signed_by(&key, &issuer).expect("signed").pem());
    let key = write("door.key", &key.serialize_pem());
    let setting = |name: &str, value: &str| format!("ingest_gateway.http.tls.{name}={value}");
    let platform = Platform::start(&[
        "--set",
        &setting("certificate_file", &certificate),
        "--set",
        &setting("key_file", &key),
    ]);
    let url = format!("https://localhost:{}", platform.addresses.http.expect("a door").port());
    let send = |more: &[&str]| {
        let send = ["send", "--url", &url, "--give-up-after", "0"];
        tool_with_input(&[&send[..], more].concat(), b"{\"message\":\"over TLS\"}\n")
    };
    let sent = send(&["--ca-file", &authority]);
    let said = text(&sent.stdout) + &text(&sent.stderr);
    assert!(sent.status.success() && said.contains("1 accepted, 0 refused"), "{said}");
    let stranger = send(&[]);
    assert_eq!(stranger.status.code(), Some(1));
    assert!(text(&stranger.stderr).contains("certificate"), "{}", text(&stranger.stderr));
    let wrong = send(&["--ca-file", &key]);
    assert!(text(&wrong.stderr).contains("--ca-file"), "{}", text(&wrong.stderr));
}
