# SPDX-License-Identifier: BSD-2-Clause
"""Reflectors without control: TWAMP Light and STAMP on the ports of the setting "light", and
those of twamp responder. T-070..T-092.
"""

import os
import re
import socket
import struct
import time

import harness
import rawclient
from harness import same, test, true
from lightrun import (LIGHT, QUIET, STAMP, STAMP_MIN, both, ended, light, no_reply, reply_to,
                      responder, stamp_packet)
from rawclient import make_packet
from veth import Wire, spoof

# --- packets --------------------------------------------------------------------------

@test(both=True)
def nobody_is_answered_without_being_named(t):
    # T-074 T-070 R-246: no port without an entry, the well-known one neither; no reply to who is
    # not among the clients
    d = t.daemon()
    s = t.sender()
    same([p for p in d.udp_ports() if p in (862, LIGHT)], [], "UDP ports")
    d.reload(light({"port": LIGHT}, clients=[t.client_other]))
    d.wait_log(r"reflecting without control: TWAMP Light on \S+:%d, stateless" % LIGHT)
    no_reply(s, (t.server, LIGHT), make_packet())
    s2 = t.sender(t.client_other)
    reply_to(s2, (t.server, LIGHT), make_packet())
    d.reload(light({"port": LIGHT}, clients=["192.0.2.0/24", "2001:db8:ffff::/48"]))
    no_reply(s2, (t.server, LIGHT), make_packet())
    d.reload(light({}, clients=[t.client_other]))
    no_reply(s, (t.server, 862), make_packet())
    reply_to(s2, (t.server, 862), make_packet())
    lines = " ".join(ended(d))
    true("received 3, reflected 1, dropped denied 2" in d.log()
         and "received 2, reflected 1, dropped denied 1" in lines, "the counters:\n" + d.log())


@test(both=True)
def a_twamp_light_reply_field_by_field(t):
    # T-071 T-043 T-044 T-022 T-047
    t.daemon(both())
    s = t.sender(ttl=77)
    packet = make_packet(0xfffffff7, error_estimate=0x1234, padding=bytes(range(100)))
    before = time.time()
    r = reply_to(s, (t.server, LIGHT), packet)
    same(r.seq, 0xfffffff7, "Sequence Number")
    same(r.raw[24:38], packet[:14], "copy of the sender's header")
    same((r.mbz, r.mbz2), (0, 0), "Must Be Zero")
    same(r.sender_ttl, 77, "Sender TTL")
    same(r.padding, packet[14:14 + 73], "padding")
    same(len(r.raw), len(packet), "length")
    same(r.ttl, 255, "TTL of the reply")
    same(r.source, (t.server, LIGHT), "source")
    true(r.ee & 0xff, "Multiplier")
    t2, t3 = (x / 2**32 - rawclient.NTP_UNIX for x in (r.t2, r.t3))
    true(before - 0.01 <= t2 <= t3 <= time.time() + 0.01, "T2 %f T3 %f" % (t2, t3))


@test(both=True)
def a_stamp_reply_field_by_field(t):
    # T-082 T-083 T-085 T-092 S-067: TLVs come back as they are; S-061 S-062: or answered;
    # T-084: NTP, whatever the sender's are
    t.daemon(light({"port": STAMP, "type": "stamp", "tlvs": False}, {"port": STAMP + 1, "type": "stamp"}))
    s = t.sender(ttl=33)
    before = time.time()
    tlvs = bytes.fromhex("80040004b8000000" "80f0000412345678" "80010003aabbcc" "8001ff")
    answered = bytes.fromhex("00040004b8000000" "80f0000412345678" "00010003aabbcc" "4001ff")
    for error_estimate, rest, port, want in ((0x0001, b"", STAMP, b""), (0x4001, tlvs, STAMP, tlvs),
                                             (0x4001, tlvs, STAMP + 1, answered)):  # 0x4000: Z, for PTP
        packet = stamp_packet(9, 0xbeef, rest, error_estimate)
        r = reply_to(s, (t.server, port), packet)
        same(len(r.raw), len(packet), "length")
        same(r.seq, 9, "Sequence Number")
        same(r.mbz, 0xbeef, "SSID")
        same(r.raw[24:38], packet[:12] + packet[12:14], "copy of the sender's header")
        same((r.mbz2, r.sender_ttl, r.raw[41:44]), (0, 33, bytes(3)), "TTL and MBZ")
        same(r.raw[44:], want, "TLVs")
        t2, t3 = (x / 2**32 - rawclient.NTP_UNIX for x in (r.t2, r.t3))
        true(before - 0.01 <= t2 <= t3 <= time.time() + 0.01, "T2 %f T3 %f" % (t2, t3))
        true(not r.ee & 0x4000, "Z")
    # T-083 Q-31: a TWAMP Light sender, whose padding is no SSID
    for n in (0, 1, 27, 29):
        r = reply_to(s, (t.server, STAMP), make_packet(5, padding=b"\xff" * n))
        same(len(r.raw), STAMP_MIN, "length of the base reply")
        same(r.raw[14:16] + r.raw[38:40] + r.raw[41:], bytes(7), "Must Be Zero")


