# SPDX-License-Identifier: BSD-2-Clause
"""Two network namespaces joined by veth, and the addresses in them."""

import ctypes
import os
import re
import subprocess

CLONE_NEWNET = 0x40000000

SERVER = {4: "198.51.100.1", 6: "2001:db8::1"}
SERVER_OTHER = {4: "198.51.100.9", 6: "2001:db8::9"}
CLIENT = {4: "198.51.100.2", 6: "2001:db8::2"}
# A second host at the client's end: for IPv6 in another /56, as limits count these as one.
CLIENT_OTHER = {4: "198.51.100.3", 6: "2001:db8:0:100::3"}
CLIENT_NEIGHBOUR = {4: "198.51.100.4", 6: "2001:db8:0:1::4"}  # in the same /56
LINK_LOCAL = {"server": "fe80::1", "client": "fe80::2"}
CLIENT_LINK, SERVER_LINK = "cli0", "srv0"

libc = ctypes.CDLL(None, use_errno=True)


def run(*argv, check=True):
    return subprocess.run(argv, check=check, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)


def enter_namespace(name):
    """This thread goes into a network namespace; its later children and threads follow."""
    fd = os.open("/run/netns/" + name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + name)
    finally:
        os.close(fd)


class Net:
    def __init__(self):
        self.server = "tw%ds" % os.getpid()
        self.client = "tw%dc" % os.getpid()
        self.sweep()
        try:
            self.make()
        except BaseException:
            self.remove()
            raise
        enter_namespace(self.client)

    @staticmethod
    def sweep():
        """Remove namespaces of test processes that were killed before they could."""
        for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else ():
            match = re.fullmatch(r"tw(\d+)[scr]", name)
            if match and not os.path.exists("/proc/" + match.group(1)):
                run("ip", "netns", "delete", name, check=False)

    def make(self):
        for name in (self.server, self.client):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", SERVER_LINK, "netns", self.server, "type", "veth",
            "peer", "name", CLIENT_LINK, "netns", self.client)
        ends = ((self.server, SERVER_LINK, LINK_LOCAL["server"], (SERVER, SERVER_OTHER)),
                (self.client, CLIENT_LINK, LINK_LOCAL["client"],
                 (CLIENT, CLIENT_OTHER, CLIENT_NEIGHBOUR)))
        for name, link, link_local, addresses in ends:
            run("ip", "-n", name, "link", "set", link, "addrgenmode", "none")
            run("ip", "-n", name, "link", "set", link, "up")
            for i, both in enumerate(addresses):
                run("ip", "-n", name, "address", "add", both[4] + "/24", "dev", link)
                # Only the first is what the kernel takes when it has the choice.
                run("ip", "-n", name, "address", "add", both[6] + "/48", "dev", link, "nodad",
                    *(("preferred_lft", "0") if i else ()))
            run("ip", "-n", name, "address", "add", link_local + "/64", "dev", link, "nodad")

    def remove(self):
        for name in (self.server, self.client):
            run("ip", "netns", "delete", name, check=False)
