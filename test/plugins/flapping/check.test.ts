import assert from 'node:assert/strict';
import { runCircusd } from '../../support/circusd.js';
import { temporaryPerTest } from '../../support/temporary.js';

describe('the options of flapping in files', () => {
  const temporary = temporaryPerTest();

  /** What `--check` says of these watchers, each with its lines, as `KEY: message`, and that each place is right. */
  async function complaints(watchers: readonly (readonly string[])[], section = ''): Promise<readonly string[]> {
    const text = watchers.map((lines, at) => `[watcher:w${at}]\ncmd = sleep 600\n${lines.join('\n')}\n`).join('');
    const file = temporary.write('a.ini', section + text);
    const all = (section + text).split('\n');
    const { stderr } = await runCircusd(['--check', file]);
    return stderr
      .trim()
      .split('\n')
      .map((told) => {
        const [, line, column, key, message] =
          /a\.ini:(\d+):(\d+): "([\w.]+)" (.*?)(?:; \[watcher:w\d+\] is left out)?$/.exec(told) ?? [];
        assert.ok(key !== undefined && all[Number(line) - 1]?.startsWith(`${key} = `), told);
        assert.equal(Number(column), key.length + 4, told);
        return `${key}: ${message}`;
      });
  }

  it('has what is wrong in the new options told by --check, with the nearest names', async () => {
    const table: readonly (readonly [readonly string[], string])[] = [
      [
        ['flapping.policy = circs'],
        'flapping.policy: has a wrong value: "circs" is neither circus nor backoff (did you mean "circus"?)',
      ],
      [
        ['flapping.then = giveup'],
        'flapping.then: has a wrong value: "giveup" is neither retry_later nor give_up (did you mean "give_up"?)',
      ],
      [['flapping.backof = 2'], 'flapping.backof: is no option (did you mean "flapping.backoff"?)'],
      [['flapping.backoff = 0.5'], 'flapping.backoff: has a wrong value: it is at least 1'],
      [['flapping.jitter = 2'], 'flapping.jitter: has a wrong value: it is at most 1'],
      [['flapping.stable = 0'], 'flapping.stable: has a wrong value: it is more than no time'],
      [['flapping.retry_max = 5'], 'flapping.retry_max: is below retry_in, which is 7 s'],
      [['flapping.policy = circus', 'flapping.backoff = 2'], 'flapping.backoff: has no effect with policy = circus'],
      [
        ['flapping.then = give_up', 'flapping.retry_later = 9'],
        'flapping.retry_later: has no effect with then = give_up',
      ],
      [
        ['flapping.max_retry = -1', 'flapping.then = give_up'],
        'flapping.then: has no effect with max_retry = -1, after which nothing comes',
      ],
      [
        ['flapping.window = 5', 'flapping.stable = 5'],
        'flapping.window: has no effect beside stable, which goes before it',
      ],
      [
        ['flapping.restarts_per_second = 5'],
        'flapping.restarts_per_second: is about all watchers: write it into [plugin:flapping]',
      ],
      [['success_exit_codes = 256'], 'success_exit_codes: has 256: exit codes are 0 to 255'],
      [
        ['no_restart_exit_codes = 1, SIGTREM'],
        'no_restart_exit_codes: has "SIGTREM", which is neither an exit code nor a signal (did you mean "SIGTERM"?)',
      ],
      [
        ['success_exit_codes = 1 2 TERM', 'no_restart_exit_codes = SIGTERM 3 2'],
        'no_restart_exit_codes: has 2, SIGTERM, which success_exit_codes has too',
      ],
      [
        ['respawn = False', 'no_restart_exit_codes = 3'],
        'no_restart_exit_codes: has no effect with respawn = False: nothing is restarted',
      ],
    ];
    assert.deepEqual(
      await complaints(table.map(([lines]) => lines)),
      table.map(([, told]) => told),
    );
  });

  it('has what contradicts the section told where the watcher says it, and what the section says itself there', async () => {
    const section = '[plugin:flapping]\nuse = flapping\nretry_max = 20\nautostart = True\n';
    const told = await complaints(
      [['flapping.retry_in = 30'], ['flapping.retry_in = 10']],
      section.replace(/auto.*\n/, ''),
    );
    assert.deepEqual(told, ['flapping.retry_in: is above retry_max, which is 20 s']);
    const file = temporary.write('b.ini', section.replace('20', '5').replace(/auto.*\n/, 'then = later\n'));
    const { stderr } = await runCircusd(['--check', file]);
    assert.match(stderr, /b\.ini:4:8: option "then" of plugin "flapping": "later" is neither/);
    const other = temporary.write('c.ini', section.replace('20', '5').replace(/auto.*\n/, ''));
    assert.match(
      (await runCircusd(['--check', other])).stderr,
      /c\.ini:3:13: option "retry_max" of plugin "flapping": it is below retry_in, which is 7 s; \[plugin:flapping\] is left out/,
    );
  });

  it('is written in JSON as well', async () => {
    const flapping = { backoff: 1.5, then: 'give_up', retry_max: '2m' };
    const watchers = { a: { cmd: 'sleep 600', success_exit_codes: [0, 3, 'SIGTERM'], flapping } };
    const file = temporary.write('a.json', JSON.stringify({ watchers }));
    assert.deepEqual(await runCircusd(['--check', file]).then(({ code, stderr }) => [code, stderr]), [0, '']);
    const { stdout } = await runCircusd(['--show-config', file]);
    for (const line of [
      'success_exit_codes = 0, 3, SIGTERM',
      'flapping.backoff = 1.5',
      'flapping.retry_max = 120',
      'only_asked = True',
    ])
      assert.ok(stdout.includes(line), stdout);
  });
});
