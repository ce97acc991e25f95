import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { itNeeds } from '../it-needs.ts';
import { parseStatus } from '../status.ts';
import { describeCredentials, readCredentials } from './credentials.ts';

const WHOLE = '         0          0 4294967295\n';

it('is who id says', () => {
  const id = (flag: string) => Number(execFileSync('id', [flag], { encoding: 'utf8' }));
  expect(readCredentials()).toMatchObject({ uid: id('-u'), gid: id('-g') });
});

itNeeds(['setpriv', 'root'], 'sees what setpriv has taken from a process', () => {
  const options =
    '--reuid 65534 --regid 65533 --clear-groups --bounding-set -all,+chown --no-new-privs';
  const status = execFileSync('setpriv', [...options.split(' '), 'cat', '/proc/self/status'], {
    encoding: 'utf8',
  });
  expect(describeCredentials(parseStatus(status), WHOLE, 1)).toMatchObject({
    uid: 65534,
    gid: 65533,
    effective: [],
    bounding: ['CAP_CHOWN'],
    lacking: ['CAP_CHOWN', 'CAP_DAC_OVERRIDE'],
    noNewPrivs: true,
  });
});

itNeeds(['unshare', 'userns'], "tells a user namespace's root from the machine's", () => {
  const map = execFileSync('unshare', ['-Ur', 'cat', '/proc/self/uid_map'], { encoding: 'utf8' });
  const status = parseStatus('Uid:\t0\t0\t0\t0\n');
  expect(describeCredentials(status, map, 0).mapsWholeMachine).toBe(false);
  expect(describeCredentials(status, WHOLE, 0).mapsWholeMachine).toBe(true);
});

it('takes the effective id of the four, and names the seccomp mode', () => {
  const status = parseStatus('Uid:\t1000\t0\t0\t0\nSeccomp:\t2\n');
  expect(describeCredentials(status, WHOLE, 0)).toMatchObject({ uid: 0, seccomp: 'filter' });
});
