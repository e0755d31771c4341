#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The twamp client against a server that answers anything: test_client.py TWAMP. Prints TAP."""
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_server import FakeServer, Reflector, greeting, accept_session, ntp, ptp  # noqa: E402

TWAMP = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else 'twamp'
LIMIT = 60  # seconds: far more than any run takes, so that a hang is an error
TESTS = []
QUICK = ['--count', '10', '--interval', '2ms', '--timeout', '2s', '--control-timeout', '20s',
         '--retry-wait', '10ms']


def test(f):
    TESTS.append(f)
    return f


def run(*args, **kwargs):
    return subprocess.run([TWAMP, *args], capture_output=True, text=True, timeout=LIMIT, **kwargs)


def measure(server, *args, command='controller'):
    """One JSON run; later arguments win over the quick defaults."""
    host = f'[{server.address}]' if ':' in server.address else server.address
    quick = QUICK if command == 'controller' else QUICK[:6]
    r = run(command, *quick, '--json', *args, f'{host}:{server.port}')
    result = json.loads(r.stdout)
    assert result['exit'] == r.returncode, (result, r)
    return result


def text(server, *args):
    return run('controller', *QUICK, *args, f'{server.address}:{server.port}')


def wait_until(condition):
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, 'never happened'
        time.sleep(0.01)


# --- a good run ---------------------------------------------------------------------------

@test
def measures_and_exits_0():
    with FakeServer() as s:
        r = measure(s)
        assert (r['exit'], r['code'], r['name'], r['result']) == (0, 0, 'OK', 'measured'), r
        assert (r['sent'], r['answered'], r['lost']) == (10, 10, 0), r
        for d in ('outbound', 'inbound', 'round_trip'):
            delay = r['delay_ns'][d]
            assert delay['samples'] == 10
            assert delay['min'] <= delay['median'] <= delay['p95'] <= delay['p99'] <= delay['max']
        assert r['delay_ns']['round_trip']['reliable'] is True
        assert r['delay_ns']['round_trip']['min'] > 0
        assert r['without_kernel_timestamp'] == 0  # T-064


@test
def table_for_people():
    with FakeServer() as s:
        r = text(s)
        assert r.returncode == 0, r
        for word in ('outbound', 'inbound', 'round trip', 'p95', 'jitter', '10 answered, 0 lost',
                     'hops', 'unreliable'):
            assert word in r.stdout, (word, r.stdout)
        assert r.stderr == '', r.stderr


@test
def request_fields():  # R-301 R-306 R-307 R-308
    with FakeServer() as s:
        r = measure(s, '--padding', '100', '--dscp', 'EF', '--timeout', '1500ms')
        assert s.setups[0] == struct.pack('>I', 1) + bytes(160), s.setups
        q = s.requests[0]
        assert q[0] == 5 and q[1] == 4 and q[2:12] == bytes(10)
        assert struct.unpack('>H', q[12:14])[0] == s.reflectors[0].sources[0][1]
        assert q[16:64] == bytes(48)  # addresses of the connection, SID zero
        assert struct.unpack('>I', q[64:68])[0] == 100
        assert struct.unpack('>Q', q[76:84])[0] == 3 << 31  # 1.5 s
        assert struct.unpack('>I', q[84:88])[0] == 46 << 24
        assert q[88:] == bytes(24)
        assert all(len(p) == 114 for p in s.reflectors[0].packets)
        assert all(t == 46 << 2 for t in s.reflectors[0].toses)
        assert r['payload_octets'] == 114


@test
def default_padding_is_symmetric():
    with FakeServer() as s:
        measure(s)
        assert all(len(p) == 41 for p in s.reflectors[0].packets)


@test
def test_packet_fields():  # T-006 R-313
    with FakeServer() as s:
        measure(s)
        r = s.reflectors[0]
        assert [struct.unpack('>I', p[:4])[0] for p in r.packets] == list(range(10))
        stamps = [struct.unpack('>Q', p[4:12])[0] for p in r.packets]
        assert all(abs(ntp() - t) < 60 << 32 for t in stamps) and stamps == sorted(stamps)
        assert all(p[13] != 0 for p in r.packets)  # Multiplier
        assert all(t == 255 for t in r.ttls)


