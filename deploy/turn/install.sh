#!/bin/sh
# Makes a Debian machine into a relay, or into the image of which relays are copies: run as root in this folder.
set -eu
cd "$(dirname "$0")"
root=${DESTDIR:-}

if [ -z "$root" ]; then
  # Debian starts a service that it installs; this one has no configuration yet.
  systemctl mask --runtime --now coturn.service
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends coturn python3-boto3 systemd-timesyncd
  systemctl unmask --runtime coturn.service
fi

library=$root/usr/local/lib/gruveo-turn
units=$root/etc/systemd/system
install -d "$library" "$units/coturn.service.d" "$root/etc/coturn/tls"
install -m 0755 render.py drain.py member.py "$library"
install -m 0644 turnserver.conf "$library"
install -m 0644 coturn.service.d/gruveo.conf "$units/coturn.service.d"
install -m 0644 gruveo-turn-member.service gruveo-turn-certificate.service gruveo-turn-certificate.timer "$units"

if [ -z "$root" ]; then
  systemctl daemon-reload
  # They start with the machine, once /etc/turn.env is there.
  systemctl enable coturn.service gruveo-turn-certificate.timer
fi
