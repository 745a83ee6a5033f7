/** Progress on the terminal: a line when a step that may take long begins, and one with its duration when it is done. */

/** An error whose message is all that a user needs: printed without a stack. */
export class StartError extends Error {}

export const say = (line) => console.log(line);

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** Runs `work(report)`; what it resolves to (a string) becomes the step's result line. `report` tells of slow parts. */
export async function step(name, work) {
  const label = name.padEnd(12);
  const started = Date.now();
  const result = await work((line) => say(`  … ${label}${line}`));
  say(`  ✓ ${label}${result}  (${seconds(Date.now() - started)})`);
}

/** An address without the password that it may hold. */
export function withoutPassword(url) {
  try {
    const parsed = new URL(url);
    if (parsed.password) parsed.password = '***';
    return parsed.href;
  } catch {
    return 'an address that is not a URL'; // The process that reads the variable names it and says what it takes.
  }
}
