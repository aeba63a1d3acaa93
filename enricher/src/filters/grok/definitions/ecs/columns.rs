//! ECS definitions of logs whose lines are columns: a list of columns is what such a format is, so that
//! is what is written here, and the patterns are made from it.
//!
//! A column is `NAME:field` or `NAME:field:type`. Before it may stand `-` where a dash means that there is
//! none, `~` where `(empty)` does, `"` where the value or a dash stands in quotes, and `=` where the rest
//! is a pattern as it is. Columns between `(` and `)?` are there all together or not at all.

/// Name, separator, columns.
pub(super) const COLUMNS: &[(&str, &str, &str)] = &[
    (
        "S3_ACCESS_LOG",
        " ",
        r#"WORD:[aws][s3access][bucket_owner] NOTSPACE:[aws][s3access][bucket]
        =\[%{HTTPDATE:timestamp}\] -IP:[client][ip] -NOTSPACE:[client][user][id]
        NOTSPACE:[aws][s3access][request_id] NOTSPACE:[aws][s3access][operation]
        -NOTSPACE:[aws][s3access][key] =(?:-|"%{S3_REQUEST_LINE:[aws][s3access][request_uri]}")
        -INT:[http][response][status_code]:int -NOTSPACE:[aws][s3access][error_code]
        -INT:[aws][s3access][bytes_sent]:int -INT:[aws][s3access][object_size]:int
        -INT:[aws][s3access][total_time]:int -INT:[aws][s3access][turn_around_time]:int
        "DATA:[http][request][referrer] "DATA:[user_agent][original]
        -NOTSPACE:[aws][s3access][version_id]
        ( -NOTSPACE:[aws][s3access][host_id] -NOTSPACE:[aws][s3access][signature_version]
        -NOTSPACE:[tls][cipher] -NOTSPACE:[aws][s3access][authentication_type]
        -NOTSPACE:[aws][s3access][host_header] -NOTSPACE:[aws][s3access][tls_version] )?"#,
    ),
    (
        "ELB_V1_HTTP_LOG",
        " ",
        r#"TIMESTAMP_ISO8601:timestamp NOTSPACE:[aws][elb][name]
        =%{IP:[source][ip]}:%{INT:[source][port]:int}
        =(?:-|%{IP:[aws][elb][backend][ip]}:%{INT:[aws][elb][backend][port]:int})
        =(?:-1|%{NUMBER:[aws][elb][request_processing_time][sec]:float})
        =(?:-1|%{NUMBER:[aws][elb][backend_processing_time][sec]:float})
        =(?:-1|%{NUMBER:[aws][elb][response_processing_time][sec]:float})
        INT:[http][response][status_code]:int
        -INT:[aws][elb][backend][http][response][status_code]:int
        INT:[http][request][body][bytes]:int INT:[http][response][body][bytes]:int
        ="%{ELB_REQUEST_LINE}"
        ( "DATA:[user_agent][original] -NOTSPACE:[tls][cipher]
        -NOTSPACE:[aws][elb][ssl_protocol] )?"#,
    ),
    (
        "CLOUDFRONT_ACCESS_LOG",
        r"\t",
        r"=(?<timestamp>%{YEAR}-%{MONTHNUM}-%{MONTHDAY}\t%{TIME})
        CLOUDFRONT_EDGE_LOCATION:[aws][cloudfront][x_edge_location]
        -INT:[destination][bytes]:int IPORHOST:[source][ip] WORD:[http][request][method]
        HOSTNAME:[url][domain] NOTSPACE:[url][path]
        =(?:000|%{INT:[http][response][status_code]:int}) -DATA:[http][request][referrer]
        DATA:[user_agent][original] -DATA:[url][query]
        -DATA:[aws][cloudfront][http][request][cookie]
        WORD:[aws][cloudfront][x_edge_result_type] NOTSPACE:[aws][cloudfront][x_edge_request_id]
        HOSTNAME:[aws][cloudfront][http][request][host] URIPROTO:[network][protocol]
        -INT:[source][bytes]:int NUMBER:[aws][cloudfront][time_taken]:float
        -IP:[network][forwarded_ip] -DATA:[aws][cloudfront][ssl_protocol] -NOTSPACE:[tls][cipher]
        WORD:[aws][cloudfront][x_edge_response_result_type]
        ( =(?:-|HTTP/%{NUMBER:[http][version]}) -DATA:[aws][cloudfront][fle_status]
        -DATA:[aws][cloudfront][fle_encrypted_fields] INT:[source][port]:int
        NUMBER:[aws][cloudfront][time_to_first_byte]:float
        -DATA:[aws][cloudfront][x_edge_detailed_result_type] -NOTSPACE:[http][request][mime_type]
        -INT:[aws][cloudfront][http][request][size]:int
        -INT:[aws][cloudfront][http][request][range][start]:int
        -INT:[aws][cloudfront][http][request][range][end]:int )?",
    ),
    (
        "BRO_HTTP",
        r"\t",
        r"NUMBER:timestamp NOTSPACE:[zeek][session_id] IP:[source][ip] INT:[source][port]:int
        IP:[destination][ip] INT:[destination][port]:int INT:[zeek][http][trans_depth]:int
        -WORD:[http][request][method] -BRO_DATA:[url][domain] -BRO_DATA:[url][original]
        -BRO_DATA:[http][request][referrer] -BRO_DATA:[user_agent][original]
        -NUMBER:[http][request][body][bytes]:int -NUMBER:[http][response][body][bytes]:int
        -POSINT:[http][response][status_code]:int -DATA:[zeek][http][status_msg]
        -POSINT:[zeek][http][info_code]:int -DATA:[zeek][http][info_msg]
        -BRO_DATA:[zeek][http][filename] ~BRO_DATA:[zeek][http][tags] -BRO_DATA:[url][username]
        -BRO_DATA:[url][password] -BRO_DATA:[zeek][http][proxied] -BRO_DATA:[zeek][http][orig_fuids]
        -BRO_DATA:[http][request][mime_type] -BRO_DATA:[zeek][http][resp_fuids]
        -BRO_DATA:[http][response][mime_type]",
    ),
    (
        "BRO_DNS",
        r"\t",
        r"NUMBER:timestamp NOTSPACE:[zeek][session_id] IP:[source][ip] INT:[source][port]:int
        IP:[destination][ip] INT:[destination][port]:int WORD:[network][transport]
        -INT:[dns][id]:int -BRO_DATA:[dns][question][name] -INT:[zeek][dns][qclass]:int
        -BRO_DATA:[zeek][dns][qclass_name] -INT:[zeek][dns][qtype]:int
        -BRO_DATA:[dns][question][type] -INT:[zeek][dns][rcode]:int -BRO_DATA:[dns][response_code]
        -BRO_BOOL:[zeek][dns][AA] -BRO_BOOL:[zeek][dns][TC] -BRO_BOOL:[zeek][dns][RD]
        -BRO_BOOL:[zeek][dns][RA] -NONNEGINT:[zeek][dns][Z]:int -BRO_DATA:[zeek][dns][answers]
        -DATA:[zeek][dns][TTLs] -BRO_BOOL:[zeek][dns][rejected]",
    ),
    (
        "BRO_CONN",
        r"\t",
        r"NUMBER:timestamp NOTSPACE:[zeek][session_id] IP:[source][ip] INT:[source][port]:int
        IP:[destination][ip] INT:[destination][port]:int WORD:[network][transport]
        -BRO_DATA:[network][protocol] -NUMBER:[zeek][connection][duration]:float
        -INT:[zeek][connection][orig_bytes]:int -INT:[zeek][connection][resp_bytes]:int
        -BRO_DATA:[zeek][connection][state] -BRO_BOOL:[zeek][connection][local_orig]
        ( -BRO_BOOL:[zeek][connection][local_resp] )? -INT:[zeek][connection][missed_bytes]:int
        -BRO_DATA:[zeek][connection][history] -INT:[source][packets]:int -INT:[source][bytes]:int
        -INT:[destination][packets]:int -INT:[destination][bytes]:int
        ~BRO_DATA:[zeek][connection][tunnel_parents]",
    ),
    (
        "BRO_FILES",
        r"\t",
        r"NUMBER:timestamp NOTSPACE:[zeek][files][fuid] -IP:[server][ip] -IP:[client][ip]
        -BRO_DATA:[zeek][files][session_ids] -BRO_DATA:[zeek][files][source]
        -INT:[zeek][files][depth]:int -BRO_DATA:[zeek][files][analyzers] -BRO_DATA:[file][mime_type]
        -BRO_DATA:[file][name] -NUMBER:[zeek][files][duration]:float
        -BRO_DATA:[zeek][files][local_orig] -BRO_BOOL:[zeek][files][is_orig]
        -INT:[zeek][files][seen_bytes]:int -INT:[file][size]:int
        -INT:[zeek][files][missing_bytes]:int -INT:[zeek][files][overflow_bytes]:int
        -BRO_BOOL:[zeek][files][timedout] -BRO_DATA:[zeek][files][parent_fuid]
        -BRO_DATA:[file][hash][md5] -BRO_DATA:[file][hash][sha1] -BRO_DATA:[file][hash][sha256]
        -BRO_DATA:[zeek][files][extracted]",
    ),
    (
        "ZEEK_HTTP",
        r"\t",
        r"NUMBER:timestamp NOTSPACE:[zeek][session_id] IP:[source][ip] INT:[source][port]:int
        IP:[destination][ip] INT:[destination][port]:int INT:[zeek][http][trans_depth]:int
        -WORD:[http][request][method] -ZEEK_DATA:[url][domain] -ZEEK_DATA:[url][original]
        -ZEEK_DATA:[http][request][referrer] -NUMBER:[http][version]
        -ZEEK_DATA:[user_agent][original] -ZEEK_DATA:[zeek][http][origin]
        -NUMBER:[http][request][body][bytes]:int -NUMBER:[http][response][body][bytes]:int
        -POSINT:[http][response][status_code]:int -DATA:[zeek][http][status_msg]
        -POSINT:[zeek][http][info_code]:int -DATA:[zeek][http][info_msg]
        ~ZEEK_DATA:[zeek][http][tags] -ZEEK_DATA:[url][username] -ZEEK_DATA:[url][password]
        -ZEEK_DATA:[zeek][http][proxied] -ZEEK_DATA:[zeek][http][orig_fuids]
        -ZEEK_DATA:[zeek][http][orig_filenames] -ZEEK_DATA:[http][request][mime_type]
        -ZEEK_DATA:[zeek][http][resp_fuids] -ZEEK_DATA:[zeek][http][resp_filenames]
        -ZEEK_DATA:[http][response][mime_type]",
    ),
    (
        "ZEEK_DNS",
        r"\t",
        r"NUMBER:timestamp NOTSPACE:[zeek][session_id] IP:[source][ip] INT:[source][port]:int
        IP:[destination][ip] INT:[destination][port]:int WORD:[network][transport]
        -INT:[dns][id]:int -NUMBER:[zeek][dns][rtt]:float -ZEEK_DATA:[dns][question][name]
        -INT:[zeek][dns][qclass]:int -ZEEK_DATA:[zeek][dns][qclass_name] -INT:[zeek][dns][qtype]:int
        -ZEEK_DATA:[dns][question][type] -INT:[zeek][dns][rcode]:int
        -ZEEK_DATA:[dns][response_code] ZEEK_BOOL:[zeek][dns][AA] ZEEK_BOOL:[zeek][dns][TC]
        ZEEK_BOOL:[zeek][dns][RD] ZEEK_BOOL:[zeek][dns][RA] NONNEGINT:[zeek][dns][Z]:int
        -ZEEK_DATA:[zeek][dns][answers] -DATA:[zeek][dns][TTLs] -ZEEK_BOOL:[zeek][dns][rejected]",
    ),
    (
        "ZEEK_CONN",
        r"\t",
        r"NUMBER:timestamp NOTSPACE:[zeek][session_id] IP:[source][ip] INT:[source][port]:int
        IP:[destination][ip] INT:[destination][port]:int WORD:[network][transport]
        -ZEEK_DATA:[network][protocol] -NUMBER:[zeek][connection][duration]:float
        -INT:[zeek][connection][orig_bytes]:int -INT:[zeek][connection][resp_bytes]:int
        -ZEEK_DATA:[zeek][connection][state] -ZEEK_BOOL:[zeek][connection][local_orig]
        -ZEEK_BOOL:[zeek][connection][local_resp] -INT:[zeek][connection][missed_bytes]:int
        -ZEEK_DATA:[zeek][connection][history] -INT:[source][packets]:int -INT:[source][bytes]:int
        -INT:[destination][packets]:int -INT:[destination][bytes]:int
        -ZEEK_DATA:[zeek][connection][tunnel_parents]
        ( -COMMONMAC:[source][mac] -COMMONMAC:[destination][mac] )?",
    ),
    (
        "ZEEK_FILES",
        r"\t",
        r"NUMBER:timestamp NOTSPACE:[zeek][files][fuid] =%{ZEEK_FILES_TX_HOSTS}
        =%{ZEEK_FILES_RX_HOSTS} -ZEEK_DATA:[zeek][files][session_ids]
        -ZEEK_DATA:[zeek][files][source] -INT:[zeek][files][depth]:int
        -ZEEK_DATA:[zeek][files][analyzers] -ZEEK_DATA:[file][mime_type] -ZEEK_DATA:[file][name]
        -NUMBER:[zeek][files][duration]:float -ZEEK_DATA:[zeek][files][local_orig]
        -ZEEK_BOOL:[zeek][files][is_orig] -INT:[zeek][files][seen_bytes]:int -INT:[file][size]:int
        -INT:[zeek][files][missing_bytes]:int -INT:[zeek][files][overflow_bytes]:int
        -ZEEK_BOOL:[zeek][files][timedout] -ZEEK_DATA:[zeek][files][parent_fuid]
        -ZEEK_DATA:[file][hash][md5] -ZEEK_DATA:[file][hash][sha1] -ZEEK_DATA:[file][hash][sha256]
        -ZEEK_DATA:[zeek][files][extracted]
        ( -ZEEK_BOOL:[zeek][files][extracted_cutoff] -INT:[zeek][files][extracted_size]:int )?",
    ),
];

/// The pattern of such a line.
pub(super) fn pattern(separator: &str, columns: &str) -> String {
    let mut pattern = String::new();
    for column in columns.split_whitespace() {
        if column == "(" {
            pattern.push_str("(?:");
            continue;
        }
        if column == ")?" {
            pattern.push_str(column);
            continue;
        }
        if !pattern.is_empty() {
            pattern.push_str(separator);
        }
        let rest = column.get(1..).unwrap_or_default();
        pattern.push_str(&match column.as_bytes().first() {
            Some(b'=') => rest.to_owned(),
            Some(b'-') => format!("(?:-|%{{{rest}}})"),
            Some(b'~') => format!(r"(?:\(empty\)|%{{{rest}}})"),
            Some(b'"') => format!(r#""(?:-|%{{{rest}}})""#),
            _ => format!("%{{{column}}}"),
        });
    }
    pattern
}
