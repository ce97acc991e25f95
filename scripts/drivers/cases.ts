/**
 * What an engine has to be able to do with a runtime: one list for all of them. Each case asks the
 * engine for something and then the kernel, the engine or the container whether it is so.
 */
import type { Case } from './case.ts';
import { execCases } from './cases/exec.ts';
import { fileCases } from './cases/files.ts';
import { lifeCases } from './cases/life.ts';
import { limitCases } from './cases/limits.ts';
import { runCases } from './cases/run.ts';

export const cases: readonly Case[] = [
  ...runCases,
  ...execCases,
  ...fileCases,
  ...limitCases,
  ...lifeCases,
];
