# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of keys, modes and features share: a twampd with keys, and connections and
sessions in any mode.
"""

import itertools

import harness
import rawclient
from harness import same
from packets import Session
from rawclient import (DSCP_ECN, FEATURES, INDIVIDUAL, KEYED, PTP, REFLECT_OCTETS, SYMMETRICAL)

KEY = (b"probe-1", b"correct horse battery staple")
KEYS = dict([KEY])
# Cheap keys, and no limit on how many.
AUTH = {"count": 1024, "failure_rate": 0, "queue": 10000}
FEATURE_NAMES = {INDIVIDUAL: "individual-session-control", REFLECT_OCTETS: "reflect-octets",
                 SYMMETRICAL: "symmetrical-size", DSCP_ECN: "dscp-ecn", PTP: "ptp-timestamps"}
MODE_NAMES = {1: "unauthenticated", 2: "authenticated", 4: "encrypted", 8: "mixed"}
ALL = 0x37f


def subsets(features=FEATURES):
    for n in range(len(features) + 1):
        for chosen in itertools.combinations(features, n):
            yield sum(chosen)


def keyed_daemon(t, config=None, **options):
    options.setdefault("keys", KEYS)
    return t.daemon(harness.merge({"auth": AUTH}, config), **options)


def connect(t, modes, **options):
    return t.connect(mode=modes, key=KEY if modes & KEYED else None, **options)


def open_session(t, control, modes, sender=None, start=True, **fields):
    """A session on @control by whatever commands its modes have; (Session, SID)."""
    sender = sender or t.sender()
    answer = control.request(sender_port=sender.port, **fields)
    same(answer.accept, 0, "Accept of the request")
    if start and modes & INDIVIDUAL:
        acks = control.individual(7, answer.sid)
        same([(a.command, a.accept, a.sids) for a in acks], [(8, 0, [answer.sid])], "Start-N-Ack")
    elif start:
        ack = control.start()
        same((ack.accept, ack.mbz), (0, bytes(15)), "Start-Ack")
    return Session(control, sender, (t.server, answer.port), modes, answer.sid), answer


def refused(t, modes, accept=3, key=KEY, **options):
    """Server-Start with @accept and nothing else in it, then the end. R-018"""
    with rawclient.Control(t.server, **options) as c:
        c.greeting()
        c.send(c.make_keyed_setup(modes, key) if modes & KEYED else rawclient.make_setup(modes))
        same(c.wait_closed(), bytes(15) + bytes([accept]) + bytes(32),
             "Server-Start of mode %#x, and what follows" % modes)
