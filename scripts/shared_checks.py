"""Sends real logs and another generator's events through a running platform and compares what is found.

Usage: shared_checks.py SHARED BINARY VECTORS SYSLOG INPUTS, where VECTORS is the program that runs Logstash's vectors
of filters, SYSLOG the one that runs those of syslog, and INPUTS the one that runs those of Logstash's codecs and inputs.
Ends with the number of checks that passed and failed.
"""

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import datetime, timezone

SHARED = sys.argv[1]
BINARY, VECTORS, SYSLOG, INPUTS = (os.path.abspath(path) for path in sys.argv[2:6])
PATIENCE_S = 300
DOORS = ["tcp", "udp", "http", "api", "metrics"]
# What the enricher calls each way in which the other generator breaks a line.
DEAD_KINDS = {
    "truncated": "invalid_json",
    "trailing_comma": "invalid_json",
    "single_quotes": "invalid_json",
    "plain_text": "not_an_object",
    "bare_nan": "invalid_json",
    "bad_utf8": "invalid_utf8",
    "two_objects": "trailing_data",
    "not_an_object": "not_an_object",
    "raw_control": "invalid_json",
    "unclosed_string": "invalid_json",
}
# Addresses of the files that the database has a country for, found by reading it with another program.
WITH_COUNTRY = {"nginx_json": 14_720, "apache": 9_999, "nginx": 14_720}
# Vectors that pass: all of those that are run, but for the failures that are known by name. These may only grow.
VECTORS_PASSED_MIN = 737
INPUTS_PASSED_MIN = 36
LISTED_PASSED_MIN = 8_908 + 136
passed, failed = 0, 0


def check(name, found, wanted):
    global passed, failed
    if found == wanted:
        passed += 1
        return
    failed += 1
    print(f"FAILED {name}: found {found!r}, wanted {wanted!r}")


