import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { readStatus } from '../observe/status.ts';
import { features } from './features.ts';
import { parseMountOptions } from './mount-options.ts';

describe('features', () => {
  itNeeds(['runc'], 'leaves out nothing that runc tells of but what is named here', () => {
    const theirs = JSON.parse(execFileSync('runc', ['features']).toString());
    const ours = features();
    const missing = (theirs_: readonly string[] = [], ours_: readonly string[]) =>
      theirs_.filter((name) => !ours_.includes(name));
    expect(missing(theirs.hooks, ours.hooks)).toEqual([]);
    expect(missing(theirs.linux.namespaces, ours.linux.namespaces)).toEqual([]);
    expect(missing(theirs.linux.capabilities, ours.linux.capabilities)).toEqual([]);
    const { seccomp } = ours.linux;
    expect(missing(theirs.linux.seccomp.actions, seccomp.actions)).toEqual([]);
    expect(missing(theirs.linux.seccomp.operators, seccomp.operators)).toEqual([]);
    expect(missing(theirs.linux.seccomp.archs, seccomp.archs)).toEqual([]);
    // Of file systems that have them as a flag of the superblock, and take them as their own option.
    const ofSuperblock = ['async', 'dirsync', 'iversion', 'lazytime', 'loud', 'mand', 'noiversion'];
    const more = ['nolazytime', 'nomand', 'silent', 'sync', 'acl', 'noacl'];
    const words = missing(theirs.mountOptions, [...ours.mountOptions, ...ofSuperblock, ...more]);
    expect(words).toEqual([]);
  });

  it('names only words that do not go to the file system', () => {
    for (const word of features().mountOptions) {
      expect(parseMountOptions([word]).data, word).toEqual([]);
    }
  });

  itNeeds(['linux'], 'asks the kernel for the flags of filters, and sets none', () => {
    const { supportedFlags } = features().linux.seccomp;
    expect(supportedFlags).toContain('SECCOMP_FILTER_FLAG_LOG');
    expect(supportedFlags).toContain('SECCOMP_FILTER_FLAG_TSYNC');
    expect(readStatus('self').seccomp).toBe(readStatus(process.ppid).seccomp);
  });
});
