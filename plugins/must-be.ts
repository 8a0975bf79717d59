/** The one sentence for a value that is not what it must be. */

/** An error whose message goes on after the name of what has the value; `hint` stands behind it. */
export const mustBe = (what: string, value: unknown, hint = ''): Error =>
  new Error(`must be ${what}, and is ${JSON.stringify(value)}${hint}`);
