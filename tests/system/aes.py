# SPDX-License-Identifier: BSD-2-Clause
"""AES-128 in plain Python: FIPS 197 as it stands there, with tables for the rounds.

For tests only. It takes its time, and the time tells the key.
"""
import struct

BLOCK = 16


def _double(a):
    return (a << 1) ^ (0x11b if a & 0x80 else 0)


def _times(a, b):
    """The product in GF(2^8)."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = _double(a)
        b >>= 1
    return product


def _substitution():
    """The S-box: the inverse, then the affine map. FIPS 197 5.1.1"""
    power, value = [], 1
    for _ in range(255):  # 3 generates the multiplicative group
        power.append(value)
        value = _times(value, 3)
    box = [0x63] * 256
    for i, value in enumerate(power):
        inverse = power[-i % 255]
        mapped = 0x63
        for turn in range(5):
            mapped ^= (inverse << turn | inverse >> (8 - turn)) & 0xff
        box[value] = mapped
    return box


def _turn(word):
    return word >> 8 | (word & 0xff) << 24


def _table(box, factors):
    """Substitute an octet and multiply it by a column of the matrix, as one big-endian word;
    the tables for the other three rows are that one turned."""
    first = [int.from_bytes(bytes(_times(s, f) for f in factors), 'big') for s in box]
    tables = [first]
    for _ in range(3):
        tables.append([_turn(w) for w in tables[-1]])
    return tables


SBOX = _substitution()
INVERSE = [0] * 256
for _i, _s in enumerate(SBOX):
    INVERSE[_s] = _i
ENCRYPT = _table(SBOX, (2, 1, 1, 3))
DECRYPT = _table(INVERSE, (14, 9, 13, 11))
UNMIX = _table(range(256), (14, 9, 13, 11))  # InvMixColumns alone, for the decryption keys


def _rounds(block, keys, tables, box, step):
    """The equivalent cipher: @step is +1 for ShiftRows, -1 for its inverse. FIPS 197 5.3.5"""
    t0, t1, t2, t3 = tables
    s = [w ^ k for w, k in zip(struct.unpack('>4I', block), keys[0])]
    for key in keys[1:-1]:
        s = [t0[s[c] >> 24] ^ t1[s[(c + step) % 4] >> 16 & 0xff] ^
             t2[s[(c + 2) % 4] >> 8 & 0xff] ^ t3[s[(c - step) % 4] & 0xff] ^ key[c]
             for c in range(4)]
    return struct.pack('>4I', *(
        (box[s[c] >> 24] << 24 | box[s[(c + step) % 4] >> 16 & 0xff] << 16 |
         box[s[(c + 2) % 4] >> 8 & 0xff] << 8 | box[s[(c - step) % 4] & 0xff]) ^ keys[-1][c]
        for c in range(4)))


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


class Aes128:
    def __init__(self, key):
        if len(key) != 16:
            raise ValueError('AES-128 takes 16 octets of key, not %d' % len(key))
        words = list(struct.unpack('>4I', key))
        constant = 1
        for i in range(4, 44):
            word = words[-1]
            if i % 4 == 0:
                word = int.from_bytes(bytes(SBOX[o] for o in struct.pack('>I', word)), 'big')
                word = (word << 8 | word >> 24) & 0xffffffff ^ constant << 24
                constant = _double(constant)
            words.append(words[-4] ^ word)
        self._forth = [words[i:i + 4] for i in range(0, 44, 4)]
        back = self._forth[::-1]
        self._back = [back[0]] + [[self._unmix(w) for w in k] for k in back[1:-1]] + [back[-1]]

    @staticmethod
    def _unmix(word):
        return (UNMIX[0][word >> 24] ^ UNMIX[1][word >> 16 & 0xff] ^
                UNMIX[2][word >> 8 & 0xff] ^ UNMIX[3][word & 0xff])

    def round_keys(self):
        """Those of either direction; each of the first kind gives away the key."""
        return [struct.pack('>4I', *words) for words in self._forth + self._back[1:-1]]

    def encrypt(self, block):
        """One block, ECB."""
        return _rounds(block, self._forth, ENCRYPT, SBOX, 1)

    def decrypt(self, block):
        return _rounds(block, self._back, DECRYPT, INVERSE, -1)

    def cbc_encrypt(self, iv, data):
        out = []
        for i in range(0, len(data), BLOCK):
            iv = self.encrypt(_xor(data[i:i + BLOCK], iv))
            out.append(iv)
        return b''.join(out)

    def cbc_decrypt(self, iv, data):
        out = []
        for i in range(0, len(data), BLOCK):
            block = data[i:i + BLOCK]
            out.append(_xor(self.decrypt(block), iv))
            iv = block
        return b''.join(out)
