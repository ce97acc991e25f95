/**
 * What templates work on, and how Go shows it. A plain object is a struct: it has the fields that it
 * has, and asking for another one is a mistake in the template. A Map is a map: what is not in it is
 * just not there, as a label that an image does not have.
 *
 * Go, package fmt, "Printing", %v; package encoding/json
 */
export type Value =
  | null
  | undefined
  | string
  | number
  | boolean
  | readonly Value[]
  | ReadonlyMap<string, Value>
  | { readonly [field: string]: Value };

/** What Go prints in a template for what is not there. */
export const NO_VALUE = '<no value>';

export type Struct = { readonly [field: string]: Value };

export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);
export const isMap = (value: Value): value is ReadonlyMap<string, Value> => value instanceof Map;
export const isStruct = (value: Value): value is Struct =>
  typeof value === 'object' && value !== null && !isList(value) && !isMap(value);

/** In Go's words, for messages. */
export function typeOf(value: Value): string {
  if (value === null || value === undefined) return 'nil';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  return isList(value) ? 'list' : isMap(value) ? 'map' : 'struct';
}

/** A map's entries in the order of their keys, as Go walks through them; a struct's in its own. */
export const sortedEntries = (map: ReadonlyMap<string, Value>): [string, Value][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** Empty things are false; a struct is true. */
export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return value.size > 0;
  return isStruct(value) || Boolean(value);
}

/** As `%v` has it. */
export function showValue(value: Value): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'number') return showNumber(value);
  if (isList(value)) return `[${value.map(showValue).join(' ')}]`;
  if (isMap(value)) {
    return `map[${sortedEntries(value)
      .map(([key, each]) => `${key}:${showValue(each)}`)
      .join(' ')}]`;
  }
  if (isStruct(value)) return `{${Object.values(value).map(showValue).join(' ')}}`;
  return String(value);
}

/** %v of a float64 is %g with the shortest digits, and an exponent below -4 or from 21 on. */
function showNumber(value: number): string {
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e21)) return String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

/** On one line, keys of maps sorted; what HTML has its own meaning for is left as it is. */
export function toJson(value: Value, indent = ''): string {
  return JSON.stringify(value ?? null, sortMaps, indent).replace(
    /[\u2028\u2029]/g,
    (separator) => `\\u${separator.charCodeAt(0).toString(16)}`,
  );
}

const sortMaps = (_key: string, value: Value): unknown =>
  isMap(value) ? Object.fromEntries(sortedEntries(value)) : value;
