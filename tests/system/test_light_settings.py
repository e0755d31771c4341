# SPDX-License-Identifier: BSD-2-Clause
"""The setting "light" of the real twampd: ports that come and go, what cannot be had, counters.
T-070..T-092.
"""

import re
import shutil
import signal
import subprocess
import tempfile

import harness
from harness import Notify, same, test, true, wait_for
from lightrun import LIGHT, STAMP, both, ended, light, no_reply, reply_to
from rawclient import make_packet


@test(both=True)
def ports_come_and_go(t):
    d = t.daemon(light({"port": LIGHT, "stateful": True}))
    s = t.sender()
    for i in range(3):
        same(reply_to(s, (t.server, LIGHT), make_packet()).seq, i, "Sequence Number")
    before = len(d.fds())
    d.reload(light({"port": LIGHT, "stateful": True, "dscp": "zero"},
                   {"port": STAMP, "type": "stamp"}))
    reply_to(s, (t.server, STAMP), make_packet())
    same(reply_to(s, (t.server, LIGHT), make_packet()).seq, 3, "number after the reload")
    # another type is another reflector on the same port
    d.reload(light({"port": LIGHT, "type": "stamp"}))
    wait_for(lambda: len(reply_to(s, (t.server, LIGHT), make_packet(9)).raw) == 44, "STAMP")
    wait_for(lambda: len(d.fds()) == before, "as many descriptors as before")
    d.wait_log(r"ended: TWAMP Light on .*:%d, stateful: received [34]" % LIGHT)
    del d.config["light"]
    d.reload({})
    wait_for(lambda: LIGHT not in d.udp_ports(), "the port is free")
    no_reply(s, (t.server, LIGHT), make_packet())


@test(limit=600)
def no_packet_is_lost_by_a_reload(t):
    d = t.daemon(light({"port": LIGHT, "packet_rate": 0}))
    senders = [t.sender() for _ in range(8)]
    for i in range(12):
        d.config = harness.merge(d.config, light({"port": LIGHT, "packet_rate": 0, "dscp": i},
                                                 {"port": STAMP, "type": "stamp",
                                                  "stateful": bool(i % 2)}))
        d.write(d.config)
        d.signal(signal.SIGHUP)
        for seq in range(20):
            for s in senders:
                s.send((t.server, LIGHT), make_packet(seq))
            for s in senders:
                true(s.receive() is not None, "reload %d, packet %d is lost" % (i, seq))


@test
def a_port_that_cannot_be_had_changes_nothing(t):
    d = t.daemon(light({"port": LIGHT}))
    s = t.sender()
    blocker = subprocess.Popen(
        ["python3", "-c", "import socket,signal\ns=socket.socket(2,2)\n"
         "s.setsockopt(1,15,1)\ns.bind(('0.0.0.0',5999))\nprint(1,flush=True)\nsignal.pause()"],
        stdout=subprocess.PIPE, preexec_fn=lambda: harness.enter_namespace(t.net.server))
    try:
        blocker.stdout.readline()
        before = len(d.fds())
        # It shares the port with whoever wants that: it is refused all the same.
        line = d.reload(light({"port": LIGHT, "dscp": 7}, {"port": STAMP, "type": "stamp"},
                              {"address": "0.0.0.0", "port": 5999}), expect="reload failed")
        true("UDP 0.0.0.0:5999" in line and "ss -lunp" in line, line)
        same(reply_to(s, (t.server, LIGHT), make_packet()).tos, 0, "DSCP as before")
        no_reply(s, (t.server, STAMP), make_packet())
        same(len(d.fds()), before, "descriptors")
        line = d.reload(light({"address": "192.0.2.77", "port": STAMP}), expect="reload failed")
        true("192.0.2.77:%d" % STAMP in line, line)
        reply_to(s, (t.server, LIGHT), make_packet())
    finally:
        blocker.kill()
        blocker.wait()
        blocker.stdout.close()


@test
def a_well_known_port_needs_a_capability(t):
    # T-081; as a service without CAP_NET_BIND_SERVICE
    if not shutil.which("setpriv"):
        raise harness.Skip("there is no setpriv")
    text = harness.config_text(dict(light({}), listen=[{"port": 8620}]))
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
        f.write(text)
        f.flush()
        out = subprocess.run(["setpriv", "--bounding-set", "-net_bind_service", t.run.twampd,
                              "--config", f.name, "--log-target", "stderr"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, timeout=60,
                             preexec_fn=lambda: harness.enter_namespace(t.net.server))
    true(out.returncode != 0 and "UDP 0.0.0.0:862" in out.stderr
         and "CAP_NET_BIND_SERVICE" in out.stderr, out.stderr)


@test
def counters_in_the_log_and_the_status(t):
    n = Notify(t)
    d = t.daemon(both(), env={"NOTIFY_SOCKET": n.path})
    s = t.sender()
    for seq in range(5):
        reply_to(s, (t.server, LIGHT), make_packet(seq))
    s.send((t.server, STAMP), b"short")
    n.wait(r"STATUS=.*, Light: 5 reflected, 1 dropped.*")
    since = d.log_size()
    d.reload({})
    d.wait_log(r"info: TWAMP Light on 0\.0\.0\.0:5000, stateless: received 5, reflected 5, "
               r"dropped none", since)
    lines = ended(d)
    same(len(lines), 4, "ports that ended")
    true("STAMP on 0.0.0.0:5001, stateless: received 1, reflected 0, dropped short 1" in lines,
         repr(lines))


@test
def what_is_lost_counts_for_overload(t):
    # what the kernel does not take, and what did not fit into the receive queue
    settings = light({"port": LIGHT, "packet_rate": 0})
    settings["overload"] = {"send_drops": 1000, "receive_drops": 1000}
    d = t.daemon(settings)
    s, stranger = t.sender(), t.sender(t.client_other)
    harness.run("ip", "-n", t.net.server, "route", "add", "unreachable", t.client_other)
    since = d.log_size()
    for seq in range(5000):
        stranger.send((t.server, LIGHT), make_packet(seq))
    d.wait_log("overload.*net-buffers", since)
    d.wait_log("no longer overloaded", since)
    since = d.log_size()
    d.signal(signal.SIGSTOP)
    for seq in range(10000):
        s.send((t.server, LIGHT), make_packet(seq))
    d.signal(signal.SIGCONT)
    d.wait_log("overload.*net-buffers", since)
    lines = ended(d)
    # 15000, less what a busy host loses before a socket has it
    true(any(re.search(r"received \d{4,}, .*tx [1-9]\d* rcvbuf [1-9]", line) for line in lines),
         repr(lines))


if __name__ == "__main__":
    harness.main()