@test
def padding_fill():  # T-007 R-250
    with FakeServer() as s:
        measure(s, '--padding-fill', 'zero', '--padding', '64')
        assert all(p[14:] == bytes(64) for p in s.reflectors[0].packets)
    with FakeServer() as s:
        measure(s, '--padding', '64')
        fills = {p[14:] for p in s.reflectors[0].packets}
        assert len(fills) == 10 and bytes(64) not in fills


@test
def large_padding():  # T-027
    with FakeServer() as s:
        r = measure(s, '--padding', '65493', '--count', '3', '--interval', '200ms')
        assert r['answered'] == 3 and len(s.reflectors[0].packets[0]) == 65507, r


@test
def no_padding():  # T-061: the reply is longer than the packet
    with FakeServer() as s:
        r = measure(s, '--padding', '0')
        assert r['answered'] == 10 and len(s.reflectors[0].packets[0]) == 14, r


@test
def starts_after_start_ack_and_stops():  # R-312 R-314 T-065
    with FakeServer() as s:
        measure(s)
        wait_until(lambda: s.trailing)
        assert s.reflectors[0].times[0] >= s.start_times[0]
        assert s.stop_times[0] >= s.reflectors[0].times[-1]
        assert s.stops == [bytes([3, 0, 0, 0]) + struct.pack('>I', 1) + bytes(24)], s.stops
        assert s.trailing == [b'']  # nothing follows


@test
def several_sessions():
    with FakeServer() as s:
        r = measure(s, '--sessions', '3')
        assert (r['sent'], r['answered'], len(r['sessions'])) == (30, 30, 3), r
        assert len({x.sources[0][1] for x in s.reflectors}) == 3
        wait_until(lambda: s.stops)
        assert struct.unpack('>I', s.stops[0][4:8])[0] == 3


@test
def ipv6():
    try:
        socket.socket(socket.AF_INET6).bind(('::1', 0))
    except OSError:
        return 'no IPv6 on this host'
    with FakeServer('::1') as s:
        r = measure(s)
        assert r['answered'] == 10 and s.requests[0][1] == 6 and r['address'] == '::1', r
        assert all(t == 255 for t in s.reflectors[0].ttls)
        assert all(t == 0 for t in s.reflectors[0].toses)
        assert measure(s, '-4')['exit'] == 30  # an address of the other family
    return None


@test
def fragmented_messages():
    with FakeServer(fragment=True) as s:
        assert measure(s)['answered'] == 10


@test
def port_range_and_ttl():
    with FakeServer() as s:
        r = measure(s, '--port-range', '21000-21999', '--ttl', '7')
        assert all(21000 <= x[1] <= 21999 for x in s.reflectors[0].sources), s.reflectors[0].sources
        assert all(t == 7 for t in s.reflectors[0].ttls)
        assert r['hops']['outbound'] == {'initial_ttl': 7, 'min': 0, 'max': 0}, r['hops']


@test
def port_range_used_up():
    with FakeServer() as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
        u.bind(('127.0.0.1', 0))
        r = measure(s, '--port-range', str(u.getsockname()[1]))
        assert r['exit'] == 30 and 'bind' in r['message'], r


@test
def source_address():
    with FakeServer() as s:
        r = measure(s, '--source', '127.0.0.9')
        assert r['answered'] == 10 and s.reflectors[0].sources[0][0] == '127.0.0.9', r


@test
def unknown_modes_and_features_are_ignored():
    with FakeServer(modes=0xFFFFFFFF) as s:
        assert measure(s)['exit'] == 0
        assert s.setups[0][:4] == bytes([0, 0, 0, 1])


# --- refusals -----------------------------------------------------------------------------

NAMES = {1: 'Failure', 2: 'Internal Error', 3: 'Not Supported', 4: 'Permanent Resource Limitation',
         5: 'Temporary Resource Limitation'}


