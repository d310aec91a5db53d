import { z } from 'zod';
import type { CheckSettings } from '../../../config/model.ts';
import type { Finding, Level, Severity } from '../../model.ts';
import { sentence } from '../answer.ts';

/** The used fields of trivy's JSON report, schema version 2. */
const packageShape = z.object({
  ID: z.string().optional(),
  Name: z.string(),
  Version: z.string().optional(),
  Dev: z.boolean().optional(),
  Relationship: z.string().optional(),
  Locations: z.array(z.object({ StartLine: z.number() })).optional(),
});

const vulnerabilityShape = z.object({
  VulnerabilityID: z.string(),
  PkgID: z.string().optional(),
  PkgName: z.string(),
  PkgIdentifier: z.object({ PURL: z.string().optional() }).optional(),
  InstalledVersion: z.string().optional(),
  FixedVersion: z.string().optional(),
  Severity: z.string().optional(),
  Title: z.string().optional(),
  PrimaryURL: z.string().optional(),
});

const misconfigurationShape = z.object({
  ID: z.string(),
  Title: z.string().optional(),
  Message: z.string().optional(),
  Resolution: z.string().optional(),
  Severity: z.string().optional(),
  PrimaryURL: z.string().optional(),
  Status: z.string().optional(),
  CauseMetadata: z
    .object({
      Resource: z.string().optional(),
      StartLine: z.number().optional(),
      EndLine: z.number().optional(),
    })
    .optional(),
});

const resultShape = z.object({
  Target: z.string(),
  Class: z.string().optional(),
  Type: z.string().optional(),
  Packages: z.array(packageShape).nullish(),
  Vulnerabilities: z.array(vulnerabilityShape).nullish(),
  Misconfigurations: z.array(misconfigurationShape).nullish(),
});

export const trivyReport = z.object({
  SchemaVersion: z.literal(2),
  Results: z.array(resultShape).nullish(),
});
export type TrivyReport = z.infer<typeof trivyReport>;
type TrivyResult = z.infer<typeof resultShape>;
type Vulnerability = z.infer<typeof vulnerabilityShape>;

