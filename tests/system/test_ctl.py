# SPDX-License-Identifier: BSD-2-Clause
"""twampctl asks a real twampd: what it lists is what there is."""

import itertools
import json
import os
import stat

import harness
import rawclient
from ctlrun import Asked, columns
from harness import same, test, true, wait_for
from keyed import AUTH, KEY, KEYS
from rawclient import make_packet


def measure(t, packets=5, skip=(), **more):
    """A connection with a session, which got some packets."""
    c = t.connect(**more)
    sender = rawclient.Sender(more.get("source", t.client))
    t.stack.callback(sender.sock.close)
    answer = c.request(sender_port=sender.port)
    same((answer.accept, c.start().accept), (0, 0), "Accept and Start-Ack")
    for i in range(packets):
        if i not in skip:
            sender.sock.sendto(make_packet(i), (t.server, answer.port))
            sender.sock.recvfrom(65536)
    return c, answer


@test
def status_tells_what_there_is(t):
    a = Asked(t)
    same(stat.S_IMODE(os.stat(a.path).st_mode), 0o660, "mode of the socket")
    measure(t)
    s = a.json("status")
    same(s["pid"], a.daemon.pid, "pid")
    same(s["connections"], {"used": 1, "max": 4000}, "connections")
    same(s["sessions"], {"used": 1, "max": 10000}, "sessions")
    same(s["packets"], {"received": 5, "reflected": 5, "dropped": 0}, "packets")
    same(sum(s["timestamps"][k] for k in ("hardware", "kernel", "user")), 5, "timestamps")
    same(s["settings"]["file"], a.daemon.file, "settings")
    same([x["opened_by"] for x in s["listeners"]], ["twampd", "twampd"], "listeners")
    same((s["draining"], s["overloaded"], s["handover"]), (False, False, None), "state")
    text = a.run("status")
    for words in ("pid %d" % a.daemon.pid, "1 of 4000", "5 received, 5 reflected, 0 dropped"):
        true(words in text, "%r is not in\n%s" % (words, text))


@test
def sessions_by_client(t):
    a = Asked(t)
    _, one = measure(t, packets=6, skip=(2, 3))
    measure(t, source=t.client_other)
    rows = a.rows("sessions")
    same(len(rows), 2, "sessions")
    mine, = a.rows("sessions", "--client", t.client)
    same(mine["sid"], one.sid.hex(), "SID")
    same([mine[k] for k in ("received", "reflected", "gaps", "duplicates", "reordered", "dropped")],
         [4, 4, 2, 0, 0, 0], "counters")
    same(round(mine["gap_percent"], 2), 33.33, "GAP%")
    same((mine["class"], mine["key"], mine["state"], mine["mode"]),
         ("default", "", "active", "unauthenticated"), "class, key, state and mode")
    same(mine["local"], "%s:%d" % (t.server, one.port), "LOCAL")
    same(a.rows("sessions", "--class", "nobody"), [], "sessions of no class")
    same(a.rows("sessions", "--key", "none"), [], "sessions of no key")
    same([r["sid"] for r in a.rows("sessions", "--sort", "gap%", "--top", "1")], [one.sid.hex()],
         "the one with most gaps")
    whole = a.json("session", one.sid.hex())
    same(whole["counters"]["received"], 4, "received")
    same((whole["padding_octets"], whole["connected"]), (0, True), "what was asked for")
    f = whole["forward"]
    same([f[k] for k in ("lost", "loss_periods", "longest_loss", "restarts")], [2, 1, 2, 0],
         "forward loss")
    same(sum(c["n"] for c in f["delay_variation"]["histogram"]), f["delay_variation"]["n"], "delays")
    same((f["ttl"]["last"], f["dscp"]["last"], f["ttl"]["changes"]), (255, 0, 0), "TTL and DSCP")
    true(0 <= whole["idle_s"] <= whole["age_s"] + 1, "idle %r" % whole["idle_s"])
    true("2 missing (33.33 %)" in a.run("session", one.sid.hex()), "the page of a session")
    a.run("session", "00" * 16, expect=1)
    true("no session" in a.said, "what twampctl says: " + a.said)
    a.run("session", "1234", expect=2)


@test
def tables_fit_the_terminal(t):
    a = Asked(t)
    measure(t)
    for width in (80, 120, 200):
        text = a.run("sessions", width=width)
        true(max(map(len, text.splitlines())) <= width, "wider than %d:\n%s" % (width, text))
        for name in ("SID", "CLIENT", "RX", "GAP%"):
            true(name in columns(text), "%s is not in\n%s" % (name, text))
    same(columns(a.run("sessions")),
         "SID CLIENT LOCAL SENDER CLASS KEY MODE STATE AGE IDLE RX TX GAPS GAP% DUP REORD DROP".split(),
         "all columns, into a pipe")
    for command in ("clients", "connections", "refused"):
        text = a.run(command, width=80)
        true(max(map(len, text.splitlines())) <= 80, "wider than 80:\n" + text)
    a.run("sessions", "--sort", "nothing", expect=2)


