// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables as a Dockerfile has them
import { expect, it } from 'vitest';
import type { RunConfig } from '../spec.ts';
import { configure, environmentOf } from './configure.ts';
import { parseInstruction } from './dockerfile.ts';
import { parseDuration } from './healthcheck.ts';

/** The configuration after `lines`, one after the other. */
function after(...lines: string[]): RunConfig {
  let config: RunConfig = {};
  for (const line of lines) {
    const scope = {
      file: 'Dockerfile',
      escapeChar: '\\',
      arguments: new Map([['arg', 'given']]),
      environment: environmentOf(config),
    };
    config = configure(config, parseInstruction(line, 'Dockerfile'), scope) ?? config;
  }
  return config;
}

it('ENV replaces by what was before the instruction, and keeps order and one value each', () => {
  expect(after('ENV a=1 b="x y"', 'ENV a=2 c=$a d=$arg', 'ENV old style').Env).toEqual([
    'a=2',
    'b=x y',
    'c=1',
    'd=given',
    'old=style',
  ]);
});

it('commands have a shell before them, the one of SHELL, or none in the exec form', () => {
  expect(after('CMD echo $a', 'ENTRYPOINT ["x", "$a"]')).toEqual({
    Cmd: ['/bin/sh', '-c', 'echo $a'],
    Entrypoint: ['x', '$a'],
  });
  expect(after('SHELL ["/bin/bash", "-ec"]', 'CMD a').Cmd).toEqual(['/bin/bash', '-ec', 'a']);
  expect(() => after('SHELL /bin/sh')).toThrow('Dockerfile:2: SHELL wants a JSON array');
});

it('WORKDIR is relative to the one before', () => {
  expect(after('WORKDIR a', 'WORKDIR b/../c').WorkingDir).toBe('/a/c');
  expect(after('WORKDIR /a', 'WORKDIR /b').WorkingDir).toBe('/b');
});

it('ports, volumes, labels, user and stop signal', () => {
  expect(
    after(
      'EXPOSE 80 53/UDP 90-91',
      'VOLUME ["/a b"]',
      'VOLUME /c /d',
      'LABEL a.b="c d" e=$arg',
      'USER 1:2',
      'STOPSIGNAL SIGQUIT',
    ),
  ).toEqual({
    ExposedPorts: { '80/tcp': {}, '53/udp': {}, '90/tcp': {}, '91/tcp': {} },
    Volumes: { '/a b': {}, '/c': {}, '/d': {} },
    Labels: { 'a.b': 'c d', e: 'given' },
    User: '1:2',
    StopSignal: 'SIGQUIT',
  });
});

it.each([
  ['EXPOSE 70000', 'EXPOSE 70000: not a port'],
  ['STOPSIGNAL ?', 'STOPSIGNAL ?: neither'],
  ['ENV a', 'a value has to follow'],
  ['LABEL a=b c', '"c" is not of the form'],
  ['ONBUILD FROM x', 'cannot be a trigger'],
  ['USER ${a', 'USER: ${a'],
  ['HEALTHCHECK --retries=x CMD y', 'is no number'],
  ['HEALTHCHECK --interval=5 CMD y', 'is no duration'],
  ['HEALTHCHECK --every=5s CMD y', 'there is no flag --every; known are --interval'],
  ['HEALTHCHECK --retries=1 NONE', 'NONE takes no flags'],
  ['HEALTHCHECK y', 'CMD and a command'],
])('%s is refused with its line', (line, message) => {
  expect(() => after(line)).toThrow(message);
  expect(() => after(line)).toThrow(/^Dockerfile:2: /);
});

it('HEALTHCHECK in nanoseconds, as Docker has it', () => {
  expect(after('HEALTHCHECK --interval=1m30s --retries=2 CMD a b').Healthcheck).toEqual({
    Test: ['CMD-SHELL', 'a b'],
    Interval: 90e9,
    Retries: 2,
  });
  expect(
    after('HEALTHCHECK --timeout=500ms --start-period=2m --start-interval=1s --retries=0 CMD a')
      .Healthcheck,
  ).toEqual({
    ...{ Test: ['CMD-SHELL', 'a'], Timeout: 5e8, StartPeriod: 120e9, StartInterval: 1e9 },
    Retries: 0,
  });
  expect(after('HEALTHCHECK CMD ["a"]').Healthcheck).toEqual({ Test: ['CMD', 'a'] });
  expect(after('HEALTHCHECK none').Healthcheck).toEqual({ Test: ['NONE'] });
  expect([parseDuration('1.5h'), parseDuration('2ms3'), parseDuration('')]).toEqual([
    5400e9,
    null,
    null,
  ]);
});
