/**
 * What a template may call: Go's own functions, and those that Docker adds for its output.
 *
 * Go, package text/template, "Functions"; docker-cli(1), "Format command and log output"
 */
import { formatText } from './printf.ts';
import {
  isList,
  isMap,
  isStruct,
  isTrue,
  showValue,
  toJson,
  typeOf,
  type Value,
} from './values.ts';

/** What is thrown here has no place yet: whoever calls knows it. */
export class CallError extends Error {}

type Call = (...values: Value[]) => Value;

interface Known {
  call: Call;
  least: number;
  most: number;
}

const fixed = (count: number, call: Call): Known => ({ call, least: count, most: count });
const many = (least: number, call: Call): Known => ({ call, least, most: Infinity });

/** `and` and `or` are not among them: they look at no more arguments than they need. */
const FUNCTIONS: Record<string, Known> = {
  not: fixed(1, (value) => !isTrue(value)),
  len: fixed(1, lengthOf),
  index: many(1, (value, ...keys) => keys.reduce<Value>(indexOf, value)),
  slice: { call: sliceOf, least: 1, most: 3 },
  print: many(0, (...values) => printed(values)),
  println: many(0, (...values) => `${values.map(showValue).join(' ')}\n`),
  printf: many(1, (format, ...values) => formatText(textOf(format), values)),
  eq: many(2, (value, ...others) => others.some((other) => isEqual(value, other))),
  ne: fixed(2, (a, b) => !isEqual(a, b)),
  lt: fixed(2, (a, b) => isLess(a, b)),
  le: fixed(2, (a, b) => isLess(a, b) || isEqual(a, b)),
  gt: fixed(2, (a, b) => isLess(b, a)),
  ge: fixed(2, (a, b) => isLess(b, a) || isEqual(a, b)),
  json: fixed(1, (value) => toJson(value)),
  join: fixed(2, (list, separator) => listOf(list).map(textOf).join(textOf(separator))),
  split: fixed(2, (text, separator) => textOf(text).split(textOf(separator))),
  lower: fixed(1, (text) => textOf(text).toLowerCase()),
  upper: fixed(1, (text) => textOf(text).toUpperCase()),
  title: fixed(1, (text) =>
    textOf(text).replace(/(?<![\p{L}\p{N}_])\p{L}/gu, (letter) => letter.toUpperCase()),
  ),
  pad: fixed(3, (text, before, after) =>
    text === '' ? '' : ' '.repeat(countOf(before)) + textOf(text) + ' '.repeat(countOf(after)),
  ),
  truncate: fixed(2, (text, count) => [...textOf(text)].slice(0, countOf(count)).join('')),
};

export const FUNCTION_NAMES: ReadonlySet<string> = new Set([
  'and',
  'or',
  ...Object.keys(FUNCTIONS),
]);

/** Throws CallError. */
export function callFunction(name: string, values: readonly Value[]): Value {
  const known = FUNCTIONS[name];
  if (!known) throw new CallError(`there is no function ${name}`);
  const { call, least, most } = known;
  if (values.length < least || values.length > most) {
    const wanted = least === most ? String(least) : `at least ${least}`;
    throw new CallError(`wanted are arguments: ${wanted}; there are ${values.length}`);
  }
  return call(...values);
}

const wrong = (wanted: string, value: Value) =>
  new CallError(`wanted is ${wanted}, and this is ${typeOf(value)} ${showValue(value)}`.trimEnd());

function textOf(value: Value): string {
  if (typeof value === 'string') return value;
  throw wrong('a string', value);
}

function listOf(value: Value): readonly Value[] {
  if (value === null || value === undefined) return [];
  if (isList(value)) return value;
  throw wrong('a list', value);
}

function countOf(value: Value): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw wrong('a whole number from 0 on', value);
}

/** Of a string in bytes. */
function lengthOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (isList(value)) return value.length;
  if (isMap(value)) return value.size;
  throw new CallError(`${typeOf(value)} has no length`);
}

function indexOf(value: Value, key: Value): Value {
  if (isMap(value)) return value.get(textOf(key));
  if (isStruct(value) && typeof key === 'string') {
    if (Object.hasOwn(value, key)) return value[key];
    throw new CallError(`there is no field ${key}`);
  }
  if (!isList(value)) throw new CallError(`${typeOf(value)} cannot be indexed`);
  const at = countOf(key);
  if (at < value.length) return value[at];
  throw new CallError(`there is no element ${at}, only ${value.length}, the first of which is 0`);
}

/** Of a string by bytes. */
function sliceOf(value: Value, from: Value = 0, to?: Value): Value {
  const whole = typeof value === 'string' ? Buffer.from(value) : listOf(value);
  const [start, end] = [countOf(from), to === undefined ? whole.length : countOf(to)];
  if (start > end || end > whole.length) {
    throw new CallError(`${start} to ${end} is not within 0 to ${whole.length}`);
  }
  const part = whole.slice(start, end);
  return Buffer.isBuffer(part) ? part.toString() : (part as readonly Value[]);
}

/** A space only between two of which neither is a string. */
function printed(values: readonly Value[]): string {
  return values
    .map((value, at) => {
      const spaced = at > 0 && typeof value !== 'string' && typeof values[at - 1] !== 'string';
      return `${spaced ? ' ' : ''}${showValue(value)}`;
    })
    .join('');
}

function isEqual(a: Value, b: Value): boolean {
  if (a === null || a === undefined || b === null || b === undefined)
    return (a ?? b ?? null) === null;
  if (typeof a === 'object' || typeof b === 'object') throw uncomparable(a, b);
  if (typeof a !== typeof b) throw uncomparable(a, b);
  return a === b;
}

function isLess(a: Value, b: Value): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (typeof a === 'string' && typeof b === 'string') {
    return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
  }
  throw uncomparable(a, b);
}

const uncomparable = (a: Value, b: Value) =>
  new CallError(`${typeOf(a)} and ${typeOf(b)} cannot be compared`);
