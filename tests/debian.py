"""Installs the Debian packages that the tests need; runs before there is a .venv, so on the standard library alone."""

import importlib.util
import os
import shutil
import subprocess
import sys

PACKAGES = (
    "chromium",  # tests/browser
    "fonts-dejavu-core",  # the same text widths everywhere
    "fonts-noto-color-emoji",  # emoji in codes and names
    "redis-server",  # the room store of many nodes
    "nginx-light",  # the proxy on each machine of deploy/beanstalk
    "postgresql",  # the database of many nodes
    "openssl",  # a second opinion on our certificates
    "coturn",  # the relays
    "faketime",  # a relay whose clock is wrong
    "systemd",  # reads the units of deploy/turn, and starts none
    "prometheus",  # promtool, which reads the alerts of deploy/monitoring
    "iproute2",  # tests/nat: namespaces, cables and routes,
    "iptables",  # routers,
    "libnss3-tools",  # a browser that trusts the laboratory's authority,
    "procps",  # and settings of the kernel for them
)


def main() -> None:
    packages = PACKAGES if importlib.util.find_spec("ensurepip") else ("python3-venv", *PACKAGES)
    if not shutil.which("dpkg-query"):
        sys.exit(f"The tests run on Debian and its like. They need: {' '.join(packages)}.")
    missing = [package for package in packages if not _is_installed(package)]
    if not missing:
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        sys.exit(f"The tests need Debian packages that are not installed: sudo {' '.join(install)}")
    print(f"Installing Debian packages: {' '.join(missing)}", flush=True)
    for command in (["apt-get", "update", "--quiet"], install):
        subprocess.run(
            command, check=True, stdin=subprocess.DEVNULL, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        )


def _is_installed(package: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, text=True).stdout == "installed"


if __name__ == "__main__":
    main()
