# SPDX-License-Identifier: BSD-2-Clause
"""The control protocol in mode 1, row by row, against the real twampd: handshake, requests,
start and stop. The ids name the requirements in docs; RFC 4656 3, RFC 5357 3.
"""

import os
import socket
import struct
import time

import harness
import rawclient
from harness import same, test, true, wait_for
from rawclient import (INDIVIDUAL, Closed, make_packet, make_request, make_setup, make_start,
                       make_stop, seconds)

FEATURES = 0x370
PORT_FIRST, PORT_LAST = 40000, 59999


def refused(answer, accept, what):
    """A refusal: the code, and nothing else in the message. R-103 R-112 R-071"""
    same(answer.accept, accept, "Accept of " + what)
    same(answer.raw[1:], bytes(47), "the rest of the refusal of " + what)


def works(t, c, what="a valid request after it"):
    """R-081: the connection still takes requests."""
    answer = c.request(sender_port=40000)
    same(answer.accept, 0, what)


def reflects(sender, to, seq=0):
    answer = sender.exchange(to, make_packet(seq))
    true(answer is not None, "no reply to packet %d" % seq)
    same(answer.sender_seq, seq, "Sender Sequence Number")
    return answer


def silent(sender, to, seq, for_s=0.7):
    sender.send(to, make_packet(seq))
    true(sender.receive(for_s) is None, "a reply that must not come")


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
    t.daemon({"timers": {"handshake": 1}})
    for partial in (b"", make_setup()[:163]):
        began = time.monotonic()
        c = t.control()
        c.greeting()
        c.send(partial)
        same(c.wait_closed(), b"", "octets before the close")
        true(time.monotonic() - began > 0.9, "closed too early")


@test
def handshake_timer_ends_with_the_handshake(t):
    #
    t.daemon({"timers": {"handshake": 1}})
    c = t.connect()
    true(c.quiet(2), "closed after the handshake")
    works(t, c)


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


# --- messages in general --------------------------------------------------------------

@test
def hmac_is_mbz_in_mode_1(t):
    # R-071 R-085 C-002 C-067
    t.shared()
    ones = b"\xff" * 16
    c = t.connect()
    answer = c.request(sender_port=40000, hmac=ones)
    same((answer.accept, answer.hmac, answer.mbz, answer.mbz2), (0, bytes(16), 0, bytes(12)),
         "Accept-Session")
    c.send(make_start(mbz=ones[:15], hmac=ones))
    same(c.read(32), bytes(32), "Start-Ack")
    c.send(make_stop(1, mbz=ones[:2], mbz2=ones[:8], hmac=ones))
    works(t, c)


UNKNOWN = [0, 1, 4, 6, 8, 10, 11, 12, 99, 255]


def unexpected_command(number, size):
    def function(t):
        # R-072 R-073 C-080: an answer after the first block, the rest is discarded
        t.shared()
        c = t.connect()
        c.send(bytes([number]) + b"\x5a" * (size - 1))
        refused(c.accept_session(), 3, "command %d" % number)
        true(c.quiet(1), "a second answer, or a close")
        works(t, c)
    function.__name__ = "unexpected_command_%d_of_%d_octets" % (number, size)
    return function


for n in UNKNOWN:
    test(unexpected_command(n, 16))
test(unexpected_command(99, 112))
test(unexpected_command(1, 112))


@test
def commands_of_individual_control_without_it(t):
    # R-072 R-073: their length is known, all of it is read before the answer
    t.shared()
    for command in (7, 9):
        c = t.connect()
        message = rawclient.make_n(command, [b"\x5a" * 16] * 3)
        c.send(message[:79])
        true(c.quiet(0.5), "an answer before the message is complete")
        c.send(message[79:] + make_request())
        refused(c.accept_session(), 3, "command %d" % command)
        same(c.accept_session().accept, 0, "the request right behind it")


