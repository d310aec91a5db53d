import type { ErrorCode } from './catalogue.ts';

/** A place in a file of the user's; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

export interface UserErrorDetails {
  readonly code: ErrorCode;
  /** One sentence that names the failure, the value and its place. */
  readonly message: string;
  /** One thing to do. */
  readonly hint?: string;
  readonly at?: Place;
  /** Foreign output that proves the message (last log lines, a tool's stderr); shown indented below it. */
  readonly output?: string;
  readonly cause?: unknown;
}

/**
 * An error that the user can fix. It is shown without a stack; every other error is a bug in Sluice and is shown with one.
 * The exit code is 1 (2 for wrong arguments or configuration).
 */
export class UserError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly at: Place | undefined;
  readonly output: string | undefined;

  constructor(details: UserErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'UserError';
    this.code = details.code;
    this.hint = details.hint;
    this.at = details.at;
    this.output = details.output;
  }
}

/** Several user errors: all mistakes of a config are reported at once, not one a run. */
export class UserErrors extends Error {
  readonly errors: readonly UserError[];

  constructor(errors: readonly UserError[]) {
    super(errors.map((error) => error.message).join('\n'));
    this.name = 'UserErrors';
    this.errors = errors;
  }
}

/** Throws a single error as it is, several in one {@link UserErrors}, and nothing if there is none. */
export function throwAll(errors: readonly UserError[]): void {
  const [first, ...more] = errors;
  if (first !== undefined) throw more.length === 0 ? first : new UserErrors(errors);
}

/** The user errors in `error`, or none for a bug in Sluice. */
export function userErrorsOf(error: unknown): readonly UserError[] {
  if (error instanceof UserErrors) return error.errors;
  return error instanceof UserError ? [error] : [];
}

/** A user error as plain data. */
export function errorData({ code, message, hint, at, output }: UserError) {
  return { code, message, hint, at, output };
}

/** `file:line:column`, as far as known. */
export function formatPlace(place: Place): string {
  return [place.file, place.line, place.column].filter((part) => part !== undefined).join(':');
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
