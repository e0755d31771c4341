# SPDX-License-Identifier: BSD-2-Clause
"""Messages that are changed on their way, and what must come of them."""

import rawclient
from harness import same


def flip(octets, bit):
    """With one bit turned, counted from the first octet's highest."""
    out = bytearray(octets)
    out[bit // 8] ^= 0x80 >> bit % 8
    return bytes(out)


def nothing_granted(control, what):
    """A message that was not authentic has no effect, and no answer but that of R-073 to a command
    that there is not, as which most damage of the first block shows. Then the end."""
    octets = control.wait_closed()
    if octets:
        answer = rawclient.parse_accept_session(control.from_server.open(octets))
        same(answer.accept, 3, "Accept after a damaged message, " + what)