@test
def individual_control_with_absurd_counts(t):
    # C-092 R-245: closed, nothing is allocated for it
    d = t.daemon()
    before = d.memory()
    for sids in (0x7fffffff, 0xffffffff, 1000000, 1025):
        c = t.connect(mode=1 | INDIVIDUAL)
        c.send(b"\x07" + bytes(11) + struct.pack("!I", sids))
        c.send(bytes(16))
        try:
            c.send(bytes(65536))
        except OSError:
            pass
        left = c.wait_closed()
        true(left[:1] in (b"", b"\x03"), "an answer other than 3 or close")
    d.wait_idle()
    true(d.memory() - before < 4 << 20 or t.run.sanitized,
         "memory grew by %d" % (d.memory() - before))


@test
def discarding_is_bounded(t):
    # whoever goes on sending rubbish is closed
    d = t.shared()
    c = t.connect()
    c.send(b"\x63" + bytes(15))
    refused(c.accept_session(), 3, "command 99")
    try:
        for _ in range(64):
            c.send(bytes(4096))
    except OSError:
        return  # reset while we sent
    same(c.wait_closed(), b"", "octets before the close")
    true(d.alive(), "twampd is gone")


@test
def truncated_message_and_fin(t):
    # R-074 R-190
    d = t.shared()
    c = t.connect()
    works(t, c)
    c.send(make_request()[:50])
    c.finish()
    same(c.wait_closed(), b"", "octets before the close")
    d.wait_idle()


@test
def message_timer(t):
    # first to last octet of a message
    t.daemon({"timers": {"message": 1}})
    c = t.connect()
    true(c.quiet(2), "closed without a message")
    began = time.monotonic()
    c.send(make_request()[:50])
    same(c.wait_closed(), b"", "octets before the close")
    true(time.monotonic() - began > 0.9, "closed too early")


@test
def stop_with_accept_above_5(t):
    # R-075 R-164: read as 1, same procedure
    t.shared()
    for accept in (1, 2, 5, 6, 77, 255):
        c, sender, to = t.session(timeout=0)
        c.stop(1, accept)
        works(t, c)


@test
def pipelined_commands_are_answered_in_order(t):
    # R-077 R-078 R-080 C-005
    t.shared(idle=True)
    c = t.connect()
    c.send(make_request(receiver_port=45001) + make_request(conf_sender=1) +
           make_request(receiver_port=45002) + bytes([7]) + bytes(14) + b"\x01" + bytes(32) +
           make_start() + make_stop(2) + make_request(receiver_port=45003) + make_start())
    same(c.accept_session().port, 45001, "port of the first request")
    refused(c.accept_session(), 3, "the second")
    same(c.accept_session().port, 45002, "port of the third")
    refused(c.accept_session(), 3, "command 7")
    same(c.start_ack().accept, 0, "Start-Ack")
    same(c.accept_session().port, 45003, "port after Stop-Sessions")
    same(c.start_ack().accept, 0, "second Start-Ack")
    true(c.quiet(), "more than was asked for")


@test
def hundreds_of_pipelined_requests(t):
    # R-077 R-080: many answers for one who does not read
    t.shared()
    c = t.connect()
    c.send(make_request() * 500)
    answers = [c.accept_session() for _ in range(500)]
    same({a.accept for a in answers}, {0}, "Accept")
    same(len({a.port for a in answers}), 500, "different ports")


@test
def send_stall_timer(t):
    # a client that never reads is dropped, and its sessions with it
    d = t.daemon({"timers": {"send_stall": 1}})
    c = t.connect(rcvbuf=2048)
    refusals = make_request(conf_sender=1) * 100
    end = time.monotonic() + harness.PATIENCE
    try:
        while time.monotonic() < end:
            if not c.push(refusals):
                time.sleep(0.02)
    except OSError:
        pass  # closed
    wait_for(lambda: d.connections() == 0, "close of the stalled connection")


# --- Request-TW-Session ---------------------------------------------------------------

