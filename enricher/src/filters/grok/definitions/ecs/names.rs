//! What the fields of the legacy set are called in ECS mode.
//!
//! An empty name means that ECS mode does not capture it.

/// Names of patterns, or of all that begin so where a `*` ends it, and what their fields become. The
/// first that fits is taken.
type Family = (&'static [&'static str], &'static [(&'static str, &'static str)]);

pub(super) const FAMILIES: &[Family] = &[
    (
        &["BACULA*"],
        &[
            ("bts", "timestamp"),
            ("hostname", "[host][hostname]"),
            ("jobid", "[bacula][job][id]"),
            ("job", "[bacula][job][name]"),
            ("duplicate", "[bacula][job][other_id]"),
            ("elapsed", "[bacula][job][elapsed_time]"),
            ("runjob", "[bacula][job][client_run_before_command]"),
            ("client", "[bacula][client][name]"),
            ("volume", "[bacula][volume][name]"),
            ("device", "[bacula][volume][device]"),
            ("devicepath", "[bacula][volume][path]"),
            ("berror", "[error][message]"),
            ("address", "[client][address]"),
            ("port", "[client][port]:int"),
        ],
    ),
    (
        &["EXIM*"],
        &[
            ("pid", "[process][pid]:int"),
            ("exim_year", ""),
            ("exim_month", ""),
            ("exim_day", ""),
            ("exim_time", ""),
            ("exim_msgid", "[exim][log][message][id]"),
            ("exim_flags", "[exim][log][flags]"),
            ("exim_status", "[exim][log][status]"),
            ("exim_sender_email", "[exim][log][sender][email]"),
            ("exim_sender_original", "[exim][log][sender][original]"),
            ("exim_recipient_email", "[exim][log][recipient][email]"),
            ("remote_hostname", "[source][address]"),
            ("remote_heloname", "[exim][log][remote_address]"),
            ("remote_host", "[source][ip]"),
            ("remote_port", "[source][port]:int"),
            ("exim_interface", "[destination][ip]"),
            ("exim_interface_port", "[destination][port]:int"),
            ("protocol", "[network][protocol]"),
            ("exim_msg_size", "[exim][log][message][size]:int"),
            ("exim_header_id", "[exim][log][header_id]"),
            ("exim_subject", "[exim][log][message][subject]"),
        ],
    ),
    (
        &["CISCO*"],
        &[
            ("syslog_pri", "[log][syslog][priority]:int"),
            ("sysloghost", "[host][hostname]"),
            ("ciscotag", "[cisco][asa][tag]"),
            ("switch_reason", "[event][reason]"),
            ("reason", "[event][reason]"),
            ("policy_id", "[cisco][asa][rule_name]"),
            ("action", "[cisco][asa][outcome]"),
            ("direction", "[cisco][asa][network][direction]"),
            ("protocol", "[cisco][asa][network][transport]"),
            ("network_type", "[cisco][asa][network][type]"),
            ("tcp_flags", "[cisco][asa][tcp_flags]"),
            ("icmp_type", "[cisco][asa][icmp_type]:int"),
            ("icmp_code", "[cisco][asa][icmp_code]:int"),
            ("icmp_seq_num", "[cisco][asa][icmp_seq]:int"),
            ("icmp_code_xlated", "[cisco][asa][icmp_type]:int"),
            ("interface", "[observer][egress][interface][name]"),
            ("interface_name", "[network][interface][name]"),
            ("src_interface", "[observer][ingress][interface][name]"),
            ("src_ip", "[source][ip]"),
            ("src_host", "[source][address]"),
            ("src_port", "[source][port]:int"),
            ("src_fwuser", "[source][user][name]"),
            ("src_mapped_ip", "[source][nat][ip]"),
            ("src_mapped_port", "[source][nat][port]:int"),
            ("src_xlated_ip", "[source][nat][ip]"),
            ("dst_interface", "[observer][egress][interface][name]"),
            ("dst_ip", "[destination][ip]"),
            ("dst_host", "[destination][address]"),
            ("dst_port", "[destination][port]:int"),
            ("dst_fwuser", "[destination][user][name]"),
            ("dst_mapped_ip", "[destination][nat][ip]"),
            ("dst_mapped_port", "[destination][nat][port]:int"),
            ("dst_url", "[url][original]"),
            ("fwuser", "[destination][user][name]"),
            ("user", "[source][user][name]"),
            ("any_user", "[user][name]"),
            ("group", "[cisco][asa][source][group]"),
            ("is_remote_natted", "[@metadata][cisco][asa][remote_nat]"),
            ("is_local_natted", "[@metadata][cisco][asa][local_nat]"),
            ("hashcode1", "[@metadata][cisco][asa][hashcode1]"),
            ("hashcode2", "[@metadata][cisco][asa][hashcode2]"),
            ("hit_count", "[cisco][asa][hit_count]:int"),
            ("interval", ""),
            ("interval_seconds", "[cisco][asa][interval]:int"),
            ("connection_id", "[cisco][asa][connection_id]"),
            ("connection_count", "[cisco][asa][connections][in_use]:int"),
            ("connection_count_max", "[cisco][asa][connections][most_used]:int"),
            ("duration", "[cisco][asa][duration]"),
            ("bytes", "[network][bytes]:int"),
            ("resource_name", "[cisco][asa][resource][name]"),
            ("resource_limit", "[cisco][asa][resource][limit]:int"),
            ("spi", "[cisco][asa][ipsec][spi]"),
            ("seq_num", "[cisco][asa][ipsec][seq_num]"),
            ("tunnel_type", "[cisco][asa][ipsec][tunnel_type]"),
            ("ipsec_protocol", "[cisco][asa][ipsec][protocol]"),
            ("orig_protocol", "[cisco][asa][original_ip_payload][network][transport]"),
            ("orig_src_ip", "[cisco][asa][original_ip_payload][source][ip]"),
            ("orig_src_port", "[cisco][asa][original_ip_payload][source][port]:int"),
            ("orig_src_fwuser", "[cisco][asa][original_ip_payload][source][user][name]"),
            ("orig_dst_ip", "[cisco][asa][original_ip_payload][destination][ip]"),
            ("orig_dst_port", "[cisco][asa][original_ip_payload][destination][port]:int"),
            ("orig_dst_fwuser", "[cisco][asa][original_ip_payload][destination][user][name]"),
            ("drop_type", "[cisco][asa][burst][object]"),
            ("drop_rate_id", "[cisco][asa][burst][id]"),
            ("drop_rate_current_burst", "[cisco][asa][burst][current_rate]:int"),
            ("drop_rate_max_burst", "[cisco][asa][burst][configured_rate]:int"),
            ("drop_rate_current_avg", "[cisco][asa][burst][avg_rate]:int"),
            ("drop_rate_max_avg", "[cisco][asa][burst][configured_avg_rate]:int"),
            ("drop_total_count", "[cisco][asa][burst][cumulative_count]:int"),
        ],
    ),
    (
        &["NETSCREENSESSIONLOG"],
        &[
            ("date", "timestamp"),
            ("device", "[observer][hostname]"),
            ("device_name", "[observer][name]"),
            ("product", "[observer][product]"),
            ("device_id", "[netscreen][device_id]"),
            ("event_code", "[event][code]"),
            ("session_type", "[netscreen][session][type]"),
            ("start_time", "[netscreen][session][start_time]"),
            ("duration", "[netscreen][session][duration]:int"),
            ("policy_id", "[netscreen][policy_id]"),
            ("service", "[netscreen][service]"),
            ("proto", "[netscreen][protocol_number]:int"),
            ("src_zone", "[observer][ingress][zone]"),
            ("dst_zone", "[observer][egress][zone]"),
            ("action", "[event][action]"),
            ("sent", "[source][bytes]:int"),
            ("rcvd", "[destination][bytes]:int"),
            ("src_ip", "[source][address]"),
            ("dst_ip", "[destination][address]"),
            ("src_port", "[source][port]:int"),
            ("dst_port", "[destination][port]:int"),
            ("src_xlated_ip", "[source][nat][ip]"),
            ("src_xlated_port", "[source][nat][port]:int"),
            ("dst_xlated_ip", "[destination][nat][ip]"),
            ("dst_xlated_port", "[destination][nat][port]:int"),
            ("session_id", "[netscreen][session][id]"),
            ("reason", "[netscreen][session][reason]"),
        ],
    ),
    (&["URIHOST"], &[("port", "")]),
    (
        &["SYSLOG*", "CRONLOG"],
        &[
            ("program", "[process][name]"),
            ("pid", "[process][pid]:int"),
            ("facility", "[log][syslog][facility][code]:int"),
            ("priority", "[log][syslog][priority]:int"),
            ("logsource", "[host][hostname]"),
            ("pam_module", "[system][auth][pam][module]"),
            ("pam_caller", "[system][auth][pam][origin]"),
            ("pam_session_state", "[system][auth][pam][session_state]"),
            ("pam_by", ""),
            ("username", "[user][name]"),
            ("user", "[user][name]"),
            ("action", "[system][cron][action]"),
            ("syslog5424_pri", "[log][syslog][priority]:int"),
            ("syslog5424_msg", "message"),
        ],
    ),
    (
        &["HAPROXY*"],
        &[
            ("haproxy_hour", ""),
            ("haproxy_minute", ""),
            ("haproxy_second", ""),
            ("haproxy_monthday", ""),
            ("haproxy_month", ""),
            ("haproxy_year", ""),
            ("haproxy_time", ""),
            ("haproxy_milliseconds", ""),
            ("captured_request_headers", "[haproxy][http][request][captured_headers]"),
            ("captured_response_headers", "[haproxy][http][response][captured_headers]"),
            ("captured_request_cookie", "[haproxy][http][request][captured_cookie]"),
            ("captured_response_cookie", "[haproxy][http][response][captured_cookie]"),
            ("syslog_timestamp", "timestamp"),
            ("timestamp8601", "timestamp"),
            ("syslog_server", "[host][hostname]"),
            ("client_ip", "[source][address]"),
            ("client_port", "[source][port]:int"),
            ("accept_date", "[haproxy][request_date]"),
            ("frontend_name", "[haproxy][frontend_name]"),
            ("backend_name", "[haproxy][backend_name]"),
            ("server_name", "[haproxy][server_name]"),
            ("time_request", "[haproxy][http][request][time_wait_ms]:int"),
            ("time_queue", "[haproxy][total_waiting_time_ms]:int"),
            ("time_backend_connect", "[haproxy][connection_wait_time_ms]:int"),
            ("time_backend_response", "[haproxy][http][request][time_wait_without_data_ms]:int"),
            ("time_duration", "[haproxy][total_time_ms]"),
            ("http_status_code", "[http][response][status_code]:int"),
            ("bytes_read", "[source][bytes]:int"),
            ("termination_state", "[haproxy][termination_state]"),
            ("actconn", "[haproxy][connections][active]:int"),
            ("feconn", "[haproxy][connections][frontend]:int"),
            ("beconn", "[haproxy][connections][backend]:int"),
            ("srvconn", "[haproxy][connections][server]:int"),
            ("retries", "[haproxy][connections][retries]:int"),
            ("srv_queue", "[haproxy][server_queue]:int"),
            ("backend_queue", "[haproxy][backend_queue]:int"),
        ],
    ),
    (
        &["JAVASTACKTRACEPART"],
        &[
            ("class", "[java][log][origin][class][name]"),
            ("method", "[log][origin][function]"),
            ("file", "[log][origin][file][name]"),
            ("line", "[log][origin][file][line]:int"),
        ],
    ),
    (
        &["RT_FLOW*"],
        &[
            ("event", "[juniper][srx][tag]"),
            ("close-reason", "[juniper][srx][reason]"),
            ("src-ip", "[source][ip]"),
            ("src-port", "[source][port]:int"),
            ("dst-ip", "[destination][ip]"),
            ("dst-port", "[destination][port]:int"),
            ("service", "[juniper][srx][service_name]"),
            ("nat-src-ip", "[source][nat][ip]"),
            ("nat-src-port", "[source][nat][port]:int"),
            ("nat-dst-ip", "[destination][nat][ip]"),
            ("nat-dst-port", "[destination][nat][port]:int"),
            ("src-nat-rule-name", "[juniper][srx][src_nat_rule_name]"),
            ("dst-nat-rule-name", "[juniper][srx][dst_nat_rule_name]"),
            ("protocol-id", "[network][iana_number]"),
            ("policy-name", "[rule][name]"),
            ("from-zone", "[observer][ingress][zone]"),
            ("to-zone", "[observer][egress][zone]"),
            ("session-id", "[juniper][srx][session_id]"),
            ("sent", "[source][bytes]:int"),
            ("received", "[destination][bytes]:int"),
            ("elapsed-time", "[juniper][srx][elapsed_time]:int"),
        ],
    ),
    (&["MCOLLECTIVE*"], &[("pid", "[process][pid]:int"), ("event_level", "[log][level]")]),
    (
        &["MONGO*"],
        &[
            ("component", "[mongodb][component]"),
            ("severity", "[log][level]"),
            ("context", "[mongodb][context]"),
        ],
    ),
    (
        &["NAGIOS*"],
        &[
            ("nagios_epoch", "timestamp"),
            ("nagios_message", "message"),
            ("nagios_type", "[nagios][log][type]"),
            ("nagios_notifyname", "[user][name]"),
            ("nagios_hostname", "[host][hostname]"),
            ("nagios_service", "[service][name]"),
            ("nagios_state", "[service][state]"),
            ("nagios_statetype", "[nagios][log][state_type]"),
            ("nagios_statelevel", "[nagios][log][state_type]"),
            ("nagios_statecode", "[nagios][log][attempt]:int"),
            ("nagios_attempt", "[nagios][log][attempt]:int"),
            ("nagios_contact", "[nagios][log][notification_command]"),
            ("nagios_comment", "[nagios][log][comment]"),
            ("nagios_event_handler_name", "[nagios][log][event_handler_name]"),
            ("nagios_unknown1", "[nagios][log][period_from]:int"),
            ("nagios_unknown2", "[nagios][log][period_to]:int"),
            ("nagios_command", "[nagios][log][command]"),
            ("nagios_check_result", "[nagios][log][check_result]"),
            ("nagios_start_time", "[nagios][log][start_time]"),
            ("nagios_end_time", "[nagios][log][end_time]"),
            ("nagios_fixed", "[nagios][log][fixed]"),
            ("nagios_trigger_id", "[nagios][log][trigger_id]"),
            ("nagios_duration", "[nagios][log][duration]:int"),
            ("author", "[user][name]"),
            ("comment", "[nagios][log][comment]"),
        ],
    ),
    (
        &["POSTGRESQL"],
        &[
            ("user_id", "[user][name]"),
            ("connection_id", "[postgresql][log][connection_id]"),
            ("pid", "[process][pid]:int"),
        ],
    ),
    (
        &["RAILS3*", "RCONTROLLER", "RPROCESSING"],
        &[
            ("controller", "[rails][controller][class]"),
            ("action", "[rails][controller][action]"),
            ("verb", "[http][request][method]"),
            ("request", "[url][original]"),
            ("clientip", "[source][address]"),
            ("format", "[rails][request][format]"),
            ("params", "[rails][request][params]"),
            ("response", "[http][response][status_code]:int"),
            ("totalms", "[rails][request][duration][total]:float"),
            ("viewms", "[rails][request][duration][view]:float"),
            ("activerecordms", "[rails][request][duration][active_record]:float"),
            ("context", "[rails][request][explain][original]"),
        ],
    ),
    (
        &["REDIS*"],
        &[
            ("pid", "[process][pid]:int"),
            ("database", "[redis][database][id]"),
            ("client", "[client][ip]"),
            ("port", "[client][port]:int"),
            ("command", "[redis][command][name]"),
            ("params", "[redis][command][args]"),
        ],
    ),
    (
        &["RUBY_LOGGER"],
        &[
            ("pid", "[process][pid]:int"),
            ("loglevel", "[log][level]"),
            ("progname", "[process][name]"),
        ],
    ),
];

