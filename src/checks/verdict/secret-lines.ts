import type { Finding } from '../model.ts';

const scanners = new Set(['trufflehog', 'gitleaks', 'secretlint', 'detect-secrets']);

/** Ruff's and bandit's rules for passwords in code; Trivy's for secrets in ENV and ARG. */
const codes = /^(S10[5-7]|B10[5-7]|(AVD-)?DS-?0*31)$/;
/** Sluice's rules about variables read values; other rules are recognized by their names. */
const words = /^env\/|secret|passw|credential|token|api-?key|private-?key/i;

export function isSecretScanner(tool: string): boolean {
  return scanners.has(tool);
}

/** Whether the line of a finding may contain a secret: then reports must not show it. */
export function mayHoldSecret({ tool, rule, at }: Finding): boolean {
  const name = at?.file.split('/').at(-1) ?? '';
  const secretFile = /^\.env(\.|$)|\.(env|pem|key)$/.test(name);
  return secretFile || scanners.has(tool) || codes.test(rule) || words.test(rule);
}