const severityOf: Readonly<Record<string, Severity>> = {
  CRITICAL: 'critical',
  HIGH: 'high',
  MEDIUM: 'medium',
  LOW: 'low',
};
/** From the lowest up; new entries may be UNKNOWN. */
const ranks = ['UNKNOWN', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'];

/** The place of a vulnerable package, which differs between lock files and images. */
interface Whereabouts {
  /** File of the repository for a target; undefined for a layer of an image. */
  file(target: string): string | undefined;
  line(file: string, name: string): number | undefined;
  /** `in the image shop-web`, for packages of an image. */
  readonly within?: string;
}

/**
 * One finding for each vulnerability of each package in each file, for all its versions. `checks.scan` decides the level;
 * development packages never reach production, so they are notes.
 */
export function vulnerabilityFindings(
  report: TrivyReport,
  scan: CheckSettings['scan'],
  where: Whereabouts,
): Finding[] {
  return (report.Results ?? []).flatMap((result) => {
    const same = Map.groupBy(
      result.Vulnerabilities ?? [],
      ({ VulnerabilityID, PkgName }) => `${VulnerabilityID} ${PkgName}`,
    );
    return [...same.values()].map((found) => vulnerabilityFinding(result, found, scan, where));
  });
}

function vulnerabilityFinding(
  result: TrivyResult,
  found: readonly Vulnerability[],
  scan: CheckSettings['scan'],
  where: Whereabouts,
): Finding {
  const [one] = found as readonly [Vulnerability];
  const packages = (result.Packages ?? []).filter((dependency) =>
    found.some(({ PkgID, PkgName }) =>
      PkgID === undefined ? dependency.Name === PkgName : dependency.ID === PkgID,
    ),
  );
  const file = where.file(result.Target);
  const line =
    packages.find(({ Locations }) => Locations !== undefined && Locations.length > 0)?.Locations?.[0]
      ?.StartLine ?? (file === undefined ? undefined : where.line(file, one.PkgName));
  const versions = [...new Set(found.map(({ InstalledVersion }) => InstalledVersion ?? ''))].join(', ');
  const dev = packages.length > 0 && packages.every(({ Dev }) => Dev === true);
  const named = `${one.PkgName} ${versions}`.trim();
  const title = one.Title === undefined ? '' : `: ${one.Title}`;
  const place = where.within === undefined ? '' : ` ${where.within}`;
  const only = dev ? ' It is a development dependency.' : '';
  return {
    tool: 'trivy',
    rule: one.VulnerabilityID,
    severity: severityOf[one.Severity ?? ''] ?? 'info',
    level: dev ? 'note' : levelOf(one, scan),
    message: `${sentence(`${named}${place} has ${one.VulnerabilityID} (${one.Severity ?? 'UNKNOWN'})${title}`)}${only}`,
    ...(file === undefined ? {} : { at: { file, ...(line === undefined ? {} : { line }) } }),
    fix: fixOf(
      one,
      packages.length > 0 && packages.every((dependency) => dependency.Relationship === 'indirect'),
    ),
    ...(one.PrimaryURL === undefined ? {} : { docs: one.PrimaryURL }),
    subject: subjectOf(one, result),
  };
}

function levelOf(
  { Severity: severity, FixedVersion: fixed }: Vulnerability,
  scan: CheckSettings['scan'],
): Level {
  if (ranks.indexOf(severity ?? 'UNKNOWN') < ranks.indexOf(scan.failOn)) return 'note';
  return hasFix(fixed) ? 'fail' : scan.unfixed;
}

function fixOf({ PkgName: name, FixedVersion: fixed }: Vulnerability, indirect: boolean): string {
  if (!hasFix(fixed)) {
    return `There is no fixed version of ${name} yet: replace the package, or accept the finding in the baseline until a date.`;
  }
  const versions = fixed.split(/,\s*/).join(' or ');
  if (indirect) return `Upgrade the package that depends on ${name} to one with ${name} ${versions}.`;
  return `Upgrade ${name} to ${versions}.`;
}

function hasFix(fixed: string | undefined): fixed is string {
  return fixed !== undefined && fixed !== '';
}

/** `npm:lodash`, by the package URL where trivy has one: its own names for npm are npm, yarn, pnpm, node-pkg … */
function subjectOf({ PkgName, PkgIdentifier }: Vulnerability, { Type }: TrivyResult): string {
  const type = /^pkg:([a-z0-9.+-]+)\//.exec(PkgIdentifier?.PURL ?? '')?.[1];
  return `${type ?? Type ?? 'package'}:${PkgName}`;
}

/** All are notes: Sluice's own rules judge Dockerfiles, and teams with clusters have their own rules for the rest. */
export function misconfigurationFindings(report: TrivyReport): Finding[] {
  return (report.Results ?? []).flatMap(({ Target, Misconfigurations }) =>
    (Misconfigurations ?? [])
      .filter(({ Status }) => Status === undefined || Status === 'FAIL')
      .map((misconfiguration): Finding => {
        const { Resource, StartLine: line, EndLine: endLine } = misconfiguration.CauseMetadata ?? {};
        return {
          tool: 'trivy',
          rule: misconfiguration.ID,
          severity: severityOf[misconfiguration.Severity ?? ''] ?? 'info',
          level: 'note',
          message: sentence(misconfiguration.Message || misconfiguration.Title || misconfiguration.ID),
          at: { file: Target, ...(line === undefined || line < 1 ? {} : { line }) },
          ...(line !== undefined && endLine !== undefined && endLine > line ? { endLine } : {}),
          ...(misconfiguration.Resolution === undefined
            ? {}
            : { fix: sentence(misconfiguration.Resolution) }),
          ...(misconfiguration.PrimaryURL === undefined ? {} : { docs: misconfiguration.PrimaryURL }),
          ...(Resource === undefined ? {} : { subject: Resource }),
        };
      }),
  );
}
