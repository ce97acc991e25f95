/**
 * Here-documents as sources of COPY and ADD: files by the name of their delimiter.
 * Dockerfile reference, "Here-Documents"
 */
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Instruction } from './dockerfile.ts';
import { expandIn, type Scope } from './scope.ts';
import type { Item } from './selection.ts';

/** The files exist until `files` is disposed of. */
export function heredocItems(
  instruction: Instruction,
  scope: Scope,
  files: DisposableStack,
): Item[] {
  const { heredocs } = instruction;
  if (heredocs.length === 0) return [];
  const directory = mkdtempSync(join(tmpdir(), 'unboxed-heredoc-'));
  files.defer(() => rmSync(directory, { recursive: true }));
  return heredocs.map(({ name, text, expands }) => {
    const from = join(directory, name);
    const quoted = text.replace(/["']/g, (quote) => `${scope.escapeChar}${quote}`);
    writeFileSync(from, expands ? expandIn(scope, instruction, quoted) : text, { mode: 0o644 });
    return { from, to: '', name, stats: lstatSync(from, { bigint: true }) };
  });
}
