/** Ids of the miniatures that ship in `models/`, in the order of reports. */
export const miniatures: readonly string[] = ['mini-qwen3-dense', 'mini-qwen3-moe', 'mini-glm4-moe-lite', 'mini-qwen3-vl'];
