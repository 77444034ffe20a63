using PageFold.Frames;

namespace PageFold.Allocation;

/// <summary>Slots (<see cref="SlotWord"/>) by number, 8 bytes each.</summary>
/// <remarks>
/// The slot is the only place that names an object's location. An object's tag names its slot; compaction moves the object only if that
/// slot is locked and still points at it. A page store numbers its slots by page, a pool by handle.
/// </remarks>
internal sealed class SlotTable(FrameArena arena) : FrameTable<ulong>(arena);
