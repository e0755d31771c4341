# SPDX-License-Identifier: BSD-2-Clause
"""A twampd that can be asked, and twampctl to ask it."""

import json
import os
import shutil
import socket
import subprocess
import tempfile

import harness
from harness import same

TWAMPCTL = os.environ.get("TWAMPCTL", "twampctl")


class Asked:
    """A daemon with a runtime directory."""

    def __init__(self, t, config=None, **more):
        self.folder = tempfile.mkdtemp(prefix="twampd-run-")
        t.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.path = os.path.join(self.folder, "control.sock")
        env = dict(more.pop("env", {}), RUNTIME_DIRECTORY=self.folder)
        self.daemon = t.daemon(config, env=env, **more)

    def write(self, config):
        """Other settings, in the file only."""
        self.daemon.config = harness.merge(self.daemon.config, config)
        self.daemon.write(self.daemon.config)

    def run(self, *arguments, expect=0, width=None):
        """What twampctl prints."""
        env = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8")
        env.pop("COLUMNS", None)
        if width:
            env["COLUMNS"] = str(width)
        p = subprocess.run([TWAMPCTL, "--socket", self.path, *arguments], env=env,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           timeout=harness.PATIENCE * 4)
        same(p.returncode, expect, "exit status of twampctl %s, which says:\n%s%s"
             % (" ".join(arguments), p.stdout, p.stderr))
        self.said = p.stderr
        return p.stdout

    def json(self, *arguments, expect=0):
        return json.loads(self.run(*arguments, "--json", expect=expect))

    def rows(self, command, *arguments):
        return self.json(command, *arguments)[command]

    def call(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(harness.PATIENCE)
        s.connect(self.path)
        return s


def columns(text):
    """The names above a table."""
    return text.splitlines()[0].split()
