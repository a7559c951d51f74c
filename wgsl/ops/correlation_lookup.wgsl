// uses common/points.wgsl
// C_l[p, q] = ⟨first[p], second_l[q]⟩/√channels          second_l: the second picture's features, 2^l × 2^l of them averaged
// y[81 l + 9 i + j, p] = C_l[p] at (x/2^l + i − 4, y/2^l + j − 4), (x, y) = p + flow[p], linear between pixels, zero outside
//
// All 81 samples of a level share one fraction: 10 × 10 products, then one blend of neighbours. The volume C never exists.
// first, second (Σ_l height_l·width_l, channels) rows, levels one after the other  flow (1, height·width, 2) in blocks
// products (1, height·width, 400) and y (1, height·width, 324) in blocks

struct Dims {
  height: u32, // of level 0, where p lies
  width: u32,
  quads: u32, // channels/4
  scale: f32, // 1/√channels
}
struct Pooling {
  height: u32, // of the level that is written
  width: u32,
  first: u32, // pixel of the pyramid, and of the level before
  before: u32,
  width_before: u32,
  quads: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> first: array<vec4f>;
@group(0) @binding(2) var<storage, read> second: array<vec4f>;
@group(0) @binding(3) var<storage, read> flow: array<f32>;
@group(0) @binding(4) var<storage, read_write> products: array<f32>;
@group(0) @binding(5) var<storage, read> kept_products: array<f32>; // products, made before
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<uniform> pooling: Pooling;
@group(0) @binding(8) var<storage, read_write> pyramid: array<vec4f>;

const side = 10u; // of a window of products

// A level's size, and its first pixel in the pyramid.
struct Level { height: u32, width: u32, first: u32 }

fn level_of(l: u32) -> Level {
  var level = Level(dims.height, dims.width, 0);
  for (var i = 0u; i < l; i++) {
    level = Level(level.height / 2, level.width / 2, level.first + level.height * level.width);
  }
  return level;
}

// Where pixel p lies in the second picture, in pixels of level l; far outside is as good as anywhere outside.
fn place(p: u32, l: u32) -> vec2f {
  let at = channel(p, 2, 0);
  let target_pixel = vec2f(vec2u(p % dims.width, p / dims.width)) + vec2f(flow[at], flow[at + 64]);
  return clamp(target_pixel / f32(1u << l), vec2f(-1e6), vec2f(1e6));
}

// The top left corner of its window.
fn corner(p: u32, l: u32) -> vec2i { return vec2i(floor(place(p, l))) - 4; }

// Pixels from `low` to below `high`, all inside the level.
struct Box { low: vec2i, high: vec2i }

fn size_of(box: Box) -> vec2u { return vec2u(max(box.high - box.low, vec2i())); }

fn write_product(p: u32, l: u32, in_window: vec2i, value: f32) {
  if any(in_window < vec2i()) || any(in_window >= vec2i(i32(side))) { return; }
  let c = l * side * side + u32(in_window.x) * side + u32(in_window.y);
  products[channel(p, 4 * side * side, c)] = value * dims.scale;
}

// The products of a tile of 4 × 4 pixels p on one level, by `lanes` lanes: neighbours look at nearly the same pixels q. So all
// sixteen products are made for each q of the box around their windows, where that is small; else each p visits its own window.
const largest_box = 640u;

// Pixel n of a tile, row by row; the last ones again beyond the edge.
fn pixel_of(group: vec3u, n: u32) -> u32 {
  return min(group.y * 4 + n / 4, dims.height - 1) * dims.width + min(group.x * 4 + n % 4, dims.width - 1);
}

fn products_of(group: vec3u, lane: u32, lanes: u32) {
  let l = group.z;
  let level = level_of(l);
  let size = vec2i(vec2u(level.width, level.height));
  var box = Box(size, vec2i());
  for (var n = 0u; n < 16; n++) {
    let low = corner(pixel_of(group, n), l);
    box.low = min(box.low, clamp(low, vec2i(), size));
    box.high = max(box.high, clamp(low + i32(side), vec2i(), size));
  }
  let extent = size_of(box);
  if extent.x * extent.y <= largest_box {
    products_of_tile(group, level, box, lane, lanes);
    return;
  }
  for (var n = 0u; n < 16; n++) { products_of_one(pixel_of(group, n), l, level, lane, lanes); }
}

// A lane makes 8 × 8 products at a time, in registers: loads cost, multiplications do not. Every other lane has the upper pixels p.
fn products_of_tile(group: vec3u, level: Level, box: Box, lane: u32, lanes: u32) {
  let extent = size_of(box);
  let count = extent.x * extent.y;
  let low = vec2u(box.low);
  let own = lane % 2 * 8;
  let p0 = pixel_of(group, own) * dims.quads;
  let p1 = pixel_of(group, own + 1) * dims.quads;
  let p2 = pixel_of(group, own + 2) * dims.quads;
  let p3 = pixel_of(group, own + 3) * dims.quads;
  let p4 = pixel_of(group, own + 4) * dims.quads;
  let p5 = pixel_of(group, own + 5) * dims.quads;
  let p6 = pixel_of(group, own + 6) * dims.quads;
  let p7 = pixel_of(group, own + 7) * dims.quads;
  for (var i = lane / 2; i < count; i += lanes * 4) {
    let near = min(vec4u(i) + vec4u(0, 1, 2, 3) * (lanes / 2), vec4u(count - 1)); // the last ones again
    let far = min(near + lanes * 2, vec4u(count - 1));
    let q0 = ((near / extent.x + low.y) * level.width + near % extent.x + low.x + level.first) * dims.quads;
    let q1 = ((far / extent.x + low.y) * level.width + far % extent.x + low.x + level.first) * dims.quads;
    var s = array<vec4f, 16>(); // said, as naga does not make it zero anew
    for (var k = 0u; k < dims.quads; k++) {
      let b0 = mat4x4f(second[q0.x + k], second[q0.y + k], second[q0.z + k], second[q0.w + k]);
      let b1 = mat4x4f(second[q1.x + k], second[q1.y + k], second[q1.z + k], second[q1.w + k]);
      let a0 = first[p0 + k];
      s[0] += a0 * b0;
      s[1] += a0 * b1;
      let a1 = first[p1 + k];
      s[2] += a1 * b0;
      s[3] += a1 * b1;
      let a2 = first[p2 + k];
      s[4] += a2 * b0;
      s[5] += a2 * b1;
      let a3 = first[p3 + k];
      s[6] += a3 * b0;
      s[7] += a3 * b1;
      let a4 = first[p4 + k];
      s[8] += a4 * b0;
      s[9] += a4 * b1;
      let a5 = first[p5 + k];
      s[10] += a5 * b0;
      s[11] += a5 * b1;
      let a6 = first[p6 + k];
      s[12] += a6 * b0;
      s[13] += a6 * b1;
      let a7 = first[p7 + k];
      s[14] += a7 * b0;
      s[15] += a7 * b1;
    }
    for (var j = 0u; j < 8; j++) {
      let p = pixel_of(group, own + j);
      let shift = box.low - corner(p, group.z);
      for (var m = 0u; m < 4; m++) {
        write_product(p, group.z, shift + vec2i(vec2u(near[m] % extent.x, near[m] / extent.x)), s[2 * j][m]);
        write_product(p, group.z, shift + vec2i(vec2u(far[m] % extent.x, far[m] / extent.x)), s[2 * j + 1][m]);
      }
    }
  }
}

fn products_of_one(p: u32, l: u32, level: Level, lane: u32, lanes: u32) {
  let size = vec2i(vec2u(level.width, level.height));
  let low = corner(p, l);
  let box = Box(clamp(low, vec2i(), size), clamp(low + i32(side), vec2i(), size));
  let extent = size_of(box);
  let count = extent.x * extent.y;
  for (var i = lane; i < count; i += lanes) {
    let q = box.low + vec2i(vec2u(i % extent.x, i / extent.x));
    let at = (level.first + u32(q.y) * level.width + u32(q.x)) * dims.quads;
    var sum = 0.0;
    for (var k = 0u; k < dims.quads; k++) { sum += dot(first[p * dims.quads + k], second[at + k]); }
    write_product(p, l, q - low, sum);
  }
}

// Software drivers run eight lanes at once, GPUs many more.
@compute @workgroup_size(8)
fn products_registers(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  products_of(group, lane, 8);
}

@compute @workgroup_size(64)
fn products_tiled(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  products_of(group, lane, 64);
}

// A product of p's window; zero outside the level, where none was made.
fn product(p: u32, l: u32, low: vec2i, size: vec2i, in_window: vec2u) -> f32 {
  let q = low + vec2i(in_window);
  if any(q < vec2i()) || any(q >= size) { return 0.0; }
  let c = l * side * side + in_window.x * side + in_window.y;
  return kept_products[channel(p, 4 * side * side, c)];
}

// A workgroup blends one column of samples (one i, nine j) of one level for a block of pixels.
@compute @workgroup_size(64)
fn blend(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let p = group.x * 64 + lane;
  if p >= dims.height * dims.width { return; }
  let l = group.y / 9;
  let i = group.y % 9;
  let level = level_of(l);
  let size = vec2i(vec2u(level.width, level.height));
  let at = place(p, l);
  let low = vec2i(floor(at)) - 4;
  let part = at - floor(at);
  var above = mix(product(p, l, low, size, vec2u(i, 0)), product(p, l, low, size, vec2u(i + 1, 0)), part.x);
  for (var j = 0u; j < 9; j++) {
    let below = mix(
      product(p, l, low, size, vec2u(i, j + 1)),
      product(p, l, low, size, vec2u(i + 1, j + 1)),
      part.x,
    );
    y[channel(p, 324, 81 * l + 9 * i + j)] = mix(above, below, part.y);
    above = below;
  }
}

// A level of the pyramid: 2 × 2 pixels of the one before, an odd last row or column left out.
@compute @workgroup_size(64)
fn pool(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  let pixel = i / pooling.quads;
  if pixel >= pooling.height * pooling.width { return; }
  let corner = pooling.before + pixel / pooling.width * 2 * pooling.width_before + pixel % pooling.width * 2;
  let at = corner * pooling.quads + i % pooling.quads;
  let next = at + pooling.width_before * pooling.quads;
  pyramid[pooling.first * pooling.quads + i] =
    (pyramid[at] + pyramid[at + pooling.quads] + pyramid[next] + pyramid[next + pooling.quads]) * 0.25;
}
