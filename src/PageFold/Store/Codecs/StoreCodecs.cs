using PageFold.Compression;
using PageFold.Frames;
using PageFold.Store.Index;

namespace PageFold.Store.Codecs;

/// <summary>
/// Adds codecs to a store and forgets them: keeps its table of codecs, the contexts in its codec streams, and what is charged for both in
/// step. A page stays with the codec it was stored with until it is written again or recompressed, so a store may hold pages of several.
/// Thread-safe.
/// </summary>
internal sealed class StoreCodecs(PageIndex index, CodecTable table, CodecStreams streams)
{
    private const int NoMemory = -1;
    private const int NoNumber = -2;

    /// <summary>The codecs by number.</summary>
    public CodecTable Table => table;

    public CodecStreams Streams => streams;

    /// <summary>The codec of new writes.</summary>
    public PageCodec ForWrites
    {
        get
        {
            PageCodec? codec;
            // Between the two reads, writes may come to use another codec, and the number may be left without one.
            do
                codec = table[table.ForWrites];
            while (codec is null);
            return codec;
        }
    }

    /// <summary>The codecs with their pages, as of one moment.</summary>
    public IReadOnlyList<CodecUse> Describe()
    {
        using RundownGate.Entry entry = index.Enter();
        StoreFigures figures = index.Counters.EnterAll();
        KnownCodecs known = KnownCodecs.Of(table);
        index.Counters.ExitAll();
        return known.Describe(figures, index.PageSize);
    }

    /// <summary>The codec with a number; null for none.</summary>
    public PageCodec? Find(int number)
    {
        using RundownGate.Entry entry = index.Enter();
        return number is >= 0 and < PageWord.MaxCodecs ? table[number] : null;
    }

    /// <summary>Makes a codec known and returns its number.</summary>
    public int Add(PageCodec codec) => Add(codec, useForWrites: false, hold: false);

    /// <summary>Has new writes use a codec, which is made known if need be.</summary>
    public void UseForWrites(PageCodec codec) => Add(codec, useForWrites: true, hold: false);

    /// <summary>
    /// Makes a codec known and keeps its number from being given to another until <see cref="EndHold"/>, for a caller that is about to
    /// store pages with it.
    /// </summary>
    public int Hold(PageCodec codec) => Add(codec, useForWrites: false, hold: true);

    /// <summary>The same, but -1 where no number is free.</summary>
    /// <param name="codec">The codec.</param>
    /// <param name="charged">What the caller has charged for what the codec shares. It goes over to the store with a new codec, and is zero
    /// then; otherwise the caller still has it.</param>
    public int TryHold(PageCodec codec, ref long charged)
    {
        int number = Add(codec, useForWrites: false, hold: true, ref charged);
        return number == NoNumber ? -1 : number;
    }

    public void EndHold(int number) => table.EndHold(number);

    /// <summary>The codec of the store that reads and writes what a described one does; null if it has none.</summary>
    public PageCodec? Find(CodecDescription description)
    {
        for (int number = 0; number < PageWord.MaxCodecs; number++)
        {
            if (table[number] is { } codec && description.IsEquivalent(codec.Describe(index.PageSize)))
                return codec;
        }
        return null;
    }

    /// <summary>Decompresses stored bytes with a codec that cannot go meanwhile. Needs no memory; false if the bytes are damaged.</summary>
    public bool TryDecompress(int codec, ReadOnlySpan<byte> stored, Span<byte> page)
    {
        using RundownGate.Entry entry = index.Enter();
        using CodecStream stream = streams.Take(entry.Stripe);
        return stream.Context(codec).TryDecompress(stored, page);
    }

    /// <summary>Refuses a call from a codec that works for this store: it would wait for what its own thread holds.</summary>
    /// <exception cref="InvalidOperationException">The current thread holds a codec stream or the codecs' lock.</exception>
    public void RefuseReentry()
    {
        streams.RefuseReentry();
        CodecsThrow.IfCodecCallsItsStore(table.Changes.IsHeldByCurrentThread);
    }

    /// <summary>
    /// Forgets a codec that nothing is stored with; false if something is, or may be soon. Another codec that has the number by now stays.
    /// </summary>
    public bool TryRemove(int number, PageCodec codec, bool onlyIfCameForRun)
    {
        using RundownGate.Entry entry = index.Enter();
        lock (table.Changes)
        {
            return table[number] != codec
                || !table.AreFrozen && (!onlyIfCameForRun || table.CameForRun(number))
                    && index.PagesWith(number) <= 0 && IsUnused(number) && TryForget(number);
        }
    }

    private int Add(PageCodec codec, bool useForWrites, bool hold)
    {
        long charged = 0;
        try
        {
            int number = Add(codec, useForWrites, hold, ref charged);
            if (number == NoNumber)
                CodecsThrow.NoCodecNumber(codec.ShownName);
            return number;
        }
        finally
        {
            table.Release(charged);
        }
    }

    private int Add(PageCodec codec, bool useForWrites, bool hold, ref long charged)
    {
        RefuseReentry();
        long loansEnded = index.Loans.Ended;
        int number = AddInside(codec, useForWrites, hold, ref charged, out long needed);
        if (number == NoMemory && (index.Loans.IsAny || index.Loans.Ended != loansEnded))
        {
            using MemoryLoans.Recall recall = index.Loans.CallIn();
            number = AddInside(codec, useForWrites, hold, ref charged, out needed);
        }
        if (number == NoMemory)
            CodecsThrow.NoMemoryForCodec(codec.ShownName, needed, index.Budget.Limit, index.Log is not null);
        return number;
    }

