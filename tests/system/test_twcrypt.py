#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The cryptography of the tests themselves (aes.py, twcrypt.py) against the vectors that the C
code is held to. usage: test_twcrypt.py
"""
import os
import unittest

import twcrypt
from aes import Aes128
from twcrypt import Forged, Stream, TestKeys

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'unit', 'vectors')


def load():
    values = {}
    for name in ('inputs', 'cipher', 'handshake', 'test', 'test-cipher'):
        with open(os.path.join(VECTORS, name + '.hex'), encoding='ascii') as f:
            for line in f:
                if line.strip() and not line.startswith('#'):
                    key, value = line.split(' = ')
                    values[key] = bytes.fromhex(value)
    return values


V = load()
AES_KEY, HMAC_KEY = V['in.aes_session_key'], V['in.hmac_session_key']


class TestAes(unittest.TestCase):
    def test_examples_of_the_standard(self):
        # FIPS 197 B and C.1
        for key, plain, cipher in (
                ('2b7e151628aed2a6abf7158809cf4f3c', '3243f6a8885a308d313198a2e0370734',
                 '3925841d02dc09fbdc118597196a0b32'),
                ('000102030405060708090a0b0c0d0e0f', '00112233445566778899aabbccddeeff',
                 '69c4e0d86a7b0430d8cdb78070b4c55a')):
            aes = Aes128(bytes.fromhex(key))
            self.assertEqual(aes.encrypt(bytes.fromhex(plain)).hex(), cipher)
            self.assertEqual(aes.decrypt(bytes.fromhex(cipher)).hex(), plain)


class TestControl(unittest.TestCase):
    def test_keys_of_passphrases(self):
        for count in (1024, 2048, 32768):
            self.assertEqual(twcrypt.derive(V['in.passphrase'], V['in.salt'], count),
                             V['kdf.count%d' % count])

    def test_token_and_setup(self):
        dk = V['kdf.count2048']
        self.assertEqual(twcrypt.seal_token(dk, V['in.challenge'], AES_KEY, HMAC_KEY), V['token.cipher'])
        self.assertEqual(twcrypt.open_token(V['token.cipher'], dk, V['in.challenge']), (AES_KEY, HMAC_KEY))
        with self.assertRaises(Forged):
            twcrypt.open_token(V['token.cipher'], dk, bytes(16))
        keys = twcrypt.ClientKeys(AES_KEY, HMAC_KEY, V['in.client_iv'])
        for mode in (2, 4, 8):
            self.assertEqual(keys.setup(mode, V['in.keyid'], V['in.passphrase'], V['in.challenge'],
                                        V['in.salt'], 2048), V['setup.mode%d' % mode])

    def test_streams(self):
        for connection in ('enc', 'isc'):
            for direction, iv in (('c2s', V['in.client_iv']), ('s2c', V['in.server_iv'])):
                self.stream('%s.%s.' % (connection, direction), iv)

    def stream(self, prefix, iv):
        seal, forge, opening = (Stream(AES_KEY, HMAC_KEY, iv) for _ in range(3))
        pending = b''
        if '.s2c.' in prefix:
            pending, wire = V['serverstart.enc.plain'][32:], V['serverstart.enc.wire'][32:]
            self.assertEqual(seal.seal_part(pending), wire)
            self.assertEqual(opening.open_part(wire), pending)
            forge.seal_part(pending)
        names = [k[:-5] for k in V if k.startswith(prefix) and k.endswith('.wire')]
        self.assertGreaterEqual(len(names), 3)
        for name in names:
            covered, right, wire = V[name + '.hmac_input'], V[name + '.hmac'], V[name + '.wire']
            self.assertEqual(seal.iv, V[name + '.iv'])
            plain = covered[len(pending):] + right
            pending = b''
            self.assertEqual(seal.seal(plain[:-16] + bytes(16)), wire)
            self.assertEqual(opening.open_part(wire[:16]) + opening.open(wire[16:]), plain)
        victim = Stream(AES_KEY, HMAC_KEY, iv)
        with self.assertRaises(Forged):
            victim.open(forge.seal(bytes(48), spoil=True))


class TestPackets(unittest.TestCase):
    def setUp(self):
        self.keys = TestKeys(AES_KEY, HMAC_KEY, V['in.sid'])
        self.padding = bytes(0xa0 + i for i in range(64))

    def test_keys(self):
        self.assertEqual(self.keys.aes_key, V['testkey.aes'])
        self.assertEqual(self.keys.hmac_key, V['testkey.hmac'])

    def test_send(self):
        plain = V['test.sender.plain_first32'] + bytes(16) + self.padding
        for encrypted, name in ((False, 'auth'), (True, 'enc')):
            wire = V['test.%s.sender.wire.pad64' % name]
            self.assertEqual(self.keys.seal_send(plain, encrypted), wire)
            self.assertEqual(self.keys.open_send(wire, encrypted)[:32], plain[:32])
            with self.assertRaises(Forged):
                self.keys.open_send(self.keys.seal_send(plain, encrypted, spoil=True), encrypted)
        with self.assertRaises(Forged):
            self.keys.open_send(V['neg.test.enc.sender.bad_hmac'], True)

    def test_reply(self):
        plain = V['test.reflector.plain_first96'] + bytes(16)
        for encrypted, name in ((False, 'auth'), (True, 'enc')):
            wire = V['test.%s.reflector.wire.sender_pad64' % name]
            self.assertEqual(self.keys.seal_reply(plain, encrypted), wire)
            self.assertEqual(self.keys.open_reply(wire, encrypted)[:96], plain[:96])
            with self.assertRaises(Forged):
                self.keys.open_reply(wire[:111], encrypted)


if __name__ == '__main__':
    unittest.main()
