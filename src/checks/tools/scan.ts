import type { Tool } from '../tool.ts';
import { actionlint } from './actionlint.ts';
import { alembic } from './alembic.ts';
import { hadolint } from './hadolint.ts';
import { npmAudit } from './npm-audit.ts';
import { pipAudit } from './pip-audit.ts';
import { squawk } from './squawk.ts';
import { trivyConfig } from './trivy-config.ts';
import { trivyFs } from './trivy-fs.ts';
import { trivyImage } from './trivy-image.ts';
import { trufflehog } from './trufflehog.ts';

/** Tools that look at the repository as it lies there: they need none of its packages, but for Alembic. */
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
