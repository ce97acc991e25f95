/**
 * Go's `printf`: `%[flags][width][.precision]verb`. What does not fit is shown in the text, as Go
 * does, and is no error: `%!d(string=hi)`.
 *
 * Go, package fmt, "Printing"
 */
import { showValue, typeOf, type Value } from './values.ts';

const VERB = /%([-+# 0]*)(\d+)?(?:\.(\d*))?(.)?/gsu;

export function formatText(format: string, values: readonly Value[]): string {
  let next = 0;
  const text = format.replace(
    VERB,
    (_, flags: string, width: string | undefined, precision: string | undefined, verb?: string) => {
      if (verb === undefined) return '%!(NOVERB)';
      if (verb === '%') return '%';
      if (next >= values.length) return `%!${verb}(MISSING)`;
      const value = values[next++];
      const shown = showAs(verb, value, flags, precision);
      if (shown === null) return mismatch(verb, value);
      return pad(shown, Number(width ?? 0), flags, typeof value === 'number');
    },
  );
  const unused = values.slice(next).map(named).join(', ');
  return unused === '' ? text : `${text}%!(EXTRA ${unused})`;
}

/** Null where the verb is not for such a value. */
function showAs(
  verb: string,
  value: Value,
  flags: string,
  precision: string | undefined,
): string | null {
  const digits = precision === undefined ? undefined : Number(precision);
  const signed = (text: string) =>
    typeof value === 'number' && value >= 0 && /[+ ]/.test(flags)
      ? `${flags.includes('+') ? '+' : ' '}${text}`
      : text;
  switch (verb) {
    case 'v':
      return signed(showValue(value));
    case 's':
      if (typeof value === 'string') return [...value].slice(0, digits).join('');
      return value !== null && typeof value === 'object' ? showValue(value) : null;
    case 'q':
      return typeof value === 'string' ? quote(value) : null;
    case 't':
      return typeof value === 'boolean' ? String(value) : null;
    case 'd':
      return Number.isInteger(value) ? signed(String(value)) : null;
    case 'f':
      return typeof value === 'number' ? signed(value.toFixed(digits ?? 6)) : null;
    case 'x':
    case 'X': {
      const hex = inHex(value);
      return hex !== null && verb === 'X' ? hex.toUpperCase() : hex;
    }
    default:
      return null;
  }
}

function inHex(value: Value): string | null {
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  return typeof value === 'number' && Number.isInteger(value) ? value.toString(16) : null;
}

function pad(text: string, width: number, flags: string, isNumber: boolean): string {
  const missing = Math.max(width - [...text].length, 0);
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0') || !isNumber) return ' '.repeat(missing) + text;
  const [sign = ''] = /^[+\- ]?/.exec(text) ?? [];
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

const named = (value: Value) =>
  value === null || value === undefined ? '<nil>' : `${typeOf(value)}=${showValue(value)}`;

const mismatch = (verb: string, value: Value) => `%!${verb}(${named(value)})`;

const ESCAPES: Record<string, string> = {
  ...{ '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' },
  ...{ '\v': '\\v', '\\': '\\\\', '"': '\\"' },
};

/** As a string in Go's source. Package strconv, "Quote" */
export function quote(text: string): string {
  const quoted = text.replace(/["\\]|[\p{C}\p{Z}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (character === ' ') return character;
    const known = ESCAPES[character];
    if (known !== undefined) return known;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
  return `"${quoted}"`;
}
