# SPDX-License-Identifier: BSD-2-Clause
"""Metrics of the real twampd over HTTP: that each counts what it says, that they are what
Prometheus takes, and what becomes of them when settings and addresses change.
"""

import os
import signal
import socket
import subprocess

import harness
import rawclient
import scrape
from harness import SERVER, same, test, true
from keyed import KEY, keyed_daemon, refused
from manager import check_sessions, managed, sessions_of
from rawclient import make_packet
from scrape import METRICS, PORT, value


def promtool(text):
    """What Debian's promtool has to say about it."""
    r = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    same((r.returncode, r.stdout), (0, ""), "promtool check metrics")


@test
def off_unless_set(t):
    d = t.daemon()
    true("9862" not in d.log(), "it says that metrics are served")
    try:
        scrape.get(d, "/metrics")
    except scrape.Refused:
        pass
    else:
        raise AssertionError("metrics are served")
    d.reload(METRICS, expect="metrics and the status page are served at http://127.0.0.1:9862/")
    same(value(scrape.scrape(d), "twampd_connections"), 0, "connections")
    d.reload({"metrics": {"port": 0}})
    try:
        scrape.get(d, "/metrics")
    except scrape.Refused:
        return
    raise AssertionError("metrics are served")


@test
def formats(t):
    d = t.daemon(dict(METRICS, light=[{"port": 8620, "type": "stamp", "stateful": True,
                                       "clients": ["0.0.0.0/0"]}]))
    status, headers, text = scrape.get(d, "/metrics")
    same((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"),
         "the older format")
    promtool(text)
    status, headers, text = scrape.get(
        d, "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    same(headers["Content-Type"], "application/openmetrics-text; version=1.0.0; charset=utf-8",
         "the new one")
    true(text.endswith("\n# EOF\n"), "the end of OpenMetrics")
    same(scrape.get(d, "/metrics", headers={"Host": "evil.example"})[0], 421, "a foreign name")
    same(scrape.get(d, "/nothing")[0], 404, "no such page")
    same(scrape.ask(scrape.dial(d), "/metrics", method="POST")[0], 405, "POST")


@test
def elsewhere(t):
    """Another port, another address, a socket: what cannot be had leaves all as it was."""
    d = t.daemon(METRICS)
    path = os.path.join(d.dir, "http.sock")
    held = scrape.in_namespace(d.run.net.server, lambda: socket.create_server(("127.0.0.1", 9863)))
    with held:
        line = d.reload({"metrics": {"port": 9863, "socket": path}}, expect="reload failed")
        for part in ("cannot serve metrics at http://127.0.0.1:9863/", "Address already in use",
                     "ss -ltnp", "metrics.port of " + d.file):
            true(part in line, "%r is not in: %s" % (part, line))
    true(not os.path.exists(path), "a socket of settings that were refused")
    scrape.scrape(d)
    line = d.reload({"metrics": {"port": PORT, "address": "192.0.2.77"}}, expect="reload failed")
    true("no interface has it" in line, line)
    scrape.scrape(d)
    d.reload({"metrics": {"address": "0.0.0.0", "port": PORT, "socket": path}})
    same(scrape.get(d, "/metrics", host=SERVER[4])[0], 200, "at another address")
    same(os.stat(path).st_mode & 0o777, 0o660, "mode of the socket")
    same(scrape.ask(scrape.dial_unix(path), "/metrics")[0], 200, "at the socket")
    line = d.reload({"metrics": {"socket": "/nonexistent/http"}}, expect="reload failed")
    true("metrics.socket" in line and "/run/twampd" in line, line)
    same(scrape.ask(scrape.dial_unix(path), "/metrics")[0], 200, "at the socket, still")
    d.terminate()
    true(not os.path.exists(path), "the socket is left")


@test
def start_without(t):
    """Clients come first: where the port cannot be had, they are served, and it is tried again."""
    server = t.run.net.server
    held = scrape.in_namespace(server, lambda: socket.create_server(("127.0.0.1", PORT)))
    with held:
        d = t.daemon(METRICS)
        line = d.wait_log("started without metrics")
        true("Address already in use" in line and "metrics.port of" in line, line)
        t.session()
    d.wait_log("metrics and the status page are served at http://127.0.0.1:%d/" % PORT)
    same(value(scrape.scrape(d), "twampd_sessions"), 1, "sessions")
    d.reload({"metrics": {"port": 0}})
    d.terminate()
    held = scrape.in_namespace(server, lambda: socket.create_server(("127.0.0.1", PORT)))
    with held:  # and whoever does not want them any more is not given them later
        d.write(harness.merge(d.config, METRICS))
        d.start()
        d.reload({"metrics": {"port": 0}})
    since = d.log_size()
    d.reload(METRICS)
    d.wait_log("metrics and the status page are served", since)


@test
def address_comes_and_goes(t):
    d = t.daemon({"metrics": {"port": PORT, "address": SERVER[4]}})
    address = ("address", "%s", SERVER[4] + "/24", "dev", harness.SERVER_LINK)
    same(scrape.get(d, "/metrics", host=SERVER[4])[0], 200, "before")
    net = t.run.net.server
    harness.run("ip", "-n", net, "address", "del", *address[2:])
    try:
        d.reload({"log": {"level": "info"}})  # keeps the socket
    finally:
        harness.run("ip", "-n", net, "address", "add", *address[2:])
    same(scrape.get(d, "/metrics", host=SERVER[4])[0], 200, "when it is back")


@test
def packets_count(t):
    d = t.daemon(METRICS)
    _, s, to = t.session()
    sent, returned = 5, 0
    for number in (0, 1, 3, 3):
        s.send(to, make_packet(number, padding=bytes(100)))
        sent += len(make_packet(number, padding=bytes(100)))
        returned += len(s.receive().raw)
    s.send(to, b"short")
    m = harness.wait_for(
        lambda: (lambda m: m if value(m, "twampd_packets_received_total") == 5 else None)(
            scrape.scrape(d)), "five packets")
    same(value(m, "twampd_packets_reflected_total"), 4, "reflected")
    same(value(m, "twampd_packets_dropped_total"), 1, "dropped")
    same(value(m, "twampd_packets_dropped_total", reason="short"), 1, "too short")
    same(value(m, "twampd_received_bytes_total"), sent, "octets received")
    same(value(m, "twampd_reflected_bytes_total"), returned, "octets reflected")
    same(value(m, "twampd_timestamps_total"), 4, "timestamps")
    own = {"class": "default"}
    same(value(m, "twampd_class_packets_received_total", **own), 5, "received by the class")
    same(value(m, "twampd_class_received_bytes_total", **own), sent, "octets, by the class")
    same(value(m, "twampd_class_reflected_bytes_total", **own), returned, "octets back")
    same(value(m, "twampd_class_packets_dropped_total", **own), 1, "dropped, by the class")
    same(value(m, "twampd_class_packets_gaps", **own), 1, "lost on the way here")
    same(value(m, "twampd_class_packets_duplicates_total", **own), 1, "came twice")
    same(value(m, "twampd_reflect_seconds_count"), 4, "times from arrival to departure")
    true(value(m, "twampd_forward_delay_variation_seconds_count", **own) > 0, "delays")
    same(value(m, "twampd_sessions", **{"class": "default"}), 1, "sessions")
    same(value(m, "twampd_ports"), 1, "ports")
    same(value(m, "twampd_connections"), 1, "connections")
    same(value(m, "twampd_session_requests_total", accept="0"), 1, "accepted")


def sums(m):
    """What came, and what became of it."""
    return (value(m, "twampd_packets_received_total"),
            value(m, "twampd_packets_reflected_total") + value(m, "twampd_packets_dropped_total"),
            value(m, "twampd_light_packets_received_total"), value(m, "twampd_light_packets_total"),
            value(m, "twampd_reflect_seconds_count"),
            value(m, "twampd_class_packets_received_total", **{"class": "own"}))


@test
def counters_go_on_over_a_restart(t):
    light = [{"port": 8620, "type": "twamp-light", "clients": ["198.51.100.0/24"]}]
    m, d = managed(t, dict(METRICS, light=light,
                           clients=[{"name": "own", "prefixes": ["198.51.100.2"],
                                     "limits": {"max_padding": 100}}]))
    (_, session), = sessions_of(t, (1,))
    c = t.connect()
    same(c.request(padding=2000).accept, 4, "Accept of too much padding")
    probe = t.sender()
    probe.send((t.server, 8620), make_packet())
    true(probe.receive() is not None, "a reply of the Light port")
    session.send(b"short")
    before = harness.wait_for(
        lambda: (lambda s: s if value(s, "twampd_packets_dropped_total", reason="short") else None)(
            scrape.scrape(d)), "the short one")
    same(sums(before), (2, 2, 1, 1, 2, 2), "before")
    same(value(before, "twampd_refused_total", reason="max-padding", **{"class": "own"}), 1,
         "refused")
    same(value(before, "twampd_last_handover_time_seconds"), 0, "a handover")
    since = m.restart(d)
    after = scrape.scrape(d)
    same(sums(after), sums(before), "after")
    for name in ("twampd_refused_total", "twampd_session_requests_total",
                 "twampd_connections_accepted_total"):
        same(value(after, name), value(before, name), name)
    true(value(after, "twampd_last_handover_time_seconds") > 0, "the time of the handover")
    check_sessions([(None, session)])
    same(sums(scrape.scrape(d)), (3, 3, 1, 1, 3, 3), "one more")
    log = d.log(since)
    true("overload" not in log and "timestamp of the kernel" not in log,
         "old news are told again: " + log)


@test
def refusals_count(t):
    """Of each class, by code and reason, whatever the log leaves out."""
    d = keyed_daemon(t, dict(METRICS, clients=[
        {"name": "own", "prefixes": ["198.51.100.2"]},
        {"name": "keyed", "key_ids": [KEY[0].decode()], "modes": ["encrypted"]}]))
    with rawclient.Control(t.server, source=t.client_other) as c:
        true(not c.greeting().modes & 1, "an open mode for who is in no class")
        c.send(rawclient.make_setup(0))
        c.wait_closed()
    with rawclient.Control(t.server) as c:
        c.greeting()
        c.send(rawclient.make_setup(0))
        c.wait_closed()
    for _ in range(3):
        refused(t, 4, accept=1, key=(KEY[0], b"not the passphrase"))
    c = t.connect()
    for _ in range(300):
        same(c.request(padding=65001).accept, 4, "Accept of too much padding")
    m = harness.wait_for(
        lambda: (lambda m: m if value(m, "twampd_log_lines_left_out_total") else None)(
            scrape.scrape(d)), "lines that the log leaves out")
    for reason, accept, of, number in (("max-padding", "4", "own", 300), ("no-mode", "3", "own", 1),
                                       ("auth-failed", "1", "own", 3)):
        same(value(m, "twampd_refused_total", reason=reason, accept=accept, **{"class": of}), number,
             reason)
    same(value(m, "twampd_refused_total", reason="no-class") +
         value(m, "twampd_refused_total", reason="no-mode", **{"class": "none"}), 1, "in no class")
    same(value(m, "twampd_auth_failures_total", **{"class": "own"}), 3, "wrong passphrases")
    same(value(m, "twampd_session_requests_total", accept="4", **{"class": "own"}), 300, "requests")


@test
def states_are_told(t):
    """What an operator does, and what comes of it."""
    d = t.daemon(METRICS)
    told = lambda name: value(scrape.scrape(d), "twampd_" + name)  # noqa: E731
    same((told("draining"), told("config_restart_pending"), told("config_last_reload_successful")),
         (0, 0, 1), "at first")
    d.signal(signal.SIGUSR1)
    harness.wait_for(lambda: told("draining") == 1, "that it drains")
    d.signal(signal.SIGUSR2)
    harness.wait_for(lambda: told("draining") == 0, "that it does not drain any more")
    d.reload(text="nonsense", expect="reload failed")
    same(told("config_last_reload_successful"), 0, "after a reload that failed")
    d.reload({"reflector": {"threads": 3}})
    same((told("config_last_reload_successful"), told("config_restart_pending")), (1, 1),
         "after a good one that needs a restart")
    true(told("config_last_reload_time_seconds") > 0, "the time of the reload")
    true(told("file_descriptors") > 0 and told("sessions_limit") == 10000, "room")


if __name__ == "__main__":
    harness.main()
