//! Whole files of Logstash, as users have them: what `check` says of them, and a platform that runs with
//! their ports.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use support::{Platform, eventually, text, tool, tool_with_input};

/// The tests run in the package's folder.
const SHOP: &str = "tests/logstash/shop.conf";
const FOLDER: &str = "tests/logstash/conf.d";

fn write(folder: &tempfile::TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("a file");
    path.display().to_string()
}

#[test]
fn check_prints_a_shop_as_settings_and_what_is_not_carried_over() {
    let output = tool(&["check", SHOP]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    let expected = PathBuf::from("tests/logstash/shop.check.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&expected, &said).expect("test data is good");
    }
    let expected = std::fs::read_to_string(&expected).unwrap_or_default();
    assert_eq!(said, expected, "(UPDATE_EXPECT=1 accepts it)");
    assert!(!said.contains("hunter2") && !said.contains("changeme"), "{said}");
}

#[test]
fn the_printed_settings_are_a_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = tool(&["check", "--settings", SHOP]);
    let config = write(&folder, "millrace.toml", &text(&output.stdout));
    let output = tool(&["up", "--config", &config, "--check-config"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.starts_with("the configuration is right\n"), "{said}");
    // All of it stands in the file now, and the file wins.
    assert!(
        said.contains("the configuration says otherwise: ingest_gateway.beats.listen"),
        "{said}"
    );
    assert!(!said.contains("ingest_gateway.tcp.listen ="), "{said}");
}

#[test]
fn an_input_of_beats_is_open_to_others_only_where_no_token_is_required() {
    let folder = tempfile::tempdir().expect("a folder");
    let text_of_it = "input { beats { port => 5044 } }\nfilter { schema { } }\n";
    let pipeline = write(&folder, "my.conf", text_of_it);
    let allowed = "--set=ingest_gateway.beats.allow_unauthenticated=true";
    let required = "--set=ingest_gateway.require_token=true";
    for (more, address) in [(None, "0.0.0.0:5044"), (Some(required), "127.0.0.1:5044")] {
        let mut up = vec!["up", "--check-config", "--pipeline", &pipeline, allowed];
        up.extend(more);
        let output = tool(&up);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let said = text(&output.stdout);
        assert!(said.contains(&format!("ingest_gateway.beats.listen = {address}")), "{said}");
    }
}

#[test]
fn each_input_of_a_kind_that_may_be_open_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = "input { beats { port => 5044 } beats { port => 5045 } syslog { port => 1514 } syslog { port => 1515 } }\n\
                  filter { schema { } }\n";
    let pipeline = write(&folder, "my.conf", inputs);
    let allowed = ["beats", "syslog"]
        .map(|kind| format!("--set=ingest_gateway.{kind}.allow_unauthenticated=true"));
    let [beats, syslog] = &allowed;
    let output = tool(&["up", "--check-config", "--pipeline", &pipeline, beats, syslog]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for setting in ["beats.inputs.beats-2.listen", "syslog.inputs.syslog-2.udp_listen"] {
        assert!(said.contains(&format!("ingest_gateway.{setting} = 0.0.0.0:")), "{said}");
    }
}

#[test]
fn what_is_given_of_a_further_door_lies_over_what_its_input_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = "input { tcp { port => 5001 } tcp { port => 5002 } }\nfilter { schema { } }\n";
    let pipeline = write(&folder, "my.conf", inputs);
    let up = |connections_max: u32| {
        let given =
            format!("[ingest_gateway.tcp.inputs.tcp-2]\nconnections_max = {connections_max}\n");
        let config = write(&folder, "m.toml", &given);
        tool(&["up", "--check-config", "--pipeline", &pipeline, "--config", &config])
    };
    let output = up(5);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("ingest_gateway.tcp.inputs.tcp-2.listen = 127.0.0.1:5002"), "{said}");
    // What is wrong with it is told all the same.
    let output = up(0);
    assert_eq!(output.status.code(), Some(64));
    let said = text(&output.stderr);
    assert!(said.contains("m.toml:2:") && said.contains("would let nothing in"), "{said}");
}

