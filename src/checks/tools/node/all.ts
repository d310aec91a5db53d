import type { Tool } from '../../tool.ts';
import { biome } from './biome.ts';
import { eslint } from './eslint.ts';
import { jest } from './jest.ts';
import { packageJson } from './package-json.ts';
import { prettier } from './prettier.ts';
import { build, lintScript } from './scripts.ts';
import { testScript } from './test-script.ts';
import { tsc } from './tsc.ts';
import { vitest } from './vitest.ts';

/** Tools for projects with a package.json. */
export const nodeTools: readonly Tool[] = [
  packageJson,
  eslint,
  tsc,
  prettier,
  biome,
  lintScript,
  vitest,
  jest,
  testScript,
  build,
];
