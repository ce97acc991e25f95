import { afterEach, expect, it, vi } from 'vitest';
import { stateDirectory } from '../../host/state.ts';
import { needs } from '../needs.ts';
import { inspectHost } from './inspect.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

it('is plain data: JSON loses nothing of it', () => {
  const facts = inspectHost();
  expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
});

it('agrees with what tests look up for themselves', () => {
  const { linux } = inspectHost();
  expect(linux !== null).toBe(needs('linux').met);
  expect(linux?.tools.runc != null).toBe(needs('runc').met);
  expect(linux?.cgroups.v2 != null).toBe(needs('cgroup-v2').met);
  expect(linux?.fileSystems.overlay !== 'absent').toBe(needs('overlay').met);
});

it('looks at the state directory that runs will use', () => {
  const looksAt = () => inspectHost().linux?.fileSystems.state.path;
  expect(looksAt()).toBe(stateDirectory());
  vi.stubEnv('UNBOXED_STATE', '/tmp/another/state');
  expect(looksAt()).toBe(stateDirectory());
});

it('looks at the state directory that it is told of', () => {
  expect(inspectHost('/proc/nowhere').linux?.fileSystems.state).toMatchObject({ fstype: 'proc' });
});
