import type { Target } from '../../config/model.ts';
import { messageOf, UserError } from '../../kernel/errors.ts';
import { runProcess } from '../../kernel/process/process.ts';
import type { Effects } from '../../kernel/run.ts';

/** Git stores a tag as a file name. */
const longestName = 255;

/**
 * Name of the release: the given one, else the tag that CI runs for if its commit is checked out, else the output of
 * `git describe`.
 *
 * @param option that sets the name, for messages.
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
  const git = (...args: string[]) =>
    runProcess(['git', '-C', folder, ...args], { signal: effects.signal, timeoutMs: 10_000 }).catch(
      (error: unknown) => {
        effects.log.detail(`git: ${messageOf(error)}`);
        return { code: 1, stdout: '', stderr: '' };
      },
    );
  const ofRun = env.GITHUB_REF_TYPE === 'tag' ? env.GITHUB_REF_NAME : undefined;
  const [described, head, ofTag] = await Promise.all([
    asked === undefined ? git('describe', '--tags', '--always', '--dirty') : undefined,
    git('rev-parse', '--verify', 'HEAD'),
    // Of an annotated tag GITHUB_SHA may be the tag's own object.
    ofRun === undefined ? undefined : git('rev-parse', '--verify', `${env.GITHUB_SHA ?? ''}^{commit}`),
  ]);
  // The run's tag names only the run's commit, not another one that a workflow has checked out.
  const commitOfRun = ofTag?.code === 0 ? ofTag.stdout.trim() : env.GITHUB_SHA;
  const isOther = head.code === 0 && commitOfRun !== undefined && head.stdout.trim() !== commitOfRun;
  const tag = isOther ? undefined : ofRun;
  if (isOther && ofRun !== undefined && asked === undefined) {
    effects.log.warn(
      `The checkout is ${head.stdout.trim().slice(0, 12)}, but the run is for ${ofRun}: the release is named after the checkout`,
    );
  }
  const release = asked ?? tag ?? (described?.code === 0 ? described.stdout.trim() : undefined);
  const commit = head.code === 0 ? head.stdout.trim() : undefined;
  if (release === undefined || release === '') {
    throw new UserError({
      code: 'usage.argument',
      message: 'The release has no name: this folder has no Git history to derive one from',
      hint: `Pass ${option} NAME.`,
    });
  }
  if (release.length > longestName || /[\x00-\x1f\x7f]/.test(release)) {
    throw new UserError({
      code: 'usage.argument',
      message: `The name of a release must be one line of at most ${longestName} characters`,
      hint: `Pass a shorter one with ${option} NAME.`,
    });
  }
  // `v1.2.3-4-gabc123` is four commits after the tag, `v1.2.3-dirty` the tag with changes.
  const isBeside = release === described?.stdout.trim() && /-(?:\d+-g[0-9a-f]+|dirty)$/.test(release);
  if (target?.requireTag === true && (isBeside || !/^v?\d+\.\d+\.\d+/.test(release))) {
    throw new UserError({
      code: 'release.not-a-tag',
      message: `Target ${target.name} accepts only version tags, and ${release} is not one`,
      hint: `Tag the commit (git tag v1.2.3) or pass ${option} v1.2.3.`,
    });
  }
  return { release, commit };
}
