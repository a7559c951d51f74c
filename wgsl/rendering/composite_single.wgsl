// uses common/gradients.wgsl, common/ray_maps.wgsl, common/ray_samples.wgsl
// C = Σ w sigmoid(rgb), w = α T: one field along the rays, with its depth Σ w z and its accumulation Σ w.
//   δ = (z' - z)·|d|, the last one 1e10·|d|     α = 1 - exp(-relu(σ + ε)·δ)     T = Π(1 - α + 1e-10) before the sample
// raw (scenes, points, 4) in blocks: rgb, σ; z, noise ε, weights w (scenes, rays, samples); directions d (scenes, rays, 3);
// maps (scenes, rays, 5); samples (z, δ, α, T) pass from `forward` to `backward`. A thread a ray.

struct Dims {
  scenes: u32,
  rays: u32,
  samples: u32,
  has_noise: u32,
  has_weights: u32, // they are an output
  has_d_weights: u32,
  mode_raw: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> raw: array<f32>;
@group(0) @binding(2) var<storage, read> z: array<f32>;
@group(0) @binding(3) var<storage, read> directions: array<f32>;
@group(0) @binding(4) var<storage, read> noise: array<f32>;
@group(0) @binding(5) var<storage, read_write> samples: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> maps: array<f32>;
@group(0) @binding(7) var<storage, read_write> weights: array<f32>;
@group(0) @binding(8) var<storage, read> d_maps: array<f32>;
@group(0) @binding(9) var<storage, read> d_weights: array<f32>;
@group(0) @binding(10) var<storage, read_write> d_raw: array<f32>;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let ray = linear_index(id, groups);
  if ray >= dims.scenes * dims.rays { return; }
  let length = length(vec3f(directions[ray * 3], directions[ray * 3 + 1], directions[ray * 3 + 2]));
  var color = vec3f();
  var depth = 0.0;
  var acc = 0.0;
  var t = 1.0;
  var depth_here = z[ray * dims.samples];
  for (var n = 0u; n < dims.samples; n++) {
    let i = ray * dims.samples + n;
    let at = lane_of(i, dims.rays * dims.samples);
    let depth_next = z[min(i + 1, (ray + 1) * dims.samples - 1)];
    let delta = select(depth_next - depth_here, 1e10, n == dims.samples - 1) * length;
    var epsilon = 0.0;
    if dims.has_noise == 1 { epsilon = noise[i]; }
    let alpha = opacity(raw[channel(at, 4, 3)] + epsilon, delta);
    let weight = alpha * t;
    color += weight * color_at(at);
    depth += weight * depth_here;
    acc += weight;
    samples[i] = vec4f(depth_here, delta, alpha, t);
    if dims.has_weights == 1 { weights[i] = weight; }
    t *= 1.0 - alpha + 1e-10;
    depth_here = depth_next;
  }
  let first = ray * single_map_channels;
  for (var c = 0u; c < 3; c++) { maps[first + single_map_color + c] = color[c]; }
  maps[first + single_map_depth] = depth;
  maps[first + single_map_acc] = acc;
}

// From the last sample to the first. `behind` is what a unit of light behind the sample is worth, Σ over the samples there of
// (gradient at the weight)·α·T'/T: by it, and never by a division, a sample's transparency gets its gradient.
@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let ray = linear_index(id, groups);
  if ray >= dims.scenes * dims.rays { return; }
  let first = ray * single_map_channels;
  let d_color = vec3f(d_maps[first], d_maps[first + 1], d_maps[first + 2]);
  let d_depth = d_maps[first + single_map_depth];
  let d_acc = d_maps[first + single_map_acc];
  var behind = 0.0;
  for (var left = dims.samples; left > 0; left--) {
    let i = ray * dims.samples + left - 1;
    let at = lane_of(i, dims.rays * dims.samples);
    let color = color_at(at);
    let depth = samples[i].x;
    let delta = samples[i].y;
    let alpha = samples[i].z;
    let t = samples[i].w;
    var d_weight = dot(d_color, color) + d_depth * depth + d_acc;
    if dims.has_d_weights == 1 { d_weight += d_weights[i]; }
    let d_alpha = t * (d_weight - behind);
    // dα/dσ = δ(1 - α) where σ + ε > 0
    let d_sigma = select(0.0, d_alpha * delta * (1.0 - alpha), alpha > 0.0);
    let gradient = vec4f(alpha * t * d_color * color * (1.0 - color), d_sigma);
    for (var c = 0u; c < 4; c++) {
      let k = channel(at, 4, c);
      d_raw[k] = accumulated(dims.mode_raw, d_raw[k], gradient[c]);
    }
    behind = alpha * d_weight + (1.0 - alpha + 1e-10) * behind;
  }
}

fn color_at(at: u32) -> vec3f {
  let i = channel(at, 4, 0);
  return color_of(vec3f(raw[i], raw[i + 64], raw[i + 128]));
}