def refusals(key, carrier):
    for code in range(1, 5):  # S-13: one connection, no retry
        with FakeServer(**{key: [code]}) as s:
            r = measure(s)
            assert (r['exit'], r['code'], r['carrier']) == (10 + code, code, carrier), r
            assert NAMES[code].lower() in r['name'].lower(), r
            assert r['meaning'] and r['action'] and s.connections == 1 and r['attempts'] == 1, r
        with FakeServer(**{key: [code]}) as s:
            r = text(s)
            assert r.returncode == 10 + code and r.stdout == ''
            for word in (f'{code} (', carrier, 'Meaning:', 'Remedy:'):
                assert word in r.stderr, (word, r.stderr)
    with FakeServer(**{key: [5]}) as s:
        r = measure(s, '--retries', '2')
        assert (r['exit'], r['attempts'], s.connections) == (15, 3, 3), r
    with FakeServer(**{key: [5]}) as s:
        r = measure(s, '--retries', '0')
        assert (r['exit'], s.connections) == (15, 1), r
    with FakeServer(**{key: [77]}) as s:  # S-10: read as 1, shown as it is, not retried
        r = measure(s)
        assert (r['exit'], r['code'], r['accept'], s.connections) == (11, 1, 77, 1), r
    with FakeServer(**{key: [77]}) as s:
        r = text(s)
        assert '77' in r.stderr and 'reads as 1' in r.stderr, r.stderr


@test
def refused_in_server_start():  # R-304 R-318
    refusals('server_start', 'Server-Start')


@test
def refused_in_accept_session():  # R-310 R-318
    refusals('accept_session', 'Accept-Session')


@test
def refused_in_start_ack():  # R-311 R-312
    refusals('start_ack', 'Start-Ack')
    with FakeServer(start_ack=[2]) as s:
        measure(s)
        assert s.reflectors[0].packets == []


@test
def retries_until_it_works():  # R-319 S-13
    for key in ('server_start', 'accept_session', 'start_ack'):
        with FakeServer(**{key: [5, 5, 0]}) as s:
            r = measure(s)
            assert (r['exit'], r['answered'], r['attempts'], s.connections) == (0, 10, 3, 3), r


@test
def backs_off():  # S-13: at least half of base * 2^n
    with FakeServer(server_start=[5, 5, 5, 0]) as s:
        r = text(s, '--retry-wait', '200ms')
        gaps = [b - a for a, b in zip(s.connect_times, s.connect_times[1:])]
        assert r.returncode == 0 and len(gaps) == 3, r
        assert gaps[0] >= 0.1 and gaps[1] >= 0.2 and gaps[2] >= 0.4, gaps
        assert r.stderr.count('retry') == 3, r.stderr
    with FakeServer(server_start=[5, 0]) as s:
        assert text(s, '--quiet').stderr == ''


@test
def second_session_refused():
    with FakeServer(accept_session=[0, 4]) as s:
        r = measure(s, '--sessions', '2')
        assert r['exit'] == 14 and not s.starts and 'sent' not in r, r


# --- no Accept ----------------------------------------------------------------------------

def no_accept(server, *args, category=1):
    r = measure(server, *args)
    assert (r['exit'], r['result'], r['code']) == (20, 'no-accept', category), r
    assert 'carrier' not in r and r['hint'], r
    assert server.connections == 1
    return r


@test
def modes_0():
    with FakeServer(modes=0) as s:
        assert 'refuses' in no_accept(s)['message']
        assert s.setups == []


@test
def modes_not_in_common():  # R-301 S-4 S-5
    with FakeServer(modes=8) as s:
        r = no_accept(s, category=3)
        assert r['modes_offered'] == 8 and 'mixed' in r['message'], r
        wait_until(lambda: s.setups)
        assert s.setups[0] == bytes(164)


@test
def bad_count():
    for count in (0, 512, 1025):
        with FakeServer(count=count, modes=5) as s:
            no_accept(s)
        with FakeServer(count=count) as s:  # nothing is derived: it does not matter
            assert measure(s)['exit'] == 0


def through(named, command, *args):
    return subprocess.run([*named, TWAMP, command, *QUICK[:6], *args], capture_output=True, text=True,
                          timeout=LIMIT)


