import { addRemote, floatingBase } from './dockerfile-base.ts';
import { missingDockerignore } from './dockerfile-context.ts';
import { copyFromMissing, unknownStage } from './dockerfile-copy-from.ts';
import { devDependencies } from './dockerfile-dev-dependencies.ts';
import { aptClean, cacheMount, npmInstall } from './dockerfile-install.ts';
import { copyBeforeInstall } from './dockerfile-order.ts';
import { secretInImage } from './dockerfile-secrets.ts';
import { devCommand, entrypointExec, shellForm } from './dockerfile-start.ts';
import { rootUser } from './dockerfile-user.ts';
import { ignoreReason, ignoreUnknown } from './ignores.ts';
import type { ImageBuild } from './image-build.ts';
import type { Rule, RuleText } from './rule.ts';

export const dockerfileRules: readonly Rule<ImageBuild>[] = [
  copyBeforeInstall,
  cacheMount,
  npmInstall,
  devDependencies,
  copyFromMissing,
  unknownStage,
  rootUser,
  floatingBase,
  secretInImage,
  shellForm,
  entrypointExec,
  devCommand,
  missingDockerignore,
  addRemote,
  aptClean,
];

/** Every rule of ours, in the order of its page. */
export const ownRules: readonly RuleText[] = [...dockerfileRules, ignoreReason, ignoreUnknown];

export const ruleIds: ReadonlySet<string> = new Set(ownRules.map(({ id }) => id));
