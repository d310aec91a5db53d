import type { App } from './app.ts';
import { connections } from './capacity/connections.ts';
import { postgresMemory, processMemory } from './capacity/memory.ts';
import { workers } from './capacity/workers.ts';
import { development } from './compose/development.ts';
import { privileged, publishedDatabase } from './compose/exposure.ts';
import { dependsOn, healthcheck, restartPolicy } from './compose/health.ts';
import { floatingTag } from './compose/images.ts';
import { cpuLimit, memoryLimit } from './compose/limits.ts';
import { dockerSocket, sourceMount } from './compose/mounts.ts';
import { literalSecret } from './compose/secrets.ts';
import { addRemote, floatingBase } from './dockerfile/base.ts';
import { missingDockerignore } from './dockerfile/context.ts';
import { copyFromMissing, unknownStage } from './dockerfile/copy-from.ts';
import { devDependencies } from './dockerfile/dev-dependencies.ts';
import { aptClean, cacheMount, npmInstall } from './dockerfile/install.ts';
import { copyBeforeInstall } from './dockerfile/order.ts';
import { secretInImage } from './dockerfile/secrets.ts';
import { devCommand, entrypointExec, shellForm } from './dockerfile/start.ts';
import { rootUser } from './dockerfile/user.ts';
import { noExample, undocumented, unused } from './env/example.ts';
import { committedSecret, exampleSecret, placeholder, weakSecret } from './env/secrets.ts';
import { allowedHosts, cors, debug } from './env/switches.ts';
import { ignoreReason, ignoreUnknown } from './ignores.ts';
import type { ImageBuild } from './image/build.ts';
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

export const composeRules: readonly Rule<App>[] = [
  sourceMount,
  memoryLimit,
  cpuLimit,
  healthcheck,
  restartPolicy,
  literalSecret,
  floatingTag,
  publishedDatabase,
  development,
  privileged,
  dockerSocket,
  dependsOn,
];

export const envRules: readonly Rule<App>[] = [
  undocumented,
  unused,
  noExample,
  committedSecret,
  exampleSecret,
  placeholder,
  weakSecret,
  debug,
  cors,
  allowedHosts,
];

export const capacityRules: readonly Rule<App>[] = [connections, processMemory, postgresMemory, workers];

/** All of Sluice's own rules, in the order of their page. */
export const ownRules: readonly RuleText[] = [
  ...dockerfileRules,
  ...composeRules,
  ...envRules,
  ...capacityRules,
  ignoreReason,
  ignoreUnknown,
];

export const ruleIds: ReadonlySet<string> = new Set(ownRules.map(({ id }) => id));
