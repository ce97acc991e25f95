/**
 * HEALTHCHECK: flags in Go's notation of durations, and a command or NONE.
 * Dockerfile reference, "HEALTHCHECK"
 */
import type { Healthcheck } from '../spec.ts';
import { BuildError } from './build-error.ts';
import { type Instruction, parseInstruction } from './dockerfile.ts';

const DURATIONS = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
} as const;

const NANOSECONDS: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Throws BuildError. */
export function readHealthcheck(instruction: Instruction, file: string): Healthcheck {
  const { text, line, flags } = instruction;
  const refuse = (what: string) => new BuildError(file, `HEALTHCHECK: ${what}`, { line });
  if (/^NONE$/i.test(text)) {
    if (flags.length > 0) throw refuse('NONE takes no flags');
    return { Test: ['NONE'] };
  }
  const [, command] = /^CMD\s+(.+)$/is.exec(text) ?? [];
  if (command === undefined) throw refuse('CMD and a command have to follow, or NONE');
  const { exec } = parseInstruction(`CMD ${command}`, file);
  const check: Healthcheck = { Test: exec ? ['CMD', ...exec] : ['CMD-SHELL', command] };
  for (const { name, value } of flags) {
    if (name === 'retries') {
      check.Retries = Number(value);
      if (!Number.isInteger(check.Retries) || check.Retries < 0) {
        throw refuse(`--retries=${value} is no number`);
      }
      continue;
    }
    const field = DURATIONS[name as keyof typeof DURATIONS];
    if (!field) {
      const known = [...Object.keys(DURATIONS), 'retries'].map((flag) => `--${flag}`).join(', ');
      throw refuse(`there is no flag --${name}; known are ${known}`);
    }
    const nanoseconds = parseDuration(value ?? '');
    if (nanoseconds === null) throw refuse(`--${name}=${value} is no duration such as 1m30s`);
    check[field] = nanoseconds;
  }
  return check;
}

/** Go's time.ParseDuration without a sign, in nanoseconds; null for anything else. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0;
  const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy;
  let sum = 0;
  let end = 0;
  for (const [whole, number, unit = ''] of text.matchAll(part)) {
    sum += Number(number) * (NANOSECONDS[unit] ?? 0);
    end += whole.length;
  }
  return end > 0 && end === text.length ? Math.round(sum) : null;
}
