/** Texts of others on their way to a terminal or a log. */

/**
 * A text without what makes further lines, moves a terminal's cursor or turns its writing round: each such letter is `by`.
 */
export const plain = (text: string, by = '?'): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, by);
