import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { capture } from '../launch/capture.ts';
import { launch } from '../launch/program.ts';
import { sh } from '../launch/shell.fixture.ts';
import { itNeeds } from '../observe/it-needs.ts';
import type { NamespaceSpec, Spec } from './spec.ts';
import { writeSysctl } from './sysctl.ts';

const specOf = (sysctl: Record<string, string>, ...namespaces: NamespaceSpec[]): Spec => ({
  ociVersion: '1.2.0',
  linux: { sysctl, namespaces },
});

const written = (spec: Spec) => launch({}, (call) => writeSysctl({ call, spec }));

describe('writeSysctl', () => {
  itNeeds(['root'], 'sets what is a namespace’s, in the container’s alone', async () => {
    const sysctl = {
      'net.ipv4.ip_forward': '1',
      'net/ipv4/conf/lo/forwarding': '1',
      'net.ipv4.ping_group_range': '0 7',
      'kernel.msgmax': '4242',
      'fs.mqueue.msg_max': '7',
      'kernel.domainname': 'inside.example',
    };
    const paths = Object.keys(sysctl).map((it) => `/proc/sys/${it.replaceAll('.', '/')}`);
    const before = paths.map((path) => readFileSync(path, 'utf8'));
    const program = launch({ namespaces: ['network', 'ipc', 'uts'] }, (call) => {
      const own = (['network', 'ipc', 'uts'] as const).map((type) => ({ type }));
      writeSysctl({ call, spec: specOf(sysctl, ...own) });
      sh(call, `cat ${paths.join(' ')}`);
    });
    const { stdout } = await capture(program);
    expect(stdout).toBe('1\n1\n0\t7\n4242\n7\ninside.example\n');
    expect(paths.map((path) => readFileSync(path, 'utf8'))).toEqual(before);
  });

  it.each([
    ['kernel.hostname', 'is what hostname is for'],
    ['kernel.core_pattern', 'is a setting of the whole machine'],
    ['vm.overcommit_memory', 'is a setting of the whole machine'],
    ['kernel.shmmax', 'whose ipc namespace the container shares'],
    ['net.ipv4.ip_forward', 'whose network namespace the container shares'],
    ['net/../kernel/core_pattern', 'is no name of a setting'],
    ['net', 'is no name of a setting'],
  ])('refuses %s', (name, why) => {
    const spec = specOf({ [name]: '1' }, { type: 'uts' });
    expect(() => written(spec)).toThrow(`linux.sysctl: `);
    expect(() => written(spec)).toThrow(why);
  });

  itNeeds(['linux'], 'takes a path for what it leads to', () => {
    const at = (path: string) => () =>
      written(specOf({ 'net.core.somaxconn': '1' }, { type: 'network', path }));
    expect(at('/proc/self/ns/net')).toThrow('whose network namespace the container shares');
    expect(at('/proc/self/ns/none')).toThrow('linux.namespaces: network at /proc/self/ns/none');
  });

  it('swaps dots and slashes where the name begins with dots', () => {
    const spec = specOf({ 'net.ipv4.conf.eth0/100.forwarding': '1' }, { type: 'network' });
    const [line] = written(spec).lines;
    expect(line).toMatchObject({
      args: [-100, '/proc/sys/net/ipv4/conf/eth0.100/forwarding', expect.any(Number), 0],
    });
  });
});
