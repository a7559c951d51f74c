// C_l[p, q] = ⟨first[p], second_l[q]⟩/√channels          second_l: the second picture's features, 2^l × 2^l of them averaged
// y[81 l + 9 i + j, p] = C_l[p] at (x/2^l + i − 4, y/2^l + j − 4), (x, y) = p + flow[p], linear between pixels, zero outside
//
// All 81 samples of a level share one fraction: 10 × 10 products, then one blend of neighbours. The volume C never exists.
// first, second (Σ_l height_l·width_l, channels) rows, levels one after the other  flow (1, height·width, 2) in blocks
// products (1, height·width, 400) and y (1, height·width, 324) in blocks          preparation section 6

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
  let at = p / 64 * 128 + p % 64;
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
  let channel = l * side * side + u32(in_window.x) * side + u32(in_window.y);
  products[(p / 64 * (4 * side * side) + channel) * 64 + p % 64] = value * dims.scale;
}

// The products of a tile of 4 × 4 pixels p on one level, by `lanes` lanes: neighbours look at nearly the same pixels q. So all
// sixteen products are made for each q of the box around their windows, where that is small; else each p visits its own window.
const largest_box = 1024u;

fn products_of(group: vec3u, lane: u32, lanes: u32) {
  let l = group.z;
  let level = level_of(l);
  let size = vec2i(vec2u(level.width, level.height));
  var p: array<u32, 16>;
  var box = Box(size, vec2i());
  for (var i = 0u; i < 16; i++) {
    let column = min(group.x * 4 + i % 4, dims.width - 1); // repeats the last pixels beyond the edge
    let row = min(group.y * 4 + i / 4, dims.height - 1);
    p[i] = row * dims.width + column;
    let low = corner(p[i], l);
    box.low = min(box.low, clamp(low, vec2i(), size));
    box.high = max(box.high, clamp(low + i32(side), vec2i(), size));
  }
  let extent = size_of(box);
  if extent.x * extent.y <= largest_box {
    products_of_tile(&p, l, level, box, lane, lanes);
    return;
  }
  for (var i = 0u; i < 16; i++) { products_of_one(p[i], l, level, lane, lanes); }
}

// A lane makes 16 × 4 products at a time, in registers: loads cost, multiplications do not.
fn products_of_tile(p: ptr<function, array<u32, 16>>, l: u32, level: Level, box: Box, lane: u32, lanes: u32) {
  let extent = size_of(box);
  let count = extent.x * extent.y;
  for (var i = lane; i < count; i += lanes * 4) {
    let n = min(vec4u(i) + vec4u(0, lanes, 2 * lanes, 3 * lanes), vec4u(count - 1)); // the last ones again
    let low = vec2u(box.low);
    let q = ((n / extent.x + low.y) * level.width + n % extent.x + low.x + level.first) * dims.quads;
    var s = array<vec4f, 16>(); // said, as naga does not make it zero anew
    for (var k = 0u; k < dims.quads; k++) {
      let b = mat4x4f(second[q.x + k], second[q.y + k], second[q.z + k], second[q.w + k]);
      s[0] += first[(*p)[0] * dims.quads + k] * b;
      s[1] += first[(*p)[1] * dims.quads + k] * b;
      s[2] += first[(*p)[2] * dims.quads + k] * b;
      s[3] += first[(*p)[3] * dims.quads + k] * b;
      s[4] += first[(*p)[4] * dims.quads + k] * b;
      s[5] += first[(*p)[5] * dims.quads + k] * b;
      s[6] += first[(*p)[6] * dims.quads + k] * b;
      s[7] += first[(*p)[7] * dims.quads + k] * b;
      s[8] += first[(*p)[8] * dims.quads + k] * b;
      s[9] += first[(*p)[9] * dims.quads + k] * b;
      s[10] += first[(*p)[10] * dims.quads + k] * b;
      s[11] += first[(*p)[11] * dims.quads + k] * b;
      s[12] += first[(*p)[12] * dims.quads + k] * b;
      s[13] += first[(*p)[13] * dims.quads + k] * b;
      s[14] += first[(*p)[14] * dims.quads + k] * b;
      s[15] += first[(*p)[15] * dims.quads + k] * b;
    }
    for (var j = 0u; j < 16; j++) {
      let shift = vec2u(box.low - corner((*p)[j], l));
      for (var m = 0u; m < 4; m++) {
        write_product((*p)[j], l, vec2i(shift + vec2u(n[m] % extent.x, n[m] / extent.x)), s[j][m]);
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
  let channel = l * side * side + in_window.x * side + in_window.y;
  return kept_products[(p / 64 * (4 * side * side) + channel) * 64 + p % 64];
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
    y[(group.x * 324 + 81 * l + 9 * i + j) * 64 + lane] = mix(above, below, part.y);
    above = below;
  }
}

// A level of the pyramid: 2 × 2 pixels of the one before, an odd last row or column left out.
@compute @workgroup_size(64)
fn pool(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64 + id.x;
  let pixel = i / pooling.quads;
  if pixel >= pooling.height * pooling.width { return; }
  let corner = pooling.before + pixel / pooling.width * 2 * pooling.width_before + pixel % pooling.width * 2;
  let at = corner * pooling.quads + i % pooling.quads;
  let next = at + pooling.width_before * pooling.quads;
  pyramid[pooling.first * pooling.quads + i] =
    (pyramid[at] + pyramid[at + pooling.quads] + pyramid[next] + pyramid[next + pooling.quads]) * 0.25;
}
