//! `cidr`: whether an address lies in one of some networks. The networks stand in the pipeline, come out of the
//! event, or stand in a file, which is read again from time to time.

mod networks;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::{Event, FieldPath, Kind};
use ipnet::IpNet;

use self::networks::{FILE_MAX_BYTES, contains, parse_network, read_file};
use crate::file_state::FileState;
use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};
use crate::refreshed_file::{RefreshedFile, View};
use crate::template::Template;

const NANOSECONDS: i64 = 1_000_000_000;

#[derive(Debug)]
struct Cidr {
    addresses: Vec<Template>,
    address_field: Option<FieldPath>,
    /// Networks that come out of the event.
    rendered: Vec<Template>,
    networks: Vec<IpNet>,
    file: Option<Arc<RefreshedFile<Vec<IpNet>>>>,
}

struct CidrPlan(Arc<Cidr>);

filter_options! {
    /// Finds whether an address lies in one of some networks.
    ///
    /// It sets nothing by itself: give it `add_tag` or `add_field`, which are run when an address
    /// lies in a network.
    struct CidrOptions {
        /// The addresses.
        address: Vec<Template> = required_unless("address_field"),
        /// A field with an address, or with an array of them.
        address_field: FieldPath,
        /// The networks, as `10.0.0.0/8` or `fe80::/64`, also several in one string, parted by
        /// commas.
        network: Vec<Template> = required_unless("network_path"),
        /// A file of networks, in place of `network`.
        network_path: PathBuf,
        /// What stands between the networks of the file.
        separator: String = "\n",
        /// After how many seconds the file is read again, by the records' time of receipt.
        refresh_interval: i64 = 600,
    }
    example r#"cidr { address => ["%{[client][ip]}"] network => ["10.0.0.0/8", "fe80::/64"] add_tag => ["internal"] }"#
}

/// Checks the options; reads the file.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = CidrOptions::read(options);
    let (networks, rendered) = networks(options, given.network.unwrap_or_default());
    let file = file(options, given.network_path, given.separator, given.refresh_interval);
    let (addresses, address_field) = (given.address.unwrap_or_default(), given.address_field);
    let file = file.map(Arc::new);
    Some(Arc::new(CidrPlan(Arc::new(Cidr { addresses, address_field, rendered, networks, file }))))
}

/// The networks of the pipeline, and those that come out of the event.
fn networks(options: &mut Options<'_>, templates: Vec<Template>) -> (Vec<IpNet>, Vec<Template>) {
    let (mut networks, mut rendered) = (Vec::new(), Vec::new());
    for template in templates {
        let Some(literal) = template.literal() else {
            rendered.push(template);
            continue;
        };
        for text in literal.split(',') {
            match parse_network(text) {
                Some(network) => networks.push(network),
                None => {
                    let message = format!("`{}` is no network", text.trim());
                    options.refuse("network", message, "write `10.0.0.0/8` or `fe80::/64`");
                }
            }
        }
    }
    (networks, rendered)
}

/// The file, if one is given.
fn file(
    options: &mut Options<'_>,
    path: Option<PathBuf>,
    separator: String,
    refresh_s: i64,
) -> Option<RefreshedFile<Vec<IpNet>>> {
    if !(0..=1_000_000_000).contains(&refresh_s) {
        let message = format!("`refresh_interval` cannot be {refresh_s}");
        options.refuse("refresh_interval", message, "write a number of seconds");
    }
    let path = path?;
    if options.has("network") {
        let message = "`network` and `network_path` are mutually exclusive";
        options.refuse("network_path", message, "leave one of them out");
        return None;
    }
    if separator.is_empty() {
        options.refuse("separator", "the separator is empty", "leave it out for one a line");
        return None;
    }
    let read = move |path: &Path, _: Option<&Vec<IpNet>>| read_file(path, &separator);
    let refresh_ns = Some(refresh_s * NANOSECONDS);
    match RefreshedFile::open(path, FILE_MAX_BYTES, refresh_ns, Box::new(read)) {
        Ok(file) => Some(file),
        Err(reason) => {
            options.refuse("network_path", reason, "name a file of networks, and its separator");
            None
        }
    }
}

impl FilterPlan for CidrPlan {
    fn instance(&self) -> Box<dyn Filter> {
        let file = self.0.file.as_ref().map(RefreshedFile::view);
        Box::new(Worker { plan: Arc::clone(&self.0), file })
    }

    fn file(&self) -> Option<Arc<FileState>> {
        self.0.file.as_ref()?.told()
    }
}

/// One worker's instance.
struct Worker {
    plan: Arc<Cidr>,
    file: Option<View<Vec<IpNet>>>,
}

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let now_ns = context.record.received_at_ns;
        let networks = match &mut self.file {
            Some(file) => file.at(now_ns),
            None => &self.plan.networks,
        };
        let mut rendered = Vec::new();
        for template in &self.plan.rendered {
            let text = template.render(event, now_ns);
            rendered.extend(text.split(',').filter_map(parse_network));
        }
        let is_inside = |address: &str| {
            let address = address.trim();
            contains(networks, address) || contains(&rendered, address)
        };
        let mut templates = self.plan.addresses.iter();
        if templates.any(|address| is_inside(&address.render(event, now_ns)))
            || self
                .plan
                .address_field
                .as_ref()
                .is_some_and(|field| any_text(event, field, is_inside))
        {
            return Applied::Matched;
        }
        Applied::NotMatched
    }
}

/// Whether a text of a field, or one of an array of them, is what is looked for.
fn any_text(event: &Event, field: &FieldPath, is_wanted: impl Fn(&str) -> bool) -> bool {
    let Some(value) = event.get(field) else { return false };
    if event.kind(value) == Kind::Array {
        return event
            .elements(value)
            .any(|one| event.text(one).is_some_and(|text| is_wanted(&text)));
    }
    event.text(value).is_some_and(|text| is_wanted(&text))
}

#[cfg(test)]
mod tests;
