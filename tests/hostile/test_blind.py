# SPDX-License-Identifier: BSD-2-Clause
"""Attacks on the log: nobody takes the lines of another client, and whoever makes many is named.
R-251
"""

import re
import time

import hostile  # noqa: F401: finds the harness
import harness
import rawclient
from harness import pause, same, test, true, wait_for
from hostile import (BURST, FRIEND_NEW, FRIEND_SERVER, LINES_PER_S, Attack, Siege, dial,
                     drop_all, inside, many_address, rig, say)
from rawclient import make_request

STEPS = ("established", "accepted", "started", "stopped", "ended", "closed")


def converse(t, address):
    """A measurement, as a probe makes it; the port that tells it in the log."""
    with inside(rig(t).friend, t.net.client):
        c = rawclient.Control(FRIEND_SERVER, source=address)
    with c:
        c.greeting()
        same(c.setup().accept, 0, "Accept of Server-Start")
        same(c.request(timeout=0).accept, 0, "Accept of the request")
        same(c.start().accept, 0, "Accept of Start-Ack")
        c.stop(1)
        return c.local()[1]


def lines_of(d, since, port):
    return re.findall(r"\S+:%d\b.*" % port, d.log(since))


def all_steps(d, since, ports):
    """Each of the measurements is in the log from its beginning to its end."""
    for port in ports:
        for step in STEPS:
            wait_for(lambda: any(step in s for s in lines_of(d, since, port)),
                             "%s of port %d in:\n%s" % (
                                 step, port, "\n".join(lines_of(d, since, port))))


@test
def blind_the_log_by_one_client(t):
    """25 refused requests in a second, and then as many as it can, of one that is served and of
    one that is in no class: of another client not a line is missing."""
    siege = Siege(t, {"clients": [
        {"name": "friends", "prefixes": ["203.0.113.0/24"]},
        {"name": "noisy", "prefixes": ["10.66.99.0/24"]}]})

    def refused(attack):
        with rawclient.connect(t.server, source="10.66.99.1") as c:
            while attack.on:
                c.send(make_request(conf_sender=1) * (1 if attack.count < 50 else 50))
                c.sock.settimeout(5)
                c.sock.recv(65536)
                attack.count += 1
                pause(0.04, "the pace of the attack")

    def denied(attack):
        while attack.on:
            with rawclient.Control(t.server, source="10.66.98.1") as c:
                same(c.greeting().modes, 0, "Modes for a stranger")
            attack.count += 1
    attacks = [Attack(t, refused), Attack(t, denied)]
    since, begin, ports = siege.d.log_size(), time.monotonic(), []
    while time.monotonic() - begin < 8 or min(attack.count for attack in attacks) <= 100:
        ports.append(converse(t, FRIEND_NEW))
        pause(0.4, "the pace of a probe")
    for attack in attacks:
        attack.end()
    seconds = time.monotonic() - begin
    all_steps(siege.d, since, ports)
    log = siege.d.log(since)
    for address in ("10.66.99.1", "10.66.98.1"):
        true(re.search(r"left out .*\d+ of %s\b" % re.escape(address), log),
             "nothing is said to be left out of %s" % address)
        mine = len(re.findall(r"%s:" % re.escape(address), log))
        say("%d lines of %s" % (mine, address))
        true(mine <= BURST + LINES_PER_S * seconds, "%d lines of %s" % (mine, address))
    siege.end(check_log=False)


@test
def blind_the_log_by_many_addresses(t):
    """Who measured before is told of while thousands of strangers are refused."""
    siege = Siege(t, {"clients": [{"name": "friends", "prefixes": ["203.0.113.0/24"]}]})
    converse(t, FRIEND_NEW)
    pause(10.5, "it counts as known ten seconds after its first session, not before")

    def denied(attack):
        while attack.on:
            with rawclient.Control(t.server, source=many_address(attack.count % 3000)) as c:
                same(c.greeting().modes, 0, "Modes for a stranger")
            attack.count += 1
    siege.since, siege.begin = siege.d.log_size(), time.monotonic()
    attacks = [Attack(t, denied) for _ in range(2)]
    wait_for(lambda: "left out" in siege.d.log(siege.since), "that the log is full")
    since, begin, ports = siege.d.log_size(), time.monotonic(), []
    while time.monotonic() - begin < 5:
        ports.append(converse(t, FRIEND_NEW))
        pause(0.4, "the pace of a probe")
    for attack in attacks:
        attack.end()
    all_steps(siege.d, since, ports)
    siege.end(r"left out .*10\.66\.\d+\.\d+")


@test
def a_scanner_costs_ten_lines_a_second(t):
    """It connects and goes, as often as it can, and is named."""
    siege = Siege(t)

    def work(attack):
        while attack.on:
            s = dial(t.server, "10.66.99.99")
            if s:
                attack.count += 1
                drop_all([s])
            pause(0.0005, "the pace of the attack")
    attacks = [Attack(t, work) for _ in range(2)]
    pause(10, "lines are counted by the second, however long it takes")
    for attack in attacks:
        attack.end()
    seconds = time.monotonic() - siege.begin
    count = sum(a.count for a in attacks)
    say("%.0f connections/s" % (count / seconds))
    loud, quiet = siege.log_lines()
    true(count > 5 * (len(loud) + quiet), "only %d connections" % count)
    say("%.1f lines/s" % ((len(loud) + quiet) / seconds))
    true(len(loud) + quiet <= 10 * seconds, "%d lines in %.1f s" % (len(loud) + quiet, seconds))
    siege.end(r"left out \d+ of 10\.66\.99\.99")


if __name__ == "__main__":
    harness.main()
