/**
 * Command-line flags declared as a table of typed values.
 *
 * ```ts
 * const flags = {
 *   ...flagGroup("Training", { steps: 2000, learningRate: 5e-4 }, {
 *     steps: { about: "optimizer steps", whole: true, min: 1 },
 *     learningRate: { about: "of Adam, at the start", unit: "1/step", above: 0 },
 *   }),
 *   ...flagGroup("Run", { preset: "small" as "small" | "full", resume: false }, {
 *     preset: { about: "sizes of the network", choices: ["small", "full"] },
 *     resume: { about: "go on from the last checkpoint" },
 *   }),
 * };
 * const { values } = readOptions(flags, { usage: "deno task train [recipe] [flags]" });
 * values.learningRate; // number, from --learning-rate
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { keepsRule, type Rule, wantedNumber } from "../../src/recipes/rule.ts";
import { unknownName } from "../../src/recipes/unknown_name.ts";
import { renderTable } from "./table.ts";

/** Values that a flag can have; `undefined` is a text that has no default. */
export type FlagValue = number | string | boolean | undefined;

/** What {@link flagGroup} is told of a flag beside its default. */
export interface FlagRule<T extends FlagValue = FlagValue> extends Rule<T> {
  /** What the value is, for the help. */
  readonly about: string;
}

/** A flag: its place in the help, its default, and its rule. */
export interface Flag<T extends FlagValue = FlagValue> extends FlagRule<T> {
  /** Heading in the help. */
  readonly group: string;
  /** The value where the flag is not given; its type is the flag's type. */
  readonly default: T;
}

/** Flags by name; `learningRate` is `--learning-rate` on the command line. */
export type Flags = Readonly<Record<string, Flag>>;

/** The values of a table of flags. */
export type Values<F extends Flags> = { [K in keyof F]: F[K]["default"] };

/** What a command line says. */
export interface Options<F extends Flags> {
  /** A value for each flag: given, or its default. */
  values: Values<F>;
  /** The flags that were given. */
  given: ReadonlySet<keyof F>;
  /** What is no flag, in order: `balloon`. */
  positionals: string[];
}

/** What {@link helpText} says above the flags. */
export interface Usage {
  /** `deno task train [recipe] [flags]` */
  usage: string;
  /** What the command does. */
  about?: string;
}

/** A command line that cannot be used: the message says what, and what to do. */
export class UsageError extends Error {
  /** Always `"UsageError"`. */
  override name = "UsageError";
}

/**
 * Flags for a group of plain values, such as a part of a recipe: each value is the flag's default and gives it its type.
 *
 * A false is a switch, turned on by `--name`, and a true is turned off by `--no-name`.
 */
export function flagGroup<T extends { [K in keyof T]: FlagValue }>(
  group: string,
  defaults: T,
  rules: { [K in keyof T]: FlagRule<T[K]> },
): { [K in keyof T]: Flag<T[K]> } {
  const names = Object.keys(rules) as (keyof T)[];
  const flags = names.map((name) => [name, { group, default: defaults[name], ...rules[name] }]);
  return Object.fromEntries(flags);
}

/**
 * Reads a command line.
 *
 * @param unknown `ignore` reads some flags before others are known (a preset that decides defaults). Default `refuse`.
 * @throws {UsageError} when a flag is unknown, lacks its value, or has one against its rule.
 */
export function parseOptions<const F extends Flags>(
  flags: F,
  args: readonly string[],
  { unknown = "refuse" }: { unknown?: "refuse" | "ignore" } = {},
): Options<F> {
  const byFlag = new Map(Object.keys(flags).map((name) => [toFlag(name), name]));
  const values: Record<string, FlagValue> = {};
  for (const [name, flag] of Object.entries(flags)) values[name] = flag.default;
  const given = new Set<keyof F>();
  const positionals: string[] = [];
  for (const token of pieces(flags, args)) {
    if (token.rawName === undefined) {
      positionals.push(token.value);
      continue;
    }
    const flagName = token.rawName.slice("--".length);
    const off = !byFlag.has(flagName) && flagName.startsWith("no-");
    const name = byFlag.get(off ? flagName.slice("no-".length) : flagName);
    if (name === undefined || (off && !isSwitch(flags[name]))) {
      if (unknown === "ignore") continue;
      const known = [...byFlag.keys()].map((flag) => `--${flag}`);
      throw new UsageError(unknownName("flag", token.rawName, known));
    }
    const flag = flags[name];
    values[name] = isSwitch(flag) ? readSwitch(token, off) : readValue(token, flag);
    given.add(name);
  }
  return { values: values as Values<F>, given, positionals };
}

