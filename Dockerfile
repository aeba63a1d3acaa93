# Millrace: one image with the six programs. `docker build -t millrace .`
#
# The build needs what `scripts/setup build` installs; the image holds the programs and what they link.
FROM rust:1.95-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends nodejs npm netcat-openbsd cmake pkg-config libssl-dev zlib1g-dev liblz4-dev libcurl4-openssl-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN scripts/setup build \
 && npm run build --silent --prefix query-api/web \
 && cargo build --release --locked --package millrace --bins \
 && mkdir /programs \
 && for program in millrace ingest-gateway enricher fraud-worker indexer query-api; do \
      strip --strip-debug -o "/programs/$program" "target/release/$program" || exit 1; \
    done

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libssl3 liblz4-1 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/millrace --create-home millrace
COPY --from=build /programs/ /usr/local/bin/
COPY --from=build /src/LICENSE /usr/share/doc/millrace/LICENSE
USER 10001
WORKDIR /var/lib/millrace
VOLUME /var/lib/millrace
# Lines over TCP and UDP, HTTP with `_bulk` and OTLP, API and pages, metrics and health. All listen within the container
# (127.0.0.1) until a setting says otherwise.
EXPOSE 5000/tcp 5000/udp 8080 8000 9600
# OTLP over HTTP and gRPC, Beats, syslog.
EXPOSE 4318 4317 5044 5514/tcp 5514/udp
# Off unless a setting opens them: where clients of Elasticsearch look, syslog with TLS.
EXPOSE 9200 6514
ENTRYPOINT ["millrace"]
CMD ["up"]
