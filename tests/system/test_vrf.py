# SPDX-License-Identifier: BSD-2-Clause
"""Listeners that are bound to a network device, as for a VRF, and the sessions of who comes in by
them: two networks that have the same addresses, with one twampd between them. Where the kernel has
no VRF devices, the end of the veth does instead.
"""

import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys

import harness
import rawclient
from harness import SERVER_LINK as BLUE
from harness import run, same, test, true
from manager import Manager
from rawclient import make_packet

ACTIVATE = [sys.executable, "-B",
            os.path.join(os.path.dirname(os.path.abspath(__file__)), "activate.py")]
NO_CAPABILITY = [shutil.which("setpriv") or "/usr/bin/setpriv", "--bounding-set=-all",
                 "--inh-caps=-all"]
RED_LINK, VRF, TABLE = "red0", "vrf-red", "10"
LIGHT = 5000
QUIET = 0.3  # for replies that must not come


class Red:
    """A second network, with the addresses of the first at both ends. device: what a listener for
    it is bound to."""

    def __init__(self, t):
        self.server, self.name = t.net.server, "tw%dr" % os.getpid()
        t.stack.callback(self.remove)
        run("ip", "netns", "add", self.name)
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        vrf = run("ip", "-n", self.server, "link", "add", VRF, "type", "vrf", "table", TABLE,
                  check=False)
        self.device = RED_LINK if vrf.returncode else VRF
        if self.device == VRF:
            run("ip", "-n", self.server, "link", "set", VRF, "up")
        self.make_link()

    def make_link(self):
        run("ip", "link", "add", RED_LINK, "netns", self.server, "type", "veth",
            "peer", "name", harness.CLIENT_LINK, "netns", self.name)
        if self.device == VRF:
            run("ip", "-n", self.server, "link", "set", RED_LINK, "master", VRF)
        for name, link, addresses in ((self.server, RED_LINK, harness.SERVER),
                                      (self.name, harness.CLIENT_LINK, harness.CLIENT)):
            run("ip", "-n", name, "link", "set", link, "addrgenmode", "none")
            run("ip", "-n", name, "link", "set", link, "up")
            run("ip", "-n", name, "address", "add", addresses[4] + "/24", "dev", link)
            run("ip", "-n", name, "address", "add", addresses[6] + "/48", "dev", link, "nodad")

    def remove_link(self):
        run("ip", "-n", self.server, "link", "delete", RED_LINK, check=False)
        if self.device == VRF:
            run("ip", "-n", self.server, "link", "delete", VRF, check=False)

    def remove(self):
        self.remove_link()
        run("ip", "netns", "delete", self.name, check=False)

    def inside(self, function, *arguments):
        """Call it in a thread that is in the red network: its sockets stay there."""
        def call():
            harness.enter_namespace(self.name)
            return function(*arguments)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return pool.submit(call).result()

    def measure(self, t, *options):
        """twamp controller in the red network: every packet is answered."""
        done = self.inside(lambda: subprocess.run(
            [t.run.twamp, "controller", t.server, "--json", "--count", "20", "--interval", "2ms",
             *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60))
        same((done.returncode, done.stderr), (0, ""), "status and stderr of twamp")
        result = json.loads(done.stdout)
        same((result["sent"], result["answered"], result["lost"]), (20, 20, 0), "counts")

    def control(self, t):
        return t.stack.enter_context(self.inside(rawclient.connect, t.server))

    def sender(self, t, port=0):
        return t.stack.enter_context(self.inside(rawclient.Sender, t.client, port))


def listeners(*devices, **more):
    return dict(listen=[{"port": 862, "device": device} for device in devices], **more)


def bound_to(d, port, kind="-u"):
    """The devices that the sockets of a port are bound to: ss shows "192.0.2.1%red0:40000"."""
    text = run("ip", "netns", "exec", d.run.net.server, "ss", "-Han", kind).stdout
    ends = [line.split()[3] for line in text.splitlines()]
    return [(re.findall(r"%([^]:]+)", end) or [""])[0] for end in ends
            if end.endswith(":%d" % port)]


def listening_in(d):
    """The devices that port 862 is listened on, each once."""
    return sorted(set(bound_to(d, 862, "-tl")))


def check_session(t, d, red, control):
    """A session of a control connection from the red network is there and nowhere else."""
    sender = red.sender(t)
    twin = t.sender(t.client, port=sender.port)  # the same address and port in the other network
    answer = control.request(sender_port=sender.port)
    same(answer.accept, 0, "Accept of the request")
    same(control.start().accept, 0, "Accept of Start-Ack")
    same(bound_to(d, answer.port), [red.device], "device of the session's socket")
    to = (t.server, answer.port)
    reply = sender.exchange(to, make_packet(7))
    true(reply is not None, "no reply in the network of the control connection")
    same((reply.sender_seq, reply.source), (7, to), "whose reply, and from where")
    same(twin.exchange(to, make_packet(8), QUIET), None, "reply in the other network")
    same(sender.receive_raw(QUIET), None, "reply to a packet of the other network")
    control.stop(1)
    return answer.port


# --- listeners of the settings --------------------------------------------------------

@test(both=True)
def two_networks_with_the_same_addresses(t):
    red = Red(t)
    print("# red is " + red.device)
    d = t.daemon(listeners(BLUE, red.device))
    for device in (BLUE, red.device):
        d.wait_log(r"listening on \S+:862, device %s$" % device)
    red.measure(t)
    d.wait_log(r"device %s reflects to" % red.device)
    c, sender, to = t.session()
    true(sender.exchange(to, make_packet(1)) is not None, "no reply in blue")
    same(bound_to(d, to[1]), [BLUE], "device of the session in blue")
    port = check_session(t, d, red, red.control(t))
    true(port != to[1], "ports are counted once for all networks")
    c.stop(1)


@test
def broadcast_addresses_are_those_of_the_network(t):
    #
    red = Red(t)
    t.daemon(listeners(red.device))
    run("ip", "-n", t.net.server, "address", "add", "203.0.113.1/24", "broadcast",
        "203.0.113.255", "dev", RED_LINK)
    c = red.control(t)
    same(c.request(receiver="203.0.113.255").accept, 3, "Accept for a broadcast address")
    if red.device == VRF:
        same(c.request(receiver=harness.SERVER_OTHER[4]).accept, 3, "Accept for blue's address")
    same(c.request(receiver="203.0.113.1").accept, 0, "Accept for an address in red")


@test
def an_address_of_the_other_network_is_no_loop(t):
    """The client in red has the address and port of one of our sessions in blue."""
    red = Red(t)
    if red.device != VRF:
        raise harness.Skip("the kernel has no VRF devices")
    d = t.daemon(listeners(BLUE, red.device))
    c, _, to = t.session()
    run("ip", "-n", red.name, "address", "add", "198.51.100.1/24", "dev", harness.CLIENT_LINK)
    run("ip", "-n", t.net.server, "address", "add", "198.51.100.7/24", "dev", RED_LINK)
    twin = t.stack.enter_context(red.inside(
        lambda: rawclient.connect("198.51.100.7", source="198.51.100.1")))
    answer = twin.request(sender_port=to[1])
    same(answer.accept, 0, "Accept of the request: " + d.log()[-500:])
    c.stop(1)


# --- reload ---------------------------------------------------------------------------

@test
def a_reload_sees_the_device(t):
    red = Red(t)
    d = t.daemon(listeners(red.device))
    d.reload(listeners(BLUE, red.device))
    t.connect()
    same(listening_in(d), sorted([BLUE, red.device]), "devices after a reload")
    d.reload(listeners(BLUE))
    same(listening_in(d), [BLUE], "devices after another")
    line = d.reload(listeners(BLUE, "no-such-dev"), expect="reload failed")
    true("0.0.0.0:862, device no-such-dev: No such device" in line and "create it" in line, line)
    t.connect()


@test
def a_device_that_was_made_again_is_another(t):
    red = Red(t)
    d = t.daemon(listeners(BLUE, red.device))
    red.remove_link()
    d.reload(listeners(BLUE, red.device), expect="reload failed")
    if red.device == VRF:
        run("ip", "-n", t.net.server, "link", "add", VRF, "type", "vrf", "table", TABLE)
        run("ip", "-n", t.net.server, "link", "set", VRF, "up")
    red.make_link()
    d.reload()
    red.measure(t)
    t.connect()


@test
def a_missing_device_ends_the_start(t):
    for config in (listeners("no-such-dev"),
                   {"light": [{"port": LIGHT, "type": "stamp", "device": "no-such-dev",
                               "clients": ["0.0.0.0/0"]}]}):
        d = t.daemon(config, wait=False)
        same(d.wait_exit(), 1, "exit status")
        true("device no-such-dev: No such device" in d.log(), d.log())


@test(both=True)
def a_restart_keeps_each_in_its_network(t):
    """Listeners, connections and sessions go to the next process: all have a twin in blue."""
    red, m = Red(t), Manager()
    t.stack.callback(m.close)
    d = t.daemon(listeners(red.device, BLUE), env=m.environment())
    c = red.control(t)
    sender = red.sender(t)
    port = c.request(sender_port=sender.port).port
    same(c.start().accept, 0, "Accept of Start-Ack")
    m.end(d)
    m.start(d)
    same(listening_in(d), sorted([BLUE, red.device]), "devices after a restart")
    true(sender.exchange((t.server, port), make_packet(1)) is not None, "no reply in red")
    c.stop(1)
    check_session(t, d, red, c)  # a connection from before
    check_session(t, d, red, red.control(t))
    c, sender, to = t.session()
    true(sender.exchange(to, make_packet(1)) is not None, "no reply in blue")
    c.stop(1)


# --- other ways to a socket -----------------------------------------------------------

@test(both=True)
def a_socket_that_is_passed_brings_its_device(t):
    red = Red(t)
    kind = "tcp%d%%%s:control" % (t.family, red.device)
    d = t.daemon(prefix=ACTIVATE + [kind, "--"] + NO_CAPABILITY)
    with open("/proc/%d/status" % d.pid) as f:
        true("CapEff:\t0000000000000000" in f.read(), "it has no capability")
    d.wait_log(r"listening on \S+:862, device %s$" % red.device)
    red.measure(t)
    check_session(t, d, red, red.control(t))
    same(listening_in(d), [red.device], "devices")


@test(both=True)
def with_shared_ports_a_session_in_a_vrf_has_its_own(t):
    red = Red(t)
    d = t.daemon(listeners(BLUE, red.device, ports={"mode": "shared"}))
    shared = d.udp_ports()
    port = check_session(t, d, red, red.control(t))
    true(port not in shared, "port %d is none of the shared %r" % (port, shared))
    d.wait_sessions(0)


@test(both=True)
def light_ports_of_two_networks(t):
    red = Red(t)
    entry = {"port": LIGHT, "type": "stamp", "clients": ["0.0.0.0/0", "::/0"]}
    d = t.daemon({"light": [dict(entry, device=BLUE, stateful=True),
                            dict(entry, device=red.device, stateful=True)]})
    d.wait_log(r"STAMP on \S+:%d, device %s, stateful" % (LIGHT, red.device))
    sender = red.sender(t)
    twin = t.sender(t.client, port=sender.port)
    for number in range(3):
        for s in (sender, twin):
            reply = s.exchange((t.server, LIGHT), make_packet(number) + bytes(30))
            true(reply is not None, "no reply")
            same(reply.seq, number, "Sequence Number of a sender of its own")
    d.reload({"light": [dict(entry, device=BLUE, stateful=True)]})
    same(sender.exchange((t.server, LIGHT), make_packet(9) + bytes(30), QUIET), None,
         "reply in red without an entry")
    same(twin.exchange((t.server, LIGHT), make_packet(9) + bytes(30)).seq, 3,
         "Sequence Number in blue after the reload")


@test(both=True)
def light_sockets_that_are_passed_keep_their_networks(t):
    """An entry without device takes what no other entry names."""
    red = Red(t)
    kinds = ["udp%d%%%s:light" % (t.family, device) for device in (red.device, BLUE)]
    entry = {"address": "0.0.0.0" if t.family == 4 else "::", "type": "stamp"}
    strangers = ["192.0.2.0/24", "2001:db8:ffff::/48"]
    d = t.daemon({"listen": [{"port": 9999}],
                  "light": [dict(entry, clients=strangers),
                            dict(entry, clients=["0.0.0.0/0", "::/0"], device=red.device)]},
                 prefix=ACTIVATE + kinds + ["--"] + NO_CAPABILITY)
    for device in (BLUE, red.device):
        d.wait_log(r"STAMP on \S+:862, device %s, stateless, passed" % device)
    sender, twin = red.sender(t), t.sender(t.client)
    true(sender.exchange((t.server, 862), make_packet(1) + bytes(30)) is not None, "no reply")
    same(twin.exchange((t.server, 862), make_packet(1) + bytes(30), QUIET), None,
         "reply to a client of the other entry")


if __name__ == "__main__":
    harness.main()
