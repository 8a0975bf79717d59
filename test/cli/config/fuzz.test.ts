import assert from 'node:assert/strict';
import fc from 'fast-check';
import { buildConfiguration } from '../../../cli/config/build.js';
import { parseEnvFile } from '../../../cli/config/env-file.js';
import { readIni } from '../../../cli/config/ini.js';
import type { Problem } from '../../../cli/config/problem.js';
import { readConfigurationText } from '../../../cli/config/read.js';
import { mergeFiles } from '../../../cli/config/sections.js';
import { formats, showConfiguration } from '../../../cli/config/show.js';
import { isBlank, strip, stripEnd } from '../../../cli/config/text.js';
import { yamlIsThere } from './yaml-package.js';

const full = process.env.CIRCUSD_FULL === '1';

describe('any configuration', function () {
  this.timeout(full ? 0 : 10_000);

  it('reads back as it was written in the dialect', () => {
    fc.assert(
      fc.property(fc.array(section, { maxLength: 6 }), eol, (sections, end) => {
        const unique = [...new Map(sections.map((one) => [one.name, one])).values()];
        const text = unique.map((one) => writeSection(one)).join('\n');
        const { sections: read, problems } = readIni(text.replaceAll('\n', end), 'a.ini');
        assert.deepEqual(problems, []);
        const pairs = read.map(({ name, options }) => [name, options.map(({ key, value }) => [key, value])]);
        const expected = unique.map(({ name, options }) => [
          name,
          options.map((one) => [one.key, one.lines.join('\n')]),
        ]);
        assert.deepEqual(pairs, expected);
      }),
      { numRuns: full ? 20_000 : 500 },
    );
  });

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

interface Section {
  readonly name: string;
  readonly options: readonly { readonly key: string; readonly lines: readonly string[]; readonly delimiter: string }[];
}

const letters = fc.constantFrom(...'abAB019 _-.:=;#[]"\'\\\t%$()*{}\u00a0\u0085\u2028\ufeffäλ😀\0'.match(/./gsu)!);
const text = fc.string({ unit: letters, maxLength: 12 });
const words = fc.constantFrom('__proto__', 'constructor', 'true', 'null', '10', '2', 'a.b', 'k[]', 'remark', '""x');
const eol = fc.constantFrom('\n', '\r\n', '\r');

/** No blank or comment in front, and nothing that ends the key early. */
const key = fc
  .oneof(text, words)
  .map((written) => stripEnd(written.replace(/[=:]/g, '')))
  .filter((name) => name !== '' && !isBlank(name[0]!) && !/^(?:[#;[\ufeff]|rem$)/i.test(name))
  .filter((name) => !/^rem/i.test(name) || !isBlank(name[3] ?? ''));

/** What follows the delimiter: no comment in it, and not the one text that means empty. */
const firstLine = fc
  .oneof(text, words)
  .map(strip)
  .filter((line) => line !== '""' && !isBlank(line.at(line.indexOf(';') - 1) ?? '') && line !== ';');
const nextLine = fc
  .oneof(text, words)
  .map(strip)
  .filter((line) => line !== '');

const option = fc.record({
  key,
  lines: fc.tuple(firstLine, fc.array(nextLine, { maxLength: 2 })).map(([first, next]) => [first, ...next]),
  delimiter: fc.constantFrom('=', ':', ' = ', ' : ', '= ', '\t=\t'),
});
const section: fc.Arbitrary<Section> = fc.record({
  name: fc.oneof(text, words).filter((name) => name !== ''),
  options: fc.uniqueArray(option, { selector: (one) => one.key, maxLength: 6 }),
});

function writeSection({ name, options }: Section): string {
  const lines = options.flatMap((one) => [
    '# a comment',
    `${one.key}${one.delimiter}${one.lines[0]}`,
    ...one.lines.slice(1).flatMap((line) => ['', `  ${line}`]),
  ]);
  return [`[${name}] ; a note`, ...lines].join('\n');
}

const ini = `[DEFAULT]
copy_env = True
[circus]
check_delay = 5
httpd = False
umask = 022
include = other/*.ini
; comment
[env]
PATH = $(circus.env.PATH):/x
A = $(circus.env.B)
B = $HOME ; note
[env:web,w*]
C = ((circus.env.A))/$(circus.env.C)
[socket:web]
host = 0.0.0.0
port = 80
[socket:unix]
path = /run/x
umask = 022
[watcher:web]
cmd = run --fd $(circus.sockets.web)
args = -v
   --more "x ; y"
numprocesses = cpus-1
sockets = web
stop_signal = SIGRTMIN+1
rlimit_nofile = 1024
stdout_stream.class = FileStream
hooks.before_start = a.b, true
singleton = no
[defaults:w*]
max_age = 1h30m
env.D = \${HOME:-/none}\${A:-\${B:?no B}}
[watcher:worker]
cmd : worker
expand = shell
env.E = $$HOME
graceful_timeout = 2.5
flapping.window = 1
[plugin:flapping]
use = circus.plugins.flapping.Flapping
window = 3
`;

const json = `{
  "circus": { "check_delay": 5, "httpd": false, "umask": "022", "endpoint": null },
  "env": { "A": "$(circus.env.B)", "B": 1, "web,w*": { "C": "$HOME" } },
  "defaults": { "copy_env": true, "graceful_timeout": "1m" },
  "watchers": {
    "web": {
      "cmd": ["run", "--fd", "$(circus.sockets.web)"], "sockets": ["web"], "numprocesses": "cpus-1",
      "stdout_stream": { "class": "FileStream", "max_bytes": "1M" }, "env": { "D": "\\u0041\\n" }
    },
    "worker": { "cmd": "worker", "expand": "shell", "args": "\${A:-x}", "flapping": { "window": 1.5e1 } }
  },
  "sockets": { "web": { "port": 80 } },
  "plugins": { "flapping": { "use": "flapping", "window": 3 } }
}
`;

const yaml = `circus: { check_delay: 5, umask: 022 }
base: &base
  copy_env: true
  env: { A: "$(circus.env.B)", B: ~ }
watchers:
  web:
    <<: *base
    cmd: [run, --fd, $(circus.sockets.web)]
    sockets: web
    args: >
      one
      two
  worker: # note
    <<: [*base]
    cmd: |
      worker
    expand: shell
    flapping: { window: 1.5 }
sockets:
  web: { port: 80 }
`;

const variables = `# note
A=1
export B = two words # note
C="tab\\t \\"q\\" \${A:-x}"
D='one
two'
E=
`;

const samples: Readonly<Record<string, string>> = { 'a.ini': ini, 'a.json': json, 'a.yaml': yaml, 'v.env': variables };

const pieces = [
  ['', '\n', '\r', '\r\n', '[', ']', '=', ':', ';', ' ;', '#', '"', "'", '\\', '\0', '\t', ' ', '\n ', '\n\n  '],
  ['\u00a0', '\u0085', '\u2028', '\ufeff', '\ud800', '\udc00', '😀', '@', '%0041', '%', '@1', '{% if %}', '-1'],
  ['__proto__', '[__proto__]\n', 'constructor = 1\n', 'toString', '10 = 1\n', 'k[] = 1\n', '1e999', '9'.repeat(30)],
  [
    '${A:-',
    '${',
    '$$',
    '}',
    '${A:?x}',
    '{',
    ',',
    'null',
    ': ',
    '- ',
    '&a ',
    '*a',
    '<<: ',
    '? ',
    '|\n',
    '"x": ',
    '\\u',
    '!!x',
  ],
  ['$(circus.env.', '$(circus.env.A)', '((circus.env.B))', '$(circus.sockets.x)', '$A', 'circus.', '$(circus.wid)'],
  ['[watcher:', '[watcher:web]\n', '[socket:]\n', '[plugin:x]\n', '[env:*]\n', '[env:[]\n', '[DEFAULT]\n', '[]\n'],
  [
    'cmd = x\n',
    'expand = shell\n',
    '[defaults]\n',
    '[defaults:[]\n',
    '[watcher:*]\n',
    'secret.A = no\n',
    'env_file = no\n',
    'env. = 1\n',
    'max_age = 1w\n',
    'export A="',
    'name = web\n',
    'stdout_stream = 1\n',
    'singleton = 1\n',
    'use =\n',
    'rem\n',
    'rlimit_ = 1\n',
    '*?[!a]',
  ],
].flat();
