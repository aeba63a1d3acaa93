# shellcheck shell=bash disable=SC2034,SC2154 # scripts/engines gives and reads the variables
# Kafka in KRaft mode, broker and controller in one process. Its ports: without protection, the
# controller's, SASL (without TLS), TLS. Authorities, certificates and users live as long as the data.
# A broker that was killed may register again only after broker.session.timeout.ms, so that is short.
version=4.1.0
tools="mvn java openssl"
port_count=4
user=millrace password=millrace-secret

prepare() { mvn -B -q -Dkafka.version="$version" package; }

# An authority of its own and a certificate from it: a self-signed one is refused by strict clients.
certificate() {
  mkdir -p "$run/tls"
  (
    umask 077
    cd "$run/tls" || exit
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=millrace test authority" \
      -keyout ca.key -out ca.new
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr
    printf '%s\n' "subjectAltName=DNS:localhost,IP:127.0.0.1" "basicConstraints=CA:FALSE" \
      "extendedKeyUsage=serverAuth" >server.ext
    openssl x509 -req -in server.csr -CA ca.new -CAkey ca.key -CAcreateserial -days 3650 -extfile server.ext -out server.crt
    cat server.key server.crt >server.pem
    mv ca.new ca.pem
  ) >>"$run/log" 2>&1
}

configuration() {
  local modules=org.apache.kafka.common.security
  cat <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${ports[1]}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:${ports[1]},SASL://127.0.0.1:${ports[2]},TLS://127.0.0.1:${ports[3]}
advertised.listeners=PLAINTEXT://127.0.0.1:$port,SASL://127.0.0.1:${ports[2]},TLS://127.0.0.1:${ports[3]}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
listener.name.sasl.plain.sasl.jaas.config=$modules.plain.PlainLoginModule required user_$user="$password";
listener.name.sasl.scram-sha-256.sasl.jaas.config=$modules.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=$modules.scram.ScramLoginModule required;
listener.name.sasl.oauthbearer.sasl.jaas.config=$modules.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";
listener.name.tls.ssl.keystore.type=PEM
listener.name.tls.ssl.keystore.location=$run/tls/server.pem
log.dirs=$run/data
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=4000
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.coordinator.rebalance.protocols=classic,consumer
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
CONF
}

arguments() {
  local libs="$dist/target/libs/*" id
  [ -f "$run/tls/ca.pem" ] || certificate
  configuration >"$run/server.properties"
  if [ ! -f "$run/data/meta.properties" ]; then
    id=M$(head -c 64 /dev/urandom | base64 -w 0 | tr -dc A-Za-z0-9 | cut -c 1-20)A
    java -Xmx256m -cp "$libs" kafka.tools.StorageTool format -t "$id" -c "$run/server.properties" \
      --add-scram "SCRAM-SHA-256=[name=$user,password=$password]" \
      --add-scram "SCRAM-SHA-512=[name=$user,password=$password]" >>"$run/log" 2>&1
  fi
  argv=(java -Xmx512m -XX:+UseG1GC -Djava.awt.headless=true -cp "$libs" kafka.Kafka "$run/server.properties")
}

# Metadata (version 1, all topics): the answer names one broker once it is registered and not fenced.
ready() {
  local reply
  reply=$(ask '\0\0\0\16\0\3\0\1\0\0\0\7\377\377\377\377\377\377' 12)
  [ "${reply:8}" = 0000000700000001 ]
}

variables() {
  echo "MILLRACE_TEST_KAFKA=kafka://127.0.0.1:$port"
  echo "MILLRACE_TEST_KAFKA_SASL=127.0.0.1:${ports[2]}"
  echo "MILLRACE_TEST_KAFKA_TLS=127.0.0.1:${ports[3]}"
  echo "MILLRACE_TEST_KAFKA_CA=$run/tls/ca.pem"
}
