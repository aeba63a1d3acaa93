//! Answers what filters ask of names and addresses: before a batch is processed the pipeline is rehearsed over it, and
//! what it will ask is looked up, many questions at once and within a deadline. A look-up that fails is an answer too.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bus::{Positioned, Record};
use event::Limits;
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData};
use pipeline::Resolver;

use crate::lookup::{Answer, LookupSettings, Lookups, Question};
use crate::pipelines::{Pipeline, Pipelines};
use crate::reload::CurrentPlan;
use crate::stage::Processor;

/// Questions of one filter that are asked at once.
const ASKED_MAX: usize = 64;
/// How long a batch waits for answers altogether: what is not answered then has timed out.
const BATCH_DEADLINE: Duration = Duration::from_secs(10);

/// Looks up what the current pipelines ask, each about the records of its own doors.
pub(crate) struct DnsResolver {
    pipelines: Pipelines,
    /// In their order.
    resolvers: Vec<PipelineResolver>,
}

/// Looks up what one of them asks.
struct PipelineResolver {
    current: CurrentPlan,
    limits: Limits,
    crew: Mutex<Crew>,
}

/// What belongs to one plan.
#[derive(Default)]
struct Crew {
    generation: Option<u64>,
    clients: Vec<Client>,
    /// Programs that no batch rehearses with at the moment.
    free: Vec<Processor>,
}

/// A filter's questions, and who answers them; nobody where the system's servers are not known.
#[derive(Clone)]
struct Client {
    lookups: Arc<Lookups>,
    resolver: Option<Arc<TokioResolver>>,
}

impl DnsResolver {
    pub(crate) fn new(pipelines: Pipelines, limits: Limits) -> Self {
        let resolver = |pipeline: &Pipeline| PipelineResolver {
            current: pipeline.current().clone(),
            limits: limits.clone(),
            crew: Mutex::default(),
        };
        let resolvers = pipelines.all().iter().map(resolver).collect();
        Self { pipelines, resolvers }
    }

    /// The records of a batch that go through the pipeline of this place.
    fn records_of(&self, place: usize, batch: &[Positioned]) -> Vec<Record> {
        let records = batch.iter().map(|item| &item.record);
        let own = records.filter(|record| self.pipelines.place_of(&record.listener) == place);
        own.cloned().collect()
    }
}

impl PipelineResolver {
    /// The clients of the current plan, its generation, and a program to rehearse with; `None` if it asks nothing.
    fn take(&self) -> Option<(Vec<Client>, u64, Processor)> {
        let generation = self.current.generation();
        let mut crew = self.crew.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = self.current.get();
        if crew.generation != Some(generation) {
            let clients = plan.lookups().into_iter().map(Client::new).collect();
            *crew = Crew { generation: Some(generation), clients, free: Vec::new() };
        }
        if crew.clients.is_empty() {
            return None;
        }
        let kept = crew.free.pop();
        let processor = kept.unwrap_or_else(|| Processor::rehearsing(&plan, self.limits.clone()));
        Some((crew.clients.clone(), generation, processor))
    }

    fn give_back(&self, generation: u64, processor: Processor) {
        let mut crew = self.crew.lock().unwrap_or_else(PoisonError::into_inner);
        if crew.generation == Some(generation) {
            crew.free.push(processor);
        }
    }

