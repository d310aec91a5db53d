import { readFileSync } from 'node:fs';
import { messageOf } from '../kernel/errors.ts';
import type { Reader } from './step/inputs.ts';

type Images = Readonly<Record<string, string>>;

/** Images by service: the JSON output of `build`, the path of a file with that JSON, or lines `service=reference`. */
export const images: Reader<Images> = (given) => {
  if (given === '') return {};
  if (given.startsWith('{')) return fromJson(given);
  const lines = given.split(/[\n,]/).map((line) => line.trim());
  if (lines.every((line) => line === '' || /^[^=\s]+=\S+$/.test(line))) {
    return Object.fromEntries(
      lines
        .filter((line) => line !== '')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  }
  if (lines.length > 1) throw new Error('must be JSON, the path of a JSON file, or lines service=reference');
  return fromJson(read(given));
};

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`is neither JSON nor the path of a readable file (${messageOf(error).split(',')[0]})`);
  }
}

function fromJson(json: string): Images {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new Error('is not valid JSON: expected {"service":"reference"}');
  }
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = isMap ? Object.entries(value as object) : [];
  if (!isMap || entries.some(([, reference]) => typeof reference !== 'string')) {
    throw new Error('must map each service to an image reference: {"service":"reference"}');
  }
  return Object.fromEntries(entries) as Images;
}
