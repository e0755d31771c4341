# SPDX-License-Identifier: BSD-2-Clause
"""The real twampd in all modes with all features: whole sessions of which each octet of each
reply is compared. Sections 4 and 10 of the requirements, and the layouts of test packets.
"""

import itertools
import os

import harness
import rawclient
from harness import same, test, true
from keyed import (ALL, FEATURE_NAMES, KEY, KEYS, MODE_NAMES, connect, keyed_daemon, open_session,
                   refused, subsets)
from packets import Layout, Session, ptp
from rawclient import (DSCP_ECN, INDIVIDUAL, PTP, REFLECT_OCTETS, SECURITY, SYMMETRICAL, ntp,
                       reflect_fields, seconds)

PADDING, REFLECTED = 100, 21


# --- what is offered ------------------------------------------------------------------

def greeting_of(t, **options):
    with t.control(**options) as c:
        g = c.greeting()
    same((g.unused, g.mbz), (bytes(12), bytes(12)), "unused octets of the greeting")
    return g


@test(both=True)
def greeting_with_keys(t):
    # R-003 R-006 R-007 C-010 C-013
    keyed_daemon(t, {"auth": {"count": 32768}})
    g = greeting_of(t)
    same((g.modes, g.count), (ALL, 32768), "Modes and Count")


@test(both=True)
def greeting_without_keys(t):
    # neither without a file nor with an empty one
    d = t.daemon()
    same(greeting_of(t).modes, 0x371, "Modes without a keys file")
    d.write_keys(b"# none yet\n\n")
    d.reload()
    same(greeting_of(t).modes, 0x371, "Modes with an empty keys file")
    for mode in (2, 4, 8):
        refused(t, mode)
    d.write_keys(KEYS)
    d.reload()
    same(greeting_of(t).modes, ALL, "Modes with a key")


@test
def greeting_offers_what_is_configured(t):
    # each mode and each feature alone
    d = keyed_daemon(t)
    for bit, name in MODE_NAMES.items():
        d.reload({"modes": [name], "features": []})
        same(greeting_of(t).modes, bit, "Modes of " + name)
    for bit, name in FEATURE_NAMES.items():
        d.reload({"modes": ["encrypted"], "features": [name]})
        same(greeting_of(t).modes, 4 | bit, "Modes of " + name)


# --- which mode is taken --------------------------------------------------------------

@test
def exactly_one_security_bit(t):
    # R-040 R-041: with a right key too
    d = keyed_daemon(t)
    for n in range(16):
        if n not in (0,) + SECURITY:
            refused(t, n)
            refused(t, n | 0x370)
    for features in subsets():
        if features:
            refused(t, features)
    true("mode-multiple" in d.log(), "the reason is not in the log")


@test(both=True)
def mode_zero(t):
    #
    keyed_daemon(t)
    with t.control() as c:
        c.greeting()
        c.send(rawclient.make_setup(0))
        same(c.wait_closed(), b"", "octets before the close")


@test
def ike_keys_are_refused(t):
    #
    keyed_daemon(t)
    for mode in SECURITY:
        refused(t, mode | 128)


@test
def unknown_bits_are_ignored(t):
    # each of them, in each mode
    keyed_daemon(t)
    for mode in SECURITY:
        for bit in range(10, 32):
            control = t.connect(mode=mode | 1 << bit, key=KEY)
            same(control.request().accept, 0, "Accept with mode bit %d" % bit)
            control.close()


@test(both=True)
def only_ciphered_modes_offered(t):
    # R-042 R-249: nobody gets in unauthenticated
    d = keyed_daemon(t, {"modes": ["authenticated", "encrypted", "mixed"]})
    same(greeting_of(t).modes, ALL & ~1, "Modes")
    for features in subsets():
        refused(t, 1 | features)
    true("mode-not-offered" in d.log(), "the reason is not in the log")
    for mode in (2, 4, 8):
        same(connect(t, mode).request().accept, 0, "Accept in mode %d" % mode)


