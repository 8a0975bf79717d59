/** Imports a supervisord.conf with the files that it includes. */
import { dirname } from 'node:path';
import { asWord } from '#plugins/selector.js';
import { reference } from './command.js';
import { applyRules, type Draft, type Rules, type SectionDraft } from './draft.js';
import { beside, type Files } from './files.js';
import { expandText, readSupervisord, variablesIn, type SupervisordSection } from './supervisord-file.js';
import { importMemmon } from './supervisord-memmon.js';
import { importProgram } from './supervisord-program.js';

/** Imports the file at `path`. */
export function importSupervisord(draft: Draft, path: string, files: Files): void {
  const main = readFile(draft, path, files);
  const sections = main.concat(included(draft, main, files).flatMap((file) => readFile(draft, file, files)));
  for (const section of sections) {
    if (/^(fcgi-)?program:/.test(section.name)) importProgram(draft, section);
    else if (section.name === 'supervisord') importDaemon(draft, section);
    else if (!/^(group:|include$|eventlistener:)/.test(section.name)) reportSection(draft, section);
  }
  for (const section of sections.filter(({ name }) => name.startsWith('group:'))) importGroup(draft, section);
  for (const section of sections.filter(({ name }) => name.startsWith('eventlistener:')))
    if (!importMemmon(draft, section))
      draft.report(
        section,
        `[${section.name}]`,
        "it speaks supervisord's event protocol",
        'subscribe to the events of circusd, or write a plugin',
      );
  const programs = sections.filter(({ name }) => /^(fcgi-)?program:/.test(name));
  if (programs.some(({ entries }) => /^(auto)?$/i.test(entries.get('stdout_logfile')?.value ?? '')))
    draft.report(
      { source: path },
      'log files that are not named',
      'supervisord invents their names; here the output goes where that of circusd goes',
      'write stdout_stream.class and stdout_stream.filename',
    );
  if (programs.some(({ entries }) => !entries.has('autorestart')))
    draft.report(
      { source: path },
      'autorestart = unexpected, which is the default',
      'circusd also starts a program again that ended with exit code 0',
      'write respawn = False for a program that is to end',
    );
}

function readFile(draft: Draft, path: string, files: Files): SupervisordSection[] {
  const read = files.read(path);
  if (typeof read === 'string') return readSupervisord(draft, path, read);
  draft.tell(read);
  return [];
}

function included(draft: Draft, sections: readonly SupervisordSection[], files: Files): string[] {
  const entry = sections.find(({ name }) => name === 'include')?.entries.get('files');
  if (!entry) return [];
  const patterns = expandText(entry.value, (name) => (name === 'here' ? dirname(entry.source) : undefined))
    .split(/\s+/)
    .filter((pattern) => pattern !== '');
  const found = patterns.flatMap((pattern) => {
    const paths = files.find(beside(entry.source, pattern));
    if (paths.length === 0) draft.report(entry, `the included files "${pattern}"`, 'there are none');
    return paths;
  });
  return [...new Set(found)].filter((path) => path !== entry.source);
}

const own = ['it is about supervisord itself'] as const;
const daemonRules: Rules<SectionDraft, string> = {
  loglevel: (circus, entry) => {
    const levels: Readonly<Record<string, string>> = { warn: 'warning', trace: 'debug', blather: 'debug' };
    circus.set('loglevel', levels[entry.value.toLowerCase()] ?? entry.value, entry);
  },
  umask: 'umask',
  environment: (circus, entry) => {
    for (const [name, value] of variablesIn(circus.draft, entry)) circus.draft.env.set(name, value);
  },
  logfile: [own[0], 'logoutput of [circus] names the log of circusd'],
  logfile_maxbytes: own,
  logfile_backups: own,
  pidfile: [own[0], 'pidfile of [circus], which should be another file'],
  nodaemon: [own[0], 'circusd stays in the foreground unless it gets --daemon'],
  user: [own[0], 'start circusd as that user, or give each watcher a uid'],
  directory: [own[0], 'start circusd in that folder'],
};

function importDaemon(draft: Draft, section: SupervisordSection): void {
  draft.circus.label = '[supervisord]';
  const filled = [...section.entries.values()].map((entry) => ({
    ...entry,
    value: expandText(entry.value, (name) => {
      if (name.startsWith('ENV_')) return reference(`env.${name.slice(4)}`);
      return name === 'here' ? dirname(entry.source) : undefined;
    }),
  }));
  const others = Object.fromEntries([...section.entries.keys()].map((key) => [key, own]));
  applyRules(draft.circus, filled, { ...others, ...daemonRules });
}

function importGroup(draft: Draft, section: SupervisordSection): void {
  const group = section.name.slice('group:'.length).trim();
  for (const entry of section.entries.values()) {
    if (entry.key !== 'programs') {
      draft.report(
        entry,
        `${entry.key} of group "${group}"`,
        'a group has nothing but members',
        'give the members a priority',
      );
      continue;
    }
    for (const name of entry.value
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')) {
      const members = draft.watchers.filter(({ ids }) => ids.includes(name));
      if (members.length === 0)
        draft.report(entry, `"${name}" in group "${group}"`, 'there is no program of this name');
      for (const member of members) member.groups.add(asWord(group));
    }
  }
}

const sectionHints: Readonly<Record<string, string>> = {
  unix_http_server: 'endpoint of [circus] is where circusd takes commands',
  inet_http_server: 'httpd, httpd_host and httpd_port of [circus] switch the web pages on',
  supervisorctl: 'circusctl --endpoint says where circusd is',
};

function reportSection(draft: Draft, section: SupervisordSection): void {
  draft.report(section, `[${section.name}]`, 'it is about supervisord itself', sectionHints[section.name]);
}
