#!/bin/sh
# Huge pages for whoever has memory for them, also after the machine has begun anew: see 70-environment.config. Without them the site is
# slower and nothing else, so this ends no deployment.
echo 'w /sys/kernel/mm/transparent_hugepage/enabled - - - - always' > /etc/tmpfiles.d/huge-pages.conf
systemd-tmpfiles --create /etc/tmpfiles.d/huge-pages.conf || true