    private int AddInside(PageCodec codec, bool useForWrites, bool hold, ref long charged, out long needed)
    {
        using RundownGate.Entry entry = index.Enter();
        RoomMaker.Attempts attempts = index.Room.Begin();
        int number;
        do
            number = TryAdd(codec, useForWrites, hold, ref charged, out needed);
        while (number == NoMemory && attempts.TryMakeRoom());
        return number;
    }

    private int TryAdd(PageCodec codec, bool useForWrites, bool hold, ref long charged, out long needed)
    {
        needed = 0;
        lock (table.Changes)
        {
            int number = NumberOfSame(codec);
            bool isNew = number < 0;
            if (isNew)
            {
                CodecsThrow.IfCodecsFrozen(table.AreFrozen, codec.ShownName);
                number = FindNumber();
                if (number == NoNumber)
                    return NoNumber;
                if (!TryInstall(number, codec, ref charged, out needed)
                    && !(TryForget(number) && TryInstall(number, codec, ref charged, out needed)))
                    return NoMemory;
            }
            // What the caller asks for stays, also if a run brought it.
            if (isNew || !hold)
                table.NoteCameForRun(number, hold);
            if (useForWrites)
                table.ForWrites = number;
            if (hold)
                table.Hold(number);
            return number;
        }
    }

    /// <summary>
    /// Makes the first codec known and the first stream; false when there is no memory for them, while each part by itself is within the
    /// limit.
    /// </summary>
    public bool TryPrepare(PageCodec codec)
    {
        if (streams.BufferBytes > index.Budget.Limit)
            CodecsThrow.CodecAboveLimit(codec.ShownName, "a codec stream for pages of MaxCompressedLength", streams.BufferBytes,
                index.Budget.Limit);
        long charged = 0;
        bool prepared = table.TryCharge(codec, ref charged, out long shared);
        if (shared > index.Budget.Limit)
            CodecsThrow.CodecAboveLimit(codec.ShownName, nameof(PageCodec.SharedBytes), shared, index.Budget.Limit);
        if (!prepared)
            return false;
        table.Set(0, codec, charged, contextBytes: 0);
        prepared = streams.TryPrepareFirst(out long contextBytes) && table.TryCharge(codec, ref charged, out shared);
        if (shared > index.Budget.Limit)
            CodecsThrow.CodecAboveLimit(codec.ShownName, nameof(PageCodec.SharedBytes), shared, index.Budget.Limit);
        if (!prepared && contextBytes > index.Budget.Limit)
            CodecsThrow.CodecAboveLimit(codec.ShownName, "a context's Bytes", contextBytes, index.Budget.Limit);
        table.NoteCharge(0, charged);
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
            // What the contexts share may be made with the first of them, so it is read once more then.
            installed = TryShare() && streams.TryInstall(number, codec, ref contextBytes, TryShare);
            needed = shared > long.MaxValue - contextBytes ? long.MaxValue : shared + contextBytes;
        }
        finally
        {
            charged = installed ? 0 : total;
        }
        // Every stream has its context: from here on pages may be stored with the codec.
        if (installed)
            table.Set(number, codec, total, contextBytes);
        return installed;

        bool TryShare() => table.TryCharge(codec, ref total, out shared);
    }

    /// <summary>
    /// Gives back what a codec holds; false if the number has none. Nothing is stored with it, nor will be. The caller has the codecs'
    /// lock.
    /// </summary>
    private bool TryForget(int number)
    {
        if (table[number] is null)
            return false;
        streams.Uninstall(number);
        table.Set(number, codec: null, charged: 0, contextBytes: 0);
        return true;
    }

    /// <summary>The number of a codec, or of one that was made in the same way; -1 if there is none.</summary>
    public int NumberOfSame(PageCodec codec)
    {
        int number = table.NumberOf(codec);
        if (number >= 0 || codec.Describe(index.PageSize) is not { } description)
            return number;
        for (number = PageWord.MaxCodecs - 1; number >= 0; number--)
        {
            if (table[number] is { } known && known.Name == codec.Name && known.Implementation == codec.Implementation
                && description.IsEquivalent(known.Describe(index.PageSize)))
                break;
        }
        return number;
    }

    /// <summary>A number for one more codec: one without a codec, or else one whose codec is neither used nor about to be.</summary>
    private int FindNumber()
    {
        int number = table.NumberOf(null);
        if (number >= 0)
            return number;
        // A count that is taken while a page is being replaced may be off by one. So operations that are under way end, and it is taken
        // again.
        for (int attempt = 0; attempt < 2; attempt++)
        {
            for (number = 0; number < PageWord.MaxCodecs; number++)
            {
                if ((attempt == 1 || index.PagesWith(number) == 0) && IsUnused(number))
                    return number;
            }
        }
        return NoNumber;
    }

    /// <summary>True if nothing is stored with a number's codec, nor will be. The caller has the codecs' lock.</summary>
    private bool IsUnused(int number)
    {
        if (number == table.ForWrites || table.IsHeld(number))
            return false;
        // A write that began when this was the codec for writes may be about to publish its page. After that pages with it can only
        // become fewer.
        streams.AwaitAll();
        return index.PagesWith(number) == 0;
    }
}
