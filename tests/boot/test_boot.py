#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The packages under a booted systemd: installation, sandbox, activation, reload, restart, watchdog,
journal, removal.
"""

import sys

import bed
# Each registers its steps: this is their order.
import step_install  # noqa: F401
import step_sandbox  # noqa: F401
import step_start  # noqa: F401
import step_restart  # noqa: F401
import step_journal  # noqa: F401
import step_keys  # noqa: F401
import step_ctl  # noqa: F401
import step_remove  # noqa: F401

if __name__ == "__main__":
    sys.exit(bed.main(__doc__))
