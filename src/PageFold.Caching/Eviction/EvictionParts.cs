namespace PageFold.Caching.Eviction;

/// <summary>The tables that a policy works on; their owner resizes and disposes them.</summary>
/// <param name="Sketch">How often keys were seen.</param>
/// <param name="WritesSketch">Whether the policy counts keys in the sketch or only reads it.</param>
/// <param name="Ghost">Which keys were evicted lately.</param>
/// <param name="Queue">The order of the small part.</param>
internal readonly record struct EvictionParts(FrequencySketch Sketch, bool WritesSketch, GhostTable Ghost, HashQueue Queue);
