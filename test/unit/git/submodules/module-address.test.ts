import { describe, expect, test } from 'vitest';
import { moduleAddress } from '../../../../src/git/submodules/module-address.ts';

const HTTPS = 'https://github.com/acme/app.git';
const ENTERPRISE = 'https://git.example:8443/acme/app';
const SSH = 'git@git.example:acme/app.git';

test.each([
  ['../lib.git', HTTPS, 'https://github.com/acme/lib.git'],
  ['../../other/lib', HTTPS, 'https://github.com/other/lib'],
  ['./inner', HTTPS, 'https://github.com/acme/app.git/inner'],
  ['https://github.com/other/lib.git/', HTTPS, 'https://github.com/other/lib.git'],
  ['git@github.com:other/lib.git', HTTPS, 'https://github.com/other/lib.git'],
  ['ssh://git@github.com/other/lib.git', HTTPS, 'https://github.com/other/lib.git'],
  ['https://git.example:8443/x/y', ENTERPRISE, 'https://git.example:8443/x/y'],
  ['git@git.example:x/y', ENTERPRISE, 'https://git.example:8443/x/y'],
  ['https://github.com/x/y', ENTERPRISE, 'https://github.com/x/y'],
  ['git@github.com:x/y', SSH, 'https://github.com/x/y'],
  ['../lib.git', SSH, 'git@git.example:acme/lib.git'],
  ['git@git.example:x/y', SSH, 'git@git.example:x/y'],
  ['https://git.example/x/y', SSH, 'https://git.example/x/y'],
  ['../lib', 'ssh://git@git.example:2222/acme/app', 'ssh://git@git.example:2222/acme/lib'],
  ['../lib', 'http://127.0.0.1:3000/acme/app', 'http://127.0.0.1:3000/acme/lib'],
  ['../lib', '/srv/git/app.git', '/srv/git/lib'],
  ['/srv/git/group/lib', '/srv/git/app.git', '/srv/git/group/lib'],
  ['file:///srv/git/lib', '/srv/git/app.git', '/srv/git/lib'],
  ['https://github.com/x/y', '/srv/git/app.git', 'https://github.com/x/y'],
])('%s beside %s is %s', (text, remote, address) => {
  expect(moduleAddress(text, remote)).toBe(address);
});

describe('what a hostile file could name', () => {
  test.each([
    ['another transport', 'ext::sh -c id', HTTPS],
    ['another transport', 'fd::7', HTTPS],
    ['a helper', 'evil::https://github.com/x/y', HTTPS],
    ['an option', '--upload-pack=id', HTTPS],
    ['an option for ssh', 'ssh://-oProxyCommand=id/x', SSH],
    ['an option for ssh', 'git@-oProxyCommand=id:x', SSH],
    ['a file here', 'file:///etc', HTTPS],
    ['a path here', '/root/private', HTTPS],
    ['a path here', '/root/private', '/srv/git/app'],
    ['a path here that leads out', '/srv/git/../../root/private', '/srv/git/app'],
    ['a path here that leads out', '../../root/private', '/srv/git/app'],
    ['the directory of the remote', '../', '/srv/git/app'],
    ['a place above the host', '../../../x', HTTPS],
    ['steps up in the middle', './a/../../../../x', HTTPS],
    ['another host', 'https://evil.example/x/y', HTTPS],
    ['a host behind a password', 'https://github.com:x@evil.example/y', HTTPS],
    ['the metadata of a cloud', 'http://169.254.169.254/latest', HTTPS],
    ['this machine', 'http://127.0.0.1:5432/x', HTTPS],
    ['this machine', 'http://127.0.0.1:5432/x', 'http://127.0.0.1:3000/acme/app'],
    ['another port', 'https://github.com:22/x/y', HTTPS],
    ['another port of the same host', 'https://git.example:9200/x', ENTERPRISE],
    ['plain text', 'http://github.com/x/y', HTTPS],
    ['the old protocol', 'git://github.com/x/y', HTTPS],
    ['a line end', 'https://github.com/x/y\n--upload-pack=id', HTTPS],
    ['a query', 'https://github.com/x/y?z', HTTPS],
    ['nothing', '', HTTPS],
  ])('is refused: %s, %j beside %s', (_, text, remote) => {
    expect(() => moduleAddress(text, remote)).toThrow(/is no submodule's address for choo/);
  });
});
