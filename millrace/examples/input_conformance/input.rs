//! An input: what is sent goes over a real socket to the door that the input has become.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::{Record, TOPIC_DEAD, TOPIC_RAW};
use enricher::EcsCompatibility;
use ingest_gateway::{Bound, Config, Listen, Stores, bind, run};
use pipeline::testing::MemoryBus;
use pipeline::{Ledgers, Runtime};
use serde_json::Value;
use service::Context;
use tokio::time::{Instant, sleep, timeout};

use crate::pipeline_file::{PipelineFile, modes, options};
use crate::senders;

/// How long anything may take that should happen soon.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Whether the vector holds, in one of its modes.
pub(crate) async fn judge(vector: &Value) -> Result<(), String> {
    let mut first = None;
    for mode in modes(vector) {
        match judge_in(vector, mode).await {
            Ok(()) => return Ok(()),
            Err(why) => first = first.or(Some(why)),
        }
    }
    Err(first.unwrap_or_default())
}

async fn judge_in(vector: &Value, mode: EcsCompatibility) -> Result<(), String> {
    let plugin = vector["input_plugin"].as_str().unwrap_or_default();
    let file = PipelineFile::new(plugin, &options(&vector["options"]), mode)?;
    let records = records(plugin, vector, file.config.ingest_gateway.clone()).await?;
    file.check(&records, &vector["expect"])
}

/// What a gateway with this door makes of what is sent.
async fn records(plugin: &str, vector: &Value, config: Config) -> Result<Vec<Record>, String> {
    let bound = bind(on_free_port(plugin, config)?).map_err(|error| error.to_string())?;
    let door = address(plugin, &bound).ok_or("the door is closed")?;
    let bus = MemoryBus::with_topics(&[(TOPIC_RAW, 1), (TOPIC_DEAD, 1)]);
    let context = Context::default();
    let ledgers = Ledgers::new(&context.metrics);
    let runtime = Runtime { bus: Arc::new(bus.clone()), ledgers, context: context.clone() };
    let serving = tokio::spawn(run(bound, runtime, Stores::default()));
    let sent = match plugin {
        "http" => senders::http(door, &vector["request"], &vector["response"]).await,
        "tcp" => senders::tcp(door, &vector["send"]).await,
        "beats" => senders::beats(door, &vector["documents"]).await,
        _ => senders::udp(door, &vector["send"]).await,
    };
    if plugin == "udp" && sent.is_ok() {
        // Nothing is answered there, and a stop reads only what has arrived.
        let wanted = vector["expect"]["count"].as_u64().unwrap_or(1);
        let deadline = Instant::now() + SOON;
        while (bus.records(TOPIC_RAW).len() as u64) < wanted && Instant::now() < deadline {
            sleep(Duration::from_millis(2)).await;
        }
    }
    context.shutdown.cancel();
    let ended = timeout(SOON, serving).await.map_err(|_| "the gateway does not stop")?;
    ended.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    sent.map(|()| bus.records(TOPIC_RAW))
}

/// The settings with this door alone, on a free port.
fn on_free_port(plugin: &str, config: Config) -> Result<Config, String> {
    let mut config = config.closed();
    let listen = match plugin {
        "tcp" => &mut config.tcp.listen,
        "udp" => &mut config.udp.listen,
        "http" => &mut config.http.listen,
        "beats" => &mut config.beats.listen,
        _ => return Err(format!("no door is an input `{plugin}`")),
    };
    *listen = Listen::At(SocketAddr::from(([127, 0, 0, 1], 0)));
    Ok(config)
}

fn address(plugin: &str, bound: &Bound) -> Option<SocketAddr> {
    match plugin {
        "tcp" => bound.tcp_address(),
        "udp" => bound.udp_address(),
        "http" => bound.http_address(),
        _ => bound.beats_address(),
    }
}
