using PageFold.Store;

namespace PageFold;

/// <summary>
/// The store's codecs. A page stays with the codec it was stored with until it is written again or recompressed, so a store may hold pages of several.
/// </summary>
public sealed unsafe partial class PageStore
{
    private const int NoMemory = -1;

    /// <summary>How new writes are compressed.</summary>
    public PageCodec Codec => _codecs[_codecs.ForWrites]!;

    /// <summary>The codecs that the store knows, by number.</summary>
    public IReadOnlyList<CodecUse> Codecs
    {
        get
        {
            int stripe = _gate.Enter();
            try
            {
                lock (_codecs.Changes)
                {
                    return [.. Enumerable.Range(0, CodecTable.Most).Where(number => _codecs[number] is not null).Select(number =>
                        new CodecUse(_codecs[number]!.Name, _codecs[number]!.Implementation, PagesWith(number), number == _codecs.ForWrites))];
                }
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
    /// <exception cref="InvalidOperationException">There are four codecs, all in use, or a snapshot is being taken.</exception>
    /// <exception cref="MemoryLimitException">There is no memory for its contexts; nothing has changed.</exception>
    public int AddCodec(PageCodec codec) => AddCodec(codec, useForWrites: false, hold: false);

    /// <summary>Has new writes use a codec, which is made known if need be. What is stored stays as it is.</summary>
    /// <param name="codec">The codec.</param>
    /// <inheritdoc cref="AddCodec(PageCodec)" path="/exception"/>
    public void UseCodec(PageCodec codec) => AddCodec(codec, useForWrites: true, hold: false);

    /// <summary>Makes a codec known and keeps its number from being given to another until <see cref="EndHold"/>, for one who is about to store pages with it.</summary>
    internal int HoldCodec(PageCodec codec) => AddCodec(codec, useForWrites: false, hold: true);

    internal void EndHold(int codec) => _codecs.EndHold(codec);

    private int AddCodec(PageCodec codec, bool useForWrites, bool hold)
    {
        Throw.IfCodecMissing(codec);
        int stripe = _gate.Enter();
        try
        {
            int number = TryAddCodec(codec, useForWrites, hold);
            for (int round = 0; number == NoMemory && round < MostRounds && TryMakeRoom(round); round++)
                number = TryAddCodec(codec, useForWrites, hold);
            if (number == NoMemory)
                Throw.NoMemoryForCodec(codec.Name, MemoryLimit);
            return number;
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    private int TryAddCodec(PageCodec codec, bool useForWrites, bool hold)
    {
        lock (_codecs.Changes)
        {
            int number = NumberOfSame(codec);
            if (number < 0)
            {
                Throw.IfCodecsFrozen(_codecs.AreFrozen, codec.Name);
                number = FindCodecNumber(codec);
                if (!_codecs.TryCharge(codec))
                    return NoMemory;
                bool installed = false;
                long contextBytes = 0;
                try
                {
                    installed = _benches.TryInstall(number, codec, out contextBytes);
                }
                finally
                {
                    if (!installed)
                        _codecs.Release(codec);
                }
                if (!installed)
                    return NoMemory;
                // Every workbench has its context: from here on pages may be stored with it.
                _codecs.Set(number, codec, contextBytes);
            }
            if (useForWrites)
                _codecs.ForWrites = number;
            if (hold)
                _codecs.Hold(number);
            return number;
        }
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

    /// <summary>A number for one more codec: one never used, or else one whose codec is neither used nor about to be.</summary>
    private int FindCodecNumber(PageCodec codec)
    {
        int number = _codecs.NumberOf(null);
        if (number >= 0)
            return number;
        // A count that is taken while a page is being replaced may be off by one; so whoever is at it ends, and it is taken anew.
        for (int attempt = 0; attempt < 2; attempt++)
        {
            for (number = 0; number < CodecTable.Most; number++)
            {
                if (number == _codecs.ForWrites || _codecs.IsHeld(number) || attempt == 0 && PagesWith(number) != 0)
                    continue;
                // A write that began when this was the codec for writes may be about to publish its page. After that pages with it can only become fewer.
                _benches.AwaitAll();
                if (PagesWith(number) == 0)
                    return number;
            }
        }
        Throw.NoCodecNumber(codec.Name);
        return NoMemory;
    }

    private long PagesWith(int codec) => _counters.Read(StoreCounter.FirstCodec + codec);
}
