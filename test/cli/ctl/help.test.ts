import assert from 'node:assert/strict';
import { commandHelp, generalHelp } from '../../../cli/ctl/help.js';
import { globalOptions } from '../../../cli/ctl/options.js';
import { findCommand, table } from '../../../cli/ctl/table.js';

describe('the help of circusctl', () => {
  it('names every command and every option, in lines that fit', () => {
    const lines = generalHelp().split('\n');
    for (const { name } of table) assert.equal(lines.filter((line) => line.split(' ')[2] === name).length, 1, name);
    for (const { name } of globalOptions)
      assert.ok(
        lines.some((line) => line.startsWith(`  --${name} `)),
        name,
      );
    assert.deepEqual(
      lines.filter((line) => line.length > 100),
      [],
    );
  });

  it('of a command tells its words and flags', () => {
    for (const command of table) {
      const help = commandHelp(command);
      assert.match(help, new RegExp(`^Usage: circusctl \\[options\\] ${command.name}\\b`));
      for (const { name, summary } of command.words)
        assert.ok(help.includes(name.toUpperCase()) && help.includes(summary.slice(0, 20)));
      for (const { name } of command.flags) assert.ok(help.includes(`  --${name}`));
    }
    assert.match(commandHelp(findCommand('signal')!), /signal NAME \[PID\] SIGNUM \[--children\] \[--recursive\]\n/);
  });
});
