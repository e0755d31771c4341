#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Instances of the service, and the README of the package, under a booted systemd: settings of
their own, socket units, namespaces, upgrade and removal; the firewall that the README names.
"""

import contextlib
import json
import re
import sys

import bed
from bed import SERVICE, same, step, true
import rawclient

LAB, FAR = "twampd@lab.service", "192.0.2.2"
SECURITY = 15  # the bits of Modes that are not features
README = "/usr/share/doc/twampd/README.Debian"
OPEN = "modes = [ \"unauthenticated\" ];\n"


def modes(b, port):
    """The security modes of the Server-Greeting there."""
    def ask():
        with rawclient.Control("127.0.0.1", port) as c:
            return c.greeting().modes & SECURITY
    return b.m.in_network(ask)


def exposure(b, unit):
    done = b.m.run("systemd-analyze", "security", "--offline=true", "/lib/systemd/system/" + unit,
                   check=False)
    return re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout).group(1)


@contextlib.contextmanager
def waiting_session(b, port, seconds):
    """A session of a client that lives across what is done meanwhile."""
    since = b.now()
    b.m.shell("setsid twamp controller 127.0.0.1:%d --count %d --interval 100ms --json "
              ">/root/result 2>&1 </dev/null & echo $! >/root/pid" % (port, 10 * seconds))
    b.m.wait(lambda: b.journal("TWAMPD_EVENT=SESSIONS_STARTED", "_SYSTEMD_UNIT=" + LAB, since=since),
             "the session is started")
    yield
    pid = b.m.run("cat", "/root/pid").stdout.strip()
    b.m.wait(lambda: b.m.run("test", "-d", "/proc/" + pid, check=False).returncode, "its end")
    result = json.loads(b.m.run("cat", "/root/result").stdout)
    true('"lost": 0' in json.dumps(result), "packets are lost: %r" % result)


@step
def the_previous_version_is_installed(b):
    b.m.run("apt-get", "-qq", "-y", "install", *b.old)
    true(b.active(), "the service is active")
    true(b.m.run("test", "-d", "/etc/twampd/conf.d", check=False).returncode == 0,
         "conf.d is in the package")


@step
def nothing_of_the_main_one_is_in_an_instance(b):
    b.configure("modes = [ \"encrypted\" ];\nclients = ( { name = \"own\"; key_ids = [ \"probe\" ]; } );\n")
    b.m.write("/etc/twampd/conf.d/50.conf",
              "light = ( { port = 8700; type = \"stamp\"; clients = [ \"0.0.0.0/0\" ]; } );\n")
    b.m.write("/etc/twampd/twampd.keys", "probe a long passphrase of the test\n", 0o640)
    b.m.run("chown", "root:twampd", "/etc/twampd/twampd.keys")
    b.systemctl("restart", SERVICE)
    b.m.write("/etc/twampd/lab.conf", "listen = ( { port = 8620; } );\n")
    b.m.write("/etc/twampd/lab.conf.d/10.conf", OPEN)
    b.systemctl("enable", "--now", LAB)
    same((modes(b, 862), modes(b, 8620)), (4, 1), "modes of the main one and of the instance")
    b.measure("127.0.0.1:8620")
    ready = json.dumps(b.journal("TWAMPD_EVENT=READY", "_SYSTEMD_UNIT=" + LAB))
    true("/etc/twampd/lab.conf" in ready and "/etc/twampd/lab.conf.d/10.conf" in ready, ready)
    true("twampd.conf" not in ready and "/conf.d/" not in ready.replace("lab.conf.d/", ""), ready)


@step
def an_instance_has_keys_of_its_own(b):
    b.m.write("/etc/twampd/lab.conf.d/10.conf", "")
    b.m.write("/etc/twampd/lab.keys", "lab another long passphrase\n", 0o644)
    b.m.run("systemd-tmpfiles", "--create", "twampd.conf")
    same(b.m.run("stat", "-c", "%a %G", "/etc/twampd/lab.keys").stdout, "640 twampd\n", "mode")
    b.systemctl("reload", LAB)
    b.m.wait(lambda: modes(b, 8620) & 6, "modes that need keys")
    b.m.write("/root/keys", "lab another long passphrase\n", 0o600)
    b.measure("127.0.0.1:8620", "--key-file", "/root/keys", "--mode", "encrypted")
    b.m.write("/root/keys", "probe a long passphrase of the test\n", 0o600)
    done = b.m.run("twamp", "controller", "127.0.0.1:8620", "--key-file", "/root/keys", check=False)
    true(done.returncode, "the key of the main one is good for the instance")
    b.m.run("rm", "/etc/twampd/lab.keys")
    b.m.write("/etc/twampd/lab.conf.d/10.conf", OPEN)
    b.systemctl("reload", LAB)


@step
def both_have_the_same_sandbox(b):
    same(exposure(b, "twampd@.service"), exposure(b, "twampd.service"), "exposure")
    status = b.status(b.pid(LAB))
    for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
        same(int(status[name], 16), 0, name)


@step
def a_socket_unit_listens_for_an_instance(b):
    # TCP and UDP ports below 1024 in one unit
    b.m.shell("ip link add dummy0 type veth peer name dummy1 && ip address add 192.0.2.10/32 dev dummy0")
    b.m.write("/etc/twampd/low.conf", OPEN + "light = ( { address = \"192.0.2.10\"; port = 863; "
              "type = \"stamp\"; clients = [ \"192.0.2.0/24\" ]; } );\n")
    b.drop_in("[Socket]\nListenStream=\nListenStream=192.0.2.10:863\n"
              "ListenDatagram=192.0.2.10:863\nFreeBind=yes\n",
              "/etc/systemd/system/twampd@low.socket.d/test.conf")
    b.systemctl("enable", "--now", "twampd@low.socket")
    b.measure("192.0.2.10:863")
    true(b.active("twampd@low.service"), "the client started it")
    done = b.m.run("twamp", "sender", "192.0.2.10:863", "--stamp", "--count", "3", "--interval", "2ms")
    true("3 answered" in done.stdout, done.stdout)
    b.systemctl("restart", "twampd@low.service")
    b.measure("192.0.2.10:863")


@step
def an_instance_serves_a_network_namespace(b):
    b.m.shell("ip netns add red && ip -n red link set lo up")
    b.m.write("/etc/twampd/red.conf", "")
    for kind, section in (("service", "Service"), ("socket", "Socket")):
        b.drop_in("[%s]\nNetworkNamespacePath=/run/netns/red\n" % section,
                  "/etc/systemd/system/twampd@red.%s.d/test.conf" % kind)
    b.systemctl("start", "twampd@red.socket")
    b.systemctl("start", "twampd@red")
    done = b.m.run("ip", "netns", "exec", "red", "twamp", "controller", "127.0.0.1", "--count", "3")
    true("3 answered" in done.stdout, done.stdout)
    b.systemctl("stop", "twampd@red.socket", "twampd@red")


@step
def a_restart_of_an_instance_loses_nothing(b):
    # what needrestart does after an upgrade of a library
    pid = b.pid(LAB)
    with waiting_session(b, 8620, 3):
        b.m.run("systemctl", "restart", LAB)
        true(b.pid(LAB) not in (0, pid), "it is another process")


@step
def an_upgrade_hands_instances_over(b):
    pids = {unit: b.pid(unit) for unit in (LAB, "twampd@low.service")}
    b.m.write("/etc/twampd/bad.conf", "listen = ( { port = 8630; } );\n")
    b.systemctl("start", "twampd@bad")
    bad = b.pid("twampd@bad")
    b.m.write("/etc/twampd/bad.conf", "nonsense = 1;\n")
    with waiting_session(b, 8620, 8):
        done = b.m.run("apt-get", "-q", "-y", "install", *b.debs)
    for unit, pid in pids.items():
        true(b.active(unit) and b.pid(unit) != pid, unit + " is another process")
    true("TAKEN_OVER" in json.dumps(b.journal("_SYSTEMD_UNIT=" + LAB)), "it was taken over")
    same(b.pid("twampd@bad"), bad, "the one with a broken file goes on in the old version")
    said = done.stdout + done.stderr
    true("twampd@bad.service WAS NOT RESTARTED" in said and "/etc/twampd/bad.conf" in said, said)
    b.systemctl("stop", "twampd@bad")


# --- the README -----------------------------------------------------------------------

@step
def the_first_lines_tell_how_to_close_it(b):
    b.m.shell("dpkg-deb --fsys-tarfile %s | tar -xO ./etc/twampd/twampd.conf >/root/sample"
              % next(d for d in b.debs if "/twampd_" in d))
    for path in (README, "/root/sample"):
        head = b.m.run("head", "-n", "10", path).stdout
        true("without a key" in head, head)
        lines = re.findall(r"^[# ]+((?:clients|modes) = .*;)$", head, re.M)
        same(len(lines), 2, "lines in:\n" + head)
        b.m.run("rm", "-f", "/etc/twampd/conf.d/50.conf")
        for line, offered in zip(lines, (0, 4)):
            b.configure(line + "\n")
            b.systemctl("reload", SERVICE)
            b.m.wait(lambda: modes(b, 862) == offered, "modes %d for 127.0.0.1 with %s" % (offered, line))


def rules(b, name):
    text = b.m.run("cat", README).stdout
    return re.search(r"# begin: %s\n(.*?)# end: %s\n" % (name, name), text, re.S).group(1)


def far(b, *argv, check=True):
    return b.m.run("ip", "netns", "exec", "far", *argv, check=check)


def tracked(b):
    return int(b.m.run("cat", "/proc/sys/net/netfilter/nf_conntrack_count").stdout)


@step
def the_firewall_of_the_readme_lets_clients_in(b):
    b.configure("")
    b.systemctl("reload", SERVICE)
    b.m.shell("ip netns add far && ip link add near0 type veth peer name far0 netns far && "
              "ip address add 192.0.2.1/24 dev near0 && ip link set near0 up && "
              "ip -n far address add %s/24 dev far0 && ip -n far link set far0 up" % FAR)
    b.m.wait(lambda: modes(b, 862) & 1, "the open settings")
    far(b, "twamp", "controller", "192.0.2.1:8620", "--count", "2", "--interval", "2ms")
    b.m.write("/root/rules", rules(b, "input"))
    b.m.run("nft", "-f", "/root/rules")
    before = tracked(b)
    far(b, "twamp", "controller", "192.0.2.1", "--count", "3", "--interval", "2ms", "--sessions", "20")
    true(tracked(b) - before >= 20, "test packets are tracked without the second table")
    done = far(b, "timeout", "3", "twamp", "controller", "192.0.2.1:8620", "--count", "2", check=False)
    true(done.returncode, "the rules let in another port")


@step
def the_readme_keeps_test_packets_out_of_conntrack(b):
    b.m.write("/root/rules", rules(b, "notrack"))
    b.m.run("nft", "-f", "/root/rules")
    before = tracked(b)
    done = far(b, "twamp", "controller", "192.0.2.1", "--count", "3", "--interval", "2ms",
               "--sessions", "20", "--json")
    true('"lost": 0' in json.dumps(json.loads(done.stdout)), done.stdout)
    true(tracked(b) - before < 10, "%d entries more" % (tracked(b) - before))
    b.m.run("nft", "flush", "ruleset")


@step
def stop_for_good_is_one_command(b):
    command = re.search(r"^  (systemctl disable --now .*)$", b.m.run("cat", README).stdout, re.M)
    b.m.shell(command.group(1))
    done = b.m.run("timeout", "5", "twamp", "controller", "127.0.0.1", "--count", "1", check=False)
    true(done.returncode, "somebody answers")
    same(b.active(), False, "the service is active")
    b.m.shell(re.search(r"^  (systemctl enable --now twampd\.socket .*)$", b.m.run("cat", README).stdout,
                        re.M).group(1))
    b.measure()


# --- the end --------------------------------------------------------------------------

@step
def a_removal_stops_and_disables_instances(b):
    b.systemctl("enable", "twampd-light.socket")
    b.systemctl("start", "twampd@red.socket")
    b.m.run("apt-get", "-qq", "-y", "remove", "twampd")
    same(b.m.run("pgrep", "-x", "twampd", check=False).stdout, "", "processes")
    same(b.m.run("ss", "-Hlnt", "sport = :862 or sport = :863").stdout, "", "listeners")
    left = b.m.shell("find /etc/systemd/system -path '*.wants/*' -name 'twampd[@-]*'").stdout
    same(left, "", "what is enabled")
    same(b.systemctl("list-units", "--plain", "--no-legend", "--state=active", "twampd*").stdout, "",
         "active units")


@step
def a_purge_leaves_nothing(b):
    b.m.shell("rm -rf /etc/systemd/system/twampd@*.d")  # of the tests
    b.m.run("apt-get", "-qq", "-y", "purge", "twampd", "twamp")
    left = b.m.shell("find /etc /usr /lib /var/lib/systemd -name '*twamp*'").stdout
    same(left, "", "files left")


if __name__ == "__main__":
    sys.exit(bed.main(__doc__))
