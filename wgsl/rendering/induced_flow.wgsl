// uses common/gradients.wgsl, common/ndc.wgsl, common/points.wgsl
// flow = pixel(Σ w p) - pixel: where a camera sees the mean of a ray's moved points, from the ray's own pixel
// weights w (scenes, rays, samples); points p (scenes, rays·samples, 3) in blocks, NDC; pixels, flow (scenes, rays, 2)

struct Dims {
  scenes: u32,
  rays: u32,
  samples: u32,
  slot: u32,
  mode_weights: u32,
  mode_points: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> points: array<f32>;
@group(0) @binding(3) var<storage, read> pixels: array<f32>;
@group(0) @binding(4) var<storage, read> cameras: array<Camera>;
@group(0) @binding(5) var<storage, read_write> flow: array<f32>;
@group(0) @binding(6) var<storage, read> d_flow: array<f32>;
@group(0) @binding(7) var<storage, read_write> d_weights: array<f32>;
@group(0) @binding(8) var<storage, read_write> d_points: array<f32>;
@group(0) @binding(9) var<storage, read> ndc_cameras: array<Camera>; // they span the points' NDC

fn point_at(at: u32) -> vec3f {
  let i = channel(at, 3, 0);
  return vec3f(points[i], points[i + 64], points[i + 128]);
}

fn mean_point(ray: u32) -> vec3f {
  var mean = vec3f();
  for (var n = 0u; n < dims.samples; n++) {
    let i = ray * dims.samples + n;
    mean += weights[i] * point_at(lane_of(i, dims.rays * dims.samples));
  }
  return mean;
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let ray = linear_index(id, groups);
  if ray >= dims.scenes * dims.rays { return; }
  let camera = ray / dims.rays * 3 + dims.slot;
  let pixel = ndc_to_pixel(mean_point(ray), ndc_extent(ndc_cameras[camera]), cameras[camera]);
  flow[2 * ray] = pixel.x - pixels[2 * ray];
  flow[2 * ray + 1] = pixel.y - pixels[2 * ray + 1];
}

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let ray = linear_index(id, groups);
  if ray >= dims.scenes * dims.rays { return; }
  let camera = ray / dims.rays * 3 + dims.slot;
  let d_pixel = vec2f(d_flow[2 * ray], d_flow[2 * ray + 1]);
  let extent = ndc_extent(ndc_cameras[camera]);
  let d_mean = ndc_to_pixel_gradient(mean_point(ray), extent, cameras[camera], d_pixel);
  for (var n = 0u; n < dims.samples; n++) {
    let i = ray * dims.samples + n;
    let at = lane_of(i, dims.rays * dims.samples);
    if dims.mode_weights != unasked {
      d_weights[i] = accumulated(dims.mode_weights, d_weights[i], dot(d_mean, point_at(at)));
    }
    if dims.mode_points != unasked {
      for (var c = 0u; c < 3; c++) {
        let k = channel(at, 3, c);
        d_points[k] = accumulated(dims.mode_points, d_points[k], weights[i] * d_mean[c]);
      }
    }
  }
}
