// uses common/ndc.wgsl, common/points.wgsl
// p = o + z d: rays through pixels, and samples along them, in NDC.
// pixels (scenes, rays, 2); origins, directions (scenes, rays, 3), directions not normalised; view_directions (scenes, rays, 3)
// in blocks, world, of length 1; z, jitter (scenes, rays, samples); points (scenes, rays·samples, 3) in blocks.

struct Dims { scenes: u32, rays: u32, samples: u32, near: f32, far: f32, has_jitter: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> pixels: array<f32>;
@group(0) @binding(2) var<storage, read> cameras: array<Camera>;
@group(0) @binding(3) var<storage, read> ndc_cameras: array<Camera>;
@group(0) @binding(4) var<storage, read_write> origins: array<f32>;
@group(0) @binding(5) var<storage, read_write> directions: array<f32>;
@group(0) @binding(6) var<storage, read_write> view_directions: array<f32>;
@group(0) @binding(7) var<storage, read> ray_origins: array<f32>;
@group(0) @binding(8) var<storage, read> ray_directions: array<f32>;
@group(0) @binding(9) var<storage, read> jitter: array<f32>;
@group(0) @binding(10) var<storage, read_write> z: array<f32>;
@group(0) @binding(11) var<storage, read_write> points: array<f32>;

// d = R ((x - W/2)/f, -(y - H/2)/f, -1), o moved to z = -1; then o_ndc = (o_x, o_y)/extent, -1 and
// d_ndc = -(d_x/d_z + o_x, d_y/d_z + o_y)/extent, 2: LLFF's formulas with o_z = -1 put in.
@compute @workgroup_size(64)
fn camera_rays(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = linear_index(id, groups);
  let ray = point_of_lane(at, dims.rays);
  let scene = ray / dims.rays;
  if scene >= dims.scenes || !holds_point(at, dims.rays) { return; }
  let camera = cameras[scene * 3 + slot_current];
  let extent = ndc_extent(ndc_cameras[scene * 3 + slot_current]);
  let pixel = vec2f(pixels[2 * ray], pixels[2 * ray + 1]);
  let offset = (pixel - 0.5 * vec2f(camera.width, camera.height)) / camera.focal;
  let axes = vec3f(offset.x, -offset.y, -1.0);
  let direction = vec3f(
    dot(camera.row0.xyz, axes),
    dot(camera.row1.xyz, axes),
    dot(camera.row2.xyz, axes),
  );
  let center = vec3f(camera.row0.w, camera.row1.w, camera.row2.w);
  let slope = direction.xy / direction.z;
  let origin = center.xy - (1.0 + center.z) * slope;
  store(ray, vec3f(origin / extent, -1.0), vec3f(-(slope + origin) / extent, 2.0));
  let view = direction / length(direction);
  for (var c = 0u; c < 3; c++) {
    view_directions[channel(at, 3, c)] = view[c];
  }
}

fn store(ray: u32, origin: vec3f, direction: vec3f) {
  for (var c = 0u; c < 3; c++) {
    origins[ray * 3 + c] = origin[c];
    directions[ray * 3 + c] = direction[c];
  }
}

// At equal distances from near to far; with jitter anywhere between the midpoints to the neighbours.
fn depth(n: u32) -> f32 {
  return dims.near + (dims.far - dims.near) * f32(n) / f32(max(dims.samples, 2) - 1);
}

@compute @workgroup_size(64)
fn sample_points(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = linear_index(id, groups);
  let count = dims.rays * dims.samples;
  let i = point_of_lane(at, count);
  if i >= dims.scenes * count || !holds_point(at, count) { return; }
  let ray = i / dims.samples;
  let n = i % dims.samples;
  var here = depth(n);
  if dims.has_jitter == 1 {
    let lower = 0.5 * (depth(select(n - 1, 0u, n == 0)) + here);
    let upper = 0.5 * (here + depth(min(n + 1, dims.samples - 1)));
    here = lower + (upper - lower) * jitter[i];
  }
  z[i] = here;
  for (var c = 0u; c < 3; c++) {
    points[channel(at, 3, c)] =
      ray_origins[ray * 3 + c] + here * ray_directions[ray * 3 + c];
  }
}
