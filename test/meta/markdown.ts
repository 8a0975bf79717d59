/** Reads Markdown as far as the checks of the documents need it. */

/** A fenced block; `info` is what follows the fence, such as `ini fragment`. */
export interface Fence {
  readonly info: string;
  readonly text: string;
  /** Of its first line, counted from 1. */
  readonly line: number;
}

/** The fenced blocks of a document. */
export function fencesOf(markdown: string): Fence[] {
  const fences: Fence[] = [];
  let open:
    { readonly fence: string; readonly info: string; readonly line: number; readonly lines: string[] } | undefined;
  for (const [at, line] of markdown.split('\n').entries()) {
    const found = /^\s*(```+|~~~+)\s*(.*)$/.exec(line);
    if (!open) {
      if (found) open = { fence: found[1]!, info: found[2]!.trim(), line: at + 2, lines: [] };
    } else if (found?.[1]?.startsWith(open.fence) && found[2] === '') {
      fences.push({ info: open.info, line: open.line, text: `${open.lines.join('\n')}\n` });
      open = undefined;
    } else {
      open.lines.push(line);
    }
  }
  return fences;
}

/** The document with its fenced blocks blanked out, line for line. */
function prose(markdown: string): string {
  const lines = markdown.split('\n');
  for (const { line, text } of fencesOf(markdown)) lines.fill('', line - 2, line + text.split('\n').length - 1);
  return lines.join('\n');
}

/** The headings, in order, without their signs. */
export function headingsOf(markdown: string, level?: number): string[] {
  const wanted = level === undefined ? '#{1,6}' : `#{${level}}`;
  return [...prose(markdown).matchAll(new RegExp(`^${wanted} +(.*?)\\s*$`, 'gm'))].map(([, text]) => text!);
}

/** The anchors that headings have where the documents are read. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const heading of headingsOf(markdown)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Where the links and pictures of a document lead, but for those in code. */
export function linksOf(markdown: string): string[] {
  const text = prose(markdown).replace(/`[^`\n]*`/g, '');
  const inline = [...text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const named = [...text.matchAll(/^\s*\[[^\]]+\]:\s+<?([^\s>]+)>?/gm)];
  return [...inline, ...named].map(([, target]) => target!);
}

/** The names in backticks in the first cell of each row of the tables. */
export function tableNames(markdown: string): string[] {
  const rows = prose(markdown)
    .split('\n')
    .filter((line) => line.trimStart().startsWith('|'));
  return rows.flatMap((row) => {
    const cell = row.trim().slice(1).split('|', 1)[0] ?? '';
    return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
  });
}
