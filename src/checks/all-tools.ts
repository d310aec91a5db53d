import type { Config } from '../config/model.ts';
import { ownTools } from './rules/tools.ts';
import type { Tool } from './tool.ts';
import { nodeTools } from './tools/node/all.ts';
import { pythonTools } from './tools/python/all.ts';
import { scanTools } from './tools/scan/all.ts';

/** All tools, in the order of reports. @param config undefined in a repository without sluice.yml. */
export function allTools(config: Config | undefined): readonly Tool[] {
  return [...ownTools(config), ...pythonTools, ...nodeTools, ...scanTools];
}
