# SPDX-License-Identifier: BSD-2-Clause
"""STAMP reflectors and packets from forged sources: whatever TLVs they have, nobody gets more than
was sent in his name, nothing goes round for ever, and no sender loses its rate or its numbers.
"""

import hashlib
import hmac
import random
import socket
import struct

import hostile
import harness
from harness import same, test, true
from hostile import Sniffer, many_address, rig
from rawclient import make_packet
from veth import spoof

SERVER, CLIENT = harness.SERVER[4], harness.CLIENT[4]
OPEN, AUTH = 5001, 5002
KEY = bytes(range(32))
KEYS = {b"stamp": KEY.hex().encode()}
VICTIM = "10.66.9.9"


def config(**more):
    entry = {"type": "stamp", "stateful": True, "packet_rate": 0, "clients": ["0.0.0.0/0"],
             "keys": ["stamp"], "key_format": "hex"}
    return {"light": [dict(entry, port=OPEN, **more),
                      dict(entry, port=AUTH, mode="authenticated", **more)]}


def tlv(kind, value, flags=0x80):
    return struct.pack("!BBH", flags, kind, len(value)) + value


def mac(text, key=KEY):
    return hmac.new(key, text, hashlib.sha256).digest()[:16]


def open_packet(seq, rest=b"", ssid=0):
    return make_packet(seq)[:14] + struct.pack("!H", ssid) + bytes(28) + rest


def auth_packet(seq, rest=b"", key=KEY):
    plain = make_packet(seq)
    head = plain[:4] + bytes(12) + plain[4:14] + bytes(70)
    return head + mac(head, key) + rest


def temptations(r):
    """TLVs that ask for what a reflector must not do for a stranger."""
    victim = socket.inet_aton(VICTIM)
    kinds = [tlv(10, tlv(2, victim)), tlv(10, tlv(1, struct.pack("!I", 1))), tlv(9, victim), tlv(9, socket.inet_aton(SERVER)),
             tlv(4, bytes([46 << 2, 0, 0, 0])), tlv(5, bytes(12)), tlv(7, bytes(16)), tlv(2, bytes(4) + tlv(4, bytes(16))),
             tlv(12, struct.pack("!HHII", 9000, 60000, 1, 0)), tlv(1, bytes(r.randrange(200))), tlv(8, bytes(16)),
             r.randbytes(r.randrange(60))]
    return b"".join(r.choice(kinds) for _ in range(r.randrange(5)))


@test
def one_reply_at_most_and_only_to_the_source(t):
    # S-221 S-222 S-190
    rig(t)
    d = t.daemon(config(), keys=KEYS)
    sniffer, r = Sniffer(t), random.Random(1)
    largest, sent = {}, 0
    for i in range(600):
        source = many_address(i)
        rest = temptations(r)
        if i % 3 == 0:
            packet = make_packet(i)[:14] + bytes(r.randrange(30))
        else:
            packet = open_packet(i, rest) if i % 3 == 1 else auth_packet(i, rest)
        port = AUTH if i % 3 == 2 else OPEN
        largest[source] = max(largest.get(source, 44), len(packet))
        sent += 1
        spoof(source, 1024 + i, SERVER, port, packet)
    d.wait_read()
    out = [p for p in sniffer.end() if p.protocol == socket.IPPROTO_UDP]
    hostile.say("%d replies to %d packets" % (len(out), sent))
    true(300 < len(out) <= sent, "%d replies to %d packets" % (len(out), sent))
    same({p.to for p in out} - set(largest), set(), "receivers that sent nothing")
    true(VICTIM not in {p.to for p in out}, "the victim")
    same([p for p in out if p.octets > largest[p.to]], [], "replies that are larger than their packets")


@test
def two_reflectors_with_one_key(t):
    """A reply has the right HMAC, and is not answered all the same. S-223"""
    d = t.daemon(config(), keys=KEYS)
    s = t.sender()
    for port, make in ((OPEN, open_packet), (AUTH, auth_packet)):
        reply = s.exchange((t.server, port), make(1, tlv(1, b"abc")))
        true(reply is not None, "no reply")
        same(s.exchange((t.server, port), reply.raw, 0.3), None, "reply to a reply")
    same(d.terminate(), 0, "exit status")
    same(d.log().count("dropped loop 1"), 2, "ports that counted it")


@test
def forgers_use_up_nobodys_rate(t):
    """The rate of a sender is for what has its HMAC: before that a forger costs it nothing. S-224"""
    d = t.daemon({"light": [dict(config()["light"][1], packet_rate=20)]}, keys=KEYS)
    s = t.sender()
    for i in range(10):
        for _ in range(50):
            spoof(CLIENT, s.port, SERVER, AUTH, auth_packet(i, key=bytes(32)))
        true(s.exchange((t.server, AUTH), auth_packet(i)) is not None, "reply %d" % i)
        harness.pause(0.06, "the rate is for 20 a second")
    same(d.terminate(), 0, "exit status")
    true("reflected 10" in d.log() and "hmac 500" in d.log(), d.log())


@test
def strangers_in_the_table_of_senders(t):
    """Thousands of forged sources: who was there before goes on with its numbers. S-229"""
    rig(t)
    d = t.daemon(config(max_senders=1000), keys=KEYS)
    s = t.sender()
    for i in range(10):
        reply = s.exchange((t.server, OPEN), open_packet(77, ssid=1))
        same(reply and reply.seq, i, "number")
        for k in range(300):
            spoof(many_address(300 * i + k), 1024, SERVER, OPEN, open_packet(k))
    same(d.terminate(), 0, "exit status")
    true("stateless" in d.log(), "the counter")


if __name__ == "__main__":
    harness.main()
