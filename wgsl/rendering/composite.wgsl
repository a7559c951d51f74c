// uses common/gradients.wgsl, common/ray_maps.wgsl, common/ray_samples.wgsl
// C = Σ T (α_d b c_d + α_s (1 - b) c_s): a static and a dynamic field along the rays, each alone and both together.
//   δ = (z' - z)·|d|, the last one 1e10·|d|          α = 1 - exp(-relu(σ + ε)·δ)          c = sigmoid(rgb)
//   alone     T = Π(1 - α + 1e-10) before the sample                       w = α T
//   together  T = Π((1 - α_d b)(1 - α_s (1 - b)) + 1e-10) before it        w = (α_d b + α_s (1 - b)) T
// raw (scenes, points, 4) and blending b (scenes, points, 1) in blocks; z, noise ε (scenes, rays, samples);
// directions d (scenes, rays, 3); maps (scenes, rays, 16) as in ray_maps.wgsl;
// weights (sets, scenes, rays, samples), sets 1: dynamic, or 3: dynamic, static, full.
//
// `prepare` runs once a point, `forward` and `backward` once a ray. `samples` passes from one to the next what each sample
// is: (z, δ, α_s, α_d) of all samples, then (T_s, T_d, T_full, b).

struct Dims {
  scenes: u32,
  rays: u32,
  samples: u32,
  weight_sets: u32,
  has_noise: u32,
  mode_raw_static: u32,
  mode_raw_dynamic: u32,
  mode_blending: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> raw_static: array<f32>;
@group(0) @binding(2) var<storage, read> raw_dynamic: array<f32>;
@group(0) @binding(3) var<storage, read> blending: array<f32>;
@group(0) @binding(4) var<storage, read> z: array<f32>;
@group(0) @binding(5) var<storage, read> directions: array<f32>;
@group(0) @binding(6) var<storage, read> noise: array<f32>;
@group(0) @binding(7) var<storage, read_write> samples: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> maps: array<f32>;
@group(0) @binding(9) var<storage, read_write> weights: array<f32>;
@group(0) @binding(10) var<storage, read> d_maps: array<f32>;
@group(0) @binding(11) var<storage, read> d_weights: array<f32>;
@group(0) @binding(12) var<storage, read_write> d_raw_static: array<f32>;
@group(0) @binding(13) var<storage, read_write> d_raw_dynamic: array<f32>;
@group(0) @binding(14) var<storage, read_write> d_blending: array<f32>;

@compute @workgroup_size(64)
fn prepare(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = linear_index(id, groups);
  let points = dims.rays * dims.samples;
  let i = point_of_lane(at, points);
  if i >= dims.scenes * points || !holds_point(at, points) { return; }
  let delta = interval(i, dims.samples);
  var epsilon = 0.0;
  if dims.has_noise == 1 { epsilon = noise[i]; }
  let alpha_static = opacity(raw_static[channel(at, 4, 3)] + epsilon, delta);
  let alpha_dynamic = opacity(raw_dynamic[channel(at, 4, 3)] + epsilon, delta);
  samples[i] = vec4f(z[i], delta, alpha_static, alpha_dynamic);
  samples[i + dims.scenes * points].w = blending[at];
}

// What a ray collects.
struct Sum { color: vec3f, depth: f32, acc: f32 }

fn with_sample(sum: Sum, weight: f32, color: vec3f, depth: f32) -> Sum {
  return Sum(sum.color + weight * color, sum.depth + weight * depth, sum.acc + weight);
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let ray = linear_index(id, groups);
  let total = dims.scenes * dims.rays * dims.samples;
  if ray >= dims.scenes * dims.rays { return; }
  var full: Sum;
  var of_static: Sum;
  var of_dynamic: Sum;
  var dynamicness = 0.0;
  var t = vec3f(1.0); // transmittance: static, dynamic, full
  for (var n = 0u; n < dims.samples; n++) {
    let i = ray * dims.samples + n;
    let at = lane_of(i, dims.rays * dims.samples);
    let depth = samples[i].x;
    let alpha = samples[i].zw;
    let b = samples[i + total].w;
    let color_static = color_static_at(at);
    let color_dynamic = color_dynamic_at(at);
    let alone = alpha * t.xy;
    let share_static = alpha.x * (1.0 - b) * t.z;
    let share_dynamic = alpha.y * b * t.z;
    let weight = share_static + share_dynamic;
    of_static = with_sample(of_static, alone.x, color_static, depth);
    of_dynamic = with_sample(of_dynamic, alone.y, color_dynamic, depth);
    full.color += share_static * color_static + share_dynamic * color_dynamic;
    full.depth += weight * depth;
    full.acc += weight;
    dynamicness += weight * b;
    weights[i] = alone.y;
    if dims.weight_sets == 3 {
      weights[i + total] = alone.x;
      weights[i + 2 * total] = weight;
    }
    samples[i + total] = vec4f(t, b);
    t *= vec3f(1.0 - alpha, (1.0 - alpha.y * b) * (1.0 - alpha.x * (1.0 - b))) + 1e-10;
  }
  let first = ray * ray_map_channels;
  store(first + map_color_full, full);
  store(first + map_color_static, of_static);
  store(first + map_color_dynamic, of_dynamic);
  maps[first + map_dynamicness] = dynamicness;
}

// Color, depth and accumulation follow each other in the maps.
fn store(first: u32, sum: Sum) {
  for (var c = 0u; c < 3; c++) { maps[first + c] = sum.color[c]; }
  maps[first + 3] = sum.depth;
  maps[first + 4] = sum.acc;
}

fn load(first: u32) -> Sum {
  return Sum(
    vec3f(d_maps[first], d_maps[first + 1], d_maps[first + 2]),
    d_maps[first + 3],
    d_maps[first + 4],
  );
}

// From the last sample to the first. `behind` is what a unit of light behind the sample is worth, Σ over the samples there of
// (gradient at its share)·share/T: by it, and never by a division, a sample's transparency gets its gradient.
@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let ray = linear_index(id, groups);
  let total = dims.scenes * dims.rays * dims.samples;
  if ray >= dims.scenes * dims.rays { return; }
  let first = ray * ray_map_channels;
  let d_full = load(first + map_color_full);
  let d_static = load(first + map_color_static);
  let d_dynamic = load(first + map_color_dynamic);
  let d_dynamicness = d_maps[first + map_dynamicness];
  var behind = vec3f(); // static, dynamic, full
  for (var left = dims.samples; left > 0; left--) {
    let i = ray * dims.samples + left - 1;
    let at = lane_of(i, dims.rays * dims.samples);
    let sample = samples[i];
    let alpha = sample.zw;
    let t = samples[i + total].xyz;
    let b = samples[i + total].w;
    let color_static = color_static_at(at);
    let color_dynamic = color_dynamic_at(at);

    // gradients at the weights alone, and at the two shares of the weight together
    let d_weight_static = worth(d_static, color_static, sample.x) + d_weight(1, i);
    let d_weight_dynamic = worth(d_dynamic, color_dynamic, sample.x) + d_weight(0, i);
    let d_weight_full = d_dynamicness * b + d_weight(2, i);
    let d_share_static = worth(d_full, color_static, sample.x) + d_weight_full;
    let d_share_dynamic = worth(d_full, color_dynamic, sample.x) + d_weight_full;

    let clear_static = 1.0 - alpha.x * (1.0 - b);
    let clear_dynamic = 1.0 - alpha.y * b;
    let slope = sample.y * select(vec2f(), 1.0 - alpha, alpha > vec2f()); // dα/dσ = δ(1 - α) where σ + ε > 0
    if dims.mode_raw_static != unasked {
      let d_alpha = t.x * (d_weight_static - behind.x) +
        t.z * (1.0 - b) * (d_share_static - clear_dynamic * behind.z);
      let d_color = alpha.x * (t.x * d_static.color + t.z * (1.0 - b) * d_full.color);
      let d_raw = vec4f(d_color * color_static * (1.0 - color_static), d_alpha * slope.x);
      for (var c = 0u; c < 4; c++) {
        let k = channel(at, 4, c);
        d_raw_static[k] = accumulated(dims.mode_raw_static, d_raw_static[k], d_raw[c]);
      }
    }
    if dims.mode_raw_dynamic != unasked {
      let d_alpha = t.y * (d_weight_dynamic - behind.y) +
        t.z * b * (d_share_dynamic - clear_static * behind.z);
      let d_color = alpha.y * (t.y * d_dynamic.color + t.z * b * d_full.color);
      let d_raw = vec4f(d_color * color_dynamic * (1.0 - color_dynamic), d_alpha * slope.y);
      for (var c = 0u; c < 4; c++) {
        let k = channel(at, 4, c);
        d_raw_dynamic[k] = accumulated(dims.mode_raw_dynamic, d_raw_dynamic[k], d_raw[c]);
      }
    }
    let weight = alpha.y * b + alpha.x * (1.0 - b);
    if dims.mode_blending != unasked {
      let d_b = t.z * (alpha.y * d_share_dynamic - alpha.x * d_share_static + weight * d_dynamicness +
        behind.z * (alpha.x * clear_dynamic - alpha.y * clear_static));
      d_blending[at] = accumulated(dims.mode_blending, d_blending[at], d_b);
    }
    behind *= vec3f(1.0 - alpha, clear_static * clear_dynamic) + 1e-10;
    behind += vec3f(
      alpha.x * d_weight_static,
      alpha.y * d_weight_dynamic,
      alpha.x * (1.0 - b) * d_share_static + alpha.y * b * d_share_dynamic,
    );
  }
}

// The gradient at a weight of what it multiplies.
fn worth(d_sum: Sum, color: vec3f, depth: f32) -> f32 {
  return dot(d_sum.color, color) + d_sum.depth * depth + d_sum.acc;
}

fn d_weight(kind: u32, i: u32) -> f32 {
  if kind >= dims.weight_sets { return 0.0; }
  return d_weights[kind * dims.scenes * dims.rays * dims.samples + i];
}

fn color_static_at(at: u32) -> vec3f {
  let i = channel(at, 4, 0);
  return color_of(vec3f(raw_static[i], raw_static[i + 64], raw_static[i + 128]));
}

fn color_dynamic_at(at: u32) -> vec3f {
  let i = channel(at, 4, 0);
  return color_of(vec3f(raw_dynamic[i], raw_dynamic[i + 64], raw_dynamic[i + 128]));
}

fn interval(i: u32, count: u32) -> f32 {
  let ray = i / count;
  let length = length(vec3f(directions[ray * 3], directions[ray * 3 + 1], directions[ray * 3 + 2]));
  if i % count == count - 1 { return 1e10 * length; }
  return (z[i + 1] - z[i]) * length;
}
