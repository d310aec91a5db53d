import { error as errorLine, notice, saveState, setOutput, warning } from '@actions/core';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { Effects } from '../../kernel/run.ts';
import { type Annotation, withinLimits } from '../../report/annotations.ts';
import { appendSummary, summarySize } from '../../report/summary-file.ts';

/** The step that an action runs in, and what it can pass to the runner. All of it is scrubbed of secrets first. */
export interface Job {
  readonly effects: Effects;
  /** For later steps. A value too large for GitHub is omitted, with a warning. */
  output(name: string, value: string): void;
  /** Kept until the step ends: GitHub shows ten of a level, so the best are chosen then. */
  annotate(annotation: Annotation): void;
  /** `render` gets the available bytes; without a summary file nothing happens. */
  summarise(render: (room: number) => string): Promise<void>;
  /** For the post step of this action. Never a secret: states are in a file. */
  remember(name: string, value: string): void;
}

/** GitHub's limit is 1 MB for all outputs of a job. */
const outputBytes = 512 * 1024;

export interface OpenJob extends Job {
  /** Whether this step has written to the summary. */
  hasSummary(): Promise<boolean>;
  /** Passes the annotations to the runner. */
  close(): void;
}

export async function openJob(effects: Effects): Promise<OpenJob> {
  const { mask, env } = effects;
  const annotations: Annotation[] = [];
  const summary = env.GITHUB_STEP_SUMMARY;
  const before = summary ? await summarySize(summary) : 0;
  return {
    effects,
    output: (name, value) => {
      const clean = mask.scrub(value);
      if (Buffer.byteLength(clean) > outputBytes) {
        effects.log.warn(`Output ${name} is omitted: GitHub accepts at most 1 MB of outputs per job`);
        return;
      }
      toRunner(() => setOutput(name, clean));
    },
    annotate: (annotation) => void annotations.push(annotation),
    summarise: async (render) => {
      if (!summary) return;
      await appendSummary(summary, (room) => mask.scrub(render(room))).catch((error: unknown) =>
        effects.log.warn(`Cannot write the job summary: ${messageOf(error)}`),
      );
    },
    remember: (name, value) => toRunner(() => saveState(name, value)),
    hasSummary: async () => summary !== undefined && (await summarySize(summary)) > before,
    close: () => {
      const clean = annotations.map((annotation) => ({
        ...annotation,
        title: mask.scrub(annotation.title),
        message: mask.scrub(annotation.message),
      }));
      const say = { error: errorLine, warning, notice };
      for (const { level, message, title, file, line, column } of withinLimits(clean)) {
        say[level](message, {
          title,
          ...(file === undefined ? {} : { file }),
          ...(line === undefined ? {} : { startLine: line }),
          ...(column === undefined ? {} : { startColumn: column }),
        });
      }
    },
  };
}

/** @throws UserError `job.files`. */
function toRunner(write: () => void): void {
  try {
    write();
  } catch (error) {
    throw new UserError({
      code: 'job.files',
      message: `Cannot write the runner's file for outputs or states: ${messageOf(error)}`,
      hint: 'Check whether the disk of the runner is full.',
      cause: error,
    });
  }
}
