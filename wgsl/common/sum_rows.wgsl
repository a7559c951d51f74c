// uses common/sum_lanes.wgsl
// The second half of a sum over many workgroups: each leaves a row of `partials` (dims.rows, columns), and a last workgroup
// adds the rows. Goes with sum_lanes.wgsl; the file that uses it binds `partials` and has `rows` in its `dims`.

// The first half: this workgroup's sums become a row. Call from uniform control flow.
fn write_row(lane: u32, row: u32) {
  sum_lanes(lane);
  if lane < columns && row < dims.rows { partials[row * columns + lane] = column_sums[lane]; }
}

// column_sums[column] = Σ partials[…][column]. Call from uniform control flow.
fn sum_rows(lane: u32) {
  for (var column = 0u; column < columns; column++) {
    var sum = 0.0;
    for (var row = lane; row < dims.rows; row += lanes) { sum += partials[row * columns + column]; }
    lane_values[column * lanes + lane] = sum;
  }
  sum_lanes(lane);
}
