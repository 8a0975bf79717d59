/** Times and sizes as people write them: `1h30m`, `500ms`, `512M`. */

const milliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  sec: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The seconds of a time with units, such as `1h30m`, `1.5 h` or `500ms`; undefined for any other text. */
export function readTime(text: string): number | undefined {
  if (/\d$/.test(text)) return undefined;
  const plain = text.trim().toLowerCase();
  if (!/^(?:(?:\d+\.?\d*|\.\d+)\s*[a-z]+\s*)+$/.test(plain)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of plain.matchAll(/([\d.]+)\s*([a-z]+)/g)) {
    const each = Object.hasOwn(milliseconds, unit!) ? milliseconds[unit!]! : NaN;
    sum += Number(amount) * each;
  }
  return Number.isNaN(sum) ? undefined : Math.round(sum) / 1000;
}

/** The seconds of a decimal number, or of a time with units; undefined for any other text. */
export function readSeconds(text: string): number | undefined {
  const isPlain = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i.test(text);
  const seconds = isPlain ? Number(text) : readTime(text);
  return Number.isFinite(seconds) ? seconds : undefined;
}

/** The bytes of a size with a unit, such as `512M`, `1.5 GB` or `64Ki`: 1024 of each are one of the next; undefined for any other text. */
export function readSize(text: string): number | undefined {
  const found = /^(\d+\.?\d*|\.\d+)\s*([kmgtp]?)i?(b?)$/i.exec(text.trim());
  if (!found || (found[2] === '' && found[3] === '')) return undefined;
  return Math.round(Number(found[1]) * 1024 ** ' kmgtp'.indexOf(found[2]!.toLowerCase() || ' '));
}
