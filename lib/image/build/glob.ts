/**
 * Patterns of paths as Docker has them: Go's filepath.Match, with `**` for any number of
 * directories. Not those of a shell: a leading dot is a character like others, there are no braces.
 *
 * Go, package path/filepath, "Match"; Dockerfile reference, ".dockerignore file"
 */

/** Throws SyntaxError for a pattern that cannot be one, as `[` without `]`. */
export function globToRegExp(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === '*' && pattern.charAt(at + 1) === '*') {
      at++;
      // `**/x` is also `x`.
      const slash = pattern.charAt(at + 1) === '/';
      if (slash) at++;
      source += slash ? '(?:.*/)?' : '.*';
    } else if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '[') {
      const end = classEnd(pattern, at);
      source += pattern.slice(at, end).replace(/^\[\^?/, (open) => (open === '[^' ? '[^/' : '['));
      source += ']';
      at = end;
    } else if (char === '\\') {
      at++;
      if (at === pattern.length) throw new SyntaxError(`${pattern}: nothing follows the backslash`);
      source += RegExp.escape(pattern.charAt(at));
    } else source += RegExp.escape(char);
  }
  return new RegExp(`^${source}$`, 's');
}

/** Whether it has anything in it that makes it more than a path. */
export const isGlob = (path: string): boolean => /[*?[\\]/.test(path);

function classEnd(pattern: string, start: number): number {
  for (let at = start + 1; at < pattern.length; at++) {
    if (pattern.charAt(at) === '\\') at++;
    else if (pattern.charAt(at) === ']' && at > start + 1) return at;
  }
  throw new SyntaxError(`${pattern}: a [ is not closed`);
}
