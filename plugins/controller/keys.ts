/** CURVE keys in files, in the form that ZeroMQ's own tools write: `public-key = "..."`, `secret-key = "..."`. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { isOurFolder, isTrusted } from './socket-file.js';

/** A pair of keys in Z85, 40 characters each. */
export interface KeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

const longestFile = 4096;
const z85 = '[0-9a-zA-Z.\\-:+=^!/*?&<>()[\\]{}@%$#]{40}';
const line = (what: string) => new RegExp(`^\\s*${what}-key\\s*=\\s*"(${z85})"\\s*$`, 'm');
const patterns = { public: line('public'), secret: line('secret') };

/** The key in such a text; undefined when there is none. */
export const keyIn = (text: string, what: 'public' | 'secret'): string | undefined => patterns[what].exec(text)?.[1];

/** The folder for keys of this user's daemon: `/etc/circusd/keys` for root, else under `$XDG_CONFIG_HOME` or the home. */
export function keyDirectory(environment: NodeJS.ProcessEnv = process.env, uid = process.getuid?.() ?? 0): string {
  if (uid === 0) return '/etc/circusd/keys';
  return join(environment['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'circusd', 'keys');
}

/** Where the daemon looks for its keys when nothing is said. */
export const defaultKeys = (directory = keyDirectory()) => ({
  secret: join(directory, 'daemon.key_secret'),
  authorized: join(directory, 'authorized'),
});

/** The text of a small, regular file: a pipe would hold up the whole daemon. @throws Error */
function readKeyFile(path: string): string {
  const found = statSync(path);
  if (!found.isFile() || found.size > longestFile) throw new Error(`"${path}" is no file with a key`);
  return readFileSync(path, 'utf8');
}

/** Reads both keys from a file that nobody else may read. @throws Error */
export function readKeyPair(path: string): KeyPair {
  const text = readKeyFile(path);
  const publicKey = keyIn(text, 'public');
  const secretKey = keyIn(text, 'secret');
  if (publicKey === undefined || secretKey === undefined)
    throw new Error(`"${path}" does not hold a public-key and a secret-key, as NAME.key_secret does`);
  const found = statSync(path);
  if (!isTrusted(found)) throw new Error(`"${path}" holds a secret key, and belongs to another user`);
  if ((found.mode & 0o077) !== 0) throw new Error(`"${path}" holds a secret key, and others may read it`);
  return { publicKey, secretKey };
}

/**
 * The public keys in the `*.key` files of a folder: keys to the names of their files. `odd` hears of files that hold none.
 * @throws Error when the folder can't be read, or others may put keys into it
 */
export function readPublicKeys(directory: string, odd: (message: string) => void = () => undefined) {
  if (!isOurFolder(directory)) throw new Error('others may put keys into it: it has to be writable for its owner only');
  const keys = new Map<string, string>();
  for (const file of readdirSync(directory).sort()) {
    if (!/^[\w@.-]+\.key$/.test(file)) continue;
    try {
      const key = keyIn(readKeyFile(join(directory, file)), 'public');
      if (key === undefined) throw new Error('it holds no public-key');
      keys.set(key, basename(file, '.key'));
    } catch (error) {
      odd(`"${join(directory, file)}" lets nobody in: ${(error as Error).message}`);
    }
  }
  return keys as ReadonlyMap<string, string>;
}

/** What makes the file or folder that an option means. */
const makers: Readonly<Record<string, string>> = {
  curve_key: 'circusctl keygen daemon',
  authorized_keys: 'circusctl keygen NAME --authorize',
};

/** Reads the keys that an option means. @throws Error which names the option, and the command that makes such keys */
export function located<T>(option: string, path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const reason = (error as Error).message.replace(/^(\w+): ([^,]+).*$/, '$2');
    throw new Error(`option "${option}": "${path}" can't be used: ${reason} ("${makers[option]}" makes it)`, {
      cause: error,
    });
  }
}

const certificate = (name: string, keys: Readonly<Record<string, string>>) =>
  [`# ${name}`, 'metadata', 'curve', ...Object.entries(keys).map(([key, value]) => `    ${key} = "${value}"`), ''].join(
    '\n',
  );

/** Writes NAME.key, which may be given away, and NAME.key_secret, which may not. @throws Error when one is there already */
export function writeKeys(directory: string, name: string, { publicKey, secretKey }: KeyPair): readonly string[] {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const secret = join(directory, `${name}.key_secret`);
  const both = { 'public-key': publicKey, 'secret-key': secretKey };
  writeFileSync(secret, certificate(`Secret: ${name}`, both), { flag: 'wx', mode: 0o600 });
  return [writePublicKey(directory, name, publicKey), secret];
}

/** Writes NAME.key, and answers its path. @throws Error when it is there already */
export function writePublicKey(directory: string, name: string, publicKey: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `${name}.key`);
  writeFileSync(path, certificate(`Public: ${name}`, { 'public-key': publicKey }), { flag: 'wx', mode: 0o644 });
  return path;
}
