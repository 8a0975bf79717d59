import assert from 'node:assert/strict';
import { buildConfiguration } from '../../../cli/config/build.js';
import { parseEnvFile } from '../../../cli/config/env-file.js';
import type { Problem } from '../../../cli/config/problem.js';
import { readConfigurationText } from '../../../cli/config/read.js';
import { mergeFiles } from '../../../cli/config/sections.js';
import { formats, showConfiguration } from '../../../cli/config/show.js';
import { pieces, samples } from './fuzz-samples.js';
import { yamlIsThere } from './yaml-package.js';

const full = process.env.CIRCUSD_FULL === '1';

describe('any mutated file', function () {
  this.timeout(full ? 0 : 10_000);

  const kinds = [
    { file: 'a.ini', rounds: 200_000 },
    { file: 'a.json', rounds: 100_000 },
    { file: 'a.yaml', rounds: 30_000 },
    { file: 'v.env', rounds: 50_000 },
  ];
  for (const { file, rounds } of kinds) {
    it(`never crashes the reader, and every problem has a place, whatever was done to ${file}`, function () {
      if (file === 'a.yaml' && !yamlIsThere) this.skip();
      const random = randomNumbers(20_240_601);
      const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
      const end = Date.now() + 1000;
      for (let round = 0; full ? round < rounds : round < 3000 && Date.now() < end; round++) {
        let text = samples[file]!;
        for (let times = 1 + Math.floor(random() * 8); times > 0; times--) {
          const from = Math.floor(random() * text.length);
          const to = random() < 0.3 ? from : Math.min(text.length, from + Math.floor(random() ** 4 * 200));
          text =
            text.slice(0, from) + (random() < 0.7 ? pick(pieces) : text.slice(from, to).repeat(2)) + text.slice(to);
        }
        const began = Date.now();
        if (file === 'v.env') checkVariables(text);
        else checkMutation(text, file, round % 20 === 0);
        assert.ok(Date.now() - began < 3000, `took ${Date.now() - began} ms: ${JSON.stringify(text)}`);
      }
    });
  }
});

function checkMutation(text: string, file: string, alsoShown: boolean): void {
  const environment = { HOME: '/root', PATH: '/bin', '': '', 'A=': '$HOME' };
  const configuration = buildConfiguration(mergeFiles(file, [readConfigurationText(text, file)]), environment);
  const { problems, watchers } = configuration;
  checkPlaces(problems, text, file);
  for (const { spec } of watchers) assert.ok(spec.cmd !== '' && spec.numprocesses >= 0, JSON.stringify(text));
  if (!alsoShown) return;
  for (const format of formats) {
    const shown = showConfiguration(configuration, [], undefined, format);
    if (format !== 'json') continue;
    const again = buildConfiguration(mergeFiles(file, [readConfigurationText(shown, 'b.json')]), environment);
    // What was filled in may look like another variable, which is filled in when it is read again.
    if (/circus\.env\./i.test(shown)) continue;
    const [before, after] = [watchers, again.watchers].map((all) => all.map(({ spec }) => spec));
    assert.deepEqual(after, before, JSON.stringify({ text, shown, problems: again.problems }));
  }
}

function checkVariables(text: string): void {
  const { variables, problems } = parseEnvFile(text, 'v.env');
  checkPlaces(problems, text, 'v.env');
  for (const { key, line } of variables) assert.ok(key !== '' && line >= 1, JSON.stringify(text));
}

function checkPlaces(problems: readonly Problem[], text: string, file: string): void {
  const lines = text.split(/\r\n|\r|\n/).length;
  for (const problem of problems) {
    assert.equal(problem.file, file);
    assert.ok(problem.line >= 1 && problem.line <= lines, JSON.stringify({ problem, text }));
    assert.ok(problem.column >= 1 && problem.message.length > 10 && !problem.message.includes('undefined'));
  }
}

/** A small generator of numbers in 0..1 that gives the same ones in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
