/**
 * Rules: what a number or a choice may be. Flags and fields of recipes are checked by the same ones.
 *
 * @module
 */

/** What a value may be, and in which unit. */
export interface Rule<T = unknown> {
  /** Of a number, or what a text names: `steps`, `pixels`, `folder`. */
  readonly unit?: string;
  /** The only texts allowed. */
  readonly choices?: readonly T[];
  /** Whether a number must be a whole one. */
  readonly whole?: boolean;
  /** The smallest number allowed. */
  readonly min?: number;
  /** The largest number allowed. */
  readonly max?: number;
  /** A bound that the number must be above. */
  readonly above?: number;
  /** What a number must be a multiple of. */
  readonly multipleOf?: number;
}

/** Whether a number keeps a rule; none that is not finite does. */
export function keepsRule(value: number, rule: Rule): boolean {
  const { whole = false, min = -Infinity, max = Infinity, above = -Infinity, multipleOf } = rule;
  return Number.isFinite(value) && value >= min && value <= max && value > above &&
    (!whole || Number.isInteger(value)) &&
    (multipleOf === undefined || value % multipleOf === 0);
}

/** `a whole number of at least 1 (rays)` */
export function wantedNumber({ whole, min, max, above, multipleOf, unit }: Rule): string {
  const bounds = [
    ...(above === undefined ? [] : [`above ${above}`]),
    ...(min === undefined ? [] : [`of at least ${min}`]),
    ...(max === undefined ? [] : [`of at most ${max}`]),
    ...(multipleOf === undefined ? [] : [`divisible by ${multipleOf}`]),
  ];
  const words = [whole ? "a whole number" : "a number", bounds.join(" and ")];
  return words.filter(Boolean).join(" ") + (unit ? ` (${unit})` : "");
}
