import type { Config, Target } from '../config/model.ts';
import { targetOf } from '../config/sluice-yml/load.ts';
import { UserError } from '../kernel/errors.ts';

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
