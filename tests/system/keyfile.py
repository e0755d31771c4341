# SPDX-License-Identifier: BSD-2-Clause
"""What tests of the keys file and its secrets have in common."""

import subprocess

import rawclient
from harness import same
from keyed import refused

OTHER = (b"probe-2", b"another pass phrase, quite long")


def gets_in(t, key, mode=4):
    """With @key, to a session."""
    with rawclient.connect(t.server, mode=mode, key=key) as c:
        same(c.request().accept, 0, "Accept")


def stays_out(t, key):
    refused(t, 4, accept=1, key=key)


def check_config(t, d, *arguments):
    """(exit status, all output) of twampd --check-config."""
    done = subprocess.run([t.run.twampd, "--config", d.file, "--check-config", *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=d.env, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")
