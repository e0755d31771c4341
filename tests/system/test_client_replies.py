#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The twamp client and replies of any kind, lost, late and foreign ones: test_client_replies.py TWAMP.
Prints TAP.
"""
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from asserting import pause  # noqa: E402
from clientrun import LIMIT, QUICK, TESTS, TWAMP, main, measure, run, test, text, wait_until  # noqa: E402
from fake_server import FakeServer, Reflector, ptp  # noqa: E402

# --- what replies can be ------------------------------------------------------------------

@test
def replies_of_any_length():  # T-061
    for length in (41, 42, 68, 200, 1500):
        with FakeServer(answer=lambda n, p, make, length=length: [make(length=length)]) as s:
            r = measure(s)
            assert (r['answered'], r['ignored_short']) == (10, 0), (length, r)


@test
def too_short_replies_are_ignored():  # T-060 R-321
    for length in (0, 1, 13, 37):
        with FakeServer(answer=lambda n, p, make, length=length: [make(seq=0)[:length], make()]) as s:
            r = measure(s)
            assert (r['answered'], r['ignored_short']) == (10, 10), (length, r)


@test
def replies_without_a_sender_ttl():  # as twampy's responder sends them
    for length in (38, 40):
        with FakeServer(answer=lambda n, p, make, length=length: [make()[:length]]) as s:
            r = measure(s)
            assert (r['answered'], r['without_sender_ttl'], r['ignored_short']) == (10, 10, 0), r
            assert r['delay_ns']['round_trip']['samples'] == 10, r
            assert r['hops']['outbound']['min'] is None, r
            assert any('twampy' in n for n in r['notes']), r


@test
def only_short_replies():
    with FakeServer(answer=lambda n, p, make: [make()[:20]]) as s:
        r = measure(s)
        assert r['exit'] == 1, r
        assert '20 octets came, and 41 are needed' in r['message'], r
        assert 'nothing is wrong with the path' in r['hint'], r


@test
def stale_replies():
    def answer(n, packet, make):
        reply = make()
        return [reply[:28] + bytes(7) + b'\x01' + reply[36:], reply]
    with FakeServer(answer=answer) as s:
        r = measure(s)
        assert (r['answered'], r['stale'], r['duplicates']) == (10, 10, 0), r


@test
def only_stale_replies():
    def answer(n, packet, make):
        reply = make()
        return [reply[:28] + bytes(7) + b'\x01' + reply[36:]]
    with FakeServer(answer=answer) as s:
        r = measure(s)
        assert r['exit'] == 1, r
        assert 'carry the timestamps of other packets' in r['message'], r


@test
def a_reflector_that_restarts():
    with FakeServer(answer=lambda n, p, make: [make(seq=n if n < 5 else n - 5)]) as s:
        r = measure(s)
        assert (r['answered'], r['reordered'], r['reflector_restarts']) == (10, 0, 1), r
        assert any('began its numbers anew 1 time:' in n for n in r['notes']), r


@test
def timestamps_that_cannot_be():
    def swap(reply):  # T2 and T3
        return reply[:4] + reply[16:24] + reply[12:16] + reply[4:12] + reply[24:]

    lies = (('without_reflector_clock', 'no clock', lambda r: r[:4] + bytes(8) + r[12:]),
            ('left_before_arrival', 'swaps its timestamps',
             lambda r: r[:4] + r[16:18] + bytes(6) + r[12:]),
            ('dwell_above_round_trip', 'longer than the round trip',
             lambda r: r[:16] + (int.from_bytes(r[16:24], 'big') - 2**33).to_bytes(8, 'big') + r[24:]),
            ('sender_ttl_zero', 'TTL 0', lambda r: r[:40] + bytes(1) + r[41:]))
    for name, words, lie in lies:
        with FakeServer(answer=lambda n, p, make, lie=lie: [lie(make())]) as s:
            r = measure(s)
            assert (r['answered'], r[name]) == (10, 10), (name, r)
            samples = 10 if name == 'sender_ttl_zero' else 0
            assert r['delay_ns']['round_trip']['samples'] == samples, (name, r)
            assert any(words in n for n in r['notes']), (name, r['notes'])


@test
def replies_to_packets_never_sent():  # T-060
    def answer(n, packet, make):
        reply = make()
        future = struct.pack('>I', n + 100000)
        last = struct.pack('>I', 0xFFFFFFFF)
        return [reply[:24] + future + reply[28:], reply[:24] + last + reply[28:], reply]
    with FakeServer(answer=answer) as s:
        r = measure(s)
        assert (r['answered'], r['ignored_never_sent'], r['duplicates']) == (10, 20, 0), r


@test
def replies_from_elsewhere():  # T-060
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(('127.0.0.1', 0))
    s = None

    def answer(n, packet, make):
        reply = make()
        other.sendto(reply, s.reflectors[0].sources[0])
        return [reply]
    with FakeServer(answer=answer) as server:
        s = server
        r = measure(s)
        assert (r['answered'], r['duplicates']) == (10, 0), r
    other.close()


@test
def loss_outbound():  # T-063
    with FakeServer(answer=lambda n, p, make: [] if n in (2, 5) else [make()]) as s:
        r = measure(s)
        assert (r['lost'], r['lost_outbound'], r['lost_inbound'], r['exit']) == (2, 2, 0, 0), r


@test
def loss_inbound():  # T-063
    with FakeServer(answer=lambda n, p, make: [make()][:0 if n in (2, 5) else 1]) as s:
        r = measure(s)
        assert (r['lost'], r['lost_outbound'], r['lost_inbound']) == (2, 0, 2), r


@test
def duplicates():  # T-062 T-063
    with FakeServer(answer=lambda n, p, make: [make()] * (2 if n == 3 else 1)) as s:
        r = measure(s)  # one reply, copied on its way
        assert (r['answered'], r['duplicates_inbound'], r['duplicates_outbound']) == (10, 1, 0), r
    with FakeServer(answer=lambda n, p, make: [make(), make()] if n == 3 else [make()]) as s:
        r = measure(s)  # the packet came twice, and was numbered twice
        assert (r['duplicates_inbound'], r['duplicates_outbound'], r['lost']) == (0, 1, 0), r


@test
def duplicates_do_not_hide_loss():  # T-063
    def answer(n, packet, make):
        return [] if n == 1 else [make(), make()] if n == 3 else [make()]
    with FakeServer(answer=answer) as s:
        r = measure(s)
        assert (r['lost'], r['lost_outbound'], r['lost_inbound']) == (1, 1, 0), r


@test
def reordering():
    held = []

    def inbound(n, packet, make):
        if n == 4:
            held.append(make())
            return []
        return [make()] + ([held.pop()] if n == 6 else [])
    with FakeServer(answer=inbound) as s:
        r = measure(s)
        assert (r['reordered_inbound'], r['reordered_outbound'], r['lost']) == (1, 0, 0), r

    early = {}

    def outbound(n, packet, make):  # numbered as if 4 had come after 5
        if n == 4:
            early['make'] = make
            return []
        return [make()] + ([early['make']()] if n == 5 else [])
    with FakeServer(answer=outbound) as s:
        r = measure(s)
        assert (r['reordered_inbound'], r['reordered_outbound'], r['lost']) == (0, 1, 0), r


@test
def late_replies_are_lost():  # T-062
    def answer(n, packet, make):
        if n == 0:
            pause(0.5, 'later than 100 ms, on a busy machine even more')
        return [make()]
    with FakeServer(answer=answer) as s:  # the first nine are answered long after 100 ms
        r = measure(s, '--timeout', '100ms', '--interval', '1s', '--count', '3')
        assert r['late'] >= 1 and r['lost'] >= 1 and r['answered'] + r['lost'] == 3, r


@test
def ptp_replies():  # T-038 R-316
    with FakeServer(answer=lambda n, p, make: [make(stamp=ptp, error=0x4101)]) as s:
        r = measure(s)
        for d in ('outbound', 'inbound', 'round_trip'):
            assert abs(r['delay_ns'][d]['median']) < 10 * 10**9, r['delay_ns']


@test
def clock_marks():  # T-033
    with FakeServer(answer=lambda n, p, make: [make(error=0x0101)]) as s:
        r = measure(s)
        assert r['reflector_clock_synchronized'] is False
        assert r['delay_ns']['outbound']['reliable'] is False
        assert r['delay_ns']['round_trip']['reliable'] is True
    with FakeServer(answer=lambda n, p, make: [make(error=0x8101)]) as s:
        r = measure(s)
        assert r['reflector_clock_synchronized'] is True
        assert r['delay_ns']['inbound']['reliable'] is r['own_clock_synchronized']


@test
def corrupt_error_estimate():  # T-034
    with FakeServer(answer=lambda n, p, make: [make(error=0x8100 if n < 4 else 0x8101)]) as s:
        r = measure(s)
        assert (r['answered'], r['corrupt_error_estimate']) == (10, 4), r
        assert r['delay_ns']['round_trip']['samples'] == 6


@test
def hostile_timestamps():
    for stamp in (lambda: 0, lambda: 0xFFFFFFFFFFFFFFFF, lambda: 1 << 63):
        for error in (0x0101, 0x4101):
            with FakeServer(answer=lambda n, p, make, st=stamp, e=error: [make(stamp=st, error=e)]) as s:
                assert measure(s)['answered'] == 10


@test
def hostile_sequence_numbers():  # T-063: no direction rather than a wrong one
    for seq in (0xFFFFFFFF, 5000):
        with FakeServer(answer=lambda n, p, make, q=seq: [make(seq=q)] if n != 2 else []) as s:
            r = measure(s)
            assert (r['lost'], r['lost_outbound'], r['lost_inbound']) == (1, None, None), r


@test
def hops():
    with FakeServer(reply_ttl=250, answer=lambda n, p, make: [make(ttl=252)]) as s:
        r = measure(s)
        assert r['hops']['outbound'] == {'initial_ttl': 255, 'min': 3, 'max': 3}, r['hops']
        assert r['hops']['inbound'] == {'initial_ttl': 255, 'min': 5, 'max': 5}, r['hops']


@test
def no_reply_at_all():
    with FakeServer(answer=lambda n, p, make: []) as s:
        r = measure(s)
        assert (r['exit'], r['result'], r['lost'], r['lost_outbound']) == (1, 'incomplete', 10, None), r
        assert 'firewall' in r['hint']
        wait_until(lambda: s.stops)  # stopped properly all the same


@test
def waits_for_the_timeout():  # T-065
    with FakeServer(answer=lambda n, p, make: [] if n == 9 else [make()]) as s:
        measure(s, '--timeout', '400ms')
        wait_until(lambda: s.stops)
        assert s.stop_times[0] - s.reflectors[0].times[-1] >= 0.35


@test
def control_connection_lost_during_the_test():
    with FakeServer(eof='test') as s:
        r = measure(s, '--count', '500', '--interval', '10ms')
        assert r['exit'] == 1 and 'control connection' in r['message'] and 0 < r['sent'] < 500, r


@test
def interrupt():  # Ctrl-C: results so far, and a proper stop
    for number in (signal.SIGINT, signal.SIGTERM):
        with FakeServer() as s:
            p = subprocess.Popen([TWAMP, 'controller', '--json', '--count', '100000', '--interval', '5ms',
                                  f'127.0.0.1:{s.port}'], stdout=subprocess.PIPE, text=True)
            wait_until(lambda: s.reflectors and len(s.reflectors[0].packets) > 5)
            p.send_signal(number)
            r = json.loads(p.communicate(timeout=LIMIT)[0])
            assert p.returncode == 0 and r['interrupted'] is True and r['sent'] == r['answered'] > 5, r
            wait_until(lambda: s.stops)


@test
def interrupt_in_every_phase():
    for phase in ('greeting', 'server-start', 'accept-session', 'start-ack'):
        with FakeServer(silent=phase) as s:
            p = subprocess.Popen([TWAMP, 'controller', '--json', '--control-timeout', '3600s',
                                  f'127.0.0.1:{s.port}'], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
            wait_until(lambda: s.silenced)
            p.send_signal(signal.SIGINT)
            out = p.communicate(timeout=LIMIT)[0]
            r = json.loads(out)
            # the connection is there before the client knows
            words = ('waiting', 'connecting') if phase == 'greeting' else ('waiting',)
            assert p.returncode == 1 and any('interrupted while ' + w in r['message'] for w in words), (phase, r)
            if phase == 'start-ack':
                wait_until(lambda: len(s.unheard) == 32)  # Stop-Sessions


@test
def progress_on_a_terminal_only():
    with FakeServer() as s:
        main, side = pty.openpty()
        p = subprocess.Popen([TWAMP, 'controller', '--count', '200', '--interval', '5ms',
                              f'127.0.0.1:{s.port}'], stdout=subprocess.PIPE, stderr=side)
        os.close(side)
        seen = b''
        while True:
            ready, _, _ = select.select([main], [], [], LIMIT)
            try:
                got = os.read(main, 4096) if ready else b''
            except OSError:
                got = b''
            if not got:
                break
            seen += got
        p.communicate(timeout=LIMIT)
        os.close(main)
        assert p.returncode == 0 and b'/200, answered' in seen, seen


# --- TWAMP Light --------------------------------------------------------------------------

def light(answer, *args):
    r = Reflector(socket.AF_INET, '127.0.0.1', answer)
    r.start()
    try:
        r.address = '127.0.0.1'
        return measure(r, *args, command='sender'), r
    finally:
        r.close()


@test
def light_stateless():  # T-070 T-071
    def copy(n, packet, make):
        return [] if n == 3 else [make(seq=struct.unpack('>I', packet[:4])[0])]
    r, reflector = light(copy)
    assert (r['exit'], r['answered'], r['lost'], r['lost_outbound']) == (0, 9, 1, None), r
    assert len(reflector.packets[0]) == 41


@test
def light_stateful():  # T-072
    r, _ = light(lambda n, p, make: [] if n == 3 else [make()])
    assert (r['lost'], r['lost_outbound'], r['lost_inbound']) == (1, 1, 0), r


@test
def light_nothing_listens():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
        u.bind(('127.0.0.1', 0))
        port = u.getsockname()[1]
    r = run('sender', *QUICK[:6], '--json', f'127.0.0.1:{port}')
    j = json.loads(r.stdout)
    assert r.returncode == 1 and j['port_unreachable'] > 0 and 'nothing listens' in j['message'], j


if __name__ == '__main__':
    sys.exit(main(TESTS))
