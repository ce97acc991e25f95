/**
 * Every link inside the repository leads somewhere, and every `npm run` that a text names is a
 * script of package.json. Addresses of other machines are not looked at.
 */
import { posix } from 'node:path';
import { Marked } from 'marked';
import type { Complaint } from './complaint.ts';

const COMMAND = /\bnpm run ([\w:.-]*[\w-])/g;
const ELSEWHERE = /^[a-z][a-z0-9+.-]*:/i;

export interface Surroundings {
  /** Whether there is a file or directory of that path from the root. */
  exists: (path: string) => boolean;
  /** Names of package.json's scripts. */
  scripts: readonly string[];
}

/** `file` is the text's own path from the root. */
export function lintLinks(
  text: string,
  file: string,
  { exists, scripts }: Surroundings,
): Complaint[] {
  const complaints: Complaint[] = [];
  const complain = (words: string, problem: string) =>
    complaints.push({ file, line: lineOf(text, words), problem });
  for (const href of listLinks(text)) {
    const [path = '', anchor] = href.split('#');
    if (path === '' && anchor !== undefined && !listAnchors(text).includes(anchor)) {
      complain(href, `no heading for the link ${href}`);
    }
    const target = posix.join(posix.dirname(file), decodeURI(path));
    if (path !== '' && !exists(target)) complain(href, `the link ${href} leads nowhere`);
  }
  for (const [command, name = ''] of text.matchAll(COMMAND)) {
    // `lab:NN` stands for all of them.
    const known = scripts.some(
      (script) => script === name || script.replace(/\d\d$/, 'NN') === name,
    );
    if (!known) complain(command, `package.json has no script ${name}`);
  }
  return complaints;
}

/** The addresses of links and images that are not on another machine. */
export function listLinks(text: string): string[] {
  const hrefs: string[] = [];
  const marked = new Marked();
  marked.walkTokens(marked.lexer(text), (token) => {
    if (token.type === 'link' || token.type === 'image') hrefs.push(token.href);
  });
  return hrefs.filter((href) => !ELSEWHERE.test(href));
}

/** What GitHub makes of the headings. */
function listAnchors(text: string): string[] {
  return [...text.matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

function lineOf(text: string, words: string): number {
  return text.slice(0, text.indexOf(words)).split('\n').length;
}
