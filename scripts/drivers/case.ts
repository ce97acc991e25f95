/** A case, and what cases are written with. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Engine, Wanted } from './engine.ts';

export interface Case {
  name: string;
  /** Throws Error, in one sentence, when it does not hold. */
  prove(engine: Engine, bench: Bench): Promise<void>;
}

export const MEBIBYTE = 1024 * 1024;
/** Long enough for all cases. */
export const FOREVER = ['sleep', '600'];
export const sh = (script: string) => ['sh', '-c', script];

export async function running(
  engine: Engine,
  wanted: Wanted,
  prove: (id: string) => Promise<void>,
): Promise<void> {
  const id = await engine.start(wanted);
  try {
    await prove(id);
  } finally {
    await engine.remove(id);
  }
}

export function holds(
  ran: { code: number; stdout: string; stderr: string },
  wanted: { code: number; stdout?: RegExp; stderr?: RegExp },
): void {
  const said = `${ran.stderr.trim()} ${ran.stdout.trim()}`.trim();
  assert.equal(ran.code, wanted.code, `exit code ${ran.code}, not ${wanted.code}: ${said}`);
  if (wanted.stdout) assert.match(ran.stdout, wanted.stdout);
  if (wanted.stderr) assert.match(ran.stderr, wanted.stderr);
}

export const says = (engine: Engine, id: string, words: RegExp) =>
  eventually(`${words} is not in its log`, async () => words.test(await engine.logs(id)));

export async function eventually(
  otherwise: string,
  look: () => boolean | Promise<boolean>,
): Promise<void> {
  for (const until = performance.now() + 20_000; performance.now() < until; await sleep(100)) {
    if (await look()) return;
  }
  assert.fail(otherwise);
}

/** A new directory that anybody may write to. */
export function scratch(directory: string): string {
  const path = join(directory, 'volumes');
  mkdirSync(path, { recursive: true });
  return mkdtempSync(join(path, 'v-'));
}