    /// Looks up what the pipeline asks about its records, which `records` gives if it asks anything at all.
    async fn resolve(&self, records: impl FnOnce() -> Vec<Record> + Send) {
        let Some((clients, generation, mut processor)) = self.take() else { return };
        let begin = Instant::now();
        let deadline = begin + BATCH_DEADLINE;
        clients.iter().for_each(|client| client.lookups.begin(begin));
        let records = Arc::new(records());
        if records.is_empty() {
            return self.give_back(generation, processor);
        }
        // What one filter finds the next may ask about.
        for _ in 0..=clients.len() {
            let rehearsed = Arc::clone(&records);
            let rehearsal = tokio::task::spawn_blocking(move || {
                for record in rehearsed.iter() {
                    // What is no event asks nothing.
                    let _refused = processor.run(record, |_, _| {});
                }
                processor.release();
                processor
            });
            // A filter that panics does so again where it is noted.
            let Ok(back) = rehearsal.await else { return };
            processor = back;
            let wanted = processor.take_wanted();
            if wanted.is_empty() {
                break;
            }
            for (lookups, questions) in wanted {
                let client = clients.iter().find(|client| Arc::ptr_eq(&client.lookups, &lookups));
                let Some(client) = client else { continue };
                let answers =
                    questions.into_iter().map(|question| client.answer(question, deadline));
                stream::iter(answers).buffer_unordered(ASKED_MAX).collect::<()>().await;
            }
        }
        self.give_back(generation, processor);
    }
}

#[async_trait]
impl Resolver for DnsResolver {
    async fn resolve(&self, batch: &[Positioned]) {
        let mut all = Vec::with_capacity(self.resolvers.len());
        for (place, resolver) in self.resolvers.iter().enumerate() {
            all.push(resolver.resolve(move || self.records_of(place, batch)));
        }
        // All at once: a batch waits for several pipelines no longer than for one.
        join_all(all).await;
    }
}

impl Client {
    fn new(lookups: Arc<Lookups>) -> Self {
        let resolver = match resolver(lookups.settings()) {
            Ok(resolver) => Some(Arc::new(resolver)),
            Err(error) => {
                tracing::error!(%error, "no server for names is known: name some with `nameserver` of `dns`");
                None
            }
        };
        Self { lookups, resolver }
    }

    async fn answer(&self, question: Question, deadline: Instant) {
        let found = match &self.resolver {
            Some(resolver) => {
                tokio::time::timeout_at(deadline.into(), look_up(resolver, &question)).await
            }
            None => Ok(Answer::TimedOut),
        };
        self.lookups.put(question, found.unwrap_or(Answer::TimedOut), Instant::now());
    }
}

async fn look_up(resolver: &TokioResolver, question: &Question) -> Answer {
    let found = match question {
        Question::Address(name) => {
            let Ok(name) = Name::from_utf8(name) else { return Answer::Missing };
            let answer = resolver.lookup_ip(name).await;
            answer.map(|answer| answer.iter().next().map(|address| address.to_string()))
        }
        Question::Name(address) => {
            let answer = resolver.reverse_lookup(*address).await;
            answer.map(|answer| {
                answer.answers().iter().find_map(|record| match &record.data {
                    RData::PTR(name) => Some(name.to_utf8().trim_end_matches('.').to_owned()),
                    _ => None,
                })
            })
        }
    };
    match found {
        Ok(Some(text)) => Answer::Found(text.into()),
        Ok(None) => Answer::Missing,
        Err(error) if error.is_no_records_found() => Answer::Missing,
        Err(error) => {
            tracing::debug!(%error, ?question, "a look-up has failed");
            Answer::TimedOut
        }
    }
}

/// Asks the servers that are named, else the system's; never the system's file of hosts, since every enricher must give
/// the same.
fn resolver(settings: &LookupSettings) -> Result<TokioResolver, hickory_resolver::net::NetError> {
    let mut builder = if settings.servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let servers = settings.servers.iter().map(|server| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            connections.iter_mut().for_each(|connection| connection.port = server.port());
            NameServerConfig::new(server.ip(), true, connections)
        });
        let search = settings.search.iter().filter_map(|domain| Name::from_utf8(domain).ok());
        let config = ResolverConfig::from_parts(None, search.collect(), servers.collect());
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let options = builder.options_mut();
    options.timeout = settings.timeout;
    options.attempts = settings.retries;
    options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
    options.use_hosts_file = ResolveHosts::Never;
    options.cache_size = 0;
    if let Some(dots) = settings.dots {
        options.ndots = dots;
    }
    builder.build()
}

#[cfg(test)]
mod tests;
