import type { Config } from '../config/model.ts';

/** Servers as the command line names them. */
export interface TargetWishes {
  /** `deploy@prod-1.example.com`; undefined: not known. */
  readonly production: string | undefined;
  /** `false`: there is to be no staging. */
  readonly staging: string | false | undefined;
}

export interface TargetGuess {
  readonly name: 'staging' | 'production';
  /** How the names of its secrets begin. */
  readonly prefix: 'STAGING' | 'PROD';
  /** `user@host[:port]` */
  readonly host: string;
  /** The host is a stand-in for one that a person has to write. */
  readonly isOpen: boolean;
}

/** Production, and staging unless there is none: from the command line, else from the sluice.yml that is there. */
export function guessTargets(present: Config | undefined, wishes: TargetWishes): TargetGuess[] {
  const stands = present?.targets;
  const isWithout =
    wishes.staging === false ||
    (wishes.staging === undefined && stands !== undefined && !Object.hasOwn(stands, 'staging'));
  const staging = isWithout ? [] : [target('staging', 'STAGING', wishes.staging || undefined, present)];
  return [...staging, target('production', 'PROD', wishes.production, present)];
}

function target(
  name: TargetGuess['name'],
  prefix: TargetGuess['prefix'],
  wish: string | undefined,
  present: Config | undefined,
): TargetGuess {
  const open = `deploy@${name}.example.com`;
  const host = wish ?? present?.targets[name]?.hosts[0]?.name ?? open;
  return { name, prefix, host, isOpen: host === open };
}
