// Channels of the packed maps of a ray, maps (scenes, rays, 16); src/rendering/composite.ts names them likewise.

const ray_map_channels = 16u;
const map_color_full = 0u;
const map_depth_full = 3u;
const map_acc_full = 4u;
const map_color_static = 5u;
const map_depth_static = 8u;
const map_acc_static = 9u;
const map_color_dynamic = 10u;
const map_depth_dynamic = 13u;
const map_acc_dynamic = 14u;
const map_dynamicness = 15u;

// A field composited alone: maps (scenes, rays, 5).
const single_map_channels = 5u;
const single_map_color = 0u;
const single_map_depth = 3u;
const single_map_acc = 4u;
