/**
 * Actions that several containers of a run need and that can be there once: a bridge, a packet
 * filter table, a setting. They belong to the run: the first container that needs one has it done,
 * through the run's own host, and it is undone with the run.
 */
import type { Action } from './action.ts';
import type { Host } from './host.ts';

/** Does the action, or waits until it is done; throws what the first doing of it has thrown. */
export type Share = (action: Action) => Promise<void>;

/** The actions of one run, told apart by their names. */
export function openShare(host: Host): Share {
  const begun = new Map<string, Promise<void>>();
  return (action) => {
    const doing = begun.get(action.name) ?? host.do(action);
    begun.set(action.name, doing);
    return doing;
  };
}
