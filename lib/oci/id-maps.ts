/**
 * The id maps of a new user namespace, written from outside while its first process waits. Without
 * privilege the kernel takes one line, of our own id; more, from the ranges of /etc/subuid and
 * /etc/subgid, are written by newuidmap and newgidmap, which are privileged.
 *
 * user_namespaces(7), newuidmap(1), subuid(5)
 */
import { writeFileSync } from 'node:fs';
import { readCredentials } from '../observe/host/credentials.ts';
import { OciError } from './oci-error.ts';
import type { IdMapping, Linux } from './spec.ts';

/** Throws OciError when the kernel or the tool refuses. */
export async function writeIdMaps(pid: number, linux: Linux): Promise<void> {
  const { uidMappings = [], gidMappings = [] } = linux;
  const { effective, uid, gid } = readCredentials();
  const privileged = effective.includes('CAP_SETUID') && effective.includes('CAP_SETGID');
  if (!privileged && isOwnOnly(gidMappings, gid)) {
    // The kernel's price for a group that is mapped without privilege.
    writeFileSync(`/proc/${pid}/setgroups`, 'deny');
  }
  await writeMap(pid, 'uid', uidMappings, privileged || isOwnOnly(uidMappings, uid));
  await writeMap(pid, 'gid', gidMappings, privileged || isOwnOnly(gidMappings, gid));
}

const isOwnOnly = (maps: readonly IdMapping[], id: number) =>
  maps.length === 1 && maps[0]?.size === 1 && maps[0].hostID === id;

async function writeMap(
  pid: number,
  kind: 'uid' | 'gid',
  maps: readonly IdMapping[],
  directly: boolean,
): Promise<void> {
  if (maps.length === 0) return;
  const lines = maps.map(({ containerID, hostID, size }) => [containerID, hostID, size]);
  try {
    if (directly) {
      const text = lines.map((line) => line.join(' ')).join('\n');
      writeFileSync(`/proc/${pid}/${kind}_map`, text);
    } else {
      const { execa } = await import('execa'); // Not before it is needed: most commands need none.
      await execa(`new${kind}map`, [String(pid), ...lines.flat().map(String)]);
    }
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new OciError(
      `linux.${kind}Mappings: ${stderr || message}; without root only ids of /etc/sub${kind} can be mapped`,
      { cause: error },
    );
  }
}