@test
def each_mode_that_is_not_offered(t):
    #
    d = keyed_daemon(t)
    for bit, name in MODE_NAMES.items():
        d.reload({"modes": [n for b, n in MODE_NAMES.items() if b != bit]})
        refused(t, bit)
        for other in SECURITY:
            if other != bit:
                connect(t, other).close()


@test
def each_feature_that_is_not_offered(t):
    # it would have changed what both sides say
    d = keyed_daemon(t)
    for bit, name in FEATURE_NAMES.items():
        d.reload({"features": [n for b, n in FEATURE_NAMES.items() if b != bit]})
        for mode in SECURITY:
            refused(t, mode | bit)
            refused(t, mode | 0x370)
            connect(t, mode | 0x370 & ~bit).close()
    true("feature-not-offered" in d.log(), "the reason is not in the log")


# --- all of them ----------------------------------------------------------------------

def converse(t, modes):
    """A session with packets of three sizes, and two more that leave the usual."""
    control = connect(t, modes)
    tos, ttl = 0x29, 77
    sender = t.sender(ttl=ttl, tos=tos)
    fields = {"padding": PADDING, "timeout": seconds(0), "type_p": 10 << 24}
    if modes & REFLECT_OCTETS:
        fields["mbz"] = reflect_fields(0xbeef, REFLECTED)
    session, answer = open_session(t, control, modes, sender, **fields)
    echo = b"\xbe\xef" if modes & REFLECT_OCTETS else bytes(2)
    same((answer.mbz, answer.mbz2), (0, echo + bytes(10)), "rest of Accept-Session")
    layout = session.layout
    padding = os.urandom(PADDING + 37)
    # Too short for padding; as announced; longer than announced (T-025).
    for i, length in enumerate((layout.hs, layout.ps + PADDING, layout.ps + PADDING + 37)):
        packet = layout.sent(i, ntp(), 0x8001, padding, length=length)
        reply = session.check(packet, ttl, tos, reply_tos=40)
        if length == layout.ps + PADDING and modes & REFLECT_OCTETS:
            same(reply[layout.hr:layout.hr + REFLECTED], padding[:REFLECTED], "R-211 T-023")
    # T-004: octets that must be zero may be what they like; R-215: the sender's Z is its own
    session.check(layout.sent(0xfffffffe, ptp(), 0x4d07, padding, mbz=0xee), ttl, tos, 40)
    session.check(layout.sent(3, 2**64 - 1, 0xffff, padding), ttl, tos, 40)
    if modes & INDIVIDUAL:
        acks = control.individual(9, answer.sid)
        same([(a.command, a.accept, a.sids) for a in acks], [(10, 0, [answer.sid])], "Stop-N-Ack")
    else:
        control.stop(1)
    same(control.request().accept, 0, "Accept of a second request")
    control.close()
    sender.close()


@test(both=True, limit=600)
def all_modes_with_all_features(t):
    # R-043 R-046 R-210 R-211 R-213 R-214 R-215 R-216 R-217 R-020
    # T-001 T-002 T-010 T-011 T-013 T-021 T-022 T-023 T-025 T-030 T-031 T-043 T-044 T-045 T-047
    d = keyed_daemon(t)
    for mode in SECURITY:
        for features in subsets():
            try:
                converse(t, mode | features)
            except Exception as error:
                raise AssertionError("mode %#x: %s: %s" %
                                     (mode | features, type(error).__name__, error)) from error
    d.wait_idle()


@test(both=True)
def every_length_around_the_edges(t):
    # T-020 T-021 T-022 T-026: each length from none to beyond the reply's header
    d = keyed_daemon(t)
    for modes in (1, 1 | DSCP_ECN, 1 | SYMMETRICAL, 1 | SYMMETRICAL | DSCP_ECN, 2, 4,
                  4 | SYMMETRICAL | DSCP_ECN, 8):
        session, _ = open_session(t, connect(t, modes), modes)
        layout = session.layout
        padding = os.urandom(120)
        for length in range(layout.hs, layout.hs + 120):
            session.check(layout.sent(length, ntp(), 1, padding).ljust(length, b"p")[:length])
        for length in range(layout.hs):
            session.sender.send(session.to, bytes(length))
        # No reply to any of these, and none has used up a number.
        session.check(layout.sent(7, ntp(), 1, padding))
        true(session.sender.receive_raw(0.05) is None, "a reply to a short packet")
    d.terminate()
    true("dropped short" in d.log(), "the short packets are not in the log")


