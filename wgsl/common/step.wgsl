// What changes from step to step, in one small uniform block; written by src/runtime/step.ts.

struct Step {
  seed: u32,
  step: u32,
  // Adam
  learning_rate: f32,
  bias_correction1: f32, // 1 - beta1^(step + 1)
  bias_correction2: f32, // 1 - beta2^(step + 1)
}
