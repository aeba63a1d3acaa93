.PHONY: run build test soak web bench

run: build
	target/release/millrace up $(ARGS)

build: web
	cargo build --release --package millrace

web:
	scripts/setup build
	npm run build --silent --prefix query-api/web

test:
	scripts/test

soak:
	scripts/soak

bench:
	scripts/bench
