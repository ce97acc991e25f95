import { benchBuild } from '../build.ts';
import { ms, type Part, row } from '../part.ts';

const ROUNDS = 10;

/** Dockerfiles of two steps. */
export const build: Part = {
  name: 'build',
  async run(_, say) {
    const built = await benchBuild(ROUNDS);
    say(`a Dockerfile built, median of ${ROUNDS}`);
    for (const [name, { anew, cached }] of [
      ['FROM and one RUN', built.run],
      ['FROM and two COPY', built.copy],
    ] as const) {
      say(row(name, `${ms(anew).padStart(10)}, from the cache ${ms(cached)}`));
    }
    return built;
  },
};
