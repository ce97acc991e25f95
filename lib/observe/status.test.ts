import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { expect, it } from 'vitest';
import { itNeeds } from './it-needs.ts';
import { childrenOf, readCmdline } from './process.ts';
import { parseStatus, readStatus } from './status.ts';

it('a name with a newline and a backslash stays one field and is decoded', () => {
  const status = parseStatus('Name:\ta\\nState:\\\\n\nState:\tZ (zombie)\nPid:\t7\n');
  expect(status).toMatchObject({
    name: 'a\nState:\\n',
    state: 'Z',
    pid: 7,
    nsPid: [7],
    capEff: 0n,
  });
});

it('each of the five capability masks is read from its own line', () => {
  const sets = ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'];
  const text = sets.map((set, bit) => `Cap${set}:\t${(1 << bit).toString(16).padStart(16, '0')}`);
  const { capInh, capPrm, capEff, capBnd, capAmb } = parseStatus(text.join('\n'));
  expect([capInh, capPrm, capEff, capBnd, capAmb]).toEqual([1n, 2n, 4n, 8n, 16n]);
});

itNeeds(['linux', 'ps'], 'ids, threads and signal masks are those that ps shows', async () => {
  const script = 'trap : USR1; trap "" USR2; echo ready; read _';
  const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    await once(child.stdout, 'data');
    const { pid, ppid, uid, threads, sigBlk, sigIgn, sigCgt } = readStatus(child.pid ?? 0);
    const columns = 'pid=,ppid=,ruid=,euid=,suid=,fuid=,nlwp=,blocked=,ignored=,caught=';
    const shown = execFileSync('ps', ['-o', columns, '-p', String(pid)], { encoding: 'utf8' });
    const hex = (mask: bigint) => mask.toString(16).padStart(16, '0');
    const ours = [pid, ppid, ...uid, threads, hex(sigBlk), hex(sigIgn), hex(sigCgt)];
    expect(shown.trim().split(/\s+/)).toEqual(ours.map(String));
    const { SIGUSR1, SIGUSR2 } = constants.signals;
    expect((sigCgt >> BigInt(SIGUSR1 - 1)) & 1n).toBe(1n);
    expect((sigIgn >> BigInt(SIGUSR2 - 1)) & 1n).toBe(1n);
  } finally {
    child.kill();
  }
});

itNeeds(['root', 'unshare'], 'a process in its own pid namespace has two pids', async () => {
  const args = ['--pid', '--fork', '--kill-child', 'sh', '-c', 'sleep 60 & echo $!; wait'];
  const parent = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const inner = await new Promise<number>((tell) => {
      parent.stdout.once('data', (line) => tell(Number(String(line))));
    });
    const [shell = 0] = childrenOf(parent.pid ?? 0);
    const [outer = 0] = childrenOf(shell);
    expect(outer).not.toBe(inner);
    expect(readStatus(outer).nsPid).toEqual([outer, inner]);
  } finally {
    parent.kill('SIGKILL');
  }
});

itNeeds(['root', 'setpriv'], 'dropped capabilities and no_new_privs are seen', async () => {
  const args = ['--bounding-set=-net_admin', '--no-new-privs', '--regid=7', '--clear-groups'];
  const child = spawn('setpriv', [...args, 'sleep', '60'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  try {
    await expect.poll(() => readCmdline(pid)[0]).toBe('sleep');
    const [ours, theirs] = [readStatus('self'), readStatus(pid)];
    expect(ours.capBnd & ~theirs.capBnd).toBe(1n << 12n);
    expect(theirs).toMatchObject({ noNewPrivs: true, gid: [7, 7, 7, 7], groups: [] });
    expect(ours.noNewPrivs).toBe(false);
  } finally {
    child.kill();
  }
});
