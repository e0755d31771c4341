# SPDX-License-Identifier: BSD-2-Clause
"""A restart or a reload with other settings: who may be here, what is counted where, and what
happens to connections in every state. R-190, R-248.
"""

import contextlib
import os
import re
import signal
import socket
import stat

import harness
import rawclient
from harness import CLIENT, CLIENT_OTHER, TESTS, same, test, true, wait_for
from keyed import KEY, KEYS, connect, keyed_daemon, open_session
from manager import managed
from rawclient import make_packet, seconds
from states import (Accepted, Active, Deriving, Greeted, Half, Orphan, Ready, Stopping, all_go_on,
                    everywhere, packet)

A, B = CLIENT[4], CLIENT_OTHER[4]
OTHER_KEYS = {b"probe-2": b"another passphrase"}


def classes(*rows):
    """(name, prefixes, limits)"""
    return {"clients": [{"name": name, "prefixes": prefixes, "limits": limits}
                        for name, prefixes, limits in rows]}


def change(d, m, config=None, keys=None, restart=True):
    """Other settings by a restart or a reload; where the log was before."""
    if restart:
        m.end(d)
    if keys is not None:
        d.write_keys(keys)
    d.config = harness.merge(d.config, config)
    if "clients" in (config or {}) and config["clients"] is None:
        del d.config["clients"]
    d.write(d.config)
    since = d.log_size()
    if restart:
        m.start(d)
    else:
        d.reload()
    return since


def knocks(source):
    """Accept of Server-Start, or None if it is not let in at all."""
    with rawclient.Control(harness.SERVER[4], source=source) as c:
        if not c.greeting().modes:
            return None
        return c.setup().accept


# --- who may be here -------------------------------------------------------------------

@test
def class_that_a_restart_takes_away(t):
    """Closed with an event, in every state; what was active ends as by a Stop."""
    m, d = managed(t, classes(("alpha", [A], {})))
    states = everywhere(t, modes=(1, 2))
    d.config["timers"] = {"handshake": 900}  # nothing else is to end them
    since = change(d, m, classes(("beta", [B], {})))
    for s in states:
        if not isinstance(s, Orphan):
            s.is_closed()
        if isinstance(s, (Active, Stopping, Orphan)):
            s.reflects()  # until its Timeout is over
        if isinstance(s, Accepted):
            s.session.send(packet(s.session, 1))
            same(s.session.sender.receive_raw(0.2), None, "reply in a session that never began")
    log = d.log(since)
    same(len(re.findall("gets no more sessions, no-class", log)), len(states) - 1, "events")
    true("may not have sessions any more" in log, log)
    same((knocks(A), knocks(B)), (None, 0), "who is let in")


@test
def sessions_of_who_must_go_end_with_their_timeout(t):
    m, d = managed(t, classes(("alpha", [A], {"max_sessions": 1})))
    s, _ = open_session(t, connect(t, 1), 1, timeout=seconds(3))
    s.check(packet(s, 0))
    since = change(d, m, classes(("alpha", [B], {"max_sessions": 1})))
    s.check(packet(s, 1))
    other = t.connect(source=B)
    same(other.request(sender_port=9).accept, 0, "what runs for A does not count in B's class")
    d.wait_log(r"ended \(stopped, and its Timeout is over\): received 2, reflected 2", since)
    s.send(packet(s, 2))
    same(s.sender.receive_raw(0.2), None, "reply after the end")


@test
def greeted_by_one_process_and_met_by_another(t):
    """In no class, but others authenticate: it is told what any other is told."""
    m, d = managed(t, classes(("alpha", [A], {})))
    clear, keyed = Greeted(t, 1), Greeted(t, 2)
    change(d, m, {"clients": [{"name": "probes", "key_ids": [KEY[0].decode()]}]})
    same(clear.control.setup(1).accept, 3, "Server-Start in the clear")
    keyed.goes_on()
    same(keyed.control.request(sender_port=9).accept, 0, "Accept")