#[test]
fn up_takes_the_settings_and_what_is_given_wins() {
    let with = |more: &[&str]| {
        let output = tool(&[&["up", "--pipeline", SHOP, "--check-config"], more].concat());
        text(&output.stdout) + &text(&output.stderr)
    };
    let said = with(&[]);
    for part in [
        "ingest_gateway.tcp.listen = 127.0.0.1:5000",
        "ingest_gateway.udp.codec = plain",
        "enricher.document_id = %{[order][id]}",
        "enricher.index = shop-%{+YYYY.MM.dd}",
        "search.index_prefixes = [\"shop-\"]",
        "search.url = https://es-1.shop.example:9200,https://es-2.shop.example:9200",
        "search.elasticsearch.password = (secret)",
        "things are not carried over: millrace check tests/logstash/shop.conf",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
    // A token opens the door that Logstash had open.
    let said = with(&["--set", "ingest_gateway.ingest_token=0123456789abcdef0123456789abcdef"]);
    assert!(said.contains("ingest_gateway.tcp.listen = 0.0.0.0:5000"), "{said}");
    // Another store gets no password of this one.
    let said = with(&["--search", "http://other:9200", "--tcp-listen", "127.0.0.1:5999"]);
    for name in ["search.url", "search.elasticsearch.password", "ingest_gateway.tcp.listen"] {
        assert!(!said.contains(&format!("{name} =")), "{said}");
        assert!(said.contains(name), "{said}");
    }
    let said = with(&["--set", "enricher.support_escapes=perhaps"]);
    assert!(said.contains("--set enricher.support_escapes"), "{said}");
}

#[test]
fn a_mistake_in_an_input_stops_the_start_with_those_of_the_filters() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = write(&folder, "my.conf", "filter { dorp { } }\ninput { tcp { prot => 1 } }\n");
    for command in [&["up", "--check-config", "--pipeline", &path][..], &["check", &path]] {
        let output = tool(command);
        assert_eq!(output.status.code(), Some(64));
        let said = text(&output.stdout) + &text(&output.stderr);
        for part in [
            "my.conf:1:10: there is no filter `dorp`",
            "my.conf:2:9: `tcp` needs the option `port`",
            "my.conf:2:15:",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
    // A filter between two programs has no doors.
    let path = write(&folder, "my.conf", "input { tcp { port => 1 } }\nfilter { }\n");
    let output = tool_with_input(&["pipe", "--pipeline", &path], b"{\"n\":1}\n");
    assert!(text(&output.stdout).contains("\"n\":1"), "{}", text(&output.stderr));
}

#[test]
fn check_says_which_names_of_documents_and_indices_a_schema_takes_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = |filters: &str, names: &str| {
        let content = format!(
            "filter {{ {filters} }}\noutput {{ elasticsearch {{ hosts => 'http://127.0.0.1:9200' {names} }} }}\n"
        );
        let one = write(&folder, "my.conf", &content);
        let listed = format!(
            "- {{ pipeline.id: a, path.config: {one} }}\n- {{ pipeline.id: b, config.string: 'filter {{ }}' }}\n"
        );
        let list = write(&folder, "pipelines.yml", &listed);
        [one, list].map(|path| text(&tool(&["check", &path]).stdout))
    };
    let names = "document_id => '%{aid}' index => 'audit-%{[fields][kind]}-%{+YYYY.MM}'";
    for said in said("schema { }", names) {
        let kind = "gives %{[fields][kind]} another";
        for part in ["`document_id` is read", "gives %{aid} another", kind] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
    let kept = "document_id => '%{[@metadata][id]}' index => 'audit-%{+YYYY.MM}'";
    for (filters, names) in [("schema { }", kept), ("mutate { }", names)] {
        for said in said(filters, names) {
            assert!(!said.contains("behind the last filter"), "{said}");
        }
    }
}

#[test]
fn a_folder_is_one_pipeline_for_every_tool() {
    let output = tool(&["check", FOLDER]);
    let said = text(&output.stdout);
    assert!(said.starts_with("tests/logstash/conf.d: 2 filters, no mistakes\n"), "{said}");
    let place = Path::new(FOLDER).join("30-documents.conf:1").display().to_string();
    assert!(said.contains(&format!("{place}: schema is Millrace's own")), "{said}");
    assert!(said.contains("# tests/logstash/conf.d/10-inputs.conf:2, input tcp"), "{said}");
    for named in [FOLDER, "tests/logstash/conf.d/*.conf"] {
        let output = tool_with_input(&["pipe", "--pipeline", named], b"{\"cust\":\"ada\"}\n");
        assert!(
            text(&output.stdout).contains("\"user\":{\"id\":\"ada\"}"),
            "{}",
            text(&output.stderr)
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = Path::new(FOLDER).canonicalize().expect("a folder").display().to_string();
    let cases = format!(
        "pipeline: {pipeline}\ncases: [{{ name: c, input: {{ cust: ada }}, expect: {{ user: {{ id: ada }} }} }}]"
    );
    let cases = write(&folder, "cases.yaml", &cases);
    let output = tool(&["test", &cases]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_list_of_pipelines_is_checked_and_run_as_a_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let shop = Path::new(FOLDER).canonicalize().expect("a folder").display().to_string();
    let list = format!(
        "- pipeline.id: shop\n  path.config: \"{shop}/*.conf\"\n  pipeline.workers: 4\n\
         - pipeline.id: audit\n  config.string: 'filter {{ dorp {{ }} }}'\n"
    );
    let path = write(&folder, "pipelines.yml", &list);
    let output = tool(&["check", &path]);
    assert_eq!(output.status.code(), Some(64));
    let said = text(&output.stdout) + &text(&output.stderr);
    for part in [
        "pipelines.yml#shop: 2 filters, no mistakes",
        "`pipeline.workers` is not carried over: ",
        "pipelines.yml#audit (config.string):1:10: there is no filter `dorp`",
        "1 mistake",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let up = |pipeline: &str| tool(&["up", "--check-config", "--pipeline", pipeline]);
    let refused = up(&path);
    assert_eq!(refused.status.code(), Some(64));
    let said = text(&refused.stderr);
    assert!(said.contains("(config.string):1:10: there is no filter `dorp`"), "{said}");
    write(&folder, "pipelines.yml", &list.replace("dorp", "drop"));
    let all = up(&path);
    assert_eq!(all.status.code(), Some(0), "{}", text(&all.stderr));
    let said = text(&all.stdout);
    assert!(said.contains("enricher.pipelines.shop.listeners = [\"tcp\"]"), "{said}");
    assert!(said.contains("no event comes to the pipeline audit"), "{said}");
    let one = up(&format!("{path}#shop"));
    assert_eq!(one.status.code(), Some(0), "{}", text(&one.stderr));
    assert!(text(&one.stdout).contains("ingest_gateway.tcp.listen = 127.0.0.1:5000"));
}

#[test]
fn check_refuses_the_settings_that_up_refuses() {
    let folder = tempfile::tempdir().expect("a folder");
    for (ends, setting) in [
        ("input { file { path => 'shop.log' } }", "ingest_gateway.file.paths"),
        (
            "input { file { path => '/var/log/*.log' exclude => '{a,b}.log' } }",
            "ingest_gateway.file.exclude",
        ),
        ("input { kafka { topics => 'a' client_id => 'my shop' } }", "bus.kafka.client_id"),
        ("output { elasticsearch { hosts => 'http://es/?a=b' } }", "search.url"),
        ("output { elasticsearch { document_id => '%{[a}' } }", "enricher.document_id"),
        // Where the HTTP door is, unless it is told otherwise.
        ("input { tcp { port => 8080 } }", "ingest_gateway.tcp.listen"),
        ("input { syslog { } udp { port => 514 } }", "ingest_gateway.udp.listen"),
    ] {
        let path = write(&folder, "my.conf", &format!("filter {{ }}\n{ends}\n"));
        for command in [&["up", "--check-config", "--pipeline", &path][..], &["check", &path]] {
            let output = tool(command);
            assert_eq!(output.status.code(), Some(64), "{command:?}");
            let said = text(&output.stdout) + &text(&output.stderr);
            assert!(said.contains("my.conf:2:") && said.contains(setting), "{said}");
        }
        assert!(text(&tool(&["check", &path]).stderr).contains("1 mistake"), "{ends}");
    }
}

#[test]
fn check_refuses_the_addresses_of_the_api_and_of_metrics() {
    let folder = tempfile::tempdir().expect("a folder");
    for (port, taken_by) in [(8000, "query_api.listen"), (9600, "metrics.listen")] {
        let ends = format!("filter {{ }}\ninput {{ tcp {{ port => {port} }} }}\n");
        let path = write(&folder, "my.conf", &ends);
        let up = tool(&["up", "--check-config", "--pipeline", &path]);
        let check = tool(&["check", &path]);
        for output in [&up, &check] {
            assert_eq!(output.status.code(), Some(64), "{port}");
            let said = text(&output.stdout) + &text(&output.stderr);
            assert!(
                said.contains("ingest_gateway.tcp.listen") && said.contains(taken_by),
                "{said}"
            );
        }
        assert!(text(&check.stdout).contains("my.conf:2:"), "{}", text(&check.stdout));
    }
}

#[test]
fn settings_are_those_of_one_pipeline_and_alone_on_standard_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = write(
        &folder,
        "my.conf",
        "input { tcp { port => 1 } }\nfilter { drop { } mutate { add_tag => 'never' } }\n",
    );
    let output = tool(&["check", "--settings", &path]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("this is never run"), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.starts_with("[enricher]\n") && !said.contains("warning"), "{said}");
    let two = tool(&["check", "--settings", &path, FOLDER]);
    assert_eq!(two.status.code(), Some(64));
    assert!(two.stdout.is_empty(), "{}", text(&two.stdout));
    assert!(text(&two.stderr).contains("name one of"), "{}", text(&two.stderr));
    let wrong = write(&folder, "wrong.conf", "filter { dorp { } }\n");
    let output = tool(&["check", "--settings", &wrong]);
    assert_eq!(output.status.code(), Some(64));
    assert!(output.stdout.is_empty() && text(&output.stderr).contains("`dorp`"));
}

#[test]
fn a_list_goes_on_after_a_pipeline_that_cannot_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = "- pipeline.id: gone\n  path.config: gone.conf\n\
                - pipeline.id: audit\n  config.string: 'filter { dorp { } }'\n";
    let path = write(&folder, "pipelines.yml", list);
    let output = tool(&["check", &path]);
    assert_eq!(output.status.code(), Some(64));
    let said = text(&output.stdout) + &text(&output.stderr);
    for part in ["gone.conf", "there is no filter `dorp`", "2 mistakes"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn a_pattern_is_advised_in_quotes() {
    let pattern = format!("{FOLDER}/*.conf");
    let said = text(&tool(&["check", &pattern]).stdout);
    assert!(said.contains(&format!("millrace up --pipeline '{pattern}'")), "{said}");
}

#[test]
fn a_platform_runs_with_the_codec_of_its_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = write(
        &folder,
        "my.conf",
        "input { tcp { host => '127.0.0.1' port => 5000 codec => line } }\n\
         filter { schema { } mutate { add_tag => 'text' } }\n",
    );
    // The tests take free ports, and a flag wins; lines are text as the input says.
    let platform = Platform::start(&["--pipeline", &pipeline]);
    let door = platform.addresses.tcp.expect("a door");
    let mut connection = TcpStream::connect(door).expect("a connection");
    connection.write_all(b"no JSON at all\n").expect("it is taken");
    drop(connection);
    eventually("the line", || match platform.count("message:JSON AND tags:text") {
        1 => Ok(()),
        other => Err(format!("{other} found; {}", platform.logged())),
    });
}

#[test]
fn filters_find_the_request_that_brought_an_event() {
    let folder = tempfile::tempdir().expect("a folder");
    for (mode, condition) in [
        (
            "v8",
            "[http][method] == 'POST' and [url][path] == '/hooks/7?a=1' and [url][port] == 8080 \
             and [@metadata][input][http][request][headers][x_shop] == 'north'",
        ),
        (
            "disabled",
            "[headers][request_method] == 'POST' and [headers][http_user_agent] =~ /^test/ \
             and [headers][x_shop] == 'north' and ![headers][authorization]",
        ),
    ] {
        let text = format!(
            "input {{ http {{ host => '127.0.0.1' codec => json ecs_compatibility => {mode} }} }}\n\
             filter {{ if {condition} {{ mutate {{ add_tag => 'hook' }} }} schema {{ }} }}\n"
        );
        let pipeline = write(&folder, "my.conf", &text);
        let platform = Platform::start(&["--pipeline", &pipeline]);
        let door = platform.addresses.http.expect("a door");
        let body = "{\"message\":\"seven\"}";
        let request = format!(
            "POST /hooks/7?a=1 HTTP/1.1\r\nhost: shop.example:8080\r\nuser-agent: test/1.0\r\n\
             x-shop: north\r\nauthorization: Basic c2hvcDpodW50ZXIy\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection = TcpStream::connect(door).expect("a connection");
        connection.write_all(request.as_bytes()).expect("it is taken");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        eventually("the event", || match platform.count("message:seven AND tags:hook") {
            1 => Ok(()),
            other => Err(format!("{mode}: {other} found; {}", platform.logged())),
        });
    }
}

#[test]
fn events_of_one_document_id_are_one_document_and_the_later_one_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = write(
        &folder,
        "my.conf",
        "input { tcp { host => '127.0.0.1' port => 5000 codec => json_lines } }\n\
         filter {\n\
           fingerprint { source => 'part' target => '[@metadata][fingerprint]' method => 'SHA256' }\n\
           schema { }\n\
         }\n\
         output { elasticsearch { document_id => '%{[@metadata][fingerprint]}' } }\n",
    );
    // Another store counts, and the ids stay those of the file.
    let platform = Platform::start(&["--pipeline", &pipeline, "--search", "embedded:"]);
    // One connection: its events stay in their order.
    platform.send_tcp(
        b"{\"part\":\"a\",\"message\":\"first\"}\n{\"part\":\"b\",\"message\":\"other\"}\n\
          {\"part\":\"a\",\"message\":\"second\"}\n{\"message\":\"bare\"}\n{\"message\":\"bare\"}\n",
    );
    let counts = || ["second", "first", "other", "bare"].map(|word| found(&platform, word));
    eventually("the documents", || match counts() {
        [1, 0, 1, 2] => Ok(()),
        other => Err(format!("{other:?} found; {}", platform.logged())),
    });
    // All five are accounted for.
    eventually("the ledger", || {
        let stages = platform.status()["stages"].as_array().cloned().unwrap_or_default();
        let is_settled = ["enricher", "indexer"].iter().all(|name| {
            let mut stages = stages.iter().filter(|stage| stage["stage"] == *name);
            stages.any(|stage| stage["forwarded"] == 5 && stage["balance"] == 0)
        });
        if is_settled { Ok(()) } else { Err(format!("{stages:?}")) }
    });
    assert_eq!(counts(), [1, 0, 1, 2]);
}

fn found(platform: &Platform, word: &str) -> u64 {
    platform.count(&format!("message:{word}"))
}

#[test]
fn documents_go_to_the_index_that_an_output_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = write(
        &folder,
        "my.conf",
        "input { tcp { host => '127.0.0.1' port => 5000 codec => json_lines } }\n\
         filter { mutate { copy => { kind => '[@metadata][kind]' } remove_field => kind } schema { } }\n\
         output { elasticsearch { index => 'shop-%{[@metadata][kind]}-%{+YYYY.MM.dd}' } }\n",
    );
    let platform = Platform::start(&["--pipeline", &pipeline, "--search", "embedded:"]);
    platform.send_tcp(
        b"{\"log_type\":\"transaction\",\"kind\":\"a\",\"user_id\":\"ada\",\"amount\":\"12.50\",\"timestamp\":\"2025-12-01T10:00:00Z\"}\n\
          {\"log_type\":\"error\",\"kind\":\"b\",\"timestamp\":\"2025-12-01T23:59:59.999Z\"}\n\
          {\"log_type\":\"error\",\"kind\":\"../B\",\"timestamp\":\"2025-12-01T10:00:00Z\"}\n",
    );
    let counts = || {
        [
            "_index:shop-a-2025.12.01",
            "_index:shop-b-2025.12.01",
            "_index:ecommerce-logs-error-2025.12.01 AND tags:_index_name_refused",
            "_index:ecommerce-logs-fraud_score-2025.12.01 AND type:fraud_score",
            "type:transaction",
            "*",
        ]
        .map(|query| platform.count(query))
    };
    eventually("the documents", || match counts() {
        [1, 1, 1, 1, 1, 4] => Ok(()),
        other => Err(format!("{other:?} found; {}", platform.logged())),
    });
}
