// uses common/gradients.wgsl, common/points.wgsl, common/sum_lanes.wgsl
// term = Σ M (-log p) / (ΣM + 1e-8), p = max(Σ w exp(-|z - D|/width), least), over the rays that count, M = 1
// weights w, z (scenes, rays, samples)   depth D, counted M, hits p (scenes, rays)   share 1/(ΣM + 1e-8), term (1)

struct Dims {
  rays: u32, // of all scenes
  samples: u32, // of a ray
  has_counted: u32, // else M is 1 everywhere
  width: f32,
  mode_weights: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> z: array<f32>;
@group(0) @binding(3) var<storage, read> depth: array<f32>;
@group(0) @binding(4) var<storage, read> counted: array<f32>;
@group(0) @binding(5) var<storage, read_write> hits: array<f32>;
@group(0) @binding(6) var<storage, read_write> share: array<f32>;
@group(0) @binding(7) var<storage, read_write> term: array<f32>;
@group(0) @binding(8) var<storage, read> d_term: array<f32>;
@group(0) @binding(9) var<storage, read_write> d_weights: array<f32>;

const lanes = 64u;
const columns = 2u; // of the term, M
const least = 1e-6;

fn counts(ray: u32) -> f32 {
  if dims.has_counted == 0 { return 1.0; }
  return counted[ray];
}

// How well light that stops at a sample has hit.
fn hit(i: u32) -> f32 { return exp(-abs(z[i] - depth[i / dims.samples]) / dims.width); }

// One workgroup: a batch has a thousand rays.
@compute @workgroup_size(lanes)
fn forward(@builtin(local_invocation_index) lane: u32) {
  var sums = vec2f();
  for (var ray = lane; ray < dims.rays; ray += lanes) {
    var p = 0.0;
    for (var n = 0u; n < dims.samples; n++) {
      let i = ray * dims.samples + n;
      p += weights[i] * hit(i);
    }
    if p < least { p = least; } // not by max(), which would hide what is no number
    hits[ray] = p;
    sums += counts(ray) * vec2f(-log(p), 1.0);
  }
  lane_values[lane] = sums.x;
  lane_values[lanes + lane] = sums.y;
  sum_lanes(lane);
  if lane > 0 { return; }
  share[0] = 1.0 / (column_sums[1] + 1e-8);
  term[0] = column_sums[0] * share[0];
}

// dw = -M exp(-|z - D|/width)/p·share·d_term, also where p is held at the least: there it shows the way
@compute @workgroup_size(lanes)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = linear_index(id, groups);
  if i >= dims.rays * dims.samples { return; }
  let ray = i / dims.samples;
  let gradient = -counts(ray) * hit(i) / hits[ray] * share[0] * d_term[0];
  d_weights[i] = accumulated(dims.mode_weights, d_weights[i], gradient);
}
