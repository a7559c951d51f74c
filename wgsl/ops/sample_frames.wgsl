// uses common/ndc.wgsl
// y += Σ share·map_f(p) over the frames f chosen for a point: bilinear samples of their feature maps where their cameras see it.
// page (frames of the page, height, width, channels) of one scene, channels in fours; frame_cameras (frames of the scene);
// points (scenes, points, 3), choice (scenes, points, 6) of choose_frames.wgsl and y (scenes, points, channels) in blocks.
// Where a frame shows something that moves, the place is moved to the nearest pixel that does not (pictures (frames, H, W) = (still,
// depth, right, down)): what nobody has seen is guessed from beside it, and never has a mover's features.
// A pixel (u, v) of W×H is the place (u·width/W, v·height/H) in the map, clamped to its border. One scene and page a dispatch, a
// workgroup a block.

struct Dims {
  scene: u32,
  points: u32, // of a scene
  first: u32, // frame of the page
  frames: u32, // of the page
  height: u32,
  width: u32,
  map_fours: u32, // the maps' channels / 4
  first_four: u32, // the first of them that is sampled
  fours: u32, // how many are
  add: u32, // to what pages before have given
  picture_width: u32,
  picture_height: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> page: array<vec4f>;
@group(0) @binding(2) var<storage, read> frame_cameras: array<Camera>;
@group(0) @binding(3) var<storage, read> points: array<f32>;
@group(0) @binding(4) var<storage, read> choice: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<storage, read> pictures: array<vec4f>;

const chunk = 16u; // fours of channels that an invocation takes

// Four neighbouring texels, as indices of their first fours, and what each counts.
struct Place { corners: vec4u, shares: vec4f }

fn locate(p: vec3f, extent: vec2f, frame: u32, share: f32) -> Place {
  let camera = frame_cameras[frame];
  let slope = vec2f(f32(dims.width), f32(dims.height)) / vec2f(camera.width, camera.height);
  let last = vec2f(f32(dims.width - 1), f32(dims.height - 1));
  let pixel = ndc_to_pixel(p, extent, camera);
  let most = vec2f(f32(dims.picture_width - 1), f32(dims.picture_height - 1));
  let texel = vec2u(clamp(round(pixel), vec2f(), most));
  let picture = pictures[(frame * dims.picture_height + texel.y) * dims.picture_width + texel.x];
  let inside = clamp((pixel + picture.zw) * slope, vec2f(), last);
  let first = min(vec2u(inside), vec2u(max(dims.width, 2) - 2, max(dims.height, 2) - 2));
  let next = min(first + 1, vec2u(dims.width - 1, dims.height - 1));
  let within = frame >= dims.first && frame < dims.first + dims.frames;
  let texels = select(0u, (frame - dims.first) * dims.width * dims.height, within) +
    vec4u(first.x, next.x, first.x, next.x) + dims.width * vec4u(first.y, first.y, next.y, next.y);
  let f = inside - vec2f(first);
  let shares = vec4f((1.0 - f.x) * (1.0 - f.y), f.x * (1.0 - f.y), (1.0 - f.x) * f.y, f.x * f.y);
  return Place(texels * dims.map_fours + dims.first_four, select(0.0, share, within) * shares);
}

fn sampled(at: Place, q: u32) -> vec4f {
  return at.shares.x * page[at.corners.x + q] + at.shares.y * page[at.corners.y + q] +
    at.shares.z * page[at.corners.z + q] + at.shares.w * page[at.corners.w + q];
}

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let block = dims.scene * ((dims.points + 63) / 64) + group.x;
  let i = block * 3 * 64 + lane;
  let p = vec3f(points[i], points[i + 64], points[i + 128]);
  let extent = ndc_extent(frame_cameras[0]);
  let k = block * 6 * 64 + lane;
  let a = locate(p, extent, u32(choice[k]), choice[k + 192]);
  let b = locate(p, extent, u32(choice[k + 64]), choice[k + 256]);
  let c = locate(p, extent, u32(choice[k + 128]), choice[k + 320]);
  for (var q = group.y * chunk; q < min(dims.fours, (group.y + 1) * chunk); q++) {
    let value = sampled(a, q) + sampled(b, q) + sampled(c, q);
    for (var j = 0u; j < 4; j++) {
      let at = ((block * dims.fours + q) * 4 + j) * 64 + lane;
      y[at] = value[j] + select(0.0, y[at], dims.add == 1);
    }
  }
}
