// What matrix products share.

// Column j holds rows.xyzw · columns[j]: four rows by four columns.
fn outer(rows: vec4f, columns: vec4f) -> mat4x4f {
  return mat4x4f(rows * columns.x, rows * columns.y, rows * columns.z, rows * columns.w);
}
