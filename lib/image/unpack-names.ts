/**
 * An entry's name as a way from the layer's root. `/` in front and `.` mean nothing there. A `..` is
 * refused: no layer needs one, and where it leads depends on who reads it.
 */
import { ImageError } from './image-error.ts';

/** Names are a character for each byte; `base` is empty for the root itself. */
export interface Place {
  parent: string;
  base: string;
}

/** PATH_MAX of linux/limits.h, with its NUL. */
const LONGEST_PATH = 4095;
/** What would have to be looked at part by part: an empty part, `.` or `..`, and a NUL. */
const UNUSUAL = /(?:^|\/)\.{0,2}(?:\/|$)|\0/;

/** Throws ImageError. */
export function placeOf(name: string): Place {
  const path = cleanPath(name);
  const slash = path.lastIndexOf('/');
  return { parent: slash < 0 ? '' : path.slice(0, slash), base: path.slice(slash + 1) };
}

/** Without slashes at its ends. Throws ImageError. */
function cleanPath(name: string): string {
  let path = name.startsWith('./') ? name.slice(2) : name;
  if (path.endsWith('/')) path = path.slice(0, -1);
  if (UNUSUAL.test(path)) {
    if (path.includes('\0')) throw refuse(name, 'has a NUL byte in its name');
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) throw refuse(name, 'has .. in its name');
    path = parts.join('/');
  }
  if (path.length > LONGEST_PATH) throw refuse(name, `has a name of ${path.length} bytes`);
  return path;
}

/** A name for a message, whatever bytes it has. */
export function showName(name: string): string {
  const text = Buffer.from(name, 'latin1').toString('utf8');
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

export const refuse = (name: string, what: string, cause?: unknown): ImageError =>
  new ImageError(`layer entry ${showName(name)}`, what, { cause });

export const isAscii = (text: string): boolean => /^\p{ASCII}*$/u.test(text);

/**
 * For a system call. What is ASCII alone goes as a string, the rest as its bytes and a NUL, since as
 * a string each of those bytes would become two.
 */
export function toPath(name: string): string | Buffer {
  return isAscii(name) ? name : Buffer.from(`${name}\0`, 'latin1');
}

/** For node:fs, which ends a Buffer itself. */
export function toFsPath(name: string): string | Buffer {
  return isAscii(name) ? name : Buffer.from(name, 'latin1');
}
