using PageFold.Frames;

namespace PageFold.Allocation;

/// <summary>
/// Slots (<see cref="SlotWord"/>) by number, 8 bytes each. This is the owner that the
/// heap tells when an object moves: an object's tag names its slot, and only if that slot, locked, still points back is the object moved.
/// A page store numbers its slots by page, a pool by handle.
/// </summary>
internal sealed class SlotTable(FrameArena arena) : FrameTable<ulong>(arena);
