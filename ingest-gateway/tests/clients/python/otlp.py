"""Logs through the OpenTelemetry SDK, as a program does: otlp.py http|grpc ENDPOINT TOKEN COUNT COMPRESSION."""
import logging
import sys

from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

protocol, endpoint, token, count, compression = sys.argv[1:]
headers = {"authorization": f"Bearer {token}"}
if protocol == "grpc":
    from grpc import Compression
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

    compression = {"gzip": Compression.Gzip, "none": Compression.NoCompression}[compression]
    exporter = OTLPLogExporter(endpoint, insecure=True, headers=headers, compression=compression, timeout=60)
else:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    exporter = OTLPLogExporter(
        f"{endpoint}/v1/logs", headers=headers, compression=Compression(compression), timeout=60
    )
resource = Resource.create({"service.name": "checkout", "deployment.environment.name": "prod"})
provider = LoggerProvider(resource=resource)
provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_queue_size=100_000))
logger = logging.getLogger("shop.payment")
logger.addHandler(LoggingHandler(logger_provider=provider))
logger.setLevel(logging.INFO)
for n in range(int(count)):
    logger.warning("payment %d failed", n, extra={"order_id": f"o-{n}", "amount": 12.5, "retries": n})
try:
    raise ValueError("no such card")
except ValueError:
    logger.exception("at last")
provider.shutdown()
print("flushed")