REFUSED = {
    # name: (fields, accept, then what)
    "conf_sender_1": ({"conf_sender": 1}, 3),
    "conf_sender_255": ({"conf_sender": 255}, 3),
    "conf_receiver_1": ({"conf_receiver": 1}, 3),
    "conf_receiver_255": ({"conf_receiver": 255}, 3),
    "schedule_slots_1": ({"slots": 1}, 3),
    "schedule_slots_max": ({"slots": 0xffffffff}, 3),
    "ipvn_0": ({"ipvn": 0}, 3),
    "ipvn_5": ({"ipvn": 5}, 3),
    "ipvn_15": ({"ipvn": 15}, 3),
    "foreign_sender": ({"sender": "198.51.100.77"}, 1),  # R-088 R-241
    "other_sender_of_the_same_host": ({"sender": harness.CLIENT_OTHER[4]}, 1),
    "server_as_sender": ({"sender": harness.SERVER[4]}, 1),
    "receiver_not_local": ({"receiver": "198.51.100.77"}, 3),  # R-089 R-240
    "receiver_multicast": ({"receiver": "224.0.0.1"}, 3),
    "sender_broadcast": ({"sender": "255.255.255.255"}, 3),
    "sender_multicast": ({"sender": "224.0.0.1"}, 3),
    "sender_port_0": ({"sender_port": 0}, 3),
    "type_p_phb": ({"type_p": 0x40000000}, 3),  # R-093 C-076
    "type_p_prefix_2": ({"type_p": 0x80000000}, 3),
    "type_p_prefix_3": ({"type_p": 0xc0000000}, 3),
    "type_p_low_bits": ({"type_p": 0x2e000001}, 3),
    "padding_max": ({"padding": 0xffffffff}, 3),
    "padding_no_datagram": ({"padding": 65507 - 14 + 1}, 3),
    "timeout_max": ({"timeout": 2**64 - 1}, 3),
    "timeout_901": ({"timeout": seconds(901)}, 3),
    "timeout_900_and_a_bit": ({"timeout": seconds(900) + 8}, 3),
}

ACCEPTED = {
    "number_of_packets": {"packets": 5},
    "number_of_packets_max": {"packets": 0xffffffff},
    "high_nibble_of_ipvn": {"ipvn": 0xf4},
    "sid_and_mbz": {"sid": b"\xff" * 16, "mbz": b"\xff" * 8},
    "both_addresses_zero": {},
    "sender_given": {"sender": harness.CLIENT[4]},
    "receiver_given": {"receiver": harness.SERVER[4]},
    "both_addresses_given": {"sender": harness.CLIENT[4], "receiver": harness.SERVER[4]},
    "other_address_of_the_server": {"receiver": harness.SERVER_OTHER[4]},
    "dscp_46": {"type_p": 46 << 24},
    "dscp_63": {"type_p": 63 << 24},
    "padding_0": {"padding": 0},
    "padding_of_the_limit": {"padding": 65000},
    "timeout_0": {"timeout": 0},
    "timeout_900": {"timeout": seconds(900)},
    "start_time_0": {"start_time": 0},
    "start_time_past": {"start_time": 1},
    "start_time_now": {"start_time": rawclient.ntp()},
    "start_time_far_future": {"start_time": 2**64 - 1},
}


def request_refused(name, fields, accept):
    def function(t):
        # R-080 R-081 R-082 R-083 R-084 R-088 R-089 R-090 R-092 R-093 R-095 R-097 R-103 R-112
        t.shared()
        c = t.connect()
        refused(c.request(**fields), accept, name)
        works(t, c)
    function.__name__ = "request_refused_" + name
    return function


def request_accepted(name, fields):
    def function(t):
        # R-083 R-084 R-085 R-086 R-089 R-093 R-095 R-097 R-150
        t.shared()
        answer = t.connect().request(**fields)
        same(answer.accept, 0, "Accept")
        true(PORT_FIRST <= answer.port <= PORT_LAST, "Port %d" % answer.port)
    function.__name__ = "request_accepted_" + name
    return function


for n, (f, a) in REFUSED.items():
    test(request_refused(n, f, a))
for n, f in ACCEPTED.items():
    test(request_accepted(n, f))


@test
def all_bad_requests_on_one_connection(t):
    # as often as it likes
    t.shared()
    c = t.connect()
    for name, (fields, accept) in REFUSED.items():
        refused(c.request(**fields), accept, name)
    works(t, c)


