# SPDX-License-Identifier: BSD-2-Clause
"""Addresses and families of a request: what is the peer's fault is never told as one of ours."""

import re
import signal
import subprocess
import time

import harness
from harness import run, same, test, true, wait_for
from rawclient import make_packet

# From outside, by family: the field, and an address that cannot be served there.
BAD = {
    4: [({"receiver": "127.0.0.1"}, "address-not-local"),
        ({"receiver": "127.9.8.7"}, "address-not-local"),
        ({"receiver": "240.0.0.1"}, "address-not-local"),
        ({"receiver": "255.255.255.255"}, "address-not-local"),
        ({"receiver": "198.51.100.255"}, "address-not-local"),
        ({"receiver": "224.0.0.1"}, "address-not-local"),
        ({"receiver": "0.0.0.5"}, "address-not-local"),
        ({"receiver": "203.0.113.1"}, "address-not-local"),
        ({"sender": "127.0.0.1"}, "sender-address"),
        ({"sender": "255.255.255.255"}, "sender-address"),
        ({"sender": "198.51.100.255"}, "sender-address"),
        ({"sender": "224.0.0.1"}, "sender-address"),
        ({"sender": "0.0.0.5"}, "sender-address"),
        ({"sender": "240.0.0.1"}, "no-route"),
        ({"sender": "203.0.113.1"}, "no-route")],
    6: [({"receiver": "::1"}, "address-not-local"),
        ({"receiver": "::ffff:198.51.100.1"}, "address-not-local"),
        ({"receiver": "::ffff:127.0.0.1"}, "address-not-local"),
        ({"receiver": "::198.51.100.1"}, "address-not-local"),
        ({"receiver": "ff02::1"}, "address-not-local"),
        ({"receiver": "2001:db8:ffff::1"}, "address-not-local"),
        ({"receiver": "fe80::1"}, "link-local-scope"),
        ({"sender": "::1"}, "sender-address"),
        ({"sender": "::ffff:198.51.100.2"}, "sender-address"),
        ({"sender": "ff02::1"}, "sender-address"),
        ({"sender": "2001:db9::1"}, "no-route"),
        ({"sender": "fe80::2"}, "link-local-scope")],
}

# What the routing table of the server says to an address of the same network.
ROUTES = {4: ("198.51.100.77/32", "198.51.100.77"), 6: ("2001:db8::77/128", "2001:db8::77")}


def refused(t, d, c, reason, what, **fields):
    """With 3, and this reason in the log, which takes only so many lines a second."""
    since = d.log_size()

    def ask():
        answer = c.request(**fields)
        same((answer.accept, answer.port, answer.sid), (3, 0, bytes(16)), what)
        return re.search(r"\b%s\b" % reason, d.log(since))

    wait_for(ask, "%s in the log for %s" % (reason, what))


@test(both=True, limit=300)
def errors_of_the_peer_are_his(t):
    # R-089 R-090 R-122: 3 with the name of the field, on own ports and on shared ones
    for mode in ("per-session", "shared"):
        d = t.daemon({"third_party": True, "ports": {"mode": mode}})
        for fields, reason in BAD[t.family]:
            c = t.connect()
            refused(t, d, c, reason, "%s: %r" % (mode, fields), **fields)
            same(c.request().accept, 0, "the next request")
            c.close()
            d.wait_idle()
        true("internal" not in d.log(), "an error of ours: " + d.log())
        d.terminate()


@test(both=True)
def routes_that_refuse(t):
    # R-090 R-122: unreachable, prohibited, thrown away
    d = t.daemon({"third_party": True})
    to, address = ROUTES[t.family]
    for kind, reason in (("unreachable", "no-route"), ("prohibit", "sender-address"),
                         ("blackhole", "no-route")):
        run("ip", "-n", t.run.net.server, "-%d" % t.family, "route", "add", kind, to)
        try:
            refused(t, d, t.connect(), reason, kind, sender=address)
        finally:
            run("ip", "-n", t.run.net.server, "-%d" % t.family, "route", "del", kind, to)


@test
def zero_addresses_over_ipv6(t):
    # R-086 R-087: IPVN 4 says nothing then: the family is the connection's
    t.daemon()
    c = t.connect(harness.SERVER[6])
    sender = t.sender(harness.CLIENT[6])
    answer = c.request(sender_port=sender.port, ipvn=4)
    same(answer.accept, 0, "Accept")
    same(c.start().accept, 0, "Start-Ack")
    true(sender.exchange((harness.SERVER[6], answer.port), make_packet(0)) is not None, "no reply")


# --- addresses come and go ------------------------------------------------------------

NEW = {4: "198.51.100.201", 6: "2001:db8::201"}
MANY = 2000  # more changes than wait for a process that does not read


def address(t, what, text, prefix=None):
    ip = ("ip", "-%d" % t.family, "-n", t.net.server)
    late = t.family == 6 and what == "add"
    run(*ip, "address", what, text + (prefix or {4: "/24", 6: "/64"}[t.family]), "dev",
        harness.SERVER_LINK, *(("nodad",) if late else ()))
    if late:  # the kernel takes it into use, and tells of it, a little later
        wait_for(lambda: text in run(*ip, "route", "show", "table", "local").stdout.split(),
                 "the route of " + text)


@test(both=True)
def address_comes_and_goes(t):
    # as of the moment of the request
    d = t.daemon()
    c = t.connect()
    for _ in range(3):
        refused(t, d, c, "address-not-local", "not there yet", receiver=NEW[t.family])
        address(t, "add", NEW[t.family])
        same(c.request(receiver=NEW[t.family]).accept, 0, "Accept, the address is there")
        address(t, "del", NEW[t.family])
    refused(t, d, c, "address-not-local", "not there any more", receiver=NEW[t.family])


@test
def more_addresses_than_can_be_told(t):
    """While it is stopped, the kernel's messages to it are lost: it finds out by itself."""
    d = t.daemon()
    c = t.connect()
    address(t, "add", NEW[4])
    same(c.request(receiver=NEW[4]).accept, 0, "Accept, the address is there")
    many = ["10.77.%d.%d" % (i // 250, 1 + i % 250) for i in range(MANY)]
    d.signal(signal.SIGSTOP)
    try:
        subprocess.run(["ip", "-n", t.net.server, "-batch", "-"], check=True, text=True,
                       input="".join("address add %s/32 dev %s\n" % (a, harness.SERVER_LINK)
                                     for a in many))
        address(t, "del", NEW[4])
    finally:
        d.signal(signal.SIGCONT)
    for receiver in (many[0], many[-1], many[MANY // 2]):
        same(c.request(receiver=receiver).accept, 0, "Accept for " + receiver)
    refused(t, d, c, "address-not-local", "gone meanwhile", receiver=NEW[4])
    end = time.monotonic() + 2.5  # within which it gets to know them all again
    while time.monotonic() < end:
        for what, accept in (("del", 3), ("add", 0)):
            address(t, what, many[7], "/32")
            same(c.request(receiver=many[7]).accept, accept, "Accept after " + what)
    run("ip", "-n", t.net.server, "address", "flush", "to", "10.77.0.0/16")


if __name__ == "__main__":
    harness.main()
