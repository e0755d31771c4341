# SPDX-License-Identifier: BSD-2-Clause
"""The real twamp, run in the client's namespace."""

import json
import subprocess

from harness import same


def twamp(t, *arguments, timeout=120):
    return subprocess.run([t.run.twamp, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=timeout)


def controller(t, *arguments, host=None, status=0):
    """twamp controller with JSON; its parsed output."""
    out = twamp(t, "controller", "--json", *arguments, host or t.server)
    same((out.returncode, out.stderr if out.returncode == 0 else ""), (status, ""),
         "exit status and stderr of twamp (%s)" % out.stderr)
    result = json.loads(out.stdout)
    same(result["exit"], status, "exit status in the JSON")
    result["stderr"] = out.stderr
    return result
