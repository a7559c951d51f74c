// uses common/camera.wgsl, common/gradients.wgsl, common/points.wgsl, common/sum_lanes.wgsl
// term = Σ_scenes mean_M |induced - flow|, mean_M(x) = Σ xM / (ΣM + 1e-8) / 2, over the scenes whose frame has the neighbour in
// dims.slot. One dispatch a direction.
// induced (scenes, rays, 2) pixels   flow (scenes, rays, 3): u, v in pixels, validity M   terms (2): backward, forward
// shares (scenes): what one pixel of difference adds to the term, 1 / (ΣM + 1e-8) / 2

struct Dims { scenes: u32, rays: u32, slot: u32, mode_induced: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> induced: array<vec2f>;
@group(0) @binding(2) var<storage, read> flow: array<f32>;
@group(0) @binding(3) var<storage, read> cameras: array<Camera>;
@group(0) @binding(4) var<storage, read_write> terms: array<f32>;
@group(0) @binding(5) var<storage, read_write> shares: array<f32>;
@group(0) @binding(6) var<storage, read> d_terms: array<f32>;
@group(0) @binding(7) var<storage, read_write> d_induced: array<vec2f>;

const lanes = 64u;
const columns = 2u; // Σ |induced - flow|·M, ΣM

fn term() -> u32 { return select(1u, 0u, dims.slot == slot_before); }
fn optical(ray: u32) -> vec2f { return vec2f(flow[ray * 3], flow[ray * 3 + 1]); }
fn validity(ray: u32) -> f32 { return flow[ray * 3 + 2]; }

// One workgroup: a batch has a thousand rays.
@compute @workgroup_size(lanes)
fn forward(@builtin(local_invocation_index) lane: u32) {
  var total = 0.0;
  for (var scene = 0u; scene < dims.scenes; scene++) {
    var difference = 0.0;
    var valid = 0.0;
    for (var i = lane; i < dims.rays; i += lanes) {
      let ray = scene * dims.rays + i;
      let m = validity(ray);
      if m > 0.0 { difference += m * dot(abs(induced[ray] - optical(ray)), vec2f(1.0)); }
      valid += m;
    }
    lane_values[lane] = difference;
    lane_values[lanes + lane] = valid;
    sum_lanes(lane);
    let has = cameras[scene * 3 + dims.slot].valid > 0.0;
    let share = select(0.0, 0.5 / (column_sums[1] + 1e-8), has);
    if has { total += column_sums[0] * share; }
    if lane == 0 { shares[scene] = share; }
  }
  if lane == 0 { terms[term()] = total; }
}

// d_induced = sign(induced - flow)·M·share·d_term
@compute @workgroup_size(lanes)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let ray = linear_index(id, groups);
  if ray >= dims.scenes * dims.rays { return; }
  let scale = d_terms[term()] * shares[ray / dims.rays] * validity(ray);
  let gradient = scale * sign(induced[ray] - optical(ray));
  let kept = select(vec2f(), gradient, scale != 0.0); // what is not compared may be infinite
  d_induced[ray] = select(kept, kept + d_induced[ray], dims.mode_induced == add);
}
