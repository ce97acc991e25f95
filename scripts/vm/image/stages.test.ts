import { expect, it } from 'vitest';
import { startStages } from './stages.ts';

it('a stage is one line, and ends with its own time when the next one begins', () => {
  let time = 1_000_000;
  let output = '';
  const write = (text: string) => {
    output += text;
  };
  const stages = startStages(write, () => time);
  stages.say('first');
  expect(output).toBe('first …');
  time += 70_400;
  stages.say('second');
  time += 4_000;
  expect(stages.end()).toBe(74);
  expect(output).toBe('first … 70 s\nsecond … 4 s\n');
});
