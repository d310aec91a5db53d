import type { Target } from '../config/model.ts';
import { messageOf, UserError } from '../kernel/errors.ts';
import { runProcess } from '../kernel/process.ts';
import type { Effects } from '../kernel/run.ts';

/** A tag is a file name for git. */
const longestName = 255;

/**
 * Name of the release: what was asked for, the tag that CI runs for, or what git says of the checkout.
 *
 * @param option the one that says the name.
 * @throws UserError `release.not-a-tag` for a target with `require-tag` and no version tag.
 */
export async function releaseName(
  asked: string | undefined,
  target: Pick<Target, 'name' | 'requireTag'> | undefined,
  folder: string,
  effects: Effects,
  option = '--release',
): Promise<{ release: string; commit: string | undefined }> {
  const { env } = effects;
  const tag = env.GITHUB_REF_TYPE === 'tag' ? env.GITHUB_REF_NAME : undefined;
  const git = (...args: string[]) =>
    runProcess(['git', '-C', folder, ...args], { signal: effects.signal, timeoutMs: 10_000 }).catch(
      (error: unknown) => {
        effects.log.detail(`git: ${messageOf(error)}`);
        return { code: 1, stdout: '', stderr: '' };
      },
    );
  const [described, head] = await Promise.all([
    asked === undefined && tag === undefined ? git('describe', '--tags', '--always', '--dirty') : undefined,
    git('rev-parse', 'HEAD'),
  ]);
  const release = asked ?? tag ?? (described?.code === 0 ? described.stdout.trim() : undefined);
  const commit = head.code === 0 ? head.stdout.trim() : undefined;
  if (release === undefined || release === '') {
    throw new UserError({
      code: 'usage.argument',
      message: 'The release needs a name, and this folder has no git history to take one from',
      hint: `Pass ${option} NAME.`,
    });
  }
  if (release.length > longestName || /[\x00-\x1f\x7f]/.test(release)) {
    throw new UserError({
      code: 'usage.argument',
      message: `The name of a release is one line of at most ${longestName} characters, and this one is not`,
      hint: `Pass ${option} NAME with a shorter one.`,
    });
  }
  if (target?.requireTag === true && !/^v?\d+\.\d+\.\d+/.test(release)) {
    throw new UserError({
      code: 'release.not-a-tag',
      message: `Target ${target.name} takes version tags only, and ${release} is none`,
      hint: `Tag the commit (git tag v1.2.3) or pass ${option} v1.2.3.`,
    });
  }
  return { release, commit };
}
