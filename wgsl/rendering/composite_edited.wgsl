// A static field and any number of dynamic ones, the foregrounds, along rays: all together, and the static one and the first
// foreground each alone. The product form of spec section 5 with more factors:
//   b_s = Π_i (1 - b_i)     T = Π((1 - α_s b_s) Π_i (1 - α_i b_i) + 1e-10) before the sample
//   w = (α_s b_s + Σ_i α_i b_i) T     colour Σ T (α_s b_s c_s + Σ_i α_i b_i c_i)     dynamicness Σ w (1 - b_s)
// A foreground's δ is the distance of its points in its own NDC, p' (of one that is in place, the ray's); b_i is 0 where p' is
// nowhere that its cameras saw, and what a region says where p is in a region.
// raw_static (scenes, points, 4); foregrounds (scenes, points, 8 each): colour, σ, b, p'; points p (scenes, points, 3), all in
// blocks; z (scenes, rays, samples); directions (scenes, rays, 3); regions (scenes, regions, 8): least corner, b, greatest
// corner, 1 or 0 for none, corners in world units with x and y divided by the NDC's extent; maps (scenes, rays, 16) as in
// ray_maps.wgsl; weights (scenes, rays, samples): of the first foreground alone.

struct Dims { scenes: u32, rays: u32, samples: u32, foregrounds: u32, regions: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> raw_static: array<f32>;
@group(0) @binding(2) var<storage, read> foregrounds: array<f32>;
@group(0) @binding(3) var<storage, read> points: array<f32>;
@group(0) @binding(4) var<storage, read> z: array<f32>;
@group(0) @binding(5) var<storage, read> directions: array<f32>;
@group(0) @binding(6) var<storage, read> regions: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> maps: array<f32>;
@group(0) @binding(8) var<storage, read_write> weights: array<f32>;

const foreground_channels = 8u;
const none = -1.0;

// What a ray collects.
struct Sum { color: vec3f, depth: f32, acc: f32 }

fn add(sum: Sum, weight: f32, color: vec3f, depth: f32) -> Sum {
  return Sum(sum.color + weight * color, sum.depth + weight * depth, sum.acc + weight);
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let ray = id.y * groups.x * 64 + id.x;
  if ray >= dims.scenes * dims.rays { return; }
  let scene = ray / dims.rays;
  let length = length(vec3f(directions[ray * 3], directions[ray * 3 + 1], directions[ray * 3 + 2]));
  var full: Sum;
  var of_static: Sum;
  var of_dynamic: Sum;
  var dynamicness = 0.0;
  var t = vec3f(1.0); // transmittance: static, first foreground, full
  for (var n = 0u; n < dims.samples; n++) {
    let i = ray * dims.samples + n;
    let at = lane_of(i, dims.rays * dims.samples);
    let depth = z[i];
    let is_last = n == dims.samples - 1;
    let next = lane_of(select(i + 1, i, is_last), dims.rays * dims.samples);
    let forced = blending_in_regions(scene, point_at(at));

    var b_static = 1.0;
    var clear = 1.0;
    var share = Sum(vec3f(), 0.0, 0.0); // of the foregrounds
    for (var f = 0u; f < dims.foregrounds; f++) {
      let point = foreground_at(at, f, 5);
      let seen = point.z > -1.001 && max(abs(point.x), abs(point.y)) < 7.99;
      let step = distance(foreground_at(next, f, 5), point);
      let delta = select(step, 1e10 * length, is_last);
      let heads = foreground_at(at, f, 3).xy; // σ, b
      let alpha = select(0.0, opacity(heads.x, delta), seen);
      let b = select(0.0, select(heads.y, forced, forced != none), seen);
      let color = sigmoid(foreground_at(at, f, 0));
      share = add(share, alpha * b, color, 0.0);
      b_static *= 1.0 - b;
      clear *= 1.0 - alpha * b;
      if f == 0 {
        weights[i] = alpha * t.y;
        of_dynamic = add(of_dynamic, alpha * t.y, color, depth);
        t.y *= 1.0 - alpha + 1e-10;
      }
    }

    let delta = length * select(z[select(i + 1, i, is_last)] - depth, 1e10, is_last);
    let alpha = opacity(raw_static[channel(at, 4, 3)], delta);
    let color = color_static_at(at);
    let weight = (alpha * b_static + share.acc) * t.z;
    of_static = add(of_static, alpha * t.x, color, depth);
    full.color += t.z * (alpha * b_static * color + share.color);
    full.depth += weight * depth;
    full.acc += weight;
    dynamicness += weight * (1.0 - b_static);
    t.x *= 1.0 - alpha + 1e-10;
    t.z *= clear * (1.0 - alpha * b_static) + 1e-10;
  }
  let first = ray * ray_map_channels;
  store(first + map_color_full, full);
  store(first + map_color_static, of_static);
  store(first + map_color_dynamic, of_dynamic);
  maps[first + map_dynamicness] = dynamicness;
}

// Colour, depth and accumulation follow each other in the maps.
fn store(first: u32, sum: Sum) {
  for (var c = 0u; c < 3; c++) { maps[first + c] = sum.color[c]; }
  maps[first + 3] = sum.depth;
  maps[first + 4] = sum.acc;
}

fn point_at(at: u32) -> vec3f {
  let i = channel(at, 3, 0);
  return vec3f(points[i], points[i + 64], points[i + 128]);
}

fn color_static_at(at: u32) -> vec3f {
  let i = channel(at, 4, 0);
  return sigmoid(vec3f(raw_static[i], raw_static[i + 64], raw_static[i + 128]));
}

// Three channels of a foreground, from c on.
fn foreground_at(at: u32, f: u32, c: u32) -> vec3f {
  let i = channel(at, dims.foregrounds * foreground_channels, f * foreground_channels + c);
  return vec3f(foregrounds[i], foregrounds[i + 64], foregrounds[i + 128]);
}

// Of the last region that holds the point (x, y, -1)/s of the world (x and y over the NDC's extent): both sides times s.
fn blending_in_regions(scene: u32, p: vec3f) -> f32 {
  let s = max(0.5 - 0.5 * p.z, 1e-6); // the farthest point is at 10⁶
  let world = vec3f(p.xy, -1.0);
  var blending = none;
  for (var k = 0u; k < dims.regions; k++) {
    let low = regions[(scene * dims.regions + k) * 2];
    let high = regions[(scene * dims.regions + k) * 2 + 1];
    let inside = high.w > 0.5 && all(world >= low.xyz * s) && all(world <= high.xyz * s);
    blending = select(blending, low.w, inside);
  }
  return blending;
}
