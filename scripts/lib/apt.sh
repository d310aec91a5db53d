# shellcheck shell=sh
# Debian and Ubuntu packages.

os_release() { (. /etc/os-release && eval "printf %s \"\${$1:-}\""); }

require_apt() {
  command -v apt-get >/dev/null 2>&1 || fail "$1 is missing and this is not Debian or Ubuntu: install $1 yourself, then run this again"
}

# Once per run: lists may be absent (fresh image) or too old for the pool they point to.
apt_update() {
  [ -z "${apt_updated:-}" ] || return 0
  say 'apt-get update'
  # One unreachable third-party list must not stop us; a package that can't be found will.
  still_waiting_for 'apt-get update'
  as_root apt-get update -q >/dev/null 2>&1 || say 'apt-get update had errors; going on with the lists it got'
  still_waiting_for_nothing
  apt_updated=yes
}

apt_install() {
  apt_update
  say "installing $*"
  quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
    -o Dpkg::Options::=--force-confold "$@"
}

# Debian 12's own engine is too old for compose v2 and buildx. Priority 100 keeps everything else as it is:
# only packages asked for with /trixie (and what they depend on) come from there.
apt_add_trixie() {
  [ ! -e /etc/apt/sources.list.d/sluice-trixie.sources ] || return 0
  say 'adding the Debian trixie packages at priority 100'
  as_root tee /etc/apt/sources.list.d/sluice-trixie.sources >/dev/null <<SOURCES
Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
  as_root tee /etc/apt/preferences.d/sluice-trixie >/dev/null <<PREFERENCES
Package: *
Pin: release n=trixie
Pin-Priority: 100
PREFERENCES
  apt_updated=
}

# Debian's packages ask policy-rc.d before they start a service; a machine that has one keeps it.
keep_services_off() {
  [ ! -e /usr/sbin/policy-rc.d ] || return 0
  printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
  as_root chmod 755 /usr/sbin/policy-rc.d
  trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
}
