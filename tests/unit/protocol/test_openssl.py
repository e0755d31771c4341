#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The known answers of tests/unit/vectors once more, computed by the openssl command.

The C tests show that protocol/crypt.c gives these answers; this shows that a third
implementation does. Usage: test_openssl.py FOLDER_OF_VECTORS
"""

import pathlib
import shutil
import subprocess
import sys
import unittest

SKIPPED = 77  # what meson takes for a skipped test
ZERO_IV = bytes(16)
VECTORS = {}


def load(folder):
    for path in sorted(pathlib.Path(folder).glob("*.hex")):
        for line in path.read_text().splitlines():
            name, equals, value = line.split("#")[0].partition("=")
            if equals:
                VECTORS[name.strip()] = bytes.fromhex(value)


def openssl(*arguments, stdin=b""):
    return subprocess.run(["openssl", *arguments], input=stdin, check=True,
                          stdout=subprocess.PIPE).stdout


def derive(passphrase, salt, count, length=16):
    text = openssl("kdf", "-keylen", str(length), "-kdfopt", "digest:SHA1",
                   "-kdfopt", f"hexpass:{passphrase.hex()}", "-kdfopt", f"hexsalt:{salt.hex()}",
                   "-kdfopt", "pkcs5:1", "-kdfopt", f"iter:{count}", "PBKDF2")
    return bytes.fromhex(text.decode().strip().replace(":", ""))


def encrypt(key, iv, text):
    return openssl("enc", "-aes-128-cbc", "-K", key.hex(), "-iv", iv.hex(), "-nopad", stdin=text)


def hmac(key, text):
    return openssl("dgst", "-sha1", "-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}", "-binary",
                   stdin=text)[:16]


def conversation(first, side):
    """Names of the messages of one direction, in their order: enc.c2s.1_request_v4 and so on."""
    return [name[:-len(".wire")] for name in VECTORS
            if name.startswith(f"{first}.{side}.") and name.endswith(".wire")]


class KnownAnswers(unittest.TestCase):
    def test_derived_key(self):  # C-050 C-051
        for count in (1024, 2048, 32768):
            self.assertEqual(derive(VECTORS["in.passphrase"], VECTORS["in.salt"], count),
                             VECTORS[f"kdf.count{count}"])
        self.assertEqual(derive(b"password", b"salt", 4096, 20),
                         VECTORS["kdf.rfc6070_sanity_password_salt_c4096_dk20"])

    def test_token(self):  # C-031 C-032
        plain = (VECTORS["in.challenge"] + VECTORS["in.aes_session_key"]
                 + VECTORS["in.hmac_session_key"])
        self.assertEqual(plain, VECTORS["token.plain"])
        self.assertEqual(encrypt(VECTORS["kdf.count2048"], ZERO_IV, plain),
                         VECTORS["token.cipher"])

    def check_conversation(self, first):
        key, hmac_key = VECTORS["in.aes_session_key"], VECTORS["in.hmac_session_key"]
        block = VECTORS["serverstart.enc.plain"][32:]
        for side in ("c2s", "s2c"):
            names = conversation(first, side)
            self.assertGreaterEqual(len(names), 3)
            chain = VECTORS["in.client_iv" if side == "c2s" else "in.server_iv"]
            before = b""
            if side == "s2c":
                chain, before = encrypt(key, chain, block), block
                self.assertEqual(chain, VECTORS["serverstart.enc.wire"][32:])
            for name in names:
                text = VECTORS[name + ".hmac_input"]
                tag = hmac(hmac_key, text)
                self.assertEqual(text[:len(before)], before)
                self.assertEqual(tag, VECTORS[name + ".hmac"])
                wire = encrypt(key, chain, text[len(before):] + tag)
                self.assertEqual(wire, VECTORS[name + ".wire"])
                chain, before = wire[-16:], b""

    def test_control_connection(self):  # C-040 C-060 C-061 C-062 C-063 C-064
        self.check_conversation("enc")

    def test_individual_session_control(self):  # C-062 C-064
        self.check_conversation("isc")

    def test_keys_of_a_session(self):  # C-054
        sid = VECTORS["in.sid"]
        self.assertEqual(encrypt(sid, ZERO_IV, VECTORS["in.aes_session_key"]),
                         VECTORS["testkey.aes"])
        self.assertEqual(encrypt(sid, ZERO_IV, VECTORS["in.hmac_session_key"]),
                         VECTORS["testkey.hmac"])

    def check_packet(self, plain, covered, wire):
        tag = hmac(VECTORS["testkey.hmac"], plain[:covered])
        sealed = encrypt(VECTORS["testkey.aes"], ZERO_IV, plain[:covered]) + plain[covered:] + tag
        self.assertEqual(wire[:len(sealed)], sealed)

    def test_packets(self):  # T-001 T-002 T-003 T-010 T-011
        sender = VECTORS["test.sender.plain_first32"]
        reply = VECTORS["test.reflector.plain_first96"]
        self.check_packet(sender, 16, VECTORS["test.auth.sender.wire.pad64"])
        self.check_packet(sender, 32, VECTORS["test.enc.sender.wire.pad64"])
        self.check_packet(reply, 16, VECTORS["test.auth.reflector.wire.sender_pad64"])
        self.check_packet(reply, 96, VECTORS["test.enc.reflector.wire.sender_pad64"])


def is_usable():
    """OpenSSL 3 is the first with the command kdf."""
    if not shutil.which("openssl"):
        return False
    version = openssl("version").decode().split()
    return version[0] == "OpenSSL" and int(version[1].split(".")[0]) >= 3


if __name__ == "__main__":
    if not is_usable():
        print("skipped: there is no openssl command of OpenSSL 3 or later")
        sys.exit(SKIPPED)
    load(sys.argv.pop(1))
    unittest.main()
