// uses common/points.wgsl
// y[8 Y + sy, 8 X + sx] = Σ_k softmax_k(logits[64 k + 8 sy + sx, (Y, X)])·8·flow[Y + k/3 − 1, X + k mod 3 − 1]
// over the 3 × 3 neighbours, row by row; flow is zero outside. A window of y is written.          Teed and Deng 2020
// logits (1, height·width, 576)  flow (1, height·width, 2), in blocks  y (y_height, y_width, 2) rows

struct Dims {
  height: u32,
  width: u32,
  top: u32, // of the window, in fine pixels
  left: u32,
  y_height: u32,
  y_width: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> flow: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec2f>;

fn flow_at(row: u32, column: u32) -> vec2f {
  if row >= dims.height || column >= dims.width { return vec2f(); } // −1 wraps past every size
  let pixel = row * dims.width + column;
  let at = channel(pixel, 2, 0);
  return vec2f(flow[at], flow[at + 64]);
}

// one workgroup a block of coarse pixels and a fine pixel within each of them
@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let pixel = group.x * 64 + lane;
  if pixel >= dims.height * dims.width { return; }
  let row = pixel / dims.width;
  let column = pixel % dims.width;
  let y_row = row * 8 + group.y / 8 - dims.top;
  let y_column = column * 8 + group.y % 8 - dims.left;
  if y_row >= dims.y_height || y_column >= dims.y_width { return; }
  let at = channel(pixel, 576, group.y);
  var largest = logits[at];
  for (var k = 1u; k < 9; k++) { largest = max(largest, logits[at + k * 4096]); }
  var sum = 0.0;
  var value = vec2f();
  for (var k = 0u; k < 9; k++) {
    let weight = exp(logits[at + k * 4096] - largest);
    sum += weight;
    value += weight * flow_at(row + k / 3 - 1, column + k % 3 - 1);
  }
  y[y_row * dims.y_width + y_column] = value * (8.0 / sum);
}
