import { expect, it } from 'vitest';
import { insertTask, markedTasks, moveImports } from './task.ts';

const TASK = {
  lines: ['It must hold,', 'and stay so.'],
  before: 'call.execve',
  hints: ['', '', ''],
} as const;

it('writes the task before its place, as far indented', () => {
  expect(insertTask('a\n    call.execve(x);\n    call.execve(y);\n', '03', TASK)).toBe(
    'a\n    // Task 03: It must hold,\n    // and stay so.\n    call.execve(x);\n    call.execve(y);\n',
  );
});

it('says so when the place is not there', () => {
  expect(insertTask('nothing\n', '03', TASK)).toBeUndefined();
});

it('finds the marks of tasks, and no others', () => {
  const source = '// Task 01: a\n  // Task 03: b\nconst x = "// Task 09: c";\n// a Task 04: d\n';
  expect(markedTasks(source)).toEqual(['01', '03']);
});

it('moves relative imports of every form and leaves packages alone', () => {
  const source = [
    "import { a } from './a.ts';",
    'import type { B } from "../../b.ts";',
    "export * from './c.ts';",
    "import './d.ts';",
    "const e = await import('./e.ts');",
    "import fs from 'node:fs';",
    "import koffi from 'koffi';",
  ].join('\n');
  expect(moveImports(source, (specifier) => `<${specifier}>`)).toBe(
    source.replaceAll(/(['"])(\.[^'"]*)\1/g, '$1<$2>$1'),
  );
});
