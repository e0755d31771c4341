#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The twamp client against a server that answers anything, on the control connection, and its command
line: test_client.py TWAMP. Prints TAP.
"""
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from clientrun import LIMIT, QUICK, TESTS, TWAMP, main, measure, run, test, text, wait_until  # noqa: E402
from fake_server import FakeServer, Reflector, greeting, accept_session, ntp  # noqa: E402

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


if __name__ == '__main__':
    sys.exit(main(TESTS))
