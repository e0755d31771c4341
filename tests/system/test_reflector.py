# SPDX-License-Identifier: BSD-2-Clause
"""Test packets in mode 1, bit for bit, against the real twampd: what is reflected, how, and
what is not. The decoder is rawclient's. RFC 5357 4.2, RFC 4656 4.1.2.
"""

import ctypes
import os
import random
import socket
import struct
import time

import harness
import rawclient
from harness import same, test, true, wait_for
from rawclient import make_packet, seconds


def reflects(sender, to, seq=0, **fields):
    answer = sender.exchange(to, make_packet(seq, **fields))
    true(answer is not None, "no reply to packet %d" % seq)
    same(answer.sender_seq, seq, "Sender Sequence Number")
    return answer


@test(both=True)
def every_field_of_a_reply(t):
    # T-021 T-043 T-044 T-045 T-047 C-012, bit for bit
    t.shared()
    c, sender, to = t.session()
    sent = ((0, rawclient.ntp(), 0x8001), (1, 0, 0x3fff), (0xffffffff, 2**64 - 1, 0xffff),
            (7, 0x0123456789abcdef, 1))
    for number, (seq, stamp, estimate) in enumerate(sent):
        before = rawclient.ntp()
        r = reflects(sender, to, seq, timestamp=stamp, error_estimate=estimate)
        after = rawclient.ntp()
        same(len(r.raw), 41, "length")
        same(r.seq, number, "the reflector's own Sequence Number")
        same(r.sender_ts, stamp, "Sender Timestamp")
        same(r.sender_ee, estimate, "Sender Error Estimate")
        same((r.mbz, r.mbz2), (0, 0), "MBZ")
        same(r.sender_ttl, 255, "Sender TTL")
        same(r.ttl, 255, "TTL of the reply")
        same(r.tos, 0, "TOS of the reply")
        same(r.source, to, "source of the reply")
        # T-036: one clock for both, between the sender's own clock readings (one machine)
        true(before <= r.t2 <= r.t3 <= after, "%d <= T2 %d <= T3 %d <= %d" %
             (before, r.t2, r.t3, after))


class Timex(ctypes.Structure):
    _fields_ = [("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
                ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long),
                ("status", ctypes.c_int), ("rest", ctypes.c_long * 32)]


@test
def error_estimate_tells_the_truth(t):
    # T-032 T-033 T-034 T-035 T-030
    t.shared()
    c, sender, to = t.session()
    r = reflects(sender, to)
    true(r.ee & 0xff != 0, "Multiplier is 0")
    same(r.ee >> 14 & 1, 0, "Z: NTP")
    clock = Timex()
    state = harness.libc.adjtimex(ctypes.byref(clock))
    synchronised = state != 5 and not clock.status & 0x40
    same(r.ee >> 15, int(synchronised), "S bit")
    error = (r.ee & 0xff) * 2.0 ** ((r.ee >> 8 & 0x3f) - 32)
    if synchronised:
        true(error * 1e6 >= min(clock.esterror, clock.maxerror),
             "error %g s is below that of the clock" % error)
    else:
        true(clock.maxerror / 1e6 <= error < 2 * clock.maxerror / 1e6 + 1,
             "error %g s, the kernel states %d us" % (error, clock.maxerror))


@test(both=True)
def ttl_is_copied(t):
    # T-044
    t.shared()
    c, sender, to = t.session()
    for seq, ttl in enumerate((255, 1, 37, 128, 2)):
        sender.ttl(ttl)
        r = reflects(sender, to, seq)
        same((r.sender_ttl, r.ttl), (ttl, 255), "TTL as received and of the reply")


