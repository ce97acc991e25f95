import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { itNeeds } from '../it-needs.ts';
import { probeNamespaces } from './probe.ts';

/** What the probe says where `prelude`, a shell command that ends in exec, has led. */
function probeAfter(prelude: string, as: string) {
  const script = `import { probeNamespaces } from '${import.meta.dirname}/probe.ts';
    console.log(JSON.stringify(probeNamespaces('${as}', 'unshare')));`;
  const command = `${prelude} "$0" --input-type=module -e "$1"`;
  const output = execFileSync('unshare', ['-Ur', 'sh', '-c', command, process.execPath, script], {
    encoding: 'utf8',
  });
  return JSON.parse(output);
}

it('knows nothing where there is no unshare to try with', () => {
  expect(probeNamespaces('self', null)).toEqual({ tried: false, refused: {} });
});

itNeeds(['root', 'unshare'], 'is refused nothing as root, and leaves no mount behind', () => {
  const before = readFileSync('/proc/self/mountinfo', 'utf8');
  expect(probeNamespaces('self', 'unshare')).toEqual({ tried: true, refused: {} });
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(before);
});

itNeeds(['userns', 'unshare', 'setpriv'], 'is refused every kind without a capability', () => {
  const { refused } = probeAfter('exec setpriv --bounding-set -all --inh-caps=-all', 'self');
  expect(Object.keys(refused).sort()).toEqual(['ipc', 'mount', 'network', 'pid', 'proc', 'uts']);
  expect(refused.mount).toMatch(/not permitted/);
});

itNeeds(['userns', 'unshare'], 'is refused a user namespace where the limit is 0', () => {
  const prelude = 'echo 0 > /proc/sys/user/max_user_namespaces; exec';
  expect(Object.keys(probeAfter(prelude, 'user namespace').refused)).toEqual(['user']);
});

itNeeds(['userns', 'unshare'], 'names the one kind whose limit is 0', () => {
  const prelude = 'echo 0 > /proc/sys/user/max_net_namespaces; exec';
  expect(Object.keys(probeAfter(prelude, 'user namespace').refused)).toEqual(['network']);
});
