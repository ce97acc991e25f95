/**
 * A runtime in print: the rows of both halves in the order in which they happen. The host's actions
 * at the gate stand just before the program's gate, the container's rows are those of
 * lib/launch/explain.ts.
 */
import type { Action } from '../host/action.ts';
import { formatAction, formatEffect } from '../host/format.ts';
import { explainProgram, type Row } from '../launch/explain.ts';
import type { LineResult } from '../launch/results.ts';
import { NO_PID } from './mutate.ts';
import type { Runtime } from './runtime.ts';

export interface HostRow {
  half: 'host';
  /** Before the clone, or while the child waits at its gate. */
  when: 'prepare' | 'connect';
  name: string;
  /** As one could type it. */
  commands: string[];
  undoing: string[];
}

export type ContainerRow = Row & { half: 'container' };

export type RuntimeRow = HostRow | ContainerRow;

export interface ExplainOptions {
  /** The child's pid; without it the commands at the gate say PID. */
  pid?: number;
  results?: readonly LineResult[];
}

export function explainRuntime(runtime: Runtime, options: ExplainOptions = {}): RuntimeRow[] {
  const { pid = NO_PID, results } = options;
  const container = explainProgram(runtime.program, results).map(
    (row): ContainerRow => ({ half: 'container', ...row }),
  );
  const connect = runtime.connect(pid).map((action) => hostRow('connect', action));
  const gate = container.findIndex(({ kind }) => kind === 'gate');
  const at = gate < 0 ? container.length : gate;
  return [
    ...runtime.prepare.map((action) => hostRow('prepare', action)),
    ...container.slice(0, at),
    ...connect,
    ...container.slice(at),
  ];
}

const hostRow = (when: HostRow['when'], action: Action): HostRow => ({
  half: 'host',
  when,
  name: action.name,
  commands: formatAction(action).map(withoutPid),
  undoing: action.undoes.map(formatEffect).map(withoutPid),
});

const withoutPid = (command: string) => command.replaceAll(String(NO_PID), 'PID');
