// uses common/camera.wgsl
// A scene's normalised device coordinates (LLFF, near plane 1), joined to camera.wgsl; src/rendering/README.md#ndc.
// `extent` is (W, H)/(2f) of the cameras that the scene was seen with.

const ndc_near = -1.0;
const ndc_far = 0.999;

fn ndc_extent(camera: Camera) -> vec2f {
  return vec2f(camera.width, camera.height) / (2.0 * camera.focal);
}

fn within_ndc(z: f32) -> bool { return z >= ndc_near && z <= ndc_far; }

// z = 2/(clamp(z_ndc, -1, 0.999) - 1)   (x, y) = -(x_ndc, y_ndc)·z·extent
fn ndc_to_world(p: vec3f, extent: vec2f) -> vec3f {
  let z = 2.0 / (clamp(p.z, ndc_near, ndc_far) - 1.0);
  return vec3f(-z * extent * p.xy, z);
}

// The gradient at p of d_world · ndc_to_world(p); dz/dz_ndc = -z²/2, and 0 where z_ndc is clamped.
fn ndc_to_world_gradient(p: vec3f, extent: vec2f, d_world: vec3f) -> vec3f {
  let z = 2.0 / (clamp(p.z, ndc_near, ndc_far) - 1.0);
  let d_z = d_world.z - dot(d_world.xy, extent * p.xy);
  return vec3f(-z * extent * d_world.xy, select(0.0, -0.5 * z * z * d_z, within_ndc(p.z)));
}

// Rᵀ(x_world - o)/(-z_world): with world coordinates over their depth, (x_ndc, y_ndc)·extent and -1, no large number appears.
fn ndc_to_camera(p: vec3f, extent: vec2f, camera: Camera) -> vec3f {
  let inverse_depth = 0.5 - 0.5 * clamp(p.z, ndc_near, ndc_far);
  let center = vec3f(camera.row0.w, camera.row1.w, camera.row2.w);
  let q = vec3f(extent * p.xy, -1.0) - inverse_depth * center;
  return camera.row0.xyz * q.x + camera.row1.xyz * q.y + camera.row2.xyz * q.z;
}

// u = -X/Z·f + W/2   v = Y/Z·f + H/2
fn ndc_to_pixel(p: vec3f, extent: vec2f, camera: Camera) -> vec2f {
  let seen = ndc_to_camera(p, extent, camera);
  return camera.focal * vec2f(-seen.x, seen.y) / seen.z + 0.5 * vec2f(camera.width, camera.height);
}

// The gradient at p of d_pixel · ndc_to_pixel(p).
fn ndc_to_pixel_gradient(p: vec3f, extent: vec2f, camera: Camera, d_pixel: vec2f) -> vec3f {
  let seen = ndc_to_camera(p, extent, camera);
  let d_xy = camera.focal * vec2f(-d_pixel.x, d_pixel.y) / seen.z;
  let d_seen = vec3f(d_xy, -dot(d_xy, seen.xy) / seen.z);
  let d_q = vec3f(
    dot(camera.row0.xyz, d_seen),
    dot(camera.row1.xyz, d_seen),
    dot(camera.row2.xyz, d_seen),
  );
  let center = vec3f(camera.row0.w, camera.row1.w, camera.row2.w);
  return vec3f(extent * d_q.xy, select(0.0, 0.5 * dot(d_q, center), within_ndc(p.z)));
}
