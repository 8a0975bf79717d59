/** The guide to sockets: each of its configurations serves, with free ports and paths of the test's own. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { fencesOf } from '../meta/markdown.js';
import { circusdPerTest } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { inRoot } from '../support/paths.js';
import { freePort } from '../support/ports.js';

const fences = fencesOf(readFileSync(inRoot('docs', 'guides', 'sockets.md'), 'utf8'));
const files = {
  'app.py': 'def app(environ, start):\n    start("200 OK", [])\n    return [b"hello"]\n',
  ...Object.fromEntries(
    fences.filter(({ info }) => info.includes(' ')).map(({ info, text }) => [info.split(' ')[1], text]),
  ),
};

/** Resolves with the status of the answer that somebody gives there. */
const statusAt = (where: { readonly port: number } | { readonly socketPath: string }): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', agent: false, timeout: 5000, ...where }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    })
      .on('timeout', () => reject(new Error('nobody answers')))
      .on('error', reject)
      .end();
  });

describe('the guide to sockets', function () {
  this.timeout(30_000);
  const start = circusdPerTest();

  for (const { line, text } of fences.filter(({ info }) => info === 'ini')) {
    it(`has a configuration that serves: docs/guides/sockets.md:${line}`, async () => {
      const port = await freePort();
      // A path that is relative to the folder of the configuration, as its name is only known later.
      const ini = text
        .replace(/^port = .*$/m, `port = ${port}`)
        .replace('/tmp/app-admin.sock', 'app-admin.sock')
        .replace(/^cmd = node /m, `cmd = ${process.execPath} `)
        .replace(/^working_dir = .*\n/m, '')
        .replace(process.geteuid?.() === 0 ? '' : /^group = .*\n/m, '');
      const daemon = await start(ini, { files });
      await eventually(async () => assert.equal(await statusAt({ port }), 200), { within: 15_000 });
      if (text.includes('[socket:admin]'))
        assert.equal(await statusAt({ socketPath: `${daemon.folder.path}/app-admin.sock` }), 200);
    });
  }

  it('has a program that waits in accept(), which a socket that does not block would end', async () => {
    const plain = fences.find(({ text }) => text.includes('blocking = True'))!.text;
    const ini = plain.replace(/^port = .*$/m, 'port = 0').replace('blocking = True\n', '');
    const daemon = await start(ini, { files });
    await eventually(() => assert.match(daemon.log, /BlockingIOError: \[Errno 11\]/), { within: 10_000 });
  });
});
