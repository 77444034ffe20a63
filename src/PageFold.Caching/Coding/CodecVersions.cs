namespace PageFold.Caching.Coding;

/// <summary>The tables in use: the built-in ones, the current ones, and earlier ones that entries still need.</summary>
/// <remarks>
/// <para>
/// Each trained version has a number, which its entries keep. A version that no entry references, and that is not the current one, is
/// closed; its tables are freed, and its number given to another, once no coder is taken that was taken before it was closed. A reader
/// takes a coder before it looks up an entry, so it never decodes with tables that were put in the place of others.
/// </para>
/// <para>Thread-safe.</para>
/// </remarks>
internal sealed class CodecVersions : IDisposable
{
    /// <summary>The greatest number of trained versions that can exist.</summary>
    public const int MostVersions = byte.MaxValue - ValueForm.FirstTrained + 1;

    private readonly CacheMemory _memory;
    private readonly FoldLevel _level;
    private readonly int _max;
    private readonly int _coders;
    private int _published;
    private readonly Lock _gate = new();
    private readonly CodecVersion?[] _versions = new CodecVersion?[byte.MaxValue + 1];
    private readonly List<CodecVersion> _inOrder = [];
    private readonly List<CodecVersion> _closed = [];
    private CodecVersion _current;
    private long _moment = 1;
    private long _given;
    private int _closedCount;

    /// <param name="memory">What tables are charged to.</param>
    /// <param name="level">The level at which values are compressed.</param>
    /// <param name="max">Trained versions that exist at once, at most.</param>
    /// <param name="coders">Coders there can be.</param>
    public CodecVersions(CacheMemory memory, FoldLevel level, int max, int coders)
    {
        (_memory, _level, _coders) = (memory, level, coders);
        _max = Math.Clamp(max, 1, MostVersions);
        PageCodec codec = PageCodec.Fold(level);
        (long small, long large) = MeasureContexts(codec);
        // The library shares these tables with all that use the codec.
        BuiltIn = new CodecVersion(ValueForm.BuiltInNumber, codec, small, large, bytes: 0, tables: []);
        _versions[ValueForm.BuiltInNumber] = BuiltIn;
        _current = BuiltIn;
    }

    /// <summary>How many trainings have given tables so far.</summary>
    public int Published => Volatile.Read(ref _published);

    /// <summary>The built-in tables.</summary>
    public CodecVersion BuiltIn { get; }

    /// <summary>The version for new values.</summary>
    public CodecVersion Current => Volatile.Read(ref _current);

    /// <summary>Counts the versions that were closed; a coder keeps the moment at which it was taken.</summary>
    public long Moment => Volatile.Read(ref _moment);

    /// <summary>Counts the versions that were given back: contexts of a coder that has seen another number may be of those.</summary>
    public long Given => Volatile.Read(ref _given);

    /// <summary>True if there are closed versions, which wait for readers.</summary>
    public bool HasClosed => Volatile.Read(ref _closedCount) > 0;

    /// <summary>True if no further version fits before one is given back.</summary>
    public bool IsFull
    {
        get
        {
            lock (_gate)
                return _inOrder.Count >= _max;
        }
    }

    /// <summary>The trained versions that exist, from the oldest to the newest.</summary>
    public CodecVersion[] All
    {
        get
        {
            lock (_gate)
                return [.. _inOrder];
        }
    }

    /// <summary>The oldest version that is not the current one; null if there is none.</summary>
    public CodecVersion? Oldest
    {
        get
        {
            lock (_gate)
                return _inOrder.Find(version => version != _current);
        }
    }

    /// <summary>The version of a number; null if there is none.</summary>
    public CodecVersion? this[byte number] => Volatile.Read(ref _versions[number]);

    /// <summary>Returns the current version with a reference, which the caller gives to an entry or ends.</summary>
    public CodecVersion AcquireCurrent()
    {
        while (true)
        {
            CodecVersion current = Current;
            if (current == BuiltIn || current.TryAcquire())
                return current;
        }
    }

    /// <summary>Takes one more reference for an entry whose own reference keeps the version open.</summary>
    public void AddReference(ValueForm form)
    {
        if (form.IsCounted)
            _versions[form.Number]!.TryAcquire();
    }

    /// <summary>Ends a reference; true if that closed its version.</summary>
    public bool Release(ValueForm form)
    {
        if (!form.IsCounted)
            return false;
        CodecVersion version = _versions[form.Number]!;
        return version.Release() && Close(version);
    }

    /// <summary>
    /// Makes trained tables the current ones; false if there are too many versions, or the limit is reached. The caller then calls <see
    /// cref="Reclaim"/>.
    /// </summary>
    /// <param name="tables">The tables.</param>
    /// <param name="held">
    /// Bytes that the caller has charged and needs no more: the tables, and contexts for them, take theirs from it. In a cache that is full
    /// there are no others.
    /// </param>
    /// <exception cref="ArgumentException">The bytes are no tables.</exception>
    public bool TryPublish(ReadOnlySpan<byte> tables, ref long held)
    {
        if (TryMake(tables, Adoption.Current, ref held, out CodecVersion? before) is null)
            return false;
        Interlocked.Increment(ref _published);
        // Where its last reference ends at this moment, that thread sees the new current version, or this one sees no reference.
        Close(before!);
        return true;
    }

