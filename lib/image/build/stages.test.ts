// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables as a Dockerfile has them
import { expect, it } from 'vitest';
import { hostPlatform } from '../transfer/platform.ts';
import { parseDockerfile } from './dockerfile.ts';
import { planStages } from './stages.ts';

const plan = (text: string, target?: string, buildArgs: Record<string, string> = {}) =>
  planStages(parseDockerfile(text), { target, buildArgs, platform: hostPlatform() });

const TEXT = `ARG BASE=one
FROM $BASE AS a
RUN x
FROM scratch AS unused
FROM a as B
COPY --from=a /x /y
COPY --from=img:1 /x /y
COPY --from=0 /x /y
`;

it('only what the wanted stage is made from is built', () => {
  const { stages } = plan(TEXT);
  expect(stages.map(({ name, from }) => [name, from])).toEqual([
    ['a', { image: 'one' }],
    ['b', { stage: 0 }],
  ]);
  expect([...(stages[1]?.copies ?? [])]).toEqual([
    ['a', { stage: 0 }],
    ['img:1', { image: 'img:1' }],
    ['0', { stage: 0 }],
  ]);
  expect(plan(TEXT, 'unused').stages.map(({ from }) => from)).toEqual(['scratch']);
  expect(plan(TEXT, '0').stages).toHaveLength(1);
});

it('arguments before the first FROM are for FROM, and given ones replace them', () => {
  expect(plan(TEXT, 'a', { BASE: 'two' }).stages[0]?.from).toEqual({ image: 'two' });
  expect(plan('ARG A=x\nARG B=$A:y\nFROM $B').stages[0]?.from).toEqual({ image: 'x:y' });
});

it('the machine’s own platform may be named, no other', () => {
  expect(plan('FROM --platform=$TARGETPLATFORM a').stages).toHaveLength(1);
  expect(() => plan('FROM --platform=plan9/mips a')).toThrow('Dockerfile:1: FROM --platform=plan9');
});

it.each([
  ['FROM $none', undefined, 'this is empty'],
  ['FROM a b', undefined, 'one image, and perhaps AS'],
  ['FROM a AS 1x', undefined, 'a name is letters'],
  ['FROM a\nCOPY --from=1 a b', undefined, 'Dockerfile:2: --from=1: there is no stage 1'],
  ['FROM a AS x', 'y', 'there is no stage y; there are x'],
])('%s: refused', (text, target, message) => {
  expect(() => plan(text, target)).toThrow(message);
});
