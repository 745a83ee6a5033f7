/**
 * A Jest reporter whose line is the last of a run: `N passed, N failed`, and `, N skipped` where any were. A test file
 * that cannot be loaded counts as one failure, and so does a run that ended with an error of Jest's own.
 */
export function countLine(results) {
  const passed = results.numPassedTests;
  const unloaded = results.testResults.filter(
    (file) => file.testExecError !== undefined && file.testExecError !== null,
  ).length;
  const unfinished = results.runExecError ? 1 : 0;
  const failed = results.numFailedTests + unloaded + unfinished;
  const skipped = results.numPendingTests + results.numTodoTests;
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

export default class CountReporter {
  onRunComplete(_contexts, results) {
    // Jest's own summary goes to stderr. Printing after the process has nothing left to say keeps this line the last one.
    process.once('exit', () => {
      process.stdout.write(`${countLine(results)}\n`);
    });
  }
}
