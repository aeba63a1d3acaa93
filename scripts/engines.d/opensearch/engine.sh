# shellcheck shell=bash disable=SC2034,SC2154 # scripts/engines gives and reads the variables
# OpenSearch: the distribution for integration tests, with the modules that it leaves out.
version=2.19.6
tools="mvn java javac curl"
port_count=1

prepare() {
  mvn -B -q -Dopensearch.version="$version" package
  cp -R modules/. "target/dist/opensearch-$version/modules/"
  javac -cp "target/dist/opensearch-$version/lib/*" -d classes RunNode.java
}

arguments() {
  local home=$dist/target/dist/opensearch-$version
  mkdir -p "$run"/{tmp,logs,repo}
  argv=(java -Xms512m -Xmx1g -XX:+UseG1GC -Djava.io.tmpdir="$run/tmp" -Djava.awt.headless=true
    -Dfile.encoding=UTF-8 "-Djava.locale.providers=SPI,COMPAT" -Dlog4j2.formatMsgNoLookups=true
    -Dlog4j.shutdownHookEnabled=false -Dopensearch.distribution.type=tar
    -Dopensearch.path.home="$home" -Dopensearch.path.conf="$dist/config"
    -Dhome="$home" -Dconf="$dist/config" -cp "$dist/classes:$home/lib/*" RunNode
    path.data="$run/data" path.logs="$run/logs" path.repo="$run/repo" http.port="$port")
}

ready() {
  curl -fs -m 5 -o "$run/health" "http://127.0.0.1:$port/_cluster/health?wait_for_status=yellow&timeout=2s"
}

variables() { echo "MILLRACE_TEST_OPENSEARCH=http://127.0.0.1:$port"; }
