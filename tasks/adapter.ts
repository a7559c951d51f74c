/**
 * `deno task adapter`: what WebGPU runs on here, its limits and its features.
 *
 * @module
 */
import { describeMachine } from "./driver/run_deno.ts";
import { renderTable } from "./terminal/table.ts";

const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
if (!adapter) {
  console.error("No WebGPU adapter: start this with `deno task adapter`, which finds one");
  Deno.exit(1);
}
const { description, vendor, device, isFallbackAdapter } = adapter.info;
console.log(describeMachine({
  description: description || device || vendor,
  software: isFallbackAdapter,
}));

const limits: [string, string][] = [];
for (const name in adapter.limits) {
  limits.push([name, String(adapter.limits[name as keyof GPUSupportedLimits])]);
}
console.log(`\n${renderTable([["limit", "value"], ...limits], { align: ["left", "right"] })}`);
console.log(`\nfeatures\n${[...adapter.features].sort().map((name) => `  ${name}`).join("\n")}`);