@test
def large_packets_in_keyed_modes(t):
    # T-027: the padding is neither covered nor cut
    keyed_daemon(t)
    for modes in (2, 4, 8):
        session, _ = open_session(t, connect(t, modes), modes, padding=60000)
        for length in (1472, 1473, 9000, 60048, 65507):
            layout = session.layout
            session.check(layout.sent(1, ntp(), 1, os.urandom(length - layout.ps)))


# --- reflect octets, RFC 6038 ---------------------------------------------------------

@test
def reflected_padding_must_survive_the_cut(t):
    # R-096 R-082 T-024: in each layout, at the edge and one above
    keyed_daemon(t)
    for mode, features in itertools.product(SECURITY, subsets((SYMMETRICAL, DSCP_ECN))):
        modes = mode | features | REFLECT_OCTETS
        control = connect(t, modes)
        cut = Layout(modes).cut
        for length in (1, 2, 21, 1000, 65000 - 113):
            least = max(length + cut, length + 1)
            for padding, want in ((least, 0), (least - 1, 3), (length, 3), (0, 3), (least + 1, 0)):
                answer = control.request(padding=padding, mbz=reflect_fields(0xcafe, length))
                same(answer.accept, want, "Accept in mode %#x of length %d in padding %d" %
                     (modes, length, padding))
                # C-081 R-210: echoed in refusals too; R-212: no Server octets are wanted
                same(answer.mbz2, b"\xca\xfe" + bytes(10), "octets 20..31")
                same((answer.port != 0, answer.sid != bytes(16)), (not want, not want),
                     "Port and SID are given")
        same(control.request(padding=0, mbz=reflect_fields(1, 0)).accept, 0, "Accept of length 0")
        control.close()


@test
def reflect_fields_mean_nothing_without_the_feature(t):
    # R-085 R-046
    keyed_daemon(t)
    for modes in (1, 2, 4 | SYMMETRICAL, 8 | 0x350):
        control = connect(t, modes)
        answer = control.request(padding=0, mbz=b"\xff" * 8)
        same((answer.accept, answer.mbz2), (0, bytes(12)), "Accept and octets 20..31")


@test
def reflected_octets_in_every_refusal(t):
    # C-081: also when the command itself is unexpected there is nothing left of an earlier one
    keyed_daemon(t)
    for modes in (1 | REFLECT_OCTETS, 4 | REFLECT_OCTETS | INDIVIDUAL):
        control = connect(t, modes)
        fields = reflect_fields(0x1234, 1)
        for change in ({"conf_sender": 1}, {"slots": 1}, {"ipvn": 5}, {"sender_port": 0},
                       {"type_p": 0x40000000}, {"timeout": 2**64 - 1}, {"padding": 2**32 - 1}):
            answer = control.request(**dict({"padding": 1000, "mbz": fields}, **change))
            same((answer.accept, answer.mbz2), (3, b"\x12\x34" + bytes(10)), repr(change))
        control.send_message(rawclient.make_n(7, [bytes(16)]) if not modes & INDIVIDUAL
                             else rawclient.make_start())
        answer = control.accept_session()
        same((answer.accept, answer.mbz2), (3, bytes(12)), "answer to an unexpected command")


@test(both=True)
def what_fits_of_reflected_octets(t):
    # R-211 T-023: a packet shorter than announced gets as much as fits
    keyed_daemon(t)
    for modes in (1 | REFLECT_OCTETS, 4 | REFLECT_OCTETS, 2 | REFLECT_OCTETS | SYMMETRICAL):
        session, _ = open_session(t, connect(t, modes), modes, padding=200,
                                  mbz=reflect_fields(1, 60))
        layout = session.layout
        padding = os.urandom(200)
        for n in (0, 1, 59, 60, 61, 136):
            reply = session.check(layout.sent(n, ntp(), 1, padding, length=layout.hr + n))
            same(reply[layout.hr:], padding[:n], "what is reflected of %d octets" % n)


