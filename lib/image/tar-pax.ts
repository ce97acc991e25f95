/**
 * pax extended headers: records `LENGTH KEYWORD=VALUE\n` that say of the next entry what its ustar
 * header has no room for. A value may be any bytes: here a character for each ('latin1').
 * pax(1), "pax Extended Header"
 */
import { ImageError } from './image-error.ts';

export type PaxRecord = [keyword: string, value: string];

/** In their order, since of some keywords several count. Throws ImageError. */
export function decodePax(body: Buffer): PaxRecord[] {
  const records: PaxRecord[] = [];
  let start = 0;
  while (start < body.length) {
    const blank = body.indexOf(0x20, start);
    const digits = blank < 0 ? '' : body.toString('latin1', start, blank);
    const end = start + Number(digits);
    const equals = body.indexOf(0x3d, blank);
    const whole = end <= body.length && body[end - 1] === 0x0a && equals > blank && equals < end;
    if (!/^[1-9]\d{0,9}$/.test(digits) || !whole) {
      throw new ImageError('tar', `a pax header is damaged at its byte ${start}`);
    }
    records.push([
      body.toString('latin1', blank + 1, equals),
      body.toString('latin1', equals + 1, end - 1),
    ]);
    start = end;
  }
  return records;
}

export function encodePax(records: readonly PaxRecord[]): Buffer {
  return Buffer.from(records.map(encodeRecord).join(''), 'latin1');
}

/** The length counts itself. */
function encodeRecord([keyword, value]: PaxRecord): string {
  const rest = ` ${keyword}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return `${length}${rest}`;
}

/** Seconds since 1970 and nanoseconds of zero or more, of `1700000000.123456789` or `-0.5`. */
export function decodeTime(text: string): { seconds: number; nanoseconds: number } {
  const parts = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (!parts) throw new ImageError('tar', `a pax header has ${JSON.stringify(text)} for a time`);
  const [, sign, whole = '', fraction = ''] = parts;
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (!sign) return { seconds: Number(whole), nanoseconds };
  if (nanoseconds === 0) return { seconds: -Number(whole) || 0, nanoseconds };
  return { seconds: -Number(whole) - 1, nanoseconds: 1e9 - nanoseconds };
}

/** The shortest text that `decodeTime` reads as this. */
export function encodeTime(seconds: number, nanoseconds: number): string {
  const fraction = (ns: number) =>
    ns === 0 ? '' : `.${String(ns).padStart(9, '0').replace(/0+$/, '')}`;
  if (seconds >= 0 || nanoseconds === 0) return `${seconds}${fraction(nanoseconds)}`;
  return `-${-(seconds + 1)}${fraction(1e9 - nanoseconds)}`;
}
