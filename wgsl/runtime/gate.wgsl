// args = flags[index] is not 0 ? counts : 0          the workgroups (x, y, z, -) of the dispatches behind a gate

struct Dims { index: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> flags: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> args: array<u32>;

@compute @workgroup_size(64)
fn open(@builtin(local_invocation_index) lane: u32) {
  let is_open = flags[dims.index] != 0; // of a float32 too: the bits of 0 are 0
  for (var i = lane; i < arrayLength(&counts); i += 64) { args[i] = select(0, counts[i], is_open); }
}
