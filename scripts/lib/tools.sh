# shellcheck shell=sh disable=SC2154 # root comes from the script that sources this
# What runs and checks GitHub workflows here: act, actionlint, zizmor. Each in the version below, in .bed/tools.

act_version=v0.2.89
actionlint_version=v1.7.12
zizmor_version=1.32.0

setup_tools() {
  tools=$root/.bed/tools
  mkdir -p "$tools/bin"
  go_tool act "github.com/nektos/act@$act_version"
  go_tool actionlint "github.com/rhysd/actionlint/cmd/actionlint@$actionlint_version"
  if [ "$(cat "$tools/zizmor.version" 2>/dev/null)" != "$zizmor_version" ]; then
    command -v python3 >/dev/null 2>&1 && python3 -c 'import ensurepip' 2>/dev/null || apt_install python3 python3-venv
    say "installing zizmor $zizmor_version"
    rm -rf "$tools/zizmor"
    quietly python3 -m venv "$tools/zizmor"
    quietly "$tools/zizmor/bin/pip" install --quiet "zizmor==$zizmor_version"
    ln -sf ../zizmor/bin/zizmor "$tools/bin/zizmor"
    printf '%s\n' "$zizmor_version" >"$tools/zizmor.version"
  fi
}

# $1 name, $2 package@version. Go checks what it fetches against its public checksum database.
go_tool() {
  [ "$(cat "$tools/$1.version" 2>/dev/null)" != "$2" ] || return 0
  if ! command -v go >/dev/null 2>&1; then
    apt_add_trixie
    apt_install golang-go/trixie golang-src/trixie golang-1.24-go/trixie golang-1.24-src/trixie ca-certificates git
  fi
  say "building $2"
  quietly env GOBIN="$tools/bin" GOFLAGS=-trimpath go install "$2"
  printf '%s\n' "$2" >"$tools/$1.version"
}
