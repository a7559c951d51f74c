/**
 * Programs that stand in for ffmpeg, ffprobe and COLMAP: they write recorded outputs, print lines as the real ones do, take note
 * of how they were called, and refuse what the real ones would.
 *
 * @module
 */
import { join } from "@std/path";
import { runDeno } from "../../../tasks/driver/run_deno.ts";
import { permissionFlags } from "../../../tasks/permissions.ts";
import { grantsOf } from "../../../tasks/start.ts";
import { fixture } from "../../data/temporary_folder.ts";

const HEAD = `#!/bin/sh
PATH=/usr/bin:/bin
here=\${0%/*}
echo "\${0##*/} $*" >> "$here/calls"
`;

/** Takes its time where a test wants to stop it in the middle. */
const PAUSE = 'if [ -e "$here/slow" ]; then sleep 0.4; fi';

const FFPROBE = `${HEAD}
case "$*" in *-version*) exit;; esac
if [ -e "$here/complaint" ]; then cat "$here/complaint" >&2; fi
${PAUSE}
printf '{ "streams": [ { "nb_read_frames": "%s" } ] }' "$(cat "$here/frames-in-video")"
`;

const FFMPEG = `${HEAD}
case "$*" in
  *-version*) exit;;
  *"-h long"*) cat "$here/ffmpeg-help"; exit;;
esac
for goal; do :; done
goal=\${goal#file:}
for frame in "$here"/frames/*; do
  cp "$frame" "\${goal%/*}"
  echo "frame=1"
  ${PAUSE}
done
`;

const COLMAP = `${HEAD}
case "$*" in
  -h) echo "COLMAP 3.8 -- Structure-from-Motion and Multi-View Stereo"; exit;;
  *" -h") cat "$here/colmap-help"; exit;;
esac
[ "$QT_QPA_PLATFORM" = offscreen ] || { echo "no screen" >&2; exit 134; }
command=$1
shift
while [ $# -gt 0 ]; do
  grep -q -e "$1\\b" "$here/colmap-help" || { echo "unrecognised option '$1'" >&2; exit 1; }
  case "$1" in
    --database_path) database=$2;;
    --image_path) images=$2;;
    --output_path) sparse=$2;;
    --ImageReader.mask_path) masks=$2;;
  esac
  shift 2
done
number=0
case "$command" in
  feature_extractor)
    for image in "$images"/*; do
      number=$((number + 1))
      if [ -n "$masks" ]; then
        mask="$masks/\${image##*/}.png"
        [ -e "$mask" ] || { echo "there is no mask $mask" >&2; exit 1; }
        cat "$mask" >> "$database"
      fi
      cat "$image" >> "$database"
      echo "Processed file [$number/$(ls "$images" | wc -l)]"
      ${PAUSE}
    done;;
  *_matcher)
    [ -s "$database" ] || { echo "no features" >&2; exit 1; }
    echo "Matching block [1/1, 1/1]"
    echo matched >> "$database"
    ${PAUSE};;
  mapper)
    grep -q matched "$database" || { echo "no matches" >&2; exit 1; }
    [ -d "$sparse" ] || { echo "output_path is not a directory" >&2; exit 1; }
    models="$here/sparse"
    case "$sparse" in */colmap.*) [ ! -e "$here/sparse_masked" ] || models="$here/sparse_masked";; esac
    for model in "$models"/*; do
      cp -r "$model" "$sparse"
      echo "Registering image #1 (3)"
      ${PAUSE}
    done
    [ -e "$sparse/0" ] || { echo "ERROR: failed to create sparse model"; exit 1; }
    echo made > "$sparse/0/project.ini";;
esac
`;

/** COLMAP's options, as \`-h\` prints them. */
export const COLMAP_3_8 = options(
  "database_path image_path output_path ImageReader.mask_path ImageReader.single_camera SiftExtraction.max_num_features " +
    "SiftExtraction.use_gpu SiftExtraction.num_threads SiftMatching.use_gpu SiftMatching.num_threads SequentialMatching.overlap " +
    "SequentialMatching.quadratic_overlap Mapper.init_min_tri_angle Mapper.multiple_models Mapper.extract_colors Mapper.num_threads",
);

/** As it calls them from version 4 on. */
export const COLMAP_4 = COLMAP_3_8
  .replaceAll(/Sift(\w+)\.(use_gpu|num_threads)/g, (_, part, name) => `Feature${part}.${name}`);

function options(names: string): string {
  return names.split(" ").map((name) => `  --${name} arg (=-1)\n`).join("");
}

/** A folder of programs to put first on the `PATH`, and what they shall give. */
export class StandIns {
  constructor(readonly folder: string) {}

  /** Writes the programs into a new folder. */
  static async create(folder: string): Promise<StandIns> {
    await Deno.mkdir(join(folder, "frames"), { recursive: true });
    await Deno.mkdir(join(folder, "sparse"));
    for (
      const [name, script] of Object.entries({ ffprobe: FFPROBE, ffmpeg: FFMPEG, colmap: COLMAP })
    ) {
      await Deno.writeTextFile(join(folder, name), script, { mode: 0o755 });
    }
    const standIns = new StandIns(folder);
    await standIns.write("colmap-help", COLMAP_3_8);
    await standIns.write("ffmpeg-help", "-fps_mode           set framerate mode\n");
    await standIns.write("calls", "");
    return standIns;
  }

  /** Writes a file that the programs look at. */
  write(name: string, text: string): Promise<void> {
    return Deno.writeTextFile(join(this.folder, name), text);
  }

  /** Takes one away. */
  async remove(name: string): Promise<void> {
    await Deno.remove(join(this.folder, name));
  }

  /** How the programs have been called since the last time, but for questions about themselves. */
  async calls(): Promise<string[]> {
    const text = await Deno.readTextFile(join(this.folder, "calls"));
    await this.write("calls", "");
    return text.split("\n").filter((line) => line !== "" && !/ (-h|-version|-h long)$/.test(line));
  }
}

/**
 * Starts `deno task prepare` as the task starter does, with its own permissions and those programs that there are.
 *
 * @param programs The folder of the stand-ins; undefined: there are no programs.
 */
export function spawnPrepare(args: string[], programs?: string): Deno.ChildProcess {
  const grants = grantsOf("prepare", args)!;
  const flags = permissionFlags({ ...grants, run: programs ? grants.run : [] }, args);
  const command = ["run", "--no-check", ...flags, "tasks/prepare.ts", ...args];
  return runDeno(command, {
    cwd: fixture(".."),
    path: programs ?? "/nowhere",
    stdout: "piped",
    stderr: "piped",
  });
}

/** How a start ended. */
export interface PrepareResult {
  out: string;
  err: string;
  code: number;
}

/**
 * Runs it to its end, or ends it when it has printed a line.
 *
 * @param stop Gets what was printed so far; a signal that it gives is sent, once.
 */
export async function runPrepare(
  args: string[],
  programs?: string,
  stop: (out: string) => Deno.Signal | undefined = () => undefined,
): Promise<PrepareResult> {
  const child = spawnPrepare(args, programs);
  const err = new Response(child.stderr).text();
  let out = "", stopped = false;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    out += text;
    const signal = stopped ? undefined : stop(out);
    if (!signal) continue;
    stopped = true;
    child.kill(signal);
  }
  return { out, err: await err, code: (await child.status).code };
}
