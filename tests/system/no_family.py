#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Run a program as on a host without IPv6 (ipv6.disable=1) or without IPv4: no_family.py 4|6
PROGRAM ARGUMENT... A seccomp filter answers socket(2) of the family with EAFNOSUPPORT, which is
also what RestrictAddressFamilies= of systemd does.
"""

import ctypes
import errno
import os
import socket
import struct
import sys

NUMBERS = {"x86_64": 41, "aarch64": 198}
LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
ALLOW, ERRNO = 0x7fff0000, 0x00050000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2


def forbid(family):
    code = ((LOAD, 0, 0, 0), (IF_EQUAL, 0, 3, NUMBERS[os.uname().machine]),
            (LOAD, 0, 0, 16), (IF_EQUAL, 0, 1, int(family)),
            (RETURN, 0, 0, ERRNO | errno.EAFNOSUPPORT), (RETURN, 0, 0, ALLOW))
    octets = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(octets)))
    libc = ctypes.CDLL(None, use_errno=True)
    if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or
            libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)):
        raise OSError(ctypes.get_errno(), "seccomp")


forbid(socket.AF_INET6 if sys.argv[1] == "6" else socket.AF_INET)
os.execv(sys.argv[2], sys.argv[2:])
