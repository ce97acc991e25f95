/**
 * A host action: one change that a runtime makes on the host, as data. What it does, how it is
 * undone, and how one sees from outside that it is there are all plain values, so that an action
 * can be printed, left out, and undone by another process that only has the journal.
 */

/** Where a command runs when not in this process's own namespaces: inside those of `pid`. */
export interface Inside {
  pid: number;
  namespaces: ('network' | 'mount' | 'uts' | 'ipc')[];
}

/** One change, from a closed set: whatever an action does is one or more of these. */
export type Effect =
  /** mkdir -p; `mode` in octal, 0755 by default. */
  | { do: 'mkdir'; path: string; mode?: number }
  /** Removes a tree; never crosses into another mount, never follows a link. Gone is fine. */
  | { do: 'remove'; path: string }
  /** Writes a file that exists (a /proc or /sys knob) or makes one; never through a link. */
  | { do: 'write'; path: string; text: string }
  /** mount(2), in this process's own mount namespace. */
  | {
      do: 'mount';
      source: string | null;
      target: string;
      fstype: string | null;
      flags: number;
      data?: string;
    }
  /**
   * fsopen(2) to move_mount(2), one call for each option: for more options than mount(2) has room
   * for. `attributes` are MOUNT_ATTR_*.
   */
  | {
      do: 'fsmount';
      fstype: string;
      target: string;
      options: readonly (readonly [key: string, value: string | null])[];
      attributes?: number;
    }
  /** Lazy (MNT_DETACH), made private first so that no peer of it goes too; not mounted is fine. */
  | { do: 'unmount'; path: string }
  /** Runs a command without a shell, optionally inside another process's namespaces. */
  | { do: 'run'; argv: string[]; inside?: Inside; input?: string }
  /**
   * SIGKILL to every process whose environment holds `container=<name>`, or whose root directory is
   * `root`, and to those that they have started; waits until they are gone.
   */
  | { do: 'end-processes'; container: string; root?: string }
  /**
   * SIGKILL to all that is in these cgroups and those below, of either version and frozen or not;
   * then removes them, and each of `parents` that holds no other cgroup and no process. Gone is fine.
   */
  | { do: 'remove-cgroups'; paths: string[]; parents: string[] }
  /** Controllers of the cgroup version 2 `top` for those below `base`, a directory of ours in it. */
  | { do: 'hand-down'; top: string; base: string; controllers: string[] }
  /** Removes `base` and disables what was enabled in `top` for it. Used by others or gone is fine. */
  | { do: 'take-back'; top: string; base: string }
  /** Moves every process of one cgroup into another; nothing to do where the first is gone. */
  | { do: 'move-processes'; from: string; to: string }
  /** Lets a program decide which devices a cgroup version 2 may use: its instructions, in base64. */
  | { do: 'attach-device-program'; path: string; program: string };

/** How one sees from outside that an action's result is there; before the action it must not be. */
export type Sight =
  | { path: string }
  | { mountPoint: string }
  /** A network interface by name, on the host or inside. */
  | { link: string; inside?: Inside }
  /** A file's text; of /proc/sys/net every network namespace has its own. */
  | { file: string; holds: string; inside?: Inside }
  | { processesOf: string }
  /** A cgroup version 2 directory with a device program attached to it. */
  | { deviceProgramOn: string }
  /** A command that exits with 0 while it is there. */
  | { argv: string[]; inside?: Inside };

export interface Action {
  /** What it is, as a noun phrase: "bridge ubx0". Unique within a run. */
  name: string;
  does: readonly Effect[];
  /** Undoing what was never done, or is gone by itself, must be harmless. */
  undoes: readonly Effect[];
  seen: Sight;
  /** The run's and not one container's: the first that needs it has it done, see share.ts. */
  shared?: true;
}
