# SPDX-License-Identifier: BSD-2-Clause
"""Request-TW-Session in mode 1, row by row, against the real twampd: what is refused, the ports and
the SIDs. The ids name the requirements in docs; RFC 4656 3.5, RFC 5357 3.5.
"""

import socket
import struct
import subprocess
import sys

import harness
import rawclient
from harness import same, test, true
from rawclient import make_request, seconds
from steps import refused, works, reflects

PORT_FIRST, PORT_LAST = 40000, 59999

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
    child = subprocess.Popen(
        [sys.executable, "-c",
         "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
         "s.bind(('0.0.0.0', 45000)); print('bound', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
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


if __name__ == "__main__":
    harness.main()
