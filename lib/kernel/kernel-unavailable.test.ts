import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';

const modules = ['../kernel/call.ts', '../launch/start.ts', '../launch/interactive.ts'].map(
  (path) => new URL(path, import.meta.url).href,
);

/** What a Node process prints that imports everything, makes one call, and looks for koffi. */
function callOn(platform: string, arch: string): string {
  const script = `
    Object.defineProperty(process, 'platform', { value: ${JSON.stringify(platform)} });
    Object.defineProperty(process, 'arch', { value: ${JSON.stringify(arch)} });
    const [{ kernel }] = await Promise.all(${JSON.stringify(modules)}.map((m) => import(m)));
    try { console.log(kernel.getpid() === process.pid); }
    catch (error) { console.log(error.name + ': ' + error.message); }
    const { readFileSync } = await import('node:fs');
    console.log('koffi ' + readFileSync('/proc/self/maps', 'utf8').includes('koffi'));
  `;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
}

describe('where there is no kernel to call', () => {
  it.runIf(process.platform === 'linux').each([
    ['darwin', 'arm64'],
    ['win32', 'x64'],
    ['linux', 'riscv64'],
  ])('importing works and the first call says what is wrong: %s on %s', (platform, arch) => {
    const [error, koffi] = callOn(platform, arch).split('\n');
    expect(error).toMatch(/^KernelUnavailable: .*Linux.* virtual machine$/);
    expect(error).toContain(`${platform} on ${arch}`);
    expect(koffi).toBe('koffi false');
  });

  itNeeds(
    ['linux'],
    'this machine is another case: the call works, and koffi is loaded for it',
    () => {
      expect(callOn(process.platform, process.arch)).toBe('true\nkoffi true\n');
    },
  );
});
