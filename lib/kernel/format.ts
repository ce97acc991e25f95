/**
 * A call on one line, the way C source and strace(1) write it:
 * `mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV, NULL)`.
 */
import { type Argument, isLinked, type Linked } from './arguments.ts';
import { AT_FDCWD } from './constants.ts';
import { flagSets, formatFlags } from './flags.ts';
import { type CallName, type ParameterKind, signatures } from './signatures.ts';

/** A result of an earlier call that stands where a descriptor does; `text` is how to print it. */
export interface Reference {
  text: string;
}

const isReference = (argument: unknown): argument is Reference =>
  typeof argument === 'object' && argument !== null && 'text' in argument;

function formatArgument(kind: ParameterKind, argument: Argument | Reference): string {
  if (argument === null) return 'NULL';
  if (isReference(argument)) return argument.text;
  if (typeof argument === 'string') return JSON.stringify(argument);
  if (argument instanceof Uint8Array) return formatBytes(kind, argument);
  if (isLinked(argument)) return formatLinked(argument);
  if (typeof argument === 'object') return formatTexts(argument);
  if (typeof kind === 'object') return formatFlags(kind, argument);
  if (kind === 'mode') return `0${argument.toString(8)}`;
  if (kind === 'fd' && argument === AT_FDCWD) return 'AT_FDCWD';
  if (kind === 'fd' && argument === 0xffffffff) return '~0U';
  return String(argument);
}

function formatBytes(kind: ParameterKind, bytes: Uint8Array): string {
  const first = bytes.length >= 8 ? Buffer.from(bytes).readBigUInt64LE() : 0n;
  if (kind === 'sigset') return formatSigset(first);
  if (kind === 'sigaction') return first === 0n ? '{SIG_DFL}' : '{SIG_IGN}';
  return formatText(bytes) ?? `{${bytes.length} bytes}`;
}

/** `{16 bytes, &{904 bytes}}` */
const formatLinked = ({ bytes, links }: Linked): string =>
  `{${[
    `${bytes.length} bytes`,
    ...links.map(({ to }) => `&${isLinked(to) ? formatLinked(to) : formatBytes('bytes', to)}`),
  ].join(', ')}}`;

const MOST_TEXT = 32;

/** What is short and can be read is shown as strace(1) shows it. */
function formatText(bytes: Uint8Array): string | null {
  if (bytes.length === 0 || bytes.length > MOST_TEXT) return null;
  const text = Buffer.from(bytes).toString('latin1');
  return /^[\x20-\x7e\n]+$/.test(text) ? JSON.stringify(text) : null;
}

/** `[SIGINT SIGTERM]`; signal n is bit n-1. */
function formatSigset(set: bigint): string {
  const signals = Array.from({ length: 64 }, (_, i) => i + 1).filter(
    (signal) => (set >> BigInt(signal - 1)) & 1n,
  );
  return `[${signals.map((signal) => formatFlags(flagSets.signal, signal)).join(' ')}]`;
}

const formatTexts = (texts: readonly string[]) =>
  `[${texts.map((text) => JSON.stringify(text)).join(', ')}]`;

/** `name(arguments)`, flags decoded, texts quoted. */
export function formatCall(name: CallName, args: readonly (Argument | Reference)[]): string {
  const { name: cName, parameters } = signatures[name];
  const kinds: readonly ParameterKind[] = parameters;
  return `${cName}(${args.map((argument, i) => formatArgument(kinds[i] ?? 'int', argument)).join(', ')})`;
}
