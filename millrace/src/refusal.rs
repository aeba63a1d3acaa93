//! Which refusals of the doors are mistakes of whoever has set them: another start with the same settings would end in
//! the same way. They have the exit code of a mistake in the configuration, wherever they are found.

use ingest_gateway::{Config, GatewayError, MemoryPart};

use crate::command::Failure;

/// Fits the doors' memory to what this process may use.
///
/// # Errors
/// It may use so little that the doors cannot work.
pub(crate) fn fit_to_process(config: &mut Config, part: MemoryPart) -> Result<(), Failure> {
    config.fit_to_process(part).map_err(|problem| of_doors(GatewayError::Settings(vec![problem])))
}

/// Why the doors do not open.
pub(crate) fn of_doors(error: GatewayError) -> Failure {
    match error {
        GatewayError::Settings(_) => Failure::usage(error.to_string()),
        // Another program, a disk or the system may be the reason, and pass.
        _ => Failure::of(error),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use ingest_gateway::{Config, GatewayError, MemoryPart, bind};
    use service::{ByteSize, LimitSource, MemoryLimit};

    use super::of_doors;

    #[test]
    fn too_little_memory_is_a_mistake_as_any_other_setting_is() {
        let limit = MemoryLimit { bytes: ByteSize(100 << 20), source: LimitSource::Machine };
        let problem = Config::default().fit_memory(&limit, MemoryPart::Quarter);
        let problem = problem.expect_err("a quarter is 25MiB");
        let failure = of_doors(GatewayError::Settings(vec![problem]));
        assert_eq!(failure.exit_code, 64, "{failure}");
        assert!(failure.message.starts_with("ingest_gateway.memory_bytes_max: "), "{failure}");

        let mut lines = Config { line_bytes_max: ByteSize(4 << 20), ..Config::default().closed() };
        let limit = MemoryLimit { bytes: ByteSize(128 << 20), source: LimitSource::Machine };
        lines.fit_memory(&limit, MemoryPart::Quarter).expect("a quarter is 32MiB");
        let failure = of_doors(bind(lines).expect_err("16 lines do not fit"));
        assert_eq!(failure.exit_code, 64, "{failure}");
    }

    #[test]
    fn a_port_in_use_is_no_mistake() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut config = Config::default().closed();
        let address = taken.local_addr().expect("an address");
        config.tcp.listen = address.to_string().parse().expect("an address");
        let failure = of_doors(bind(config).expect_err("it is taken"));
        assert_eq!(failure.exit_code, 1, "{failure}");
    }
}
