//! Definitions whose fields have ECS names.
//!
//! Most are the legacy ones: `names` tells what their fields become, and edits where a format is taken
//! more exactly. The others are written from the field names that Logstash documents for its ECS mode and
//! from the formats' own descriptions (Apache's `LogFormat`, RFC 3164, RFC 5424, the columns of Zeek and
//! of Amazon's services).

mod columns;
mod names;

use std::borrow::Cow;

use super::lowered::Edit;
use super::{Set, edit, fits, insert};

/// Makes the legacy set the ECS set.
pub(super) fn convert(set: &mut Set) {
    define(set);
    edit(set, EDITS);
    for (name, definition) in set {
        if let Some(renamed) = names::renamed(name, definition) {
            *definition = Cow::Owned(renamed);
        }
    }
}

/// Adds the definitions of ECS mode.
fn define(set: &mut Set) {
    for (name, original) in COPIES {
        if let Some(definition) = set.get(original).cloned() {
            set.insert(name, definition);
        }
    }
    for (name, separator, columns) in columns::COLUMNS {
        set.insert(name, Cow::Owned(columns::pattern(separator, columns)));
    }
    insert(set, DEFINITIONS);
}

pub(super) const DEFINITIONS: &[(&str, &str)] = &[
    // Web servers.
    (
        "HTTPD_COMMONLOG",
        r#"%{IPORHOST:[source][address]} (?:-|%{HTTPDUSER:[apache][access][user][identity]}) (?:-|%{HTTPDUSER:[user][name]}) \[%{HTTPDATE:timestamp}\] "(?:%{WORD:[http][request][method]} %{NOTSPACE:[url][original]}(?: HTTP/%{NUMBER:[http][version]})?|%{DATA})" (?:-|%{INT:[http][response][status_code]:int}) (?:-|%{INT:[http][response][body][bytes]:int})"#,
    ),
    (
        "HTTPD_COMBINEDLOG",
        r#"%{HTTPD_COMMONLOG} "(?:-|%{DATA:[http][request][referrer]})" "(?:-|%{DATA:[user_agent][original]})""#,
    ),
    (
        "HTTPD20_ERRORLOG",
        r"\[%{HTTPDERROR_DATE:timestamp}\] \[%{LOGLEVEL:[log][level]}\] (?:\[client %{IPORHOST:[source][address]}\] )?%{GREEDYDATA:message}",
    ),
    (
        "HTTPD24_ERRORLOG",
        r"\[%{HTTPDERROR_DATE:timestamp}\] \[(?:%{WORD:[apache][error][module]})?:%{LOGLEVEL:[log][level]}\] \[pid %{POSINT:[process][pid]:int}(?::tid %{INT:[process][thread][id]:int})?\](?: \(%{POSINT:[apache][error][proxy][error][code]}\)%{DATA:[apache][error][proxy][error][message]}:)?(?: \[client %{IPORHOST:[source][address]}(?::%{POSINT:[source][port]:int})?\])?(?: %{DATA:[error][code]}:)? %{GREEDYDATA:message}",
    ),
    // Syslog, RFC 3164 and 5424.
    (
        "SYSLOGBASE2",
        r"(?:%{SYSLOGTIMESTAMP:timestamp}|%{TIMESTAMP_ISO8601:timestamp})(?: %{SYSLOGFACILITY})?(?: %{SYSLOGHOST:[host][hostname]})?(?: %{SYSLOGPROG}:)?",
    ),
    (
        "SYSLOG5424BASE",
        r"%{SYSLOG5424PRI}%{NONNEGINT:[system][syslog][version]} +(?:-|%{TIMESTAMP_ISO8601:timestamp}) +(?:-|%{IPORHOST:[host][hostname]}) +(?:-|%{SYSLOG5424PRINTASCII:[process][name]}) +(?:-|%{POSINT:[process][pid]:int}) +(?:-|%{SYSLOG5424PRINTASCII:[event][code]}) +(?:-|%{SYSLOG5424SD:[system][syslog][structured_data]})?",
    ),
    // Web services of Amazon; columns.rs has their lines.
    (
        "S3_REQUEST_LINE",
        r"%{WORD:[http][request][method]} %{NOTSPACE:[url][original]}(?: HTTP/%{NUMBER:[http][version]})?",
    ),
    ("ELB_ACCESS_LOG", "%{ELB_V1_HTTP_LOG}"),
    (
        "ELB_REQUEST_LINE",
        r"%{WORD:[http][request][method]} %{ELB_URI:[url][original]}(?: HTTP/%{NUMBER:[http][version]})?",
    ),
    (
        "ELB_URI",
        r"%{URIPROTO:[url][scheme]}://(?:%{USER:[url][username]}(?::[^@]*)?@)?(?:%{ELB_URIHOST})?(?:%{ELB_URIPATHQUERY})?",
    ),
    ("ELB_URIHOST", r"%{IPORHOST:[url][domain]}(?::%{POSINT:[url][port]:int})?"),
    ("ELB_URIPATHQUERY", r"%{URIPATH:[url][path]}(?:\?%{URIQUERY:[url][query]})?"),
    ("ELB_URIPATHPARAM", "%{ELB_URIPATHQUERY}"),
    ("CLOUDFRONT_EDGE_LOCATION", "[A-Z]{3}[0-9]{1,2}(?:-[0-9A-Z]{2})?"),
    // What stands after the question mark of a URI.
    ("URIQUERY", r"[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\-\[\]<>]*"),
    // RFC 3696 allows 64 characters. The parts after a dot are counted, but not their characters: that
    // would take thousands of states.
    (
        "EMAILLOCALPART",
        r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~]{1,64}(?:\.[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~]+){0,63}",
    ),
    // Bacula.
    ("BACULA_TIMESTAMP", "%{MONTHDAY}-%{MONTH}(?:-%{YEAR})? %{HOUR}:%{MINUTE}"),
    ("BACULA_HOST", "%{HOSTNAME}"),
    ("BACULA_LOGLINE", "%{BACULA_LOG}"),
    // BIND: a query has a name, a class, a type and flags. The category has a field as in 4.3.2 of the shipped set; 4.3.1
    // misspelt its name.
    ("BIND9", "%{BIND9_QUERYLOG}"),
    (
        "BIND9_QUERYLOG",
        "%{BIND9_TIMESTAMP:timestamp} %{BIND9_CATEGORY:[bind][log][category]}: %{LOGLEVEL:[log][level]}: %{BIND9_QUERYLOGBASE}",
    ),
    (
        "BIND9_QUERYLOGBASE",
        r"client(?: @0x[0-9A-Fa-f]+)? %{IP:[client][ip]}#%{POSINT:[client][port]:int} \(%{GREEDYDATA:[bind][log][question][name]}\): query: %{GREEDYDATA:[dns][question][name]} (?<[dns][question][class]>IN) %{BIND9_DNSTYPE:[dns][question][type]}(?: %{DATA:[bind][log][question][flags]})? \(%{IP:[server][ip]}\)",
    ),
    ("BIND9_CATEGORY", "queries"),
    (
        "BIND9_DNSTYPE",
        "(?:A|AAAA|CAA|CDNSKEY|CDS|CERT|CNAME|CSYNC|DLV|DNAME|DNSKEY|DS|HINFO|LOC|MX|NAPTR|NS|NSEC|NSEC3|OPENPGPKEY|PTR|RP|RRSIG|SIG|SMIMEA|SOA|SRV|TSIG|TXT|URI)",
    ),
    // Zeek, which was Bro; columns.rs has the lines.
    ("BRO_BOOL", "[TF]"),
    ("BRO_DATA", r"[^\t]+"),
    ("ZEEK_BOOL", "[TF]"),
    ("ZEEK_DATA", r"[^\t]+"),
    (
        "ZEEK_FILES_TX_HOSTS",
        r"(?:-|%{IP:[server][ip]})|(?<[zeek][files][tx_hosts]>%{IP:[server][ip]}(?:[\s,]%{IP})+)",
    ),
    (
        "ZEEK_FILES_RX_HOSTS",
        r"(?:-|%{IP:[client][ip]})|(?<[zeek][files][rx_hosts]>%{IP:[client][ip]}(?:[\s,]%{IP})+)",
    ),
    // Exim.
    ("EXIM_FLAGS", r"(?:<=|=>|->|\*>|\*\*|==|<>|>>)"),
    ("EXIM_QUOTED_CONTENT", r#"(?:[^\\"]|\\.)*"#),
    ("EXIM_SUBJECT", r#"(T="%{EXIM_QUOTED_CONTENT:exim_subject}")"#),
    ("EXIM_UNKNOWN_FIELD", "[0-9A-Za-z]{1,4}=(?:%{QUOTEDSTRING}|%{NOTSPACE})"),
    // NetScreen: what is known of a session only when it ends is missing before.
    (
        "NETSCREENSESSIONLOG",
        r#"%{SYSLOGTIMESTAMP:date} %{IPORHOST:device} %{NOTSPACE:device_name}: (?<product>NetScreen) device_id=%{WORD:device_id} .*?(?:system-\w+-%{NONNEGINT:event_code}\(%{WORD:session_type}\))?: start_time="%{DATA:start_time}" duration=%{INT:duration} policy_id=%{INT:policy_id} service=%{DATA:service} proto=%{INT:proto} src zone=%{WORD:src_zone} dst zone=%{WORD:dst_zone} action=%{WORD:action} sent=%{INT:sent} rcvd=%{INT:rcvd} src=%{IPORHOST:src_ip} dst=%{IPORHOST:dst_ip}(?: src_port=%{INT:src_port} dst_port=%{INT:dst_port})?(?: src-xlated ip=%{IP:src_xlated_ip} port=%{INT:src_xlated_port} dst-xlated ip=%{IP:dst_xlated_ip} port=%{INT:dst_xlated_port})?(?: session_id=%{INT:session_id} reason=%{GREEDYDATA:reason})?"#,
    ),
    // Cisco ASA.
    ("CISCO_SRC_IP_USER", r"%{NOTSPACE:src_interface}:%{IP:src_ip}(?:\(%{DATA:src_fwuser}\))?"),
    ("CISCO_DST_IP_USER", r"%{NOTSPACE:dst_interface}:%{IP:dst_ip}(?:\(%{DATA:dst_fwuser}\))?"),
    (
        "CISCO_SRC_HOST_PORT_USER",
        r"%{NOTSPACE:src_interface}:(?:%{IP:src_ip}|%{HOSTNAME:src_host})(?:/%{INT:src_port})?(?:\(%{DATA:src_fwuser}\))?",
    ),
    (
        "CISCO_DST_HOST_PORT_USER",
        r"%{NOTSPACE:dst_interface}:(?:%{IP:dst_ip}|%{HOSTNAME:dst_host})(?:/%{INT:dst_port})?(?:\(%{DATA:dst_fwuser}\))?",
    ),
    (
        "CISCO_HITCOUNT_INTERVAL",
        "hit-cnt %{INT:hit_count} (?:first hit|%{INT:interval_seconds}-second interval)",
    ),
    (
        "CISCOFW106014",
        r"%{CISCO_ACTION:action} %{CISCO_DIRECTION:direction} %{WORD:protocol} src %{CISCO_SRC_IP_USER} dst %{CISCO_DST_IP_USER}\s?\(type %{INT:icmp_type}, code %{INT:icmp_code}\)",
    ),
    (
        "CISCOFW106023",
        r#"%{CISCO_ACTION:action}(?: protocol)? %{WORD:protocol} src %{CISCO_SRC_HOST_PORT_USER} dst %{CISCO_DST_HOST_PORT_USER}(?: \(type %{INT:icmp_type}, code %{INT:icmp_code}\))? by access-group "?%{DATA:policy_id}"? \[%{DATA:hashcode1}, %{DATA:hashcode2}\]"#,
    ),
    (
        "CISCOFW305011",
        r"%{CISCO_ACTION:action} %{CISCO_XLATE_TYPE} %{WORD:protocol} translation from %{DATA:src_interface}:%{IP:src_ip}(?:/%{INT:src_port})?(?:\(%{DATA:src_fwuser}\))? to %{DATA:dst_interface}:%{IP:dst_ip}/%{INT:dst_port}",
    ),
    (
        "CISCOFW313005",
        r"%{CISCO_REASON:reason} for %{WORD:protocol} error message: %{WORD} src %{CISCO_SRC_IP_USER} dst %{CISCO_DST_IP_USER} \(type %{INT:icmp_type}, code %{INT:icmp_code}\) on %{NOTSPACE} interface\.\s+Original IP payload: %{WORD:orig_protocol} src %{IP:orig_src_ip}/%{INT:orig_src_port}(?:\(%{DATA:orig_src_fwuser}\))? dst %{IP:orig_dst_ip}/%{INT:orig_dst_port}(?:\(%{DATA:orig_dst_fwuser}\))?",
    ),
    // HAProxy: minus one is a time that never came.
    (
        "HAPROXYURI",
        r"(?:%{URIPROTO:[url][scheme]}://)?(?:%{USER:[url][username]}(?::[^@]*)?@)?(?:%{IPORHOST:[url][domain]}(?::%{POSINT:[url][port]:int})?)?(?:%{URIPATH:[url][path]}(?:\?%{URIQUERY:[url][query]})?)?",
    ),
    (
        "HAPROXYHTTPREQUESTLINE",
        "(?:<BADREQ>|%{WORD:[http][request][method]} %{HAPROXYURI:[url][original]}(?: HTTP/%{NUMBER:[http][version]})?)",
    ),
    (
        "HAPROXYHTTPBASE",
        r#"%{IP:client_ip}:%{INT:client_port} \[%{HAPROXYDATE:accept_date}\] %{NOTSPACE:frontend_name} %{NOTSPACE:backend_name}/(?:<NOSRV>|%{NOTSPACE:server_name}) (?:-1|%{INT:time_request})/(?:-1|%{INT:time_queue})/(?:-1|%{INT:time_backend_connect})/(?:-1|%{INT:time_backend_response})/%{NOTSPACE:time_duration} %{INT:http_status_code} %{INT:bytes_read} (?:-|%{DATA:captured_request_cookie}) (?:-|%{DATA:captured_response_cookie}) %{NOTSPACE:termination_state} %{INT:actconn}/%{INT:feconn}/%{INT:beconn}/%{INT:srvconn}/%{INT:retries} %{INT:srv_queue}/%{INT:backend_queue}(?: \{%{HAPROXYCAPTUREDREQUESTHEADERS}\}(?: \{%{HAPROXYCAPTUREDRESPONSEHEADERS}\})?)?(?: "%{HAPROXYHTTPREQUESTLINE}"?)?"#,
    ),
    // Java: Tomcat 8 and later, Tomcat 7, and before.
    ("CATALINA8_DATESTAMP", "%{MONTHDAY}-%{MONTH}-%{YEAR} %{HOUR}:%{MINUTE}:%{SECOND}"),
    ("CATALINA7_DATESTAMP", "%{MONTH} %{MONTHDAY}, %{YEAR} %{HOUR}:%{MINUTE}:%{SECOND} (?:AM|PM)"),
    ("CATALINA_DATESTAMP", "%{CATALINA8_DATESTAMP}|%{CATALINA7_DATESTAMP}"),
    (
        "TOMCATLEGACY_DATESTAMP",
        "%{YEAR}-%{MONTHNUM}-%{MONTHDAY} %{HOUR}:%{MINUTE}:%{SECOND}(?: %{ISO8601_TIMEZONE})?",
    ),
    ("TOMCAT_DATESTAMP", "%{CATALINA8_DATESTAMP}|%{CATALINA7_DATESTAMP}|%{TOMCATLEGACY_DATESTAMP}"),
    (
        "CATALINA8_LOG",
        r"%{CATALINA8_DATESTAMP:timestamp} %{LOGLEVEL:[log][level]} \[%{DATA:[java][log][origin][thread][name]}\] %{JAVACLASS:[java][log][origin][class][name]}\.(?:%{JAVAMETHOD:[log][origin][function]})? %{JAVALOGMESSAGE:message}",
    ),
    (
        "CATALINA7_LOG",
        r"%{CATALINA7_DATESTAMP:timestamp} %{JAVACLASS:[java][log][origin][class][name]}(?: %{JAVAMETHOD:[log][origin][function]})?\s*(?:%{LOGLEVEL:[log][level]}:)? %{JAVALOGMESSAGE:message}",
    ),
    ("CATALINALOG", "%{CATALINA8_LOG}|%{CATALINA7_LOG}"),
    ("TOMCAT8_LOG", "%{CATALINA8_LOG}"),
    ("TOMCAT7_LOG", "%{CATALINA7_LOG}"),
    (
        "TOMCATLEGACY_LOG",
        r"%{TOMCATLEGACY_DATESTAMP:timestamp} \| %{LOGLEVEL:[log][level]} \| %{JAVACLASS:[java][log][origin][class][name]} - %{JAVALOGMESSAGE:message}",
    ),
    ("TOMCATLOG", "%{TOMCAT8_LOG}|%{TOMCAT7_LOG}|%{TOMCATLEGACY_LOG}"),
    // Junos.
    ("RT_FLOW_TAG", "RT_FLOW_SESSION_(?:CREATE|CLOSE|DENY)"),
    // In Logstash too, the old name stands for these letters, not for the pattern of that name.
    ("RT_FLOW_EVENT", "RT_FLOW_TAG"),
    // MongoDB.
    (
        "MONGO_SLOWQUERY",
        r"%{WORD:[mongodb][profile][op]} %{MONGO_WORDDASH:[mongodb][database]}\.%{MONGO_WORDDASH:[mongodb][collection]} %{WORD}: %{MONGO_QUERY:[mongodb][query][original]} ntoreturn:%{NONNEGINT:[mongodb][profile][ntoreturn]:int} ntoskip:%{NONNEGINT:[mongodb][profile][ntoskip]:int} nscanned:%{NONNEGINT:[mongodb][profile][nscanned]:int}.*? nreturned:%{NONNEGINT:[mongodb][profile][nreturned]:int}.*? %{INT:[mongodb][profile][duration]:int}ms",
    ),
    ("MONGO3_COMPONENT", "%{WORD}"),
    // Squid.
    ("SQUID3_STATUS", "(?:%{POSINT:[http][response][status_code]:int}|0|000)"),
    (
        "SQUID3",
        r"%{NUMBER:timestamp}\s+%{NUMBER:[squid][request][duration]:int}\s%{IP:[source][ip]}\s%{WORD:[event][action]}/%{SQUID3_STATUS}\s%{INT:[http][response][bytes]:int}\s%{WORD:[http][request][method]}\s%{NOTSPACE:[url][original]}\s(?:-|%{NOTSPACE:[user][name]})\s%{WORD:[squid][hierarchy_code]}/(?:-|%{IPORHOST:[destination][address]})\s(?:-|%{NOTSPACE:[http][response][mime_type]})",
    ),
];

/// Names that are defined as another is.
pub(super) const COPIES: &[(&str, &str)] = &[("BACULA_LOG", "BACULA_LOGLINE")];

/// Where ECS mode differs in a few letters; fields still have their legacy names.
pub(super) const EDITS: &[Edit] = &[
    (
        "BACULA_LOG_MAX_CAPACITY",
        "%{BACULA_CAPACITY}",
        "%{BACULA_CAPACITY:[bacula][volume][max_capacity]}",
    ),
    ("BACULA_LOG_MAX_CAPACITY", r"(%{BACULA_DEVICEPATH}\)", r"(%{BACULA_DEVICEPATH}\).?"),
    ("BACULA_LOG*", "(%{BACULA_DEVICEPATH}", "(%{BACULA_DEVICEPATH:devicepath}"),
    (
        "BACULA_LOG_END_VOLUME",
        "Bytes=%{BACULA_CAPACITY}",
        "Bytes=%{BACULA_CAPACITY:[bacula][volume][bytes]}",
    ),
    (
        "BACULA_LOG_END_VOLUME",
        "Blocks=%{BACULA_CAPACITY}",
        "Blocks=%{BACULA_CAPACITY:[bacula][volume][blocks]}",
    ),
    (
        "BACULA_LOG*",
        "at %{MONTHDAY}-%{MONTH}-%{YEAR} %{HOUR}:%{MINUTE}",
        "at %{BACULA_TIMESTAMP:[bacula][timestamp]}",
    ),
    ("BACULA_LOG_NEW_LABEL", "on device", "on (?:file )?device"),
    ("BACULA_LOG_WROTE_LABEL", "%{BACULA_DEVICE}", "%{BACULA_DEVICE:device}"),
    ("BACULA_LOG_NOOPENDIR", "%{DATA}", r#""?%{DATA:[file][path]}"?"#),
    ("BACULA_LOG_NOSTAT", "%{DATA}", "%{DATA:[file][path]}"),
    ("BACULA_LOG_ALL_RECORDS_PRUNED", "All records", ".*?All records"),
    ("BACULA_LOG_DIFF_FS", r"\s+", r"\s*"),
    ("BACULA_LOG_VOLUME_PREVWRITTEN", r#"\""#, r#""?"#),
    ("BACULA_LOG_READYAPPEND", "size=%{INT}", "size=%{INT:[bacula][volume][size]:int}"),
    ("BACULA_LOG_CANCELLING", "%{INT}", "%{INT:duplicate}"),
    ("BACULA_LOG_MARKCANCEL", "%{INT}", "%{INT:jobid}"),
    ("BACULA_LOG_MAXSTART", "Fatal error", "Fatal [eE]rror"),
    ("BACULA_LOG_DUPLICATE", "Fatal error", "Fatal [eE]rror"),
    ("BACULA_LOG_NOJOBSTAT", "Fatal error", "Fatal [eE]rror"),
    ("BACULA_LOG_FATAL_CONN", "Fatal error", "Fatal [eE]rror"),
    ("BACULA_LOG_FATAL_CONN", "%{HOSTNAME}:%{POSINT}", "%{IPORHOST:address}:%{POSINT:port}"),
    ("BACULA_LOG_NO_CONNECT", "%{HOSTNAME}:%{POSINT}", "%{IPORHOST:address}:%{POSINT:port}"),
    ("BACULA_LOG_NO_AUTH", "%{DATA}", r#""?%{IPORHOST:address}(?::%{POSINT:port})?"?"#),
    ("EXIM_MESSAGE_ARRIVAL", "(?: for ", "(?:(?: from <?%{DATA:exim_sender_original}>?)? for "),
    ("CISCOFW*", "%{GREEDYDATA:interface", "%{NOTSPACE:interface"),
    ("CISCOFW*", "%{DATA:interface}", "%{NOTSPACE:interface}"),
    ("CISCOFW106001", "%{GREEDYDATA:tcp_flags}", "%{DATA:tcp_flags}"),
    ("CISCOFW106100_2_3", "%{DATA:src_fwuser}", "%{DATA:any_user}"),
    (
        "CISCOFW106100_2_3",
        "hit-cnt %{INT:hit_count} %{CISCO_INTERVAL:interval}",
        "%{CISCO_HITCOUNT_INTERVAL}",
    ),
    ("CISCOFW302013*", "%{DATA:src_interface}", "%{NOTSPACE:src_interface}"),
    ("CISCOFW302013*", "%{DATA:dst_interface}", "%{NOTSPACE:dst_interface}"),
    ("CISCOFW302013*", "%{DATA:user}", "%{DATA:any_user}"),
    ("CISCOFW302020*", "%{INT:icmp_code}", "%{INT}"),
    ("CISCOFW321001", "%{WORD:resource_name}", "%{DATA:resource_name}"),
    ("CISCOFW402117", "%{WORD:protocol}:", "%{WORD:network_type}:"),
    ("CISCOFW402117", "%{IP:dst_ip}", r"%{IP:dst_ip}\.?"),
    ("CISCOFW402117", "= %{WORD:orig_protocol}", r"=\s?%{WORD:protocol}"),
    ("CISCOFW402119", "%{WORD:protocol}:", "%{WORD:network_type}:"),
    ("CISCOFW402119", "%{WORD:orig_protocol}", "%{WORD:ipsec_protocol}"),
    ("CISCOFW402119", "checking", r"checking\.?"),
    ("CISCOFW402119", "= %{DATA:", r"=\s?%{DATA:"),
    ("CISCOFW419001", "%{DATA:src_interface}", "%{NOTSPACE:src_interface}"),
    ("CISCOFW419001", "%{DATA:dst_interface}", "%{NOTSPACE:dst_interface}"),
    ("CISCOFW602303*", "%{WORD:protocol}:", "%{WORD:network_type}:"),
    ("CISCOFW602303*", "%{GREEDYDATA:tunnel_type}", "%{DATA:tunnel_type}"),
    ("CISCOFW602303*", "= %{DATA:", r"=\s?%{DATA:"),
    ("CISCOFW713172", "%{GREEDYDATA:group}", "%{DATA:group}"),
    ("HAPROXYTCP", "%{NOTSPACE:server_name}", "(?:<NOSRV>|%{NOTSPACE:server_name})"),
    ("HAPROXYTCP", "%{INT:time_queue}", "(?:-1|%{INT:time_queue})"),
    ("HAPROXYTCP", "%{INT:time_backend_connect}", "(?:-1|%{INT:time_backend_connect})"),
    ("HAPROXYTCP", "%{NOTSPACE:bytes_read}", "%{INT:bytes_read}"),
    ("HAPROXYTCP", "%{NOTSPACE:retries}", "%{INT:retries}"),
    ("JAVASTACKTRACEPART", "%{NUMBER:line}", "%{INT:line}"),
    ("RT_FLOW*", "%{RT_FLOW_EVENT:event}", "%{RT_FLOW_TAG:event}"),
    ("RT_FLOW*", "%{DATA:src-nat-rule-name}", "(?:None|%{DATA:src-nat-rule-name})"),
    ("RT_FLOW*", "%{DATA:dst-nat-rule-name}", "(?:None|%{DATA:dst-nat-rule-name})"),
    ("RT_FLOW1", "%{DATA:sent}", "%{INT:sent}"),
    ("RT_FLOW1", "%{DATA:received}", "%{INT:received}"),
    ("MONGO3_LOG", "%{MONGO3_COMPONENT:component}", "(?:-|%{MONGO3_COMPONENT:component})"),
    ("NAGIOS_CURRENT_*", "%{DATA:nagios_statecode}", "%{INT:nagios_statecode}"),
    ("NAGIOS_SERVICE_ALERT", "%{NUMBER:nagios_attempt}", "%{INT:nagios_attempt}"),
    ("NAGIOS_HOST_ALERT", "%{NUMBER:nagios_attempt}", "%{INT:nagios_attempt}"),
    ("POSTGRESQL", "%{TZ}", "%{TZ:[event][timezone]}"),
    ("RAILS3FOOT", "%{NUMBER:response}", "%{POSINT:response}"),
    ("REDISLOG", r"\* ", r"\*"),
    ("REDISMONLOG", "%{NUMBER:port}", "%{POSINT:port}"),
];

#[cfg(test)]
mod tests;
