/**
 * Lets files that are opened from now on take `room` bytes in all, as on a disk that fills up, until it is disposed.
 *
 * The error is what Deno throws when a tmpfs is full.
 */
export function fullDisk(room: number): Disposable {
  const open = Deno.open;
  Deno.open = async (...args) => {
    const file = await open(...args), write = file.write.bind(file);
    file.write = async (bytes) => {
      if (room === 0) throw new Error("No space left on device (os error 28)");
      const written = await write(bytes.subarray(0, room));
      room -= written;
      return written;
    };
    return file;
  };
  return {
    [Symbol.dispose]() {
      Deno.open = open;
    },
  };
}