    /// <summary>
    /// Returns the version of tables that entries come with, and makes it if there is none; null if there are too many versions, or the
    /// limit is reached.
    /// </summary>
    /// <param name="tables">The tables.</param>
    /// <param name="mayBeCurrent">They become the current ones in place of the built-in ones, but not of others.</param>
    /// <returns>The version with a reference, which the caller ends.</returns>
    /// <exception cref="ArgumentException">The bytes are no tables.</exception>
    public CodecVersion? TryAdopt(ReadOnlySpan<byte> tables, bool mayBeCurrent)
    {
        foreach (CodecVersion version in All)
        {
            if (version.Tables.Span.SequenceEqual(tables) && version.TryAcquire())
                return version;
        }
        long held = 0;
        return TryMake(tables, mayBeCurrent ? Adoption.CurrentIfFirst : Adoption.Referenced, ref held, out _);
    }

    /// <summary>Gives back the versions that were closed before the oldest coder in use was taken; true if there were any.</summary>
    /// <param name="oldest">The moment at which that coder was taken; the greatest number if none is taken.</param>
    public bool Reclaim(long oldest)
    {
        bool found = false;
        lock (_gate)
        {
            for (int i = _closed.Count - 1; i >= 0; i--)
            {
                CodecVersion version = _closed[i];
                if (version.ClosedAt > oldest)
                    continue;
                found = true;
                _closed.RemoveAt(i);
                _inOrder.Remove(version);
                Volatile.Write(ref _versions[version.Number], null);
                Free(version);
            }
            Volatile.Write(ref _closedCount, _closed.Count);
            if (found)
                Interlocked.Increment(ref _given);
        }
        return found;
    }

    /// <summary>Gives all versions back. No coder is in use, or will be.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (CodecVersion version in _inOrder)
                Free(version);
            _inOrder.Clear();
            _closed.Clear();
            Volatile.Write(ref _current, BuiltIn);
        }
    }

    private CodecVersion? TryMake(ReadOnlySpan<byte> tables, Adoption adoption, ref long held, out CodecVersion? before)
    {
        before = null;
        PageCodec codec = PageCodec.Fold(_level, tables);
        (long small, long large) = MeasureContexts(codec);
        // The codec has a copy of the tables, and the version another one, to be saved.
        long bytes = codec.SharedBytes + 2L * tables.Length;
        byte[] copy = tables.ToArray();
        int contexts = (int)Math.Clamp((held - bytes) / small, 0, _coders);
        bytes += contexts * small;
        bool isHeld = bytes <= held;
        if (isHeld || _memory.TryCharge(bytes))
        {
            if (TryAdd(number => new CodecVersion(number, codec, small, large, bytes, copy, contexts), adoption, out before) is { } added)
            {
                if (isHeld)
                    held -= bytes;
                return added;
            }
            if (!isHeld)
                _memory.Release(bytes);
        }
        codec.FreeShared();
        return null;
    }

    /// <summary>Adds a version; null if there are too many.</summary>
    private CodecVersion? TryAdd(Func<byte, CodecVersion> make, Adoption adoption, out CodecVersion? before)
    {
        before = null;
        lock (_gate)
        {
            if (_inOrder.Count >= _max)
                return null;
            CodecVersion version = make((byte)Array.IndexOf(_versions, null, ValueForm.FirstTrained));
            if (adoption != Adoption.Current)
                version.TryAcquire();
            Volatile.Write(ref _versions[version.Number], version);
            _inOrder.Add(version);
            if (adoption == Adoption.Current || adoption == Adoption.CurrentIfFirst && _current == BuiltIn)
                before = Interlocked.Exchange(ref _current, version);
            return version;
        }
    }

    /// <summary>Closes a version that is not the current one and has no reference; true if this call closed it.</summary>
    private bool Close(CodecVersion version)
    {
        if (version == BuiltIn || version == Current || !version.TryClose())
            return false;
        lock (_gate)
        {
            version.ClosedAt = Interlocked.Increment(ref _moment);
            _closed.Add(version);
            Volatile.Write(ref _closedCount, _closed.Count);
        }
        return true;
    }

    // Contexts that are still there keep the tables until they are disposed; they are charged themselves.
    private void Free(CodecVersion version)
    {
        version.Codec.FreeShared();
        _memory.Release(version.Bytes);
    }

    private static (long Small, long Large) MeasureContexts(PageCodec codec)
    {
        using PageCodecContext small = codec.CreateContext(ValueCoder.SmallLength);
        using PageCodecContext large = codec.CreateContext(ValueCoder.MaxLength);
        return (small.Bytes, large.Bytes);
    }

    /// <summary>How a version begins.</summary>
    private enum Adoption
    {
        /// <summary>As the current one.</summary>
        Current,

        /// <summary>With a reference; as the current one too if that is the built-in one.</summary>
        CurrentIfFirst,

        /// <summary>With a reference.</summary>
        Referenced,
    }
}
