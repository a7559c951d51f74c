// uses common/gradients.wgsl, common/products.wgsl
// C = A·B, C = A·B + D or C += A·B of small matrices whose rows and columns lie as the strides say
// a (rows, inner)  b (inner, columns)  c (rows, columns)  d (rows, columns) in C order

struct Dims {
  rows: u32,
  columns: u32,
  inner: u32,
  a_first: u32, // place of a's first number
  a_row: u32, // from a row to the next
  a_column: u32, // from a column to the next
  b_row: u32,
  b_column: u32,
  c_first: u32,
  c_row: u32,
}

@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> d: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;

override has_d: bool = false; // D is added
override mode_c: u32 = 0;

// Four rows of a; past the last it is the last again.
fn read_a(row: u32, k: u32) -> vec4f {
  let rows = vec4u(row) + vec4u(0, 1, 2, 3);
  let at = dims.a_first + min(rows, vec4u(dims.rows - 1)) * dims.a_row + k * dims.a_column;
  return vec4f(a[at.x], a[at.y], a[at.z], a[at.w]);
}

// Four columns of b, likewise.
fn read_b(k: u32, column: u32) -> vec4f {
  let columns = vec4u(column) + vec4u(0, 1, 2, 3);
  let at = k * dims.b_row + min(columns, vec4u(dims.columns - 1)) * dims.b_column;
  return vec4f(b[at.x], b[at.y], b[at.z], b[at.w]);
}

fn store(row: u32, column: u32, sums: mat4x4f) {
  for (var j = 0u; j < 4; j++) {
    for (var i = 0u; i < 4; i++) {
      if row + i >= dims.rows || column + j >= dims.columns { continue; }
      let at = dims.c_first + (row + i) * dims.c_row + column + j;
      var value = sums[j][i];
      if has_d { value += d[(row + i) * dims.columns + column + j]; }
      if mode_c == add { value += c[at]; }
      c[at] = value;
    }
  }
}

// An invocation owns 8 x 8 numbers, so that a load serves eight products.
@compute @workgroup_size(8, 8)
fn product(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y * 8;
  let column = id.x * 8;
  if row >= dims.rows || column >= dims.columns { return; }
  var upper_left = mat4x4f();
  var upper_right = mat4x4f();
  var lower_left = mat4x4f();
  var lower_right = mat4x4f();
  for (var k = 0u; k < dims.inner; k++) {
    let upper = read_a(row, k);
    let lower = read_a(row + 4, k);
    let left = read_b(k, column);
    let right = read_b(k, column + 4);
    upper_left += outer(upper, left);
    upper_right += outer(upper, right);
    lower_left += outer(lower, left);
    lower_right += outer(lower, right);
  }
  store(row, column, upper_left);
  store(row, column + 4, upper_right);
  store(row + 4, column, lower_left);
  store(row + 4, column + 4, lower_right);
}
