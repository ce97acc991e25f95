import { describe, expect, it } from 'vitest';
import { formatReference, parseReference, shortReference } from './reference.ts';

const digest = `sha256:${'f'.repeat(64)}` as const;

describe('a reference', () => {
  it.each([
    ['alpine', 'docker.io', 'library/alpine', 'latest'],
    ['alpine:3.20', 'docker.io', 'library/alpine', '3.20'],
    ['lowercase:Uppercase', 'docker.io', 'library/lowercase', 'Uppercase'],
    ['test_com', 'docker.io', 'library/test_com', 'latest'],
    ['test.com:tag', 'docker.io', 'library/test.com', 'tag'],
    // Without a slash, a number behind the colon is a tag and no port.
    ['test.com:5000', 'docker.io', 'library/test.com', '5000'],
    ['192.168.1.1:5000', 'docker.io', 'library/192.168.1.1', '5000'],
    ['foo_bar.com:8080', 'docker.io', 'library/foo_bar.com', '8080'],
    ['docker/docker', 'docker.io', 'docker/docker', 'latest'],
    ['library/debian', 'docker.io', 'library/debian', 'latest'],
    ['index.docker.io/debian', 'docker.io', 'library/debian', 'latest'],
    ['docker.io/a/b/c', 'docker.io', 'a/b/c', 'latest'],
    ['foo/foo_bar.com:8080', 'docker.io', 'foo/foo_bar.com', '8080'],
    ['test.com/repo:tag', 'test.com', 'repo', 'tag'],
    ['test:5000/repo', 'test:5000', 'repo', 'latest'],
    ['test:5000/repo:tag', 'test:5000', 'repo', 'tag'],
    ['localhost/repo', 'localhost', 'repo', 'latest'],
    ['LOCALHOST/repo', 'LOCALHOST', 'repo', 'latest'],
    ['192.168.1.1:5000/repo:5050', '192.168.1.1:5000', 'repo', '5050'],
    ['sub-dom1.foo.com/bar/baz/quux:tag', 'sub-dom1.foo.com', 'bar/baz/quux', 'tag'],
    ['b.gcr.io/test.example.com/my-app:x.com', 'b.gcr.io', 'test.example.com/my-app', 'x.com'],
    ['xn--n3h.com/myimage:xn--n3h.com', 'xn--n3h.com', 'myimage', 'xn--n3h.com'],
    ['[2001:db8::1]/repo', '[2001:db8::1]', 'repo', 'latest'],
    ['[2001:db8:1:2:3:4:5:6]:5000/repo:tag', '[2001:db8:1:2:3:4:5:6]:5000', 'repo', 'tag'],
    ['a__b/c---d', 'docker.io', 'a__b/c---d', 'latest'],
    [`${'a/'.repeat(127)}a:tag`, 'docker.io', `${'a/'.repeat(127)}a`, 'tag'],
    [`short:${'t'.repeat(128)}`, 'docker.io', 'library/short', 't'.repeat(128)],
  ])('%s has its parts', (text, registry, repository, tag) => {
    expect(parseReference(text)).toEqual({ registry, repository, tag });
  });

  it('has no tag of its own where a digest says which', () => {
    expect(parseReference(`test:5000/repo@${digest}`)).toEqual({
      registry: 'test:5000',
      repository: 'repo',
      digest,
    });
    expect(parseReference(`repo:tag@${digest}`)).toMatchObject({ tag: 'tag', digest });
  });

  it.each([
    ['', 'needs a name'],
    [':justtag', 'each part'],
    [`@${digest}`, 'each part'],
    ['repo@sha256:ffff', '64 hexadecimal'],
    [`repo@sha256:${'F'.repeat(64)}`, '64 hexadecimal'],
    [`repo@sha512:${'f'.repeat(128)}`, 'sha256'],
    [`repo@${digest}@${digest}`, 'more than one @'],
    ['Uppercase:tag', 'lower case'],
    ['test:5000/Uppercase/lowercase:tag', 'lower case'],
    ['aa/asdf$$^/aa', 'each part'],
    ['a//b', 'each part'],
    ['/a', 'each part'],
    ['a/', 'each part'],
    ['-a/b', 'each part'],
    ['a___b', 'each part'],
    ['a..b', 'each part'],
    ['../etc/passwd', 'host name'],
    ['[fe80::1%eth0]:5000/repo', 'host name'],
    ['-test.com/repo', 'host name'],
    ['repo:', 'a tag'],
    ['repo:.hidden', 'a tag'],
    [`repo:${'t'.repeat(129)}`, 'a tag'],
    ['a:b:c', 'a tag'],
    [`${'a/'.repeat(128)}a:tag`, 'at most 255'],
    ['f'.repeat(64), 'image id'],
    ['a\nb', 'each part'],
    ['a ', 'each part'],
  ])('%j is refused, and the part is named', (text, why) => {
    expect(() => parseReference(text)).toThrow(why);
    expect(() => parseReference(text)).toThrow(JSON.stringify(text));
  });

  it.each([
    ['alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['docker.io/docker/docker:1', 'docker.io/docker/docker:1', 'docker/docker:1'],
    ['docker.io/library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
    ['docker.io/a.b/c', 'docker.io/a.b/c:latest', 'docker.io/a.b/c:latest'],
    ['docker.io/localhost/c', 'docker.io/localhost/c:latest', 'docker.io/localhost/c:latest'],
    ['127.0.0.1:5000/a', '127.0.0.1:5000/a:latest', '127.0.0.1:5000/a:latest'],
    [`alpine@${digest}`, `docker.io/library/alpine@${digest}`, `alpine@${digest}`],
  ])('%s is written in full and short, and both read back', (text, full, short) => {
    const reference = parseReference(text);
    expect(formatReference(reference)).toBe(full);
    expect(shortReference(reference)).toBe(short);
    expect(parseReference(full)).toEqual(reference);
    expect(parseReference(short)).toEqual(reference);
  });
});
