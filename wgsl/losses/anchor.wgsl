// Depth anchor: term = mean over rays of (Σ w |z - D| + 1 - Σ w) = 1 - mean Σ w (1 - |z - D|)
// weights w, z (scenes, rays, samples)   depth D (scenes, rays), NDC   term (1)

struct Dims {
  rays: u32, // of all scenes
  samples: u32, // of a ray
  accumulate: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> z: array<f32>;
@group(0) @binding(3) var<storage, read> depth: array<f32>;
@group(0) @binding(4) var<storage, read_write> term: array<f32>;
@group(0) @binding(5) var<storage, read> d_term: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_weights: array<f32>;

const lanes = 64u;
const columns = 1u;

// What light that stops at a sample is worth.
fn nearness(i: u32) -> f32 { return 1.0 - abs(z[i] - depth[i / dims.samples]); }

// One workgroup: a batch has a thousand rays.
@compute @workgroup_size(lanes)
fn forward(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var ray = lane; ray < dims.rays; ray += lanes) {
    var missed = 1.0;
    for (var n = 0u; n < dims.samples; n++) {
      let i = ray * dims.samples + n;
      missed -= weights[i] * nearness(i);
    }
    sum += missed;
  }
  lane_values[lane] = sum;
  sum_lanes(lane);
  if lane == 0 { term[0] = column_sums[0] / f32(dims.rays); }
}

// dw = (|z - D| - 1)/rays
@compute @workgroup_size(lanes)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * lanes + id.x;
  if i >= dims.rays * dims.samples { return; }
  let gradient = -nearness(i) / f32(dims.rays) * d_term[0];
  d_weights[i] = gradient + select(0.0, d_weights[i], dims.accumulate == 1);
}
