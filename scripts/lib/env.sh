# shellcheck shell=sh disable=SC2154 # root comes from the script that sources this
# Source this with $root set to the checkout: Node 24 and the checkout's own tools come first on PATH.

PATH=$root/node_modules/.bin:$root/.bed/tools/bin:$PATH
if [ -x "$root/.bed/node/node_modules/.bin/node" ]; then
  PATH=$root/.bed/node/node_modules/.bin:$PATH
fi
export PATH