@test(both=True)
def dscp_is_that_of_type_p(t):
    # T-047 C-075 C-077 R-093: not that of the packet, and no ECN
    t.shared()
    c = t.connect()
    sessions = []
    sender = t.sender()
    for dscp in (0, 1, 8, 46, 63):
        answer = c.request(sender_port=sender.port, type_p=dscp << 24)
        same(answer.accept, 0, "Accept")
        sessions.append((dscp, answer.port))
    same(c.start().accept, 0, "Start-Ack")
    for tos in (0, 0x28, 0x29, 0xff):
        sender.tos(tos)
        for dscp, port in sessions:
            same(reflects(sender, (t.server, port)).tos, dscp << 2, "TOS of the reply")


@test(both=True)
def padding_comes_back(t):
    # T-021 T-022 T-026: reply length is max(41, R), the padding's end is cut
    t.shared()
    c, sender, to = t.session(padding=1400)
    for seq, size in enumerate((0, 1, 26, 27, 28, 64, 100, 1000, 1400)):
        padding = os.urandom(size)
        r = reflects(sender, to, seq, padding=padding)
        same(len(r.raw), max(41, 14 + size), "reply length with padding %d" % size)
        same(r.padding, padding[:len(r.padding)], "padding")


@test(both=True)
def length_received_governs(t):
    # T-025: shorter and longer than announced
    t.shared()
    c, sender, to = t.session(padding=64)
    for seq, size in enumerate((0, 10, 64, 65, 200, 1400)):
        r = reflects(sender, to, seq, padding=b"\xa5" * size)
        same(len(r.raw), max(41, 14 + size), "reply length with padding %d" % size)


@test(both=True)
def largest_datagram(t):
    # T-027 T-021: in fragments both ways
    t.shared()
    largest = {4: 65507, 6: 65527}[t.family]
    c, sender, to = t.session(padding=65000)
    padding = os.urandom(largest - 14)
    r = reflects(sender, to, 0, padding=padding)
    same(len(r.raw), largest, "reply length")
    same(r.padding, padding[:largest - 41], "padding")
    same(len(reflects(sender, to, 1).raw), 41, "length of a small one behind it")


@test(both=True)
def largest_datagram_in_a_small_session(t):
    # T-025 T-027
    t.shared()
    c, sender, to = t.session(padding=0)
    r = reflects(sender, to, 0, padding=bytes(65507 - 14))
    same(len(r.raw), 65507, "reply length")


@test(both=True)
def too_short_packets_are_dropped(t):
    # T-020: and do not use up a sequence number, T-045
    t.shared()
    c, sender, to = t.session()
    for size in list(range(14)):
        sender.send(to, make_packet()[:size])
    r = reflects(sender, to, 99)
    same(r.seq, 0, "Sequence Number after the short ones")


@test(both=True)
def one_reply_for_each_packet(t):
    # T-045 T-046: gaps, duplicates, reordering; own numbers without a gap
    t.shared()
    c, sender, to = t.session()
    sent = [0, 1, 5, 5, 5, 2, 0xffffffff, 0, 3, 1000000]
    for own, seq in enumerate(sent):
        same(reflects(sender, to, seq).seq, own, "Sequence Number of the reply")
    true(sender.receive(0.3) is None, "more replies than packets")


@test(both=True)
def thousands_of_packets(t):
    # T-045 T-046 T-048: in bursts that fit into any socket buffer
    t.shared()
    c, sender, to = t.session()
    own = set()
    for burst in range(100):
        for i in range(50):
            sender.send(to, make_packet(burst * 50 + i))
        for _ in range(50):
            r = sender.receive()
            true(r is not None, "replies are missing in burst %d" % burst)
            true(r.t2 <= r.t3, "T3 is before T2")
            own.add((r.seq, r.sender_seq))
    same(own, {(n, n) for n in range(5000)}, "own and sender's numbers")


@test
def zero_multiplier_is_reflected(t):
    # T-034 Q-08
    t.shared()
    c, sender, to = t.session()
    same(reflects(sender, to, 0, error_estimate=0x8000).sender_ee, 0x8000, "copied estimate")


