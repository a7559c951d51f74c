// uses common/step.wgsl, common/random.wgsl
// The rays of one scene's share of a step, and what the frame says of them.
// Each region (still, moving) is walked by a keyed permutation: no ray twice until a region has fewer pixels than rays.
// order (frames, pixels): pixel numbers, still ones first
// targets (frames, pixels, 12): color, inverse depth, moving, flow backward (u, v, valid), flow forward (u, v, valid),
// absolute depth
// batch: the tensors of src/training/ray_batch.ts, one after the other, each (scenes, rays, its channels)

struct Dims {
  scene: u32,
  rays: u32, // of the scene
  static_rays: u32, // the first of them see still pixels
  pixels: u32, // of a frame
  width: u32,
  static_stream: u32,
  moving_stream: u32,
  // numbers before each tensor of the batch
  first_pixel: u32,
  first_color: u32,
  first_inverse_depth: u32,
  first_depth: u32,
  first_moving: u32,
  first_backward: u32,
  first_forward: u32,
}

// what changes from step to step, for each scene: the frame drawn, its number of still pixels
struct Choice { frame: u32, still: u32 }

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> choices: array<Choice>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(4) var<storage, read> targets: array<f32>;
@group(0) @binding(5) var<storage, read_write> batch: array<f32>;

// A bijection of 0..count: four Feistel rounds on the next even number of bits, walked until it falls inside.
fn permuted(index: u32, count: u32, stream: u32) -> u32 {
  var half = 1u;
  while (1u << (2 * half)) < count { half++; }
  let mask = (1u << half) - 1;
  var value = index;
  loop {
    var left = value >> half;
    var right = value & mask;
    for (var round = 0u; round < 4; round++) {
      let key = right | (round << 24) | (dims.scene << 26);
      let next = left ^ (random_bits(step.seed, step.step, stream, key) & mask);
      left = right;
      right = next;
    }
    value = (left << half) | right;
    if value < count { return value; }
  }
  return 0; // not reached
}

@compute @workgroup_size(64)
fn sample(@builtin(global_invocation_id) id: vec3u) {
  let ray = id.x;
  if ray >= dims.rays { return; }
  let choice = choices[dims.scene];
  let moving = dims.pixels - choice.still;
  let wants_still = ray < dims.static_rays;
  // a frame without one of the regions gives those rays from the other
  let from_still = select(moving == 0, choice.still > 0, wants_still);
  let count = select(moving, choice.still, from_still);
  let rank = select(ray - dims.static_rays, ray, wants_still);
  let stream = select(dims.moving_stream, dims.static_stream, wants_still);
  let place = permuted(rank % count, count, stream) + select(choice.still, 0u, from_still);
  let pixel = order[choice.frame * dims.pixels + place];
  let at = (choice.frame * dims.pixels + pixel) * 12;
  let i = dims.scene * dims.rays + ray;
  batch[dims.first_pixel + 2 * i] = f32(pixel % dims.width);
  batch[dims.first_pixel + 2 * i + 1] = f32(pixel / dims.width);
  batch[dims.first_inverse_depth + i] = targets[at + 3];
  batch[dims.first_depth + i] = targets[at + 11];
  batch[dims.first_moving + i] = targets[at + 4];
  for (var k = 0u; k < 3; k++) {
    batch[dims.first_color + 3 * i + k] = targets[at + k];
    batch[dims.first_backward + 3 * i + k] = targets[at + 5 + k];
    batch[dims.first_forward + 3 * i + k] = targets[at + 8 + k];
  }
}