@test
def ipvn_against_the_family_of_the_connection(t):
    # R-087 R-088
    t.shared()
    refused(t.connect(harness.SERVER[4]).request(ipvn=6), 3, "IPVN 6 on IPv4")
    same(t.connect(harness.SERVER[6]).request(ipvn=4).accept, 0, "IPVN 4 on IPv6, nothing given")
    refused(t.connect(harness.SERVER[6]).request(ipvn=4, sender=harness.CLIENT[4]), 3,
            "IPVN 4 on IPv6, only the sender given")
    refused(t.connect(harness.SERVER[4]).request(ipvn=6, sender=harness.CLIENT[6]), 3,
            "IPVN 6 on IPv4, only the sender given")
    refused(t.connect(harness.SERVER[4]).request(
        ipvn=6, sender=harness.CLIENT[6], receiver=harness.SERVER[6]), 1,
        "an IPv6 sender that is not the address of the client")


@test
def foreign_sender_over_ipv6(t):
    # R-088 R-089 R-090
    t.shared()
    c = t.connect(harness.SERVER[6])
    refused(c.request(sender="2001:db8::77"), 1, "foreign sender")
    refused(c.request(receiver="2001:db8::77"), 3, "foreign receiver")
    refused(c.request(sender="ff02::1"), 3, "multicast sender")
    same(c.request(sender=harness.CLIENT[6], receiver=harness.SERVER_OTHER[6]).accept, 0,
         "own sender, other receiver address")


@test
def link_local_needs_a_link_local_connection(t):
    #
    t.shared()
    c = t.connect(harness.SERVER[6])
    refused(c.request(receiver=harness.LINK_LOCAL["server"]), 3, "link-local receiver")
    refused(c.request(sender=harness.LINK_LOCAL["client"]), 3, "link-local sender")


@test
def link_local_with_its_scope(t):
    #
    t.shared()
    scope = "%" + harness.CLIENT_LINK
    server = harness.LINK_LOCAL["server"] + scope
    c = t.connect(server)
    sender = t.sender(harness.LINK_LOCAL["client"] + scope)
    for fields in ({}, {"receiver": harness.LINK_LOCAL["server"],
                        "sender": harness.LINK_LOCAL["client"]}):
        answer = c.request(sender_port=sender.port, **fields)
        same(answer.accept, 0, "Accept of %r" % fields)
    same(c.start().accept, 0, "Start-Ack")
    reflects(sender, (server, answer.port))


@test
def order_of_checks(t):
    # syntax before policy before limits; R-095: 3 for what cannot be, 4 for a limit
    t.daemon({"limits": {"max_sessions": 1, "max_padding": 100}})
    c = t.connect()
    refused(c.request(conf_sender=1, sender="198.51.100.77", padding=101), 3, "all wrong")
    refused(c.request(sender="198.51.100.77", padding=101), 1, "policy and limit")
    refused(c.request(padding=0xffffffff), 3, "impossible padding")
    refused(c.request(padding=101), 4, "padding above the limit")
    works(t, c, "the one session that is allowed")
    refused(c.request(conf_receiver=1), 3, "syntax, with all sessions in use")
    refused(c.request(sender="198.51.100.77"), 1, "policy, with all sessions in use")
    refused(c.request(), 4, "one session too many")


@test
def request_while_testing(t):
    # R-098 R-145: refused, and the tests go on
    t.shared()
    c, sender, to = t.session()
    reflects(sender, to, 0)
    refused(c.request(), 3, "a request while testing")
    reflects(sender, to, 1)
    same(c.start().accept, 3, "Start-Sessions while testing")
    reflects(sender, to, 2)
    c.send(b"\x07" + bytes(14) + b"\x01" + bytes(32))
    refused(c.accept_session(), 3, "command 7 while testing")
    c.stop(1)
    works(t, c)


# --- ports ----------------------------------------------------------------------------

@test(both=True)
def session_on_the_wanted_port(t):
    # R-100 R-101
    t.shared(idle=True)
    c, sender, to = t.session(receiver_port=45678)
    same(to[1], 45678, "Port")
    same(reflects(sender, to).source, (t.server, 45678), "source of the reply")


