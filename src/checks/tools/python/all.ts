import type { Tool } from '../../tool.ts';
import { black } from './black.ts';
import { mypy } from './mypy.ts';
import { pytest } from './pytest.ts';
import { ruff } from './ruff.ts';
import { ruffFormat } from './ruff-format.ts';
import { unittest } from './unittest.ts';

/** Tools for Python projects. */
export const pythonTools: readonly Tool[] = [ruff, ruffFormat, black, mypy, pytest, unittest];
