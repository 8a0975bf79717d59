import assert from 'node:assert/strict';
import { manifest } from '#plugins/manifest.js';
import { read } from './source.js';

/** A step of a recorded conversation in which we differ from Circus, and what allows it: one of three things. */
interface Difference {
  readonly transcript: string;
  readonly step: number;
  /** The number of a quirk of Circus that is mended. */
  readonly quirk?: number;
  /** The bold words that begin a paragraph of "What differs on purpose". */
  readonly differs?: string;
  /** A plugin that this version does not have yet. */
  readonly later?: string;
  readonly why: string;
}

/** A third of them has one cause: two-clients asks for a lock at each of its steps. */
const most = 60;
const lastQuirk = 58;
const page = read('docs/guides/coming-from-circus.md');
const differences = JSON.parse(read('test/conformance/differences.json')) as readonly Difference[];

/** What the page says that we do about each quirk. */
const quirks = new Map(
  [...page.matchAll(/^\| (\d+) \| .* \| (.*) \|$/gm)].map(([, number, ours]) => [Number(number), ours!]),
);
const [, purpose = ''] = /^## What differs on purpose\n([^]*?)^## /m.exec(page) ?? [];

/** Why a difference is not allowed; undefined when it is. */
function objection({ quirk, differs, later, why }: Difference): string | undefined {
  if (!why) return 'has no reason';
  if ([quirk, differs, later].filter((one) => one !== undefined).length !== 1)
    return 'needs exactly one of quirk, differs and later';
  if (quirk !== undefined) {
    const ours = quirks.get(quirk);
    if (ours === undefined) return `quirk ${quirk} is not on the page`;
    return /^(the same|not there yet)$/.test(ours) ? `quirk ${quirk} is not mended, says the page` : undefined;
  }
  if (differs !== undefined)
    return purpose.includes(`\n**${differs}**`) ? undefined : `"${differs}" does not differ on purpose, says the page`;
  return manifest.some(({ name }) => name === later) ? `plugin "${later}" is there now` : undefined;
}

describe('the differences from Circus', () => {
  it('are each a quirk that is mended, or one that the guide gives a reason for, or wait for a plugin', () => {
    const faults = differences.flatMap((difference) => {
      const fault = objection(difference);
      return fault === undefined ? [] : `${difference.transcript}#${difference.step} ${fault}`;
    });
    assert.equal(faults.join('\n'), '');
  });

  it('are refused otherwise', () => {
    const step = { transcript: 'x', step: 1, why: 'so' };
    const bad: readonly Partial<Difference>[] = [
      {},
      { quirk: 0 },
      { quirk: lastQuirk + 1 },
      { quirk: 45.5 },
      { quirk: 58 },
      { differs: 'Laziness.' },
      { later: 'controller' },
      { quirk: 50, later: 'streams' },
      { quirk: 50, why: '' },
    ];
    for (const one of bad) assert.ok(objection({ ...step, ...one }), JSON.stringify(one));
    assert.equal(objection({ ...step, quirk: 50 }), undefined);
  });

  it(`are told once, and are at most ${most}`, () => {
    const steps = differences.map(({ transcript, step }) => `${transcript}#${step}`);
    assert.deepEqual([...new Set(steps)], steps);
    assert.ok(steps.length <= most, `${steps.length} differences`);
  });

  it('stand beside a page that tells of every quirk', () => {
    assert.deepEqual(
      [...quirks.keys()],
      Array.from({ length: lastQuirk }, (_, at) => at + 1),
    );
  });
});
