"""Sends windows with pylogbeat: beats.py PORT WINDOWS EVENTS. Prints a line for each acknowledged window."""
import sys

from pylogbeat import PyLogBeatClient

port, windows, events = (int(argument) for argument in sys.argv[1:])
with PyLogBeatClient("127.0.0.1", port, timeout=30, ssl_enable=False) as client:
    for window in range(windows):
        client.send([
            {"@timestamp": "2026-01-31T12:00:00Z", "message": f"line {window}/{event} – ünïcode", "n": event}
            for event in range(events)
        ])
        print(f"acknowledged {window}", flush=True)
