import assert from 'node:assert/strict';
import { importText, unmappedOf, watcherOf } from './reading.js';

describe('memmon in a supervisord.conf', () => {
  const conf = (words: string) =>
    importText(
      'supervisord',
      '/etc/app/supervisord.conf',
      [
        ...['[eventlistener:memmon]', `command=${words}`, 'events=TICK_60'],
        ...['[program:web]', 'command=web', 'autorestart=true', '[program:queue]', 'command=queue', 'autorestart=true'],
        ...['[program:cron]', 'command=cron', 'autorestart=true', '[group:back]', 'programs=queue,cron'],
      ].join('\n'),
    );
  const told = (imported: ReturnType<typeof conf>) =>
    unmappedOf(imported).filter((line) => !line.includes('log files'));
  const limits = (imported: ReturnType<typeof conf>) =>
    ['web', 'queue', 'cron'].map((name) => watcherOf(imported, name)['resources.max_memory']);

  it('gives each program its limit, the most particular one', () => {
    const imported = conf('/usr/bin/memmon -a 1GB -p web=200MB -g back=512MB -p back:cron=100000000');
    assert.deepEqual(limits(imported), ['200M', '512M', '100000000B']);
    assert.deepEqual(told(imported), []);
    const { 'resources.samples': samples, 'resources.interval': interval } = watcherOf(imported, 'web');
    assert.deepEqual([samples, interval], ['1', '60']);
  });

  it('leaves others alone, and tells what it can not do', () => {
    const imported = conf('memmon -p web=much -g web=5MB -c -m me@example.org');
    assert.deepEqual(limits(imported), [undefined, undefined, undefined]);
    const lines = told(imported);
    assert.equal(lines.length, 2);
    assert.match(lines[0]!, /"much" is no size that memmon reads/);
    assert.match(lines[1]!, /-c, -m of memmon/);
  });
});
