# SPDX-License-Identifier: BSD-2-Clause
"""Sockets that the service manager passes: used, kept over a reload, and looked at before."""

import os
import re
import socket
import struct
import sys

import harness
from harness import same, test, true
from rawclient import make_packet

ACTIVATE = [sys.executable, "-B",
            os.path.join(os.path.dirname(os.path.abspath(__file__)), "activate.py")]
ELSEWHERE = {"listen": [{"port": 9999}]}  # would show itself if it were used


def activated(t, *specs, **options):
    return t.daemon(ELSEWHERE, prefix=ACTIVATE + list(specs) + ["--"], **options)


def listening(d):
    return sorted({port for _, port, state in d.sockets("tcp") if state == 10})


def measure(t):
    c, sender, to = t.session()
    answer = sender.exchange(to, make_packet(0))
    true(answer is not None, "no reply")
    c.stop(1)


@test(both=True)
def passed_sockets_are_used_and_listen_is_not(t):
    d = activated(t, "tcp4:control", "tcp6:control")
    same(listening(d), [862], "listening ports")
    d.wait_log(r"listening on 2 sockets that the service manager passed; listen .* not used")
    d.wait_log(r"listening on 0\.0\.0\.0:862")
    d.wait_log(r"listening on \[::\]:862")
    measure(t)


@test(both=True)
def a_socket_of_both_families_serves_both(t):
    # an IPv4-mapped address counts as IPv4: this one is in the class, and nobody else
    client = harness.CLIENT[t.family]
    prefix = client + ("/32" if t.family == 4 else "/128")
    d = t.daemon({"clients": [{"name": "one", "prefixes": [prefix]}]},
                 prefix=ACTIVATE + ["dual:control", "--"])
    measure(t)
    line = d.wait_log(r"connection from .* established")
    wanted = client if t.family == 4 else "[%s]" % client
    true("from %s:" % wanted in line, "the client is %s in: %s" % (wanted, line))
    true("class one" in line, line)


def first_tos(sniffer):
    """TOS or Traffic Class of the next TCP segment from port 862 that carries data."""
    while True:
        m = sniffer.recv(65536)
        v4 = m[0] >> 4 == 4
        protocol, start = (m[9], (m[0] & 15) * 4) if v4 else (m[6], 40)
        size = struct.unpack("!H", m[2:4])[0] if v4 else 40 + struct.unpack("!H", m[4:6])[0]
        if (protocol == 6 and m[start:start + 2] == struct.pack("!H", 862) and
                size > start + (m[start + 12] >> 4) * 4):
            return m[1] if v4 else (m[0] & 15) << 4 | m[1] >> 4


@test(both=True)
def dscp_of_the_syn_on_a_socket_of_both_families(t):
    #
    t.daemon(prefix=ACTIVATE + ["dual:control", "--"])
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as sniffer:
        sniffer.bind((harness.CLIENT_LINK, 3))
        sniffer.settimeout(5)
        t.connect(tos=0xb8)
        same(first_tos(sniffer) & 0xfc, 0xb8, "TOS of the Server-Greeting")


@test
def a_reload_keeps_passed_sockets(t):
    d = activated(t, "tcp4:control")
    inode = d.fds()[3]
    c, sender, to = t.session()
    d.reload({"listen": [{"port": 9998}], "limits": {"max_sessions": 1}})
    same(d.fds()[3], inode, "descriptor 3 after a reload")
    same(listening(d), [862], "listening ports after a reload")
    d.reload(text="limits = { max_sessions = 0; };", expect="reload failed")
    same(d.fds()[3], inode, "descriptor 3 after a reload that failed")
    true(sender.exchange(to, make_packet(0)) is not None, "no reply after the reloads")
    c.stop(1)
    t.connect()


@test
def names_that_nobody_chose_are_taken(t):
    activated(t, "tcp4:twampd@red.socket", "tcp6:unknown")
    measure(t)


@test
def clients_may_knock_before_the_daemon_is_there(t):
    # the socket's queue is the kernel's, and accept() must not block on it
    d = activated(t, "tcp4:control")
    quiet = [t.control() for _ in range(5)]
    for c in quiet:
        c.greeting()
    d.terminate()


@test
def environment_is_not_left(t):
    # LISTEN_FDS of another process is not ours
    d = t.daemon(env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
    true(862 in listening(d), "the setting listen holds")


def refused(t, specs, *words):
    d = activated(t, *specs, wait=False)
    same(d.wait_exit(), 1, "exit status")
    for word in words:
        true(re.search(word, d.log()), "%r in: %s" % (word, d.log()))


@test
def wrong_sockets_are_named(t):
    for spec, words in ((["tcp4:control", "udp:control"],
                         (r'descriptor 4 "control"', "not a TCP socket")),
                        (["unix:control"], (r'descriptor 3 "control"', "IPv4 or IPv6")),
                        (["file:control"], (r'descriptor 3 "control"', "IPv4 or IPv6")),
                        (["deaf:control"], (r'descriptor 3 "control"', "does not listen")),
                        (["tcp4:control", "tcp6:web"],
                         (r'descriptor 4 "web"', 'expected: "control"'))):
        refused(t, spec, *words)


if __name__ == "__main__":
    harness.main()
