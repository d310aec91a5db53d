#!/bin/sh
# Makes a Debian trixie root file system and imports it as the image given: for machines without an image registry.
#
#   rootfs.sh IMAGE
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
lib=$here/../../../scripts/lib
. "$lib/say.sh"
. "$lib/apt.sh"

if ! command -v debootstrap >/dev/null 2>&1; then
  require_apt debootstrap
  apt_install debootstrap debian-archive-keyring
fi

dir=$(mktemp -d)
trap 'as_root rm -rf "$dir"' EXIT
say 'debootstrap trixie (about half a minute)'
quietly as_root debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
  trixie "$dir/root" http://deb.debian.org/debian
as_root tar -C "$dir/root" -c --exclude='./dev/*' --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
  --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' . |
  docker import --change 'CMD ["bash"]' - "$1" >/dev/null
