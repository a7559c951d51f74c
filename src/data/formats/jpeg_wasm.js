// TypeScript does not know source phase imports yet, Deno does; and the package's own types lack what is used
// here. Hence this one file in JavaScript, with its types in jpeg_wasm.d.ts.
import makeDecoder from "npm:@jsquash/jpeg@1.6.0/codec/dec/mozjpeg_dec.js";
import source wasm from "npm:@jsquash/jpeg@1.6.0/codec/dec/mozjpeg_dec.wasm";

export function instantiateJpegDecoder(onWarning) {
  return makeDecoder({
    noInitialRun: true,
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(wasm, imports);
      done(instance);
      return instance.exports;
    },
    printErr: onWarning,
  });
}