/// A definition with its fields in ECS names.
pub(super) fn renamed(name: &str, definition: &str) -> Option<String> {
    let fits = |family: &&Family| family.0.iter().any(|known| super::fits(known, name));
    let fields = FAMILIES.iter().find(fits)?.1;
    let mut out = String::with_capacity(definition.len() * 2);
    let mut rest = definition;
    loop {
        let reference = rest.find("%{").unwrap_or(rest.len());
        let group = rest.find("(?<").unwrap_or(rest.len());
        let at = reference.min(group);
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with("(?<=") || rest.starts_with("(?<!") {
            out.push_str(&rest[..4]);
            rest = &rest[4..];
            continue;
        }
        let end = if rest.starts_with("%{") {
            rest.find('}')
        } else if rest.starts_with("(?<") {
            rest.find('>')
        } else {
            return Some(out);
        };
        let Some(end) = end else {
            out.push_str(rest);
            return Some(out);
        };
        write_capture(&rest[..=end], fields, &mut out);
        rest = &rest[end + 1..];
    }
}

/// Writes `%{NAME:field}` or `(?<field>` with the field's new name.
fn write_capture(text: &str, fields: &[(&str, &str)], out: &mut String) {
    let inside = &text[..text.len() - 1];
    let (head, field) = match inside.strip_prefix("(?<") {
        Some(field) => ("(?<", Some(field)),
        None => inside.split_once(':').map_or((inside, None), |(head, field)| (head, Some(field))),
    };
    let found = field.and_then(|field| fields.iter().find(|(legacy, _)| *legacy == field));
    match (found, head) {
        (None, _) => out.push_str(text),
        (Some((_, "")), "(?<") => out.push_str("(?:"),
        (Some((_, "")), _) => out.extend([head, "}"]),
        (Some((_, ecs)), "(?<") => out.extend([head, ecs, ">"]),
        (Some((_, ecs)), _) => out.extend([head, ":", ecs, "}"]),
    }
}
