# SPDX-License-Identifier: BSD-2-Clause
"""The state and the settings by the YANG model ietf-twamp of RFC 8913, as yanglint has them."""

import base64
import json
import os
import shutil
import subprocess
import tempfile

import harness
from ctlrun import Asked
from harness import Skip, same, test, true
from keyed import KEYS, connect, open_session
from rawclient import make_packet

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "yang",
                     "ietf-twamp@2021-11-17.yang")

DYNAMIC = {"first": 49152, "last": 65535}


def check(text, kind):
    """yanglint finds nothing wrong; ietf-inet-types is built into it. Return the model's content."""
    if not shutil.which("yanglint"):
        raise Skip("yanglint is not installed (libyang-tools or libyang3-tools)")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        f.write(text)
        f.flush()
        p = subprocess.run(["yanglint", "-t", kind, "-F", "ietf-twamp:server,session-reflector",
                            MODEL, f.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, check=False, timeout=harness.PATIENCE)
    same(p.returncode, 0, "exit status of yanglint, which says:\n%s\nof\n%s" % (p.stdout, text))
    return json.loads(text)["ietf-twamp:twamp"]


@test
def yanglint_sees_what_is_wrong(t):
    """The check itself can fail."""
    good = {"ietf-twamp:twamp": {"session-reflector": {"refwait": 900}}}
    check(json.dumps(good), "data")
    good["ietf-twamp:twamp"]["session-reflector"]["refwait"] = 0
    try:
        check(json.dumps(good), "data")
    except AssertionError:
        return
    true(False, "yanglint takes what is out of range")


@test(both=True)
def state_is_valid_and_complete(t):
    a = Asked(t, {"timers": {"servwait": 700, "refwait": 600}, "ports": DYNAMIC})
    empty = check(a.run("state", "--yang"), "data")
    same(empty["server"].get("ctrl-connection", []), [], "connections")
    same(empty["session-reflector"]["refwait"], 600, "refwait")
    control = t.connect()
    sender = t.sender(port=50001)
    answer = control.request(sender_port=sender.port, type_p=34 << 24)
    same(control.start().accept, 0, "Start-Ack")
    for n in (5, 6, 9):
        sender.exchange((t.server, answer.port), make_packet(n))
    twamp = check(a.run("state", "--yang"), "data")
    connection, = twamp["server"]["ctrl-connection"]
    same((connection["client-ip"], connection["client-tcp-port"]), control.local()[:2],
         "client of the connection")
    same((connection["server-ip"], connection["server-tcp-port"]), (t.server, 862), "server")
    same((connection["state"], connection["selected-mode"]), ("active", "unauthenticated"), "state")
    same((connection["count"], connection["control-packet-dscp"]), (15, 0), "Count and DSCP")
    same((len(base64.b64decode(connection["salt"])),
          len(base64.b64decode(connection["challenge"]))), (16, 16), "octets of Salt and Challenge")
    session, = twamp["session-reflector"]["test-session"]
    want = {"sid": answer.sid.hex(), "sender-ip": t.client, "sender-udp-port": sender.port,
            "reflector-ip": t.server, "reflector-udp-port": answer.port, "test-packet-dscp": 34,
            "parent-connection-client-ip": connection["client-ip"],
            "parent-connection-client-tcp-port": connection["client-tcp-port"],
            "parent-connection-server-ip": connection["server-ip"],
            "parent-connection-server-tcp-port": 862,
            "sent-packets": 3, "rcv-packets": 3, "last-sent-seq": 2, "last-rcv-seq": 9}
    same({k: session[k] for k in want}, want, "session")
    same(set(session), set(want), "leaves of the session")
    control.stop(1)
    harness.wait_for(lambda: check(a.run("state", "--yang"), "data")["server"]["ctrl-connection"]
                     [0]["state"] == "servwait", "SERVWAIT")


@test
def what_the_model_cannot_have_is_left_out(t):
    a = Asked(t, {"ports": DYNAMIC})
    control = t.connect()
    for port in (40000, 50000):
        same(control.request(sender_port=port).accept, 0, "Accept")
    twamp = check(a.run("state", "--yang"), "data")
    same([s["sender-udp-port"] for s in twamp["session-reflector"]["test-session"]], [50000],
         "ports of senders")
    true("1 sessions are left out" in a.said, a.said)


@test
def settings_have_no_secret(t):
    a = Asked(t, {"auth": {"count": 2048}}, keys=KEYS)
    c = connect(t, 4)
    open_session(t, c, 4)
    text = a.run("config", "--yang")
    twamp = check(text, "config")
    server = twamp["server"]
    same((server["admin-state"], server["server-tcp-port"], server["count"]), (True, 862, 11),
         "server")
    same(server["key-chain"], [{"key-id": "probe-1"}], "keys")
    true("encrypted" in server["modes"].split() and "unauth-test-encrypt-control" in
         server["modes"].split(), server["modes"])
    same(set(twamp["session-reflector"]), {"admin-state", "refwait"}, "session-reflector")
    state = a.run("state", "--yang")
    connection, = check(state, "data")["server"]["ctrl-connection"]
    same((connection["key-id"], connection["selected-mode"]), ("probe-1", "encrypted"), "key")
    true("battery" not in text + state and "secret-key" not in text + state, "a secret")


if __name__ == "__main__":
    harness.main()
