using PageFold.Store;

namespace PageFold;

/// <summary>
/// The store's codecs. A page stays with the codec it was stored with until it is written again or recompressed, so a store may hold pages of several.
/// </summary>
public sealed unsafe partial class PageStore
{
    private const int NoMemory = -1;
    private const int NoNumber = -2;

    /// <summary>How new writes are compressed. Thread-safe like all members, and never waits.</summary>
    public PageCodec Codec => _codecs[_codecs.ForWrites]!;

    /// <summary>The codecs that the store knows, in the order of their numbers, which need not follow each other. Never waits.</summary>
    /// <remarks><see cref="PageStoreStatistics.Codecs"/> has them as they were when its other figures were taken.</remarks>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public IReadOnlyList<CodecUse> Codecs
    {
        get
        {
            int stripe = _gate.Enter();
            try
            {
                StoreFigures figures = _counters.EnterAll();
                KnownCodecs known = KnownCodecs.Of(_codecs);
                _counters.ExitAll();
                return known.Describe(figures);
            }
            finally
            {
                _gate.Exit(stripe);
            }
        }
    }

    /// <summary>
    /// Makes a codec known, beside up to three others; a codec that is known already, or one of the same kind, level and dictionary, keeps its number. When there are four, the new one takes the number of one that nothing is
    /// stored with and that new writes do not use.
    /// </summary>
    /// <param name="codec">The codec.</param>
    /// <returns>Its number, 0 to 3.</returns>
    /// <exception cref="ArgumentException">The codec is null, or says of its memory what cannot be.</exception>
    /// <exception cref="InvalidOperationException">There are four codecs, all in use (<see cref="RetireCodec"/> frees a number), or a
    /// snapshot is being taken, or a codec calls the store that it works for.</exception>
    /// <exception cref="MemoryLimitException">There is no memory for its contexts; nothing has changed, but that a codec may be forgotten
    /// with which nothing was stored.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    /// <remarks>An exception of the codec's own reaches the caller; nothing has changed then.</remarks>
    public int AddCodec(PageCodec codec)
    {
        Throw.IfCodecMissing(codec);
        return AddCodec(codec, useForWrites: false, hold: false);
    }

    /// <summary>Has new writes use a codec, which is made known if need be. What is stored stays as it is.</summary>
    /// <param name="codec">The codec.</param>
    /// <inheritdoc cref="AddCodec(PageCodec)" path="/exception"/>
    public void UseCodec(PageCodec codec)
    {
        Throw.IfCodecMissing(codec);
        AddCodec(codec, useForWrites: true, hold: false);
    }

    /// <summary>Makes a codec known and keeps its number from being given to another until <see cref="EndHold"/>, for one who is about to store pages with it.</summary>
    internal int HoldCodec(PageCodec codec) => AddCodec(codec, useForWrites: false, hold: true);

    /// <summary>The same, but -1 where no number is free.</summary>
    /// <param name="codec">The codec.</param>
    /// <param name="charged">What the caller has charged for what the codec shares: it goes over to the store with a new codec, and is
    /// zero then; otherwise the caller still has it.</param>
    internal int TryHoldCodec(PageCodec codec, ref long charged)
    {
        int number = AddCodec(codec, useForWrites: false, hold: true, ref charged);
        return number == NoNumber ? -1 : number;
    }

    internal void EndHold(int codec) => _codecs.EndHold(codec);

    private int AddCodec(PageCodec codec, bool useForWrites, bool hold)
    {
        long charged = 0;
        try
        {
            int number = AddCodec(codec, useForWrites, hold, ref charged);
            if (number == NoNumber)
                Throw.NoCodecNumber(codec.Name);
            return number;
        }
        finally
        {
            _codecs.Release(charged);
        }
    }

