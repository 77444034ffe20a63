using PageFold.Frames;

namespace PageFold.Allocation;

/// <summary>
/// The generations of slots, 4 bytes each. Those of a new leaf are the origin, or what the leaf that was dropped in its place has noted.
/// </summary>
internal sealed class GenerationTable(FrameArena arena, uint origin) : FrameTable<uint>(arena)
{
    protected override void Initialize(Span<uint> items, uint? note) => items.Fill(note ?? origin);
}
