using PageFold.Caching.Index;

namespace PageFold.Caching.Entries;

/// <summary>How many entries, and bytes of entries, are in the small and in the main part. Thread-safe.</summary>
/// <remarks>Pinned entries are counted apart: eviction does not know of them.</remarks>
internal sealed class ResidentCounts
{
    private long _smallEntries;
    private long _smallBytes;
    private long _mainEntries;
    private long _mainBytes;
    private long _pinnedBytes;

    public long SmallEntries => Volatile.Read(ref _smallEntries);

    public long SmallBytes => Volatile.Read(ref _smallBytes);

    public long MainEntries => Volatile.Read(ref _mainEntries);

    public long MainBytes => Volatile.Read(ref _mainBytes);

    public long PinnedBytes => Volatile.Read(ref _pinnedBytes);

    public void AddPinned(long bytes) => Interlocked.Add(ref _pinnedBytes, bytes);

    /// <summary>Counts a pinned entry unless all would then have more than so many bytes.</summary>
    public bool TryAddPinned(long bytes, long most)
    {
        while (true)
        {
            long before = PinnedBytes;
            if (before + bytes > most)
                return false;
            if (Interlocked.CompareExchange(ref _pinnedBytes, before + bytes, before) == before)
                return true;
        }
    }

    public void Add(EntryState state, long bytes) => Change(state.IsMain, 1, bytes);

    public void Remove(EntryState state, long bytes)
    {
        if (state.IsPinned)
            AddPinned(-bytes);
        else
            Change(state.IsMain, -1, -bytes);
    }

    /// <summary>Counts that an entry has other bytes now.</summary>
    public void Resize(EntryState state, long by)
    {
        if (state.IsPinned)
            AddPinned(by);
        else
            Change(state.IsMain, 0, by);
    }

    /// <summary>Counts an entry in the main part instead of the small one.</summary>
    public void Promote(long bytes)
    {
        Change(isMain: false, -1, -bytes);
        Change(isMain: true, 1, bytes);
    }

    private void Change(bool isMain, long entries, long bytes)
    {
        if (entries != 0)
            Interlocked.Add(ref isMain ? ref _mainEntries : ref _smallEntries, entries);
        Interlocked.Add(ref isMain ? ref _mainBytes : ref _smallBytes, bytes);
    }
}
