import { messageOf, userErrorsOf } from '../kernel/errors.ts';
import type { BuilderFacts, CacheChoice, CacheFlags } from './cache/cache.ts';
import type { GitRef } from './git/ref.ts';
import type { BuildTarget } from './model.ts';
import type { Manifest } from './registry/model.ts';

/** The plan of a build. `build` executes exactly this object. */
export interface BuildPlan {
  readonly app: string;
  readonly ref: GitRef;
  /** Tags that all images of the set get at the end. */
  readonly tags: readonly string[];
  readonly push: boolean;
  /** `registry: none`: images are not pushed; they stay in the engine and get their tags there. */
  readonly carried: boolean;
  /** Why nothing is pushed, if so. */
  readonly notPushed: string | undefined;
  readonly targets: readonly PlannedTarget[];
  /** Undefined when nothing is built. */
  readonly builder: BuilderFacts | undefined;
  readonly cache: CacheChoice | undefined;
  /** Registries that did not answer. Only a plan that is just shown, or that pushes nothing, has any. */
  readonly unasked: readonly Unasked[];
  readonly notes: readonly string[];
  /** Findings from before the build. */
  readonly findings: readonly BuildFinding[];
}

export interface PlannedTarget {
  readonly target: BuildTarget;
  /** Digest of everything that goes into the image, or why it cannot be computed. */
  readonly tree: { readonly digest: string } | { readonly unresolved: string };
  /** Tag that says "built from this tree"; undefined without a digest. */
  readonly treeTag: string | undefined;
  readonly action: TargetAction;
  /** Digests of base images as they were when the tree's digest was made, by reference. */
  readonly bases: Readonly<Record<string, string>>;
}

export type TargetAction =
  | { readonly kind: 'reuse'; readonly manifest: Manifest }
  | {
      readonly kind: 'build';
      readonly why: string;
      /** Whether the registry may have the image, but did not answer. */
      readonly isUnasked: boolean;
      readonly cache: CacheFlags;
    };

/** How a build ended. */
export interface BuildReport {
  readonly app: string;
  readonly tags: readonly string[];
  readonly pushed: boolean;
  /** Reference by digest for each service: what `sluice deploy --images` takes. Empty when nothing was pushed. */
  readonly images: Readonly<Record<string, string>>;
  readonly targets: readonly TargetReport[];
  readonly cache: { readonly backend: string; readonly why: string } | undefined;
  readonly steps: { readonly cached: number; readonly run: number };
  readonly slowest: readonly SlowStep[];
  readonly findings: readonly BuildFinding[];
  readonly ms: number;
}

export interface TargetReport {
  readonly name: string;
  readonly services: readonly string[];
  readonly outcome: 'built' | 'reused';
  readonly why: string;
  readonly repository: string;
  /** Undefined when it was built and not pushed. */
  readonly digest: string | undefined;
  /** Bytes of the layers sent to the registry. Undefined: the builder does not report them. */
  readonly pushedBytes: number | undefined;
}

export interface SlowStep {
  readonly target: string;
  readonly name: string;
  readonly ms: number;
}

/** A finding that does not fail the build. */
export interface BuildFinding {
  readonly target: string;
  /** `root-user`, `build-check`, `cache`, `tag-moved`, `lost-tree`, `git-context`, `registry`. */
  readonly topic: string;
  readonly message: string;
  readonly at?: { readonly file: string; readonly line?: number };
  readonly url?: string;
}

/** A registry that did not answer a request, for the plan. */
export interface Unasked {
  readonly host: string;
  readonly why: string;
  readonly hint: string | undefined;
}

export interface Questions {
  /**
   * @returns the answer, or the reason why it is missing.
   * @throws the error of the request, unless a registry caused it and nothing is pushed.
   */
  ask<T>(
    host: string,
    question: () => Promise<T>,
  ): Promise<{ readonly answer: T } | { readonly unasked: string }>;
  /** Failed requests, without duplicates. */
  unasked(): readonly Unasked[];
}

/**
 * If a registry does not answer (no network, no login), a plan shows the rest, and a build that pushes nothing continues.
 * A build that pushes fails with that registry's error before it builds anything.
 *
 * @param isReader whether nothing is pushed.
 * @param signal of the run, not of the registries' deadline.
 */
export function askQuestions(isReader: boolean, signal: AbortSignal): Questions {
  const found = new Map<string, Unasked>();
  return {
    ask: async (host, question) => {
      try {
        return { answer: await question() };
      } catch (error) {
        signal.throwIfAborted();
        const [fault] = userErrorsOf(error);
        if (!isReader || fault?.code.startsWith('registry.') !== true) throw error;
        const why = messageOf(error);
        found.set(`${host} ${why}`, { host, why, hint: fault.hint });
        return { unasked: why };
      }
    },
    unasked: () => [...found.values()],
  };
}
