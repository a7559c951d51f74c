import { assertEquals, assertRejects } from "@std/assert";
import { checkPackage, tarballUrl } from "../../../tasks/driver/npm_package.ts";

const CHAIR = { name: "@furniture/chair", version: "1.2.3", sha512: "c2l0" };

Deno.test("tarballUrl() leaves the scope out of the file's name", () => {
  const registry = "https://registry.npmjs.org";
  assertEquals(tarballUrl(CHAIR), `${registry}/@furniture/chair/-/chair-1.2.3.tgz`);
  assertEquals(tarballUrl({ ...CHAIR, name: "chair" }), `${registry}/chair/-/chair-1.2.3.tgz`);
});

Deno.test("checkPackage() refuses bytes that are not the package's", async () => {
  await assertRejects(
    () => checkPackage(CHAIR, new TextEncoder().encode("<html>Log in</html>"), "stand"),
    Error,
    'wanted "c2l0"; something between here and npm changed it, or cut it short: start again, or stand',
  );
});
