# SPDX-License-Identifier: BSD-2-Clause
"""How the service is started, and what a reload does and says."""

import json

from bed import SERVICE, SOCKET, same, step, true

# --- socket activation ----------------------------------------------------------------

@step
def the_first_client_starts_the_service(b):
    b.systemctl("stop", SERVICE)
    true(b.active(SOCKET) and not b.active(), "the socket alone is active")
    since = b.now()
    b.measure("::1")
    true(b.active(), "the service is active")
    true(b.events("ACTIVATED", since=since), "the journal tells about the socket")
    same(int(b.status()["CapPrm"], 16), 0, "capabilities")


@step
def start_brings_the_socket_with_it(b):
    b.systemctl("stop", SOCKET, SERVICE)
    true(not b.active(SOCKET) and not b.active(), "nothing is active")
    b.systemctl("start", SERVICE)
    true(b.active(SOCKET) and b.active(), "both are active")
    b.measure()


@step
def without_the_socket_it_listens_itself(b):
    b.systemctl("mask", "--now", SOCKET)
    b.systemctl("stop", SERVICE)
    failed = b.systemctl("start", SERVICE, check=False)
    true(failed.returncode, "without a capability port 862 cannot be opened")
    true("CAP_NET_BIND_SERVICE" in json.dumps(b.m.journal("-u", SERVICE)), "the journal says so")
    b.systemctl("stop", SERVICE)
    path = "/etc/systemd/system/twampd.service.d/twampd-listen.conf"
    b.drop_in(b.m.run("cat", "/usr/share/twampd/twampd-listen.conf").stdout, path)
    b.systemctl("start", SERVICE)
    b.measure("::1")
    for name in ("CapPrm", "CapBnd"):
        same(int(b.status()[name], 16), 1 << 10, name)
    b.drop_in(None, path)
    b.systemctl("unmask", SOCKET)
    b.systemctl("stop", SERVICE)
    b.systemctl("start", SOCKET)
    b.measure()


@step
def a_light_port_comes_from_a_socket_unit(b):
    unit = "twampd-light.socket"
    b.configure("ports = { also = [ ]; };\n")  # else sessions take it
    b.systemctl("stop", SERVICE)
    since = b.now()
    b.systemctl("start", unit, SERVICE)
    b.m.wait(lambda: b.events("LIGHT_UNUSED", since=since), "the warning: no entry, no reply")
    b.configure('light = ( { type = "stamp"; clients = [ "127.0.0.0/8", "::1" ]; } );\n')
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: len(b.events("LIGHT_OPENED", since=since)) == 2, "a port for each family")
    same(int(b.status()["CapPrm"], 16), 0, "capabilities")
    b.systemctl("stop", SERVICE)
    for host, count, least in (("127.0.0.1", 200, 1), ("::1", 10, 10)):
        # the first packets start the service
        done = b.m.run("twamp", "sender", host, "--stamp", "--count", count, "--json", check=False)
        answered = json.loads(done.stdout)["answered"]
        true(answered >= least, "%d of %d packets to %s are answered" % (answered, count, host))
    b.systemctl("stop", unit, SERVICE)
    b.configure("")
    b.systemctl("start", SERVICE)
    b.measure()


# --- reload ---------------------------------------------------------------------------

@step
def a_good_reload_holds(b):
    pid, since = b.pid(), b.now()
    b.configure("limits = { max_padding = 100; };\nlisten = ( { port = 863; } );\n")
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: b.events("RELOADED", since=since), "the event of a reload")
    same(b.pid(), pid, "the process")
    refused = b.m.run("twamp", "controller", "127.0.0.1", "--padding", "101", check=False)
    true(refused.returncode, "the new limit holds")
    b.measure("::1", "--padding", "100")


@step
def ready_and_reloaded_say_what_holds(b):
    """What was read and changed, who opened the sockets, where times come from; and a warning
    of a listen that is set for nothing, but not of one that nobody set."""
    b.configure("")
    b.systemctl("reload", SERVICE)
    since = b.now()
    b.systemctl("restart", SERVICE)
    b.m.wait(lambda: b.events("READY", since=since), "the event of readiness")
    text = b.events("READY", since=since)[-1]["MESSAGE"]
    for words in ("settings from /etc/twampd/twampd.conf", "(opened by the service manager)",
                  "receive timestamps of the kernel", "synchronized, error up to "):
        true(words in text, "%r is not in: %s" % (words, text))
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: b.events("RELOADED", since=since), "the event of a reload")
    text = b.events("RELOADED", since=since)[-1]["MESSAGE"]
    true(text.endswith("; nothing changed"), text)
    same(b.events("LISTEN_UNUSED", since=since), [], "warnings where nothing was set")
    b.configure("limits = { max_padding = 99; };\nlisten = ( { port = 863; } );\n")
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: b.events("LISTEN_UNUSED", since=since), "the warning")
    warning = b.events("LISTEN_UNUSED", since=since)[-1]
    same(warning["PRIORITY"], "4", "PRIORITY")
    true("/etc/twampd/twampd.conf:2 " in warning["MESSAGE"], warning["MESSAGE"])
    text = b.events("RELOADED", since=since)[-1]["MESSAGE"]
    true(text.endswith("; changed: listen, limits.max_padding"), text)
    b.configure("")
    b.systemctl("reload", SERVICE)


@step
def a_bad_reload_fails_and_says_why(b):
    pid, since = b.pid(), b.now()
    b.configure("limits = {\n  max_padding = 0;\n};\n")
    done = b.systemctl("reload", SERVICE, check=False)
    true(done.returncode, "systemctl reload fails")
    text = json.dumps(b.journal("-u", SERVICE, since=since))
    true("twampd.conf:2:17: limits.max_padding" in text, "the journal names the line: " + text)
    true(b.active(), "the service is active")
    same(b.pid(), pid, "the process")
    b.measure()
    b.systemctl("kill", "--signal=HUP", SERVICE)
    b.m.wait(lambda: b.events("RELOAD_FAILED", since=since), "the event of a failed reload")
    true("twampd.conf:2" in b.m.property("StatusText", SERVICE), "STATUS names the line")
    true(b.active(), "the service is active after SIGHUP")
    b.configure("")
    b.systemctl("reload", SERVICE)


@step
def a_wrong_file_is_not_tried_again_and_again(b):
    b.configure("nonsense = 1;\n")
    b.systemctl("stop", SERVICE)
    true(b.systemctl("start", SERVICE, check=False).returncode, "start fails")
    same(b.m.property("ExecMainStatus", SERVICE), "2", "exit status")
    same(b.m.property("ActiveState", SERVICE), "failed", "state")
    b.configure("")
    b.systemctl("restart", SERVICE)
    b.measure()