@test(both=True)
def busy_port_gives_an_alternate(t):
    # R-102 R-107 C-080
    t.shared(idle=True)
    c, c2 = t.connect(), t.connect()
    sender = t.sender()
    a = c.request(sender_port=sender.port, receiver_port=45678)
    b = c2.request(sender_port=sender.port, receiver_port=45678)
    same((a.accept, b.accept, a.port), (0, 0, 45678), "Accepts and the first port")
    true(b.port != 45678 and PORT_FIRST <= b.port <= PORT_LAST, "alternate port %d" % b.port)
    for control, answer in ((c, a), (c2, b)):
        same(control.start().accept, 0, "Start-Ack")
        same(reflects(sender, (t.server, answer.port)).source[1], answer.port, "source port")


@test
def port_of_another_program_gives_an_alternate(t):
    # busy because of somebody else
    d = t.daemon({"ports": {"first": 45000, "last": 45001}})
    child = harness.subprocess.Popen(
        [harness.sys.executable, "-c",
         "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
         "s.bind(('0.0.0.0', 45000)); print('bound', flush=True); sys.stdin.read()"],
        stdin=harness.subprocess.PIPE, stdout=harness.subprocess.PIPE,
        preexec_fn=lambda: harness.enter_namespace(t.net.server))
    try:
        same(child.stdout.readline(), b"bound\n", "the other program")
        answer = t.connect().request(receiver_port=45000)
        same((answer.accept, answer.port), (0, 45001), "Accept and Port")
        true(d.alive(), "twampd is gone")
    finally:
        child.stdin.close()
        child.wait(10)
        child.stdout.close()


@test
def ports_that_are_not_ours_to_give(t):
    # R-104 R-105 R-109
    t.shared()
    c = t.connect()
    for wanted in (0, 22, 862, 1023, PORT_FIRST - 1, PORT_LAST + 1, 65535):
        answer = c.request(receiver_port=wanted)
        same(answer.accept, 0, "Accept with Receiver Port %d" % wanted)
        true(PORT_FIRST <= answer.port <= PORT_LAST, "Port %d for %d" % (answer.port, wanted))


@test(both=True)
def port_is_bound_when_the_answer_comes(t):
    # for a client that is gone at once as well
    d = t.shared(idle=True)
    c = t.connect()
    answer = c.request(receiver_port=45678)
    true(answer.port in d.session_ports(), "port %d is not bound" % answer.port)
    c.reset()
    d.wait_idle()
    answer = t.connect().request(receiver_port=45678)
    same((answer.accept, answer.port), (0, 45678), "Accept and Port after the first one left")


@test
def client_that_does_not_wait_for_the_answer(t):
    # R-108 R-190
    d = t.shared()
    for _ in range(50):
        c = t.connect()
        c.send(make_request() * 20)
        c.reset()
    d.wait_idle()


# --- SID ------------------------------------------------------------------------------

@test
def sid_layout(t):
    # R-110 R-111 C-085
    t.shared()
    c = t.connect()
    answers = [c.request() for _ in range(200)]
    same(len({a.sid for a in answers}), 200, "different SIDs")
    same(len({a.sid[12:] for a in answers}), 200, "different random parts (2^32 values)")
    for a in answers:
        true(a.sid[0:4] in {socket.inet_aton(x) for x in
                            (harness.SERVER[4], harness.SERVER_OTHER[4])},
             "SID starts with %s" % socket.inet_ntoa(a.sid[0:4]))
        age = (rawclient.ntp() >> 32) - struct.unpack("!I", a.sid[4:8])[0]
        true(0 <= age <= 120, "time of the SID is %d s ago" % age)


@test
def sid_over_ipv6(t):
    # R-111 C-085: an IPv4 address of the host all the same
    t.shared()
    sid = t.connect(harness.SERVER[6]).request().sid
    true(sid[0:4] in {socket.inet_aton(x) for x in
                      (harness.SERVER[4], harness.SERVER_OTHER[4])},
         "SID starts with %s" % sid[0:4].hex())


# --- start ----------------------------------------------------------------------------

@test(both=True)
def start_starts_all_sessions(t):
    # R-140 R-141
    t.shared()
    c, sender = t.connect(), t.sender()
    ports = [c.request(sender_port=sender.port).port for _ in range(5)]
    ack = c.start()
    same(ack.raw, bytes(32), "Start-Ack")
    for seq, port in enumerate(ports):
        reflects(sender, (t.server, port), seq)


