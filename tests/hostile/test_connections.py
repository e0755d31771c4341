# SPDX-License-Identifier: BSD-2-Clause
"""Attacks on the control port. During each of them a running session of a legitimate client
loses nothing, and a new one from its network gets in within a second, or is told 5.
R-009 R-022 R-120 R-121 R-122 R-251
"""

import os
import random

import hostile
import harness
import rawclient
from harness import pause, same, test, true, wait_for
from hostile import (Attack, Siege, dial, drop_all, flood, flooded, knock_often, many_address,
                     until)
from rawclient import make_request, make_setup, make_start

CROWD = 5000


def idle_crowd(t, source_of, offender):
    """Connect, say nothing, stay."""
    siege = Siege(t)
    server = harness.SERVER[t.family]
    crowd = []

    def work(attack):
        for i in range(CROWD):
            if not attack.on:
                return
            crowd.append(dial(server, source_of(i)))
            if i % 100 == 99:
                pause(0.01, "the pace of the attack")
    attack = Attack(t, work)
    t.stack.callback(drop_all, crowd)
    knock_often(t, lambda: attack.is_alive(), every=0.05)
    attack.end()
    same(sum(1 for s in crowd if s), CROWD, "connections that were made")
    # They are all there, or were sent away; who comes now is served all the same.
    knock_often(t, until(2), every=0.4)
    drop_all(crowd)
    siege.end(offender)


@test
def idle_from_few_addresses(t):
    few = [many_address(i) for i in range(4)]
    idle_crowd(t, lambda i: few[i % 4], r"10\.66\.1\.[1-4]\b")


@test(both=True)
def idle_from_many_addresses(t):
    idle_crowd(t, lambda i: many_address(i, t.family),
               r"10\.66\.\d+\.\d+" if t.family == 4 else r"2001:db8:66:")



# --- octets that are no conversation --------------------------------------------------

@test
def handshakes_by_single_octets(t):
    """200 clients, an octet in a while: each has a place for timers.handshake at most."""
    siege = Siege(t, {"timers": {"handshake": 2}})
    message = make_setup()
    places = {}
    octets = 0

    def work(attack):
        nonlocal octets
        for i in range(200):
            s = dial(t.server, many_address(i))
            places[s] = 0
            t.stack.callback(s.close)
        while attack.on:
            for s, at in list(places.items()):
                try:
                    s.send(message[at:at + 1])
                    octets += 1
                    places[s] = min(at + 1, 150)
                except OSError:
                    del places[s]
            pause(0.05, "the pace of the attack: slow, which is what it is about")
    attack = Attack(t, work)
    knock_often(t, until(2.5))
    wait_for(lambda: not places, "that the server ends the handshakes, %d are left" % len(places))
    attack.end()
    true(octets > 1000, "%d octets" % octets)
    siege.end()


def hammer(t, server, conversation, sources, at_once=8, mode=1):
    """Clients, one after the other from each source, that do what @conversation does."""
    def work(attack):
        i = 0
        while attack.on:
            group = []
            for _ in range(at_once):
                i += 1
                try:
                    c = rawclient.Control(server, source=sources[i % len(sources)])
                except OSError:
                    continue
                group.append(c)
                try:
                    conversation(c)
                    attack.count += 1
                except (OSError, rawclient.Closed):
                    pass
            for c in group:
                c.close()
    return Attack(t, work)


@test
def random_octets(t):
    """Before, instead of and after the handshake."""
    siege = Siege(t)
    chance = random.Random(7)

    def talk(c):
        if chance.random() < 0.6:
            c.send(make_setup())
            if chance.random() < 0.5:
                c.send(make_request())
        c.send(chance.randbytes(chance.randrange(1, 20000)))
        if chance.random() < 0.3:
            c.finish()
    attack = hammer(t, t.server, talk, [many_address(i) for i in range(3000)])
    knock_often(t, until(3))
    attack.end()
    true(attack.count > 100, "%d conversations" % attack.count)
    siege.end()


