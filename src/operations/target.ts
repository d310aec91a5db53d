import { formatAddress, parseAddress } from '../config/address.ts';
import type { Config, Target } from '../config/model.ts';
import { targetOf } from '../config/sluice-yml/load.ts';
import { UserError } from '../kernel/errors.ts';
import type { OperationContext } from './context.ts';

/** The named target, or the only one. */
export function chooseTarget(config: Config, name: string | undefined): Target {
  const all = Object.values(config.targets);
  const [only] = all;
  if (name === undefined && all.length === 1 && only !== undefined) return only;
  if (name !== undefined) return targetOf(config, name);
  const names = all.map((target) => target.name).join(', ');
  throw new UserError({
    code: 'usage.argument',
    message:
      names === '' ? 'sluice.yml has no targets' : 'sluice.yml has several targets, and none was named',
    hint:
      names === ''
        ? 'Add `targets:`; `sluice init` writes an example.'
        : `Add --target NAME. Available: ${names}.`,
  });
}

/**
 * The target with the given address for its only host: CI secrets often hold a server's name and user.
 *
 * @throws UserError `config.host` for an invalid address, `usage.argument` for a target with several hosts.
 */
export function reachedAt(target: Target, server: OperationContext['server']): Target {
  const { host: name, user } = server ?? {};
  const [host, ...others] = target.hosts;
  if (host === undefined || (name === undefined && user === undefined)) return target;
  if (others.length > 0) {
    throw new UserError({
      code: 'usage.argument',
      message: `host and user name a single server, but target ${target.name} has ${target.hosts.length} in sluice.yml`,
      hint: 'Leave both empty, and list the servers under `hosts:`.',
    });
  }
  const { user: ownUser, ...place } = host;
  const written = name ?? formatAddress({ ...place, user: ownUser }).slice(ownUser.length + 1);
  const at = written.lastIndexOf('@');
  const full = at >= 0 && user === undefined ? written : `${user ?? ownUser}@${written.slice(at + 1)}`;
  const found = parseAddress(full);
  if ('fault' in found) {
    // Without the values: they may be secrets in the wrong place.
    throw new UserError({
      code: 'config.host',
      message: `The address made of host and user ${found.fault}`,
      hint: 'host is `server.example.com`, with `:2222` for another port; user is a name such as `deploy`.',
    });
  }
  return { ...target, hosts: [{ ...host, ...found, name: formatAddress(found) }] };
}