    private int AddCodec(PageCodec codec, bool useForWrites, bool hold, ref long charged)
    {
        _benches.RefuseReentry();
        Throw.IfCodecCallsItsStore(_codecs.Changes.IsHeldByCurrentThread);
        int stripe = _gate.Enter();
        try
        {
            int number = TryAddCodec(codec, useForWrites, hold, ref charged, out long needed);
            for (int round = 0; number == NoMemory && round < MostRounds && TryMakeRoom(round); round++)
                number = TryAddCodec(codec, useForWrites, hold, ref charged, out needed);
            if (number == NoMemory)
                Throw.NoMemoryForCodec(codec.Name, needed, MemoryLimit);
            return number;
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    private int TryAddCodec(PageCodec codec, bool useForWrites, bool hold, ref long charged, out long needed)
    {
        needed = 0;
        lock (_codecs.Changes)
        {
            int number = NumberOfSame(codec);
            bool isNew = number < 0;
            if (isNew)
            {
                Throw.IfCodecsFrozen(_codecs.AreFrozen, codec.Name);
                number = FindCodecNumber();
                if (number == NoNumber)
                    return NoNumber;
                if (!TryInstall(number, codec, ref charged, out needed)
                    && !(TryForget(number) && TryInstall(number, codec, ref charged, out needed)))
                    return NoMemory;
            }
            // What the caller asks for stays, also if a run brought it.
            if (isNew || !hold)
                _codecs.NoteCameForRun(number, hold);
            if (useForWrites)
                _codecs.ForWrites = number;
            if (hold)
                _codecs.Hold(number);
            return number;
        }
    }

    /// <summary>
    /// Makes the first codec known and the first workbench; false when there is no memory for them, while each part by itself is within
    /// the limit.
    /// </summary>
    private bool TryPrepareCodec(PageCodec codec)
    {
        if (_benches.BufferBytes > MemoryLimit)
            Throw.CodecAboveLimit(codec.Name, "a workbench for pages of MaxCompressedLength", _benches.BufferBytes, MemoryLimit);
        long charged = 0;
        bool prepared = _codecs.TryCharge(codec, ref charged, out long shared);
        if (shared > MemoryLimit)
            Throw.CodecAboveLimit(codec.Name, nameof(PageCodec.SharedBytes), shared, MemoryLimit);
        if (!prepared)
            return false;
        _codecs.Set(0, codec, charged, contextBytes: 0);
        prepared = _benches.TryPrepareFirst(out long contextBytes) && _codecs.TryCharge(codec, ref charged, out shared);
        if (shared > MemoryLimit)
            Throw.CodecAboveLimit(codec.Name, nameof(PageCodec.SharedBytes), shared, MemoryLimit);
        if (!prepared && contextBytes > MemoryLimit)
            Throw.CodecAboveLimit(codec.Name, "a context's Bytes", contextBytes, MemoryLimit);
        _codecs.Resettle(0, charged);
        return prepared;
    }

    /// <summary>
    /// Charges a codec, makes its contexts and gives it a number; after a failure the charge, as far as it was made, is the caller's.
    /// </summary>
    private bool TryInstall(int number, PageCodec codec, ref long charged, out long needed)
    {
        long total = charged;
        long shared = 0;
        long contextBytes = 0;
        bool installed = false;
        try
        {
            // What the contexts share may come into being with the first of them, so it is read once more then.
            installed = TryShare() && _benches.TryInstall(number, codec, ref contextBytes, TryShare);
            needed = shared > long.MaxValue - contextBytes ? long.MaxValue : shared + contextBytes;
        }
        finally
        {
            charged = installed ? 0 : total;
        }
        // Every workbench has its context: from here on pages may be stored with it.
        if (installed)
            _codecs.Set(number, codec, total, contextBytes);
        return installed;

        bool TryShare() => _codecs.TryCharge(codec, ref total, out shared);
    }

    /// <summary>
    /// Gives back what a codec holds that nothing is stored with, nor will be; false if the number has none. The caller has the codecs'
    /// lock.
    /// </summary>
    private bool TryForget(int number)
    {
        if (_codecs[number] is null)
            return false;
        _benches.Uninstall(number);
        _codecs.Set(number, codec: null, charged: 0, contextBytes: 0);
        return true;
    }

    /// <summary>The number of a codec, or of one that was made in the same way; -1 if there is none.</summary>
    private int NumberOfSame(PageCodec codec)
    {
        int number = _codecs.NumberOf(codec);
        if (number >= 0 || codec.Describe() is not { } description)
            return number;
        for (number = CodecTable.Most - 1; number >= 0; number--)
        {
            if (_codecs[number] is { } known && known.Name == codec.Name && known.Implementation == codec.Implementation && description.IsEquivalent(known.Describe()))
                break;
        }
        return number;
    }

    /// <summary>A number for one more codec: one without a codec, or else one whose codec is neither used nor about to be.</summary>
    private int FindCodecNumber()
    {
        int number = _codecs.NumberOf(null);
        if (number >= 0)
            return number;
        // A count that is taken while a page is being replaced may be off by one; so operations that are under way end, and it is taken
        // anew.
        for (int attempt = 0; attempt < 2; attempt++)
        {
            for (number = 0; number < CodecTable.Most; number++)
            {
                if ((attempt == 1 || PagesWith(number) == 0) && IsUnused(number))
                    return number;
            }
        }
        return NoNumber;
    }

    /// <summary>True if nothing is stored with a number's codec, nor will be. The caller has the codecs' lock.</summary>
    private bool IsUnused(int number)
    {
        if (number == _codecs.ForWrites || _codecs.IsHeld(number))
            return false;
        // A write that began when this was the codec for writes may be about to publish its page. After that pages with it can only
        // become fewer.
        _benches.AwaitAll();
        return PagesWith(number) == 0;
    }

    private long PagesWith(int codec) => _counters.Read(StoreCounter.FirstCodec + codec);
}
