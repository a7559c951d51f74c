const CHANNELS = 3;
const WINDOW = 7;
const AREA = WINDOW * WINDOW;
/** Stabilisers (k · data range)² with k₁ = 0.01 and k₂ = 0.03 (Wang et al. 2004). */
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;

/**
 * Structural similarity of two 8-bit RGB images.
 *
 * `(2 μₐμₑ + c₁)(2 σₐₑ + c₂) / ((μₐ² + μₑ² + c₁)(σₐ² + σₑ² + c₂))` over 7×7 uniform windows with
 * sample (n − 1) covariances, averaged over the windows that lie inside the image and over the
 * channels: scikit-image's `structural_similarity` with its default settings and data range 255.
 *
 * @param actual Image, 0..255, `[height, width, 3]`.
 * @param expected Image of the same shape.
 * @param width Pixels of a row, at least 7.
 * @param height Rows, at least 7.
 * @throws {RangeError} If a size does not agree or is below 7.
 */
export function ssim(
  actual: Uint8Array,
  expected: Uint8Array,
  width: number,
  height: number,
): number {
  const map = similarities(actual, expected, width, height);
  return map.reduce((sum, value) => sum + value, 0) / map.length;
}

/**
 * {@linkcode ssim} averaged over the windows whose centre `mask` marks; `undefined` where there are
 * none.
 *
 * @param actual Image, 0..255, `[height, width, 3]`.
 * @param expected Image of the same shape.
 * @param width Pixels of a row, at least 7.
 * @param height Rows, at least 7.
 * @param mask Region, `[height, width]`: anything but 0 is inside. The outer 3 pixels centre no
 * window.
 * @throws {RangeError} If a size does not agree or is below 7.
 */
export function maskedSsim(
  actual: Uint8Array,
  expected: Uint8Array,
  width: number,
  height: number,
  mask: Uint8Array,
): number | undefined {
  if (mask.length !== width * height) {
    throw new RangeError(
      `Cannot compare images in a region: the mask has ${mask.length} pixels, ` +
        `wanted ${width} × ${height}`,
    );
  }
  const map = similarities(actual, expected, width, height);
  const columns = width - WINDOW + 1;
  const margin = (WINDOW - 1) / 2;
  let sum = 0, windows = 0;
  map.forEach((value, i) => {
    const x = i % columns + margin, y = Math.floor(i / columns) + margin;
    if (mask[y * width + x] === 0) return;
    sum += value;
    windows++;
  });
  return windows === 0 ? undefined : sum / windows;
}

/**
 * Similarity of every window inside the image, averaged over channels, `[height − 6, width − 6]`.
 *
 * The five sums of a window slide: down the image one row of column sums at a time, then along the
 * row. They are whole numbers below 2²², so nothing is lost by adding and subtracting.
 */
function similarities(
  actual: Uint8Array,
  expected: Uint8Array,
  width: number,
  height: number,
): Float64Array {
  requireImages(actual, expected, width, height);
  const stride = width * CHANNELS;
  const [sumA, sumE, sumAA, sumEE, sumAE] = Array.from({ length: 5 }, () => new Int32Array(stride));
  const slideDown = (row: number, sign: 1 | -1) => {
    for (let i = 0; i < stride; i++) {
      const a = actual[row * stride + i], e = expected[row * stride + i];
      sumA[i] += sign * a;
      sumE[i] += sign * e;
      sumAA[i] += sign * a * a;
      sumEE[i] += sign * e * e;
      sumAE[i] += sign * a * e;
    }
  };

  const map = new Float64Array((height - WINDOW + 1) * (width - WINDOW + 1));
  for (let y = 0, firstOfRow = 0; y < height; y++) {
    slideDown(y, 1);
    if (y >= WINDOW) slideDown(y - WINDOW, -1);
    if (y < WINDOW - 1) continue;
    for (let channel = 0; channel < CHANNELS; channel++) {
      let a = 0, e = 0, aa = 0, ee = 0, ae = 0;
      for (let x = 0; x < width; x++) {
        const entering = x * CHANNELS + channel;
        a += sumA[entering];
        e += sumE[entering];
        aa += sumAA[entering];
        ee += sumEE[entering];
        ae += sumAE[entering];
        if (x >= WINDOW) {
          const leaving = entering - WINDOW * CHANNELS;
          a -= sumA[leaving];
          e -= sumE[leaving];
          aa -= sumAA[leaving];
          ee -= sumEE[leaving];
          ae -= sumAE[leaving];
        }
        if (x >= WINDOW - 1) {
          map[firstOfRow + x - WINDOW + 1] += similarity(a, e, aa, ee, ae) / CHANNELS;
        }
      }
    }
    firstOfRow += width - WINDOW + 1;
  }
  return map;
}

/** Similarity of one window from its sums Σa, Σe, Σa², Σe², Σae. */
function similarity(a: number, e: number, aa: number, ee: number, ae: number): number {
  const meanA = a / AREA, meanE = e / AREA;
  const variances = (aa - a * meanA + ee - e * meanE) / (AREA - 1);
  const covariance = (ae - a * meanE) / (AREA - 1);
  return (2 * meanA * meanE + C1) * (2 * covariance + C2) /
    ((meanA ** 2 + meanE ** 2 + C1) * (variances + C2));
}

function requireImages(
  actual: Uint8Array,
  expected: Uint8Array,
  width: number,
  height: number,
): void {
  if (width < WINDOW || height < WINDOW) {
    throw new RangeError(
      `Cannot compute ssim: the image is ${width} × ${height}, wanted at least ${WINDOW} × ${WINDOW}`,
    );
  }
  const wanted = width * height * CHANNELS;
  for (const image of [actual, expected]) {
    if (image.length === wanted) continue;
    throw new RangeError(
      `Cannot compute ssim: an image has ${image.length} values, ` +
        `wanted ${width} × ${height} × ${CHANNELS} = ${wanted}`,
    );
  }
}
