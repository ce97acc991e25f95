/**
 * A change of the host that could not be made, undone or looked at. The message is one line: which
 * action, the command or call as one could type it, what came back, and what to do about it.
 */

export interface HostFailure {
  /** The action's name, where the failure belongs to one. */
  action?: string | undefined;
  /** The effect as a shell line, see format.ts. */
  command?: string | undefined;
  /** What a command printed to both of its output streams. */
  output?: string | undefined;
  /** Null when a command was ended by a signal, or when none was run. */
  exitCode?: number | null | undefined;
  remedy?: string | undefined;
  cause?: unknown;
}

export class HostError extends Error {
  readonly action: string | null;
  readonly command: string | null;
  readonly output: string;
  readonly exitCode: number | null;
  readonly remedy: string | null;

  constructor(what: string, failure: HostFailure = {}) {
    const { action, command, output = '', exitCode = null, remedy, cause } = failure;
    const subject = [action, command].filter((part) => part !== undefined);
    const said = output.trim().split('\n').join('; ');
    const reason = said === '' ? what : `${what}: ${said}`;
    super([...subject, remedy ? `${reason}; ${remedy}` : reason].join(': '), { cause });
    this.name = 'HostError';
    this.action = action ?? null;
    this.command = command ?? null;
    this.output = output;
    this.exitCode = exitCode;
    this.remedy = remedy ?? null;
  }
}