class Platform:
    """A platform on free ports with a data folder of its own."""

    def __init__(self, *flags):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-shared-")
        self.data = os.path.join(self.folder.name, "data")
        free = [part for door in DOORS for part in (f"--{door}-listen", "127.0.0.1:0")]
        self.log = open(os.path.join(self.folder.name, "log"), "w+")
        arguments = [BINARY, "up", "--data", self.data, "--no-default-doors", *free, *flags]
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=self.log)
        self.addresses = eventually("the start", self.read_addresses)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        check("exit code", self.process.wait(20), 0)
        self.log.close()
        self.folder.cleanup()

    def read_addresses(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            sys.exit(self.log.read())
        try:
            with open(os.path.join(self.data, "run/addresses.json")) as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def tool(self, *arguments):
        command = [BINARY, *arguments, "--data", self.data]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def count(self, query):
        return int(self.tool("query", query, "--count", "--from", "1970-01-02T00:00:00Z"))

    def documents(self, query, limit=10):
        flags = ["--json", "--from", "1970-01-02T00:00:00Z", "--limit", str(limit)]
        found = [json.loads(line) for line in self.tool("query", query, *flags).splitlines()]
        # The tool prints these before the document's own fields.
        own = ("_id", "_index")
        return [{name: value for name, value in one.items() if name not in own} for one in found]

    def ledger(self, stage):
        status = json.loads(self.tool("status", "--json"))
        for ledger in status["stages"]:
            check(f"balance of {ledger['stage']}", ledger["balance"], 0)
        return next(ledger for ledger in status["stages"] if ledger["stage"] == stage)

    def settle(self, lines):
        """Waits until this many lines are through the whole line."""

        def settled():
            status = json.loads(self.tool("status", "--json"))
            stages = {ledger["stage"]: ledger for ledger in status["stages"]}
            # What is taken and not yet settled has no outputs that the next stage could lack.
            if any(ledger["in_flight"] for ledger in stages.values()):
                return None
            enricher, fraud_worker, indexer = (stages[name] for name in ("enricher", "fraud-worker", "indexer"))
            is_scored = fraud_worker["received"] >= enricher["outputs"]
            is_found = indexer["forwarded"] >= enricher["outputs"] + fraud_worker["outputs"]
            return enricher["received"] >= lines and is_scored and is_found or None

        eventually(f"{lines} lines", settled)

    def send_tcp(self, lines):
        host, port = self.addresses["tcp"].rsplit(":", 1)
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(lines)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)

    def send_http(self, body, headers):
        url = f"http://{self.addresses['http']}/v1/logs"
        request = urllib.request.Request(url, data=body, headers=headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


def eventually(what, ask):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(0.1)
    sys.exit(f"{what}: not within {PATIENCE_S} s")


def packed(path):
    with open(os.path.join(SHARED, "data/logs", path), "rb") as file:
        return file.read()


def other_generator():
    """Another program's events, with its own summary of what is right."""
    with tempfile.TemporaryDirectory() as folder:
        summary_path = os.path.join(folder, "summary.json")
        command = [sys.executable, os.path.join(SHARED, "tools/gen_events.py"), "--events", "100000"]
        command += ["--seed", "4711", "--malformed", "0.02", "--dirty", "0.03", "--summary", summary_path]
        lines = subprocess.run(command, check=True, capture_output=True).stdout
        with open(summary_path) as file:
            summary = json.load(file)
    with Platform() as platform:
        platform.send_tcp(lines)
        platform.settle(100_000)
        for log_type, wanted in summary["by_type"].items():
            check(f"type {log_type}", platform.count(f"type:{log_type}"), wanted)
        for day, wanted in summary["by_day"].items():
            query = f"_index:ecommerce-logs-*-{day} AND NOT type:fraud_score"
            check(f"day {day}", platform.count(query), wanted)
        undated = platform.count("tags:_timestampparsefailure")
        check("no usable timestamp", undated, summary["no_usable_timestamp"])
        dead = {}
        for kind, wanted in summary["malformed_by_kind"].items():
            dead[DEAD_KINDS[kind]] = dead.get(DEAD_KINDS[kind], 0) + wanted
        check("dead letters", platform.ledger("enricher")["dead"], dead)
        scores = platform.count("type:fraud_score")
        check("scores", scores, summary["by_type"]["transaction"])


def json_files():
    """Real NDJSON of three kinds: all of it is indexed, none of it dies."""
    with Platform() as platform:
        nginx = gzip.decompress(packed("http/nginx_json.ndjson.gz"))
        platform.send_tcp(nginx)
        invoices = packed("ecommerce/online_retail_invoices.ndjson.gz")
        answer = platform.send_http(invoices, {"Content-Encoding": "gzip"})
        check("invoices accepted", answer["accepted"], 12_830)
        status = packed("metrics/nginx_plus_status.ndjson.gz")
        answer = platform.send_http(status, {"Content-Encoding": "gzip"})
        check("status accepted", answer["accepted"], 300)
        platform.settle(15_000 + 12_830 + 300)
        check("dead", platform.ledger("enricher")["dead"], {})
        check("all documents", platform.count("NOT type:fraud_score"), 28_130)
        check("requests with an address", platform.count("client.ip:* AND http.response.status_code:*"), 15_000)
        check("addresses with a country", platform.count("client.geo.country_iso_code:*"), WITH_COUNTRY["nginx_json"])


def access_logs():
    """Real access logs through the pipeline for them."""
    flags = ["--pipeline", "enricher/pipelines/access-log.conf", "--codec", "plain"]
    for path, lines, parsed in (("apache", 10_000, 9_999), ("nginx", 15_000, 15_000)):
        with Platform(*flags) as platform:
            platform.send_tcp(gzip.decompress(packed(f"http/{path}_combined.log.gz")))
            platform.settle(lines)
            check(f"{path} dead", platform.ledger("enricher")["dead"], {})
            check(f"{path} parsed", platform.count("NOT tags:_grokparsefailure"), parsed)
            check(f"{path} tagged", platform.count("tags:_grokparsefailure"), lines - parsed)
            check(f"{path} countries", platform.count("client.geo.country_iso_code:*"), WITH_COUNTRY[path])


def lines_of(path, *numbers):
    """Lines of a packed file by number, from 1."""
    lines = gzip.decompress(packed(path)).splitlines()
    return [lines[number - 1].decode() for number in numbers]


def common(timestamp, **fields):
    """What every document of the type `other` has, with these fields."""
    document = {
        "@timestamp": timestamp,
        "ecs": {"version": "9.5.0"},
        "event": {"dataset": "other", "kind": "event"},
        "organization": {"id": "default"},
    }
    return document | fields


def stamp(text):
    """An access log's time in UTC, as documents write it."""
    moment = datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z").astimezone(timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def debian_agent(text):
    system = {"name": "Debian", "full": "Debian"}
    return {
        "original": text,
        "name": "Debian APT-HTTP",
        "version": text.split("/")[1].split()[0],
        "os": system,
        "device": {"name": "Other"},
    }


def request(method, status, size, version="1.1"):
    return {
        "request": {"method": method},
        "version": version,
        "response": {"status_code": status, "body": {"bytes": size}},
    }


def nginx_json_document(line, country):
    raw = json.loads(line)
    method, target, version = raw["request"].split()
    return common(
        stamp(raw["time"]),
        http=request(method, raw["response"], raw["bytes"], version.split("/")[1]),
        url={"original": target},
        client={"ip": raw["remote_ip"], "geo": {"country_iso_code": country}},
        user_agent=debian_agent(raw["agent"]),
    )


def access_log_document(line, country):
    """For lines of Debian's package tool, without a user and a referrer."""
    client, _, _, time_of_day, zone, method, target, version, status, size, rest = line.split(" ", 10)
    return common(
        stamp(f"{time_of_day[1:]} {zone[:-1]}"),
        message=line,
        http=request(method[1:], int(status), int(size), version[:-1].split("/")[1]),
        url={"original": target, "path": target},
        client={"ip": client, "geo": {"country_iso_code": country}},
        user_agent=debian_agent(rest.split('"')[3]),
    )


def browser_document(line, country, agent):
    """For a line with a referrer and a browser, whose reading is given."""
    parts = line.split('"')
    client, target = line.split()[0], parts[1].split()[1]
    status, size = parts[2].split()
    http = request(parts[1].split()[0], int(status), int(size))
    if parts[3] != "-":
        http["request"]["referrer"] = parts[3]
    path, _, query = target.partition("?")
    url = {"original": target, "path": path} | ({"query": query} if query else {})
    return common(
        stamp(line.split("[")[1].split("]")[0]),
        message=line,
        http=http,
        url=url,
        client={"ip": client, "geo": {"country_iso_code": country}},
        user_agent={"original": parts[5]} | agent,
    )


def invoice_document(line):
    raw = json.loads(line)
    items = [
        {
            "sku": item["StockCode"],
            "name": item["Description"],
            "quantity": int(item["Quantity"]),
            "unit_price": float(item["UnitPrice"]),
        }
        for item in raw["Items"]
    ]
    order = {"id": raw["InvoiceNo"], "billing_country": raw["Country"], "items": items}
    moment = raw["InvoiceDate"].replace(" ", "T") + ".000Z"
    return common(moment, shop={"order": order}, user={"id": raw["CustomerID"]})


def status_document(line):
    """NGINX's own status: a time, a version, and all else as it is."""
    raw = json.loads(line)
    moment = datetime.fromtimestamp(raw["timestamp"] // 1000, timezone.utc)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{raw['timestamp'] % 1000:03}Z"
    rest = {key: value for key, value in raw.items() if key not in ("timestamp", "version")}
    return common(text, service={"version": str(raw["version"])}, shop={"extra": rest})


CHROME = {
    "name": "Chrome",
    "version": "32.0.1700.77",
    "os": {"name": "Mac OS X", "version": "10.9.1", "full": "Mac OS X 10.9.1"},
    "device": {"name": "Mac"},
}
FIREFOX = {
    "name": "Firefox",
    "version": "27.0",
    "os": {"name": "Windows", "version": "7", "full": "Windows 7"},
    "device": {"name": "Other"},
}
UNKNOWN = {"name": "Other", "os": {"name": "Other", "full": "Other"}, "device": {"name": "Other"}}


def compare(platform, name, lines, expected):
    """Sends lines one by one, and compares each document in full but for its id and time of receipt."""
    seen = {document["event"]["id"] for document in platform.documents("NOT type:fraud_score", 100)}
    for number, (line, wanted) in enumerate(zip(lines, expected)):
        platform.send_tcp(line.encode() + b"\n")

        def fresh():
            documents = platform.documents("NOT type:fraud_score", 100)
            return next((one for one in documents if one["event"]["id"] not in seen), None)

        found = eventually(f"{name} {number}", fresh)
        seen.add(found["event"].pop("id"))
        check(f"{name} {number} received", found["event"].pop("created")[:4].isdigit(), True)
        check(f"{name} {number}", found, wanted)


def whole_documents():
    """Three documents of each file, compared in full with what another reading of the line gives."""
    with Platform() as platform:
        lines = lines_of("http/nginx_json.ndjson.gz", 1, 7_500, 15_000)
        expected = [nginx_json_document(*pair) for pair in zip(lines, ["NL", "FR", "US"])]
        compare(platform, "nginx_json", lines, expected)
        lines = lines_of("ecommerce/online_retail_invoices.ndjson.gz", 1, 15, 17)
        compare(platform, "invoices", lines, map(invoice_document, lines))
        lines = lines_of("metrics/nginx_plus_status.ndjson.gz", 1, 150, 300)
        compare(platform, "status", lines, map(status_document, lines))
    with Platform("--pipeline", "enricher/pipelines/access-log.conf", "--codec", "plain") as platform:
        lines = lines_of("http/nginx_combined.log.gz", 1, 9_000, 15_000)
        expected = [access_log_document(*pair) for pair in zip(lines, ["NL", "US", "US"])]
        compare(platform, "nginx_combined", lines, expected)
        lines = lines_of("http/apache_combined.log.gz", 1, 5_001, 10_000)
        agents = zip(lines, ["RU", "AU", "FR"], [CHROME, FIREFOX, UNKNOWN])
        compare(platform, "apache_combined", lines, [browser_document(*one) for one in agents])


def vectors():
    """Logstash's own vectors, user agents and addresses: at least as many pass as ever did."""
    folder = os.path.join(SHARED, "conformance")
    of_logstash = os.path.join(folder, "logstash")
    databases = os.path.join(SHARED, "data/geoip/test-data")
    regexes = ["--regexes", os.path.join(folder, "useragent_regexes.yaml")]
    cities = ["--geoip", os.path.join(databases, "GeoIP2-City-Test.mmdb")]
    systems = ["--geoip-systems", os.path.join(databases, "GeoLite2-ASN-Test.mmdb")]
    known = ["--known", "enricher/examples/conformance/known.txt"]
    known_inputs = ["--known", "millrace/examples/input_conformance/known.txt"]
    for program, folder, wanted, flags in (
        (VECTORS, of_logstash, VECTORS_PASSED_MIN, regexes + cities + systems + known),
        (VECTORS, folder, LISTED_PASSED_MIN, regexes + cities),
        (INPUTS, of_logstash, INPUTS_PASSED_MIN, known_inputs),
    ):
        run = subprocess.run([program, folder, *flags], capture_output=True, text=True)
        check(f"vectors of {folder} that fail and are not known to\n{run.stdout}", run.returncode, 0)
        rows = [line.split() for line in run.stdout.splitlines()]
        found = sum(int(row[1]) for row in rows if row[1].isdigit())
        check(f"vectors of {folder}, at least {wanted} of which pass", max(found, wanted), found)


def syslog_vectors():
    """Lines and streams of syslog: all of them pass."""
    path = os.path.join(SHARED, "conformance/syslog.json")
    run = subprocess.run([SYSLOG, path, "--show"], capture_output=True, text=True)
    check(f"vectors of {path}\n{run.stdout}", run.returncode, 0)


def main():
    other_generator()
    json_files()
    access_logs()
    whole_documents()
    vectors()
    syslog_vectors()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
