import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Time between SIGTERM and SIGKILL; a canceled job has about 7 s in all. */
const graceMs = 2_000;

/** Ends a process group, with SIGTERM first. Its leader may be gone while other members still run. */
export async function endGroup(pid: number | undefined): Promise<void> {
  signalGroup(pid, 'SIGTERM');
  const begun = performance.now();
  while (groupLives(pid)) {
    if (performance.now() - begun > graceMs) {
      signalGroup(pid, 'SIGKILL');
      return;
    }
    await sleep(20);
  }
}

/**
 * Whether any process of the group still runs. Zombies do not count, although signals reach them: their parent may be gone,
 * and the first process of a container often never reaps them.
 */
function groupLives(pid: number | undefined): boolean {
  if (!signalGroup(pid, 0)) return false;
  try {
    return readdirSync('/proc').some((name) => {
      const [state, group] = /^\d+$/.test(name) ? stateOf(name) : [];
      return group === String(pid) && state !== 'Z';
    });
  } catch {
    return true;
  }
}

/** State letter and process group, see proc_pid_stat(5); the program's name before them may contain any character. */
function stateOf(pid: string): [state: string, group: string] | [] {
  try {
    const [state = '', , group = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return [state, group];
  } catch {
    return [];
  }
}

/** @returns whether the group still exists. */
function signalGroup(pid: number | undefined, name: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, name);
  } catch {
    return false;
  }
}
