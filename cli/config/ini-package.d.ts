/** The one function that is used of the npm package `ini`, which comes without types. */
declare module 'ini' {
  export function parse(text: string): Record<string, Record<string, string>>;
}
