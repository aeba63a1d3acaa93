# shellcheck shell=bash disable=SC2034,SC2154 # scripts/engines gives and reads the variables
# Debian's Redis. A cache: it writes nothing to disk and is empty after a restart.
version=$({ redis-server --version 2>/dev/null || true; } | sed -n 's/.* v=\([0-9.]*\).*/\1/p')
tools="redis-server"
port_count=1

prepare() { :; }

arguments() {
  argv=(redis-server --bind 127.0.0.1 --port "$port" --dir "$run/data" --save "" --appendonly no
    --daemonize no --set-proc-title no)
}

ready() { [ "$(ask 'PING\r\n' 5)" = 2b504f4e47 ]; } # +PONG

variables() { echo "MILLRACE_TEST_REDIS=redis://127.0.0.1:$port"; }