def key_that_is_gone(name, keys):
    def by_restart(t):
        m, d = managed(t)
        active, idle, clear = Active(t, 2), Ready(t, 4), Active(t, 1)
        since = change(d, m, keys=keys)
        for s in (active, idle):
            s.is_closed()
        active.reflects()
        clear.goes_on()
        same(len(re.findall("gets no more sessions, key-removed", d.log(since))), 2, "events")

    def by_reload(t):
        d = keyed_daemon(t)
        active, idle, clear, accepted = Active(t, 2), Ready(t, 4), Active(t, 1), Accepted(t, 4)
        since = change(d, None, keys=keys, restart=False)
        for s in (active, idle):
            same(s.control.request(sender_port=9).accept, 1, "Accept of a request")
        d.wait_log(r"refused with Accept-Session 1 \(Failure\), key-removed", since)
        same(accepted.control.start().accept, 1, "Start-Ack of what had not been started")
        active.goes_on()  # it may finish
        clear.goes_on()
        same(clear.control.request(sender_port=9).accept, 0, "Accept without a key")
        change(d, None, keys=KEYS, restart=False)
        for s in (active, idle):
            same(s.control.request(sender_port=9).accept, 0, "Accept when the key is back")

    def while_it_is_proved(t):
        """The derivation takes longer than the reload."""
        d = keyed_daemon(t, {"auth": {"count": 1 << 18}})
        c = Deriving(t, 4)
        change(d, None, keys=keys, restart=False)
        same(c.control.keyed_start().accept, 1, "Server-Start")
        same(c.control.wait_closed(), b"", "octets after it")

    for f in (by_restart, by_reload, while_it_is_proved):
        f.__name__ = "%s_%s" % (name, f.__name__)
        test(f)


key_that_is_gone("key_that_is_removed", OTHER_KEYS)
key_that_is_gone("passphrase_that_is_changed", {KEY[0]: b"correct horse battery maple"})


@test
def class_that_a_reload_takes_away(t):
    d = keyed_daemon(t, classes(("alpha", [A], {})))
    states = everywhere(t, modes=(1,))
    active = [s for s in states if isinstance(s, Active)]
    since = change(d, None, classes(("beta", [B], {})), restart=False)
    for s in states:
        if isinstance(s, Ready) and not isinstance(s, (Half, Orphan)):
            same(s.control.request(sender_port=9).accept, 1, "Accept for " + repr(s))
        if isinstance(s, Half):
            s.control.send(s.rest)
            same(s.control.accept_session().accept, 1, "Accept for " + repr(s))
        if isinstance(s, Accepted):
            same(s.control.start().accept, 1, "Start-Ack for " + repr(s))
        if isinstance(s, Greeted):
            same(s.control.setup(1).accept, 1, "Server-Start for " + repr(s))
    d.wait_log(r"refused with Accept-Session 1 \(Failure\), no-class", since)
    for s in active:
        s.goes_on()


@test
def nothing_that_is_said_keeps_a_revoked_connection(t):
    d = keyed_daemon(t, dict(classes(("alpha", [A], {})), timers={"servwait": 3}))
    talkers = [Ready(t, 1), Ready(t, 4)]
    partly = Ready(t, 1)
    change(d, None, classes(("beta", [B], {})), restart=False)

    def gone():
        for s in list(talkers):
            try:
                s.control.stop(0)
                s.control.request(sender_port=9)
            except (rawclient.Closed, ConnectionError):
                talkers.remove(s)
        with contextlib.suppress(ConnectionError):
            partly.control.send(b"\0")
        return not talkers
    wait_for(gone, "the end of who talks all the time")
    partly.control.wait_closed()
    same(knocks(A), None, "is it let in again")


@test
def mode_that_is_taken_away(t):
    m, d = managed(t, {"modes": ["unauthenticated", "encrypted"]})
    clear, keyed = Active(t, 1), Active(t, 4)
    since = change(d, m, {"modes": ["encrypted"]}, restart=False)
    same(clear.control.request(sender_port=9).accept, 3, "Accept")
    clear.reflects()
    d.wait_log("gets no more sessions, mode-not-offered", since)
    change(d, m)
    clear.is_closed()
    clear.reflects()
    keyed.goes_on()


