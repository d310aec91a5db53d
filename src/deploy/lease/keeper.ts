import type { Host, HostDialogue } from '../../host/model.ts';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { Layout } from '../model.ts';
import type { JournalEntry } from './journal.ts';

/**
 * The keeper is a small shell program that runs on the host for the whole deploy. It holds the app's lock (flock, so
 * the kernel frees it in every case), writes the journal durably, and ends when its input ends: a killed runner closes
 * the connection, the keeper reads end-of-file, the lock is free. If a dead connection goes unnoticed (a cut cable), a
 * watchdog ends the keeper when the runner has sent nothing for the lease's time to live.
 */
export interface Keeper {
  /**
   * Appends one entry to the journal of a deploy: this run, or a dead run that it finishes or undoes. Resolves when
   * the entry is on disk. Entries keep their order.
   */
  write(deploy: string, entry: JournalEntry): Promise<void>;
  /** Aborts when the lease is lost: this run must change nothing more on the host. */
  readonly lost: AbortSignal;
  /** Proves that the lease is still held; called before changes that cannot be undone. */
  check(): Promise<void>;
  /**
   * Whole seconds since the previous run released the lease cleanly; undefined if there was no previous run, or if it
   * died. State read from the host within that time is still valid.
   */
  readonly freeFor: number | undefined;
  release(): Promise<void>;
}

export interface LeaseHolder {
  readonly deploy: string;
  readonly actor: string | undefined;
  readonly runUrl: string | undefined;
  /** Machine that runs Sluice. */
  readonly runner: string;
  readonly since: string;
}

/** The lease expires this long after the last message from the runner. */
export const leaseSeconds = 45;
const heartbeatMs = 10_000;

// $1 app folder, $2 seconds to live. Lines in: `lease <json>`, `journal <deploy> <json>`, `beat`, `release`. The answer
// to `lease` is the number of seconds since the lease was released, if its last heartbeat is not newer than that.
// The watchdog compares the file's time with its last value, never with the clock, which may be set while it waits. It
// and every child close descriptor 9, or they would hold the lock beyond the keeper's end.
/** Exported so that the tests can run it in a real shell. */
export const keeperProgram = `
set -u
umask 077
mkdir -p "$1/journal" "$1/releases" "$1/backups" "$1/edge" "$1/files" || { echo "error cannot write to $1"; exit 1; }
command -v flock >/dev/null || { echo 'error flock is missing: install util-linux'; exit 1; }
exec 9>>"$1/lease.lock"
if ! flock -n 9; then
  printf 'held '; cat "$1/lease.json" 2>/dev/null | tr -d '\\n'; echo
  exit 0
fi
lease="$1/lease.json"
keeper=$$
free=
if [ -f "$1/released" ] && ! [ "$lease" -nt "$1/released" ]; then
  free=$(($(date +%s) - $(stat -c %Y "$1/released")))
fi
touch "$lease"
( seen= idle=0
  while sleep 3; do
    now=$(stat -c %Y "$lease" 2>/dev/null)
    if [ "$now" = "$seen" ]; then idle=$((idle + 3)); else seen=$now idle=0; fi
    [ "$idle" -lt "$2" ] || { kill "$keeper"; exit; }
    kill -0 "$keeper" 2>/dev/null || exit
  done ) 9>&- >/dev/null 2>&1 </dev/null &
watchdog=$!
trap 'kill "$watchdog" 2>/dev/null' EXIT
trap 'exit 1' TERM HUP
while IFS= read -r line; do
  touch "$lease" 9>&-
  case "$line" in
    beat) echo ok ;;
    'lease '*) printf '%s\\n' "\${line#lease }" >"$lease" && echo "ok\${free:+ $free}" || echo 'error lease' ;;
    release) touch "$1/released" 9>&-; echo ok ;;
    'journal '*)
      line=\${line#journal }; deploy=\${line%% *}; file="$1/journal/$deploy.jsonl"
      case "$deploy" in ''|*[!A-Za-z0-9-]*) echo 'error invalid deploy name'; continue ;; esac
      if printf '%s\\n' "\${line#* }" >>"$file" && { sync -d "$file" 2>/dev/null || sync; } 9>&-; then echo ok
      else echo 'error cannot write the journal (is the disk full?)'; fi ;;
    *) echo 'error unknown line' ;;
  esac
done
`;

