/** What this process has open, mapped and unreaped. */
import { readdirSync, readFileSync } from 'node:fs';
import { childrenOf, readStatus } from '../../lib/observe/process.ts';

export interface Holdings {
  descriptors: number;
  mappings: number;
  zombies: number;
}

export const readHoldings = (): Holdings => ({
  descriptors: readdirSync('/proc/self/fd').length,
  // The collector maps and unmaps its own heap, without a name; the arenas are shared mappings.
  mappings: readFileSync('/proc/self/maps', 'utf8').match(/ rw-s | r-xs /g)?.length ?? 0,
  zombies: childrenOf(process.pid).filter((pid) => readStatus(pid).state.startsWith('Z')).length,
});
