// uses common/ndc.wgsl, common/points.wgsl
// Points of one NDC in another: an affine map of the world is a projective one of NDC.
//   h = (x, y, 1, (1 - z)/2)     w = m₂·h     p' = (m₀·h, m₁·h, w - 1 + z)/w
// points p, placed p' (scenes, points, 3) in blocks; placements m (scenes, 4, 4), the last row (1 to hide what the camera did not
// see, 0, 0, 0). The identity changes no bit. hidden (scenes, points, 1) in blocks: blending, or -1 where p' is outside of the
// picture of the current slot's camera.

struct Dims { points: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> points: array<f32>;
@group(0) @binding(2) var<storage, read> placements: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> placed: array<f32>;
@group(0) @binding(4) var<storage, read> cameras: array<Camera>;
@group(0) @binding(5) var<storage, read> blending: array<f32>;
@group(0) @binding(6) var<storage, read_write> hidden: array<f32>;

const limit = 8.0; // far outside of what any camera saw

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) block: vec3u, @builtin(local_invocation_index) lane: u32) {
  let scene = block.x / blocks_of(dims.points);
  let i = channel(block.x * 64 + lane, 3, 0);
  let p = vec3f(points[i], points[i + 64], points[i + 128]);
  let h = vec4f(p.xy, 1.0, 0.5 - 0.5 * p.z);
  let m = scene * 4;
  let w = dot(placements[m + 2], h);
  var q = vec3f(0.0, 0.0, -2.0); // behind the plane that all cameras look from
  if w > 1e-6 {
    q = vec3f(dot(placements[m], h), dot(placements[m + 1], h), w - 1.0 + p.z) / w;
    q = clamp(q, vec3f(-limit, -limit, -2.0), vec3f(limit));
  }
  for (var c = 0u; c < 3; c++) { placed[i + c * 64] = q[c]; }
}

@compute @workgroup_size(64)
fn hide(@builtin(workgroup_id) block: vec3u, @builtin(local_invocation_index) lane: u32) {
  let scene = block.x / blocks_of(dims.points);
  let i = channel(block.x * 64 + lane, 3, 0);
  let p = vec3f(points[i], points[i + 64], points[i + 128]);
  let camera = cameras[scene * 3 + slot_current];
  let extent = ndc_extent(camera);
  let at = ndc_to_pixel(p, extent, camera);
  let inside = ndc_to_camera(p, extent, camera).z < 0.0 && all(at >= vec2f()) &&
    all(at <= vec2f(camera.width, camera.height));
  let k = block.x * 64 + lane;
  hidden[k] = select(-1.0, blending[k], inside || placements[scene * 4 + 3].x == 0.0);
}
