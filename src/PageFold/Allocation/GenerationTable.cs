using PageFold.Frames;

namespace PageFold.Allocation;

/// <summary>The generations of slots, 4 bytes each.</summary>
/// <remarks>A new leaf starts at the origin, or at the note of the leaf that was dropped in its place.</remarks>
internal sealed class GenerationTable(FrameArena arena, uint origin) : FrameTable<uint>(arena)
{
    protected override void Initialize(Span<uint> items, uint? note) => items.Fill(note ?? origin);
}
