// y[c, p] = max of x[c, 2p + tap − 1] over the 3x3 taps inside the frame
// x (1, in_height·in_width, channels)  y (1, out_height·out_width, channels), in blocks

struct Dims { channels: u32, in_height: u32, in_width: u32, out_height: u32, out_width: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// A workgroup takes one block of one channel.
@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let channel = group.y;
  let pixel = group.x * 64 + lane;
  if pixel >= dims.out_height * dims.out_width { return; }
  let row = 2 * (pixel / dims.out_width);
  let column = 2 * (pixel % dims.out_width);
  var largest = read_x(channel, row, column); // always inside
  for (var tap = 0u; tap < 9; tap++) {
    let r = row + tap / 3 - 1; // wraps past every height when negative
    let c = column + tap % 3 - 1;
    if r < dims.in_height && c < dims.in_width { largest = max(largest, read_x(channel, r, c)); }
  }
  y[(group.x * dims.channels + channel) * 64 + lane] = largest;
}

fn read_x(channel: u32, row: u32, column: u32) -> f32 {
  let pixel = row * dims.in_width + column;
  return x[(pixel / 64 * dims.channels + channel) * 64 + pixel % 64];
}
