/**
 * The programs that labs call: where PATH finds them, and which version. Minimal distributions put
 * busybox in their place, whose `ip` and `nsenter` lack half of the options.
 *
 * environ(7), execvp(3)
 */
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { findCommand } from '../command.ts';
import { lazily } from './lazily.ts';

/** How each is asked for its version. */
const ASK = {
  bash: '--version',
  ip: '-V',
  ldd: '--version',
  mount: '--version',
  nft: '--version',
  nsenter: '--version',
  ping: '-V',
  ps: '--version',
  runc: '--version',
  sysctl: '--version',
  tmux: '-V',
  unshare: '--version',
} as const;

export type ToolName = keyof typeof ASK;

export type Tool = { path: string; version: string | null; busybox: boolean };

export type ToolFacts = Record<ToolName, Tool | null>;

export function readTools(): ToolFacts {
  const entries = Object.entries(ASK).map(([name, option]) => [name, readTool(name, option)]);
  return Object.fromEntries(entries) as ToolFacts;
}

function readTool(name: string, option: string): Tool | null {
  const path = findCommand(name);
  if (!path) return null;
  return lazily<Tool>({
    path: () => path,
    version: () => readVersion(path, option),
    busybox: () => basename(realpathSync(path)) === 'busybox',
  });
}

function readVersion(path: string, option: string): string | null {
  const asked = spawnSync(path, [option], {
    encoding: 'utf8',
    timeout: 5000,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  });
  // musl's ldd has no such option, and prints its version with the complaint.
  return parseVersion(`${asked.stdout}\n${asked.stderr}`);
}

/** What looks like a version: `iproute2-6.1.0` gives `6.1.0`, `tmux 3.3a` `3.3a`. */
export function parseVersion(text: string): string | null {
  return /(?<![\d.])\d+(?:\.\d+)+[a-z]?|\b\d{8}\b|\bss\d{6}\b/.exec(text)?.[0] ?? null;
}
