/** The Dockerfile of lab 10, `FROM` and one `RUN`, and one with two `COPY`: built, and from the cache. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { executeInContainer } from '../../lib/container/build-step.ts';
import { makeStateDirectory, stateDirectory } from '../../lib/host/state.ts';
import { makeBaseImage } from '../../lib/image/base/base.ts';
import { buildImage } from '../../lib/image/build/build.ts';
import { openStore } from '../../lib/image/store.ts';
import { median } from './sample.ts';

export interface BuildTimes {
  /** Milliseconds. */
  anew: number;
  cached: number;
}

const TEXTS = {
  run: 'FROM unboxed/base\nRUN echo "Hello world" > /tmp/newfile\n',
  copy: 'FROM unboxed/base\nCOPY a /opt/\nCOPY b /opt/\n',
};

/** Medians of so many builds each. */
export async function benchBuild(rounds: number): Promise<Record<keyof typeof TEXTS, BuildTimes>> {
  // Beside what the kit keeps: an upper directory cannot lie on every file system.
  const state = makeStateDirectory(stateDirectory());
  const directory = mkdtempSync(`${dirname(state)}/unboxed-bench-`);
  try {
    const store = await openStore(`${directory}/images`);
    await makeBaseImage(store);
    const timeOf = async (text: string, cache: boolean) => {
      const times: number[] = [];
      const context = `${directory}/context`;
      mkdirSync(context, { recursive: true });
      for (const name of ['a', 'b']) writeFileSync(`${context}/${name}`, name);
      writeFileSync(`${context}/Dockerfile`, text);
      for (let i = 0; i < rounds; i++) {
        const begin = performance.now();
        await buildImage({ store, context, cache, network: 'none', execute: executeInContainer });
        times.push(performance.now() - begin);
      }
      return median(times);
    };
    const both = async (text: string) => ({
      anew: await timeOf(text, false),
      cached: await timeOf(text, true),
    });
    return { run: await both(TEXTS.run), copy: await both(TEXTS.copy) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
