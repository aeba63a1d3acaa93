//! Shipped definitions in another form: without look-around over several characters and without atomic
//! groups that would change what matches; and one that is newer than the set.

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
    // The look-around repeated what stands beside it, but for the words after the query.
    ("MONGO_QUERY", r"\{ .* \}"),
];
