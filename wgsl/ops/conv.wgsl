// y[o, p] = Σ weight[o, c, tap]·x[c, stride·p + tap − kernel/2], zero outside the frame        spec section 3
// x (1, in_height·in_width, in_channels)  y (1, out_height·out_width, out_channels), one frame each, in blocks
// weight (out_channels, in_channels, kernel_frames, kernel, kernel); one dispatch takes one of its frames and adds to y.
//
// An implicit matrix product of depth K = in_channels·kernel², in two variants: registers only (software drivers, where memory
// instructions cost and barriers more) and shared tiles (GPUs).

struct Dims {
  in_channels: u32,
  in_height: u32,
  in_width: u32,
  out_channels: u32,
  out_height: u32,
  out_width: u32,
  kernel: u32,
  stride: u32,
}

// packed[tile][k][j] = weight[32·tile + j, k / kernel², frame, k % kernel²]
struct Packing { depth: u32, out_channels: u32, taps: u32, kernel_frames: u32, frame: u32 }

override accumulate: bool = false;

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> panels: array<vec4f>; // [out_channels/32][K][32], from `pack`
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> packing: Packing;
@group(0) @binding(5) var<storage, read> weight: array<f32>;
@group(0) @binding(6) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(64)
fn pack(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  let k = i / 32 % packing.depth;
  let output = i / 32 / packing.depth * 32 + i % 32;
  if i >= (packing.out_channels + 31) / 32 * packing.depth * 32 { return; }
  let channel = k / packing.taps;
  let volume = packing.kernel_frames * packing.taps;
  let at = output * (packing.depth / packing.taps) * volume + channel * volume
    + packing.frame * packing.taps + k % packing.taps;
  packed[i] = select(0.0, weight[at], output < packing.out_channels);
}

// Where a tap of the kernel reads for four output pixels of a block: quad, quad + 16, quad + 32, quad + 48.
struct Places {
  at: vec4u, // of channel 0
  inside: vec4<bool>,
}

fn places(block: u32, quad: u32, tap: u32) -> Places {
  let last = dims.out_height * dims.out_width - 1;
  let pixel = min(vec4u(block * 64 + quad) + vec4u(0, 16, 32, 48), vec4u(last));
  let pad = dims.kernel / 2;
  let row = pixel / dims.out_width * dims.stride + tap / dims.kernel - pad; // wraps past every height when negative
  let column = pixel % dims.out_width * dims.stride + tap % dims.kernel - pad;
  let inside = (row < vec4u(dims.in_height)) & (column < vec4u(dims.in_width));
  let source = select(vec4u(), row * dims.in_width + column, inside);
  return Places(source / 64 * (64 * dims.in_channels) + source % 64, inside);
}

fn read_x(places: Places, channel: u32) -> vec4f {
  let at = places.at + channel * 64;
  return select(vec4f(), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), places.inside);
}

// Column j holds pixels.xyzw · weight[j]: four pixels by four outputs.
fn outer(pixels: vec4f, weight: vec4f) -> mat4x4f {
  return mat4x4f(pixels * weight.x, pixels * weight.y, pixels * weight.z, pixels * weight.w);
}

fn finish_one(block: u32, output: u32, quad: u32, sum: vec4f) {
  if output >= dims.out_channels { return; }
  let at = (block * dims.out_channels + output) * 64 + quad;
  var value = sum;
  if accumulate { value += vec4f(y[at], y[at + 16], y[at + 32], y[at + 48]); }
  y[at] = value.x;
  y[at + 16] = value.y;
  y[at + 32] = value.z;
  y[at + 48] = value.w;
}

// Writes four pixels of four outputs, one a column of sums.
fn finish(block: u32, output: u32, quad: u32, sums: mat4x4f) {
  finish_one(block, output, quad, sums[0]);
  finish_one(block, output + 1, quad, sums[1]);
  finish_one(block, output + 2, quad, sums[2]);
  finish_one(block, output + 3, quad, sums[3]);
}