@test
def strange_timestamps_are_reflected(t):
    # T-049 T-031: no check against any schedule, any Z bit
    t.shared()
    c, sender, to = t.session(start_time=rawclient.ntp())
    for seq, stamp in enumerate((0, 1, 2**64 - 1, rawclient.ntp(time.time() + 1e6))):
        r = reflects(sender, to, seq, timestamp=stamp, error_estimate=0xc001)
        same((r.sender_ts, r.sender_ee), (stamp, 0xc001), "copied fields")


@test(both=True)
def wrong_source_is_dropped(t):
    # T-040 R-242: address and port must be those of the request
    t.shared()
    c, sender, to = t.session()
    other_port = t.sender()
    other_host = t.sender(t.client_other, port=sender.port)
    for stranger in (other_port, other_host):
        stranger.send(to, make_packet(7))
        stranger.send(to, b"")
    same(reflects(sender, to, 1).seq, 0, "Sequence Number: strangers do not count")
    for stranger in (other_port, other_host):
        true(stranger.receive(0.3) is None, "a stranger got a reply")


@test(both=True)
def reply_comes_from_the_address_of_the_session(t):
    # T-047 R-086 R-089: a second address of the server
    t.shared()
    c, sender = t.connect(), t.sender()
    port = c.request(sender_port=sender.port, receiver=t.server_other).port
    same(c.start().accept, 0, "Start-Ack")
    to = (t.server_other, port)
    same(reflects(sender, to).source, to, "source of the reply")
    sender.send((t.server, port), make_packet(5))
    same(reflects(sender, to, 1).seq, 1, "Sequence Number: the other address does not count")


@test(both=True)
def packets_before_start_are_dropped(t):
    # T-041: not kept either, so that none comes back later
    t.shared()
    c, sender, to = t.session(start=False)
    for seq in range(40):
        sender.send(to, make_packet(seq))
    same(c.start().accept, 0, "Start-Ack")
    r = reflects(sender, to, 1000)
    same(r.seq, 0, "Sequence Number")
    true(sender.receive(0.3) is None, "a reply to an early packet")


@test(both=True)
def reflector_is_ready_with_the_start_ack(t):
    # R-142 T-041: the first packet right behind it, always
    t.shared()
    sender = t.sender()
    for _ in range(100):
        with rawclient.connect(t.server) as c:
            answer = c.request(sender_port=sender.port, timeout=0)
            same(c.start().accept, 0, "Start-Ack")
            reflects(sender, (t.server, answer.port))


@test(both=True)
def packets_within_timeout_after_stop(t):
    #
    t.daemon()
    c, sender, to = t.session(timeout=seconds(100))
    reflects(sender, to, 0)
    c.stop(1)
    for seq in range(1, 5):
        same(reflects(sender, to, seq).seq, seq, "Sequence Number")


@test(both=True)
def packets_after_timeout(t):
    # and the port is free then
    d = t.shared()
    c, sender, to = t.session(timeout=seconds(1))
    reflects(sender, to, 0)
    c.stop(1)
    d.wait_sessions(0)
    sender.send(to, make_packet(1))
    true(sender.receive(0.5) is None, "a reply after the Timeout")


@test
def timeout_zero_ends_at_once(t):
    # R-161 R-097
    d = t.shared()
    c, sender, to = t.session(timeout=0)
    reflects(sender, to, 0)
    c.stop(1)
    d.wait_sessions(0)
    sender.send(to, make_packet(1))
    true(sender.receive(0.5) is None, "a reply after the Timeout")


@test
def timeout_is_kept_exactly(t):
    # R-160 R-161: 32.32 fixed-point, 2.5 s
    d = t.shared(idle=True)
    c, sender, to = t.session(timeout=seconds(2.5))
    c.stop(1)
    began = time.monotonic()
    d.wait_sessions(0)
    true(2.3 < time.monotonic() - began, "ended after %g s" % (time.monotonic() - began))


@test
def refwait_ends_a_session(t):
    # the port is freed, later packets are not reflected
    d = t.daemon({"timers": {"refwait": 2}})
    c, sender, to = t.session()
    began = time.monotonic()
    d.wait_sessions(0)
    true(time.monotonic() - began > 1.8, "ended too early")
    sender.send(to, make_packet())
    true(sender.receive(0.5) is None, "a reply after REFWAIT")
    same(t.connect().request(receiver_port=to[1]).port, to[1], "the port afterwards")


