# SPDX-License-Identifier: BSD-2-Clause
"""Attacks on the ports of sessions, and what the server sends whatever comes: never more than it
got (or 41 octets), never to anybody else. R-099 T-030 T-042 T-045
"""

import random
import socket

import hostile
import harness
import rawclient
from harness import pause, same, test, true, wait_for
from hostile import (FRIEND, FRIEND_SERVER, Attack, Siege, Sniffer, flood, flooded, knock_often,
                     many_address, until)
from rawclient import make_packet, make_request

ATTACKER = harness.CLIENT[4]
SERVER = harness.SERVER[4]
SECONDS = 2.5


def udp_counter(pid, name):
    with open("/proc/%d/net/snmp" % pid) as f:
        names, values = [line.split() for line in f if line.startswith("Udp:")]
    return int(values[names.index(name)])


def packet_flood(t, source, count, octets, near=False):
    """At the port of the legitimate client's session, as fast as this machine makes them.
    near: from the port next to the right one, else from all ports."""
    siege = Siege(t)
    source_port = siege.friend.session["sender"] ^ 1 if near else 0
    before = udp_counter(siege.d.pid, "OutDatagrams")
    attack = flood("udp", source, count, source_port, FRIEND_SERVER, siege.friend.session["port"],
                   octets, SECONDS)
    knock_often(t, lambda: attack.poll() is None)
    rate = flooded(attack, SECONDS)
    # The aim is 200,000/s; a machine that makes less shows less, and says so.
    true(rate > 20000, "only %.0f packets/s" % rate)
    sent = udp_counter(siege.d.pid, "OutDatagrams") - before
    hostile.say("twampd sent %d datagrams meanwhile" % sent)
    true(sent < 400 * SECONDS, "%d datagrams were sent for a session of 200/s" % sent)
    siege.end()


@test
def flood_from_a_wrong_source(t):
    packet_flood(t, ATTACKER, 1, 14)


@test
def flood_from_many_forged_sources(t):
    packet_flood(t, "10.66.1.1", 60000, 14)


@test
def flood_from_the_right_address_and_a_wrong_port(t):
    packet_flood(t, FRIEND, 1, 14, near=True)


@test
def flood_of_large_packets_from_a_wrong_source(t):
    packet_flood(t, ATTACKER, 1, 1400)


@test
def flood_of_an_own_session(t):
    """Who has a session of its own may send as fast as it can; others lose nothing by it."""
    siege = Siege(t)
    c, sender, to = t.session()
    attack = flood("udp", ATTACKER, 1, sender.port, SERVER, to[1], 14, SECONDS)
    knock_often(t, lambda: attack.poll() is None)
    flooded(attack, SECONDS)
    sender.close()
    c.close()
    siege.end()


@test
def datagrams_of_all_sizes(t):
    """0 octets to 65507 on a session of the attacker's and on the friend's port."""
    # Buffers of the reflector threads are used as far as the largest batch was, and kept.
    siege = Siege(t, slack=hostile.SLACK + 2 * 64 * 65536)
    c, sender, to = t.session(padding=9000)
    sender.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    chance = random.Random(9)

    def work(attack):
        while attack.on:
            n = chance.choice([0, 0, 1, 13, 14, 40, 41, 1472, 9014, 65506, 65507])
            for port in (to[1], siege.friend.session["port"]):
                sender.sock.sendto(chance.randbytes(n), (t.server, port))
            attack.count += 1
    attack = Attack(t, work)
    knock_often(t, until(3))
    attack.end()
    true(attack.count > 1000, "%d datagrams" % attack.count)
    while sender.receive_raw(0.5):
        pass
    answer = sender.exchange(to, make_packet(padding=bytes(27)))
    true(answer and len(answer.raw) == 41, "the attacked session itself goes on")
    c.close()
    siege.end()


# --- what leaves ----------------------------------------------------------------------

UDP, TCP = socket.IPPROTO_UDP, socket.IPPROTO_TCP


