/** Values as Python shows them, as scripts that were made for Circus read them, and the parts of a reply. */

type Fields = Readonly<Record<string, unknown>>;

/** A value as Python's `str` shows it, for that is what scripts read; null is empty. */
export function asPython(value: unknown): string {
  return value === null || value === undefined ? '' : typeof value === 'string' ? value : nested(value);
}

/** A value as Python's `repr` shows it. */
export function nested(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string')
    return value.includes("'") && !value.includes('"') ? `"${value}"` : `'${value.replace(/[\\']/g, '\\$&')}'`;
  if (Array.isArray(value)) return `[${value.map(nested).join(', ')}]`;
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, inner]) => `${nested(key)}: ${nested(inner)}`)
      .join(', ')}}`;
  return JSON.stringify(value);
}

/** An object, or none. */
export const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
/** A list, or an empty one. */
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
