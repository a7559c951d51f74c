/** A file or folder that cannot be used as it is: the message says what, where, and what to do. */
export class DataError extends Error {
  /** Always `"DataError"`. */
  override name = "DataError";
}
