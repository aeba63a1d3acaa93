//! Numbers and times: what is proposed gives what the code would.

use serde_json::json;

use super::does;

#[test]
fn numbers_are_calculated() {
    for (code, before, after) in [
        (
            "event.set('s', event.get('a') - event.get('b'))",
            json!({"a": 5, "b": 2}),
            json!({"a": 5, "b": 2, "s": 3}),
        ),
        (
            "event.set('s', event.get('ms') / 1000.0)",
            json!({"ms": 1500}),
            json!({"ms": 1500, "s": 1.5}),
        ),
        (
            "event.set('s', event.get('a').to_i + event.get('b').to_i)",
            json!({"a": "5", "b": "2"}),
            json!({"a": "5", "b": "2", "s": 7}),
        ),
        (
            "event.set('p', (event.get('a').to_f / event.get('b').to_f * 100).round(2))",
            json!({"a": 1, "b": 3}),
            json!({"a": 1, "b": 3, "p": 33.33}),
        ),
        (
            "t = event.get('q') * event.get('p')\nevent.set('t', t + 1)",
            json!({"q": 2, "p": 3}),
            json!({"q": 2, "p": 3, "t": 7}),
        ),
        (
            "event.set('p', -event.get('a') ** 2)\nevent.set('q', event.get('a') ** event.get('b') ** 2)",
            json!({"a": 2, "b": 3}),
            json!({"a": 2, "b": 3, "p": -4, "q": 512}),
        ),
        ("event.set('n', (event.get('n') || 0) + 1)", json!({"n": 4}), json!({"n": 5})),
        ("event.set('n', (event.get('n') || 0) + 1)", json!({}), json!({"n": 1})),
        (
            "event.set('lat', event.get('lat') * 180.0 / Math::PI)",
            json!({"lat": 0}),
            json!({"lat": 0.0}),
        ),
        (
            "['a', 'b'].each{|s| v=event.get(s); event.set(s + '_s', v.to_f/1000.0) if v}",
            json!({"a": 1500}),
            json!({"a": 1500, "a_s": 1.5}),
        ),
    ] {
        does(code, before, after);
    }
}

#[test]
fn times_are_set() {
    for (code, before, after) in [
        (
            "event.set('@timestamp', LogStash::Timestamp.at(event.get('t')))",
            json!({"t": 0}),
            json!({"t": 0, "@timestamp": "1970-01-01T00:00:00.000Z"}),
        ),
        (
            "event.set('@timestamp', LogStash::Timestamp.new(Time.at(event.get('t').to_i / 1000.0)))",
            json!({"t": "1500"}),
            json!({"t": "1500", "@timestamp": "1970-01-01T00:00:01.500Z"}),
        ),
        (
            "event.set('d', Time.at(event.get('t').to_f).utc)",
            json!({"t": "1"}),
            json!({"t": "1", "d": "1970-01-01T00:00:01.000Z"}),
        ),
        (
            "event.timestamp = LogStash::Timestamp.coerce(event.get('t'))",
            json!({"t": "2020-01-01T00:00:00Z"}),
            json!({"t": "2020-01-01T00:00:00Z", "@timestamp": "2020-01-01T00:00:00.000Z"}),
        ),
        ("event.set('at', Time.now.utc)", json!({}), json!({"at": "2024-06-15T12:00:00.000Z"})),
        (
            "event.set('at', LogStash::Timestamp.now)",
            json!({}),
            json!({"at": "2024-06-15T12:00:00.000Z"}),
        ),
        (
            "event.set('@timestamp', LogStash::Timestamp.new(event.get('@timestamp').time - 3600))",
            json!({}),
            json!({"@timestamp": "2024-06-15T11:00:00.000Z"}),
        ),
        (
            "event.set('d', event.timestamp.time.localtime.strftime('%Y.%m.%d'))",
            json!({}),
            json!({"d": "2024.06.15"}),
        ),
    ] {
        does(code, before, after);
    }
}

#[test]
fn times_are_calculated_with() {
    for (code, before, after) in [
        (
            "event.set('took', event.get('@timestamp').to_f - event.get('start'))",
            json!({"start": 1_718_452_798.5}),
            json!({"start": 1_718_452_798.5, "took": 1.5}),
        ),
        (
            "event.set('t', event.get('@timestamp').time.localtime + 8*60*60)",
            json!({}),
            json!({"t": "2024-06-15T20:00:00.000Z"}),
        ),
        (
            "event.set('h', (event.get('@timestamp') - event.get('started')) / 3600)",
            json!({"started": "2024-06-15T10:30:00Z"}),
            json!({"started": "2024-06-15T10:30:00Z", "h": 1.5}),
        ),
        (
            "event.set('age', Time.now - event.get('@timestamp'))",
            json!({"@timestamp": "2024-06-15T11:59:00Z"}),
            json!({"@timestamp": "2024-06-15T11:59:00.000Z", "age": 60.0}),
        ),
        (
            "event.set('e', Time.parse(event.get('t')).to_i)",
            json!({"t": "1970-01-01T00:01:00.5Z"}),
            json!({"t": "1970-01-01T00:01:00.5Z", "e": 60}),
        ),
        (
            "event.set('ms', DateTime.parse(event.get('t')).to_f * 1000)",
            json!({"t": "1970-01-01T00:01:00.5Z"}),
            json!({"t": "1970-01-01T00:01:00.5Z", "ms": 60500.0}),
        ),
    ] {
        does(code, before, after);
    }
}
