/** Without root: a whole build by root of a user namespace, with one id mapped. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { SIG_SETMASK } from '../kernel/constants.ts';
import { capture } from '../launch/capture.ts';
import { launch } from '../launch/program.ts';
import { itNeeds } from '../observe/it-needs.ts';

const FIXTURE = fileURLToPath(new URL('build-step.fixture.ts', import.meta.url));

async function buildInNamespace(directory: string, text: string, network: string): Promise<string> {
  const argv = [process.execPath, FIXTURE, directory, text, network];
  const { HOME = directory, PATH = '/usr/bin:/bin', NODE_OPTIONS = '' } = process.env;
  const program = launch({ namespaces: ['user', 'mount'] }, (call) => {
    call.gate('id maps');
    call.rtSigprocmask(SIG_SETMASK, []);
    call.execve(process.execPath, argv, { HOME, PATH, NODE_OPTIONS });
  });
  const { exit, stdout, stderr } = await capture(program, {
    atGate: async (_gate, pid) => {
      writeFileSync(`/proc/${pid}/setgroups`, 'deny');
      writeFileSync(`/proc/${pid}/uid_map`, `0 ${process.getuid?.()} 1`);
      writeFileSync(`/proc/${pid}/gid_map`, `0 ${process.getgid?.()} 1`);
    },
  });
  expect(exit.code, stdout + stderr).toBe(0);
  return stdout;
}

const TEXT = `FROM unboxed/base
RUN rm /etc/passwd; echo x > /dev/null; id -u; cat /dev/zero | head -c 3 | wc -c; echo y > /new
`;

for (const network of ['none', 'host']) {
  itNeeds(
    ['userns', 'overlay', 'ldd'],
    `RUN works in a user namespace, network ${network}`,
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'unboxed-rootless-'));
      try {
        const said = await buildInNamespace(directory, TEXT, network);
        expect(said).toBe('0\n3\netc new\n0 findings\n');
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  );
}