@test
def pipelined_garbage(t):
    """Valid requests and what is none, in one row without an end; no answer is read."""
    siege = Siege(t)
    chance = random.Random(8)
    row = b"".join(chance.choice([
        make_request(), make_request(conf_sender=1), make_start(), b"\xff" * 16, b"\x05" * 112,
        rawclient.make_stop(77), rawclient.make_n(7, [bytes(16)])]) for _ in range(200))
    deaf = []

    def work(attack):
        while attack.on:
            for c in list(deaf):
                try:
                    c.push(row)
                except OSError:
                    deaf.remove(c)
                    c.close()
            if len(deaf) < 30:
                c = rawclient.Control(t.server, source=many_address(attack.count % 3000),
                                      rcvbuf=4096)
                t.stack.callback(c.close)
                c.send(make_setup())
                deaf.append(c)
                attack.count += 1
    attack = Attack(t, work)
    knock_often(t, until(3))
    attack.end()
    for c in deaf:
        c.reset()
    true(attack.count >= 30, "%d connections" % attack.count)
    siege.end()


@test
def half_open_connections(t):
    """SYNs from sources that never answer the server's SYN-ACK."""
    siege = Siege(t)
    attack = flood("syn", "10.66.1.1", 60000, 0, harness.SERVER[4], 862, 0, 3, 20000)
    knock_often(t, lambda: attack.poll() is None)
    true(flooded(attack, 3) > 2000, "too few SYNs")
    knock_often(t, until(0.5))
    siege.end()  # twampd sees none of them, so it names none


# --- floods of what is valid ----------------------------------------------------------

@test
def flood_of_connections(t):
    """Complete handshakes as fast as possible, from one address and from thousands."""
    siege = Siege(t)

    def talk(c):
        c.send(make_setup())
    attacks = [hammer(t, t.server, talk, sources) for sources in (
        ["10.66.99.99"], [many_address(i) for i in range(3000)])]
    knock_often(t, until(3))
    for attack in attacks:
        attack.end()
    true(sum(a.count for a in attacks) > 300, "too few connections")
    siege.end(r"10\.66\.99\.99.*connection-rate|10\.66\..*connection-rate")


@test
def flood_of_commands(t):
    """Requests, starts and stops on 20 connections, beyond the rate and refused for it."""
    siege = Siege(t)
    row = (make_request(timeout=0) + make_start() + rawclient.make_stop(1)) * 20
    row += make_request(conf_sender=1) * 20

    def work(attack):
        controls = []
        for i in range(20):
            controls.append(rawclient.connect(t.server, source="10.66.99.%d" % (1 + i % 2)))
            t.stack.callback(controls[-1].close)
        while attack.on and controls:
            for c in list(controls):
                try:
                    c.push(row)
                    attack.count += len(c.sock.recv(1 << 16, 0x40))  # MSG_DONTWAIT
                except BlockingIOError:
                    pass
                except OSError:
                    controls.remove(c)
        for c in controls:
            c.reset()
    attack = Attack(t, work)
    knock_often(t, until(3))
    attack.end()
    true(attack.count > 48 * 500, "%d octets of answers" % attack.count)
    siege.end(r"10\.66\.99\.[12]\b.*(rate-limit|conf-fields|nothing-to-start)")


@test
def flood_of_wrong_tokens(t):
    """Keyed handshakes that cost 32768 rounds of PBKDF2 each, for nothing."""
    siege = Siege(t, keys={b"probe": b"a passphrase of the operator"})

    def talk(c):
        c.send(b"\0\0\0\x02" + b"probe".ljust(80, b"\0") + os.urandom(80))
    attacks = [hammer(t, t.server, talk, sources, at_once=64) for sources in (
        ["10.66.99.99"], [many_address(i) for i in range(3000)])]
    knock_often(t, until(3))
    for attack in attacks:
        attack.end()
    true(sum(a.count for a in attacks) > 300, "too few handshakes")
    siege.end(r"10\.66\.\d+\.\d+.*(auth|kdf-queue|connection-rate)")


if __name__ == "__main__":
    harness.main()
