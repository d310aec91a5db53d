# shellcheck shell=sh disable=SC2154 # root comes from the script that sources this
# Two real S3 servers that differ, for the tests: versitygw and Ceph's gateway. versitygw takes a minute to build, so it is
# kept outside the checkout, by version: the next checkout links it.
versitygw_version=v1.8.0

setup_stores() {
  tools=$root/.bed/tools
  kept=${XDG_CACHE_HOME:-$HOME/.cache}/sluice-bed
  mkdir -p "$tools/bin" "$kept"
  setup_ceph
  setup_versitygw
}

setup_versitygw() {
  versitygw=$kept/versitygw-$versitygw_version
  if [ ! -x "$versitygw" ]; then
    install_go
    say "building versitygw $versitygw_version (about a minute, once)"
    built=$(mktemp -d)
    quietly env GOBIN="$built" GOFLAGS=-trimpath go install -ldflags '-s -w' "github.com/versity/versitygw/cmd/versitygw@$versitygw_version"
    # Its name only once it is whole.
    cp "$built/versitygw" "$versitygw.part" && mv "$versitygw.part" "$versitygw"
    rm -rf "$built"
  fi
  ln -sf "$versitygw" "$tools/bin/versitygw"
}

# The tests start its daemons themselves, in folders of their own; a machine's own must not come up by the way.
setup_ceph() {
  missing=
  for program in ceph-mon ceph-osd radosgw; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
  done
  [ -n "$missing" ] || return 0
  require_apt 'Ceph (ceph-mon, ceph-osd, radosgw)'
  keep_services_off
  # shellcheck disable=SC2086 # Debian and Ubuntu name the packages after the programs
  apt_install $missing
}
