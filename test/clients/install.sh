#!/usr/bin/env bash
# Installs the mail clients that test/clients tries, from Debian's packages; with `large` those of test/clients/large.
# Needs root.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
missing=()
if [ "${1:-}" = large ]; then
  # Evolution's engine is a library, which Python can load.
  missing=(thunderbird evolution-data-server gir1.2-camel-1.2 python3-gi
    geary gnome-keyring libsecret-tools xvfb xauth dbus)
else
  for pair in curl:curl swaks:swaks mbsync:isync mutt:mutt neomutt:neomutt fetchmail:fetchmail gsasl:gsasl python3:python3 \
    offlineimap:offlineimap3 getmail:getmail6 imapfilter:imapfilter interimap:interimap alpine:alpine aerc:aerc; do
    command -v "${pair%%:*}" > /dev/null || missing+=("${pair##*:}")
  done
  # swaks needs it for TLS.
  perl -MNet::SSLeay -e 1 2> /dev/null || missing+=(libnet-ssleay-perl)
fi
[ ${#missing[@]} -eq 0 ] && exit 0
apt-get update -q
apt-get install -y -q --no-install-recommends "${missing[@]}"
