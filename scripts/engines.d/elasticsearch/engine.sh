# shellcheck shell=bash disable=SC2034,SC2154 # scripts/engines gives and reads the variables
# Elasticsearch: the distribution for integration tests, and our own module shim/ in it, which answers
# GET / and keeps ILM policies (it executes none). Downloaded, never redistributed.
version=8.19.21
tools="mvn java javac jar curl"
port_count=1

prepare() {
  local home=target/dist/elasticsearch-$version
  mvn -B -q -Delasticsearch.version="$version" package
  rm -rf "$home/modules/apm"
  mkdir -p "$home/plugins" "$home/modules/millrace-shim"
  javac -cp "$home/lib/*" -d classes RunNode.java
  javac -nowarn -Xlint:none -cp "$home/lib/*:$home/modules/x-pack-core/*" -d shim-classes shim/ShimPlugin.java
  jar cf "$home/modules/millrace-shim/millrace-shim.jar" -C shim-classes .
  cp shim/plugin-descriptor.properties "$home/modules/millrace-shim/"
}

arguments() {
  local home=$dist/target/dist/elasticsearch-$version native
  native=$home/lib/platform/linux-x64
  if [ "$(uname -m)" = aarch64 ]; then native=$home/lib/platform/linux-aarch64; fi
  mkdir -p "$run"/{tmp,logs,repo}
  argv=(java -Xms512m -Xmx1g -XX:+UseG1GC -Djava.io.tmpdir="$run/tmp" -Djava.awt.headless=true
    -Dfile.encoding=UTF-8 "-Djava.locale.providers=SPI,COMPAT" -Dlog4j2.formatMsgNoLookups=true
    -Dlog4j.shutdownHookEnabled=false -Djava.library.path="$native" -Djna.library.path="$native"
    -Des.nativelibs.path="$native" -Des.path.home="$home" -Des.path.conf="$dist/config"
    -Des.distribution.type=zip -Dhome="$home" -Dconf="$dist/config"
    --module-path "$home/lib" "--add-modules=ALL-MODULE-PATH,jdk.net,jdk.management.agent"
    -cp "$dist/classes" RunNode
    path.data="$run/data" path.logs="$run/logs" path.repo="$run/repo" http.port="$port")
}

ready() {
  curl -fs -m 5 -o "$run/health" "http://127.0.0.1:$port/_cluster/health?wait_for_status=yellow&timeout=2s"
}

variables() { echo "MILLRACE_TEST_ELASTICSEARCH=http://127.0.0.1:$port"; }