# --- what is counted where --------------------------------------------------------------

def both_ways(function):
    """By a reload, and by a restart."""
    for restart in (False, True):
        def f(t, restart=restart):
            function(t, restart)
        f.__name__ = function.__name__ + ("_by_restart" if restart else "_by_reload")
        test(f)


@both_ways
def class_that_is_renamed(t, restart):
    """Its limits are not doubled: what runs counts in it, whatever it is called."""
    limits = {"max_sessions": 3, "max_connections": 2}
    m, d = managed(t, classes(("alpha", [A], limits)))
    orphan, active = Orphan(t, 1), Active(t, 1)
    same(knocks(A), 0, "Server-Start of a second connection")
    for name in ("omega", "alpha", "omega"):
        since = change(d, m, classes((name, [A], limits)), restart=restart)
        c = connect(t, 1)
        same(knocks(A), 4, "a third connection")
        d.wait_log("max-connections-per-class", since)
        same(c.request(sender_port=9).accept, 0, "Accept of the third session")
        same(c.request(sender_port=9).accept, 4, "Accept of a fourth one")
        d.wait_log("max-sessions-per-class", since)
        c.close()
        harness.wait_for(lambda: d.connections() == 1, "the end of a connection")
        orphan.reflects()
        active.reflects()


@both_ways
def client_that_moves_to_another_class(t, restart):
    one = {"max_sessions": 1, "max_connections": 1}
    m, d = managed(t, classes(("alpha", [A], one), ("beta", [B], one)))
    a = Active(t, 1)
    change(d, m, classes(("alpha", [B], one), ("beta", [A], one)), restart=restart)
    b = t.connect(source=B)
    same(b.request(sender_port=9).accept, 0, "Accept: A has left alpha")
    same(knocks(A), 4, "A is in beta, which is full")
    change(d, m, classes(("alpha", [B, A], one), ("beta", ["192.0.2.0/24"], one)),
           restart=restart)
    a.goes_on()
    for c in (a.control, b):
        same(c.request(sender_port=9).accept, 4, "Accept where both are, above the limit")


@both_ways
def rates_of_a_class_hold_for_who_is_in_it_now(t, restart):
    m, d = managed(t, classes(("alpha", [A], {})))
    s = Active(t, 1).session
    change(d, m, classes(("beta", [A], {"total_packet_rate": 10})), restart=restart)
    to = s.to
    for seq in range(100):
        s.sender.send(to, make_packet(1 + seq))
    got = 0
    while s.sender.receive(0.3) is not None:
        got += 1
    true(1 <= got < 60, "%d of 100 answered at 10 packets/s" % got)


def ipv6_prefix(restart):
    """What is one client is another: what runs counts there."""
    def f(t):
        m, d = managed(t, {"limits": {"ipv6_client_prefix": 64, "max_sessions_per_client": 1,
                                      "max_connections_per_client": 2}})
        sources = CLIENT[6], CLIENT_OTHER[6]
        two = [t.connect(source=a) for a in sources]
        same([c.request(sender_port=9).accept for c in two], [0, 0], "Accept of two clients")
        change(d, m, {"limits": {"ipv6_client_prefix": 48, "max_sessions_per_client": 2}},
               restart=restart)
        same([c.request(sender_port=9).accept for c in two], [4, 4], "Accept: they are one")
        same([knocks_from(t, a) for a in sources], [4, 4], "Server-Start: they are one")
        change(d, m, {"limits": {"ipv6_client_prefix": 64}}, restart=restart)
        same([c.request(sender_port=9).accept for c in two], [0, 0], "Accept: they are two")
        same([knocks_from(t, a) for a in sources], [0, 0], "Server-Start: they are two")
        for c in two:
            c.close()
        d.wait_idle()
    f.__name__ = "ipv6_prefix_of_a_client_by_" + ("restart" if restart else "reload")
    TESTS.append((f.__name__, f, 6, harness.TEST_LIMIT_S))


