// Where an invocation stands, and where points lie in blocks of 64: [scenes][ceil(points/64)][channels][64]; src/runtime/tensor.ts.

// Index of an invocation in workgroups of 64 that fill two dimensions (linearWorkgroups in src/runtime/plan.ts).
fn linear_index(id: vec3u, groups: vec3u) -> u32 { return id.y * groups.x * 64 + id.x; }

// Index of a workgroup in two dimensions.
fn group_index(group: vec3u, groups: vec3u) -> u32 { return group.y * groups.x + group.x; }

// Blocks that hold the points of one scene.
fn blocks_of(points: u32) -> u32 { return (points + 63) / 64; }

// Place in a tensor of one channel in blocks of the point i, counted through scenes of `points` points.
fn lane_of(i: u32, points: u32) -> u32 { return i / points * (blocks_of(points) * 64) + i % points; }

// The point that lies at such a place, counted likewise; none where the last block is padded.
fn point_of_lane(at: u32, points: u32) -> u32 {
  let stride = blocks_of(points) * 64;
  return at / stride * points + at % stride;
}
fn holds_point(at: u32, points: u32) -> bool { return at % (blocks_of(points) * 64) < points; }

// Place of a channel of the point whose place is `at` among one channel's.
fn channel(at: u32, channels: u32, c: u32) -> u32 {
  return ((at >> 6) * channels + c) * 64 + (at & 63);
}

fn channel4(at: vec4u, channels: u32, c: u32) -> vec4u {
  return ((at >> vec4u(6)) * channels + c) * 64 + (at & vec4u(63));
}

// The same where four points are one number, a quad.
fn quad_of(quad: u32, channels: u32, c: u32) -> u32 {
  return ((quad >> 4) * channels + c) * 16 + (quad & 15);
}
