import type { NodeProject } from '../../detect/node.ts';
import type { Finding } from '../../model.ts';
import { nodeTool } from './project-check.ts';

/** Faults of package.json itself, which all other tools are planned from. */
export const packageJson = nodeTool({
  name: 'package.json',
  category: 'lint',
  cost: { cores: 0, memory: 0, seconds: 0 },
  why(project) {
    const [first] = manifestFindings(project);
    return first === undefined ? undefined : `${project.file} has a problem`;
  },
  command: () => 'reads package.json',
  run: async (_context, project) => ({ ran: true, findings: manifestFindings(project) }),
});

function manifestFindings(project: NodeProject): readonly Finding[] {
  const { fault, file, folder, root, manager, hasPackages } = project;
  const common = { tool: 'package.json', subject: file };
  if (fault !== undefined) {
    return [
      { ...common, rule: 'malformed', severity: 'high', level: 'fail', message: fault.message, at: fault.at },
    ];
  }
  if (folder !== root || !hasPackages || manager.lock !== undefined) return [];
  const message = `${file} has no lock file: each run may install and check other versions.`;
  const fix = `Run \`${manager.name} install\` and commit the lock file.`;
  return [{ ...common, rule: 'no-lock-file', severity: 'low', level: 'note', message, at: { file }, fix }];
}
