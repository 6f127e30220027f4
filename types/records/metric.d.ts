import type * as z from '../zod/v4/classic/external.js';
import { type Immutable } from './words.js';
/** Which weights of an artefact are counted, and the pattern that is claimed for them: `kept` of every `of` inputs of an output. */
declare const countedWeights: z.ZodObject<{
    target: z.ZodEnum<{
        all: "all";
        attention: "attention";
        ffn: "ffn";
        vision: "vision";
    }>;
    pattern: z.ZodNullable<z.ZodObject<{
        kept: z.ZodInt;
        of: z.ZodInt;
    }, z.core.$strict>>;
    tokens: z.ZodInt;
}, z.core.$strict>;
export type CountedWeights = Immutable<z.infer<typeof countedWeights>>;
/** A timed point ends early by its seconds, but never before so many rounds are in. */
export declare const minimumRounds = 15;
/** A point of draws is content with so many where programs answer slowly. */
export declare const fewestDraws = 8;
/** How a point is run says what its samples can prove; `launching/` and `worker/` switch on `kind`, never on an optimization's id. */
export declare const operatingPoint: z.ZodDiscriminatedUnion<[z.ZodObject<{
    id: z.ZodString;
    kind: z.ZodLiteral<"call">;
    phase: z.ZodEnum<{
        decode: "decode";
        prefill: "prefill";
    }>;
    length: z.ZodInt;
    batch: z.ZodInt;
    rounds: z.ZodInt;
    warmUp: z.ZodInt;
    arms: z.ZodArray<z.ZodUnion<readonly [z.ZodEnum<{
        base: "base";
        head: "head";
        reference: "reference";
    }>, z.ZodTemplateLiteral<`comparator:${string}`>, z.ZodLiteral<"self-check:planted">]>>;
}, z.core.$strict>, z.ZodObject<{
    id: z.ZodString;
    kind: z.ZodLiteral<"episode">;
    setting: z.ZodType<import("./words.ts").Json, unknown, z.core.$ZodTypeInternals<import("./words.ts").Json, unknown>>;
    exact: z.ZodBoolean;
    rounds: z.ZodInt;
    enough: z.ZodOptional<z.ZodObject<{
        within: z.ZodRecord<z.ZodString, z.ZodNumber>;
        least: z.ZodInt;
    }, z.core.$strict>>;
    warmUp: z.ZodInt;
    arms: z.ZodArray<z.ZodUnion<readonly [z.ZodEnum<{
        base: "base";
        head: "head";
        reference: "reference";
    }>, z.ZodTemplateLiteral<`comparator:${string}`>, z.ZodLiteral<"self-check:planted">]>>;
}, z.core.$strict>, z.ZodObject<{
    id: z.ZodString;
    kind: z.ZodLiteral<"external">;
    series: z.ZodArray<z.ZodString>;
    rounds: z.ZodInt;
    warmUp: z.ZodInt;
    arms: z.ZodArray<z.ZodUnion<readonly [z.ZodEnum<{
        base: "base";
        head: "head";
        reference: "reference";
    }>, z.ZodTemplateLiteral<`comparator:${string}`>, z.ZodLiteral<"self-check:planted">]>>;
}, z.core.$strict>, z.ZodObject<{
    id: z.ZodString;
    kind: z.ZodLiteral<"evaluation">;
    windows: z.ZodInt;
    arms: z.ZodArray<z.ZodUnion<readonly [z.ZodEnum<{
        base: "base";
        head: "head";
        reference: "reference";
    }>, z.ZodTemplateLiteral<`comparator:${string}`>, z.ZodLiteral<"self-check:planted">]>>;
}, z.core.$strict>, z.ZodObject<{
    id: z.ZodString;
    kind: z.ZodLiteral<"generation">;
    windows: z.ZodInt;
    steps: z.ZodInt;
    arms: z.ZodArray<z.ZodUnion<readonly [z.ZodEnum<{
        base: "base";
        head: "head";
        reference: "reference";
    }>, z.ZodTemplateLiteral<`comparator:${string}`>, z.ZodLiteral<"self-check:planted">]>>;
}, z.core.$strict>, z.ZodObject<{
    id: z.ZodString;
    kind: z.ZodLiteral<"inspection">;
    arms: z.ZodArray<z.ZodUnion<readonly [z.ZodEnum<{
        base: "base";
        head: "head";
        reference: "reference";
    }>, z.ZodTemplateLiteral<`comparator:${string}`>, z.ZodLiteral<"self-check:planted">]>>;
    sparse: z.ZodOptional<z.ZodObject<{
        target: z.ZodEnum<{
            all: "all";
            attention: "attention";
            ffn: "ffn";
            vision: "vision";
        }>;
        pattern: z.ZodNullable<z.ZodObject<{
            kept: z.ZodInt;
            of: z.ZodInt;
        }, z.core.$strict>>;
        tokens: z.ZodInt;
    }, z.core.$strict>>;
    compressed: z.ZodOptional<z.ZodBoolean>;
}, z.core.$strict>, z.ZodObject<{
    id: z.ZodString;
    kind: z.ZodLiteral<"solo">;
    of: z.ZodString;
    seconds: z.ZodNumber;
    launches: z.ZodInt;
    arms: z.ZodArray<z.ZodUnion<readonly [z.ZodEnum<{
        base: "base";
        head: "head";
        reference: "reference";
    }>, z.ZodTemplateLiteral<`comparator:${string}`>, z.ZodLiteral<"self-check:planted">]>>;
}, z.core.$strict>, z.ZodObject<{
    id: z.ZodString;
    kind: z.ZodLiteral<"build">;
    arms: z.ZodArray<z.ZodUnion<readonly [z.ZodEnum<{
        base: "base";
        head: "head";
        reference: "reference";
    }>, z.ZodTemplateLiteral<`comparator:${string}`>, z.ZodLiteral<"self-check:planted">]>>;
}, z.core.$strict>], "kind">;
export type OperatingPoint = Immutable<z.infer<typeof operatingPoint>>;
export type CallPoint = Extract<OperatingPoint, {
    kind: 'call';
}>;
/** How a number comes from samples: a closed set, interpreted by `gate/`. A metric is data: no function crosses a phase. */
export declare const reduction: z.ZodDiscriminatedUnion<[z.ZodObject<{
    of: z.ZodLiteral<"series">;
    point: z.ZodString;
    series: z.ZodString;
    over: z.ZodEnum<{
        last: "last";
        max: "max";
        mean: "mean";
        median: "median";
    }>;
}, z.core.$strict>, z.ZodObject<{
    of: z.ZodLiteral<"against">;
    arm: z.ZodUnion<readonly [z.ZodEnum<{
        base: "base";
        head: "head";
        reference: "reference";
    }>, z.ZodTemplateLiteral<`comparator:${string}`>, z.ZodLiteral<"self-check:planted">]>;
    point: z.ZodString;
    series: z.ZodString;
    over: z.ZodEnum<{
        last: "last";
        max: "max";
        mean: "mean";
        median: "median";
    }>;
    as: z.ZodEnum<{
        difference: "difference";
        "percent-added": "percent-added";
        "percent-kept": "percent-kept";
        "percent-removed": "percent-removed";
        ratio: "ratio";
        "speed-up": "speed-up";
    }>;
}, z.core.$strict>, z.ZodObject<{
    of: z.ZodLiteral<"improvement">;
    at: z.ZodNullable<z.ZodString>;
}, z.core.$strict>, z.ZodObject<{
    of: z.ZodLiteral<"break-even">;
    saving: z.ZodString;
}, z.core.$strict>, z.ZodObject<{
    of: z.ZodLiteral<"roi">;
    saving: z.ZodString;
    tokens: z.ZodNumber;
}, z.core.$strict>, z.ZodObject<{
    of: z.ZodLiteral<"realized">;
    measured: z.ZodString;
    possible: z.ZodString;
}, z.core.$strict>, z.ZodObject<{
    of: z.ZodLiteral<"run">;
    figure: z.ZodEnum<{
        "false-alarms": "false-alarms";
        "smallest-detectable": "smallest-detectable";
    }>;
}, z.core.$strict>], "of">;
export type Reduction = Immutable<z.infer<typeof reduction>>;
/** The columns of a report that optimizations of a model share. */
export declare const reportColumn: z.ZodEnum<{
    decode: "decode";
    memory: "memory";
    prefill: "prefill";
    quality: "quality";
    size: "size";
}>;
export type ReportColumn = z.infer<typeof reportColumn>;
/** A bound that head's number must hold, in the metric's unit, whatever base has. */
export declare const requirement: z.ZodObject<{
    must: z.ZodEnum<{
        "at-least": "at-least";
        "at-most": "at-most";
    }>;
    bound: z.ZodNumber;
}, z.core.$strict>;
export type Requirement = Immutable<z.infer<typeof requirement>>;
export declare const metricSpec: z.ZodObject<{
    id: z.ZodString;
    unit: z.ZodString;
    better: z.ZodEnum<{
        higher: "higher";
        lower: "lower";
    }>;
    kind: z.ZodEnum<{
        exact: "exact";
        timing: "timing";
    }>;
    role: z.ZodEnum<{
        advisory: "advisory";
        described: "described";
        gate: "gate";
    }>;
    scale: z.ZodEnum<{
        linear: "linear";
        log: "log";
    }>;
    from: z.ZodDiscriminatedUnion<[z.ZodObject<{
        of: z.ZodLiteral<"series">;
        point: z.ZodString;
        series: z.ZodString;
        over: z.ZodEnum<{
            last: "last";
            max: "max";
            mean: "mean";
            median: "median";
        }>;
    }, z.core.$strict>, z.ZodObject<{
        of: z.ZodLiteral<"against">;
        arm: z.ZodUnion<readonly [z.ZodEnum<{
            base: "base";
            head: "head";
            reference: "reference";
        }>, z.ZodTemplateLiteral<`comparator:${string}`>, z.ZodLiteral<"self-check:planted">]>;
        point: z.ZodString;
        series: z.ZodString;
        over: z.ZodEnum<{
            last: "last";
            max: "max";
            mean: "mean";
            median: "median";
        }>;
        as: z.ZodEnum<{
            difference: "difference";
            "percent-added": "percent-added";
            "percent-kept": "percent-kept";
            "percent-removed": "percent-removed";
            ratio: "ratio";
            "speed-up": "speed-up";
        }>;
    }, z.core.$strict>, z.ZodObject<{
        of: z.ZodLiteral<"improvement">;
        at: z.ZodNullable<z.ZodString>;
    }, z.core.$strict>, z.ZodObject<{
        of: z.ZodLiteral<"break-even">;
        saving: z.ZodString;
    }, z.core.$strict>, z.ZodObject<{
        of: z.ZodLiteral<"roi">;
        saving: z.ZodString;
        tokens: z.ZodNumber;
    }, z.core.$strict>, z.ZodObject<{
        of: z.ZodLiteral<"realized">;
        measured: z.ZodString;
        possible: z.ZodString;
    }, z.core.$strict>, z.ZodObject<{
        of: z.ZodLiteral<"run">;
        figure: z.ZodEnum<{
            "false-alarms": "false-alarms";
            "smallest-detectable": "smallest-detectable";
        }>;
    }, z.core.$strict>], "of">;
    identity: z.ZodEnum<{
        artefact: "artefact";
        code: "code";
    }>;
    tolerance: z.ZodNumber;
    column: z.ZodOptional<z.ZodEnum<{
        decode: "decode";
        memory: "memory";
        prefill: "prefill";
        quality: "quality";
        size: "size";
    }>>;
    pairedWith: z.ZodOptional<z.ZodString>;
    require: z.ZodOptional<z.ZodObject<{
        must: z.ZodEnum<{
            "at-least": "at-least";
            "at-most": "at-most";
        }>;
        bound: z.ZodNumber;
    }, z.core.$strict>>;
}, z.core.$strict>;
export type MetricSpec = Immutable<z.infer<typeof metricSpec>>;
/** Whether launches measure it; else it is a figure over other metrics. */
export declare const isSampled: ({ from }: Pick<MetricSpec, 'from'>) => boolean;
export {};
