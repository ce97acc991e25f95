import { describe, expect, it } from 'vitest';
import {
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  SIG_SETMASK,
} from '../kernel/constants.ts';
import { launch } from '../launch/program.ts';
import { start } from '../launch/start.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { differingNamespaces, joinFlags } from './joining.ts';
import { NamespacesError } from './namespaces-error.ts';

describe('the flags of a join', () => {
  it('are one for each kind', () => {
    expect(joinFlags(['mount', 'pid', 'network'])).toBe(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET);
    expect(joinFlags(['uts'])).toBe(CLONE_NEWUTS);
  });

  it('are refused for a pid namespace alone: it would show our root', () => {
    expect(() => joinFlags(['pid', 'network'])).toThrow(NamespacesError);
    expect(() => joinFlags(['pid'])).toThrow(/\/proc\/PID\/root/);
  });

  it('are refused for nothing', () => {
    expect(() => joinFlags([])).toThrow(NamespacesError);
  });
});

describe('the namespaces in which two processes differ', () => {
  it('are none for one process', () => {
    expect(differingNamespaces('self', 'self')).toEqual([]);
    expect(differingNamespaces(process.pid)).toEqual([]);
  });

  itNeeds(['root'], 'are those that one of them was cloned into', async () => {
    const program = launch({ namespaces: ['uts', 'pid'] }, (call) => {
      call.rtSigprocmask(SIG_SETMASK, []);
      call.execve('/bin/sleep', ['sleep', '60'], {});
    });
    const child = await start(program);
    try {
      expect(differingNamespaces(child.pid).sort()).toEqual(['pid', 'uts']);
    } finally {
      child.kill();
      await child.exited;
    }
    expect(differingNamespaces(child.pid)).toEqual([]);
  });
});
