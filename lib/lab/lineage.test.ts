import { expect, it } from 'vitest';
import { lineage, loadPrevious } from './course.ts';

it('a lab builds on all labs before it, but for those that ask for a cgroup layout', () => {
  expect(lineage('03')).toEqual(['00', '01', '02', '03']);
  expect(lineage('09')).toEqual(['00', '01', '02', '03', '04', '05', '06', '09']);
});

it('what a lab builds on is the last of them', async () => {
  expect(await loadPrevious('09')).toMatchObject({ number: '06', name: 'lab 06' });
  expect(await loadPrevious('00')).toMatchObject({ number: '--' });
  await expect(loadPrevious('99')).rejects.toThrow('no lab 99');
});
