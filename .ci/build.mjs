// Compiles the project twice: type-checked modules for the tests (build/), and bundles that start fast (dist/).
// Why bundles: docs/decisions/0005-bundles.md.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const filesIn = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    : [];

// The compiler leaves behind what it made of files that are gone, and a test that was removed would still run.
for (const file of filesIn('build')) {
  const source = file.replace(/^build\//, '').replace(/(\.d\.ts|\.js|\.js\.map)$/, '.ts');
  if (source.endsWith('.ts') && !existsSync(source)) rmSync(file, { force: true });
}
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
const compiled = spawnSync(process.execPath, [join(typescript, 'bin/tsc'), '--build'], { stdio: 'inherit' });
if (compiled.status !== 0) process.exit(1);

const programs = readdirSync('cli').filter((name) => /^circus[\w-]*\.ts$/.test(name));
const doors = readdirSync('plugins').map((name) => `plugins/${name}/index.ts`);
const settings = {
  outdir: 'dist',
  outbase: '.',
  bundle: true,
  splitting: true,
  metafile: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  external: ['koffi', 'zeromq'],
  alias: { '#core': './core/index.ts' },
  plugins: [
    {
      name: 'plugin-doors',
      setup(bundler) {
        const root = process.cwd();
        bundler.onResolve({ filter: /^#plugins\// }, ({ path }) => ({
          path: join(root, path.replace('#', '').replace(/\.js$/, '.ts')),
        }));
      },
    },
  ],
  // CommonJS packages inside an ES module still call require for Node's own modules.
  banner: { js: `import { createRequire as $require } from 'node:module'; const require = $require(import.meta.url);` },
  logLevel: 'warning',
};
const daemon = programs.filter((name) => name !== 'circusctl.ts').map((name) => `cli/${name}`);
// circusctl by itself: what is shared is cut into pieces, and each piece costs a start of it 1 ms. The debugger is named,
// so that it is a piece of its own.
const made = await Promise.all([
  build({
    ...settings,
    entryPoints: [
      'cli/debugger.ts',
      ...daemon,
      'cli/plugin-host/client-plugin.ts',
      'core/index.ts',
      'plugins/controller/service.ts',
      ...doors.filter((file) => existsSync(file)),
    ],
  }),
  build({ ...settings, entryPoints: ['cli/debugger.ts', 'cli/circusctl.ts'] }),
  build({ ...settings, entryPoints: ['cli/client/index.ts'], splitting: false }),
  // What NODE_OPTIONS preloads into the programs of others: small files, which require() takes.
  build({
    ...settings,
    entryPoints: [
      { in: 'plugins/node-listen/preload.ts', out: 'plugins/node-listen/listen' },
      { in: 'plugins/health/lag.ts', out: 'plugins/health/lag' },
    ],
    splitting: false,
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    banner: {},
    sourcemap: false,
  }),
]);
const outputs = Object.assign({}, ...made.map(({ metafile }) => metafile.outputs));
// A bundle imports its parts in an order of its own: the one that must come first in all programs is put there.
const first = Object.keys(outputs).find((file) => /chunk/.test(file) && 'cli/debugger.ts' in outputs[file].inputs);
for (const name of programs) {
  const file = `dist/cli/${name.replace(/ts$/, 'js')}`;
  const line = `import "../${basename(first)}";\n`;
  writeFileSync(file, readFileSync(file, 'utf8').replace(line, '').replace('import ', `${line}import `));
}
// Afterwards and not before, so that a program that runs from dist/ finds its parts during a build.
for (const file of filesIn('dist')) if (!(file in outputs)) rmSync(file, { force: true });
