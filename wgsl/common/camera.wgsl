// A camera as src/rendering/camera_records.ts writes it: 16 numbers, cameras (scenes, 3, 16) for the frames before, at and
// after the one rendered.

struct Camera {
  row0: vec4f, // [R | o], camera to world; camera axes right, up, back
  row1: vec4f,
  row2: vec4f,
  focal: f32, // pixels
  width: f32, // pixels
  height: f32,
  valid: f32, // 1, or 0 where the scene has no such frame (its numbers are those of the frame rendered)
}

const slot_before = 0u;
const slot_current = 1u;
const slot_after = 2u;
