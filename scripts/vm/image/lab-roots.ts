/**
 * Makes the root filesystems that the labs' containers and `unboxed/base` begin with, where the
 * labs look for them. Run in a guest that is put together, by its own Node and as its root, it
 * spares the first lab in there the work.
 */
import { mkdirSync } from 'node:fs';
import { ofHost } from '../../../lib/image/base/base-tree.ts';
import { ensureRootfs } from '../../../lib/rootfs/rootfs-cache.ts';

const STATE = '/var/lib/unboxed';

// A container's files are not within every user's reach.
mkdirSync(STATE, { mode: 0o700 });
await ensureRootfs(STATE);
await ensureRootfs(STATE, ofHost());
