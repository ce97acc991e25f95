/**
 * Where errors go: a line on standard error for people, and one in the log file for the engine that
 * shows it to its user: as text, or as one JSON object a line with level, msg and time.
 */
import { appendFileSync } from 'node:fs';
import type { Globals } from './globals.ts';

export interface Log {
  error(error: unknown): void;
  warn(message: string): void;
}

export function openLog({ log, logFormat, debug }: Partial<Globals>): Log {
  const line = (level: string, msg: string) => {
    const time = new Date().toISOString();
    return logFormat === 'json'
      ? JSON.stringify({ level, msg, time })
      : `time="${time}" level=${level} msg=${JSON.stringify(msg)}`;
  };
  const write = (level: string, msg: string) => {
    if (!log) return;
    try {
      appendFileSync(log, `${line(level, msg)}\n`);
    } catch (error) {
      process.stderr.write(`box-runtime: ${log}: ${(error as Error).message}\n`);
    }
  };
  return {
    error(error) {
      const message = error instanceof Error ? error.message : String(error);
      const stack = debug && error instanceof Error ? error.stack : undefined;
      write('error', message);
      process.stderr.write(`box-runtime: ${stack ?? message}\n`);
    },
    warn(message) {
      write('warning', message);
      if (!log) process.stderr.write(`box-runtime: warning: ${message}\n`);
    },
  };
}
