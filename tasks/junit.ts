/**
 * Reading the report that `deno test --junit-path` writes.
 *
 * @module
 */

/** How many tests ended in which way. */
export interface TestCounts {
  /** Ran and held. */
  passed: number;
  /** Ran and did not hold. */
  failed: number;
  /** Did not run: filtered out, or marked to be ignored. */
  skipped: number;
}

const STEP = " &gt; ";
const CASE = /<testcase name="([^"]*)" classname="([^"]*)"[^>]*>\s*<(\/?\w+)/g;

/**
 * Counts the tests of a JUnit report; an empty one, of a run that broke off, has none. A test's steps stand there as cases
 * named `test > step`; they are left out, as what fails in them fails the test.
 */
export function countTests(report: string): TestCounts {
  const cases = [...report.matchAll(CASE)].map(([, name, file, end]) => ({ name, file, end }));
  const known = new Set(cases.map(({ name, file }) => `${file} ${name}`));
  const isStep = ({ name, file }: { name: string; file: string }) =>
    [...name.matchAll(new RegExp(STEP, "g"))]
      .some(({ index }) => known.has(`${file} ${name.slice(0, index)}`));
  const ends = cases.filter((one) => !isStep(one)).map(({ end }) => end);
  const count = (...wanted: string[]) => ends.filter((end) => wanted.includes(end)).length;
  return {
    passed: count("/testcase"),
    failed: count("failure", "error"),
    skipped: count("skipped"),
  };
}
