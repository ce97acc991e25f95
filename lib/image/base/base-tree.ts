/** What of this machine goes into the base image, and what a root filesystem of the labs has besides. */
import { HOST_COMMANDS } from '../../rootfs/host-commands.ts';
import type { RootfsOptions } from '../../rootfs/rootfs-plan.ts';

/** Those of a lab's root, and what a RUN is likely to call. */
const COMMANDS = [
  ...HOST_COMMANDS,
  ...'basename chown cp date dirname find gzip install mv od seq sha256sum tar tee test which'.split(
    ' ',
  ),
];

export const OS_RELEASE = { PRETTY_NAME: 'unboxed base image', VERSION_ID: '1' };

/** The tree of an image with these programs of this machine, or with the usual ones. */
export const ofHost = (commands: readonly string[] = COMMANDS): RootfsOptions => ({
  osRelease: OS_RELEASE,
  commands,
});
