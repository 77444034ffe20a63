using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using PageFold.Caching.Coding;
using PageFold.Caching.Index;
using PageFold.Caching.Records;

namespace PageFold.Caching.Entries;

/// <summary>
/// The cache's work in the background, a slice at a time: removes what has expired or lost a tag, compresses entries again after a
/// training, and lets the index shrink.
/// </summary>
/// <remarks>The timer begins when there is something to do, and has no thread of its own. Thread-safe.</remarks>
internal sealed class CacheUpkeep(EntryStore store, EntryRemoval removal, EntryLinks links, EntryRecoder recoder, HotEntries hot,
    CacheExpiry expiry, EvictionNotices notices, TimeProvider time) : IDisposable
{
    private const int TightenSteps = 64;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    // A twentieth of a processor at most.
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private int _isRunning;
    private ITimer? _timer;
    private bool _disposed;

    // The pass under way: its next bucket, and what it is for.
    private uint _next;
    private bool _isPassing;
    private byte _recodedTo = ValueForm.BuiltInNumber;
    private int _deadTags;
    private int _sweptDeadTags;

    /// <summary>Has the timer run. Cheap if it does.</summary>
    public void Attend()
    {
        if (Volatile.Read(ref _timer) is not null)
            return;
        lock (_lock)
        {
            // A weak reference, so that the timer does not keep a forgotten cache alive.
            if (_timer is null && !_disposed)
                _timer = time.CreateTimer(static state => RunInBackground((WeakReference<CacheUpkeep>)state!),
                    new WeakReference<CacheUpkeep>(this), Period, Period);
        }
    }

    /// <summary>Notes that a tag was removed: its entries are to be found and freed.</summary>
    public void NoteDeadTag()
    {
        Interlocked.Increment(ref _deadTags);
        Attend();
    }

    /// <summary>Works for a while; false if nothing is left to do. The caller is inside the heap.</summary>
    /// <param name="slice">How long.</param>
    public bool Run(TimeSpan slice)
    {
        // Without a lock: callbacks are told of evictions on the way, and may do what they like.
        if (Interlocked.Exchange(ref _isRunning, 1) != 0)
            return true;
        try
        {
            expiry.RemoveDue();
            expiry.Fit();
            Tighten(slice);
            hot.Cool();
            return TryGoOn(slice);
        }
        finally
        {
            Volatile.Write(ref _isRunning, 0);
        }
    }

    /// <summary>Frees tables of the number from all entries: compresses the entries again, or evicts them. Tells of none.</summary>
    public void Retire(byte number)
    {
        if (!store.Heap.TryEnter(out HeapAccess access))
            return;
        using (access)
            RetireInside(number);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _timer?.Dispose();
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "A callback of the cache's user that throws must not end the process.")]
    private static void RunInBackground(WeakReference<CacheUpkeep> reference)
    {
        if (!reference.TryGetTarget(out CacheUpkeep? upkeep) || !upkeep.Inside(out HeapAccess access))
            return;
        using (access)
        {
            try
            {
                upkeep.Run(Slice);
                upkeep.Tell();
            }
            catch (Exception)
            {
                // There is no caller that the exception could reach; the next run goes on.
            }
        }
    }

    private bool Inside(out HeapAccess access) => store.Heap.TryEnter(out access);

    private void Tell() => notices.Tell();

    /// <summary>Lets the index shrink for half of the slice, so that one of which most was removed is small in minutes.</summary>
    private void Tighten(TimeSpan slice)
    {
        long begun = Stopwatch.GetTimestamp();
        while (store.Index.Tighten(TightenSteps) && Stopwatch.GetElapsedTime(begun) < slice / 2)
            continue;
    }

    private bool TryGoOn(TimeSpan slice)
    {
        byte current = links.Coding.Versions.Current.Number;
        int deadTags = Volatile.Read(ref _deadTags);
        if (!_isPassing)
        {
            if (current == _recodedTo && deadTags == _sweptDeadTags)
                return false;
            (_isPassing, _next, _recodedTo, _sweptDeadTags) = (true, 0, current, deadTags);
        }
        long begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun) < slice)
        {
            if (VisitNext())
                continue;
            _isPassing = false;
            break;
        }
        return true;
    }

    [SkipLocalsInit]
    private bool VisitNext()
    {
        Visitor visitor = new(store, links, _recodedTo, stackalloc SeenEntry[BucketTable<TagHashes>.MaxBucketEntries]);
        if (!store.Index.TryVisit(_next++, ref visitor))
            return false;
        HasPassed passed = new(links, expiry.Clock.Now);
        foreach (SeenEntry seen in visitor.Dead)
            removal.TryRemoveAt(seen.Hash, seen.Location, passed, CacheEvictionReason.Tag);
        foreach (SeenEntry seen in visitor.Old)
            recoder.TryRecode(seen);
        return true;
    }

    [SkipLocalsInit]
    private void RetireInside(byte number)
    {
        using EntryWalk<TagHashes> walk = store.Index.Walk();
        EntryWalk<TagHashes> position = walk;
        NumberVisitor visitor = new(store, number, stackalloc SeenEntry[BucketTable<TagHashes>.MaxBucketEntries]);
        while (position.TryNext(ref visitor))
        {
            foreach (SeenEntry seen in visitor.Seen)
            {
                if (!recoder.TryFreeTables(seen))
                    removal.TryRemoveAt(seen.Hash, seen.Location, new HasNumber(number), CacheEvictionReason.Capacity);
            }
            visitor.Reset();
        }
    }

    private static bool Uses(EntryStore store, ulong location, byte number) =>
        store.TryOpen(location, out EntryView entry)
        && (entry.Header.Is(EntryForms.InPieces) ? Chunks.Use(store.Heap, entry, number) : entry.Header.Codec == number);

    private readonly struct HasNumber(byte number) : IEntryCondition
    {
        // A pinned entry keeps its tables rather than go.
        public bool Holds(EntryStore store, EntryState state, ulong location) =>
            !state.IsPinned && Uses(store, location, number);
    }

    /// <summary>Finds the entries of a codec's number.</summary>
    private ref struct NumberVisitor(EntryStore store, byte number, Span<SeenEntry> seen) : IEntryVisitor
    {
        private readonly Span<SeenEntry> _seen = seen;
        private int _count;

        public readonly ReadOnlySpan<SeenEntry> Seen => _seen[.._count];

        public void Visit(ulong location, uint hash, EntryState state)
        {
            if (Uses(store, location, number))
                _seen[_count++] = new SeenEntry(hash, location);
        }

        public void Reset() => _count = 0;
    }

    /// <summary>
    /// Finds entries whose tag is dead, from the front of a buffer, and those of other tables than the current, from its end.
    /// </summary>
    private ref struct Visitor(EntryStore store, EntryLinks links, byte current, Span<SeenEntry> buffer) : IEntryVisitor
    {
        private readonly Span<SeenEntry> _buffer = buffer;
        private int _dead;
        private int _old;

        public readonly ReadOnlySpan<SeenEntry> Dead => _buffer[.._dead];

        public readonly ReadOnlySpan<SeenEntry> Old => _buffer[^_old..];

        public void Visit(ulong location, uint hash, EntryState state)
        {
            if (!store.TryOpen(location, out EntryView entry))
                return;
            if (entry.Header.Is(EntryForms.Tagged) && links.IsDead(entry))
                _buffer[_dead++] = new SeenEntry(hash, location);
            else if (current != ValueForm.BuiltInNumber && entry.Header.Codec != current && !entry.Header.Is(EntryForms.InPieces))
                _buffer[^++_old] = new SeenEntry(hash, location);
        }
    }
}