@test
def strangers_and_rubbish_do_not_prolong_refwait(t):
    #
    d = t.daemon({"timers": {"refwait": 2}})
    c, sender, to = t.session()
    stranger = t.sender()

    def ended():
        stranger.send(to, make_packet())
        sender.send(to, b"short")
        return not d.session_ports()
    wait_for(ended, "the end of the session")


@test(both=True)
def sessions_do_not_mix(t):
    # R-141 T-040 T-045: own numbers for each session
    t.shared()
    chance = random.Random(1)
    c, sender = t.connect(), t.sender()
    other = t.sender()
    sessions = []
    for i in range(20):
        s = chance.choice((sender, other))
        sessions.append([s, (t.server, c.request(sender_port=s.port).port), 0])
    same(c.start().accept, 0, "Start-Ack")
    for _ in range(400):
        entry = chance.choice(sessions)
        s, to, own = entry
        r = reflects(s, to, chance.randrange(2**32))
        same((r.seq, r.source), (own, to), "own Sequence Number and source")
        entry[2] += 1


def closed_ports():
    """Datagrams that met one in this namespace."""
    with open("/proc/thread-self/net/snmp") as f:
        return int([line for line in f if line.startswith("Udp:")][1].split()[2])


@test
def icmp_errors_do_not_end_a_session(t):
    # an ICMP error on the socket says nothing about the session
    d = t.daemon()
    c = t.connect()
    with rawclient.Sender(t.client) as sender:
        port = sender.port
    to = (t.server, c.request(sender_port=port).port)
    same(c.start().accept, 0, "Start-Ack")
    for seq in range(5):
        # The reply meets a closed port: ICMP port unreachable goes back.
        before = closed_ports()

        def met():
            with rawclient.Sender(t.client, port=port) as sender:
                sender.send(to, make_packet(seq))
            return closed_ports() > before
        wait_for(met, "a reply that meets a closed port")
        with rawclient.Sender(t.client, port=port) as sender:
            while sender.receive(0.2):
                pass
            reflects(sender, to, 1000 + seq)
    same(d.session_ports(), [to[1]], "session ports")


@test
def final_counters_are_logged(t):
    # session end with counters
    d = t.daemon()
    c, sender, to = t.session(timeout=0)
    for seq in range(7):
        reflects(sender, to, seq)
    sender.send(to, b"short")
    reflects(sender, to, 7)
    since = d.log_size()
    c.stop(1)
    d.wait_sessions(0)
    line = d.wait_log(r"session.*\b(9|8)\b", since)
    true("8" in line and "9" in line, "8 reflected of 9 received in: " + line)


@test
def no_packet_is_logged(t):
    # T-048: never a line per packet
    d = t.daemon()
    c, sender, to = t.session()
    d.wait_log("sessions of .* started")
    before = d.log_size()
    for seq in range(300):
        sender.send(to, b"short")
        reflects(sender, to, seq)
    same(d.log(before), "", "log lines while packets flow")


@test
def udp_checksum_and_ip_of_a_reply(t):
    # T-047: as a raw socket sees it: no options, checksum right (or left to the device)
    t.shared()
    c, sender, to = t.session()
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x800)) as sniffer:
        sniffer.bind((harness.CLIENT_LINK, 0x800))
        sniffer.settimeout(harness.PATIENCE)
        reflects(sender, to)
        while True:
            m = sniffer.recv(65536)
            if m[9] == 17 and m[20:22] == struct.pack("!H", to[1]):
                break
    same(m[0], 0x45, "version and header length")
    same(m[8], 255, "TTL")
    same(len(m), 20 + 8 + 41, "length")
    same(m[12:16], socket.inet_aton(t.server), "source")


if __name__ == "__main__":
    harness.main()