// Software: an invocation owns 8 pixels x 32 outputs, a workgroup of 8 one block. Weight addresses depend on the workgroup
// alone, so that one load serves all its lanes. Sums are named one by one: a loop over them would move them out of registers.
@compute @workgroup_size(8)
fn forward_registers(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) quad: u32,
) {
  let block = group.x;
  let taps = dims.kernel * dims.kernel;
  let panel = group.y * dims.in_channels * taps * 8;
  var near: array<mat4x4f, 8>; // [output quad]
  var far: array<mat4x4f, 8>;

  for (var tap = 0u; tap < taps; tap++) {
    let near_places = places(block, quad, tap);
    let far_places = places(block, quad + 8, tap);
    for (var channel = 0u; channel < dims.in_channels; channel++) {
      let a = read_x(near_places, channel);
      let b = read_x(far_places, channel);
      let w = panel + (channel * taps + tap) * 8;
      let w0 = panels[w + 0];
      near[0] += outer(a, w0);
      far[0] += outer(b, w0);
      let w1 = panels[w + 1];
      near[1] += outer(a, w1);
      far[1] += outer(b, w1);
      let w2 = panels[w + 2];
      near[2] += outer(a, w2);
      far[2] += outer(b, w2);
      let w3 = panels[w + 3];
      near[3] += outer(a, w3);
      far[3] += outer(b, w3);
      let w4 = panels[w + 4];
      near[4] += outer(a, w4);
      far[4] += outer(b, w4);
      let w5 = panels[w + 5];
      near[5] += outer(a, w5);
      far[5] += outer(b, w5);
      let w6 = panels[w + 6];
      near[6] += outer(a, w6);
      far[6] += outer(b, w6);
      let w7 = panels[w + 7];
      near[7] += outer(a, w7);
      far[7] += outer(b, w7);
    }
  }

  let output = group.y * 32;
  finish(block, output + 0, quad, near[0]);
  finish(block, output + 0, quad + 8, far[0]);
  finish(block, output + 4, quad, near[1]);
  finish(block, output + 4, quad + 8, far[1]);
  finish(block, output + 8, quad, near[2]);
  finish(block, output + 8, quad + 8, far[2]);
  finish(block, output + 12, quad, near[3]);
  finish(block, output + 12, quad + 8, far[3]);
  finish(block, output + 16, quad, near[4]);
  finish(block, output + 16, quad + 8, far[4]);
  finish(block, output + 20, quad, near[5]);
  finish(block, output + 20, quad + 8, far[5]);
  finish(block, output + 24, quad, near[6]);
  finish(block, output + 24, quad + 8, far[6]);
  finish(block, output + 28, quad, near[7]);
  finish(block, output + 28, quad + 8, far[7]);
}

// GPUs: a workgroup of 128 owns one block (64 pixels) x 64 outputs, an invocation 8 x 4 of them. Sixteen channels of a tap at a
// time pass through workgroup memory.
const depth = 16u;

var<workgroup> x_tile: array<vec4f, 256>; // [depth][16 pixel quads]
var<workgroup> w_tile: array<vec4f, 256>; // [depth][16 output quads]

@compute @workgroup_size(128)
fn forward_tiled(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = group.x;
  let pixel_quad = lane % 8; // this invocation's pixels: quads pixel_quad and pixel_quad + 8
  let output_quad = lane / 8;
  let quad = lane % 16; // what it fetches: rows row and row + 8 of both tiles
  let row = lane / 16;
  let taps = dims.kernel * dims.kernel;
  let w_quad = group.y * 16 + quad;
  let panel = w_quad / 8 * dims.in_channels * taps * 8 + w_quad % 8;
  let present = w_quad * 4 < dims.out_channels;
  var near = mat4x4f();
  var far = mat4x4f();

  for (var tap = 0u; tap < taps; tap++) {
    let source = places(block, quad, tap);
    for (var first = 0u; first < dims.in_channels; first += depth) {
      for (var i = 0u; i < 2; i++) {
        let channel = first + row + i * 8;
        var pixels = vec4f();
        var weights = vec4f();
        if channel < dims.in_channels {
          pixels = read_x(source, channel);
          if present { weights = panels[panel + (channel * taps + tap) * 8]; }
        }
        x_tile[lane + i * 128] = pixels;
        w_tile[lane + i * 128] = weights;
      }
      workgroupBarrier();
      for (var i = 0u; i < depth; i++) {
        let weights = w_tile[i * 16 + output_quad];
        near += outer(x_tile[i * 16 + pixel_quad], weights);
        far += outer(x_tile[i * 16 + pixel_quad + 8], weights);
      }
      workgroupBarrier();
    }
  }

  let output = (group.y * 16 + output_quad) * 4;
  finish(block, output, pixel_quad, near);
  finish(block, output, pixel_quad + 8, far);
}
