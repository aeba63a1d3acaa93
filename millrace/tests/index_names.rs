//! A file of Logstash and an engine: documents stand in the indices that Logstash would have made.

mod support;

use support::cluster::SearchEngine;
use support::{Platform, eventually};

/// An engine, and all that a test has made in it under one name: it is taken away at the end.
struct Engine {
    url: String,
    name: String,
    runtime: tokio::runtime::Runtime,
}

impl Engine {
    fn new(engine: SearchEngine) -> Self {
        let name = format!("t{}", uuid::Uuid::new_v4().simple());
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        Self { url: engine.url(), name, runtime }
    }

    /// What the engine answers.
    fn get(&self, path: &str) -> String {
        let client = service::http_client::builder().build().expect("a client");
        let url = format!("{}/{path}", self.url);
        self.runtime.block_on(async {
            let answer = client.get(&url).send().await.expect("an answer");
            answer.text().await.expect("a text")
        })
    }

    /// The indices of the test.
    fn indices(&self) -> Vec<String> {
        let listed = self.get(&format!("_cat/indices/{}*?h=index&s=index", self.name));
        listed.lines().map(|line| line.trim().to_owned()).collect()
    }

    fn remove(&self, path: &str) {
        let client = service::http_client::builder().build().expect("a client");
        let url = format!("{}/{path}", self.url);
        // What is left over is taken away with the engines.
        drop(self.runtime.block_on(async { client.delete(&url).send().await }));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for index in self.indices() {
            self.remove(&index);
        }
        self.remove(&format!("_index_template/{}-*", self.name));
    }
}

fn the_indices_are_those_of_logstash(search: SearchEngine) {
    let engine = Engine::new(search);
    let name = &engine.name;
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = folder.path().join("logstash.conf");
    let text = format!(
        "input {{ tcp {{ host => '127.0.0.1' port => 5000 codec => json_lines }} }}\n\
         filter {{ schema {{ }} }}\n\
         output {{ elasticsearch {{ hosts => ['{}'] index => '{name}-shop-%{{+YYYY.MM.dd}}' }} }}\n",
        engine.url
    );
    std::fs::write(&pipeline, text).expect("a file");
    let parts = match search {
        SearchEngine::OpenSearch => "full",
        SearchEngine::Elasticsearch => "minimal",
    };
    let set = |setting: &str, value: &str| format!("--set=search.elasticsearch.{setting}={value}");
    let arguments = [
        format!("--pipeline={}", pipeline.display()),
        // Our own names stand apart from those of other tests; the output's have nothing before them.
        set("index_namespace", &format!("{name}-")),
        set("engine_parts", parts),
        set("policies", "false"),
        set("replicas", "0"),
    ];
    let platform = Platform::start(&arguments.each_ref().map(String::as_str));
    platform.send_tcp(
        b"{\"log_type\":\"transaction\",\"user_id\":\"ada\",\"amount\":\"12.50\",\"timestamp\":\"2025-12-01T10:00:00Z\"}\n\
          {\"log_type\":\"error\",\"timestamp\":\"2025-12-01T23:59:59.999Z\"}\n\
          {\"log_type\":\"error\",\"timestamp\":\"2025-12-02T00:00:00Z\"}\n",
    );
    // While an index is being made the engine may have no answer; whoever asks is told to come again.
    let count = |query: String| -> Option<u64> {
        let output = platform.tool(&["query", &query, "--count", "--from", "1970-01-02T00:00:00Z"]);
        support::text(&output.stdout).trim().parse().ok()
    };
    let counts = || {
        [
            format!("_index:{name}-shop-2025.12.01"),
            format!("_index:{name}-shop-*"),
            "_index:ecommerce-logs-fraud_score-2025.12.01 AND type:fraud_score".to_owned(),
            "NOT type:fraud_score".to_owned(),
            "type:error".to_owned(),
        ]
        .map(count)
    };
    eventually("the documents", || match counts() {
        [Some(2), Some(3), Some(1), Some(3), Some(2)] => Ok(()),
        other => Err(format!("{other:?} found; {}", platform.logged())),
    });
    let expected = [
        format!("{name}-ecommerce-logs-fraud_score-2025.12.01"),
        format!("{name}-shop-2025.12.01"),
        format!("{name}-shop-2025.12.02"),
    ];
    assert_eq!(engine.indices(), expected);
}

#[test]
fn the_indices_in_elasticsearch_are_those_of_logstash() {
    the_indices_are_those_of_logstash(SearchEngine::Elasticsearch);
}

#[test]
fn the_indices_in_opensearch_are_those_of_logstash() {
    the_indices_are_those_of_logstash(SearchEngine::OpenSearch);
}
