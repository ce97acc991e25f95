import { expect, it, onTestFinished } from 'vitest';
import { failAtExit, interruptible } from './unfinished-runtime.ts';

it('takes the handlers of signals away while the runtime is asked, and gives them back', () => {
  const handler = () => {};
  process.on('SIGINT', handler);
  onTestFinished(() => void process.off('SIGINT', handler));
  let during = -1;
  const module = interruptible({
    runtime: () => {
      during = process.listenerCount('SIGINT');
      throw new Error('unfinished');
    },
  });
  expect(() => module.runtime({} as never)).toThrow('unfinished');
  expect(during).toBe(0);
  expect(process.listeners('SIGINT')).toContain(handler);
});

it('listens for the end of the process until it is disposed of', () => {
  const before = process.listenerCount('exit');
  {
    using _guard = failAtExit(() => {});
    expect(process.listenerCount('exit')).toBe(before + 1);
  }
  expect(process.listenerCount('exit')).toBe(before);
});