@test
def start_with_nothing_accepted(t):
    # R-143 R-146
    t.shared()
    c = t.connect()
    same(c.start().raw, b"\x01" + bytes(31), "Start-Ack")
    refused(c.request(conf_sender=1), 3, "a bad request")
    same(c.start().accept, 1, "Start-Ack with refused requests only")
    works(t, c)
    same(c.start().accept, 0, "Start-Ack then")


@test
def start_twice(t):
    # R-145 R-146
    t.shared()
    c, sender, to = t.session()
    same(c.start().raw, b"\x03" + bytes(31), "second Start-Ack")
    reflects(sender, to)
    c.stop(1)
    same(c.start().accept, 1, "Start-Ack with all sessions stopped")


@test
def start_time_in_the_future(t):
    # reflected from Start-Ack on regardless
    t.shared()
    c, sender, to = t.session(start_time=rawclient.ntp(time.time() + 3600))
    reflects(sender, to)


# --- stop -----------------------------------------------------------------------------

@test
def stop_is_not_answered(t):
    # R-159 R-078
    t.shared()
    c, sender, to = t.session()
    c.stop(1)
    true(c.quiet(1), "an answer to Stop-Sessions")
    works(t, c)


@test(both=True)
def several_rounds_on_one_connection(t):
    # R-165 R-160: while the old sessions still drain
    d = t.daemon()
    c, sender = t.connect(), t.sender()
    old = []
    for _ in range(4):
        ports = [c.request(sender_port=sender.port, timeout=seconds(100)).port for _ in range(3)]
        same(c.start().accept, 0, "Start-Ack")
        for seq, port in enumerate(ports + old):
            reflects(sender, (t.server, port), seq)
        c.stop(3)
        old += ports
    d.wait_sessions(12)
    works(t, c)


@test
def stop_with_a_wrong_count(t):
    # closed at once; the sessions drain for their Timeout, R-190
    t.daemon()
    for count in (0, 2, 65536, 0xffffffff):
        c, sender, to = t.session(timeout=seconds(100))
        reflects(sender, to, 0)
        c.stop(count)
        same(c.wait_closed(), b"", "octets before the close")
        reflects(sender, to, 1)


@test
def stop_counts_sessions_that_ended_by_refwait(t):
    # R-163 R-166 R-170
    d = t.daemon({"timers": {"refwait": 1}})
    c, sender = t.connect(), t.sender()
    for _ in range(2):
        same(c.request(sender_port=sender.port).accept, 0, "Accept")
    same(c.start().accept, 0, "Start-Ack")
    d.wait_sessions(0)
    c.stop(2)
    works(t, c)
    same(c.start().accept, 0, "Start-Ack of the next round")
    d.wait_sessions(0)
    c.stop(2)
    same(c.wait_closed(), b"", "octets before the close")


@test
def stop_without_sessions(t):
    #
    t.shared()
    c = t.connect()
    c.stop(0)
    c.stop(0)
    works(t, c)
    c.stop(0)
    same(c.start().accept, 0, "Start-Ack: an accepted session is not touched by Stop 0")
    c2 = t.connect()
    c2.stop(1)
    same(c2.wait_closed(), b"", "octets before the close")


@test
def nothing_follows_a_stop(t):
    # the next octet is the next command
    t.shared()
    c, sender, to = t.session(timeout=0)
    c.send(make_stop(1) + make_request() + make_start() + make_stop(1) + make_request())
    same(c.accept_session().accept, 0, "Accept of the request behind Stop")
    same(c.start_ack().accept, 0, "Start-Ack")
    same(c.accept_session().accept, 0, "Accept of the second request behind Stop")


# --- timers ---------------------------------------------------------------------------

@test
def servwait(t):
    #
    t.daemon({"timers": {"servwait": 2}})
    began = time.monotonic()
    c = t.connect()
    same(c.wait_closed(), b"", "octets before the close")
    true(time.monotonic() - began > 1.9, "closed too early")


@test
def servwait_starts_anew_with_each_message(t):
    #
    t.daemon({"timers": {"servwait": 4}})
    c = t.connect()
    for _ in range(5):
        time.sleep(1)
        works(t, c)
    began = time.monotonic()
    c.wait_closed()
    true(time.monotonic() - began > 3.5, "closed too early")


