/** All attacks, in the order of the table. */
import type { Attack } from './attack.ts';
import { attacks as configuration } from './configuration.ts';
import { attacks as devices } from './devices.ts';
import { attacks as identity } from './identity.ts';
import { attacks as kernelFiles } from './kernel-files.ts';
import { attacks as links } from './links.ts';
import { attacks as ownProgram } from './own-program.ts';
import { attacks as processes } from './processes.ts';
import { attacks as race } from './race.ts';
import { attacks as root } from './root.ts';

export const attacks: readonly Attack[] = [
  ...root,
  ...kernelFiles,
  ...ownProgram,
  ...links,
  ...race,
  ...devices,
  ...processes,
  ...identity,
  ...configuration,
];
