// uses common/ndc.wgsl
// Which frames of a scene show the points of a view best: those of the nearest cameras in whose pictures they are seen.
//   score = seen/(‖o_f − o‖²/spacing² + nearness)     seen = inside·still·(1 − smoothstep(behind, 2·behind, z − depth_f))
// The three best take part, each by its share of their scores. Where no frame sees a point, those count that show something still
// there, whatever its depth; then the nearest, whose features are taken from beside what moves (sample_frames.wgsl).
// points (scenes, points, 3) in blocks, NDC; views (scenes, 3) cameras, of which the current is the view's; of one scene
// frame_cameras (frames) and pictures (frames, height, width) = (still, NDC depth of what is seen, …)
// choice (scenes, points, 6) in blocks: three frames, then their shares. One scene a dispatch, a workgroup a block.

struct Dims {
  scene: u32,
  points: u32, // of a scene
  width: u32,
  height: u32,
  border: f32, // pixels from a picture's border within which a frame counts less
  behind: f32, // NDC depth behind what a frame shows up to which a point may be what it shows
  nearness: f32, // square of the distance, in spacings, below which cameras are alike
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> points: array<f32>;
@group(0) @binding(2) var<storage, read> views: array<Camera>;
@group(0) @binding(3) var<storage, read> frame_cameras: array<Camera>; // whose `valid` is 1/spacing²
@group(0) @binding(4) var<storage, read> pictures: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> choice: array<f32>;

fn center_of(camera: Camera) -> vec3f { return vec3f(camera.row0.w, camera.row1.w, camera.row2.w); }

// How well a frame shows a point, 0…1; a little where it does not see it.
fn seen_in(p: vec3f, extent: vec2f, frame: u32) -> f32 {
  let camera = frame_cameras[frame];
  if ndc_to_camera(p, extent, camera).z >= 0.0 { return 0.0; }
  let at = ndc_to_pixel(p, extent, camera);
  let last = vec2f(f32(dims.width - 1), f32(dims.height - 1));
  let margin = min(at, last - at);
  let inside = clamp((min(margin.x, margin.y) + 0.5) / dims.border, 0.0, 1.0);
  let texel = vec2u(clamp(round(at), vec2f(), last));
  let picture = pictures[(frame * dims.height + texel.y) * dims.width + texel.x];
  let behind = clamp(p.z, ndc_near, ndc_far) - picture.y;
  let visible = 1.0 - smoothstep(dims.behind, 2.0 * dims.behind, behind);
  return picture.x * (inside * (visible + 1e-3) + 1e-5) + 1e-7 * (inside + 0.1);
}

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let block = dims.scene * ((dims.points + 63) / 64) + group.x;
  let i = block * 3 * 64 + lane;
  let p = vec3f(points[i], points[i + 64], points[i + 128]);
  let center = center_of(views[dims.scene * 3 + slot_current]);
  let extent = ndc_extent(frame_cameras[0]);
  var best = vec3f();
  var frames = vec3u();
  for (var f = 0u; f < arrayLength(&frame_cameras); f++) {
    let apart = center_of(frame_cameras[f]) - center;
    let score = seen_in(p, extent, f) / (dot(apart, apart) * frame_cameras[f].valid + dims.nearness);
    if score > best.x {
      best = vec3f(score, best.xy);
      frames = vec3u(f, frames.xy);
    } else if score > best.y {
      best = vec3f(best.x, score, best.y);
      frames = vec3u(frames.x, f, frames.y);
    } else if score > best.z {
      best.z = score;
      frames.z = f;
    }
  }
  let sum = best.x + best.y + best.z;
  let share = select(vec3f(1.0, 0.0, 0.0), best / sum, sum > 0.0);
  for (var k = 0u; k < 3; k++) {
    choice[(block * 6 + k) * 64 + lane] = f32(frames[k]);
    choice[(block * 6 + 3 + k) * 64 + lane] = share[k];
  }
}
