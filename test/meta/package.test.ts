import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { inRoot } from '../support/paths.js';
import { run } from '../support/run.js';
import { importsOf, read, sourceFiles } from './source.js';

type Versions = Readonly<Record<string, string>>;

interface Manifest {
  readonly license: string;
  readonly engines: Versions;
  readonly bin: Versions;
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, string | Versions>>;
  readonly scripts: Versions;
  readonly dependencies?: Versions;
  readonly devDependencies?: Versions;
  readonly optionalDependencies?: Versions;
  readonly peerDependencies?: Versions;
}

const manifest = JSON.parse(read('package.json')) as Manifest;
const none = (faults: readonly string[]) => assert.equal(faults.join('\n'), '');
const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, devDependencies = {} } = manifest;
const needed = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
const textsIn = (folder: string, ending: string) =>
  readdirSync(inRoot(folder), { recursive: true })
    .map((name) => `${folder}/${String(name)}`)
    .filter((name) => name.endsWith(ending))
    .map(read);

describe('the package', () => {
  it('runs on the versions of Node that were promised, under the licence that was promised', () => {
    assert.equal(manifest.engines['node'], '^20.19.0 || >=22.12.0');
    assert.equal(manifest.license, 'Apache-2.0');
    assert.match(read('LICENSE'), /Apache License\s+Version 2\.0, January 2004/);
  });

  it('holds its programs, its doors and their types, and no tests, sources or state of the compiler', async () => {
    const { code, stdout, stderr } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: inRoot(),
      env: { ...process.env, npm_config_loglevel: 'error' },
    });
    assert.equal(code, 0, stderr);
    const [{ files }] = JSON.parse(stdout) as [{ files: readonly { readonly path: string }[] }];
    const paths = files.map(({ path }) => path);
    const doors = Object.values(manifest.exports).flatMap((door) =>
      typeof door === 'string' ? [door] : Object.values(door),
    );
    const wanted = [...Object.values(manifest.bin), ...doors, 'LICENSE', 'README.md', 'docs/examples/hello.ini'];
    none(wanted.map((file) => file.replace(/^\.\//, '')).filter((file) => !paths.includes(file)));
    none(paths.filter((path) => /^(build\/)?test\/|^\.|\.tsbuildinfo$|^(core|plugins|cli)\/.*\.ts$/.test(path)));
  });

  it('has programs that a shell can run', () => {
    const programs = Object.values(manifest.bin);
    none(programs.filter((file) => !existsSync(inRoot(file)) || !read(file).startsWith('#!/usr/bin/env node\n')));
  });

  it('needs nothing that it does not import, and imports nothing that it does not need', () => {
    const imported = ['core', 'plugins', 'cli']
      .flatMap(sourceFiles)
      .flatMap((file) => importsOf(read(file)))
      .map(({ from }) => from)
      .filter((from) => !/^(\.|#|node:)/.test(from))
      .map((from) => from.split('/', from.startsWith('@') ? 2 : 1).join('/'));
    none(needed.filter((name) => !imported.includes(name)).map((name) => `${name} is never imported`));
    none([...new Set(imported)].filter((name) => !needed.includes(name)).map((name) => `${name} is not declared`));
  });

  it('says in a decision why it needs each package', () => {
    const decisions = textsIn('docs/decisions', '.md').join('\n');
    none(needed.filter((name) => !new RegExp(`(^|[^\\w@/-])${name}($|[^\\w/-])`, 'm').test(decisions)));
  });

  it('is built and tested with nothing that is not used for it', () => {
    const uses = [
      ...textsIn('.ci', '.mjs'),
      ...sourceFiles('test').map(read),
      JSON.stringify(manifest.scripts),
      read('.oxlintrc.json'),
    ].join('\n');
    // Types of other packages, and the part of oxlint that knows types, are used by their names alone.
    const silent = /^(@types\/|oxlint-tsgolint$)/;
    none(Object.keys(devDependencies).filter((name) => !silent.test(name) && !uses.includes(name)));
  });

  it('has a lock file that names no registry, and all that "npm ci" asks for on any platform', () => {
    const text = read('package-lock.json');
    assert.doesNotMatch(text, /"resolved"/);
    const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, Partial<Manifest>>> };
    const own = packages[''];
    assert.deepEqual(own?.dependencies, dependencies);
    assert.deepEqual(own?.devDependencies, devDependencies);
    // npm leaves out what a registry does not have, such as builds for other systems, and then refuses the file.
    const parts = Object.values(packages).flatMap((found) => Object.keys(found.optionalDependencies ?? {}));
    none(parts.filter((name) => !Object.keys(packages).some((key) => key.endsWith(`node_modules/${name}`))));
  });
});
