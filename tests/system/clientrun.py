# SPDX-License-Identifier: BSD-2-Clause
"""What tests of the twamp client against a server that answers anything have in common."""
import json
import os
import subprocess
import sys
import traceback

from asserting import wait_for

TWAMP = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else 'twamp'
LIMIT = 60  # seconds: far more than any run takes, so that a hang is an error
TESTS = []
QUICK = ['--count', '10', '--interval', '2ms', '--timeout', '2s', '--control-timeout', '20s',
         '--retry-wait', '10ms']


def test(f):
    TESTS.append(f)
    return f


def run(*args, **kwargs):
    return subprocess.run([TWAMP, *args], capture_output=True, text=True, timeout=LIMIT, **kwargs)


def measure(server, *args, command='controller'):
    """One JSON run; later arguments win over the quick defaults."""
    host = f'[{server.address}]' if ':' in server.address else server.address
    quick = QUICK if command == 'controller' else QUICK[:6]
    r = run(command, *quick, '--json', *args, f'{host}:{server.port}')
    result = json.loads(r.stdout)
    assert result['exit'] == r.returncode, (result, r)
    return result


def text(server, *args):
    return run('controller', *QUICK, *args, f'{server.address}:{server.port}')


def wait_until(condition):
    wait_for(condition, 'what never happened', LIMIT)


def main(tests):
    failed = 0
    print(f'1..{len(tests)}', flush=True)
    for number, f in enumerate(tests, 1):
        try:
            skip = f()
            print(f'ok {number} - {f.__name__}' + (f' # SKIP {skip}' if skip else ''), flush=True)
        except Exception:  # noqa: BLE001: each failure is a TAP line, the run goes on
            failed += 1
            print(f'not ok {number} - {f.__name__}', flush=True)
            for line in traceback.format_exc().splitlines():
                print('# ' + line, flush=True)
    return 1 if failed else 0
