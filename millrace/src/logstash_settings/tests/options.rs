//! Every option that Logstash's reference names is known.

use super::carried;
use crate::logstash_settings::Reach;

const EVERY_INPUT: &str = "add_field codec enable_metric id tags type";
const EVERY_OUTPUT: &str = "codec enable_metric id";
const SASL: &str = "jaas_path kerberos_config sasl_client_callback_handler_class sasl_jaas_config \
    sasl_kerberos_service_name sasl_login_callback_handler_class sasl_login_connect_timeout_ms \
    sasl_login_read_timeout_ms sasl_login_retry_backoff_max_ms sasl_login_retry_backoff_ms sasl_mechanism \
    sasl_oauthbearer_scope_claim_name sasl_oauthbearer_token_endpoint_url security_protocol \
    ssl_endpoint_identification_algorithm ssl_key_password ssl_keystore_location ssl_keystore_password \
    ssl_keystore_type ssl_truststore_location ssl_truststore_password ssl_truststore_type";

const INPUTS: [(&str, &str); 11] = [
    (
        "tcp",
        "dns_reverse_lookup_enabled ecs_compatibility host mode port proxy_protocol ssl_certificate \
         ssl_certificate_authorities ssl_cipher_suites ssl_client_authentication ssl_enabled ssl_extra_chain_certs \
         ssl_key ssl_key_passphrase ssl_supported_protocols ssl_verification_mode tcp_keep_alive ssl_cert \
         ssl_enable ssl_verify",
    ),
    (
        "udp",
        "buffer_size ecs_compatibility host port queue_size receive_buffer_bytes source_ip_fieldname workers",
    ),
    (
        "http",
        "additional_codecs ecs_compatibility host password port max_content_length max_pending_requests \
         response_headers response_code remote_host_target_field request_headers_target_field ssl_certificate \
         ssl_certificate_authorities ssl_cipher_suites ssl_client_authentication ssl_enabled ssl_handshake_timeout \
         ssl_key ssl_key_passphrase ssl_keystore_password ssl_keystore_path ssl_keystore_type \
         ssl_supported_protocols ssl_truststore_password ssl_truststore_path ssl_truststore_type threads user \
         cipher_suites keystore keystore_password ssl ssl_verify_mode tls_max_version tls_min_version verify_mode",
    ),
    (
        "beats",
        "add_hostname client_inactivity_timeout ecs_compatibility enrich event_loop_threads executor_threads host \
         include_codec_tag port ssl_certificate ssl_certificate_authorities ssl_cipher_suites \
         ssl_client_authentication ssl_enabled ssl_handshake_timeout ssl_key ssl_key_passphrase \
         ssl_supported_protocols cipher_suites ssl ssl_peer_metadata ssl_verify_mode tls_max_version \
         tls_min_version",
    ),
    (
        "kafka",
        "auto_commit_interval_ms auto_create_topics auto_offset_reset bootstrap_servers check_crcs \
         client_dns_lookup client_id client_rack connections_max_idle_ms consumer_threads decorate_events \
         enable_auto_commit exclude_internal_topics fetch_max_bytes fetch_max_wait_ms fetch_min_bytes group_id \
         group_instance_id heartbeat_interval_ms isolation_level key_deserializer_class max_partition_fetch_bytes \
         max_poll_interval_ms max_poll_records metadata_max_age_ms partition_assignment_strategy poll_timeout_ms \
         receive_buffer_bytes reconnect_backoff_ms request_timeout_ms retry_backoff_ms schema_registry_key \
         schema_registry_proxy schema_registry_secret schema_registry_ssl_keystore_location \
         schema_registry_ssl_keystore_password schema_registry_ssl_keystore_type \
         schema_registry_ssl_truststore_location schema_registry_ssl_truststore_password \
         schema_registry_ssl_truststore_type schema_registry_url schema_registry_validation send_buffer_bytes \
         session_timeout_ms topics topics_pattern value_deserializer_class",
    ),
    (
        "file",
        "check_archive_validity close_older delimiter discover_interval ecs_compatibility exclude exit_after_read \
         file_chunk_count file_chunk_size file_completed_action file_completed_log_path file_sort_by \
         file_sort_direction ignore_older max_open_files mode path sincedb_clean_after sincedb_path \
         sincedb_write_interval start_position stat_interval",
    ),
    (
        "syslog",
        "ecs_compatibility facility_labels grok_pattern host locale port proxy_protocol severity_labels syslog_field \
         timezone use_labels",
    ),
    (
        "unix",
        "data_timeout ecs_compatibility force_unlink mode path socket_not_present_retry_interval_seconds",
    ),
    ("stdin", "ecs_compatibility"),
    ("generator", "count ecs_compatibility lines message threads"),
    (
        "redis",
        "batch_count command_map data_type db host path key password port ssl threads timeout",
    ),
];

