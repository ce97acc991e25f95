import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packProject } from './project.ts';

let directory: string;
let project: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'unboxed-project-'));
  project = join(directory, 'project');
  for (const name of ['lib', 'node_modules/a', 'my']) {
    await mkdir(join(project, name), { recursive: true });
    await writeFile(join(project, name, 'file.ts'), 'text\n');
  }
  await writeFile(join(project, '.gitignore'), 'node_modules\nmy\n');
});
afterEach(() => rm(directory, { recursive: true }));

const pack = async (argv: string[], env = {}) => {
  const archive = join(directory, 'project.tar');
  await packProject(project, { argv, env }, archive);
  await execa('tar', ['-xf', archive, '-C', directory]);
  const { stdout } = await execa('tar', ['-tf', archive]);
  return { archive, names: stdout.split('\n') };
};

it.each(['with git', 'without git'])('holds the sources as they stand, %s', async (kind) => {
  if (kind === 'with git') await execa('git', ['init', '-q', project]);
  const { archive, names } = await pack(['true']);
  expect(names).toContain('lib/file.ts');
  expect(names.filter((name) => /node_modules|^my|^\.git\//.test(name))).toEqual([]);
  expect((await stat(archive)).size % 512).toBe(0);
});

it('hands the command on word by word, whatever is in the words', async () => {
  const words = ["it's", 'a b', '$HOME', '"quoted"', 'line\nbreak'];
  await pack(['printf', '%s|', ...words], { VALUE: "it's $HOME" });
  const run = join(directory, '.guest-run');
  const { stdout } = await execa('sh', [join(run, 'command')]);
  expect(stdout).toBe(words.map((word) => `${word}|`).join(''));
  const value = await execa('sh', ['-c', `. ${join(run, 'environment')}; printf %s "$VALUE"`]);
  expect(value.stdout).toBe("it's $HOME");
  expect(await readFile(join(run, 'command'), 'utf8')).toMatch(/^exec /);
});
