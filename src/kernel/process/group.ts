import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** After SIGTERM a group has this long before SIGKILL; a cancelled job leaves about 7 s for everything. */
const graceMs = 2_000;

/** Ends a process group, politely first. Its leader may be gone while others of it still run. */
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
 * Whether any process of the group still runs. The dead do not count, although signals reach them: their parent may
 * be gone, and the first process of a container is often one that never collects them.
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

/** State letter and process group, see proc_pid_stat(5); the program's name before them may hold anything. */
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

/** @returns whether anything of the group is there to get the signal. */
function signalGroup(pid: number | undefined, name: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, name);
  } catch {
    return false;
  }
}
