/**
 * Tests make namespaces, mounts and processes for real, so one file runs after the other, each in
 * a process of its own. The timeout is there to end a hang, also where the processor is emulated: no
 * test asserts a time.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'node',
    include: ['{lib,labs,scripts}/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 60_000 } },
    passWithNoTests: false,
  },
});
