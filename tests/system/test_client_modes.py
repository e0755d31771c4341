#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The modes with a key and the extensions of the twamp client, against a server of other make:
test_client_modes.py TWAMP. Prints TAP.
"""
import contextlib
import itertools
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import clientrun  # noqa: E402
from clientrun import measure, run, text, wait_until  # noqa: E402
from fake_server import (DSCP_ECN, FEATURES, INDIVIDUAL, KEYS, PTP, REFLECT_OCTETS, SYMMETRICAL,  # noqa: E402
                         FakeServer, ntp, ptp)
from twcrypt import AUTHENTICATED, ENCRYPTED, MIXED, UNAUTHENTICATED  # noqa: E402

TESTS = []
MODES = {'unauthenticated': UNAUTHENTICATED, 'authenticated': AUTHENTICATED, 'encrypted': ENCRYPTED, 'mixed': MIXED}
KEYED = {name: bit for name, bit in MODES.items() if bit != UNAUTHENTICATED}
OPTIONS = {INDIVIDUAL: ['--individual'], REFLECT_OCTETS: ['--reflect-octets', 'cafe'],
           SYMMETRICAL: ['--symmetrical'], DSCP_ECN: ['--dscp-ecn'], PTP: ['--ptp']}
NAMES = {INDIVIDUAL: 'individual-session-control', REFLECT_OCTETS: 'reflect-octets',
         SYMMETRICAL: 'symmetrical-size', DSCP_ECN: 'dscp-ecn', PTP: 'ptp-timestamps'}
EVERYTHING = 0x37f
PASSPHRASE = KEYS[b'probe-1'].decode()
DIRECTORY = tempfile.TemporaryDirectory(prefix='twamp-test-')


def test(f):
    TESTS.append(f)
    return f


def key_file(content=None, mode=0o600, name='keys'):
    path = os.path.join(DIRECTORY.name, name)
    with open(path, 'wb') as f:
        os.fchmod(f.fileno(), mode)
        f.write(content if content is not None else f'# ours\n\nprobe-1 \t{PASSPHRASE}\n'.encode())
    return path


@contextlib.contextmanager
def fake(address='127.0.0.1', **script):
    """A server of which the client must not have made a fault of."""
    with FakeServer(address, **{'modes': EVERYTHING, **script}) as s:
        yield s
        faults = s.faults + [f for r in s.reflectors for f in r.faults]
        assert not faults, faults


def keyed(server, *args):
    return measure(server, '--key-file', key_file(), *args)


# --- what is selected ---------------------------------------------------------------------

def combination(name, features, address='127.0.0.1'):
    mode = MODES[name] | sum(features)
    options = list(itertools.chain.from_iterable(OPTIONS[f] for f in features))
    with fake(address) as s:
        r = keyed(s, '--mode', name, '--count', '2', '--interval', '1ms', *options)
        assert (r['exit'], r['modes'], r['mode']) == (0, mode, name), r
        assert (r['sent'], r['answered'], r['hmac_failures']) == (2, 2, 0), r
        assert r['features'] == [NAMES[f] for f in features], r
        assert r['key_id'] == (None if name == 'unauthenticated' else 'probe-1'), r
        assert r['reflect_failures'] == (0 if REFLECT_OCTETS in features else None), r
        assert r['dscp_ecn'] == ([{'dscp': 0, 'ecn': 0, 'packets': 2}] if DSCP_ECN in features else None), r
        assert r['reflector_timestamps'] == (['ptp'] if PTP in features else ['ntp']), r
        assert abs(r['delay_ns']['outbound']['median']) < 10 * 10**9, r
        reflector = s.reflectors[0]
        for n, packet in enumerate(reflector.packets):
            seq, stamp = reflector.session.header_of(packet)
            now = ptp() if PTP in features else ntp()
            assert seq == n and abs((now >> 32) - (stamp >> 32)) < 60, (seq, stamp)
            assert len(packet) >= reflector.session.reply_min, len(packet)
            padding = struct.unpack('>I', s.requests[0][64:68])[0]
            assert len(packet) == reflector.session.padding_at + padding, (len(packet), padding)
        if INDIVIDUAL in features:
            wait_until(lambda: s.stop_ns)
            assert s.start_ns == s.stop_ns and not s.starts and not s.stops
        else:
            wait_until(lambda: s.stops)


@test
def every_mode_with_every_set_of_features():  # R-216 R-217 R-301 R-315 R-316
    for name in MODES:
        for bits in range(1 << len(FEATURES)):
            combination(name, [f for i, f in enumerate(FEATURES) if bits >> i & 1])


@test
def over_ipv6():
    with contextlib.closing(socket.socket(socket.AF_INET6)) as t:
        try:
            t.bind(('::1', 0))
        except OSError:
            return 'no IPv6 on this host'
    for name in MODES:
        combination(name, list(FEATURES), '::1')
    return None


@test
def auto_takes_the_strongest():
    for offered, chosen in ((15, 4), (EVERYTHING, 4), (11, 2), (9, 8), (2, 2), (8, 8), (0xfffffc80 | 4, 4)):
        with fake(modes=offered) as s:
            assert keyed(s)['modes'] == chosen
    with fake(modes=15) as s:  # no key
        r = measure(s)
        assert (r['modes'], r['key_id']) == (1, None), r


def refused(server, *args):
    r = measure(server, *args)
    assert (r['exit'], r['result'], r['code'], r['mode']) == (20, 'no-accept', 3, None), r
    wait_until(lambda: server.setups)
    assert server.setups[0] == bytes(164), server.setups  # Mode 0
    return r


@test
def never_weaker_than_asked_for():  # R-301 S-4
    for name, bit in MODES.items():
        offered = 15 & ~bit
        with fake(modes=offered) as s:
            r = refused(s, '--key-file', key_file(), '--mode', name)
            said = r['message'].split('offers ')[1].split(',')[0]
            assert said == '+'.join(n for n in MODES if n != name) and f'--mode {name}' in r['message'], r


@test
def no_silent_downgrade():  # S-9
    with fake(modes=1) as s:
        r = refused(s, '--key-file', key_file())
        assert '--mode unauthenticated' in r['hint'], r
        t = text(s, '--key-file', key_file())
        assert t.returncode == 20 and '--mode unauthenticated' in t.stderr and t.stdout == '', t
        assert keyed(s, '--mode', 'unauthenticated')['exit'] == 0


@test
def asks_for_a_key():  # S-5
    with fake(modes=14) as s:
        r = refused(s)
        assert '--key-file' in r['hint'] and 'encrypted' in r['message'], r


@test
def features_that_are_not_offered():
    for feature in FEATURES:
        with fake(modes=EVERYTHING & ~feature) as s:
            r = refused(s, '--all-features')
            assert f'does not offer {NAMES[feature]},' in r['message'], r
    with fake() as s:
        assert measure(s, '--all-features')['modes'] == 0x371


# --- keys ---------------------------------------------------------------------------------

def local_error(*args, say):
    r = run('controller', *args, '127.0.0.1:9')
    assert r.returncode == 30 and say in r.stderr and PASSPHRASE not in r.stderr + r.stdout, (say, r)
    return r


@test
def file_of_keys():
    many = f'#x\nother one\nprobe-1 {PASSPHRASE}\n'.encode()
    with fake() as s:
        r = measure(s, '--key-file', key_file(many), '--key-id', 'probe-1')
        assert (r['exit'], r['key_id']) == (0, 'probe-1'), r
        assert measure(s, '--key-file', key_file(mode=0o640))['exit'] == 0
        assert measure(s, '--key-file', key_file(b'probe-1\t' + PASSPHRASE.encode()))['exit'] == 0  # no line feed
    local_error('--key-file', key_file(many), say='--key-id')
    local_error('--key-file', key_file(many), '--key-id', 'third', say='no key with the KeyID third')
    local_error('--key-file', key_file(many + b'other two\n'), '--key-id', 'other', say='more than once')
    local_error('--key-file', key_file(b'#\n'), say='has no key')
    for mode in (0o644, 0o660, 0o604, 0o602):
        assert 'chmod 0640' in local_error('--key-file', key_file(mode=mode), say=f'{mode:04o}').stderr
    local_error('--key-file', os.path.join(DIRECTORY.name, 'none'), say='No such file')
    local_error('--key-file', DIRECTORY.name, say='not a regular file')
    for wrong in (b'probe-1\n', b'probe-1 \n', PASSPHRASE.encode() + b'\r\n', b' probe-1 x\n', b'\xff x\n',
                  b'a\x00b x\n', b'a x\x01\n', 81 * b'a' + b' x\n', b'a ' + 1025 * b'x' + b'\n',
                  3000 * b'x', b'a\xe2\x80\x8b x\n'):
        local_error('--key-file', key_file(wrong), say='line 1')


@test
def key_id_of_any_utf8():
    name = 'möß-Ω' * 10  # 80 octets, no terminator
    assert len(name.encode()) == 80
    with fake(keys={name.encode(): b'  two blanks before, one behind '}) as s:
        r = measure(s, '--key-file', key_file(name.encode() + b' ' + b'two blanks before, one behind \n'))
        assert r['exit'] == 11, r  # blanks between KeyID and passphrase belong to neither
    with fake(keys={name.encode(): b'one behind '}) as s:
        r = measure(s, '--key-file', key_file(name.encode() + b'   one behind \n'))
        assert (r['exit'], r['key_id']) == (0, name), r


@test
def wrong_keys_are_refused():
    for name in KEYED:
        for content in (b'probe-1 wrong\n', b'probe-2 ' + PASSPHRASE.encode() + b'\n'):
            with fake() as s:
                r = measure(s, '--mode', name, '--key-file', key_file(content))
                assert (r['exit'], r['carrier']) == (11, 'Server-Start') and 'KeyID' in r['hint'], r
                assert s.connections == 1 and not s.requests


@test
def secrets_are_not_shown():
    with fake() as s:
        for args in (['--json'], []):
            r = run('controller', *clientrun.QUICK, *args, '--key-file', key_file(), f'127.0.0.1:{s.port}')
            assert r.returncode == 0 and 'probe-1' in r.stdout, r
            assert PASSPHRASE not in r.stdout + r.stderr


@test
def fresh_keys_for_each_connection():
    with fake(server_start=[5, 5, 0]) as s:
        assert keyed(s)['attempts'] == 3
        tokens, ivs = {x[84:148] for x in s.setups}, {x[148:] for x in s.setups}
        assert len(tokens) == len(ivs) == 3 and bytes(16) not in ivs


@test
def bounds_of_count():  # R-302 R-244
    for count in (0, 512, 1023, 1025, 32767, 0xffffffff, 0x80000000, 65536):
        with fake(count=count) as s:
            begin = time.monotonic()
            r = keyed(s)
            assert (r['exit'], r['code']) == (20, 1) and 'Count' in r['message'], r
            assert not s.setups and time.monotonic() - begin < 20, count  # 2^31 rounds take minutes
    for count, most in ((32768, []), (65536, ['--max-count', '65536']), (1024, ['--max-count', '1024'])):
        with fake(count=count) as s:
            assert keyed(s, *most)['exit'] == 0
    with fake(count=65536) as s:  # of no use without a key
        assert measure(s)['exit'] == 0


# --- forgeries ----------------------------------------------------------------------------

@test
def wrong_hmac_from_the_server():  # R-305 C-066
    for name in KEYED:
        for message, individual in (('server-start', False), ('accept-session', False), ('start-ack', False),
                                    ('start-n-ack', True)):
            with fake(spoil=message) as s:
                r = keyed(s, '--mode', name, *(['--individual'] if individual else []))
                assert (r['exit'], r['result']) == (20, 'no-accept') and 'HMAC' in r['message'], r
                assert 'sent' not in r and s.connections == 1
                wait_until(lambda s=s: not s.sockets[0].recv(1) if s.sockets[0].fileno() >= 0 else True)
                assert not s.stops and not s.stop_ns and all(not x.wires for x in s.reflectors)
        with fake(spoil='stop-n-ack') as s:
            r = keyed(s, '--mode', name, '--individual')
            assert (r['exit'], r['answered']) == (20, 10) and 'HMAC' in r['message'], r


@test
def fragmented_messages():
    with fake(fragment=True) as s:
        assert keyed(s, '--all-features', '--sessions', '3')['answered'] == 30


@test
def forged_replies_are_ignored():  # T-060
    for name in ('authenticated', 'encrypted'):
        with fake(answer=lambda n, p, make: [make(seq=7, spoil=True), make()]) as s:
            r = keyed(s, '--mode', name)
            assert (r['answered'], r['hmac_failures'], r['duplicates']) == (10, 10, 0), r
        with fake(answer=lambda n, p, make: [make(spoil=True)]) as s:
            r = keyed(s, '--mode', name)
            assert (r['exit'], r['answered'], r['hmac_failures']) == (1, 0, 10) and 'HMAC' in r['message'], r
            assert '10 with a wrong HMAC' in text(s, '--key-file', key_file()).stdout
        with fake(answer=lambda n, p, make: [make()[:111], make()[:48], b'', make()]) as s:
            r = keyed(s, '--mode', name)
            assert (r['answered'], r['ignored_short'], r['hmac_failures']) == (10, 30, 0), r


@test
def replies_of_another_session_are_forged():  # T-060: keys by SID
    held = []

    def swap(n, packet, make):
        held.append(make())
        return [held[-1]] if len(held) == 1 else [held[0], held[-1]]
    with fake(answer=swap) as s:
        r = keyed(s, '--sessions', '2', '--count', '1')
        assert r['answered'] == 2 and r['hmac_failures'] == 1, r


@test
def every_bit_of_what_the_hmac_covers():  # T-010 T-011
    for name, covered in (('authenticated', range(16)), ('encrypted', range(96))):
        bits = [8 * i + b for i in (*covered, *range(96, 112)) for b in range(8)]

        def answer(n, packet, make, bits=bits):
            wire = bytearray(make())
            wire[bits[n] // 8] ^= 0x80 >> bits[n] % 8
            return [bytes(wire), make()]  # the good one is what the client waits for
        with fake(answer=answer) as s:
            r = keyed(s, '--mode', name, '--count', str(len(bits)), '--interval', '2ms', '--timeout', '30s')
            assert (r['sent'], r['answered'], r['hmac_failures']) == (len(bits),) * 3, r
            assert r['duplicates_outbound'] == r['duplicates_inbound'] == 0, r


# --- extensions ---------------------------------------------------------------------------

@test
def packet_lengths():  # R-307 T-024
    for args, octets in ((['--mode', 'unauthenticated'], 41), (['--mode', 'mixed'], 41),
                         (['--mode', 'mixed', '--dscp-ecn'], 44), (['--mode', 'authenticated'], 112),
                         (['--mode', 'encrypted', '--dscp-ecn'], 112), (['--mode', 'encrypted', '--symmetrical'], 112),
                         (['--mode', 'mixed', '--symmetrical'], 41), (['--mode', 'mixed', '--symmetrical', '--dscp-ecn'], 44),
                         (['--mode', 'mixed', '--reflect-length', '10'], 51),
                         (['--mode', 'encrypted', '--reflect-length', '10'], 122),
                         (['--mode', 'mixed', '--symmetrical', '--reflect-length', '10'], 52),
                         (['--mode', 'encrypted', '--padding', '0'], 48), (['--mode', 'encrypted', '--padding', '100'], 148)):
        with fake() as s:
            r = keyed(s, *args)
            assert r['answered'] == 10 and {len(p) for p in s.reflectors[0].wires} == {octets}, (args, octets, r)
            assert r['payload_octets'] == octets
    with fake() as s:
        r = keyed(s, '--padding', '65493')
        assert r['exit'] == 30 and '65507' in r['message'], r


@test
def reflected_octets():  # R-211 R-317
    with fake(server_octets=0xbeef) as s:
        r = keyed(s, '--reflect-octets', 'cafe', '--reflect-length', '20', '--padding', '200')
        assert (r['answered'], r['reflect_failures']) == (10, 0), r
        assert s.requests[0][88:96] == bytes([0xca, 0xfe, 0, 20, 0, 0, 0, 0]), s.requests
        packets = [p[48:] for p in s.reflectors[0].packets]
        assert len({p[:20] for p in packets}) == 1 and len({p[20:] for p in packets}) == 10
        assert packets[0][:2] == b'\xbe\xef' and packets[0][2:20] != bytes(18)
    with fake(reflected=0xcaff) as s:
        r = keyed(s, '--reflect-octets', 'cafe')
        assert r['exit'] == 20 and 'caff' in r['message'] and not s.starts, r
    with fake(server_octets=1) as s:  # Q-26a
        r = keyed(s, '--reflect-octets', 'cafe', '--reflect-length', '1')
        assert r['exit'] == 20 and '--reflect-length' in r['hint'], r
    for name in ('mixed', 'encrypted'):
        with fake(answer=lambda n, p, make: [make(reflect=n >= 3)]) as s:
            r = keyed(s, '--mode', name, '--reflect-octets', '0000', '--reflect-length', '8')
            assert (r['answered'], r['reflect_failures']) == (10, 3), r
            t = text(s, '--key-file', key_file(), '--mode', name, '--reflect-length', '8')
            assert '3 replies without the octets to be reflected' in t.stdout, t
    with fake() as s:
        r = keyed(s, '--reflect-length', '8', '--padding', '71')
        assert r['exit'] == 30 and '72' in r['message'] and not s.requests, r


@test
def dscp_and_ecn_that_arrived():
    for name in ('unauthenticated', 'encrypted'):
        with fake() as s:
            r = keyed(s, '--mode', name, '--dscp-ecn', '--dscp', 'EF')
            assert r['dscp_ecn'] == [{'dscp': 46, 'ecn': 0, 'packets': 10}], r
            t = text(s, '--key-file', key_file(), '--mode', name, '--dscp-ecn', '--dscp', 'EF')
            assert '10 packets with DSCP 46 (EF), ECN Not-ECT' in t.stdout and 'warning' not in t.stdout, t
        with fake(answer=lambda n, p, make: [make(tos=46 << 2 if n % 10 < 7 else 0x23)]) as s:
            r = keyed(s, '--mode', name, '--dscp-ecn', '--dscp', 'EF')
            assert r['dscp_ecn'] == [{'dscp': 8, 'ecn': 3, 'packets': 3}, {'dscp': 46, 'ecn': 0, 'packets': 7}], r
        with fake(answer=lambda n, p, make: [make(tos=0x23)]) as s:
            t = text(s, '--key-file', key_file(), '--mode', name, '--dscp-ecn', '--dscp', 'EF')
            assert 'DSCP 8 (CS1), ECN CE' in t.stdout and 'warning: the DSCP was changed' in t.stdout, t


@test
def ptp_both_ways():  # R-316 T-038
    with fake() as s:
        r = keyed(s, '--ptp')
        assert r['reflector_timestamps'] == ['ptp'] and abs(r['delay_ns']['inbound']['median']) < 10**9, r
    with fake(answer=lambda n, p, make: [make(stamp=ntp, error=0x0101)]) as s:  # Z counts, not the mode
        r = keyed(s, '--ptp')
        assert r['reflector_timestamps'] == ['ntp'] and abs(r['delay_ns']['inbound']['median']) < 10**9, r


@test
def sessions_one_by_one():
    for name in ('unauthenticated', 'encrypted'):
        with fake(start_n=lambda sids: [(0, sids[1:]), (0, sids[:1])],
                  stop_n=lambda sids: [(0, [x]) for x in reversed(sids)]) as s:
            r = keyed(s, '--mode', name, '--individual', '--sessions', '3')
            assert (r['exit'], r['answered']) == (0, 30), r
            assert all((x['start_accept'], x['stop_accept']) == (0, 0) for x in r['sessions']), r
            assert len(s.start_ns[0]) == 3 and sorted(s.stop_ns[0]) == sorted(s.start_ns[0])


@test
def sessions_that_do_not_start():
    for rest in ([(5, slice(1, 2))], []):  # refused, or named by no acknowledgement
        with fake(start_n=lambda sids, rest=rest: [(0, [sids[0], sids[2]])] + [(a, sids[x]) for a, x in rest]) as s:
            r = keyed(s, '--individual', '--sessions', '3', '--control-timeout', '300ms')
            assert (r['exit'], r['sent'], r['answered']) == (1, 20, 20) and '1 of 3' in r['message'], r
            assert [x['start_accept'] for x in r['sessions']] == [0, 0, 5 if rest else None], r
            assert not s.reflectors[1].wires
            wait_until(lambda s=s: s.stop_ns)
            assert s.stop_ns[0] == [s.start_ns[0][0], s.start_ns[0][2]]
    with fake(start_n=lambda sids: [(4, sids)]) as s:
        r = keyed(s, '--individual', '--sessions', '2')
        assert (r['exit'], r['carrier'], s.connections) == (14, 'Start-N-Ack', 1), r
    with fake(start_n=lambda sids: [(5, sids)]) as s:
        r = keyed(s, '--individual', '--retries', '1')
        assert (r['exit'], s.connections) == (15, 2), r
    with fake(start_n=lambda sids: []) as s:
        r = keyed(s, '--individual', '--control-timeout', '200ms')
        assert r['exit'] == 20 and 'Start-N-Ack' in r['message'], r


@test
def sessions_that_do_not_stop():
    for answers in (lambda sids: [(1, sids)], lambda sids: []):
        with fake(stop_n=answers) as s:
            r = keyed(s, '--individual', '--control-timeout', '300ms')
            assert (r['exit'], r['answered']) == (1, 10) and 'not stopped' in r['message'], r


@test
def malformed_acknowledgements():
    for name in ('unauthenticated', 'encrypted'):
        for answers in (lambda sids: [(0, [])], lambda sids: [(0, sids + sids)], lambda sids: [(0, [bytes(16)])],
                        lambda sids: [(0, sids[:1]), (0, sids[:1])]):
            with fake(start_n=answers) as s:
                r = keyed(s, '--mode', name, '--individual', '--sessions', '2')
                assert r['exit'] == 20 and 'malformed Start-N-Ack' in r['message'], r
                assert s.connections == 1 and 'sent' not in r


@test
def more_sessions_than_one_command_names():  # C-092
    with fake() as s:
        r = measure(s, '--individual', '--sessions', '1030', '--count', '1', '--interval', '2s', '--timeout', '20s')
        assert r['exit'] == 0 and r['answered'] == 1030, {k: r[k] for k in ('exit', 'message', 'answered')}
        wait_until(lambda: len(s.stop_ns) == 2)
        assert [len(x) for x in s.start_ns] == [1024, 6] == [len(x) for x in s.stop_ns]


# --- twamp keygen -------------------------------------------------------------------------

@test
def keygen():
    lines = set()
    for _ in range(20):
        r = run('keygen', 'probe-ä')
        key_id, passphrase = r.stdout.removesuffix('\n').split(' ')
        assert r.returncode == 0 and key_id == 'probe-ä' and r.stderr == '', r
        assert len(passphrase) == 32 and set(passphrase) <= set('abcdefghijklmnopqrstuvwxyz234567'), r
        lines.add(passphrase)
    assert len(lines) == 20
    path = key_file(b'')
    with open(path, 'ab') as f:
        subprocess.run([clientrun.TWAMP, 'keygen', 'probe-1'], stdout=f, check=True)
    with open(path, 'rb') as f:
        made = f.read().split()[1]
    with fake(keys={b'probe-1': made}) as s:
        assert measure(s, '--key-file', path)['mode'] == 'encrypted'
    with open('/dev/full', 'wb') as f:
        r = subprocess.run([clientrun.TWAMP, 'keygen', 'a'], stdout=f, stderr=subprocess.PIPE, text=True)
        assert r.returncode == 30 and 'space' in r.stderr, r


if __name__ == '__main__':
    status = clientrun.main(TESTS)
    DIRECTORY.cleanup()
    sys.exit(status)
