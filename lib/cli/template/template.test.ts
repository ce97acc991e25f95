import { describe, expect, it } from 'vitest';
import { CASES, DATA } from './cases.fixture.ts';
import { compileTemplate } from './template.ts';

describe('prints what Go prints', () => {
  it.each(CASES)('%s', (template, printed) => {
    expect(compileTemplate(template)(DATA)).toBe(printed);
  });
});

const STRUCT = { Id: 'x', Size: 3, Labels: new Map(), Tags: ['a'] };

/** Each with the place, and what is said. */
const MISTAKES: [template: string, message: string][] = [
  ['{{.Id', 'template:1:1: this action is not closed: }} is missing'],
  ['a\nb {{', 'template:2:3: this action is not closed: }} is missing'],
  ['{{}}', 'template:1:3: this action: a value is missing'],
  ['{{if}}x{{end}}', 'template:1:5: if: a value is missing'],
  ['{{if .Id}}x', 'template:1:12: unexpected end: {{end}} is missing'],
  ['{{end}}', 'template:1:1: unexpected {{end}}'],
  ['{{if .Id}}{{else}}{{else}}{{end}}', 'template:1:21: a second {{else}}'],
  ['{{"a}}', 'template:1:3: this string has no closing "'],
  ['{{`a}}', 'template:1:3: this string has no closing `'],
  ['{{"\\z"}}', 'template:1:3: \\z in a string stands for nothing'],
  ['{{nothing .}}', 'template:1:3: there is no function nothing'],
  ['{{$x}}', 'template:1:3: there is no variable $x'],
  ['{{with $x := .Id}}{{end}}{{$x}}', 'template:1:28: there is no variable $x'],
  ['{{.Id | .Size}}', 'template:1:9: arguments are given to what is no function'],
  ['{{.Id 3}}', 'template:1:3: arguments are given to what is no function'],
  ['{{(len .Id}}', 'template:1:3: this bracket is not closed'],
  ['{{.Id & 1}}', 'template:1:7: "&" has no place here'],
  ['{{.Id)}}', 'template:1:6: unexpected ")"'],
  ['{{.Id}}{{break}}', 'template:1:8: {{break}} outside of a range'],
  ['{{define "x"}}{{end}}', '{{define}}: templates within templates are not known here'],
  ['{{.Nope}}', 'template:1:3: there is no field Nope; there are Id, Size, Labels, Tags'],
  ['x{{.Id.More}}', 'template:1:4: there is no field More in string'],
  ['{{index .Tags 5}}', 'template:1:3: index: there is no element 5, only 1'],
  ['{{eq .Id 3}}', 'template:1:3: eq: string and int cannot be compared'],
  ['{{len .Size}}', 'template:1:3: len: int has no length'],
  ['{{upper .Size}}', 'template:1:3: upper: wanted is a string, and this is int 3'],
  ['{{upper}}', 'template:1:3: upper: wanted are arguments: 1; there are 0'],
  ['{{range .Id}}{{end}}', 'template:1:9: range goes over a list, a map or a number'],
  [`${'{{if .Id}}'.repeat(300)}`, 'nested too deep'],
];

describe('names the place of a mistake', () => {
  it.each(MISTAKES)('%s', (template, message) => {
    expect(() => compileTemplate(template)(STRUCT)).toThrow(message);
  });
});

it('a struct has its fields and no others, a map what happens to be in it', () => {
  expect(compileTemplate('{{.Labels.any}}')(STRUCT)).toBe('<no value>');
  expect(() => compileTemplate('{{.constructor}}')(STRUCT)).toThrow('no field constructor');
});
