# SPDX-License-Identifier: BSD-2-Clause
"""Damaged and forged messages and packets in the modes with a key: they have no effect.
"""

import contextlib

import harness
import rawclient
from forging import flip, nothing_granted
from harness import same, test, true, wait_for
from keyed import KEY, connect, keyed_daemon, open_session
from rawclient import INDIVIDUAL, make_n, make_request, make_start, make_stop, ntp, seconds

# --- damaged messages -----------------------------------------------------------------

@test(limit=600)
def every_bit_of_a_request(t):
    # R-070 C-066: nothing is answered, but what is no command, and no session is made
    d = keyed_daemon(t)
    for bit in range(112 * 8):
        with rawclient.connect(t.server, mode=(2, 4, 8)[bit % 3], key=KEY) as c:
            c.send(flip(c.seal(make_request()), bit))
            nothing_granted(c, "request bit %d" % bit)
    d.wait_idle()
    true(" accepted: " not in d.log(), "a session was accepted")


def every_octet_of(t, d, modes, message, prepare):
    """A bit of each octet of message(control, SID), on a connection with a session."""
    n = 0
    while True:
        control = connect(t, modes)
        session, answer = open_session(t, control, modes, start=False, timeout=seconds(60))
        prepare(control, answer.sid)
        octets = control.seal(message(answer.sid))
        bit = n * 8 + n * 5 % 8
        if bit >= len(octets) * 8:
            break
        control.send(flip(octets, bit))
        with contextlib.suppress(OSError):
            control.finish()  # the damage may look like the head of a longer command
        nothing_granted(control, "octet %d" % n)
        control.close()
        session.sender.close()
        n += 1
    control.close()
    d.wait_idle()


@test
def each_octet_of_other_messages(t):
    # R-070 R-190: the sessions of the connection are gone at once
    d = keyed_daemon(t)
    isc = 4 | INDIVIDUAL
    every_octet_of(t, d, 4, lambda sid: make_start(), lambda c, sid: None)
    every_octet_of(t, d, 2, lambda sid: make_stop(1), lambda c, sid: c.start())
    every_octet_of(t, d, isc, lambda sid: make_n(7, [sid]), lambda c, sid: None)
    every_octet_of(t, d, isc, lambda sid: make_n(9, [sid]), lambda c, sid: c.individual(7, sid))
    # The MBZ octets before the HMAC are covered like the others.
    control = connect(t, 4)
    control.send(control.to_server.seal(make_request(), spoil=True))
    same(control.wait_closed(), b"", "answer to a spoiled HMAC")


@test
def damage_after_a_good_message(t):
    # R-070 R-190 C-062: the chain covers what came before; a started session ends with it
    d = keyed_daemon(t)
    for modes in (2 | INDIVIDUAL, 4 | INDIVIDUAL, 8 | INDIVIDUAL):
        control = connect(t, modes)
        session, _ = open_session(t, control, modes)
        session.check(session.layout.sent(0, ntp(), 1))
        good = control.seal(make_request())
        control.send(good)
        same(control.accept_session().accept, 0, "Accept")
        control.send(good)  # the same octets again
        nothing_granted(control, "the same message again")
        d.wait_sessions(0)


@test
def truncated_messages(t):
    # cut at each octet and FIN, in the handshake and after
    d = keyed_daemon(t)
    for n in range(164):
        with t.control() as c:
            c.greeting()
            c.send(c.make_keyed_setup(4, KEY)[:n])
            c.finish()
            same(c.wait_closed(), b"", "answer to %d octets of Set-Up-Response" % n)
    for n in range(1, 112):
        with rawclient.connect(t.server, mode=4, key=KEY) as c:
            c.send(c.seal(make_request())[:n])
            c.finish()
            same(c.wait_closed(), b"", "answer to %d octets of a request" % n)
    d.wait_idle()
    true(" accepted: " not in d.log(), "a session was accepted")


