import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';

const namespace = 'http://cloudfront.amazonaws.com/doc/2020-05-31/';

const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false });

const errorShape = z.object({ Code: z.string(), Message: z.string().default('') });
const invalidationShape = z.object({
  Invalidation: z.object({ Id: z.string().regex(/^[A-Z0-9]+$/i), Status: z.string() }),
});

/** An invalidation as CloudFront tells of it; it works on it until `completed`. */
export interface InvalidationState {
  readonly id: string;
  readonly completed: boolean;
}

/** What CloudFront has against a request. */
export interface CloudFrontError {
  readonly code: string;
  readonly message: string;
}

/** The body of CreateInvalidation. */
export function invalidationBatch(paths: readonly string[], callerReference: string): string {
  const items = paths.map((path) => `<Path>${escapeXml(path)}</Path>`).join('');
  return (
    `<?xml version="1.0" encoding="UTF-8"?><InvalidationBatch xmlns="${namespace}">` +
    `<Paths><Quantity>${paths.length}</Quantity><Items>${items}</Items></Paths>` +
    `<CallerReference>${escapeXml(callerReference)}</CallerReference></InvalidationBatch>`
  );
}

/** @returns undefined for a text that is no answer of CloudFront's. */
export function parseInvalidation(text: string): InvalidationState | undefined {
  const parsed = invalidationShape.safeParse(parse(text)).data?.Invalidation;
  return parsed && { id: parsed.Id, completed: parsed.Status === 'Completed' };
}

/** @returns undefined for a text that names no error: an invalidation, a proxy's page. */
export function parseError(text: string): CloudFrontError | undefined {
  // `Error` stands in an `ErrorResponse`; some gateways of AWS leave that out.
  const { ErrorResponse, Error: alone } = parse(text) as Record<string, { Error?: unknown } | undefined>;
  const parsed = errorShape.safeParse(ErrorResponse?.Error ?? alone).data;
  return parsed && { code: parsed.Code, message: parsed.Message };
}

function parse(text: string): object {
  try {
    return parser.parse(text) as object;
  } catch {
    return {};
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => entities[char] ?? '');
}
