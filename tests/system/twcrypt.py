# SPDX-License-Identifier: BSD-2-Clause
"""The cryptography of TWAMP in plain Python, apart from the C code, for either side of a test:
RFC 4656 3.1-3.4 and 4.1.2, RFC 5357 3.2, 4.1.2 and 4.2.1. The fields of messages and packets
are the caller's; all of them are given and come back as bytes.
"""
import hashlib
import hmac as hmac_module
import os

from aes import BLOCK, Aes128

HMAC_LEN = 16
# Modes that cipher the control connection, and those that cipher the test packets.
UNAUTHENTICATED, AUTHENTICATED, ENCRYPTED, MIXED = 1, 2, 4, 8
CIPHERED_CONTROL = AUTHENTICATED | ENCRYPTED | MIXED
CIPHERED_TEST = AUTHENTICATED | ENCRYPTED


class Forged(Exception):
    """An HMAC or a Token is not right."""


def tag(key, *texts):
    return hmac_module.new(key, b''.join(texts), hashlib.sha1).digest()[:HMAC_LEN]


def derive(passphrase, salt, count):
    """The key of a passphrase (octets)."""
    return hashlib.pbkdf2_hmac('sha1', passphrase, salt, count, 16)


def seal_token(dk, challenge, aes_key, hmac_key):
    return Aes128(dk).cbc_encrypt(bytes(BLOCK), challenge + aes_key + hmac_key)


def open_token(token, dk, challenge):
    """(AES Session-key, HMAC Session-key)"""
    plain = Aes128(dk).cbc_decrypt(bytes(BLOCK), token)
    if not hmac_module.compare_digest(plain[:16], challenge):
        raise Forged('token')
    return plain[16:32], plain[32:64]


class Stream:
    """One direction of a ciphered control connection; the side that sends chooses the @iv."""

    def __init__(self, aes_key, hmac_key, iv):
        self.aes, self.hmac_key, self.iv = Aes128(aes_key), hmac_key, iv
        self.pending = b''  # what the next HMAC covers beyond its own message

    def _encrypt(self, plain):
        cipher = self.aes.cbc_encrypt(self.iv, plain)
        self.iv = cipher[-BLOCK:]
        return cipher

    def _decrypt(self, cipher):
        plain = self.aes.cbc_decrypt(self.iv, cipher)
        self.iv = cipher[-BLOCK:]
        return plain

    def seal_part(self, blocks):
        """Blocks that no HMAC field ends: the last one of Server-Start."""
        self.pending += blocks
        return self._encrypt(blocks)

    def seal(self, message, spoil=False):
        """A message of which the last 16 octets, to be the HMAC, are replaced; @spoil: wrong."""
        right = tag(self.hmac_key, self.pending, message[:-HMAC_LEN])
        self.pending = b''
        if spoil:
            right = right[:-1] + bytes([right[-1] ^ 1])
        return self._encrypt(message[:-HMAC_LEN] + right)

    def open_part(self, blocks):
        """Blocks that more of the same message follow, or the last one of Server-Start."""
        plain = self._decrypt(blocks)
        self.pending += plain
        return plain

    def open(self, rest):
        """The rest of a message, with its HMAC at the end."""
        plain = self._decrypt(rest)
        right = tag(self.hmac_key, self.pending, plain[:-HMAC_LEN])
        self.pending = b''
        if not hmac_module.compare_digest(right, plain[-HMAC_LEN:]):
            raise Forged('HMAC of a control message')
        return plain


class ClientKeys:
    """What a client makes up for a connection."""

    def __init__(self, aes_key=None, hmac_key=None, iv=None):
        self.aes_key = aes_key or os.urandom(16)
        self.hmac_key = hmac_key or os.urandom(32)
        self.iv = iv or os.urandom(16)

    def setup(self, mode, key_id, passphrase, challenge, salt, count):
        """Set-Up-Response, all 164 octets. RFC 4656 3.1"""
        dk = derive(passphrase, salt, count)
        return (mode.to_bytes(4, 'big') + key_id.ljust(80, b'\0') +
                seal_token(dk, challenge, self.aes_key, self.hmac_key) + self.iv)

    def streams(self, server_iv):
        """(to the server, from the server)"""
        return (Stream(self.aes_key, self.hmac_key, self.iv),
                Stream(self.aes_key, self.hmac_key, server_iv))


class TestKeys:
    """The keys of one test session. The last 16 octets of what an HMAC covers are its field."""
    __test__ = False
    SEND_HMAC_AT, REPLY_HMAC_AT = 32, 96

    def __init__(self, aes_key, hmac_key, sid):
        of_sid = Aes128(sid)
        self.aes_key = of_sid.encrypt(aes_key)
        self.hmac_key = of_sid.cbc_encrypt(bytes(BLOCK), hmac_key)
        self.aes = Aes128(self.aes_key)

    def _seal(self, packet, at, encrypted, spoil):
        covered = at if encrypted else BLOCK
        right = tag(self.hmac_key, packet[:covered])
        if spoil:
            right = right[:-1] + bytes([right[-1] ^ 1])
        return (self.aes.cbc_encrypt(bytes(BLOCK), packet[:covered]) + packet[covered:at] + right +
                packet[at + HMAC_LEN:])

    def _open(self, packet, at, encrypted):
        covered = at if encrypted else BLOCK
        if len(packet) < at + HMAC_LEN:
            raise Forged('test packet of %d octets' % len(packet))
        plain = self.aes.cbc_decrypt(bytes(BLOCK), packet[:covered])
        if not hmac_module.compare_digest(tag(self.hmac_key, plain), packet[at:at + HMAC_LEN]):
            raise Forged('HMAC of a test packet')
        return plain + packet[covered:]

    def seal_send(self, packet, encrypted, spoil=False):
        """@packet with room for the HMAC at 32; RFC 5357 4.1.2."""
        return self._seal(packet, self.SEND_HMAC_AT, encrypted, spoil)

    def open_send(self, packet, encrypted):
        return self._open(packet, self.SEND_HMAC_AT, encrypted)

    def seal_reply(self, packet, encrypted, spoil=False):
        """@packet with room for the HMAC at 96; RFC 5357 4.2.1."""
        return self._seal(packet, self.REPLY_HMAC_AT, encrypted, spoil)

    def open_reply(self, packet, encrypted):
        return self._open(packet, self.REPLY_HMAC_AT, encrypted)
