/** Profiles for tests: the one that podman gives its containers, where it is installed, and rules. */
import { readFileSync } from 'node:fs';
import type { Seccomp, SeccompRule } from '../spec.ts';

type Comparison = [index: number, op: string, value: number, valueTwo?: number];

/** `rule('write', 'ERRNO', [[0, 'EQ', 2]], 5)` */
export const rule = (
  name: string,
  action: string,
  args: Comparison[] = [],
  errnoRet?: number,
): SeccompRule => ({
  names: [name],
  action: `SCMP_ACT_${action}`,
  ...(args.length === 0
    ? {}
    : {
        args: args.map(([index, op, value, valueTwo = 0]) => ({
          index,
          op: `SCMP_CMP_${op}`,
          value,
          valueTwo,
        })),
      }),
  ...(errnoRet === undefined ? {} : { errnoRet }),
});

interface Conditional extends SeccompRule {
  includes?: { caps?: string[]; arches?: string[] };
  excludes?: { caps?: string[]; arches?: string[] };
}

const FILE = '/usr/share/containers/seccomp.json';

/** podman's own, as it resolves it for a container without added capabilities on x86-64. */
export function defaultProfile(architectures: string[]): Seccomp {
  const { syscalls } = JSON.parse(readFileSync(FILE, 'utf8')) as { syscalls: Conditional[] };
  const applies = ({ includes, excludes }: Conditional) =>
    !includes?.caps?.length &&
    !excludes?.arches?.length &&
    (!includes?.arches?.length || includes.arches.includes('amd64'));
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures,
    syscalls: syscalls.filter(applies).map(({ names, action, args, errnoRet }) => ({
      names,
      action,
      ...(args?.length ? { args } : {}),
      ...(errnoRet === undefined ? {} : { errnoRet }),
    })),
  };
}
