#!/usr/bin/env bash
# Installs the mail clients that test/clients tries, from Debian's packages. Needs root.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
missing=()
for pair in curl:curl swaks:swaks mbsync:isync mutt:mutt neomutt:neomutt fetchmail:fetchmail gsasl:gsasl python3:python3 \
  offlineimap:offlineimap3 getmail:getmail6 imapfilter:imapfilter interimap:interimap alpine:alpine aerc:aerc; do
  command -v "${pair%%:*}" > /dev/null || missing+=("${pair##*:}")
done
# swaks needs it for TLS.
perl -MNet::SSLeay -e 1 2> /dev/null || missing+=(libnet-ssleay-perl)
[ ${#missing[@]} -eq 0 ] && exit 0
apt-get update -q
apt-get install -y -q --no-install-recommends "${missing[@]}"
