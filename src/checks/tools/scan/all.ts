import type { Tool } from '../../tool.ts';
import { npmAudit } from '../node/npm-audit.ts';
import { alembic } from '../python/alembic.ts';
import { pipAudit } from '../python/pip-audit.ts';
import { trivyConfig } from '../trivy/config.ts';
import { trivyFs } from '../trivy/fs.ts';
import { trivyImage } from '../trivy/image.ts';
import { actionlint } from './actionlint.ts';
import { hadolint } from './hadolint.ts';
import { squawk } from './squawk.ts';
import { trufflehog } from './trufflehog.ts';

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
