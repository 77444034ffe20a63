using PageFold.Frames;

namespace PageFold.Store.Snapshots;

/// <summary>
/// Where a snapshot's buffers come from: what is free within the limit, or, in a full store, what was kept aside for that
/// (<see cref="PageStoreOptions.SnapshotReserve"/>), where they are smaller.
/// </summary>
/// <param name="Budget">What they are charged to.</param>
/// <param name="BufferBytes">Bytes of each.</param>
internal readonly record struct SnapshotMemory(MemoryBudget Budget, int BufferBytes)
{
    /// <summary>Buffers of the reserve: one for records to fill, one to be written, and one for an image's pages in sequence.</summary>
    public const int Buffers = 3;

    private const int MinBytes = 32 << 10;

    /// <summary>Bytes of a small buffer; two pages fit at least.</summary>
    public static int SmallBytes(int pageSize) =>
        Math.Max(MinBytes, 2 * (pageSize + SnapshotFormat.ChunkHeaderBytes + SnapshotFormat.RecordHeaderBytes));
}
