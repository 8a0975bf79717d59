import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { inRoot } from '../support/paths.js';
import { forbiddenImports, foreignNames, importCircle, misnamed, posixUsers } from './layers.js';
import { importsOf, read, sourceFiles } from './source.js';

const layers = ['core', 'plugins', 'cli'];
const plugins = readdirSync(inRoot('plugins'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

const none = (faults: readonly string[]) => assert.equal(faults.join('\n'), '');
const imports = (file: string, ...lines: readonly string[]) => forbiddenImports(file, lines.join('\n')).length;

describe('the layers', () => {
  for (const layer of layers) {
    it(`${layer} imports only what lies below it`, () => {
      const files = sourceFiles(layer);
      assert.ok(files.length > 0);
      none(files.flatMap((file) => forbiddenImports(file, read(file))));
    });
  }

  it('the kernel has no circle of run-time imports', () => {
    const circle = importCircle(new Map(sourceFiles('core').map((file) => [file, read(file)])));
    assert.equal(circle, undefined);
  });

  it('the list of those who use system calls names nobody who does not', () => {
    for (const [file, calls] of Object.entries(posixUsers)) {
      const used = importsOf(read(file)).map(({ from }) => from);
      none(calls.filter((call) => !used.includes(`./posix/${call}.js`)).map((call) => `${file} does not use ${call}`));
    }
  });

  it('the kernel names no file format, protocol or plugin', () => {
    none(sourceFiles('core').flatMap((file) => foreignNames(file, read(file), plugins)));
  });

  it('files are named for what is in them, and only plugins are default exports', () => {
    none([...layers, 'test'].flatMap(sourceFiles).flatMap((file) => misnamed(file, read(file))));
  });
});

describe('the check of the layers', () => {
  it('sees a planted import, however it is written', () => {
    const file = 'core/watcher.ts';
    assert.equal(imports(file, `import { a } from './scope.js';`, `import type { B } from './arbiter.js';`), 0);
    assert.equal(imports(file, `import { x } from '../plugins/flapping/index.js';`), 1);
    assert.equal(imports(file, `import type { x } from '../plugins/flapping/index.js';`), 1);
    assert.equal(imports(file, `export {`, `  x,`, `} from '#plugins/flapping/index.js';`), 1);
    assert.equal(imports(file, `export * as all from "../cli/print.js";`), 1);
    assert.equal(imports(file, `const late = await import('zeromq');`), 1);
    assert.equal(imports(file, `import 'pino';`), 1);
    assert.equal(imports(file, `type T = import('pino').Logger;`), 1);
  });

  it('does not take comments and texts for imports', () => {
    const file = 'core/watcher.ts';
    assert.equal(imports(file, `// import 'pino';`, `/* import 'ini' */`, `const a = "import 'ini'";`), 0);
    assert.equal(imports(file, 'const b = `${x}import("ini")${`y`}`;', `const c = /'/; // import 'ini'`), 0);
  });

  it('keeps tapable, koffi and system calls in their places', () => {
    assert.equal(imports('core/hooks.ts', `import { SyncHook } from 'tapable';`), 0);
    assert.equal(imports('core/host.ts', `import { SyncHook } from 'tapable';`), 1);
    assert.equal(imports('plugins/streams/index.ts', `import koffi from 'koffi';`), 1);
    assert.equal(imports('core/posix/wait.ts', `import { x } from '../watcher.js';`), 1);
    assert.equal(imports('core/posix/wait.ts', `import type { X } from '../watcher.js';`), 0);
    assert.equal(imports('core/watcher.ts', `import { spawn } from './posix/spawn.js';`), 1);
    assert.equal(imports('core/program.ts', `import { spawn } from './posix/spawn.js';`), 0);
  });

  it('lets a plugin use another only through its service', () => {
    const file = 'plugins/httpd/routes/watchers.ts';
    assert.equal(imports(file, `import { Controller } from '../../controller/service.js';`), 0);
    assert.equal(imports(file, `import { list } from '../../controller/commands/list.js';`), 1);
    assert.equal(imports(file, `import { list } from '#plugins/controller/index.js';`), 1);
    assert.equal(imports(file, `import { page } from '../page.js';`, `import { Hono } from 'hono';`), 0);
    assert.equal(imports(file, `import { Watcher } from '../../../core/watcher.js';`), 1);
    assert.equal(imports(file, `import { print } from '../../../cli/print.js';`), 1);
  });

  it('lets the programs reach the layers through their doors', () => {
    assert.equal(imports('cli/circusd.ts', `import { Arbiter } from '#core';`, `import x from 'commander';`), 0);
    assert.equal(imports('cli/circusd.ts', `import { Arbiter } from '../core/arbiter.js';`), 1);
    assert.equal(imports('cli/config/read.ts', `import { log } from '../log.js';`), 0);
    assert.equal(imports('cli/circusd.ts', `import { x } from '../test/support/run.js';`), 1);
  });

  it('keeps the client light', () => {
    const file = 'cli/client/client.ts';
    assert.equal(imports(file, `import { x } from './link.js';`, `import type { Dealer } from 'zeromq';`), 0);
    assert.equal(imports(file, `import type { Info } from '#plugins/controller/info.js';`), 0);
    assert.equal(imports(file, `import { Dealer } from 'zeromq';`, `import { Arbiter } from '#core';`), 2);
    assert.equal(imports(file, `import { Failure } from '../ctl/failure.js';`), 1);
  });

  it('sees foreign words in identifiers and texts, not in comments', () => {
    const names = (text: string) => foreignNames('core/x.ts', text, ['flapping', 'max-age', 'hooks']).length;
    assert.equal(names(`const readIniFile = 1;`), 1);
    assert.equal(names('const a = `the zmq socket`;'), 1);
    assert.equal(names(`const b = 'a "max-age" of';`), 1);
    assert.equal(names(`// the ini file\nconst hooks = initial('hooks');`), 0);
  });

  it('sees a bad name, a stray door and a default export', () => {
    const faults = (file: string, text = '') => misnamed(file, text).length;
    assert.equal(faults('core/utils.ts'), 1);
    assert.equal(faults('core/runHelper.ts'), 1);
    assert.equal(faults('cli/config/index.ts'), 1);
    assert.equal(faults('core/scope.ts', 'export default class {}'), 1);
    assert.equal(faults('core/scope.ts', 'export { Scope as default };'), 1);
    assert.equal(faults('plugins/flapping/index.ts', 'export default definePlugin({});'), 0);
  });

  it('sees a circle of run-time imports, and lets types point sideways', () => {
    const circle = (text: string) =>
      importCircle(
        new Map([
          ['core/a.ts', `import { b } from './b.js';`],
          ['core/b.ts', text],
        ]),
      );
    assert.equal(circle(`import { a } from './a.js';`), 'core/a.ts > core/b.ts > core/a.ts');
    assert.equal(circle(`import type { a } from './a.js';`), undefined);
  });
});
