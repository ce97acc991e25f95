/**
 * `--filter KEY=VALUE`: those of one key are alternatives, those of different keys hold together;
 * labels hold together too.
 *
 * docker-images(1), "Filters"; docker-image-prune(1)
 */
import { usageError } from './box-error.ts';

export type Filters = ReadonlyMap<string, readonly string[]>;

/** Throws BoxError for what is no filter, or none of `known`. */
export function readFilters(texts: readonly string[], known: readonly string[]): Filters {
  const filters = new Map<string, string[]>();
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) throw usageError(`--filter ${text}: write it as name=value`);
    const negated = text.charAt(at - 1) === '!';
    const key = text.slice(0, negated ? at - 1 : at).trim();
    const name = negated ? `${key}!` : key;
    if (!known.includes(name)) {
      throw usageError(
        `--filter ${text}: there is no filter ${name}; there are ${known.join(', ')}`,
      );
    }
    filters.set(name, [...(filters.get(name) ?? []), text.slice(at + 1).trim()]);
  }
  return filters;
}

/** Null where it is not given. Throws BoxError. */
export function readBoolean(filters: Filters, name: string): boolean | null {
  const [value] = filters.get(name) ?? [];
  if (value === undefined) return null;
  if (['true', '1'].includes(value)) return true;
  if (['false', '0'].includes(value)) return false;
  throw usageError(`--filter ${name}=${value}: say true or false`);
}

/** `KEY` or `KEY=VALUE`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const at = wanted.indexOf('=');
  if (at < 0) return Object.hasOwn(labels, wanted);
  return (
    Object.hasOwn(labels, wanted.slice(0, at)) &&
    labels[wanted.slice(0, at)] === wanted.slice(at + 1)
  );
}

const UNITS: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3 };

/** A moment, in milliseconds since 1970: a date, seconds since 1970, or how long ago as `1h30m`. */
export function readMoment(text: string, now = Date.now()): number {
  if (/^(\d+(\.\d+)?[smh])+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smh])/g)];
    return (
      now - parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNITS[unit] ?? 0), 0)
    );
  }
  const moment = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(moment))
    throw usageError(`${text}: give a time as 24h, or as 2026-01-02T15:04:05`);
  return moment;
}
