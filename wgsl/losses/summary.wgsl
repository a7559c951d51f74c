// summary = [Σ weight·term, every term in the order of src/recipes/loss_terms.ts, the measures]

struct Weights { values: array<vec4f, 112> } // 64 numbers a family, src/losses/weights.ts

@group(0) @binding(0) var<uniform> weights: Weights;
@group(0) @binding(1) var<storage, read> color: array<f32>;
@group(0) @binding(2) var<storage, read> flow: array<f32>;
@group(0) @binding(3) var<storage, read> motion: array<f32>;
@group(0) @binding(4) var<storage, read> smoothness: array<f32>;
@group(0) @binding(5) var<storage, read> mask: array<f32>;
@group(0) @binding(6) var<storage, read> depth: array<f32>;
@group(0) @binding(7) var<storage, read> anchor: array<f32>;
@group(0) @binding(8) var<storage, read_write> summary: array<f32>;
@group(0) @binding(9) var<storage, read> measures: array<f32>;

const families = 7u;
const terms = 19u;

fn term(family: u32, i: u32) -> f32 {
  switch family {
    case 0u: { return color[i]; }
    case 1u: { return flow[i]; }
    case 2u: { return motion[i]; }
    case 3u: { return smoothness[i]; }
    case 4u: { return mask[i]; }
    case 5u: { return depth[i]; }
    default: { return anchor[i]; }
  }
}

@compute @workgroup_size(1)
fn forward() {
  var counts = array<u32, families>(4, 2, 3, 3, 3, 3, 1); // terms of a family
  var total = 0.0;
  var at = 1u;
  for (var family = 0u; family < families; family++) {
    for (var i = 0u; i < counts[family]; i++) {
      let value = term(family, i);
      total += weights.values[family * 16 + i / 4][i % 4] * value;
      summary[at] = value;
      at++;
    }
  }
  summary[0] = total;
}

// By itself: with these all tensors would be one more than a dispatch may bind everywhere.
@compute @workgroup_size(1)
fn append_measures() {
  summary[1 + terms] = measures[0];
  summary[2 + terms] = measures[1];
}

// The static stage with an anchor: color (1), anchor (1), summary = [total, color, anchor].
@compute @workgroup_size(1)
fn forward_static() {
  summary[0] = color[0] + weights.values[6 * 16].x * anchor[0];
  summary[1] = color[0];
  summary[2] = anchor[0];
}