/**
 * What `parse` makes of a command line; or ends the process: with the help where it is asked for, with 2 and the reason where
 * the command line cannot be used.
 *
 * @param parse throws a {@link UsageError} where it cannot
 */
export function readCommandLine<T>(
  args: readonly string[],
  help: () => string,
  parse: (args: readonly string[]) => T,
): T {
  const ours = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  if (ours.includes("--help") || ours.includes("-h")) {
    console.log(help());
    Deno.exit(0);
  }
  try {
    return parse(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n--help lists all flags.`);
    Deno.exit(2);
  }
}

/** Reads this process's command line, or ends the process as {@link readCommandLine} does. */
export function readOptions<const F extends Flags>(flags: F, usage: Usage): Options<F> {
  const help = () => helpText(flags, usage);
  return readCommandLine(Deno.args, help, (args) => parseOptions(flags, args));
}

/** The help: usage, then the flags by group, each with its default, its unit and what it is. */
export function helpText(flags: Flags, { usage, about }: Usage): string {
  const groups = [...new Set(Object.values(flags).map((flag) => flag.group))];
  const rows = [["flag", "default", "unit", "meaning"]];
  const lines: (string | undefined)[] = [undefined, undefined];
  for (const group of groups) {
    lines.push("", group);
    for (const [name, flag] of Object.entries(flags)) {
      if (flag.group !== group) continue;
      const on = flag.default === true ? "no-" : "";
      rows.push([`  --${on}${toFlag(name)}`, shownDefault(flag), shownUnit(flag), flag.about]);
      lines.push(undefined);
    }
  }
  const table = renderTable(rows).split("\n"); // one layout for all groups
  return [`Usage: ${usage}`, ...(about ? ["", about] : []), ""]
    .concat(lines.map((line) => line ?? table.shift()!))
    .join("\n");
}

/** `learningRate` → `learning-rate` */
export function toFlag(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function isSwitch(flag: Flag): boolean {
  return typeof flag.default === "boolean";
}

function shownDefault(flag: Flag): string {
  if (flag.default === undefined) return "none";
  return isSwitch(flag) ? (flag.default ? "on" : "off") : String(flag.default);
}

function shownUnit({ unit, choices }: Flag): string {
  return unit ?? choices?.join("|") ?? "";
}

/** A flag as it stands on the command line, with its value, empty where none follows; or what is no flag. */
interface Piece {
  rawName?: string;
  value: string;
}

/**
 * The command line in pieces. `--x -2` and switches get their `=` first: `@std`'s parser would take `-2` for flags of its own,
 * and what follows a switch for its value.
 */
function pieces(flags: Flags, args: readonly string[]): Piece[] {
  const taking = new Set(
    Object.keys(flags).filter((name) => !isSwitch(flags[name])).map((name) => `--${toFlag(name)}`),
  );
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  const joined: string[] = [];
  for (let i = 0; i < end; i++) {
    const follows = taking.has(args[i]) && i + 1 < end && !args[i + 1].startsWith("--");
    if (follows) joined.push(`${args[i]}=${args[++i]}`);
    else joined.push(/^--[^=]+$/.test(args[i]) ? `${args[i]}=` : args[i]);
  }
  const found: Piece[] = [];
  parseArgs(joined, {
    string: ["_"],
    // no flag is declared, so that every piece comes by here in its order
    unknown: (piece: string, key?: string, value?: unknown): boolean => {
      if (key === undefined) found.push({ value: piece });
      else found.push({ rawName: piece.replace(/=.*$/s, ""), value: String(value) });
      return false;
    },
  });
  return [...found, ...args.slice(end + 1).map((value) => ({ value }))];
}

/** `--resume` or `--no-resume`. */
function readSwitch({ rawName, value }: Piece, off: boolean): boolean {
  if (value === "") return !off;
  throw new UsageError(
    `Cannot read "${rawName}": value is "${value}", wanted none: it is on or, with --no-, off`,
  );
}

/** The value of a flag from its text, checked by its rule. */
function readValue({ rawName, value: text }: Piece, flag: Flag): FlagValue {
  const number = typeof flag.default === "number";
  const wanted = number ? wantedNumber(flag) : flag.choices?.join(" or ") ?? flag.unit ?? "a text";
  const refuse = (found: string) =>
    new UsageError(`Cannot read "${rawName}": ${found}, wanted ${wanted}`);
  if (!text) throw refuse("no value follows");
  if (number) {
    const value = Number(text);
    if (text.trim() !== "" && keepsRule(value, flag)) return value;
  } else if (!flag.choices || flag.choices.includes(text)) return text;
  throw refuse(`value is "${text}"`);
}