def provoke(t, siege):
    """Everything that somebody without a session can send, and forged sources. The largest
    UDP payload sent is returned."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    t.stack.callback(s.close)
    port = siege.friend.session["port"]
    for i in range(1500):
        s.sendto(bytes(i % 1401), (FRIEND_SERVER, port))
        s.sendto(bytes(i % 1401), (SERVER, port if i % 3 else 40000 + i))
        if i % 50 == 0:
            pause(0.01, "not so fast that the queues are full, as far as it goes")
    for args in (("udp", "10.66.1.1", 60000, 0, SERVER, port, 100, 0.5, 2000),
                 ("udp", "192.0.2.1", 100, 862, FRIEND_SERVER, port, 14, 0.5, 2000),
                 ("udp", FRIEND, 1, 0, FRIEND_SERVER, port, 14, 0.5, 2000),
                 ("udp", SERVER, 1, port, FRIEND_SERVER, port, 14, 0.5, 2000),
                 ("udp", FRIEND_SERVER, 1, port, FRIEND_SERVER, port, 14, 0.5, 2000)):
        flooded(flood(*args), 0.5)
    for octets in (b"", b"\0" * 164, b"GET / HTTP/1.0\r\n\r\n", make_request() * 20):
        with rawclient.Control(SERVER, source="10.66.7.7") as c:
            c.send(octets)
            siege.d.wait_read()


@test
def nothing_is_amplified_or_sent_elsewhere(t):
    siege = Siege(t)
    sniffer = Sniffer(t)
    provoke(t, siege)
    out = sniffer.end()
    udp = [p for p in out if p.protocol == UDP]
    # The friend sends 14 octets and gets 41; nobody else gets a datagram.
    true(len(udp) > 200, "%d datagrams were seen" % len(udp))
    same({p.to for p in udp}, {FRIEND}, "receivers of datagrams")
    same(max(p.octets for p in udp), 41, "octets of the largest")
    tcp = [p for p in out if p.protocol == TCP and p.octets > 0]
    same({p.to for p in tcp} - {"10.66.7.7"}, set(), "receivers of octets over TCP")
    true(max(p.octets for p in tcp) <= 64 + 48 * 20, "octets in the largest segment")
    # What the kernel says about closed ports is not twampd's, and limited by the kernel.
    hostile.say("%d datagrams, %d ICMP messages of the kernel" % (
        len(udp), sum(1 for p in out if p.protocol == socket.IPPROTO_ICMP)))
    siege.end()


@test
def forged_packets_of_a_session_are_not_amplified(t):
    """Who knows addresses and ports of a session can have packets reflected in its name: to
    its own client, one for one, no larger."""
    siege = Siege(t)
    sniffer = Sniffer(t)
    session = siege.friend.session
    forged = 0
    for octets in (0, 13, 14, 41, 500, 1400):
        attack = flood("udp", FRIEND, 1, session["sender"], FRIEND_SERVER, session["port"],
                       octets, 0.2, 500)
        forged += flooded(attack, 0.2) * 0.2 * (octets >= 14)
        wait_for(lambda: len(sniffer.datagrams()) >= forged, "a reply to each forged packet")
        sizes = {p.octets for p in sniffer.datagrams()}
        true(max(sizes) <= max(41, octets), "%d octets came, and replies of %r left" %
             (octets, sizes))
    out = [p for p in sniffer.end() if p.protocol == UDP]
    same({p.to for p in out}, {FRIEND}, "receivers of datagrams")
    true(len(out) >= forged, "%d replies, for %d forged packets and the client's own" % (
        len(out), forged))
    siege.end(forged=forged)


# --- loops ----------------------------------------------------------------------------

@test
def two_sessions_cannot_answer_one_another(t):
    """Sender Address and Port of a request may be those of another session of this server: a
    packet between them would never come to rest."""
    siege = Siege(t)
    with hostile.inside(t.net.server, t.net.client):
        c = rawclient.connect(SERVER, source=SERVER)
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    t.stack.callback(c.close)
    t.stack.callback(sock.close)
    one = c.request(sender_port=50002, receiver_port=50001)
    two = c.request(sender_port=50001, receiver_port=50002)
    same((one.accept, one.port), (0, 50001), "Accept and port of the first")
    if two.accept == 0:
        same(c.start().accept, 0, "Start-Ack")
        same(two.port, 50002, "port of the second")
    before = udp_counter(siege.d.pid, "OutDatagrams")
    seen = []
    with hostile.inside(t.net.server, t.net.client):
        attack = flood("udp", SERVER, 1, 50002, SERVER, 50001, 41, 0.2, 1000)
    flooded(attack, 0.2)
    seen = knock_often(t, until(2))
    sent = udp_counter(siege.d.pid, "OutDatagrams") - before
    hostile.say("Accept of the second %d, %d datagrams sent" % (two.accept, sent))
    true(sent < 3000, "%d datagrams were sent in 2 s: a loop" % sent)
    c.close()
    siege.end()


if __name__ == "__main__":
    harness.main()