NEXT_TRIED = 'refused; the next address was tried'


def others_tried(result):
    """Notes of that; a host that is late, for example, makes others."""
    return [note for note in result['notes'] if NEXT_TRIED in note]


@test
def other_addresses_are_tried():
    """A name whose first address refuses or is silent, and whose second one answers."""
    with tempfile.TemporaryDirectory() as folder:
        hosts = os.path.join(folder, 'hosts')
        with open(hosts, 'w') as f:
            f.write('127.0.0.9 probe.test\n127.0.0.1 probe.test\n')
        count = 0
        named = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts]
        for last in ('127.0.0.1', '127.0.0.9'):  # whatever the order is, one of them is second
            with FakeServer(address=last) as s:
                r = through(named, 'controller', '--json', f'probe.test:{s.port}')
                result = json.loads(r.stdout)
                assert (r.returncode, result['result'], r.stderr) == (0, 'measured', ''), r
                assert result['address'] == last, result
                noted = others_tried(result)
                r = through(named, 'controller', f'probe.test:{s.port}')
                assert (r.returncode, r.stdout.count(NEXT_TRIED)) == (0, len(noted)), r
            reflector = Reflector(socket.AF_INET, last, None)
            reflector.start()
            r = through(named, 'sender', '--json', f'probe.test:{reflector.port}')
            reflector.close()
            result = json.loads(r.stdout)
            assert (r.returncode, result['answered'], result['address']) == (0, 10, last), r
            count += len(noted)
            assert len(noted) == len(others_tried(result)), (noted, result)
        assert count == 1
        r = subprocess.run([*named, TWAMP, 'controller', '--source', '::1', 'probe.test'],
                           capture_output=True, text=True, timeout=LIMIT)
        assert r.returncode == 30 and 'no address of the family' in r.stderr, r


@test
def mapped_address_is_ipv4():
    with FakeServer() as s:
        r = run('controller', *QUICK, '--json', f'[::ffff:127.0.0.1]:{s.port}')
        assert (r.returncode, json.loads(r.stdout)['address']) == (0, '127.0.0.1'), r


@test
def garbage_greeting():
    for octets in (b'SSH-2.0-Some_Other_Server_of_This_Host_With_A_Long_Banner_Line\r\n', b'\xff' * 64):
        with FakeServer(greeting=octets) as s:
            assert 'not a Server-Greeting' in no_accept(s)['message']


@test
def end_of_stream():
    for step in ('greeting', 'server-start', 'accept-session', 'start-ack'):
        for cut in (0, 10):
            with FakeServer(eof=step, cut=cut) as s:
                message = no_accept(s)['message']
                assert step.replace('-', '') in message.lower().replace('-', ''), message


@test
def silence():
    for step in ('greeting', 'server-start', 'accept-session', 'start-ack'):
        with FakeServer(silent=step, cut=3) as s:
            begin = time.monotonic()
            message = no_accept(s, '--control-timeout', '150ms')['message']
            assert 'timed out' in message and '3 of' in message, message
            assert time.monotonic() - begin >= 0.15


@test
def accept_without_port():
    with FakeServer(raw_accept=accept_session(0, 0, os.urandom(16))) as s:
        assert 'malformed' in no_accept(s)['message']
        assert not s.starts


@test
def nothing_listens():  # S-2 S-3
    with socket.socket() as t:
        t.bind(('127.0.0.1', 0))
        port = t.getsockname()[1]
        r = run('controller', f'127.0.0.1:{port}')
        assert r.returncode == 20 and r.stdout == '', r
        for word in ('refused', f'TCP port {port}', 'No Accept was received', f"ss -ltn 'sport = :{port}'",
                     'UDP range'):
            assert word in r.stderr, (word, r.stderr)
        r = run('controller', '--json', f'127.0.0.1:{port}')
        assert json.loads(r.stdout)['code'] == 1


@test
def connection_times_out():
    with socket.socket() as t:  # a listener with a full backlog answers no SYN
        t.bind(('127.0.0.1', 0))
        t.listen(0)
        fill = []
        for _ in range(3):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(t.getsockname())
            fill.append(s)
        r = run('controller', '--control-timeout', '300ms', f'127.0.0.1:{t.getsockname()[1]}')
        for s in fill:
            s.close()
        assert r.returncode == 20 and 'timed out' in r.stderr, r


