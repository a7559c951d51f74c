/**
 * What the golden tests ask of a render, and training and rendering never do.
 *
 * @module
 */

/** Options for the goldens, whose rays and outputs are those of the reference's own tests. */
export interface ForGoldens {
  /** NDC depth of a ray's last sample, and of a scene's farthest ray in depth blending. Default 1. */
  readonly far?: number;
  /** Also give the weights of the static field and of both together: `(3, scenes, rays, samples)`, dynamic, static, both. */
  readonly allWeights?: boolean;
  /** Take the features of a point's own frame at the point, not once a ray: the reference's samples go beyond NDC depth 0.999. */
  readonly featuresAtPoints?: boolean;
}
