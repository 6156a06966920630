#!/bin/sh
# Installs from Debian what the benchmark's peers need. Run as root. Dovecot is installed; Cyrus, whose package conflicts
# with it, is unpacked into a folder of its own, and only the libraries that it needs are installed.
set -eu

cache="${TMPDIR:-/tmp}/pushmail-bench-debian"

apt-get install --yes --no-upgrade --no-install-recommends \
  dovecot-imapd dovecot-lmtpd openssl \
  libical3 libicu72 libjansson4 libkrb5-3 libldap-2.5-0 libpcre3 libpq5 libsasl2-2 libsasl2-modules \
  libsasl2-modules-db libsqlite3-0 libwrap0

mkdir -p "$cache/packages" "$cache/cyrus"
cd "$cache/packages"
apt-get download cyrus-common cyrus-imapd sasl2-bin
for package in ./*.deb; do dpkg -x "$package" "$cache/cyrus"; done
echo "Cyrus is in $cache/cyrus"
