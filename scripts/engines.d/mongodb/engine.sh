# shellcheck shell=bash disable=SC2034,SC2154 # scripts/engines gives and reads the variables
# SecantusDB: a server of MongoDB's protocol on WiredTiger, a replica set of one. GPL-2.0, run as a
# process of its own. Acknowledged writes survive kill -9 only with --sync-on-commit.
version=0.7.0b3
tools="python3"
port_count=1

# There are only pre-releases, so the version is exact.
prepare() {
  python3 -m venv venv
  venv/bin/pip install --quiet --disable-pip-version-check "SecantusDB==$version"
}

arguments() {
  : >"$run/empty.toml" # it then looks for no configuration elsewhere
  argv=("$dist/venv/bin/secantusd-py" --config "$run/empty.toml" --host 127.0.0.1 --port "$port"
    --storage-path "$run/data" --cache-size 1G --sync-on-commit --log-level WARNING)
}

# {ping: 1, $db: "admin"} as OP_MSG; the answer's opcode is OP_MSG too, and its document has {ok: 1.0}.
ready() {
  local reply
  # shellcheck disable=SC2016
  reply=$(ask '\63\0\0\0\1\0\0\0\0\0\0\0\335\7\0\0\0\0\0\0\0\36\0\0\0\20ping\0\1\0\0\0\2$db\0\6\0\0\0admin\0\0' 38)
  [[ ${reply:24:8} = dd070000 && $reply == *016f6b00000000000000f03f* ]]
}

variables() { echo "MILLRACE_TEST_MONGODB=mongodb://127.0.0.1:$port/?directConnection=true"; }
