using PageFold.Caching.Index;
using PageFold.Caching.Records;

namespace PageFold.Caching.Entries;

/// <summary>Reads the hash of an entry from its object's tag.</summary>
internal readonly struct TagHashes(ObjectHeap heap) : IEntryHashes
{
    public uint HashAt(ulong location) => new EntryTag(heap.View(new ObjectLocation(location)).Tag).Hash;
}
