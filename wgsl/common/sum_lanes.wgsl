// Sums over a workgroup in a fixed order. The file that uses this declares `const lanes`, the workgroup's size, and
// `const columns`, how many sums it wants (columns <= lanes).

var<workgroup> lane_values: array<f32, columns * lanes>; // lane_values[column·lanes + lane]
var<workgroup> column_sums: array<f32, columns>;

// column_sums[column] = Σ lane_values[column·lanes …]; every lane sees them. Call from uniform control flow.
fn sum_lanes(lane: u32) {
  workgroupBarrier();
  if lane < columns {
    var sum = 0.0;
    for (var i = 0u; i < lanes; i++) { sum += lane_values[lane * lanes + i]; }
    column_sums[lane] = sum;
  }
  workgroupBarrier();
}
