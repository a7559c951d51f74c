import { assertEquals, assertMatch } from "@std/assert";
import { dirname, join } from "@std/path";
import { lavapipeFolder } from "../../tasks/driver/lavapipe.ts";
import { runDeno } from "../../tasks/driver/run_deno.ts";
import { cacheFolder, swiftShaderFolder } from "../../tasks/driver/swiftshader.ts";
import { names, temporaryFolder } from "../data/temporary_folder.ts";

/** Debian, as far as a machine without a route to it can tell: nobody listens there any more. */
const NOWHERE = `http://127.0.0.1:${closedPort()}/debian`;

/** A machine without a driver, its cache empty: what tasks print there, and their exit codes. */
async function bareMachine() {
  const folder = await temporaryFolder();
  const home = join(folder.path, "cache");
  const task = async (args: string[], env: Record<string, string> = {}) => {
    const child = runDeno(["task", "--quiet", ...args], {
      env: {
        MONONERF_ADAPTER: "",
        VK_DRIVER_FILES: "/nowhere", // hides those that are installed
        XDG_CACHE_HOME: home,
        DENO_DIR: join(dirname(cacheFolder()), "deno"), // as it was: Deno need not fetch npm's packages again
        ...env,
      },
      stdout: "piped",
      stderr: "piped",
    });
    const [out, err, { code }] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.status,
    ]);
    return { out, err: err.trim().split("\n"), code };
  };
  return {
    cache: join(home, "mononerf"),
    task,
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
}

/** A small training, for its own sake. */
const TRAIN = (
  "train balloon --preset small --hidden 16 --global-code 8 --global-hidden 8 --video-width 4 --image-width 4 " +
  "--encoder-width 16 --encoder-height 16 --rays 32 --samples 8 --static-steps 4 --dynamic-steps 4 --evaluation-views 1 " +
  "--feature-cache-limit 0"
).split(" ");

Deno.test("A machine without a driver runs on lavapipe, fetched once, and falls back to SwiftShader", async (t) => {
  await using machine = await bareMachine();
  const lavapipe = lavapipeFolder(machine.cache);
  const swiftShader = swiftShaderFolder(machine.cache);
  const running = "running on Mesa's lavapipe, a driver in software";
  const faster = "faster: a GPU driver with libvulkan1.";
  const onLavapipe = (out: string) =>
    assertEquals(/^llvmpipe .*?\(software, from (.*?)\)/m.exec(out)?.[1], lavapipe);

  await t.step("the first start fetches it from Debian", async () => {
    const { out, err, code } = await machine.task(["adapter"]);
    assertEquals({ code, err }, {
      code: 0,
      err: [
        `No WebGPU adapter here: ${running} (fetching it from Debian, 66 MB, once); ${faster}`,
      ],
    });
    onLavapipe(out);
    assertEquals(await names(machine.cache), [lavapipe.split("/").at(-1)]);
  });

  await t.step(
    "a second start fetches nothing, and a second training compiles nothing",
    async () => {
      const shaders = join(lavapipe, "mesa_shader_cache");
      const counts: number[] = [];
      for (const run of ["first", "second"]) {
        const args = [...TRAIN, "--run", join(dirname(machine.cache), run)];
        const { out, err, code } = await machine.task(args, { MONONERF_DEBIAN_MIRROR: NOWHERE });
        assertEquals({ code, first: err[0] }, {
          code: 0,
          first: `No WebGPU adapter here: ${running}; ${faster}`,
        });
        onLavapipe(out);
        counts.push((await files(shaders)).length);
      }
      assertEquals(counts[0] > 50, true, `${counts[0]} compiled shaders`);
      assertEquals(counts[1], counts[0]);
    },
  );

  await t.step(
    "a damaged one is not run, and without a route to Debian SwiftShader is",
    async () => {
      const path = join(lavapipe, "libz.so.1");
      const bytes = await Deno.readFile(path);
      await Deno.writeFile(path, bytes.with(bytes.length >> 1, bytes[bytes.length >> 1] ^ 1));
      const { out, err, code } = await machine.task(["adapter"], {
        MONONERF_DEBIAN_MIRROR: `${NOWHERE} ${NOWHERE}/again`,
      });
      assertEquals(code, 0, err.join("\n"));
      assertMatch(out, /^SwiftShader/);
      assertEquals(err.length, 4);
      assertEquals(
        err[0],
        `No WebGPU adapter here: ${running} ("libz.so.1" in "${lavapipe}" is not as it was fetched; ` +
          `fetching it from Debian, 66 MB, once); ${faster}`,
      );
      assertMatch(
        err[1],
        /^Cannot fetch "http:\/\/127.0.0.1:\d+\/debian\/pool\/.*; trying "http:.*again"\.$/,
      );
      assertMatch(err[2], /^Cannot fetch "http:\/\/127.0.0.1:\d+\/debian\/again\/pool\/.*\.$/);
      assertMatch(
        err[3],
        /^No lavapipe either: running on SwiftShader, .*fetching it, 70 MB, once/,
      );
    },
  );

  await t.step("a damaged SwiftShader is fetched again", async () => {
    await Deno.truncate(join(swiftShader, "libvulkan.so.1"), 1000);
    const { out, err, code } = await machine.task(["adapter"], {
      MONONERF_ADAPTER: "swiftshader",
    });
    assertEquals(code, 0, err.join("\n"));
    assertMatch(err[0], /^MONONERF_ADAPTER=swiftshader: .*fetching it, 70 MB, once/);
    assertMatch(out, /^SwiftShader/);
  });

  await t.step("named, it is fetched again, or else nothing is run", async () => {
    const env = { MONONERF_ADAPTER: "lavapipe", VK_DRIVER_FILES: "" };
    const refused = await machine.task(["adapter"], { ...env, MONONERF_DEBIAN_MIRROR: NOWHERE });
    assertEquals({ code: refused.code, out: refused.out }, { code: 1, out: "" });
    const { out, err, code } = await machine.task(["adapter"], env);
    assertEquals(code, 0, err.join("\n"));
    assertMatch(
      err[0],
      /^MONONERF_ADAPTER=lavapipe: .*"libz\.so\.1" in .* is not as it was fetched/,
    );
    onLavapipe(out);
  });
});

function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** Paths of all files in a folder and those below. */
async function files(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await files(join(folder, name)));
    else found.push(name);
  }
  return found;
}
