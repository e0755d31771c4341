#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Where twampd listens, and what becomes of that by reload and restart: TCP and Light ports.
R-248.
"""

import concurrent.futures
import os
import re
import signal
import subprocess
import sys

import harness
import rawclient
from harness import SERVER_LINK, run, same, test, true, wait_for
from manager import Manager
from rawclient import make_packet

LIGHT = 5000
LISTENS = 10  # the state of a socket in /proc/net/tcp
LATER = {4: "198.51.100.77", 6: "2001:db8::77"}  # an address that the server gets in a test
ANY = {4: "0.0.0.0", 6: "::"}
EVERYBODY = ["0.0.0.0/0", "::/0"]
NO_FAMILY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "no_family.py")


def light(address, port=LIGHT, **more):
    return {"light": [dict({"address": address, "port": port, "type": "twamp-light",
                            "clients": EVERYBODY}, **more)]}


def listen(address, port=862, **more):
    return {"listen": [dict({"address": address, "port": port}, **more)]}


def refused(address, port):
    """Nobody is let in there: at once, or after the second that handshakes may take to end."""
    try:
        rawclient.Control(address, port).close()
    except ConnectionRefusedError:
        return True
    return False


def bound(d):
    """What the log says it listens on."""
    return re.findall(r"listening on (\S+):(\d+)", d.log())


# --- TCP ------------------------------------------------------------------------------

@test(both=True)
def wildcard_to_one_address_and_back(t):
    d = t.daemon(listen(ANY[t.family]))
    old = t.connect(t.server_other)
    before = len(d.fds())
    for _ in range(2):
        d.reload(listen(t.server))
        same(t.connect().request().accept, 0, "Accept at the address")
        true(refused(t.server_other, 862), "another address takes connections")
        d.reload(listen(ANY[t.family]))
        t.connect().close()
        same(t.connect(t.server_other).request().accept, 0, "Accept at another address")
    same(old.request().accept, 0, "Accept on a connection of before")
    t.stack.close()
    wait_for(lambda: len(d.fds()) < before, "no descriptor is left")


@test(both=True)
def the_backlog_of_a_listener_that_goes_is_served(t):
    # they wait while the daemon reads the new settings
    d = t.daemon(listen(ANY[t.family]))
    for address in (t.server, ANY[t.family], t.server):
        wait_for(lambda: [s[2] for s in d.sockets("tcp")].count(LISTENS) == 1, "one listener")
        d.signal(signal.SIGSTOP)
        with open("/proc/%d/stat" % d.pid) as f:
            wait_for(lambda: f.seek(0) == 0 and f.read().split()[2] == "T", "it is stopped")
        waiting = [t.control() for _ in range(50)]
        d.config = harness.merge(d.config, listen(address))
        d.write(d.config)
        since = d.log_size()
        d.signal(signal.SIGHUP)
        d.signal(signal.SIGCONT)
        d.wait_log("settings reloaded", since)
        for c in waiting:
            c.greeting()
            same(c.setup().accept, 0, "Server-Start")


@test(both=True)
def no_connection_is_lost_while_listeners_change(t):
    d = t.daemon(listen(ANY[t.family]))

    def come(_):
        with rawclient.connect(t.server) as c:
            return c.request().accept

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for i in range(6):
            d.config = harness.merge(d.config, listen(t.server if i % 2 == 0 else ANY[t.family]))
            d.write(d.config)
            since = d.log_size()
            d.signal(signal.SIGHUP)
            same(set(pool.map(come, range(100))), {0}, "Accept")
            d.wait_log("settings reloaded", since)


@test
def a_port_of_somebody_else_keeps_the_old_listeners(t):
    # rolled back: the one address of ours is open again as it was, and alone
    d = t.daemon({"listen": [{"address": t.server, "port": 862}, {"address": t.server, "port": 863}]})
    blocker = subprocess.Popen(
        [sys.executable, "-c", "import socket, sys; s = socket.socket();"
         "s.bind(('%s', 863)); s.listen(); print(1, flush=True); sys.stdin.read()" % t.server_other],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        preexec_fn=lambda: harness.enter_namespace(t.net.server))
    try:
        blocker.stdout.readline()
        before = d.fds()
        line = d.reload({"listen": [{"address": ANY[4], "port": 862},
                                    {"address": ANY[4], "port": 863}]}, expect="reload failed")
        true("0.0.0.0:863" in line and "ss -ltnp" in line, line)
        same(d.fds(), before, "descriptors")
        t.connect().close()
        t.connect(port=863).close()
        true(refused(t.server_other, 862), "a listener of the settings that failed is open")
    finally:
        blocker.stdin.close()
        blocker.wait(10)
        blocker.stdout.close()


@test(both=True)
def two_entries_with_port_0_survive_a_reload_and_a_restart(t):
    m = Manager()
    t.stack.callback(m.close)
    entries = {"listen": [{"address": t.server, "port": 0}, {"address": t.server, "port": 0},
                          {"address": t.server, "port": 8699}]}
    d = t.daemon(entries, env=m.environment())
    ports = [int(port) for _, port in bound(d)]
    same(len(set(ports)), 3, "ports in %r" % ports)
    d.reload({"limits": {"max_padding": 77}})
    for port in ports:
        t.connect(port=port).close()
    m.restart(d)
    for port in ports:
        t.connect(port=port).close()
    same({int(port) for _, port in bound(d)}, set(ports), "ports after the restart")


@test(both=True)
def a_restart_may_change_the_address(t):
    # The listener of the process before holds the port while the new one opens its own.
    m = Manager()
    t.stack.callback(m.close)
    d = t.daemon(listen(ANY[t.family]), env=m.environment())
    old = t.connect()
    for address in (t.server, ANY[t.family]):
        m.end(d)
        waiting = t.control()
        d.config = harness.merge(d.config, listen(address))
        d.write(d.config)
        m.start(d)
        same(old.request().accept, 0, "Accept on the connection that was kept")
        waiting.greeting()
        t.connect().close()
    same(len(d.sockets("tcp")) > 0, True, "sockets")


@test
def a_listener_with_a_device_beside_one_without(t):
    # The end of the veth stands for a VRF: the kernel looks at both in the same way.
    d = t.daemon(listen(ANY[4]))
    t.connect().close()
    both = {"listen": [{"address": ANY[4], "port": 862},
                       {"address": ANY[4], "port": 862, "device": SERVER_LINK}]}
    d.reload(both)
    d.wait_log(r"listening on 0\.0\.0\.0:862, device " + SERVER_LINK)
    t.connect().close()
    d.reload(listen(ANY[4]))
    t.connect().close()
    second = t.daemon(dict(both, ports={"first": 30000, "last": 30999}), wait=False)
    true(second.wait_exit() != 0, "the port is shared with another process")
    d.reload(both)
    t.connect().close()


# --- Light ----------------------------------------------------------------------------

@test(both=True)
def light_wildcard_to_one_address_and_back(t):
    d = t.daemon(light(ANY[t.family]))
    s = t.sender()
    before = len(d.fds())
    for address in (t.server, ANY[t.family], t.server, ANY[t.family]):
        d.reload(light(address))
        true(s.exchange((t.server, LIGHT), make_packet()), "no reply with " + address)
    true(s.exchange((t.server_other, LIGHT), make_packet()), "no reply of another address")
    wait_for(lambda: len(d.fds()) == before, "as many descriptors as before")


@test(both=True)
def a_restart_may_change_the_address_of_light(t):
    m = Manager()
    t.stack.callback(m.close)
    d = t.daemon(light(ANY[t.family]), env=m.environment())
    s = t.sender()
    for address in (t.server, ANY[t.family]):
        m.end(d)
        d.config = harness.merge(d.config, light(address))
        d.write(d.config)
        m.start(d)
        true(s.exchange((t.server, LIGHT), make_packet()), "no reply with " + address)


@test
def a_shared_port_may_become_a_light_port_by_a_restart(t):
    m = Manager()
    t.stack.callback(m.close)
    shared = {"ports": {"mode": "shared", "shared_port": LIGHT}}
    d = t.daemon(shared, env=m.environment())
    s = t.sender()
    for config in (dict(light(ANY[4]), ports={"mode": "per-session"}), shared):
        m.end(d)
        d.config.pop("light", None)
        d.config = harness.merge(d.config, config)
        d.write(d.config)
        m.start(d)
        if config is not shared:
            true(s.exchange((t.server, LIGHT), make_packet()), "no reply")


# --- a host with one family -----------------------------------------------------------

def without(t, family, config):
    return t.daemon(config, prefix=[sys.executable, NO_FAMILY, str(family)])


@test(both=True)
def the_defaults_start_on_a_host_without_the_other_family(t):
    other = 10 - t.family
    entry = {"port": LIGHT, "type": "stamp", "clients": EVERYBODY, "stateful": True}
    d = without(t, other, {"light": [entry]})
    d.wait_log(r"does not offer IPv%d: not listening on " % other)
    d.wait_log(r"does not offer IPv%d: not reflecting STAMP on " % other)
    s = t.sender()
    for _ in range(2):
        same(t.connect().request().accept, 0, "Accept")
        true(s.exchange((t.server, LIGHT), make_packet()), "no reply")
        d.reload({"limits": {"max_padding": 999}})
    same(len(re.findall("does not offer", d.log())), 2, "notices")
    del d.config["light"]
    d.reload()
    true(not re.search(r"ended: .*(\[::\]|0\.0\.0\.0):%d.*received 0" % LIGHT, d.log()),
         "a port that never was has ended")
    same(d.terminate(), 0, "exit status")


@test
def a_family_that_was_named_is_an_error(t):
    for config, what in ((listen("::"), r"cannot listen on \[::\]:862"),
                         (light("::"), r"cannot listen on UDP \[::\]:%d" % LIGHT)):
        d = t.daemon(config, prefix=[sys.executable, NO_FAMILY, "6"], wait=False)
        true(d.wait_exit() != 0, "exit status 0")
        true(re.search(what + ".*not supported", d.log()), d.log())


@test
def the_entry_that_cannot_be_had_is_named(t):
    """Not the list: the line of the one among them."""
    entries = ('{ address = "%s"; port = 8620; %s },', '{ address = "203.0.113.77"; port = 8620; %s }')
    for key, rest in (("listen", ""), ("light", 'type = "stamp"; clients = [ "::/0" ];')):
        here, away = entries[0] % (t.server, rest), entries[1] % rest
        text = "\n".join((key + " = (", here, "", away, ");", ""))
        d = t.daemon(text=text, wait=False)
        same(d.wait_exit(), 1, "exit status")
        true("no interface has it: correct it, or set freebind if it appears later (%s of %s:4)"
             % (key, d.file) in d.log(), d.log())
        d.write(text="")
        d.start()
        d.reload(text=text, expect=r"203\.0\.113\.77:8620.* \(%s of %s:4\)" % (key, d.file))
        d.terminate()


@test
def responder_of_twamp_without_ipv6(t):
    p = subprocess.Popen([sys.executable, NO_FAMILY, "6", t.run.twamp, "responder", ":%d" % LIGHT],
                         stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        said = p.stderr.readline()
        true("has no IPv6" in said, said)
        true(" 0.0.0.0:%d" % LIGHT in p.stderr.readline(), "it is not there")
    finally:
        p.terminate()
        p.communicate(timeout=30)
    same(p.returncode, 0, "exit status")


# --- an address that comes later ------------------------------------------------------

@test(both=True)
def freebind(t):
    config = dict(listen(LATER[t.family]), **light(LATER[t.family]))
    d = t.daemon(config, wait=False)
    true(d.wait_exit() != 0, "it starts without the address")
    true("Cannot assign requested address" in d.log(), d.log())
    config = dict(listen(LATER[t.family], freebind=True), **light(LATER[t.family], freebind=True))
    d = t.daemon(config)
    run("ip", "-n", t.net.server, "address", "add", LATER[t.family] + ("/24" if t.family == 4 else "/48"),
        "dev", SERVER_LINK, *(() if t.family == 4 else ("nodad",)))
    try:
        same(t.connect(LATER[t.family]).request().accept, 0, "Accept")
        true(t.sender().exchange((LATER[t.family], LIGHT), make_packet()), "no reply")
    finally:
        t.stack.close()
        run("ip", "-n", t.net.server, "address", "del",
            LATER[t.family] + ("/24" if t.family == 4 else "/48"), "dev", SERVER_LINK)


if __name__ == "__main__":
    harness.main()
