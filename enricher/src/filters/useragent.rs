//! `useragent`: browser, system and device of a user agent, by the expressions of uap-core.
//!
//! Taking an agent apart costs tens of microseconds, so what was found is kept by the agent's text.
//! `lru_cache_size` is the number of agents kept in each worker. Of a long agent only the beginning is
//! read, and it is not kept: nobody but an attacker sends one.

mod agent;
mod expressions;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use event::{Event, FieldPath, Kind};
use hashbrown::DefaultHashBuilder;
use lru::LruCache;

use crate::filter::{Applied, EcsCompatibility, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};
use agent::{Agent, Style};
use expressions::Expressions;

/// Largest `lru_cache_size`.
const CACHE_MAX_AGENTS: i64 = 1_000_000;
/// Agents and what was found, kept in one worker, in bytes.
const CACHE_MAX_BYTES: usize = 8 << 20;
/// How much of an agent is read, in bytes.
const AGENT_MAX_BYTES: usize = 1_024;

/// What the options said.
struct UserAgent {
    source: FieldPath,
    style: Style,
    expressions: Arc<Expressions>,
    cache_agents: NonZeroUsize,
}

struct UserAgentPlan(Arc<UserAgent>);

filter_options! {
    /// Reads browser, system and device out of a user agent, by the expressions of uap-core.
    ///
    /// What was found is kept by the agent's text. Of an agent only the first 1,024 bytes are read.
    struct UserAgentOptions {
        /// The field that holds the agent.
        source: FieldPath = required,
        /// The field that gets what was found.
        target: FieldPath => "default: `user_agent`, with `ecs_compatibility => disabled` the event itself",
        /// What begins the names of the fields; with `ecs_compatibility => disabled` only.
        prefix: String,
        /// A file of expressions in the form of uap-core's.
        regexes: PathBuf => "default: those of the program",
        /// How many agents are kept in each worker, 1 to 1000000.
        lru_cache_size: i64 = 10_000,
        /// Which names of fields are used.
        ecs_compatibility: EcsCompatibility => "default: the pipeline's",
    }
    example r#"useragent { source => "[user_agent][original]" }"#
}

/// Checks the options; compiles the expressions, the embedded ones once for the process.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = UserAgentOptions::read(options);
    let ecs = given.ecs_compatibility.unwrap_or(environment.ecs_compatibility);
    let UserAgentOptions { source, target, prefix, lru_cache_size: size, .. } = given;
    if ecs != EcsCompatibility::Disabled && prefix.is_some() {
        let way_out = "name the field that holds them with `target`";
        options.refuse("prefix", "`prefix` means nothing for ECS names", way_out);
    }
    if !(1..=CACHE_MAX_AGENTS).contains(&size) {
        let message = format!("`lru_cache_size` cannot be {size}");
        options.refuse("lru_cache_size", message, format!("write 1 to {CACHE_MAX_AGENTS}"));
    }
    let expressions = match given.regexes {
        Some(path) => Expressions::open(&path),
        None => Expressions::embedded(),
    };
    let expressions = expressions.map_err(|error| {
        options.refuse("regexes", error.to_string(), "name a file in the form of uap-core's");
    });
    let style = match ecs {
        EcsCompatibility::Disabled => Style::legacy(target, &prefix.unwrap_or_default()),
        _ => {
            let target = target.unwrap_or_else(|| FieldPath::key("user_agent"));
            Style::ecs(target, options.pipeline_mentions("@metadata"))
        }
    };
    Some(Arc::new(UserAgentPlan(Arc::new(UserAgent {
        source: source?,
        style,
        expressions: expressions.ok()?,
        cache_agents: usize::try_from(size).ok().and_then(NonZeroUsize::new)?,
    }))))
}

impl FilterPlan for UserAgentPlan {
    fn instance(&self) -> Box<dyn Filter> {
        let agents = LruCache::with_hasher(self.0.cache_agents, DefaultHashBuilder::default());
        let known = Known { agents, bytes: 0 };
        Box::new(Worker { plan: Arc::clone(&self.0), known })
    }
}

/// One worker's instance.
struct Worker {
    plan: Arc<UserAgent>,
    known: Known,
}

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        let Some(mut source) = event.get(&self.plan.source) else {
            return Applied::NotMatched;
        };
        if event.kind(source) == Kind::Array {
            match event.first_child(source) {
                Some(first) => source = first,
                None => return Applied::NotMatched,
            }
        }
        let Some(text) = event.text(source).filter(|text| !text.is_empty()) else {
            return Applied::NotMatched;
        };
        let agent = match self.known.get(&text) {
            Some(known) => known,
            None => {
                let read = &text[..text.floor_char_boundary(AGENT_MAX_BYTES)];
                let agent = Arc::new(self.plan.style.agent(&self.plan.expressions, read));
                if text.len() <= AGENT_MAX_BYTES {
                    self.known.keep(&text, &agent);
                }
                agent
            }
        };
        self.plan.style.put(&agent, &self.plan.source, event);
        Applied::Matched
    }
}

/// What was found, by agent, the least lately asked leaving first.
struct Known {
    agents: LruCache<Box<str>, Arc<Agent>, DefaultHashBuilder>,
    bytes: usize,
}

impl Known {
    fn get(&mut self, text: &str) -> Option<Arc<Agent>> {
        self.agents.get(text).cloned()
    }

    fn keep(&mut self, text: &str, agent: &Arc<Agent>) {
        self.bytes += text.len() + agent.size_bytes();
        if let Some((text, agent)) = self.agents.push(text.into(), Arc::clone(agent)) {
            self.bytes -= text.len() + agent.size_bytes();
        }
        while self.bytes > CACHE_MAX_BYTES
            && let Some((text, agent)) = self.agents.pop_lru()
        {
            self.bytes -= text.len() + agent.size_bytes();
        }
    }
}

#[cfg(test)]
mod tests;
