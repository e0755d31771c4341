#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Start a program with sockets passed to it, as a service manager does: activate.py
KIND:NAME... -- PROGRAM ARGUMENT... KIND: tcp4, tcp6, dual (listening on port 862), deaf (does
not listen), udp4, udp6, udpdual (port 862), unbound (udp4), unix, file; tcp4%DEVICE is bound to a device, and so on; unix%PATH to a path. All are blocking, so
that who takes them has to see to it.
"""

import os
import socket
import sys

PORT = 862


def make_udp(kind, device):
    s = socket.socket(socket.AF_INET if kind == "udp4" else socket.AF_INET6, socket.SOCK_DGRAM)
    if kind != "udp4":
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, kind == "udp6")
    if device:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    s.bind(("0.0.0.0" if kind == "udp4" else "::", PORT))
    return s


def make(kind):
    if kind.startswith("fd"):
        return int(kind[2:])
    kind, _, device = kind.partition("%")
    if kind == "file":
        return os.open("/dev/null", os.O_RDONLY)
    if kind == "unix":
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.bind(device)  # a path; without one an abstract name that the kernel chooses
        s.listen()
    elif kind == "unbound":
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    elif kind in ("udp4", "udp6", "udpdual"):
        s = make_udp(kind, device)
    else:
        family = socket.AF_INET6 if kind in ("tcp6", "dual") else socket.AF_INET
        s = socket.socket(family, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if device:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, kind == "tcp6")
        s.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", PORT))
        if kind != "deaf":
            s.listen(128)
    return s.detach()


def main():
    end = sys.argv.index("--")
    specs = [spec.split(":") for spec in sys.argv[1:end]]
    fds = [make(kind) for kind, _ in specs]
    high = 3 + len(fds)
    fds = [fd if fd >= high else os.dup2(fd, high + 100 + fd) for fd in fds]
    for number, fd in enumerate(fds, 3):
        os.dup2(fd, number, inheritable=True)
    os.closerange(high, 1 << 16)
    os.environ.update(LISTEN_FDS=str(len(specs)), LISTEN_PID=str(os.getpid()),
                      LISTEN_FDNAMES=":".join(name for _, name in specs))
    os.execv(sys.argv[end + 1], sys.argv[end + 1:])


main()
