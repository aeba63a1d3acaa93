//! Definitions that stand in place of the crate's in both modes: in the form that a linear engine needs,
//! and where Logstash has corrected them since or the crate has lost a field.
//!
//! What the crate has right stays there. A definition that differs in a few letters is an edit, a
//! definition of its own stands in full.

/// Name of a pattern, what is in the crate's definition, and what stands there instead. A `*` ends the
/// beginning of several names.
pub(super) type Edit = (&'static str, &'static str, &'static str);

pub(super) const EDITS: &[Edit] = &[
    // A back end that did not answer has a dash for its status.
    ("ELB_ACCESS_LOG", "%{INT:backend_response:int}", "(?:-|%{INT:backend_response:int})"),
    ("BACULA_LOG_NOOPEN*", r"\s+", r"\s*"),
    ("BACULA_LOG_NOSTAT", r"\s+", r"\s*"),
    ("BACULA_LOG_FATAL_CONN", "(%{GREEDYDATA})", "%{GREEDYDATA:berror}"),
    ("BACULA_LOG_NO_CONNECT", "(%{GREEDYDATA})", "%{GREEDYDATA:berror}"),
    ("BACULA_LOG_NO_AUTH", "%{HOSTNAME}", "%{DATA}"),
    // Messages of a director are of no job.
    ("BACULA_LOGLINE", " JobId %{INT:jobid}: ", "(?: JobId %{INT:jobid})?:? "),
    // BIND 9.11 and later tell the address of the client's object.
    ("BIND9", "client %{IP", "client(?: @0x[0-9A-Fa-f]+)? %{IP"),
    ("EXIM_PID", "%{POSINT}", "%{POSINT:pid}"),
    ("EXIM_REMOTE_HOST", r"\])", r"\])(?::%{POSINT:remote_port})?"),
    ("HTTPD24_ERRORLOG", "%{WORD:module}:", "(?:%{WORD:module})?:"),
    // Names of classes that were generated have a dollar sign.
    ("JAVAFILE", "_. -", "_$. -"),
    ("LOGLEVEL", "[Ii]nfo|INFO", "[Ii]nfo?(?:rmation)?|INFO?(?:RMATION)?"),
    // July in German.
    ("MONTH", "[Jj]ul(?:y)?", "[Jj]ul[iy]?"),
    ("NAGIOS_TIMEPERIOD_TRANSITION", "%{DATA:nagios_unknown", "%{NUMBER:nagios_unknown"),
    // A request that got no answer has the status 000 and no server.
    ("SQUID3", "%{POSINT:status_code}", "%{NONNEGINT:status_code}"),
    ("SQUID3", "/%{IPORHOST:server}", "/(?:-|%{IPORHOST:server})"),
];

pub(super) const DEFINITIONS: &[(&str, &str)] = &[
    // Atomic in the shipped set: a number goes on for as long as there are digits.
    ("BASE10NUM", r"(?<![0-9.+-])(?:[+-]?(?:(?:[0-9]+(?:\.[0-9]+)?)|(?:\.[0-9]+)))(?![0-9])"),
    // `(?!<[0-9])` in front of an hour holds always.
    ("TIME", r"%{HOUR}:%{MINUTE}(?::%{SECOND})(?![0-9])"),
    (
        "HAPROXYTIME",
        r"%{HOUR:haproxy_hour}:%{MINUTE:haproxy_minute}(?::%{SECOND:haproxy_second})(?![0-9])",
    ),
    // The look-ahead captured all the rest; so does a group around the rest.
    (
        "SYSLOGPAMSESSION",
        r"%{SYSLOGBASE} (?<message>%{WORD:pam_module}\(%{DATA:pam_caller}\): session %{WORD:pam_session_state} for user %{USERNAME:username}(?: by %{GREEDYDATA:pam_by})?.*)",
    ),
    // The parts of an address are not counted: it takes thousands of states, for nothing in a log.
    ("HTTPDUSER", r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]+@%{HOSTNAME}|%{USER}"),
    // Newer than the crate's set: a status that is missing is a dash.
    (
        "HTTPD_COMMONLOG",
        r#"%{IPORHOST:clientip} %{HTTPDUSER:ident} %{HTTPDUSER:auth} \[%{HTTPDATE:timestamp}\] "(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})" (?:-|%{NUMBER:response}) (?:-|%{NUMBER:bytes})"#,
    ),
    // An arrival in Exim's main log, with what may follow in any order.
    ("EXIM", "%{EXIM_MESSAGE_ARRIVAL}"),
    (
        "EXIM_MESSAGE_ARRIVAL",
        r"%{EXIM_DATE:timestamp} (?:%{EXIM_PID} )?%{EXIM_MSGID:exim_msgid} (?<exim_flags><=) (?<exim_status>[a-z:] )?%{EMAILADDRESS:exim_sender_email}%{EXIM_NAMED_FIELDS}(?: for %{EMAILADDRESS:exim_recipient_email})?",
    ),
    (
        "EXIM_NAMED_FIELDS",
        r"(?: (?:%{EXIM_REMOTE_HOST}|%{EXIM_INTERFACE}|%{EXIM_PROTOCOL}|%{EXIM_MSG_SIZE}|%{EXIM_HEADER_ID}|%{EXIM_SUBJECT}|%{EXIM_UNKNOWN_FIELD}))*",
    ),
    ("EXIM_UNKNOWN_FIELD", "[0-9A-Za-z]{1,4}=%{NOTSPACE}"),
    // The look-around repeated what stands beside it, but for the words after the query.
    ("MONGO_QUERY", r"\{ .* \}"),
];
