import assert from 'node:assert/strict';
import { choose, wishOf } from '#plugins/node-listen/choice.js';
import type { Inherited } from '#plugins/node-listen/inherited.js';

const socket = (name: string, host: string, port = 3000): Inherited => ({
  fd: 64,
  inode: 1,
  name,
  host,
  port,
  path: null,
  backlog: null,
});
const file: Inherited = { ...socket('file', 'localhost', 0), path: '/run/app.sock' };

/** The name of what was chosen, the words of what was unclear, or nothing. */
function chosen(args: readonly unknown[], ...sockets: readonly Inherited[]): string | undefined {
  const wish = wishOf(args);
  const choice = wish && choose(wish, sockets);
  return choice && ('socket' in choice ? choice.socket.name : choice.unclear);
}

describe('the choice of an inherited socket', () => {
  const local = socket('local', '127.0.0.1');
  const all = socket('all', '0.0.0.0');
  const six = socket('six', '::');

  it('takes the one of the port where no host is said, whatever its host', () => {
    for (const one of [local, all, six, socket('lan', '192.0.2.1')])
      for (const args of [
        [3000],
        ['3000'],
        [3000, 511],
        [{ port: 3000 }],
        [{ port: '3000', host: '' }],
        [3000, '::'],
        [3000, '0.0.0.0'],
      ])
        assert.equal(chosen(args, socket('else', '0.0.0.0', 3001), one), one.name, JSON.stringify(args));
  });

  it('prefers every host where several have the port, and the very same one of several alike', () => {
    assert.equal(chosen([3000], local, all), 'all');
    assert.equal(chosen([3000, '0.0.0.0'], all, six), 'all');
    assert.equal(chosen([3000, '[::]'], all, six), 'six');
    assert.match(
      chosen([3000], all, six)!,
      /^listen on port 3000 may mean "all" \(0.0.0.0:3000\) or "six" \(:::3000\): give it/,
    );
    assert.match(chosen([3000], local, socket('lan', '192.0.2.1'))!, /may mean "local" .* or "lan"/);
  });

  it('takes no socket that is open to others than a host says', () => {
    assert.match(
      chosen([3000, 'localhost'], all)!,
      /^listen on localhost:3000 is not "all" \(0.0.0.0:3000\): give the socket the same host$/,
    );
    assert.equal(chosen([3000, 'localhost'], all, local), 'local');
    assert.equal(chosen([{ port: 3000, host: '0:0::1' }], local), 'local');
    assert.equal(chosen([3000, 'Example.org'], socket('named', 'example.org')), 'named');
  });

  it('takes the one of a path, and nothing where nothing fits', () => {
    assert.equal(chosen(['/run/app.sock'], file), 'file');
    assert.equal(chosen([{ path: '/run/../run/app.sock' }], file), 'file');
    for (const args of [
      [],
      [0],
      [8080],
      [{ port: 0 }],
      [{ fd: 3 }],
      [{}],
      ['/run/other'],
      [() => 3000],
      [-1],
      [' '],
      [{ port: null, path: 5 }],
    ])
      assert.equal(chosen(args, local, file), undefined, JSON.stringify(args));
  });
});