/**
 * Takes the lease of an app on a host.
 *
 * @throws UserError `lease.held` naming the holder; `lease.unusable` if the app's folder cannot be written.
 */
export async function takeLease(host: Host, layout: Layout, holder: LeaseHolder): Promise<Keeper> {
  const dialogue = await host.dialogue(
    ['sh', '-c', keeperProgram, 'sluice-keeper', layout.app, String(leaseSeconds)],
    `lease ${JSON.stringify(holder)}`,
  );
  const greeting = await dialogue.greeted.catch(messageOf);
  if (greeting.startsWith('held ')) {
    await dialogue.close();
    throw heldError(host.name, greeting.slice(5));
  }
  const [word, free] = greeting.split(' ');
  if (word !== 'ok') {
    await dialogue.close();
    throw unusable(host.name, layout, greeting);
  }
  return keep(host, dialogue, free === undefined ? undefined : Number(free));
}

function keep(host: Host, dialogue: HostDialogue, freeFor: number | undefined): Keeper {
  const controller = new AbortController();
  const lose = (cause: unknown) =>
    controller.abort(
      new UserError({
        code: 'lease.lost',
        message: `${host.name}: lost the lease; another run may now change the app`,
        hint: 'Run `sluice status`. The next deploy finishes or undoes this one.',
        cause,
      }),
    );
  let ending = false;
  dialogue.closed.then(
    () => !ending && lose(undefined),
    (error: unknown) => !ending && lose(error),
  );
  const heartbeat = setInterval(() => void dialogue.ask('beat').catch(lose), heartbeatMs).unref();

  return {
    freeFor,
    lost: controller.signal,
    write: async (deploy, entry) => {
      controller.signal.throwIfAborted();
      const answer = await dialogue.ask(`journal ${deploy} ${JSON.stringify(entry)}`);
      if (answer !== 'ok') {
        throw new UserError({
          code: 'journal.unwritable',
          message: `${host.name}: ${answer.replace(/^error /, '')}`,
          hint: 'Free some disk space on the host, then deploy again.',
        });
      }
    },
    check: async () => {
      controller.signal.throwIfAborted();
      await dialogue.ask('beat');
    },
    release: async () => {
      ending = true;
      clearInterval(heartbeat);
      dialogue.ask('release').catch(() => {});
      await dialogue.close().catch(() => {});
    },
  };
}

function heldError(host: string, json: string): UserError {
  let who = 'another run';
  try {
    const lease = JSON.parse(json) as Partial<LeaseHolder>;
    const parts = [
      lease.actor,
      lease.runner && `on ${lease.runner}`,
      lease.deploy && `deploy ${lease.deploy}`,
    ];
    who = parts.filter(Boolean).join(', ') || who;
    if (lease.since) who += `, since ${lease.since}`;
    if (lease.runUrl) who += `, ${lease.runUrl}`;
  } catch {
    // The holder has taken the lock and not written its name yet.
  }
  return new UserError({
    code: 'lease.held',
    message: `${host}: the app is being deployed by ${who}`,
    hint: `Wait until it ends. If its runner is gone, the lease expires within ${leaseSeconds} s.`,
  });
}

function unusable(host: string, layout: Layout, answer: string): UserError {
  const root = layout.app.replace(/\/[^/]+$/, '');
  return new UserError({
    code: 'lease.unusable',
    message: `${host}: cannot take the lease in ${layout.app}: ${answer.replace(/^error /, '')}`,
    hint: `The deploy user must own ${root}. As root on the host, run: install -d -o USER -m 700 ${root}`,
  });
}
