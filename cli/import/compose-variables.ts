/** Compose's variables in values: `$NAME`, `${NAME:-default}` and `$$`. */
import { reference } from './command.js';

const variable = /\$(?:\$|(\w+)|\{(\w+)(?:(:?[-+?])([^{}]*))?\})/g;

/** Fills in the variables of a text; one that the file `.env` does not know is left to circusd's environment. */
export function fillText(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(variable, (_, bare?: string, braced?: string, how = '', word = '') => {
    const name = bare ?? braced;
    if (name === undefined) return '$';
    const known = variables.get(name);
    const there = known !== undefined && !(String(how).startsWith(':') && known === '');
    if (String(how).endsWith('+')) return there ? String(word) : '';
    if (there) return known;
    return String(how).endsWith('-') ? String(word) : reference(`env.${name}`);
  });
}