@test
def commands_of_known_length_in_keyed_modes(t):
    # R-072 R-073: read to the end, verified, answered, and the connection goes on
    keyed_daemon(t)
    for modes, messages in ((2, (make_n(7, [bytes(16)] * 3), make_n(9, []))),
                            (4 | INDIVIDUAL, (make_start(), make_stop(0)))):
        for message in messages:
            control = connect(t, modes)
            for _ in range(2):
                control.send_message(message)
                answer = control.accept_session()
                same((answer.accept, answer.port, answer.sid), (3, 0, bytes(16)), "answer")
            same(control.request().accept, 0, "Accept of a request after it")
            control.send(control.to_server.seal(message, spoil=True))
            same(control.wait_closed(), b"", "answer to a spoiled one")


@test
def commands_of_unknown_length_in_keyed_modes(t):
    # R-070 R-073: refused with 3 as soon as the number is known; the HMAC cannot be verified, so
    # the connection ends
    d = keyed_daemon(t)
    for command in (0, 1, 4, 6, 8, 10, 11, 12, 99, 255):
        control = connect(t, 4)
        open_session(t, control, 4)
        control.send_message(bytes([command]) + bytes(31))
        answer = control.accept_session()
        same((answer.accept, answer.port, answer.sid), (3, 0, bytes(16)), "command %d" % command)
        same(control.wait_closed(), b"", "after the answer to command %d" % command)
    d.wait_idle()
    true("unknown command" in d.log(), "the reason is not in the log")


# --- damaged packets ------------------------------------------------------------------

@test(both=True)
def every_bit_that_the_hmac_of_a_packet_covers(t):
    # T-042 T-001 T-002: no reply, no number used up
    d = keyed_daemon(t)
    for mode, covered in ((2, 16), (4, 32)):
        session, _ = open_session(t, connect(t, mode), mode)
        sealed = session.seal(session.layout.sent(0, ntp(), 1, bytes(64)))
        bits = list(range(covered * 8)) + list(range(32 * 8, 48 * 8))
        for bit in bits:
            session.sender.send(session.to, flip(sealed, bit))
            if bit % 16 == 15:  # a reply to any of those would come before this one's
                session.check(session.layout.sent(bit, ntp(), 1, bytes(64)))
        true(session.sender.receive_raw(0.2) is None, "a reply to a forged packet")
        # Sealed with the keys of the connection, or in the other mode.
        session.sender.send(session.to, session.keys.seal_send(
            session.layout.sent(3, ntp(), 1), mode == 2))
        session.sender.send(session.to, session.layout.sent(3, ntp(), 1))
        session.check(session.layout.sent(4, ntp(), 1))
    d.terminate()
    true("dropped hmac %d" % (len(bits) + 2) in d.log(), "dropped packets are not in the log")


@test
def what_the_hmac_does_not_cover(t):
    # T-003 T-010 T-046: padding in both, the Timestamp in authenticated mode; duplicates are
    # answered, as replayed packets are
    keyed_daemon(t)
    for mode, first in ((2, 16 * 8), (4, 48 * 8)):
        session, _ = open_session(t, connect(t, mode), mode)
        sealed = session.seal(session.layout.sent(5, ntp(), 1, bytes(16)))
        sent = 0
        for bit in range(first, 64 * 8, 7):
            if bit // 8 in range(32, 48):
                continue
            session.sender.send(session.to, flip(sealed, bit))
            got = session.sender.receive_raw()
            true(got is not None, "no reply to bit %d" % bit)
            same(session.layout.stamps(session.open(got[0]))[0], sent, "Sequence Number")
            sent += 1


@test
def forged_packets_do_not_prolong_a_session(t):
    # T-042 R-172: REFWAIT runs out under a stream of forgeries
    d = keyed_daemon(t, {"timers": {"refwait": 1}})
    for mode in (2, 4):
        session, _ = open_session(t, connect(t, mode), mode)
        session.check(session.layout.sent(0, ntp(), 1))
        sealed = flip(session.seal(session.layout.sent(1, ntp(), 1)), 3)

        def forge():
            session.sender.send(session.to, sealed)
            return session.to[1] not in d.session_ports()
        wait_for(forge, "the end of a session that gets forged packets only")
        d.wait_log("timers.refwait")


if __name__ == "__main__":
    harness.main()
