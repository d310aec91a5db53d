/**
 * Ends every process with one of the marks in its environment, and every process of their sessions: SIGTERM first, SIGKILL
 * after two seconds. sshd starts each command in a separate session, so children that cleared their environment or
 * created a process group are found too.
 * $1 is `late` if the marked processes may only be about to start; the others are `MARK:SESSION`, without the
 * session's number as long as it is not known.
 *
 * Runs in dash, bash and busybox ash; needs nothing but /proc, and uses grep where it can read binary files.
 */
export const killScript = `
late=$1; shift

# The files /proc/PID/environ that hold one of the marks. busybox grep stops at the first NUL byte of a line; the
# shells' own read skips them, but reads byte by byte.
if printf 'a\\0b' | grep -qsF b; then
  marked() { for run; do grep -lsF "SLUICE_RUN=\${run%:*}" /proc/[0-9]*/environ; done; }
else
  marked() {
    for file in /proc/[0-9]*/environ; do
      [ -r "$file" ] || continue
      text=
      while IFS= read -r line || [ -n "$line" ]; do text="$text$line"; line=; done 2>/dev/null <"$file"
      for run; do case $text in *"SLUICE_RUN=\${run%:*}"*) echo "$file";; esac; done
    done
  }
fi

# PID -> "state ppid pgrp session"; the name before it may hold blanks and brackets.
stat_of() { IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 1; stat=\${stat##*) }; }

# PID:SESSION of all processes that are not dead, in one go: the shells read files byte by byte.
fields='s/^\\([0-9]*\\) (.*) [A-WYa-wy] [0-9-]* [0-9-]* \\([0-9]*\\) .*/\\1:\\2/p'

victims() {
  sessions=' '
  for run; do [ -n "\${run##*:}" ] && sessions="$sessions\${run##*:} "; done
  pids=' '
  for file in $(marked "$@"); do
    pid=\${file#/proc/}; pid=\${pid%/environ}
    stat_of "$pid" || continue
    set -- $stat
    case $1 in Z|X) continue;; esac
    pids="$pids$pid "
    [ "$4" = "$pid" ] && sessions="$sessions$4 "
  done
  [ "$sessions" = ' ' ] || for process in $(cat /proc/[0-9]*/stat 2>/dev/null | sed -n "$fields"); do
    case $sessions in *" \${process##*:} "*) ;; *) continue;; esac
    process=\${process%:*}
    case $pids in *" $process "*) ;; *) pids="$pids$process ";; esac
  done
  echo "$pids"
}

# Those of the given processes that still run.
alive() {
  left=
  for pid; do
    stat_of "$pid" || continue
    case $stat in [ZX]*) ;; *) left="$left$pid ";; esac
  done
  echo "$left"
}

pause() { sleep 0.1 2>/dev/null || sleep 1; }

ticks=0
found=$(victims "$@")
while [ -z "\${found# }" ] && [ "$late" = late ] && [ $ticks -lt 10 ]; do
  ticks=$((ticks + 1)); pause
  found=$(victims "$@")
done
ticks=0
while [ -n "\${found# }" ] && [ $ticks -lt 40 ]; do
  if [ $ticks -lt 20 ]; then signal=TERM; else signal=KILL; fi
  # A stopped process gets its SIGTERM only when it continues.
  if [ $ticks -eq 0 ] || [ $ticks -ge 20 ]; then kill -$signal $found 2>/dev/null; kill -CONT $found 2>/dev/null; fi
  pause
  ticks=$((ticks + 1))
  found=$(alive $found)
  # They may have started others meanwhile, which get no SIGTERM before the SIGKILL.
  [ -n "\${found# }" ] || found=$(victims "$@")
done
echo "left:$found"
[ -z "\${found# }" ]
`;
