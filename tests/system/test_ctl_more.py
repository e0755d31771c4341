# SPDX-License-Identifier: BSD-2-Clause
"""twampctl about limits, Light ports, counters, events, health and settings."""

import fcntl
import json
import os
import pty
import select
import signal
import socket
import subprocess
import termios

import harness
from ctlrun import TWAMPCTL, Asked, columns
from harness import same, test, true, wait_for


@test
def limits_and_who_uses_them(t):
    a = Asked(t, {"clients": [
        {"name": "lab", "prefixes": [t.client + "/32"], "limits": {"max_sessions": 4}},
        {"name": "rest", "prefixes": ["0.0.0.0/0"]}]})
    c, other = t.connect(), t.connect(source=t.client_other)
    for _ in range(3):
        same(c.request().accept, 0, "Accept")
    same(other.request().accept, 0, "Accept")
    rows = {(r["of"], r["limit"]): r for r in a.rows("limits")}
    r = rows["server", "limits.max_sessions"]
    same([r[k] for k in ("used", "max", "left", "top", "top_used")],
         [4, 10000, 9996, "class lab", 3], "of the server")
    r = rows["class lab", "limits.max_sessions"]
    same([r[k] for k in ("used", "max", "left", "percent", "top", "top_used")],
         [3, 4, 1, 75, t.client, 3], "of the class")
    true(r["setting"].startswith(a.daemon.file + ":"), "where it is set: %r" % r)
    r = rows["one client of rest", "limits.max_sessions_per_client"]
    same([r[k] for k in ("used", "max", "top")], [1, 10000, t.client_other], "of a client")
    same(rows["server", "ports.last"]["used"], 4, "ports")
    true(rows["server", "LimitNOFILE"]["max"], "descriptors")
    same(a.rows("limits", "--sort", "USED%", "--top", "1")[0]["of"], "class lab", "the fullest")
    true(max(map(len, a.run("limits", width=80).splitlines())) <= 80, "80 columns")