@test
def unknown_host():
    r = run('controller', 'host.invalid')
    assert r.returncode == 30 and 'host.invalid' in r.stderr, r


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
            time.sleep(0.5)
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
            assert p.returncode == 1 and 'interrupted while waiting' in r['message'], (phase, r)
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


# --- the rest of the command line ---------------------------------------------------------

@test
def explain():
    for code in range(6):
        r = run('explain', str(code))
        assert r.returncode == 0 and f'Accept {code}:' in r.stdout and 'Meaning:' in r.stdout, r
    assert 'max-sessions' in run('explain', '4').stdout
    assert 'reads as 1' in run('explain', '77').stdout
    r = run('explain', 'no-port')
    assert r.returncode == 0 and 'Permanent' in r.stdout and 'ports.first' in r.stdout, r
    assert 'ss -ltn' in run('explain', 'no-accept-received').stdout  # S-12
    assert run('explain').stdout.count('Meaning:') == 6
    for bad in ('256', 'nonsense', '-1x'):
        assert run('explain', '--', bad).returncode == 30


@test
def dscptable():
    r = run('dscptable')
    rows = {line.split()[0]: line.split()[1] for line in r.stdout.splitlines()[1:]}
    assert rows['EF'] == '46' and rows['AF41'] == '34' and rows['CS5'] == '40' and rows['LE'] == '1', rows


@test
def help_and_version():
    for args in (['--version'], ['controller', '--version'], ['explain', '-V']):
        r = run(*args)
        assert r.returncode == 0 and r.stdout.startswith('twamp '), r
    for args in (['--help'], ['-h'], ['controller', '--help'], ['sender', '-h'], ['explain', '--help'],
                 ['dscptable', '--help'], ['keygen', '--help']):
        r = run(*args)
        assert r.returncode == 0 and r.stdout.startswith('Usage: twamp') and not r.stderr, r


@test
def usage_errors():
    for args in ([], ['nonsense'], ['controller'], ['controller', 'a', 'b'], ['controller', '--count', '0', 'h'],
                 ['controller', '--count', '1x', 'h'], ['controller', '--interval', '20', '--dscp', 'XX', 'h'],
                 ['controller', '--count'], ['controller', '--nonsense', 'h'], ['sender', '--retries', '1', 'h'],
                 ['controller', 'h:0'], ['controller', 'h:65536'], ['controller', '[::1'], ['controller', ':862'],
                 ['controller', '--port-range', '5-4', 'h'], ['controller', '--ttl', '0', 'h'],
                 ['controller', '--padding', '65494', 'h'], ['controller', '--padding-fill', 'ones', 'h'],
                 ['controller', '--count', '1000000', '--sessions', '11', 'h'], ['dscptable', 'x'],
                 ['controller', '--mode', 'encrypted', 'h'], ['controller', '--mode', 'ikev2', 'h'],
                 ['controller', '--key-id', 'a', 'h'], ['controller', '--max-count', '1023', 'h'],
                 ['controller', '--reflect-octets', 'cafes', 'h'], ['sender', '--ptp', 'h'],
                 ['keygen'], ['keygen', 'a b'], ['keygen', '#a'], ['keygen', 81 * 'a'], ['keygen', 'a', 'b']):
        r = run(*args)
        assert r.returncode == 30 and r.stderr and not r.stdout, (args, r)


def main(tests):
    failed = 0
    print(f'1..{len(tests)}', flush=True)
    for number, f in enumerate(tests, 1):
        try:
            skip = f()
            print(f'ok {number} - {f.__name__}' + (f' # SKIP {skip}' if skip else ''), flush=True)
        except Exception:  # noqa: BLE001: each failure is a TAP line, the run goes on
            failed += 1
            print(f'not ok {number} - {f.__name__}', flush=True)
            for line in traceback.format_exc().splitlines():
                print('# ' + line, flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(TESTS))