@test(both=True)
def nothing_is_amplified(t):
    # T-026 T-020: never longer than max(minimum, received), never to anybody else
    d = t.daemon(both())
    s = t.sender()
    wire = Wire(t)
    sizes = [0, 1, 13, 14, 15, 40, 41, 42, 43, 44, 45, 100, 1000, 1400]
    got = {}
    for port, least in ((LIGHT, 41), (STAMP, STAMP_MIN)):
        for n in sizes:
            packet = make_packet(n)[:n].ljust(n, b"\x55")
            if n < 14:
                s.send((t.server, port), packet)
            else:  # one by one: replies of equal length would be in one piece on the wire
                reply_to(s, (t.server, port), packet)
    for source, port, target, target_port, payload in wire.packets(1):
        if source != t.server:
            continue
        same((target, target_port), (t.client, s.port), "who is answered")
        got.setdefault(port, []).append(len(payload))
    for port, least in ((LIGHT, 41), (STAMP, STAMP_MIN)):
        same(sorted(got[port]), sorted(max(n, least) for n in sizes if n >= 14), "lengths")
    lines = ended(d)
    same(sum("dropped short 3" in line for line in lines), 2, "ports that counted %r" % lines)


@test(both=True)
def large_packets_come_back_whole(t):
    # T-027
    t.daemon(both())
    s = t.sender()
    for n in (9000, 60000):
        packet = stamp_packet(1, 2, struct.pack("!BBH", 0, 1, n) + os.urandom(n))
        true(reply_to(s, (t.server, STAMP), packet).raw[44:] == packet[44:], "the rest of %d octets" % n)


@test(both=True)
def stateless_and_stateful_numbers(t):
    # T-071 T-072 T-082 T-085: by addresses, ports and SSID
    t.daemon(light({"port": LIGHT}, {"port": LIGHT + 10, "stateful": True},
                   {"port": STAMP, "type": "stamp", "stateful": True}))
    a, b = t.sender(), t.sender()
    for i, seq in enumerate((5, 5, 9, 0)):
        same(reply_to(a, (t.server, LIGHT), make_packet(seq)).seq, seq, "stateless")
        r = reply_to(a, (t.server, LIGHT + 10), make_packet(seq))
        same((r.seq, r.sender_seq), (i, seq), "stateful")
    same(reply_to(b, (t.server, LIGHT + 10), make_packet(3)).seq, 0, "another sender")
    same(reply_to(a, (t.server_other, LIGHT + 10), make_packet(3)).seq, 0, "another address")
    same(reply_to(a, (t.server, LIGHT + 10), make_packet(3)).seq, 4, "the first goes on")
    for i in range(3):
        for ssid in (0, 1, 65535):
            r = reply_to(a, (t.server, STAMP), stamp_packet(70, ssid))
            same((r.seq, r.mbz), (i, ssid), "per SSID")


@test
def strangers_drive_nobody_out(t):
    # S-007 S-229 T-072: a full table has no room for new senders; those that it knows go on
    d = t.daemon(dict(light({"port": STAMP, "type": "stamp", "stateful": True, "max_senders": 64,
                             "packet_rate": 0}), reflector={"threads": 1}))
    s = t.sender()
    to = (t.server, STAMP)
    for ssid in range(1, 65):
        same(reply_to(s, to, stamp_packet(7, ssid)).seq, 0, "a new one")
    for i in range(1, 4):
        for ssid in range(1000, 1200):
            same(reply_to(s, to, stamp_packet(77, ssid)).seq, 77, "a stranger has its own number")
        for ssid in range(1, 65):
            same(reply_to(s, to, stamp_packet(7, ssid)).seq, i, "who was there goes on")
    true("stateless 600" in ended(d)[0], "the counter")


@test(both=True)
def dscp_of_replies(t):
    # T-075: copied, zero, or fixed; never the ECN
    t.daemon(light({"port": 5010}, {"port": 5011, "dscp": "zero"}, {"port": 5012, "dscp": 46},
                   {"port": 5013, "dscp": "copy", "type": "stamp"}))
    for tos in (0, 0x28, 0xb9, 0xff, 0x03):
        s = t.sender(tos=tos)
        for port, want in ((5010, tos & 0xfc), (5011, 0), (5012, 46 << 2), (5013, tos & 0xfc)):
            same(reply_to(s, (t.server, port), make_packet()).tos, want, "TOS from %d" % port)