def knocks_from(t, source):
    with rawclient.Control(t.server, source=source) as c:
        c.greeting()
        return c.setup().accept


for by_restart in (False, True):
    ipv6_prefix(by_restart)


# --- every state, and settings of every kind ----------------------------------------------

CHANGES = {
    "limits": {"limits": {"max_sessions": 1, "max_connections": 1, "max_sessions_per_client": 1,
                          "max_connections_per_client": 1, "max_padding": 1,
                          "request_rate": 1, "packet_rate": 1}},
    "ports": {"ports": {"first": 30000, "last": 30999}},
    "listeners": {"listen": [{"port": 8620}]},
    "timers": {"timers": {"servwait": 60, "refwait": 60, "max_timeout": 1, "handshake": 60}},
    "classes": {"clients": [{"name": "all", "prefixes": ["0.0.0.0/0"], "key_ids": ["probe-1"]}]},
    "features": {"features": []},
    "modes": {"modes": ["mixed", "encrypted", "authenticated", "unauthenticated"]},
    "light": {"light": [{"port": 8621, "type": "stamp", "clients": [A]}]},
    "threads": {"reflector": {"threads": 1}},
    "keys": {},
}


def across(name):
    def f(t):
        m, d = managed(t)
        states = everywhere(t)
        keys = {**KEYS, **OTHER_KEYS} if name == "keys" else None
        before = d.config
        change(d, m, CHANGES[name], keys)
        for s in states:
            if s.session and not isinstance(s, Accepted):
                s.reflects()
        d.config = before
        change(d, m)
        all_go_on(t, states)
    f.__name__ = "restart_with_other_" + name
    test(f)


for n in CHANGES:
    across(n)


@test
def derivation_goes_on_with_other_settings(t):
    m, d = managed(t, {"auth": {"count": 1 << 18}})
    c = Deriving(t, 4)
    change(d, m, {"auth": {"count": 1024}, "limits": {"max_padding": 7}})
    c.goes_on()


@test
def listeners_of_who_was_killed_are_open(t):
    """It had sent one away, for its settings had another in its place."""
    m, d = managed(t)
    states = everywhere(t)
    m.end(d)
    d.write(harness.merge(d.config, {"listen": [{"address": t.server, "port": 862}]}))
    with m.deaf():
        since = d.log_size()
        m.start(d, wait=False)
        d.wait_log(r"\bready\b", since)
        d.signal(signal.SIGKILL)
        d.wait_exit()
    d.write(d.config)
    m.start(d)
    t.connect()
    t.connect(t.server_other)
    all_go_on(t, states)


# --- what is lost ---------------------------------------------------------------------------

@test
def sessions_end_with_a_connection_that_was_lost(t):
    # at once, accepted or active; what was stopped goes on
    m, d = managed(t, {"limits": {"max_sessions": 3}})
    lost = [Accepted(t, 1), Active(t, 2), Stopping(t, 1)]
    m.end(d)
    ends = [s.control.local()[:2] for s in lost]

    def is_lost(fd):
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            return False  # settings are among them, too
        with socket.socket(fileno=os.dup(fd)) as s, contextlib.suppress(OSError):
            return s.getpeername()[:2] in ends
        return False  # a listener, or a port
    lots = m.unpack()
    m.pack([entry for entry in lots if not is_lost(entry[1])])
    since = d.log_size()
    m.start(d)
    d.wait_log("could not take over all .*: 3 connections and 0 sessions", since)
    d.wait_log("took 0 connections and 1 session over", since)
    accepted, active, stopping = lost
    for s in (accepted, active):
        s.session.send(packet(s.session, 1))
        same(s.session.sender.receive_raw(0.2), None, "reply in " + repr(s))
    stopping.reflects()
    d.wait_log(r"ended \(its connection or the server ended\): received 1, reflected 1", since)
    c = connect(t, 1)
    same([c.request(sender_port=9).accept for _ in range(3)], [0, 0, 4], "places")


if __name__ == "__main__":
    harness.main()
