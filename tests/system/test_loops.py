# SPDX-License-Identifier: BSD-2-Clause
"""Two twampd, a host each: whatever a client asks of both, and whatever it forges, a packet between
their reflectors does not go to and fro.
"""

import harness
from harness import same, test
from rawclient import PTP, SYMMETRICAL, connect, make_packet
from veth import Wire, spoof

HERE, THERE = 40001, 40002  # ports of the two
LIGHT = 862
QUIET = 0.5  # for packets that must not come
# from_862: what is sent from the port of the other is no reason to be silent.
OPEN = {"port": LIGHT, "from_862": True, "clients": ["0.0.0.0/0"]}


def two(t, light=None, **config):
    """One in each namespace, with third-party sessions. They serve whomever."""
    config = dict(config, third_party=True)
    if light:
        config["light"] = [dict(OPEN, type=light)]
    t.daemon(config)
    t.daemon(config, prefix=["ip", "netns", "exec", t.net.client], wait=True)


def session(t, server, port, sender, sender_port, modes=1):
    c = t.stack.enter_context(connect(server, mode=modes))
    answer = c.request(receiver=server, receiver_port=port, sender=sender, sender_port=sender_port)
    same((answer.accept, answer.port), (0, port), "Accept and Port of %s" % server)
    same(c.start().accept, 0, "Start-Ack")
    return c


def between(wire, t):
    return [p[:4] for p in wire.packets(QUIET)
            if (p[0], p[2]) in ((t.server, t.client), (t.client, t.server))]


def forge(t, wire, source_port, port, size=100):
    """As if the reflector here had sent it to that one: both its answer and no more."""
    spoof(t.client, source_port, t.server, port, make_packet(1, padding=bytes(size)))
    seen = between(wire, t)
    same(len(seen), 2, "packets: the forged one and its reply; seen %r" % seen)


@test
def two_sessions(t):
    # R-088 third_party: each is the sender of the other
    for modes in (1, 1 | SYMMETRICAL, 1 | PTP):
        two(t)
        session(t, t.server, HERE, t.client, THERE, modes)
        session(t, t.client, THERE, t.server, HERE, modes)
        forge(t, Wire(t), THERE, HERE)
        for d in t.own:
            d.terminate()


@test
def two_sessions_of_different_formats(t):
    two(t)
    session(t, t.server, HERE, t.client, THERE, 1 | PTP)
    session(t, t.client, THERE, t.server, HERE)
    forge(t, Wire(t), THERE, HERE)


@test
def a_session_and_a_light_port(t):
    # on 862, of which either is the other's sender
    for kind in ("stamp", "twamp-light"):
        two(t, light=kind)
        session(t, t.server, HERE, t.client, LIGHT)
        forge(t, Wire(t), LIGHT, HERE)
        for d in t.own:
            d.terminate()


@test
def two_light_ports(t):
    # from 862 to 862, as some senders do
    for kind in ("stamp", "twamp-light"):
        two(t, light=kind)
        forge(t, Wire(t), LIGHT, LIGHT)
        for d in t.own:
            d.terminate()


@test
def a_sender_on_the_port_of_the_reflector(t):
    # from_862, on 862 and on another port; without it there is silence
    for port in (LIGHT, 5000):
        for from_862 in (True, False):
            d = t.daemon({"light": [dict(OPEN, port=port, type="stamp", from_862=from_862)]})
            with t.sender(port=port) as sender:
                reply = sender.exchange((t.server, port), make_packet(3, padding=bytes(30)),
                                        10 if from_862 else QUIET)
                same(reply is not None, from_862, "a reply with from_862 = %s" % from_862)
            d.terminate()


if __name__ == "__main__":
    harness.main()
