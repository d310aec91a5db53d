# shellcheck shell=sh disable=SC2154 # root comes from the script that sources this
# Kamal and its proxy, for test/bench deploy alone. Kept outside the checkout, by version; .bed/kamal-peer links them.
#
# SLUICE_KAMAL_SOURCE: for a machine that reaches no gem host. A folder with checkouts of kamal and kamal-proxy in the versions
# below, and of the gems that Debian has too old for it: sshkit (≥ 1.23), dotenv (3.x), zeitwerk (≥ 2.6.18; 2.7 needs Ruby 3.2).
kamal_version=2.12.0
# What this Kamal boots by default.
kamal_proxy_version=v0.9.2

setup_kamal_peer() {
  kamal_peer=${XDG_CACHE_HOME:-$HOME/.cache}/sluice-bed/kamal-$kamal_version
  if [ ! -e "$kamal_peer/whole" ]; then
    rm -rf "$kamal_peer"
    mkdir -p "$kamal_peer"
    install_go
    if [ -n "${SLUICE_KAMAL_SOURCE:-}" ]; then kamal_from_source; else kamal_from_gem; fi
    chmod +x "$kamal_peer/kamal"
    [ "$("$kamal_peer/kamal" version)" = "$kamal_version" ] || fail "Kamal does not run: $kamal_peer/kamal version"
    : >"$kamal_peer/whole"
  fi
  ln -sfn "$kamal_peer" "$root/.bed/kamal-peer"
}

kamal_from_gem() {
  # Two of its gems are compiled.
  apt_install ruby ruby-dev build-essential
  say "installing the gem kamal $kamal_version"
  quietly gem install kamal -v "$kamal_version" --no-document --install-dir "$kamal_peer/gems" --bindir "$kamal_peer/gems/bin" \
    || fail "the gem kamal $kamal_version cannot be installed here; without a gem host, give checkouts in SLUICE_KAMAL_SOURCE (scripts/lib/kamal-peer.sh)"
  printf '#!/bin/sh\nGEM_HOME=%s/gems exec ruby %s/gems/bin/kamal "$@"\n' "$kamal_peer" "$kamal_peer" >"$kamal_peer/kamal"
  say "building kamal-proxy $kamal_proxy_version"
  quietly env GOBIN="$kamal_peer" CGO_ENABLED=0 GOFLAGS=-trimpath go install "github.com/basecamp/kamal-proxy/cmd/kamal-proxy@$kamal_proxy_version"
}

# The code itself, on the path of Ruby; nothing checks the versions that a gemspec wants, so the packages below have to be
# as new. ed25519 1.3 in the place of 1.4 is the exception on Debian 12.
kamal_from_source() {
  grep -q "VERSION = \"$kamal_version\"" "$SLUICE_KAMAL_SOURCE/kamal/lib/kamal/version.rb" \
    || fail "$SLUICE_KAMAL_SOURCE/kamal is not Kamal $kamal_version"
  apt_add_trixie
  apt_install ruby ruby-net-ssh/trixie ruby-thor/trixie ruby-activesupport/trixie ruby-base64/trixie ruby-concurrent/trixie \
    ruby-ed25519 ruby-bcrypt-pbkdf ruby-net-scp ruby-net-sftp
  path=
  for gem in kamal sshkit dotenv zeitwerk; do
    [ -d "$SLUICE_KAMAL_SOURCE/$gem/lib" ] || fail "SLUICE_KAMAL_SOURCE has no checkout of $gem"
    mkdir -p "$kamal_peer/source/$gem"
    cp -R "$SLUICE_KAMAL_SOURCE/$gem/lib" "$kamal_peer/source/$gem/"
    path="$path -I $kamal_peer/source/$gem/lib"
  done
  cp -R "$SLUICE_KAMAL_SOURCE/kamal/bin" "$kamal_peer/source/kamal/"
  printf '#!/bin/sh\nexec ruby%s %s/source/kamal/bin/kamal "$@"\n' "$path" "$kamal_peer" >"$kamal_peer/kamal"
  say "building kamal-proxy $kamal_proxy_version"
  (cd "$SLUICE_KAMAL_SOURCE/kamal-proxy" && quietly env CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$kamal_peer/kamal-proxy" ./cmd/kamal-proxy)
}