const OUTPUTS: [(&str, &str); 5] = [
    (
        "elasticsearch",
        "action api_key bulk_path ca_trusted_fingerprint cloud_auth cloud_id compression_level custom_headers \
         data_stream data_stream_auto_routing data_stream_dataset data_stream_namespace data_stream_sync_fields \
         data_stream_type dlq_custom_codes dlq_on_failed_indexname_interpolation doc_as_upsert document_id \
         document_type ecs_compatibility failure_type_logging_whitelist healthcheck_path hosts http_compression \
         ilm_enabled ilm_pattern ilm_policy ilm_rollover_alias index join_field silence_errors_in_log \
         manage_template parameters parent password path pipeline pool_max pool_max_per_route proxy \
         resurrect_delay retry_initial_interval retry_max_interval retry_on_conflict routing script script_lang \
         script_type script_var_name scripted_upsert sniffing sniffing_delay sniffing_path ssl_certificate \
         ssl_certificate_authorities ssl_cipher_suites ssl_enabled ssl_key ssl_keystore_password ssl_keystore_path \
         ssl_keystore_type ssl_supported_protocols ssl_truststore_password ssl_truststore_path ssl_truststore_type \
         ssl_verification_mode template template_api template_name template_overwrite timeout upsert user \
         validate_after_inactivity version version_type cacert keystore keystore_password ssl \
         ssl_certificate_verification truststore truststore_password",
    ),
    (
        "kafka",
        "acks batch_size bootstrap_servers buffer_memory client_dns_lookup client_id compression_type \
         connections_max_idle_ms key_serializer linger_ms max_request_size message_headers message_key \
         metadata_fetch_timeout_ms metadata_max_age_ms partitioner receive_buffer_bytes reconnect_backoff_ms \
         request_timeout_ms retries retry_backoff_ms send_buffer_bytes topic_id value_serializer",
    ),
    ("stdout", ""),
    (
        "file",
        "create_if_deleted dir_mode file_mode filename_failure flush_interval gzip path stale_cleanup_interval \
         write_behavior",
    ),
    (
        "http",
        "automatic_retries connect_timeout content_type cookies follow_redirects format headers http_compression \
         http_method ignorable_codes keepalive mapping message pool_max pool_max_per_route proxy request_timeout \
         retry_failed retry_non_idempotent retryable_codes socket_timeout ssl_certificate \
         ssl_certificate_authorities ssl_cipher_suites ssl_enabled ssl_key ssl_keystore_password ssl_keystore_path \
         ssl_keystore_type ssl_supported_protocols ssl_truststore_password ssl_truststore_path ssl_truststore_type \
         ssl_verification_mode url validate_after_inactivity",
    ),
];

fn check(section: &str, plugin: &str, option: &str) {
    // A value that many options refuse, which is no matter: that it is unknown must not be said.
    let text = format!("{section} {{ {plugin} {{ {option} => 1 }} }}");
    if let Err(mistakes) = carried(&text, Reach::default()) {
        assert!(!mistakes.contains("has no option"), "{mistakes}");
    }
    let needed = match (section, plugin) {
        ("input", "beats" | "tcp" | "udp") => "port => 1",
        ("input", "file" | "unix") => "path => '/a'",
        _ => "",
    };
    let made_up = format!("{section} {{ {plugin} {{ {needed} {option}_x => 1 }} }}");
    let mistakes = carried(&made_up, Reach::default()).map(|_| ()).expect_err(&made_up);
    assert!(mistakes.contains(&format!("has no option `{option}_x`")), "{mistakes}");
}

#[test]
fn every_option_of_the_reference_is_known_and_no_other() {
    for (plugin, options) in INPUTS {
        let kafka = if plugin == "kafka" { SASL } else { "" };
        let all = [options, EVERY_INPUT, kafka].join(" ");
        all.split_whitespace().for_each(|option| check("input", plugin, option));
    }
    for (plugin, options) in OUTPUTS {
        let kafka = if plugin == "kafka" { SASL } else { "" };
        let all = [options, EVERY_OUTPUT, kafka].join(" ");
        all.split_whitespace().for_each(|option| check("output", plugin, option));
    }
}
