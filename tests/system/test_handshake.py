# SPDX-License-Identifier: BSD-2-Clause
"""The control protocol in mode 1 until Server-Start, row by row, against the real twampd. The ids name
the requirements in docs; RFC 4656 3.1.
"""

import socket
import struct
import time

import harness
import rawclient
from harness import same, test, true
from rawclient import make_request, make_setup, make_start
from steps import works

FEATURES = 0x370

# --- greeting -------------------------------------------------------------------------

@test(both=True)
def greeting_comes_at_once(t):
    # R-001 R-002 C-003
    t.shared()
    same(len(t.control().read(64)), 64, "length of the greeting")


@test
def greeting_fields(t):
    # R-003 R-006 R-007 C-010 C-020 C-021: no keys, so no keyed mode is offered
    t.shared()
    g = t.control().greeting()
    true(g.modes & 1, "mode 1 is not offered")
    same(g.modes & ~(FEATURES | 1), 0, "modes that need keys, or unassigned bits")
    same(g.count, 32768, "Count")
    same(g.unused, bytes(12), "Unused")
    same(g.mbz, bytes(12), "MBZ")
    true(g.challenge != bytes(16) and g.salt != bytes(16), "Challenge or Salt is empty")


@test
def challenge_and_salt_are_never_repeated(t):
    # R-004 R-005
    t.shared()
    seen = set()
    for _ in range(1000):
        with rawclient.Control(t.server) as c:
            g = c.greeting()
        seen.update((g.challenge, g.salt))
    same(len(seen), 2000, "different Challenges and Salts of 1000 connections")


@test(both=True)
def listens_on_a_configured_address_and_port(t):
    #
    t.daemon({"listen": [{"address": t.server_other, "port": 8620}]})
    with rawclient.connect(t.server_other, 8620) as c:
        works(t, c)
    for address, port in ((t.server, 8620), (t.server_other, 862)):
        try:
            rawclient.Control(address, port).close()
        except ConnectionRefusedError:
            continue
        raise AssertionError("%s port %d takes connections" % (address, port))


@test
def listens_on_several(t):
    #
    t.daemon({"listen": [{"address": "0.0.0.0", "port": 862}, {"address": "::", "port": 862},
                         {"port": 8621}]})
    for port in (862, 8621):
        for family in (4, 6):
            rawclient.connect(harness.SERVER[family], port).close()


@test(both=True)
def control_packets_carry_the_dscp_of_the_syn(t):
    #
    t.shared()
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as sniffer:
        sniffer.bind((harness.CLIENT_LINK, 3))
        sniffer.settimeout(5)
        c = t.connect(tos=0xb8)
        works(t, c)
        port = c.local()[1]
        c.close()
        seen = []
        while len(seen) < 4:
            m = sniffer.recv(65536)
            v4 = m[0] >> 4 == 4
            protocol, start = (m[9], (m[0] & 15) * 4) if v4 else (m[6], 40)
            if protocol != 6 or m[start:start + 4] != struct.pack("!HH", 862, port):
                continue
            tos = m[1] if v4 else (m[0] & 15) << 4 | m[1] >> 4
            if m[start + 13] & 0x02 == 0 and len(m) > start + (m[start + 12] >> 4) * 4:
                seen.append(tos)
                if len(seen) == 3:
                    break
    same([s & 0xfc for s in seen], [0xb8] * 3, "TOS of the server's messages")


# --- handshake ------------------------------------------------------------------------

@test
def handshake_timer(t):
    # no Server-Start, only a close, and not before its time
    t.daemon({"timers": {"handshake": 2}})
    for partial in (b"", make_setup()[:163]):
        began = time.monotonic()
        c = t.control()
        c.greeting()
        c.send(partial)
        same(c.wait_closed(), b"", "octets before the close")
        true(time.monotonic() - began > 1.9, "closed too early")


@test
def setup_octet_by_octet(t):
    # R-012 C-005
    t.shared()
    c = t.control()
    c.greeting()
    c.send_bytewise(make_setup())
    same(c.server_start().accept, 0, "Accept")
    c.send_bytewise(make_request())
    same(c.accept_session().accept, 0, "Accept of a fragmented request")


@test
def setup_and_request_in_one_write(t):
    # R-012 C-005 C-030
    t.shared()
    c = t.control()
    c.send(make_setup() + make_request() + make_start())
    c.greeting()
    same(c.server_start().accept, 0, "Server-Start")
    same(c.accept_session().accept, 0, "Accept-Session")
    same(c.start_ack().accept, 0, "Start-Ack")


@test
def mode_zero_closes(t):
    # R-013 C-011
    t.shared()
    c = t.control()
    c.greeting()
    c.send(bytes(164))
    same(c.wait_closed(), b"", "octets before the close")


@test(both=True)
def server_start_fields(t):
    # R-014 R-019 C-040 C-041
    t.shared()
    s = t.connect().server_start_seen
    same(s.mbz, bytes(15), "MBZ")
    same(s.iv, bytes(16), "Server-IV, unused in mode 1")
    same(s.mbz2, bytes(8), "second MBZ")
    age = (rawclient.ntp() >> 32) - (s.start_time >> 32)
    true(0 <= age < 3600, "Start-Time is %d s ago" % age)
    same(t.connect().server_start_seen.start_time, s.start_time, "Start-Time of a second one")


@test
def start_time_is_that_of_the_instance(t):
    # R-019 C-041
    d = t.daemon()
    with rawclient.connect(t.server) as c:
        first = c.server_start_seen.start_time
    same(d.terminate(), 0, "exit status")
    d.start()
    with rawclient.connect(t.server) as c:
        true(c.server_start_seen.start_time > first, "Start-Time is that of the old instance")


@test
def key_fields_are_ignored_in_mode_1(t):
    # R-015 C-002
    t.shared()
    c = t.control()
    c.greeting()
    same(c.setup(fill=0xff).accept, 0, "Accept")


def setup_refused(t, mode, accept=3):
    c = t.control()
    c.greeting()
    s = c.setup(mode)
    same(s.accept, accept, "Accept of Mode %#x" % mode)
    # R-018 C-042: everything else is zero, then the server closes
    same(s.raw[:15] + s.raw[16:], bytes(47), "the rest of Server-Start")
    same(c.wait_closed(), b"", "octets after Server-Start")


@test
def more_than_one_security_mode(t):
    # R-040 R-018
    t.shared()
    for mode in (3, 5, 9, 7, 15, 0x80000003):
        setup_refused(t, mode)


@test
def no_security_mode(t):
    #
    t.shared()
    for mode in (16, 32, 64, 256, 512, 0x400, 0x80000000):
        setup_refused(t, mode)


@test
def security_mode_that_was_not_offered(t):
    #
    t.shared()
    for mode in (2, 4, 8):
        setup_refused(t, mode)


@test
def feature_that_was_not_offered(t):
    # R-043 R-003
    t.daemon({"features": []})
    with rawclient.Control(t.server) as c:
        same(c.greeting().modes, 1, "Modes without features")
    for feature in (16, 32, 64, 256, 512):
        setup_refused(t, 1 | feature)


@test
def ikev2_is_not_offered(t):
    # R-044 C-013
    t.shared()
    setup_refused(t, 129)
    setup_refused(t, 128)


@test
def unassigned_mode_bits_are_ignored(t):
    # R-045 C-012
    t.shared()
    for mode in (0x80000001, 0x401, 0xfffffc01):
        works(t, t.connect(mode=mode))


if __name__ == "__main__":
    harness.main()
