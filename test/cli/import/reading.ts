/** Reads back what an importer wrote, as circusd would. */
import assert from 'node:assert/strict';
import { buildConfiguration, type Configuration } from '../../../cli/config/build.js';
import { readIni } from '../../../cli/config/ini.js';
import { asRead, mergeFiles } from '../../../cli/config/sections.js';
import { readYaml } from '../../../cli/config/yaml.js';
import { filesOf } from '../../../cli/import/files.js';
import { importFiles, type Imported, type ImportOptions, type SourceKind } from '../../../cli/import/import.js';

/** The package that reads YAML is optional. */
export const hasYaml = readYaml('a: 1', '/a.yml').tree !== undefined;

/** The configuration, in which nothing may be wrong, not even a little. */
export function readBack({ ini }: Imported, daemon: Record<string, string> = {}): Configuration {
  const configuration = buildConfiguration(mergeFiles('a.ini', [readIni(ini, 'a.ini')]), daemon);
  assert.deepEqual(configuration.problems, [], ini);
  return configuration;
}

/** The sections as they were read, by name. */
export function sectionsOf({ ini }: Imported): Record<string, Record<string, string>> {
  return asRead(mergeFiles('a.ini', [readIni(ini, 'a.ini')])).sections;
}

/** Imports one text, or several files of which the first is meant; checks that circusd reads the result. */
export function importText(
  kind: SourceKind,
  path: string,
  text: string,
  others: Record<string, string> = {},
  options: ImportOptions = {},
): Imported {
  const imported = importFiles(kind, [path], filesOf({ [path]: text, ...others }), options);
  readBack(imported);
  for (const { file, line, column, message } of imported.problems) {
    assert.ok(file !== '' && line >= 1 && column >= 1 && message.length > 10, JSON.stringify(imported.problems));
  }
  return imported;
}

/** The options of one watcher, without what stands in every watcher. */
export function watcherOf(imported: Imported, name: string): Record<string, string> {
  const { copy_env, ...options } = sectionsOf(imported)[`watcher:${name}`] ?? {};
  assert.equal(copy_env, 'True', imported.ini);
  return options;
}

/** What was not mapped, as `line: what: why`. */
export function unmappedOf(imported: Imported): string[] {
  return imported.unmapped.map(({ line, what, why }) => `${line ?? '-'}: ${what}: ${why}`);
}

/** What could not be read, as `line: message`. */
export function problemsOf(imported: Imported): string[] {
  return imported.problems.map(({ line, message }) => `${line}: ${message}`);
}
