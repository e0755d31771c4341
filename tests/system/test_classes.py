# SPDX-License-Identifier: BSD-2-Clause
"""Classes of clients with limits of their own, by prefix and by KeyID; the code of full tables;
drain; and what a reload changes of it. R-008, R-009, R-022, R-088, R-094, R-120.
"""

import os
import re
import tempfile
import time

import harness
import rawclient
import twcrypt
from classrun import (A, B, C, accepted, by_prefix, eventually, logged, refused_connection,
                      refused_request)
from harness import same, test, true, wait_for
from rawclient import make_packet, make_request, seconds

# --- policing ---------------------------------------------------------------------------

@test
def packets_above_the_rate_of_a_session_are_dropped(t):
    # counted as policed; the session lives, and others are not touched
    d = t.daemon(by_prefix(a={"limits": {"packet_rate": 10}}))
    held, free = rawclient.connect(t.server, source=A), rawclient.connect(t.server, source=B)
    t.stack.enter_context(held)
    t.stack.enter_context(free)
    _, one, to_one = t.session(held, t.sender(A), timeout=0)
    _, two, to_two = t.session(free, t.sender(B), timeout=0)
    for seq in range(100):
        one.send(to_one, make_packet(seq))
        two.send(to_two, make_packet(seq))
    same(sum(two.receive() is not None for _ in range(100)), 100, "replies without a rate")
    answered = 0
    while one.receive(0.5) is not None:
        answered += 1
    true(1 <= answered < 60, "%d of 100 answered at 10 packets/s" % answered)
    def alive():
        return one.exchange(to_one, make_packet(1000), 0.3)
    wait_for(alive, "a reply when the rate has room again")
    held.stop(1)
    d.wait_log(r"session .* of %s.* ended .*policed \d+" % re.escape(A))


@test
def sessions_of_a_class_share_a_rate(t):
    #
    t.daemon(by_prefix(a={"limits": {"total_packet_rate": 10}}))
    c = t.stack.enter_context(rawclient.connect(t.server, source=A))
    senders = [t.sender(A) for _ in range(4)]
    ports = [accepted(c.request(sender_port=s.port)).port for s in senders]
    same(c.start().accept, 0, "Start-Ack")
    for seq in range(50):
        for s, port in zip(senders, ports):
            s.send((t.server, port), make_packet(seq))
    answered = 0
    for s in senders:
        while s.receive(0.5) is not None:
            answered += 1
    true(1 <= answered < 100, "%d of 200 answered at 10 packets/s for all" % answered)

# --- strangers ------------------------------------------------------------------------

@test(both=True)
def strangers(t):
    # Modes 0 and a close; who is in a class gets in, whatever its family
    d = t.daemon({"clients": [{"name": "alpha", "prefixes": [t.client]}]})
    since = d.log_size()
    with rawclient.Control(t.server, source=t.client_other) as c:
        same(c.greeting().modes, 0, "Modes of the greeting")
        same(c.wait_closed(), b"", "octets after it")
    d.wait_log(re.escape(t.client_other) + r".*no class", since)
    accepted(t.connect(source=t.client).request())


@test
def longest_prefix(t):
    d = t.daemon({"clients": [
        {"name": "wide", "prefixes": ["198.51.100.0/24"], "limits": {"max_sessions": 1}},
        {"name": "narrow", "prefixes": [B + "/32"], "limits": {"max_sessions": 2}}]})
    wide, narrow = t.connect(source=A), t.connect(source=B)
    d.wait_log("class wide")
    d.wait_log("class narrow")
    accepted(wide.request())
    refused_request(t, d, wide, A, 4, "max-sessions-per-class")
    accepted(narrow.request())
    accepted(narrow.request())
    refused_request(t, d, narrow, B, 4, "max-sessions-per-class")

# --- limits of a class ----------------------------------------------------------------

@test
def connections_of_a_class(t):
    # over all clients of the class, and of nobody else
    d = t.daemon({"clients": [
        {"name": "alpha", "prefixes": [A, C], "limits": {"max_connections": 2}},
        {"name": "beta", "prefixes": [B]}]})
    one = t.connect(source=A)
    t.connect(source=C)
    for source in (A, C):
        refused_connection(t, d, source, 4, "max-connections-per-class", "alpha",
                           "raise limits.max_connections in the entry of clients")
    accepted(t.connect(source=B).request())
    accepted(one.request())
    one.close()
    accepted(eventually(t, C).request())


@test
def sessions_of_a_class(t):
    d = t.daemon({"clients": [
        {"name": "alpha", "prefixes": [A, C], "limits": {"max_sessions": 2}},
        {"name": "beta", "prefixes": [B]}]})
    one, two, other = t.connect(source=A), t.connect(source=C), t.connect(source=B)
    accepted(one.request())
    accepted(two.request())
    for control, source in ((one, A), (two, C)):
        refused_request(t, d, control, source, 4, "max-sessions-per-class", "alpha",
                        "raise limits.max_sessions in the entry of clients")
    for _ in range(3):
        accepted(other.request())
    one.close()
    wait_for(lambda: two.request().accept == 0, "the place of the session that went")


