/**
 * Reading the report that `deno test --junit-path` writes.
 *
 * @module
 */

/** How many tests and test steps ended in which way. */
export interface TestCounts {
  /** Ran and held. */
  passed: number;
  /** Ran and did not hold. */
  failed: number;
  /** Did not run: filtered out, or marked to be ignored. */
  skipped: number;
}

/** Counts the tests of a JUnit report; an empty one, of a run that broke off, has none. */
export function countTests(report: string): TestCounts {
  const count = (element: string) => report.split(`<${element}`).length - 1; // text has its < escaped
  const failed = count("failure") + count("error ");
  const skipped = count("skipped");
  return { passed: count("testcase") - failed - skipped, failed, skipped };
}