# --- DSCP and ECN, timestamps ---------------------------------------------------------

@test(both=True)
def every_tos_is_reported(t):
    # R-214 T-013 T-047: DSCP and ECN as they came; the reply has the DSCP of Type-P, Not-ECT
    keyed_daemon(t)
    for modes, dscp in ((1 | DSCP_ECN, 46), (4 | DSCP_ECN, 0), (2 | DSCP_ECN | SYMMETRICAL, 8)):
        sender = t.sender()
        session, _ = open_session(t, connect(t, modes), modes, sender, type_p=dscp << 24)
        for tos in range(256):
            sender.tos(tos)
            session.check(session.layout.sent(tos, ntp(), 1, bytes(70)), 255, tos, dscp << 2)


@test(both=True)
def every_ttl_is_reported(t):
    # T-044 in the layouts that have it elsewhere
    keyed_daemon(t)
    for modes in (2, 4, 8):
        sender = t.sender()
        session, _ = open_session(t, connect(t, modes), modes, sender)
        for ttl in (1, 2, 64, 128, 254, 255):
            sender.ttl(ttl)
            session.check(session.layout.sent(ttl, ntp(), 1), ttl)


@test
def both_formats_of_timestamps_side_by_side(t):
    # R-215 T-030 T-031: the format is that of the session
    keyed_daemon(t)
    sessions = []
    for modes in (1, 1 | PTP, 2, 2 | PTP, 4, 4 | PTP, 8, 8 | PTP):
        sessions.append(open_session(t, connect(t, modes), modes)[0])
    for seq in range(20):
        for session in sessions:
            stamp, estimate = (ptp(), 0x4001) if seq % 2 else (ntp(), 0x0001)
            session.check(session.layout.sent(seq, stamp, estimate, bytes(64)))


@test(both=True)
def wrong_source_in_keyed_modes(t):
    # T-040: only from the sender of the request; the number is not used up
    keyed_daemon(t)
    for modes in (2, 4):
        session, _ = open_session(t, connect(t, modes), modes)
        stranger = t.sender(t.client_other)
        packet = session.layout.sent(0, ntp(), 1)
        for _ in range(5):
            stranger.send(session.to, session.seal(packet))
        session.check(packet)
        true(stranger.receive_raw(0.05) is None, "a reply to a stranger")


# --- classes --------------------------------------------------------------------------

def hosts(*addresses):
    return ["%s/%d" % (a, 128 if ":" in a else 32) for a in addresses]


@test(both=True)
def modes_of_classes_by_prefix(t):
    # R-008 R-042 R-043: each class has its own, the longest prefix decides, no class is nobody
    wide = "198.51.100.0/24" if t.family == 4 else "2001:db8::/56"
    # The neighbour shares the wide prefix; the other host of IPv6 is outside of it.
    clients = [{"name": "wide", "prefixes": [wide], "modes": ["encrypted"],
                "features": ["ptp-timestamps"]},
               {"name": "one", "prefixes": hosts(t.client), "modes": ["unauthenticated", "mixed"]}]
    d = keyed_daemon(t, {"clients": clients})
    neighbour = harness.CLIENT_NEIGHBOUR[t.family]
    same(greeting_of(t).modes, 0x379, "Modes of the class of one")
    same(greeting_of(t, source=neighbour).modes, 4 | PTP, "Modes of the wide class")
    refused(t, 4)
    refused(t, 1, source=neighbour)
    refused(t, 4 | DSCP_ECN, source=neighbour)
    connect(t, 8 | 0x370).close()
    connect(t, 4 | PTP, source=neighbour).close()
    d.wait_log("class wide")
    d.wait_log("class one")
    d.reload({"clients": clients[1:]})
    with t.control(source=neighbour) as c:
        same(c.wait_closed(), bytes(64), "what somebody of no class is told")