@test
def the_server_is_above_its_classes(t):
    d = t.daemon(by_prefix({"limits": {"max_connections": 100, "max_sessions": 100}},
                           {"limits": {"max_connections": 100, "max_sessions": 100}},
                           limits={"max_connections": 2, "max_sessions": 2}))
    one, two = t.connect(source=A), t.connect(source=B)
    refused_connection(t, d, A, 4, "max-connections")
    accepted(one.request())
    accepted(two.request())
    refused_request(t, d, one, A, 4, "max-sessions")


@test
def limits_per_client_of_a_class(t):
    # each limit of a class, the same limit not for others
    d = t.daemon(by_prefix({"limits": {"max_connections_per_client": 2,
                                       "max_sessions_per_connection": 2,
                                       "max_sessions_per_client": 3, "max_padding": 100}}))
    one, two, other = t.connect(source=A), t.connect(source=A), t.connect(source=B)
    refused_connection(t, d, A, 4, "max-connections-per-client")
    accepted(one.request(padding=100))
    refused_request(t, d, one, A, 4, "max-padding", "(it asked for 101, limit 100 of class alpha", padding=101)
    accepted(one.request())
    refused_request(t, d, one, A, 4, "max-sessions-per-connection")
    accepted(two.request())
    refused_request(t, d, two, A, 4, "max-sessions-per-client")
    t.connect(source=B), t.connect(source=B)
    for _ in range(4):
        accepted(other.request(padding=101))


@test
def quota_of_zero(t):
    # section 12: locked out, and told why; accept_code does not make it temporary
    for code in (4, 5):
        d = t.daemon(by_prefix({"limits": {"max_sessions": 0}},
                               {"limits": {"max_connections": 0}},
                               limits={"accept_code": code}))
        c = t.connect(source=A)
        refused_request(t, d, c, A, 4, "class-quota", "alpha")
        refused_connection(t, d, B, 4, "class-quota", "beta")
        c.close()
        same(d.terminate(), 0, "exit status")


@test
def connection_rate(t):
    # per client; the burst, and then 5
    d = t.daemon(by_prefix({"limits": {"connection_rate": 1, "connection_burst": 3}}))
    for _ in range(3):
        t.connect(source=A)
    until = time.monotonic() + 30
    while time.monotonic() < until:  # on a slow machine a token may come meanwhile
        with rawclient.Control(t.server, source=A) as c:
            c.greeting()
            if c.setup().accept:
                break
    refused_connection(t, d, A, 5, "connection-rate", "alpha", "limits.connection_rate")
    for _ in range(10):
        t.connect(source=B).close()
    eventually(t, A)


@test
def request_rate_of_a_class(t):
    d = t.daemon(by_prefix({"limits": {"request_rate": 1, "request_burst": 2}}))
    one, other = t.connect(source=A), t.connect(source=B)
    one.send(make_request() * 10)
    codes = [one.accept_session().accept for _ in range(10)]
    same(codes[:2], [0, 0], "the burst")
    true(5 in codes, "nothing was refused: %r" % codes)
    d.wait_log(" rate-limit: ")
    other.send(make_request() * 10)
    same([other.accept_session().accept for _ in range(10)], [0] * 10, "another class")


@test
def dscp_of_a_class(t):
    # 3 for what is not allowed; what is allowed is on the replies
    d = t.daemon(by_prefix({"dscp": [0, 46]}))
    one, other = t.connect(source=A), t.connect(source=B)
    for dscp in (1, 45, 47, 63):
        refused_request(t, d, one, A, 3, "dscp", "(it asked for %d)" % dscp,
                        type_p=dscp << 24)
        accepted(other.request(type_p=dscp << 24))
    accepted(one.request(type_p=0))
    _, sender, to = t.session(one, type_p=46 << 24)
    same(sender.exchange(to, make_packet()).tos >> 2, 46, "DSCP of the reply")


@test
def third_party(t):
    # refused with 1 unless the class may; never to where no host is
    d = t.daemon(by_prefix({"third_party": True}))
    one, other = t.connect(source=A), t.connect(source=B)
    sender = t.sender(C)
    refused_request(t, d, other, B, 1, "policy-address", sender=C, sender_port=sender.port)
    answer = accepted(one.request(sender=C, sender_port=sender.port))
    accepted(one.start(), "Start-Sessions")
    true(sender.exchange((t.server, answer.port), make_packet()), "no reply to the third party")
    again = t.connect(source=A)
    refused_request(t, d, again, A, 3, "sender-address", sender="224.0.0.1")


@test
def ports_of_a_class(t):
    # R-106 R-109: from its own range; and none is left when that is full
    d = t.daemon(by_prefix({"ports": {"first": 30000, "last": 30001}}))
    one, other = t.connect(source=A), t.connect(source=B)
    ports = sorted(accepted(one.request(receiver_port=p)).port for p in (0, 45000))
    same(ports, [30000, 30001], "ports of the class")
    refused_request(t, d, one, A, 4, "no-port")
    true(40000 <= accepted(other.request()).port <= 59999, "the port of another class")


