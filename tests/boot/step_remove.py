# SPDX-License-Identifier: BSD-2-Clause
"""The end of the service, and of the packages."""


from bed import SERVICE, same, step, true


@step
def stop_ends_well(b):
    b.systemctl("stop", SERVICE)
    same(b.m.property("Result", SERVICE), "success", "Result")
    b.systemctl("start", SERVICE)


@step
def remove_and_purge_leave_nothing(b):
    b.m.run("rm", "-rf", "/etc/systemd/system/twampd.service.d")  # of the tests
    b.m.run("apt-get", "-qq", "-y", "remove", "twampd")
    same(b.m.run("pgrep", "-x", "twampd", check=False).stdout, "", "processes")
    true("twampd.conf" in b.m.run("ls", "/etc/twampd").stdout, "remove keeps the settings")
    b.m.run("apt-get", "-qq", "-y", "purge", "twampd", "twamp")
    left = b.m.shell("find / -xdev \\( -path /proc -o -path /sys -o -path /root -o -path /tmp -o "
                     "-path /run/systemd -o -path /var/log/journal \\) -prune -o "
                     "-name '*twamp*' -print").stdout
    same(left, "", "files left")
    same(b.systemctl("list-units", "--all", "--plain", "--no-legend", "twampd*").stdout, "",
         "units left")
    true("twampd: " not in b.m.run("journalctl", "--list-catalog").stdout, "the catalog is clean")