@test
def refused_and_clients(t):
    a = Asked(t, {"limits": {"max_sessions_per_client": 1}})
    measure(t)
    c = t.connect()
    for _ in range(3):
        same(c.request().accept, 4, "Accept")
    row, = a.rows("refused")
    same([row[k] for k in ("client", "class", "what", "code", "reason", "now", "limit", "count")],
         [t.client, "default", "request", 4, "max-sessions-per-client", "1", "1", 3], "refused")
    true(row["setting"].startswith("limits.max_sessions_per_client, " + a.daemon.file),
         "where the limit stands: %s" % row["setting"])
    same(len(a.rows("refused", "--since", "10m", "--client", t.client)), 1, "refused lately")
    same(a.rows("refused", "--client", t.client_other), [], "refused of another client")
    row, = a.rows("clients")
    same((row["client"], row["connections"]["used"], row["sessions"], row["refused"],
          row["refused_last"]),
         (t.client, 2, {"used": 1, "max": 1}, 3, "max-sessions-per-client"), "the client")
    same(sorted((r["client"].split(":")[0], r["state"], r["sessions"])
                for r in a.rows("connections")),
         [(t.client, "active", 1), (t.client, "ready", 0)], "connections")
    reasons = {r["reason"]: r["last_1m"] + r["last_60m"] for r in a.json("status")["refused"]}
    true(reasons["max-sessions-per-client"] >= 3, "refusals of the last minutes: %r" % reasons)


@test
def pace_and_failures_of_clients(t):
    a = Asked(t, {"auth": AUTH}, keys=KEYS)
    c = t.connect()
    sender = t.sender()
    answer = c.request(sender_port=sender.port)
    same((answer.accept, c.start().accept), (0, 0), "Accept and Start-Ack")
    numbers = itertools.count()

    def paced():
        sender.sock.sendto(make_packet(next(numbers)), (t.server, answer.port))
        return a.rows("clients")[0]["packets_per_s"]
    true(0 < wait_for(paced, "packets per second") < 1000, "PPS")
    for key in ((b"nobody", b"x"), (KEY[0], b"wrong")):
        with rawclient.Control(t.server) as other:
            other.greeting()
            other.send(other.make_keyed_setup(4, key))
            other.wait_closed()
    row, = a.rows("clients")
    same((row["auth_failed"], row["refused"], row["refused_last"]), (2, 2, "auth-failed"), "failures")
    same(columns(a.run("clients")),
         "CLIENT CLASS CONN/MAX SESS/MAX PPS REFUSED LAST-REASON LAST-REFUSED AUTHFAIL SEEN".split(),
         "all columns, into a pipe")
    wait_for(lambda: not a.rows("clients")[0]["packets_per_s"], "silence")


@test
def ten_thousand_sessions(t):
    """All of them are listed, in pieces; others are served meanwhile."""
    a = Asked(t, {"ports": {"mode": "shared"}, "log": {"level": "notice"},
                  "limits": {"max_sessions": 20000, "max_sessions_per_client": 20000}})
    sids = set()
    for i in range(2):
        c = t.connect()
        for k in range(5000):
            answer = c.request(sender_port=1024 + 5000 * i + k)
            same(answer.accept, 0, "Accept")
            sids.add(answer.sid.hex())
    with a.call() as s:
        s.sendall(b'{"cmd":"sessions"}\n')
        lines = s.makefile()
        seen = {json.loads(lines.readline())["item"]["sid"] for _ in range(10)}
        same(t.connect(source=t.client_other).request().accept, 0, "Accept meanwhile")
        same(a.json("status")["sessions"]["used"], 10001, "status meanwhile")
        for line in lines:
            if "result" in line:
                break
            seen.add(json.loads(line)["item"]["sid"])
        same(json.loads(line)["result"]["shown"], 10000, "what came later is not in the list")
    same(seen, sids, "SIDs")
    same(len(a.rows("sessions", "--top", "3", "--sort", "AGE")), 3, "the oldest")


@test
def without_a_daemon(t):
    a = Asked(t)
    a.daemon.terminate()
    true(not os.path.exists(a.path), "the socket is gone with the daemon")
    a.run("status", expect=3)
    true("is it running" in a.said, a.said)
    a.run("nothing", expect=2)
    a.run(expect=2)


@test
def socket_by_settings(t):
    a = Asked(t, {"admin": {"max_clients": 0}})
    a.run("status", expect=3)
    a.daemon.reload({"admin": {"max_clients": 1}})
    a.run("status")
    a.daemon.reload({"admin": {"max_clients": 0}})
    a.run("status", expect=3)
    a.daemon.reload({"admin": {"idle": 1, "max_clients": 1}})
    with a.call() as s:
        same(s.recv(100), b"", "who asks nothing is disconnected")
    true(wait_for(lambda: a.json("status"), "an answer"), "status")


if __name__ == "__main__":
    harness.main()