@test
def timeout_of_a_class(t):
    d = t.daemon(by_prefix({"timers": {"max_timeout": 5}}))
    one, other = t.connect(source=A), t.connect(source=B)
    accepted(one.request(timeout=seconds(5)))
    refused_request(t, d, one, A, 3, "timeout-too-large", timeout=seconds(6))
    accepted(other.request(timeout=seconds(6)))

# --- the code of full tables -----------------------------------------------------------

@test
def accept_code(t):
    # S-1: 5 for those who want it, now, and for nothing else
    config = by_prefix({"limits": {"max_connections": 2, "max_sessions": 1, "max_padding": 9}},
                       {"ports": {"first": 30000, "last": 30000},
                        "limits": {"max_connections_per_client": 1}})
    d = t.daemon(config)
    one, two = t.connect(source=A), t.connect(source=A)
    other = t.connect(source=B)
    accepted(one.request())
    accepted(other.request())
    for code in (4, 5, 4):
        d.reload({"limits": {"accept_code": code}})
        refused_connection(t, d, A, code, "max-connections-per-class")
        refused_connection(t, d, B, code, "max-connections-per-client")
        refused_request(t, d, two, A, code, "max-sessions-per-class")
        refused_request(t, d, other, B, code, "no-port")
        refused_request(t, d, one, A, 4, "max-padding", padding=10)

# --- KeyIDs ----------------------------------------------------------------------------

class Keys:
    """A keys file of a test."""

    def __init__(self, t, **keys):
        fd, self.path = tempfile.mkstemp(prefix="twampd-test-keys-")
        t.stack.callback(os.unlink, self.path)
        with os.fdopen(fd, "w") as f:
            f.writelines("%s %s\n" % pair for pair in keys.items())
        self.keys = keys

    def connect(self, t, key_id, source, mode=4):
        """(connection, Accept of Server-Start); what follows is ciphered."""
        c = t.control(source=source)
        g = c.greeting()
        true(g.modes & mode, "mode %d is not offered: %d" % (mode, g.modes))
        keys = twcrypt.ClientKeys()
        c.send(keys.setup(mode, key_id.encode(), self.keys[key_id].encode(), g.challenge, g.salt,
                          g.count))
        start = c.read(48)
        if start[15] == 0:
            c.to_server, c.from_server = keys.streams(start[16:32])
            c.from_server.open_part(start[32:])
        return c, start[15]

    @staticmethod
    def request(c, **fields):
        c.send(c.to_server.seal(make_request(**fields)))
        return c.from_server.open(c.read(48))[0]


def keyed_config(keys, *classes):
    return {"keys_file": keys.path, "auth": {"count": 1024}, "clients": list(classes)}


@test
def key_brings_the_class(t):
    """A key decides before the address, for a stranger too; its limits hold. R-124"""
    keys = Keys(t, gold="one", iron="two", free="three")
    d = t.daemon(keyed_config(
        keys,
        {"name": "gold", "key_ids": ["gold"], "limits": {"max_connections": 2}, "dscp": [46]},
        {"name": "iron", "key_ids": ["iron"], "limits": {"max_connections": 0}},
        {"name": "alpha", "prefixes": [A], "limits": {"max_connections": 1}}))
    plain = t.connect(source=A)
    refused_connection(t, d, A, 4, "max-connections-per-class", "alpha")
    plain.close()
    wait_for(lambda: d.connections() == 0, "no connection")
    one, accept = keys.connect(t, "gold", A)  # moves on to its class
    same(accept, 0, "Accept")
    t.connect(source=A)  # there is room again in the class of the address
    two, accept = keys.connect(t, "gold", C)  # a stranger
    same(accept, 0, "Accept")
    d.wait_log("class gold")
    for c in (one, two):
        same(keys.request(c, type_p=46 << 24), 0, "Accept of the DSCP of the class")
        same(keys.request(c, type_p=0), 3, "Accept of another DSCP")
    since = d.log_size()
    c, accept = keys.connect(t, "gold", B)
    same(accept, 4, "Accept of the third with that key")
    logged(d, since, "Server-Start", 4, "max-connections-per-class", B, "gold")
    same(c.wait_closed(), b"", "octets after the refusal")
    since = d.log_size()
    same(keys.connect(t, "iron", B)[1], 4, "Accept of a quota of zero")
    logged(d, since, "Server-Start", 4, "class-quota", B, "iron")
    # A key of no class: no class, unless the address has one.
    since = d.log_size()
    c, accept = keys.connect(t, "free", B)
    same(accept, 1, "Accept of a key without class")
    same(c.wait_closed(), b"", "octets after the refusal")
    logged(d, since, "Server-Start", 1, "no-class", B, "no entry of clients has its address",
           "or the KeyID to key_ids")
    one.close()
    two.close()

    def again():
        return keys.connect(t, "gold", B)[1] == 0
    wait_for(again, "a place in the class")


if __name__ == "__main__":
    harness.main()
