/**
 * What a build needs from whoever can run containers: one command in a root that is mounted
 * already. The image room has no containers; lib/container/build-step.ts gives this function.
 */
import type { Host } from '../../host/host.ts';
import type { Exit } from '../../launch/wait.ts';
import type { User } from '../user.ts';

export interface Command {
  /** Journals what the container needs; its run is the container's id. */
  host: Host;
  /** The root directory: the image's layers, the init layer's mount points, and room for changes. */
  root: string;
  /** `argv[0]` is looked for along PATH of `env`, in the root. */
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** An absolute path in the root. */
  cwd: string;
  user: User;
  network: Network;
  /** Both output streams, in the order of writing. */
  onOutput: (chunk: Buffer) => void;
  /** Ends it. */
  signal?: AbortSignal | undefined;
}

/** The machine's own, or a network namespace in which there is only a loopback interface. */
export type Network = 'host' | 'none';

/**
 * Resolves when the command and all that it has started are gone. Throws when it could not be
 * started, and the signal's reason when that ended it.
 */
export type Execute = (command: Command) => Promise<Exit>;
