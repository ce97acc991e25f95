/**
 * A program that drives an OCI runtime, as the cases see it: all engines answer to the same verbs,
 * each by its own command line.
 */
import type { WindowSize } from '../../lib/launch/pty.ts';

export interface Wanted {
  argv: readonly string[];
  /** What is typed at its terminal, or written to its standard input. */
  input?: string;
  /** A terminal of this size. */
  tty?: WindowSize;
  /** `uid:gid`. */
  user?: string;
  env?: readonly string[];
  cwd?: string;
  volumes?: readonly Volume[];
  readOnly?: boolean;
  /** Bytes. */
  memory?: number;
  pids?: number;
  /** Processors, a fraction too. */
  cpus?: number;
  /** A command in a shell that tells whether it is well, asked now and then. */
  health?: string;
}

export interface Volume {
  /** A path of the host. */
  from: string;
  to: string;
  readOnly?: boolean;
}

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Engine {
  /** In front, to its end; nothing of it stays. */
  run(wanted: Wanted): Promise<Ran>;
  /** In the background. Its id, which the other verbs take. */
  start(wanted: Wanted): Promise<string>;
  /** One more process in it, to its end. */
  exec(id: string, wanted: Wanted): Promise<Ran>;
  /** Of its first process, as this machine counts. */
  pid(id: string): Promise<number>;
  /** Pids of all its processes. */
  top(id: string): Promise<number[]>;
  kill(id: string, signal: string): Promise<void>;
  /** SIGTERM, and SIGKILL a second later. */
  stop(id: string): Promise<void>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  update(id: string, limits: { memory: number; cpus: number }): Promise<void>;
  /** Waits for its end. */
  exitCode(id: string): Promise<number>;
  /** What it has written, both streams. */
  logs(id: string): Promise<string>;
  /** Whether it is well: `healthy`, or another word of the engine's. */
  health(id: string): Promise<string>;
  remove(id: string): Promise<void>;
  /** Where its runtime keeps state (`--root`). */
  runtimeRoot: string;
  /** The id by which the runtime knows it. */
  runtimeId(id: string): string;
  /** What the engine ends with when the runtime says this; null where it has no number for it. */
  codes: { notFound: number; notExecutable: number; refused: number };
}

/** An engine that is ready, and how it is ended. */
export interface Ready {
  engine: Engine;
  stop(): Promise<void>;
}

/** A column of the table. */
export interface Column {
  name: string;
  /** Programs that it needs, each with the Debian package that brings it. */
  needs: Readonly<Record<string, string>>;
  version(): Promise<string>;
  /** Cases that it has no words for, each with a sentence that says so. */
  without: Readonly<Record<string, string>>;
  begin(bench: Bench): Promise<Ready>;
}

/** What all engines are given. */
export interface Bench {
  /** Where the README says that it is. */
  runtime: string;
  /** A directory for this engine alone. */
  directory: string;
  /** An image as `docker load` takes it, and its name in full. */
  archive: string;
  image: string;
  /** Where its cgroups go: a path below each hierarchy, there to be removed. */
  cgroup: string;
  /** Puts what the README shows for that file into it, after `before`. */
  configure(file: string, before?: string): void;
  /** A line of the README that begins with these words. */
  line(words: string): string;
}
