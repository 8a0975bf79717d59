// What `npm start` runs: the first example in the foreground, after a word on what to try next.
import { spawn } from 'node:child_process';

console.log(`Starting docs/examples/hello.ini. In another terminal, try:

  curl http://127.0.0.1:8010/             any of three workers answers
  npx circusctl status                    what is running
  npx circusctl incr web 2                two more workers, at once
  npx circusctl reload web --waiting      replace them one by one; no request is lost
  npx circusctl stop ticker               start it again with: npx circusctl start ticker

The watcher "moody" fails on purpose: it shows how a program that keeps failing is held back.
Ctrl-C here stops everything.
`);
const daemon = spawn(process.execPath, ['dist/cli/circusd.js', 'docs/examples/hello.ini'], { stdio: 'inherit' });
// The terminal sends Ctrl-C to both: the daemon stops in order, and this script tells how.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => signal === 'SIGTERM' && daemon.kill(signal));
daemon.on('exit', (code) => process.exit(code ?? 1));