@test(both=True)
def classes_by_key(t):
    # R-042 R-008: a KeyID decides before a prefix, and its class may allow less than was offered
    keys = {b"plain": b"one", b"strict": b"two", b"bare": b"three"}
    clients = [{"name": "here", "prefixes": hosts(t.client)},
               {"name": "strict", "key_ids": ["strict"], "modes": ["encrypted"]},
               {"name": "bare", "key_ids": ["bare"], "features": ["dscp-ecn"]}]
    d = keyed_daemon(t, {"clients": clients}, keys=keys)
    same(greeting_of(t).modes, ALL, "Modes of the class of the address")

    def gets_in(name, modes, **options):
        t.connect(mode=modes, key=(name, keys[name]), **options).close()

    for mode in SECURITY:
        gets_in(b"plain", mode | 0x370)
        gets_in(b"bare", mode | DSCP_ECN)
    gets_in(b"strict", 4 | 0x370)
    for mode in (2, 8):
        refused(t, mode, key=(b"strict", keys[b"strict"]))
    for feature in (INDIVIDUAL, REFLECT_OCTETS, SYMMETRICAL, PTP):
        refused(t, 4 | feature, key=(b"bare", keys[b"bare"]))
    # A KeyID of a class is of no use without its passphrase, nor does it change the answer.
    refused(t, 2, accept=1, key=(b"strict", b"wrong"))
    d.wait_log("class strict")
    d.wait_log("class bare")


@test(both=True)
def keys_of_clients_without_a_prefix(t):
    # whose address is in no class is offered what the classes with keys have
    keys = {b"roaming": b"one", b"homeless": b"two"}
    clients = [{"name": "away", "key_ids": ["roaming"], "modes": ["encrypted", "mixed"],
                "features": ["ptp-timestamps"]},
               {"name": "here", "prefixes": hosts(t.client_other)}]
    d = keyed_daemon(t, {"clients": clients}, keys=keys)
    same(greeting_of(t).modes, 12 | PTP, "Modes of an address in no class")
    refused(t, 1)
    refused(t, 2, key=(b"roaming", b"one"))
    refused(t, 4 | DSCP_ECN, key=(b"roaming", b"one"))
    control = t.connect(mode=4 | PTP, key=(b"roaming", b"one"))
    same(control.request().accept, 0, "Accept")
    refused(t, 4, accept=1, key=(b"roaming", b"two"))
    refused(t, 4, accept=1, key=(b"nobody", b"two"))
    with t.control() as c:
        c.greeting()
        start = c.authenticate(4, (b"homeless", b"two"))
        same(start.accept, 1, "Accept of a key of no class")
        same(c.wait_closed(), b"", "what follows")
    d.wait_log(" no-class: ")


@test
def a_stop_before_its_time_in_keyed_modes(t):
    # a Stop with a wrong number is authentic and ends the connection
    d = keyed_daemon(t)
    for modes in (2, 4, 8):
        control = connect(t, modes)
        open_session(t, control, modes, timeout=seconds(0))
        control.stop(2)
        same(control.wait_closed(), b"", "octets before the close")
    d.wait_sessions(0)


@test
def number_of_packets_of_each_session_is_its_own(t):
    # T-045: sequence numbers of keyed sessions on one connection are independent
    keyed_daemon(t)
    control = connect(t, 4)
    sessions = []
    for _ in range(3):
        sender = t.sender()
        answer = control.request(sender_port=sender.port)
        sessions.append(Session(control, sender, (t.server, answer.port), 4, answer.sid))
    same(control.start().accept, 0, "Start-Ack")
    for n, session in enumerate(sessions, 1):
        for seq in range(n):
            session.check(session.layout.sent(seq, ntp(), 1))
    # The keys of one session are not those of another.
    a, b = sessions[:2]
    b.sender.send(b.to, a.seal(a.layout.sent(9, ntp(), 1)))
    b.check(b.layout.sent(7, ntp(), 1))


if __name__ == "__main__":
    harness.main()
