import { escapeXml, text } from '../aws/xml.ts';

const namespace = 'http://cloudfront.amazonaws.com/doc/2020-05-31/';

/** The state of an invalidation. */
export interface InvalidationState {
  readonly id: string;
  readonly completed: boolean;
}

/** An error of CloudFront. */
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

/** @returns undefined for any other text. */
export function parseInvalidation(xml: string): InvalidationState | undefined {
  const id = text(xml, 'Id');
  // It becomes part of a path.
  if (id === undefined || !/^[A-Z0-9]+$/i.test(id)) return undefined;
  return { id, completed: text(xml, 'Status') === 'Completed' };
}

/** @returns undefined for any other text, such as an invalidation or a proxy's page. */
export function parseError(xml: string): CloudFrontError | undefined {
  const code = text(xml, 'Code');
  return code === undefined ? undefined : { code, message: text(xml, 'Message') ?? '' };
}
