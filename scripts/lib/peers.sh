# shellcheck shell=sh disable=SC2154 # root comes from the script that sources this
# What the tests talk to besides the engine: a real sshd with its tools, a browser, and proxies that read labels.

setup_peers() {
  missing=
  [ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
  command -v ssh-keyscan >/dev/null 2>&1 || missing="$missing openssh-client"
  # Another shell that hosts have.
  command -v busybox >/dev/null 2>&1 || missing="$missing busybox-static"
  command -v ps >/dev/null 2>&1 || missing="$missing procps"
  # Clusters of the tests' own, as users that Debian's package makes.
  [ -n "$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null)" ] || missing="$missing postgresql"
  if [ -n "$missing" ]; then
    # The tests start sshd and PostgreSQL themselves, on ports of their own; the machine's must not come up by the way.
    keep_services_off
    # shellcheck disable=SC2086
    apt_install $missing
  fi
  if ! command -v chromium >/dev/null 2>&1 && [ -z "${CHROMIUM:-}" ]; then
    case $(os_release ID) in
      # Ubuntu's chromium is a snap, which a container cannot run.
      ubuntu) fail 'Chromium is missing: install one that is no snap and set CHROMIUM to its path' ;;
      *) apt_install chromium ;;
    esac
  fi
}

# For test/bench edge alone.
setup_edge_peers() {
  command -v wrk >/dev/null 2>&1 || apt_install wrk
}

# Proxies that find their targets by Docker's labels, for the e2e tests. Traefik takes minutes to build, so both are kept
# outside the checkout, by version: the next checkout links them. Both speak to engine 26 (Traefik 3.6.1 and newer
# negotiate the API's version).
traefik_version=v3.6.12
caddy_version=v2.11.4
caddy_docker_proxy_version=v2.13.1

setup_proxies() {
  tools=$root/.bed/tools
  kept=${XDG_CACHE_HOME:-$HOME/.cache}/sluice-bed
  mkdir -p "$tools/bin" "$kept"
  setup_traefik
  setup_caddy_docker_proxy
}

setup_traefik() {
  traefik=$kept/traefik-$traefik_version
  if [ ! -x "$traefik" ]; then
    install_go
    say "building traefik $traefik_version (13 minutes of processor time, once)"
    build_in_module "$traefik" "github.com/traefik/traefik/v3@$traefik_version" ./cmd/traefik '-s -w'
  fi
  ln -sf "$traefik" "$tools/bin/traefik"
}

# Caddy has its plugins compiled in: a program of four lines is what xcaddy makes, too.
setup_caddy_docker_proxy() {
  caddy=$kept/caddy-docker-proxy-$caddy_docker_proxy_version-$caddy_version
  if [ ! -x "$caddy" ]; then
    install_go
    say "building caddy $caddy_version with caddy-docker-proxy $caddy_docker_proxy_version (three minutes of processor time, once)"
    source=$(mktemp -d)
    cat >"$source/main.go" <<'GO'
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/lucaslorentz/caddy-docker-proxy/v2"
)

func main() { caddycmd.Main() }
GO
    (
      cd "$source"
      quietly go mod init proxy
      quietly go get "github.com/caddyserver/caddy/v2@$caddy_version" \
        "github.com/lucaslorentz/caddy-docker-proxy/v2@$caddy_docker_proxy_version"
      quietly env CGO_ENABLED=0 go build -mod=mod -trimpath -ldflags '-s -w' -o "$caddy.part" .
    )
    mv "$caddy.part" "$caddy"
    rm -rf "$source"
  fi
  ln -sf "$caddy" "$tools/bin/caddy-docker-proxy"
}