def send_from_each(t, ssids):
    """A packet of each STAMP session."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((t.client, 0))
        s.settimeout(harness.PATIENCE)
        for ssid in ssids:
            s.sendto(bytes(14) + ssid.to_bytes(2, "big") + bytes(28), (t.server, 8620))
            s.recv(100)


@test
def light_counters_and_events(t):
    a = Asked(t, {"light": [{"port": 8620, "type": "stamp", "stateful": True, "packet_rate": 0,
                             "clients": [t.client + "/32"]}]})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((t.client, 0))
        s.settimeout(harness.PATIENCE)
        sender = "%s:%d" % s.getsockname()
        for i in (0, 1, 4, 4):
            s.sendto(i.to_bytes(4, "big") + bytes(40), (t.server, 8620))
            s.recv(100)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((t.client_other, 0))
        s.sendto(bytes(44), (t.server, 8620))
    wait_for(lambda: a.json("counters")["light"]["drops"]["denied"] == 1, "denied")
    row, = [r for r in a.rows("light") if r["received"]]
    same([row[k] for k in ("type", "stateful", "received", "reflected", "gaps", "duplicates",
                           "dropped", "denied")], ["stamp", True, 5, 4, 2, 1, 1, 1], "Light port")
    row, = a.json("light", "--senders")["senders"]
    same([row[k] for k in ("sender", "local", "ssid", "received", "reflected", "gaps",
                           "duplicates")],
         [sender, t.server + ":8620", 0, 4, 4, 2, 1], "sender")
    true(row["entry"].endswith(":8620") and row["last"], "where and when: %r" % row)
    true(sender in a.run("light", "--senders", width=80), "the table")
    send_from_each(t, range(1, 301))
    n = a.json("light", "--senders")
    same((sorted(r["ssid"] for r in n["senders"]), n["shown"], n["changed"]),
         (list(range(301)), 301, False), "more senders than a piece has")
    top, = a.json("light", "--senders", "--sort", "RX", "--top", "1")["senders"]
    same(top["sender"], sender, "the busiest")
    denied = wait_for(lambda: a.json("light")["denied"], "who is denied")
    same([(d["sender"], d["port"], d["packets"]) for d in denied], [(t.client_other, 8620, 1)],
         "denied")
    true("denied" in a.run("light"), "the page")
    c = t.connect()
    same((c.request().accept, c.request(conf_sender=1).accept), (0, 3), "Accept")
    n = a.json("counters")
    same((n["connections"], n["requests"]["0"], n["requests"]["3"]), (1, 1, 1), "counted")
    same(n["refused"], {"conf-fields": 1}, "refused")
    same(n["light"]["received"], n["light"]["reflected"] + sum(n["light"]["drops"].values()),
         "received = reflected + dropped")
    true("denied: 1" in a.run("counters"), "the page")
    text = a.run("metrics")
    true('result="denied"} 1\n' in text and text.endswith("# EOF\n"), "metrics: " + text[-200:])
    events = a.rows("events")
    same(events[0]["event"], "LISTENING", "the first event")
    true(any("conf-fields" in e["text"] for e in events), "refusals are events: %r" % events)
    same(a.rows("events", "--last", "1"), events[-1:], "the last one")


@test
def slow_readers_of_senders(t):
    a = Asked(t, {"light": [{"port": 8620, "type": "stamp", "stateful": True, "packet_rate": 0,
                             "clients": [t.client + "/32"]}]})
    send_from_each(t, range(3000))
    with a.call() as s, a.call() as gone:
        for reader in s, gone:
            reader.sendall(b'{"cmd":"light-senders"}\n')
            true(reader.recv(1), "the answer begins")
        gone.close()
        n = a.json("light", "--senders")
        same((len(n["senders"]), n["shown"], n["changed"]), (3000, 3000, False),
             "of somebody who reads")
        a.json("reload")
        lines, shown = s.makefile(), 0  # the first has lost an octet
        while '"item"' in (line := lines.readline()):
            shown += 1
        result = json.loads(line)["result"]
        same((result["shown"], result["changed"]), (shown, True), "of who is slow")
        true(shown < 3000, "not all: %d" % shown)
    same(a.json("light", "--senders")["shown"], 3000, "senders after the reload")


@test
def health_says_why(t):
    a = Asked(t)
    h = a.json("health")
    same((h["ok"], [c["check"] for c in h["checks"]]),
         (True, ["serving", "draining", "overload", "room"]), "health")
    a.run("health", "--check", "nothing", expect=2)
    a.run("drain")
    h = a.json("health", expect=1)
    same([c["check"] for c in h["checks"] if not c["ok"]], ["draining"], "not well")
    true("draining: NOT WELL" in a.run("health", expect=1), "the page")
    a.run("health", "--check", "serving,room")
    a.run("undrain")
    a.daemon.write(text="limits = { max_connections = 0; };")
    a.run("reload", expect=1)
    h = a.json("health", "--check", "settings", expect=1)
    true("max_connections" in h["checks"][0]["text"] and not h["checks"][0]["critical"], "why")
    a.write({"limits": {"max_connections": 1}})
    a.run("reload")
    with t.connect():
        h = a.json("health", expect=1)
        same([c["text"] for c in h["checks"] if not c["ok"]],
             ["1 of 1 connections and 0 of 10000 sessions are in use"], "full")


@test
def plugin_for_monitors(t):
    a = Asked(t, {"limits": {"max_connections": 2}})
    plugin = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../client/ctl/check_twampd")
    env = dict(os.environ, PATH=os.path.dirname(TWAMPCTL) + ":" + os.environ["PATH"])

    def ask(status, *arguments):
        p = subprocess.run([plugin, "-s", a.path, *arguments], env=env, stdout=subprocess.PIPE,
                           text=True, timeout=harness.PATIENCE * 4)
        same(p.returncode, status, "exit status of: " + p.stdout)
        return p.stdout
    same(ask(0, "-c", "serving,room"),
         "TWAMPD OK - 2 checks are well | connections=0;1;1;0;2 sessions=0;8000;9500;0;10000 "
         "packets=0c dropped=0c\n", "the line")
    with t.connect():
        true("1 of 2 connections are in use" in ask(1, "-c", "serving", "-w", "50"), "a warning")
        ask(2, "-c", "serving", "-C", "50")
    a.daemon.write(text="nonsense")
    a.run("reload", expect=1)
    true("settings: " in ask(1, "-c", "settings"), "the reason")
    a.run("drain")
    true("CRITICAL - draining: it is draining |" in ask(2, "-c", "draining"), "the reason")
    ask(3, "-c", "nothing")
    ask(3, "-w", "101")
    a.daemon.terminate()
    true("is it running" in ask(2), "without a daemon")


@test
def settings_and_where_they_are_set(t):
    a = Asked(t, {"clients": [{"name": "lab", "prefixes": ["192.0.2.0/24"],
                               "limits": {"max_sessions": 7}}]},
              keys={b"probe": b"a secret of mine"})
    rows = {r["key"]: r for r in a.json("config", "show")["config"]}
    same(a.json("status")["settings"]["changed_files"], [], "no changed files")
    same(rows["limits.max_connections"]["value"], "4000", "value")
    true(rows["limits.max_connections"]["origin"].startswith(a.daemon.file + ":"), "origin")
    same(rows["timers.servwait"]["origin"], None, "of a default")
    r = rows["clients.lab.limits.max_sessions"]
    same(r["value"], "7", "of a class")
    true(r["origin"].startswith(a.daemon.file + ":"), "origin in a class: %r" % r)
    true("a secret of mine" not in json.dumps(rows), "no secret")
    same({r["key"].split(".")[0] for r in a.json("config", "show", "limits")["config"]}, {"limits"},
         "one group")
    same(a.json("config", "show", "--running"), a.json("config", "show"), "--running")
    same(columns(a.run("config", "show", width=20)), ["KEY", "VALUE"], "where there is no room")
    text = a.run("config", "show", "--running", "--origin", "limits.max_connections", width=20)
    same(columns(text), ["KEY", "VALUE", "ORIGIN"], "--origin")
    true(a.daemon.file + ":" in text, "file and line:\n" + text)
    a.run("sessions", "--origin", expect=2)
    os.environ["PATH"] = os.path.dirname(os.path.abspath(t.run.twampd)) + ":" + os.environ["PATH"]
    a.write({"limits": {"max_connections": 5}, "reflector": {"threads": 1}})
    same(a.json("status")["settings"]["changed_files"], [a.daemon.file], "changed files")
    true("changed since then" in a.run("status"), "the page has it")
    text = a.run("config", "diff")
    true("limits.max_connections" in text and "reflector.threads" in text and "restart" in text,
         "what a reload would change:\n" + text)
    same(a.json("status")["connections"]["max"], 4000, "nothing was changed")


@test
def watch_asks_again_until_it_is_interrupted(t):
    a = Asked(t)
    clear = b"\x1b[H\x1b[2J"
    master, terminal = pty.openpty()
    t.stack.callback(os.close, master)
    t.stack.callback(os.close, terminal)
    before = termios.tcgetattr(terminal)
    p = subprocess.Popen([TWAMPCTL, "-s", a.path, "--watch=1", "status"], stdin=terminal,
                         stdout=terminal, stderr=terminal, start_new_session=True,
                         preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    t.stack.callback(p.wait)
    t.stack.callback(p.kill)
    seen = b""

    def shows(words):
        nonlocal seen
        if select.select([master], [], [], 0)[0]:
            seen += os.read(master, 65536)
        page = seen.split(clear)[-1]
        return words in page and b"packets" in page and page.endswith(b"\n")
    wait_for(lambda: shows(b"0 of 4000"), "the first page")
    t.connect()
    wait_for(lambda: shows(b"1 of 4000"), "a page that is newer")
    os.write(master, b"\x03")
    same(p.wait(harness.PATIENCE), -signal.SIGINT, "how it ends")
    true(seen.startswith(clear) and b"\x1b" not in seen.replace(clear, b""), "only cleared")
    same(termios.tcgetattr(terminal), before, "the terminal")


if __name__ == "__main__":
    harness.main()
