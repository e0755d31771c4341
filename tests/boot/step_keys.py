# SPDX-License-Identifier: BSD-2-Clause
"""Keys, and the tests of the package."""


from bed import HERE, SERVICE, same, step, true


@step
def a_credential_brings_keys(b):
    same(b.greeting_modes() & 15, 1, "modes without keys")
    b.m.write("/root/secrets", "probe a long passphrase of the test\n", 0o600)
    b.drop_in("[Service]\nLoadCredential=twampd.keys:/root/secrets\n")
    b.systemctl("restart", SERVICE)
    true(b.greeting_modes() & 6, "modes that need keys are offered with a credential")
    b.drop_in(None)
    b.systemctl("restart", SERVICE)
    same(b.greeting_modes() & 15, 1, "modes without the credential")


@step
def the_keys_file_is_readable_for_the_daemon_alone(b):
    b.m.write("/etc/twampd/twampd.keys", "probe a long passphrase of the test\n", 0o600)
    b.m.run("systemd-tmpfiles", "--create", "twampd.conf")
    same(b.m.run("stat", "-c", "%a %U %G", "/etc/twampd/twampd.keys").stdout.strip(),
         "640 root twampd", "mode and owner of the keys")
    since = b.now()
    b.systemctl("reload", SERVICE)
    b.m.wait(lambda: b.events("RELOADED", since=since), "the reload")
    true(b.greeting_modes() & 6, "modes that need keys are offered after a reload")


@step
def the_tests_of_the_package_pass(b):
    b.m.copy(HERE.parent.parent / "debian/tests/measure", "/root/measure")
    b.m.run("env", "AUTOPKGTEST_TMP=/tmp", "/bin/sh", "/root/measure")
