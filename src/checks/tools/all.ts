import type { Config } from '../../config/model.ts';
import { ownTools } from '../rules/tools.ts';
import type { Tool } from '../tool.ts';
import { biome } from './node/biome.ts';
import { eslint } from './node/eslint.ts';
import { jest } from './node/jest.ts';
import { npmAudit } from './node/npm-audit.ts';
import { packageJson } from './node/package-json.ts';
import { prettier } from './node/prettier.ts';
import { build, lintScript } from './node/scripts.ts';
import { testScript } from './node/test-script.ts';
import { tsc } from './node/tsc.ts';
import { vitest } from './node/vitest.ts';
import { alembic } from './python/alembic.ts';
import { black } from './python/black.ts';
import { mypy } from './python/mypy.ts';
import { pipAudit } from './python/pip-audit.ts';
import { pytest } from './python/pytest.ts';
import { ruff, ruffFormat } from './python/ruff.ts';
import { unittest } from './python/unittest.ts';
import { actionlint } from './scan/actionlint.ts';
import { hadolint } from './scan/hadolint.ts';
import { squawk } from './scan/squawk.ts';
import { trufflehog } from './scan/trufflehog.ts';
import { trivyConfig } from './trivy/config.ts';
import { trivyFs } from './trivy/fs.ts';
import { trivyImage } from './trivy/image.ts';

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

/** Tools for Python projects. */
export const pythonTools: readonly Tool[] = [ruff, ruffFormat, black, mypy, pytest, unittest];

/** Tools that only read files; except for Alembic they need no packages of the repository. */
export const scanTools: readonly Tool[] = [
  hadolint,
  actionlint,
  squawk,
  alembic,
  trivyFs,
  trivyConfig,
  trivyImage,
  npmAudit,
  pipAudit,
  trufflehog,
];

/** All tools, in the order of reports. @param config undefined in a repository without sluice.yml. */
export function allTools(config: Config | undefined): readonly Tool[] {
  return [...ownTools(config), ...pythonTools, ...nodeTools, ...scanTools];
}
