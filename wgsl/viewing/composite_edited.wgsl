// uses common/points.wgsl, common/ray_maps.wgsl, common/ray_samples.wgsl
// A static field and any number of dynamic ones, the foregrounds, along rays: all together, and the static one and the first
// foreground each alone. The product form of src/rendering/README.md#compositing with more factors, whose shares s of a
// point add up to 1:
//   s_0 = Π_i (1 - b_i), of the static field     s_i = (1 - s_0) b_i / Σ_j b_j, of a foreground
//   T = Π(Π_k (1 - α_k s_k) + 1e-10) before the sample     w = T Σ_k α_k s_k     color Σ T Σ_k α_k s_k c_k
//   dynamicness Σ w (1 - s_0)
// A foreground's δ is the distance of its points in its own NDC, p' (of one that is in place, the ray's); b_i is 0 where p' is
// nowhere that its cameras saw or b is given as -1, and what a region says where p is in a region.
// raw_static (scenes, points, 4); foregrounds (scenes, points, 8 each): color, σ, b, p'; points p (scenes, points, 3), all in
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
  let ray = linear_index(id, groups);
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

    var share_static = 1.0;
    var sum = 0.0; // of b
    for (var f = 0u; f < dims.foregrounds; f++) {
      let b = blending_at(at, f, forced);
      share_static *= 1.0 - b;
      sum += b;
    }
    let part = (1.0 - share_static) / max(sum, 1e-20);
    var seen = Sum(); // of the foregrounds
    var clear = 1.0;
    for (var f = 0u; f < dims.foregrounds; f++) {
      let step = distance(foreground_at(next, f, 5), foreground_at(at, f, 5));
      let density = select(0.0, foreground_at(at, f, 3).x, is_seen(at, f));
      let alpha = opacity(density, select(step, 1e10 * length, is_last));
      let color = color_of(foreground_at(at, f, 0));
      let share = alpha * part * blending_at(at, f, forced);
      seen = add(seen, share, color, 0.0);
      clear *= 1.0 - share;
      if f == 0 {
        weights[i] = alpha * t.y;
        of_dynamic = add(of_dynamic, alpha * t.y, color, depth);
        t.y *= 1.0 - alpha + 1e-10;
      }
    }

    let delta = length * select(z[select(i + 1, i, is_last)] - depth, 1e10, is_last);
    let alpha = opacity(raw_static[channel(at, 4, 3)], delta);
    let color = color_static_at(at);
    let weight = (alpha * share_static + seen.acc) * t.z;
    of_static = add(of_static, alpha * t.x, color, depth);
    full.color += t.z * (alpha * share_static * color + seen.color);
    full.depth += weight * depth;
    full.acc += weight;
    dynamicness += weight * (1.0 - share_static);
    t.x *= 1.0 - alpha + 1e-10;
    t.z *= clear * (1.0 - alpha * share_static) + 1e-10;
  }
  let first = ray * ray_map_channels;
  store(first + map_color_full, full);
  store(first + map_color_static, of_static);
  store(first + map_color_dynamic, of_dynamic);
  maps[first + map_dynamicness] = dynamicness;
}

// Color, depth and accumulation follow each other in the maps.
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
  return color_of(vec3f(raw_static[i], raw_static[i + 64], raw_static[i + 128]));
}

// Three channels of a foreground, from c on.
fn foreground_at(at: u32, f: u32, c: u32) -> vec3f {
  let i = channel(at, dims.foregrounds * foreground_channels, f * foreground_channels + c);
  return vec3f(foregrounds[i], foregrounds[i + 64], foregrounds[i + 128]);
}

// Whether the point is before a foreground's cameras.
fn is_seen(at: u32, f: u32) -> bool {
  let p = foreground_at(at, f, 5);
  return p.z > -1.001 && max(abs(p.x), abs(p.y)) < 7.99;
}

fn blending_at(at: u32, f: u32, forced: f32) -> f32 {
  let own = foreground_at(at, f, 3).y;
  return select(0.0, select(own, forced, forced != none), own >= 0.0 && is_seen(at, f));
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
