import { pluginFolders } from '../../kernel/process/docker-plugin.ts';
import { sameEngine } from '../engine/docker-cli.ts';

/**
 * Reports all facts about a host, one `name value` a line; unknown facts are omitted. $1 is the folder of all apps. The
 * slow client of the engine runs in the background; with `quick` as $2 it does not run, and Docker's folder is a guess.
 * Every command may be missing on a host.
 */
export const probeScript = `
say() { printf '%s\\n' "$1 $(printf '%s' "$2" | tr '\\n\\r' '  ' | cut -c1-2000)"; }
say clock "$(date +%s%N 2>/dev/null || date +%s)"
limit() { if command -v timeout >/dev/null 2>&1; then timeout 15 "$@"; else "$@"; fi; }
LC_ALL=C; export LC_ALL
${sameEngine}disk() {
  at=$2
  while [ ! -e "$at" ] && [ "$at" != / ] && [ -n "$at" ]; do at=$(dirname "$at"); done
  set -- "$1" "$2" $(df -Pk "$at" 2>/dev/null | tail -n 1)
  [ $# -ge 8 ] || return 0
  size=$4 free=$6
  set -- "$1" "$2" $(df -Pi "$at" 2>/dev/null | tail -n 1)
  say "disk.$1" "$size $free \${6:--} $2"
}

if [ "\${2:-}" = quick ]; then
  data=$(sed -n 's/.*"data-root"[^:]*: *"\\([^"]*\\)".*/\\1/p' /etc/docker/daemon.json 2>/dev/null)
  disk docker "\${data:-/var/lib/docker}"
elif command -v docker >/dev/null 2>&1; then
  (
    info=$(limit docker info --format '{{.ServerVersion}}|{{.Driver}}|{{.CgroupVersion}}|{{.DockerRootDir}}|{{.SecurityOptions}}' 2>&1)
    case $info in
      *'|'*'|'*)
        answer=$(printf '%s\\n' "$info" | grep '|.*|' | tail -n 1)
        say docker.info "$answer"
        rest=\${answer#*|*|*|}; data=\${rest%%|*}
        [ -n "$data" ] && disk docker "$data"
        case $answer in '|'*) say docker.problem "$info";; esac;;
      *) say docker.problem "$info";;
    esac
  ) &
  say docker.client "$(limit docker --version 2>/dev/null)" &
fi
compose() {
  for folder in "\${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins" ${pluginFolders.join(' ')}; do
    [ ! -x "$folder/docker-compose" ] || { limit "$folder/docker-compose" version --short; return; }
  done
  limit docker compose version --short
}
command -v docker >/dev/null 2>&1 && say docker.compose "$(compose 2>/dev/null)" &

say user "$(id -un 2>/dev/null)"
say uid "$(id -u)"
say gid "$(id -g)"
say groups "$(id -Gn 2>/dev/null)"
say kernel "$(uname -r)"
say arch "$(uname -m)"
say shell "$SHELL"
[ -r /etc/os-release ] && say distro "$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release)"
say cpus "$(nproc 2>/dev/null || grep -c '^processor' /proc/cpuinfo)"
say memory "$(sed -n 's/^\\(MemTotal\\|MemAvailable\\|SwapFree\\): *\\([0-9]*\\) kB/\\1 \\2/p' /proc/meminfo)"
[ -e /sys/fs/cgroup/cgroup.controllers ] && say cgroup 2

root=$1
disk root "$root"
if [ -d "$root" ]; then
  say root.stat "$(stat -c '%a %U' "$root" 2>/dev/null)"
  [ -w "$root" ] && say root.usable yes
else
  [ -e "$root" ] && say root.stat file
  at=$root
  while [ ! -e "$at" ] && [ "$at" != / ] && [ -n "$at" ]; do at=$(dirname "$at"); done
  [ -d "$at" ] && [ -w "$at" ] && say root.usable yes
fi

for file in /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config; do
  [ -r "$file" ] || continue
  sed -n '/^[[:space:]]*[Mm][Aa][Tt][Cc][Hh][[:space:]]/q; s/^[[:space:]]*\\([A-Za-z]*\\)[[:space:]=]\\{1,\\}\\([^#]*\\).*/sshd \\1 \\2/p' "$file"
done | grep -iE '^sshd (MaxSessions|MaxStartups|AllowStreamLocalForwarding|AllowTcpForwarding|DisableForwarding) '
for file in /proc/net/tcp /proc/net/tcp6; do
  [ -r "$file" ] && sed -n 's/^ *[0-9]*: \\([0-9A-F]*:[0-9A-F]*\\) [0-9A-F]*:[0-9A-F]* 0A .*/listen \\1/p' "$file"
done
[ -r /etc/ufw/ufw.conf ] && say ufw "$(sed -n 's/^ENABLED=//p' /etc/ufw/ufw.conf)"
wait
echo end
`;
