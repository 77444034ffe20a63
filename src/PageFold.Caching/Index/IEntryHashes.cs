namespace PageFold.Caching.Index;

/// <summary>Reads the hash of an entry's key where the entry lies.</summary>
internal interface IEntryHashes
{
    /// <summary>The 31 bits of the key's hash of the entry at this location.</summary>
    /// <remarks>The index calls it while it holds the entry's bucket, so the entry is there. It must not wait for a bucket.</remarks>
    public uint HashAt(ulong location);
}