@test
def servwait_is_suspended_while_testing(t):
    #
    d = t.daemon({"timers": {"servwait": 2}})
    c, sender, to = t.session(timeout=0)
    for seq in range(5):
        time.sleep(1)
        reflects(sender, to, seq)
    true(c.quiet(0), "closed while testing")
    c.stop(1)
    began = time.monotonic()
    same(c.wait_closed(), b"", "octets before the close")
    true(time.monotonic() - began > 1.8, "closed too early")
    d.wait_idle()


@test
def servwait_resumes_when_all_sessions_ended_by_refwait(t):
    # R-169 R-170 R-171
    d = t.daemon({"timers": {"servwait": 3, "refwait": 1}})
    c, sender = t.connect(), t.sender()
    quiet = c.request(sender_port=sender.port).port
    busy = c.request(sender_port=sender.port).port
    same(c.start().accept, 0, "Start-Ack")
    for seq in range(16):
        reflects(sender, (t.server, busy), seq)
        time.sleep(0.3)
    true(busy in d.session_ports() and quiet not in d.session_ports(), "REFWAIT of one session")
    same(c.wait_closed(), b"", "octets before the close")
    d.wait_idle()


@test
def keepalive_on_control_connections(t):
    #
    t.shared()
    c = t.connect()
    port = c.local()[1]

    def timer():
        out = harness.run("ip", "netns", "exec", t.net.server, "ss", "-tnoH", "sport", "=", ":862")
        return any(":%d " % port in line and "keepalive" in line
                   for line in out.stdout.splitlines())
    wait_for(timer, "keepalive timer of the connection")


# --- loss of the connection -----------------------------------------------------------

def connection_lost(how, started):
    def function(t):
        # R-190 R-074
        d = t.daemon()
        c, sender, to = t.session(start=started, timeout=seconds(100))
        if started:
            reflects(sender, to, 0)
        d.wait_sessions(1)
        (c.close if how == "fin" else c.reset)()
        d.wait_idle()
        silent(sender, to, 1)
    function.__name__ = "connection_lost_by_%s_%s" % (how, "started" if started else "accepted")
    return function


for h in ("fin", "rst"):
    for s in (False, True):
        test(connection_lost(h, s))


@test(both=True)
def stopped_sessions_outlive_the_connection(t):
    # R-190 R-160
    d = t.daemon()
    c, sender, to = t.session(timeout=seconds(100))
    reflects(sender, to, 0)
    c.stop(1)
    c.close()
    wait_for(lambda: d.connections() == 0, "close of the connection")
    reflects(sender, to, 1)
    same(len(d.session_ports()), 1, "sessions that drain")


@test
def half_close_flushes_the_replies(t):
    #
    d = t.shared()
    c = t.connect()
    c.send(make_request() * 40 + make_start())
    c.finish()
    for _ in range(40):
        same(c.accept_session().accept, 0, "Accept")
    same(c.start_ack().accept, 0, "Start-Ack")
    same(c.wait_closed(), b"", "octets after the replies")
    d.wait_idle()


@test
def random_octets(t):
    # whatever comes, the daemon stays, and nothing stays in it
    d = t.shared()
    seed = int.from_bytes(os.urandom(4), "big")
    import random
    chance = random.Random(seed)
    for round_number in range(200):
        c = t.control()
        try:
            c.send(make_setup() if chance.random() < 0.8 else b"")
            for _ in range(chance.randrange(1, 6)):
                kind = chance.random()
                if kind < 0.5:
                    m = bytearray(make_request())
                    for _ in range(chance.randrange(0, 4)):
                        m[chance.randrange(len(m))] = chance.randrange(256)
                elif kind < 0.8:
                    m = bytes([chance.choice((2, 3, 5, 7, 9))]) + bytes(
                        chance.randrange(256) for _ in range(31))
                else:
                    m = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 300)))
                c.send(bytes(m))
        except OSError:
            pass
        c.reset()
        true(d.alive(), "twampd is gone, seed %d" % seed)
    d.wait_idle()
    works(t, t.connect(), "a request after all that, seed %d" % seed)


if __name__ == "__main__":
    harness.main()
