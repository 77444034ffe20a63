using System.Runtime.InteropServices;

namespace PageFold.Caching.Index;

/// <summary>A number that inserters write, on a cache line away from what all threads read.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct PaddedCount
{
    [FieldOffset(64)]
    public long Entries;
}
