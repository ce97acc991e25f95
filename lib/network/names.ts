/**
 * Names are no matter of the kernel: the C library reads from a file whom it may ask. What the file
 * says has to make sense in the network of the process that reads it; the host's own often names an
 * address of its loopback. resolv.conf(5)
 */
import type { Action } from '../host/action.ts';
import type { NetworkPlan } from './plan.ts';

/** In the root that all containers of a run share. A link in its place would lead to the host's. */
export function nameServer({ nameserver }: NetworkPlan, rootfs: string): Action {
  const path = `${rootfs}/etc/resolv.conf`;
  const text = `nameserver ${nameserver}\noptions timeout:1 attempts:2\n`;
  return {
    name: `name server ${nameserver}`,
    shared: true,
    does: [
      { do: 'remove', path },
      { do: 'write', path, text },
    ],
    undoes: [{ do: 'remove', path }],
    seen: { file: path, holds: text },
  };
}
