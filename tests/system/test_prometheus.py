# SPDX-License-Identifier: BSD-2-Clause
"""A real Prometheus, with the rules that are installed, reads a loaded twampd: each alert fires when
its trouble is there, and each query of the dashboard finds what it asks for.
"""

import json
import os
import re
import signal
import subprocess
import tempfile
import urllib.parse

import harness
import scrape
from asserting import pause
from harness import test, true, wait_for
from rawclient import make_packet, make_request
from scrape import PORT

CONF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "conf")
SERVED = 9090
LIGHT = 8620
CONFIG = {
    "metrics": {"port": PORT},
    "limits": {"max_sessions": 40},
    "overload": {"loop_lag": 200},
    "light": [{"port": LIGHT, "type": "stamp", "stateful": True, "clients": ["0.0.0.0/0"]}],
    "clients": [{"name": "own", "prefixes": ["198.51.100.2"]}],
}


class Prometheus:
    """In the server's namespace. It looks every second, and alerts wait for nothing: the real times
    are for promtool (tests/prometheus)."""

    def __init__(self, t, d):
        self.daemon = d
        self.folder = tempfile.TemporaryDirectory(prefix="twampd-prometheus-")
        with open(os.path.join(CONF, "prometheus-rules.yml")) as f:
            rules = re.sub(r"\bfor: \w+", "for: 0s", f.read())
        self.write("rules.yml", rules)
        self.write("prometheus.yml", json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "twampd", "static_configs": [
                {"targets": ["127.0.0.1:%d" % PORT]}]}]}))
        server = d.run.net.server
        self.process = subprocess.Popen(
            ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
             "--web.listen-address=127.0.0.1:%d" % SERVED, "--log.level=warn"],
            cwd=self.folder.name, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: harness.enter_namespace(server))
        t.stack.callback(self.close)
        wait_for(self.is_ready, "Prometheus")

    def write(self, name, text):
        with open(os.path.join(self.folder.name, name), "w") as f:
            f.write(text)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def is_ready(self):
        true(self.process.poll() is None, "Prometheus has ended")
        try:
            return scrape.get(self.daemon, "/-/ready", port=SERVED)[0] == 200
        except (scrape.Refused, OSError):
            return False

    def ask(self, path, **arguments):
        status, _, body = scrape.get(
            self.daemon, "/api/v1/%s?%s" % (path, urllib.parse.urlencode(arguments)), port=SERVED)
        true(status == 200, "%s %r: %s" % (path, arguments, body))
        return json.loads(body)["data"]

    def query(self, expression):
        return self.ask("query", query=expression)["result"]

    def firing(self):
        return {a["labels"]["alertname"]: a["annotations"]["summary"]
                for a in self.ask("alerts")["alerts"] if a["state"] == "firing"}

    def wait_alert(self, name):
        return wait_for(lambda: self.firing().get(name), name + " to fire")


def fill_table(t):
    """All places are taken."""
    c = t.connect()
    request = make_request(sender_port=t.sender().port)
    c.send(request * 60)
    return [c.accept_session().accept for _ in range(60)]


def overload(t, d):
    """The main thread comes late, until somebody is refused for it."""
    def refused():
        d.signal(signal.SIGSTOP)
        wait_for(lambda: "T" in open("/proc/%d/stat" % d.pid).read().split(")")[1].split()[0],
                 "twampd to stand still")
        pause(0.3, "the main thread is late by more than overload.loop_lag")
        d.signal(signal.SIGCONT)
        return value_of(d, "twampd_overloaded") == 1
    wait_for(refused, "an overload")


def value_of(d, name, **labels):
    return scrape.value(scrape.scrape(d), name, **labels)


def overflow(t, d):
    """More packets wait than the queue has room for."""
    sender = t.sender()
    d.signal(signal.SIGSTOP)
    try:
        for number in range(3000):
            sender.send((t.server, LIGHT), make_packet(number, padding=bytes(1000)))
    finally:
        d.signal(signal.SIGCONT)
    wait_for(lambda: value_of(d, "twampd_light_packets_total", result="rcvbuf") > 0,
             "packets that had no room")


@test
def alerts_and_queries(t):
    d = t.daemon(CONFIG)
    control, sender, to = t.session()
    for number in range(20):
        sender.send(to, make_packet(number))
        true(sender.receive() is not None, "a reply")
    p = Prometheus(t, d)
    true(wait_for(lambda: p.query("count(twampd_build_info)"), "the first look"), "a look")
    quiet = p.firing()
    true(not set(quiet) - {"TwampdClockLost"}, "alerts before there is trouble: %r" % quiet)
    codes = fill_table(t)
    true(4 in codes, "no session was refused: %r" % codes)
    overflow(t, d)
    for number in range(20):
        sender.send(to, make_packet(number + 20))
        true(sender.receive() is not None, "a reply")
    text = p.wait_alert("TwampdTableFull")
    true("class own: max-sessions" in text, text)
    p.wait_alert("TwampdClientRefused")
    p.wait_alert("TwampdReceiveDrops")
    d.reload(text="nonsense", expect="reload failed")
    p.wait_alert("TwampdReloadFailed")
    overload(t, d)
    p.wait_alert("TwampdOverloaded")
    if not value_of(d, "twampd_clock_synchronized"):
        p.wait_alert("TwampdClockLost")
    dashboard_finds_all(p)
    control.close()


def dashboard_finds_all(p):
    """Each query gives something: its names and labels are those that there are."""
    with open(os.path.join(CONF, "grafana-dashboard.json")) as f:
        dashboard = json.load(f)
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    true(len(queries) > 20, "queries of the dashboard")
    for query in queries:
        query = query.replace("$instance", ".*").replace("$__rate_interval", "1m")
        wait_for(lambda q=query: p.query(q), "something for " + query)
    names = set(re.findall(r"\btwampd_\w+", json.dumps(dashboard)))
    with open(os.path.join(CONF, "prometheus-rules.yml")) as f:
        names |= set(re.findall(r"\btwampd_\w+", f.read()))
    known = set(p.ask("label/__name__/values"))
    true(not names - known, "there are no such metrics: %r" % sorted(names - known))


if __name__ == "__main__":
    harness.main()
