/**
 * What a field of a recipe is declared with: its value in each preset, its rule, and its flag's help. Its type follows from
 * the value; its documentation stands above the declaration, and editors show it wherever the field is used.
 *
 * @module
 */
import type { Rule } from "./rule.ts";

/** `full` (the paper's sizes) or `small` (the same architecture, narrow). */
export type PresetName = "full" | "small";

/** Headings of the fields in the help, in order. */
export const fieldGroups = [
  "Steps",
  "Frames",
  "Rays",
  "Trajectory",
  "Optimizer",
  "Losses",
  "Network",
  "Initial values",
  "Encoders",
  "Evaluation",
  "Run",
] as const;

/** A heading. */
export type FieldGroup = typeof fieldGroups[number];

/** A value for each preset; `small` is `full` where it is not given. */
export interface ByPreset<T> {
  /** In the paper's sizes. */
  readonly full: T;
  /** In the narrow ones. */
  readonly small?: T;
}

/** A number, a switch or a choice of a recipe. */
export interface Field<T = number | boolean | string> extends ByPreset<T>, Rule<T> {
  /** Heading that it stands under. */
  readonly group: FieldGroup;
  /** What it is, for the help of its flag. */
  readonly about: string;
  /** What was the rule before there was the field: recipes without it are older, and have this. */
  readonly before?: T;
}

/** Fields by name. */
export interface Fields {
  /** A field, a group of fields that is an object of its own in a recipe, or values that are checked by a table of their own. */
  readonly [name: string]: Field | Fields | ByPreset<object>;
}

/** What the fields of a recipe hold: an object of the same names. */
export type Values<F> = { [K in keyof F]: ValueOf<F[K]> };

/** What a field holds: one of its choices, a number, true or false. */
export type ValueOf<F> = F extends { readonly choices: readonly (infer T)[] } ? T
  : F extends { readonly full: number } ? number
  : F extends { readonly full: boolean } ? boolean
  : F extends { readonly full: infer T } ? T
  : Values<F>;

/** The values that fields have in a preset. */
export function valuesOf<F extends Fields>(fields: F, preset: PresetName): Values<F> {
  const entries = Object.entries(fields).map(([name, field]) =>
    [name, isByPreset(field) ? field[preset] ?? field.full : valuesOf(field, preset)] as const
  );
  return Object.fromEntries(entries) as Values<F>;
}

function isByPreset(field: Fields[string]): field is Field | ByPreset<object> {
  return "full" in field;
}