@test(both=True)
def replies_leave_from_where_the_packet_went(t):
    # T-047, on sockets of all addresses
    t.daemon(both())
    s = t.sender("0.0.0.0" if t.family == 4 else "::")
    for address in (t.server_other, t.server):
        for port in (LIGHT, STAMP):
            same(reply_to(s, (address, port), make_packet()).source, (address, port), "source")


@test
def link_local_senders(t):
    t.daemon(light({"port": LIGHT}, clients=["fe80::/10"]))
    s = t.sender(harness.LINK_LOCAL["client"] + "%" + harness.CLIENT_LINK)
    r = reply_to(s, (harness.LINK_LOCAL["server"] + "%" + harness.CLIENT_LINK, LIGHT),
                 make_packet(4))
    same((r.seq, r.source[0].split("%")[0]), (4, harness.LINK_LOCAL["server"]), "reply")


@test
def broadcast_and_multicast_are_not_answered(t):
    # The kernel gives such a packet to every socket of a port: with one thread once.
    d = t.daemon(dict(both(), reflector={"threads": 1}))
    s = t.sender()
    s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(t.client))
    s6 = t.sender(harness.CLIENT[6])
    s6.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF,
                       socket.if_nametoindex(harness.CLIENT_LINK))
    no_reply(s, ("198.51.100.255", LIGHT), make_packet())
    no_reply(s, ("255.255.255.255", LIGHT), make_packet())
    no_reply(s, ("224.0.0.1", LIGHT), make_packet())
    no_reply(s6, ("ff02::1", LIGHT), make_packet())
    text = " ".join(ended(d))
    same(sum(int(n) for n in re.findall(r"destination (\d+)", text)), 4, "dropped: " + text)


@test
def only_these_ssids(t):
    # T-085
    d = t.daemon(light({"port": STAMP, "type": "stamp", "ssids": [7, 9]}))
    s = t.sender()
    for ssid in (7, 9):
        same(reply_to(s, (t.server, STAMP), stamp_packet(1, ssid)).mbz, ssid, "SSID")
    for packet in (stamp_packet(1, 8), stamp_packet(1, 0), make_packet(1)):
        no_reply(s, (t.server, STAMP), packet)
    true("dropped ssid 3" in " ".join(ended(d)), "the counter")

# --- loops ----------------------------------------------------------------------------

@test
def no_reply_to_ports_of_reflectors(t):
    d = t.daemon(light({"address": t.server, "port": 862}, {"address": t.server, "port": LIGHT},
                       {"address": t.server, "port": 5005, "from_862": True}))
    from_862, same_port, other = (t.sender(port=p) for p in (862, LIGHT, 5006))
    no_reply(from_862, (t.server, LIGHT), make_packet())
    no_reply(from_862, (t.server, 862), make_packet())
    no_reply(same_port, (t.server, LIGHT), make_packet())
    no_reply(same_port, (t.server, 5005), make_packet())  # one of our own
    reply_to(from_862, (t.server, 5005), make_packet())
    reply_to(other, (t.server, 862), make_packet())
    same(sum(int(n) for n in re.findall(r"loop (\d+)", " ".join(ended(d)))), 4, "loops")


@test
def forged_packets_do_not_bounce(t):
    # Two reflectors on ports that do not know of each other: one packet forged, no storm.
    d = t.daemon(both())
    for port, kind in ((6000, "twamp-light"), (6001, "stamp")):
        responder(t, "--type", kind, "--allow", t.server, "%s:%d" % (t.client, port))
    wire = Wire(t)
    for port in (LIGHT, STAMP):
        for other in (6000, 6001):
            spoof(t.client, other, t.server, port, make_packet(1, padding=bytes(200)))
            seen = [p for p in wire.packets(0.5) if p[:4:2] == (t.server, t.client)
                    or p[:4:2] == (t.client, t.server)]
            same(len(seen), 2, "packets: the forged one and its reply; seen %r"
                 % [p[:4] for p in seen])
    # ... and within one daemon
    spoof(t.server_other, STAMP, t.server, LIGHT, make_packet())
    same([p[:4] for p in wire.packets(QUIET) if p[0] == t.server], [], "packets of the server")
    text = " ".join(ended(d))
    true(sum(int(n) for n in re.findall(r"received (\d+)", text)) in (4, 5), text)


@test
def a_reply_is_not_answered_from_any_port(t):
    t.daemon(both())
    s = t.sender()
    for port in (LIGHT, STAMP):
        r = reply_to(s, (t.server, port), make_packet(1, padding=bytes(50)))
        no_reply(s, (t.server, port), r.raw)


if __name__ == "__main__":
    harness.main()
