using PageFold.Frames;

namespace PageFold;

/// <summary>
/// An operation of the owner inside its heap. While it lasts, the heap's memory stays, although another thread disposes the heap.
/// </summary>
/// <remarks>Stack-only; the owner disposes it once, on any thread.</remarks>
public readonly ref struct HeapAccess
{
    private readonly RundownGate.Entry _entry;

    internal HeapAccess(RundownGate.Entry entry) => _entry = entry;

    /// <summary>Ends the operation.</summary>
    public void Dispose() => _entry.Dispose();
}
